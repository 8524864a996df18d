"""The tier review: agencies' real-world totals compared with the conditions of the tiers; knows no processes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.calendar import DAY, MONTH
from sim.model.agencies.history import History
from sim.model.world.accounts import Accounts
from sim.scenario.schema.scenario import Scenario
from sim.types import Bools, Floats, Int32s, Int64s

__all__ = ["YEAR", "TierReview", "review_tiers"]

YEAR = 365 * DAY


@dataclass(frozen=True)
class TierReview:
    """What a tier review found and decided, as real-world totals per agency, shape (A,)."""

    time: int
    accounts: Int64s
    followers: Floats
    reads_per_month: Floats
    posts_per_month: Floats
    gmv_fen_per_year: Floats
    tier: Int32s
    """Index of the highest tier whose conditions are all met, -1: none."""


def review_tiers(
    time: int, scenario: Scenario, accounts: Accounts, followers: Int64s, history: History, failed: Bools
) -> TierReview:
    """Totals of every agency over the accounts that it has now, and its tier from now on.

    Parameters
    ----------
    time
        Now [s]; recorded in the history, as are a month and a year before it as far as it reaches.
    scenario
        Resolved scenario in force.
    accounts
        As they are now.
    followers
        Shape (M,) [simulated fans].
    history
        Flows so far.
    failed
        Shape (A,): agencies that have failed and get no tier.
    """
    n, population = failed.size, accounts.population
    contract = accounts.agency >= 0
    agency = accounts.agency[contract]
    start = -scenario.warmup_days * DAY

    def total(amounts: Int64s) -> Int64s:
        out = np.zeros(n, np.int64)
        np.add.at(out, agency, amounts[contract])
        return out

    def rate(flow: str, window: int) -> Floats:
        since = max(time - window, start)
        if since == time:
            return np.zeros(n)
        flows = total(history.flow(flow, time, since))
        return flows.astype(np.float64) * (window / (time - since))

    posts = np.zeros(n)
    np.add.at(posts, agency, accounts.posts_per_day[contract])
    people = population.people_per_fan
    review = TierReview(
        time=time,
        accounts=np.bincount(agency, minlength=n),
        followers=total(followers).astype(np.float64) * people,
        reads_per_month=rate("reads", MONTH) * (people * scenario.reads_per_examined),
        posts_per_month=posts * 30.0,
        gmv_fen_per_year=rate("gmv", YEAR),
        tier=np.full(n, -1, np.int32),
    )
    for index, tier in reversed(list(enumerate(scenario.support.tiers.values()))):
        is_met = (
            (review.accounts > tier.over_accounts)
            & (review.followers > tier.over_followers)
            & (review.reads_per_month > tier.over_reads_per_month)
            & (review.posts_per_month > tier.over_posts_per_month)
            & (review.gmv_fen_per_year >= tier.min_gmv_fen_per_year)
        )
        review.tier[is_met & ~failed] = index
    return review
