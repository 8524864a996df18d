"""Follows at day 0, shared out to accounts: how many each gets, how many fit, and what is refused; draws nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.scenario.findings import Finding, InWords
from sim.scenario.resolve.whole_numbers import apportion, sizes
from sim.scenario.schema.scenario import Scenario
from sim.types import Int64s

if TYPE_CHECKING:
    from sim.scenario.read.roster import Roster

__all__ = [
    "BLOCK_BITS",
    "FOLLOWS_PER_FAN",
    "MOST_IN_BLOCK",
    "InitialAccounts",
    "Refusal",
    "affinities",
    "given_or_largest",
    "most_follows",
    "rooms",
    "segment_sizes",
    "shared_out",
]

FOLLOWS_PER_FAN = 4.0
"""What ``fans.follows_per_fan`` is where a scenario leaves it out and it fits."""
BLOCK_BITS = 16
"""A fan of this id is in block ``id >> BLOCK_BITS``, whatever the number of threads."""
MOST_IN_BLOCK = (1 << 32) - 1
"""Follows of a block's fans: places in its lists are counted in 32 bits."""
AT = ("fans", "follows_per_fan")


class Refusal(NamedTuple):
    """Why follows can't be shared out."""

    wrong: Finding
    most: float | None = None
    """Follows per fan that fit at most, where fewer would."""


class InitialAccounts(NamedTuple):
    """Accounts of day 0, as far as their followers go."""

    names: Sequence[str]
    real: Int64s
    """(M,): followers [people]."""
    vertical: NDArray[np.int32]
    """(M,): index of the vertical."""


def most_follows(n_fans: int) -> int:
    """Follows that this many fans can have, were they spread evenly over blocks.

    >>> most_follows(20_000), most_follows(65_537)
    (4294967295, 8589934590)
    """
    return MOST_IN_BLOCK * -(-n_fans >> BLOCK_BITS)


def affinities(scenario: Scenario) -> NDArray[np.float64]:
    """Affinity of each segment for each vertical, shape (G, V), in [0, 1]."""
    position = {name: v for v, name in enumerate(scenario.verticals)}
    found = np.empty((len(scenario.segments), len(position)))
    for row, segment in zip(found, scenario.segments.values(), strict=True):
        row[:] = segment.other_interest
        row[[position[name] for name in segment.interests]] = list(segment.interests.values())
    return found


def segment_sizes(scenario: Scenario) -> Int64s:
    """Fans of each segment at day 0, shape (G,), of a scenario that counts its fans."""
    assert scenario.fans.count is not None  # only a follow graph may do without: checked when it was read
    return sizes(np.array([s.share for s in scenario.segments.values()]), scenario.fans.count)


def rooms(scenario: Scenario) -> Int64s:
    """Fans who can follow an account of each vertical at the start, shape (V,): those with sessions and an interest."""
    size = segment_sizes(scenario)
    activity = np.array([s.activity for s in scenario.segments.values()])
    weight = size * activity * affinities(scenario).T
    found: Int64s = np.where(weight > 0, size, 0).sum(axis=1)
    return found


def shared_out(scenario: Scenario, accounts: InitialAccounts, rooms: Int64s) -> Int64s | Refusal:
    """Simulated followers of each account: the fans' follows, in proportion to the real followers.

    Parameters
    ----------
    scenario
        Resolved scenario of an arm, without a follow graph. Not changed.
    accounts
        With their verticals. Not changed.
    rooms
        The scenario's, from ``rooms``. Not changed.

    Returns
    -------
    ndarray or Refusal
        Shape (M,), int64, or the rule that the scenario breaks: more follows than can be kept, fewer than accounts with
        followers, or more for an account than there are fans who are interested in it and have sessions.

    Notes
    -----
    O(M log M).
    """
    fans, real = scenario.fans, accounts.real
    assert fans.count is not None  # else there is a follow graph
    assert fans.follows_per_fan is not None  # filled in when the scenario was read
    n_follows = round(fans.follows_per_fan * fans.count)
    given = InWords(f"{fans.follows_per_fan} ({n_follows} follows)")
    most = most_follows(fans.count)
    if n_follows > most:
        rule = f"must give at most {most} follows, {MOST_IN_BLOCK} for each {1 << BLOCK_BITS} fans"
        return Refusal(Finding(AT, rule, given))
    n_followed = int((real > 0).sum())
    if n_follows == 0 or n_followed == 0:
        return np.zeros(real.size, np.int64)
    if n_follows < n_followed:
        rule = (
            f"must give every account that has followers at least one: {n_followed} follows among {fans.count} fans, "
            f"{-(-n_followed * 10_000 // fans.count) / 10_000:g} of each"
        )
        return Refusal(Finding(AT, rule, given))
    followers = apportion(real, n_follows)
    room = rooms[accounts.vertical]
    return followers if (followers <= room).all() else _refused(scenario, accounts, followers, room)


