"""The cells of a run: which quantity is measured when, over what window and of whom; the same in every unit."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from typing import NamedTuple

from sim.calendar import DAY, snapshot_times
from sim.formatting import one_of, shown, suggestion
from sim.scenario.schema import measurable
from sim.scenario.schema.measurable import (
    COLUMN_GROUP,
    FAMILIES,
    STOCKS,
    known_levels,
    known_measures,
    known_populations,
    known_quantities,
    known_windows,
)

__all__ = [
    "Cell",
    "Frame",
    "cell_at_end",
    "cells",
    "frames",
    "lorenz_cells",
    "lorenz_frames",
    "measured",
    "named_cell",
    "primary_cells",
    "require",
    "window_days",
]

QUANTITIES = (*measurable.FLOWS, "net_follows", "take", "profit")
"""Flows that are measured at every snapshot."""


class Cell(NamedTuple):
    """What a number is about; ``window_days`` None for a stock."""

    time_days: float
    window_days: float | None
    population: str
    level: str
    quantity: str
    measure: str


class Frame(NamedTuple):
    """What is measured when: a quantity at a time, or over [start, time) for a flow [s]."""

    time: int
    start: int | None
    quantity: str


def _starts(horizon_days: int, warmup_days: int) -> dict[str, int]:
    """Where the windows of the end begin, by name [s]; the month may reach into the warm-up."""
    end = horizon_days * DAY
    return {"month": max(end - 30 * DAY, -warmup_days * DAY), "quarter": max(end - 90 * DAY, 0), "run": 0}


def window_days(window: str, horizon_days: int, warmup_days: int) -> float:
    """Length of a window at the end: at most 30 days, at most 90, or the whole run [days].

    >>> window_days("month", 20, 5), window_days("quarter", 200, 0), window_days("run", 200, 0)
    (25.0, 90.0, 200.0)
    """
    return horizon_days - _starts(horizon_days, warmup_days)[window] / DAY


def cell_at_end(
    population: str, level: str, quantity: str, measure: str, *, window: str, horizon_days: int, warmup_days: int
) -> Cell:
    """What a measure at the end is about; a stock has no window.

    >>> cell_at_end("all", "influencer", "gmv", "gini", window="month", horizon_days=90, warmup_days=0).window_days
    30.0
    """
    days = None if quantity in STOCKS else window_days(window, horizon_days, warmup_days)
    return Cell(float(horizon_days), days, population, level, quantity, measure)


def named_cell(
    population: str,
    level: str,
    quantity: str,
    measure: str,
    *,
    window: str,
    horizon_days: int,
    warmup_days: int,
    groups: tuple[str, ...] = (),
) -> Cell:
    """``cell_at_end`` of names that somebody typed; ``ValueError`` where that isn't measured; ``groups`` as in `cells`.

    >>> named_cell("all", "fan", "followers", "mean", window="run", horizon_days=9, warmup_days=0)
    Traceback (most recent call last):
    ValueError: quantity must be one of "utility" for all at level fan, got "followers"
    """
    require("level", level, known_levels())
    populations = [*known_populations(level), *(groups if level == "influencer" else ())]
    require("population", population, populations, f" at level {level}")
    whose = f" for {population} at level {level}"
    require("quantity", quantity, known_quantities(level, population), whose)
    require("measure", measure, known_measures(level, population, quantity), f" of {quantity}{whose}")
    if windows := known_windows(quantity):
        require("window", window, windows, f" for {quantity}")
    return cell_at_end(
        population, level, quantity, measure, window=window, horizon_days=horizon_days, warmup_days=warmup_days
    )


def require(key: str, given: str, names: Collection[str], where: str = "") -> None:
    """``ValueError`` with the names, and the nearest of them, unless the given one is among them."""
    if given not in names:
        rule = f"{key} must be one of {one_of(names)}{where}, got {shown(given)}"
        raise ValueError(f"{rule}{suggestion(given, names)}")


def frames(horizon_days: int, warmup_days: int) -> list[Frame]:
    """Everything that is measured: stocks at each snapshot, flows over its trailing 30 days; at the end also over the
    last 90 days and over the whole run after the warm-up. Utility over these two only.
    """
    out = []
    end = horizon_days * DAY
    last = _starts(horizon_days, warmup_days)
    for time in snapshot_times(horizon_days):
        out += [Frame(time, None, stock) for stock in measurable.STOCKS]
        starts = list(last.values()) if time == end else [max(time - 30 * DAY, -warmup_days * DAY)]
        out += [Frame(time, start, flow) for start in dict.fromkeys(starts) if start < time for flow in QUANTITIES]
    return out + [Frame(end, start, "utility") for start in dict.fromkeys((last["quarter"], last["run"]))]


@cache
def measured(quantity: str, groups: tuple[str, ...] = ()) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    """Populations and levels of a quantity, with the names of what is measured of each; ``groups`` as in `cells`."""
    return tuple(
        (population, family.level, family.measures)
        for family in FAMILIES
        if quantity in family.quantities
        for named in family.populations
        for population in (groups if named == COLUMN_GROUP else (named,))
    )


def _cell(frame: Frame, population: str, level: str, name: str) -> Cell:
    window = None if frame.start is None else (frame.time - frame.start) / DAY
    return Cell(frame.time / DAY, window, population, level, frame.quantity, name)


def cells(horizon_days: int, warmup_days: int, groups: tuple[str, ...] = ()) -> list[Cell]:
    """What each of the values of ``measures.measure`` is about, in their order.

    ``groups`` are those by a column of the roster that claims name, ``measurable.column_groups``.
    """
    return [
        _cell(frame, population, level, name)
        for frame in frames(horizon_days, warmup_days)
        for population, level, names in measured(frame.quantity, groups)
        for name in names
    ]


def lorenz_frames(horizon_days: int) -> list[Frame]:
    """What has a Lorenz curve: followers at day 0 and the end, flows of the last 90 days."""
    end = horizon_days * DAY
    quantities = ("exposure", "reads", "orders", "gmv", "income")
    flows = [Frame(end, max(end - 90 * DAY, 0), quantity) for quantity in quantities]
    return [Frame(0, None, "followers"), Frame(end, None, "followers"), *flows]


def lorenz_cells(horizon_days: int) -> list[Cell]:
    """What each of the curves of ``measures.lorenz_curves`` is about, in their order."""
    return [_cell(frame, "all", "influencer", "lorenz") for frame in lorenz_frames(horizon_days)]


def primary_cells(horizon_days: int) -> list[Cell]:
    """The two primary quantities: head share of followers at the end and of exposure over the last 90 days."""
    end = float(horizon_days)
    return [
        Cell(end, None, "all", "influencer", "followers", "head_share_01"),
        Cell(end, window_days("quarter", horizon_days, 0), "all", "influencer", "exposure", "head_share_01"),
    ]
