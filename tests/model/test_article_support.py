"""What the article says of recommendation surfaces and support (rows S1 to S7 of its facts).

Each test shows that a key of the scenario works in the direction that the article gives.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from support.article_worlds import FEED, FIND, LIVE, STANDARD, STILL, STRATEGIC, TAO, count, flow, partners, play, rises
from support.inspection import Slot, slots_of
from support.scenarios import roster_of

from sim.model.layout import Counter, Response, SlotSource, Total
from sim.model.simulation import Outcome

SUPPORTED = {"support.policy": "tiered"}
SERVED = {"support.services": True}
KEEN = {"fans.sessions_per_day": 6.0}
"""FanState who come often, so that one of them sees a lot."""
FEW = {"agencies.small.count": 0}
"""A quarter of the accounts are partners'."""


def only(surface: str) -> dict[str, Any]:
    """Slots are reserved on this surface alone."""
    others = {"find-people", "hongren-tao"} - {surface}
    return {f"surfaces.{name}.support_share": 0.0 for name in others} | {f"surfaces.{surface}.support_share": 0.3}


# S1, S2: recommendation on the find-people page, support on the content channel


@pytest.mark.parametrize(("surface", "place"), [("find-people", FIND), ("hongren-tao", TAO)])
@pytest.mark.parametrize("replication", range(3))
def test_s1_s2_partners_are_shown_more_where_slots_are_reserved(surface: str, place: int, replication: int) -> None:
    supported, alone = (play(*keys, FEW, STILL, only(surface), replication=replication) for keys in ([SUPPORTED], []))
    ours = partners(supported)
    assert 0 < ours.sum() < ours.size
    exposure = [count(outcome, Counter.EXPOSURE, place) for outcome in (supported, alone)]
    assert exposure[0].sum() == exposure[1].sum()
    assert exposure[0][ours].sum() > 1.03 * exposure[1][ours].sum()
    other = TAO if place == FIND else FIND
    assert np.array_equal(count(supported, Counter.EXPOSURE, other), count(alone, Counter.EXPOSURE, other))


@pytest.mark.parametrize("replication", range(3))
def test_s1_being_found_brings_partners_followers(replication: int) -> None:
    found = {"surfaces.find-people.follow_prob": 0.2, "fans.sessions_per_day": 0.3}
    supported, alone = (
        play(*keys, FEW, found, only("find-people"), replication=replication) for keys in ([SUPPORTED], [])
    )
    gained = [outcome.followers(outcome.end) - outcome.followers(0) for outcome in (supported, alone)]
    ours = partners(supported)
    assert gained[0][ours].sum() > 1.1 * gained[1][ours].sum()


@pytest.mark.parametrize("replication", range(3))
def test_s2_the_content_channel_brings_partners_orders(replication: int) -> None:
    supported, alone = (
        play(*keys, FEW, STILL, only("hongren-tao"), replication=replication) for keys in ([SUPPORTED], [])
    )
    ours = partners(supported)
    orders = [count(outcome, Counter.ORDERS, TAO) for outcome in (supported, alone)]
    assert orders[0][ours].sum() > 1.03 * orders[1][ours].sum()


@pytest.mark.parametrize("place", [FIND, TAO])
def test_s1_s2_partners_alone_stand_in_reserved_slots_in_proportion_to_the_share(place: int) -> None:
    outcome = play(SUPPORTED, KEEN, fan=0)
    supported = [slot for slot in slots_of(outcome) if slot.surface == place and slot.source == SlotSource.SUPPORT]
    assert len(supported) > 100
    assert partners(outcome)[[slot.influencer for slot in supported]].all()
    totals = outcome.totals[place]
    assert totals[Total.RESERVED] / totals[Total.SLOTS] == pytest.approx(0.3, abs=0.01)


# S3: dedicated operations


