"""Slot tables: integer weights and alias tables of them, shared by both engines; knows arrays and scalars only.

These keep the interpreter's lock, which numpy's own functions release and take again: with several units at work on
threads, waiting for it would take longer than what they do.
"""

from __future__ import annotations

import numpy as np

from sim.model.kernel.compiled_code import njit
from sim.model.kernel.draws import exp, power
from sim.model.layout import FRACTION_BITS, ID_MASK, ORIGIN_SHIFT
from sim.types import Floats, Int32s, Int64s

MAX_WEIGHT = float(1 << 40)
LN_2 = 0.6931471805599453
MAX_TOTAL = float(1 << 62)
FRACTIONS = float(1 << FRACTION_BITS)
MAX_THRESHOLD = np.int64((1 << FRACTION_BITS) - 1)
THRESHOLD_SHIFT = np.uint64(ORIGIN_SHIFT)
NO_INFLUENCER = np.uint64(ID_MASK)


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
    """Probability of a follow of each influencer, given a click: ``floor(min(prob * fame, 1) * 2^32)``.

    Changes ``out``, shape (M,) [probability times 2^32].
    """
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


@njit(cache=True)
def mean_head_share(weight, rows, head, sessions):
    """The head's share of the weights of each segment's table, the mean weighed by sessions; nan where there is none.

    Shapes: ``weight`` (T, M), ``rows`` (G,) [a table, below 0: none], ``head`` (H,), ``sessions`` (G,) [any unit].
    """
    mean, all_sessions = 0.0, 0.0
    for g in range(sessions.size):
        if rows[g] < 0:
            continue
        row = weight[rows[g]]
        inside, total = np.int64(0), np.int64(0)
        for i in range(row.size):
            total += row[i]
        for h in range(head.size):
            inside += row[head[h]]
        if total > 0:
            mean += sessions[g] * (np.float64(inside) / np.float64(total))
            all_sessions += sessions[g]
    return mean / all_sessions if all_sessions > 0.0 else np.nan


def rank(weight: Int64s, lots: Floats | None, order: Int32s) -> None:
    """Influencers by falling integer weight, the lower lot first among equals, without lots the lower id.

    Changes ``order``, shape (M,) [influencer, -1 after the last that has any weight].
    """
    order[:] = np.argsort(-weight, kind="stable") if lots is None else np.lexsort((lots, -weight))
    order[weight[order] == 0] = -1


@njit(cache=True)
def build_tables(weights, factors, vertical, order, rows, weight, alias):
    """As ``build_table``, of the same weights with other factors for each of these rows; shapes (R, V) and (R,).

    Changes those rows of ``weight`` and ``alias``, shape (T, M) [integer weight; ``threshold << 24 | alias``].
    """
    for r in range(rows.size):
        build_table(weights, factors[r], vertical, order, weight[rows[r]], alias[rows[r]])


@njit(cache=True, error_model="numpy")
def build_table(weights, factor, vertical, order, weight, alias):
    """Integer weights and the alias table of them.

    The integer weight is ``floor(w / max(w) * 2^40)``, at least 1 where w > 0, of ``w = weights * factor[vertical]``;
    with more than 2^22 influencers ``2^62 / M`` takes the place of 2^40, so that the sum fits.

    Parameters
    ----------
    weights, factor, vertical, order
        Shapes (M,), (V,), (M,), (M,); weights and factors finite and >= 0; the order is one of all influencers, the
        largest first, and the same for all tables that are to be alike. Not changed.
    weight, alias
        Shapes (M,), int64 [integer weight] and uint64 [``threshold << 24 | alias``]. Changed.
    """
    n = weights.size
    amounts = np.empty(n, np.float64)
    largest = 0.0
    for i in range(n):
        amounts[i] = weights[i] * factor[vertical[i]]
        largest = max(largest, amounts[i])
    if largest == 0.0:
        weight[:] = 0
        alias[:] = NO_INFLUENCER
        return
    unit = min(MAX_WEIGHT, MAX_TOTAL / n)
    total = np.int64(0)
    for i in range(n):
        weight[i] = max(np.int64(amounts[i] > 0.0), np.int64(amounts[i] / largest * unit))
        total += weight[i]
    own, other = np.empty(n, np.int64), np.empty(n, np.int32)
    _pair(weight, total, order, own, other)
    for i in range(n):
        threshold = min(np.int64(own[i] * (FRACTIONS / np.float64(total))), MAX_THRESHOLD)
        threshold = max(threshold, np.int64(weight[i] > 0))  # any weight at all can be drawn
        alias[i] = (np.uint64(threshold) << THRESHOLD_SHIFT) | np.uint64(other[i])


@njit(cache=True, error_model="numpy")
def _pair(weight, total, order, own, other):
    """What of each bucket of an alias table is its influencer's ``own``, of the total, and whose the rest is.

    Changes ``own``, shape (M,) [integer weight times M], and ``other``, shape (M,) [influencer].

    Walker, A. J.: An efficient method for generating discrete random variables with general distributions (ACM
    Transactions on Mathematical Software 3, 1977). Bucket i, one of M with an equal share of the total, is filled by
    i first. Light ones are filled up from heavy ones, these from the first of the order on, those from its last:
    where the first are the largest, they fill up the very smallest. How far a bucket's bound differs between tables
    of similar weights is then small wherever it decides between large and small, and arms that share draws choose
    from among the large nearly as often together as can be (``docs/why.md``).
    """
    n = weight.size
    light, heavy = np.empty(n + 1, np.int32), np.empty(n + 1, np.int32)
    n_light, n_heavy = 0, 0
    for i in range(n):
        own[i], other[i] = total, i
    for place in range(n):
        i = order[place]
        is_heavy = weight[i] * n > total
        light[n_light] = heavy[n_heavy] = i
        n_light += not is_heavy
        n_heavy += is_heavy
    if n_heavy == 0:
        return
    heavy[n_heavy] = heavy[n_heavy - 1]
    i, j = n_light - 1, 0
    left = weight[heavy[0]] * n
    # Which of the two comes next is a coin toss: all is written without branches.
    while i >= 0 and j < n_heavy:
        a, b, after = light[i], heavy[j], heavy[j + 1]
        of_a, of_after = weight[a] * n, weight[after] * n
        fills = left > total
        bucket = a if fills else b
        own[bucket] = of_a if fills else left
        other[bucket] = b if fills else after
        left += (of_a if fills else of_after) - total
        i -= fills
        j += not fills
    # In whole numbers nothing remains: the other light ones are full, the other heavy ones fill each other.
    while j < n_heavy:
        own[heavy[j]], other[heavy[j]] = left, heavy[j + 1]
        left += weight[heavy[j + 1]] * n - total
        j += 1
