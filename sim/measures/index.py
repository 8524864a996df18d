"""What a run measures, in the order of its tables: each key says when, over what window, of whom and which measure.

The order is the same in every unit of a run. It knows no values.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, cached_property, lru_cache
from typing import Any, NamedTuple

import numpy as np

from sim.calendar import DAY, snapshot_times
from sim.scenario.schema import measurable
from sim.scenario.schema.measurable import (
    COLUMN_GROUP,
    STOCKS,
    Measurable,
    Measure,
    built_in_measures,
    column_groups,
    known_windows,
    own_measures,
    require,
)
from sim.types import Floats, Int32s

__all__ = ["Frame", "MeasureIndex", "MeasureKey", "Part", "Words", "columns_of", "groups_claimed", "window_days"]

FLOWS = (*measurable.FLOWS, "net_follows", "take", "profit")
"""Flows that are measured at every snapshot."""
LORENZ_FLOWS = ("exposure", "reads", "orders", "gmv", "income")


class MeasureKey(NamedTuple):
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

    def key(self, population: str, level: str, measure: str) -> MeasureKey:
        """The key of a measure in this frame."""
        window = None if self.start is None else (self.time - self.start) / DAY
        return MeasureKey(self.time / DAY, window, population, level, self.quantity, measure)


class Part(NamedTuple):
    """Measures that follow one another in the order, all of one view."""

    frame: Frame
    population: str
    level: str
    measures: tuple[Measure, ...]


class Words(NamedTuple):
    """A column of strings: the strings, and which of them each row has."""

    choices: list[str]
    rows: Int32s


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


def groups_claimed(claims: Sequence[Any]) -> tuple[str, ...]:
    """Groups by a column of the roster that claims name, as models or as a manifest has them: they are measured."""
    named = (claim if isinstance(claim, dict) else vars(claim) for claim in claims)
    return column_groups(claim[key] for claim in named for key in ("group", "baseline_group"))


@cache
def _frames(horizon_days: int, warmup_days: int) -> tuple[Frame, ...]:
    out = []
    end = horizon_days * DAY
    last = _starts(horizon_days, warmup_days)
    for time in snapshot_times(horizon_days):
        out += [Frame(time, None, stock) for stock in STOCKS]
        starts = list(last.values()) if time == end else [max(time - 30 * DAY, -warmup_days * DAY)]
        out += [Frame(time, start, flow) for start in dict.fromkeys(starts) if start < time for flow in FLOWS]
    return (*out, *(Frame(end, start, "utility") for start in dict.fromkeys((last["quarter"], last["run"]))))


@lru_cache(maxsize=16)
def _parts(frames: tuple[Frame, ...], groups: tuple[str, ...], measures: tuple[Measure, ...]) -> tuple[Part, ...]:
    """All units of a run have the same, so that it is made once."""
    of_quantity: dict[str, list[tuple[str, str, tuple[Measure, ...]]]] = {}
    for scope, own in Measurable(measures).scopes.items():
        populations = [p for name in scope.populations for p in (groups if name == COLUMN_GROUP else (name,))]
        for quantity in scope.quantities:
            of_quantity.setdefault(quantity, []).extend((p, scope.level, own) for p in populations)
    return tuple(Part(frame, *part) for frame in frames for part in of_quantity.get(frame.quantity, ()))


class MeasureIndex:
    """The keys of a run, and where each stands.

    Parameters
    ----------
    horizon_days, warmup_days
        Of the run.
    groups
        Groups by a column of the roster that are measured too, see ``groups_claimed``.
    own
        Measures of the user's own; left out: those that are registered.
    """

    def __init__(
        self,
        horizon_days: int,
        warmup_days: int,
        groups: Sequence[str] = (),
        own: Sequence[Measure] | None = None,
    ) -> None:
        self.horizon_days = horizon_days
        self.warmup_days = warmup_days
        self.groups = tuple(groups)
        self._built_in = Measurable(built_in_measures())
        self._own = Measurable(own_measures() if own is None else own)
        self.known = Measurable([*self._built_in.measures, *self._own.measures])
        """All that is measured, and which names go together."""

    @property
    def frames(self) -> tuple[Frame, ...]:
        """Everything that is measured: stocks at each snapshot, flows over its trailing 30 days; at the end also over
        the last 90 days and over the whole run after the warm-up. Utility over these two only.
        """
        return _frames(self.horizon_days, self.warmup_days)

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """All measures in order, frame by frame; those of the user's own after all others."""
        both = (self._built_in.measures, self._own.measures)
        return tuple(part for measures in both for part in _parts(self.frames, self.groups, measures))

    @cached_property
    def keys(self) -> list[MeasureKey]:
        """What each of the values of ``sim.measures.meter.measure`` is about, in their order."""
        return [part.frame.key(*part[1:3], measure.name) for part in self.parts for measure in part.measures]

    @cached_property
    def _places(self) -> dict[MeasureKey, int]:
        return {key: place for place, key in enumerate(self.keys)}

    def position(self, key: MeasureKey) -> int:
        """Where a key stands among ``keys``; ``KeyError`` where it isn't measured."""
        return self._places[key]

    def at_end(self, population: str, level: str, quantity: str, measure: str, window: str = "quarter") -> MeasureKey:
        """The key of a measure at the end; a stock has no window.

        >>> MeasureIndex(90, 0).at_end("all", "influencer", "gmv", "gini", "month").window_days
        30.0
        """
        days = None if quantity in STOCKS else window_days(window, self.horizon_days, self.warmup_days)
        return MeasureKey(float(self.horizon_days), days, population, level, quantity, measure)

    def find(self, population: str, level: str, quantity: str, measure: str, window: str) -> MeasureKey:
        """``at_end`` of names that a user typed; ``ValueError`` with the choices where that isn't measured.

        >>> MeasureIndex(9, 0).find("all", "fan", "followers", "mean", "run")
        Traceback (most recent call last):
        ValueError: quantity must be one of "utility" for all at level fan, got "followers"
        """
        require("level", level, self.known.levels())
        populations = [*self.known.populations(level), *(self.groups if level == "influencer" else ())]
        require("population", population, populations, f" at level {level}")
        whose = f" for {population} at level {level}"
        require("quantity", quantity, self.known.quantities(level, population), whose)
        names = self.known.measures_of(level, population, quantity)
        require("measure", measure, names, f" of {quantity}{whose}")
        if windows := known_windows(quantity):
            require("window", window, windows, f" for {quantity}")
        return self.at_end(population, level, quantity, measure, window)

    @property
    def primary(self) -> list[MeasureKey]:
        """The two primary quantities: head share of followers at the end and of exposure over the last 90 days."""
        about = ("all", "influencer")
        return [self.at_end(*about, quantity, "head_share_01") for quantity in ("followers", "exposure")]

    @property
    def lorenz_frames(self) -> list[Frame]:
        """What has a Lorenz curve: followers at day 0 and the end, flows of the last 90 days."""
        end = self.horizon_days * DAY
        flows = [Frame(end, max(end - 90 * DAY, 0), quantity) for quantity in LORENZ_FLOWS]
        return [Frame(0, None, "followers"), Frame(end, None, "followers"), *flows]

    @property
    def lorenz_keys(self) -> list[MeasureKey]:
        """What each of the curves of ``sim.measures.meter.lorenz_curves`` is about, in their order."""
        return [frame.key("all", "influencer", "lorenz") for frame in self.lorenz_frames]


def columns_of(keys: Sequence[MeasureKey], times: int = 1) -> dict[str, Floats | Words]:
    """The columns that say what values are about, by the name of the key's field; null is nan."""
    columns: dict[str, Floats | Words] = {}
    for field in MeasureKey._fields:
        values = [getattr(key, field) for key in keys]
        if field in ("time_days", "window_days"):
            columns[field] = np.tile(np.array([np.nan if v is None else v for v in values], dtype=np.float64), times)
        else:
            choices = list(dict.fromkeys(values))
            place = {value: i for i, value in enumerate(choices)}
            columns[field] = Words(choices, np.tile(np.array([place[v] for v in values], dtype=np.int32), times))
    return columns
