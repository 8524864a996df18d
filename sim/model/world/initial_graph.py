"""Fans and the initial follow graph, drawn from addressed numbers, compiled; knows arrays and scalars only."""

from __future__ import annotations

import numpy as np

from sim.model.kernel.compiled_code import njit
from sim.model.kernel.draws import address, below, exp, normal_quantile, philox, unit_draw
from sim.streams import Lane

FOLLOWER, FAN_ACTIVITY = np.uint64(Lane.FOLLOWER), np.uint64(Lane.FAN_ACTIVITY)
ZERO = np.uint64(0)
DAY = 86400.0
ATTEMPT_SHIFT = np.uint64(8)


@njit(cache=True, nogil=True)
def sizes_of_segments(segment, n_segments):
    """Fans of each segment, shape (G,)."""
    sizes = np.zeros(n_segments, np.int64)
    for g in segment:
        sizes[g] += 1
    return sizes


@njit(cache=True, nogil=True, error_model="numpy")
def mean_gaps(segment, activity, sessions_per_day, sigma, key, own):
    """Mean time between the sessions of each fan, shape (F,) [s]; inf: none.

    A fan's rate is its segment's times a lognormal factor of mean 1, drawn at its own address, where fans have one
    (``layout.Addresses``), or at its number. Fan after fan: many fans are the largest part of
    what a run keeps in memory, and have no room for other arrays of their length.
    """
    gaps = np.empty(segment.size, np.float64)
    for f in range(segment.size):
        rate = activity[segment[f]]
        if sigma > 0.0:
            entity, seed, replication = address(own, f, 0, key)
            a, b, _, _ = philox(entity, ZERO, ZERO, FAN_ACTIVITY, seed, replication)
            u = unit_draw(a, b)
            rate = rate * exp(sigma * normal_quantile(u) - 0.5 * sigma * sigma)
        gaps[f] = DAY / (sessions_per_day * rate)
    return gaps


@njit(cache=True, nogil=True)
def split_by_segment(followers, vertical, weight, size, offset):
    """Followers of each influencer per segment, unbiased and with the right sum.

    Systematic rounding: with cumulative quotas ``C_g`` and one uniform offset u per influencer, segment g gets
    ``floor(C_g + u) - floor(C_{g-1} + u)``. What exceeds a segment's fans goes to the others with weight, in order.

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
def _draw_member(entity, j, segment, key, taken, mark):
    """A fan of the segment not in ``taken`` yet, by rejection: block (entity, j, g | attempt << 8, FOLLOWER)."""
    g, first, size = segment
    attempt = np.uint64(0)
    while True:
        slot = np.uint64(g) | (attempt << ATTEMPT_SHIFT)
        a, b, _, _ = philox(entity, np.uint64(j), slot, FOLLOWER, key[0], key[1])
        fan = first + below(a, b, size)
        if taken[fan] != mark:
            return fan
        attempt += np.uint64(1)


@njit(cache=True, nogil=True)
def _draw_followers(entity, segment, wanted, key, taken, mark, found):
    """Followers of an influencer in a segment, (number, first fan, size), distinct and uniform.

    Changes ``found``, shape (N,) with N >= wanted [fans], and ``taken``, shape (F,) [the last mark of each fan].

    Above half of a segment those who do not follow are drawn instead: a draw takes two tries at most on average.
    """
    _, first, size = segment
    if 2 * wanted <= size:
        for j in range(wanted):
            found[j] = _draw_member(entity, j, segment, key, taken, mark)
            taken[found[j]] = mark
        return
    for j in range(size - wanted):
        taken[_draw_member(entity, j, segment, key, taken, mark)] = mark
    n = 0
    for fan in range(first, first + size):
        if taken[fan] != mark:
            found[n] = fan
            n += 1


@njit(cache=True, nogil=True)
def draw_lists(per_segment, first_of_segment, size, own):
    """Follow lists of all fans, each in order of influencer id.

    All is drawn twice, to count and to fill: a list of edges would double what a run needs at its peak.

    Parameters
    ----------
    per_segment
        Shape (M, G), from ``split_by_segment``.
    first_of_segment, size
        Shape (G,): ids of a segment's fans are ``first .. first + size - 1``; all fans are in one.
    own
        ``layout.Addresses`` of the influencers, (M,) and (M, 2).

    Returns
    -------
    tuple
        Where they begin, shape (F + 1,), uint32, and their members, shape (E,), int32.
    """
    n_influencers, n_fans = per_segment.shape[0], size.sum()
    begin = np.zeros(n_fans + 2, np.uint32)
    members = np.empty(per_segment.sum(), np.int32)
    taken = np.full(n_fans, -1, np.int32)
    found = np.empty(size.max(), np.int32)
    for turn in range(2):
        for i in range(n_influencers):
            entity, seed, replication = address(own, i, 0, (ZERO, ZERO))
            for g in range(size.size):
                n, mark = per_segment[i, g], i + turn * n_influencers
                segment, key = (g, first_of_segment[g], size[g]), (seed, replication)
                _draw_followers(entity, segment, n, key, taken, mark, found)
                for fan in found[:n]:
                    if turn == 0:
                        begin[fan + 2] += 1
                    else:
                        members[begin[fan + 1]] = i
                        begin[fan + 1] += 1
        if turn == 0:
            for f in range(n_fans):
                begin[f + 2] += begin[f + 1]
    return begin[: n_fans + 1], members
