"""Stages 2 to 4 of the kernel: the words of pages, who stands in their slots, and impressions; knows arrays only."""

from __future__ import annotations

import numpy as np
from numba import njit

from sim.model.choice import (
    NONE,
    RESIDUAL,
    SLOT,
    bucket_of,
    find_places,
    from_list,
    from_order,
    from_table,
    holder,
    look_up,
)
from sim.model.draws import below, philox
from sim.model.frozen import ID_MASK, NOBODY, ORGANIC, Counter, Source, Total
from sim.streams import Lane

EXPOSURE, RESERVED = int(Counter.EXPOSURE), int(Counter.RESERVED)
N_SESSIONS, N_SLOTS, N_IMPRESSIONS = int(Total.SESSIONS), int(Total.SLOTS), int(Total.IMPRESSIONS)
N_RESERVED, N_UNFILLED, N_EMPTY = int(Total.RESERVED), int(Total.SUPPORT_UNFILLED), int(Total.EMPTY)
N_CUSTOM = int(Total.CUSTOM)
FEED, ORGANIC_SLOT, SUPPORT = int(Source.FEED), int(Source.ORGANIC), int(Source.SUPPORT)
EXPLORED_SLOT, INSTEAD, CUSTOM = int(Source.EXPLORED), int(Source.INSTEAD_OF_SUPPORT), int(Source.CUSTOM)
EXPLORE, EXPLORED, EXPLORED_RESIDUAL = (
    np.uint64(Lane.EXPLORE),
    np.uint64(Lane.EXPLORED),
    np.uint64(Lane.EXPLORED_RESIDUAL),
)
FALLBACK, FALLBACK_RESIDUAL = np.uint64(Lane.FALLBACK), np.uint64(Lane.FALLBACK_RESIDUAL)
UNDECIDED = -2
LAST_WORD, CERTAIN = (1 << 32) - 1, 1 << 32
MOST_PAGES = (1 << 31) - 2
LONG = 24


@njit(cache=True, nogil=True, _nrt=False)
def draw_words(a, b, n_slots, key, group):
    """Stage 2: the SLOT blocks of the pages ``a <= s < b``, attempt 0; the compiler does several of them at a time."""
    # From 0 on, and not from a: the compiler has to know that no index is negative.
    ids, events, words = group.id[a:b], group.event[a:b], group.slot_words
    for k in range(n_slots):
        for s in range(ids.size):
            w = philox(np.uint64(ids[s]), np.uint64(events[s]), np.uint64(k), SLOT, key[0], key[1])
            words[0, k, s], words[1, k, s], words[2, k, s], words[3, k, s] = w


@njit(cache=True, nogil=True, _nrt=False)
def fill_feeds(a, b, n_slots, surface, key, tables, fans, arena, group):
    """Stage 3 for a feed: slots are drawn from the accounts that a fan follows."""
    chosen, words, prefix, candidates = group.chosen, group.slot_words, group.prefix, group.candidates
    segments, who, weight = group.segment[a:b], group.fan[a:b], tables.feed_weight[surface]
    for s in range(segments.size):
        f = who[s]
        first, n = np.int64(fans.start[f]), np.int64(fans.length[f])
        affinity = tables.feed_affinity[surface, segments[s]]
        total = np.int64(0)
        for j in range(n):
            i = np.uint32(arena[first + j] & ID_MASK)
            total += weight[i] * affinity[tables.vertical[i]]
            prefix[j] = total
            candidates[j] = i
        if total == 0:
            for k in range(n_slots):
                chosen[k, s] = NONE
        elif tables.distinct[surface]:
            _fill_without_repeats(a, s, n, n_slots, key, group)
        else:
            for k in range(n_slots):
                group.draw[k] = below(np.uint64(words[0, k, s]), np.uint64(words[1, k, s]), total)
            find_places(prefix, n, group.draw[:n_slots], group.place)
            for k in range(n_slots):
                chosen[k, s] = candidates[group.place[k]]
    group.source[:n_slots, : segments.size] = FEED


