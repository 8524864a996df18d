"""Follow lists: who is followed and unfollowed, in which order, and what a feed shows of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st
from support.forms import drawn
from support.inspection import (
    ENGINES,
    NEVER,
    Slot,
    Z,
    assert_frequencies,
    lists_of,
    normed,
    one_surface,
    outcomes,
    pages_of,
    run,
    slots_of,
    tables_of,
    z_score,
)
from support.scenarios import World, worlds

from sim.model.layout import Counter, Response, Tables
from sim.model.simulation import Outcome
from sim.model.world.follow_blocks import follows_of
from sim.streams import Lane, philox
from sim.types import EngineName


def start_of(world: World, fan: int) -> list[int]:
    people = world.population
    follows: list[int] = follows_of(fan, people.lists).tolist()
    return follows


# The order of a fan's responses


def replayed(world: World, fan: int, outcome: Outcome) -> list[int]:
    """The fan's list at the end by the rules of DESIGN §4, from its trace; each response is compared with them."""
    surfaces = list(world.scenario.surfaces.values())
    quality, cap = world.population.quality, world.scenario.fans.follow_cap
    follows = start_of(world, fan)
    for page in pages_of(outcome):
        surface = surfaces[page[0].surface]
        offered = set(follows)
        for slot in page:
            i, responses = slot.influencer, slot.responses
            if surface.kind == "feed":
                assert i < 0 or i in offered  # as it was when the page was opened
            if Response.UNFOLLOWED in responses:
                assert Response.READ in responses
                place = follows.index(i)
                follows[place] = follows[-1]
                follows.pop()
            better = all(quality[i] > quality[j] for j in follows)
            free = i not in follows and len(follows) < cap
            allowed = free and (better or surface.follow_rule == "probability")
            if Response.FOLLOWED in responses:
                assert Response.CLICKED in responses
                assert allowed
                follows.append(i)
            if Response.REFUSED in responses:
                assert Response.CLICKED in responses
                assert not allowed
    return follows


@drawn(6, 40, worlds(max_sessions=60), st.integers(0, 10**6))
def test_a_list_grows_at_its_end_an_unfollow_swaps_in_the_last_and_a_feed_shows_the_list_as_opened(
    world: World, number: int
) -> None:
    fan = number % world.population.segment.size
    for engine in ENGINES:
        outcome = run(world, engine=engine, fan=fan)
        assert replayed(world, fan, outcome) == lists_of(outcome)[fan]


def busy_feed(**over: Any) -> World:
    """A fan that follows six of eight, unfollows on its feed and finds them again."""
    surfaces = {
        "feed": {
            "kind": "feed",
            "session_share": 0.5,
            "slots": 5,
            "unfollow_prob": 0.4,
            "examination": {"exponent": 0.0},
        },
        "find": {"kind": "discovery", "session_share": 0.5, "slots": 5, "follow_prob": 0.5},
    }
    fans = {"count": 20, "sessions_per_day": 8.0}
    posts = [5.0, 4.0, 3.0, 2.0, 1.0, 0.5, 7.0, 1.5]
    return one_surface({"followers": [15] * 8, "posts_per_day": posts}, fans=fans, over={"surfaces": surfaces} | over)


def feed_choice(world: World, tables: Tables, fan: int, slot: Slot, follows: list[int]) -> int:
    """Account that attempt 0 of a feed slot finds: by integer prefix sums in list order."""
    high, low, *_ = philox((fan, slot.event, slot.slot, Lane.SLOT), world.key)
    weights = [int(tables.feed_weight[0, i]) * int(tables.feed_affinity[0, 0, 0]) for i in follows]
    r = (high << 32 | low) * sum(weights) >> 64
    for i, weight in zip(follows, weights, strict=True):
        if r < weight:
            return i
        r -= weight
    raise AssertionError


@pytest.mark.parametrize("engine", ENGINES)
def test_the_first_slot_of_a_feed_is_drawn_by_prefix_sums_in_list_order_after_all_earlier_changes(
    engine: EngineName,
) -> None:
    world, n_moved = busy_feed(), 0
    tables = tables_of(world)
    for fan in range(3):
        follows = start_of(world, fan)
        for page in pages_of(run(world, engine=engine, fan=fan)):
            if page[0].surface == 0 and follows:
                assert page[0].influencer == feed_choice(world, tables, fan, page[0], follows)
                n_moved += follows != start_of(world, fan)
            for slot in page:
                if Response.UNFOLLOWED in slot.responses:
                    place = follows.index(slot.influencer)
                    follows[place] = follows[-1]
                    follows.pop()
                if Response.FOLLOWED in slot.responses:
                    follows.append(slot.influencer)
    assert n_moved > 30


def test_an_unfollow_comes_before_a_follow_in_one_slot() -> None:
    # Both are certain: an account that was followed ends the slot as the last of the list, followed again.
    world = one_surface([60] * 4, slots=4, follow_prob=1.0, unfollow_prob=1.0, examination={"exponent": 0.0})
    both, plain = Response.UNFOLLOWED | Response.FOLLOWED, Response.FOLLOWED
    seen = set()
    for page in pages_of(run(world, fan=0)):
        seen |= {slot.responses & (both | Response.REFUSED) for slot in page if Response.CLICKED in slot.responses}
    assert both in seen
    assert seen <= {both, plain}  # never refused as already followed


