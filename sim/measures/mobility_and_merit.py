"""Where the accounts of a run stand: mobility since day 0, merit, participation; measures of the whole platform."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from sim.analysis.concentration import head_size
from sim.analysis.merit import as_good_as_top_tenth, share_of_decile, tenths_of_quality
from sim.analysis.mobility import (
    NOT_REACHED,
    arrivals_in_head,
    decile_transitions,
    head_turnover,
    mean_decile_change,
    median_arrival,
    upward_share,
)
from sim.analysis.participation import n_above, threshold_over
from sim.analysis.ranks import correlation_of_ranks, doubled_ranks
from sim.calendar import DAY
from sim.types import Bools, Int64s

__all__ = ["MobilityAndMerit"]

TOP_DECILE = 9
YEAR = 365


class MobilityAndMerit:
    """A run's accounts at day 0 and by quality, against which each later amount is held.

    Parameters
    ----------
    times
        Snapshots, the first of them day 0 [s].
    followers
        Shape (T, M): followers at each snapshot.
    quality
        Shape (M,).
    n_initial
        Accounts of day 0; those after them enter later.
    explosive_gmv_fen_per_year
        Turnover from which an account is explosive, None: none is called so.
    """

    def __init__(
        self,
        times: list[int],
        followers: Int64s,
        quality: NDArray[np.float64],
        n_initial: int,
        explosive_gmv_fen_per_year: int | None,
    ) -> None:
        self._start: Int64s = followers[0]
        self._quality = quality
        self._n_initial = n_initial
        self._explosive = explosive_gmv_fen_per_year
        self._ranks_at_start = doubled_ranks(self._start[:n_initial])
        self._head_01 = head_size(n_initial, 0.01)
        self._head_10 = head_size(n_initial, 0.1)
        self._arrivals = arrivals_in_head(followers, np.array(times, dtype=np.int64), self._head_01)
        good = as_good_as_top_tenth(quality, n_initial)
        self._arrivals_of_good = np.where(good, self._arrivals, NOT_REACHED)
        self._has_best = bool(good.any())
        self._look_at(np.arange(quality.size) < n_initial)

    def values(self, quantity: str, amounts: Int64s, entered: Bools, time: int, start: int | None) -> dict[str, float]:
        """Measures of a quantity, by name, at a time or over [start, time) [s]; nan where undefined.

        ``amounts`` and ``entered``, who has ever been here, have shape (M,); ``net_follows`` may be negative.
        """
        match quantity:
            case "followers":
                return self._mobility(amounts, time) | self._merit(amounts, entered)
            case "exposure":
                return self._merit(amounts, entered)
            case "reads":
                return self._participation(amounts, entered)
            case "new_follows":
                return self._merit(amounts, entered) | self._participation(amounts, entered)
            case "net_follows":
                gained = self._participation(amounts, entered)["active_share"]
                return {"quality_rank_correlation": self._correlation(amounts, entered), "gained_share": gained}
            case "gmv":
                assert start is not None  # turnover is a flow
                return {"n_explosive": self._n_explosive(amounts, (time - start) // DAY)}
            case _:
                return {}

    def _mobility(self, followers: Int64s, time: int) -> dict[str, float]:
        n = self._n_initial
        moves = decile_transitions(self._start[:n], followers[:n])
        median, n_arrived = median_arrival(self._arrivals, time)
        _, n_good = median_arrival(self._arrivals_of_good, time)
        return {
            "start_rank_correlation": correlation_of_ranks(self._ranks_at_start, doubled_ranks(followers[:n])),
            "head_turnover_01": head_turnover(self._start, followers, self._head_01),
            "head_turnover_10": head_turnover(self._start, followers, self._head_10),
            "mean_decile_change": mean_decile_change(moves),
            "upward_share": upward_share(moves),
            "n_reached_head": float(n_arrived),
            "n_good_reached_head": float(n_good) if self._has_best else math.nan,
            "median_days_to_head": median / DAY,
        }

    def _look_at(self, entered: Bools) -> None:
        """Rank those who have entered by quality, once for all amounts of theirs."""
        self._entered = entered
        self._quality_ranks = doubled_ranks(self._quality[entered])
        self._quality_tenths = tenths_of_quality(self._quality[entered])

    def _correlation(self, amounts: Int64s, entered: Bools) -> float:
        if not np.array_equal(self._entered, entered):
            self._look_at(entered)
        return correlation_of_ranks(self._quality_ranks, doubled_ranks(amounts[entered]))

    def _merit(self, amounts: Int64s, entered: Bools) -> dict[str, float]:
        return {
            "quality_rank_correlation": self._correlation(amounts, entered),
            "top_quality_decile_share": share_of_decile(amounts[entered], self._quality_tenths, TOP_DECILE),
        }

    def _participation(self, amounts: Int64s, entered: Bools) -> dict[str, float]:
        n = n_above(amounts)
        return {"n_active": float(n), "active_share": n / int(entered.sum())}

    def _n_explosive(self, gmv: Int64s, days: int) -> float:
        """Accounts whose turnover of these days, annualised, reaches the threshold."""
        if self._explosive is None:
            return math.nan
        return float(n_above(gmv, threshold_over(self._explosive, days, YEAR)))
