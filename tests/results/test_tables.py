"""Tables of a run in which accounts come and go: they agree with the measures on accounts, agencies and tiers."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from support.outcomes import shares_that_sum_to_one
from support.small_runs import TINY, loaded_from, run_of

from sim.experiment.follow_graphs import follow_graph
from sim.measures.index import MeasureIndex, MeasureKey
from sim.results.run import Run

GROUPS = ("head", "middle", "small", "newcomers")
COMING_AND_GOING = (
    TINY.replace("horizon_days = 20", "horizon_days = 75")
    .replace("replications = 3", "replications = 2")
    .replace("warmup_days = 5", "warmup_days = 30")
    .replace("tiers.all.weight = 1.0", "tiers.all = { weight = 1.0, over_accounts = 4 }\nreview_days = 15")
    + """
[economy]
commission_share = 0.2
pay_fen_per_1000_reads = 40.0
agency_share = 0.5
account_fen_per_month = 30_000.0
independent_fen_per_month = 1_000.0

[contracts]
cuts = true
review_days = 15
patience = 2
recruits_per_review = 1
independents_leave = true
idle_reads_per_month = 150_000.0

[entry]
newcomers_per_month = 4.0
"""
)
Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run_of(tmp_path_factory.mktemp("coming"), COMING_AND_GOING)


def units(run: Run, table: str) -> dict[tuple[str, int], Rows]:
    """Rows of a table by arm and replication."""
    found: dict[tuple[str, int], Rows] = {}
    for row in run.table(table).to_pylist():
        found.setdefault((row["arm"], row["replication"]), []).append(row)
    return found


def measured(run: Run) -> dict[tuple[str, int], dict[MeasureKey, float]]:
    about = MeasureIndex(75, 30).keys
    return {
        unit: {
            cell: float("nan") if row["value"] is None else row["value"] for cell, row in zip(about, rows, strict=True)
        }
        for unit, rows in units(run, "measures").items()
    }


def test_accounts_that_came_stand_at_the_end_where_the_measures_count_them(run: Run) -> None:
    values = measured(run)
    seen: set[str] = set()
    for unit, rows in units(run, "influencers").items():
        assert len(rows) == 20 + 10
        standing = [row["status_end"] for row in rows]
        counted = {
            name: values[unit][MeasureKey(75.0, None, "all", "platform", "accounts", name)]
            for name in ("n_present", "n_entered", "n_cut", "n_left")
        }
        assert standing.count("incubating") + standing.count("established") == counted["n_present"]
        assert standing.count("cut") == counted["n_cut"]
        assert standing.count("left") == counted["n_left"]
        assert sum(status != "waiting" for status in standing[20:]) == counted["n_entered"]
        seen |= set(standing)
    assert {"established", "cut", "left"} <= seen


def test_times_of_coming_and_going_are_null_where_nobody_came_or_went(run: Run) -> None:
    for rows in units(run, "influencers").values():
        for i, row in enumerate(rows):
            assert (row["joined_days"] is None) == (i < 20)
            assert i < 20 or row["joined_days"] in range(1, 75)
            assert (row["gone_days"] is not None) == (row["status_end"] in ("cut", "left"))
            assert row["gone_days"] is None or 0 < row["gone_days"] < 75
            if row["status_end"] in ("cut", "left"):
                assert row["agency_end"] is None
            if i >= 20:
                assert (row["agency"], row["followers_start"]) == (None, 0)


def test_incomes_and_amounts_of_accounts_sum_up_to_the_measures(run: Run) -> None:
    values = measured(run)
    for unit, rows in units(run, "influencers").items():
        # The table holds the warm-up too, and windows of 30 days tile the run: its first is the warm-up.
        windows = [MeasureKey(0.0, 30.0, "all", "influencer", "income", "total")]
        windows += [MeasureKey(75.0, 75.0, "all", "influencer", "income", "total")]
        assert sum(row["income_fen"] for row in rows) == sum(values[unit][cell] for cell in windows) > 0
        assert sum(row["tips_fen"] for row in rows) == 0
        assert shares_that_sum_to_one(values[unit]) > 10


def test_cuts_of_agencies_and_groups_are_those_of_the_platform(run: Run) -> None:
    values = measured(run)
    n_all = 0.0
    for unit, rows in units(run, "agencies").items():
        n_cut = sum(row["n_cut"] for row in rows)
        assert n_cut == values[unit][MeasureKey(75.0, None, "all", "influencer", "cuts", "total")]
        assert n_cut == sum(values[unit][MeasureKey(75.0, None, who, "influencer", "cuts", "total")] for who in GROUPS)
        n_all += n_cut
        profit = values[unit][MeasureKey(75.0, 75.0, "all", "agency", "profit", "total")]
        assert sum(row["profit_fen"] for row in rows if row["time_days"] > 0) == profit
    assert n_all


def test_steps_between_tiers_are_those_of_the_agencies_from_review_to_review(run: Run) -> None:
    values = measured(run)
    steps = units(run, "tier_transitions")
    moved = 0.0
    for unit, rows in units(run, "agencies").items():
        tiers: dict[str, list[str | None]] = {}
        for row in sorted(rows, key=lambda row: row["time_days"]):
            tiers.setdefault(row["agency"], []).append(row["tier"])
        counted: dict[tuple[str | None, str | None], int] = {}
        for held in tiers.values():
            for step in itertools.pairwise(held):
                counted[step] = counted.get(step, 0) + 1
        told = {(row["tier_from"], row["tier_to"]): row["n"] for row in steps[unit]}
        assert set(told) == {("all", "all"), ("all", None), (None, "all"), (None, None)}
        assert {step: n for step, n in told.items() if n} == counted
        found = [
            values[unit][MeasureKey(75.0, None, "all", "platform", "tiers", f"n_{to}motions")] for to in ("pro", "de")
        ]
        assert found == [told[None, "all"], told["all", None]]
        moved += sum(found)
    assert moved


def test_all_arms_have_the_same_groups_and_the_same_accounts_to_come(run: Run) -> None:
    for replication in (0, 1):
        columns = [
            [(row["influencer"], row["joined_days"], row["quality"], row["agency"]) for row in rows]
            for (_, number), rows in units(run, "influencers").items()
            if number == replication
        ]
        assert len(columns) == 3
        assert columns[0] == columns[1] == columns[2]


def test_a_follow_graph_holds_the_accounts_that_have_entered_by_its_day(run: Run, tmp_path: Path) -> None:
    loaded = loaded_from(tmp_path, COMING_AND_GOING)
    assert len(follow_graph(loaded, day=0).influencers) == 20
    graph = follow_graph(loaded, "tiered", 1)
    rows = units(run, "influencers")["tiered", 1]
    entered = [row for row in rows if row["status_end"] != "waiting"]
    assert graph.influencers == tuple(row["influencer"] for row in entered)
    assert 20 < len(entered) <= 30
    scale = entered[0]["followers_end"] / int(graph.in_degrees()[0])
    found = [int(n * scale + 0.5) for n in graph.in_degrees()]
    assert found == pytest.approx([row["followers_end"] for row in entered], abs=1)
