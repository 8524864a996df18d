"""Sessions, in plain Python, written to be read: the executable specification; ``kernel.py`` is its fast twin.

A session of a fan, in this order:

1. block (fan, event, 0, SESSION): word 0 chooses the surface, words 2 and 3 the gap to the next session;
2. for each slot k, block (fan, event, k, SLOT): words 0 and 1 choose the influencer, word 2 is the coin of a reserved
   slot, word 3 decides whether it is examined; a rejected choice draws anew with ``k | attempt << 8``;
3. an examined slot, block (fan, event, k, ACTION): word 0 click, word 1 follow, word 2 orders, word 3 kept for tips.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from sim.model.frozen import Counter, Tables, Total
from sim.streams import Lane, log, philox

__all__ = ["Fan", "exponential_gap", "run_session"]

ATTEMPTS = 32
NEVER = 1 << 62


@dataclass
class Fan:
    """A fan: who it is, and the state that its own sessions change."""

    id: int
    segment: int
    mean_gap: float
    follows: list[int]
    event: int = 0
    page: list[int] = field(default_factory=list)


def exponential_gap(high: int, low: int, mean: float) -> int:
    """Exponential gap of this mean, rounded to whole seconds, at least one [s]; ``NEVER`` beyond any horizon."""
    u = float((high << 21) | (low >> 11)) + 1.0
    gap = -log(u * 2.0**-53) * mean + 0.5
    return max(int(gap), 1) if gap < 4.0e18 else NEVER


def below(high: int, low: int, total: int) -> int:
    """``floor(u * total / 2^64)``, u = high * 2^32 + low uniform."""
    return (high << 32 | low) * total >> 64


def from_weights(
    prefix: NDArray[np.int64] | list[int],
    members: range | list[int],
    distinct: bool,
    fan: Fan,
    slot: int,
    lanes: tuple[Lane, Lane],
    first: tuple[int, int],
    key: tuple[int, int],
) -> int | None:
    """Member drawn in proportion to the weights behind the prefix sums, without those on the page; None: nobody left.

    Rejection first, after ``ATTEMPTS`` tries exactly, from the residual weights. ``first`` are the words of attempt 0.
    """
    if len(prefix) == 0 or prefix[-1] == 0:
        return None
    total = int(prefix[-1])
    high, low = first
    for attempt in range(1, ATTEMPTS + 1):
        chosen = members[bisect_right(prefix, below(high, low, total))]
        if not distinct or chosen not in fan.page:
            return chosen
        if attempt < ATTEMPTS:
            high, low, *_ = philox((fan.id, fan.event, slot | attempt << 8, lanes[0]), key)
    weights = np.diff(prefix, prepend=0).tolist()
    rest = list(accumulate(0 if i in fan.page else weight for i, weight in zip(members, weights, strict=True)))
    if rest[-1] == 0:
        return None
    high, low, *_ = philox((fan.id, fan.event, slot, lanes[1]), key)
    return members[bisect_right(rest, below(high, low, rest[-1]))]


def influencer_for(
    slot: int,
    reserved: bool,
    surface: int,
    first: tuple[int, int],
    fan: Fan,
    tables: Tables,
    totals: NDArray[np.int64],
    key: tuple[int, int],
) -> int | None:
    """Influencer that stands in a slot: from the feed, the support table or the organic table; None: it stays empty."""
    distinct = bool(tables.distinct[surface])
    drawn = (Lane.SLOT, Lane.RESIDUAL)
    if tables.is_feed[surface]:
        affinity = tables.feed_affinity[fan.segment]
        weights = [int(tables.feed_weight[i]) * int(affinity[tables.vertical[i]]) for i in fan.follows]
        return from_weights(list(accumulate(weights)), fan.follows, distinct, fan, slot, drawn, first, key)
    everyone = range(tables.cumulative.shape[1])
    organic = tables.cumulative[tables.organic[surface, fan.segment]]
    support = int(tables.support[surface, fan.segment])
    if not reserved or support < 0:
        return from_weights(organic, everyone, distinct, fan, slot, drawn, first, key)
    chosen = from_weights(tables.cumulative[support], everyone, distinct, fan, slot, drawn, first, key)
    if chosen is None:
        fallback = (Lane.FALLBACK, Lane.FALLBACK_RESIDUAL)
        high, low, *_ = philox((fan.id, fan.event, slot, Lane.FALLBACK), key)
        chosen = from_weights(organic, everyone, distinct, fan, slot, fallback, (high, low), key)
        if chosen is not None:
            totals[surface, Total.SUPPORT_UNFILLED] += 1
    return chosen


def run_session(
    fan: Fan, tables: Tables, counts: NDArray[np.int64], totals: NDArray[np.int64], key: tuple[int, int]
) -> int:
    """One session of a fan.

    Parameters
    ----------
    fan
        Whose session it is. Its follow list, page and event number are changed.
    tables
        What it sees. Read only.
    counts, totals
        Shapes (M, S, 7) and (S, 6); added to.
    key
        Seed and replication.

    Returns
    -------
    int
        Gap to the fan's next session [s].
    """
    choice, _, *gap_words = philox((fan.id, fan.event, 0, Lane.SESSION), key)
    surface = min(bisect_right(tables.visits[fan.segment], choice), tables.is_feed.size - 1)
    n_slots = int(tables.slots[surface])
    totals[surface, Total.SESSIONS] += 1
    totals[surface, Total.SLOTS] += n_slots
    fan.page.clear()
    for slot in range(n_slots):
        high, low, coin, look = philox((fan.id, fan.event, slot, Lane.SLOT), key)
        reserved = coin < tables.reserved[surface]
        totals[surface, Total.RESERVED] += reserved
        i = influencer_for(slot, reserved, surface, (high, low), fan, tables, totals, key)
        if i is None:
            totals[surface, Total.EMPTY] += 1
            continue
        fan.page.append(i)
        totals[surface, Total.IMPRESSIONS] += 1
        counts[i, surface, Counter.EXPOSURE] += 1
        counts[i, surface, Counter.RESERVED] += reserved
        if look < tables.examine[surface, slot]:
            counts[i, surface, Counter.READS] += 1
            react(fan, i, slot, surface, tables, counts[i, surface], key)
    fan.event += 1
    return exponential_gap(gap_words[0], gap_words[1], fan.mean_gap)


def react(
    fan: Fan, i: int, slot: int, surface: int, tables: Tables, tally: NDArray[np.int64], key: tuple[int, int]
) -> None:
    """What a fan does with an influencer that it has examined: click, then follow, then order."""
    click, follow, order, _ = philox((fan.id, fan.event, slot, Lane.ACTION), key)
    appeal = int(tables.quality[i]) * int(tables.click[surface, fan.segment, tables.vertical[i]])
    if click >= appeal >> 32:
        return
    tally[Counter.CLICKS] += 1
    if tables.follows_open[0] and follow < tables.follow[surface, i]:
        if i not in fan.follows:
            fan.follows.append(i)
            tally[Counter.FOLLOWS] += 1
        elif tables.counts_repeats[surface]:
            tally[Counter.FOLLOWS] += 1
    mean_orders = int(tables.order_base[i] * tables.order_factor[surface, fan.segment])
    n_orders = (mean_orders + order) >> 32
    tally[Counter.ORDERS] += n_orders
    tally[Counter.GMV_FEN] += n_orders * int(tables.order_value[i])
