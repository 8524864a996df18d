"""The population: influencers, agencies, fans and their follows at the start; knows nothing of what they do.

Every attribute is drawn per entity from addressed numbers (one lane each), so that adding an entity changes no other.
Ids of influencers, and of agencies, are the places of their names in roster or follow graph, which are in order of
names when they come here: the order of the file's rows has no say. What is drawn for them depends on their names only
(``world.addresses``), so that one more account changes no attribute of another. Ids of generated agencies follow the
scenario's groups, those of generated fans run segment after segment; fans of a follow graph are as its influencers.
The one thing that accounts are competed for: agencies of groups recruit them in a random order, so one more account
can take another's place in an agency.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sim.calendar import DAY
from sim.model.kernel import draws
from sim.model.layout import SHARED, Addresses, BlockLists, FansAtStart
from sim.model.world import initial_graph
from sim.model.world.addresses import NOT_NAMED, Role, addresses
from sim.model.world.follow_blocks import cut_lists, draw_lists, in_one_place
from sim.model.world.initial_follows import (
    addresses_of,
    column,
    conversion_probs,
    followers_at_start,
    hashes_at_start,
    live_hours,
    names_at_start,
    order_values,
    people_per_fan,
    posting_rates,
    real_followers,
    verticals,
)
from sim.model.world.limits import Largest
from sim.model.world.sampling import choose, sample
from sim.scenario.resolve.follows import InitialAccounts, affinities, segment_sizes
from sim.scenario.schema.scenario import Scenario
from sim.streams import Lane
from sim.types import Bools, Floats, Int8s, Int32s, Int64s, Key

if TYPE_CHECKING:
    from sim.scenario.read.follow_graph import FollowGraph
    from sim.scenario.read.roster import Roster

__all__ = ["Population", "draw_population"]

QUALITY_MARGIN = 1e-6


@dataclass(frozen=True)
class Population:
    """All influencers, agencies and fans, those who come later included.

    Axes: M influencers, F fans, A agencies, E follows.

    Nothing in it changes in a run: ``accounts`` has what an influencer's attributes become later.
    """

    influencers: tuple[str, ...]
    verticals: tuple[str, ...]
    segments: tuple[str, ...]
    agencies: tuple[str, ...]
    vertical: Int32s
    agency: Int32s
    """(M,): -1 for independents."""
    quality: Floats
    posts_per_day: Floats
    age_days: Floats
    """(M,): age at day 0 [days], negative for newcomers."""
    shop: Bools
    conversion_prob: Floats
    order_value_fen: Int64s
    live_hours_per_day: Floats
    followers: Int64s
    """(M,): simulated fans."""
    incubating: Bools
    """(M,): has too few followers for a shop."""
    joined_at: Int64s
    """(M,): when an influencer enters [s]; those of day 0 were there before the warm-up."""
    n_initial: int
    """Influencers of day 0; newcomers come after them."""
    agency_group: Int32s
    """(A,): the scenario's group that an agency belongs to, -1: a roster's."""
    segment: Int8s
    """(F,)"""
    mean_gap: Floats
    """(F,): mean time between sessions before thinning by hour [s]; inf: none."""
    joined: Int64s
    """When those fans join who were not there before the warm-up [s]: they come after all others."""
    lists: tuple[BlockLists, ...]
    """Follow lists of each block's fans."""
    people_per_fan: float
    hashes: NDArray[np.uint64]
    """Hashes of the names of the influencers of day 0, (n_initial,), where a file names them; else (0,)."""
    fans: tuple[str, ...] | None = None
    """Names of the fans of day 0, where a follow graph gives them."""
    fan_hashes: NDArray[np.uint64] = field(default_factory=lambda: NOT_NAMED)
    """As ``hashes``, of these fans."""

    @property
    def fans_at_start(self) -> FansAtStart:
        """The fans, as an engine takes them."""
        return FansAtStart(self.segment, self.mean_gap, self.joined, self.lists)

    @property
    def follow_lists(self) -> tuple[Int64s, Int32s]:
        """A copy of all lists: where each fan's begins, shape (F + 1,), and the members, shape (E,)."""
        return in_one_place(self.lists)

    def addresses(self, key: Key) -> Addresses:
        """Where the influencers' draws are under a key, shapes (M,) and (M, 2)."""
        return addresses(self.hashes, self.vertical.size, key, Role.INFLUENCER)

    def addresses_of_fans(self, key: Key) -> Addresses:
        """As ``addresses``, of the fans; of none, where none has a name."""
        return addresses(self.fan_hashes, self.segment.size, key, Role.FAN) if self.fan_hashes.size else SHARED

    @property
    def first_newcomer(self) -> int:
        """Number of the first newcomer's draws: generated accounts are numbered, named ones are not."""
        return 0 if self.hashes.size else self.n_initial

    def largest(self) -> Largest:
        """What decides how much a click can bring and an account cost."""
        columns = (self.conversion_prob, self.order_value_fen, self.posts_per_day, self.live_hours_per_day)
        return Largest(self.people_per_fan, *(float(column.max()) for column in columns))

    def by_size(self) -> Int32s:
        """Influencers by followers at day 0, the most first, the lower id of equals, newcomers last; (M,)."""
        return np.argsort(-self.followers, kind="stable").astype(np.int32)


