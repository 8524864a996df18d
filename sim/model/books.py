"""The books: cumulative flows of every influencer at the times that somebody will ask for; knows no processes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.model.frozen import Counter

__all__ = ["FLOWS", "Books"]

FLOWS = ("exposure_feed", "exposure_discovery", "reads", "orders", "gmv", "new_follows", "unfollows")
"""Rows of an entry: simulated impressions, reads and follows; real orders and fen."""

Int64s = NDArray[np.int64]


class Books:
    """Cumulative flows since the start of the warm-up, shape (7, M) at each time entered [s]."""

    def __init__(self, is_feed: NDArray[np.bool_]) -> None:
        self._is_feed = is_feed
        self._entries: dict[int, Int64s] = {}

    def enter(self, time: int, counts: Int64s) -> None:
        """Enter the flows up to ``time`` from the engine's counts, shape (M, S, 8)."""
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

    def upto(self, time: int) -> Int64s:
        """Flows from the start up to ``time``, shape (7, M); the time must have been entered."""
        return self._entries[time]

    def between(self, start: int, end: int) -> Int64s:
        """Flows in [start, end), shape (7, M); both must have been entered."""
        return self._entries[end] - self._entries[start]
