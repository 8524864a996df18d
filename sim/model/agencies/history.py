"""The history: cumulative flows of every influencer at the times that will be asked for; knows no processes."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from sim.model.agencies.ledger import Ledger
from sim.model.layout import Counter
from sim.model.world.accounts import Accounts
from sim.types import Bools, Int8s, Int32s, Int64s

__all__ = ["RECORDED_FLOWS", "History"]

RECORDED_FLOWS = (
    "exposure_feed",
    "exposure_discovery",
    "reads",
    "orders",
    "gmv",
    "new_follows",
    "unfollows",
    "tips",
    "income",
    "take",
    "paid",
)
"""Rows of a record: simulated impressions, reads and follows; real orders; fen.

Income is an influencer's own part before its costs; the take is the platform's part; paid are pay per read and subsidy.
"""


class History:
    """Cumulative flows since the start of the warm-up, shape (11, M) at each time recorded [s].

    Parameters
    ----------
    is_feed
        Shape (S,).
    reads_at
        Times at which reads by segment are kept as well.
    influencer
        Influencer whose counts on each surface are kept as well, -1: none.
    """

    def __init__(self, is_feed: Bools, reads_at: Collection[int], influencer: int = -1) -> None:
        self._is_feed = is_feed
        self._reads_at = reads_at
        self._influencer = influencer
        self._flows: dict[int, Sequence[NDArray[np.integer]]] = {}
        self.reads: dict[int, Int64s] = {}
        """Slots examined up to a time, shape (M, G)."""
        self.surfaces: dict[int, Int64s] = {}
        """Counts of the influencer up to each time, shape (S, 11)."""
        self.surface_gmv: dict[int, Int64s] = {}
        """Turnover up to each time, shape (S,) [fen]."""
        self.agency: dict[int, Int32s] = {}
        """Agency of each influencer just before a time, shape (M,), -1: none."""
        self.status: dict[int, Int8s] = {}
        """Status of each influencer just before a time, shape (M,)."""
        self.profit: dict[int, Int64s] = {}
        """What agencies have earned less what they have spent on their accounts, up to each time, shape (A,) [fen]."""

    def record(self, time: int, counts: Int64s, reads: Int64s, accounts: Accounts, ledger: Ledger) -> None:
        """Record what was up to ``time``, from the engine's counts, shape (M, S, 11), its reads, shape (M, G), and the
        ledger, which has accrued up to then.
        """
        over_surfaces = counts.sum(axis=1)
        on_feeds = counts[:, self._is_feed, Counter.EXPOSURE].sum(axis=1)
        rows = (
            on_feeds,
            over_surfaces[:, Counter.EXPOSURE] - on_feeds,
            over_surfaces[:, Counter.READS],
            over_surfaces[:, Counter.ORDERS],
            over_surfaces[:, Counter.GMV_FEN],
            over_surfaces[:, Counter.FOLLOWS],
            over_surfaces[:, Counter.UNFOLLOWS],
            over_surfaces[:, Counter.TIPS_FEN],
            ledger.income,
            ledger.take,
            ledger.paid,
        )
        self._flows[time] = [_narrow(row) for row in rows]
        self.surface_gmv[time] = counts[:, :, Counter.GMV_FEN].sum(axis=0)
        self.agency[time] = accounts.agency.copy()
        self.status[time] = accounts.status.copy()
        self.profit[time] = ledger.profit.copy()
        if time in self._reads_at:
            self.reads[time] = reads.copy()
        if self._influencer >= 0:
            self.surfaces[time] = counts[self._influencer].copy()

    def last(self) -> Int64s:
        """The flows recorded last, shape (11, M)."""
        return self.upto(next(reversed(self._flows)))

    def upto(self, time: int) -> Int64s:
        """Flows from the start up to ``time``, shape (11, M); the time must have been recorded."""
        return np.array(self._flows[time], dtype=np.int64)

    def between(self, start: int, end: int) -> Int64s:
        """Flows in [start, end), shape (11, M); both must have been recorded."""
        return self.upto(end) - self.upto(start)

    def flow(self, name: str, until: int, since: int | None = None) -> Int64s:
        """One of the flows in [since, until), or from the start on, shape (M,); both must have been recorded."""
        row = RECORDED_FLOWS.index(name)
        upto = self._flows[until][row].astype(np.int64)
        return upto if since is None else upto - self._flows[since][row]


def _narrow(row: Int64s) -> NDArray[np.integer]:
    """A copy in 32 bits where they suffice, as for all except money: there are many times, and maybe many accounts."""
    limits = np.iinfo(np.int32)
    fits = limits.min <= row.min(initial=0) and row.max(initial=0) <= limits.max
    return row.astype(np.int32 if fits else np.int64)
