"""Follow lists in an arena against plain lists of lists: their entries, where they are, and what room they take."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from sim.errors import MachineError
from sim.model.engines import compiled
from sim.model.engines.compiled import Chunk
from sim.model.kernel import arrivals, follow_lists
from sim.model.layout import ID_MASK, ORIGIN_SHIFT, BlockLists, FansAtStart

Lists = list[list[int]]
NEVER_LEAVES, ALWAYS_LEAVES = 0, 1 << 32
N_ORIGINS = 3

initial = st.lists(st.lists(st.integers(0, ID_MASK - 1), max_size=9, unique=True), min_size=1, max_size=6)
acts = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 30), st.integers(0, N_ORIGINS - 1)), max_size=200)
"""Fan, influencer, origin: who follows already unfollows, the others follow."""


def chunk_of(follows: Lists) -> Chunk:
    """Fans with these lists."""
    begin = np.cumsum([0, *map(len, follows)], dtype=np.uint32)
    members = np.array([i for part in follows for i in part], dtype=np.int32)
    n = len(follows)
    lists = BlockLists(begin, members)
    fans = FansAtStart(np.zeros(n, np.int8), np.ones(n), np.zeros(0, np.int64), (lists,))
    return compiled._chunk(0, (0, n), fans, lists)


def lists_of(chunk: Chunk) -> Lists:
    """The lists as the arena has them."""
    start, length, _, arena, _ = chunk.lists
    return [arena[s : s + n].tolist() for s, n in zip(start.tolist(), length.tolist(), strict=True)]


def free_rows(chunk: Chunk) -> list[tuple[int, int]]:
    """Where each free row begins and ends."""
    rows = []
    for size, first in enumerate(chunk.lists.free[1:].tolist()):
        while first != follow_lists.NO_ROW:
            rows.append((first, first + (1 << size)))
            first = int(chunk.lists.arena[first])
    return rows


def assert_rows_fill_the_arena(chunk: Chunk) -> None:
    """Rows of fans and free rows lie side by side without overlap or loss, and each list fits into its row."""
    lists = chunk.lists
    own = [(s, s + (1 << r)) for s, r in zip(lists.start.tolist(), lists.room.tolist(), strict=True)]
    rows = sorted([*own, *free_rows(chunk)])
    assert [first for first, _ in rows] == [0, *(end for _, end in rows[:-1])]
    assert rows[-1][1] == lists.free[0] <= lists.arena.size
    assert (lists.length <= np.left_shift(1, lists.room, dtype=np.int64)).all()


def append(chunk: Chunk, f: int, entry: int) -> None:
    follow_lists.append(chunk.lists, f, entry)


def remove(chunk: Chunk, f: int, influencer: int, coin: int, unfollow: NDArray[np.int64]) -> bool:
    return bool(follow_lists.remove(chunk.lists, f, influencer, coin, unfollow))


def affordable(chunk: Chunk, due: list[int], n_slots: int, n_places: int) -> int:
    length, room = chunk.lists.length, chunk.lists.room
    return int(arrivals.affordable(len(due), np.array(due, dtype=np.int32), length, room, n_slots, n_places))


@pytest.fixture(autouse=True)
def _a_small_arena(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "GROUP_ROOM", 0)
    monkeypatch.setattr(compiled, "LIST_ROOM", 1.0)


# Their entries


@settings(max_examples=150)
@given(initial, acts)
@example([[]], [(0, i, 0) for i in range(31)] + [(0, i, 0) for i in range(31)])
def test_lists_hold_what_plain_lists_hold_after_any_appends_and_removals(follows: Lists, todo: list[tuple]) -> None:
    chunk, plain = chunk_of(follows), [list(part) for part in follows]
    leaves = np.full(N_ORIGINS, ALWAYS_LEAVES, np.int64)
    for fan, i, origin in todo:
        f = fan % len(plain)
        place = next((p for p, entry in enumerate(plain[f]) if entry & ID_MASK == i), None)
        start = int(chunk.lists.start[f])
        assert follow_lists.is_member(chunk.lists.arena, start, len(plain[f]), i) == (place is not None)
        assert remove(chunk, f, i, 5, leaves) == (place is not None)
        if place is None:
            append(chunk, f, i | origin << ORIGIN_SHIFT)
            plain[f].append(i | origin << ORIGIN_SHIFT)
        else:
            last = plain[f].pop()
            if place < len(plain[f]):
                plain[f][place] = last
        assert lists_of(chunk) == plain
        assert_rows_fill_the_arena(chunk)


def test_an_entry_leaves_only_where_the_coin_lies_below_the_probability_of_its_origin() -> None:
    chunk = chunk_of([[7 | origin << ORIGIN_SHIFT, 8] for origin in range(N_ORIGINS)])
    unfollow = np.array([NEVER_LEAVES, 100, ALWAYS_LEAVES], dtype=np.int64)
    assert [remove(chunk, f, 7, 99, unfollow) for f in range(3)] == [False, True, True]
    assert lists_of(chunk) == [[7, 8], [8], [8]]
    chunk = chunk_of([[7 | 1 << ORIGIN_SHIFT]])
    assert not remove(chunk, 0, 7, 100, unfollow)
    assert not remove(chunk, 0, 6, 0, unfollow)
    assert remove(chunk, 0, 7, 99, unfollow)


@given(
    st.lists(st.integers(0, 9), min_size=10, max_size=10), st.lists(st.integers(0, 9), max_size=8), st.integers(0, 9)
)
def test_somebody_is_better_who_is_better_than_each_one_followed(quality: list[int], list_: list[int], i: int) -> None:
    arena = np.array([99, *(entry | 2 << ORIGIN_SHIFT for entry in list_), 99], dtype=np.int32)
    better = follow_lists.is_better(arena, 1, len(list_), i, np.array(quality, dtype=np.int64))
    assert better == all(quality[entry] < quality[i] for entry in list_)


# Room


@settings(max_examples=100)
@given(initial, st.lists(st.integers(0, 5), max_size=300))
def test_a_row_that_has_become_too_small_is_taken_by_the_next_list_of_its_size(
    follows: Lists, turns: list[int]
) -> None:
    chunk = chunk_of(follows)
    for number, turn in enumerate(turns):
        f = turn % len(follows)
        length, size, used = int(chunk.lists.length[f]), int(chunk.lists.room[f]), int(chunk.lists.free[0])
        waiting = chunk.lists.free[1 + size + 1] != follow_lists.NO_ROW
        append(chunk, f, number)
        moved = length == 1 << size
        assert chunk.lists.room[f] == size + moved
        assert chunk.lists.free[0] == used + (2 << size) * (moved and not waiting)
    assert_rows_fill_the_arena(chunk)


def test_lists_that_grow_in_turn_leave_their_rows_to_each_other() -> None:
    chunk = chunk_of([[], [], []])
    for f in range(3):
        for i in range(64):
            append(chunk, f, i)
    # The first leaves rows of 1 to 32 places behind, all of which the second takes, and the third its.
    assert chunk.lists.free[0] == 3 * 1 + (2 + 4 + 8 + 16 + 32 + 64) + 2 * 64
    assert sorted(end - first for first, end in free_rows(chunk)) == [1, 1, 1, 2, 4, 8, 16, 32]


@settings(max_examples=150)
@given(initial, acts)
def test_new_room_keeps_all_lists_and_leaves_no_holes(follows: Lists, todo: list[tuple]) -> None:
    chunk = chunk_of(follows)
    leaves = np.full(N_ORIGINS, ALWAYS_LEAVES, np.int64)
    for fan, i, origin in todo:
        f = fan % len(follows)
        if not remove(chunk, f, i, 0, leaves):
            append(chunk, f, i | origin << ORIGIN_SHIFT)
    before = lists_of(chunk)
    chunk.make_room()
    assert lists_of(chunk) == before
    assert free_rows(chunk) == []
    assert_rows_fill_the_arena(chunk)
    least = [1 << (len(part) - 1).bit_length() if part else 1 for part in before]
    assert np.left_shift(1, chunk.lists.room, dtype=np.int64).tolist() == least
    assert chunk.lists.free[0] == sum(least)


@settings(max_examples=150)
@given(initial, st.integers(1, 255), st.data())
def test_whoever_can_be_afforded_can_follow_whole_pages_within_the_places_counted(
    follows: Lists, n_slots: int, data: st.DataObject
) -> None:
    chunk = chunk_of(follows)
    for f in data.draw(st.lists(st.integers(0, len(follows) - 1), max_size=40)):
        append(chunk, f, 1)
    due = sorted(data.draw(st.sets(st.integers(0, len(follows) - 1), min_size=1)))
    lists = chunk.lists
    growth = [int(follow_lists.most_growth(int(lists.length[f]), int(lists.room[f]), n_slots)) for f in due]
    places = sum(growth)
    assert affordable(chunk, due, n_slots, places) == len(due)
    if growth[-1]:
        assert affordable(chunk, due, n_slots, places - 1) == len(due) - 1
    used = int(lists.free[0])
    chunk.lists = lists._replace(arena=np.concatenate([lists.arena[:used], np.full(places + 300, -1, np.int32)]))
    turns = data.draw(st.permutations([f for f in due for _ in range(n_slots)])) if n_slots < 9 else due * n_slots
    for f in turns:
        append(chunk, f, 2)
    assert chunk.lists.free[0] <= used + places
    assert (chunk.lists.arena[used + places :] == -1).all()


@given(st.lists(st.integers(0, 600), min_size=1, max_size=4), st.integers(1, 255))
def test_new_room_is_enough_for_a_page_of_any_fan(lengths: list[int], n_slots: int) -> None:
    chunk = chunk_of([list(range(n)) for n in lengths])
    for f in range(len(lengths)):
        assert affordable(chunk, [f], n_slots, chunk.lists.arena.size - int(chunk.lists.free[0])) == 1


def test_lists_that_have_too_many_places_to_be_counted_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    chunk = chunk_of([[1, 2, 3], [4]])
    monkeypatch.setattr(compiled, "MOST_PLACES", chunk.lists.arena.size)
    with pytest.raises(MachineError, match=r"the follow lists of 2 fans have over \d+ places"):
        chunk.make_room()
    monkeypatch.setattr(compiled, "MOST_PLACES", chunk.lists.arena.size + 1)
    chunk.make_room()
    assert lists_of(chunk) == [[1, 2, 3], [4]]
