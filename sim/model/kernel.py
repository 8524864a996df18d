"""Sessions, compiled: one function for an interval of a chunk of fans; knows arrays and scalars only.

``session.py`` is its readable twin and the specification; both must give the same bits. Arrays that are changed in
place are ``fans``, ``arena``, ``counts``, ``totals`` and the scratch arrays.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from sim.model.choice import NONE, RESIDUAL, SLOT, from_list, from_order, from_table
from sim.model.draws import exponential_gap, philox
from sim.model.frozen import ID_MASK, NOBODY, ORGANIC, ORIGIN_SHIFT, Counter, Deed, Source, Total
from sim.model.lists import append, is_better, is_member, remove
from sim.streams import Lane

EXPOSURE, RESERVED, READS, CLICKS = (
    int(c) for c in (Counter.EXPOSURE, Counter.RESERVED, Counter.READS, Counter.CLICKS)
)
FOLLOWS, ORDERS, GMV_FEN = int(Counter.FOLLOWS), int(Counter.ORDERS), int(Counter.GMV_FEN)
UNFOLLOWS, REFERRALS, TIPS_FEN = int(Counter.UNFOLLOWS), int(Counter.REFERRALS), int(Counter.TIPS_FEN)
N_SESSIONS, N_SLOTS, N_IMPRESSIONS = int(Total.SESSIONS), int(Total.SLOTS), int(Total.IMPRESSIONS)
N_RESERVED, N_UNFILLED, N_EMPTY = int(Total.RESERVED), int(Total.SUPPORT_UNFILLED), int(Total.EMPTY)
N_CUSTOM = int(Total.CUSTOM)

FEED, ORGANIC_SLOT, SUPPORT = int(Source.FEED), int(Source.ORGANIC), int(Source.SUPPORT)
EXPLORED_SLOT, INSTEAD, CUSTOM = int(Source.EXPLORED), int(Source.INSTEAD_OF_SUPPORT), int(Source.CUSTOM)
IN_RESERVED, READ, CLICKED = int(Deed.RESERVED), int(Deed.READ), int(Deed.CLICKED)
UNFOLLOWED, FOLLOWED, REFUSED = int(Deed.UNFOLLOWED), int(Deed.FOLLOWED), int(Deed.REFUSED)
TIPPED = int(Deed.TIPPED)

ARRIVAL, SESSION, ACTION = np.uint64(Lane.ARRIVAL), np.uint64(Lane.SESSION), np.uint64(Lane.ACTION)
EXPLORE, EXPLORED, EXPLORED_RESIDUAL = (
    np.uint64(Lane.EXPLORE),
    np.uint64(Lane.EXPLORED),
    np.uint64(Lane.EXPLORED_RESIDUAL),
)
UNFOLLOW = np.uint64(Lane.UNFOLLOW)
FALLBACK, FALLBACK_RESIDUAL = np.uint64(Lane.FALLBACK), np.uint64(Lane.FALLBACK_RESIDUAL)

ZERO = np.uint64(0)
WORD_BITS = np.int64(32)
HOUR, DAY_HOURS = 3600, 24

# All functions here, in choice.py and in lists.py are compiled with _nrt=False (nothing is allocated, so that no array
# is counted as a reference) and the small ones with forceinline=True (a slot takes about 50 ns; a call and its
# arguments would show): measured, the two together make sessions 1.5 times as fast, with the same bits.


@njit(cache=True, nogil=True, _nrt=False)
def arrivals(start, joined, first_id, key, mean_gap, next_time):
    """Each fan's first session after ``start`` and joining [s], into ``next_time``; lane ARRIVAL, words 0 and 1."""
    for f in range(mean_gap.size):
        a, b, _, _ = philox(np.uint64(first_id + f), ZERO, ZERO, ARRIVAL, key[0], key[1])
        next_time[f] = max(start, joined[f]) + exponential_gap(a, b, mean_gap[f])


@njit(cache=True, nogil=True, _nrt=False, forceinline=True)
def _page_words(fan, event, n_slots, key, words):
    """The SLOT blocks of a page, attempt 0, into ``words``, shape (4, 255): a loop that the compiler vectorises."""
    for k in range(n_slots):
        words[0, k], words[1, k], words[2, k], words[3, k] = philox(fan, event, np.uint64(k), SLOT, key[0], key[1])


