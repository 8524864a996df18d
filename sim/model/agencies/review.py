"""The agencies' review: who is cut, kept, recruited, gives up, opens a shop; knows neither surfaces nor sessions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.calendar import DAY, HOUR, MONTH
from sim.model.agencies.ledger import Balance, Ledger, whole_fen
from sim.model.agencies.services import entry_factors
from sim.model.kernel import draws
from sim.model.kernel.slot_tables import powers
from sim.model.world.accounts import Accounts, AccountStatus
from sim.model.world.entry import open_verticals
from sim.model.world.population import QUALITY_MARGIN, Population
from sim.scenario.schema.scenario import Scenario
from sim.streams import Lane
from sim.types import Bools, Floats, Int32s, Int64s, Key

__all__ = ["AgencyReview"]


class AgencyReview:
    """What agencies have and decide, and what accounts decide at the same time. Axes: M influencers, A agencies.

    A review takes these steps. Where no time has passed since the review before, steps 1 to 7 are left out.

    1. Results: what an agency has earned goes to its funds, what an account without one has earned to its savings.
       Funds begin at day 0 with ``funds_fen_per_account``, whatever was earned in the warm-up.
    2. A review is bad for an account that has lost money, or was idle without an agency; any other ends the row.
    3. Agencies cut accounts with ``patience`` bad reviews in a row (``cuts``).
    4. Of the posts of those cut, ``freed_effort_share`` goes to those kept, in proportion to what they have earned
       (equally where none has), up to ``effort_limit`` x an account's own rate; the rest is lost. Quality follows.
    5. Agencies with negative funds fail (``fails``); their accounts go on without one, with no bad reviews.
    6. The other agencies recruit, the richest first (of equals the lower id), accounts without an agency and
       without a bad review, by falling reads (of equals the lower id), for ``recruit_fen`` each.
    7. Accounts without an agency leave after ``patience`` bad reviews in a row (``independents_leave``).
    8. Incubating accounts with ``incubated_followers`` are established.
    9. Established accounts that want a shop open one, in the order of their ids, if its price is available.
    10. Live hours follow the pay for them.

    Parameters
    ----------
    population
        The accounts and agencies at day 0. Not changed.
    key
        Seed and replication.
    """

    def __init__(self, population: Population, key: Key) -> None:
        n, n_agencies = population.vertical.size, len(population.agencies)
        self.funds: Int64s = np.zeros(n_agencies, np.int64)
        """(A,): what agencies have saved since day 0 [fen]; 0 before; may be negative."""
        self.failed: Bools = np.zeros(n_agencies, np.bool_)
        """(A,): agencies that have failed."""
        self._wish = draws.unit_draws_of(Lane.SHOP, 0, population.addresses(key))
        self._refused: Bools = np.zeros(n, np.bool_)
        self._reviewed_at: int | None = None
        self._balance = Ledger(population).balance()

    def review(
        self, now: int, accounts: Accounts, ledger: Ledger, followers: Int64s, tier: Int32s, scenario: Scenario
    ) -> bool:
        """Review the time since the review before; the first, at day 0, is of the warm-up.

        Parameters
        ----------
        now
            Time [s], not negative.
        accounts
            Changed: all except their verticals.
        ledger
            Has accrued up to now. Not changed.
        followers
            Shape (M,) [simulated fans]. Not changed.
        tier
            Shape (A,): tier of each agency, -1: none. Not changed.
        scenario
            Resolved scenario in force.

        Returns
        -------
        bool
            Whether anything has changed that slot tables may show.

        Raises
        ------
        InputError
            An agency's funds can't be counted in single fen.

        Notes
        -----
        O(M log M + A M). Lane SHOP, with the numbers of ``draw_population``.
        """
        before = _shown(accounts)
        if self._reviewed_at is None:
            self._begin(accounts, scenario)
        start = -scenario.warmup_days * DAY if self._reviewed_at is None else self._reviewed_at
        balance = ledger.balance()
        recent = balance.since(self._balance)
        if start < now:
            self._settle(accounts, recent)
            _count_bad_reviews(start, now, accounts, recent, scenario)
            posts_of_cut = self._cut(now, accounts, scenario)
            _raise_effort(accounts, posts_of_cut, recent.result, scenario)
            self._fail(accounts, scenario)
            self._recruit(accounts, recent.reads, scenario)
            _leave(now, accounts, scenario)
        _establish(accounts, followers, scenario)
        self._open_shops(now, accounts, tier, scenario)
        _set_live_hours(accounts, recent, scenario)
        self._reviewed_at, self._balance = now, balance
        return any(not np.array_equal(old, new) for old, new in zip(before, _shown(accounts), strict=True))

    def _begin(self, accounts: Accounts, scenario: Scenario) -> None:
        """Give agencies their first funds, and note accounts without a shop though one was drawn: a roster says so."""
        n_accounts = np.bincount(accounts.agency[accounts.agency >= 0], minlength=self.funds.size)
        self.funds += whole_fen(n_accounts * scenario.contracts.funds_fen_per_account, scenario)
        self._refused = (
            (accounts.status == AccountStatus.ESTABLISHED) & ~accounts.shop & self._wants_shop(accounts, scenario)
        )

    def _wants_shop(self, accounts: Accounts, scenario: Scenario) -> Bools:
        """Accounts that their vertical and agency make want a shop, as in ``draw_population``."""
        groups = [group.shop_factor for group in scenario.agencies.values()]
        independent = scenario.influencers.shop_factor
        of_agency = [groups[g] if g >= 0 else independent for g in accounts.population.agency_group]
        factors = np.array([*of_agency, independent])  # an agency of -1 reads the last place
        shop_prob = np.array([v.shop_prob for v in scenario.verticals.values()])
        wants: Bools = self._wish < shop_prob[accounts.vertical] * factors[accounts.agency]
        return wants

    def _settle(self, accounts: Accounts, recent: Balance) -> None:
        """Step 1."""
        if self._reviewed_at is not None:
            self.funds += recent.profit
        independent = accounts.present & (accounts.agency < 0)
        accounts.savings[independent] += recent.result[independent]

    def _cut(self, now: int, accounts: Accounts, scenario: Scenario) -> Floats:
        """Step 3; returns the posts per day of the accounts that each agency has cut, shape (A,)."""
        posts = np.zeros(self.funds.size)
        if not scenario.contracts.cuts:
            return posts
        cut = accounts.present & (accounts.agency >= 0) & (accounts.bad_reviews >= scenario.contracts.patience)
        np.add.at(posts, accounts.agency[cut], accounts.posts_per_day[cut])
        accounts.status[cut] = AccountStatus.CUT
        accounts.gone_at[cut] = now
        accounts.agency[cut] = -1
        return posts

    def _fail(self, accounts: Accounts, scenario: Scenario) -> None:
        """Step 5."""
        if not scenario.contracts.fails:
            return
        self.failed |= self.funds < 0
        freed = np.append(self.failed, False)[accounts.agency]  # an agency of -1 reads the last place
        accounts.agency[freed] = -1
        accounts.bad_reviews[freed] = 0

    def _recruit(self, accounts: Accounts, reads: Int64s, scenario: Scenario) -> None:
        """Step 6."""
        terms = scenario.contracts
        if terms.recruits_per_review == 0:
            return
        price = int(terms.recruit_fen)
        free = np.flatnonzero(accounts.present & (accounts.agency < 0) & (accounts.bad_reviews == 0))
        free = free[np.argsort(-reads[free], kind="stable")]
        wanted = _recruited_verticals(accounts.population, scenario)
        for agency in np.argsort(-self.funds, kind="stable"):
            if self.failed[agency] or self.funds[agency] < price:
                continue
            affordable = int(self.funds[agency]) // price if price else terms.recruits_per_review
            fitting = free[wanted[agency, accounts.vertical[free]]]
            chosen = fitting[: min(terms.recruits_per_review, affordable)]
            accounts.agency[chosen] = agency
            self.funds[agency] -= price * chosen.size
            free = free[accounts.agency[free] < 0]

    def _open_shops(self, now: int, accounts: Accounts, tier: Int32s, scenario: Scenario) -> None:
        """Step 9."""
        wants = self._wants_shop(accounts, scenario)
        wants &= (accounts.status == AccountStatus.ESTABLISHED) & ~accounts.shop & ~self._refused
        wants &= open_verticals(now, scenario)[accounts.vertical]
        prices = np.floor(entry_factors(accounts, tier, scenario) * scenario.entry.shop_entry_fen).astype(np.int64)
        for account in np.flatnonzero(wants):
            agency = accounts.agency[account]
            money, payer = (self.funds, agency) if agency >= 0 else (accounts.savings, account)
            if prices[account] <= max(money[payer], 0):
                money[payer] -= prices[account]
                accounts.shop[account] = True


def _shown(accounts: Accounts) -> list[NDArray[np.generic]]:
    """Copies of what slot tables may show of the accounts present."""
    shown = (accounts.agency, accounts.shop, accounts.quality, accounts.posts_per_day, accounts.live_hours_per_day)
    return [accounts.present, *(np.where(accounts.present, of_all, 0) for of_all in shown)]


def _count_bad_reviews(start: int, now: int, accounts: Accounts, recent: Balance, scenario: Scenario) -> None:
    """Step 2; a newcomer's reads are those since it joined."""
    population = accounts.population
    bad = recent.result < 0
    elapsed = now - np.maximum(start, population.joined_at)
    reported = recent.reads * (population.people_per_fan * scenario.reads_per_examined)
    bad |= (accounts.agency < 0) & (reported < scenario.contracts.idle_reads_per_month * (elapsed / MONTH))
    in_a_row = np.where(bad, accounts.bad_reviews + 1, 0)
    accounts.bad_reviews[:] = np.where(accounts.present, in_a_row, accounts.bad_reviews)


