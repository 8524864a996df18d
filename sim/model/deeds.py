"""Stages 5 to 7 of the kernel: what fans examine, click and do then, in order of slots; knows arrays only."""

from __future__ import annotations

import numpy as np
from numba import njit

from sim.model.draws import philox
from sim.model.frozen import ORIGIN_SHIFT, Counter, Deed
from sim.model.lists import append, is_better, is_member, remove
from sim.streams import Lane

READS, CLICKS, FOLLOWS, UNFOLLOWS = (
    int(c) for c in (Counter.READS, Counter.CLICKS, Counter.FOLLOWS, Counter.UNFOLLOWS)
)
ORDERS, GMV_FEN, REFERRALS = int(Counter.ORDERS), int(Counter.GMV_FEN), int(Counter.REFERRALS)
TIPS_FEN = int(Counter.TIPS_FEN)
READ, CLICKED = int(Deed.READ), int(Deed.CLICKED)
UNFOLLOWED, FOLLOWED, REFUSED = int(Deed.UNFOLLOWED), int(Deed.FOLLOWED), int(Deed.REFUSED)
TIPPED = int(Deed.TIPPED)
ACTION, UNFOLLOW = np.uint64(Lane.ACTION), np.uint64(Lane.UNFOLLOW)
WORD_BITS = np.uint64(32)
BITS = np.int64(32)


@njit(cache=True, nogil=True, _nrt=False, forceinline=True)
def _appeal(i, click, tables):
    """Probability that an examined influencer is clicked; ``click`` is the segment's on the surface by vertical."""
    return np.int64((np.uint64(tables.quality[i]) * np.uint64(click[tables.vertical[i]])) >> WORD_BITS)


@njit(cache=True, nogil=True, _nrt=False)
def examine(a, b, n_slots, surface, key, tables, group):
    """Stage 5: the slots that fans examine, in an order that keeps each page's; their number."""
    if not tables.looks_on[surface, 0] or not tables.looks_on[surface, 1]:
        return _look_until(a, b, n_slots, surface, key, tables, group)
    words, chosen, threshold, read_at = group.slot_words, group.chosen, tables.examine[surface], group.read_at
    n, stride = np.uint32(0), chosen.shape[1]
    for k in range(n_slots):
        for s in range(b - a):
            read_at[n] = k * stride + s
            n += np.uint32((np.int64(words[3, k, s]) < threshold[k]) & (chosen[k, s] >= 0))
    return np.int64(n)


@njit(cache=True, nogil=True, _nrt=False)
def _look_until(a, b, n_slots, surface, key, tables, group):
    """As ``examine``, of fans who stop at the first slot that they don't examine, or that they click."""
    threshold, looks_on, stride = tables.examine[surface], tables.looks_on[surface], group.chosen.shape[1]
    n = np.uint32(0)
    for s in range(b - a):
        click = tables.click[surface, group.segment[a + s]]
        for k in range(n_slots):
            i = group.chosen[k, s]
            if i < 0:
                continue
            if np.int64(group.slot_words[3, k, s]) >= threshold[k]:
                if not looks_on[0]:
                    break
                continue
            group.read_at[n] = k * stride + s
            n += np.uint32(1)
            if not looks_on[1]:
                at = (np.uint64(group.id[a + s]), np.uint64(group.event[a + s]), np.uint64(k))
                coin, _, _, _ = philox(at[0], at[1], at[2], ACTION, key[0], key[1])
                if np.int64(coin) < _appeal(i, click, tables):
                    break
    return np.int64(n)


@njit(cache=True, nogil=True, _nrt=False, forceinline=True)
def _logarithm(power_of_two):
    """Which power of two it is."""
    bits = 0
    while (1 << bits) < power_of_two:
        bits += 1
    return bits


