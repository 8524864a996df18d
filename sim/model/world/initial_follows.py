"""The accounts of day 0 and how many follow each: drawn from addressed numbers, or refused; compiles nothing.

The refusals of a run, before it draws its population, and of ``sim validate`` are these.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.errors import Fault, InputError
from sim.formatting import path_text
from sim.model.layout import Addresses
from sim.model.world.addresses import NOT_NAMED, Role, addresses
from sim.model.world.sampling import choose, sample
from sim.scenario.read.follow_graph import FollowGraph
from sim.scenario.read.roster import Roster
from sim.scenario.resolve.follows import InitialAccounts, Refusal, rooms, shared_out
from sim.scenario.schema.scenario import Scenario
from sim.streams import Lane, unit_draws
from sim.types import Floats, Int32s, Int64s, Key

__all__ = [
    "accounts_at_start",
    "addresses_of",
    "column",
    "conversion_probs",
    "followers_at_start",
    "hashes_at_start",
    "live_hours",
    "names_at_start",
    "order_values",
    "people_per_fan",
    "posting_rates",
    "real_followers",
    "verticals",
]


def names_at_start(scenario: Scenario, roster: Roster | None, follow_graph: FollowGraph | None) -> tuple[str, ...]:
    """Ids of the influencers of day 0."""
    if roster:
        return roster.influencer
    if follow_graph:
        return follow_graph.influencers
    n = scenario.influencers.count
    assert n is not None  # a scenario without roster and graph has a count: checked when it was read
    return tuple(f"influencer-{i + 1:0{len(str(n))}d}" for i in range(n))


def hashes_at_start(roster: Roster | None, follow_graph: FollowGraph | None) -> NDArray[np.uint64]:
    """Hashes of the names of the influencers of day 0, shape (M,) where a file names them, else (0,)."""
    if roster:
        return roster.hashes
    return follow_graph.influencer_hashes if follow_graph else NOT_NAMED


def addresses_of(roster: Roster | None, follow_graph: FollowGraph | None, n: int, key: Key) -> Addresses:
    """Where the draws of n influencers are, newcomers last."""
    return addresses(hashes_at_start(roster, follow_graph), n, key, Role.INFLUENCER)


def verticals(scenario: Scenario, roster: Roster | None, own: Addresses) -> Int32s:
    """Vertical of each influencer, those of the roster first, drawn at their addresses; shape (M,)."""
    drawn = choose(np.array([v.share for v in scenario.verticals.values()]), unit_draws(Lane.VERTICAL, *own))
    if not (roster and roster.vertical):
        return drawn
    position = {name: v for v, name in enumerate(scenario.verticals)}
    given = (v if name is None else position[name] for name, v in zip(roster.vertical, drawn, strict=False))
    drawn[: len(roster.vertical)] = list(given)
    return drawn


def real_followers(
    scenario: Scenario, roster: Roster | None, follow_graph: FollowGraph | None, own: Addresses
) -> Int64s:
    """Followers of each influencer of day 0, who have these addresses, shape (M,) [people]."""
    if roster and roster.followers is not None:
        return roster.followers
    if follow_graph:
        return follow_graph.in_degrees()
    drawn = sample(scenario.influencers.followers, unit_draws(Lane.FOLLOWERS, *own))
    return np.floor(np.clip(drawn, 0, 1e15) + 0.5).astype(np.int64)


def accounts_at_start(scenario: Scenario, roster: Roster | None, key: Key) -> InitialAccounts:
    """The influencers of day 0 with followers and verticals, of a scenario without a follow graph."""
    names = names_at_start(scenario, roster, None)
    own = addresses_of(roster, None, len(names), key)
    return InitialAccounts(names, real_followers(scenario, roster, None, own), verticals(scenario, roster, own))


def column(scenario: Scenario, roster: Roster | None, name: str, u: Floats) -> Floats:
    """An attribute drawn at uniform numbers, the roster's accounts first; its cells take the place of drawn values."""
    drawn = sample(getattr(scenario.influencers, name), u)
    given: Floats | None = getattr(roster, name, None)
    if given is not None:
        drawn[: given.size] = np.where(np.isnan(given), drawn[: given.size], given)
    return drawn


def conversion_probs(scenario: Scenario, roster: Roster | None, u: Floats) -> Floats:
    """Orders per click on the shop of each influencer, in [0, 1]."""
    return np.clip(column(scenario, roster, "conversion_prob", u), 0, 1)


def order_values(scenario: Scenario, roster: Roster | None, u: Floats) -> Int64s:
    """Value of an order of each influencer [fen]."""
    return np.floor(np.clip(column(scenario, roster, "order_value_fen", u), 0, 1e15) + 0.5).astype(np.int64)


def posting_rates(scenario: Scenario, roster: Roster | None, u: Floats) -> Floats:
    """Posts per day of each influencer."""
    return np.clip(column(scenario, roster, "posts_per_day", u), 0, 1e6)


def live_hours(scenario: Scenario, roster: Roster | None, u: Floats) -> Floats:
    """Hours on air per day of each influencer."""
    return np.clip(column(scenario, roster, "live_hours_per_day", u), 0, 24)


def people_per_fan(scenario: Scenario, real: Int64s, followers: Int64s) -> float:
    """People that a simulated fan represents: the scenario's number, or that of the real followers for each follow."""
    ratio = sum(real.tolist()) / max(int(followers.sum()), 1)
    return scenario.people_per_fan or ratio or 1.0


def followers_at_start(scenario: Scenario, accounts: InitialAccounts) -> Int64s:
    """Simulated followers of each account, shape (M,), or ``InputError`` where ``shared_out`` refuses."""
    found = shared_out(scenario, accounts, rooms(scenario))
    if not isinstance(found, Refusal):
        return found
    path, rule, value = found.wrong
    raise InputError([Fault(file=scenario.name, path=path_text(path), rule=rule, value=str(value))])