@njit(cache=True, nogil=True, _nrt=False, forceinline=True)
def _react(f, i, at, surface, segment, key, tables, fans, arena, cursor, counts):
    """What a fan does with an influencer that it has examined: click, unfollow, follow, order, tip.

    Its deeds and orders.
    """
    start, length, capacity = fans.start, fans.length, fans.capacity
    click, follow, order_word, tip_word = philox(at[0], at[1], at[2], ACTION, key[0], key[1])
    vertical = tables.vertical[i]
    appeal = np.uint64(tables.quality[i]) * np.uint64(tables.click[surface, segment, vertical])
    deeds = READ
    if click < appeal >> np.uint64(32):
        deeds |= CLICKED
        counts[i, surface, CLICKS] += 1
    if tables.follows_open[0] and tables.unfollow[surface, 0] > 0:
        coin, _, _, _ = philox(at[0], at[1], at[2], UNFOLLOW, key[0], key[1])
        coin = np.int64(coin)
        if coin < tables.unfollow[surface, 0] and remove(arena, start, length, f, i, coin, tables.unfollow[surface]):
            deeds |= UNFOLLOWED
            counts[i, surface, UNFOLLOWS] += 1
    if not deeds & CLICKED:
        return deeds, np.int64(0)
    if tables.follows_open[0] and np.int64(follow) < tables.follow[surface, i]:
        if is_member(arena, start[f], length[f], i):
            deeds |= REFUSED
            if tables.counts_repeats[surface]:
                counts[i, surface, FOLLOWS] += 1
        elif length[f] < tables.follow_cap[0] and (
            not tables.better_only[surface] or is_better(arena, start[f], length[f], i, tables.quality)
        ):
            append(start, length, capacity, arena, cursor, f, i | (tables.origin[surface] << ORIGIN_SHIFT))
            deeds |= FOLLOWED
            counts[i, surface, FOLLOWS] += 1
        else:
            deeds |= REFUSED
    n_orders = np.int64(0)
    if tables.shop[i]:
        counts[i, surface, REFERRALS] += (np.int64(tables.referrals[surface]) + np.int64(order_word)) >> WORD_BITS
        mean_orders = np.int64(tables.order_base[i] * tables.order_factor[surface, segment])
        n_orders = (mean_orders + np.int64(order_word)) >> WORD_BITS
        if n_orders > 0:
            counts[i, surface, ORDERS] += n_orders
            counts[i, surface, GMV_FEN] += n_orders * tables.order_value[i]
    if tables.tips[surface, segment] > 0:
        n_tips = (np.int64(tables.tips[surface, segment]) + np.int64(tip_word)) >> WORD_BITS
        if n_tips > 0:
            deeds |= TIPPED
            counts[i, surface, TIPS_FEN] += n_tips * tables.tip_value[surface]
    return deeds, n_orders


@njit(cache=True, nogil=True, _nrt=False, forceinline=True)
def _fill(kind, k, at, surface, segment, key, bucket_shift, tables, words, page, n_shown, totals):
    """Influencer for a slot of this kind that isn't a feed's, and where it comes from."""
    distinct = tables.distinct[surface]
    organic = tables.organic[surface, segment]
    table, source = organic, kind
    if kind == SUPPORT:
        table = tables.support[surface, segment]
    elif kind == CUSTOM:
        table = tables.custom[surface]
    if table == NOBODY:
        return np.int64(NONE), source
    if table == ORGANIC:
        table, source = organic, ORGANIC_SLOT
    cumulative, guide, order = tables.cumulative, tables.guide, tables.order
    explores = tables.explore[table] > 0
    if explores:
        coin, _, _, _ = philox(at[0], at[1], at[2], EXPLORE, key[0], key[1])
        explores = np.int64(coin) < tables.explore[table]
    if explores:
        source = EXPLORED_SLOT
        high, low, _, _ = philox(at[0], at[1], at[2], EXPLORED, key[0], key[1])
        everyone, lanes = cumulative.shape[0] - 1, (EXPLORED, EXPLORED_RESIDUAL)
        i = from_table(cumulative, guide, everyone, bucket_shift, distinct, page, n_shown, at, lanes, key, high, low)
    elif tables.ranked[table]:
        i = from_order(order, table, distinct, page, n_shown)
    else:
        high, low, lanes = words[0, k], words[1, k], (SLOT, RESIDUAL)
        i = from_table(cumulative, guide, table, bucket_shift, distinct, page, n_shown, at, lanes, key, high, low)
    if i == NONE and table != organic:
        if tables.ranked[organic]:
            i = from_order(order, organic, distinct, page, n_shown)
        else:
            high, low, _, _ = philox(at[0], at[1], at[2], FALLBACK, key[0], key[1])
            lanes = (FALLBACK, FALLBACK_RESIDUAL)
            i = from_table(cumulative, guide, organic, bucket_shift, distinct, page, n_shown, at, lanes, key, high, low)
        if i != NONE:
            source = ORGANIC_SLOT
            if kind == SUPPORT:
                source = INSTEAD
                totals[surface, N_UNFILLED] += 1
    return i, source


