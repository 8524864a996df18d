"""Scenarios that extend others: what they inherit, where faults are, which files can be extended."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest
from support.small_runs import TINY, sim

import sim as package
from sim.errors import Fault, InputError
from sim.scenario import json_schema, load, resolved
from sim.scenario.resolve.sources import MAX_FILES, read_scenario

CHILD = 'extends = "base.toml"\nname = "child"\n'
ACCOUNTS = 'count = 20\nfollowers = { kind = "lognormal", median = 10_000.0, sigma = 0.8, max = 30_000.0 }'


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a base."""
    monkeypatch.chdir(tmp_path)
    Path("base.toml").write_text(TINY)
    return tmp_path


def child(more: str = "", name: str = "child.toml") -> Path:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(CHILD + more)
    return path


def line_of(text: str) -> int:
    """The line of the base on which a text is."""
    return 1 + TINY[: TINY.index(text)].count("\n")


def faults_of(path: Path) -> list[str]:
    with pytest.raises(InputError) as caught:
        load(path)
    return [str(fault) for fault in caught.value.faults]


# What is inherited


def test_a_scenario_has_all_that_it_does_not_say_itself_from_the_one_that_it_extends() -> None:
    found, base = resolved(load(child("support.share = 0.4\n"))), resolved(load("base.toml"))
    assert "extends" not in found
    assert found == base | {"name": "child", "support": base["support"] | {"share": 0.4}, "surfaces": found["surfaces"]}
    assert found["surfaces"]["find"]["support_share"] == 0.4


def test_it_resolves_to_the_same_as_its_text_in_one_file() -> None:
    more = (
        '\n[fans]\ncount = 70\n[arms.more]\nsupport = { policy = "flat", share = 0.5 }\n[claims.lower]\nmargin = 0.1\n'
    )
    Path("whole.toml").write_text(
        TINY.replace('"tiny"', '"child"')
        .replace("count = 60", "count = 70")
        .replace("[claims.lower]", "[claims.lower]\nmargin = 0.1")
        + '\n[arms.more]\nsupport = { policy = "flat", share = 0.5 }\n'
    )
    one, other = load(child(more)), load("whole.toml")
    assert resolved(one) == resolved(other)
    assert list(one.arms) == list(other.arms)


def test_a_table_of_another_kind_and_a_list_replace_those_of_the_base() -> None:
    hours = f"[segments.all]\nshare = 1.0\nhours = [\n{'1.0,' * 24}\n]\n"
    Path("base.toml").write_text(
        TINY + hours + "[arms.other]\ninfluencers.followers = {kind = 'pareto', min = 9, exponent = 2}\n"
    )
    more = "influencers.followers = { kind = 'uniform', low = 1, high = 2 }\nsegments.all.hours = []\n"
    more += "arms.other.influencers.followers = 5.0\n"
    found = load(child(more))
    assert found.scenario.influencers.followers.model_dump() == {"kind": "uniform", "low": 1, "high": 2}
    assert found.scenario.segments["all"].hours == []
    assert found.arms["other"].influencers.followers.model_dump() == {"kind": "constant", "value": 5}


def test_bases_extend_further_ones_and_the_nearest_has_the_last_word() -> None:
    child("seed = 11\nfans.count = 80\n", "middle.toml")
    Path("top.toml").write_text('extends = "middle.toml"\nname = "top"\nfans.count = 90\n')
    found = load("top.toml").scenario
    assert (found.name, found.seed, found.fans.count, found.horizon_days) == ("top", 11, 90, 20)


def test_a_shipped_scenario_is_extended_by_its_name_unless_a_file_has_it() -> None:
    Path("mine.toml").write_text('extends = "minimal"\nname = "mine"\nseed = 99\n')
    shipped = resolved(load("minimal"))
    assert resolved(load("mine.toml")) == shipped | {"name": "mine", "seed": 99}
    assert set(load("mine.toml").inputs) == {"scenario", "extends minimal"}
    Path("minimal").write_text(TINY)
    assert load("mine.toml").scenario.horizon_days == 20


