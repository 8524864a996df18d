"""The agencies' review of contracts, step by step in worked numbers; what is switched off changes nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st
from support.forms import drawn
from support.reviews import AGENCY, NONE, A, B, N, Review, platform
from support.scenarios import World, plain, world_of, worlds

from sim.calendar import DAY
from sim.errors import InputError
from sim.model.world.accounts import NOT_YET, AccountStatus
from sim.model.world.population import draw_population
from sim.scenario.schema.economy import Contracts as Terms
from sim.scenario.schema.economy import Economy, Entry, Live

MONTH = 30 * DAY

# Step 1: results


def test_funds_begin_at_day_0_by_the_account_and_grow_by_the_profit_from_then_on() -> None:
    review = Review(platform(), funds_fen_per_account=100.0)
    review.run(profit={A: 7, B: -7})
    assert review.funds == [300, 200]
    review.run(30, profit={A: 11, B: -250})
    assert review.funds == [311, -50]


def test_accounts_without_an_agency_put_by_what_they_earn() -> None:
    review = Review(platform())
    review.accounts.status[7] = AccountStatus.LEFT
    review.run(result={0: 50, 5: 10, 6: -4, 7: 99})
    review.run(30, result={5: 5})
    assert review.accounts.savings.tolist() == [0, 0, 0, 0, 0, 15, -4, 0]


def test_funds_that_cannot_be_counted_to_the_fen_are_refused() -> None:
    world = world_of(plain(influencers={"count": 8}))
    crowd = replace(
        world.population,
        agencies=("a",),
        agency_group=np.array([-1], np.int32),
        agency=np.zeros(20_000, np.int32),
        **{
            name: np.resize(getattr(world.population, name), 20_000)
            for name in ("vertical", "shop", "quality", "posts_per_day", "live_hours_per_day", "incubating")
        },
    )
    with pytest.raises(InputError, match="must not bring an account or agency to more than"):
        Review(replace(world, population=crowd), funds_fen_per_account=1e12).run()


# Step 2: bad reviews


def test_losses_in_a_row_are_counted() -> None:
    review = Review(platform())
    review.run(result={0: -1, 1: 1, 5: -1})
    review.run(30, result={0: -1, 1: -1, 5: 0})
    assert review.bad_reviews == [2, 1, 0, 0, 0, 0, 0, 0]


def test_without_an_agency_few_reads_in_30_days_are_bad_too() -> None:
    world = platform(people_per_fan=10.0, reads_per_examined=2.0)
    review = Review(world, idle_reads_per_month=400.0)
    review.run(reads={0: 0, 5: 19, 6: 20, 7: 21})
    assert review.bad_reviews == [0, 0, 0, 0, 0, 1, 0, 0]
    review.run(15, reads={5: 10, 6: 9})  # half the time, half the reads
    assert review.bad_reviews == [0, 0, 0, 0, 0, 0, 1, 1]


def test_a_newcomers_reads_are_those_of_its_time() -> None:
    review = Review(platform(), idle_reads_per_month=30.0)
    review.run(reads=dict.fromkeys(range(N), 100))
    review.world.population.joined_at[6:] = 20 * DAY
    review.run(30, reads={5: 30, 6: 10, 7: 9})
    assert review.bad_reviews == [0, 0, 0, 0, 0, 0, 0, 1]


def test_without_any_time_since_the_review_before_nobody_is_judged() -> None:
    world = platform(warmup_days=0)
    review = Review(world, cuts=True, patience=1, recruits_per_review=1, independents_leave=True, fails=True)
    assert not review.run(result={0: -5, 5: -5}, reads={7: 3})
    assert review.bad_reviews == [0] * N
    assert review.agency == AGENCY


# Step 3: cuts


def test_accounts_under_contract_are_cut_when_patience_is_at_an_end() -> None:
    review = Review(platform(), cuts=True, patience=2)
    assert not review.run(result={0: -1, 1: -1, 5: -1})
    assert review.run(30, result={0: -1, 5: -1})
    assert review.agency == [NONE, *AGENCY[1:]]
    assert review.accounts.status.tolist() == [AccountStatus.CUT] + [AccountStatus.ESTABLISHED] * 7
    assert review.accounts.gone_at.tolist() == [MONTH] + [NOT_YET] * 7
    assert not review.run(60)
    assert review.accounts.gone_at[0] == MONTH


def test_agencies_that_do_not_cut_keep_their_accounts() -> None:
    review = Review(platform(), patience=1)
    assert not review.run(result={0: -1})
    assert review.agency == AGENCY


# Step 4: freed effort


def test_freed_posts_go_to_the_kept_in_proportion_to_what_they_earned() -> None:
    review = Review(platform(), cuts=True, patience=1, freed_effort_share=0.5, effort_limit=10.0)
    assert review.run(result={0: -1, 1: 300, 2: 100, 3: 900})
    assert review.posts == [2.0, 2.75, 2.25, 2.0, 2.0, 2.0, 2.0, 2.0]


def test_who_earned_nothing_gets_nothing_unless_nobody_earned_anything() -> None:
    terms = {"cuts": True, "patience": 2, "freed_effort_share": 1.0, "effort_limit": 10.0}
    review = Review(platform(), **terms)
    review.run(result={0: -1, 3: -1})
    review.run(30, result={0: -1, 1: -1, 2: 10, 3: -1, 4: -1})
    assert review.posts == [2.0, 2.0, 4.0, 2.0, 4.0, 2.0, 2.0, 2.0]
    review = Review(platform(), **terms)
    review.run(result={0: -1})
    review.run(30, result={0: -1, 1: -1, 2: -5})
    assert review.posts[:3] == [2.0, 3.0, 3.0]


def test_effort_has_a_limit_and_what_is_over_it_is_lost() -> None:
    review = Review(platform(), cuts=True, patience=1, freed_effort_share=1.0, effort_limit=1.25)
    review.run(result={0: -1, 1: 90, 2: 10})
    assert review.posts[:3] == [2.0, 2.5, 2.2]
    review.scenario = review.scenario.model_copy(
        update={"contracts": review.scenario.contracts.model_copy(update={"effort_limit": 1.0})}
    )
    review.run(30, result={2: -1})
    assert review.posts[:3] == [2.0, 2.5, 2.2]


def test_freed_effort_betters_quality() -> None:
    review = Review(platform(), cuts=True, patience=1, freed_effort_share=1.0, effort_limit=8.0, quality_effort=2.0)
    review.run(result={0: -1, 1: 1})  # twice the posts: a quarter of the lack of quality
    assert review.accounts.quality.tolist() == pytest.approx([0.5, 0.875, *[0.5] * 6], rel=1e-12)
    assert review.accounts.quality[2:].tolist() == [0.5] * 6
    review.run(30, result={2: -1})  # thrice the own posts
    assert review.accounts.quality[1] == pytest.approx(1 - 0.5 / 9, rel=1e-12)


def test_the_quality_of_those_who_post_as_before_stays_bit_for_bit() -> None:
    world = platform()
    world.population.quality[1:3] = 0.1, 0.7
    terms = {"cuts": True, "patience": 1, "freed_effort_share": 1.0, "effort_limit": 8.0, "quality_effort": 1.0}
    review = Review(world, **terms)
    review.run(result={0: -1, 2: 1})
    assert review.posts[1:3] == [2.0, 4.0]
    assert review.accounts.quality[1] == 0.1
    assert review.accounts.quality[2] == pytest.approx(0.85, rel=1e-12)


def test_quality_stays_below_one_and_an_account_without_posts_of_its_own_stays_as_it_is() -> None:
    terms = {"cuts": True, "patience": 1, "freed_effort_share": 1.0, "effort_limit": 1000.0, "quality_effort": 8.0}
    world = platform()
    world.population.posts_per_day[[0, 2]] = 1000.0, 0.0
    review = Review(world, **terms)
    review.run(result={0: -1, 1: 1, 2: 1})
    assert review.posts[1:3] == [502.0, 0.0]
    assert review.accounts.quality[1:3].tolist() == [1 - 1e-6, 0.5]


def test_an_agency_that_cuts_all_its_accounts_frees_effort_for_nobody() -> None:
    review = Review(platform(), cuts=True, patience=1, freed_effort_share=1.0, effort_limit=10.0)
    review.run(result={3: -1, 4: -1})
    assert review.agency == [A, A, A, *[NONE] * 5]
    assert review.posts == [2.0] * N


# Step 5: failing


def test_an_agency_without_funds_fails_for_good_and_its_accounts_go_on() -> None:
    review = Review(platform(), fails=True, funds_fen_per_account=10.0)
    review.run(result={3: -1})
    assert not review.agency_review.failed.any()
    assert review.run(30, result={3: -1}, profit={B: -21})
    assert review.agency_review.failed.tolist() == [False, True]
    assert review.agency == [A, A, A, *[NONE] * 5]
    assert review.bad_reviews == [0] * N
    assert review.accounts.present.all()
    review.scenario = review.scenario.model_copy(update={"contracts": Terms(recruits_per_review=1)})
    review.run(60, profit={B: 1000})
    assert review.agency == [A, A, A, A, *[NONE] * 4]  # the poorer, but the only one


def test_at_one_review_an_agency_cuts_moves_effort_and_fails_and_another_recruits_who_is_left() -> None:
    terms = {"cuts": True, "patience": 1, "freed_effort_share": 1.0, "effort_limit": 2.0}
    review = Review(platform(), fails=True, recruits_per_review=1, **terms)
    review.run(reads={5: 1})
    review.run(30, result={3: -1}, reads={4: 2, 6: 1}, profit={B: -1})
    assert review.agency == [A, A, A, NONE, A, A, NONE, NONE]
    assert review.posts[3:7] == [2.0, 3.0, 2.0, 3.0]


def test_an_agency_whose_funds_are_just_spent_goes_on() -> None:
    review = Review(platform(), fails=True, funds_fen_per_account=10.0)
    review.run()
    assert not review.run(30, profit={B: -20})
    assert not review.agency_review.failed.any()


def test_where_agencies_cannot_fail_they_go_on_in_debt() -> None:
    review = Review(platform())
    review.run()
    assert not review.run(30, profit={B: -21})
    assert review.agency == AGENCY


# Step 6: recruiting


def test_the_richest_agency_recruits_who_was_read_the_most() -> None:
    review = Review(platform(), recruits_per_review=1, recruit_fen=100.0, funds_fen_per_account=100.0)
    review.run(reads={5: 1, 6: 3, 7: 2})
    assert review.agency == [A, A, A, B, B, NONE, A, B]
    assert review.funds == [200, 100]
    review.run(30, reads={5: 1})
    assert review.agency == [A, A, A, B, B, A, A, B]


def test_among_equals_the_lower_id_comes_first() -> None:
    review = Review(platform(), recruits_per_review=1)
    review.run()
    assert review.agency == [A, A, A, B, B, A, B, NONE]


def test_an_agency_recruits_no_more_than_it_can_pay_for() -> None:
    review = Review(platform(), recruits_per_review=9, recruit_fen=140.0, funds_fen_per_account=100.0)
    review.run()
    assert review.agency == [A, A, A, B, B, A, A, B]
    assert review.funds == [20, 60]


def test_reads_of_the_time_before_do_not_count() -> None:
    review = Review(platform(), recruit_fen=1.0)
    review.run(reads={5: 1000})
    review.scenario = review.scenario.model_copy(update={"contracts": Terms(recruits_per_review=1)})
    review.run(30, reads={7: 2, 6: 1})
    assert review.agency == [A, A, A, B, B, NONE, B, A]


def test_nobody_is_recruited_with_a_bad_review_or_after_being_cut() -> None:
    review = Review(platform(), cuts=True, patience=1, recruits_per_review=9)
    review.run(result={0: -1, 5: -1}, reads={0: 9, 5: 9})
    assert review.agency == [NONE, A, A, B, B, NONE, A, A]


def test_agencies_recruit_from_the_verticals_of_their_group() -> None:
    groups = {"picky": {"count": 1, "accounts": 3.0, "verticals": ["y"]}, "any": {"count": 1, "accounts": 2.0}}
    world = platform(agencies=groups, verticals={"x": {"share": 0.5}, "y": {"share": 0.5}})
    vertical, group = np.array([0] * 6 + [1, 0], np.int32), np.array([0, 1], np.int32)
    review = Review(
        replace(world, population=replace(world.population, vertical=vertical, agency_group=group)),
        recruits_per_review=2,
        funds_fen_per_account=1.0,
    )
    review.run(reads={5: 3, 6: 2, 7: 1})
    assert review.agency == [A, A, A, B, B, B, A, B]


# Step 7: leaving


def test_accounts_without_an_agency_leave_when_patience_is_at_an_end() -> None:
    review = Review(platform(), independents_leave=True, patience=2, idle_reads_per_month=10.0)
    assert not review.run(result={0: -1, 5: -1}, reads={5: 50, 7: 50})
    assert review.run(30, result={0: -1}, reads={7: 50})
    assert review.accounts.status.tolist() == [AccountStatus.ESTABLISHED] * 5 + [AccountStatus.LEFT] * 2 + [
        AccountStatus.ESTABLISHED
    ]
    assert review.accounts.gone_at.tolist() == [NOT_YET] * 5 + [MONTH] * 2 + [NOT_YET]
    assert not review.run(60, reads={7: 50})


def test_where_nobody_leaves_losses_are_borne() -> None:
    review = Review(platform(), patience=1)
    assert not review.run(result={5: -1})
    assert review.accounts.present.all()


# Properties

ALL = ("status", "agency", "vertical", "shop", "quality", "posts_per_day", "live_hours_per_day", "gone_at")
SWITCHES = ("cuts", "fails", "independents_leave")


@drawn(
    15, 60, worlds(), st.lists(st.integers(0, 10**6), min_size=3, max_size=3), st.lists(st.integers(1, 60), max_size=3)
)
def test_the_defaults_change_nothing(world: World, flows: list[int], gaps: list[int]) -> None:
    defaults = {"contracts": Terms(), "economy": Economy(), "entry": Entry(), "live": Live()}
    scenario = world.scenario.model_copy(update=defaults)
    population = draw_population(scenario, world.roster, world.key)
    review = Review(replace(world, scenario=scenario, population=population))
    accounts, ledger = review.accounts, review.ledger
    before = {name: getattr(accounts, name).copy() for name in ALL}
    day = 0
    for gap in [0, *gaps]:
        day += gap
        cumulative = [np.full(accounts.status.size, flow * (day + 1), np.int64) for flow in flows]
        ledger.accrue(day * DAY, *cumulative, accounts, scenario)
        assert not review.run(day)
    for name in ALL:
        assert np.array_equal(getattr(accounts, name), before[name]), name
    assert not accounts.bad_reviews.any()
    assert not review.agency_review.failed.any()


holders = st.dictionaries(st.integers(0, N - 1), st.integers(-1000, 1000))
reviews = st.lists(
    st.tuples(st.integers(1, 60), holders, st.dictionaries(st.integers(0, N - 1), st.integers(0, 50))),
    min_size=1,
    max_size=6,
)


@drawn(
    37,
    150,
    reviews,
    st.lists(st.booleans(), min_size=3, max_size=3),
    st.integers(1, 3),
    st.integers(0, 3),
    st.floats(0, 900),
)
def test_money_is_paid_or_kept_and_contracts_end_for_good(
    drawn: list[Any], switches: list[bool], patience: int, recruits: int, price: float
) -> None:
    world = platform(
        verticals={"all": {"share": 1.0, "shop_prob": 0.5}},
        entry={"shop_entry_fen": float(int(price / 2)), "incubated_followers": 3.0},
    )
    review = Review(
        replace(world, population=replace(world.population, shop=np.zeros(N, np.bool_))),
        **dict(zip(SWITCHES, switches, strict=True)),
        patience=patience,
        recruits_per_review=recruits,
        recruit_fen=price,
        freed_effort_share=1.0,
        effort_limit=3.0,
        quality_effort=1.0,
        idle_reads_per_month=5.0,
        funds_fen_per_account=1000.0,
    )
    review.run()
    accounts, contracts, day = review.accounts, review.agency_review, 0
    for gap, result, reads in drawn:
        day += gap
        before = {name: getattr(accounts, name).copy() for name in (*ALL, "bad_reviews", "savings")}
        funds, failed, alone = contracts.funds.copy(), contracts.failed.copy(), accounts.present & (accounts.agency < 0)
        profit = {a: sum(amount for i, amount in result.items() if accounts.agency[i] == a) for a in (A, B)}
        changed = review.run(day, result=result, reads=reads, profit=profit)
        assert changed == any(
            not np.array_equal(getattr(accounts, name), before[name]) for name in ALL if name != "status"
        )
        # Every fen is accounted for: earned, or paid for recruits and shops.
        recruited = (accounts.agency >= 0) & (accounts.agency != before["agency"])
        opened = accounts.shop & ~before["shop"]
        paid = int(recruited.sum()) * int(price) + int(opened.sum()) * int(price / 2)
        put_by = sum(profit.values()) + sum(amount for i, amount in result.items() if alone[i])
        wealth = int(contracts.funds.sum() + accounts.savings.sum())
        assert wealth == int(funds.sum() + before["savings"].sum()) + put_by - paid
        # What ends stays ended.
        assert (contracts.failed >= failed).all()
        assert not np.isin(accounts.agency, np.flatnonzero(contracts.failed)).any()
        gone = before["gone_at"] < NOT_YET
        assert np.array_equal(accounts.status[gone], before["status"][gone])
        assert ((accounts.gone_at < NOT_YET) == ~accounts.present).all()
        assert (accounts.agency[~accounts.present] == NONE).all()
        # Effort is moved, not made, and within its limits.
        assert accounts.posts_per_day[accounts.present].sum() <= 2.0 * N + 1e-9
        assert (accounts.posts_per_day <= 6.0).all()
        assert (accounts.posts_per_day >= before["posts_per_day"]).all()
        assert ((accounts.quality >= 0.5) & (accounts.quality <= 1 - 0.5 / 3 + 1e-12)).all()
