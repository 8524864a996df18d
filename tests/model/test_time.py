"""Time: hours of the day, segments that grow, and refresh intervals from minutes to days."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st
from scipy import stats
from support.forms import drawn
from support.inspection import ENGINES, NEVER, Z, lists_of, one_surface, outcomes, pages_of, run, slots_of, z_score
from support.scenarios import World, plain, roster_of, world_of, worlds

from sim.calendar import DAY
from sim.model.clock import Order
from sim.model.layout import Counter, SlotSource, Total
from sim.model.simulation import Observation, simulate
from sim.types import EngineName

EVENING = [0.0] * 18 + [1.0, 2.0, 4.0, 2.0, 1.0, 0.0]
MORNING = [0.0] * 6 + [3.0] * 6 + [0.0] * 12


def segmented(segments: dict[str, Any], *, days: int = 10, sessions_per_day: float = 3.0, count: int = 40) -> World:
    """Fans of these segments on a page of one slot."""
    return one_surface(
        [1] * 4,
        fans={"count": count, "sessions_per_day": sessions_per_day},
        slots=1,
        over={"segments": segments, "horizon_days": days},
    )


# Hours


@pytest.mark.parametrize("engine", ENGINES)
def test_sessions_fall_on_each_hour_as_often_as_it_is_active(engine: EngineName) -> None:
    world = segmented({"all": {"share": 1.0, "hours": EVENING}}, sessions_per_day=100.0, count=2)
    hours = np.array([slot.time // 3600 % 24 for slot in slots_of(run(world, engine=engine, fan=0))])
    seen, active = np.bincount(hours, minlength=24), np.array(EVENING) > 0
    assert not seen[~active].any()
    assert stats.chisquare(seen[active], seen.sum() * np.array(EVENING)[active] / sum(EVENING)).pvalue > 1e-4


@pytest.mark.parametrize("hours", [[], EVENING, MORNING, [1.0] * 24, [7.0] + [0.0] * 23])
def test_hours_leave_the_mean_number_of_sessions_as_it_is(hours: list[float]) -> None:
    world = segmented({"all": {"share": 1.0, "hours": hours}})
    sessions = np.array([outcome.totals[0, Total.SESSIONS] for outcome in outcomes(world, 300)], dtype=np.float64)
    mean = 40 * 10 * 3.0
    assert abs(z_score(sessions - mean)) < Z
    assert abs(z_score((sessions - mean) ** 2 - mean)) < Z  # thinned, a Poisson process stays one


def test_equal_hours_are_the_same_as_none() -> None:
    ours, theirs = (run(segmented({"all": {"share": 1.0, "hours": hours}})) for hours in ([2.5] * 24, []))
    assert ours.digest() == theirs.digest()


def test_each_segment_keeps_its_own_hours() -> None:
    world = segmented({"early": {"share": 0.5, "hours": MORNING}, "late": {"share": 0.5, "hours": EVENING}})
    for fan, hours in [(0, MORNING), (39, EVENING)]:
        times = {slot.time // 3600 % 24 for slot in slots_of(run(world, fan=fan))}
        assert len(times) > 2
        assert all(hours[hour] > 0 for hour in times)


@pytest.mark.parametrize("engine", ENGINES)
def test_hours_hold_before_day_zero_too(engine: EngineName) -> None:
    parts = segmented({"all": {"share": 1.0, "hours": EVENING}}, sessions_per_day=20.0, count=8).scenario.model_dump()
    world = world_of(parts | {"warmup_days": 5, "horizon_days": 1}, roster_of([1] * 4))
    times = np.array([slot.time for slot in slots_of(run(world, engine=engine, fan=0))])
    assert (times < 0).sum() > 50
    assert (np.array(EVENING)[times // 3600 % 24] > 0).all()


def test_a_thinned_session_uses_its_number_up_so_that_the_others_keep_their_draws() -> None:
    busy = one_surface([5] * 6, fans={"count": 30, "sessions_per_day": 24.0}, slots=3)
    parts = busy.scenario.model_dump()
    # Half the hours at half the base rate: the same candidate sessions, half of them thinned out.
    parts["segments"] = {"all": {"share": 1.0, "hours": [1.0] * 12 + [0.0] * 12}}
    parts["fans"]["sessions_per_day"] = 12.0
    thinned = world_of(parts, busy.roster)
    whole = {slot[:5] for slot in slots_of(run(busy, fan=3))}
    kept = {slot[:5] for slot in slots_of(run(thinned, fan=3))}
    assert kept == {slot for slot in whole if slot[0] // 3600 % 24 < 12}
    assert 0 < len(kept) < len(whole)


# Growth


def growing(rate: float, **fans: Any) -> World:
    """A segment that grows next to one that doesn't, over 73 days, a fifth of a year."""
    segments = {"grows": {"share": 0.5, "growth_per_year": rate}, "stays": {"share": 0.5}}
    return segmented(segments, days=73, **({"sessions_per_day": 1.0} | fans))


