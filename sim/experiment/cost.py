"""What a unit costs in sessions, seconds and memory, estimated from the scenario alone; knows no experiment.

The constants are fitted on one machine; ``tests/benchmarks/estimates.py`` compares estimates with measured runs. What
the model's arrays take it asks ``sim.model.sizes``.
"""

from __future__ import annotations

from dataclasses import dataclass

from sim.model import sizes
from sim.scenario import Loaded, Scenario
from sim.scenario.schema.platform import Cascade, Geometric, Surface
from sim.scenario.schema.surface_kinds import KINDS

__all__ = ["PROCESS_BYTES", "START_SECONDS", "Cost", "People", "cost", "people"]

# Seconds on one thread, with the machine code already in the cache.
START_SECONDS = 0.6
UNIT_SECONDS = 0.03
SESSION_SECONDS = 4e-8
SLOT_SECONDS = 1.9e-8
REFERENCE_FACTOR = 250.0  # of the reference engine on sessions
REFRESH_SECONDS = 6e-5
TABLE_SECONDS = 1e-8  # per influencer in a slot table that is built
ENTRY_SECONDS = 1e-6  # per influencer and entry in the history, with the measures and rows that are made of it
DRAW_FAN_SECONDS = 2e-7
DRAW_FOLLOW_SECONDS = 2.5e-8
DRAW_INFLUENCER_SECONDS = 4e-6
# Bytes: of the process with its libraries; of an influencer, in addition to the model's arrays, in a population that
# units share (its name) and in a unit at work (its measures and rows).
PROCESS_BYTES = 300e6
NAME_BYTES = 180
ROW_BYTES = 3460


@dataclass(frozen=True)
class People:
    """How many there are."""

    fans: int
    """Of day 0."""
    follows: float
    """At day 0."""
    influencers: int
    """With those who come later."""


@dataclass(frozen=True)
class Cost:
    """What a unit costs."""

    sessions: float
    parallel_seconds: float
    """On one thread, while others may work."""
    serial_seconds: float
    """While it holds the interpreter's lock."""
    draw_seconds: float
    """Of its population, which other units may share."""
    interval_sessions: float
    """Between two refreshes of tables: what several threads can share."""
    bytes: float
    shared_bytes: float
    """Of its population."""


def people(scenario: Scenario, loaded: Loaded) -> People:
    """Size of an arm's population."""
    graph, roster = loaded.graph, loaded.roster
    if graph is not None:
        fans, follows, names = len(graph.fans), float(graph.influencer.size), graph.influencers
    else:
        fans = scenario.fans.count or 0
        follows, names = (scenario.fans.follows_per_fan or 0.0) * fans, ()
    n_initial = scenario.influencers.count or len(names)
    if roster is not None:
        n_initial = len(roster.influencer)
    return People(fans, follows, n_initial + scenario.n_newcomers)