# Following


def test_follows_come_with_the_stated_probability_of_a_click() -> None:
    world = one_surface([0] * 6, slots=3, follow_prob=0.3, already_following="count")
    counts = np.array([outcome.counts[:, 0].sum(axis=0) for outcome in outcomes(world, 200)])
    assert abs(z_score(counts[:, Counter.FOLLOWS] - 0.3 * counts[:, Counter.CLICKS])) < Z


@pytest.mark.parametrize("fame", [0.0, 0.5, 1.0, -0.5])
def test_the_follow_probability_rises_with_fame_by_the_stated_power(fame: float) -> None:
    followers = [79, 29, 14, 4, 0]
    world = one_surface(
        followers, slots=5, follow_prob=0.1, follow_fame=fame, examination={"exponent": 0.0}, already_following="count"
    )
    mean = sum(followers) / 5
    exact = 0.1 * ((np.array(followers) + 1) / (mean + 1)) ** fame
    counts = np.array([outcome.counts[:, 0] for outcome in outcomes(world, 200)])
    assert np.abs(z_score(counts[:, :, Counter.FOLLOWS] - exact * counts[:, :, Counter.CLICKS])).max() < Z


def test_a_follow_probability_that_fame_would_lift_over_one_is_one() -> None:
    world = one_surface([90, 1], slots=2, follow_prob=0.9, follow_fame=4.0)
    assert tables_of(world).follow[0].tolist()[0] == 2**32


@pytest.mark.parametrize(("rule", "n_followed"), [("already", 0), ("count", 1)])
def test_a_follow_of_someone_followed_is_refused_or_counted_and_never_listed_twice(rule: str, n_followed: int) -> None:
    repeats = "count" if rule == "count" else "refuse"
    world = one_surface([100], slots=1, follow_prob=1.0, already_following=repeats)
    outcome = run(world)
    clicks = outcome.counts[0, 0, Counter.CLICKS]
    assert clicks > 900
    assert outcome.counts[0, 0, Counter.FOLLOWS] == n_followed * clicks
    assert lists_of(outcome) == [[0]] * 100


def test_better_than_followed_leaves_lists_whose_every_new_member_is_the_best_so_far() -> None:
    quality = [0.3, 0.9, 0.5, 0.7, 0.9, 0.2]
    world = one_surface(
        {"followers": [20] * 6, "quality": quality}, slots=2, follow_prob=1.0, follow_rule="better-than-followed"
    )
    outcome = run(world)
    n_new = 0
    for fan, follows in enumerate(lists_of(outcome)):
        n_old = len(start_of(world, fan))
        for place in range(n_old, len(follows)):
            assert quality[follows[place]] > max((quality[i] for i in follows[:place]), default=0)
        n_new += len(follows) - n_old
        assert not {1, 4} <= set(follows[n_old:])  # equals aren't better
    assert n_new == outcome.counts[:, 0, Counter.FOLLOWS].sum() > 50


@pytest.mark.parametrize("cap", [0, 1, 3, 100])
def test_no_list_grows_past_the_cap_and_longer_ones_stay(cap: int) -> None:
    world = one_surface([30] * 8, fans={"follow_cap": cap, "sessions_per_day": 6.0}, slots=8, follow_prob=1.0)
    lengths = np.array([len(follows) for follows in lists_of(run(world))])
    start = np.diff(world.population.follow_lists[0])
    assert (start > 3).any()
    assert (lengths <= np.maximum(start, cap)).all()
    assert (lengths >= start).all()
    assert (lengths == np.clip(cap, start, 8)).mean() > 0.9


def test_a_cap_that_unfollowing_makes_room_under_is_filled_again() -> None:
    world = busy_feed()
    capped = replace(
        world,
        scenario=world.scenario.model_copy(update={"fans": world.scenario.fans.model_copy(update={"follow_cap": 3})}),
    )
    outcome = run(capped)
    assert outcome.counts[:, 0, Counter.UNFOLLOWS].sum() > 100
    assert outcome.counts[:, 1, Counter.FOLLOWS].sum() > 20


# Unfollowing


@pytest.mark.parametrize("prob", [0.05, 0.5])
def test_a_post_of_a_feed_is_unfollowed_with_the_stated_probability(prob: float) -> None:
    world = one_surface([60] * 8, kind="feed", slots=3, unfollow_prob=prob, examination={"exponent": 0.0})
    counts = np.array([outcome.counts[:, 0].sum(axis=0) for outcome in outcomes(world, 200)])
    # A page is distinct, so that an account on it is still followed when it is read.
    assert abs(z_score(counts[:, Counter.UNFOLLOWS] - prob * counts[:, Counter.READS])) < Z