def _refused(scenario: Scenario, accounts: InitialAccounts, followers: Int64s, room: Int64s) -> Refusal:
    """What is wrong where an account gets more followers than fans can follow it."""
    n_fans, real, given = scenario.fans.count or 0, accounts.real, scenario.fans.follows_per_fan
    most = _largest(real, room, n_fans)
    top = int(followers.argmax())
    if followers[top] > n_fans and most is not None:
        share = real[top] / sum(real.tolist())
        rule = (
            f"must be at most {most:.12g} here: the largest account ({accounts.names[top]}) has {share:.1%} of all "
            "followers, and no account can have more than there are fans (share x follows_per_fan <= 1)"
        )
        return Refusal(Finding(AT, rule, InWords(f"{given} ({followers[top]} followers among {n_fans} fans)")), most)
    i = int((followers - room).argmax())
    vertical = tuple(scenario.verticals)[accounts.vertical[i]]
    rule = (
        f"must hold enough interested, active fans for {followers[i]} followers of an influencer of vertical {vertical}"
    )
    if most is not None:
        rule += f"; fans.follows_per_fan can be at most {most:.12g} here"
    return Refusal(Finding(("segments",), rule, InWords(f"{room[i]} such fans")), most)


def _largest(real: Int64s, room: Int64s, n_fans: int) -> float | None:
    """The most follows per fan, cut to few digits, at which no account gets more followers than it has room for.

    None where no number fits: an account with followers has no room at all.
    """
    least = int((real > 0).sum())
    some = real > 0
    weight = sum(real.tolist())
    most = most_follows(n_fans)
    tightest = np.flatnonzero(some)[np.argmin(room[some] / real[some])]

    def fits(n: int) -> bool:
        return least <= n <= most and bool((apportion(real, n) <= room).all())

    # A quota within the room fits for certain; rounding may let a few follows more in.
    sure: int = max(least, min(int(room[tightest]) * weight // int(real[tightest]), most))
    if not fits(sure):
        return None
    for digits in range(2, 13):
        scale: int = 10**digits
        units = sure * scale // n_fans
        while fits(round((units + 1) / scale * n_fans)):
            units += 1
        if units >= 10 and fits(round(units / scale * n_fans)):
            return units / scale
    return sure / n_fans


def given_or_largest(scenario: Scenario, roster: Roster | None) -> float:
    """The follows per fan that a scenario gives, else ``FOLLOWS_PER_FAN`` or, of a roster, the largest below that fits.

    Without a roster the followers differ by replication: what doesn't fit is refused when they are drawn.
    """
    fans = scenario.fans
    if fans.follows_per_fan is not None:
        return fans.follows_per_fan
    if roster is None or roster.followers is None or not roster.followers.any() or fans.count is None:
        return FOLLOWS_PER_FAN
    position = {name: v for v, name in enumerate(scenario.verticals)}
    vertical = np.full(len(roster.influencer), -1, np.int32)
    if roster.vertical:
        vertical[:] = [-1 if name is None else position[name] for name in roster.vertical]
    of_vertical = rooms(scenario)
    least = of_vertical[[v.share > 0 for v in scenario.verticals.values()]].min()
    room = np.append(of_vertical, least)[vertical]  # a vertical of -1 reads the last place
    most = _largest(roster.followers, room, fans.count)
    return FOLLOWS_PER_FAN if most is None else min(FOLLOWS_PER_FAN, most)
