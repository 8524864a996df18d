"""The ledger: who earns and spends what of turnover, tips, reads and hours on air; knows no sessions, no reviews."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.calendar import DAY, HOUR, MONTH
from sim.errors import Fault, InputError
from sim.model.world.accounts import Accounts
from sim.model.world.limits import MAX_FEN
from sim.model.world.population import Population
from sim.scenario.schema.scenario import Scenario
from sim.types import Int64s

__all__ = ["Balance", "Ledger", "whole_fen"]

Reals = NDArray[np.floating[Any]]


class Balance(NamedTuple):
    """What reviews look at, as cumulative amounts or as those between two balances; shapes (M,), ``profit`` (A,)."""

    result: Int64s
    reads: Int64s
    seconds_on_air: Int64s
    host_tips: Int64s
    profit: Int64s

    def since(self, earlier: Balance) -> Balance:
        """What has come after an earlier balance."""
        return Balance(*(now - then for now, then in zip(self, earlier, strict=True)))


class Ledger:
    """Earnings and costs, cumulative since the start of the warm-up. Axes: M influencers, A agencies.

    Every amount is booked as the floor of its running total less that floor at the booking before. So no fen is lost
    between bookings, and one more of them, at which no terms change, moves nothing. At any time ``income + agency_part
    + the platform's tips = commission + paid + tips``, to the fen.

    Parameters
    ----------
    population
        The accounts and agencies at day 0. Not changed.
    """

    def __init__(self, population: Population) -> None:
        n = population.vertical.size

        def nothing() -> Int64s:
            return np.zeros(n, np.int64)

        self.income = nothing()
        """(M,): an influencer's own part of commission, pay per read, subsidy and tips, before its costs [fen]."""
        self.agency_part = nothing()
        """(M,): what agencies have earned by an influencer [fen]."""
        self.cost = nothing()
        """(M,): what it has cost, its agency while under contract, its owner while not [fen]."""
        self.take = nothing()
        """(M,): the platform's commission, advertisements and part of tips, less pay and subsidy [fen]; may be < 0."""
        self.paid = nothing()
        """(M,): the platform's pay per read and subsidy, to influencer and agency together [fen]."""
        self.result = nothing()
        """(M,): the agency's part or, without an agency, the income, less costs [fen]."""
        self.host_tips = nothing()
        """(M,): tips to host and agency together [fen]."""
        self.seconds_on_air = nothing()
        """(M,)"""
        self.reads = nothing()
        """(M,): simulated reads up to the last booking."""
        self.profit: Int64s = np.zeros(len(population.agencies), np.int64)
        """(A,): agencies' parts less the costs that they have paid [fen]; may be negative."""
        self.gmv = nothing()
        """(M,): turnover up to the last booking [fen]."""
        self.tips = nothing()
        """(M,): tips up to the last booking [fen]."""
        self._until: int | None = None

    def balance(self) -> Balance:
        """A copy of the amounts that reviews look at."""
        amounts = (self.result, self.reads, self.seconds_on_air, self.host_tips, self.profit)
        return Balance(*(amount.copy() for amount in amounts))

    def accrue(
        self, now: int, gmv: Int64s, tips: Int64s, reads: Int64s, accounts: Accounts, scenario: Scenario
    ) -> None:
        """Book what has come since the last booking (the first time: since the start of the warm-up).

        Commission, pay, subsidy, advertisements: amount x rate; of the first three an agency gets ``agency_share``
        of accounts under contract, of what the platform leaves of tips ``tip_agency_share / (1 - tip_platform_share)``.
        Costs and hours on air are those of the accounts present, of newcomers from their entry on; reads and turnover
        of accounts that have left since are their own.

        Parameters
        ----------
        now
            Time [s].
        gmv, tips, reads
            Cumulative, shape (M,) [fen, fen, simulated reads]. Not changed.
        accounts, scenario
            As they have been since the last booking, except for newcomers: it is made before terms, contracts or
            effort change. Not changed.

        Raises
        ------
        InputError
            An account's money can't be counted in single fen.
        """
        economy = scenario.economy
        contract = accounts.agency >= 0
        until = -scenario.warmup_days * DAY if self._until is None else self._until
        since = np.maximum(until, accounts.entered_at)
        seconds = self.seconds_on_air + _seconds(accounts, since, now)

        booked = partial(_booked, scenario)
        thousand = accounts.population.people_per_fan * scenario.reads_per_examined / 1000.0
        reported, hours = (self.reads * thousand, reads * thousand), (self.seconds_on_air / HOUR, seconds / HOUR)
        commission = booked(self.gmv, gmv, economy.commission_share)
        paid = booked(*reported, economy.pay_fen_per_1000_reads)
        paid += booked(*hours, economy.subsidy_fen_per_live_hour)
        platform_tips = booked(self.tips, tips, economy.tip_platform_share)
        host_tips = tips - self.tips - platform_tips
        before = self.income + self.agency_part - self.host_tips
        agency_part = booked(before, before + commission + paid, economy.agency_share)
        agency_part += booked(self.host_tips, self.host_tips + host_tips, _agency_of_host(scenario))
        agency_part[~contract] = 0
        income = commission + paid + host_tips - agency_part
        cost = _upkeep(accounts, since, now, scenario) + booked(*hours, economy.live_fen_per_hour)

        self.take += booked(self.gmv, gmv, economy.platform_commission_share)
        self.take += booked(*reported, economy.ad_fen_per_1000_reads) + platform_tips - paid
        self.income += income
        self.agency_part += agency_part
        self.cost += cost
        self.paid += paid
        self.host_tips += host_tips
        self.result += np.where(contract, agency_part, income) - cost
        np.add.at(self.profit, accounts.agency[contract], (agency_part - cost)[contract])
        self.seconds_on_air = seconds
        self.gmv, self.tips, self.reads, self._until = gmv.copy(), tips.copy(), reads.copy(), now