def test_files_are_found_from_the_folder_of_the_file_that_names_them() -> None:
    Path("sub").mkdir()
    Path("sub/people.csv").write_text("influencer,followers\na,10\nb,20\nc,5\n")
    Path("sub/base.toml").write_text(TINY.replace(ACCOUNTS, "roster = 'people.csv'"))
    Path("child.toml").write_text('extends = "sub/base.toml"\nname = "child"\nfans.follows_per_fan = 1\n')
    assert load("child.toml").scenario.influencers.count == 3
    Path("child.toml").write_text(Path("child.toml").read_text() + "influencers.roster = 'people.csv'\n")
    assert faults_of(Path("child.toml")) == [
        'child.toml:4: influencers.roster: no such file in the scenario\'s folder, got "people.csv"'
    ]


# Faults


def test_a_fault_is_at_file_and_line_of_the_value_and_of_both_files_all_are_reported() -> None:
    Path("base.toml").write_text(
        TINY.replace("follow_prob = 0.3", "follow_prob = 1.3").replace("seed = 3", "seed = -3")
    )
    assert faults_of(child("support.shar = 0.3\nseed = 4\nfans.count = 0\n")) == [
        "child.toml:3: support.shar: unknown key; did you mean `share`?",
        "child.toml:5: fans.count: must be >= 1, got 0",
        f"base.toml:{line_of('follow_prob')}: surfaces.find.follow_prob: must be <= 1, got 1.3",
    ]


def test_a_rule_across_keys_is_at_the_nearest_table_where_the_key_itself_is_a_default() -> None:
    assert faults_of(child("economy.tip_platform_share = 0.9\n")) == [
        "child.toml:3: economy.tip_agency_share: must be <= 1 - tip_platform_share, 0.1, got 0.25"
    ]


def test_an_entry_of_a_list_that_was_replaced_has_no_line_in_the_base() -> None:
    Path("base.toml").write_text(TINY + f"[segments.all]\nshare = 1.0\nhours = [\n1.0,\n{'1.0,' * 23}\n]\n")
    (fault,) = faults_of(child('segments.all.hours = ["x"]\n'))
    assert fault == 'child.toml:3: segments.all.hours[0]: must be a number, got "x"'


def test_a_base_that_is_no_toml_is_refused_with_its_own_line() -> None:
    Path("base.toml").write_text("a = 1\nb = [\n")
    (fault,) = faults_of(child())
    assert fault.startswith("base.toml:2: not valid TOML")


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("nowhere.toml", "no such file in the scenario's folder"),
        ("/etc/passwd", "must be a file in the folder of the one that extends it, or below"),
        ("../base.toml", "must be a file in the folder of the one that extends it, or below"),
        ("sub/../base.toml", "must be a file in the folder of the one that extends it, or below"),
        ("C:/base.toml", "must be a file in the folder of the one that extends it, or below"),
        ("link.toml", "must be a file in the folder of the one that extends it, or below"),
        ("sub", "is a folder, not a file"),
        ("sub\\base.toml", "no such file in the scenario's folder; paths are written with /"),
        ("child.toml", "leads back to a file that is extended already"),
        ("circle.toml", "leads back to a file that is extended already"),
        ("base.toml/x", "no such file in the scenario's folder"),
        ("", "is a folder, not a file"),
    ],
)
def test_what_cannot_be_extended_is_refused(here: Path, name: str, rule: str) -> None:
    folder = here / "inner"
    (folder / "sub").mkdir(parents=True)
    (folder / "base.toml").write_text(TINY)
    (folder / "link.toml").symlink_to(here / "base.toml")
    (folder / "circle.toml").write_text('extends = "child.toml"\n')
    path = folder / "child.toml"
    path.write_text(f"name = 'child'\nextends = '{name}'\n")
    with pytest.raises(InputError) as caught:
        load(path)
    (fault,) = caught.value.faults
    assert isinstance(fault, Fault)
    assert (fault.path, fault.rule) == ("extends", rule)
    assert Path(fault.file).name == ("circle.toml" if name == "circle.toml" else "child.toml")


