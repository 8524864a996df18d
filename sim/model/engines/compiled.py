"""The compiled engine: one process hands each interval between control events to a kernel, parallel over fans."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from mmap import mmap

import numpy as np
from numpy.typing import NDArray
from simpy import Environment, Event

from sim.calendar import MONTH
from sim.errors import MachineError
from sim.model.clock import Order, moment
from sim.model.kernel import arrivals, follow_lists, sessions
from sim.model.kernel.session_group import Group, new_group
from sim.model.layout import TRACE, Counter, FanState, Tables, Total
from sim.scenario.resolve.follows import MOST_FOLLOWS
from sim.types import Int32s, Int64s, Key

__all__ = ["CompiledEngine"]


LEAST_GROUP = 64
"""Sessions for which an arena should have room; else it is laid out anew."""
THREAD_WORTH = 50_000
"""Sessions in an interval from which more than one thread pays."""
CHUNKS_PER_THREAD = 4
MOST_FANS = 1 << 16
"""FanState of a chunk: a small chunk's arena can be laid out anew without much memory of its own."""
MOST_PLACES = 1 << 31
"""Places of an arena."""
LIST_ROOM = 1.25
"""Room of a new arena for what its lists take."""
GROUP_ROOM = 1 << 17
"""Places of a new arena beyond that: a group of sessions may follow whole pages."""


@dataclass
class Chunk:
    """Consecutive fans with their follow lists in an arena of their own."""

    first_id: int
    fans: FanState
    arena: Int32s
    free: Int64s
    """First free place, and for each size of row the one that was freed last."""

    def make_room(self) -> None:
        """Lay the lists out anew, without holes, in an arena with more room.

        Raises
        ------
        MachineError
            The lists are too long to be counted.
        """
        fans = self.fans
        old_start = fans.start.copy()
        follow_lists.sizes(fans.length, fans.room)
        room = np.left_shift(1, fans.room, dtype=np.int64)
        used = int(room.sum())
        # FanState may follow whole pages.
        n_places = int(LIST_ROOM * used) + GROUP_ROOM + 8 * (int(fans.length.max(initial=0)) + 255)
        if n_places >= MOST_PLACES:
            raise MachineError(f"the follow lists of {fans.length.size} fans have over {MOST_PLACES} places")
        np.cumsum(room[:-1], out=room[1:])
        room[0] = 0
        fans.start[:] = room
        # Pages of its own: taken when they are touched only, and given back when the arena is let go.
        arena: Int32s = np.frombuffer(mmap(-1, n_places * 4), np.int32)
        follow_lists.move_lists(old_start, fans.length, self.arena, fans.start, arena)
        self.arena = arena
        self.free[0] = used
        self.free[1:] = follow_lists.NO_ROW


@dataclass
class Worker:
    """What a thread counts on its own; summed when somebody asks."""

    counts: Int64s
    """(S, 10, M)"""
    reads: Int64s
    """(G, M)"""
    totals: Int64s
    group: Group


