"""Edge lists for tests, small scenarios with them, and the populations that they give."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
from support.scenarios import plain, scenario_of

from sim.model.simulation import Outcome
from sim.model.world.population import Population, draw_population
from sim.scenario import FollowGraph, Roster
from sim.types import Key

LEAVES = {"kind": "feed", "session_share": 0.5, "unfollow_prob": 0.1, "distinct": False}
FINDS = {"kind": "discovery", "session_share": 0.5, "slots": 4, "follow_prob": 0.8, "ranking": {"popularity": 1.0}}
TEXT = """
name = "small"
seed = 5
horizon_days = 70
warmup_days = 10
replications = 2
fans.sessions_per_day = 0.5
segments.regular = {share = 0.7}
segments.heavy = {share = 0.3, activity = 3.0, growth_per_year = 2.0}
influencers.quality = {kind = "uniform", low = 0.2, high = 0.8}
agencies.one = {count = 2, accounts = 2}
surfaces.feed = {kind = "feed", session_share = 0.5, unfollow_prob = 0.05, distinct = false}
surfaces.find = {kind = "discovery", session_share = 0.5, follow_prob = 0.5, slots = 3}
support.tiers.any = {weight = 1.0, over_accounts = 0}
arms.none = {}
arms.tiered.support = {policy = "tiered", within_tier = "equal", share = 0.5}
"""
EDGES = "fan,influencer\nx,a\ny,c\nx,b\nz,a\na,b\n"


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def scenario_file(folder: Path, edges: str | None = EDGES, more: str = "") -> Path:
    """The small scenario, with this edge list unless it is None."""
    named = ""
    if edges is not None:
        write(folder / "edges.csv", edges)
        named = 'influencers.follow_graph = "edges.csv"\n'
    return write(folder / "small.toml", named + more + TEXT)


def random_edges(n_fans: int = 60, n_influencers: int = 8) -> str:
    """Influencer i is followed by every fan with probability 1 / (i + 1)."""
    chance = random.Random(3)
    pairs = [(f, i) for f in range(n_fans) for i in range(n_influencers) if f == 0 or chance.random() < 1 / (i + 1)]
    return "fan,influencer\n" + "".join(f"f{f},i{i}\n" for f, i in pairs)


def drawn(graph: FollowGraph, *, roster: Roster | None = None, **over: Any) -> tuple[Any, Population]:
    """A scenario for the graph and the population that it gives."""
    fans = {"count": len(graph.fans), "follows_per_fan": 1.0, "sessions_per_day": 2.0}
    surfaces = {"feed": LEAVES, "find": FINDS}
    people = {"count": len(graph.influencers)}
    scenario = scenario_of(plain(fans=fans, influencers=people, surfaces=surfaces, people_per_fan=None) | over)
    return scenario, draw_population(scenario, roster, Key(scenario.seed, 0), graph)


def graph_of(outcome: Outcome) -> set[tuple[int, int]]:
    begin, members = outcome.follow_lists
    fan = np.repeat(np.arange(begin.size - 1), np.diff(begin))
    return set(zip(fan.tolist(), members.tolist(), strict=True))
