"""Who is in the reserved slots under each policy: frozen epochs, in which only the draws change."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from support.forms import drawn
from support.inspection import ENGINES, NEVER, assert_frequencies, normed, one_surface, run, shares, slots_of, tables_of
from support.scenarios import POLICIES, WITHIN_TIER, World, world_of, worlds

from sim.calendar import DAY
from sim.model.kernel import draws
from sim.model.layout import Counter, Response, SlotSource, Tables, Total
from sim.model.ranking.surfaces import Surfaces
from sim.model.simulation import Outcome, simulate
from sim.model.world.accounts import Accounts
from sim.streams import Lane
from sim.types import EngineName

FOLLOWERS = [120, 60, 40, 20, 20, 10, 10, 6, 4, 0]
AGENCIES = ["big", "big", "big", "small", "small", "small", None, None, None, "none"]
AGES = [900.0, 800.0, 30.0, 700.0, 10.0, 89.0, 95.0, 5.0, 300.0, 1.0]
VERTICALS = ["a", "b"] * 5
AFFINITY = {"a": 1.0, "b": 0.25}
WEIGHT = {"big": 3.0, "small": 1.0}
SHARE = 0.4
PARTNERS = np.array([name in WEIGHT for name in AGENCIES])
F = np.array(FOLLOWERS, dtype=np.float64)
ORGANIC = F + 1.0
"""Organic weights: popularity 1, offset 1."""


def platform(*, find: dict[str, Any] | None = None, sessions_per_day: float = 9.0, **support: Any) -> World:
    """Ten accounts on a page of one slot; agency `big` has the tier of weight 3, `small` that of 1, `none` none."""
    tiers = {
        "first": {"weight": 3.0, "over_followers": 150},
        "second": {"weight": 1.0, "over_followers": 20},
    }
    surface = {"kind": "discovery", "session_share": 1.0, "slots": 1, "refresh_minutes": NEVER} | (find or {})
    return one_surface(
        {"followers": FOLLOWERS, "agency": AGENCIES, "age_days": AGES, "vertical": VERTICALS},
        fans={"count": 300, "sessions_per_day": sessions_per_day},
        over={
            "surfaces": {"find": surface},
            "verticals": {"a": {"share": 0.5}, "b": {"share": 0.5}},
            "segments": {"all": {"share": 1.0, "interests": AFFINITY}},
            "support": {"share": SHARE, "tiers": tiers} | support,
        },
    )


@cache
def frozen(**support: Any) -> Outcome:
    return run(platform(**support))


def spread(by: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights of the tiers, times accounts, spread inside each agency in these proportions."""
    out = np.zeros(len(AGENCIES))
    for name, weight in WEIGHT.items():
        own = np.array([agency == name for agency in AGENCIES])
        out[own] = weight * own.sum() * by[own] / by[own].sum()
    return out


def lots(world: World, month: int = 0) -> NDArray[np.float64]:
    drawn: NDArray[np.float64] = draws.unit_draws_of(Lane.LOTTERY, month, world.population.addresses(world.key))
    return drawn


