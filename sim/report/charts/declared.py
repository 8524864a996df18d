"""Charts as declared objects: a function that draws one, with its name, its link and its place on the page.

A chart is registered where its function is; the catalogue, the page, the commands and the reference follow. It knows
no run and no page.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from sim.registry import KINDS, built_in, register
from sim.report.charts.chart import Chart

__all__ = ["DeclaredChart", "one_run", "several_runs"]

Draw = Callable[..., Chart | None]
Function = TypeVar("Function", bound=Draw)
LAST = 1000


@dataclass(frozen=True, eq=False)
class DeclaredChart:
    """A chart by its name."""

    name: str
    draw: Draw
    """Given a run's ``Numbers``, or those of several runs and what these are called; None: there is nothing to show."""
    link: str
    """What the page's list of charts calls it; charts of several runs have none."""
    place: int
    """Order on the page."""
    of_several: bool
    doc: str
    """What it shows, in one line."""


def one_run(link: str, place: int = LAST) -> Callable[[Function], Function]:
    """Register a chart of one run under its function's name, ``_`` read as ``-``; ``ValueError`` if it is taken."""
    return _declared(link=link, place=place, of_several=False)


def several_runs(place: int = LAST) -> Callable[[Function], Function]:
    """Register a chart of several runs; as ``one_run``."""
    return _declared(link="", place=place, of_several=True)


def _declared(**about: Any) -> Callable[[Function], Function]:
    def declare(function: Function) -> Function:
        name = function.__name__.replace("_", "-")
        if function.__module__ not in KINDS["chart"] and name in built_in("chart"):
            raise ValueError(f"the chart {name} is built in: choose another name")
        doc = (function.__doc__ or "").strip().split("\n")[0]
        register("chart", name, function, DeclaredChart(name, function, doc=doc, **about))
        return function

    return declare