class CompiledEngine:
    """All fans as arrays.

    Parameters
    ----------
    tables
        What sessions read; the control plane changes them in place.
    segment, mean_gap
        Shape (F,): segment of each fan and mean time between its sessions [s].
    joined
        When the last fans join, who are not there from the start [s].
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
        segment: NDArray[np.int8],
        mean_gap: NDArray[np.float64],
        joined: NDArray[np.int64],
        begin: NDArray[np.uint32],
        members: Int32s,
        key: Key,
        threads: int = 1,
        traced: int = -1,
    ) -> None:
        self.tables = tables
        self._joined = joined
        self._key = (np.uint64(key[0]), np.uint64(key[1]))
        self._sessions_per_second = sum(
            float((1.0 / mean_gap[first : first + MOST_FANS]).sum()) for first in range(0, segment.size, MOST_FANS)
        )
        if self._sessions_per_second * MONTH < THREAD_WORTH:
            threads = 1
        n_influencers, n_surfaces = tables.vertical.size, tables.is_feed.size
        self._workers = [
            Worker(
                np.zeros((n_surfaces, len(Counter), n_influencers), np.int64),
                np.zeros((tables.visits.shape[0], n_influencers), np.int64),
                np.zeros((n_surfaces, len(Total)), np.int64),
                new_group(tables),
            )
            for _ in range(threads)
        ]
        self._traced = traced
        self._trace = np.zeros((1024 if traced >= 0 else 1, len(TRACE)), np.int64)
        self._trace_length = np.zeros(1, np.int64)
        n_chunks = max(
            -(-segment.size // MOST_FANS), 1 if threads == 1 else min(threads * CHUNKS_PER_THREAD, segment.size)
        )
        bounds = [segment.size * c // n_chunks for c in range(n_chunks + 1)]
        self._chunks = [
            _chunk(first, segment[first:last], mean_gap[first:last], begin[first : last + 1], members)
            for first, last in pairwise(bounds)
        ]

    def start(self, env: Environment) -> None:
        """Let all fans live from now on."""
        self._start = int(env.now)
        n_first = sum(chunk.fans.segment.size for chunk in self._chunks) - self._joined.size
        for chunk in self._chunks:
            joined = np.zeros(chunk.fans.segment.size, np.int64)
            there = min(max(n_first - chunk.first_id, 0), joined.size)
            first = chunk.first_id + there - n_first
            joined[there:] = self._joined[first : first + joined.size - there] - self._start
            arrivals.arrivals(joined, chunk.first_id, self._key, chunk.fans.mean_gap, chunk.fans.next_time)
        env.process(self._live(env))

    def _live(self, env: Environment) -> Generator[Event, None, None]:
        yield moment(env, 0, Order.SESSIONS)
        while True:
            # All control events of this time are done: what they froze holds until the next one.
            until = int(env.peek())
            self._advance(until, until - int(env.now))
            yield moment(env, until - int(env.now), Order.SESSIONS)

    def _advance(self, until: int, seconds: int) -> None:
        if self.tables.slots.max() > self._workers[0].group.slots.chosen.shape[0]:  # a new phase has longer pages
            for worker in self._workers:
                worker.group = new_group(self.tables)
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
            least = LEAST_GROUP
            while True:
                f = sessions.sessions(
                    f, n, least, chunk.first_id, self._start, until - self._start, traced, self._key, self.tables,
                    chunk.fans, chunk.arena, chunk.free, worker.counts, worker.reads, worker.totals, worker.group,
                    self._trace, self._trace_length,
                )  # fmt: skip
                if f == n:
                    break
                if traced >= 0 and self._trace_length[0] + 255 > len(self._trace):
                    self._trace = np.concatenate([self._trace, np.zeros_like(self._trace)])
                else:
                    chunk.make_room()
                    least = 1  # lists may be so long that there is no room for more

    @property
    def counts(self) -> Int64s:
        """Counts so far, shape (M, S, 10)."""
        counts: Int64s = np.add.reduce([worker.counts for worker in self._workers])
        return counts.transpose(2, 0, 1)

    def count(self, counter: Counter) -> Int64s:
        """One of the counts so far, over all surfaces, shape (M,)."""
        count: Int64s = sum(worker.counts[:, counter].sum(axis=0) for worker in self._workers)
        return count

    @property
    def reads(self) -> Int64s:
        """Slots examined so far per influencer and segment, shape (M, G)."""
        reads: Int64s = np.add.reduce([worker.reads for worker in self._workers])
        return reads.T

    def trace(self) -> Int64s:
        """Slots of the traced fan, shape (n, 8), as ``frozen.TRACE`` names them."""
        return self._trace[: self._trace_length[0]]

    @property
    def totals(self) -> Int64s:
        """Totals so far, shape (S, 7)."""
        totals: Int64s = np.add.reduce([worker.totals for worker in self._workers])
        return totals

    def take_follow_lists(self) -> tuple[NDArray[np.uint32], Int32s]:
        """Follow lists at the end, which leave the engine: where they begin, shape (F + 1,), and their entries."""
        for chunk in self._chunks:  # what is left has no use for them
            chunk.fans = chunk.fans._replace(next_time=np.zeros(0, np.uint32), event=np.zeros(0, np.uint32))
        n_follows = sum(int(chunk.fans.length.sum()) for chunk in self._chunks)
        if n_follows > MOST_FOLLOWS:
            raise MachineError(f"{n_follows} follows are too many to be kept; {MOST_FOLLOWS} can be")
        begin = np.zeros(sum(chunk.fans.length.size for chunk in self._chunks) + 1, np.uint32)
        members = np.empty(n_follows, np.int32)
        while self._chunks:
            chunk = self._chunks.pop(0)  # so that there is never a copy of all
            fans, first = chunk.fans, chunk.first_id
            own = begin[first : first + fans.length.size + 1]
            np.cumsum(fans.length, out=own[1:], dtype=np.uint32)
            own[1:] += own[0]
            follow_lists.move_lists(fans.start, fans.length, chunk.arena, own[:-1], members)
        return begin, members


def _chunk(
    first: int, segment: NDArray[np.int8], mean_gap: NDArray[np.float64], begin: NDArray[np.uint32], members: Int32s
) -> Chunk:
    """Chunk of the fans from ``first`` on."""
    fans = FanState(
        segment=segment,
        mean_gap=mean_gap,
        next_time=np.zeros(segment.size, np.uint32),
        event=np.zeros(segment.size, np.uint32),
        start=begin[:-1] - begin[0],
        length=np.diff(begin).astype(np.int32),
        room=np.zeros(segment.size, np.int8),
    )
    chunk = Chunk(first, fans, members[begin[0] : begin[-1]], np.zeros(1 + follow_lists.N_SIZES, np.int64))
    chunk.make_room()
    return chunk