EQUAL = np.ones(len(FOLLOWERS))
EVERY_POLICY: dict[str, tuple[dict[str, Any], NDArray[np.float64]]] = {
    "none": ({"policy": "none"}, ORGANIC),
    "placebo": ({"policy": "placebo"}, ORGANIC),
    "uniform": ({"policy": "uniform"}, EQUAL),
    "flat": ({"policy": "flat"}, PARTNERS * EQUAL),
    "flat-all": ({"policy": "flat", "eligible": "all"}, EQUAL),
    "proportional": ({"policy": "proportional"}, PARTNERS * F),
    "proportional-all": ({"policy": "proportional", "eligible": "all"}, F),
    "tail": ({"policy": "tail"}, PARTNERS / (F + 1)),
    "tail-all": ({"policy": "tail", "eligible": "all"}, 1 / (F + 1)),
    "head": ({"policy": "head"}, np.array([name == "big" for name in AGENCIES]) * EQUAL),
    "newcomer": ({"policy": "newcomer"}, PARTNERS * (np.array(AGES) < 90)),
    "newcomer-all": ({"policy": "newcomer", "eligible": "all"}, EQUAL * (np.array(AGES) < 90)),
    "newcomer-young": ({"policy": "newcomer", "eligible": "all", "newcomer_days": 10.0}, EQUAL * (np.array(AGES) < 10)),
    "lottery-all": (
        {"policy": "lottery", "eligible": "all", "lottery_share": 0.5},
        EQUAL * (lots(platform()) < 0.5),
    ),
    "lottery": ({"policy": "lottery", "lottery_share": 0.53}, PARTNERS * (lots(platform()) < 0.53)),
    "tiered-equal": ({"policy": "tiered", "within_tier": "equal"}, spread(EQUAL)),
    "tiered-followers": ({"policy": "tiered", "within_tier": "followers"}, spread(F)),
    "tiered-organic": ({"policy": "tiered", "within_tier": "organic"}, spread(ORGANIC)),
    "tiered-best": ({"policy": "tiered", "within_tier": "best"}, np.array([9.0, 0, 0, 3, 0, 0, 0, 0, 0, 0])),
    "tiered-per-agency": (
        {"policy": "tiered", "within_tier": "per-agency"},
        np.array([1.0, 1, 1, 1 / 3, 1 / 3, 1 / 3, 0, 0, 0, 0]),
    ),
    "relevance-uniform": (
        {"policy": "uniform", "relevance": 1.0},
        np.array([AFFINITY[vertical] for vertical in VERTICALS]),
    ),
    "relevance-tiered": (
        {"policy": "tiered", "within_tier": "equal", "relevance": 0.5},
        spread(EQUAL) * np.array([AFFINITY[vertical] ** 0.5 for vertical in VERTICALS]),
    ),
}


def test_the_table_of_policies_holds_all_that_give_weights_and_every_spread_within_a_tier() -> None:
    assert {support["policy"] for support, _ in EVERY_POLICY.values()} == {*POLICIES} - {"empty"}
    assert {support.get("within_tier") for support, _ in EVERY_POLICY.values()} == {None, *WITHIN_TIER}
    assert 0 < (lots(platform()) < 0.5).sum() < 10
    assert 0 < (PARTNERS * (lots(platform()) < 0.53)).sum() < PARTNERS.sum()


@pytest.mark.parametrize("name", EVERY_POLICY)
def test_each_policy_fills_the_reserved_slots_by_its_weights_and_leaves_the_others_organic(name: str) -> None:
    support, weights = EVERY_POLICY[name]
    counts = frozen(**support).counts[:, 0]
    assert_frequencies(counts[:, Counter.RESERVED], weights)
    assert_frequencies(counts[:, Counter.EXPOSURE] - counts[:, Counter.RESERVED], ORGANIC)


@pytest.mark.parametrize("name", EVERY_POLICY)
def test_each_policy_freezes_its_exact_weights_into_the_support_table(name: str) -> None:
    support, weights = EVERY_POLICY[name]
    world = platform(**support)
    if support["policy"] in ("none", "placebo"):
        return
    # Tiers are what a run's own review decides, so the tables are taken after it.
    tier = run(world).reviews[0].tier
    assert dict(zip(world.population.agencies, tier.tolist(), strict=True)) == {"big": 0, "small": 1, "none": -1}
    tables = tables_after_review(world, tier)
    assert shares(tables.weight[tables.support[0, 0]]) == pytest.approx(normed(weights), rel=1e-9, abs=1e-12)


def tables_after_review(world: World, tier: NDArray[np.int32]) -> Tables:
    surfaces = Surfaces(world.scenario, Accounts(world.population), world.key)
    surfaces.end_warmup()
    surfaces.renew(0, tier)
    surfaces.refresh(0, 0, world.population.followers, tier)
    return surfaces.tables


def test_reserved_slots_are_the_same_in_every_arm_of_a_frozen_epoch() -> None:
    arms: list[dict[str, Any]] = [support for support, _ in EVERY_POLICY.values()]
    arms.append({"policy": "empty"})
    offered = [Total.SESSIONS, Total.SLOTS, Total.RESERVED]
    figures = {tuple(frozen(**support).totals[0, offered].tolist()) for support in arms}
    assert len(figures) == 1
    ((sessions, slots, reserved),) = figures
    assert slots == sessions
    assert abs(reserved - SHARE * slots) < 4.2 * (SHARE * (1 - SHARE) * slots) ** 0.5


