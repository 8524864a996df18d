"""What a run is measured by: the cells exist as the scenario says, and their values are those of a plain recount."""

import itertools
import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from support.forms import drawn
from support.outcomes import shares_that_sum_to_one
from support.places import CORPUS
from support.scenarios import World, plain, world_of, worlds

import sim
from sim.analysis.concentration import head_members
from sim.calendar import DAY, snapshot_times
from sim.measures import merit, mobility
from sim.measures.index import MeasureIndex, MeasureKey
from sim.measures.meter import measure, transitions
from sim.model.agencies import history
from sim.model.simulation import Outcome, simulate
from sim.scenario import Scenario
from sim.scenario.resolve.follows import affinities
from sim.scenario.schema.measurable import Measurable, Scope
from sim.types import Key

Measured = dict[MeasureKey, float]
VALID = CORPUS / "valid.toml"


def names_of(scope: Scope) -> list[str]:
    return [measure.name for measure in Measurable.here().scopes[scope]]


def outcome_of(world: World) -> Outcome:
    return simulate(world.scenario, world.population, world.key, engine="reference")


def measured(outcome: Outcome, scenario: Scenario) -> Measured:
    about = MeasureIndex(scenario.horizon_days, scenario.warmup_days).keys
    values = measure(outcome, scenario)
    assert len(values) == len(about) == len(set(about))
    return dict(zip(about, values.tolist(), strict=True))


def at(values: Measured, level: str, quantity: str, name: str, time: float, window: float | None = None) -> float:
    return values[MeasureKey(time, window, "all", level, quantity, name)]


def busy_world(**over: Any) -> World:
    """A world of 40 accounts of unlike quality and two verticals, 75 days, in which much happens."""
    parts: dict[str, Any] = {
        "horizon_days": 75,
        "warmup_days": 10,
        "people_per_fan": 3.0,
        "fans": {"count": 60, "follows_per_fan": 4.0, "sessions_per_day": 0.4},
        "verticals": {"a": {"share": 0.5, "shop_prob": 0.9}, "b": {"share": 0.5, "shop_prob": 0.3}},
        "segments": {
            "one": {"share": 0.5, "interests": {"a": 1.0, "b": 0.25}},
            "two": {"share": 0.5, "interests": {"a": 0.5, "b": 1.0}},
        },
        "influencers": {
            "count": 40,
            "followers": {"kind": "lognormal", "median": 100.0, "sigma": 0.6},
            "quality": {"kind": "uniform", "low": 0.1, "high": 0.9},
            "conversion_prob": 0.3,
            "order_value_fen": {"kind": "uniform", "low": 1000.0, "high": 9000.0},
        },
        "surfaces": {
            "find": {
                "kind": "discovery",
                "session_share": 1.0,
                "slots": 4,
                "ranking": {"popularity": 0.0},
                "follow_prob": 0.5,
                "unfollow_prob": 0.15,
                "order_factor": 1.0,
            }
        },
        "explosive_gmv_fen_per_year": 500_000,
    }
    return world_of(plain(**parts | over), key=Key(5, 0))


# The cells


@drawn(8, 25, worlds())
def test_every_scenario_has_one_value_for_each_of_its_cells_and_none_is_infinite(world: World) -> None:
    values = measured(outcome_of(world), world.scenario)
    assert not any(math.isinf(value) for value in values.values())
    shares_that_sum_to_one(values)


# Their values, counted anew


@pytest.fixture(scope="module")
def busy() -> tuple[World, Outcome, Measured]:
    world = busy_world()
    outcome = outcome_of(world)
    return world, outcome, measured(outcome, world.scenario)


def flow(outcome: Outcome, name: str, start: int, end: int) -> NDArray[np.int64]:
    return outcome.history.between(start * DAY, end * DAY)[history.RECORDED_FLOWS.index(name)]


