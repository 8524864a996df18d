"""Phases of a scenario: how they patch it, in the base and in each arm, and that they are written out as they are."""

import json
from pathlib import Path

import pytest
from support.places import CORPUS, SCENARIOS

import sim
from sim.errors import Fault, InputError
from sim.results.pairs import pairs
from sim.scenario import Scenario, from_resolved, load, resolved
from sim.scenario.patch.phases import phase_scenarios, support_at_end
from sim.scenario.validate.rules import broken_rules

pytestmark = pytest.mark.quick

TEXT = (CORPUS / "valid.toml").read_text()
PHASES = """
[phases.subsidy]
start_day = 0
economy.subsidy_fen_per_live_hour = 10_000
live.elasticity = 0.5

[phases.platform]
start_day = 30
support.policy = "tiered"
economy.subsidy_fen_per_live_hour = 5_000
segments.young.buying = 2.0
surfaces.find-people.examination = {model = "cascade"}
support.tiers.priority = {services = ["operations"], weight = 5.0}
"""


def written(folder: Path, after: str) -> Path:
    """The valid scenario with more at its end, as a file."""
    path = folder / "scenario.toml"
    path.write_text(TEXT + after)
    return path


def faults_of(path: Path) -> list[Fault]:
    """The faults of a file; none if it loads."""
    try:
        load(path)
    except InputError as error:
        return list(error.faults)
    return []


def test_a_scenario_without_phases_has_none() -> None:
    assert phase_scenarios(load(CORPUS / "valid.toml").scenario) == []


def test_each_phase_goes_on_from_the_one_before(tmp_path: Path) -> None:
    base = load(written(tmp_path, PHASES)).scenario
    (first_day, first), (second_day, second) = phase_scenarios(base)
    assert (first_day, second_day) == (0, 30)
    assert (first.economy.subsidy_fen_per_live_hour, second.economy.subsidy_fen_per_live_hour) == (10_000, 5_000)
    assert (base.live.elasticity, first.live.elasticity, second.live.elasticity) == (0.0, 0.5, 0.5)
    assert (first.support.policy, second.support.policy) == ("none", "tiered")
    assert (first.segments["young"].buying, second.segments["young"].buying) == (1.0, 2.0)
    assert second.surfaces["find-people"].examination.model == "cascade"
    tier = second.support.tiers["priority"]
    assert (tier.weight, tier.services, tier.over_followers) == (5.0, ["operations"], 1000)


def test_a_phase_is_a_valid_scenario_that_differs_only_where_it_is_patched(tmp_path: Path) -> None:
    base = load(written(tmp_path, PHASES)).scenario
    _, (_, second) = phase_scenarios(base)
    assert broken_rules(second) == []
    assert Scenario.model_validate(second.model_dump()) == second
    before, after = base.model_dump(), second.model_dump()
    patched = {"economy", "live", "support", "segments", "surfaces", "phases"}
    assert {key for key in before if before[key] != after[key]} == patched
    assert second.phases == {}


def test_a_phase_of_an_arm_goes_on_from_the_arm(tmp_path: Path) -> None:
    arm = "\n[arms.more]\nsupport.policy = 'flat'\nsupport.share = 0.4\neconomy.post_fen = 7\n"
    loaded = load(written(tmp_path, PHASES + arm))
    (_, first), (_, second) = phase_scenarios(loaded.arms["more"])
    assert (first.support.policy, second.support.policy) == ("flat", "tiered")
    assert first.economy.post_fen == second.economy.post_fen == 7
    assert second.surfaces["find-people"].support_share == 0.4


def test_an_arm_may_patch_a_phase(tmp_path: Path) -> None:
    patch = (
        "\n[arms.stays.phases.platform]\nstart_day = 40\nsupport.policy = 'none'\ncontracts.cuts = true\n"
        "surfaces.find-people.examination = {model = 'geometric', continue_prob = 0.5}\n"
    )
    loaded = load(written(tmp_path, PHASES + patch))
    (_, first), (day, second) = phase_scenarios(loaded.arms["stays"])
    assert (day, second.support.policy, second.contracts.cuts) == (40, "none", True)
    assert second.surfaces["find-people"].examination.model == "geometric"
    assert second.economy.subsidy_fen_per_live_hour == 5_000
    assert first == phase_scenarios(loaded.arms["none"])[0][1].model_copy(
        update={"arms": {"stays": {}}, "control": "stays"}
    )
    assert loaded.scenario.arms["stays"]["phases"] == {
        "platform": {
            "start_day": 40,
            "support": {"policy": "none"},
            "contracts": {"cuts": True},
            "surfaces": {"find-people": {"examination": {"model": "geometric", "continue_prob": 0.5}}},
        }
    }


def test_a_surface_s_support_share_may_change_from_a_phase_on(tmp_path: Path) -> None:
    text = "\n[phases.more]\nstart_day = 5\nsurfaces.find-people.support_share = 0.5\n"
    base = load(written(tmp_path, text)).scenario
    ((_, more),) = phase_scenarios(base)
    assert (base.surfaces["find-people"].support_share, more.surfaces["find-people"].support_share) == (0.2, 0.5)
    assert more.surfaces["feed"].support_share == 0.0


