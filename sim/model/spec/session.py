"""Sessions, in plain Python, written to be read: the executable specification; ``sim.model.kernel`` is its fast twin.

A session of a fan, in this order:

1. block (fan, event, 0, SESSION): word 1 decides whether it takes place at this hour, word 0 chooses the surface, words
   2 and 3 the gap to the next session;
2. for each slot k, block (fan, event, k, SLOT): words 0 and 1 choose the influencer, word 2 is the coin of a reserved
   slot (low) or of one for custom products (high), word 3 decides whether it is examined; a rejected choice draws again
   with ``k | attempt << 8``; block (fan, event, k, EXPLORE), word 0: the slot is drawn from all accounts alike instead,
   with block (fan, event, k, EXPLORED);
3. an examined slot, block (fan, event, k, ACTION): word 0 click, word 1 follow, word 2 visits to the shop and orders,
   word 3 tips; in between, block (fan, event, k, UNFOLLOW), word 0: unfollow.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.model.layout import (
    FRACTION_BITS,
    ID_MASK,
    LEFT_EMPTY,
    ORGANIC,
    ORIGIN_SHIFT,
    Counter,
    Response,
    SlotSource,
    Tables,
    Total,
)
from sim.streams import Lane, log, philox
from sim.types import Int64s, Key

__all__ = ["Fan", "exponential_gap", "run_session"]

ATTEMPTS = 32
NO_SESSION = 1 << 62
HOUR = 3600


@dataclass
class Fan:
    """A fan: who it is, and the state that its own sessions change."""

    id: int
    """Entity of its draws."""
    segment: int
    mean_gap: float
    follows: list[int]
    """Entries ``influencer | origin << 24``."""
    event: int = 0
    page: list[int] = field(default_factory=list)
    trace: list[tuple[int, ...]] | None = None
    """Rows as ``layout.TRACE`` names them, where its slots are written down."""
    offered: list[int] = field(default_factory=list)
    """Accounts that it followed when it opened the page: a feed's slots are drawn from them."""


class SlotDraw(NamedTuple):
    """How the influencer for a slot is drawn."""

    slot: int
    first: tuple[int, int]
    """Words of attempt 0."""
    lanes: tuple[Lane, Lane] = (Lane.SLOT, Lane.RESIDUAL)
    """For the other attempts, and for what is left after them."""


def exponential_gap(high: int, low: int, mean: float) -> int:
    """Exponential gap of this mean, rounded to whole seconds, at least one [s]; ``NO_SESSION`` beyond any horizon."""
    u = float((high << 21) | (low >> 11)) + 1.0
    gap = -log(u * 2.0**-53) * mean + 0.5
    return max(int(gap), 1) if gap < 4.0e18 else NO_SESSION


def below(high: int, low: int, total: int) -> int:
    """``floor(u * total / 2^64)``, u = high * 2^32 + low uniform."""
    return (high << 32 | low) * total >> 64


def from_alias(entries: NDArray[np.uint64], high: int, low: int) -> int | None:
    """Index drawn from an alias table; None: none has any weight. See ``layout.Tables.alias``."""
    scaled = (high << 32 | low) * len(entries)
    bucket = scaled >> 64
    fraction = scaled >> (64 - FRACTION_BITS) & ((1 << FRACTION_BITS) - 1)
    entry = int(entries[bucket])
    chosen = bucket if fraction < entry >> ORIGIN_SHIFT else entry & ID_MASK
    return chosen if chosen != ID_MASK else None


def without_replacement(
    pick: Callable[[int, int], int | None],
    members: Sequence[int],
    weights: Callable[[], list[int]],
    distinct: bool,
    draw: SlotDraw,
    fan: Fan,
    key: Key,
) -> int | None:
    """Member that ``pick`` draws in proportion to its weight, without those on the page; None: none is left.

    Rejection first, after ``ATTEMPTS`` tries exactly, from the residual weights.
    """
    high, low = draw.first
    for attempt in range(1, ATTEMPTS + 1):
        chosen = pick(high, low)
        if chosen is None or not distinct or chosen not in fan.page:
            return chosen
        if attempt < ATTEMPTS:
            high, low, *_ = philox((fan.id, fan.event, draw.slot | attempt << 8, draw.lanes[0]), key)
    rest = list(accumulate(0 if i in fan.page else weight for i, weight in zip(members, weights(), strict=True)))
    if rest[-1] == 0:
        return None
    high, low, *_ = philox((fan.id, fan.event, draw.slot, draw.lanes[1]), key)
    return members[bisect_right(rest, below(high, low, rest[-1]))]