@njit(cache=True, nogil=True, _nrt=False)
def _fill_without_repeats(a, s, n, n_slots, key, group):
    """Fill a feed's page from the n accounts whose weights' prefix sums are known, none twice."""
    page = _next_page(group)
    for k in range(n_slots):
        at = (np.uint64(group.id[a + s]), np.uint64(group.event[a + s]), np.uint64(k))
        high, low = np.uint64(group.slot_words[0, k, s]), np.uint64(group.slot_words[1, k, s])
        i = from_list(group.prefix, group.candidates, n, group.seen, page, at, key, high, low)
        group.chosen[k, s] = i
        if i != NONE:
            group.seen[i] = page


@njit(cache=True, nogil=True, _nrt=False, forceinline=True)
def _next_page(group):
    """Number of a new page. When numbers run out, they begin anew."""
    if group.page[0] == MOST_PAGES:
        group.seen[:] = 0
        group.page[0] = 0
    group.page[0] += 1
    return group.page[0]


@njit(cache=True, nogil=True, _nrt=False)
def choose(a, b, n_slots, surface, tables, group):
    """Stage 3a: whom the first draw for each slot chooses, each on an empty page; ``UNDECIDED`` where slots are filled
    in an order or partly explored, ``ID_MASK`` where the slot's own table is empty.
    """
    chosen, segments, organic = group.chosen, group.segment[a:b], tables.organic[surface]
    n = segments.size
    if tables.ranked[organic[0]] or tables.explore[organic[0]] > 0:
        chosen[:n_slots, :n] = UNDECIDED
    else:
        _choose_organic(n_slots, organic, segments, tables.alias, group)
    group.source[:n_slots, :n] = ORGANIC_SLOT
    if tables.support[surface, 0] != ORGANIC:
        _choose_for(SUPPORT, 0, tables.reserved[surface], n_slots, tables.support[surface], segments, tables, group)
    if tables.custom[surface] != ORGANIC:
        first = max(tables.ordinary[surface], tables.reserved[surface])
        _choose_for(CUSTOM, first, CERTAIN, n_slots, tables.custom[surface : surface + 1], segments, tables, group)


@njit(cache=True, nogil=True, _nrt=False)
def _choose_organic(n_slots, organic, segments, alias, group):
    """Look all slots up in the organic tables: the memory in one loop, the arithmetic, several at a time, in others."""
    n, size = segments.size, np.uint64(alias.shape[1])
    chosen, row, flat = group.chosen, group.row, alias.reshape(-1)
    for s in range(n):
        row[s] = np.int64(organic[segments[s]]) * alias.shape[1]
    for k in range(n_slots):
        high, low, bucket, entry = group.slot_words[0, k], group.slot_words[1, k], group.bucket, group.entry
        for s in range(n):
            bucket[s] = bucket_of(np.uint64(high[s]), np.uint64(low[s]), size)
        for s in range(n):
            entry[s] = flat[row[s] + bucket[s]]
        for s in range(n):
            chosen[k, s] = holder(np.uint64(bucket[s]), entry[s], np.uint64(high[s]), np.uint64(low[s]), size)


@njit(cache=True, nogil=True, _nrt=False)
def _choose_for(kind, first, last, n_slots, rows, segments, tables, group):
    """As ``choose``, the slots whose coin lies in ``[first, last)``; ``rows`` has each segment's table, or all's."""
    words, chosen = group.slot_words, group.chosen
    for k in range(n_slots):
        for s in range(segments.size):
            coin = np.int64(words[2, k, s])
            if coin < first or coin >= last:
                continue
            row = rows[segments[s] if rows.size > 1 else 0]
            group.source[k, s] = kind
            if row == NOBODY:
                chosen[k, s] = NONE
            elif tables.ranked[row] or tables.explore[row] > 0:
                chosen[k, s] = UNDECIDED
            else:
                chosen[k, s] = look_up(tables.alias[row], np.uint64(words[0, k, s]), np.uint64(words[1, k, s]))