@pytest.mark.parametrize(("rate", "n_new"), [(0.0, 0), (1.0, 4), (5.0, 20), (50.0, 200)])
def test_a_segment_grows_by_the_stated_number_of_fans_who_follow_nobody(rate: float, n_new: int) -> None:
    people = growing(rate).population
    assert people.segment.size == 40 + n_new
    assert (people.segment[40:] == 0).all()
    begin, members = people.follow_lists
    assert (begin[40:] == begin[-1]).all()
    assert people.joined.size == n_new
    assert members.size == growing(0.0).population.follow_lists[1].size


def test_fans_join_evenly_over_the_whole_time() -> None:
    joined = growing(100.0).population.joined
    assert joined.size == 400
    assert stats.kstest(joined / (73 * DAY), "uniform").pvalue > 1e-4


@pytest.mark.parametrize("engine", ENGINES)
def test_no_fan_has_a_session_before_it_joins(engine: EngineName) -> None:
    world = growing(5.0, sessions_per_day=1.0)
    for fan in (40, 59):
        first = slots_of(run(world, engine=engine, fan=fan))[0]
        assert world.population.joined[fan - 40] <= first.time < world.population.joined[fan - 40] + 20 * DAY


def test_growth_adds_the_sessions_of_the_time_that_each_new_fan_is_there() -> None:
    world = growing(5.0)
    there = np.append(np.full(40, 73 * DAY), 73 * DAY - world.population.joined) / DAY
    sessions = np.array([[outcome.totals[0, Total.SESSIONS]] for outcome in outcomes(world, 200)])
    assert abs(z_score(sessions - there.sum())[0]) < Z
    assert 40 < there.sum() / 73 < 60


@drawn(8, 20, worlds(), st.sampled_from([0.5, 3.0, 30.0]))
def test_growth_leaves_the_fans_of_day_zero_and_all_influencers_as_they_are(world: World, rate: float) -> None:
    parts = world.scenario.model_dump()
    for segment in parts["segments"].values():
        segment["growth_per_year"] = 0.0
    before = world_of(parts, world.roster, world.key)
    for segment in parts["segments"].values():
        segment["growth_per_year"] = rate
    after = world_of(parts, world.roster, world.key)
    n = before.population.segment.size
    assert np.array_equal(after.population.mean_gap[:n], before.population.mean_gap)
    assert np.array_equal(after.population.quality, before.population.quality)
    assert np.array_equal(after.population.follow_lists[1], before.population.follow_lists[1])
    frozen = {"follow_prob": 0.0, "follow_fame": 0.0, "unfollow_prob": 0.0, "support_share": 0.0}
    for each in (before, after):
        each.scenario.surfaces.update({k: s.model_copy(update=frozen) for k, s in each.scenario.surfaces.items()})
    assert run(after, fan=0).trace.tolist() == run(before, fan=0).trace.tolist()
    assert lists_of(run(after))[:n] == lists_of(run(before))