@pytest.mark.parametrize("engine", ENGINES)
def test_the_coin_falls_on_the_same_slots_of_a_fan_whatever_the_policy(engine: EngineName) -> None:
    def coins(policy: str) -> list[tuple[int, int, bool]]:
        world = platform(policy=policy, within_tier="equal", find={"slots": 6}, sessions_per_day=0.3)
        slots = slots_of(run(world, engine=engine, fan=7))
        return [(slot.event, slot.slot, Response.RESERVED in slot.responses) for slot in slots]

    none = coins("none")
    assert {reserved for *_, reserved in none} == {True, False}
    for policy in POLICIES:
        assert coins(policy) == none


def test_placebo_goes_through_the_support_path_and_equals_none_to_the_bit() -> None:
    placebo, none = (platform(policy=policy, find={"slots": 4, "follow_prob": 0.5}) for policy in ("placebo", "none"))
    assert run(placebo).digest() == run(none).digest()
    sources = {slot.source for slot in slots_of(run(placebo, fan=0)) if Response.RESERVED in slot.responses}
    assert sources == {SlotSource.SUPPORT}


def test_the_policy_empty_leaves_every_reserved_slot_empty_and_the_others_as_they_are() -> None:
    outcome, none = frozen(policy="empty"), frozen(policy="none")
    assert outcome.totals[0, Total.EMPTY] == outcome.totals[0, Total.RESERVED] > 0
    assert not outcome.counts[:, 0, Counter.RESERVED].any()
    unreserved = none.counts[:, 0, Counter.EXPOSURE] - none.counts[:, 0, Counter.RESERVED]
    assert np.array_equal(outcome.counts[:, 0, Counter.EXPOSURE], unreserved)


def test_an_agencys_support_is_its_weight_times_its_accounts_unless_it_is_per_agency() -> None:
    for within_tier in WITHIN_TIER:
        reserved = frozen(policy="tiered", within_tier=within_tier).counts[:, 0, Counter.RESERVED]
        by_agency = np.array([reserved[:3].sum(), reserved[3:6].sum()])
        assert_frequencies(by_agency, [9, 3] if within_tier != "per-agency" else [3, 1])
        assert not reserved[6:].any()


