"""Sessions, compiled: one function for an interval of a chunk of fans; knows arrays and scalars only.

``session.py`` is its readable twin and the specification; both must give the same bits. Arrays that are changed in
place are ``fans``, ``arena``, ``counts``, ``totals`` and the scratch arrays.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from sim.model.draws import below, exponential_gap, philox
from sim.model.frozen import Counter, Total
from sim.streams import Lane

EXPOSURE, RESERVED, READS, CLICKS = (
    int(c) for c in (Counter.EXPOSURE, Counter.RESERVED, Counter.READS, Counter.CLICKS)
)
FOLLOWS, ORDERS, GMV_FEN = int(Counter.FOLLOWS), int(Counter.ORDERS), int(Counter.GMV_FEN)
UNFOLLOWS = int(Counter.UNFOLLOWS)
N_SESSIONS, N_SLOTS, N_IMPRESSIONS = int(Total.SESSIONS), int(Total.SLOTS), int(Total.IMPRESSIONS)
N_RESERVED, N_UNFILLED, N_EMPTY = int(Total.RESERVED), int(Total.SUPPORT_UNFILLED), int(Total.EMPTY)

ARRIVAL, SESSION, SLOT = np.uint64(Lane.ARRIVAL), np.uint64(Lane.SESSION), np.uint64(Lane.SLOT)
RESIDUAL, ACTION = np.uint64(Lane.RESIDUAL), np.uint64(Lane.ACTION)
EXPLORE, EXPLORED, EXPLORED_RESIDUAL = (
    np.uint64(Lane.EXPLORE),
    np.uint64(Lane.EXPLORED),
    np.uint64(Lane.EXPLORED_RESIDUAL),
)
UNFOLLOW = np.uint64(Lane.UNFOLLOW)
FALLBACK, FALLBACK_RESIDUAL = np.uint64(Lane.FALLBACK), np.uint64(Lane.FALLBACK_RESIDUAL)

ATTEMPTS = 32
ATTEMPT_SHIFT = np.uint64(8)
ZERO = np.uint64(0)
WORD_BITS = np.int64(32)
NONE = -1
NOBODY = -2
HOUR, DAY_HOURS = 3600, 24

# All functions here are compiled with _nrt=False (nothing is allocated, so that no array is counted as a reference) and
# the small ones with forceinline=True (a slot takes about 100 ns; a call and its arguments would show): measured, the
# two together make sessions 1.5 times as fast, with the same bits.


@njit(cache=True, nogil=True, _nrt=False)
def arrivals(start, joined, first_id, key, mean_gap, next_time):
    """Each fan's first session after ``start`` and joining [s], into ``next_time``; lane ARRIVAL, words 0 and 1."""
    for f in range(mean_gap.size):
        a, b, _, _ = philox(np.uint64(first_id + f), ZERO, ZERO, ARRIVAL, key[0], key[1])
        next_time[f] = max(start, joined[f]) + exponential_gap(a, b, mean_gap[f])


@njit(cache=True, nogil=True, _nrt=False)
def move_lists(start, length, arena, new_start, new_arena):
    """Copy the list of each fan from one arena to its place in another; ``new_arena`` is changed."""
    for f in range(length.size):
        for j in range(length[f]):
            new_arena[new_start[f] + j] = arena[start[f] + j]


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
def _from_table(cumulative, guide, table, bucket_shift, distinct, page, n_shown, at, lanes, key, high, low):
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
def _from_order(order, table, distinct, page, n_shown):
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
def _from_list(prefix, candidates, n, distinct, page, n_shown, at, key, high, low):
    """Influencer for a feed slot, by integer prefix sums in list order; as ``_from_table`` otherwise."""
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


@njit(cache=True, nogil=True, _nrt=False, forceinline=True)
def _is_member(arena, start, n, influencer):
    found = 0
    for j in range(start, start + n):
        found += arena[j] == influencer
    return found > 0


@njit(cache=True, nogil=True, _nrt=False)
def _is_better(arena, start, n, influencer, quality):
    """Whether an influencer's quality is above that of everybody on the list."""
    for j in range(start, start + n):
        if quality[arena[j]] >= quality[influencer]:
            return False
    return True


