"""Follow lists of day 0, drawn block after block in two steps, compiled; knows arrays and scalars only.

Fans run segment after segment and are in blocks of ``2^bits``, by id. The two kinds of boundaries cut them into
*parts*, each of one segment and one block. An influencer's followers of a segment are a set of so many of its fans,
all such sets equally likely, drawn so that a block needs no other one:

1. ``count_by_part``: how many of them are in each part. A place in the segment is drawn and counted for its part while
   that has so many fans left: the chance of a part is in proportion to the fans that it has left.
2. ``draw_block``: who they are, in each part of a block, by rejection.

In both steps those who don't follow are drawn instead where they are fewer: a draw takes two tries at most on average.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sim.model.kernel.compiled_code import njit
from sim.model.kernel.draws import philox
from sim.streams import Lane
from sim.types import Int64s

FOLLOWER, FOLLOWER_BLOCK = np.uint64(Lane.FOLLOWER), np.uint64(Lane.FOLLOWER_BLOCK)
ATTEMPT_SHIFT, HALF_WORD = np.uint64(8), np.uint64(32)
MASK, WORD_VALUES = np.uint64(0xFFFFFFFF), np.uint64(1 << 32)
CALLS = 64
"""Attempts, of four words each, that are drawn at a time."""


class Parts(NamedTuple):
    """Fans of one segment and one block: P of them, in order of ids."""

    first: Int64s
    """(P + 1,): first fan of each part, and the end of the last one."""
    of_segment: Int64s
    """(G + 1,): first part of each segment, and the end of the last one."""
    of_block: Int64s
    """(B + 1,): first part of each block, and the end of the last one."""


def parts_of(size: Int64s, bits: int) -> Parts:
    """The parts of segments of these sizes, shape (G,) [fans], in blocks of ``2^bits`` fans."""
    bounds = np.concatenate([[0], np.cumsum(size)])
    blocks = np.append(np.arange(0, bounds[-1], 1 << bits), bounds[-1])
    first = np.unique(np.concatenate([bounds, blocks]))
    return Parts(first, np.searchsorted(first, bounds), np.searchsorted(first, blocks))


@njit(cache=True, nogil=True)
def _place_words(entity, attempt, segment, key, n, words):
    """Words of n attempts at a place in a segment: block (entity, attempt, segment, FOLLOWER_BLOCK).

    Changes ``words``, shape (4, N) [words of 32 bits].
    """
    for j in range(n):
        number = np.uint64(attempt + j)
        a, b, c, d = philox(entity, number, segment, FOLLOWER_BLOCK, key[0], key[1])
        words[0, j], words[1, j], words[2, j], words[3, j] = a, b, c, d


@njit(cache=True, nogil=True)
def _fan_words(entity, block, attempt, segment, key, n, words):
    """Words of n attempts at a fan of a part: block (entity, block, segment | attempt << 8, FOLLOWER).

    Changes ``words``, shape (4, N) [words of 32 bits].
    """
    for j in range(n):
        slot = segment | (np.uint64(attempt + j) << ATTEMPT_SHIFT)
        a, b, c, d = philox(entity, block, slot, FOLLOWER, key[0], key[1])
        words[0, j], words[1, j], words[2, j], words[3, j] = a, b, c, d


@njit(cache=True, nogil=True)
def _take_places(wanted, first, size, bits, at, end, words):
    """Draw fans of a segment until so many are taken, each counted for its part alone.

    ``at`` is (segment, entity, key).

    Changes ``end``, shape (parts of the segment,) [ids: one is taken off the end of its part for each fan], and
    ``words``, shape (4, N), as scratch.
    """
    segment, entity, key = at
    n_values = np.uint64(size)
    unequal = WORD_VALUES % n_values  # words whose product's lower half is below would make some places likelier
    first_block = first >> bits
    taken, attempt = np.int64(0), 0
    while taken < wanted:
        n = min(words.shape[1], (wanted - taken + 3) >> 2)
        _place_words(entity, attempt, segment, key, n, words)
        attempt += n
        for j in range(n):
            for w in range(4):
                product = np.uint64(words[w, j]) * n_values
                fan = first + np.int64(product >> HALF_WORD)
                part = (fan >> bits) - first_block
                if (product & MASK) >= unequal and taken < wanted:
                    accepted = np.int64(fan < end[part])
                    end[part] -= accepted
                    taken += accepted


@njit(cache=True, nogil=True)
def count_by_part(per_segment, parts, since, until, bits, entity, key):
    """Followers of each influencer in the parts ``since <= p < until``; the same whatever other parts are asked for.

    Parameters
    ----------
    per_segment
        Shape (M, G), from ``split_by_segment`` [fans].
    parts
        ``Parts``, of blocks of ``2^bits`` fans.
    entity, key
        Shapes (M,) and (M, 2), uint64: those of the influencers' draws.

    Returns
    -------
    ndarray
        Shape (until - since, M), int32 [fans].

    Notes
    -----
    O(M P + followers in all segments that have one of the parts).
    """
    first, of_segment, _ = parts
    n_influencers, n_segments = per_segment.shape
    found = np.zeros((until - since, n_influencers), np.int32)
    end = np.empty(first.size, np.int64)
    words = np.empty((4, CALLS), np.uint32)
    for i in range(n_influencers):
        for g in range(n_segments):
            low, high, n = of_segment[g], of_segment[g + 1], per_segment[i, g]
            begin, size = first[low], first[high] - first[low]
            if n == 0 or high <= since or low >= until:
                continue
            others = 2 * n > size
            drawn = size - n if others else n
            for p in range(low, high):
                end[p - low] = first[p + 1]
            if high - low == 1:
                end[0] -= drawn
            else:
                _take_places(drawn, begin, size, bits, (np.uint64(g), entity[i], key[i]), end, words)
            for p in range(max(low, since), min(high, until)):
                left = end[p - low] - first[p]
                found[p - since, i] = left if others else first[p + 1] - first[p] - left
    return found


@njit(cache=True, nogil=True)
def _draw_members(n, first, size, at, mark, taken, words, found):
    """Followers of an influencer in a part, whose fans have the numbers from ``first`` on in their block.

    ``at`` is (block, segment, entity, key).

    Changes ``found``, shape (N,) with N > n [numbers in the block], ``taken``, shape (fans of a block,) [the last mark
    of each], and ``words``, shape (4, N), as scratch.
    """
    block, segment, entity, key = at
    others = 2 * n > size
    drawn = size - n if others else n
    n_values = np.uint64(size)
    unequal = WORD_VALUES % n_values
    k, attempt = 0, 0
    while k < drawn:
        n_calls = min(words.shape[1], (drawn - k + 3) >> 2)
        _fan_words(entity, block, attempt, segment, key, n_calls, words)
        attempt += n_calls
        for j in range(n_calls):
            for w in range(4):
                product = np.uint64(words[w, j]) * n_values
                if (product & MASK) >= unequal and k < drawn:
                    fan = first + np.int64(product >> HALF_WORD)
                    if not others:
                        found[k] = fan
                    k += taken[fan] != mark
                    taken[fan] = mark
    if others:
        k = 0
        for fan in range(first, first + size):
            if taken[fan] != mark:
                found[k] = fan
                k += 1


@njit(cache=True, nogil=True)
def draw_block(block, n_fans, counts, parts, bits, entity, key):
    """Follow lists of a block's fans, each in order of influencers.

    Parameters
    ----------
    block, n_fans
        Its number, and its fans, with those who join later.
    counts
        Shape (parts of the block, M), from ``count_by_part``.
    parts, bits, entity, key
        As there.

    Returns
    -------
    tuple
        Where the lists begin, shape (n_fans + 1,), uint32, and their members, shape (E,), int32.
    """
    low = parts.of_block[block]
    n_parts, n_influencers = counts.shape
    members = np.empty(counts.sum(), np.int32)
    fans = np.empty(members.size + 1, np.uint16)
    begin = np.zeros(n_fans + 2, np.uint32)
    taken = np.full(n_fans, -1, np.int32)
    words = np.empty((4, CALLS), np.uint32)
    first = parts.first[low : low + n_parts + 1] - (block << bits)
    segment = np.searchsorted(parts.of_segment, np.arange(low, low + n_parts), "right") - 1
    n = np.int64(0)
    for i in range(n_influencers):
        for p in range(n_parts):
            wanted = np.int64(counts[p, i])
            if wanted:
                size, mark, found = first[p + 1] - first[p], i * n_parts + p, fans[n : n + wanted + 1]
                at = (np.uint64(block), np.uint64(segment[p]), entity[i], key[i])
                _draw_members(wanted, first[p], size, at, mark, taken, words, found)
                n += wanted
    for j in range(n):
        begin[fans[j] + 2] += np.uint32(1)
    for f in range(n_fans):
        begin[f + 2] += begin[f + 1]
    n = np.int64(0)
    for i in range(n_influencers):
        for p in range(n_parts):
            for fan in fans[n : n + counts[p, i]]:
                members[begin[fan + 1]] = i
                begin[fan + 1] += np.uint32(1)
            n += np.int64(counts[p, i])
    return begin[: n_fans + 1], members
