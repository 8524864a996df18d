"""Scenarios for tests: a strategy that draws tiny valid ones with every key in play, and builders for single ones."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from hypothesis import HealthCheck, reject
from hypothesis import strategies as st
from numpy.typing import NDArray
from support import drawn_scenarios
from support.drawn_scenarios import ELIGIBLE, POLICIES, WITHIN_TIER, Drawn, distributions

from sim.errors import InputError
from sim.model.ranking.surfaces import Surfaces
from sim.model.world.accounts import Accounts
from sim.model.world.population import Population, draw_population
from sim.scenario import Roster, Scenario
from sim.scenario.patch.phases import phase_scenarios, with_support_shares
from sim.scenario.schema.economy import Contracts, Live
from sim.scenario.validate.validation import Files, validated
from sim.types import Key

__all__ = [
    "DRAWN",
    "ELIGIBLE",
    "POLICIES",
    "WITHIN_TIER",
    "World",
    "dense_world",
    "plain",
    "roster_of",
    "scenario_of",
    "with_idle_fan",
    "with_steady_accounts",
    "without_growth",
    "without_phases",
    "world_of",
    "worlds",
]

FIRST = Key(1, 0)
DRAWN: dict[str, Any] = {
    "deadline": None,
    "derandomize": True,
    "database": None,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
}
"""Settings of every test over drawn worlds: no chance, no deadline."""


@dataclass(frozen=True)
class World:
    """A scenario of one arm, with its roster, key and population."""

    scenario: Scenario
    roster: Roster | None
    key: Key
    population: Population

    def arm(self, **support: Any) -> Scenario:
        """The scenario under another support, which no phase takes back."""
        phases = {}
        for name, patch in self.scenario.phases.items():
            kept = {key: entry for key, entry in patch.get("support", {}).items() if key not in support}
            phases[name] = patch | {"support": kept}
        other = self.scenario.support.model_copy(update=support)
        return self.scenario.model_copy(update={"support": other, "phases": phases})


def roster_of(
    followers: list[int],
    *,
    vertical: list[str | None] | None = None,
    agency: list[str | None] | None = None,
    **columns: list[float] | None,
) -> Roster:
    """A roster in memory; ``columns`` may give its columns of numbers and shop."""

    def floats(name: str) -> NDArray[np.float64] | None:
        given = columns.get(name)
        return None if given is None else np.array(given, dtype=np.float64)

    shop = columns.get("shop")
    return Roster(
        influencer=tuple(f"account {i}" for i in range(len(followers))),
        followers=np.array(followers, dtype=np.int64),
        vertical=None if vertical is None else tuple(vertical),
        agency=None if agency is None else tuple(agency),
        age_days=floats("age_days"),
        quality=floats("quality"),
        posts_per_day=floats("posts_per_day"),
        conversion_prob=floats("conversion_prob"),
        order_value_fen=floats("order_value_fen"),
        live_hours_per_day=floats("live_hours_per_day"),
        shop=None if shop is None else np.array(shop, dtype=np.int8),
        other_columns={},
        unkept_columns={},
        n_skipped=0,
        sha256="",
    )


def scenario_of(parts: Drawn) -> Scenario:
    """A scenario that holds to all rules, with its support shares resolved as the loader does it."""
    whole = validated(parts, Files(roster=True))
    assert not whole.wrong, whole.wrong
    return with_support_shares(whole.scenario)


def plain(**over: Any) -> Drawn:
    """The parts of a small plain scenario, each laid over by what is given."""
    parts: Drawn = {
        "name": "plain",
        "seed": 1,
        "horizon_days": 10,
        "warmup_days": 0,
        "replications": 1,
        "people_per_fan": 1.0,
        "fans": {"count": 40, "follows_per_fan": 2.0, "sessions_per_day": 1.0},
        "influencers": {"count": 8},
        "surfaces": {"find": {"kind": "discovery", "session_share": 1.0, "slots": 5, "follow_prob": 0.5}},
    }
    return parts | over


def world_of(parts: Drawn, roster: Roster | None = None, key: Key = FIRST) -> World:
    """A world of these parts."""
    scenario = scenario_of(parts)
    return World(scenario, roster, key, draw_population(scenario, roster, key))


# The strategy

SECTIONS = {
    "services": drawn_scenarios.services,
    "economy": drawn_scenarios.economy,
    "contracts": drawn_scenarios.contracts,
    "live": drawn_scenarios.live,
}
words = st.integers(0, 2**32 - 1)


@st.composite
def _roster(draw: st.DrawFn, n: int, verticals: list[str], n_fans: int) -> Roster:
    def column(cell: st.SearchStrategy[Any]) -> list[Any] | None:
        return draw(st.none() | st.lists(cell, min_size=n, max_size=n))

    empty = st.just(float("nan"))
    return roster_of(
        draw(st.lists(st.integers(0, n_fans), min_size=n, max_size=n)),
        vertical=column(st.none() | st.sampled_from(verticals)),
        agency=column(st.none() | st.sampled_from(["a", "b", "c"])),
        age_days=column(empty | st.floats(0, 500)),
        quality=column(empty | st.floats(1e-9, 1 - 1e-9)),
        posts_per_day=column(empty | st.floats(0, 50)),
        conversion_prob=column(empty | st.floats(0, 1)),
        order_value_fen=column(empty | st.floats(0, 1e4)),
        live_hours_per_day=column(empty | st.floats(0, 24)),
        shop=column(st.sampled_from([-1, 0, 1])),
    )


@st.composite
def worlds(draw: st.DrawFn, *, max_sessions: int = 120) -> World:
    """A tiny valid world; follows that can't be shared out are drawn again."""
    n_fans, n = draw(st.integers(5, 60)), draw(st.integers(2, 25))
    horizon, warmup = draw(st.integers(1, 40)), draw(st.sampled_from([0, 30]) | st.integers(0, 30))
    verticals = [f"vertical {v}" for v in range(draw(st.integers(1, 3)))]
    roster = draw(st.none() | _roster(n, verticals, n_fans))
    complete = n * n_fans
    n_follows = draw(st.sampled_from([0, n, n_fans, 2 * n]) | st.integers(n, max(n_fans, n)) | st.integers(n, complete))
    followers: Any = draw(distributions(0, 1e6))
    if n_follows > n_fans and roster is None and draw(st.integers(0, 9)):
        followers = 7.0  # a dense graph has room for equal accounts only
    if roster is not None and draw(st.booleans()):
        assert roster.followers is not None
        n_follows = int(roster.followers.sum())
    reserved = draw(drawn_scenarios.support())
    n_sessions = draw(st.sampled_from([max_sessions] * 5 + [0]))
    seed = draw(words)
    parts: Drawn = {
        "name": "drawn",
        "seed": seed,
        "horizon_days": horizon,
        "warmup_days": warmup,
        "replications": 1,
        "people_per_fan": draw(st.none() | st.floats(0.1, 1000)),
        "reads_per_examined": draw(st.sampled_from([1.0, 12.0])),
        "fans": {
            "count": n_fans,
            "follows_per_fan": n_follows / n_fans,
            "sessions_per_day": n_sessions / n_fans / (horizon + warmup),
            "activity_sigma": draw(st.sampled_from([0.0, 1.0]) | st.floats(0, 1)),
            "follow_cap": draw(st.sampled_from([1_000_000, 3, 0])),
        },
        "verticals": draw(drawn_scenarios.verticals_table(verticals, horizon)),
        "segments": draw(drawn_scenarios.segments(verticals)),
        "influencers": {
            "count": n,
            "followers": followers,
            "age_days": draw(distributions(0, 400)),
            "quality": draw(distributions(1e-9, 1 - 1e-9)),
            "posts_per_day": draw(distributions(0, 100)),
            "shop_factor": draw(st.just(1.0) | st.floats(0, 3)),
            "conversion_prob": draw(distributions(0, 1, at_zero=False)),
            "order_value_fen": draw(distributions(0, 1e4, at_zero=False)),
            "live_hours_per_day": draw(st.just(0.0) | distributions(0, 24)),
        },
        "agencies": draw(drawn_scenarios.agencies(verticals)),
        "surfaces": draw(drawn_scenarios.surfaces(n, horizon + warmup, reserved["share"])),
        "support": reserved,
    }
    for key, section in SECTIONS.items():
        is_on = draw(st.booleans()) or (key == "contracts" and parts["economy"] and draw(st.booleans()))
        parts[key] = draw(section) if is_on else {}
    parts["entry"] = draw(st.just({}) | drawn_scenarios.entry(horizon))
    parts["phases"] = draw(drawn_scenarios.phases(parts))
    try:
        world = world_of(parts, roster, Key(parts["seed"], draw(words)))
        for scenario in (world.scenario, *(later for _, later in phase_scenarios(world.scenario))):
            Surfaces(scenario, Accounts(world.population), world.key)  # refuses a turnover that can't be counted
    except InputError:
        reject()
    return world


