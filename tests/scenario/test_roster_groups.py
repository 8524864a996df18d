"""Further columns of a roster: in the table of influencers, as groups of claims, and what is measured of these."""

from __future__ import annotations

import csv
import io
import math
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.outcomes import written, written_scenario
from support.small_runs import TINY, loaded_from, run_of, write

import sim
from sim.errors import InputError
from sim.measures.index import MeasureIndex, MeasureKey
from sim.measures.meter import measure
from sim.regression.content import values_of
from sim.results.run import Run
from sim.scenario import Loaded, from_resolved, read_roster, resolved
from sim.scenario.resolve.roster_groups import claim_path, members, stated_claims
from sim.scenario.resolve.sources import read_scenario
from sim.scenario.schema.claim import Claim
from sim.store.columns import columns_of, own_columns, table_of

MARKUP = "<b>x</b>"
GENDERS = ["female", "male", "", MARKUP]
COHORTS = ["2020", "2021.5", "2020.0"]
NAMED = TINY.replace("count = 20\n", 'roster = "r.csv"\n')
CLAIM = """
[claims.it]
arm = "tiered"
control = "none"
direction = "lower"
"""
STATED = (
    CLAIM.replace("claims.it", "claims.each")
    + 'group = "gender"\n'
    + CLAIM.replace("claims.it", "claims.gap")
    + 'group = "gender=female"\nbaseline_group = "gender=male"\nmeasure = "growth"\n'
    + CLAIM.replace("claims.it", "claims.cohort")
    + 'group = "cohort"\nbaseline_group = "cohort=2021.50"\nmeasure = "share"\nquantity = "new_follows"\n'
)
NEWCOMERS = "\n[entry]\nnewcomers_per_month = 6.0\n"


def roster_text(columns: dict[str, list[str]], n: int = 20) -> str:
    """Twenty accounts with these columns, each repeated to their number."""
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow(["influencer", "followers", *columns])
    for i in range(n):
        rows.writerow([f"account {i}", 1000 + 100 * i * i, *(cells[i % len(cells)] for cells in columns.values())])
    return out.getvalue()


TOWNS = [f"{i} street" for i in range(20)]
ROSTER = roster_text(
    {
        "gender": GENDERS,
        "cohort": COHORTS,
        "Reads": ["7"],
        "exposure_find": ["seen", ""],
        "empty": [""],
        "town": TOWNS,
        "points": [str(i) for i in range(21)],
        "a=b": ["1"],
    },
    21,
)


def loaded_with(folder: Path, claims: str, roster: str = ROSTER, text: str = NAMED) -> Loaded:
    write(folder, roster, "r.csv")
    return loaded_from(folder, text + claims)


def refused(folder: Path, claims: str, text: str = NAMED) -> str:
    """What a scenario with these claims is refused for."""
    with pytest.raises(InputError) as caught:
        loaded_with(folder, claims, text=text)
    assert all(str(fault).isprintable() for fault in caught.value.faults)
    return str(caught.value).replace(f"{folder}/", "")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("grouped")
    write(folder, ROSTER, "r.csv")
    return folder


@pytest.fixture(scope="module")
def run(folder: Path) -> Run:
    return run_of(folder, NAMED + STATED + NEWCOMERS)


# The table of influencers


def test_further_columns_come_after_the_others_under_a_name_of_their_own_and_newcomers_have_none(run: Run) -> None:
    table = run.table("influencers")
    own = ["gender", "cohort", "roster_Reads", "roster_exposure_find", "empty", "town", "points", "a=b"]
    assert table.column_names[-len(own) :] == own
    types = [str(table.schema.field(name).type) for name in own]
    assert types == ["string", "double", "double", "string", "double", "string", "double", "double"]
    for row in table.to_pylist():
        i = int(row["influencer"].split()[1]) if row["influencer"].startswith("account") else None
        if i is None:
            assert [row[name] for name in own] == [None] * len(own)
        else:
            wanted = (GENDERS[i % 4] or None, float(COHORTS[i % 3]), 7.0, None if i % 2 else "seen", None, i)
            assert tuple(row[name] for name in (*own[:5], "points")) == wanted
    assert sum(row["influencer"].startswith("newcomer") for row in table.to_pylist()) == 4 * 3 * 3


NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8) | st.sampled_from(
    ["reads", "READS", "roster_reads", "exposure_find", "exposure_x", "arm"]
)


@given(st.lists(NAMES, max_size=6))
def test_any_names_get_columns_that_differ_by_more_than_capitals_and_only_by_their_prefix(
    names: list[str],
) -> None:
    own = own_columns("influencers", [(name, "float64") for name in names], ["exposure_find"])
    fixed = table_of("influencers", _no_rows(), ["exposure_find"]).column_names
    together = [name.casefold() for name in (*fixed, *(column.name for column in own))]
    assert len(set(together)) == len(together)
    for name, column in zip(names, own, strict=True):
        assert column.name.endswith(name)
        assert set(column.name.removesuffix(name).split("roster_")) == {""}
    values = _no_rows() | {column.name: [] for column in own}
    assert table_of("influencers", values, ["exposure_find", *own]).column_names[len(fixed) :] == [c.name for c in own]


def _no_rows() -> dict[str, Any]:
    return {column.name: [] for column in columns_of("influencers", ["exposure_find"])}


def test_other_tables_have_no_columns_of_the_user_s_own() -> None:
    own = own_columns("influencers", [("city", "string")])
    with pytest.raises(ValueError, match="city"):
        table_of("surfaces", {}, own)


# Claims


def test_a_column_states_a_claim_for_each_of_its_values_and_numbers_are_written_in_one_way(run: Run) -> None:
    rows = {row["claim"]: row for row in run.claims()}
    assert {name: (row["group"], row["baseline_group"]) for name, row in rows.items()} == {
        "lower": (None, None),
        f"each (gender={MARKUP})": (f"gender={MARKUP}", None),
        "each (gender=female)": ("gender=female", None),
        "each (gender=male)": ("gender=male", None),
        "gap": ("gender=female", "gender=male"),
        "cohort (cohort=2020)": ("cohort=2020", "cohort=2021.5"),
    }
    assert all(row["estimate"] is not None and row["population"] == (row["group"] or "all") for row in rows.values())


def test_all_of_a_column_s_claims_belong_to_the_family_of_tests(run: Run, folder: Path) -> None:
    # As many tests as claims on both sides, so that each interval is as wide as in a scenario that names the groups.
    text = NAMED + NEWCOMERS
    parts = STATED.replace("claims.each]", "claims.female]").replace('"gender"', '"gender=female"')
    for group in ("male", MARKUP):
        parts += CLAIM.replace("claims.it", f'claims."{group}"') + f'group = "gender={group}"\n'
    apart = run_of(folder, text + parts, out="apart")
    intervals = {row["group"]: (row["ci_low"], row["ci_high"]) for row in apart.claims() if row["measure"] != "growth"}
    for row in run.claims():
        if row["claim"].startswith("each"):
            assert intervals[row["group"]] == (row["ci_low"], row["ci_high"])


def test_a_group_that_a_claim_names_is_measured_and_no_other(run: Run) -> None:
    wanted = {f"gender={name}" for name in ("female", "male", MARKUP)} | {"cohort=2020", "cohort=2021.5"}
    for table in ("measures", "comparison"):
        named = {name for name in run.table(table)["population"].to_pylist() if "=" in name}
        assert named == wanted
    change = run.difference("growth", arm="tiered", control="none", population="gender=female")
    assert change.n_pairs == 3
    with pytest.raises(ValueError, match=r"population must be one of .*; did you mean `gender=male`"):
        run.difference("growth", arm="tiered", population="gender=mal")