def test_s3_dedicated_operations_raise_the_orders_of_supported_shops() -> None:
    day_and_night = {
        "services.availability": 0.5,
        "services.operations_availability": 1.0,
        "services.operations_conversion_factor": 1.2,
    }
    served, alone = (play(*keys, STILL, day_and_night) for keys in ([SERVED], []))
    ours = partners(served)
    orders = flow(served, "orders"), flow(alone, "orders")
    assert np.array_equal(orders[0][~ours], orders[1][~ours])
    assert rises(orders[0][ours], orders[1][ours])
    assert orders[0][ours].sum() / orders[1][ours].sum() == pytest.approx(1.2 / 0.5, rel=0.03)
    assert np.array_equal(count(served, Counter.CLICKS), count(alone, Counter.CLICKS))


# S4: the shop window on posts, and custom products beyond it


def test_s4_posts_sell_as_often_as_they_carry_the_shop_window() -> None:
    some, every = (play(STILL, {"surfaces.feed.showcase_share": share}) for share in (0.5, 1.0))
    for counter in (Counter.REFERRALS, Counter.ORDERS):
        assert rises(count(every, counter, FEED), count(some, counter, FEED))
        assert count(some, counter, FEED).sum() / count(every, counter, FEED).sum() == pytest.approx(0.5, rel=0.02)
        assert np.array_equal(count(every, counter, TAO), count(some, counter, TAO))


CUSTOM = {"surfaces.hongren-tao.custom_share": 0.2} | KEEN


@pytest.mark.parametrize("reserved", [{}, SUPPORTED])
def test_s4_custom_products_are_of_supported_shops_alone(reserved: dict[str, Any]) -> None:
    outcome = play(CUSTOM, SERVED, reserved, fan=0)
    custom = [slot for slot in slots_of(outcome) if slot.source == SlotSource.CUSTOM]
    assert len(custom) > 100
    assert {slot.surface for slot in custom} == {TAO}
    shown = {slot.influencer for slot in custom}
    assert shown == set(np.flatnonzero(partners(outcome, STRATEGIC) & outcome.population.shop))
    assert not any(slot.responses & Response.RESERVED for slot in custom)


def test_s4_slots_for_custom_products_are_the_same_without_the_service() -> None:
    served, alone = play(CUSTOM, SERVED, fan=0), play(CUSTOM, fan=0)
    n_custom, n_slots = served.totals[:, Total.CUSTOM], served.totals[:, Total.SLOTS]
    assert np.array_equal(n_custom, alone.totals[:, Total.CUSTOM])
    assert n_custom[[FEED, FIND, LIVE]].tolist() == [0, 0, 0]
    assert n_custom[TAO] / n_slots[TAO] == pytest.approx(0.2, rel=0.02)
    assert SlotSource.CUSTOM not in {slot.source for slot in slots_of(alone)}
    ours = partners(served, STRATEGIC) & served.population.shop
    orders = [count(outcome, Counter.ORDERS, TAO)[ours].sum() for outcome in (served, alone)]
    assert orders[0] > 1.1 * orders[1]


# S5: the higher the tier, the more traffic


def test_s5_traffic_grows_with_the_weight_of_the_tier() -> None:
    reserved = []
    for weight in (1.0, 2.0, 4.0, 8.0):
        outcome = play(SUPPORTED, STILL, {"support.tiers.strategic.weight": weight})
        reserved.append(per_account(outcome))
    strategic, standard = zip(*reserved, strict=True)
    assert all(more > 1.1 * less for less, more in pairwise(strategic))
    assert all(more < less for less, more in pairwise(standard))
    assert strategic[0] == pytest.approx(standard[0], rel=0.05)
    assert strategic[1] > 1.5 * standard[1]


def per_account(outcome: Outcome) -> tuple[float, float]:
    """Impressions in reserved slots for each account of the two tiers, from day 0 on."""
    reserved = count(outcome, Counter.RESERVED, FIND)
    strategic, standard = (reserved[partners(outcome, tier)].mean() for tier in (STRATEGIC, STANDARD))
    return float(strategic), float(standard)


# S6: fans accumulate and carry content


def following(slots: Iterable[Slot], follows: set[int]) -> set[int]:
    """Accounts that a fan follows in the end; asserts that each slot of a feed is of one followed when it opened."""
    event, offered = -1, set(follows)
    for slot in slots:
        if slot.event != event:
            event, offered = slot.event, set(follows)
        if slot.surface == FEED:
            assert slot.influencer in offered or (slot.influencer == -1 and not offered)
        if slot.responses & Response.FOLLOWED:
            follows.add(slot.influencer)
        if slot.responses & Response.UNFOLLOWED:
            follows.remove(slot.influencer)
    return follows