def _words(key: Key) -> tuple[np.uint64, np.uint64]:
    """A key as compiled code takes it."""
    return np.uint64(key[0]), np.uint64(key[1])


def _first_segments(scenario: Scenario, follow_graph: FollowGraph | None, key: Key) -> Int8s:
    """Segment of each fan of day 0: whole blocks by their shares, or drawn for each fan of a graph."""
    shares = np.array([s.share for s in scenario.segments.values()])
    if follow_graph is not None:
        own = addresses(follow_graph.fan_hashes, len(follow_graph.fans), key, Role.FAN)
        return choose(shares, draws.unit_draws_of(Lane.FAN_SEGMENT, 0, own)).astype(np.int8)
    return np.repeat(np.arange(shares.size, dtype=np.int8), segment_sizes(scenario))


def _fans(
    scenario: Scenario, follow_graph: FollowGraph | None, accounts: InitialAccounts, own: Addresses, key: Key
) -> tuple[Int64s, FansAtStart]:
    """Followers of each account of day 0 [simulated fans], drawn at the accounts' addresses, and all fans."""
    first = _first_segments(scenario, follow_graph, key)
    segment, mean_gap, joined = _sessions(scenario, first, follow_graph, key)
    if follow_graph:
        followers = follow_graph.in_degrees()
        lists = cut_lists(follow_graph.begin(), follow_graph.influencer, segment.size)
    else:
        followers = followers_at_start(scenario, accounts)
        lists = _follow_lists(scenario, followers, accounts.vertical, segment.size, own)
    return followers, FansAtStart(segment, mean_gap, joined, tuple(lists))


def _sessions(
    scenario: Scenario, first: Int8s, follow_graph: FollowGraph | None, key: Key
) -> tuple[Int8s, Floats, Int64s]:
    """Segment and mean gap between sessions of each fan, those of day 0 first, and when the others join."""
    segments = list(scenario.segments.values())
    n_in = initial_graph.sizes_of_segments(first, len(segments))
    growth = np.array([s.growth_per_year * scenario.horizon_days / 365 for s in segments])
    n_later = np.floor(n_in * growth + 0.5).astype(np.int64)
    numbers = np.arange(n_in.size, dtype=np.int8)
    segment = np.concatenate([first, np.repeat(numbers, n_later)])
    run_key = _words(key)
    number = 0 if follow_graph else first.size  # fans of a graph have names, no numbers
    u = draws.unit_draws(Lane.JOINED, number, segment.size - first.size, *run_key)
    joined = np.floor(u * (scenario.horizon_days * DAY)).astype(np.int64)
    peak = np.array([max(s.hours) * 24 / sum(s.hours) if s.hours else 1.0 for s in segments])
    activity = np.array([s.activity for s in segments]) * peak
    fans, own = scenario.fans, SHARED
    if follow_graph and fans.activity_sigma > 0:
        own = addresses(follow_graph.fan_hashes, segment.size, key, Role.FAN)
    gaps = initial_graph.mean_gaps(segment, activity, fans.sessions_per_day, fans.activity_sigma, run_key, own)
    return segment, gaps, joined