@njit(cache=True, nogil=True, _nrt=False)
def _remove(arena, start, length, f, influencer):
    """Take off a follow list, the last member moving to its place; whether it stood there."""
    for j in range(start[f], start[f] + length[f]):
        if arena[j] == influencer:
            length[f] -= 1
            arena[j] = arena[start[f] + length[f]]
            return True
    return False


@njit(cache=True, nogil=True, _nrt=False, forceinline=True)
def _append(start, length, capacity, arena, cursor, f, influencer):
    """Add to the end of a follow list; a full one moves to the end of the arena with twice the room."""
    n = length[f]
    if n == capacity[f]:
        room = max(4, 2 * n)
        target = cursor[0]
        for j in range(n):
            arena[target + j] = arena[start[f] + j]
        start[f] = target
        capacity[f] = room
        cursor[0] = target + room
    arena[start[f] + n] = influencer
    length[f] = n + 1


@njit(cache=True, nogil=True, _nrt=False, forceinline=True)
def _page_words(fan, event, n_slots, key, words):
    """The SLOT blocks of a page, attempt 0, into ``words``, shape (4, 255): a loop that the compiler vectorises."""
    for k in range(n_slots):
        words[0, k], words[1, k], words[2, k], words[3, k] = philox(fan, event, np.uint64(k), SLOT, key[0], key[1])