def test_the_measures_of_a_group_are_those_of_its_rows(run: Run) -> None:
    by_cell = {
        (row["replication"], row["population"], row["measure"]): row["value"]
        for row in run.table("measures").to_pylist()
        if (row["arm"], row["quantity"], row["time_days"]) == ("tiered", "followers", 20.0)
    }
    rows = [row for row in run.table("influencers").to_pylist() if row["arm"] == "tiered"]
    for replication in range(3):
        here = [row for row in rows if row["replication"] == replication]
        for group, own in (
            ("gender=female", [row for row in here if row["gender"] == "female"]),
            ("cohort=2020", [row for row in here if row["cohort"] == 2020]),
        ):
            # Rounded to whole people in the one table, not in the other.
            end = sum(row["followers_end"] for row in own)
            share = end / sum(row["followers_end"] for row in here)
            largest = max(row["followers_end"] for row in own) / end
            assert by_cell[replication, group, "total"] == pytest.approx(end, rel=1e-4)
            assert by_cell[replication, group, "share"] == pytest.approx(share, rel=1e-4)
            assert by_cell[replication, group, "mean"] == pytest.approx(end / len(own), rel=1e-4)
            assert by_cell[replication, group, "head_share_01"] == pytest.approx(largest, rel=1e-4)


def test_a_run_with_groups_is_the_same_on_two_threads_and_from_its_manifest(run: Run, folder: Path) -> None:
    others = [
        run_of(folder, NAMED + STATED + NEWCOMERS, out="threads", threads=2),
        sim.recreate(run, folder / "recreated", roster=folder / "r.csv"),
    ]
    assert [other.manifest["files"] for other in others] == [run.manifest["files"]] * 2


def test_both_engines_measure_the_same_of_groups(folder: Path) -> None:
    text = NAMED.replace("horizon_days = 20", "horizon_days = 3").replace("replications = 3", "replications = 1")
    runs = [run_of(folder, text + STATED, out=f"of {engine}", engine=engine) for engine in ("compiled", "reference")]
    assert runs[0].manifest["files"] == runs[1].manifest["files"]


def test_a_resolved_scenario_with_groups_gives_the_same_loaded_one_again(tmp_path: Path) -> None:
    loaded = loaded_with(tmp_path, STATED)
    assert list(loaded.scenario.claims) == [
        "lower",
        f"each (gender={MARKUP})",
        "each (gender=female)",
        "each (gender=male)",
        "gap",
        "cohort (cohort=2020)",
    ]
    assert from_resolved(resolved(loaded), tmp_path / "r.csv") == loaded


def test_a_baseline_keeps_what_each_claim_of_a_column_states_and_a_failure_has_the_line_of_that_column(
    run: Run, folder: Path
) -> None:
    stated = values_of(run)["claim each (gender=female)"]["stated"]
    change = run.values("tiered", row := run.claims()[2]) - run.values("none", row)
    assert stated == pytest.approx(change.tolist(), rel=1e-6)
    lines = read_scenario(folder / "x.toml").lines
    wanted = lines.of(("claims", "each"))
    assert wanted > 1
    assert lines.of(claim_path("each (gender=female)", lines)) == wanted
    assert claim_path("gone (a (b=1)", lines) == ("claims", "gone (a (b=1)")


