"""The initial follow graph, drawn per influencer from addressed numbers; knows arrays and scalars only."""

from __future__ import annotations

import numpy as np
from numba import njit

from sim.model.draws import below, philox
from sim.streams import Lane

FOLLOWER = np.uint64(Lane.FOLLOWER)
ATTEMPT_SHIFT = np.uint64(8)


@njit(cache=True, nogil=True)
def split_by_segment(followers, vertical, weight, size, offset):
    """Followers of each influencer per segment, unbiased and with the right sum.

    Systematic rounding: with cumulative quotas ``C_g`` and one uniform offset u per influencer, segment g gets
    ``floor(C_g + u) - floor(C_{g-1} + u)``. What a segment can't hold goes to the others that have weight, in order.

    Parameters
    ----------
    followers, vertical
        Shape (M,).
    weight
        Shape (V, G): weight of a segment among an influencer's followers.
    size
        Shape (G,): fans of a segment.
    offset
        Shape (M,), in (0, 1).

    Returns
    -------
    ndarray
        Shape (M, G), int64. A row sums to less than ``followers`` where the fans with weight are too few.
    """
    n_segments = size.size
    out = np.zeros((followers.size, n_segments), np.int64)
    for i in range(followers.size):
        w = weight[vertical[i]]
        total = 0.0
        last = 0
        for g in range(n_segments):
            total += w[g]
            if w[g] > 0.0:
                last = g
        if total <= 0.0:
            continue
        running, before, over = 0.0, np.int64(0), np.int64(0)
        for g in range(last + 1):
            running += w[g]
            upto = (
                followers[i] if g == last else min(followers[i], np.int64(followers[i] * (running / total) + offset[i]))
            )
            out[i, g] = min(upto - before, size[g])
            over += upto - before - out[i, g]
            before = upto
        for g in range(n_segments):
            if over > 0 and w[g] > 0.0:
                more = min(over, size[g] - out[i, g])
                out[i, g] += more
                over -= more
    return out


@njit(cache=True, nogil=True)
def _draw_member(i, j, segment, size, key, taken, first):
    """A fan of the segment that isn't taken yet: block (i, j, segment | attempt << 8, FOLLOWER), by rejection."""
    attempt = np.uint64(0)
    while True:
        a, b, _, _ = philox(
            np.uint64(i), np.uint64(j), np.uint64(segment) | (attempt << ATTEMPT_SHIFT), FOLLOWER, key[0], key[1]
        )
        fan = first + below(a, b, size)
        if taken[fan] != i:
            return fan
        attempt += np.uint64(1)


@njit(cache=True, nogil=True)
def draw_followers(per_segment, first_of_segment, size, n_fans, key):
    """Followers of every influencer, distinct and uniform within each segment.

    Above half of a segment those who do not follow are drawn instead: a draw takes two tries at most on average.

    Parameters
    ----------
    per_segment
        Shape (M, G), from ``split_by_segment``.
    first_of_segment, size
        Shape (G,): ids of a segment's fans are ``first .. first + size - 1``.
    n_fans
        F.
    key
        (seed, replication), uint64.

    Returns
    -------
    ndarray
        Shape (E,), int32: fan ids, grouped by influencer.
    """
    out = np.empty(per_segment.sum(), np.int32)
    taken = np.full(n_fans, -1, np.int64)
    n = 0
    for i in range(per_segment.shape[0]):
        for g in range(size.size):
            wanted = per_segment[i, g]
            if 2 * wanted <= size[g]:
                for j in range(wanted):
                    fan = _draw_member(i, j, g, size[g], key, taken, first_of_segment[g])
                    taken[fan] = i
                    out[n] = fan
                    n += 1
            else:
                for j in range(size[g] - wanted):
                    taken[_draw_member(i, j, g, size[g], key, taken, first_of_segment[g])] = i
                for fan in range(first_of_segment[g], first_of_segment[g] + size[g]):
                    if taken[fan] != i:
                        out[n] = fan
                        n += 1
    return out


@njit(cache=True, nogil=True)
def lists_of_fans(fan_of_edge, followers, n_fans):
    """Follow lists, each in order of influencer id: where they begin, shape (F + 1,), and their members, shape (E,)."""
    begin = np.zeros(n_fans + 1, np.int64)
    for fan in fan_of_edge:
        begin[fan + 1] += 1
    for f in range(n_fans):
        begin[f + 1] += begin[f]
    members = np.empty(fan_of_edge.size, np.int32)
    place = begin[:-1].copy()
    n = 0
    for i in range(followers.size):
        for _ in range(followers[i]):
            fan = fan_of_edge[n]
            members[place[fan]] = i
            place[fan] += 1
            n += 1
    return begin, members