@njit(cache=True, nogil=True, _nrt=False)
def read(a, b, n, surface, key, tables, group, counts, reads):
    """Stage 6: the words of n reads, who is read and clicked; the numbers of clicks and of acts on follow lists."""
    session, slot, who, deeds = group.read_session, group.read_slot, group.read_who, group.read_deeds
    ids, events, words, coins = group.read_id, group.read_event, group.read_words, group.read_coin
    session_id, session_event, segments = group.id[a:b], group.event[a:b], group.segment[a:b]
    places, flat = np.uint32(group.chosen.shape[1] - 1), group.chosen.reshape(-1)
    bits = np.uint32(_logarithm(group.chosen.shape[1]))
    for r in range(n):
        at = group.read_at[r]
        s = at & places
        session[r], slot[r], who[r], ids[r], events[r] = s, at >> bits, flat[at], session_id[s], session_event[s]
    for r in range(n):
        w = philox(np.uint64(ids[r]), np.uint64(events[r]), np.uint64(slot[r]), ACTION, key[0], key[1])
        words[0, r], words[1, r], words[2, r], words[3, r] = w
    leaving = tables.unfollow[surface, 0] if tables.follows_open[0] else 0
    if leaving > 0:
        for r in range(n):
            w = philox(np.uint64(ids[r]), np.uint64(events[r]), np.uint64(slot[r]), UNFOLLOW, key[0], key[1])
            coins[r] = w[0]
    n_read, click, follow = counts[surface, READS], tables.click[surface], tables.follow[surface]
    clicks, acts = group.clicks, group.acts
    n_clicks, n_acts = np.uint32(0), np.uint32(0)
    for r in range(n):
        i, segment = who[r], np.uint8(segments[session[r]])
        clicked = np.int64(words[0, r]) < _appeal(i, click[segment], tables)
        n_read[i] += 1
        reads[segment, i] += 1
        deeds[r] = READ + CLICKED * clicked
        clicks[n_clicks] = r
        n_clicks += np.uint32(clicked)
        acts[n_acts] = r
        n_acts += np.uint32((clicked & (np.int64(words[1, r]) < follow[i])) | ((leaving > 0) & (coins[r] < leaving)))
    return np.int64(n_clicks), np.int64(n_acts) if tables.follows_open[0] else np.int64(0)


@njit(cache=True, nogil=True, _nrt=False)
def change_lists(a, n, surface, tables, fans, arena, free, group, counts):
    """Stage 7: unfollow, then follow, act after act, each page's in order of slots."""
    start, length, room = fans.start, fans.length, fans.room
    unfollow, follow, who, deeds = tables.unfollow[surface], tables.follow[surface], group.read_who, group.read_deeds
    origin_bits = np.int64(tables.origin[surface]) << ORIGIN_SHIFT
    for act in range(n):
        r = group.acts[act]
        i, f = np.int64(who[r]), group.fan[a + np.int64(group.read_session[r])]
        coin = np.int64(group.read_coin[r])
        if coin < unfollow[0] and remove(arena, start, length, f, i, coin, unfollow):
            deeds[r] |= UNFOLLOWED
            counts[surface, UNFOLLOWS, i] += 1
        if not deeds[r] & CLICKED or np.int64(group.read_words[1, r]) >= follow[i]:
            continue
        first, n_followed = np.int64(start[f]), np.int64(length[f])
        if is_member(arena, first, n_followed, i):
            deeds[r] |= REFUSED
            counts[surface, FOLLOWS, i] += tables.counts_repeats[surface]
        elif n_followed < tables.follow_cap[0] and (
            not tables.better_only[surface] or is_better(arena, first, n_followed, i, tables.quality)
        ):
            append(start, length, room, arena, free, f, i | origin_bits)
            deeds[r] |= FOLLOWED
            counts[surface, FOLLOWS, i] += 1
        else:
            deeds[r] |= REFUSED


@njit(cache=True, nogil=True, _nrt=False)
def spend(a, n, surface, tables, group, counts):
    """Stage 8: clicks, visits to shops, orders and tips."""
    n_clicked, n_referred = counts[surface, CLICKS], counts[surface, REFERRALS]
    who, session, words, orders = group.read_who, group.read_session, group.read_words, group.read_orders
    referrals = np.int64(tables.referrals[surface])
    for click in range(n):
        r = group.clicks[click]
        i, segment = who[r], group.segment[a + np.int64(session[r])]
        n_clicked[i] += 1
        n_orders = np.int64(0)
        if tables.shop[i]:
            word = np.int64(words[2, r])
            n_referred[i] += (referrals + word) >> BITS
            n_orders = (np.int64(tables.order_base[i] * tables.order_factor[surface, segment]) + word) >> BITS
            if n_orders > 0:
                counts[surface, ORDERS, i] += n_orders
                counts[surface, GMV_FEN, i] += n_orders * tables.order_value[i]
        orders[r] = n_orders
        n_tips = (np.int64(tables.tips[surface, segment]) + np.int64(words[3, r])) >> BITS
        if n_tips > 0:
            group.read_deeds[r] |= TIPPED
            counts[surface, TIPS_FEN, i] += n_tips * tables.tip_value[surface]