# What is refused


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (
            'group = "gendr"',
            'group: must be one of "head", "middle", "small", "newcomers" or a further column of the roster ("gender", '
            '"cohort", "Reads", "exposure_find", "empty", "town", "points"); did you mean `gender`?, got "gendr"',
        ),
        (
            'group = "vertical=all"',
            'group: must be one of "head", "middle", "small", "newcomers" or a further column of the roster ("gender", '
            '"cohort", "Reads", "exposure_find", "empty", "town", "points"), got "vertical=all"',
        ),
        (
            'group = "gender=femal"',
            'group: must be a value that an account has; column "gender" has "<b>x</b>", "female", "male"; did '
            'you mean `gender=female`?, got "gender=femal"',
        ),
        ('group = "empty=1"', 'group: must be a value that an account has; column "empty" is empty, got "empty=1"'),
        ('group = "empty"', 'group: must be a column with a value in it, got "empty"'),
        (
            'group = "points"',
            'group: must have at most 20 values to be a group as a whole, but has 21: name one ("points=0"), or give '
            'the roster a column of classes, got "points"',
        ),
        ('group = "=x"', 'group: must be COLUMN=VALUE, a column of the roster and a value in it, got "=x"'),
        ('group = ""', 'group: must be COLUMN=VALUE, a column of the roster and a value in it, got ""'),
        ("group = 5", "group: must be a text in quotes, got 5"),
        (
            'level = "agency"\ngroup = "gender=male"',
            'group: must be one of "small_agencies", "middle_agencies", "large_agencies" at level agency, got '
            '"gender=male"',
        ),
        (
            'group = "gender=male"\nmeasure = "n_losing"',
            'measure: must be one of "head_share_01", "head_share_10", "initial_head_share_01", "top_10_share", '
            '"gini", "hhi", "effective_number", "theil", "total", "share", "mean", "growth" for followers of '
            'gender=male at level influencer, got "n_losing"',
        ),
        (
            'group = "gender"\nbaseline_group = "cohort"',
            'baseline_group: must name a value of the column, such as "cohort=2020", got "cohort"',
        ),
        (
            'group = "cohort=2020"\nbaseline_group = "cohort=2020.0"',
            'group: must differ from the claim\'s baseline_group, got "cohort=2020"',
        ),
        (
            'group = "Reads"\nbaseline_group = "Reads=7"',
            'group: must be a column with another value than the baseline, got "Reads"',
        ),
    ],
)
def test_each_group_that_the_roster_does_not_have_is_refused_with_its_line(
    tmp_path: Path, keys: str, message: str
) -> None:
    text = (NAMED + CLAIM + keys).splitlines()
    line = next(n for n, line in enumerate(text, 1) if line in keys and line.split(" ")[0] == message.split(":")[0])
    assert refused(tmp_path, CLAIM + keys) == f"x.toml:{line}: claims.it.{message}"


def test_a_column_of_twenty_values_states_twenty_claims(tmp_path: Path) -> None:
    claims = loaded_with(tmp_path, CLAIM + 'group = "town"', roster_text({"town": TOWNS})).scenario.claims
    assert set(claims) == {"lower", *(f"it (town={town})" for town in TOWNS)}


def test_a_column_that_is_not_kept_is_refused_with_the_reason(tmp_path: Path) -> None:
    write(tmp_path, roster_text({"bio": ["x" * 201]}), "r.csv")
    with pytest.raises(InputError, match="must be a column that is kept, but it has texts of more than 200 characters"):
        loaded_from(tmp_path, NAMED + CLAIM + 'group = "bio"')


@pytest.mark.parametrize(
    ("group", "rule"),
    [
        ("gender=female", 'needs a roster (influencers.roster, or roster="FILE"), whose column it names'),
        (
            "gender",
            'must be one of "head", "middle", "small", "newcomers", "small_agencies", "middle_agencies", '
            '"large_agencies", "feed", "discovery", "commerce", "live"; a column needs a roster',
        ),
    ],
)
def test_without_a_roster_there_are_no_groups_by_its_columns(tmp_path: Path, group: str, rule: str) -> None:
    claim = CLAIM + f'group = "{group}"'
    line = len((TINY + claim).splitlines())
    assert refused(tmp_path, claim, TINY) == f'x.toml:{line}: claims.it.group: {rule}, got "{group}"'


def test_claims_that_a_column_makes_have_names_of_their_own_and_are_not_too_many(tmp_path: Path) -> None:
    same = CLAIM + 'group = "gender"\n' + CLAIM.replace("claims.it", 'claims."it (gender=male)"')
    assert 'claims.it.group: makes a claim "it (gender=male)", which there is already' in refused(tmp_path, same)
    long = CLAIM.replace("claims.it", f"claims.{'x' * 190}") + 'group = "gender"\n'
    assert "but a name must be 1 to 200 printable characters" in refused(tmp_path, long)
    many = "".join(CLAIM.replace("claims.it", f"claims.it-{i}") + 'group = "gender"\n' for i in range(67))
    rule = "claims: must have at most 200 entries, those for each value of a column among them, got 202"
    assert refused(tmp_path, many).endswith(rule)


