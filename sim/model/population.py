"""Who is on the platform at the start: influencers, agencies, fans and who follows whom; knows nothing of what they do.

Every attribute is drawn per entity from addressed numbers (one lane each), so that adding an entity changes no other.
Ids of fans run segment after segment; ids of influencers follow the roster, ids of agencies the scenario's groups.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sim.errors import Fault, InputError
from sim.model import draws, graph
from sim.scenario.distributions import Constant, Distribution, Lognormal, Uniform
from sim.scenario.scenario import Scenario
from sim.streams import Lane, power

if TYPE_CHECKING:
    from sim.scenario.roster import Roster

__all__ = ["Population", "affinities", "apportion", "check_followers", "draw_population"]

SECONDS_PER_DAY = 86_400
QUALITY_MARGIN = 1e-6
Key = tuple[np.uint64, np.uint64]
Floats = NDArray[np.float64]
Int64s = NDArray[np.int64]
Int32s = NDArray[np.int32]


@dataclass(frozen=True)
class Population:
    """Everybody at day 0. Axes: M influencers, F fans, A agencies, E follows. Nothing in it changes in a run."""

    influencers: tuple[str, ...]
    verticals: tuple[str, ...]
    segments: tuple[str, ...]
    agencies: tuple[str, ...]
    vertical: Int32s
    agency: Int32s
    """(M,): -1 for independents."""
    quality: Floats
    posts_per_day: Floats
    shop: NDArray[np.bool_]
    conversion_prob: Floats
    order_value_fen: Int64s
    followers: Int64s
    """(M,): simulated fans."""
    segment: Int32s
    """(F,)"""
    mean_gap: Floats
    """(F,): mean time between sessions [s]; inf: none."""
    begin: Int64s
    """(F + 1,): where a fan's follow list begins in ``members``."""
    members: Int32s
    """(E,)"""
    people_per_fan: float


def affinities(scenario: Scenario) -> Floats:
    """Affinity of each segment for each vertical, shape (G, V), in [0, 1]."""
    return np.array(
        [[s.interests.get(v, s.other_interest) for v in scenario.verticals] for s in scenario.segments.values()]
    )


def sample(distribution: Distribution, u: Floats) -> Floats:
    """Values of a distribution at uniform numbers in (0, 1), increasing in them except for the Pareto's, which fall."""
    match distribution:
        case Constant(value=value):
            return np.full(u.size, value)
        case Uniform(low=low, high=high):
            return low + (high - low) * u
        case Lognormal(median=median, sigma=sigma, max=limit):
            values = [median * draws.exp(min(sigma * draws.normal_quantile(x), 700.0)) for x in u]
        case _:
            limit = distribution.max
            values = [distribution.min * power(x, -1.0 / distribution.exponent) for x in u]
    return np.minimum(np.array(values, dtype=np.float64), limit)


def apportion(amounts: Int64s, total: int) -> Int64s:
    """Scale amounts to integers with this sum: largest remainders, at least 1 where there is any.

    Parameters
    ----------
    amounts
        Shape (n,), >= 0, with a positive sum.
    total
        Wanted sum, at least the number of positive amounts.

    Returns
    -------
    ndarray
        Shape (n,), int64; ties of remainders go to the lower index.

    >>> apportion(np.array([50, 30, 0, 1]), 8)
    array([4, 3, 0, 1])
    """
    exact = amounts.astype(object)
    out = np.zeros(amounts.size, dtype=object)
    free = amounts > 0
    while True:
        # Those whose quota is under 1 get 1 and leave; what they take may push others under 1.
        rest, weight = total - int((out * ~free).sum()), int(exact[free].sum())
        small = free & np.array([x * rest < weight for x in exact])
        if not small.any():
            break
        out[small] = 1
        free &= ~small
    if weight:
        quota = exact[free] * rest
        floor = quota // weight
        remainder = quota - floor * weight
        n_more = rest - int(floor.sum())
        order = sorted(range(len(quota)), key=lambda j: (-remainder[j], j))[:n_more]
        floor[order] += 1
        out[free] = floor
    return out.astype(np.int64)


def _scaled_followers(real: Int64s, scenario: Scenario, names: tuple[str, ...]) -> Int64s:
    """Simulated followers: the fans' follows, shared out in proportion to the real ones, or refused."""
    fans = scenario.fans
    n_follows = round(fans.follows_per_fan * fans.count)

    def refuse(rule: str, value: str) -> InputError:
        return InputError([Fault(file=scenario.name, path="fans.follows_per_fan", rule=rule, value=value)])

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


