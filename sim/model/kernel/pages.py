"""Stages 2 to 4 of the kernel: the words of pages, who is in their slots, and impressions; knows arrays only."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sim.model.kernel.choice import (
    NONE,
    RESIDUAL,
    SLOT,
    bucket_of,
    draw,
    find_places,
    from_list,
    from_shelf,
    holder,
    key_of,
    look_up,
    staged,
)
from sim.model.kernel.compiled_code import njit
from sim.model.kernel.draws import below, philox
from sim.model.layout import ID_MASK, LEFT_EMPTY, ORGANIC, Counter, SlotSource, Total
from sim.streams import Lane
from sim.types import Int32s, Int64s

EXPOSURE, RESERVED = int(Counter.EXPOSURE), int(Counter.RESERVED)
N_SESSIONS, N_SLOTS, N_IMPRESSIONS = int(Total.SESSIONS), int(Total.SLOTS), int(Total.IMPRESSIONS)
N_RESERVED, N_UNFILLED, N_EMPTY = int(Total.RESERVED), int(Total.SUPPORT_UNFILLED), int(Total.EMPTY)
N_CUSTOM = int(Total.CUSTOM)
FEED, ORGANIC_SLOT, SUPPORT = np.int8(SlotSource.FEED), np.int8(SlotSource.ORGANIC), np.int8(SlotSource.SUPPORT)
EXPLORED_SLOT, INSTEAD, CUSTOM = (
    np.int8(SlotSource.EXPLORED),
    np.int8(SlotSource.INSTEAD_OF_SUPPORT),
    np.int8(SlotSource.CUSTOM),
)
EXPLORE, EXPLORED, EXPLORED_RESIDUAL = (
    np.uint64(Lane.EXPLORE),
    np.uint64(Lane.EXPLORED),
    np.uint64(Lane.EXPLORED_RESIDUAL),
)
FALLBACK, FALLBACK_RESIDUAL = np.uint64(Lane.FALLBACK), np.uint64(Lane.FALLBACK_RESIDUAL)
UNDECIDED = np.int32(-2)
LAST_WORD = (1 << 32) - 1
NEVER_BELOW, CERTAIN = np.int64(0), np.int64(1 << 32)
"""Bounds of coins; typed, because plain numbers would be compiled in, once for each."""
MOST_PAGES = (1 << 31) - 2
LONG = 24


class Posts(NamedTuple):
    """What the slots of a feed are filled with, as ``layout.Tables`` has it."""

    distinct: bool
    weight: Int64s
    """(M,)"""
    affinity: Int64s
    """(G, V)"""
    vertical: Int32s
    """(M,)"""


class Filling(NamedTuple):
    """What the slots of a surface that isn't a feed are filled with, as ``layout.Tables`` has it."""

    distinct: bool
    reserved: int
    ordinary: int
    organic: Int32s
    """(G,)"""
    support: Int32s
    """(G,)"""
    custom: Int32s
    """(1,)"""


@staged
def draw_words(n_slots, key, sessions, words):
    """Stage 2: the SLOT blocks of pages, attempt 0; the compiler does several of them at a time.

    Changes ``words``, shape (4, K, N) [words of 32 bits].
    """
    ids, events, seeds, replications = sessions.id, sessions.event, sessions.seed, sessions.replication
    if seeds.size == 0:
        for k in range(n_slots):
            for s in range(ids.size):
                w = philox(np.uint64(ids[s]), np.uint64(events[s]), np.uint64(k), SLOT, key[0], key[1])
                words[0, k, s], words[1, k, s], words[2, k, s], words[3, k, s] = w
        return
    for k in range(n_slots):
        for s in range(ids.size):
            seed, replication = np.uint64(seeds[s]), np.uint64(replications[s])
            w = philox(np.uint64(ids[s]), np.uint64(events[s]), np.uint64(k), SLOT, seed, replication)
            words[0, k, s], words[1, k, s], words[2, k, s], words[3, k, s] = w


