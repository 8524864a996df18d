"""Scenarios for tests: a strategy that draws tiny valid ones with every key in play, and builders for single ones."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from hypothesis import HealthCheck, reject
from hypothesis import strategies as st
from numpy.typing import NDArray

from sim.errors import InputError
from sim.model.population import Population, draw_population
from sim.model.surfaces import Surfaces
from sim.scenario import Roster, Scenario
from sim.scenario.checks import checks

POLICIES = (
    "none",
    "placebo",
    "tiered",
    "uniform",
    "flat",
    "tail",
    "proportional",
    "head",
    "lottery",
    "newcomer",
    "empty",
)
WITHIN_TIER = ("equal", "followers", "organic", "best", "per-agency")
ELIGIBLE = ("partners", "all")
Drawn = dict[str, Any]

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
    key: tuple[int, int]
    population: Population

    def arm(self, **support: Any) -> Scenario:
        """The scenario under another support."""
        return self.scenario.model_copy(update={"support": self.scenario.support.model_copy(update=support)})


def roster_of(
    followers: list[int],
    *,
    vertical: list[str | None] | None = None,
    agency: list[str | None] | None = None,
    **columns: list[float] | None,
) -> Roster:
    """A roster in memory; ``columns`` may give quality, posts_per_day, conversion_prob, order_value_fen and shop."""

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
        shop=None if shop is None else np.array(shop, dtype=np.int8),
        unused_columns=(),
        n_skipped=0,
        sha256="",
    )


def scenario_of(parts: Drawn) -> Scenario:
    """A scenario that holds to all rules, with its support shares resolved as the loader does it."""
    scenario = Scenario.model_validate(parts)
    faults = checks(scenario, has_roster=True)
    assert not faults, faults
    surfaces = {
        name: surface.model_copy(update={"support_share": scenario.support.share})
        if surface.support_share is None and surface.kind != "feed"
        else surface
        for name, surface in scenario.surfaces.items()
    }
    return scenario.model_copy(update={"surfaces": surfaces})


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


def world_of(parts: Drawn, roster: Roster | None = None, key: tuple[int, int] = (1, 0)) -> World:
    """A world of these parts."""
    scenario = scenario_of(parts)
    return World(scenario, roster, key, draw_population(scenario, roster, key))


# The strategy

words = st.integers(0, 2**32 - 1)
shares = st.sampled_from([0.0, 1.0, 0.5]) | st.floats(0, 1)
exponents = st.sampled_from([0.0, 1.0, 0.5, 2.0, -1.0]) | st.floats(0, 2)
probabilities = st.sampled_from([1.0, 0.0, 0.5]) | st.floats(0, 1)


def split(draw: st.DrawFn, n: int) -> list[float]:
    """Shares that sum to 1, some of them 0."""
    weights = draw(st.lists(st.integers(0, 5), min_size=n, max_size=n).filter(any))
    return [weight / sum(weights) for weight in weights]


def distributions(low: float, high: float, *, at_zero: bool = True) -> st.SearchStrategy[Any]:
    """Any kind of distribution over this range."""
    inside = st.floats(low, high)
    positive = st.floats(max(low, high * 1e-3), high)
    return st.one_of(
        st.sampled_from([low, high] if at_zero else [high]),
        inside,
        st.tuples(inside, inside).map(lambda ends: {"kind": "uniform", "low": min(ends), "high": max(ends)}),
        st.builds(
            lambda median, sigma: {"kind": "lognormal", "median": median, "sigma": sigma, "max": high},
            positive,
            st.floats(0, 3),
        ),
        st.builds(
            lambda least, exponent: {"kind": "pareto", "min": least, "exponent": exponent, "max": high},
            positive,
            st.floats(0.3, 5),
        ),
    )


@st.composite
def _segments(draw: st.DrawFn, verticals: list[str]) -> Drawn:
    names = [f"segment {g}" for g in range(draw(st.integers(1, 3)))]
    parts: Drawn = {}
    for name, share in zip(names, split(draw, len(names)), strict=True):
        parts[name] = {
            "share": share,
            "activity": draw(st.sampled_from([1.0, 1.0, 0.0, 2.5])),
            "buying": draw(st.floats(0, 3)),
            "interests": draw(st.dictionaries(st.sampled_from(verticals), shares, max_size=2)),
            "other_interest": draw(st.sampled_from([1.0, 0.5]) | shares),
            "hours": draw(
                st.just([]) | st.lists(st.sampled_from([0.0, 1.0, 2.5]), min_size=24, max_size=24).filter(any)
            ),
            "growth_per_year": draw(st.sampled_from([0.0, 0.0, 1.0, 20.0])),
        }
    return parts


examinations: st.SearchStrategy[Drawn] = st.one_of(
    exponents.filter(lambda e: e >= 0).map(lambda exponent: {"exponent": exponent}),
    st.just({"model": "cascade"}),
    probabilities.map(lambda p: {"model": "geometric", "continue_prob": p}),
)


@st.composite
def _surfaces(draw: st.DrawFn, n_influencers: int, days: int) -> Drawn:
    n = draw(st.integers(1, 4))
    parts: Drawn = {}
    for s, share in enumerate(split(draw, n)):
        kind = draw(st.sampled_from(["discovery", "discovery", "commerce", "feed"]))
        # From many refreshes to fewer than one: each costs about as much as a session.
        refresh_minutes = draw(st.integers(1440 * days // 40, 1440 * days + 1440) | st.sampled_from([60, 1440, 10_080]))
        surface = {
            "kind": kind,
            "session_share": share,
            "slots": draw(st.integers(1, 6) | st.integers(1, n_influencers + 3)),
            "examination": draw(examinations),
            "ranking": {
                "popularity": draw(exponents),
                "merit": draw(exponents),
                "relevance": draw(exponents),
                "offset": draw(st.sampled_from([1.0, 0.0]) | st.floats(0, 10)),
                "freshness_half_life_days": draw(st.none() | st.floats(0.01, 100)),
                "selection": draw(st.sampled_from(["sampled", "sampled", "top"])),
                "exploration": draw(st.just(0.0) | shares),
            },
            "distinct": draw(st.booleans()),
            "refresh_minutes": max(refresh_minutes, 1440 * days // 40, 60),
            "click_prob": draw(st.just(1.0) | probabilities),
            "follow_prob": draw(st.just(1.0) | probabilities),
            "follow_rule": draw(st.sampled_from(["probability", "probability", "better-than-followed"])),
            "unfollow_prob": draw(st.sampled_from([0.0, 0.3]) | shares),
            "feed_weights": {key: draw(exponents) for key in ("posts", "relevance", "merit")},
            "follow_fame": draw(st.sampled_from([0.0, 0.3]) | st.floats(-2, 2)),
            "order_factor": draw(st.sampled_from([0.0, 1.0]) | st.floats(0, 3)),
            "already_following": draw(st.sampled_from(["refuse", "count"])),
        }
        if kind != "feed":
            surface["support_share"] = draw(st.none() | shares)
        parts[f"surface-{s}"] = surface
    return parts


@st.composite
def _support(draw: st.DrawFn) -> Drawn:
    bound = st.sampled_from([-1.0, -1.0, 0.0, 3.0]) | st.floats(-1, 200)
    easy = st.fixed_dictionaries({"weight": st.floats(0.01, 100), "over_accounts": st.sampled_from([-1.0, 1.0, 2.0])})
    hard = st.fixed_dictionaries(
        {
            "weight": st.floats(0.01, 100),
            "over_accounts": st.sampled_from([-1.0, 1.0, 3.0]),
            "over_followers": bound,
            "over_reads_per_month": bound,
            "over_posts_per_month": bound,
            "min_gmv_fen_per_year": st.sampled_from([0, 0, 0, 1, 100_000]),
        }
    )
    return {
        "policy": draw(st.sampled_from(["tiered", "tiered", "tiered", "flat", "tail", *POLICIES])),
        "within_tier": draw(st.sampled_from(WITHIN_TIER)),
        "eligible": draw(st.sampled_from(ELIGIBLE)),
        "share": draw(st.just(0.5) | shares),
        "relevance": draw(exponents),
        "lottery_share": draw(shares),
        "newcomer_days": draw(st.sampled_from([0.0, 90.0, 1000.0])),
        "review_days": draw(st.integers(1, 45)),
        "tiers": {f"tier {t}": draw(easy | hard) for t in range(draw(st.integers(1, 3)))},
    }


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
        n_follows = int(roster.followers.sum())
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
        "verticals": {
            name: {"share": share, "shop_prob": draw(st.just(1.0) | shares)}
            for name, share in zip(verticals, split(draw, len(verticals)), strict=True)
        },
        "segments": draw(_segments(verticals)),
        "influencers": {
            "count": n,
            "followers": followers,
            "age_days": draw(distributions(0, 400)),
            "quality": draw(distributions(1e-9, 1 - 1e-9)),
            "posts_per_day": draw(distributions(0, 100)),
            "shop_factor": draw(st.just(1.0) | st.floats(0, 3)),
            "conversion_prob": draw(distributions(0, 1, at_zero=False)),
            "order_value_fen": draw(distributions(0, 1e4, at_zero=False)),
        },
        "agencies": {
            f"group {a}": {
                "count": draw(st.sampled_from([1, 2, 3, 0])),
                "accounts": draw(distributions(0, 8, at_zero=False)),
                "stratified": draw(st.booleans()),
                "verticals": draw(st.lists(st.sampled_from(verticals), max_size=2)),
                "shop_factor": draw(st.floats(0, 3)),
            }
            for a in range(draw(st.sampled_from([1, 2, 0])))
        },
        "surfaces": draw(_surfaces(n, horizon + warmup)),
        "support": draw(_support()),
    }
    try:
        world = world_of(parts, roster, (parts["seed"], draw(words)))
        Surfaces(world.scenario, world.population, world.key)  # refuses a turnover that can't be counted
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


def without_growth(world: World) -> World:
    """The same world with the fans of day 0 only."""
    segments = {n: s.model_copy(update={"growth_per_year": 0.0}) for n, s in world.scenario.segments.items()}
    scenario = world.scenario.model_copy(update={"segments": segments})
    return replace(world, scenario=scenario, population=draw_population(scenario, world.roster, world.key))


def with_idle_fan(world: World) -> World:
    """The same world with one more fan, the last, of a segment of its own without activity."""
    scenario = world.scenario
    count = scenario.fans.count + 1
    sizes = np.bincount(world.population.segment, minlength=len(scenario.segments))
    parts = scenario.model_dump()
    for segment, size in zip(parts["segments"].values(), sizes.tolist(), strict=True):
        segment["share"] = size / count
    parts["segments"]["idle"] = {"share": 1 / count, "activity": 0.0, "other_interest": 0.25}
    parts["fans"] |= {"count": count, "follows_per_fan": int(world.population.followers.sum()) / count}
    larger = scenario_of(parts)
    return replace(world, scenario=larger, population=draw_population(larger, world.roster, world.key))
