"""All charts by name, those built in and the user's own, in the order of a report. It knows no page."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from sim.arguments import choice, refuse
from sim.errors import ArgumentError, Fault, InputError
from sim.formatting import escaped
from sim.registry import built_in, registered
from sim.report.charts.chart import Chart
from sim.report.charts.declared import DeclaredChart
from sim.report.charts.numbers import Numbers
from sim.results.run import Run

__all__ = ["chart_of", "charts", "charts_of_several", "draw", "labels_of", "refuse_chart"]


def charts() -> dict[str, DeclaredChart]:
    """Charts of one run by name, in the order of the page."""
    return {chart.name: chart for chart in _all() if not chart.of_several}


def charts_of_several() -> dict[str, DeclaredChart]:
    """Charts of several runs by name, in the order of the page."""
    return {chart.name: chart for chart in _all() if chart.of_several}


def _all() -> list[DeclaredChart]:
    found = [*built_in("chart").values(), *(plugin.item for _, plugin in sorted(registered("chart").items()))]
    return sorted(found, key=lambda chart: chart.place)


def draw(chart: DeclaredChart, sources: Sequence[Numbers], labels: Sequence[str]) -> Chart | None:
    """Draw a chart of these runs, one unless it is of several; ``labels`` are what they are called.

    Raises
    ------
    InputError
        A chart of the user's own fails, or gives what is no chart of its name.
    """
    arguments = (sources, labels) if chart.of_several else (sources[0],)
    plugin = registered("chart").get(chart.name)
    if plugin is None or plugin.item is not chart:
        return chart.draw(*arguments)
    try:
        drawn = plugin.call(*arguments)
    except (InputError, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise plugin.failed("chart", chart.name, error, ", ".join(labels)) from error
    if drawn is not None and (not isinstance(drawn, Chart) or drawn.name != chart.name):
        file, line = plugin.place()
        rule = f"must give a Chart with the name {chart.name}, or None where there is nothing to show"
        raise InputError([Fault(file, rule, line, chart.name, getattr(drawn, "name", type(drawn).__name__))])
    return drawn


def refuse_chart(name: str, n_runs: int) -> None:
    """Refuse, with ``ArgumentError``, a chart that there isn't, several runs for a chart of one, one for a chart of
    several.
    """
    one = charts()
    refuse(choice("name", name, (*one, *charts_of_several())))
    if (n_runs == 1) != (name in one):
        rule = f"must be {'one' if name in one else 'several'} for the chart {name!r}"
        raise ArgumentError([Fault(None, rule, value=str(n_runs), argument="runs")])


def chart_of(runs: Sequence[Run], name: str) -> Chart | None:
    """A chart by its name.

    Parameters
    ----------
    runs
        One run for a name in ``charts``, several for one in ``charts_of_several``.
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
    chart = (charts() | charts_of_several())[name]
    return draw(chart, [Numbers(run) for run in runs], labels_of(runs))


def labels_of(runs: Sequence[Run]) -> list[str]:
    """Labels of several runs: their folders' names, the whole paths where names are equal."""
    names = [escaped(Path(os.path.abspath(run.path)).name) for run in runs]
    return names if len(set(names)) == len(names) else [escaped(str(run.path)) for run in runs]
