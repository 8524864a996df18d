"""A unit of an experiment, one arm in one replication: its population drawn, simulated, and what is kept of it."""

from __future__ import annotations

from dataclasses import replace

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
from sim.store.unit_record import UnitRecord
from sim.types import EngineName, Key

__all__ = ["population_of", "run_unit"]

TIER_REVIEW = ("accounts", "followers", "reads_per_month", "posts_per_month", "gmv_fen_per_year", "tier")


def population_of(loaded: Loaded, arm: str, replication: int) -> Population:
    """Draw the population of an arm in a replication; ``InputError`` where it can't be drawn."""
    scenario = loaded.arms[arm]
    key = Key(scenario.seed, population_number(scenario, replication))
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
    record = _record(outcome, scenario, groups)
    return record if keeper is None else replace(record, arrays=record.arrays | keeper.arrays())


def _record(outcome: Outcome, scenario: Scenario, groups: Groups) -> UnitRecord:
    population, accounts = outcome.population, outcome.accounts
    horizon_days = scenario.horizon_days
    end = horizon_days * DAY
    reviews = {name: np.array([getattr(review, name) for review in outcome.reviews]) for name in TIER_REVIEW}
    return UnitRecord(
        digest=outcome.digest(),
        arrays={
            "seconds": np.array(outcome.seconds),
            "values": measure(outcome, scenario, groups),
            "lorenz": lorenz_curves(outcome, horizon_days),
            "support_effect": np.array(support_effect(outcome, horizon_days)),
            "transitions": transitions(outcome, horizon_days),
            "tier_transitions": tier_transitions(outcome, len(scenario.support.tiers), end),
            "counts": outcome.counts,
            "totals": outcome.totals,
            "followers_start": outcome.followers(0),
            "followers_end": outcome.followers(end),
            "people_per_fan": np.array(population.people_per_fan),
            "influencer": np.array(population.influencers),
            "agencies": np.array(population.agencies, dtype=np.str_),
            "vertical": accounts.vertical,
            "agency": population.agency,
            # As the measures see them: before the events of the end.
            "agency_end": outcome.history.agency[end],
            "status_end": outcome.history.status[end],
            "gone_at": accounts.gone_at,
            "n_initial": np.array(population.n_initial),
            "joined_at": population.joined_at,
            "quality": population.quality,
            "posts_per_day": population.posts_per_day,
            "live_hours_per_day": population.live_hours_per_day,
            "shop": population.shop,
            "shop_end": accounts.shop,
            "conversion_prob": population.conversion_prob,
            "order_value_fen": population.order_value_fen,
            "income_fen": outcome.history.flow("income", end),
            "review_time": np.array([review.time for review in outcome.reviews], dtype=np.int64),
        }
        | {f"review_{name}": column for name, column in reviews.items()}
        | _since_the_last_review(outcome),
    )


def _since_the_last_review(outcome: Outcome) -> dict[str, NDArray[np.int64]]:
    """Accounts that each agency has cut since the tier review before, and its profit since; the first since the start.

    An account counts for the agency that it was with at the review before.
    """
    history, n = outcome.history, len(outcome.population.agencies)
    cut, profit = [], []
    before = None
    for time in (review.time for review in outcome.reviews):
        lost = np.zeros(n, np.int64)
        if before is not None:
            was = history.agency[before]
            now = (
                (was >= 0) & (history.status[time] == AccountStatus.CUT) & (history.status[before] != AccountStatus.CUT)
            )
            lost = np.bincount(was[now], minlength=n).astype(np.int64)
        cut.append(lost)
        profit.append(history.profit[time] - (0 if before is None else history.profit[before]))
        before = time
    return {"review_cut": np.array(cut), "review_profit": np.array(profit)}
