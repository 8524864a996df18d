"""The claims' platform under other assumptions: popularities, tiers, shares, costs. It runs nothing.

`docs/tables.py` runs these scenarios for the tables of docs/claims.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import sim
from sim.scenario import Loaded, from_resolved, resolved

CLAIMS = Path(__file__).parents[1] / "scenarios" / "claims"
WITHIN = ("equal", "followers", "organic", "best", "per-agency")
CONTROLS = ("none", "uniform", "empty")
POPULARITIES = (0.5, 0.8, 1.0, 1.5)
"""Exponents of popularity in the organic ranking of all surfaces."""


def patched(name: str, changes: Mapping[str, Any], arms: Mapping[str, Any] | None = None) -> Loaded:
    """A scenario of the claims with keys changed (`a.b.*.c` changes every entry), and perhaps with other arms."""
    data = resolved(sim.load(CLAIMS / f"{name}.toml"))
    for path, value in changes.items():
        *tables, key = path.split(".")
        places = [data]
        for table in tables:
            places = [part for place in places for part in (place.values() if table == "*" else [place[table]])]
        for place in places:
            place[key] = value
    if arms is not None:
        data |= {"arms": dict(arms), "claims": {}}
    data["name"] = f"{name}-variant"
    return from_resolved(data, None)


def signs(popularity: float) -> Loaded:
    """Tiered support in each way of spreading it in an agency, and its controls, at an exponent of popularity."""
    arms = {control: {"support": {"policy": control}} for control in CONTROLS}
    arms |= {f"tiered-{w}": {"support": {"policy": "tiered", "within_tier": w}} for w in WITHIN}
    return patched("support", {"surfaces.*.ranking.popularity": popularity}, arms)


Variant = tuple[str, dict[str, Any]]
VARIANTS: dict[str, list[Variant]] = {
    "support": [
        ("as shipped", {}),
        ("tier weights 1 : 20 : 200", {"support.tiers.strategic.weight": 200.0, "support.tiers.priority.weight": 20.0}),
        ("all tiers equal", {"support.tiers.*.weight": 1.0}),
        (
            "a tenth of the slots reserved",
            {"surfaces.find-people.support_share": 0.1, "surfaces.hongren-tao.support_share": 0.1},
        ),
        ("popularity exponent 1", {"surfaces.*.ranking.popularity": 1.0}),
        ("shops attended .6 of the time", {"services.availability": 0.6}),
    ],
    "subsidy": [
        ("as shipped", {}),
        ("an account costs 500 yuan a month", {"economy.account_fen_per_month": 50_000.0}),
        ("an account costs 5,000 yuan a month", {"economy.account_fen_per_month": 500_000.0}),
        ("patience of 3 months", {"contracts.patience": 3}),
        ("all effort moves, up to 3-fold", {"contracts.freed_effort_share": 1.0, "contracts.effort_limit": 3.0}),
        ("reads are not paid", {"economy.pay_fen_per_1000_reads": 0.0}),
    ],
    "verticals": [
        ("as shipped", {}),
        ("no vertical is crowded", {"verticals.*.capacity": None}),
        ("twice the customers for all shops", {"influencers.conversion_prob.value": 0.0172}),
    ],
    "live": [
        ("as shipped", {}),
        (
            "five times the sessions live",
            {"surfaces.live.session_share": 0.15, "surfaces.feed.session_share": 0.70},
        ),
        ("live rooms sell four times as well", {"surfaces.live.order_factor": 2.0}),
    ],
}
KEPT_ARMS = ("none", "uniform", "both-equal")
"""Of the scenario with thirteen arms, those that other claims than C0 look at."""


def under(name: str, changes: Mapping[str, Any]) -> Loaded:
    """A scenario of the claims with keys changed; of the one with thirteen arms, those that ``KEPT_ARMS`` has."""
    loaded = patched(name, changes) if changes else sim.load(CLAIMS / f"{name}.toml")
    if name != "support":
        return loaded
    data = resolved(loaded)
    data["name"] = f"{name}-variant"
    data["arms"] = {arm: data["arms"][arm] for arm in KEPT_ARMS}
    data["claims"] = {
        key: claim
        for key, claim in data["claims"].items()
        if claim["arm"] in KEPT_ARMS and claim["control"] in KEPT_ARMS
    }
    return from_resolved(data, None)