@njit(cache=True, nogil=True, _nrt=False)
def settle(a, b, n_slots, surface, key, tables, group, totals):
    """Stage 3b: slot after slot of each page, choose again where somebody stands on it twice or nobody was found."""
    chosen, seen, distinct, apart = group.chosen, group.seen, tables.distinct[surface], group.apart
    _find_repeats(b - a, n_slots, distinct, chosen, apart)
    for s in range(b - a):
        if apart[s] > 0:
            continue
        page = _next_page(group)
        for k in range(n_slots):
            i = np.int64(chosen[k, s])
            if i == NONE:
                continue
            if i < 0 or i == ID_MASK or (distinct and seen[i] == page):
                i = _fill(k, s, a + s, page, surface, key, tables, group, totals)
                chosen[k, s] = i
                if i == NONE:
                    continue
            seen[i] = page


@njit(cache=True, nogil=True, _nrt=False)
def _find_repeats(n, n_slots, distinct, chosen, apart):
    """Which pages have to be looked at (0): all long ones, of the others those with repetitions or unfilled slots.

    All pairs of slots are compared, many pages at a time, which up to some length is quicker than one look each.
    """
    if n_slots > LONG:
        apart[:n] = 0
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


@njit(cache=True, nogil=True, _nrt=False)
def _fill(k, s, session, page, surface, key, tables, group, totals):
    """Influencer for one slot that isn't a feed's; where it comes from is noted as ``source``."""
    distinct, seen, segment = tables.distinct[surface], group.seen, group.segment[session]
    alias, weight, order = tables.alias, tables.weight, tables.order
    at = (np.uint64(group.id[session]), np.uint64(group.event[session]), np.uint64(k))
    organic = tables.organic[surface, segment]
    kind = group.source[k, s]
    table, source = organic, kind
    if kind == SUPPORT:
        table = tables.support[surface, segment]
    elif kind == CUSTOM:
        table = tables.custom[surface]
    explores = tables.explore[table] > 0
    if explores:
        coin, _, _, _ = philox(at[0], at[1], at[2], EXPLORE, key[0], key[1])
        explores = np.int64(coin) < tables.explore[table]
    if explores:
        source = EXPLORED_SLOT
        high, low, _, _ = philox(at[0], at[1], at[2], EXPLORED, key[0], key[1])
        everyone, lanes = alias.shape[0] - 1, (EXPLORED, EXPLORED_RESIDUAL)
        i = from_table(alias, weight, everyone, distinct, seen, page, at, lanes, key, high, low)
    elif tables.ranked[table]:
        i = from_order(order, table, distinct, seen, page)
    else:
        high, low = np.uint64(group.slot_words[0, k, s]), np.uint64(group.slot_words[1, k, s])
        i = from_table(alias, weight, table, distinct, seen, page, at, (SLOT, RESIDUAL), key, high, low)
    if i == NONE and table != organic:
        if tables.ranked[organic]:
            i = from_order(order, organic, distinct, seen, page)
        else:
            high, low, _, _ = philox(at[0], at[1], at[2], FALLBACK, key[0], key[1])
            lanes = (FALLBACK, FALLBACK_RESIDUAL)
            i = from_table(alias, weight, organic, distinct, seen, page, at, lanes, key, high, low)
        if i != NONE:
            source = ORGANIC_SLOT
            if kind == SUPPORT:
                source = INSTEAD
                totals[surface, N_UNFILLED] += 1
    group.source[k, s] = source
    return i


@njit(cache=True, nogil=True, _nrt=False)
def show(n, n_slots, reserved, ordinary, chosen, coins, counts, totals):
    """Stage 4: count what was offered on n pages and who was shown; ``counts`` and ``totals`` are the surface's."""
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
