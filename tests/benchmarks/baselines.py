"""Workload W on three other engines, as one would write them: SimPy, a heap of fans, and SimPy with NumPy batches.

Each keeps the sets of whom a fan follows and refuses double follows. What comes before the clock starts, drawing the
population and SimPy's first step into each process, isn't timed.
"""

from __future__ import annotations

import heapq
import random
import time
from bisect import bisect
from collections.abc import Generator

import numpy as np
import simpy
from numpy.typing import NDArray
from workload import (
    DAY,
    EXAMINE,
    FIRST_SURFACE,
    FOLLOW,
    ORDER,
    ORDER_FEN,
    SLOTS,
    SURFACES,
    Counts,
    Floats,
    Int64s,
    Platform,
    Size,
    Timed,
)

BATCH = 1 << 16
"""Sessions of a NumPy batch: small enough for the caches."""


class Sessions:
    """Sessions in plain Python, one at a time: shared by the SimPy program and the heap."""

    def __init__(self, size: Size, seed: int) -> None:
        self.size = size
        self.random = random.Random(seed)
        self.platform = Platform(size, seed)
        n_fans, n, _ = size
        self.rate = (1 / self.platform.mean_gap).tolist()
        self.segment = [self.platform.segment_of(fan) for fan in range(n_fans)]
        self.click = (self.platform.affinity * self.platform.quality).tolist()
        self.follows: list[set[int]] = [set() for _ in range(n_fans)]
        self.impressions = [0] * n
        self.clicks = [0] * n
        self.new_follows = [0] * n
        self.orders = [0] * n
        self.gmv_fen = [0] * n
        self.n_sessions = 0
        self.tables: list[list[list[float]]] = []

    def refresh(self) -> None:
        """A new day: freeze the followers into the tables."""
        tables = self.platform.new_day(np.array(self.new_follows))
        self.tables = [[cumulative.tolist() for cumulative in surface] for surface in tables]

    def gap(self, fan: int) -> int:
        """Time to the next session of a fan [s]."""
        return max(1, int(self.random.expovariate(self.rate[fan]) + 0.5))

    def session(self, fan: int) -> None:
        """One session."""
        uniform = self.random.random
        segment = self.segment[fan]
        cumulative = self.tables[0 if uniform() < FIRST_SURFACE else 1][segment]
        total, last = cumulative[-1], len(cumulative) - 1
        page: list[int] = []
        while len(page) < SLOTS:
            i = bisect(cumulative, uniform() * total, 0, last)
            if i not in page:
                page.append(i)
        impressions, click = self.impressions, self.click[segment]
        for i, examine in zip(page, EXAMINE, strict=True):
            impressions[i] += 1
            if uniform() < examine and uniform() < click[i]:
                self.clicks[i] += 1
                if uniform() < FOLLOW and i not in self.follows[fan]:
                    self.follows[fan].add(i)
                    self.new_follows[i] += 1
                if uniform() < ORDER:
                    self.orders[i] += 1
                    self.gmv_fen[i] += ORDER_FEN
        self.n_sessions += 1

    def counts(self) -> Counts:
        """Sums of the counters."""
        counters = (self.impressions, self.clicks, self.new_follows, self.orders, self.gmv_fen)
        return Counts(self.n_sessions, *map(sum, counters))


def with_simpy(size: Size, seed: int) -> Timed:
    """A SimPy process for each fan, and one that refreshes the tables."""
    sessions = Sessions(size, seed)
    env = simpy.Environment(initial_time=-1)

    def fan_process(fan: int) -> Generator[simpy.Event, None, None]:
        yield env.timeout(1 + sessions.gap(fan))
        while True:
            sessions.session(fan)
            yield env.timeout(sessions.gap(fan))

    def refresh_process() -> Generator[simpy.Event, None, None]:
        yield env.timeout(1)
        while True:
            sessions.refresh()
            yield env.timeout(DAY)

    env.process(refresh_process())
    for fan in range(size.fans):
        env.process(fan_process(fan))
    env.run(until=0)  # each process's first step, which is no session
    started = time.perf_counter()
    env.run(until=size.days * DAY)
    return Timed(sessions.counts(), time.perf_counter() - started)


def with_heapq(size: Size, seed: int) -> Timed:
    """The same sessions from a heap of (time, fan)."""
    sessions = Sessions(size, seed)
    due = [(sessions.gap(fan), fan) for fan in range(size.fans)]
    heapq.heapify(due)
    started = time.perf_counter()
    for end in range(DAY, (size.days + 1) * DAY, DAY):
        sessions.refresh()
        while due[0][0] < end:
            now, fan = due[0]
            sessions.session(fan)
            heapq.heapreplace(due, (now + sessions.gap(fan), fan))
    return Timed(sessions.counts(), time.perf_counter() - started)


