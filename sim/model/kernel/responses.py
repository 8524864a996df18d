"""Stages 5 to 8 of the kernel: what fans examine, click and do then, in order of slots; knows arrays only."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sim.model.kernel.choice import draw, key_of, staged
from sim.model.kernel.compiled_code import njit
from sim.model.kernel.draws import philox
from sim.model.kernel.follow_lists import append, is_better, is_member, remove
from sim.model.layout import ORIGIN_SHIFT, VERTICAL_BITS, Counter, Response
from sim.streams import Lane
from sim.types import Bools, Floats, Int64s

READS, CLICKS, FOLLOWS, UNFOLLOWS = (
    int(c) for c in (Counter.READS, Counter.CLICKS, Counter.FOLLOWS, Counter.UNFOLLOWS)
)
ORDERS, GMV_FEN, REFERRALS = int(Counter.ORDERS), int(Counter.GMV_FEN), int(Counter.REFERRALS)
TIPS_FEN, RESERVED_FOLLOWS = int(Counter.TIPS_FEN), int(Counter.RESERVED_FOLLOWS)
READ, CLICKED = int(Response.READ), int(Response.CLICKED)
UNFOLLOWED, FOLLOWED, REFUSED = int(Response.UNFOLLOWED), int(Response.FOLLOWED), int(Response.REFUSED)
TIPPED = int(Response.TIPPED)
ACTION, UNFOLLOW = np.uint64(Lane.ACTION), np.uint64(Lane.UNFOLLOW)
WORD_BITS = np.uint64(32)
VERTICAL_SHIFT, VERTICAL = np.uint64(VERTICAL_BITS), np.uint64((1 << VERTICAL_BITS) - 1)
BITS = np.int64(32)


class Appeal(NamedTuple):
    """What a surface's fans click, as ``layout.Tables`` has it."""

    traits: Int64s
    """(M,)"""
    click: Int64s
    """(G, V)"""


class Following(NamedTuple):
    """How fans follow and unfollow on a surface, as ``layout.Tables`` has it."""

    follow: Int64s
    """(M,)"""
    unfollow: Int64s
    """(S + 1,)"""
    cap: int
    origin: int
    better_only: bool
    counts_repeats: bool


class Sales(NamedTuple):
    """What clicks on a surface bring, as ``layout.Tables`` has it."""

    shop: Bools
    """(M,)"""
    order_base: Floats
    """(M,)"""
    order_value: Int64s
    """(M,)"""
    order_factor: Floats
    """(G,)"""
    referrals: float
    tips: Floats
    """(G,)"""
    tip_value: int


@njit(cache=True, nogil=True, _nrt=False, no_cfunc_wrapper=True, forceinline=True)
def _is_clicked(word, i, segment, appeal):
    """Whether an examined influencer is clicked, by word 0 of an ACTION block."""
    traits = np.uint64(appeal.traits[i])
    chance = (traits >> VERTICAL_SHIFT) * np.uint64(appeal.click[segment, traits & VERTICAL])
    return np.int64(word) < np.int64(chance >> WORD_BITS)


@staged
def examine(n_slots, threshold, looks_on, appeal, key, sessions, words, chosen, read_at):
    """Stage 5: the slots that fans examine, in an order that keeps each page's; their number.

    Changes ``read_at``, shape (R,) [slot and session, ``k * N + s``].
    """
    if not looks_on[0] or not looks_on[1]:
        return _look_until(n_slots, threshold, looks_on, appeal, key, sessions, words, chosen, read_at)
    n, stride = np.uint32(0), chosen.shape[1]
    for k in range(n_slots):
        for s in range(sessions.id.size):
            read_at[n] = k * stride + s
            n += np.uint32((np.int64(words[3, k, s]) < threshold[k]) & (chosen[k, s] >= 0))
    return np.int64(n)