@pytest.mark.parametrize("fan", [0, 100, 299])
def test_s6_the_feed_shows_whom_the_fan_follows(fan: int) -> None:
    leaving = {"surfaces.feed.unfollow_prob": 0.005, "surfaces.find-people.follow_prob": 0.05}
    outcome = play(KEEN, leaving, fan=fan)
    begin, members = outcome.population.follow_lists
    initial = set(members[begin[fan] : begin[fan + 1]].tolist())
    begin, members = outcome.follow_lists
    assert following(slots_of(outcome), set(initial)) == set(members[begin[fan] : begin[fan + 1]].tolist())
    assert set(members[begin[fan] : begin[fan + 1]].tolist()) != initial


def test_s6_fans_accumulate_and_their_feeds_sell() -> None:
    none = {"fans.follows_per_fan": 0.0}
    gathering, passing = play(none), play(none, STILL)
    assert not count(passing, Counter.EXPOSURE, FEED).any()
    assert passing.totals[FEED, Total.EMPTY] == passing.totals[FEED, Total.SLOTS] > 0
    first, second, third = (flow(gathering, "exposure_feed", since, since + 30).sum() for since in (0, 30, 60))
    assert third > second > first > 0
    assert count(gathering, Counter.ORDERS, FEED).sum() > 1000
    followed = gathering.followers(gathering.end) > 0
    assert not count(gathering, Counter.EXPOSURE, FEED)[~followed].any()


# S7: live rooms


ON_AIR = [0.0, 0.5, 1.0, 2.0] * 10


def test_s7_live_rooms_show_those_who_go_on_air_in_proportion_to_their_hours() -> None:
    outcome = play(STILL, {"surfaces.live.slots": 3}, roster=roster_of([20] * 40, live_hours_per_day=ON_AIR))
    hours, exposure = np.array(ON_AIR), count(outcome, Counter.EXPOSURE, LIVE)
    assert not exposure[hours == 0].any()
    short, usual, long = (exposure[hours == h].sum() for h in (0.5, 1.0, 2.0))
    assert usual > 1.5 * short
    assert long > 1.5 * usual


def test_s7_tips_are_shared_between_platform_agency_and_host() -> None:
    tipping = {"surfaces.live.tip_prob": 0.01, "surfaces.live.tip_fen": 1000}
    outcome, none = play(tipping), play({"surfaces.live.tip_fen": 1000})
    tips, contract = flow(outcome, "tips"), outcome.population.agency >= 0
    assert (tips > 0).sum() > 30
    assert not flow(none, "tips").any()
    assert np.array_equal(count(outcome, Counter.TIPS_FEN, LIVE), count(outcome, Counter.TIPS_FEN))
    platform, host = flow(outcome, "take"), flow(outcome, "income")
    agency = (tips - platform - host)[contract]
    assert platform.sum() == pytest.approx(0.5 * tips.sum(), rel=1e-3)
    assert agency.sum() == pytest.approx(0.25 * tips[contract].sum(), rel=1e-3)
    assert host[contract].sum() == pytest.approx(0.25 * tips[contract].sum(), rel=1e-3)
    assert host[~contract].sum() == pytest.approx(0.5 * tips[~contract].sum(), rel=1e-3)
    profit = outcome.history.profit
    assert (profit[outcome.end] - profit[0]).sum() == agency.sum()


def test_s7_viewers_follow_and_buy_in_live_rooms() -> None:
    room = {"surfaces.live.follow_prob": 0.0, "surfaces.live.order_factor": 0.0}
    selling, plain = play(), play(room)
    for counter in (Counter.FOLLOWS, Counter.ORDERS):
        assert count(selling, counter, LIVE).sum() > 50
        assert not count(plain, counter, LIVE).any()
    assert selling.followers(selling.end).sum() > plain.followers(plain.end).sum()
