"""The compiled engine: one process hands each interval between control events to a kernel, parallel over fans."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from simpy import Environment, Event

from sim.model import kernel, lists
from sim.model.clock import Order, moment
from sim.model.frozen import TRACE, Counter, Fans, Tables, Total

__all__ = ["CompiledEngine"]

Int64s = NDArray[np.int64]
Int32s = NDArray[np.int32]

THREAD_WORTH = 20_000
"""Sessions in an interval from which more than one thread pays."""
CHUNKS_PER_THREAD = 4


@dataclass
class Chunk:
    """Consecutive fans with their follow lists in an arena of their own."""

    first_id: int
    fans: Fans
    arena: Int32s
    cursor: Int64s

    def make_room(self) -> None:
        """Lay the lists out anew, without holes, in an arena with at least as much free room as they take."""
        fans = self.fans
        room = np.maximum(fans.length, 1).astype(np.int64)
        start = np.cumsum(room) - room
        used = int(room.sum())
        page = 4 * (int(fans.length.max()) + 255) + 4
        arena = np.zeros(2 * used + page, np.int32)
        lists.move_lists(fans.start, fans.length, self.arena, start, arena)
        fans.start[:] = start
        fans.capacity[:] = room
        self.arena = arena
        self.cursor[0] = used


@dataclass
class Worker:
    """What a thread counts on its own; summed when somebody asks."""

    counts: Int64s
    reads: Int64s
    totals: Int64s
    page: Int32s
    prefix: Int64s
    candidates: Int32s
    words: NDArray[np.uint64]


class CompiledEngine:
    """All fans as arrays.

    Parameters
    ----------
    tables
        What sessions read; the control plane changes them in place.
    segment, mean_gap, joined
        Shape (F,): segment of each fan, mean time between its sessions and when it joins [s].
    begin, members
        Initial follow lists: fan f follows ``members[begin[f]:begin[f + 1]]``.
    key
        Seed and replication.
    threads
        Threads to use where an interval is worth them. The result is the same with any number.
    traced
        Fan whose slots are written down, -1: none.
    """

    def __init__(
        self,
        tables: Tables,
        segment: Int32s,
        mean_gap: NDArray[np.float64],
        joined: NDArray[np.int64],
        begin: Int64s,
        members: Int32s,
        key: tuple[int, int],
        threads: int = 1,
        traced: int = -1,
    ) -> None:
        self.tables = tables
        self._joined = joined
        self._key = (np.uint64(key[0]), np.uint64(key[1]))
        self._bucket_shift = np.uint64(64 - (tables.guide.shape[1].bit_length() - 1))
        self._sessions_per_second = float((1.0 / mean_gap).sum())
        n_influencers, n_surfaces = tables.vertical.size, tables.is_feed.size
        self._workers = [
            Worker(
                np.zeros((n_influencers, n_surfaces, len(Counter)), np.int64),
                np.zeros((n_influencers, tables.visits.shape[0]), np.int64),
                np.zeros((n_surfaces, len(Total)), np.int64),
                np.zeros(255, np.int32),
                np.zeros(n_influencers, np.int64),
                np.zeros(n_influencers, np.int32),
                np.zeros((4, 255), np.uint64),
            )
            for _ in range(threads)
        ]
        self._traced = traced
        self._trace = np.zeros((1024 if traced >= 0 else 1, len(TRACE)), np.int64)
        self._trace_length = np.zeros(1, np.int64)
        n_chunks = 1 if threads == 1 else min(threads * CHUNKS_PER_THREAD, segment.size)
        bounds = [segment.size * c // n_chunks for c in range(n_chunks + 1)]
        self._chunks = [
            _chunk(first, segment[first:last], mean_gap[first:last], begin[first : last + 1], members)
            for first, last in pairwise(bounds)
        ]

    def start(self, env: Environment) -> None:
        """Let all fans live from now on."""
        for chunk in self._chunks:
            joined = self._joined[chunk.first_id : chunk.first_id + chunk.fans.segment.size]
            kernel.arrivals(int(env.now), joined, chunk.first_id, self._key, chunk.fans.mean_gap, chunk.fans.next_time)
        env.process(self._live(env))

    def _live(self, env: Environment) -> Generator[Event, None, None]:
        yield moment(env, 0, Order.SESSIONS)
        while True:
            # All control events of this time are done: what they froze holds until the next one.
            until = int(env.peek())
            self._advance(until, until - int(env.now))
            yield moment(env, until - int(env.now), Order.SESSIONS)

    def _advance(self, until: int, seconds: int) -> None:
        waiting = iter(self._chunks)
        if len(self._workers) == 1 or self._sessions_per_second * seconds < THREAD_WORTH:
            self._run(waiting, self._workers[0], until)
            return
        with ThreadPoolExecutor(len(self._workers)) as pool:
            for done in [pool.submit(self._run, waiting, worker, until) for worker in self._workers]:
                done.result()

    def _run(self, waiting: Iterator[Chunk], worker: Worker, until: int) -> None:
        """Take chunk after chunk from the queue that all workers share."""
        for chunk in waiting:
            f, n = 0, chunk.fans.segment.size
            traced = self._traced - chunk.first_id if 0 <= self._traced - chunk.first_id < n else -1
            while True:
                f = kernel.sessions(
                    f, n, chunk.first_id, until, traced, self._key, self._bucket_shift, self.tables, chunk.fans,
                    chunk.arena, chunk.cursor, worker.counts, worker.reads, worker.totals, worker.page, worker.prefix,
                    worker.candidates, worker.words, self._trace, self._trace_length,
                )  # fmt: skip
                if f == n:
                    break
                chunk.make_room()
                if f == traced:
                    self._trace = np.concatenate([self._trace, np.zeros_like(self._trace)])

    @property
    def counts(self) -> Int64s:
        """Counts so far, shape (M, S, 10)."""
        counts: Int64s = np.add.reduce([worker.counts for worker in self._workers])
        return counts

    def count(self, counter: Counter) -> Int64s:
        """One of the counts so far, over all surfaces, shape (M,)."""
        count: Int64s = np.add.reduce([worker.counts[:, :, counter].sum(axis=1) for worker in self._workers])
        return count

    @property
    def reads(self) -> Int64s:
        """Slots examined so far per influencer and segment, shape (M, G)."""
        reads: Int64s = np.add.reduce([worker.reads for worker in self._workers])
        return reads

    def trace(self) -> Int64s:
        """Slots of the traced fan, shape (n, 8), as ``frozen.TRACE`` names them."""
        return self._trace[: self._trace_length[0]]

    @property
    def totals(self) -> Int64s:
        """Totals so far, shape (S, 7)."""
        totals: Int64s = np.add.reduce([worker.totals for worker in self._workers])
        return totals

    def follow_lists(self) -> tuple[Int64s, Int32s]:
        """Follow lists as they are: where they begin, shape (F + 1,), and their entries, influencer and origin."""
        length = np.concatenate([chunk.fans.length for chunk in self._chunks])
        begin = np.concatenate([[0], np.cumsum(length)]).astype(np.int64)
        members = np.zeros(begin[-1], np.int32)
        first = 0
        for chunk in self._chunks:
            n = chunk.fans.length.size
            lists.move_lists(chunk.fans.start, chunk.fans.length, chunk.arena, begin[first : first + n], members)
            first += n
        return begin, members


def _chunk(first: int, segment: Int32s, mean_gap: NDArray[np.float64], begin: Int64s, members: Int32s) -> Chunk:
    """Chunk of the fans from ``first`` on."""
    length = np.diff(begin).astype(np.int32)
    fans = Fans(
        segment=segment.copy(),
        mean_gap=mean_gap.copy(),
        next_time=np.zeros(segment.size, np.int64),
        event=np.zeros(segment.size, np.int64),
        start=begin[:-1] - begin[0],
        length=length,
        capacity=length.copy(),
    )
    chunk = Chunk(first, fans, members[begin[0] : begin[-1]].copy(), np.zeros(1, np.int64))
    chunk.make_room()
    return chunk
