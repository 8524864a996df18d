"""Who is in a slot, compiled: draws from slot tables, from their order and from follow lists; knows arrays only.

All of the kernel is compiled without reference counting (``_nrt=False``), because nothing is allocated: counting
references to arrays at every call took a third of a session's time. What is ``staged`` can be called from compiled
functions only: half of the time to compile it went into code that takes its arrays out of Python's objects.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.model.kernel.compiled_code import njit
from sim.model.kernel.draws import below, philox
from sim.model.layout import FRACTION_BITS, ID_MASK, ORIGIN_SHIFT
from sim.streams import Lane
from sim.types import Bools, Int32s, Int64s

SLOT, RESIDUAL = np.uint64(Lane.SLOT), np.uint64(Lane.RESIDUAL)
ATTEMPTS = 32
ATTEMPT_SHIFT = np.uint64(8)
NONE = -1
FEW = 32
"""Up to here counting, several slots at a time, is quicker than halving, which the processor can't foresee."""
WORD_BITS, MASK = np.uint64(32), np.uint64(0xFFFFFFFF)
HIGH_BITS = np.uint64(FRACTION_BITS - 32)
LOW_BITS = np.uint64(64 - FRACTION_BITS)
THRESHOLD_SHIFT = np.uint64(ORIGIN_SHIFT)
ID = np.uint64(ID_MASK)

staged = njit(cache=True, nogil=True, _nrt=False, no_cpython_wrapper=True, no_cfunc_wrapper=True)


class Shelves(NamedTuple):
    """The slot tables that slots are filled from, as ``layout.Tables`` has them."""

    weight: Int64s
    alias: NDArray[np.uint64]
    order: Int32s
    ranked: Bools
    explore: Int64s


@njit(cache=True, nogil=True, _nrt=False, no_cfunc_wrapper=True, forceinline=True)
def bucket_of(high, low, n):
    """Bucket of an alias table of n that a 64-bit draw u falls into: ``floor(u * n / 2^64)``; all uint64."""
    return (high * n + ((low * n) >> WORD_BITS)) >> WORD_BITS


@njit(cache=True, nogil=True, _nrt=False, no_cfunc_wrapper=True, forceinline=True)
def holder(bucket, entry, high, low, n):
    """Influencer of the part of a bucket, with this entry, that a draw falls into; ``ID_MASK``: none has any weight."""
    below_low = low * n
    fraction = (((high * n + (below_low >> WORD_BITS)) & MASK) << HIGH_BITS) | ((below_low & MASK) >> LOW_BITS)
    return np.int64(bucket if fraction < entry >> THRESHOLD_SHIFT else entry & ID)


@njit(cache=True, nogil=True, _nrt=False, no_cfunc_wrapper=True, forceinline=True)
def look_up(alias, high, low):
    """Influencer that a 64-bit draw chooses from an alias table; ``ID_MASK``: none has any weight."""
    n = np.uint64(alias.size)
    bucket = bucket_of(high, low, n)
    return holder(bucket, alias[bucket], high, low, n)


@njit(cache=True, nogil=True, _nrt=False, no_cfunc_wrapper=True, forceinline=True)
def key_of(sessions, s, key):
    """Key of the draws of a session's fan: its own, where fans have one, or the run's; two uint64."""
    if sessions.seed.size == 0:
        return key[0], key[1]
    return np.uint64(sessions.seed[s]), np.uint64(sessions.replication[s])


@staged
def draw(at, lane, key):
    """A 64-bit draw, as two words, where draws are rare; not inlined, which takes the compiler long."""
    high, low, _, _ = philox(at[0], at[1], at[2], lane, key[0], key[1])
    return high, low


