"""How much memory the model's arrays take for each fan, follow and influencer, by their dtypes.

It knows no scenario and no experiment; importing it compiles nothing, asking it may.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import numpy as np

from sim.model.layout import Addresses, BlockLists, Counter, FanState, FollowLists, Tables, Tally
from sim.types import field_types, number_type

__all__ = [
    "fan_bytes",
    "follow_bytes",
    "history_entry_bytes",
    "influencer_bytes",
    "population_fan_bytes",
    "population_follow_bytes",
    "population_influencer_bytes",
    "slot_table_bytes",
    "surface_bytes",
]

COPIES_OF_COUNTS = 3
"""The engine's, the outcome's, and those in the bytes of the unit's record."""
ROOM_FOR_FOLLOWS = 1.4
"""Places of a follow list for each entry: powers of two, of lengths of which none is preferred."""


KEPT = (np.int32, np.int8)
"""Of each influencer in an entry of the history: its agency, and its status."""


@cache
def _item_bytes(kind: type) -> dict[str, int]:
    """Bytes of one number of each array that a record of arrays has, by the array's name."""
    numbers = {name: number_type(annotated) for name, annotated in field_types(kind).items()}
    return {name: np.dtype(number).itemsize for name, number in numbers.items() if number is not None}


def _sum(kind: type, names: Iterable[str]) -> int:
    item_bytes = _item_bytes(kind)
    return sum(item_bytes[name] for name in names)


def fan_bytes(*, is_named: bool = False) -> int:
    """Of a fan at work: its own state, and where its draws are if a follow graph names it [bytes]."""
    addresses = _sum(Addresses, ["entity", "key", "key"]) if is_named else 0
    return _sum(FanState, FanState._fields) + _sum(FollowLists, ["start", "length", "room"]) + addresses


def follow_bytes() -> float:
    """Of a follow at work: an entry of the arena, with the room that lists and arena have for more [bytes]."""
    from sim.model.engines.compiled import LIST_ROOM

    return _sum(FollowLists, ["arena"]) * ROOM_FOR_FOLLOWS * LIST_ROOM


def influencer_bytes() -> int:
    """Of an influencer in the tables that sessions read, whatever the surface [bytes]."""
    return _sum(Tables, ["vertical", "quality", "traits", "order_base", "shop", "order_value"])


def surface_bytes() -> int:
    """Of an influencer on one surface: its counts, and what feeds and follows read of it [bytes]."""
    counts = len(Counter) * _sum(Tally, ["counts"])
    return COPIES_OF_COUNTS * counts + _sum(Tables, ["feed_weight", "follow"])


def slot_table_bytes(*, is_ranked: bool) -> int:
    """Of an influencer in one slot table; ``is_ranked`` where any table of the run is filled in order [bytes]."""
    return _sum(Tables, ["weight", "alias", *(["order"] if is_ranked else [])])


def history_entry_bytes() -> int:
    """Of an influencer in one entry of the history: flows in 64 bits, agency and status [bytes]."""
    from sim.model.agencies.history import RECORDED_FLOWS

    return len(RECORDED_FLOWS) * np.dtype(np.int64).itemsize + sum(np.dtype(kept).itemsize for kept in KEPT)


def population_fan_bytes() -> int:
    """Of a fan in the population that units share [bytes]."""
    from sim.model.world.population import Population

    return _sum(Population, ["segment", "mean_gap", "joined"]) + _sum(BlockLists, ["begin"])


def population_follow_bytes() -> int:
    """Of a follow at day 0 in the population that units share [bytes]."""
    return _sum(BlockLists, ["members"])


def population_influencer_bytes() -> int:
    """Of an influencer's attributes in the population that units share, its name left out [bytes]."""
    from sim.model.world.population import Population

    of_others = {"segment", "mean_gap", "joined", "agency_group", "hashes", "fan_hashes"}
    return _sum(Population, _item_bytes(Population).keys() - of_others)
