"""Which assumption decides: head-share answers of the claims' platform under other popularities, tiers, shares, costs.

    python docs/examples/variants.py signs      # popularity x within_tier x control
    python docs/examples/variants.py ranges     # claims under other assumptions

Runs in this file's project: each row is a run folder under results/runs, so that a second call only reads them.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import sim
from sim.scenario import Loaded, from_resolved, resolved

CLAIMS = Path(__file__).parents[2] / "scenarios" / "claims"
WITHIN = ("equal", "followers", "organic", "best", "per-agency")
CONTROLS = ("none", "uniform", "empty")
MARGIN = 0.005


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


def head_share(run: Any, arm: str, control: str) -> str:
    """Change of the followers' head share at the end in points, with its 95 % interval, or `same` or `-`."""
    from sim.inference.paired import paired_difference

    key = run.index.primary[0]._asdict()
    paired = paired_difference(run.values(control, key), run.values(arm, key))
    sign = "0" if abs(paired.difference) < MARGIN and max(-paired.ci_low, paired.ci_high) < MARGIN else ""
    sign = sign or ("-" if paired.ci_high < 0 else "+" if paired.ci_low > 0 else "?")
    return f"{sign} {100 * paired.difference:+.2f} ({100 * paired.ci_low:+.2f}, {100 * paired.ci_high:+.2f})"


def signs() -> None:
    """Tiered against each control, for each popularity exponent and each way of spreading support in an agency."""
    print("| popularity | within_tier | " + " | ".join(f"tiered - {control}" for control in CONTROLS) + " |")
    print("|---|---|" + "---|" * len(CONTROLS))
    arms = {control: {"support": {"policy": control}} for control in CONTROLS}
    arms |= {f"tiered-{w}": {"support": {"policy": "tiered", "within_tier": w}} for w in WITHIN}
    for popularity in (0.5, 0.8, 1.0, 1.5):
        run = sim.run(patched("support", {"surfaces.*.ranking.popularity": popularity}, arms))
        for within in WITHIN:
            cells = [head_share(run, f"tiered-{within}", control) for control in CONTROLS]
            print(f"| {popularity} | {within} | " + " | ".join(cells) + " |", flush=True)


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


def ranges() -> None:
    """Verdicts of the claims under other assumptions, one column a variant."""
    for name, variants in VARIANTS.items():
        found: dict[str, list[str]] = {}
        for _, changes in variants:
            loaded = patched(name, changes)
            data = resolved(loaded)
            if name == "support":
                data["arms"] = {arm: data["arms"][arm] for arm in KEPT_ARMS}
                data["claims"] = {
                    key: claim
                    for key, claim in data["claims"].items()
                    if claim["arm"] in KEPT_ARMS and claim["control"] in KEPT_ARMS
                }
                loaded = from_resolved(data, None)
            for row in sim.run(loaded).claims():
                figures = f"{row['verdict']} {row['estimate']:.3g}"
                found.setdefault(row["claim"], []).append(figures)
        print("| claim | " + " | ".join(label for label, _ in variants) + " |")
        print("|---|" + "---|" * len(variants))
        for claim, cells in found.items():
            print(f"| {claim} | " + " | ".join(cells) + " |")
        print(flush=True)


if __name__ == "__main__":
    {"signs": signs, "ranges": ranges}[sys.argv[1]]()