def test_at_day_0_nobody_has_moved(busy: tuple[World, Outcome, Measured]) -> None:
    _, _, values = busy
    found = [at(values, "platform", "followers", name, 0.0) for name in names_of(mobility.FOLLOWERS)]
    assert found[:7] == [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    assert math.isnan(found[7])


def test_turnover_and_arrivals_in_the_head_are_those_of_the_snapshots(busy: tuple[World, Outcome, Measured]) -> None:
    _, outcome, values = busy
    first = outcome.followers(0)
    seen: dict[int, int] = {}
    heads = {time: set(head_members(outcome.followers(time), 1).tolist()) for time in snapshot_times(75)}
    for time, head in heads.items():
        for i in head - heads[0]:
            seen.setdefault(i, time)
        tenth = set(head_members(outcome.followers(time), 4).tolist())
        kept = tenth & set(head_members(first, 4).tolist())
        assert at(values, "platform", "followers", "head_turnover_10", time / DAY) == 1 - len(kept) / 4
        assert at(values, "platform", "followers", "head_turnover_01", time / DAY) == float(head != heads[0])
        assert at(values, "platform", "followers", "n_reached_head", time / DAY) == len(seen)
        median = at(values, "platform", "followers", "median_days_to_head", time / DAY)
        assert math.isnan(median) if not seen else median == float(np.median(list(seen.values()))) / DAY
    assert len(seen) == 2, "the world is too quiet to tell"


def test_participation_counts_accounts_with_any_in_the_window(busy: tuple[World, Outcome, Measured]) -> None:
    _, outcome, values = busy
    n_below_all = 0
    for quantity in ("reads", "new_follows"):
        for start, end in ((0, 30), (30, 60), (45, 75), (0, 75)):
            n = sum(x > 0 for x in flow(outcome, quantity, start, end).tolist())
            n_below_all += n < 40
            assert at(values, "platform", quantity, "n_active", end, end - start) == n
            assert at(values, "platform", quantity, "active_share", end, end - start) == n / 40
    assert n_below_all


def test_who_gained_has_more_new_follows_than_unfollows(busy: tuple[World, Outcome, Measured]) -> None:
    _, outcome, values = busy
    change = outcome.followers(75 * DAY) - outcome.followers(0)
    found = at(values, "platform", "net_follows", "gained_share", 75.0, 75.0)
    assert found == sum(x > 0 for x in change.tolist()) / 40
    gross = sum(x > 0 for x in flow(outcome, "new_follows", 0, 75).tolist())
    assert found < gross / 40


def test_explosive_accounts_have_the_yearly_turnover_in_the_window_s_pace(
    busy: tuple[World, Outcome, Measured],
) -> None:
    world, outcome, values = busy
    for start, end in ((0, 30), (45, 75), (0, 75)):
        turnover = flow(outcome, "gmv", start, end).tolist()
        n = sum(Fraction(x * 365, end - start) >= 500_000 for x in turnover)
        assert at(values, "platform", "gmv", "n_explosive", end, end - start) == n
        assert 0 < n < 40
    silent = world.scenario.model_copy(update={"explosive_gmv_fen_per_year": None})
    assert math.isnan(at(measured(outcome, silent), "platform", "gmv", "n_explosive", 75.0, 75.0))


def test_utility_is_the_mean_over_the_reads_of_each_segment(busy: tuple[World, Outcome, Measured]) -> None:
    world, outcome, values = busy
    people, affinity = world.population, affinities(world.scenario)
    reads = outcome.history.reads[75 * DAY] - outcome.history.reads[0]
    assert reads.sum(axis=1).tolist() == flow(outcome, "reads", 0, 75).tolist()
    worth = [
        int(reads[i, g]) * float(people.quality[i] * affinity[g, people.vertical[i]])
        for i, g in np.ndindex(reads.shape)
    ]
    found = at(values, "fan", "utility", "mean", 75.0, 75.0)
    assert found == pytest.approx(math.fsum(worth) / int(reads.sum()), rel=1e-12)


def test_the_tail_is_that_of_the_tenth_with_the_most_in_people() -> None:
    world = busy_world(
        influencers={"count": 150, "followers": {"kind": "lognormal", "median": 100.0, "sigma": 1.5}}, horizon_days=20
    )
    outcome = outcome_of(world)
    values = measured(outcome, world.scenario)
    followers = sorted(outcome.followers(20 * DAY).tolist())
    least = followers[-15]
    tail = [x for x in followers if x >= least]
    assert at(values, "influencer", "followers", "tail_x_min", 20.0) == least * 3.0
    assert at(values, "influencer", "followers", "tail_n", 20.0) == len(tail) >= 15
    exponent = len(tail) / math.fsum(math.log(x / (least - 0.5)) for x in tail)
    assert at(values, "influencer", "followers", "tail_exponent", 20.0) == pytest.approx(exponent, rel=1e-12)


def test_holders_at_each_level_have_the_sums_of_their_accounts(busy: tuple[World, Outcome, Measured]) -> None:
    world, outcome, values = busy
    reads = flow(outcome, "reads", 0, 75)
    of_vertical = [int(reads[world.population.vertical == v].sum()) for v in range(2)]
    wanted = sum(x * x for x in of_vertical) / sum(of_vertical) ** 2
    assert at(values, "vertical", "reads", "hhi", 75.0, 75.0) == wanted
    shares = [Fraction(2 * x, sum(of_vertical)) for x in of_vertical]
    theil = math.fsum(float(s) * math.log(s) for s in shares) / 2
    assert at(values, "vertical", "reads", "theil", 75.0, 75.0) == pytest.approx(theil, rel=1e-9)


def test_a_ranking_by_merit_raises_the_part_of_quality_in_exposure_and_what_fans_get() -> None:
    found = []
    for exponent in (-4.0, 0.0, 4.0):
        ranking = {"popularity": 0.0, "merit": exponent}
        surface = {"kind": "discovery", "session_share": 1.0, "slots": 4, "ranking": ranking}
        world = busy_world(surfaces={"find": surface})
        values = measured(outcome_of(world), world.scenario)
        found.append(
            [
                at(values, "platform", "exposure", name, 75.0, 75.0)
                for name in ("quality_rank_correlation", "top_quality_decile_share")
            ]
            + [at(values, "fan", "utility", "mean", 75.0, 75.0)]
        )
    assert found[0] < found[1] < found[2]
    assert all(a < b < c for a, b, c in zip(*found, strict=True))


def test_accounts_of_one_quality_have_no_merit() -> None:
    values = measured(outcome_of(world := world_of(plain())), world.scenario)
    assert all(math.isnan(at(values, "platform", "exposure", name, 10.0, 10.0)) for name in names_of(merit.EXPOSURE))


# In the tables


def test_transitions_and_claims_on_the_platform_stand_in_the_tables_of_a_run(tmp_path: Path) -> None:
    claims = {
        "movement": 'level = "platform"\nmeasure = "head_turnover_10"\n',
        "welfare": 'level = "fan"\nquantity = "utility"\nmeasure = "mean"\n',
        "theil": 'measure = "theil"\n',
    }
    text = VALID.read_text().replace("exponent = 1.2", "exponent = 1.2\nmax = 2000.0") + "".join(
        f'\n[claims.{name}]\narm = "uniform"\ncontrol = "none"\ndirection = "higher"\n{rest}'
        for name, rest in claims.items()
    )
    path = tmp_path / "scenario.toml"
    path.write_text(text)
    loaded = sim.load(path, replications=2)
    run = sim.run(loaded, out=tmp_path / "run", threads=1)
    rows = {row["claim"]: row for row in run.claims()}
    assert set(rows) == {"lower", *claims}
    assert all(rows[name]["estimate"] is not None for name in claims)
    moves = run.table("transitions").to_pylist()
    assert len(moves) == 100 * 3 * 2
    followers = run.table("influencers").to_pylist()
    for arm, replication in itertools.product(loaded.arms, range(2)):
        mine = [row for row in moves if (row["arm"], row["replication"]) == (arm, replication)]
        assert {(row["decile_start"], row["decile_end"]) for row in mine} == set(
            itertools.product(range(1, 11), repeat=2)
        )
        accounts = [row for row in followers if (row["arm"], row["replication"]) == (arm, replication)]
        assert sum(row["n"] for row in mine) == len(accounts) == 100
        stayed = sum(row["n"] for row in mine if row["decile_start"] == row["decile_end"] == 10)
        heads = [
            set(sorted(range(100), key=lambda i, key=key, a=accounts: (-a[i][key], i))[:10])  # type: ignore[misc]
            for key in ("followers_start", "followers_end")
        ]
        assert stayed == len(heads[0] & heads[1])


def test_transitions_are_those_between_day_0_and_the_end(busy: tuple[World, Outcome, Measured]) -> None:
    _, outcome, values = busy
    counts = transitions(outcome, 75)
    up = sum(int(counts[i, j]) for i in range(10) for j in range(i + 1, 10))
    assert at(values, "platform", "followers", "upward_share", 75.0) == up / 40
