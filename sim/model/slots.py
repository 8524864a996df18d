"""Slot tables: integer weights as prefix sums with a guide, shared by both engines; knows arrays and scalars only.

These keep the interpreter's lock, which numpy's own functions release and take again: with several units at work on
threads, waiting for it would take longer than what they do.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from sim.model.draws import exp, power

MAX_WEIGHT = float(1 << 40)
LN_2 = 0.6931471805599453
MAX_TOTAL = float(1 << 62)


@njit(cache=True)
def powers(amounts, exponent):
    """``amounts ** exponent`` by ``streams.power``; shape (n,)."""
    out = np.empty(amounts.size, np.float64)
    for i in range(amounts.size):
        out[i] = power(amounts[i], exponent)
    return out


@njit(cache=True)
def powers_of_ratios(amounts, offset, scale, exponent):
    """``((amounts + offset) / scale) ** exponent``; shape (n,)."""
    out = np.empty(amounts.size, np.float64)
    for i in range(amounts.size):
        out[i] = power((amounts[i] + offset) / scale, exponent)
    return out


@njit(cache=True)
def products(first, second):
    """Products of two arrays, one by one; shape (n,)."""
    return first * second


@njit(cache=True)
def follow_thresholds(fame, prob, out):
    """``floor(min(prob * fame, 1) * 2^32)`` into ``out``; shapes (M,)."""
    for i in range(fame.size):
        out[i] = np.int64(np.floor(min(prob * fame[i], 1.0) * 4294967296.0))


@njit(cache=True)
def halvings(times):
    """``2 ** -times`` for times >= 0, 0 beyond 1,000; shape (n,)."""
    out = np.zeros(times.size, np.float64)
    for i in range(times.size):
        if times[i] < 1000.0:
            out[i] = exp(-times[i] * LN_2)
    return out


def rank(cumulative: NDArray[np.int64], order: NDArray[np.int32]) -> None:
    """Influencers by falling integer weight, the lower id first among equals, into ``order``; -1 after the last."""
    weight = np.diff(cumulative, prepend=0)
    order[:] = np.argsort(-weight, kind="stable")
    order[weight[order] == 0] = -1


@njit(cache=True)
def build_table(weights, factor, vertical, cumulative, guide):
    """Prefix sums of integer weights, and the guide into them.

    The integer weight is ``floor(w / max(w) * 2^40)``, at least 1 where w > 0, of ``w = weights * factor[vertical]``;
    with more than 2^22 influencers ``2^62 / M`` takes the place of 2^40, so that the sum fits.
    Bucket b of the guide names the first influencer that a draw u in [b, b + 1) / B can choose.

    Parameters
    ----------
    weights, factor, vertical
        Shapes (M,), (V,), (M,); weights and factors finite and >= 0.
    cumulative, guide
        Shapes (M,) and (B,), B a power of two. Changed.
    """
    largest = 0.0
    for i in range(weights.size):
        largest = max(largest, weights[i] * factor[vertical[i]])
    unit = min(MAX_WEIGHT, MAX_TOTAL / weights.size)
    total = np.int64(0)
    if largest > 0.0:
        for i in range(weights.size):
            w = weights[i] * factor[vertical[i]]
            if w > 0.0:
                total += max(np.int64(1), np.int64(w / largest * unit))
            cumulative[i] = total
    else:
        cumulative[:] = 0
        guide[:] = 0
        return
    n_buckets = guide.size
    shift = 0
    while (1 << shift) < n_buckets:
        shift += 1
    i = 0
    # floor(b * total / B) without overflow: total < 2^63, so quotient and remainder by B are taken apart.
    whole, part = total >> shift, total & (n_buckets - 1)
    for b in range(n_buckets):
        lowest = whole * b + ((part * b) >> shift)
        while cumulative[i] <= lowest:
            i += 1
        guide[b] = i
