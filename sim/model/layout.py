"""What a session sees and what it writes: named arrays and scalars only, the same for both engines.

Axes: F fans, M influencers, G segments, V verticals, S surfaces, T slot tables. Probabilities are ``floor(p * 2^32)``
as int64, compared with a 32-bit word.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.types import Bools, Floats, Int8s, Int32s, Int64s

__all__ = [
    "FRACTION_BITS",
    "ID_MASK",
    "IN_32_BITS",
    "LEFT_EMPTY",
    "NO_SESSION",
    "ORGANIC",
    "ORIGIN_SHIFT",
    "SHARED",
    "TRACE",
    "VERTICAL_BITS",
    "Addresses",
    "BlockLists",
    "Counter",
    "FanState",
    "FansAtStart",
    "FollowLists",
    "Response",
    "SlotSource",
    "Tables",
    "Tally",
    "Total",
    "Trace",
]


class Counter(IntEnum):
    """What is counted per influencer and surface; the last axis of the counts, shape (M, S, 11)."""

    EXPOSURE = 0
    RESERVED = 1
    READS = 2
    CLICKS = 3
    FOLLOWS = 4
    ORDERS = 5
    GMV_FEN = 6
    UNFOLLOWS = 7
    REFERRALS = 8
    TIPS_FEN = 9
    RESERVED_FOLLOWS = 10


class Total(IntEnum):
    """What is counted per surface; the last axis of the totals, shape (S, 7)."""

    SESSIONS = 0
    SLOTS = 1
    IMPRESSIONS = 2
    RESERVED = 3
    SUPPORT_UNFILLED = 4
    EMPTY = 5
    CUSTOM = 6


class SlotSource(IntEnum):
    """Where the influencer in a slot comes from."""

    FEED = 0
    ORGANIC = 1
    SUPPORT = 2
    EXPLORED = 3
    INSTEAD_OF_SUPPORT = 4
    CUSTOM = 5


class Response(IntFlag):
    """What happened in a slot."""

    RESERVED = 1
    READ = 2
    CLICKED = 4
    UNFOLLOWED = 8
    FOLLOWED = 16
    REFUSED = 32
    TIPPED = 64


TRACE = ("time", "event", "surface", "slot", "influencer", "source", "responses", "orders")
"""Columns of a trace, one row a slot: time [s]; influencer -1: empty slot; ``SlotSource``; ``Response``; orders."""


ORGANIC, LEFT_EMPTY = -1, -2
"""In place of a table of support or custom products: such slots are filled organically, or stay empty."""

ORIGIN_SHIFT = 24
ID_MASK = (1 << ORIGIN_SHIFT) - 1
"""An entry of a follow list is ``influencer | origin << 24``, so that fans won on a surface can stay longer."""

VERTICAL_BITS = 8
"""Of an influencer's traits."""

FRACTION_BITS = 40
"""Of a draw from an alias table: where in its bucket it falls."""


class Tables(NamedTuple):
    """All that a session reads about others, frozen at the last control event."""

    visits: Int64s
    """(G, S): cumulative probability of the surface that a session opens."""
    is_feed: Bools
    """(S,)"""
    slots: Int32s
    """(S,): slots per page, 1..255."""
    distinct: Bools
    """(S,): a page has no influencer twice."""
    counts_repeats: Bools
    """(S,): a follow of someone already followed is counted."""
    reserved: Int64s
    """(S,): probability that a slot is reserved."""
    ordinary: Int64s
    """(S,): probability that a slot isn't one for custom products, unless it is reserved."""
    examine: Int64s
    """(S, 255): probability that a slot is examined, while the fan is still looking."""
    looks_on: Bools
    """(S, 2): the fan goes on looking after a slot that it didn't examine, after one that it clicked."""
    organic: Int32s
    """(S, G): slot table of unreserved slots; unused for a feed."""
    support: Int32s
    """(S, G): slot table of reserved slots, or ``ORGANIC``, or ``LEFT_EMPTY``."""
    custom: Int32s
    """(S,): slot table of custom products, or ``ORGANIC``."""
    weight: Int64s
    """(T, M): integer weights of a slot table."""
    alias: NDArray[np.uint64]
    """(T, M): its alias table, ``threshold << 24 | alias``: of the draws in bucket i, one of M, the fraction below
    ``threshold / 2^40`` chooses i, the rest the alias; ``ID_MASK`` throughout where none has any weight."""
    order: Int32s
    """(T, M): influencers by falling weight, -1 after the last that has any; (T, 1) where no table is ranked."""
    ranked: Bools
    """(T,): slots are filled in this order instead of being drawn."""
    explore: Int64s
    """(T,): probability that a slot of this table is drawn from the last table, in which all weights are equal."""
    feed_weight: Int64s
    """(S, M): posts as an integer weight, <= 2^20."""
    feed_affinity: Int64s
    """(S, G, V): affinity as an integer weight, <= 2^20."""
    vertical: Int32s
    """(M,)"""
    quality: Int64s
    """(M,): quality as a probability."""
    traits: Int64s
    """(M,): ``quality << 8 | vertical``, so that a click looks in one place."""
    click: Int64s
    """(S, G, V): probability of a click on an influencer of quality 1."""
    follow: Int64s
    """(S, M): probability of a follow, given a click."""
    better_only: Bools
    """(S,): only accounts better than all followed are followed."""
    origin: Int32s
    """(S,): what an entry of a follow list says of the surface where it was won, 0: nothing."""
    unfollow: Int64s
    """(S, S + 1): probability of an unfollow by the follow's origin, given an examined slot; 0 has the largest."""
    order_base: Floats
    """(M,): real orders for each simulated visit of the shop at factor 1, times 2^32; 0 without a shop."""
    order_factor: Floats
    """(S, G): orders at factor 1 for each simulated click."""
    shop: Bools
    """(M,): sells now."""
    referrals: Floats
    """(S,): people who visit the shop for each simulated click, times 2^32."""
    tips: Floats
    """(S, G): real tips for each simulated click, times 2^32."""
    tip_value: Int64s
    """(S,) [fen]"""
    order_value: Int64s
    """(M,) [fen]"""
    follow_cap: Int64s
    """(1,): accounts that a fan can follow."""
    keep: Int64s
    """(G, 24): probability that a session of this hour takes place; the others are thinned out."""
    takes_follows: Bools
    """(1,): follows and unfollows are counted; not so in the warm-up."""


