"""The reference engine: each fan is a SimPy process that lives through its sessions one by one; slow, which is fine."""

from __future__ import annotations

from collections.abc import Generator
from itertools import islice, pairwise

import numpy as np
from simpy import Environment, Event

from sim.model.clock import Order, moment
from sim.model.layout import SHARED, TRACE, Addresses, BlockLists, Counter, FansAtStart, Tables, Total
from sim.model.spec.session import Fan, exponential_gap, run_session
from sim.streams import Lane, philox
from sim.types import Int64s, Key

__all__ = ["ReferenceEngine"]


class ReferenceEngine:
    """All fans as processes of one environment.

    Parameters
    ----------
    tables
        What sessions read; the control plane changes them in place.
    fans
        All fans. Not changed.
    key
        Seed and replication.
    traced
        Fan whose slots are written down, -1: none.
    own
        Addresses of all fans' draws, or of none.
    """

    def __init__(self, tables: Tables, fans: FansAtStart, key: Key, traced: int = -1, own: Addresses = SHARED) -> None:
        self.tables = tables
        self.counts = np.zeros((tables.vertical.size, tables.is_feed.size, len(Counter)), np.int64)
        self.reads = np.zeros((tables.vertical.size, tables.visits.shape[0]), np.int64)
        self.totals = np.zeros((tables.is_feed.size, len(Total)), np.int64)
        n_fans = fans.segment.size
        has_own = own.entity.size > 0
        self._keys = [Key(*words) for words in own.key.tolist()] if has_own else [key] * n_fans
        entity = own.entity.tolist() if has_own else range(n_fans)
        self._joined: list[int | None] = [*[None] * (n_fans - fans.joined.size), *fans.joined.tolist()]
        self._block_sizes = [block.begin.size - 1 for block in fans.lists]
        lists = (
            block.members[first:last].tolist() for block in fans.lists for first, last in pairwise(block.begin.tolist())
        )
        self._fans = [
            Fan(entity[f], int(fans.segment[f]), float(fans.mean_gap[f]), follows) for f, follows in enumerate(lists)
        ]
        self._traced = traced
        if traced >= 0:
            self._fans[traced].trace = []

    def start(self, env: Environment) -> None:
        """Let every fan live from now on."""
        for fan, key, joined in zip(self._fans, self._keys, self._joined, strict=True):
            env.process(self._live(env, fan, key, int(env.now) if joined is None else joined))

    def _live(self, env: Environment, fan: Fan, key: Key, joined: int) -> Generator[Event, None, None]:
        high, low, *_ = philox((fan.id, 0, 0, Lane.ARRIVAL), key)
        gap = joined - int(env.now) + exponential_gap(high, low, fan.mean_gap)
        while True:
            yield moment(env, gap, Order.SESSIONS)
            gap = run_session(fan, int(env.now), self.tables, self.counts, self.reads, self.totals, key)

    def count(self, counter: Counter) -> Int64s:
        """One of the counts so far, over all surfaces, shape (M,)."""
        count: Int64s = self.counts[:, :, counter].sum(axis=1)
        return count

    def count_by_surface(self, counter: Counter) -> Int64s:
        """One of the counts so far, over all influencers, shape (S,)."""
        count: Int64s = self.counts[:, :, counter].sum(axis=0)
        return count

    def take_follow_lists(self) -> tuple[BlockLists, ...]:
        """Follow lists at the end, block by block; entries are influencer and origin."""
        fans, found = iter(self._fans), []
        for n_fans in self._block_sizes:
            lists = [fan.follows for fan in islice(fans, n_fans)]
            begin = np.cumsum([0, *map(len, lists)], dtype=np.uint32)
            found.append(BlockLists(begin, np.array([entry for part in lists for entry in part], dtype=np.int32)))
        return tuple(found)

    def trace(self) -> Int64s:
        """Slots of the traced fan, shape (n, 8), as ``layout.TRACE`` names them."""
        rows = self._fans[self._traced].trace if self._traced >= 0 else None
        return np.array(rows or [], dtype=np.int64).reshape(-1, len(TRACE))
