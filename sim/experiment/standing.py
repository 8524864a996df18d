"""Where the accounts of a run stand: mobility since day 0, merit, participation; measures of the whole platform."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.analysis.concentration import head_size
from sim.analysis.merit import quality_decile_share
from sim.analysis.mobility import (
    arrivals_in_head,
    decile_transitions,
    head_turnover,
    mean_decile_change,
    median_arrival,
    upward_share,
)
from sim.analysis.participation import n_above, share_above, threshold_over
from sim.analysis.ranks import correlation_of_ranks, doubled_ranks
from sim.model.clock import DAY

__all__ = ["Standing"]

TOP_DECILE = 9
YEAR = 365
Int64s = NDArray[np.int64]


class Standing:
    """A run's accounts at day 0 and by quality, against which each later amount is held.

    Parameters
    ----------
    times
        Snapshots, the first of them day 0 [s].
    followers
        Shape (T, M): followers at each snapshot.
    quality
        Shape (M,).
    explosive_gmv_fen_per_year
        Turnover from which an account is explosive, None: none is called so.
    """

    def __init__(
        self,
        times: list[int],
        followers: Int64s,
        quality: NDArray[np.float64],
        explosive_gmv_fen_per_year: int | None,
    ) -> None:
        self._start: Int64s = followers[0]
        self._quality = quality
        self._explosive = explosive_gmv_fen_per_year
        self._ranks_at_start = doubled_ranks(self._start)
        self._quality_ranks = doubled_ranks(quality)
        self._head_01 = head_size(quality.size, 0.01)
        self._head_10 = head_size(quality.size, 0.1)
        self._arrivals = arrivals_in_head(followers, np.array(times, dtype=np.int64), self._head_01)

    def values(self, quantity: str, amounts: Int64s, time: int, start: int | None) -> dict[str, float]:
        """Measures of a quantity, by name, at a time or over [start, time) [s]; nan where undefined.

        ``amounts`` has shape (M,); those of ``net_follows`` may be negative.
        """
        match quantity:
            case "followers":
                return self._mobility(amounts, time) | self._merit(amounts)
            case "exposure":
                return self._merit(amounts)
            case "reads":
                return self._participation(amounts)
            case "new_follows":
                return self._merit(amounts) | self._participation(amounts)
            case "net_follows":
                correlation = correlation_of_ranks(self._quality_ranks, doubled_ranks(amounts))
                return {"quality_rank_correlation": correlation, "gained_share": share_above(amounts)}
            case _:
                assert start is not None  # turnover is a flow
                return {"n_explosive": self._n_explosive(amounts, (time - start) // DAY)}

    def _mobility(self, followers: Int64s, time: int) -> dict[str, float]:
        moves = decile_transitions(self._start, followers)
        median, n_arrived = median_arrival(self._arrivals, time)
        return {
            "start_rank_correlation": correlation_of_ranks(self._ranks_at_start, doubled_ranks(followers)),
            "head_turnover_01": head_turnover(self._start, followers, self._head_01),
            "head_turnover_10": head_turnover(self._start, followers, self._head_10),
            "mean_decile_change": mean_decile_change(moves),
            "upward_share": upward_share(moves),
            "n_reached_head": float(n_arrived),
            "median_days_to_head": median / DAY,
        }

    def _merit(self, amounts: Int64s) -> dict[str, float]:
        return {
            "quality_rank_correlation": correlation_of_ranks(self._quality_ranks, doubled_ranks(amounts)),
            "top_quality_decile_share": quality_decile_share(amounts, self._quality, TOP_DECILE),
        }

    def _participation(self, amounts: Int64s) -> dict[str, float]:
        return {"n_active": float(n_above(amounts)), "active_share": share_above(amounts)}

    def _n_explosive(self, gmv: Int64s, days: int) -> float:
        """Accounts whose turnover of these days, annualised, reaches the threshold."""
        if self._explosive is None:
            return float("nan")
        return float(n_above(gmv, threshold_over(self._explosive, days, YEAR)))