def cost(scenario: Scenario, size: People, *, reference: bool) -> Cost:
    """Cost of a unit of an arm, with one thread.

    Parameters
    ----------
    scenario, size
        The arm's.
    reference
        Whether the reference engine runs it.
    """
    n, n_surfaces, is_named = size.influencers, len(scenario.surfaces), scenario.influencers.follow_graph is not None
    n_sessions = sessions(scenario, size.fans)
    fans = _fans(scenario, size.fans)
    shares = [(surface.session_share, surface) for surface in scenario.surfaces.values()]
    slots = sum(share * surface.slots for share, surface in shares)
    per_fan = n_sessions / max(fans, 1.0) * sum(share * _follows(surface) for share, surface in shares)
    follows = size.follows + fans * min(per_fan, n, scenario.fans.follow_cap)
    tables = {name: _tables(scenario, surface) for name, surface in scenario.surfaces.items()}
    days = scenario.horizon_days + scenario.warmup_days
    refreshes = {name: days * 1440 / surface.refresh_minutes for name, surface in scenario.surfaces.items()}
    entries = _entries(scenario)
    built = sum(refreshes[name] * tables[name] for name in tables)
    is_ranked = any(surface.ranking.selection == "top" for surface in scenario.surfaces.values())
    bytes_each = (
        sizes.surface_bytes() * n_surfaces
        + sizes.slot_table_bytes(is_ranked=is_ranked) * sum(tables.values())
        + sizes.history_entry_bytes() * entries
        + sizes.influencer_bytes()
        + ROW_BYTES
    )
    shared_each = sizes.population_influencer_bytes() + NAME_BYTES
    seconds_each = TABLE_SECONDS * built + ENTRY_SECONDS * entries
    loop = n_sessions * (SESSION_SECONDS + SLOT_SECONDS * slots)
    control = UNIT_SECONDS + REFRESH_SECONDS * sum(refreshes.values()) + n * seconds_each
    return Cost(
        sessions=n_sessions,
        parallel_seconds=0.0 if reference else loop,
        serial_seconds=control + (loop * REFERENCE_FACTOR if reference else 0.0),
        interval_sessions=n_sessions / max(refreshes.values()),
        draw_seconds=DRAW_FAN_SECONDS * fans + DRAW_FOLLOW_SECONDS * size.follows + DRAW_INFLUENCER_SECONDS * n,
        bytes=sizes.fan_bytes(is_named=is_named) * fans + sizes.follow_bytes() * follows + bytes_each * n,
        shared_bytes=(
            sizes.population_fan_bytes() * fans + sizes.population_follow_bytes() * size.follows + shared_each * n
        ),
    )


def sessions(scenario: Scenario, n_fans: int) -> float:
    """Expected sessions of an arm: those of the fans of day 0, and of those who join evenly over the horizon."""
    found = 0.0
    for segment in scenario.segments.values():
        rate = scenario.fans.sessions_per_day * segment.activity
        fans = n_fans * segment.share
        later = fans * segment.growth_per_year * scenario.horizon_days / 365
        hours = segment.hours or [1.0]
        # Who joins sees half of the days, a little more where evenings are busier than mornings.
        middle = sum(hour * (i + 0.5) for i, hour in enumerate(hours)) / sum(hours) / len(hours)
        days_of_later = (scenario.horizon_days - 1) / 2 + middle
        found += rate * (fans * (scenario.horizon_days + scenario.warmup_days) + later * days_of_later)
    return found


def _fans(scenario: Scenario, n_fans: int) -> float:
    """Fans with those who join later."""
    return sum(
        n_fans * s.share * (1 + s.growth_per_year * scenario.horizon_days / 365) for s in scenario.segments.values()
    )


def _follows(surface: Surface) -> float:
    """New follows of a session on a surface, roughly: accounts of quality .5 that are not yet followed."""
    match surface.examination:
        case Cascade():
            examined = min(surface.slots, 2.0)
        case Geometric(continue_prob=going_on):
            examined = sum(going_on**k for k in range(surface.slots))
        case position:
            examined = sum((k + 1) ** -position.exponent for k in range(surface.slots))
    known = 0.0 if KINDS[surface.kind].is_feed else 0.5
    return examined * known * surface.click_prob * surface.follow_prob


def _tables(scenario: Scenario, surface: Surface) -> int:
    """Slot tables of a surface: segments of equal affinities share one."""
    if KINDS[surface.kind].is_feed:
        return 0

    def distinct(exponent: float) -> int:
        segments, verticals = scenario.segments.values(), scenario.verticals
        tastes = {tuple(segment.interests.get(v, segment.other_interest) for v in verticals) for segment in segments}
        return len(tastes) if exponent else 1

    policy = scenario.support.policy
    supported = surface.support_share and policy not in ("none", "empty")
    of_support = surface.ranking.relevance if policy == "placebo" else scenario.support.relevance
    return distinct(surface.ranking.relevance) + (distinct(of_support) if supported else 0)


def _entries(scenario: Scenario) -> int:
    """Times at which the history is recorded: measures, reviews and what they look back to."""
    reviews = (scenario.support.review_days, scenario.contracts.review_days, 30)
    times = {day for step in reviews for day in range(0, scenario.horizon_days + 1, step)}
    return len(times) + 3