IN_32_BITS = ("visits", "reserved", "ordinary", "examine", "explore", "quality", "click", "follow", "unfollow", "keep",
              "order_base", "referrals", "tips")  # fmt: skip
"""Tables of numbers times 2^32."""


class Addresses(NamedTuple):
    """Where the draws of accounts or fans are, one by one; without any, N being 0, its number and the run's key."""

    entity: NDArray[np.uint32]
    """(N,): first word of the counter."""
    key: NDArray[np.uint32]
    """(N, 2): in place of seed and replication."""

    def part(self, first: int, last: int) -> Addresses:
        """Those of ``first <= number < last``; none of none."""
        return Addresses(self.entity[first:last], self.key[first:last])


SHARED = Addresses(np.zeros(0, np.uint32), np.zeros((0, 2), np.uint32))
"""All have their number and the run's key."""


class BlockLists(NamedTuple):
    """Follow lists of the fans of a block, one after the other; there is no place where all fans' lists are."""

    begin: NDArray[np.uint32]
    """(N + 1,): fan n of the block follows ``members[begin[n]:begin[n + 1]]``."""
    members: Int32s
    """(E,): entries in the order of the lists: influencers at the start, ``influencer | origin << 24`` at the end."""


class FansAtStart(NamedTuple):
    """The fans that an engine begins with, those who join later included."""

    segment: Int8s
    """(F,)"""
    mean_gap: Floats
    """(F,): mean time between sessions [s]; inf: none."""
    joined: Int64s
    """When those fans join who are not there from the start [s]; they are the last ones."""
    lists: tuple[BlockLists, ...]
    """Of each block, in order of the fans' ids; all blocks but the last have equally many fans."""


class FanState(NamedTuple):
    """When the sessions of a chunk's fans are; written by a fan's own sessions only."""

    segment: Int8s
    """(F,)"""
    mean_gap: Floats
    """(F,): mean time between sessions [s]; inf: none."""
    next_time: NDArray[np.uint32]
    """(F,): when its next session is, after the start of the run [s]; ``NO_SESSION``; changed."""
    event: NDArray[np.uint32]
    """(F,): number of the next session; changed."""


class FollowLists(NamedTuple):
    """Follow lists of a chunk's fans in one arena; a list is written by its fan's own sessions only."""

    start: NDArray[np.uint32]
    """(F,): where a fan's list begins in the arena; changed."""
    length: Int32s
    """(F,): accounts followed; changed."""
    room: Int8s
    """(F,): a list has room for ``2^room`` entries; changed."""
    arena: Int32s
    """(P,): entries ``influencer | origin << 24``; changed."""
    free: Int64s
    """(32,): first free place of the arena, and for each size of row the one that was freed last; changed."""


class Tally(NamedTuple):
    """What sessions count, in the compiled engine's order of axes."""

    counts: Int64s
    """(S, 11, M): added to; in the units of ``Counter``."""
    reads: Int64s
    """(G, M): slots examined, added to."""
    totals: Int64s
    """(S, 7): added to."""


class Trace(NamedTuple):
    """The slots of one fan, as they are written down."""

    rows: Int64s
    """(n, 8), as ``TRACE`` names them; changed."""
    length: Int64s
    """(1,): rows that are written; changed."""


NO_SESSION = (1 << 32) - 1
"""In place of a time after the start of the run [s]: beyond any horizon."""