@pytest.mark.parametrize("engine", ENGINES)
def test_certain_unfollowing_empties_the_lists_and_then_the_feed(engine: EngineName) -> None:
    world = one_surface([60] * 4, kind="feed", slots=4, unfollow_prob=1.0, examination={"exponent": 0.0})
    outcome = run(world, engine=engine, fan=0)
    first, *later = pages_of(outcome)
    assert {slot.influencer for slot in first if slot.influencer >= 0} == set(start_of(world, 0))
    assert later
    assert all(slot.influencer < 0 for page in later for slot in page)
    lists = lists_of(outcome)
    assert sum(not follows for follows in lists) > 90
    gone = world.population.follow_lists[1].size - sum(map(len, lists))
    assert outcome.counts[:, 0, Counter.UNFOLLOWS].sum() == gone
    assert outcome.followers(10 * 86_400).sum() == sum(map(len, lists))


@drawn(8, 25, worlds())
def test_followers_are_those_at_the_start_and_new_ones_less_those_who_left(world: World) -> None:
    surfaces = {n: s.model_copy(update={"already_following": "refuse"}) for n, s in world.scenario.surfaces.items()}
    outcome = run(world, world.scenario.model_copy(update={"surfaces": surfaces}))
    followers = np.bincount(outcome.follow_lists[1], minlength=len(world.population.influencers))
    change = outcome.counts[:, :, Counter.FOLLOWS] - outcome.counts[:, :, Counter.UNFOLLOWS]
    assert np.array_equal(followers, world.population.followers + change.sum(axis=1))


def test_nobody_is_unfollowed_in_the_warm_up() -> None:
    world = one_surface([60] * 4, kind="feed", unfollow_prob=1.0, over={"warmup_days": 20, "horizon_days": 1})
    outcome = run(world)
    assert np.array_equal(outcome.followers(0), world.population.followers)
    assert outcome.counts[:, 0, Counter.UNFOLLOWS].sum() > 0
    assert np.array_equal(outcome.history.upto(0)[-1], np.zeros(4))


# A feed's weights


@pytest.mark.parametrize("posts", [0.0, 1.0, 2.0])
@pytest.mark.parametrize("relevance", [0.0, 1.0])
@pytest.mark.parametrize("merit", [0.0, 2.0])
def test_a_feed_shows_posts_by_rate_affinity_and_quality_as_its_weights_say(
    posts: float, relevance: float, merit: float
) -> None:
    rate, quality = [3.0, 1.0, 2.0, 1.0], [0.6, 0.8, 0.5, 0.9]
    affinity = {"a": 1.0, "b": 0.5}
    weights = {"posts": posts, "relevance": relevance, "merit": merit}
    surface = {"kind": "feed", "session_share": 1.0, "slots": 1, "feed_weights": weights, "refresh_minutes": NEVER}
    world = one_surface(
        {"followers": [100] * 4, "posts_per_day": rate, "quality": quality, "vertical": ["a", "b", "b", "a"]},
        fans={"sessions_per_day": 3.0},
        over={
            "surfaces": {"feed": surface},
            "verticals": {"a": {"share": 0.5}, "b": {"share": 0.5}},
            "segments": {"all": {"share": 1.0, "interests": affinity}},
        },
    )
    exact = np.array(rate) ** posts * np.array([1.0, 0.5, 0.5, 1.0]) ** relevance * np.array(quality) ** merit
    assert normed(tables_of(world).feed_weight[0] * np.array([1.0, 0.5, 0.5, 1.0]) ** relevance) == pytest.approx(
        normed(exact), rel=1e-5
    )
    assert_frequencies(run(world).counts[:, 0, Counter.EXPOSURE], exact)


def test_an_author_stands_on_a_feed_repeatedly_where_it_need_not_be_distinct() -> None:
    for distinct, n_shown in [(True, 2), (False, 6)]:
        world = one_surface([100, 100], kind="feed", slots=6, distinct=distinct)
        for page in pages_of(run(world, fan=0)):
            assert sum(slot.influencer >= 0 for slot in page) == n_shown


def test_a_followed_account_reaches_the_feed_of_the_next_session() -> None:
    surfaces = {
        "feed": {"kind": "feed", "session_share": 0.5, "slots": 3},
        "find": {"kind": "discovery", "session_share": 0.5, "slots": 1, "follow_prob": 1.0},
    }
    world = one_surface([0] * 3, fans={"count": 5, "sessions_per_day": 3.0}, over={"surfaces": surfaces})
    followed: set[int] = set()
    n_shown = 0
    for page in pages_of(run(world, fan=0)):
        if page[0].surface == 0:
            assert {slot.influencer for slot in page if slot.influencer >= 0} == followed
            n_shown += len(followed)
        followed |= {slot.influencer for slot in page if Response.FOLLOWED in slot.responses}
    assert n_shown > 10


def test_quality_times_affinity_decides_the_clicks_after_which_follows_come() -> None:
    world = one_surface({"followers": [10, 10], "quality": [0.1, 0.9]}, slots=2, follow_prob=1.0, unfollow_prob=0.5)
    followed = [
        slot.influencer
        for f in range(10)
        for slot in slots_of(run(world, fan=f))
        if Response.FOLLOWED in slot.responses
    ]
    assert followed.count(1) > followed.count(0)
