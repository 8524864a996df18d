"""The accounts: what may change about influencers in a run, who is here and under contract; knows no processes."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from sim.model.world.population import Population

__all__ = ["NOT_YET", "AccountStatus", "Accounts", "is_present"]

NOT_YET = 1 << 62


class AccountStatus(IntEnum):
    """Where an account stands."""

    WAITING = 0
    """Has not entered yet."""
    INCUBATING = 1
    ESTABLISHED = 2
    CUT = 3
    """Its agency has ended the contract; it has stopped posting."""
    LEFT = 4


def is_present(status: NDArray[np.int8]) -> NDArray[np.bool_]:
    """Who is here, incubating or established."""
    # numpy compares with a plain number several times as fast as with an enum's member, and this is asked often.
    present: NDArray[np.bool_] = (status == AccountStatus.INCUBATING.value) | (
        status == AccountStatus.ESTABLISHED.value
    )
    return present


class Accounts:
    """The influencers as they are now; axes as in ``Population``.

    Parameters
    ----------
    population
        Everybody at day 0. Not changed.
    """

    def __init__(self, population: Population) -> None:
        n = population.vertical.size
        self.population = population
        self.status: NDArray[np.int8] = np.where(
            np.arange(n) >= population.n_initial,
            AccountStatus.WAITING,
            np.where(population.incubating, AccountStatus.INCUBATING, AccountStatus.ESTABLISHED),
        ).astype(np.int8)
        self.agency: NDArray[np.int32] = population.agency.copy()
        """(M,): -1 without one."""
        self.vertical: NDArray[np.int32] = population.vertical.copy()
        self.shop: NDArray[np.bool_] = population.shop.copy()
        self.quality: NDArray[np.float64] = population.quality.copy()
        self.posts_per_day: NDArray[np.float64] = population.posts_per_day.copy()
        self.live_hours_per_day: NDArray[np.float64] = population.live_hours_per_day.copy()
        self.bad_reviews: NDArray[np.int32] = np.zeros(n, np.int32)
        """(M,): reviews in a row with a loss, or idle."""
        self.savings: NDArray[np.int64] = np.zeros(n, np.int64)
        """(M,): what accounts without an agency have put by [fen]; may be negative."""
        self.entered_at: NDArray[np.int64] = np.full(n, -NOT_YET, np.int64)
        """(M,): when it entered, once it has; those of day 0 were always here [s]."""
        self.gone_at: NDArray[np.int64] = np.full(n, NOT_YET, np.int64)
        """(M,): when it was cut or left [s]."""

    @property
    def present(self) -> NDArray[np.bool_]:
        """(M,): who is here, incubating or established."""
        return is_present(self.status)
