"""Tools of the tests of mechanics: worlds of one surface, traces row by row, frozen tables, and z against exact values.

A stochastic result passes when ``|mean - exact| < 4.2`` standard errors over at least 200 independent replications
(about 60 such tests at a family error of 0.1 %); a single run's frequencies pass a chi-square test at p > .0001.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from support.scenarios import World, plain, roster_of, world_of

from sim.model.layout import Response, SlotSource, Tables
from sim.model.ranking.surfaces import Surfaces
from sim.model.simulation import Outcome, simulate
from sim.model.world.accounts import Accounts
from sim.scenario import Scenario
from sim.types import EngineName, Key

ENGINES: tuple[EngineName, ...] = ("compiled", "reference")
Z = 4.2
NEVER = 525_600
"""A refresh interval [minutes] longer than every test's horizon: one epoch from day 0 on."""
CERTAIN = 0.999999
"""The highest quality: an examined slot is all but surely clicked."""


class Slot(NamedTuple):
    """A row of a trace."""

    time: int
    event: int
    surface: int
    slot: int
    influencer: int
    source: SlotSource
    responses: Response
    orders: int


def slots_of(outcome: Outcome) -> list[Slot]:
    """The traced fan's slots."""
    return [
        Slot(t, n, s, k, i, SlotSource(why), Response(did), orders)
        for t, n, s, k, i, why, did, orders in outcome.trace.tolist()
    ]


def pages_of(outcome: Outcome) -> Iterator[list[Slot]]:
    """The traced fan's slots, page by page."""
    page: list[Slot] = []
    for slot in slots_of(outcome):
        if page and slot.event != page[0].event:
            yield page
            page = []
        page.append(slot)
    if page:
        yield page


def run(world: World, scenario: Scenario | None = None, engine: EngineName = "compiled", fan: int = -1) -> Outcome:
    return simulate(scenario or world.scenario, world.population, world.key, engine=engine, fan=fan)


def outcomes(world: World, n: int, fan: int = -1) -> Iterator[Outcome]:
    """Independent replications of the traffic on one population."""
    for replication in range(n):
        yield simulate(world.scenario, world.population, Key(world.key.seed, replication), fan=fan)


def lists_of(outcome: Outcome) -> list[list[int]]:
    begin, members = outcome.follow_lists
    return [part.tolist() for part in np.split(members, begin[1:-1])]


def tables_of(world: World, now: int = 0) -> Tables:
    """The tables of day 0 with the followers of day 0, every agency holding the highest tier."""
    surfaces = Surfaces(world.scenario, Accounts(world.population), world.key)
    surfaces.end_warmup()
    tier = np.zeros(len(world.population.agencies), np.int32)
    surfaces.renew(now, tier)
    for s in range(len(world.scenario.surfaces)):
        surfaces.refresh(s, now, world.population.followers, tier)
    return surfaces.tables


def shares(weights: NDArray[np.int64]) -> NDArray[np.float64]:
    """Shares of integer weights."""
    found: NDArray[np.float64] = weights / weights.sum()
    return found


def normed(weights: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
    given = np.array(weights, dtype=np.float64)
    found: NDArray[np.float64] = given / given.sum()
    return found


def one_surface(
    roster: dict[str, Any] | list[int],
    *,
    fans: dict[str, Any] | None = None,
    over: dict[str, Any] | None = None,
    **find: Any,
) -> World:
    """A world of one surface, a discovery unless stated, refreshed once; the roster: followers, or columns."""
    columns = {"followers": roster} if isinstance(roster, list) else dict(roster)
    followers = columns.pop("followers")
    count = (fans or {}).get("count", max(100, *followers))
    people = {"count": count, "follows_per_fan": sum(followers) / count, "sessions_per_day": 1.0} | (fans or {})
    surface = {"kind": "discovery", "session_share": 1.0, "refresh_minutes": NEVER} | find
    parts = plain(fans=people, influencers={"count": len(followers), "quality": CERTAIN}, surfaces={"find": surface})
    return world_of(parts | (over or {}), roster_of(followers, **columns))


def assert_frequencies(counts: NDArray[np.int64], weights: Sequence[float] | NDArray[np.float64]) -> None:
    """Counts are draws in proportion to the weights: nothing where the weight is 0, elsewhere by a chi-square test."""
    expected = normed(weights) * counts.sum()
    held = expected > 0
    assert not counts[~held].any()
    assert expected[held].min() > 20  # enough of each for the test to mean something
    assert held.sum() == 1 or stats.chisquare(counts[held], expected[held]).pvalue > 1e-4


def z_score(differences: NDArray[np.float64]) -> NDArray[np.float64]:
    """z of the hypothesis that each column of differences has mean 0."""
    assert len(differences) >= 200
    error = differences.std(axis=0, ddof=1) / np.sqrt(len(differences))
    z: NDArray[np.float64] = differences.mean(axis=0) / error
    return z
