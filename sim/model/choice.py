"""Who stands in a slot, compiled: draws from slot tables, from their order and from follow lists; knows arrays only.

Helpers are inlined and compiled without reference counting (``_nrt=False``): they allocate nothing, and counting
references to their arrays at every call took a third of a session's time.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from sim.model.draws import below, philox
from sim.streams import Lane

SLOT, RESIDUAL = np.uint64(Lane.SLOT), np.uint64(Lane.RESIDUAL)
ATTEMPTS = 32
ATTEMPT_SHIFT = np.uint64(8)
NONE = -1


@njit(cache=True, nogil=True, _nrt=False, forceinline=True)
def _stands_on(page, n_shown, influencer):
    for j in range(n_shown):  # noqa: SIM110 - no generators in a kernel
        if page[j] == influencer:
            return True
    return False


@njit(cache=True, nogil=True, _nrt=False, forceinline=True)
def _look_up(cumulative, guide, table, bucket_shift, high, low):
    """Influencer whose share of a table's total the 64-bit draw falls into."""
    r = below(high, low, cumulative[table, -1])
    i = np.int64(guide[table, np.int64(((high << np.uint64(32)) | low) >> bucket_shift)])
    while cumulative[table, i] <= r:
        i += 1
    return i


@njit(cache=True, nogil=True, _nrt=False, forceinline=True)
def from_table(cumulative, guide, table, bucket_shift, distinct, page, n_shown, at, lanes, key, high, low):
    """Influencer for a slot, without replacement by rejection, after ATTEMPTS exactly; NONE when nobody is left.

    ``at`` is (fan, event, slot); ``high, low`` are the words of attempt 0; ``lanes`` are for the attempts and the rest.
    """
    if cumulative[table, -1] == 0:
        return NONE
    i = _look_up(cumulative, guide, table, bucket_shift, high, low)
    if not distinct or not _stands_on(page, n_shown, i):
        return i
    for attempt in range(1, ATTEMPTS):
        a, b, _, _ = philox(at[0], at[1], at[2] | (np.uint64(attempt) << ATTEMPT_SHIFT), lanes[0], key[0], key[1])
        i = _look_up(cumulative, guide, table, bucket_shift, a, b)
        if not _stands_on(page, n_shown, i):
            return i
    return _from_rest_of_table(cumulative, table, page, n_shown, at, lanes[1], key)


@njit(cache=True, nogil=True, _nrt=False)
def _from_rest_of_table(cumulative, table, page, n_shown, at, lane, key):
    """Exact draw from the weights of those who don't stand on the page yet; NONE when nobody is left."""
    total = cumulative[table, -1]
    for j in range(n_shown):
        i = page[j]
        total -= cumulative[table, i] - (cumulative[table, i - 1] if i > 0 else 0)
    if total <= 0:
        return NONE
    a, b, _, _ = philox(at[0], at[1], at[2], lane, key[0], key[1])
    r = below(a, b, total)
    before = np.int64(0)
    for i in range(cumulative.shape[1]):
        weight = cumulative[table, i] - before
        before = cumulative[table, i]
        if weight > 0 and not _stands_on(page, n_shown, i):
            if r < weight:
                return i
            r -= weight
    return NONE


@njit(cache=True, nogil=True, _nrt=False)
def from_order(order, table, distinct, page, n_shown):
    """First influencer of a ranked table that may stand in the slot; NONE when nobody is left."""
    for place in range(order.shape[1]):
        i = np.int64(order[table, place])
        if i < 0 or not distinct or not _stands_on(page, n_shown, i):
            return i
    return NONE


@njit(cache=True, nogil=True, _nrt=False, forceinline=True)
def _place(prefix, n, high, low):
    """First place of a list whose prefix sum exceeds the draw."""
    r = below(high, low, prefix[n - 1])
    first, last = 0, n - 1
    while first < last:
        middle = (first + last) >> 1
        if prefix[middle] <= r:
            first = middle + 1
        else:
            last = middle
    return first


@njit(cache=True, nogil=True, _nrt=False, forceinline=True)
def from_list(prefix, candidates, n, distinct, page, n_shown, at, key, high, low):
    """Influencer for a feed slot, by integer prefix sums in list order; as ``from_table`` otherwise."""
    if n == 0 or prefix[n - 1] == 0:
        return NONE
    i = np.int64(candidates[_place(prefix, n, high, low)])
    if not distinct or not _stands_on(page, n_shown, i):
        return i
    for attempt in range(1, ATTEMPTS):
        a, b, _, _ = philox(at[0], at[1], at[2] | (np.uint64(attempt) << ATTEMPT_SHIFT), SLOT, key[0], key[1])
        i = np.int64(candidates[_place(prefix, n, a, b)])
        if not _stands_on(page, n_shown, i):
            return i
    return _from_rest_of_list(prefix, candidates, n, page, n_shown, at, key)


@njit(cache=True, nogil=True, _nrt=False)
def _from_rest_of_list(prefix, candidates, n, page, n_shown, at, key):
    """Exact draw from those followed who don't stand on the page yet; NONE when nobody is left."""
    total = np.int64(0)
    for j in range(n):
        if not _stands_on(page, n_shown, candidates[j]):
            total += prefix[j] - (prefix[j - 1] if j > 0 else 0)
    if total <= 0:
        return NONE
    a, b, _, _ = philox(at[0], at[1], at[2], RESIDUAL, key[0], key[1])
    r = below(a, b, total)
    for j in range(n):
        weight = prefix[j] - (prefix[j - 1] if j > 0 else 0)
        if weight > 0 and not _stands_on(page, n_shown, candidates[j]):
            if r < weight:
                return np.int64(candidates[j])
            r -= weight
    return NONE