def _follow_lists(
    scenario: Scenario, followers: Int64s, vertical: Int32s, n_fans: int, own: Addresses
) -> Iterator[BlockLists]:
    """Follow lists of all fans, block by block.

    A segment weighs size x activity x affinity: fans without sessions follow no account.
    """
    size = segment_sizes(scenario)
    activity = np.array([s.activity for s in scenario.segments.values()])
    weight = np.ascontiguousarray(size * activity * affinities(scenario).T)
    offset = draws.unit_draws_of(Lane.FOLLOWER_SEGMENT, 0, own)
    per_segment = initial_graph.split_by_segment(followers, vertical, weight, size, offset)
    return draw_lists(per_segment, size, n_fans, own)


def _agencies(
    scenario: Scenario, vertical: Int32s, own: Addresses, key: Key
) -> tuple[tuple[str, ...], Int32s, Floats, Int32s]:
    """Names of the agencies, agency of each influencer (-1: none), the factor on its chance of a shop, their groups.

    Influencers are in a random order; agency after agency takes as many as it wants of those still free, from the
    verticals that it recruits from.
    """
    position = {name: v for v, name in enumerate(scenario.verticals)}
    order = np.argsort(draws.unit_draws_of(Lane.AGENCY, 0, own), kind="stable")
    agency = np.full(vertical.size, -1, np.int32)
    factor = np.full(vertical.size, scenario.influencers.shop_factor)
    names: list[str] = []
    groups: list[int] = []
    for number, (name, group) in enumerate(scenario.agencies.items()):
        u = draws.unit_draws(Lane.AGENCY_SIZE, len(names), group.count, *_words(key))
        if group.stratified:
            u = (np.arange(group.count) + 0.5) / max(group.count, 1)
        sizes = np.floor(sample(group.accounts, u) + 0.5).astype(np.int64)
        wanted = [position[v] for v in group.verticals] or list(position.values())
        for size in sizes:
            free = order[(agency[order] < 0) & np.isin(vertical[order], wanted)][: max(int(size), 0)]
            agency[free] = len(names)
            factor[free] = group.shop_factor
            names.append(f"{name}-{len(names) + 1}")
            groups.append(number)
    return tuple(names), agency, factor, np.array(groups, dtype=np.int32)


def _agencies_of(roster: Roster) -> tuple[tuple[str, ...], Int32s]:
    """Names of a roster's agencies, sorted, and the agency of each influencer (-1: none)."""
    given = roster.agency or ()
    names = tuple(sorted({name for name in given if name is not None}))
    position = {name: a for a, name in enumerate(names)}
    return names, np.array([-1 if name is None else position[name] for name in given], dtype=np.int32)


def _contracts(
    scenario: Scenario, roster: Roster | None, vertical: Int32s, own: Addresses, key: Key
) -> tuple[tuple[str, ...], Int32s, Floats, Int32s]:
    """As ``_agencies``, of the roster's agencies where it names any."""
    if not (roster and roster.agency):
        return _agencies(scenario, vertical, own, key)
    names, agency = _agencies_of(roster)
    return names, agency, np.full(vertical.size, scenario.influencers.shop_factor), np.full(len(names), -1, np.int32)


def _entry_times(scenario: Scenario, n_initial: int, own: Addresses) -> Int64s:
    """When each influencer enters [s]: those of day 0 before the warm-up, newcomers with a week, not before day 1."""
    u = draws.unit_draws_of(Lane.NEWCOMER, 0, own.part(n_initial, own.entity.size))
    weeks = np.floor(u * (scenario.horizon_days / 7)).astype(np.int64)
    days = np.maximum(7 * weeks, 1)
    start = np.full(n_initial, -scenario.warmup_days * DAY, np.int64)
    return np.concatenate([start, days * DAY])


def _attributes(
    scenario: Scenario, roster: Roster | None, joined_at: Int64s, n_initial: int, own: Addresses
) -> dict[str, Any]:
    """Attributes of each influencer that depend on no other, shape (M,), by their names in ``Population``."""

    def draw(lane: Lane) -> Floats:
        u: Floats = draws.unit_draws_of(lane, 0, own)
        return u

    quality = column(scenario, roster, "quality", draw(Lane.QUALITY))
    return {
        "quality": np.clip(quality, QUALITY_MARGIN, 1 - QUALITY_MARGIN),
        "posts_per_day": posting_rates(scenario, roster, draw(Lane.POSTS_PER_DAY)),
        "age_days": _ages(column(scenario, roster, "age_days", draw(Lane.AGE)), joined_at, n_initial),
        "conversion_prob": conversion_probs(scenario, roster, draw(Lane.CONVERSION_PROB)),
        "order_value_fen": order_values(scenario, roster, draw(Lane.ORDER_VALUE)),
        "live_hours_per_day": live_hours(scenario, roster, draw(Lane.LIVE_HOURS)),
    }


