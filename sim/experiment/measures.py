"""What is measured on a run: a cell is a time, window, population, level, quantity, measure; the same in every unit."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.analysis.concentration import group_share, head_members, head_size, lorenz, summarise
from sim.analysis.entropy import theil
from sim.analysis.mobility import decile_transitions
from sim.analysis.tail import top_tail
from sim.analysis.utility import mean_utility
from sim.experiment.standing import Standing
from sim.model.books import FLOWS
from sim.model.clock import DAY, snapshot_times
from sim.model.initial_follows import affinities
from sim.model.simulation import Outcome
from sim.scenario import measurable
from sim.scenario.measurable import FAMILIES
from sim.scenario.scenario import Scenario

__all__ = [
    "LORENZ_POINTS",
    "Cell",
    "cells",
    "lorenz_cells",
    "lorenz_curves",
    "measure",
    "primary_window",
    "support_effect",
    "transitions",
]

QUANTITIES = (*measurable.FLOWS, "net_follows")
"""Flows that are measured at every snapshot."""
HOLDERS = tuple(
    (population, family.level)
    for family in FAMILIES
    if family.level in ("influencer", "agency", "vertical")
    for population in family.populations
)
"""Populations and levels that hold amounts; independents are left out at agency level."""
COUNTED_IN_FULL = ("orders", "gmv")
"""Quantities that the model counts as real ones; the others are of simulated fans."""
LORENZ_POINTS = 101
Int64s = NDArray[np.int64]
Floats = NDArray[np.float64]


class Cell(NamedTuple):
    """What a number is about; ``window_days`` None for a stock."""

    time_days: float
    window_days: float | None
    population: str
    level: str
    quantity: str
    measure: str


@dataclass(frozen=True)
class Holders:
    """A population at a level: who holds, and how influencers' amounts become theirs."""

    members: Int64s
    """Influencers that count, those of a holder side by side."""
    begin: Int64s | None
    """Where the members of each holder begin, shape (n + 1,); None: the members themselves hold."""
    n: int

    @classmethod
    def groups(cls, members: Int64s, holder: NDArray[np.int32], n: int) -> Holders:
        """The holders 0 .. n - 1 of these members, one for each member."""
        order = np.argsort(holder, kind="stable")
        return cls(members[order], np.searchsorted(holder[order], np.arange(n + 1)), n)

    def amounts(self, of_influencers: Int64s) -> Int64s:
        """Amounts of the holders."""
        chosen = of_influencers[self.members]
        if self.begin is None:
            return chosen
        upto: Int64s = np.append(0, np.cumsum(chosen))[self.begin]
        return np.diff(upto)


def primary_window(horizon_days: int) -> float:
    """Length of the window of the primary flows: the last 90 days, or all of a shorter run [days]."""
    return float(min(90, horizon_days))


def _holders(outcome: Outcome) -> list[Holders]:
    """Holders of each of ``HOLDERS``; partners and shops are those of day 0, the same in every arm."""
    population = outcome.population
    everyone = np.arange(population.vertical.size)
    tier = np.append(outcome.reviews[0].tier, np.int32(-1))[population.agency]
    contract = np.flatnonzero(population.agency >= 0)
    return [
        Holders(everyone, None, everyone.size),
        Holders(np.flatnonzero(tier >= 0), None, int((tier >= 0).sum())),
        Holders(np.flatnonzero(population.shop), None, int(population.shop.sum())),
        Holders.groups(contract, population.agency[contract], len(population.agencies)),
        Holders.groups(everyone, population.vertical, len(population.verticals)),
    ]


class Frame(NamedTuple):
    """What is measured when: a quantity at a time, or over [start, time) for a flow [s]."""

    time: int
    start: int | None
    quantity: str


def frames(horizon_days: int, warmup_days: int) -> list[Frame]:
    """Everything that is measured: stocks at each snapshot, flows over its trailing 30 days; at the end also over the
    last 90 days and over the whole run after the warm-up. Utility over these two only.
    """
    out = []
    end = horizon_days * DAY
    for time in snapshot_times(horizon_days):
        out.append(Frame(time, None, "followers"))
        starts = [max(time - 30 * DAY, -warmup_days * DAY)]
        if time == end:
            starts += [max(end - 90 * DAY, 0), 0]
        out += [Frame(time, start, flow) for start in dict.fromkeys(starts) if start < time for flow in QUANTITIES]
    return out + [Frame(end, start, "utility") for start in dict.fromkeys((max(end - 90 * DAY, 0), 0))]


def _cell(frame: Frame, population: str, level: str, name: str) -> Cell:
    window = None if frame.start is None else (frame.time - frame.start) / DAY
    return Cell(frame.time / DAY, window, population, level, frame.quantity, name)


