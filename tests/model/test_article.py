"""What the article says of influencers, agencies, providers, fans, newcomers and shops (rows E1 to E7 of its facts).

Each test shows that a key of the scenario works in the direction that the article gives.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from support.article_worlds import (
    ALONE,
    DIGITAL,
    FASHION,
    FEED,
    FIND,
    LARGE,
    LIVE,
    PEOPLE,
    SMALL,
    STANDARD,
    STILL,
    STRATEGIC,
    TAO,
    count,
    flow,
    play,
    rises,
)
from support.scenarios import roster_of

from sim.calendar import DAY
from sim.model.layout import Counter, Total
from sim.model.world.accounts import AccountStatus

OLDER = 1
ALL_WANT = {f"verticals.{name}.shop_prob": 1.0 for name in ("fashion", "beauty", "digital")}

# E1: influencers


def test_e1_better_accounts_are_clicked_more_often() -> None:
    good, poor = play(STILL, {"influencers.quality": 0.6}), play(STILL, {"influencers.quality": 0.3})
    assert np.array_equal(count(good, Counter.READS), count(poor, Counter.READS))
    assert rises(count(good, Counter.CLICKS), count(poor, Counter.CLICKS))
    assert 1.9 < count(good, Counter.CLICKS).sum() / count(poor, Counter.CLICKS).sum() < 2.1


def test_e1_who_posts_more_fills_more_of_the_feeds() -> None:
    followers = [90] * 10
    busy, usual = (
        play(STILL, {"influencers.count": 10}, roster=roster_of(followers, posts_per_day=[rate, *[2.0] * 9]))
        for rate in (8.0, 2.0)
    )
    exposure = count(busy, Counter.EXPOSURE, FEED), count(usual, Counter.EXPOSURE, FEED)
    assert exposure[0][0] > 1.5 * exposure[1][0]
    assert (exposure[0][1:] < exposure[1][1:]).all()


def test_e1_only_accounts_with_a_shop_sell() -> None:
    none = {f"verticals.{name}.shop_prob": 0.0 for name in ("fashion", "beauty", "digital")}
    some, nobody = play(), play(none)
    shop = some.population.shop
    assert (count(some, Counter.ORDERS)[shop] > 0).all()
    assert not count(some, Counter.ORDERS)[~shop].any()
    assert not count(nobody, Counter.ORDERS).any()
    assert np.array_equal(count(some, Counter.CLICKS), count(nobody, Counter.CLICKS))


def test_e1_influencers_post_and_go_on_air() -> None:
    outcome, silent = play(), play({"influencers.posts_per_day": 0.0, "influencers.live_hours_per_day": 0.0})
    assert (count(outcome, Counter.EXPOSURE, FEED) > 0).sum() > 30
    assert (count(outcome, Counter.EXPOSURE, LIVE) > 0).all()
    assert not count(silent, Counter.EXPOSURE, FEED).any()
    assert not count(silent, Counter.EXPOSURE, LIVE).any()


# E2: agencies


@pytest.mark.parametrize(("accounts", "tier"), [(3, STANDARD), (5, STANDARD), (6, STRATEGIC), (2, -1)])
def test_e2_an_agency_holds_the_tier_that_its_accounts_reach_together(accounts: int, tier: int) -> None:
    outcome = play({"agencies.large.accounts": float(accounts)})
    own = outcome.population.agency == LARGE
    review = outcome.reviews[0]
    assert own.sum() == review.accounts[LARGE] == accounts
    assert review.followers[LARGE] == outcome.followers(0)[own].sum() * PEOPLE
    assert review.tier[LARGE] == tier


def test_e2_an_agency_that_has_used_up_its_budget_fails_and_its_accounts_go_on() -> None:
    costly = {"economy.account_fen_per_month": 1000.0, "contracts.fails": True}
    rich, poor = (play(costly, {"contracts.funds_fen_per_account": funds}) for funds in (1e6, 1500.0))
    assert np.array_equal(rich.accounts.agency, rich.population.agency)
    assert (poor.history.agency[60 * DAY] == poor.population.agency).all()  # just before the review
    assert (poor.accounts.agency == -1).all()
    assert poor.accounts.present.all()
    assert (poor.reviews[1].tier[[LARGE, *SMALL]] >= 0).all()
    assert (poor.reviews[2].tier == -1).all()


# E3: e-commerce service providers

SERVED = {"services.providers": True}


def test_e3_service_providers_raise_orders_of_agencies_without_operations_of_their_own() -> None:
    factors = {"services.provider_conversion_factor": 0.9, "services.unserved_conversion_factor": 0.5}
    served, unserved = play(STILL, factors, SERVED), play(STILL, factors)
    own = served.population.agency == LARGE
    orders = count(served, Counter.ORDERS), count(unserved, Counter.ORDERS)
    assert np.array_equal(orders[0][own], orders[1][own])
    assert rises(orders[0][~own], orders[1][~own])
    assert 1.7 < orders[0][~own].sum() / orders[1][~own].sum() < 1.9


def test_e3_service_providers_lower_the_price_of_a_shop_and_more_are_opened() -> None:
    price = {
        "entry.incubated_followers": 20_000.0,
        "entry.shop_entry_fen": 1000.0,
        "contracts.funds_fen_per_account": 250.0,  # of 4 accounts: for one shop, or for two at half the price
        "services.provider_entry_factor": 0.5,
        "surfaces.find-people.follow_prob": 0.5,
    }

    def opened(*more: dict[str, Any]) -> tuple[list[int], list[int]]:
        """Shops that each agency has opened, and its accounts that have grown large enough for one."""
        outcome = play(ALL_WANT, price, *more)
        agency, without = outcome.population.agency, ~outcome.population.shop
        grown = without & (agency >= 0) & (outcome.accounts.status == AccountStatus.ESTABLISHED)
        mine = without & (agency >= 0) & outcome.accounts.shop
        return np.bincount(agency[mine], minlength=5).tolist(), np.bincount(agency[grown], minlength=5).tolist()

    (dear, _), (cheap, grown) = opened(), opened(SERVED)
    # The large agency has accounts for two shops at the full price, and no use for a provider.
    assert dear == [min(n, paid) for n, paid in zip(grown, [2, 1, 1, 1, 1], strict=True)]
    assert cheap == [min(n, 2) for n in grown]
    assert sum(cheap) > sum(dear)


# E4: fans


def test_e4_fans_are_as_many_of_each_segment_as_its_share_says() -> None:
    assert np.bincount(play().population.segment).tolist() == [240, 60]
    half = play({"segments.young.share": 0.5, "segments.older.share": 0.5})
    assert np.bincount(half.population.segment).tolist() == [150, 150]


def test_e4_an_active_segment_reads_more_and_the_others_as_before() -> None:
    active, usual = play(ALONE, {"segments.older.activity": 3.0}), play(ALONE)
    more, less = (outcome.history.reads[outcome.end] for outcome in (active, usual))
    assert np.array_equal(more[:, 1 - OLDER], less[:, 1 - OLDER])
    assert 2.7 < more[:, OLDER].sum() / less[:, OLDER].sum() < 3.3


def test_e4_interests_decide_which_verticals_are_clicked() -> None:
    keen, cool = (play(ALONE, {"segments.young.interests.digital": affinity}) for affinity in (0.9, 0.3))
    digital = keen.population.vertical == DIGITAL
    clicks = count(keen, Counter.CLICKS), count(cool, Counter.CLICKS)
    assert np.array_equal(count(keen, Counter.READS), count(cool, Counter.READS))
    assert np.array_equal(clicks[0][~digital], clicks[1][~digital])
    assert rises(clicks[0][digital], clicks[1][digital])
    assert clicks[0][digital].sum() > 1.5 * clicks[1][digital].sum()


def test_e4_a_segment_that_buys_more_orders_more() -> None:
    keen, usual = play(STILL, {"segments.older.buying": 4.0}), play(STILL)
    assert np.array_equal(count(keen, Counter.CLICKS), count(usual, Counter.CLICKS))
    orders = count(keen, Counter.ORDERS), count(usual, Counter.ORDERS)
    assert rises(*orders)
    assert orders[0].sum() > 1.3 * orders[1].sum()


def test_e4_users_grow_and_those_who_come_begin_to_follow() -> None:
    growing, steady = play({"segments.young.growth_per_year": 1.0}), play()
    n_new = round(240 * 90 / 365)
    population = growing.population
    assert population.segment.size == steady.population.segment.size + n_new == 300 + n_new
    assert not np.diff(population.follow_lists[0])[300:].any()
    begin, _ = growing.follow_lists
    assert (np.diff(begin)[300:] > 0).mean() > 0.4
    assert growing.totals[:, Total.SESSIONS].sum() > 1.05 * steady.totals[:, Total.SESSIONS].sum()


# E5: who enters

COMING = {"entry.newcomers_per_month": 20.0, "surfaces.find-people.ranking": {"exploration": 0.5}}


def test_e5_newcomers_incubate_and_have_no_shop_until_they_have_followers() -> None:
    high, low = (play(ALL_WANT, COMING, {"entry.incubated_followers": n}) for n in (2000.0, 0.0))
    new = np.arange(high.accounts.shop.size) >= high.population.n_initial
    assert new.sum() == 60
    assert (low.accounts.status[new] == AccountStatus.ESTABLISHED).all()
    incubating = high.accounts.status == AccountStatus.INCUBATING
    assert not high.accounts.shop[incubating].any()
    assert (high.followers(high.end)[new & high.accounts.shop] * PEOPLE >= 2000).all()
    assert 0 < high.accounts.shop[new].sum() < 0.5 * low.accounts.shop[new].sum()


def test_e5_the_price_of_a_shop_keeps_newcomers_out() -> None:
    earning = COMING | {"entry.incubated_followers": 1.0, "economy.pay_fen_per_1000_reads": 10.0}
    opened = [
        int((outcome.accounts.shop & ~outcome.population.shop).sum())
        for outcome in (play(ALL_WANT, earning, {"entry.shop_entry_fen": price}) for price in (0.0, 1000.0, 1e9))
    ]
    assert opened[0] > opened[1] > 0
    assert opened[2] == 0


def test_e5_a_closed_platform_lets_nobody_in() -> None:
    closed, opened = play(COMING, {"entry.opens": False}), play(COMING)
    assert (closed.accounts.status[40:] == AccountStatus.WAITING).all()
    assert (opened.accounts.status[40:] == AccountStatus.ESTABLISHED).all()
    assert not closed.counts[40:].any()
    assert flow(opened, "exposure_discovery")[40:].sum() > 100


# E6: verticals


def test_e6_a_crowded_vertical_is_clicked_less() -> None:
    crowded, roomy = play(STILL, {"verticals.fashion.capacity": 10.0}), play(STILL)
    fashion = crowded.population.vertical == FASHION
    clicks = count(roomy, Counter.CLICKS), count(crowded, Counter.CLICKS)
    assert np.array_equal(count(crowded, Counter.READS), count(roomy, Counter.READS))
    assert np.array_equal(clicks[0][~fashion], clicks[1][~fashion])
    assert rises(clicks[0][fashion], clicks[1][fashion])
    assert clicks[1][fashion].sum() == pytest.approx(10 / fashion.sum() * clicks[0][fashion].sum(), rel=0.1)


def test_e6_newcomers_turn_from_crowded_verticals() -> None:
    capacity = {"verticals.fashion.capacity": 5.0}
    turning, drawn = (play(COMING, capacity, {"entry.crowding_choice": exponent}) for exponent in (2.0, 0.0))
    n = [int((outcome.accounts.vertical[40:] == FASHION).sum()) for outcome in (turning, drawn)]
    assert 0 < n[0] < 0.5 * n[1]


def opens(at_days: float) -> dict[str, Any]:
    return {"verticals.digital.opens_at_days": at_days}


def test_e6_a_vertical_sells_and_is_supported_once_it_is_open() -> None:
    digital = np.flatnonzero((play().population.vertical == DIGITAL) & play().population.shop)[0]
    outcome = play(COMING, opens(60.0), {"support.policy": "uniform"}, influencer=int(digital))
    before, after = (outcome.history.surfaces[time] for time in (60 * DAY, outcome.end))
    assert not before[TAO].any()
    assert not before[:, Counter.ORDERS].any()
    assert before[FIND, Counter.EXPOSURE] > 0
    assert (after[TAO] - before[TAO])[[Counter.EXPOSURE, Counter.ORDERS]].all()
    joined, vertical = outcome.population.joined_at[40:], outcome.accounts.vertical[40:]
    assert not (vertical[joined < 60 * DAY] == DIGITAL).any()
    assert (vertical[joined >= 60 * DAY] == DIGITAL).any()


def test_e6_opening_a_vertical_makes_turnover_less_concentrated_across_verticals() -> None:
    def concentration(days: float, replication: int) -> float:
        outcome = play(opens(days), replication=replication)
        gmv = np.bincount(outcome.accounts.vertical, weights=count(outcome, Counter.GMV_FEN), minlength=3)
        return float(((gmv / gmv.sum()) ** 2).sum())

    assert all(concentration(0.0, r) < concentration(1e6, r) - 0.05 for r in range(4))


# E7: from the platform to the shop


def test_e7_on_the_way_from_reading_to_an_order_fans_only_get_fewer() -> None:
    outcome = play()
    reads, clicks, visits, orders = (
        outcome.counts[:, :, counter] for counter in (Counter.READS, Counter.CLICKS, Counter.REFERRALS, Counter.ORDERS)
    )
    steps = [outcome.counts[:, :, Counter.EXPOSURE] * PEOPLE, reads * PEOPLE, clicks * PEOPLE, visits, orders]
    for before, after in pairwise(steps):
        assert (before >= after).all()
        assert before.sum() > 1.2 * after.sum() > 0


def test_e7_who_is_not_led_on_to_the_shop_does_not_buy() -> None:
    some, everybody = (play(STILL, {"surfaces.feed.referral_prob": share}) for share in (0.5, 1.0))
    for counter in (Counter.REFERRALS, Counter.ORDERS):
        assert rises(count(everybody, counter, FEED), count(some, counter, FEED))
        half = count(some, counter, FEED).sum() / count(everybody, counter, FEED).sum()
        assert half == pytest.approx(0.5, rel=0.02)
        assert np.array_equal(count(everybody, counter, TAO), count(some, counter, TAO))


def test_e7_orders_get_lost_between_platform_and_shop() -> None:
    lossy, whole = play(STILL, {"services.order_loss": 0.25}), play(STILL)
    assert np.array_equal(count(lossy, Counter.REFERRALS), count(whole, Counter.REFERRALS))
    assert rises(count(whole, Counter.ORDERS), count(lossy, Counter.ORDERS))
    left = count(lossy, Counter.ORDERS).sum() / count(whole, Counter.ORDERS).sum()
    assert left == pytest.approx(0.75, rel=0.02)
