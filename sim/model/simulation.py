"""A run of one arm and one replication: the platform put together, run and summed up; knows no experiments.

Events at one time happen in this order (``clock.Order``):

1. books: cumulative flows are entered;
2. review: agencies' totals are held against the tiers, highest first;
3. opening (day 0): from now on follows are taken and support is given;
4. refresh of each surface: followers and tiers are frozen into its tables, which no other surface reads;
5. stop, at the end;
6. sessions, up to the next control event.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from simpy import Environment

from sim.model.books import FLOWS, Books
from sim.model.control import Control, Review
from sim.model.engines.compiled import CompiledEngine
from sim.model.engines.reference import ReferenceEngine
from sim.model.population import Population
from sim.model.surfaces import Surfaces
from sim.scenario.scenario import Scenario

__all__ = ["EngineName", "Outcome", "simulate"]

EngineName = Literal["compiled", "reference"]
Int64s = NDArray[np.int64]


@dataclass(frozen=True)
class Outcome:
    """What a run leaves behind. Axes as in ``frozen``."""

    population: Population
    counts: Int64s
    """(M, S, 8)"""
    totals: Int64s
    """(S, 6)"""
    follow_lists: tuple[Int64s, NDArray[np.int32]]
    """Where each fan's list begins, shape (F + 1,), and the members."""
    books: Books
    reviews: tuple[Review, ...]
    trace: Int64s
    """Slots of the traced fan, shape (n, 8), as ``frozen.TRACE`` names them; none: no rows."""

    def followers(self, time: int) -> Int64s:
        """Followers at a time that the books know [simulated fans], shape (M,)."""
        flows = self.books.upto(time)
        change: Int64s = flows[FLOWS.index("new_follows")] - flows[FLOWS.index("unfollows")]
        return self.population.followers + change

    def digest(self) -> str:
        """SHA-256 over all counts, totals, follow lists and tiers, as little-endian integers."""
        sha = hashlib.sha256()
        for array in (self.counts, self.totals, *self.follow_lists, *(review.tier for review in self.reviews)):
            sha.update(np.ascontiguousarray(array, dtype="<i8").tobytes())
        return sha.hexdigest()


def simulate(
    scenario: Scenario,
    population: Population,
    key: tuple[int, int],
    *,
    engine: EngineName = "compiled",
    threads: int = 1,
    fan: int = -1,
    influencer: int = -1,
    watch: Callable[[int], None] = lambda _: None,
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
    fan
        Fan whose slots are written down, -1: none.
    influencer
        Influencer whose counts on each surface the books keep, -1: none.
    watch
        Called with the simulated time [s] at every refresh; may raise to end the run.

    Returns
    -------
    Outcome
        Counts, follow lists, books and reviews.
    """
    surfaces = Surfaces(scenario, population, key)
    people = (population.segment, population.mean_gap, population.joined, population.begin, population.members)
    traffic = (
        CompiledEngine(surfaces.tables, *people, key, threads, fan)
        if engine == "compiled"
        else ReferenceEngine(surfaces.tables, *people, key, fan)
    )
    control = Control(scenario, population, surfaces, lambda: traffic.counts, lambda: traffic.reads, watch, influencer)
    env = Environment(initial_time=control.start)
    end = control.processes(env)
    traffic.start(env)
    env.run(until=end)
    return Outcome(
        population=population,
        counts=traffic.counts,
        totals=traffic.totals,
        follow_lists=traffic.follow_lists(),
        books=control.books,
        reviews=tuple(control.reviews),
        trace=traffic.trace(),
    )