def _measured(quantity: str) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Populations and levels of a quantity, with the names of what is measured of each."""
    for family in FAMILIES:
        if quantity in family.quantities:
            for population in family.populations:
                yield population, family.level, family.measures


def cells(horizon_days: int, warmup_days: int) -> list[Cell]:
    """What each of the values of ``measure`` is about, in their order."""
    return [
        _cell(frame, population, level, name)
        for frame in frames(horizon_days, warmup_days)
        for population, level, names in _measured(frame.quantity)
        for name in names
    ]


def lorenz_frames(horizon_days: int) -> list[Frame]:
    """What has a Lorenz curve: followers at day 0 and the end, flows of the last 90 days."""
    end = horizon_days * DAY
    flows = [Frame(end, max(end - 90 * DAY, 0), quantity) for quantity in ("exposure", "reads", "orders", "gmv")]
    return [Frame(0, None, "followers"), Frame(end, None, "followers"), *flows]


def lorenz_cells(horizon_days: int) -> list[Cell]:
    """What each of the curves of ``lorenz_curves`` is about, in their order."""
    return [_cell(frame, "all", "influencer", "lorenz") for frame in lorenz_frames(horizon_days)]


def _amounts(outcome: Outcome, frame: Frame) -> Int64s:
    """Amount of each influencer, shape (M,)."""
    if frame.start is None:
        return outcome.followers(frame.time)
    flows = outcome.books.between(frame.start, frame.time)
    if frame.quantity == "exposure":
        return np.asarray(flows[FLOWS.index("exposure_feed")] + flows[FLOWS.index("exposure_discovery")])
    if frame.quantity == "net_follows":
        return np.asarray(flows[FLOWS.index("new_follows")] - flows[FLOWS.index("unfollows")])
    return np.asarray(flows[FLOWS.index(frame.quantity)])


@dataclass(frozen=True)
class Concentration:
    """The measures of concentration on holders; the head's sizes and the initial head are fixed at day 0."""

    holders: Holders
    head_01: int
    head_10: int
    initial_head: Int64s

    @classmethod
    def on(cls, holders: Holders, at_start: Int64s) -> Concentration | None:
        """The measures on these holders, given the influencers' followers at day 0; None without holders."""
        if not holders.n:
            return None
        n_head = head_size(holders.n, 0.01)
        return cls(holders, n_head, head_size(holders.n, 0.1), head_members(holders.amounts(at_start), n_head))

    def values(self, of_influencers: Int64s, scale: float, *, tail: bool) -> dict[str, float]:
        """Measures by name; ``scale`` is people for each one counted, ``tail`` asks for the tail's."""
        amounts = self.holders.amounts(of_influencers)
        found = summarise(amounts, head_01=self.head_01, head_10=self.head_10, initial_head=self.initial_head)
        found["theil"] = theil(amounts)
        if tail:
            exponent, x_min, n = top_tail(amounts, self.head_10)
            found |= {"tail_exponent": exponent, "tail_x_min": x_min * scale if n else math.nan, "tail_n": float(n)}
        return found


def measure(outcome: Outcome, scenario: Scenario) -> Floats:
    """All measures of a run, in the order of ``cells``.

    The head is the k largest, k fixed at day 0, ranked anew at each time; the initial head are those k of day 0 by
    followers. The tail is that of the k = 10 % largest.

    Parameters
    ----------
    outcome, scenario
        The run and the resolved scenario of its arm.

    Returns
    -------
    ndarray
        Shape (n,); nan where undefined.
    """
    population = outcome.population
    times = snapshot_times(scenario.horizon_days)
    at_start = outcome.followers(0)
    groups = dict(zip(HOLDERS, [Concentration.on(h, at_start) for h in _holders(outcome)], strict=True))
    followers = np.stack([outcome.followers(time) for time in times])
    standing = Standing(times, followers, population.quality, scenario.explosive_gmv_fen_per_year)
    affinity = affinities(scenario)
    values: list[float] = []
    for frame in frames(scenario.horizon_days, scenario.warmup_days):
        if frame.quantity == "utility":
            assert frame.start is not None  # a flow
            reads = outcome.books.reads[frame.time] - outcome.books.reads[frame.start]
            values.append(mean_utility(reads, population.quality, affinity, population.vertical))
            continue
        amounts = _amounts(outcome, frame)
        scale = 1.0 if frame.quantity in COUNTED_IN_FULL else population.people_per_fan
        for who, level, names in _measured(frame.quantity):
            if level == "platform":
                found = standing.values(frame.quantity, amounts, frame.time, frame.start)
            else:
                group = groups[who, level]
                found = group.values(amounts, scale, tail=level == "influencer") if group else {}
            values += [found.get(name, math.nan) for name in names]
    return np.array(values)


def transitions(outcome: Outcome, horizon_days: int) -> Int64s:
    """Influencers by decile of followers at day 0 and at the end, shape (10, 10), the smallest tenth first."""
    return decile_transitions(outcome.followers(0), outcome.followers(horizon_days * DAY))


def lorenz_curves(outcome: Outcome, horizon_days: int) -> Floats:
    """Lorenz curves over all influencers, in the order of ``lorenz_cells``.

    Returns
    -------
    ndarray
        Shape (n, 101): share held by the smallest 0 %, 1 %, ... 100 %; nan where undefined.
    """
    return np.array([lorenz(_amounts(outcome, frame), LORENZ_POINTS) for frame in lorenz_frames(horizon_days)])


def support_effect(outcome: Outcome, horizon_days: int) -> tuple[float, float, float]:
    """Parts of the initial head's share of followers at the end, ``S = (1 - w) S0 + w n_H``.

    Returns
    -------
    tuple
        S0, its share at day 0; w, new / (old + new) follows; n_H, its share of the new follows, net of unfollows. nan
        where undefined.
    """
    start, end = outcome.followers(0), outcome.followers(horizon_days * DAY)
    head = head_members(start, head_size(start.size, 0.01))
    n_new, n_new_of_head = int((end - start).sum()), int((end - start)[head].sum())
    total = int(end.sum())
    return (
        group_share(start, head),
        n_new / total if total else float("nan"),
        n_new_of_head / n_new if n_new else float("nan"),
    )
