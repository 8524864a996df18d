"""The control plane: what happens to the platform, as SimPy processes; knows no sessions."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from simpy import Environment, Event

from sim.model.books import FLOWS, Books
from sim.model.clock import DAY, Order, moment, snapshot_times
from sim.model.frozen import Counter
from sim.model.population import Population
from sim.model.surfaces import Surfaces
from sim.scenario.scenario import Scenario

__all__ = ["Control", "Review"]

MONTH = 30 * DAY
QUARTER = 90 * DAY
YEAR = 365 * DAY
Int64s = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Review:
    """What a tier review found and decided, as real-world totals per agency, shape (A,)."""

    time: int
    accounts: Int64s
    followers: Floats
    reads_per_month: Floats
    posts_per_month: Floats
    gmv_fen_per_year: Floats
    tier: NDArray[np.int32]
    """Index of the highest tier whose conditions all hold, -1: none."""


class Control:
    """All control processes of a run, and the state that they keep.

    Parameters
    ----------
    scenario, population, surfaces
        Whose platform it is.
    counts, reads
        Give the engine's counts so far, shapes (M, S, 8) and (M, G).
    watch
        Called with the time [s] at every refresh; may raise to end the run.
    influencer
        Influencer whose counts on each surface the books keep, -1: none.
    """

    def __init__(
        self,
        scenario: Scenario,
        population: Population,
        surfaces: Surfaces,
        counts: Callable[[], Int64s],
        reads: Callable[[], Int64s],
        watch: Callable[[int], None],
        influencer: int = -1,
    ) -> None:
        self._scenario = scenario
        self._population = population
        self._surfaces = surfaces
        self._counts = counts
        self._watch = watch
        self.start = -scenario.warmup_days * DAY
        self.end = scenario.horizon_days * DAY
        self.tier = np.full(len(population.agencies), -1, np.int32)
        self.reviews: list[Review] = []
        self._reads = reads
        windows = {self.start, 0, max(self.end - QUARTER, 0), self.end}
        self.books = Books(surfaces.tables.is_feed, windows, influencer)

    def processes(self, env: Environment) -> Event:
        """Start all processes; returns the event that ends the run."""
        env.process(self._keep_books(env))
        env.process(self._review(env))
        env.process(self._open(env))
        for surface, settings in enumerate(self._scenario.surfaces.values()):
            env.process(self._refresh(env, surface, settings.refresh_minutes * 60))
        return moment(env, self.end - self.start, Order.STOP)

    def _review_times(self) -> range:
        return range(0, self.end + 1, self._scenario.support.review_days * DAY)

    def _book_times(self) -> list[int]:
        """Every time that a review or a measure looks at or back to [s]."""
        times = {self.start, 0, self.end, max(self.end - QUARTER, 0)}
        for time in snapshot_times(self._scenario.horizon_days):
            times |= {time, self.back(time, MONTH)}
        for time in self._review_times():
            times |= {time, self.back(time, MONTH), self.back(time, YEAR)}
        return sorted(times)

    def back(self, time: int, window: int) -> int:
        """Start of a trailing window [s]: not before the records begin."""
        return max(time - window, self.start)

    def _keep_books(self, env: Environment) -> Generator[Event, None, None]:
        for event in at(env, self._book_times(), Order.BOOKS):
            yield event
            self.books.enter(int(env.now), self._counts(), self._reads())

    def _review(self, env: Environment) -> Generator[Event, None, None]:
        for event in at(env, self._review_times(), Order.REVIEW):
            yield event
            self.reviews.append(self._look_at_agencies(int(env.now)))
            self.tier[:] = self.reviews[-1].tier

    def _open(self, env: Environment) -> Generator[Event, None, None]:
        yield moment(env, -self.start, Order.OPENING)
        self._surfaces.open()

    def _refresh(self, env: Environment, surface: int, interval: int) -> Generator[Event, None, None]:
        times = [*range(self.start, 0, interval), *range(0, self.end, interval)]
        for event in at(env, times, Order.REFRESH):
            yield event
            self._watch(int(env.now))
            self._surfaces.refresh(surface, int(env.now), self.followers(), self.tier)

    def followers(self) -> Int64s:
        """Followers now [simulated fans], shape (M,)."""
        counts = self._counts()
        change: Int64s = (counts[:, :, Counter.FOLLOWS] - counts[:, :, Counter.UNFOLLOWS]).sum(axis=1)
        return self._population.followers + change

    def _look_at_agencies(self, time: int) -> Review:
        """Totals of every agency, and the tier that it holds from now on."""
        population, scenario = self._population, self._scenario
        n = len(population.agencies)
        contract = population.agency >= 0
        agency = population.agency[contract]

        def total(amounts: NDArray[np.int64]) -> Int64s:
            out = np.zeros(n, np.int64)
            np.add.at(out, agency, amounts[contract])
            return out

        def rate(flow: str, window: int) -> Floats:
            since = self.back(time, window)
            if since == time:
                return np.zeros(n)
            flows = total(self.books.between(since, time)[FLOWS.index(flow)])
            return flows.astype(np.float64) * (window / (time - since))

        posts = np.zeros(n)
        np.add.at(posts, agency, population.posts_per_day[contract])
        people = population.people_per_fan
        review = Review(
            time=time,
            accounts=np.bincount(agency, minlength=n),
            followers=total(self.followers()).astype(np.float64) * people,
            reads_per_month=rate("reads", MONTH) * (people * scenario.reads_per_examined),
            posts_per_month=posts * 30.0,
            gmv_fen_per_year=rate("gmv", YEAR),
            tier=np.full(n, -1, np.int32),
        )
        for index, tier in reversed(list(enumerate(scenario.support.tiers.values()))):
            holds = (
                (review.accounts > tier.over_accounts)
                & (review.followers > tier.over_followers)
                & (review.reads_per_month > tier.over_reads_per_month)
                & (review.posts_per_month > tier.over_posts_per_month)
                & (review.gmv_fen_per_year >= tier.min_gmv_fen_per_year)
            )
            review.tier[holds] = index
        return review


def at(env: Environment, times: Iterable[int], order: Order) -> Iterable[Event]:
    """Events at these ascending times [s], each made when the one before has happened."""
    for time in times:
        yield moment(env, time - int(env.now), order)
