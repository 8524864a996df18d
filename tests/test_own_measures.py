"""Measures of the user's own: from a file with `--plugin`, and from Python; levels, groups, claims, checks, faults."""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.forms import slow
from support.outcomes import written, written_scenario
from support.plugins import EXAMPLES, command
from support.small_runs import ROSTER, TINY, write

import sim
from sim.errors import InputError
from sim.measures.index import MeasureIndex
from sim.measures.meter import measure
from sim.registry import isolated, load_plugin, registered
from sim.scenario.schema.measurable import Measurable, built_in_measures
from sim.types import EngineName

PLUGIN, SCENARIO = EXAMPLES / "ladder.py", EXAMPLES / "ladder.toml"
HEADER = "import numpy as np\nimport sim\n\n\n"
CHECK = "\n[check]\nreplications = 2\n"


def own(folder: Path, body: str, about: str = "", name: str = "own.py") -> Path:
    """A plugin with one measure, ``mine``, whose body this is."""
    path = folder / name
    inside = "".join(f"    {line}\n" for line in body.splitlines())
    path.write_text(f"{HEADER}@sim.measure({about})\ndef mine(view):\n{inside}")
    return path


def small(folder: Path, more: str = "") -> Path:
    """The example's scenario, small."""
    text = SCENARIO.read_text().replace("replications = 10", "replications = 2").replace("= 90 ", "= 12 ")
    path = folder / "ladder.toml"
    path.write_text(text.replace("count = 2_000", "count = 200") + more)
    return path


def values_by_key(groups: dict[str, Any] | None = None) -> dict[tuple[Any, ...], float]:
    scenario = written_scenario()
    index = MeasureIndex(60, scenario.warmup_days, tuple(groups or {}))
    found = measure(written({"gmv": {60: [3] * 12}}), scenario, groups or {})
    return dict(zip(map(tuple, index.keys), found.tolist(), strict=True))


# What is measured


def test_a_measure_adds_its_rows_after_all_others_and_changes_none_of_them() -> None:
    before = values_by_key()

    @sim.measure(quantity=("followers", "gmv"), populations=("all", "active", "small"))
    def largest(held: Any) -> float:
        return float(held.amounts.max(initial=0)) * held.people

    after = values_by_key()
    assert list(after)[: len(before)] == list(before)
    np.testing.assert_array_equal(list(after.values())[: len(before)], list(before.values()))
    added = {key: value for key, value in after.items() if key not in before}
    assert {key[5] for key in added} == {"largest"}
    assert added[0.0, None, "all", "influencer", "followers", "largest"] == 1000.0
    assert added[60.0, None, "small", "influencer", "followers", "largest"] == 20.0 * 10
    assert added[60.0, 30.0, "all", "influencer", "gmv", "largest"] == 3.0


def test_with_nothing_registered_a_run_measures_what_is_built_in() -> None:
    assert Measurable.here().measures == tuple(built_in_measures())


@pytest.mark.parametrize(
    ("level", "quantity", "population", "expression", "value"),
    [
        ("influencer", "followers", "all", "view.amounts.size", 11),
        ("influencer", "followers", "newcomers", "view.amounts.size", 1),
        ("influencer", "cuts", "all", "view.amounts.sum()", 3),
        ("agency", "followers", "all", "view.n", 2),
        ("agency", "followers", "small_agencies", "view.amounts.sum()", 8),
        ("vertical", "followers", "all", "view.amounts.sum()", 200),
        ("platform", "followers", "all", "view.followers_at_start.sum()", 200),
        ("platform", "followers", "all", "view.n_entered", 11),
        ("platform", "accounts", "all", "view.amounts.sum()", 7),
    ],
)
def test_each_level_is_given_who_holds_and_what(
    tmp_path: Path, level: str, quantity: str, population: str, expression: str, value: float
) -> None:
    about = f"level={level!r}, quantity={quantity!r}, populations={population!r}"
    load_plugin(own(tmp_path, f"return float({expression})", about))
    assert values_by_key()[60.0, None, population, level, quantity, "mine"] == value


def test_fans_are_measured_by_what_they_read() -> None:
    @sim.measure(level="fan", quantity="utility")
    def n_read(fans: Any) -> float:
        return float(fans.reads.sum())

    assert values_by_key()[60.0, 60.0, "all", "fan", "utility", "n_read"] == 0


