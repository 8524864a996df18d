"""Fans and the initial follow graph, drawn from addressed numbers, compiled; knows arrays and scalars only."""

from __future__ import annotations

import numpy as np

from sim.model.kernel.compiled_code import njit
from sim.model.kernel.draws import address, exp, normal_quantile, philox, unit_draw
from sim.streams import Lane

FAN_ACTIVITY = np.uint64(Lane.FAN_ACTIVITY)
ZERO = np.uint64(0)
DAY = 86400.0


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