@njit(cache=True, nogil=True, _nrt=False)
def sessions(
    first,
    last,
    first_id,
    until,
    traced,
    key,
    bucket_shift,
    tables,
    fans,
    arena,
    cursor,
    counts,
    reads,
    totals,
    page,
    prefix,
    candidates,
    words,
    trace,
    trace_length,
):
    """Run all sessions before ``until`` of the fans ``first <= f < last`` of a chunk; each fan's in order of time.

    Parameters
    ----------
    first, last, first_id
        Fans of the chunk to run, and the id of fan 0 of the chunk.
    until
        End of the interval [s], exclusive.
    traced
        Fan of the chunk whose slots are written down, -1: none.
    key
        (seed, replication), uint64.
    bucket_shift
        64 - log2(B), uint64.
    tables
        ``frozen.Tables``. Read only.
    fans
        ``frozen.Fans`` of the chunk. Changed.
    arena, cursor
        Follow lists, int32, and its first free place, shape (1,). Changed.
    counts, reads, totals
        Shapes (M, S, 10), (M, G) and (S, 7), int64; added to.
    page, prefix, candidates, words
        Scratch: int32 (255,), int64 (M,), int32 (M,), uint64 (4, 255).
    trace, trace_length
        Slots of the traced fan, int64 (n, 8), as ``frozen.TRACE`` names them, and how many there are, (1,). Changed.

    Returns
    -------
    int
        ``last``, or the fan at which the arena or the trace has too little room for the worst case of a session:
        nothing of that session is done yet; make room and call again from there.
    """
    segments, mean_gap, next_time, events, start, length, _ = fans
    n_surfaces = tables.is_feed.size
    for f in range(first, last):
        segment = segments[f]
        fan = np.uint64(first_id + f)
        while next_time[f] < until:
            event = np.uint64(events[f])
            choice, thin, gap_high, gap_low = philox(fan, event, ZERO, SESSION, key[0], key[1])
            if np.int64(thin) >= tables.keep[segment, next_time[f] // HOUR % DAY_HOURS]:
                events[f] += 1
                next_time[f] += exponential_gap(gap_high, gap_low, mean_gap[f])
                continue
            surface = 0
            while surface < n_surfaces - 1 and np.int64(choice) >= tables.visits[segment, surface]:
                surface += 1
            n_slots = tables.slots[surface]
            if cursor[0] + 4 * (length[f] + n_slots) + 4 > arena.size:
                return f
            if f == traced and trace_length[0] + n_slots > trace.shape[0]:
                return f
            feed = tables.is_feed[surface]
            n_followed = np.int64(length[f])
            if feed:
                running = np.int64(0)
                for j in range(n_followed):
                    i = np.int64(arena[start[f] + j] & ID_MASK)
                    running += (
                        tables.feed_weight[surface, i] * tables.feed_affinity[surface, segment, tables.vertical[i]]
                    )
                    prefix[j] = running
                    candidates[j] = i
            totals[surface, N_SESSIONS] += 1
            totals[surface, N_SLOTS] += n_slots
            _page_words(fan, event, n_slots, key, words)
            n_shown = 0
            looking = True
            for k in range(n_slots):
                at = (fan, event, np.uint64(k))
                reserved = np.int64(words[2, k]) < tables.reserved[surface]
                deeds = 0
                n_orders = np.int64(0)
                kind = ORGANIC_SLOT
                if reserved:
                    deeds = IN_RESERVED
                    kind = SUPPORT
                    totals[surface, N_RESERVED] += 1
                elif np.int64(words[2, k]) >= tables.ordinary[surface]:
                    kind = CUSTOM
                    totals[surface, N_CUSTOM] += 1
                if feed:
                    source = FEED
                    distinct = tables.distinct[surface]
                    i = from_list(
                        prefix, candidates, n_followed, distinct, page, n_shown, at, key, words[0, k], words[1, k]
                    )
                else:
                    i, source = _fill(
                        kind, k, at, surface, segment, key, bucket_shift, tables, words, page, n_shown, totals
                    )
                if i == NONE:
                    totals[surface, N_EMPTY] += 1
                else:
                    page[n_shown] = i
                    n_shown += 1
                    totals[surface, N_IMPRESSIONS] += 1
                    counts[i, surface, EXPOSURE] += 1
                    if reserved:
                        counts[i, surface, RESERVED] += 1
                    if looking:
                        if np.int64(words[3, k]) < tables.examine[surface, k]:
                            counts[i, surface, READS] += 1
                            reads[i, segment] += 1
                            done, n_orders = _react(
                                f, i, at, surface, segment, key, tables, fans, arena, cursor, counts
                            )
                            deeds |= done
                            if done & CLICKED:
                                looking = tables.looks_on[surface, 1]
                        else:
                            looking = tables.looks_on[surface, 0]
                if f == traced:
                    row = trace[trace_length[0]]
                    row[0], row[1], row[2], row[3] = next_time[f], events[f], surface, k
                    row[4], row[5], row[6], row[7] = i, source, deeds, n_orders
                    trace_length[0] += 1
            events[f] += 1
            next_time[f] += exponential_gap(gap_high, gap_low, mean_gap[f])
    return last
