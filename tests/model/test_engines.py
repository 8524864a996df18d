"""Both engines give the same bits on scenarios drawn with every key in play, and arms share all that they can."""

from __future__ import annotations

from collections import Counter as Tally
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, seed, settings
from hypothesis import strategies as st
from support.engine_runs import assert_engines_agree, assert_same, lists_of, run
from support.forms import drawn
from support.scenarios import (
    DRAWN,
    ELIGIBLE,
    POLICIES,
    WITHIN_TIER,
    World,
    plain,
    with_idle_fan,
    with_steady_accounts,
    without_growth,
    without_phases,
    world_of,
    worlds,
)

from sim.calendar import DAY
from sim.model.control import Control
from sim.model.engines import compiled
from sim.model.layout import Counter, Total
from sim.model.spec import session
from sim.scenario import Scenario
from sim.streams import Lane, philox

TRAFFIC_LANES = {lane for lane in Lane if lane <= Lane.ACTION}


# Reference and compiled


@drawn(8, 50, worlds())
def test_both_engines_and_any_number_of_threads_give_the_same_bits(world: World) -> None:
    assert_engines_agree(world)


@drawn(8, 50, worlds(max_sessions=60), st.sampled_from(WITHIN_TIER))
def test_both_engines_agree_under_tiered_support(world: World, within_tier: str) -> None:
    assert_engines_agree(replace(world, scenario=world.arm(policy="tiered", within_tier=within_tier)))


@drawn(8, 50, worlds(max_sessions=60), st.sampled_from(POLICIES), st.sampled_from(ELIGIBLE), st.floats(0, 1))
def test_both_engines_agree_under_every_policy_and_share(
    world: World, policy: str, eligible: str, share: float
) -> None:
    parts = world.arm(policy=policy, eligible=eligible)
    surfaces = {
        name: surface if surface.kind == "feed" else surface.model_copy(update={"support_share": share})
        for name, surface in parts.surfaces.items()
    }
    assert_engines_agree(replace(world, scenario=parts.model_copy(update={"surfaces": surfaces})))


def test_the_scenarios_drawn_reach_every_lane_and_every_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    lanes: Tally[Lane] = Tally()
    seen: Tally[str] = Tally()

    def recorded(counter: Any, key: tuple[int, int]) -> Any:
        lanes[counter[3]] += 1
        return philox(counter, key)

    monkeypatch.setattr(session, "philox", recorded)

    @settings(max_examples=20, **DRAWN | {"derandomize": False})
    @given(worlds(max_sessions=60))
    def look(world: World) -> None:
        outcome = run(world, engine="reference")
        counts, totals = outcome.counts.sum(axis=(0, 1)), outcome.totals.sum(axis=0)
        seen.update(
            [counter.name for counter in Counter if counts[counter]]
            + [f"TOTAL_{total.name}" for total in Total if totals[total]]
            + [f"TIER_{tier}" for review in outcome.reviews for tier in set(review.tier.tolist())]
        )

    wanted = {c.name for c in Counter} | {f"TOTAL_{t.name}" for t in Total} | {"TIER_-1", "TIER_0", "TIER_1"}
    wanted_lanes = TRAFFIC_LANES - {Lane.ARRIVAL}  # the engine, not the session, draws arrivals
    for batch in range(25):  # what is drawn depends on the hypothesis release: the rarest is met once in 50 scenarios
        seed(batch)(look)()
        if seen.keys() >= wanted and lanes.keys() >= wanted_lanes:
            break
    assert seen.keys() >= wanted
    assert lanes.keys() >= wanted_lanes


def test_many_threads_on_a_busy_platform_give_the_bits_of_one() -> None:
    fans = {"count": 7000, "follows_per_fan": 3.0, "sessions_per_day": 8.0, "activity_sigma": 1.0}
    world = world_of(plain(fans=fans, influencers={"count": 50}))
    alone = run(world)
    assert alone.totals[0, Total.SESSIONS] > 10 * compiled.THREAD_WORTH  # so that threads are used in each day
    for threads in (2, 3, 4, 7):
        assert_same(run(world, threads=threads), alone)


# Common random numbers


@drawn(6, 40, worlds())
def test_placebo_equals_none_to_the_bit(world: World) -> None:
    assert_same(run(world, world.arm(policy="placebo")), run(world, world.arm(policy="none")))


@drawn(6, 40, worlds())
def test_a_support_share_of_zero_makes_every_arm_equal_to_none(world: World) -> None:
    surfaces = {n: s.model_copy(update={"support_share": 0.0}) for n, s in world.scenario.surfaces.items()}
    unsupported = without_phases(replace(world, scenario=world.scenario.model_copy(update={"surfaces": surfaces})))
    none = run(unsupported, unsupported.arm(policy="none"))
    for policy in POLICIES:
        assert_same(run(unsupported, unsupported.arm(policy=policy)), none)