def test_groups_by_a_column_of_the_roster_are_measured_where_the_measure_asks_for_them(tmp_path: Path) -> None:
    groups = {"size=big": np.arange(12) < 2}
    load_plugin(own(tmp_path, "return float(view.amounts.sum())", "populations=('all', 'COLUMN=VALUE')"))
    assert values_by_key(groups)[0.0, None, "size=big", "influencer", "followers", "mine"] == 150


# What it must be


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        ("return 1 / 0", "measure failed: ZeroDivisionError: division by zero"),
        ("raise SystemExit(0)", "measure failed: SystemExit: 0"),
        ("return None", "must give a number, or nan where it is undefined, got NoneType"),
        ("return True", "must give a number, or nan where it is undefined, got bool"),
        ("return view.amounts", "must give a number, or nan where it is undefined, got ndarray"),
        ("return float('inf')", "must give a finite number, or nan where it is undefined, got inf"),
        ("view.amounts[:] = 0\nreturn 0", "measure failed: ValueError: assignment destination is read-only"),
        ("view.people = 3.0\nreturn 0", "measure failed: AttributeError: can't set people"),
        ("return np.random.default_rng().random()", "must give the same value for the same view"),
    ],
)
def test_what_is_no_measure_is_one_line_with_file_line_and_what_it_was_asked_for(
    tmp_path: Path, body: str, rule: str
) -> None:
    load_plugin(own(tmp_path, body))
    with pytest.raises(InputError) as caught:
        values_by_key()
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"{tmp_path / 'own.py'}:")
    assert f": mine: {rule}" in line
    assert "followers of all at level influencer, day 0" in line


@pytest.mark.parametrize("body", ["return np.float32(0.5)", "return 1", "return np.int64(3)", "return float('nan')"])
def test_numbers_of_every_real_kind_are_values_and_so_is_nan(tmp_path: Path, body: str) -> None:
    load_plugin(own(tmp_path, body))
    found = values_by_key()[60.0, None, "all", "influencer", "followers", "mine"]
    assert math.isnan(found) or found in (0.5, 1.0, 3.0)


@pytest.mark.parametrize(
    ("about", "says"),
    [
        ("level='influencers'", "level must be one of .* did you mean `influencer`"),
        ("quantity='folowers'", "quantity must be one of .* at level influencer, .* did you mean `followers`"),
        ("quantity=()", "mine must have at least one population and one quantity"),
        ("populations='everybody'", "populations must be one of .* at level influencer"),
        ("level='agency', populations='shops'", "populations must be one of .* at level agency"),
        ("level='platform', populations='feed'", 'populations must be one of "all" at level platform'),
        ("margin=-1.0", "margin must be >= 0 and finite, got -1.0"),
        ("margin=float('nan')", "margin must be >= 0 and finite, got nan"),
        ("more_concentrated='up'", "more_concentrated must be one of"),
    ],
)
def test_what_cannot_be_measured_is_refused_when_the_plugin_is_loaded(tmp_path: Path, about: str, says: str) -> None:
    with pytest.raises(InputError, match=rf"own.py:\d: plugin failed: ValueError: {says}"):
        load_plugin(own(tmp_path, "return 0.0", about))
    assert registered("measure") == {}


def test_the_name_of_a_built_in_measure_is_taken_where_it_is_measured_and_free_elsewhere() -> None:
    def gini(_: Any) -> float:
        return 0.0

    with pytest.raises(ValueError, match="gini of followers at level influencer is built in: choose another name"):
        sim.measure()(gini)
    sim.measure(level="platform")(gini)
    assert "gini" in Measurable.here().measures_of("platform", "all", "followers")


def test_two_plugins_with_a_measure_of_one_name_are_refused(tmp_path: Path) -> None:
    first, second = own(tmp_path, "return 0.0"), own(tmp_path, "return 1.0", name="more.py")
    result = command("validate", small(tmp_path), "--plugin", first, "--plugin", second)
    assert result.exit_code == 2
    assert result.stderr == f"{second}: has a measure 'mine', and so has {first}; each needs a name of its own\n"


def test_an_isolated_registry_is_empty_inside_and_as_before_afterwards() -> None:
    @sim.measure()
    def outer(_: Any) -> float:
        return 0.0

    with isolated():
        assert registered("measure") == {}

        @sim.measure()
        def inner(_: Any) -> float:
            return 0.0

        assert set(registered("measure")) == {"inner"}
    assert set(registered("measure")) == {"outer"}