def test_fans_who_joined_follow_and_are_counted_as_followers() -> None:
    parts = growing(50.0).scenario.model_dump()
    parts["surfaces"]["find"]["follow_prob"] = 1.0
    world = world_of(parts, roster_of([1] * 4))
    outcome = run(world)
    later = lists_of(outcome)[40:]
    assert sum(bool(follows) for follows in later) > 150
    assert outcome.followers(73 * DAY).sum() == outcome.follow_lists[1].size


# Refresh


def refreshes(world: World, engine: EngineName = "compiled") -> list[int]:
    """Times [s] at which tables are refreshed."""
    times: list[int] = []

    def watch(observation: Observation) -> None:
        if observation.order is Order.REFRESH:
            times.append(observation.time)

    simulate(world.scenario, world.population, world.key, engine=engine, watch=watch)
    return times


@pytest.mark.parametrize("minutes", [1, 10, 60, 1440, 2 * 1440, NEVER])
def test_tables_are_refreshed_at_day_zero_and_each_interval_from_minutes_to_days(minutes: int) -> None:
    world = one_surface([1] * 4, refresh_minutes=minutes, over={"horizon_days": 4, "warmup_days": 1})
    times = refreshes(world)
    assert times == [*range(-DAY, 0, minutes * 60), *range(0, 4 * DAY, minutes * 60)]


def test_each_surface_is_refreshed_in_its_own_interval() -> None:
    surfaces = {
        "a": {"kind": "discovery", "session_share": 0.5, "refresh_minutes": 360},
        "b": {"kind": "commerce", "session_share": 0.5, "refresh_minutes": 1440},
    }
    world = one_surface([1] * 4, over={"surfaces": surfaces, "horizon_days": 2})
    assert refreshes(world) == refreshes(world, "reference")
    assert len(refreshes(world)) == 8 + 2


@pytest.mark.parametrize("engine", ENGINES)
def test_new_followers_are_seen_from_the_next_refresh_on_and_not_before(engine: EngineName) -> None:
    # Account 1 has no followers and is found by exploration alone, until a refresh sees its new followers.
    ranking = {"offset_people": 0.0, "exploration": 0.5}
    world = one_surface([20, 0], slots=1, follow_prob=1.0, refresh_minutes=3 * 1440, ranking=ranking)
    times = [
        slot.time
        for fan in range(20)
        for slot in slots_of(run(world, engine=engine, fan=fan))
        if slot.influencer == 1 and slot.source == SlotSource.ORGANIC
    ]
    assert times
    assert min(times) >= 3 * DAY


def test_faster_refreshes_feed_popularity_back_faster() -> None:
    def found_organically(minutes: int) -> int:
        ranking = {"offset_people": 0.0, "popularity": 1.0, "exploration": 0.5}
        world = one_surface([60, 0], slots=1, follow_prob=1.0, refresh_minutes=minutes, ranking=ranking)
        return int(run(world).counts[1, 0, Counter.EXPOSURE])

    slow, daily, fast = (found_organically(minutes) for minutes in (NEVER, 1440, 10))
    assert slow < daily < fast


def test_sessions_of_a_fan_are_ordered_in_time_and_numbered_in_turn() -> None:
    world = one_surface([1] * 4, fans={"sessions_per_day": 5.0}, slots=1, refresh_minutes=7)
    pages = [page[0] for page in pages_of(run(world, fan=1))]
    assert all(a.time <= b.time and a.event + 1 == b.event for a, b in pairwise(pages))
    assert len(pages) > 30


def test_an_activity_of_zero_means_no_sessions_whatever_the_hours() -> None:
    parts = plain(segments={"idle": {"share": 1.0, "activity": 0.0, "hours": EVENING, "growth_per_year": 10.0}})
    parts["fans"]["follows_per_fan"] = 0.0
    assert run(world_of(parts)).totals[0, Total.SESSIONS] == 0