@drawn(6, 40, worlds())
def test_every_arm_offers_the_same_sessions_slots_and_reserved_slots(world: World) -> None:
    offered = [Total.SESSIONS, Total.SLOTS, Total.RESERVED]
    none = run(world, world.arm(policy="none")).totals[:, offered]
    for policy in POLICIES:
        for within_tier in WITHIN_TIER if policy == "tiered" else ("equal",):
            arm = world.arm(policy=policy, within_tier=within_tier)
            assert np.array_equal(run(world, arm).totals[:, offered], none), (policy, within_tier)


@drawn(6, 40, worlds())
def test_an_idle_fan_more_changes_nothing_for_others(world: World) -> None:
    world = without_growth(world)  # fans who join later come after those of day 0
    larger = with_idle_fan(world)
    population = larger.population
    assert np.array_equal(population.segment[:-1], world.population.segment)
    assert np.array_equal(population.mean_gap[:-1], world.population.mean_gap)
    ours, theirs = run(larger), run(world)
    assert np.array_equal(ours.counts, theirs.counts)
    assert np.array_equal(ours.totals, theirs.totals)
    assert lists_of(ours) == [*lists_of(theirs), []]
    assert [r.tier.tolist() for r in ours.reviews] == [r.tier.tolist() for r in theirs.reviews]


@drawn(6, 40, worlds(), st.integers(1, 31))
def test_a_surface_that_nobody_opens_changes_nothing_however_often_it_is_refreshed(world: World, hours: int) -> None:
    parts = world.scenario.model_dump()
    extra = {"kind": "discovery", "session_share": 0.0, "refresh_minutes": 60 * hours + 7, "support_share": 0.5}
    parts["surfaces"]["unopened"] = extra
    ours, theirs = run(world, Scenario.model_validate(parts)), run(world)
    assert np.array_equal(ours.counts[:, :-1], theirs.counts)
    assert np.array_equal(ours.totals[:-1], theirs.totals)
    assert not ours.counts[:, -1].any()
    assert not ours.totals[-1].any()
    assert lists_of(ours) == lists_of(theirs)
    assert [r.tier.tolist() for r in ours.reviews] == [r.tier.tolist() for r in theirs.reviews]


@drawn(6, 40, worlds(), st.sets(st.integers(0, 100 * 86_400), max_size=20))
def test_a_history_recorded_at_more_times_changes_nothing(world: World, times: set[int]) -> None:
    plainly = run(world)
    own = Control._history_times

    def more(control: Control) -> list[int]:
        return sorted({*own(control), *(t for t in (control.start + x for x in times) if t <= control.end)})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Control, "_history_times", more)
        assert_same(run(world), plainly)


@drawn(
    10, 40, worlds(), st.sampled_from([p for p in POLICIES if p not in ("lottery", "newcomer")]), st.integers(1, 60_000)
)
def test_refreshing_a_frozen_platform_at_other_times_changes_nothing(world: World, policy: str, minutes: int) -> None:
    def frozen(refresh_minutes: int | None) -> Scenario:
        arm = with_steady_accounts(world).arm(policy=policy, review_days=3650)  # one review, at day 0
        changes: dict[str, Any] = {"follow_prob": 0.0, "unfollow_prob": 0.0}
        if refresh_minutes is not None:
            changes["refresh_minutes"] = max(refresh_minutes, 300)
        surfaces = {}
        for name, surface in arm.surfaces.items():
            ageless = surface.ranking.model_copy(update={"freshness_half_life_days": None})
            surfaces[name] = surface.model_copy(update={**changes, "ranking": ageless})
        return arm.model_copy(update={"surfaces": surfaces})

    assert_same(run(world, frozen(minutes)), run(world, frozen(None)))


@drawn(6, 40, worlds())
def test_a_longer_horizon_repeats_the_shorter_one(world: World) -> None:
    assume(world.scenario.horizon_days > 1)
    shorter = world.scenario.model_copy(update={"horizon_days": world.scenario.horizon_days // 2})
    end = shorter.horizon_days * DAY
    whole = run(world, world.arm(review_days=shorter.horizon_days))  # so that the history has the shorter one's end
    half = run(world, shorter.model_copy(update={"support": whole_support(world, shorter.horizon_days)}))
    assert np.array_equal(whole.history.upto(end), half.history.upto(end))
    assert np.array_equal(whole.followers(end), half.followers(end))


def whole_support(world: World, review_days: int) -> Any:
    return world.arm(review_days=review_days).support