def _raise_effort(accounts: Accounts, posts_of_cut: Floats, result: Int64s, scenario: Scenario) -> None:
    """Step 4."""
    terms, own = scenario.contracts, accounts.population
    freed = posts_of_cut * terms.freed_effort_share
    kept = np.flatnonzero(accounts.present & (np.append(freed, 0.0)[accounts.agency] > 0))
    agency = accounts.agency[kept]
    merit = np.maximum(result[kept], 0).astype(np.float64)
    none_earned = np.bincount(agency[merit > 0], minlength=freed.size) == 0
    merit[none_earned[agency]] = 1.0
    total = np.zeros(freed.size)
    np.add.at(total, agency, merit)
    posts, own_posts = accounts.posts_per_day[kept], own.posts_per_day[kept]
    raised = np.minimum(posts + freed[agency] * merit / total[agency], own_posts * terms.effort_limit)
    raised = np.maximum(raised, posts)  # a limit that a phase has lowered takes nothing away
    accounts.posts_per_day[kept] = raised
    if terms.quality_effort > 0:
        factor = np.divide(raised, own_posts, out=np.ones(kept.size), where=own_posts > 0)
        better = 1.0 - (1.0 - own.quality[kept]) * powers(factor, -terms.quality_effort)
        better = np.clip(better, QUALITY_MARGIN, 1 - QUALITY_MARGIN)
        accounts.quality[kept] = np.where(factor > 1, better, accounts.quality[kept])


