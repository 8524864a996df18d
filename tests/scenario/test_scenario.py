"""Scenario files that are right: how they are resolved, patched by arms, written out and read back."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from support.places import CORPUS, PROJECT

from sim.errors import InputError
from sim.experiment.refusals import validate
from sim.scenario import Loaded, Scenario, from_resolved, json_schema, load, resolved
from sim.scenario.patch.patches import difference, merged
from sim.scenario.validate.rules import broken_rules

pytestmark = pytest.mark.quick

VALID = CORPUS / "valid.toml"
TEXT = VALID.read_text()


def written(folder: Path, *changes: tuple[str, str], after: str = "") -> Path:
    """The valid scenario with changes, as a file."""
    text = TEXT
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    path = folder / "scenario.toml"
    path.write_text(text + after)
    return path


def with_roster(folder: Path, name: str = "people.csv") -> Path:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("influencer,followers\na,10\nb,20\nc,0\n")
    return written(folder, ("count = 100\n", f'roster = "{name}"\n'))


def test_a_valid_file_has_no_faults() -> None:
    assert validate([VALID]) == []
    assert broken_rules(load(VALID).scenario) == []


def test_a_loaded_scenario_leaves_no_support_share_open() -> None:
    surfaces = load(VALID).scenario.surfaces
    assert surfaces["find-people"].support_share == 0.2
    assert surfaces["feed"].support_share == 0.0


def test_a_surface_keeps_its_own_support_share_whatever_the_arm_s(tmp_path: Path) -> None:
    more = "\n[arms.more.support]\nshare = 0.4\n"
    own = load(written(tmp_path, ("follow_prob = 0.1", "support_share = 0.3"), after=more))
    assert own.arms["more"].surfaces["find-people"].support_share == 0.3
    common = load(written(tmp_path, after=more))
    assert common.arms["more"].surfaces["find-people"].support_share == 0.4
    assert common.arms["none"].surfaces["find-people"].support_share == 0.2


def test_arms_are_in_the_file_s_order_and_each_is_a_valid_scenario_by_itself() -> None:
    loaded = load(VALID)
    assert list(loaded.arms) == ["none", "tiered", "uniform"]
    for name, arm in loaded.arms.items():
        assert (arm.control, arm.arms, arm.claims) == (name, {name: {}}, {})
        assert Scenario.model_validate(arm.model_dump()) == arm
        assert broken_rules(arm) == []


def test_arms_differ_from_the_base_only_where_they_are_patched() -> None:
    loaded = load(VALID)
    base, tiered = loaded.scenario.model_dump(), loaded.arms["tiered"].model_dump()
    differing = {key for key in base if base[key] != tiered[key]}
    assert differing == {"support", "arms", "control", "claims"}
    assert difference(base["support"], tiered["support"]) == {"policy": "tiered"}


def test_an_arm_may_replace_a_distribution_by_one_of_another_kind(tmp_path: Path) -> None:
    path = written(
        tmp_path, after='\n[arms.even.influencers]\nfollowers = {kind = "constant", value = 5}\nquality = 0.5\n'
    )
    even = load(path).arms["even"].influencers
    assert even.followers.model_dump() == {"kind": "constant", "value": 5.0}
    assert even.quality.model_dump() == {"kind": "constant", "value": 0.5}


def test_an_arm_may_patch_one_number_of_a_distribution(tmp_path: Path) -> None:
    loaded = load(written(tmp_path, after="\n[arms.steep.influencers.followers]\nexponent = 2.5\n"))
    assert loaded.arms["steep"].influencers.followers.model_dump() == {
        "kind": "pareto",
        "min": 100.0,
        "exponent": 2.5,
        "max": 1e18,
    }


def test_an_agency_group_may_be_called_kind(tmp_path: Path) -> None:
    path = written(
        tmp_path, ("[agencies.big]", "[agencies.kind]"), after="\n[arms.x.agencies.kind]\nshop_factor = 2.0\n"
    )
    assert load(path).arms["x"].agencies["kind"].count == 2


def test_without_segments_verticals_and_arms_there_is_one_of_each(tmp_path: Path) -> None:
    path = tmp_path / "least.toml"
    path.write_text(
        'name = "least"\nseed = 1\nhorizon_days = 1\nreplications = 1\ninfluencers.count = 1\n'
        "fans = {count = 1, follows_per_fan = 0, sessions_per_day = 0}\n"
        'surfaces.feed = {kind = "feed", session_share = 1}\n'
        "arms.none.segments.all.activity = 2\n"
    )
    loaded = load(path)
    assert list(loaded.scenario.segments) == list(loaded.scenario.verticals) == ["all"]
    assert loaded.arms["none"].segments["all"].activity == 2.0


@pytest.mark.parametrize("replications", [None, 12])
def test_a_resolved_scenario_gives_the_same_loaded_one_again(tmp_path: Path, replications: int | None) -> None:
    after = "\n[arms.more]\nsupport.share = 0.4\ninfluencers.quality = 0.5\ninfluencers.followers.exponent = 3.0\n"
    after += "people_per_fan = 20.0\n[arms.more.support.tiers.lowest]\nweight = 0.5\n"
    loaded = load(written(tmp_path, after=after), replications=replications)
    again = from_resolved(json.loads(json.dumps(resolved(loaded))), None)
    assert again == loaded
    assert resolved(again) == resolved(loaded)
    assert list(again.arms["more"].support.tiers) == ["priority", "standard", "lowest"]


def test_a_resolved_scenario_with_a_roster_gives_the_same_loaded_one_again(tmp_path: Path) -> None:
    loaded = load(with_roster(tmp_path, "data/people.csv"))
    assert loaded.scenario.influencers.count == 3
    moved = tmp_path / "elsewhere.csv"
    moved.write_bytes((tmp_path / "data/people.csv").read_bytes())
    again = from_resolved(json.loads(json.dumps(resolved(loaded))), moved)
    assert again == loaded
    assert again.inputs["roster"] == loaded.inputs["roster"]
    with pytest.raises(InputError, match="the roster must be given beside a resolved scenario"):
        from_resolved(resolved(loaded), None)


def test_resolved_data_leave_out_no_key_of_the_models() -> None:
    data = resolved(load(VALID))
    assert set(data) == set(Scenario.model_fields) - {"check", "extends"}  # no part of what is run
    assert data["surfaces"]["feed"]["ranking"]["offset_people"] is None
    assert data["arms"] == {
        "none": {},
        "tiered": {"support": {"policy": "tiered"}},
        "uniform": {"support": {"policy": "uniform"}},
    }


def test_what_resolves_to_the_same_is_equal_whatever_the_text(tmp_path: Path) -> None:
    terse, wordy = load(VALID), load(written(tmp_path, ("[arms.none]", '# none\n[arms.none]\nsupport.policy = "none"')))
    assert terse == wordy
    assert terse.inputs != wordy.inputs


def test_replications_that_are_given_take_the_place_of_the_file_s() -> None:
    loaded = load(VALID, replications=9)
    assert {loaded.scenario.replications, *(arm.replications for arm in loaded.arms.values())} == {9}
    with pytest.raises(InputError, match=r"^replications must be from 1 to 100000, got 0$"):
        load(VALID, replications=0)


def test_a_roster_of_the_command_line_may_be_anywhere_and_replaces_the_scenario_s(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    path = with_roster(tmp_path / "a")
    other = tmp_path / "other.csv"
    other.write_text("influencer,followers\na,10\n")
    loaded = load(path, roster=other)
    assert loaded.scenario.influencers.count == 1
    assert loaded.scenario.influencers.roster == "other.csv"
    assert load(written(tmp_path, ("count = 100\n", "")), roster=other).scenario.influencers.count == 1


def test_a_count_given_with_a_roster_must_be_its_number_of_rows(tmp_path: Path) -> None:
    with_roster(tmp_path)
    roster = tmp_path / "people.csv"
    assert load(written(tmp_path, ("count = 100", "count = 3")), roster=roster).scenario.influencers.count == 3
    with pytest.raises(
        InputError, match=r"influencers\.count: must be left out, or be the roster's number of good rows, 3"
    ):
        load(written(tmp_path), roster=roster)


def test_a_roster_inside_a_scenario_may_not_be_reached_through_a_link_out_of_its_folder(tmp_path: Path) -> None:
    (tmp_path / "outside.csv").write_text("influencer,followers\na,10\n")
    folder = tmp_path / "in"
    folder.mkdir()
    path = with_roster(folder)
    (folder / "people.csv").unlink()
    (folder / "people.csv").symlink_to("../outside.csv")
    with pytest.raises(InputError, match="must be a file in the scenario's own folder"):
        load(path)
    (folder / "true.csv").write_text("influencer,followers\na,10\n")
    (folder / "people.csv").unlink()
    (folder / "people.csv").symlink_to("true.csv")
    assert load(path).scenario.influencers.count == 1


def test_faults_of_a_roster_are_reported_with_those_of_the_scenario(tmp_path: Path) -> None:
    path = with_roster(tmp_path)
    path.write_text(path.read_text().replace("session_share = 0.5\nfollow", "session_share = 0.4\nfollow"))
    (tmp_path / "people.csv").write_text("influencer,followers\na,-1\n")
    files = [Path(fault.file).name for fault in validate([path])]
    assert files == ["scenario.toml", "people.csv"]


def test_the_longest_run_counts_its_seconds_in_32_bits() -> None:
    def most(key: str) -> int:
        return max(bound.le for bound in Scenario.model_fields[key].metadata if hasattr(bound, "le"))

    assert (most("horizon_days") + most("warmup_days")) * 86_400 < 2**32


def test_a_patch_taken_from_a_difference_restores_it() -> None:
    base = {"influencers": {"quality": {"kind": "uniform", "low": 0.1, "high": 0.2}}, "a": 1}
    arm = {"influencers": {"quality": {"kind": "constant", "value": 0.3}}, "a": 1}
    assert merged(base, difference(base, arm)) == arm


def test_the_schema_is_that_of_the_models_and_lets_a_number_be_a_distribution() -> None:
    schema = json_schema()
    assert schema["$schema"].startswith("https://json-schema.org/")
    assert set(schema["properties"]) == set(Scenario.model_fields)
    assert schema["additionalProperties"] is False
    quality = schema["$defs"]["Influencers"]["properties"]["quality"]
    assert {"type": "number"} in quality["anyOf"]
    assert schema["properties"]["arms"]["additionalProperties"]["type"] == "object"
    missing = [
        f"{name}.{key}"
        for name, part in [("Scenario", schema), *schema["$defs"].items()]
        for key, entry in part["properties"].items()
        if key not in ("kind", "model") and "description" not in entry and "$ref" not in entry
    ]
    assert [key for key in missing if key.split(".")[0] not in ("Scenario", "PositionBased")] == []
    json.dumps(schema)


def test_scenarios_are_read_without_the_heavy_libraries() -> None:
    heavy = "{'numpy', 'numba', 'scipy', 'pyarrow'}"
    code = f"import sys, sim.scenario; sim.scenario.load(sys.argv[1]); print({heavy} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code, str(VALID)], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"


def test_two_loads_of_a_file_are_equal_and_name_it_as_the_user_did(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(CORPUS)
    one, other = load("valid.toml"), load(VALID)
    assert isinstance(one, Loaded)
    assert one == other
    assert one.file == "valid.toml"


def test_newcomers_with_a_roster_are_counted_with_its_rows(tmp_path: Path) -> None:
    path = with_roster(tmp_path)
    text = path.read_text().replace("horizon_days = 60", "horizon_days = 600") + "\n[entry]\nnewcomers_per_month = "
    path.write_text(f"{text}838_860\n")
    assert load(path).scenario.entry.newcomers_per_month == 838_860
    path.write_text(f"{text}838_861\n")
    with pytest.raises(InputError, match=r"entry\.newcomers_per_month: must be <= 838860 here"):
        load(path)