def test_a_resolved_scenario_writes_its_phases_as_they_are_and_gives_the_same_loaded_one_again(tmp_path: Path) -> None:
    arms = (
        "\n[arms.stays]\nphases.platform.support.policy = 'none'\nphases.subsidy.start_day = 1\nsupport.share = 0.3\n"
    )
    loaded = load(written(tmp_path, PHASES + arms))
    data = json.loads(json.dumps(resolved(loaded)))
    assert data["phases"]["subsidy"] == {
        "start_day": 0,
        "economy": {"subsidy_fen_per_live_hour": 10_000},
        "live": {"elasticity": 0.5},
    }
    assert data["arms"]["stays"]["phases"] == {
        "platform": {"support": {"policy": "none"}},
        "subsidy": {"start_day": 1},
    }
    again = from_resolved(data, None)
    assert again == loaded
    assert resolved(again) == resolved(loaded)
    assert list(again.scenario.phases) == ["subsidy", "platform"]
    for name, arm in loaded.arms.items():
        assert phase_scenarios(again.arms[name]) == phase_scenarios(arm)


def test_a_fault_of_a_phase_is_reported_once_whatever_arms_and_later_phases_there_are(
    tmp_path: Path,
) -> None:
    text = "\n[phases.loud]\nstart_day = 5\nsurfaces.feed.session_share = 0.9\n[phases.later]\nstart_day = 9\n"
    (fault,) = faults_of(written(tmp_path, text))
    assert (fault.path, fault.value) == ("phases.loud.surfaces", "1.4")
    assert fault.line == TEXT.count("\n") + 4


def test_a_fault_of_the_scenario_is_not_reported_again_for_each_phase(tmp_path: Path) -> None:
    path = written(tmp_path, PHASES)
    path.write_text(path.read_text().replace("share = 0.6", "share = 0.5").replace("seed = 7", "seed = -7"))
    assert [fault.path for fault in faults_of(path)] == ["seed", "segments"]


def test_a_horizon_that_is_wrong_brings_no_faults_of_phases_with_it(tmp_path: Path) -> None:
    path = written(tmp_path, PHASES)
    path.write_text(path.read_text().replace("horizon_days = 60", 'horizon_days = "sixty"'))
    assert [fault.path for fault in faults_of(path)] == ["horizon_days"]


def test_a_phase_that_an_arm_breaks_is_reported_under_the_arm(tmp_path: Path) -> None:
    text = (
        "\n[phases.off]\nstart_day = 5\nsurfaces.feed.session_share = 0.4\nsurfaces.find-people.session_share = 0.6\n"
    )
    assert faults_of(written(tmp_path, text)) == []
    arm = "\n[arms.quiet.phases.off]\nsurfaces.feed.session_share = 0.0\n"
    (fault,) = faults_of(written(tmp_path, text + arm))
    assert (fault.path, fault.value) == ("arms.quiet.phases.off.surfaces", "0.6")
    assert fault.line == (TEXT + text + arm).count("\n")


def test_an_arm_without_what_a_phase_needs_is_reported_under_the_arm(tmp_path: Path) -> None:
    text = "\n[phases.custom]\nstart_day = 5\neconomy.tip_agency_share = 0.4\n"
    text += "[arms.dear]\neconomy.tip_platform_share = 0.7\n"
    (fault,) = faults_of(written(tmp_path, text))
    assert fault.path == "arms.dear.phases.custom.economy.tip_agency_share"
    assert fault.rule == "must be <= 1 - tip_platform_share, 0.3"


def test_a_policy_that_a_phase_brings_is_judged_with_the_support_that_it_goes_on_from(tmp_path: Path) -> None:
    path = written(tmp_path, "\n[phases.on]\nstart_day = 5\nsupport.policy = 'tiered'\n")
    path.write_text(
        path.read_text()
        .replace('within_tier = "equal"\n', "")
        .replace('[arms.tiered]\nsupport.policy = "tiered"', "[arms.tiered]")
    )
    (fault,) = faults_of(path)
    assert fault.path == "phases.on.support.within_tier"
    assert fault.line == path.read_text().count("\n")


@pytest.mark.parametrize("number", ["9" * 30, "0x" + "f" * 40])
def test_a_number_of_more_than_64_bits_is_one_fault_of_its_phase(tmp_path: Path, number: str) -> None:
    for key in ("start_day", "live.elasticity", "contracts.patience"):
        start = "" if key == "start_day" else "start_day = 5\n"
        (fault,) = faults_of(written(tmp_path, f"\n[phases.huge]\n{start}{key} = {number}\n"))
        assert (fault.path, fault.rule) == (f"phases.huge.{key}", "must be a whole number of at most 64 bits")


def test_more_phases_than_there_can_be_are_one_fault(tmp_path: Path) -> None:
    text = "".join(f"\n[phases.p{i}]\nstart_day = {i}\n" for i in range(101))
    (fault,) = faults_of(written(tmp_path, text))
    assert (fault.path, fault.rule) == ("phases", "must have at most 100 entries")


def test_support_at_the_end_is_that_of_the_last_phase_as_the_arm_patches_it() -> None:
    loaded = sim.load(SCENARIOS / "phases.toml")
    table = resolved(loaded)
    found = {arm: support_at_end(table, arm) for arm in loaded.arms}
    assert {arm: support["policy"] for arm, support in found.items()} == {
        "no-platform": "none",
        "platform": "tiered",
        "uniform": "uniform",
    }
    for arm, scenario in loaded.arms.items():
        assert found[arm] == phase_scenarios(scenario)[-1][1].model_dump()["support"]
    assert ("platform", "uniform") in pairs(loaded)  # the effect of the tiering itself
