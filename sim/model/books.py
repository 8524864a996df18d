"""The books: cumulative flows of every influencer at the times that somebody will ask for; knows no processes."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from sim.model.frozen import Counter

__all__ = ["FLOWS", "Books"]

FLOWS = ("exposure_feed", "exposure_discovery", "reads", "orders", "gmv", "new_follows", "unfollows")
"""Rows of an entry: simulated impressions, reads and follows; real orders and fen."""

Int64s = NDArray[np.int64]


class Books:
    """Cumulative flows since the start of the warm-up, shape (7, M) at each time entered [s].

    Parameters
    ----------
    is_feed
        Shape (S,).
    reads_at
        Times at which reads by segment are kept as well.
    influencer
        Influencer whose counts on each surface are kept as well, -1: none.
    """

    def __init__(self, is_feed: NDArray[np.bool_], reads_at: Collection[int], influencer: int = -1) -> None:
        self._is_feed = is_feed
        self._reads_at = reads_at
        self._influencer = influencer
        self._entries: dict[int, Int64s] = {}
        self.reads: dict[int, Int64s] = {}
        """Slots examined up to a time, shape (M, G)."""
        self.surfaces: dict[int, Int64s] = {}
        """Counts of the influencer up to each time, shape (S, 8)."""

    def enter(self, time: int, counts: Int64s, reads: Int64s) -> None:
        """Enter the flows up to ``time`` from the engine's counts, shape (M, S, 8), and reads, shape (M, G)."""
        exposure = counts[:, :, Counter.EXPOSURE]
        over_surfaces = counts.sum(axis=1)
        self._entries[time] = np.stack(
            [
                exposure[:, self._is_feed].sum(axis=1),
                exposure[:, ~self._is_feed].sum(axis=1),
                over_surfaces[:, Counter.READS],
                over_surfaces[:, Counter.ORDERS],
                over_surfaces[:, Counter.GMV_FEN],
                over_surfaces[:, Counter.FOLLOWS],
                over_surfaces[:, Counter.UNFOLLOWS],
            ]
        )
        if time in self._reads_at:
            self.reads[time] = reads.copy()
        if self._influencer >= 0:
            self.surfaces[time] = counts[self._influencer].copy()

    def upto(self, time: int) -> Int64s:
        """Flows from the start up to ``time``, shape (7, M); the time must have been entered."""
        return self._entries[time]

    def between(self, start: int, end: int) -> Int64s:
        """Flows in [start, end), shape (7, M); both must have been entered."""
        return self._entries[end] - self._entries[start]