def _fans(scenario: Scenario, key: Key) -> tuple[Int32s, Floats]:
    """Segment and mean gap between sessions of each fan."""
    n_in = _segment_sizes(scenario)
    segment = np.repeat(np.arange(n_in.size, dtype=np.int32), n_in)
    activity = np.array([s.activity for s in scenario.segments.values()])[segment]
    sigma = scenario.fans.activity_sigma
    if sigma > 0:
        u = draws.unit_draws(Lane.FAN_ACTIVITY, 0, segment.size, *key)
        activity = activity * draws.lognormal_factors(u, sigma)
    rate = scenario.fans.sessions_per_day * activity
    gap = np.full(segment.size, np.inf)
    np.divide(float(SECONDS_PER_DAY), rate, out=gap, where=rate > 0)
    return segment, gap


def _segment_sizes(scenario: Scenario) -> Int64s:
    """Fans of each segment."""
    return _sizes(np.array([s.share for s in scenario.segments.values()]), scenario.fans.count)


def _sizes(shares: Floats, total: int) -> Int64s:
    """Whole numbers in proportion to shares, largest remainders, 0 allowed."""
    # Shares are decimal fractions: as integers over 10^12 they are apportioned exactly.
    quota = [round(share * 10**12) * total for share in shares]
    whole = sum(round(share * 10**12) for share in shares)
    floor = [q // whole for q in quota]
    order = sorted(range(len(quota)), key=lambda j: (floor[j] * whole - quota[j], j))
    for j in order[: total - sum(floor)]:
        floor[j] += 1
    return np.array(floor, dtype=np.int64)


def _choose(shares: Floats, u: Floats) -> Int32s:
    """Index drawn in proportion to shares at uniform numbers."""
    upto = np.add.accumulate(shares)
    return np.minimum(np.searchsorted(upto, u, side="right"), shares.size - 1).astype(np.int32)


def _agencies(scenario: Scenario, vertical: Int32s, key: Key) -> tuple[tuple[str, ...], Int32s, Floats]:
    """Names of the agencies, agency of each influencer (-1: none), and the factor on its chance of a shop.

    Influencers stand in a random order; agency after agency takes as many as it wants of those still free, from the
    verticals that it recruits from.
    """
    position = {name: v for v, name in enumerate(scenario.verticals)}
    order = np.argsort(draws.unit_draws(Lane.AGENCY, 0, vertical.size, *key), kind="stable")
    agency = np.full(vertical.size, -1, np.int32)
    factor = np.full(vertical.size, scenario.influencers.shop_factor)
    names: list[str] = []
    for name, group in scenario.agencies.items():
        u = draws.unit_draws(Lane.AGENCY_SIZE, len(names), group.count, *key)
        if group.stratified:
            u = (np.arange(group.count) + 0.5) / max(group.count, 1)
        sizes = np.floor(sample(group.accounts, u) + 0.5).astype(np.int64)
        wanted = [position[v] for v in group.verticals] or list(position.values())
        for size in sizes:
            free = order[(agency[order] < 0) & np.isin(vertical[order], wanted)][: max(int(size), 0)]
            agency[free] = len(names)
            factor[free] = group.shop_factor
            names.append(f"{name}-{len(names) + 1}")
    return tuple(names), agency, factor


def _agencies_of(roster: Roster) -> tuple[tuple[str, ...], Int32s]:
    """Names of a roster's agencies and the agency of each influencer (-1: none)."""
    given = roster.agency or ()
    names = tuple(dict.fromkeys(name for name in given if name is not None))
    position = {name: a for a, name in enumerate(names)}
    return names, np.array([-1 if name is None else position[name] for name in given], dtype=np.int32)


def draw_population(scenario: Scenario, roster: Roster | None, key: tuple[int, int]) -> Population:
    """Draw everybody.

    Parameters
    ----------
    scenario
        A resolved scenario.
    roster
        Its columns take the place of the scenario's distributions, cell by cell.
    key
        Seed and replication.

    Raises
    ------
    InputError
        The follows can't be shared out: fewer than accounts, or more for one account than there are fans.

    Notes
    -----
    O(F + M agencies + E). Lanes 32 to 43.
    """
    k = (np.uint64(key[0]), np.uint64(key[1]))
    settings = scenario.influencers
    names = _names(scenario, roster)
    n = len(names)

    def draw(lane: Lane) -> Floats:
        u: Floats = draws.unit_draws(lane, 0, n, *k)
        return u

    def column(name: str, distribution: Distribution, lane: Lane) -> Floats:
        drawn = sample(distribution, draw(lane))
        given: Floats | None = getattr(roster, name, None)
        return drawn if given is None else np.where(np.isnan(given), drawn, given)

    vertical = _verticals(scenario, roster, n, k)
    agencies, agency, shop_factor = _agencies(scenario, vertical, k)
    if roster and roster.agency:
        agencies, agency = _agencies_of(roster)
        shop_factor = np.full(n, settings.shop_factor)
    shop_prob = np.array([v.shop_prob for v in scenario.verticals.values()])[vertical] * shop_factor
    shop = draw(Lane.SHOP) < shop_prob
    if roster and roster.shop is not None:
        shop = np.where(roster.shop >= 0, roster.shop == 1, shop)
    real = _real_followers(scenario, roster, n, k)
    followers = _scaled_followers(real, scenario, names)
    conversion = column("conversion_prob", settings.conversion_prob, Lane.CONVERSION_PROB)
    value = column("order_value_fen", settings.order_value_fen, Lane.ORDER_VALUE)
    segment, mean_gap = _fans(scenario, k)
    begin, members = _follow_lists(scenario, followers, vertical, segment, k)
    ratio = sum(real.tolist()) / max(int(followers.sum()), 1)
    return Population(
        influencers=names,
        verticals=tuple(scenario.verticals),
        segments=tuple(scenario.segments),
        agencies=agencies,
        vertical=vertical,
        agency=agency,
        quality=np.clip(column("quality", settings.quality, Lane.QUALITY), QUALITY_MARGIN, 1 - QUALITY_MARGIN),
        posts_per_day=np.clip(column("posts_per_day", settings.posts_per_day, Lane.POSTS_PER_DAY), 0, 1e6),
        shop=shop,
        conversion_prob=np.clip(conversion, 0, 1),
        order_value_fen=np.floor(np.clip(value, 0, 1e15) + 0.5).astype(np.int64),
        followers=followers,
        segment=segment,
        mean_gap=mean_gap,
        begin=begin,
        members=members,
        people_per_fan=scenario.people_per_fan or ratio or 1.0,
    )


def check_followers(scenario: Scenario, roster: Roster | None, key: tuple[int, int]) -> None:
    """Refuse what ``draw_population`` would refuse, without drawing fans and graph; arguments and errors as there.

    Notes
    -----
    O(M segments).
    """
    k = (np.uint64(key[0]), np.uint64(key[1]))
    names = _names(scenario, roster)
    n = len(names)
    followers = _scaled_followers(_real_followers(scenario, roster, n, k), scenario, names)
    _followers_per_segment(scenario, followers, _verticals(scenario, roster, n, k), _segment_sizes(scenario), k)


def _names(scenario: Scenario, roster: Roster | None) -> tuple[str, ...]:
    """Ids of the influencers."""
    if roster:
        return roster.influencer
    n = scenario.influencers.count
    assert n is not None  # a scenario without a roster has a count: checked when it was read
    return tuple(f"influencer-{i + 1:0{len(str(n))}d}" for i in range(n))


def _verticals(scenario: Scenario, roster: Roster | None, n: int, key: Key) -> Int32s:
    """Vertical of each influencer."""
    drawn = _choose(
        np.array([v.share for v in scenario.verticals.values()]), draws.unit_draws(Lane.VERTICAL, 0, n, *key)
    )
    if not (roster and roster.vertical):
        return drawn
    position = {name: v for v, name in enumerate(scenario.verticals)}
    given = zip(roster.vertical, drawn, strict=True)
    return np.array([v if name is None else position[name] for name, v in given], dtype=np.int32)


def _real_followers(scenario: Scenario, roster: Roster | None, n: int, key: Key) -> Int64s:
    """Followers of each influencer [people]."""
    if roster:
        return roster.followers
    drawn = sample(scenario.influencers.followers, draws.unit_draws(Lane.FOLLOWERS, 0, n, *key))
    return np.floor(np.clip(drawn, 0, 1e15) + 0.5).astype(np.int64)


def _followers_per_segment(scenario: Scenario, followers: Int64s, vertical: Int32s, size: Int64s, key: Key) -> Int64s:
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


def _follow_lists(
    scenario: Scenario, followers: Int64s, vertical: Int32s, segment: Int32s, key: Key
) -> tuple[Int64s, Int32s]:
    """Follow lists of all fans."""
    size = np.bincount(segment, minlength=len(scenario.segments)).astype(np.int64)
    per_segment = _followers_per_segment(scenario, followers, vertical, size, key)
    first = np.cumsum(size) - size
    fan_of_edge = graph.draw_followers(per_segment, first, size, scenario.fans.count, key)
    begin, members = graph.lists_of_fans(fan_of_edge, followers, scenario.fans.count)
    return begin, members
