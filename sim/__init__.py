"""Headshare: how the concentration of traffic on head influencers changes under tiered support.

``load`` reads a scenario, ``run`` runs it, ``read`` reads a finished run again, ``compare`` lays two of them side by
side, ``check`` holds scenarios against their baselines, ``follow_graph`` gives who follows whom at a day of a run,
``chart`` draws one chart of a run, ``write_report`` writes the page with all of them; the command ``sim`` offers the
same verbs. What they need is imported when they are called, so that the command line starts at once.
"""

from __future__ import annotations

import pathlib
from collections.abc import Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import altair

    from sim.regression.result import Checked
    from sim.results.run import Run
    from sim.scenario import FollowGraph, Loaded

from sim.registry import policy
from sim.version import __version__ as __version__

__all__ = ["chart", "check", "compare", "follow_graph", "load", "policy", "read", "recreate", "run", "write_report"]

Path = str | PathLike[str]


def load(
    path: Path,
    *,
    roster: Path | None = None,
    graph: Any = None,
    replications: int | None = None,
    set: Mapping[str, Any] | Sequence[str] = (),
    encoding: str | None = None,
    suggested_columns: bool = False,
) -> Loaded:
    """Read, check and resolve a scenario file; see ``sim.scenario.load``."""
    from sim.scenario import load as load_scenario

    return load_scenario(
        path,
        roster=roster,
        graph=graph,
        replications=replications,
        set=set,
        encoding=encoding,
        suggested_columns=suggested_columns,
    )


def run(
    scenario: Loaded | Path,
    *,
    roster: Path | None = None,
    graph: Any = None,
    replications: int | None = None,
    set: Mapping[str, Any] | Sequence[str] = (),
    encoding: str | None = None,
    suggested_columns: bool = False,
    **options: Any,
) -> Run:
    """Run a scenario, or the file that it is in.

    Parameters
    ----------
    scenario
        A file, or what ``load`` made of one.
    roster, graph, replications, set, encoding, suggested_columns
        As for ``load``; of a file only.
    **options
        As ``sim.experiment.execution.experiment``: ``out``, ``engine``, ``threads``, ``resume``, ``force``, ``report``,
        which is told the run's ``sim.experiment.progress.Progress``.

    Raises
    ------
    TypeError
        What only ``load`` takes, beside a scenario that is loaded already.
    """
    from sim.experiment.execution import experiment
    from sim.scenario import Loaded

    if not isinstance(scenario, Loaded):
        scenario = load(
            scenario,
            roster=roster,
            graph=graph,
            replications=replications,
            set=set,
            encoding=encoding,
            suggested_columns=suggested_columns,
        )
    elif set or suggested_columns or any(each is not None for each in (roster, graph, replications, encoding)):
        raise TypeError("roster, graph, replications, set, encoding and suggested_columns are sim.load's")
    return experiment(scenario, **options)


def read(folder: Path) -> Run:
    """Read a finished run from its folder; ``sim.errors.InputError`` where there is none or it is damaged."""
    from sim.results.run import Run

    return Run.read(folder)


def recreate(run: Run | Path, out: Path, *, roster: Path | None = None, graph: Any = None) -> Run:
    """Run a finished run again from its manifest alone; see ``sim.experiment.execution.recreate``."""
    from sim.experiment.execution import recreate as run_again

    return run_again(_finished(run)[0], pathlib.Path(out), roster=roster, graph=graph)


def follow_graph(scenario: Loaded | Path, arm: str | None = None, **options: Any) -> FollowGraph:
    """Who follows whom at a day of an arm; options as ``sim.experiment.follow_graphs.follow_graph``:
    ``replication``, ``day``, ``engine``.
    """
    from sim.experiment.follow_graphs import follow_graph as graph_of
    from sim.scenario import Loaded

    return graph_of(scenario if isinstance(scenario, Loaded) else load(scenario), arm, **options)


def compare(first: Run | Path, second: Run | Path) -> dict[str, Any]:
    """How the second of two finished runs differs from the first; see ``sim.results.side_by_side``."""
    from sim.results.side_by_side import side_by_side

    return side_by_side(*_finished([first, second]))


def check(*paths: Path, **terms: Any) -> list[Checked]:
    """Hold scenarios against their baselines, as ``sim check`` does.

    Parameters
    ----------
    *paths
        Scenario files, and folders of them.
    **terms
        As ``sim.regression.check.Terms``: ``baselines``, ``policy``, ``reason`` (which rewrites them), ``out``,
        ``engine``, ``threads``, ``report``.

    Raises
    ------
    InputError
        There are no such files; what is wrong with one of them is told in its ``Checked``.
    """
    from sim.regression.check import Terms, check_all
    from sim.regression.scenario_files import scenario_files

    return list(check_all(scenario_files(map(pathlib.Path, paths)), Terms(**terms)))


def chart(runs: Run | Path | Sequence[Run | Path], name: str) -> altair.VConcatChart:
    """One chart of a finished run, or of several, as Altair has it: a notebook shows it, ``save`` writes it.

    Parameters
    ----------
    runs
        A run or its folder; for the charts ``runs`` and ``grid`` a list of them.
    name
        As in the report: ``differences``, ``head-share``, ``gains``, ``lorenz``, ``surfaces``, ``decomposition``,
        ``claims``, ``tiers``, ``agencies``, ``verticals``, ``mobility``; ``runs``, ``grid``.

    Raises
    ------
    ValueError
        No such chart, several runs for a chart of one, or nothing to show in it.
    """
    from sim.report.catalogue import CHARTS, SEVERAL, chart_of

    if name not in (*CHARTS, *SEVERAL):
        raise ValueError(f"no chart {name!r}; there are {', '.join((*CHARTS, *SEVERAL))}")
    found = chart_of(_finished(runs), name)
    if found is None:
        raise ValueError(f"nothing to show in the chart {name!r}")
    return found.whole()


def write_report(runs: Run | Path | Sequence[Run | Path], out: Path | None = None) -> pathlib.Path:
    """Write the report of a run, or of several side by side, as one HTML page; see ``sim.report.page.write_report``."""
    from sim.report.page import write_report as write

    return write(_finished(runs), None if out is None else pathlib.Path(out))


def _finished(runs: Run | Path | Sequence[Run | Path]) -> list[Run]:
    """Finished runs, read where a folder is given."""
    from sim.results.run import Run

    given = [runs] if isinstance(runs, Run | str | PathLike) else runs
    return [each if isinstance(each, Run) else Run.read(each) for each in given]
