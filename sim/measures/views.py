"""What a measure's function is given: holders and what they have, the platform at a time, fans. It knows no model.

All arrays are read-only. M are the accounts that there ever are, waiting newcomers among them; what belongs to those
who haven't entered is 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from sim.analysis.concentration import head_members, head_size, summarise
from sim.analysis.merit import as_good_as_top_tenth, tenths_of_quality
from sim.analysis.mobility import NOT_REACHED, arrivals_in_head, decile_transitions
from sim.analysis.ranks import correlation_of_ranks, doubled_ranks
from sim.analysis.tail import top_tail
from sim.types import Bools, Floats, Int32s, Int64s

__all__ = ["UNDEFINED", "AccountTraits", "FanReads", "Heads", "Holding", "Platform", "Totals"]

SUMMARISED = (
    "head_share_01",
    "head_share_10",
    "initial_head_share_01",
    "top_10_share",
    "gini",
    "hhi",
    "effective_number",
)
UNDEFINED: Mapping[str, float] = MappingProxyType(dict.fromkeys(SUMMARISED, math.nan))
"""What the measures of concentration are of nothing."""


@dataclass(frozen=True)
class Heads:
    """Sizes of the heads of a population, fixed at day 0, and who its head was then."""

    n_01: int
    """Of 1 %."""
    n_10: int
    """Of 10 %."""
    initial: Int64s
    """Ids of influencers, agencies or verticals in day 0's 1 % by followers."""

    @classmethod
    def of(cls, followers: Int64s, ids: Int64s | None) -> Heads:
        """The heads of holders with these followers at day 0, shape (n,), n >= 1; ``ids`` None: they are 0 .. n - 1."""
        n_01 = head_size(followers.size, 0.01)
        places = head_members(followers, n_01)
        return cls(n_01, head_size(followers.size, 0.1), places if ids is None else ids[places])


class Totals(NamedTuple):
    """Sums of what holders have, in the units of the amounts."""

    own: int
    """Of these holders."""
    all: int
    """Of everybody at the level."""
    at_start: int | None
    """What these holders had at day 0; None: not known, a flow's."""


class Holding:
    """A population or group at a level, and what each of its holders has of a quantity.

    Parameters
    ----------
    n
        Holders: influencers, agencies, verticals, or surfaces of a kind.
    people
        What one of the amounts stands for: real people of simulated fans; 1 for orders, money and what is counted.
    heads
        Heads as they were fixed at day 0; None where there was nobody, and of groups.
    initial_head
        Places among the amounts of those in day 0's head who are here.
    amounts, totals, theil
        What gives the properties of these names when they are first asked for.
    """

    def __init__(
        self,
        n: int,
        people: float,
        heads: Heads | None,
        initial_head: Int64s,
        amounts: Callable[[], Int64s],
        totals: Callable[[], Totals],
        theil: Callable[[Holding], float],
    ) -> None:
        self.n = n
        self.people = people
        self.heads = heads
        self.initial_head = initial_head
        self._take_amounts = amounts
        self._take_totals = totals
        self._take_theil = theil

    @cached_property
    def amounts(self) -> Int64s:
        """What each holder has, shape (n,)."""
        return self._take_amounts()

    @cached_property
    def totals(self) -> Totals:
        """Sums of the amounts, exact."""
        return self._take_totals()

    @cached_property
    def concentration(self) -> Mapping[str, float]:
        """What ``sim.analysis.concentration.summarise`` gives, by name; all nan where nobody has anything."""
        if self.heads is None or not self.amounts.any():
            return UNDEFINED
        n_01, n_10 = self.heads.n_01, self.heads.n_10
        return summarise(self.amounts, head_01=n_01, head_10=n_10, initial_head=self.initial_head)

    @cached_property
    def theil(self) -> float:
        """Theil's index; nan where nobody has anything."""
        return self._take_theil(self)

    @cached_property
    def tail(self) -> tuple[float, int, int]:
        """Exponent of the tail of the largest 10 %, its least amount, and how many holders are in it."""
        n_10 = 1 if self.heads is None else self.heads.n_10
        exponent, x_min, n = top_tail(self.amounts, n_10)
        return exponent, x_min, n


