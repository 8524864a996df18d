"""Follow lists in an arena, compiled: they grow at the end, a removal moves the last entry in; knows arrays only.

An entry is ``influencer | origin << ORIGIN_SHIFT``.
"""

from __future__ import annotations

from numba import njit

from sim.model.frozen import ID_MASK, ORIGIN_SHIFT


@njit(cache=True, nogil=True, _nrt=False)
def move_lists(start, length, arena, new_start, new_arena):
    """Copy the list of each fan from one arena to its place in another; ``new_arena`` is changed."""
    for f in range(length.size):
        for j in range(length[f]):
            new_arena[new_start[f] + j] = arena[start[f] + j]


@njit(cache=True, nogil=True, _nrt=False, forceinline=True)
def is_member(arena, start, n, influencer):
    """Whether an influencer stands on a list."""
    found = 0
    for j in range(start, start + n):
        found += (arena[j] & ID_MASK) == influencer
    return found > 0


@njit(cache=True, nogil=True, _nrt=False)
def is_better(arena, start, n, influencer, quality):
    """Whether an influencer's quality is above that of everybody on the list."""
    for j in range(start, start + n):  # noqa: SIM110 - what the compiler knows
        if quality[arena[j] & ID_MASK] >= quality[influencer]:
            return False
    return True


@njit(cache=True, nogil=True, _nrt=False)
def remove(arena, start, length, f, influencer, coin, unfollow):
    """Take off a follow list if the coin lies below ``unfollow`` of the entry's origin, the last entry moving to its
    place; whether it was done.
    """
    for j in range(start[f], start[f] + length[f]):
        if (arena[j] & ID_MASK) == influencer:
            if coin >= unfollow[arena[j] >> ORIGIN_SHIFT]:
                return False
            length[f] -= 1
            arena[j] = arena[start[f] + length[f]]
            return True
    return False


@njit(cache=True, nogil=True, _nrt=False, forceinline=True)
def append(start, length, capacity, arena, cursor, f, entry):
    """Add to the end of a follow list; a full one moves to the end of the arena with twice the room."""
    n = length[f]
    if n == capacity[f]:
        room = max(4, 2 * n)
        target = cursor[0]
        for j in range(n):
            arena[target + j] = arena[start[f] + j]
        start[f] = target
        capacity[f] = room
        cursor[0] = target + room
    arena[start[f] + n] = entry
    length[f] = n + 1