def test_a_link_inside_the_folder_is_followed() -> None:
    os.rename("base.toml", "true.toml")
    os.symlink("true.toml", "base.toml")
    assert load(child()).scenario.seed == 3


def test_a_value_that_is_no_name_is_refused_with_all_other_faults() -> None:
    Path("x.toml").write_text(
        TINY.replace('name = "tiny"', 'name = "tiny"\nextends = 3').replace("seed = 3", "seed = -3")
    )
    assert faults_of(Path("x.toml")) == [
        "x.toml:2: extends: must be a text in quotes, got 3",
        "x.toml:3: seed: must be >= 0, got -3",
    ]


def test_an_arm_a_phase_and_a_size_extend_nothing() -> None:
    more = '[arms.none]\nextends = "x"\n[phases.one]\nstart_day = 1\nextends = "x"\n'
    said = faults_of(child(more))
    assert [fault.split(": ")[1] for fault in said] == ["arms.none.extends", "phases.one.extends"]


def test_at_most_so_many_files_extend_each_other() -> None:
    for i in range(MAX_FILES):
        Path(f"f{i}.toml").write_text(f'extends = "f{i + 1}.toml"\nname = "f{i}"\n')
    Path(f"f{MAX_FILES}.toml").write_text(TINY)
    assert load("f1.toml").scenario.name == "f1"
    (fault,) = faults_of(Path("f0.toml"))
    assert fault == (
        f"f{MAX_FILES - 1}.toml:1: extends: a scenario can consist of at most {MAX_FILES} files, got "
        f'"f{MAX_FILES}.toml"'
    )


# Runs, checks, the command line


def test_a_run_knows_the_resolved_scenario_and_the_digest_of_each_file() -> None:
    run = package.run(child("replications = 1\n"), out="run", threads=1)
    digests = {
        name: hashlib.sha256(Path(f"{file}.toml").read_bytes()).hexdigest()
        for name, file in [("scenario", "child"), ("extends base.toml", "base")]
    }
    assert run.manifest["inputs"] == digests
    assert run.manifest["scenario"]["horizon_days"] == 20
    assert package.recreate(run, "again").digest == run.digest


def test_a_comment_in_the_base_leaves_the_run_folder_the_same_and_a_key_does_not() -> None:
    child("replications = 1\n")
    first = json.loads(sim("run", "child.toml", "--json").out)["run"]
    Path("base.toml").write_text(TINY + "# more\n")
    assert json.loads(sim("run", "child.toml", "--json").out)["run"] == first
    Path("base.toml").write_text(TINY.replace("seed = 3", "seed = 4"))
    assert json.loads(sim("run", "child.toml", "--json").out)["run"] != first


def test_a_check_names_file_and_line_of_a_key_that_changed_in_the_base() -> None:
    child("replications = 1\n")
    assert sim("check", "child.toml", "--update", "--reason", "new").code == 0
    assert sim("check", "child.toml").code == 0
    Path("base.toml").write_text(TINY.replace("follow_prob = 0.3", "follow_prob = 0.31"))
    result = sim("check", "child.toml")
    line = line_of("follow_prob")
    assert result.code == 1
    assert f"surfaces.find.follow_prob: 0.3 -> 0.31 (base.toml:{line})" in result.out
    (part,) = (
        p for p in json.loads(sim("check", "child.toml", "--json").out)["checked"][0]["parts"] if p["name"] == "exact"
    )
    assert part["line"] == 1  # that of extends: the part concerns the child's own file


def test_looking_inside_works_with_it() -> None:
    child("replications = 1\n")
    assert sim("validate", "child.toml").code == 0
    assert sim("trace", "child.toml", "--fan", "0").code == 0
    assert sim("graph", "child.toml").code == 0


def test_the_schema_knows_the_key() -> None:
    assert json_schema()["properties"]["extends"]["anyOf"][0] == {"type": "string"}


def test_what_is_read_says_where_each_key_is_given() -> None:
    source = read_scenario(child("fans.count = 70\n"))
    assert source.places.of(("fans", "count"))[:2] == ("child.toml", 3)
    assert source.places.of(("seed",))[:2] == ("base.toml", 2)
    assert source.lines.of(("seed",)) == 1
