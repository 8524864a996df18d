"""The compiled engine: one process hands each interval between control events to a kernel, parallel over fans."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from mmap import mmap

import numpy as np
from simpy import Environment, Event

from sim.calendar import MONTH
from sim.errors import MachineError
from sim.model.clock import Order, moment
from sim.model.kernel import arrivals, follow_lists
from sim.model.kernel.session_group import Group, new_group
from sim.model.kernel.sessions import Span, sessions
from sim.model.layout import (
    SHARED,
    TRACE,
    Addresses,
    BlockLists,
    Counter,
    FansAtStart,
    FanState,
    FollowLists,
    Tables,
    Tally,
    Total,
    Trace,
)
from sim.scenario.resolve.follows import MOST_IN_BLOCK
from sim.types import Int32s, Int64s, Key

__all__ = ["CompiledEngine"]


LEAST_GROUP = 64
"""Sessions for which an arena should have room; otherwise its lists are moved to a new one."""
THREAD_WORTH = 50_000
"""Sessions in an interval from which more than one thread pays."""
CHUNKS_PER_THREAD = 4
MOST_FANS = 1 << 16
"""Fans of a chunk at most: its lists can be moved to a new arena without much more memory."""
MOST_PLACES = 1 << 31
"""Places of an arena."""
LIST_ROOM = 1.25
"""Room of a new arena for what its lists take."""
GROUP_ROOM = 1 << 17
"""Places of a new arena beyond that: a group of sessions may follow whole pages."""


@dataclass
class Chunk:
    """Consecutive fans of one block with their follow lists in an arena of their own."""

    block: int
    first_id: int
    fans: FanState
    lists: FollowLists
    own: Addresses = SHARED
    """Of its fans' draws."""

    def make_room(self) -> None:
        """Move the lists, without holes, to an arena with more room.

        Raises
        ------
        MachineError
            The lists are too long to be counted.
        """
        lists = self.lists
        old_start = lists.start.copy()
        follow_lists.sizes(lists.length, lists.room)
        room = np.left_shift(1, lists.room, dtype=np.int64)
        used = int(room.sum())
        # Fans may follow whole pages.
        n_places = int(LIST_ROOM * used) + GROUP_ROOM + 8 * (int(lists.length.max(initial=0)) + 255)
        if n_places >= MOST_PLACES:
            raise MachineError(f"the follow lists of {lists.length.size} fans have over {MOST_PLACES} places")
        np.cumsum(room[:-1], out=room[1:])
        room[0] = 0
        lists.start[:] = room
        # Pages of its own: taken when they are touched only, and given back when the arena is let go.
        arena: Int32s = np.frombuffer(mmap(-1, n_places * 4), np.int32)
        follow_lists.move_lists(old_start, lists.length, lists.arena, lists.start, arena)
        self.lists = lists._replace(arena=arena)
        lists.free[0] = used
        lists.free[1:] = follow_lists.NO_ROW


@dataclass
class Worker:
    """What a thread counts on its own, summed when it is asked for, and its scratch arrays."""

    tally: Tally
    group: Group


