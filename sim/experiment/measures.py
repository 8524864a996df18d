"""What is measured on a run: a cell is a time, window, population, level, quantity, measure; the same in every unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.analysis.concentration import group_share, head_members, head_size, lorenz, summarise
from sim.model.books import FLOWS
from sim.model.clock import DAY, snapshot_times
from sim.model.simulation import Outcome

__all__ = [
    "LORENZ_POINTS",
    "Cell",
    "cells",
    "lorenz_cells",
    "lorenz_curves",
    "measure",
    "primary_window",
    "support_effect",
]

MEASURES = (
    "head_share_01",
    "head_share_10",
    "initial_head_share_01",
    "top_10_share",
    "gini",
    "hhi",
    "effective_number",
)
QUANTITIES = ("exposure", *FLOWS)
GROUPS = (
    ("all", "influencer"),
    ("partners", "influencer"),
    ("shops", "influencer"),
    ("all", "agency"),
    ("all", "vertical"),
)
"""Populations and levels; independents are left out at agency level."""
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
    """Influencers that count."""
    holder: NDArray[np.int32] | None
    """Holder of each member; None: the members themselves."""
    n: int

    def amounts(self, of_influencers: Int64s) -> Int64s:
        """Amounts of the holders."""
        chosen = of_influencers[self.members]
        if self.holder is None:
            return chosen
        out = np.zeros(self.n, np.int64)
        np.add.at(out, self.holder, chosen)
        return out


def primary_window(horizon_days: int) -> float:
    """Length of the window of the primary flows: the last 90 days, or all of a shorter run [days]."""
    return float(min(90, horizon_days))


def _holders(outcome: Outcome) -> list[Holders]:
    """Holders of each of ``GROUPS``; partners and shops are those of day 0, the same in every arm."""
    population = outcome.population
    everyone = np.arange(population.vertical.size)
    tier = np.append(outcome.reviews[0].tier, np.int32(-1))[population.agency]
    contract = np.flatnonzero(population.agency >= 0)
    return [
        Holders(everyone, None, everyone.size),
        Holders(np.flatnonzero(tier >= 0), None, int((tier >= 0).sum())),
        Holders(np.flatnonzero(population.shop), None, int(population.shop.sum())),
        Holders(contract, population.agency[contract], len(population.agencies)),
        Holders(everyone, population.vertical, len(population.verticals)),
    ]


class Frame(NamedTuple):
    """What is measured when: a quantity at a time, or over [start, time) for a flow [s]."""

    time: int
    start: int | None
    quantity: str


def frames(horizon_days: int, warmup_days: int) -> list[Frame]:
    """Everything that is measured: stocks at each snapshot, flows over its trailing 30 days; at the end also over the
    last 90 days and over the whole run after the warm-up.
    """
    out = []
    end = horizon_days * DAY
    for time in snapshot_times(horizon_days):
        out.append(Frame(time, None, "followers"))
        starts = [max(time - 30 * DAY, -warmup_days * DAY)]
        if time == end:
            starts += [max(end - 90 * DAY, 0), 0]
        out += [Frame(time, start, flow) for start in dict.fromkeys(starts) if start < time for flow in QUANTITIES]
    return out


def _cell(frame: Frame, population: str, level: str, name: str) -> Cell:
    window = None if frame.start is None else (frame.time - frame.start) / DAY
    return Cell(frame.time / DAY, window, population, level, frame.quantity, name)


def cells(horizon_days: int, warmup_days: int) -> list[Cell]:
    """What each of the values of ``measure`` is about, in their order."""
    return [
        _cell(frame, population, level, name)
        for frame in frames(horizon_days, warmup_days)
        for population, level in GROUPS
        for name in MEASURES
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
    return np.asarray(flows[FLOWS.index(frame.quantity)])


def measure(outcome: Outcome, horizon_days: int, warmup_days: int) -> Floats:
    """All measures of a run, in the order of ``cells``.

    The head is the k largest, k fixed at day 0, ranked anew at each time; the initial head are those k of day 0 by
    followers.

    Returns
    -------
    ndarray
        Shape (n,); nan where undefined.
    """
    at_start = outcome.followers(0)
    groups = []
    for holders in _holders(outcome):
        heads: dict[str, Any] = {}
        if holders.n:
            n_head = head_size(holders.n, 0.01)
            heads = {
                "head_01": n_head,
                "head_10": head_size(holders.n, 0.1),
                "initial_head": head_members(holders.amounts(at_start), n_head),
            }
        groups.append((holders, heads))
    values: list[float] = []
    for frame in frames(horizon_days, warmup_days):
        amounts = _amounts(outcome, frame)
        for holders, heads in groups:
            found = summarise(holders.amounts(amounts), **heads) if heads else dict.fromkeys(MEASURES, float("nan"))
            values += [found[name] for name in MEASURES]
    return np.array(values)


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
        S0, its share at day 0; w, new / (old + new) follows; n_H, its share of the new follows. nan where undefined.
    """
    start, end = outcome.followers(0), outcome.followers(horizon_days * DAY)
    new = end - start
    head = head_members(start, head_size(start.size, 0.01))
    total = int(end.sum())
    return (
        group_share(start, head),
        int(new.sum()) / total if total else float("nan"),
        group_share(new, head),
    )
