"""A small platform with all that the article describes, and worlds that differ from it in a few keys.

Two worlds share all random numbers, so that a key's effect is often exact: with the same impressions, a slot that was
clicked at a low probability is clicked at a higher one as well.
"""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray
from support.scenarios import World, world_of

from sim.calendar import DAY
from sim.model.agencies.history import RECORDED_FLOWS
from sim.model.layout import Counter
from sim.model.simulation import Outcome, simulate
from sim.scenario import Roster
from sim.scenario.patch.patches import merged
from sim.types import EngineName, Key

PEOPLE = 1000
SURFACES = ("feed", "find-people", "hongren-tao", "live")
FEED, FIND, TAO, LIVE = range(4)
FASHION, BEAUTY, DIGITAL = range(3)
LARGE, SMALL = 0, (1, 2, 3, 4)
"""The agency with operations of its own, and those that need a service provider."""
STRATEGIC, STANDARD = 0, 1

BASE: dict[str, Any] = {
    "name": "article",
    "seed": 2017,
    "horizon_days": 90,
    "warmup_days": 30,
    "replications": 1,
    "people_per_fan": float(PEOPLE),
    "fans": {"count": 300, "follows_per_fan": 3.0, "sessions_per_day": 1.0, "activity_sigma": 0.5},
    "segments": {
        "young": {"share": 0.8, "interests": {"fashion": 1.0, "beauty": 1.0}, "other_interest": 0.6},
        "older": {"share": 0.2, "interests": {"digital": 1.0}, "other_interest": 0.5},
    },
    "verticals": {
        "fashion": {"share": 0.5, "shop_prob": 0.7},
        "beauty": {"share": 0.25, "shop_prob": 0.7},
        "digital": {"share": 0.25, "shop_prob": 0.7},
    },
    "influencers": {
        "count": 40,
        "followers": {"kind": "lognormal", "median": 10_000.0, "sigma": 1.2},
        "quality": {"kind": "uniform", "low": 0.3, "high": 0.7},
        "posts_per_day": {"kind": "lognormal", "median": 2.0, "sigma": 0.5},
        "conversion_prob": 0.01,
        "order_value_fen": 10_000.0,
        "live_hours_per_day": {"kind": "uniform", "low": 0.5, "high": 2.0},
    },
    "agencies": {
        "large": {"count": 1, "accounts": 10.0},
        "small": {"count": 4, "accounts": 4.0, "own_operations": False},
    },
    "surfaces": {
        "feed": {"kind": "feed", "session_share": 0.4, "distinct": False, "order_factor": 1.0},
        "find-people": {"kind": "discovery", "session_share": 0.2, "follow_prob": 0.02},
        "hongren-tao": {"kind": "commerce", "session_share": 0.2, "follow_prob": 0.01, "order_factor": 1.0},
        "live": {"kind": "live", "session_share": 0.2, "follow_prob": 0.02, "order_factor": 0.5, "support_share": 0.0},
    },
    "support": {
        "share": 0.3,
        "within_tier": "equal",
        "tiers": {
            "strategic": {
                "weight": 4.0,
                "over_accounts": 5.0,
                "services": ["operations", "custom-product", "shop-entry"],
            },
            "standard": {"weight": 1.0, "over_accounts": 2.0, "services": ["operations"]},
        },
    },
}

STILL = {f"surfaces.{name}.follow_prob": 0.0 for name in SURFACES}
"""Nobody follows, so that what is shown doesn't turn on what happened."""
ALONE = STILL | {"fans.follows_per_fan": 0.0}
"""Nobody follows anybody from the start: feeds are empty, and interests decide nothing of who is shown."""


def nested(keys: dict[str, Any]) -> dict[str, Any]:
    """Dotted keys, as in a scenario file, as tables."""
    tables = [reduce(lambda inner, name: {name: inner}, reversed(key.split(".")), of) for key, of in keys.items()]
    return reduce(merged, tables, {})


def world(*patches: dict[str, Any], replication: int = 0, roster: Roster | None = None) -> World:
    """The small platform with these keys, later ones over earlier ones."""
    parts = reduce(merged, map(nested, patches), BASE)
    return world_of(parts, roster, key=Key(BASE["seed"], replication))


def play(
    *patches: dict[str, Any],
    replication: int = 0,
    roster: Roster | None = None,
    engine: EngineName = "compiled",
    fan: int = -1,
    influencer: int = -1,
) -> Outcome:
    """What happens on the small platform with these keys."""
    found = world(*patches, replication=replication, roster=roster)
    return simulate(found.scenario, found.population, found.key, engine=engine, fan=fan, influencer=influencer)


def count(outcome: Outcome, counter: Counter, surface: int | None = None) -> NDArray[np.int64]:
    """What was counted of each account, on all surfaces or one; shape (M,)."""
    counts = outcome.counts[:, :, counter]
    return counts.sum(axis=1) if surface is None else counts[:, surface]


def flow(outcome: Outcome, name: str, since: int = 0, until: int | None = None) -> NDArray[np.int64]:
    """A flow of each account between two days that the history has; shape (M,)."""
    end = outcome.end if until is None else until * DAY
    amounts: NDArray[np.int64] = outcome.history.between(since * DAY, end)[RECORDED_FLOWS.index(name)]
    return amounts


def day(outcome: Outcome) -> int:
    """The last day."""
    return outcome.end // DAY


def partners(outcome: Outcome, tier: int | None = None) -> NDArray[np.bool_]:
    """Accounts of agencies that held a tier, or this one, at day 0; shape (M,)."""
    held = np.append(outcome.reviews[0].tier, -1)[outcome.population.agency]
    return held >= 0 if tier is None else held == tier


def rises(more: NDArray[np.int64], less: NDArray[np.int64]) -> bool:
    """Nobody has less, and together they have more."""
    return bool((more >= less).all() and more.sum() > less.sum())