class CompiledEngine:
    """All fans as arrays.

    Parameters
    ----------
    tables
        What sessions read; the control plane changes them in place.
    fans
        All fans. Not changed.
    key
        Seed and replication.
    threads
        Threads to use where an interval is worth them. The result is the same with any number.
    traced
        Fan whose slots are written down, -1: none.
    own
        Addresses of all fans' draws, or of none.
    """

    def __init__(
        self,
        tables: Tables,
        fans: FansAtStart,
        key: Key,
        threads: int = 1,
        traced: int = -1,
        own: Addresses = SHARED,
    ) -> None:
        self.tables = tables
        self._joined = fans.joined
        self._key = (np.uint64(key[0]), np.uint64(key[1]))
        self._sessions_per_second = sum(
            float((1.0 / fans.mean_gap[first : first + MOST_FANS]).sum())
            for first in range(0, fans.segment.size, MOST_FANS)
        )
        if self._sessions_per_second * MONTH < THREAD_WORTH:
            threads = 1
        n_influencers, n_surfaces = tables.vertical.size, tables.is_feed.size
        self._workers = [
            Worker(
                Tally(
                    counts=np.zeros((n_surfaces, len(Counter), n_influencers), np.int64),
                    reads=np.zeros((tables.visits.shape[0], n_influencers), np.int64),
                    totals=np.zeros((n_surfaces, len(Total)), np.int64),
                ),
                new_group(tables, own_keys=own.entity.size > 0),
            )
            for _ in range(threads)
        ]
        self._traced = traced
        self._trace = Trace(np.zeros((1024 if traced >= 0 else 1, len(TRACE)), np.int64), np.zeros(1, np.int64))
        self._chunks = list(_chunks(fans, own, 1 if threads == 1 else threads * CHUNKS_PER_THREAD))

    def start(self, env: Environment) -> None:
        """Let all fans live from now on."""
        self._start = int(env.now)
        n_first = sum(chunk.fans.segment.size for chunk in self._chunks) - self._joined.size
        for chunk in self._chunks:
            joined = np.zeros(chunk.fans.segment.size, np.int64)
            there = min(max(n_first - chunk.first_id, 0), joined.size)
            first = chunk.first_id + there - n_first
            joined[there:] = self._joined[first : first + joined.size - there] - self._start
            fans = chunk.fans
            arrivals.arrivals(joined, chunk.first_id, self._key, chunk.own, fans.mean_gap, fans.next_time)
        env.process(self._live(env))

    def _live(self, env: Environment) -> Generator[Event, None, None]:
        yield moment(env, 0, Order.SESSIONS)
        while True:
            # All control events of this time are done: what they froze is valid until the next one.
            until = int(env.peek())
            self._advance(until, until - int(env.now))
            yield moment(env, until - int(env.now), Order.SESSIONS)

    def _advance(self, until: int, seconds: int) -> None:
        if self.tables.slots.max() > self._workers[0].group.slots.chosen.shape[0]:  # a new phase has longer pages
            for worker in self._workers:
                worker.group = new_group(self.tables, own_keys=worker.group.sessions.seed.size > 0)
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
                span = Span(f, n, least, chunk.first_id, self._start, until - self._start, traced)
                tally, group, trace = worker.tally, worker.group, self._trace
                f = sessions(span, self._key, chunk.own, self.tables, chunk.fans, chunk.lists, tally, group, trace)
                if f == n:
                    break
                rows, length = self._trace
                if traced >= 0 and length[0] + 255 > len(rows):
                    self._trace = Trace(np.concatenate([rows, np.zeros_like(rows)]), length)
                else:
                    chunk.make_room()
                    least = 1  # lists may be so long that there is no room for more

    @property
    def counts(self) -> Int64s:
        """Counts so far, shape (M, S, 11)."""
        counts: Int64s = np.add.reduce([worker.tally.counts for worker in self._workers])
        return counts.transpose(2, 0, 1)

    def count(self, counter: Counter) -> Int64s:
        """One of the counts so far, over all surfaces, shape (M,)."""
        count: Int64s = sum(worker.tally.counts[:, counter].sum(axis=0) for worker in self._workers)
        return count

    def count_by_surface(self, counter: Counter) -> Int64s:
        """One of the counts so far, over all influencers, shape (S,)."""
        count: Int64s = sum(worker.tally.counts[:, counter].sum(axis=1) for worker in self._workers)
        return count

    @property
    def reads(self) -> Int64s:
        """Slots examined so far per influencer and segment, shape (M, G)."""
        reads: Int64s = np.add.reduce([worker.tally.reads for worker in self._workers])
        return reads.T

    def trace(self) -> Int64s:
        """Slots of the traced fan, shape (n, 8), as ``layout.TRACE`` names them."""
        return self._trace.rows[: self._trace.length[0]]

    @property
    def totals(self) -> Int64s:
        """Totals so far, shape (S, 7)."""
        totals: Int64s = np.add.reduce([worker.tally.totals for worker in self._workers])
        return totals

    def take_follow_lists(self) -> tuple[BlockLists, ...]:
        """Follow lists at the end, which leave the engine, block by block; entries are influencer and origin."""
        for chunk in self._chunks:  # they aren't needed any more
            chunk.fans = chunk.fans._replace(next_time=np.zeros(0, np.uint32), event=np.zeros(0, np.uint32))
        found = []
        while self._chunks:  # block after block, so that there is never a copy of all
            block = self._chunks[0].block
            n = sum(1 for chunk in self._chunks if chunk.block == block)
            found.append(_joined([chunk.lists for chunk in self._chunks[:n]]))
            del self._chunks[:n]
        return tuple(found)


def _joined(parts: Sequence[FollowLists]) -> BlockLists:
    """Lists of the chunks of a block.

    Raises
    ------
    MachineError
        They have more entries than can be counted.
    """
    length = np.concatenate([lists.length for lists in parts])
    n_follows = int(length.sum(dtype=np.int64))
    if n_follows > MOST_IN_BLOCK:
        raise MachineError(f"{length.size} fans of a block have {n_follows} follows; {MOST_IN_BLOCK} can be counted")
    begin = np.zeros(length.size + 1, np.uint32)
    np.cumsum(length, out=begin[1:], dtype=np.uint32)
    members = np.empty(n_follows, np.int32)
    first = 0
    for lists in parts:
        last = first + lists.length.size
        follow_lists.move_lists(lists.start, lists.length, lists.arena, begin[first:last], members)
        first = last
    return BlockLists(begin, members)


def _chunks(fans: FansAtStart, own: Addresses, wanted: int) -> Iterator[Chunk]:
    """About as many chunks as wanted, or as there are blocks if these are more: each is of one block.

    ``own`` are the addresses of all fans, or of none.
    """
    first_id, total = 0, fans.segment.size
    for number, block in enumerate(fans.lists):
        n_fans = block.begin.size - 1
        share = (2 * wanted * n_fans + total) // (2 * total)  # rounded
        n_chunks = max(-(-n_fans // MOST_FANS), min(share, n_fans))
        for first, last in pairwise([n_fans * c // n_chunks for c in range(n_chunks + 1)]):
            begin = block.begin[first : last + 1]
            lists = BlockLists(begin - begin[0], block.members[begin[0] : begin[-1]])
            yield _chunk(number, (first_id + first, first_id + last), fans, lists, own)
        first_id += n_fans


def _chunk(
    block: int, bounds: tuple[int, int], fans: FansAtStart, follows: BlockLists, own: Addresses = SHARED
) -> Chunk:
    """Chunk of a block's fans ``first <= f < last``, with these lists."""
    first, last = bounds
    n = last - first
    state = FanState(
        segment=fans.segment[first:last],
        mean_gap=fans.mean_gap[first:last],
        next_time=np.zeros(n, np.uint32),
        event=np.zeros(n, np.uint32),
    )
    lists = FollowLists(
        start=follows.begin[:-1].copy(),
        length=np.diff(follows.begin).astype(np.int32),
        room=np.zeros(n, np.int8),
        arena=follows.members,
        free=np.zeros(1 + follow_lists.N_SIZES, np.int64),
    )
    chunk = Chunk(block, first, state, lists, own.part(first, last))
    chunk.make_room()
    return chunk