def _booked(scenario: Scenario, before: Reals | Int64s, upto: Reals | Int64s, rate: float) -> Int64s:
    """Whole fen of an amount at a rate, between two running totals, shape (M,)."""
    less: Int64s = whole_fen(before * rate, scenario)
    return whole_fen(upto * rate, scenario) - less


def whole_fen(amounts: Reals, scenario: Scenario) -> Int64s:
    """Amounts of money rounded down to whole fen; refused beyond ``MAX_FEN``.

    Raises
    ------
    InputError
        An amount can't be counted in single fen.
    """
    most = float(np.abs(amounts).max(initial=0.0))
    if not most <= MAX_FEN:
        rule = f"must not bring an account or agency to more than {MAX_FEN:.0f} fen"
        raise InputError([Fault(file=scenario.name, path="economy", rule=rule, value=f"{most:.6g}")])
    return np.floor(amounts).astype(np.int64)


def _seconds(accounts: Accounts, since: Int64s, now: int) -> Int64s:
    """Seconds on air of each account in [since, now), since being its own, shape (M,)."""
    hours = np.where(accounts.present, accounts.live_hours_per_day, 0.0)
    scale = DAY / HOUR
    return (np.floor(hours * (now / scale)) - np.floor(hours * (since / scale))).astype(np.int64)


def _upkeep(accounts: Accounts, since: Int64s, now: int, scenario: Scenario) -> Int64s:
    """What accounts and their posts cost in [since, now), since being their own, shape (M,) [fen]."""
    economy = scenario.economy
    per_month = np.where(accounts.agency >= 0, economy.account_fen_per_month, economy.independent_fen_per_month)
    posts = accounts.posts_per_day * economy.post_fen

    def upto(time: int | Int64s) -> Int64s:
        return whole_fen(per_month * (time / MONTH) + posts * (time / DAY), scenario)

    return np.where(accounts.present, upto(now) - upto(since), 0)


def _agency_of_host(scenario: Scenario) -> float:
    """An agency's share of what the platform leaves of tips."""
    economy = scenario.economy
    left = 1.0 - economy.tip_platform_share
    return min(economy.tip_agency_share / left, 1.0) if left > 0 else 0.0