def from_table(table: int, surface: int, draw: SlotDraw, fan: Fan, tables: Tables, key: Key) -> int | None:
    """Influencer from a slot table, in its order or drawn; None: none is left."""
    distinct = bool(tables.distinct[surface])
    if tables.ranked[table]:
        for i in tables.order[table].tolist():
            if i < 0 or not distinct or i not in fan.page:
                return i if i >= 0 else None
        return None
    everyone = range(tables.weight.shape[1])
    return without_replacement(
        lambda high, low: from_alias(tables.alias[table], high, low),
        everyone,
        tables.weight[table].tolist,
        distinct,
        draw,
        fan,
        key,
    )


def from_feed(surface: int, draw: SlotDraw, fan: Fan, tables: Tables, key: Key) -> int | None:
    """Influencer from those followed when the page was opened; None: none is left."""
    affinity = tables.feed_affinity[surface, fan.segment]
    weights = [int(tables.feed_weight[surface, i]) * int(affinity[tables.vertical[i]]) for i in fan.offered]
    prefix = list(accumulate(weights))
    if not prefix or prefix[-1] == 0:
        return None
    return without_replacement(
        lambda high, low: fan.offered[bisect_right(prefix, below(high, low, prefix[-1]))],
        fan.offered,
        lambda: weights,
        bool(tables.distinct[surface]),
        draw,
        fan,
        key,
    )


def influencer_for(
    kind: SlotSource,
    surface: int,
    draw: SlotDraw,
    fan: Fan,
    tables: Tables,
    totals: Int64s,
    key: Key,
) -> tuple[int | None, SlotSource]:
    """Influencer for a slot of this kind, None: it stays empty; and where it comes from."""
    if tables.is_feed[surface]:
        return from_feed(surface, draw, fan, tables, key), SlotSource.FEED
    organic = int(tables.organic[surface, fan.segment])
    table = organic
    if kind == SlotSource.SUPPORT:
        table = int(tables.support[surface, fan.segment])
    elif kind == SlotSource.CUSTOM:
        table = int(tables.custom[surface])
    if table == LEFT_EMPTY:
        return None, kind
    source = kind
    if table == ORGANIC:
        table, source = organic, SlotSource.ORGANIC
    slot, explored = draw.slot, tables.explore[table]
    if explored > 0 and philox((fan.id, fan.event, slot, Lane.EXPLORE), key)[0] < explored:
        all_accounts = tables.weight.shape[0] - 1
        high, low, *_ = philox((fan.id, fan.event, slot, Lane.EXPLORED), key)
        source = SlotSource.EXPLORED
        explore = SlotDraw(slot, (high, low), (Lane.EXPLORED, Lane.EXPLORED_RESIDUAL))
        chosen = from_table(all_accounts, surface, explore, fan, tables, key)
    else:
        chosen = from_table(table, surface, draw, fan, tables, key)
    if chosen is None and table != organic:
        high, low, *_ = philox((fan.id, fan.event, slot, Lane.FALLBACK), key)
        fall_back = SlotDraw(slot, (high, low), (Lane.FALLBACK, Lane.FALLBACK_RESIDUAL))
        chosen = from_table(organic, surface, fall_back, fan, tables, key)
        if chosen is not None:
            totals[surface, Total.SUPPORT_UNFILLED] += kind == SlotSource.SUPPORT
            source = SlotSource.INSTEAD_OF_SUPPORT if kind == SlotSource.SUPPORT else SlotSource.ORGANIC
    return chosen, source