# Who is in a group


CELLS = st.sampled_from(["", "a", "b", " a", "A", "=", "1", "1.0", "-0", "0", "1e3", "分层", "x,y"])


@given(st.lists(CELLS, min_size=1, max_size=12))
def test_groups_of_a_column_share_out_the_accounts_whose_cell_is_not_empty(cells: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder), roster_text({"own": cells}, len(cells)), "r.csv")
        roster = read_roster(path, dirty_rows="refuse", verticals=())
    claim = Claim(arm="a", control="b", group="own", direction="lower")
    stated, wrong = stated_claims({"it": claim}, roster)
    groups = [str(own.group) for own in stated.values()]
    inside = members(groups, roster)
    column = roster.other_columns["own"]
    assert bool(wrong) == all(value is None for value in column)
    together = sum((mask.astype(int) for mask in inside.values()), np.zeros(len(cells), int))
    assert together.tolist() == [int(value is not None) for value in column]
    for mask in inside.values():
        assert len({column[i] for i in np.flatnonzero(mask)}) == 1
    again, wrong_again = stated_claims(stated, roster)
    assert (again, wrong_again) == (stated, [])


# What is measured of a group


def test_measures_of_a_group_worked_out_by_hand() -> None:
    # Accounts 1, 2 and 8: 50, 20 and 1 fans at day 0, ten people each; 2 is cut and 8 leaves, and they stay in it.
    mask = np.isin(np.arange(10), (1, 2, 8))
    nobody_has_any = np.isin(np.arange(10), (9,))
    groups = {"own=x": mask, "own=y": nobody_has_any}
    flows = {
        "new_follows": {60: [10, 5, 4, 0, 0, 0, 0, 0, 0, 0, 81, 0]},
        "tips": {30: [0, 4] + [0] * 10, 60: [6, 4, 2] + [0] * 9},
    }
    scenario = written_scenario()
    about = MeasureIndex(60, scenario.warmup_days, tuple(groups)).keys
    values = dict(zip(about, measure(written(flows), scenario, groups).tolist(), strict=True))

    def of(quantity: str, name: str, window: float | None = None, who: str = "own=x") -> float:
        return values[MeasureKey(60.0, window, who, "influencer", quantity, name)]

    assert [of("followers", name) for name in ("total", "mean")] == [800, 800 / 3]
    assert of("followers", "share") == 80 / 300
    assert of("followers", "growth") == 9 / 71
    assert of("followers", "head_share_01") == of("followers", "initial_head_share_01") == 55 / 80
    assert of("followers", "hhi") == (55**2 + 24**2 + 1) / 80**2
    assert [of("new_follows", name, 60.0) for name in ("total", "share")] == [90, 0.09]
    assert [of("tips", name, 60.0) for name in ("total", "share", "mean")] == [6, 0.5, 2]
    assert [of("tips", name, 30.0) for name in ("total", "share", "hhi")] == [2, 0.25, 1]
    assert [of("cuts", name) for name in ("total", "share")] == [1, 1 / 3]
    assert [of("tips", name, 60.0, "own=y") for name in ("total", "share")] == [0, 0]
    assert math.isnan(of("tips", "gini", 60.0, "own=y"))
    without = dict(
        zip(MeasureIndex(60, scenario.warmup_days).keys, measure(written(flows), scenario).tolist(), strict=True)
    )
    rest = {cell: value for cell, value in values.items() if cell.population not in groups}
    assert list(rest) == list(without)
    assert np.array_equal(list(rest.values()), list(without.values()), equal_nan=True)