# In a run


@pytest.mark.parametrize("engine", ["compiled", slow("reference")])
def test_the_documented_example_gives_a_verdict_on_its_claim_and_rows_in_the_answer(
    tmp_path: Path, engine: EngineName
) -> None:
    load_plugin(PLUGIN)
    run = sim.run(small(tmp_path), out=tmp_path / "run", engine=engine, threads=2)
    (claim,) = run.claims()
    assert (claim["measure"], claim["margin"], claim["window_days"]) == ("smaller_half_share", 0.005, None)
    followers = run.table("influencers", ["arm", "replication", "followers_end"]).to_pylist()
    mine = sorted(r["followers_end"] for r in followers if (r["arm"], r["replication"]) == ("ladder", 0))
    about = {"population": "all", "level": "influencer", "quantity": "followers", "measure": "smaller_half_share"}
    value = run.values("ladder", about | {"time_days": 12.0, "window_days": None})[0]
    assert value == pytest.approx(sum(mine[:100]) / sum(mine), rel=1e-3)
    rows = {(row["level"], row["measure"]) for row in run.answer()}
    assert rows > {("influencer", "smaller_half_share"), ("platform", "good_above_median")}
    sha256 = hashlib.sha256(PLUGIN.read_bytes()).hexdigest()
    assert {name: part["sha256"] for name, part in run.manifest["plugin"].items()} == dict.fromkeys(
        ("lower-half", "measure good_above_median", "measure smaller_half_share"), sha256
    )


def test_both_engines_and_any_number_of_threads_give_the_same_values(tmp_path: Path) -> None:
    load_plugin(PLUGIN)
    tables = [
        sim.run(small(tmp_path), out=tmp_path / f"{engine}{threads}", engine=engine, threads=threads).table("measures")
        for engine, threads in (("compiled", 1), ("compiled", 3), ("reference", 1))
    ]
    assert tables[0].equals(tables[1])
    assert tables[0].equals(tables[2])


def test_a_run_is_read_without_its_plugin(tmp_path: Path) -> None:
    with isolated():
        load_plugin(PLUGIN)
        sim.run(small(tmp_path), out=tmp_path / "run")
    run = sim.read(tmp_path / "run")
    found = run.difference("smaller_half_share", arm="ladder")
    assert found.n_pairs == 2
    with pytest.raises(ValueError, match="did you mean `smaller_half_share`"):
        run.difference("smaller_half_shar", arm="ladder")


def test_a_run_is_re_created_with_its_measures_only(tmp_path: Path) -> None:
    scenario = write(tmp_path, TINY)
    with isolated():
        load_plugin(own(tmp_path, "return 1.0"))
        first = sim.run(scenario, out=tmp_path / "first")
        again = sim.recreate(first, tmp_path / "again")
        assert again.table("measures").equals(first.table("measures"))
    with pytest.raises(InputError, match=r"must be the file of measure mine in .*, whose SHA-256 begins with"):
        sim.recreate(first, tmp_path / "other")
    load_plugin(own(tmp_path, "return 2.0"))
    with pytest.raises(InputError, match=r"own.py: must be the file of measure mine in"):
        sim.recreate(first, tmp_path / "other")
    plain = None
    with isolated():
        plain = sim.run(scenario, out=tmp_path / "plain")
    with pytest.raises(InputError, match=r"own.py: must be left out: .* had no measure mine"):
        sim.recreate(plain, tmp_path / "other")


def test_a_measure_of_ones_own_is_another_run_and_its_folder_is_refused_with_another(tmp_path: Path) -> None:
    scenario = write(tmp_path, TINY)
    args = ("run", scenario, "--out", tmp_path / "run", "--quiet")
    assert command(*args, "--plugin", own(tmp_path, "return 1.0")).exit_code == 0
    assert command(*args, "--plugin", own(tmp_path, "return 1.0")).exit_code == 0
    with isolated():
        assert command(*args, "--plugin", own(tmp_path, "return 2.0")).exit_code in (2, 4)
    with isolated():
        assert command(*args).exit_code in (2, 4)


