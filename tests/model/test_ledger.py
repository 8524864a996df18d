"""The ledger: who earns and pays what, in worked numbers; no fen is lost, and entries in between move none."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st
from numpy.typing import NDArray
from support.forms import drawn
from support.scenarios import World, plain, world_of

from sim.calendar import DAY
from sim.errors import InputError
from sim.model.agencies.ledger import Ledger
from sim.model.world.accounts import Accounts, AccountStatus
from sim.scenario import Scenario
from sim.scenario.schema.economy import Economy

MONTH = 30 * DAY
A, B, NONE = 0, 1, -1
AGENCY = [A, A, B, NONE]
AMOUNTS = ("income", "agency_part", "cost", "take", "paid", "result", "host_tips", "seconds_on_air", "reads", "profit")
Int64s = NDArray[np.int64]


def platform(hours: float = 0.0, **parts: Any) -> World:
    """Two accounts of agency a, one of b, one without; posting 2, 1, 0 and 3 times a day."""
    world = world_of(plain(influencers={"count": 4}) | parts)
    population = replace(
        world.population,
        agencies=("a", "b"),
        agency_group=np.array([-1, -1], np.int32),
        agency=np.array(AGENCY, np.int32),
        posts_per_day=np.array([2.0, 1.0, 0.0, 3.0]),
        live_hours_per_day=np.full(4, hours),
    )
    return replace(world, population=population)


def under(world: World, economy: dict[str, float]) -> Scenario:
    """The scenario with another economy."""
    return world.scenario.model_copy(update={"economy": Economy(**economy)})


def book(ledger: Ledger, now: int, accounts: Accounts, scenario: Scenario, **flows: int | list[int]) -> None:
    """Enter cumulative gmv, tips and reads, 0 unless given."""
    amounts = (np.full(4, flows.get(name, 0), np.int64) for name in ("gmv", "tips", "reads"))
    ledger.accrue(now, *amounts, accounts, scenario)


def booked(world: World, now: int = 0, **flows: int | list[int]) -> Ledger:
    """The ledger after one entry."""
    ledger = Ledger(world.population)
    book(ledger, now, Accounts(world.population), world.scenario, **flows)
    return ledger


# Worked numbers


def test_commission_is_shared_between_account_and_agency_and_the_platform_takes_its_own() -> None:
    economy = {"commission_share": 0.2, "platform_commission_share": 0.05, "agency_share": 0.4}
    ledger = booked(platform(economy=economy), gmv=[1000, 500, 0, 1000])
    assert ledger.agency_part.tolist() == [80, 40, 0, 0]
    assert ledger.income.tolist() == [120, 60, 0, 200]
    assert ledger.take.tolist() == [50, 25, 0, 50]
    assert ledger.profit.tolist() == [120, 0]


def test_reported_reads_of_people_are_paid_for_and_bring_advertisements() -> None:
    economy = {"pay_fen_per_1000_reads": 500.0, "ad_fen_per_1000_reads": 200.0, "agency_share": 0.25}
    world = platform(economy=economy, people_per_fan=1000.0, reads_per_examined=12.0)
    ledger = booked(world, reads=[5, 0, 0, 1])  # 60,000 and 12,000 reported reads
    assert ledger.paid.tolist() == [30_000, 0, 0, 6_000]
    assert ledger.agency_part.tolist() == [7_500, 0, 0, 0]
    assert ledger.income.tolist() == [22_500, 0, 0, 6_000]
    assert ledger.take.tolist() == [12_000 - 30_000, 0, 0, 2_400 - 6_000]
    assert ledger.reads.tolist() == [5, 0, 0, 1]


def test_hours_on_air_are_subsidised_and_cost() -> None:
    economy = {"subsidy_fen_per_live_hour": 10_000.0, "live_fen_per_hour": 3_000.0}
    ledger = booked(platform(hours=2.0, economy=economy, warmup_days=30))
    assert ledger.seconds_on_air.tolist() == [60 * 3600] * 4
    assert ledger.paid.tolist() == [600_000] * 4
    assert ledger.take.tolist() == [-600_000] * 4
    assert ledger.cost.tolist() == [180_000] * 4
    assert ledger.result.tolist() == [120_000, 120_000, 120_000, 420_000]
    assert ledger.profit.tolist() == [240_000, 120_000]


def test_of_tips_the_platform_the_agency_and_the_host_have_their_parts() -> None:
    ledger = booked(platform(economy={"tip_platform_share": 0.5, "tip_agency_share": 0.2}), tips=[1000, 0, 10, 1000])
    assert ledger.take.tolist() == [500, 0, 5, 500]
    assert ledger.host_tips.tolist() == [500, 0, 5, 500]
    assert ledger.agency_part.tolist() == [200, 0, 2, 0]
    assert ledger.income.tolist() == [300, 0, 3, 500]


def test_of_tips_that_the_platform_keeps_nobody_else_gets_a_part() -> None:
    ledger = booked(platform(economy={"tip_platform_share": 1.0, "tip_agency_share": 0.0}), tips=1000)
    assert ledger.take.tolist() == [1000] * 4
    assert not ledger.income.any()
    assert not ledger.agency_part.any()


def test_accounts_and_their_posts_cost_by_the_day() -> None:
    economy = {"account_fen_per_month": 30_000.0, "independent_fen_per_month": 6_000.0, "post_fen": 10.0}
    ledger = booked(platform(economy=economy), now=10 * DAY)
    assert ledger.cost.tolist() == [10_000 + 200, 10_000 + 100, 10_000, 2_000 + 300]
    assert ledger.result.tolist() == [-10_200, -10_100, -10_000, -2_300]
    assert ledger.profit.tolist() == [-20_300, -10_000]
    assert not ledger.income.any()


def test_the_first_entry_covers_the_warm_up() -> None:
    economy = {"account_fen_per_month": 3_000.0, "independent_fen_per_month": 3_000.0}
    assert booked(platform(economy=economy, warmup_days=10)).cost.tolist() == [1000] * 4


def test_what_was_booked_under_contract_stays_the_agencys_after_its_end() -> None:
    economy = {
        "commission_share": 1.0,
        "agency_share": 1.0,
        "account_fen_per_month": 300.0,
        "independent_fen_per_month": 60.0,
    }
    world = platform(economy=economy)
    ledger, accounts = Ledger(world.population), Accounts(world.population)
    book(ledger, MONTH, accounts, world.scenario, gmv=1000)
    accounts.agency[0] = NONE
    book(ledger, 2 * MONTH, accounts, world.scenario, gmv=1500)
    assert ledger.agency_part.tolist() == [1000, 1500, 1500, 0]
    assert ledger.income.tolist() == [500, 0, 0, 1500]
    assert ledger.cost.tolist() == [360, 600, 600, 120]
    assert ledger.result.tolist() == [700 + 440, 900, 900, 1380]
    assert ledger.profit.tolist() == [700 + 900, 900]


def test_new_terms_are_for_what_comes_after() -> None:
    world = platform(economy={"commission_share": 0.5, "account_fen_per_month": 900.0})
    later = under(world, {"commission_share": 0.1})
    ledger, accounts = Ledger(world.population), Accounts(world.population)
    book(ledger, MONTH, accounts, world.scenario, gmv=100)
    book(ledger, 2 * MONTH, accounts, later, gmv=200)
    assert (ledger.income + ledger.agency_part).tolist() == [60] * 4
    assert ledger.cost.tolist() == [900, 900, 900, 0]


def test_who_waits_or_has_gone_costs_nothing_is_off_air_and_keeps_what_still_comes_in() -> None:
    economy = {
        "commission_share": 1.0,
        "independent_fen_per_month": 100.0,
        "live_fen_per_hour": 1.0,
        "subsidy_fen_per_live_hour": 5.0,
    }
    world = platform(hours=1.0, economy=economy)
    ledger, accounts = Ledger(world.population), Accounts(world.population)
    accounts.agency[:] = NONE
    accounts.status[:] = [AccountStatus.WAITING, AccountStatus.CUT, AccountStatus.LEFT, AccountStatus.INCUBATING]
    book(ledger, MONTH, accounts, world.scenario, gmv=[0, 70, 70, 70])
    assert ledger.cost.tolist() == [0, 0, 0, 130]
    assert ledger.seconds_on_air.tolist() == [0, 0, 0, 30 * 3600]
    assert ledger.income.tolist() == [0, 70, 70, 70 + 150]


def test_a_balance_stays_as_it_is_and_gives_what_has_come_since_an_earlier_one() -> None:
    world = platform(hours=1.0, economy={"account_fen_per_month": 30.0})
    ledger, accounts = Ledger(world.population), Accounts(world.population)
    book(ledger, 10 * DAY, accounts, world.scenario, reads=3, tips=4)
    earlier = ledger.balance()
    book(ledger, 30 * DAY, accounts, world.scenario, reads=5, tips=10)
    recent = ledger.balance().since(earlier)
    assert earlier.result.tolist() == [-9, -9, -9, 2]  # a quarter of the tips less a third of the cost; or half of them
    assert recent.reads.tolist() == [2] * 4
    assert recent.host_tips.tolist() == [3] * 4
    assert recent.seconds_on_air.tolist() == [20 * 3600] * 4
    assert recent.profit.tolist() == [2 * (1 - 20), 1 - 20]


def test_money_that_cannot_be_counted_to_the_fen_is_refused() -> None:
    world = platform(economy={"pay_fen_per_1000_reads": 1e12}, people_per_fan=1e9)
    with pytest.raises(InputError, match="must not bring an account or agency to more than 9007199254740992 fen, got"):
        booked(world, reads=100_000)


def test_with_the_default_economy_reads_turnover_and_hours_earn_and_cost_nothing() -> None:
    ledger = booked(platform(hours=3.0, warmup_days=30), gmv=10**9, reads=10**9)
    for name in ("income", "agency_part", "cost", "take", "paid", "result", "host_tips", "profit"):
        assert not getattr(ledger, name).any(), name


# Properties

rates = st.sampled_from([0.0, 0.5, 1.0]) | st.floats(0, 1)
money = st.sampled_from([0.0, 1.0, 333.0]) | st.floats(0, 1e6)
economies = st.fixed_dictionaries({name: rates if "share" in name else money for name in Economy.model_fields}).map(
    lambda economy: economy | {"tip_agency_share": economy["tip_agency_share"] * (1 - economy["tip_platform_share"])}
)
amounts = st.lists(st.integers(0, 10**6), min_size=4, max_size=4)
agencies = st.lists(st.sampled_from([A, B, NONE]), min_size=4, max_size=4)
statuses = st.lists(st.sampled_from(list(AccountStatus)), min_size=4, max_size=4)
entries = st.lists(
    st.tuples(st.integers(0, 40 * DAY), amounts, amounts, amounts, agencies, statuses, economies),
    min_size=1,
    max_size=5,
)


@drawn(50, 200, entries, st.floats(0, 24), st.floats(0.1, 1000))
def test_every_fen_that_is_paid_is_somebodys(drawn: list[Any], hours: float, people: float) -> None:
    world = platform(hours=hours, warmup_days=30, people_per_fan=people)
    ledger, accounts = Ledger(world.population), Accounts(world.population)
    now, flows = -30 * DAY, np.zeros((3, 4), np.int64)
    for days, gmv, tips, reads, agency, status, economy in drawn:
        before = {name: getattr(ledger, name).copy() for name in AMOUNTS}
        scenario = under(world, economy)
        now, later = now + days, flows + np.array([gmv, tips, reads])
        accounts.status[:] = status
        accounts.agency[:] = np.where(accounts.present, agency, NONE)
        ledger.accrue(now, *later, accounts, scenario)
        change = {name: getattr(ledger, name) - before[name] for name in AMOUNTS}
        share = scenario.economy.commission_share
        commission = np.floor(later[0] * share).astype(np.int64) - np.floor(flows[0] * share).astype(np.int64)
        platform_tips = later[1] - flows[1] - change["host_tips"]
        earned = commission + change["paid"] + later[1] - flows[1]
        assert np.array_equal(earned, change["income"] + change["agency_part"] + platform_tips)
        for name in ("income", "agency_part", "paid", "cost", "host_tips", "seconds_on_air"):
            assert (change[name] >= 0).all(), name
        assert (platform_tips >= 0).all()
        contract = accounts.agency >= 0
        assert not change["agency_part"][~contract].any()
        own = np.where(contract, change["agency_part"], change["income"])
        assert np.array_equal(change["result"], own - change["cost"])
        assert change["profit"].sum() == change["result"][contract].sum()
        flows = later


@drawn(25, 100, economies, st.lists(st.integers(-30 * DAY, 60 * DAY), max_size=6), st.floats(0, 24), amounts)
def test_entries_in_between_move_no_fen(economy: dict[str, float], between: list[int], hours: float, rate: Any) -> None:
    world = platform(hours=hours, warmup_days=30, people_per_fan=700.0)
    scenario, accounts = under(world, economy), Accounts(world.population)
    end = 60 * DAY

    def upto(now: int) -> list[int]:
        return [amount * (now + 30 * DAY) // DAY for amount in rate]

    once, often = Ledger(world.population), Ledger(world.population)
    for ledger, times in ((once, [end]), (often, [*sorted(between), end])):
        for now in times:
            book(ledger, now, accounts, scenario, gmv=upto(now), tips=upto(now), reads=upto(now))
    for name in AMOUNTS:
        assert np.array_equal(getattr(once, name), getattr(often, name)), name


@drawn(25, 100, st.floats(0, 24), st.lists(st.integers(0, 400 * DAY), min_size=2, max_size=5, unique=True))
def test_time_on_air_is_within_a_second_of_the_hours_of_the_days(hours: float, times: list[int]) -> None:
    world = platform(hours=hours)
    ledger = Ledger(world.population)
    for before, now in pairwise([0, *sorted(times)]):
        earlier = ledger.seconds_on_air
        book(ledger, now, Accounts(world.population), world.scenario)
        assert np.abs(ledger.seconds_on_air - earlier - hours * (now - before) / 24).max() <= 1
