"""Follow lists in an arena, compiled: they grow at the end, a removal moves the last entry in; knows arrays only.

An entry is ``influencer | origin << ORIGIN_SHIFT``. A list has room for a power of two of them; rows that have become
too small wait in lists of free ones, one for each size, until another list grows into them. ``free`` has the first free
place of the arena, and for each size the row that was freed last, or ``NO_ROW``; a free row begins with the next one.
"""

from __future__ import annotations

import numpy as np

from sim.model.kernel.compiled_code import njit
from sim.model.layout import ID_MASK, ORIGIN_SHIFT

SMALLEST = 0
"""The smallest lists have room for one."""
N_SIZES = 31
NO_ROW = -1


@njit(cache=True, nogil=True, _nrt=False, no_cfunc_wrapper=True)
def move_lists(start, length, arena, new_start, new_arena):
    """Copy the list of each fan from one arena to its place in another.

    Changes ``new_arena``, shape (P,) [entries].
    """
    for f in range(length.size):
        for j in range(length[f]):
            new_arena[new_start[f] + j] = arena[start[f] + j]


@njit(cache=True, nogil=True, _nrt=False, no_cfunc_wrapper=True)
def sizes(length, room):
    """The least size that each list fits into.

    Changes ``room``, shape (F,) [logarithm of the number of entries, base 2].
    """
    for f in range(length.size):
        room[f] = SMALLEST
        while (1 << room[f]) < length[f]:
            room[f] += 1


@njit(cache=True, nogil=True, _nrt=False, no_cfunc_wrapper=True, forceinline=True)
def is_member(arena, start, n, influencer):
    """Whether an influencer is on a list."""
    found = 0
    for j in range(start, start + n):
        found += (arena[j] & ID_MASK) == influencer
    return found > 0


@njit(cache=True, nogil=True, _nrt=False, no_cfunc_wrapper=True)
def is_better(arena, start, n, influencer, quality):
    """Whether an influencer's quality is above that of all on the list."""
    for j in range(start, start + n):  # noqa: SIM110 - what the compiler knows
        if quality[arena[j] & ID_MASK] >= quality[influencer]:
            return False
    return True


@njit(cache=True, nogil=True, _nrt=False, no_cfunc_wrapper=True)
def remove(lists, f, influencer, coin, unfollow):
    """Take off a follow list if the coin lies below ``unfollow`` of the entry's origin; whether it was done.

    The last entry moves to its place. Changes ``lists.arena``, shape (P,) [entries], and ``lists.length``, shape (F,)
    [entries].
    """
    arena, length = lists.arena, lists.length
    first = np.int64(lists.start[f])
    for j in range(first, first + length[f]):
        if (arena[j] & ID_MASK) == influencer:
            if coin >= unfollow[arena[j] >> ORIGIN_SHIFT]:
                return False
            length[f] -= 1
            arena[j] = arena[first + length[f]]
            return True
    return False


@njit(cache=True, nogil=True, _nrt=False, no_cfunc_wrapper=True, forceinline=True)
def most_growth(n, room, n_more):
    """Places of the arena that a list of n can take at most while ``n_more`` are added."""
    return 4 * (n + n_more) if n + n_more > (1 << room) else 0


@njit(cache=True, nogil=True, _nrt=False, no_cfunc_wrapper=True)
def append(lists, f, entry):
    """Add to the end of a follow list; a full one moves to a row of twice the size.

    Changes all of ``lists``: shapes (F,) [places, entries, logarithms], (P,) [entries] and (32,) [places].
    """
    start, length, room, arena, free = lists.start, lists.length, lists.room, lists.arena, lists.free
    n = length[f]
    size = np.int64(room[f])
    if n == (1 << size):
        first = np.int64(start[f])
        target = free[1 + size + 1]
        if target == NO_ROW:
            target = free[0]
            free[0] += 2 << size
        else:
            free[1 + size + 1] = arena[target]
        for j in range(n):
            arena[target + j] = arena[first + j]
        arena[first] = free[1 + size]
        free[1 + size] = first
        start[f] = target
        room[f] = size + 1
    arena[np.int64(start[f]) + n] = entry
    length[f] = n + 1