@staged
def from_table(alias, weight, distinct, seen, page, at, lanes, key, high, low):
    """Influencer for a slot, without replacement by rejection, after ATTEMPTS exactly; NONE when none is left.

    ``at`` is (fan, event, slot); ``high, low`` are the words of attempt 0; ``lanes`` are for the attempts and the rest;
    accounts that are on the page already have its number in ``seen``.
    """
    i = look_up(alias, high, low)
    if i == ID_MASK:
        return np.int64(NONE)
    if not distinct or seen[i] != page:
        return i
    for attempt in range(1, ATTEMPTS):
        a, b = draw((at[0], at[1], at[2] | (np.uint64(attempt) << ATTEMPT_SHIFT)), lanes[0], key)
        i = look_up(alias, a, b)
        if seen[i] != page:
            return i
    return _from_rest_of_table(weight, seen, page, at, lanes[1], key)


@staged
def _from_rest_of_table(weight, seen, page, at, lane, key):
    """Exact draw from the weights of those who aren't on the page yet; NONE when none is left."""
    total = np.int64(0)
    for i in range(weight.size):
        if seen[i] != page:
            total += weight[i]
    if total <= 0:
        return np.int64(NONE)
    a, b = draw(at, lane, key)
    r = below(a, b, total)
    for i in range(weight.size):
        if seen[i] != page and weight[i] > 0:
            if r < weight[i]:
                return np.int64(i)
            r -= weight[i]
    return np.int64(NONE)


@staged
def from_order(order, distinct, seen, page):
    """First influencer of a ranked table that may be in the slot; NONE when none is left."""
    for place in range(order.size):
        i = np.int64(order[place])
        if i < 0 or not distinct or seen[i] != page:
            return i
    return np.int64(NONE)


@staged
def from_shelf(shelves, table, distinct, seen, page, at, lanes, key, high, low):
    """Influencer for a slot from a table, ranked or not, as ``from_table``."""
    if shelves.ranked[table]:
        return from_order(shelves.order[table], distinct, seen, page)
    return from_table(shelves.alias[table], shelves.weight[table], distinct, seen, page, at, lanes, key, high, low)


@staged
def find_places(prefix, n, draws, places):
    """For each draw below the last of n prefix sums the first place whose sum exceeds it.

    Changes ``places``, shape (K,) [index of a prefix sum].
    """
    if n > FEW:
        for k in range(draws.size):
            places[k] = _place_of(prefix, n, draws[k])
        return
    for k in range(draws.size):
        places[k] = 0
    for j in range(n - 1):
        for k in range(draws.size):
            places[k] += prefix[j] <= draws[k]


@staged
def _place_of(prefix, n, r):
    """First place whose prefix sum exceeds r, by halving."""
    first, last = 0, n - 1
    while first < last:
        middle = (first + last) >> 1
        if prefix[middle] <= r:
            first = middle + 1
        else:
            last = middle
    return first


@staged
def from_list(prefix, candidates, n, seen, page, at, key, high, low):
    """Influencer for a slot of a feed, none on a page twice; as ``from_table`` otherwise."""
    i = np.int64(candidates[_place_of(prefix, n, below(high, low, prefix[n - 1]))])
    if seen[i] != page:
        return i
    for attempt in range(1, ATTEMPTS):
        a, b = draw((at[0], at[1], at[2] | (np.uint64(attempt) << ATTEMPT_SHIFT)), SLOT, key)
        i = np.int64(candidates[_place_of(prefix, n, below(a, b, prefix[n - 1]))])
        if seen[i] != page:
            return i
    return _from_rest_of_list(prefix, candidates, n, seen, page, at, key)


@staged
def _from_rest_of_list(prefix, candidates, n, seen, page, at, key):
    """Exact draw from those followed who aren't on the page yet; NONE when none is left."""
    total = np.int64(0)
    for j in range(n):
        if seen[candidates[j]] != page:
            total += prefix[j] - (prefix[j - 1] if j > 0 else 0)
    if total <= 0:
        return np.int64(NONE)
    a, b = draw(at, RESIDUAL, key)
    r = below(a, b, total)
    for j in range(n):
        weight = prefix[j] - (prefix[j - 1] if j > 0 else 0)
        if weight > 0 and seen[candidates[j]] != page:
            if r < weight:
                return np.int64(candidates[j])
            r -= weight
    return np.int64(NONE)
