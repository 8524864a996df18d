"""A run of one arm and one replication: the platform put together, run and summed up; knows no experiments.

Events at one time happen in the order of ``clock.Order``.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from simpy import Environment

from sim.model.agencies.history import History
from sim.model.agencies.tiers import TierReview
from sim.model.control import Control
from sim.model.engines.compiled import CompiledEngine
from sim.model.engines.reference import ReferenceEngine
from sim.model.layout import ID_MASK, BlockLists
from sim.model.observation import Observation, Watch
from sim.model.ranking.refreshes import Refresh
from sim.model.world.accounts import Accounts
from sim.model.world.follow_blocks import block_digest, in_one_place
from sim.model.world.population import Population
from sim.scenario.schema.scenario import Scenario
from sim.types import EngineName, Int32s, Int64s, Key

__all__ = ["EngineName", "Observation", "Outcome", "Watch", "simulate"]

HASHED = 1 << 20
"""Numbers that are copied at a time to be hashed."""


@dataclass(frozen=True)
class Outcome:
    """Result of a run. Axes as in ``layout``."""

    population: Population
    counts: Int64s
    """(M, S, 11)"""
    totals: Int64s
    """(S, 7)"""
    lists: tuple[BlockLists, ...]
    """Follow lists of each block's fans, entries ``influencer | origin << 24``."""
    accounts: Accounts
    """As they are at the end."""
    history: History
    reviews: tuple[TierReview, ...]
    refreshes: tuple[Refresh, ...]
    end: int
    """Time [s]."""
    trace: Int64s
    """Slots of the traced fan, shape (n, 8), as ``layout.TRACE`` names them; none: no rows."""
    seconds: float
    """How long the loop took, from the first event to the last [s]; no part of the result."""

    def followers(self, time: int) -> Int64s:
        """Followers at a time that the history has recorded [simulated fans], shape (M,)."""
        change = self.history.flow("new_follows", time) - self.history.flow("unfollows", time)
        return self.population.followers + change

    @property
    def follow_lists(self) -> tuple[Int64s, Int32s]:
        """A copy of all lists: where each fan's begins, shape (F + 1,), and the members, shape (E,)."""
        begin, entries = in_one_place(self.lists)
        return begin, entries & np.int32(ID_MASK)

    def digest(self) -> str:
        """SHA-256 over the digests of all blocks' follow lists, then counts, totals, accounts, money and tiers.

        Of follow lists see ``block_digest``; all else as little-endian integers of 64 bits.
        """
        sha = hashlib.sha256()
        for block in self.lists:
            sha.update(block_digest(block))
        accounts, history = self.accounts, self.history
        state = (accounts.status, accounts.agency, accounts.vertical, accounts.shop, accounts.gone_at)
        money = (history.upto(self.end), history.profit[self.end])
        tiers = (review.tier for review in self.reviews)
        arrays: tuple[NDArray[Any], ...] = (self.counts, self.totals, *state, *money, *tiers)
        for array in arrays:
            flat = array.reshape(-1)
            for first in range(0, flat.size, HASHED):
                sha.update(np.ascontiguousarray(flat[first : first + HASHED], dtype="<i8").data)
        return sha.hexdigest()


def simulate(
    scenario: Scenario,
    population: Population,
    key: Key,
    *,
    engine: EngineName = "compiled",
    threads: int = 1,
    fan: int = -1,
    influencer: int = -1,
    watch: Watch = lambda _: None,
) -> Outcome:
    """Run one arm on one population.

    Parameters
    ----------
    scenario
        Resolved scenario of the arm.
    population
        Not changed; it can be shared by all arms.
    key
        Seed and replication of the traffic.
    engine
        ``compiled`` or ``reference``: the same bits.
    threads
        Threads of the compiled engine, 1 or more; no effect on the result.
    fan, influencer
        Fan whose slots are written down, and influencer whose counts on each surface are recorded; -1: none.
    watch
        Called after every control event with what it may ask of the run; may raise to end it.

    Returns
    -------
    Outcome
        Counts, follow lists, history and reviews.
    """
    control = Control(scenario, population, key, watch, influencer)
    fans, own = population.fans_at_start, population.addresses_of_fans(key)
    traffic = (
        CompiledEngine(control.tables, fans, key, threads, fan, own)
        if engine == "compiled"
        else ReferenceEngine(control.tables, fans, key, fan, own)
    )
    env = Environment(initial_time=control.start)
    end = control.processes(env, traffic)
    traffic.start(env)
    started = perf_counter()
    env.run(until=end)
    return Outcome(
        seconds=perf_counter() - started,
        population=population,
        counts=traffic.counts,
        totals=traffic.totals,
        lists=traffic.take_follow_lists(),
        accounts=control.accounts,
        history=control.history,
        reviews=tuple(control.reviews),
        refreshes=tuple(control.refreshes.noted),
        end=control.end,
        trace=traffic.trace(),
    )