def dense_world(**over: Any) -> World:
    """A world of equal accounts in which fans follow everybody they can reach, fast."""
    parts = plain(
        fans={"count": 30, "follows_per_fan": 10.0, "sessions_per_day": 3.0},
        influencers={"count": 100, "quality": 0.999999},
        surfaces={
            "find": {
                "kind": "discovery",
                "session_share": 1.0,
                "slots": 60,
                "examination": {"exponent": 0.0},
                "follow_prob": 1.0,
            }
        },
    )
    return world_of(parts | over)


def without_phases(world: World) -> World:
    """The same world, as it is on day 0."""
    return replace(world, scenario=world.scenario.model_copy(update={"phases": {}}))


def with_steady_accounts(world: World) -> World:
    """The same world without phases, in which nobody comes or goes, changes its effort, or is kept from a surface."""
    scenario = world.scenario
    entry = scenario.entry.model_copy(update={"opens": False})
    verticals = {n: v.model_copy(update={"opens_at_days": 0.0}) for n, v in scenario.verticals.items()}
    steady = {"contracts": Contracts(), "entry": entry, "live": Live(), "verticals": verticals, "phases": {}}
    return replace(world, scenario=scenario.model_copy(update=steady))


def without_growth(world: World) -> World:
    """The same world with the fans of day 0 only."""
    segments = {n: s.model_copy(update={"growth_per_year": 0.0}) for n, s in world.scenario.segments.items()}
    scenario = world.scenario.model_copy(update={"segments": segments})
    return replace(world, scenario=scenario, population=draw_population(scenario, world.roster, world.key))


def with_idle_fan(world: World) -> World:
    """The same world with one more fan, the last, of a segment of its own without activity."""
    scenario = world.scenario
    assert scenario.fans.count is not None
    count = scenario.fans.count + 1
    sizes = np.bincount(world.population.segment, minlength=len(scenario.segments))
    parts = scenario.model_dump()
    for segment, size in zip(parts["segments"].values(), sizes.tolist(), strict=True):
        segment["share"] = size / count
    parts["segments"]["idle"] = {"share": 1 / count, "activity": 0.0, "other_interest": 0.25}
    parts["fans"] |= {"count": count, "follows_per_fan": int(world.population.followers.sum()) / count}
    larger = scenario_of(parts)
    return replace(world, scenario=larger, population=draw_population(larger, world.roster, world.key))