@staged
def fill_feeds(n_slots, posts, key, lists, sessions, slots, places, followed):
    """Stage 3 for a feed: slots are drawn from the accounts that a fan follows.

    Changes ``slots.chosen`` and ``slots.source``, shape (K, N) [influencer; ``SlotSource``]; ``places``, what is on
    pages already, and as scratch ``slots.bucket``, shape (N,), and ``followed``.
    """
    chosen, words, prefix, candidates = slots.chosen, slots.words, followed.prefix, followed.candidates
    weight, vertical, start, length, arena = posts.weight, posts.vertical, lists.start, lists.length, lists.arena
    for s in range(sessions.fan.size):
        # Only so that the processor fetches the lists, which lie far apart, several at a time.
        slots.bucket[s] = arena[np.int64(start[sessions.fan[s]])]
    for s in range(sessions.fan.size):
        f = sessions.fan[s]
        first, n = np.int64(start[f]), np.int64(length[f])
        interests = posts.affinity[sessions.segment[s]]
        total = np.int64(0)
        for j in range(n):
            i = np.uint32(arena[first + j] & ID_MASK)
            total += weight[i] * interests[vertical[i]]
            prefix[j] = total
            candidates[j] = i
        if total == 0:
            for k in range(n_slots):
                chosen[k, s] = NONE
        elif posts.distinct:
            fan = (np.uint64(sessions.id[s]), np.uint64(sessions.event[s]))
            own_key = key_of(sessions, s, key)
            _fill_without_repeats(s, n, n_slots, fan, own_key, slots, places, prefix, candidates)
        else:
            for k in range(n_slots):
                followed.draw[k] = below(np.uint64(words[0, k, s]), np.uint64(words[1, k, s]), total)
            find_places(prefix, n, followed.draw[:n_slots], followed.place)
            for k in range(n_slots):
                chosen[k, s] = candidates[followed.place[k]]
    _set_all(slots.source, n_slots, sessions.fan.size, FEED)


@staged
def _fill_without_repeats(s, n, n_slots, fan, key, slots, places, prefix, candidates):
    """Fill a feed's page from the n accounts whose weights' prefix sums are known, none twice.

    Changes ``slots.chosen[:, s]``, shape (K,) [influencer], and ``places``, shapes (M,) and (1,) [page number].
    """
    page, seen = _next_page(places), places.seen
    for k in range(n_slots):
        high, low = np.uint64(slots.words[0, k, s]), np.uint64(slots.words[1, k, s])
        i = from_list(prefix, candidates, n, seen, page, (fan[0], fan[1], np.uint64(k)), key, high, low)
        slots.chosen[k, s] = i
        if i != NONE:
            seen[i] = page


@njit(cache=True, nogil=True, _nrt=False, no_cfunc_wrapper=True, forceinline=True)
def _set_all(slots, n_slots, n, value):
    """Set the slots of n pages to a value; ``slots``, shape (K, N), is changed."""
    for k in range(n_slots):
        for s in range(n):
            slots[k, s] = value


@njit(cache=True, nogil=True, _nrt=False, no_cfunc_wrapper=True, forceinline=True)
def _next_page(places):
    """Number of a new page; when numbers run out, they begin again.

    Changes ``places.page``, shape (1,) [page number], and then ``places.seen``, shape (M,), as well.
    """
    if places.page[0] == MOST_PAGES:
        for i in range(places.seen.size):
            places.seen[i] = 0
        places.page[0] = 0
    places.page[0] += 1
    return places.page[0]


