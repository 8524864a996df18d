"""A unit of an experiment, one arm in one replication: its population drawn, simulated, and what is kept of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from sim.calendar import DAY
from sim.experiment.epochs import EpochKeeper
from sim.experiment.refusals import population_number
from sim.measures.meter import lorenz_curves, measure, support_effect, tier_transitions, transitions
from sim.measures.subgroups import NO_GROUPS, Groups
from sim.model.simulation import Observation, Outcome, Watch, simulate
from sim.model.world.accounts import AccountStatus
from sim.model.world.population import Population, draw_population
from sim.scenario import Loaded
from sim.scenario.schema.scenario import Scenario
from sim.store.unit import Unit
from sim.store.unit_record import (
    AccountsRecord,
    EpochsRecord,
    MeasuresRecord,
    RefreshesRecord,
    ReviewsRecord,
    TrafficRecord,
    UnitRecord,
)
from sim.types import EngineName, Int64s, Key

__all__ = ["population_of", "run_unit"]

Number = TypeVar("Number", bound=np.generic)


def population_of(loaded: Loaded, unit: Unit) -> Population:
    """Draw the population of a unit; ``InputError`` where it can't be drawn."""
    scenario = loaded.arms[unit.arm]
    key = Key(scenario.seed, population_number(scenario, unit.replication))
    return draw_population(scenario, loaded.roster, key, loaded.graph)


def run_unit(
    scenario: Scenario,
    population: Population,
    key: Key,
    *,
    engine: EngineName,
    threads: int,
    watch: Watch,
    epochs: bool = False,
    groups: Groups = NO_GROUPS,
) -> UnitRecord:
    """Simulate a unit and keep what the tables need, and its epochs if wanted.

    Arguments as ``simulation.simulate``, but for ``groups``: those by a column of the roster that are measured.
    """
    keeper = EpochKeeper(population, -scenario.warmup_days * DAY) if epochs else None

    def watched(observation: Observation) -> None:
        watch(observation)
        if keeper is not None:
            keeper.watch(observation)

    outcome = simulate(scenario, population, key, engine=engine, threads=threads, watch=watched)
    return _record(outcome, scenario, groups, None if keeper is None else keeper.record())


def _record(outcome: Outcome, scenario: Scenario, groups: Groups, epochs: EpochsRecord | None) -> UnitRecord:
    horizon_days = scenario.horizon_days
    return UnitRecord(
        digest=outcome.digest(),
        seconds=outcome.seconds,
        measures=MeasuresRecord(
            values=measure(outcome, scenario, groups),
            lorenz=lorenz_curves(outcome, horizon_days),
            support_effect=np.array(support_effect(outcome, horizon_days)),
            transitions=transitions(outcome, horizon_days),
            tier_transitions=tier_transitions(outcome, len(scenario.support.tiers), horizon_days * DAY),
        ),
        traffic=TrafficRecord(counts=outcome.counts, totals=outcome.totals),
        accounts=_accounts(outcome, horizon_days * DAY),
        reviews=_reviews(outcome),
        refreshes=_refreshes(outcome),
        epochs=epochs,
    )


def _accounts(outcome: Outcome, end: int) -> AccountsRecord:
    population, accounts, history = outcome.population, outcome.accounts, outcome.history
    return AccountsRecord(
        influencer=np.array(population.influencers),
        n_initial=population.n_initial,
        people_per_fan=population.people_per_fan,
        vertical=accounts.vertical,
        agency=population.agency,
        # As the measures see them: before the events of the end.
        agency_end=history.agency[end],
        status_end=history.status[end],
        joined_at=population.joined_at,
        gone_at=accounts.gone_at,
        quality=population.quality,
        posts_per_day=population.posts_per_day,
        live_hours_per_day=population.live_hours_per_day,
        shop=population.shop,
        shop_end=accounts.shop,
        conversion_prob=population.conversion_prob,
        order_value_fen=population.order_value_fen,
        followers_start=outcome.followers(0),
        followers_end=outcome.followers(end),
        income_fen=history.flow("income", end),
    )


def _reviews(outcome: Outcome) -> ReviewsRecord:
    agencies, reviews = outcome.population.agencies, outcome.reviews
    times = [review.time for review in reviews]

    def rows(of: Iterable[NDArray[Number]], kind: type[Number]) -> NDArray[Number]:
        return np.array(list(of), kind).reshape(len(reviews), len(agencies))

    return ReviewsRecord(
        agencies=np.array(agencies, np.str_),
        time=np.array(times, np.int64),
        tier=rows((review.tier for review in reviews), np.int32),
        accounts=rows((review.accounts for review in reviews), np.int64),
        followers=rows((review.followers for review in reviews), np.float64),
        reads_per_month=rows((review.reads_per_month for review in reviews), np.float64),
        posts_per_month=rows((review.posts_per_month for review in reviews), np.float64),
        gmv_fen_per_year=rows((review.gmv_fen_per_year for review in reviews), np.float64),
        cut=rows(_cut(outcome, times), np.int64),
        profit=rows(_profit(outcome, times), np.int64),
    )


def _refreshes(outcome: Outcome) -> RefreshesRecord:
    noted = zip(*outcome.refreshes, strict=True) if outcome.refreshes else [()] * len(fields(RefreshesRecord))
    time, surface, follows, reserved, support, organic = noted
    return RefreshesRecord(
        time=np.array(time, np.int32),
        surface=np.array(surface, np.int32),
        follows=np.array(follows, np.int64),
        reserved_follows=np.array(reserved, np.int64),
        support_head_share=np.array(support, np.float32),
        organic_head_share=np.array(organic, np.float32),
    )


def _cut(outcome: Outcome, times: Sequence[int]) -> Iterator[Int64s]:
    """Accounts of each agency that have been cut since the tier review before, by review; none at the first.

    An account counts for the agency that it was with at the review before.
    """
    history, n = outcome.history, len(outcome.population.agencies)
    for before, time in zip([None, *times], times, strict=False):
        if before is None:
            yield np.zeros(n, np.int64)
            continue
        was = history.agency[before]
        now = (was >= 0) & (history.status[time] == AccountStatus.CUT) & (history.status[before] != AccountStatus.CUT)
        yield np.bincount(was[now], minlength=n).astype(np.int64)


def _profit(outcome: Outcome, times: Sequence[int]) -> Iterator[Int64s]:
    """Profit of each agency since the tier review before, the first since the start, by review."""
    profit = outcome.history.profit
    for before, time in zip([None, *times], times, strict=False):
        yield profit[time] - (0 if before is None else profit[before])
