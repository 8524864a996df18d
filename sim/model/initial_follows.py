"""Who follows whom at the start: real followers scaled to the fans' follows, and drawn from addressed numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.errors import Fault, InputError
from sim.model import draws, graph
from sim.model.frozen import MOST_FOLLOWS
from sim.model.sampling import apportion
from sim.scenario.scenario import Scenario
from sim.streams import Lane

__all__ = ["affinities", "follow_lists", "followers_per_segment", "scaled_followers"]

Key = tuple[np.uint64, np.uint64]
Floats = NDArray[np.float64]
Int64s = NDArray[np.int64]
Int32s = NDArray[np.int32]


def affinities(scenario: Scenario) -> Floats:
    """Affinity of each segment for each vertical, shape (G, V), in [0, 1]."""
    return np.array(
        [[s.interests.get(v, s.other_interest) for v in scenario.verticals] for s in scenario.segments.values()]
    )


def scaled_followers(real: Int64s, scenario: Scenario, names: tuple[str, ...]) -> Int64s:
    """Simulated followers: the fans' follows, shared out in proportion to the real ones, or refused."""
    fans = scenario.fans
    assert fans.count is not None  # so it is without a follow graph: checked when the scenario was read
    assert fans.follows_per_fan is not None
    n_follows = round(fans.follows_per_fan * fans.count)

    def refuse(rule: str, value: str) -> InputError:
        return InputError([Fault(file=scenario.name, path="fans.follows_per_fan", rule=rule, value=value)])

    if n_follows > MOST_FOLLOWS:
        raise refuse(f"must give at most {MOST_FOLLOWS} follows", f"{fans.follows_per_fan} ({n_follows} follows)")
    n_followed = int((real > 0).sum())
    if n_follows == 0 or n_followed == 0:
        return np.zeros(real.size, np.int64)
    if n_follows < n_followed:
        raise refuse(
            f"must give every account that has followers at least one: {n_followed} follows among {fans.count} fans",
            f"{fans.follows_per_fan} ({n_follows} follows)",
        )
    followers = apportion(real, n_follows)
    top = int(followers.argmax())
    if followers[top] > fans.count:
        raise refuse(
            f"must leave the largest account ({names[top]}) no more followers than there are fans ({fans.count}); "
            "lower it or raise fans.count",
            f"{fans.follows_per_fan} ({followers[top]} followers)",
        )
    return followers


def followers_per_segment(scenario: Scenario, followers: Int64s, vertical: Int32s, size: Int64s, key: Key) -> Int64s:
    """Followers of each influencer in each segment, shape (M, G), or refused.

    A segment weighs size x activity x affinity: who has no sessions follows nobody.
    """
    activity = np.array([s.activity for s in scenario.segments.values()])
    weight = np.ascontiguousarray(size * activity * affinities(scenario).T)
    offset = draws.unit_draws(Lane.FOLLOWER_SEGMENT, 0, followers.size, *key)
    per_segment: Int64s = graph.split_by_segment(followers, vertical, weight, size, offset)
    short = followers - per_segment.sum(axis=1)
    if short.any():
        i = int(short.argmax())
        raise InputError(
            [
                Fault(
                    file=scenario.name,
                    path="segments",
                    rule=f"must hold enough interested, active fans for {followers[i]} followers of an influencer of "
                    f"vertical {tuple(scenario.verticals)[vertical[i]]}",
                    value=f"{followers[i] - short[i]} such fans",
                )
            ]
        )
    return per_segment


def follow_lists(
    scenario: Scenario, followers: Int64s, vertical: Int32s, segment: NDArray[np.int8], key: Key
) -> tuple[NDArray[np.uint32], Int32s]:
    """Follow lists of all fans."""
    size = graph.sizes_of_segments(segment, len(scenario.segments))
    per_segment = followers_per_segment(scenario, followers, vertical, size, key)
    first = np.cumsum(size) - size
    begin, members = graph.draw_lists(per_segment, first, size, key)
    return begin, members