@staged
def choose(n_slots, filling, shelves, segments, slots):
    """Stage 3, first part: who the first draw for each slot chooses, as on an empty page.

    Changes ``slots.chosen``, shape (K, N) [influencer; ``UNDECIDED`` where slots are filled in an order or partly
    explored, ``ID_MASK`` where the slot's own table is empty], and ``slots.source``, shape (K, N) [``SlotSource``]; as
    scratch ``slots.row``, ``slots.bucket`` and ``slots.entry``, shape (N,).
    """
    organic, n = filling.organic, segments.size
    if shelves.ranked[organic[0]] or shelves.explore[organic[0]] > 0:
        _set_all(slots.chosen, n_slots, n, UNDECIDED)
    else:
        choose_organic(n_slots, organic, segments, shelves.alias, slots)
    _set_all(slots.source, n_slots, n, ORGANIC_SLOT)
    if filling.support[0] != ORGANIC:
        _choose_for(SUPPORT, NEVER_BELOW, filling.reserved, n_slots, filling.support, segments, shelves, slots)
    if filling.custom[0] != ORGANIC:
        first = max(filling.ordinary, filling.reserved)
        _choose_for(CUSTOM, first, CERTAIN, n_slots, filling.custom, segments, shelves, slots)


@staged
def choose_organic(n_slots, organic, segments, alias, slots):
    """Look all slots up in the organic tables: the memory in one loop, the arithmetic, several at a time, in others.

    Changes ``slots.chosen``, shape (K, N) [influencer, ``ID_MASK``]; as scratch ``slots.row``, ``slots.bucket`` and
    ``slots.entry``, shape (N,).
    """
    n, size = segments.size, np.uint64(alias.shape[1])
    chosen, row, flat = slots.chosen, slots.row, alias.reshape(-1)
    for s in range(n):
        row[s] = np.int64(organic[segments[s]]) * alias.shape[1]
    for k in range(n_slots):
        high, low, bucket, entry = slots.words[0, k], slots.words[1, k], slots.bucket, slots.entry
        for s in range(n):
            bucket[s] = bucket_of(np.uint64(high[s]), np.uint64(low[s]), size)
        for s in range(n):
            entry[s] = flat[row[s] + bucket[s]]
        for s in range(n):
            chosen[k, s] = holder(np.uint64(bucket[s]), entry[s], np.uint64(high[s]), np.uint64(low[s]), size)


@staged
def _choose_for(kind, first, last, n_slots, rows, segments, shelves, slots):
    """As ``choose``, the slots whose coin lies in ``[first, last)``; ``rows`` has each segment's table, or all's.

    Changes ``slots.chosen`` and ``slots.source`` of those slots, shape (K, N) [influencer; ``SlotSource``].
    """
    words, chosen = slots.words, slots.chosen
    for k in range(n_slots):
        for s in range(segments.size):
            coin = np.int64(words[2, k, s])
            if coin < first or coin >= last:
                continue
            row = rows[segments[s] if rows.size > 1 else 0]
            slots.source[k, s] = kind
            if row == LEFT_EMPTY:
                chosen[k, s] = NONE
            elif shelves.ranked[row] or shelves.explore[row] > 0:
                chosen[k, s] = UNDECIDED
            else:
                chosen[k, s] = look_up(shelves.alias[row], np.uint64(words[0, k, s]), np.uint64(words[1, k, s]))


@staged
def settle(n_slots, filling, shelves, key, sessions, slots, places, totals):
    """Stage 3, second part: slot after slot of each page, choose again what is on it twice or was not found.

    Changes ``slots.chosen`` and ``slots.source``, shape (K, N) [influencer; ``SlotSource``]; ``places``, shapes (M,),
    (1,) and (N,) [page number]; and ``totals``, the surface's, shape (7,) [slots], added to.
    """
    chosen, seen, apart, distinct, n = slots.chosen, places.seen, places.apart, filling.distinct, sessions.id.size
    _find_repeats(n, n_slots, distinct, chosen, apart)
    for s in range(n):
        if apart[s] > 0:
            continue
        page = _next_page(places)
        for k in range(n_slots):
            i = np.int64(chosen[k, s])
            if i == NONE:
                continue
            if i < 0 or i == ID_MASK or (distinct and seen[i] == page):
                i = _fill(k, s, page, filling, shelves, key, sessions, slots, seen, totals)
                chosen[k, s] = i
                if i == NONE:
                    continue
            seen[i] = page


