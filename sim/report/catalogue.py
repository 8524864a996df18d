"""All charts by name, in the order of a report; knows no page."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from sim.arguments import choice, refuse
from sim.errors import ArgumentError, Fault
from sim.formatting import escaped
from sim.report.charts import concentration, moves, people, several
from sim.report.charts.chart import Chart
from sim.report.charts.numbers import Numbers
from sim.results.run import Run

__all__ = ["CHARTS", "LINKS", "SEVERAL", "chart_of", "labels_of", "refuse_chart"]

CHARTS: Mapping[str, Callable[[Numbers], Chart | None]] = {
    "differences": concentration.differences,
    "head-share": concentration.head_share,
    "gains": people.gains,
    "lorenz": concentration.lorenz,
    "surfaces": people.surfaces,
    "decomposition": concentration.decomposition,
    "claims": concentration.claims,
    "tiers": moves.tiers,
    "agencies": people.agencies,
    "verticals": people.verticals,
    "mobility": moves.mobility,
}
"""Charts of one run, in the order of the page."""
SEVERAL: Mapping[str, Callable[[Sequence[Numbers], Sequence[str]], Chart | None]] = {
    "runs": several.runs,
    "grid": several.grid,
}
"""Charts of several runs."""
LINKS = {
    "differences": "Every replication",
    "head-share": "Over time",
    "gains": "Who gained",
    "lorenz": "Lorenz curves",
    "surfaces": "Surfaces",
    "decomposition": "Why it moved",
    "claims": "Claims",
    "tiers": "Tiers",
    "agencies": "Agencies",
    "verticals": "Verticals",
    "mobility": "Mobility",
}


def refuse_chart(name: str, n_runs: int) -> None:
    """Refuse, with ``ArgumentError``, a chart that there isn't, several runs for a chart of one, one for a chart of
    several.
    """
    refuse(choice("name", name, (*CHARTS, *SEVERAL)))
    if (n_runs == 1) != (name in CHARTS):
        rule = f"must be {'one' if name in CHARTS else 'several'} for the chart {name!r}"
        raise ArgumentError([Fault(None, rule, value=str(n_runs), argument="runs")])


def chart_of(runs: Sequence[Run], name: str) -> Chart | None:
    """A chart by its name.

    Parameters
    ----------
    runs
        One run for a name in ``CHARTS``, several for one in ``SEVERAL``.
    name
        Name of the chart.

    Returns
    -------
    Chart | None
        None where the runs have nothing to show in it: no tiers, no claims, no grid.

    Raises
    ------
    ArgumentError
        As ``refuse_chart``.
    """
    refuse_chart(name, len(runs))
    sources = [Numbers(run) for run in runs]
    return CHARTS[name](sources[0]) if name in CHARTS else SEVERAL[name](sources, labels_of(runs))


def labels_of(runs: Sequence[Run]) -> list[str]:
    """Labels of several runs: their folders' names, the whole paths where names are equal."""
    names = [escaped(Path(os.path.abspath(run.path)).name) for run in runs]
    return names if len(set(names)) == len(names) else [escaped(str(run.path)) for run in runs]