@njit(cache=True, nogil=True, _nrt=False)
def sessions(
    first,
    last,
    first_id,
    until,
    key,
    bucket_shift,
    tables,
    fans,
    arena,
    cursor,
    counts,
    totals,
    page,
    prefix,
    candidates,
    words,
):
    """Run all sessions before ``until`` of the fans ``first <= f < last`` of a chunk; each fan's in order of time.

    Parameters
    ----------
    first, last, first_id
        Fans of the chunk to run, and the id of fan 0 of the chunk.
    until
        End of the interval [s], exclusive.
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
    counts, totals
        Shapes (M, S, 8) and (S, 6), int64; added to.
    page, prefix, candidates, words
        Scratch: int32 (255,), int64 (M,), int32 (M,), uint64 (4, 255).

    Returns
    -------
    int
        ``last``, or the fan at which the arena has too little room for the worst case of a session: nothing of that
        session is done yet; make room and call again from there.
    """
    # Names of the arrays, taken out of their tuples once.
    visits, is_feed, slots, all_distinct, counts_repeats, reserved_prob, examine, looks_on = tables[:8]
    organic, support, cumulative, guide, order, ranked, explore, feed_weight, feed_affinity, vertical = tables[8:18]
    quality, click_prob, follow_prob, better_only, unfollow_prob, order_base, order_factor = tables[18:25]
    order_value, follow_cap, keep, follows_open = tables[25:]
    segments, mean_gap, next_time, events, start, length, capacity = fans
    n_surfaces = is_feed.size
    everyone = cumulative.shape[0] - 1
    for f in range(first, last):
        segment = segments[f]
        fan = np.uint64(first_id + f)
        while next_time[f] < until:
            event = np.uint64(events[f])
            choice, thin, gap_high, gap_low = philox(fan, event, ZERO, SESSION, key[0], key[1])
            if np.int64(thin) >= keep[segment, next_time[f] // HOUR % DAY_HOURS]:
                events[f] += 1
                next_time[f] += exponential_gap(gap_high, gap_low, mean_gap[f])
                continue
            surface = 0
            while surface < n_surfaces - 1 and np.int64(choice) >= visits[segment, surface]:
                surface += 1
            n_slots = slots[surface]
            if cursor[0] + 4 * (length[f] + n_slots) + 4 > arena.size:
                return f
            feed = is_feed[surface]
            distinct = all_distinct[surface]
            n_followed = np.int64(length[f])
            if feed:
                running = np.int64(0)
                for j in range(n_followed):
                    i = arena[start[f] + j]
                    running += feed_weight[surface, i] * feed_affinity[surface, segment, vertical[i]]
                    prefix[j] = running
                    candidates[j] = i
            totals[surface, N_SESSIONS] += 1
            totals[surface, N_SLOTS] += n_slots
            _page_words(fan, event, n_slots, key, words)
            n_shown = 0
            looking = True
            for k in range(n_slots):
                slot = np.uint64(k)
                at = (fan, event, slot)
                reserved = np.int64(words[2, k]) < reserved_prob[surface]
                if reserved:
                    totals[surface, N_RESERVED] += 1
                if feed:
                    i = _from_list(
                        prefix, candidates, n_followed, distinct, page, n_shown, at, key, words[0, k], words[1, k]
                    )
                else:
                    table = organic[surface, segment]
                    if reserved and support[surface, segment] != NONE:
                        table = support[surface, segment]
                    if table == NOBODY:
                        i = NONE
                    elif (
                        explore[table] > 0
                        and np.int64(philox(fan, event, slot, EXPLORE, key[0], key[1])[0]) < explore[table]
                    ):
                        high, low, _, _ = philox(fan, event, slot, EXPLORED, key[0], key[1])
                        i = _from_table(
                            cumulative, guide, everyone, bucket_shift, distinct, page, n_shown, at,
                            (EXPLORED, EXPLORED_RESIDUAL), key, high, low,
                        )  # fmt: skip
                    elif ranked[table]:
                        i = _from_order(order, table, distinct, page, n_shown)
                    else:
                        i = _from_table(
                            cumulative, guide, table, bucket_shift, distinct, page, n_shown, at, (SLOT, RESIDUAL), key,
                            words[0, k], words[1, k],
                        )  # fmt: skip
                    if i == NONE and table != organic[surface, segment] and table != NOBODY:
                        table = organic[surface, segment]
                        if ranked[table]:
                            i = _from_order(order, table, distinct, page, n_shown)
                        else:
                            high, low, _, _ = philox(fan, event, slot, FALLBACK, key[0], key[1])
                            i = _from_table(
                                cumulative, guide, table, bucket_shift, distinct, page, n_shown, at,
                                (FALLBACK, FALLBACK_RESIDUAL), key, high, low,
                            )  # fmt: skip
                        if i != NONE:
                            totals[surface, N_UNFILLED] += 1
                if i == NONE:
                    totals[surface, N_EMPTY] += 1
                    continue
                page[n_shown] = i
                n_shown += 1
                totals[surface, N_IMPRESSIONS] += 1
                counts[i, surface, EXPOSURE] += 1
                if reserved:
                    counts[i, surface, RESERVED] += 1
                if not looking:
                    continue
                if np.int64(words[3, k]) >= examine[surface, k]:
                    looking = looks_on[surface, 0]
                    continue
                counts[i, surface, READS] += 1
                click, follow, order_word, _ = philox(fan, event, slot, ACTION, key[0], key[1])
                appeal = np.uint64(quality[i]) * np.uint64(click_prob[surface, segment, vertical[i]])
                clicked = click < appeal >> np.uint64(32)
                if clicked:
                    counts[i, surface, CLICKS] += 1
                    looking = looks_on[surface, 1]
                if follows_open[0] and unfollow_prob[surface] > 0:
                    coin, _, _, _ = philox(fan, event, slot, UNFOLLOW, key[0], key[1])
                    if np.int64(coin) < unfollow_prob[surface] and _remove(arena, start, length, f, i):
                        counts[i, surface, UNFOLLOWS] += 1
                if not clicked:
                    continue
                if follows_open[0] and np.int64(follow) < follow_prob[surface, i]:
                    if _is_member(arena, start[f], length[f], i):
                        if counts_repeats[surface]:
                            counts[i, surface, FOLLOWS] += 1
                    elif length[f] < follow_cap[0] and (
                        not better_only[surface] or _is_better(arena, start[f], length[f], i, quality)
                    ):
                        _append(start, length, capacity, arena, cursor, f, i)
                        counts[i, surface, FOLLOWS] += 1
                mean_orders = np.int64(order_base[i] * order_factor[surface, segment])
                n_orders = (mean_orders + np.int64(order_word)) >> WORD_BITS
                if n_orders > 0:
                    counts[i, surface, ORDERS] += n_orders
                    counts[i, surface, GMV_FEN] += n_orders * order_value[i]
            events[f] += 1
            next_time[f] += exponential_gap(gap_high, gap_low, mean_gap[f])
    return last