def test_a_claim_on_a_group_by_a_column_is_decided_on_a_measure_of_ones_own(tmp_path: Path) -> None:
    lines = ROSTER.splitlines()
    people = [f"{lines[0]},size", *(f"{line},{'big' if i > 9 else 'little'}" for i, line in enumerate(lines[1:]))]
    roster = write(tmp_path, "\n".join(people) + "\n", "people.csv")
    text = TINY.replace("count = 20\n", "") + 'group = "size=big"\nmeasure = "mine"\n'
    about = "populations=('all', 'COLUMN=VALUE'), margin=0.25"
    load_plugin(own(tmp_path, "return float(np.mean(view.amounts)) * view.people", about))
    (claim,) = sim.run(write(tmp_path, text), roster=roster, out=tmp_path / "run").claims()
    assert (claim["group"], claim["measure"], claim["margin"]) == ("size=big", "mine", 0.25)
    assert claim["estimate"] is not None


def test_a_claim_on_an_unknown_measure_names_the_nearest_and_the_option(tmp_path: Path) -> None:
    result = command("validate", small(tmp_path))
    assert result.exit_code == 2
    assert "claims.half-rises.measure: must be one of" in result.stderr
    assert "a measure of your own comes with --plugin FILE.py, got " in result.stderr.replace("\n", " ")
    assert command("validate", small(tmp_path), "--plugin", PLUGIN).exit_code == 0


# In a check


def checked(*args: object) -> tuple[int, dict[str, Any]]:
    result = command("check", *args, "--json")
    (found,) = json.loads(result.stdout)["checked"]
    return result.exit_code, {part["name"]: part for part in found["parts"]} | {"changes": found["changes"]}


def test_a_check_keeps_a_measure_and_says_when_it_changes_or_is_gone(tmp_path: Path) -> None:
    scenario, kept = write(tmp_path, TINY + CHECK), tmp_path / "baselines"
    about = ("--baselines", kept)
    with isolated():
        plugin = own(tmp_path, "return float(view.amounts.max())")
        assert command("check", scenario, *about, "--plugin", plugin, "--update", "--reason", "a").exit_code == 0
    with isolated():
        code, parts = checked(scenario, *about, "--plugin", plugin)
        assert (code, parts["exact"]["status"], parts["exact"]["details"]) == (0, "passed", [])
    baseline = json.loads((kept / "tiny.json").read_text())
    assert "followers mine influencer" in baseline["measures"]
    assert "followers mine" in baseline["values"]["arm none"]
    with isolated():
        code, parts = checked(scenario, *about, "--plugin", own(tmp_path, "return 2.0 * view.amounts.max()"))
        assert code == 1
        assert "measures that differ: followers mine influencer" in parts["exact"]["details"]
        assert [change["key"] for change in parts["changes"]] == ["content of the measure mine"]
    code, parts = checked(scenario, *about)
    assert code == 1
    assert "measures that are gone: followers mine influencer" in parts["exact"]["details"]


def test_a_measure_that_is_added_is_reported_as_new_and_fails_nothing(tmp_path: Path) -> None:
    scenario, about = write(tmp_path, TINY + CHECK), ("--baselines", tmp_path / "baselines")
    assert command("check", scenario, *about, "--update", "--reason", "a").exit_code == 0
    plugin = own(tmp_path, "return float(view.amounts.max())")
    with isolated():
        code, parts = checked(scenario, *about, "--plugin", plugin)
        assert code == 0
        assert (parts["exact"]["status"], parts["statistical"]["status"]) == ("passed", "passed")
        new = "measures that are new: followers mine influencer; --update --reason TEXT keeps them"
        assert parts["exact"]["details"] == [new]
    with isolated():
        assert command("check", scenario, *about, "--plugin", plugin, "--update", "--reason", "b").exit_code == 0
    with isolated():
        code, parts = checked(scenario, *about, "--plugin", plugin)
        assert (code, parts["exact"]["details"]) == (0, [])


def test_where_counters_move_too_a_new_measure_is_no_part_of_what_moved(tmp_path: Path) -> None:
    scenario, about = write(tmp_path, TINY + CHECK), ("--baselines", tmp_path / "baselines")
    assert command("check", scenario, *about, "--update", "--reason", "a").exit_code == 0
    write(tmp_path, (TINY + CHECK).replace("share = 0.3", "share = 0.301"))
    code, parts = checked(scenario, *about, "--plugin", own(tmp_path, "return float(view.amounts.max())"))
    assert code == 1
    (differing,) = (text for text in parts["exact"]["details"] if text.startswith("measures that differ"))
    assert "mine" not in differing
    assert any(text.startswith("measures that are new: followers mine") for text in parts["exact"]["details"])