@dataclass(frozen=True, eq=False)
class AccountTraits:
    """The accounts of a run, as they are at all times: against them later amounts are compared."""

    followers: Int64s
    """(T, M): followers at each snapshot [simulated fans], the first of them day 0."""
    times: Int64s
    """(T,): the snapshots [s]."""
    quality: Floats
    """(M,): in (0, 1)."""
    n_initial: int
    """Accounts of day 0, the first of the M; those after them enter later."""
    explosive_gmv_fen_per_year: int | None
    """Turnover from which an account is explosive, None: none is called so."""
    _ranked: list[tuple[Bools, Int64s, Int64s]] = field(default_factory=list, repr=False)

    @cached_property
    def start_ranks(self) -> Int64s:
        """Doubled ranks of day 0's accounts by followers then, shape (n_initial,)."""
        return doubled_ranks(self.followers[0, : self.n_initial])

    @cached_property
    def n_head_01(self) -> int:
        """Accounts in the head of 1 %, fixed at day 0."""
        return head_size(self.n_initial, 0.01)

    @cached_property
    def n_head_10(self) -> int:
        """Accounts in the head of 10 %, fixed at day 0."""
        return head_size(self.n_initial, 0.1)

    @cached_property
    def arrivals(self) -> Int64s:
        """(M,): first snapshot at which an account that wasn't in day 0's head was seen in the head [s]."""
        return arrivals_in_head(self.followers, self.times, self.n_head_01)

    @cached_property
    def is_good(self) -> Bools:
        """(M,): whose quality reaches that of day 0's best tenth."""
        return as_good_as_top_tenth(self.quality, self.n_initial)

    @cached_property
    def arrivals_of_good(self) -> Int64s:
        """(M,): ``arrivals`` of the good ones."""
        return np.where(self.is_good, self.arrivals, NOT_REACHED)

    def by_quality(self, entered: Bools) -> tuple[Int64s, Int64s]:
        """Doubled ranks and tenths by quality of those who have entered, shape (n,); kept for as long as these are."""
        if not self._ranked or not np.array_equal(self._ranked[0][0], entered):
            quality = self.quality[entered]
            self._ranked[:] = [(entered, doubled_ranks(quality), tenths_of_quality(quality))]
        return self._ranked[0][1:]


@dataclass(frozen=True, eq=False)
class Platform:
    """The platform as a whole, at a time or over a window."""

    time: int
    """[s]"""
    start: int | None
    """Where the window begins [s]; None: a stock has none."""
    people: float
    """What one of the amounts stands for, as in ``Holding``."""
    amounts: Int64s
    """(M,): what each account has of the quantity; of ``accounts`` and ``tiers`` 1 for those that are here."""
    entered: Bools
    """(M,): who has ever been here."""
    present: Bools
    """(M,): who is here."""
    cut: Bools
    """(M,): whose contract was ended."""
    left: Bools
    """(M,): who has left."""
    agency: Int32s
    """(M,): index of the agency, -1: none."""
    vertical: Int32s
    """(M,): index of the vertical."""
    accounts: AccountTraits
    """The accounts as they are at all times."""
    take_flow: Callable[[str], Int64s] = field(repr=False)
    take_tier_moves: Callable[[], tuple[int, int]] = field(repr=False)

    @property
    def followers(self) -> Int64s:
        """(M,): followers at the time [simulated fans]."""
        place = int(np.searchsorted(self.accounts.times, self.time))
        found: Int64s = self.accounts.followers[place]
        return found

    @property
    def followers_at_start(self) -> Int64s:
        """(M,): followers at day 0 [simulated fans]."""
        found: Int64s = self.accounts.followers[0]
        return found

    @property
    def n_entered(self) -> int:
        """Accounts that have ever been here."""
        return int(self.entered.sum())

    def flow(self, name: str) -> Int64s:
        """(M,): another flow of each account in the window, by the name that the model's history has for it."""
        return self.take_flow(name)

    @cached_property
    def tier_moves(self) -> tuple[int, int]:
        """Agencies that came to a higher and to a lower tier, over all reviews so far."""
        return self.take_tier_moves()

    @cached_property
    def decile_moves(self) -> Int64s:
        """(10, 10): day 0's accounts by decile of followers then and now."""
        n = self.accounts.n_initial
        return decile_transitions(self.followers_at_start[:n], self.amounts[:n])

    @cached_property
    def quality_correlation(self) -> float:
        """Rank correlation of quality with the amounts, over those who have entered."""
        ranks, _ = self.accounts.by_quality(self.entered)
        return correlation_of_ranks(ranks, doubled_ranks(self.amounts[self.entered]))


@dataclass(frozen=True, eq=False)
class FanReads:
    """What fans have read in a window, segment by segment."""

    time: int
    """[s]"""
    start: int
    """Where the window begins [s]."""
    reads: Int64s
    """(M, G): slots of each account that each segment has examined."""
    quality: Floats
    """(M,): of the accounts, in (0, 1)."""
    affinity: Floats
    """(G, V): affinity of each segment to each vertical."""
    vertical: Int32s
    """(M,): index of an account's vertical."""
