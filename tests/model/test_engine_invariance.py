"""How the compiled engine cuts its work up changes nothing: groups, chunks, threads, arenas, intervals, pages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st
from support.engine_runs import assert_engines_agree, assert_same, lists_of, run
from support.forms import drawn, slow
from support.inspection import one_surface, pages_of
from support.scenarios import World, dense_world, plain, roster_of, without_phases, world_of, worlds

from sim.model.engines import compiled
from sim.model.kernel import session_group
from sim.model.kernel.choice import FEW
from sim.model.kernel.pages import LONG, MOST_PAGES
from sim.model.kernel.session_group import Group
from sim.model.layout import Counter, FollowLists, Tables, Total
from sim.model.simulation import simulate

powers_of_two = st.sampled_from([1, 2, 32, 512])


@contextmanager
def cut_up(
    *,
    most_sessions: int = 512,
    most_slots: int = 8192,
    most_fans: int = 1 << 16,
    group_room: int = 1 << 17,
    least_group: int = 64,
) -> Iterator[SimpleNamespace]:
    """The compiled engine with groups, chunks and arenas of these sizes; counts how often lists move to a new arena.

    No list ever reaches beyond its arena.
    """
    counted = SimpleNamespace(layouts=0, calls=0)
    own, kernel = compiled.Chunk.make_room, compiled.sessions

    def make_room(chunk: compiled.Chunk) -> None:
        counted.layouts += 1
        own(chunk)

    def sessions(*arguments: Any) -> int:
        counted.calls += 1
        reached = int(kernel(*arguments))
        (lists,) = (argument for argument in arguments if isinstance(argument, FollowLists))
        assert lists.free[0] <= lists.arena.size
        return reached

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session_group, "MOST_SESSIONS", most_sessions)
        patch.setattr(session_group, "FEWEST_SESSIONS", 1)
        patch.setattr(session_group, "MOST_SLOTS", most_slots)
        patch.setattr(compiled, "MOST_FANS", most_fans)
        patch.setattr(compiled, "THREAD_WORTH", 0)
        patch.setattr(compiled, "GROUP_ROOM", group_room)
        patch.setattr(compiled, "LIST_ROOM", 1.0)
        patch.setattr(compiled, "LEAST_GROUP", least_group)
        patch.setattr(compiled.Chunk, "make_room", make_room)
        patch.setattr(compiled, "sessions", sessions)
        yield counted


# Groups, chunks and threads


@drawn(8, 60, worlds(), powers_of_two, st.sampled_from([1, 40, 8192]))
def test_groups_of_any_size_give_the_same_bits(world: World, most_sessions: int, most_slots: int) -> None:
    plainly = run(world)
    with cut_up(most_sessions=most_sessions, most_slots=most_slots):
        assert_same(run(world), plainly)


@drawn(8, 60, worlds(), st.sampled_from([1, 2, 7]), st.sampled_from([1, 2, 4]))
def test_chunks_and_threads_of_any_number_give_the_same_bits(world: World, most_fans: int, threads: int) -> None:
    plainly = run(world)
    with cut_up(most_fans=most_fans):
        assert_same(run(world, threads=threads), plainly)


@drawn(8, 60, worlds(), st.sampled_from([1, 64, 512]), st.sampled_from([1, 9, 1 << 16]), st.sampled_from([1, 32]))
def test_arenas_with_hardly_any_room_give_the_same_bits(
    world: World, least_group: int, most_fans: int, most_sessions: int
) -> None:
    plainly = run(world)
    with cut_up(group_room=0, least_group=least_group, most_fans=most_fans, most_sessions=most_sessions):
        assert_same(run(world), plainly)


@drawn(6, 40, worlds(), powers_of_two, st.sampled_from([1, 7]), st.sampled_from([1, 2, 4]), st.sampled_from([1, 64]))
def test_work_cut_up_in_every_way_gives_the_bits_of_the_reference(
    world: World, most_sessions: int, most_fans: int, threads: int, least_group: int
) -> None:
    reference = run(world, engine="reference")
    with cut_up(most_sessions=most_sessions, most_fans=most_fans, group_room=0, least_group=least_group):
        assert_same(run(world, threads=threads), reference)


@pytest.mark.parametrize("threads", [1, 2, 4])
@pytest.mark.parametrize(("least_group", "most_sessions"), [(64, 512), (1, 512), (64, 2), (1, 1)])
def test_arenas_are_laid_out_anew_within_an_interval_and_change_nothing(
    least_group: int, most_sessions: int, threads: int
) -> None:
    world = dense_world(fans={"count": 200, "follows_per_fan": 10.0, "sessions_per_day": 3.0})
    plainly = run(world)
    with cut_up(group_room=0, least_group=least_group, most_sessions=most_sessions, most_fans=100) as counted:
        outcome = run(world, threads=threads)
    n_chunks = max(2, 1 if threads == 1 else 4 * threads)
    assert counted.layouts > n_chunks  # beyond the first of each
    assert counted.calls > n_chunks * 10  # more than once a day
    assert_same(outcome, plainly)


@drawn(6, 40, worlds(max_sessions=60), powers_of_two, st.integers(0, 4))
def test_the_trace_of_a_fan_is_the_same_for_groups_of_any_size(world: World, most_sessions: int, fan: int) -> None:
    plainly = simulate(world.scenario, world.population, world.key, engine="reference", fan=fan)
    with cut_up(most_sessions=most_sessions, group_room=0, least_group=1, most_fans=3):
        ours = simulate(world.scenario, world.population, world.key, fan=fan)
    assert ours.trace.tolist() == plainly.trace.tolist()
    assert_same(ours, plainly)


def test_a_trace_longer_than_its_room_is_whole() -> None:
    busy = {"count": 2, "follows_per_fan": 4.0, "sessions_per_day": 30.0}
    surface = {"kind": "discovery", "session_share": 1.0, "slots": 200, "distinct": False}
    world = world_of(plain(fans=busy, surfaces={"find": surface}, influencers={"count": 8, "followers": 1.0}))
    ours, theirs = (
        simulate(world.scenario, world.population, world.key, engine=engine, fan=1)
        for engine in ("compiled", "reference")
    )
    assert len(ours.trace) > 40 * 1024
    assert np.array_equal(ours.trace, theirs.trace)


# Intervals


@drawn(8, 60, worlds(), st.sets(st.integers(0, 39), min_size=1, max_size=4), powers_of_two)
def test_phases_that_change_nothing_give_the_same_bits(world: World, days: set[int], most_sessions: int) -> None:
    # All surfaces are refreshed when a phase begins: here they are at each midnight anyway.
    daily = {n: s.model_copy(update={"refresh_minutes": 1440}) for n, s in world.scenario.surfaces.items()}
    scenario = without_phases(world).scenario.model_copy(update={"surfaces": daily})
    starts = sorted(day for day in days if day < scenario.horizon_days)
    same = {f"same {number}": {"start_day": day} for number, day in enumerate(starts)}
    plainly = run(world, scenario)
    with cut_up(most_sessions=most_sessions, most_fans=9):
        assert_same(run(world, scenario.model_copy(update={"phases": same})), plainly)


@pytest.mark.parametrize("minutes", [60, 7, 1440])
def test_intervals_of_any_length_give_the_same_bits_on_full_pages(minutes: int) -> None:
    world = dense_world()
    parts = world.scenario.model_dump()
    parts["surfaces"]["unopened"] = {"kind": "discovery", "session_share": 0.0, "refresh_minutes": minutes}
    plainly, ours = run(world), run(world, world_of(parts).scenario)
    assert np.array_equal(ours.counts[:, :1], plainly.counts)
    assert [block.members.tolist() for block in ours.lists] == [block.members.tolist() for block in plainly.lists]
    assert lists_of(ours) == lists_of(plainly)


# Pages


MIXED: dict[str, Any] = {
    "support": {"policy": "tiered", "within_tier": "equal", "share": 0.3, "tiers": {"t": {"weight": 1.0}}},
    "horizon_days": 6,
}


def mixed(slots: int, *, distinct: bool, kind: str = "commerce", **find: Any) -> World:
    """Sixty unequal accounts, seven of them supported, on pages of this many slots."""
    roster = {"followers": [1 + i % 37 for i in range(60)], "agency": ["a"] * 7 + [None] * 53}
    own = {"support_share": 0.3, "custom_share": 0.2} if kind == "commerce" else {}
    busy = {"count": 60, "sessions_per_day": 2.0 if slots < 60 else 0.3}  # the reference takes its time for long pages
    return one_surface(
        roster, fans=busy, slots=slots, distinct=distinct, kind=kind,
        follow_prob=0.2, unfollow_prob=0.1, over=MIXED, **own, **find,
    )  # fmt: skip


@pytest.mark.parametrize("distinct", [True, False])
@pytest.mark.parametrize("slots", [1, LONG, LONG + 1, 61, *(slow(n) for n in (2, LONG - 1, LONG + 2, 255))])
@pytest.mark.parametrize("kind", ["commerce", "feed"])
def test_both_engines_agree_on_pages_of_every_length(kind: str, slots: int, distinct: bool) -> None:
    assert_engines_agree(mixed(slots, distinct=distinct, kind=kind))


@pytest.mark.parametrize("slots", [slow(LONG), LONG + 1])
@pytest.mark.parametrize(
    "ranking",
    [{"exploration": 0.4}, {"exploration": 1.0}, {"selection": "top"}, {"popularity": 3.0, "offset_people": 0.0}],
)
def test_both_engines_agree_on_long_pages_however_they_are_ranked(slots: int, ranking: dict[str, Any]) -> None:
    assert_engines_agree(mixed(slots, distinct=True, ranking=ranking))


@pytest.mark.parametrize("distinct", [True, False])
def test_a_longer_page_begins_with_the_shorter_one(distinct: bool) -> None:
    def pages(slots: int) -> list[list[tuple[int, int]]]:
        world = mixed(slots, distinct=distinct, examination={"exponent": 0.0})
        still = {n: s.model_copy(update={"follow_prob": 0.0}) for n, s in world.scenario.surfaces.items()}
        scenario = world.scenario.model_copy(update={"surfaces": still})
        outcome = simulate(scenario, world.population, world.key, fan=3)
        return [[(slot.influencer, slot.source) for slot in page] for page in pages_of(outcome)]

    short, long, longest = (pages(slots) for slots in (LONG, LONG + 1, 55))
    assert len(short) == len(long) > 5
    assert [page[:LONG] for page in long] == short
    assert [page[: LONG + 1] for page in longest] == long
    if distinct:
        assert all(len({i for i, _ in page}) == 55 for page in longest)


@pytest.mark.parametrize("n", [0, 1, FEW, FEW + 1, *(slow(n) for n in (2, 16, 17, FEW - 1, 60))])
@pytest.mark.parametrize("distinct", [True, False])
@pytest.mark.parametrize("slots", [1, 10])
def test_both_engines_agree_on_feeds_of_any_number_of_accounts(n: int, distinct: bool, slots: int) -> None:
    roster = {"followers": [20] * n + [0] * (60 - n), "posts_per_day": [float(i % 7) for i in range(60)]}
    fans = {"count": 20, "sessions_per_day": 3.0}
    world = one_surface(roster, fans=fans, kind="feed", slots=slots, distinct=distinct, over={"horizon_days": 5})
    assert_engines_agree(world)
    assert bool(run(world).counts[:, 0, Counter.EXPOSURE].any()) == (n > 1)  # account 0 posts nothing


@pytest.mark.parametrize(("first", "then"), [(LONG, LONG + 1), (40, 3), slow(3, 40), slow(1, 70)])
@pytest.mark.parametrize("most_sessions", [1, 512])
def test_pages_that_grow_in_a_phase_give_the_bits_of_the_reference(first: int, then: int, most_sessions: int) -> None:
    parts = mixed(first, distinct=True).scenario.model_dump()
    back = {"start_day": 4, "surfaces": {"find": {"slots": 5}}}
    parts["phases"] = {"longer": {"start_day": 2, "surfaces": {"find": {"slots": then}}}, "back": back}
    world = world_of(parts, roster_of([1 + i % 37 for i in range(60)], agency=["a"] * 7 + [None] * 53))
    reference = run(world, engine="reference")
    assert reference.totals[0, Total.SLOTS] not in {n * reference.totals[0, Total.SESSIONS] for n in (first, then, 5)}
    with cut_up(most_sessions=most_sessions, group_room=0):
        for threads in (1, 2):
            assert_same(run(world, threads=threads), reference)


def late_group(n_left: int) -> Any:
    """Makes groups that have numbers for this many pages left; their first pages' numbers are those of early ones."""

    def new_group(tables: Tables, *, own_keys: bool) -> Group:
        made = session_group.new_group(tables, own_keys=own_keys)
        made.places.page[0] = MOST_PAGES - n_left
        made.places.seen[:] = 1 + np.arange(made.places.seen.size) % 50
        return made

    return new_group


@pytest.mark.parametrize("kind", ["commerce", "feed"])
@pytest.mark.parametrize("n_left", [0, 1, 5, 100])
@pytest.mark.parametrize("slots", [5, LONG + 1])
def test_pages_whose_numbers_run_out_give_the_same_bits(kind: str, n_left: int, slots: int) -> None:
    world = mixed(slots, distinct=True, kind=kind)
    plainly = run(world)
    made: list[Group] = []

    def new_group(tables: Tables, *, own_keys: bool) -> Group:
        made.append(late_group(n_left)(tables, own_keys=own_keys))
        return made[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiled, "new_group", new_group)
        assert_same(run(world), plainly)
    (used,) = made
    assert 0 < used.places.page[0] < 2000  # they have begun again


@drawn(6, 40, worlds(), st.integers(0, 60))
def test_page_numbers_that_run_out_change_nothing_anywhere(world: World, n_left: int) -> None:
    plainly = run(world)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiled, "new_group", late_group(n_left))
        assert_same(run(world), plainly)