def test_the_lottery_draws_anew_each_month_the_same_in_every_arm() -> None:
    world = platform()
    months = [frozenset(np.flatnonzero(lots(world, month) < 0.5).tolist()) for month in range(6)]
    assert len(set(months)) > 4
    monthly = platform(policy="lottery", eligible="all", lottery_share=0.5, find={"refresh_minutes": 30 * 1440})
    long = monthly.scenario.model_copy(update={"horizon_days": 90})
    seen: list[set[int]] = [set(), set(), set()]
    for fan in range(6):
        for slot in slots_of(simulate(long, monthly.population, monthly.key, fan=fan)):
            if slot.source == SlotSource.SUPPORT:
                seen[slot.time // (30 * DAY)].add(slot.influencer)
    assert seen == [set(month) for month in months[:3]]


def test_newcomers_age_out_of_their_list() -> None:
    world = platform(policy="newcomer", eligible="all", newcomer_days=35.0, find={"refresh_minutes": 1440})
    long = world.scenario.model_copy(update={"horizon_days": 40})
    shown: dict[int, int] = {}
    for fan in range(8):
        for slot in slots_of(simulate(long, world.population, world.key, fan=fan)):
            if slot.source == SlotSource.SUPPORT:
                shown[slot.influencer] = max(shown.get(slot.influencer, 0), slot.time // DAY)
    last = {i: 35 - AGES[i] for i in (2, 4, 7, 9)}  # the day on which its age reaches 35
    assert set(shown) == set(last)
    for i, day in shown.items():
        assert last[i] - 3 <= day < last[i]


def test_each_segment_gets_the_support_that_is_relevant_to_it() -> None:
    parts = platform(policy="uniform", relevance=1.0, share=1.0).scenario.model_dump()
    parts["segments"] = {
        "likes a": {"share": 0.5, "interests": {"a": 1.0, "b": 0.0}},
        "likes b": {"share": 0.5, "interests": {"a": 0.2, "b": 0.4}},
    }
    parts["fans"]["follows_per_fan"] = 0.0
    parts["surfaces"]["find"]["support_share"] = None
    world = platform()
    reads = run(world_of(parts, world.roster)).history.reads[10 * DAY]
    assert_frequencies(reads[:, 0], [1, 0] * 5)
    assert_frequencies(reads[:, 1], [1, 2] * 5)


# What a list can't fill


def test_an_exhausted_list_is_followed_by_organic_slots_that_are_counted_as_unfilled() -> None:
    world = platform(policy="head", share=1.0, find={"slots": 5, "support_share": 1.0})
    outcome = run(world, fan=0)
    pages = outcome.totals[0, Total.SESSIONS]
    assert outcome.totals[0, Total.SUPPORT_UNFILLED] == 2 * pages  # three accounts on five slots
    assert outcome.totals[0, Total.EMPTY] == 0
    sources = [slot.source for slot in slots_of(outcome)]
    assert sources == ([SlotSource.SUPPORT] * 3 + [SlotSource.INSTEAD_OF_SUPPORT] * 2) * (len(sources) // 5)
    assert_frequencies(outcome.counts[:, 0, Counter.EXPOSURE][:3], [1, 1, 1])


def test_a_list_of_nobody_makes_every_reserved_slot_unfilled() -> None:
    outcome = run(platform(policy="newcomer", newcomer_days=0.0))
    assert outcome.totals[0, Total.SUPPORT_UNFILLED] == outcome.totals[0, Total.RESERVED] > 0
    assert_frequencies(outcome.counts[:, 0, Counter.EXPOSURE], ORGANIC)


def test_a_page_that_need_not_be_distinct_repeats_the_list_and_leaves_nothing_unfilled() -> None:
    outcome = run(platform(policy="head", find={"slots": 5, "support_share": 1.0, "distinct": False}))
    assert outcome.totals[0, Total.SUPPORT_UNFILLED] == 0
    assert_frequencies(outcome.counts[:, 0, Counter.EXPOSURE], [1, 1, 1, 0, 0, 0, 0, 0, 0, 0])


def test_a_surfaces_own_share_takes_the_place_of_the_general_one() -> None:
    for share in (0.0, 0.2, 1.0):
        totals = run(platform(policy="uniform", find={"support_share": share})).totals[0]
        slots = totals[Total.SLOTS]
        assert abs(totals[Total.RESERVED] - share * slots) <= 4.2 * (share * (1 - share) * slots) ** 0.5


def test_support_is_given_from_day_zero_on_and_not_before() -> None:
    world = platform(policy="head", find={"support_share": 1.0})
    early = world_of(world.scenario.model_dump() | {"warmup_days": 10, "horizon_days": 5}, world.roster)
    slots = slots_of(run(early, fan=0))
    assert {slot.source for slot in slots if slot.time < 0} == {SlotSource.ORGANIC}
    assert {slot.source for slot in slots if slot.time >= 0} == {SlotSource.SUPPORT}
    assert all(Response.RESERVED in slot.responses for slot in slots)


@drawn(8, 15, worlds(max_sessions=60))
def test_whoever_is_supported_was_eligible(world: World) -> None:
    for policy in ("flat", "tail", "proportional", "lottery", "newcomer", "head", "tiered"):
        outcome = run(world, world.arm(policy=policy, eligible="partners", within_tier="equal"), fan=0)
        partners = {i for review in outcome.reviews for i in np.flatnonzero(holds_tier(world, review.tier)).tolist()}
        shown = {slot.influencer for slot in slots_of(outcome) if slot.source == SlotSource.SUPPORT}
        assert shown - {-1} <= partners


def holds_tier(world: World, tier: NDArray[np.int32]) -> NDArray[np.bool_]:
    held = np.append(tier, np.int32(-1))[world.population.agency]
    return np.asarray(held >= 0)


def test_tables_of_another_policy_differ_only_in_the_support_rows() -> None:
    uniform, tail = tables_of(platform(policy="uniform")), tables_of(platform(policy="tail", eligible="all"))
    row = uniform.support[0, 0]
    assert not np.array_equal(uniform.weight[row], tail.weight[row])
    others = [t for t in range(len(uniform.weight)) if t != row]
    assert np.array_equal(uniform.weight[others], tail.weight[others])
    assert np.array_equal(uniform.alias[others], tail.alias[others])