@staged
def _look_until(n_slots, threshold, looks_on, appeal, key, sessions, words, chosen, read_at):
    """As ``examine``, of fans who stop at the first slot that they don't examine, or that they click.

    Changes ``read_at``, shape (R,) [slot and session, ``k * N + s``].
    """
    n, stride = np.uint32(0), chosen.shape[1]
    for s in range(sessions.id.size):
        for k in range(n_slots):
            i = chosen[k, s]
            if i < 0:
                continue
            if np.int64(words[3, k, s]) >= threshold[k]:
                if not looks_on[0]:
                    break
                continue
            read_at[n] = k * stride + s
            n += np.uint32(1)
            if not looks_on[1]:
                at = (np.uint64(sessions.id[s]), np.uint64(sessions.event[s]), np.uint64(k))
                word, _ = draw(at, ACTION, key_of(sessions, s, key))
                if _is_clicked(word, i, sessions.segment[s], appeal):
                    break
    return np.int64(n)


@njit(cache=True, nogil=True, _nrt=False, no_cfunc_wrapper=True, forceinline=True)
def _logarithm(power_of_two):
    """Which power of two it is."""
    bits = 0
    while (1 << bits) < power_of_two:
        bits += 1
    return bits


@staged
def read(n, takes_follows, appeal, following, key, sessions, chosen, reads, n_read, n_read_by):
    """Stage 6: the words of n reads, who is read and clicked; the numbers of clicks and of acts on follow lists.

    Without ``takes_follows`` there are no acts. Changes ``reads``, shapes (R,) and (4, R), except ``at`` and
    ``orders``; ``n_read``, shape (M,) [slots], the surface's, and ``n_read_by``, shape (G, M) [slots], both added to.
    """
    session, slot, who, ids, events = reads.session, reads.slot, reads.who, reads.id, reads.event
    words, coins, clicks = reads.words, reads.coin, reads.clicks
    session_id, session_event, segments = sessions.id, sessions.event, sessions.segment
    places, flat = np.uint32(chosen.shape[1] - 1), chosen.reshape(-1)
    bits = np.uint32(_logarithm(chosen.shape[1]))
    for r in range(n):
        at = reads.at[r]
        s = at & places
        session[r], slot[r], who[r], ids[r], events[r] = s, at >> bits, flat[at], session_id[s], session_event[s]
    leaving = following.unfollow[0] if takes_follows else 0
    if sessions.seed.size > 0:
        _draw_of_own_keys(n, leaving, sessions.seed, sessions.replication, reads)
    else:
        for r in range(n):
            w = philox(np.uint64(ids[r]), np.uint64(events[r]), np.uint64(slot[r]), ACTION, key[0], key[1])
            words[0, r], words[1, r], words[2, r], words[3, r] = w
        if leaving > 0:
            for r in range(n):
                w = philox(np.uint64(ids[r]), np.uint64(events[r]), np.uint64(slot[r]), UNFOLLOW, key[0], key[1])
                coins[r] = w[0]
    n_clicks = np.uint32(0)
    for r in range(n):
        i, segment = who[r], np.uint8(segments[session[r]])
        clicked = _is_clicked(words[0, r], i, segment, appeal)
        n_read[i] += 1
        n_read_by[segment, i] += 1
        reads.responses[r] = READ + CLICKED * clicked
        clicks[n_clicks] = r
        n_clicks += np.uint32(clicked)
    n_acts = _find_acts(n, n_clicks, leaving, following.follow, reads) if takes_follows else np.int64(0)
    return np.int64(n_clicks), n_acts


@staged
def _draw_of_own_keys(n, leaving, seeds, replications, reads):
    """The ACTION blocks of n reads, and with ``leaving`` above 0 the UNFOLLOW blocks, of fans with keys of their own.

    Changes ``reads.words``, shape (4, R), and ``reads.coin``, shape (R,) [words of 32 bits].
    """
    words, session, slot = reads.words, reads.session, reads.slot
    for r in range(n):
        seed, replication = np.uint64(seeds[session[r]]), np.uint64(replications[session[r]])
        entity, event, k = np.uint64(reads.id[r]), np.uint64(reads.event[r]), np.uint64(slot[r])
        words[0, r], words[1, r], words[2, r], words[3, r] = philox(entity, event, k, ACTION, seed, replication)
        if leaving > 0:
            reads.coin[r] = philox(entity, event, k, UNFOLLOW, seed, replication)[0]


