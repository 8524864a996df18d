"""What a click can bring and an account cost: refused where it can't be counted, before a run; compiles nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from sim.errors import Fault, InputError
from sim.formatting import path_text
from sim.scenario.findings import Finding, InWords
from sim.scenario.schema.platform import Surface
from sim.scenario.schema.scenario import Scenario

__all__ = ["MAX_FEN", "Largest", "countable_findings", "order_factor", "referral", "refuse_uncountable"]

MAX_PER_CLICK = float(1 << 30)
MAX_FEN_PER_CLICK = 1e12
MAX_FEN = float(1 << 53)
"""Up to here a float counts single fen."""


class Largest(NamedTuple):
    """What a population has at most."""

    people_per_fan: float
    conversion_prob: float
    order_value_fen: float
    posts_per_day: float
    live_hours_per_day: float


def order_factor(surface: Surface) -> float:
    """Visits to a shop, each weighed by its orders, for a click on a surface; before buying and conversion."""
    return surface.order_factor * referral(surface)


def referral(surface: Surface) -> float:
    """Visits to a shop for each click on it, where a surface sells at all."""
    return surface.referral_prob * surface.showcase_share if surface.order_factor > 0 else 0.0


def countable_findings(scenario: Scenario, largest: Largest) -> list[Finding]:
    """Rules that a scenario breaks whose clicks bring, or whose accounts cost, more than can be counted.

    Parameters
    ----------
    scenario
        Resolved scenario of an arm, or of one of its phases. Not changed.
    largest
        Of its population.
    """
    services = scenario.services
    help_factor = max(1.0, services.provider_conversion_factor, services.unserved_conversion_factor) * max(
        1.0, services.operations_conversion_factor
    )
    buying = max(s.buying for s in scenario.segments.values())
    factor = max(order_factor(s) * buying for s in scenario.surfaces.values())
    most = largest.conversion_prob * largest.people_per_fan * factor * help_factor
    why = "conversion x people_per_fan x factors"
    path: tuple[str, ...] = ("influencers", "conversion_prob")
    found = [
        *_over(path, "orders", why, MAX_PER_CLICK, most),
        *_over(path, "fen", why, MAX_FEN_PER_CLICK, most * largest.order_value_fen),
    ]
    for name, surface in scenario.surfaces.items():
        most = surface.tip_prob * largest.people_per_fan * buying
        why = "tip_prob x people_per_fan x buying"
        found += _over(("surfaces", name, "tip_prob"), "tips", why, MAX_PER_CLICK, most)
        fen = most * surface.tip_fen
        found += _over(("surfaces", name, "tip_fen"), "fen", f"{why} x tip_fen", MAX_FEN_PER_CLICK, fen)
    return [*found, *_costs(scenario, largest)]


def _costs(scenario: Scenario, largest: Largest) -> Iterator[Finding]:
    """What an account's own posts and hours on air cost from the start to the horizon; reviews see to the rest."""
    economy, days = scenario.economy, scenario.warmup_days + scenario.horizon_days
    hours = min(largest.live_hours_per_day, 24.0) * days
    for key, fen, what in (
        ("post_fen", economy.post_fen * largest.posts_per_day * days, "posts"),
        ("live_fen_per_hour", economy.live_fen_per_hour * hours, "hours on air"),
        ("subsidy_fen_per_live_hour", economy.subsidy_fen_per_live_hour * hours, "hours on air"),
    ):
        if fen > MAX_FEN:
            rule = f"must bring at most {MAX_FEN:.0f} fen to an account in {days} days (its {what} x this)"
            yield Finding(("economy", key), rule, InWords(f"{fen:.6g}"))


def _over(path: tuple[str, ...], what: str, why: str, most: float, got: float) -> Iterator[Finding]:
    if got > most:
        yield Finding(path, f"must bring at most {most:.0f} {what} per click ({why})", InWords(f"{got:.6g}"))


def refuse_uncountable(scenario: Scenario, largest: Largest) -> None:
    """Refuse, with ``InputError``, what ``countable_findings`` finds."""
    found = [
        Fault(file=scenario.name, path=path_text(path), rule=rule, value=str(value))
        for path, rule, value in countable_findings(scenario, largest)
    ]
    if found:
        raise InputError(found)