def run_session(
    fan: Fan,
    now: int,
    tables: Tables,
    counts: Int64s,
    reads: Int64s,
    totals: Int64s,
    key: Key,
) -> int:
    """One session of a fan, or none where it is thinned out.

    Parameters
    ----------
    fan
        The fan that has the session. Its follow list, page, trace and event number are changed.
    now
        Time [s].
    tables
        What it sees. Read only.
    counts, reads, totals
        Shapes (M, S, 11), (M, G) and (S, 7); added to.
    key
        Of the fan's draws: seed and replication, or its own.

    Returns
    -------
    int
        Gap to the fan's next session [s].
    """
    choice, thin, *gap_words = philox((fan.id, fan.event, 0, Lane.SESSION), key)
    if thin < tables.keep[fan.segment, now // HOUR % 24]:
        surface = min(bisect_right(tables.visits[fan.segment], choice), tables.is_feed.size - 1)
        open_page(fan, now, surface, tables, counts, reads, totals, key)
    fan.event += 1
    return exponential_gap(gap_words[0], gap_words[1], fan.mean_gap)


def open_page(
    fan: Fan,
    now: int,
    surface: int,
    tables: Tables,
    counts: Int64s,
    reads: Int64s,
    totals: Int64s,
    key: Key,
) -> None:
    """A page of a surface, slot after slot."""
    n_slots = int(tables.slots[surface])
    totals[surface, Total.SESSIONS] += 1
    totals[surface, Total.SLOTS] += n_slots
    fan.page.clear()
    fan.offered = [entry & ID_MASK for entry in fan.follows]
    looking = True
    for slot in range(n_slots):
        high, low, coin, look = philox((fan.id, fan.event, slot, Lane.SLOT), key)
        reserved = coin < tables.reserved[surface]
        totals[surface, Total.RESERVED] += reserved
        custom = not reserved and coin >= tables.ordinary[surface]
        totals[surface, Total.CUSTOM] += custom
        kind = SlotSource.SUPPORT if reserved else SlotSource.CUSTOM if custom else SlotSource.ORGANIC
        responses, n_orders = Response.RESERVED if reserved else Response(0), 0
        i, source = influencer_for(kind, surface, SlotDraw(slot, (high, low)), fan, tables, totals, key)
        if i is None:
            totals[surface, Total.EMPTY] += 1
        else:
            fan.page.append(i)
            totals[surface, Total.IMPRESSIONS] += 1
            counts[i, surface, Counter.EXPOSURE] += 1
            counts[i, surface, Counter.RESERVED] += reserved
            if looking and look < tables.examine[surface, slot]:
                counts[i, surface, Counter.READS] += 1
                reads[i, fan.segment] += 1
                done, n_orders = react(fan, i, slot, surface, reserved, tables, counts[i, surface], key)
                responses |= done
                if done & Response.CLICKED:
                    looking = bool(tables.looks_on[surface, 1])
            elif looking:
                looking = bool(tables.looks_on[surface, 0])
        if fan.trace is not None:
            influencer = -1 if i is None else i
            fan.trace.append((now, fan.event, surface, slot, influencer, int(source), int(responses), n_orders))


def react(
    fan: Fan, i: int, slot: int, surface: int, reserved: bool, tables: Tables, tally: Int64s, key: Key
) -> tuple[Response, int]:
    """What a fan does with an influencer that it has examined: click, unfollow, follow, order, tip.

    Its responses and orders.
    """
    click, follow, order, tip = philox((fan.id, fan.event, slot, Lane.ACTION), key)
    appeal = int(tables.quality[i]) * int(tables.click[surface, fan.segment, tables.vertical[i]])
    responses = Response.READ
    if click < appeal >> 32:
        responses |= Response.CLICKED
        tally[Counter.CLICKS] += 1
    place = place_of(fan, i)
    if tables.takes_follows[0] and place is not None:
        coin, *_ = philox((fan.id, fan.event, slot, Lane.UNFOLLOW), key)
        if coin < tables.unfollow[surface, fan.follows[place] >> ORIGIN_SHIFT]:
            unfollow(fan, place)
            place = None
            responses |= Response.UNFOLLOWED
            tally[Counter.UNFOLLOWS] += 1
    if not responses & Response.CLICKED:
        return responses, 0
    if tables.takes_follows[0] and follow < tables.follow[surface, i]:
        if place is not None:
            responses |= Response.REFUSED
            tally[Counter.FOLLOWS] += bool(tables.counts_repeats[surface])
            tally[Counter.RESERVED_FOLLOWS] += reserved and bool(tables.counts_repeats[surface])
        elif len(fan.follows) < tables.follow_cap[0] and (
            not tables.better_only[surface]
            or all(tables.quality[entry & ID_MASK] < tables.quality[i] for entry in fan.follows)
        ):
            fan.follows.append(i | int(tables.origin[surface]) << ORIGIN_SHIFT)
            responses |= Response.FOLLOWED
            tally[Counter.FOLLOWS] += 1
            tally[Counter.RESERVED_FOLLOWS] += reserved
        else:
            responses |= Response.REFUSED
    n_orders = 0
    if tables.shop[i]:
        tally[Counter.REFERRALS] += (int(tables.referrals[surface]) + order) >> 32
        n_orders = (int(tables.order_base[i] * tables.order_factor[surface, fan.segment]) + order) >> 32
        tally[Counter.ORDERS] += n_orders
        tally[Counter.GMV_FEN] += n_orders * int(tables.order_value[i])
    n_tips = (int(tables.tips[surface, fan.segment]) + tip) >> 32
    if n_tips:
        responses |= Response.TIPPED
        tally[Counter.TIPS_FEN] += n_tips * int(tables.tip_value[surface])
    return responses, n_orders


def place_of(fan: Fan, i: int) -> int | None:
    """Place of an influencer on a follow list; None: it isn't there."""
    return next((place for place, entry in enumerate(fan.follows) if entry & ID_MASK == i), None)


def unfollow(fan: Fan, place: int) -> None:
    """Take a place off a follow list; the last one moves there."""
    last = fan.follows.pop()
    if place < len(fan.follows):
        fan.follows[place] = last