@staged
def _find_acts(n, n_clicks, leaving, follow, reads):
    """Of n reads those that may change a follow list, in order; their number.

    Changes ``reads.acts``, shape (R,) [indices of reads].
    """
    acts, clicks, words, n_acts = reads.acts, reads.clicks, reads.words, np.uint32(0)
    if leaving == 0:
        for c in range(n_clicks):
            acts[n_acts] = clicks[c]
            n_acts += np.uint32(np.int64(words[1, clicks[c]]) < follow[reads.who[clicks[c]]])
        return np.int64(n_acts)
    for r in range(n):
        acts[n_acts] = r
        follows = (reads.responses[r] & CLICKED > 0) & (np.int64(words[1, r]) < follow[reads.who[r]])
        n_acts += np.uint32(follows | (np.int64(reads.coin[r]) < leaving))
    return np.int64(n_acts)


@staged
def change_lists(n, following, quality, lists, who_reads, reserved, coins, reads, counts):
    """Stage 7: unfollow, then follow, each page's acts in order of slots; ``who_reads`` are the sessions' fans.

    A slot is a reserved one where its word in ``coins``, shape (K, N), is below ``reserved``.

    Changes ``lists``, all of it, see ``follow_lists.append``; ``reads.responses``, shape (R,) [``Response``]; and
    ``counts``, the surface's, shape (11, M) [follows, those from reserved slots, unfollows], added to.
    """
    start, length, arena, responses = lists.start, lists.length, lists.arena, reads.responses
    origin_bits = np.int64(following.origin) << ORIGIN_SHIFT
    for act in range(n):
        r = reads.acts[act]
        i, f = np.int64(reads.who[r]), who_reads[reads.session[r]]
        coin = np.int64(reads.coin[r])
        if coin < following.unfollow[0] and remove(lists, f, i, coin, following.unfollow):
            responses[r] |= UNFOLLOWED
            counts[UNFOLLOWS, i] += 1
        if not responses[r] & CLICKED or np.int64(reads.words[1, r]) >= following.follow[i]:
            continue
        first, n_followed = np.int64(start[f]), np.int64(length[f])
        in_reserved = np.int64(coins[reads.slot[r], reads.session[r]]) < reserved
        if is_member(arena, first, n_followed, i):
            responses[r] |= REFUSED
            counts[FOLLOWS, i] += following.counts_repeats
            counts[RESERVED_FOLLOWS, i] += following.counts_repeats & in_reserved
        elif n_followed < following.cap and (
            not following.better_only or is_better(arena, first, n_followed, i, quality)
        ):
            append(lists, f, i | origin_bits)
            responses[r] |= FOLLOWED
            counts[FOLLOWS, i] += 1
            counts[RESERVED_FOLLOWS, i] += in_reserved
        else:
            responses[r] |= REFUSED


@staged
def spend(n, sales, segments, reads, counts):
    """Stage 8: clicks, visits to shops, orders and tips; ``segments`` are the sessions'.

    Changes ``reads.orders`` and ``reads.responses``, shape (R,) [real orders; ``Response``]; and ``counts``, the
    surface's, shape (11, M) [clicks, visits, real orders, fen], added to.
    """
    n_clicked, n_referred, words = counts[CLICKS], counts[REFERRALS], reads.words
    referrals = np.int64(sales.referrals)
    for click in range(n):
        r = reads.clicks[click]
        i, segment = reads.who[r], segments[reads.session[r]]
        n_clicked[i] += 1
        n_orders = np.int64(0)
        if sales.shop[i]:
            word = np.int64(words[2, r])
            n_referred[i] += (referrals + word) >> BITS
            n_orders = (np.int64(sales.order_base[i] * sales.order_factor[segment]) + word) >> BITS
            if n_orders > 0:
                counts[ORDERS, i] += n_orders
                counts[GMV_FEN, i] += n_orders * sales.order_value[i]
        reads.orders[r] = n_orders
        n_tips = (np.int64(sales.tips[segment]) + np.int64(words[3, r])) >> BITS
        if n_tips > 0:
            reads.responses[r] |= TIPPED
            counts[TIPS_FEN, i] += n_tips * sales.tip_value
