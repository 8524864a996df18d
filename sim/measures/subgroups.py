"""Who has what is measured: populations of accounts, agencies and verticals, and the groups that they are split into.

Who was there at day 0 fixes the sizes of heads, the initial heads and all groups; who is in a population is looked up
at each time. It knows no measures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from sim.analysis.concentration import head_members, head_size
from sim.measures.views import Heads
from sim.model.simulation import Outcome
from sim.model.world.accounts import AccountStatus, is_present
from sim.scenario.schema.measurable import GROUPS, MIDDLE_AGENCY, SMALL_AGENCY
from sim.types import Int32s, Int64s

__all__ = ["NO_GROUPS", "Groups", "Holders", "Split", "Subgroups", "Who", "agency_classes", "size_classes"]

Who = tuple[str, str]
"""A population and its level."""
Groups = Mapping[str, NDArray[np.bool_]]
"""Groups by a column of the roster: who of its accounts is in each, by name."""
NO_GROUPS: Groups = MappingProxyType({})


@dataclass(frozen=True)
class Holders:
    """A population at a level: who its holders are, and how influencers' amounts become theirs."""

    members: Int64s
    """Influencers that count, those of a holder next to each other."""
    begin: Int64s | None
    """Where the members of each holder begin, shape (n + 1,); None: the members are the holders, ascending."""
    n: int

    @classmethod
    def accounts(cls, chosen: NDArray[np.bool_]) -> Holders:
        """The chosen influencers, shape (M,), each for itself."""
        members = np.flatnonzero(chosen)
        return cls(members, None, members.size)

    @classmethod
    def groups(cls, members: Int64s, holder: NDArray[np.integer], n: int) -> Holders:
        """The holders 0 .. n - 1 of these members, one for each member."""
        order = np.argsort(holder, kind="stable")
        return cls(members[order], np.searchsorted(holder[order], np.arange(n + 1)), n)

    def amounts(self, of_influencers: Int64s) -> Int64s:
        """Amounts of the holders."""
        chosen = of_influencers[self.members]
        if self.begin is None:
            return chosen
        upto = np.zeros(chosen.size + 1, np.int64)
        np.cumsum(chosen, out=upto[1:])
        at_bounds = upto[self.begin]
        held: Int64s = at_bounds[1:] - at_bounds[:-1]
        return held

    def places(self, ids: Int64s) -> Int64s:
        """Places of these holders, given by their ids, among the amounts; those that aren't here left out."""
        return ids if self.begin is not None else np.flatnonzero(np.isin(self.members, ids))


@dataclass(frozen=True)
class Split:
    """A level split into groups: their names, how influencers' amounts become theirs, and how many members each has."""

    names: tuple[str, ...]
    holders: Holders
    n_members: Int64s


def size_classes(followers: Int64s, n_all: int) -> Int32s:
    """Group of each account, a number in ``GROUPS["influencer"]``.

    Parameters
    ----------
    followers
        Of the accounts of day 0, shape (n,); of equal ones the lowest id counts as larger.
    n_all
        Accounts that there ever are; those from n on came later.
    """
    n = followers.size
    by_size = head_members(followers, n)
    group = np.full(n_all, 3, np.int32)
    group[by_size] = 2
    group[by_size[: head_size(n, 0.2)]] = 1
    group[by_size[: head_size(n, 0.01)]] = 0
    return group


def agency_classes(n_accounts: Int64s) -> Int32s:
    """Group of each agency, a number in ``GROUPS["agency"]``, by its accounts at day 0, shape (A,)."""
    return ((n_accounts > SMALL_AGENCY).astype(np.int32) + (n_accounts > MIDDLE_AGENCY)).astype(np.int32)


class Subgroups:
    """Populations and groups of a run at any time that its history knows [s].

    Accounts of ``all`` have entered by the time, whether they are still here or not; an agency has what the accounts
    have that are under contract with it at the time; a vertical has what all accounts have that have chosen it.
    Partners and shops are those of day 0, and so are ``groups``, which only accounts of the roster can be in.
    """

    def __init__(self, outcome: Outcome, groups: Groups = NO_GROUPS) -> None:
        self._status = outcome.history.status
        self._agency = outcome.history.agency
        population = outcome.population
        everyone = np.arange(population.vertical.size)
        self._n_agencies = len(population.agencies)
        tier = np.append(outcome.reviews[0].tier, np.int32(-1))[self._agency[0]]
        self._fixed: dict[Who, Holders] = {
            ("partners", "influencer"): Holders.accounts(tier >= 0),
            ("shops", "influencer"): Holders.accounts(population.shop),
            ("all", "vertical"): Holders.groups(everyone, outcome.accounts.vertical, len(population.verticals)),
        }
        self.of_columns = {name: Holders.accounts(chosen) for name, chosen in groups.items()}
        """Groups by a column of the roster."""
        self._fixed |= {(name, "influencer"): holders for name, holders in self.of_columns.items()}
        self.account_group = size_classes(outcome.followers(0)[: population.n_initial], everyone.size)
        """(M,): a number in ``GROUPS["influencer"]``."""
        self._of_group = Holders.groups(everyone, self.account_group, len(GROUPS["influencer"]))
        n_accounts = np.bincount(self._agency[0][self._agency[0] >= 0], minlength=self._n_agencies)
        self.agency_group = agency_classes(n_accounts)
        """(A,): a number in ``GROUPS["agency"]``."""

    def heads(self, at_start: Int64s) -> dict[Who, Heads]:
        """Heads of each population with holders, given the influencers' followers at day 0, shape (M,)."""
        return {
            who: Heads.of(holders.amounts(at_start), holders.members if holders.begin is None else None)
            for who, holders in self.populations(0).items()
            if holders.n
        }

    def entered(self, time: int) -> NDArray[np.bool_]:
        """(M,): who has ever been here."""
        entered: NDArray[np.bool_] = self._status[time] != AccountStatus.WAITING
        return entered

    def present(self, time: int) -> NDArray[np.bool_]:
        """(M,): who is here."""
        return is_present(self._status[time])

    def cut(self, time: int) -> NDArray[np.bool_]:
        """(M,): whose contract was ended."""
        cut: NDArray[np.bool_] = self._status[time] == AccountStatus.CUT
        return cut

    def left(self, time: int) -> NDArray[np.bool_]:
        """(M,): who has left."""
        left: NDArray[np.bool_] = self._status[time] == AccountStatus.LEFT
        return left

    def populations(self, time: int) -> Mapping[Who, Holders]:
        """Holders of every population and level, and of the groups by a column of the roster."""
        contract = np.flatnonzero(self._agency[time] >= 0)
        return {
            ("all", "influencer"): Holders.accounts(self.entered(time)),
            ("active", "influencer"): Holders.accounts(self.present(time)),
            ("all", "agency"): Holders.groups(contract, self._agency[time][contract], self._n_agencies),
        } | self._fixed

    def splits(self, time: int) -> Mapping[str, Split]:
        """Groups of accounts and of agencies, by level."""
        agency = self._agency[time]
        contract = np.flatnonzero(agency >= 0)
        of_accounts = self.account_group[self.entered(time)]
        accounts, agencies = GROUPS["influencer"], GROUPS["agency"]
        return {
            "influencer": Split(
                accounts,
                self._of_group,
                np.bincount(of_accounts, minlength=len(accounts)),
            ),
            "agency": Split(
                agencies,
                Holders.groups(contract, self.agency_group[agency[contract]], len(agencies)),
                np.bincount(self.agency_group, minlength=len(agencies)),
            ),
        }