def _shops(
    scenario: Scenario, roster: Roster | None, vertical: Int32s, factor: Floats, incubating: Bools, own: Addresses
) -> Bools:
    """Which accounts of day 0 have a shop: drawn at their vertical's chance times their factor, or the roster's."""
    shop_prob = np.array([v.shop_prob for v in scenario.verticals.values()])[vertical] * factor
    shop: Bools = (draws.unit_draws_of(Lane.SHOP, 0, own) < shop_prob) & ~incubating
    if roster and roster.shop is not None:
        shop = np.where(roster.shop >= 0, roster.shop == 1, shop)
    return shop


def _ages(drawn: Floats, joined_at: Int64s, n_initial: int) -> Floats:
    """Age at day 0 [days]: negative for newcomers, who make their account when they enter."""
    ages: Floats = np.clip(drawn, 0, 1e6)
    ages[n_initial:] = -joined_at[n_initial:] / DAY
    return ages


def _newcomers(taken: tuple[str, ...], n: int) -> tuple[str, ...]:
    """Ids of newcomers that are not taken."""
    stem = "newcomer"
    while any(name.startswith(stem) for name in taken):
        stem += "-"
    return tuple(f"{stem}-{i + 1:0{len(str(n))}d}" for i in range(n))


def draw_population(
    scenario: Scenario, roster: Roster | None, key: Key, follow_graph: FollowGraph | None = None
) -> Population:
    """Draw the population; O(F + M agencies + E), lanes 32 to 50, and 52.

    Parameters
    ----------
    scenario
        A resolved scenario.
    roster
        In order of names. Its columns take the place of the scenario's distributions, cell by cell.
    key
        Seed and replication.
    follow_graph
        In order of names. Fans, influencers (the roster's, where there is one) and follows at day 0, not drawn ones.

    Raises
    ------
    InputError
        The follows can't be shared out: fewer than accounts, or more for one account than there are fans.
    MachineError
        A block of fans has more follows than can be counted.
    """
    if scenario.influencers.follow_graph is not None and follow_graph is None:
        raise ValueError("a scenario with a follow graph needs that graph to draw its population")
    initial = names_at_start(scenario, roster, follow_graph)
    n_initial, newcomers = len(initial), scenario.n_newcomers
    own = addresses_of(roster, follow_graph, n_initial + newcomers, key)
    own_at_start = own.part(0, n_initial)
    joined_at = _entry_times(scenario, n_initial, own)
    vertical = verticals(scenario, roster, own)
    real = real_followers(scenario, roster, follow_graph, own_at_start)
    incubating = np.concatenate([real < scenario.entry.incubated_followers, np.ones(newcomers, np.bool_)])
    agencies, agency, shop_factor, agency_group = _contracts(scenario, roster, vertical[:n_initial], own_at_start, key)
    shop = _shops(scenario, roster, vertical[:n_initial], shop_factor, incubating[:n_initial], own_at_start)
    at_start = InitialAccounts(initial, real, vertical[:n_initial])
    followers, fans = _fans(scenario, follow_graph, at_start, own_at_start, key)
    return Population(
        influencers=initial + _newcomers(initial, newcomers),
        verticals=tuple(scenario.verticals),
        segments=tuple(scenario.segments),
        agencies=agencies,
        vertical=vertical,
        agency=np.append(agency, np.full(newcomers, -1, np.int32)),
        shop=np.append(shop, np.zeros(newcomers, np.bool_)),
        followers=np.append(followers, np.zeros(newcomers, np.int64)),
        incubating=incubating,
        joined_at=joined_at,
        n_initial=n_initial,
        agency_group=agency_group,
        people_per_fan=people_per_fan(scenario, real, followers),
        hashes=hashes_at_start(roster, follow_graph),
        fans=follow_graph.fans if follow_graph else None,
        fan_hashes=follow_graph.fan_hashes if follow_graph else NOT_NAMED,
        **_attributes(scenario, roster, joined_at, n_initial, own),
        **fans._asdict(),
    )