@staged
def _find_repeats(n, n_slots, distinct, chosen, apart):
    """Which pages have to be looked at (0): all long ones, of the others those with repetitions or unfilled slots.

    Changes ``apart``, shape (N,) [0: to be looked at].

    All pairs of slots are compared, many pages at a time, which up to some length is quicker than one look each.
    """
    if n_slots > LONG:
        for s in range(n):
            apart[s] = 0
        return
    for s in range(n):
        apart[s] = LAST_WORD
    for k in range(n_slots):
        for s in range(n):
            found = (chosen[k, s] >= 0) & (chosen[k, s] != ID_MASK)
            apart[s] = min(apart[s], np.uint32(found) * np.uint32(LAST_WORD))
        for before in range(k if distinct else 0):
            for s in range(n):
                apart[s] = min(apart[s], np.uint32(chosen[k, s] ^ chosen[before, s]))


@staged
def _fill(k, s, page, filling, shelves, key, sessions, slots, seen, totals):
    """Influencer for one slot that isn't a feed's, ``NONE`` where none is left.

    Changes ``slots.source[k, s]``, shape (K, N) [``SlotSource``], and ``totals``, shape (7,) [slots], added to.
    """
    segment, kind, key = sessions.segment[s], slots.source[k, s], key_of(sessions, s, key)
    at = (np.uint64(sessions.id[s]), np.uint64(sessions.event[s]), np.uint64(k))
    high, low = np.uint64(slots.words[0, k, s]), np.uint64(slots.words[1, k, s])
    organic = np.int64(filling.organic[segment])
    table, source = organic, kind
    if kind == SUPPORT:
        table = np.int64(filling.support[segment])
    elif kind == CUSTOM:
        table = np.int64(filling.custom[0])
    used, lanes = table, (SLOT, RESIDUAL)
    if shelves.explore[table] > 0:
        coin, _ = draw(at, EXPLORE, key)
        if np.int64(coin) < shelves.explore[table]:
            source, used, lanes = EXPLORED_SLOT, shelves.ranked.size - 1, (EXPLORED, EXPLORED_RESIDUAL)
            high, low = draw(at, EXPLORED, key)
    i = from_shelf(shelves, used, filling.distinct, seen, page, at, lanes, key, high, low)
    if i == NONE and table != organic:
        high, low = draw(at, FALLBACK, key)
        lanes = (FALLBACK, FALLBACK_RESIDUAL)
        i = from_shelf(shelves, organic, filling.distinct, seen, page, at, lanes, key, high, low)
        if i != NONE:
            source = ORGANIC_SLOT
            if kind == SUPPORT:
                source = INSTEAD
                totals[N_UNFILLED] += 1
    slots.source[k, s] = source
    return i


@staged
def show(n, n_slots, reserved, ordinary, chosen, coins, counts, totals):
    """Stage 4: count what was offered on n pages and who was shown.

    Changes ``counts``, shape (11, M) [slots], and ``totals``, shape (7,) [sessions, slots], the surface's, added to.
    """
    exposure, in_reserved = counts[EXPOSURE], counts[RESERVED]
    n_reserved, n_custom, n_empty = 0, 0, 0
    for k in range(n_slots):
        for s in range(n):
            i = np.int64(chosen[k, s])
            if i < 0:
                n_empty += 1
            else:
                exposure[i] += 1
        if reserved > 0:
            for s in range(n):
                if np.int64(coins[k, s]) < reserved:
                    n_reserved += 1
                    if chosen[k, s] >= 0:
                        in_reserved[chosen[k, s]] += 1
        if ordinary <= LAST_WORD:
            for s in range(n):
                coin = np.int64(coins[k, s])
                n_custom += (coin >= ordinary) & (coin >= reserved)
    totals[N_SESSIONS] += n
    totals[N_SLOTS] += n * n_slots
    totals[N_IMPRESSIONS] += n * n_slots - n_empty
    totals[N_EMPTY] += n_empty
    totals[N_RESERVED] += n_reserved
    totals[N_CUSTOM] += n_custom