def _recruited_verticals(population: Population, scenario: Scenario) -> Bools:
    """Whether an agency recruits from a vertical, shape (A, V)."""
    groups = [[not g.verticals or v in g.verticals for v in scenario.verticals] for g in scenario.agencies.values()]
    anything = [True] * len(scenario.verticals)
    rows = [groups[group] if group >= 0 else anything for group in population.agency_group]
    return np.array(rows, np.bool_).reshape(-1, len(scenario.verticals))


def _leave(now: int, accounts: Accounts, scenario: Scenario) -> None:
    """Step 7."""
    if not scenario.contracts.independents_leave:
        return
    leaves = accounts.present & (accounts.agency < 0) & (accounts.bad_reviews >= scenario.contracts.patience)
    accounts.status[leaves] = AccountStatus.LEFT
    accounts.gone_at[leaves] = now


def _establish(accounts: Accounts, followers: Int64s, scenario: Scenario) -> None:
    """Step 8."""
    enough = followers * accounts.population.people_per_fan >= scenario.entry.incubated_followers
    accounts.status[(accounts.status == AccountStatus.INCUBATING) & enough] = AccountStatus.ESTABLISHED


def _set_live_hours(accounts: Accounts, recent: Balance, scenario: Scenario) -> None:
    """Step 10: ``own hours * (pay / reference)^elasticity``, pay being the subsidy and the tips per hour on air."""
    live = scenario.live
    if live.elasticity == 0:
        return
    hours = recent.seconds_on_air / HOUR
    tips = np.divide(recent.host_tips, hours, out=np.zeros(hours.size), where=hours > 0)
    pay = scenario.economy.subsidy_fen_per_live_hour + tips
    factor = powers(pay / live.reference_fen_per_hour, live.elasticity)
    own = accounts.population.live_hours_per_day
    accounts.live_hours_per_day[:] = np.minimum(own * factor, live.max_hours_per_day)