class Batches:
    """Sessions as NumPy batches of one surface and segment; their order within a day is lost."""

    def __init__(self, size: Size, seed: int) -> None:
        self.size = size
        self.rng = np.random.default_rng((seed, 1))
        self.platform = Platform(size, seed)
        self.per_day = DAY / self.platform.mean_gap
        self.first_fans = self.platform.first_fans()
        self.click = self.platform.affinity * self.platform.quality
        self.examine = np.array(EXAMINE)[:, None]
        self.follows: Int64s = np.empty(0, np.int64)
        """Sorted keys, fan * M + influencer."""
        n = size.influencers
        self.impressions, self.clicks, self.new_follows, self.orders = (np.zeros(n, np.int64) for _ in range(4))
        self.gmv_fen = np.zeros(n, np.int64)
        self.n_sessions = 0

    def day(self) -> None:
        """A new day: its tables, all its sessions, then its follows."""
        tables = self.platform.new_day(self.new_follows)
        wanted: list[Int64s] = []
        for segment, (first, end) in enumerate(zip(self.first_fans, self.first_fans[1:], strict=False)):
            fans = np.repeat(np.arange(first, end), self.rng.poisson(self.per_day[first:end]))
            on_first = self.rng.random(fans.size) < FIRST_SURFACE
            for surface in range(SURFACES):
                here = fans[on_first == (surface == 0)]
                for start in range(0, here.size, BATCH):
                    batch = here[start : start + BATCH]
                    wanted.append(self._sessions(batch, tables[surface][segment], self.click[segment]))
        self._follow(np.unique(np.concatenate(wanted)))

    def _sessions(self, fans: Int64s, cumulative: Floats, click: Floats) -> Int64s:
        """Sessions of these fans; the keys of the follows that they want."""
        n = self.size.influencers
        page = self._draw(cumulative, (SLOTS, fans.size))
        for slot in range(1, SLOTS):
            taken = np.flatnonzero((page[:slot] == page[slot]).any(axis=0))
            while taken.size:
                page[slot, taken] = self._draw(cumulative, (taken.size,))
                taken = taken[(page[:slot, taken] == page[slot, taken]).any(axis=0)]
        self.n_sessions += fans.size
        self.impressions += np.bincount(page.ravel(), minlength=n)
        slots, columns = np.nonzero(self.rng.random(page.shape) < self.examine)
        examined = page[slots, columns]
        clicked = self.rng.random(examined.size) < click[examined]
        who, whom = fans[columns[clicked]], examined[clicked]
        self.clicks += np.bincount(whom, minlength=n)
        ordered = np.bincount(whom[self.rng.random(whom.size) < ORDER], minlength=n)
        self.orders += ordered
        self.gmv_fen += ordered * ORDER_FEN
        follow = self.rng.random(whom.size) < FOLLOW
        keys: Int64s = who[follow] * n + whom[follow]
        return keys

    def _draw(self, cumulative: Floats, shape: tuple[int, ...]) -> NDArray[np.intp]:
        """Influencers in proportion to their weights."""
        drawn = np.searchsorted(cumulative, self.rng.random(shape) * cumulative[-1], side="right")
        kept: NDArray[np.intp] = np.minimum(drawn, cumulative.size - 1)
        return kept

    def _follow(self, keys: Int64s) -> None:
        """Take the follows that are new, from sorted keys without repeats."""
        if self.follows.size:
            place = np.minimum(np.searchsorted(self.follows, keys), self.follows.size - 1)
            keys = keys[self.follows[place] != keys]
        self.new_follows += np.bincount(keys % self.size.influencers, minlength=self.size.influencers)
        self.follows = np.concatenate([self.follows, keys])
        self.follows.sort(kind="stable")  # merges two sorted runs

    def counts(self) -> Counts:
        """Sums of the counters."""
        counters = (self.impressions, self.clicks, self.new_follows, self.orders, self.gmv_fen)
        return Counts(self.n_sessions, *(int(counter.sum()) for counter in counters))


def with_numpy(size: Size, seed: int) -> Timed:
    """A SimPy control process that runs each day as NumPy batches."""
    batches = Batches(size, seed)
    env = simpy.Environment()

    def control() -> Generator[simpy.Event, None, None]:
        while True:
            batches.day()
            yield env.timeout(DAY)

    env.process(control())
    started = time.perf_counter()
    env.run(until=size.days * DAY)
    return Timed(batches.counts(), time.perf_counter() - started)
