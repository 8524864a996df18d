"""A small platform whose reviews are given what came in: for tests of the agencies' review."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from support.scenarios import World, plain, world_of

from sim.calendar import DAY
from sim.model.agencies.ledger import Ledger
from sim.model.agencies.review import AgencyReview
from sim.model.world.accounts import Accounts
from sim.scenario.schema.economy import Contracts as Terms

A, B, NONE = 0, 1, -1
AGENCY = [A, A, A, B, B, NONE, NONE, NONE]
N = len(AGENCY)
Amounts = dict[int, int]
"""Of accounts, or agencies; all others have nothing."""


def platform(**parts: Any) -> World:
    """Three accounts of agency a, two of b, three alone; all post twice a day, are of quality 1/2, on air for 4 h."""
    parts = {"warmup_days": 30, "influencers": {"count": N}} | parts
    world = world_of(plain(**parts))
    population = replace(
        world.population,
        agencies=("a", "b"),
        agency_group=np.array([-1, -1], np.int32),
        agency=np.array(AGENCY, np.int32),
        posts_per_day=np.full(N, 2.0),
        quality=np.full(N, 0.5),
        live_hours_per_day=np.full(N, 4.0),
    )
    return replace(world, population=population)


class Review:
    """Accounts, contracts and a ledger that is given its amounts."""

    def __init__(self, world: World, **terms: Any) -> None:
        self.world = world
        self.scenario = world.scenario.model_copy(update={"contracts": Terms(**terms)})
        self.accounts = Accounts(world.population)
        self.agency_review = AgencyReview(world.population, world.key)
        self.ledger = Ledger(world.population)
        self.followers = world.population.followers.copy()
        self.tier = np.full(len(world.population.agencies), -1, np.int32)

    def run(
        self,
        day: int = 0,
        result: Amounts | None = None,
        reads: Amounts | None = None,
        profit: Amounts | None = None,
        tips: Amounts | None = None,
        hours: float = 0.0,
    ) -> bool:
        """A review after these amounts have come in."""
        ledger = self.ledger
        columns = ((ledger.result, result), (ledger.reads, reads), (ledger.profit, profit), (ledger.host_tips, tips))
        for column, amounts in columns:
            for holder, amount in (amounts or {}).items():
                column[holder] += amount
        ledger.seconds_on_air += int(hours * 3600)
        state = (self.accounts, ledger, self.followers, self.tier, self.scenario)
        return self.agency_review.review(day * DAY, *state)

    @property
    def funds(self) -> list[int]:
        found: list[int] = self.agency_review.funds.tolist()
        return found

    @property
    def bad_reviews(self) -> list[int]:
        found: list[int] = self.accounts.bad_reviews.tolist()
        return found

    @property
    def agency(self) -> list[int]:
        found: list[int] = self.accounts.agency.tolist()
        return found

    @property
    def posts(self) -> list[float]:
        found: list[float] = self.accounts.posts_per_day.tolist()
        return found
