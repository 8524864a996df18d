"""The accounts: what may change about influencers in a run, who is present and under contract; knows no processes."""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from sim.model.world.population import Population
from sim.types import Bools, Floats, Int8s, Int32s, Int64s

__all__ = ["NOT_YET", "AccountStatus", "Accounts", "is_present"]

NOT_YET = 1 << 62


class AccountStatus(IntEnum):
    """What an account is at a time."""

    WAITING = 0
    """Has not entered yet."""
    INCUBATING = 1
    ESTABLISHED = 2
    CUT = 3
    """Its agency has ended the contract; it has stopped posting."""
    LEFT = 4


def is_present(status: Int8s) -> Bools:
    """Which accounts are present: incubating or established."""
    # numpy compares with a plain number several times as fast as with an enum's member, and this is asked often.
    present: Bools = (status == AccountStatus.INCUBATING.value) | (status == AccountStatus.ESTABLISHED.value)
    return present


class Accounts:
    """The influencers as they are now; axes as in ``Population``.

    Parameters
    ----------
    population
        The accounts as they are at day 0. Not changed.
    """

    def __init__(self, population: Population) -> None:
        n = population.vertical.size
        self.population = population
        self.status: Int8s = np.where(
            np.arange(n) >= population.n_initial,
            AccountStatus.WAITING,
            np.where(population.incubating, AccountStatus.INCUBATING, AccountStatus.ESTABLISHED),
        ).astype(np.int8)
        self.agency: Int32s = population.agency.copy()
        """(M,): -1 without one."""
        self.vertical: Int32s = population.vertical.copy()
        self.shop: Bools = population.shop.copy()
        self.quality: Floats = population.quality.copy()
        self.posts_per_day: Floats = population.posts_per_day.copy()
        self.live_hours_per_day: Floats = population.live_hours_per_day.copy()
        self.bad_reviews: Int32s = np.zeros(n, np.int32)
        """(M,): reviews in a row with a loss, or idle."""
        self.savings: Int64s = np.zeros(n, np.int64)
        """(M,): what accounts without an agency have saved [fen]; may be negative."""
        self.entered_at: Int64s = np.full(n, -NOT_YET, np.int64)
        """(M,): when it entered, once it has; those of day 0 were always here [s]."""
        self.gone_at: Int64s = np.full(n, NOT_YET, np.int64)
        """(M,): when it was cut or left [s]."""

    @property
    def present(self) -> Bools:
        """(M,): accounts that are incubating or established."""
        return is_present(self.status)
