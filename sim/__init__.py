"""Headshare: how the concentration of traffic on head influencers changes under tiered support.

``load`` reads a scenario, ``validate`` looks for all that is wrong with scenarios, ``schema`` describes their keys,
``run`` runs one, ``read`` reads a finished run, ``recreate`` runs it again, ``compare`` compares two of them, ``check``
compares scenarios with their baselines, ``follow_graph`` gives who follows whom at a day of a run, ``trace`` looks at
one fan or influencer of it, ``chart`` draws one chart of a run, ``write_report`` writes the page with all of them;
``policy`` and ``measure`` register functions of your own. The command ``sim`` offers the same verbs. What they need is
imported when they are called, so that the command line starts at once.

Errors are those of ``sim.errors``: ``ArgumentError``, a ``ValueError``, for an argument that can't be used;
``InputError`` for a file or a folder with faults, all of them at once; ``MachineError`` where disk, memory or another
process is in the way; ``InterruptedRunError`` where a run was interrupted that can be resumed.
"""

from __future__ import annotations

import pathlib
import warnings
from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any, TypeAlias, overload

if TYPE_CHECKING:
    import altair
    import networkx

    from sim.errors import Fault
    from sim.experiment.progress import Progress
    from sim.regression.result import Checked
    from sim.report.trace import FanTrace, InfluencerTrace
    from sim.results.run import Run
    from sim.scenario import FollowGraph, Loaded
    from sim.types import CheckPolicy, EngineName

    Graph: TypeAlias = str | PathLike[str] | FollowGraph | networkx.Graph

from sim.measures.decorator import measure
from sim.registry import policy
from sim.version import __version__

__all__ = [
    "__version__",
    "chart",
    "check",
    "compare",
    "follow_graph",
    "load",
    "measure",
    "policy",
    "read",
    "recreate",
    "run",
    "schema",
    "trace",
    "validate",
    "write_report",
]

Path = str | PathLike[str]


def load(
    path: Path,
    *,
    roster: Path | None = None,
    graph: Graph | None = None,
    replications: int | None = None,
    set: Mapping[str, Any] | Sequence[str] = (),
    encoding: str | None = None,
    suggested_columns: bool = False,
) -> Loaded:
    """Read, check and resolve a scenario file.

    >>> load("minimal", replications=2).scenario.replications
    2

    Parameters
    ----------
    path
        The TOML file, or the name of a shipped scenario.
    roster
        Influencers in place of the scenario's own: a CSV or Parquet file.
    graph
        Follow graph in place of the scenario's own: an edge list, a GML, GraphML or GEXF file, a ``FollowGraph``, a
        NetworkX graph.
    replications
        In place of the scenario's number, from 1 to 100,000.
    set
        Values in place of the scenario's: ``{"support.share": 0.2}``, or texts, ``["support.share=0.2"]``.
    encoding
        Of roster and follow graph, where it isn't UTF-8: ``utf-16``, ``gb18030``, ``latin-1``, ``windows-1252``.
    suggested_columns
        Take columns of the roster by common names: ``subscribers`` for ``followers``.
    """
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


def validate(
    *paths: Path,
    roster: Path | None = None,
    graph: Graph | None = None,
    set: Mapping[str, Any] | Sequence[str] = (),
    encoding: str | None = None,
    suggested_columns: bool = False,
) -> list[Fault]:
    """All that keeps scenario files from being run, in the order of the files and lines; empty: all are valid.

    >>> validate("minimal", "graph")
    []

    Parameters
    ----------
    *paths
        TOML files, or names of shipped scenarios.
    roster, graph, set, encoding, suggested_columns
        As for ``load``, for each of the files.
    """
    from sim.experiment.refusals import validate as faults_of

    return faults_of(paths, roster=roster, graph=graph, set=set, encoding=encoding, suggested_columns=suggested_columns)


def schema() -> dict[str, Any]:
    """The JSON Schema of scenario files.

    >>> schema()["type"]
    'object'
    """
    from sim.scenario import json_schema

    return json_schema()


def run(
    scenario: Loaded | Path,
    *,
    out: Path | None = None,
    engine: EngineName = "compiled",
    threads: int | None = None,
    replications: int | None = None,
    roster: Path | None = None,
    graph: Graph | None = None,
    set: Mapping[str, Any] | Sequence[str] = (),
    encoding: str | None = None,
    suggested_columns: bool = False,
    resume: bool = False,
    force: bool = False,
    report: Callable[[Progress], None] | None = None,
    note: Callable[[str], None] = warnings.warn,
) -> Run:
    """Run a scenario to its end, or go on with an unfinished run of the same identity; a finished one is just read.

    Parameters
    ----------
    scenario
        A file, the name of a shipped scenario, or what ``load`` made of one.
    out
        Run folder; left out: ``results/runs/NAME-DIGEST`` under the current folder.
    engine
        ``"compiled"`` or ``"reference"``: the same outcome to the bit.
    threads
        Threads to use, from 1 to 1024; left out: as many as the process may use. No effect on the outcome.
    replications, roster, graph, set, encoding, suggested_columns
        As for ``load``; of a file only (else ``TypeError``).
    resume, force
        Insist that there is a run to go on with; run even where memory is expected not to suffice.
    report
        Called with the run's ``sim.experiment.progress.Progress`` about ten times a second, in the calling thread.
    note
        Called with what should be known while the run goes on: that an arm's support list is empty.
    """
    from sim.experiment.execution import experiment

    loaded = _loaded(
        scenario,
        roster=roster,
        graph=graph,
        replications=replications,
        set=set,
        encoding=encoding,
        suggested_columns=suggested_columns,
    )
    return experiment(
        loaded, out=out, engine=engine, threads=threads, resume=resume, force=force, report=report, note=note
    )


def read(folder: Path) -> Run:
    """Read a finished run from its folder; ``sim.errors.InputError`` where there is none or it is damaged."""
    return _finished(folder)[0]


def recreate(run: Run | Path, out: Path, *, roster: Path | None = None, graph: Graph | None = None) -> Run:
    """Run a finished run again into another folder, from its manifest alone and the files that it was given.

    Parameters
    ----------
    run, out
        The run, or its folder, whose engine is used and whose policies must be registered; the folder of the new run.
    roster, graph
        Those that the run had, wherever they are now; others are refused.
    """
    from sim.experiment.execution import recreate as run_again

    return run_again(_finished(run)[0], out, roster=roster, graph=graph)


def follow_graph(
    scenario: Loaded | Path,
    arm: str | None = None,
    *,
    replication: int = 0,
    day: int | None = None,
    engine: EngineName = "compiled",
) -> FollowGraph:
    """Who follows whom in an arm and replication when a day begins.

    Parameters
    ----------
    scenario
        A file, the name of a shipped scenario, or what ``load`` made of one.
    arm, replication
        Left out: the control; from 0.
    day
        From 0, the start, to the horizon; left out: the end.
    engine
        ``"compiled"`` or ``"reference"``: the same graph.
    """
    from sim.experiment.follow_graphs import follow_graph as graph_of

    return graph_of(_loaded(scenario), arm, replication, day, engine=engine)


@overload
def trace(
    scenario: Loaded | Path, *, fan: int, arm: str | None = None, replication: int = 0, engine: EngineName = "compiled"
) -> FanTrace: ...
@overload
def trace(
    scenario: Loaded | Path,
    *,
    influencer: str | int,
    arm: str | None = None,
    replication: int = 0,
    engine: EngineName = "compiled",
) -> InfluencerTrace: ...
def trace(
    scenario: Loaded | Path,
    *,
    fan: int | None = None,
    influencer: str | int | None = None,
    arm: str | None = None,
    replication: int = 0,
    engine: EngineName = "compiled",
) -> FanTrace | InfluencerTrace:
    """Look inside one arm and replication: a fan's sessions, or where an influencer's exposure came from.

    Parameters
    ----------
    scenario, arm, replication, engine
        As for ``follow_graph``.
    fan
        Number of the fan, from 0: its sessions, slot by slot.
    influencer
        Id of the influencer, or its number from 0: its exposure, month by month and surface by surface. One of fan and
        influencer is given (else ``TypeError``).
    """
    if (fan is None) == (influencer is None):
        raise TypeError("give one of fan and influencer")
    from sim.experiment.unit_trace import look_at_fan, look_at_influencer
    from sim.report.trace import fan_trace, influencer_trace

    loaded = _loaded(scenario)
    if fan is not None:
        return fan_trace(look_at_fan(loaded, fan, arm=arm, replication=replication, engine=engine))
    look = look_at_influencer(loaded, str(influencer), arm=arm, replication=replication, engine=engine)
    return influencer_trace(look)


def compare(first: Run | Path, second: Run | Path) -> dict[str, Any]:
    """How the second of two finished runs differs from the first; see ``sim.results.side_by_side``."""
    from sim.results.side_by_side import side_by_side

    return side_by_side(*_finished([first, second]))


def check(
    *paths: Path,
    baselines: Path = "results/baselines",
    policy: CheckPolicy | None = None,
    reason: str | None = None,
    out: Path | None = None,
    engine: EngineName = "compiled",
    threads: int | None = None,
    report: Callable[[Progress], None] | None = None,
) -> list[Checked]:
    """Compare scenarios with their baselines, as ``sim check`` does: what was found, scenario by scenario; what is
    wrong with one of them, or with its files, is in its ``Checked``.

    Parameters
    ----------
    *paths
        Scenario files, names of shipped scenarios, and folders; ``scale`` and ``published`` in them are left out.
    baselines
        Folder of ``NAME.json``; where the default has none, a shipped scenario's own is used.
    policy
        From which part on nothing may move, in place of the scenario's own: ``"exact"``, ``"statistical"`` or
        ``"claims"``.
    reason
        Why the numbers are to move: baselines that differ are rewritten, and keep it. Left out: they are only read.
    out
        Folder in which the run folders stay; left out: they don't.
    engine, threads, report
        As for ``run``.
    """
    from sim.arguments import file_path, refuse, some
    from sim.regression.check import Terms, check_all
    from sim.regression.scenario_files import scenario_files

    refuse(some("paths", paths, "scenario or folder"), *(file_path("paths", each) for each in paths))
    terms = Terms(
        baselines=pathlib.Path(baselines),
        policy=policy,
        reason=reason,
        out=None if out is None else pathlib.Path(out),
        engine=engine,
        threads=threads,
        report=report,
    )
    return list(check_all(scenario_files(map(pathlib.Path, paths)), terms))


def chart(runs: Run | Path | Sequence[Run | Path], name: str) -> altair.VConcatChart:
    """One chart of a finished run, or of several, as Altair has it: a notebook shows it, ``save`` writes it;
    ``ValueError`` where the runs have nothing to show in it.

    Parameters
    ----------
    runs
        A run or its folder; for the charts ``runs`` and ``grid`` a list of them.
    name
        As in the report: ``differences``, ``head-share``, ``gains``, ``lorenz``, ``surfaces``, ``decomposition``,
        ``claims``, ``tiers``, ``agencies``, ``verticals``, ``mobility``; ``runs``, ``grid``.
    """
    from sim.report.catalogue import chart_of

    found = chart_of(_finished(runs), name)
    if found is None:
        raise ValueError(f"nothing to show in the chart {name!r}")
    return found.whole()


def write_report(runs: Run | Path | Sequence[Run | Path], out: Path | None = None) -> pathlib.Path:
    """Write the report of a run, or of several side by side, as one HTML page.

    Parameters
    ----------
    runs
        A run or its folder, or a list of them.
    out
        File to write, which is returned; left out: ``report.html`` in the run folder, of several runs in
        ``results/reports/``.
    """
    from sim.arguments import file_path, refuse
    from sim.report.page import write_report as write

    refuse(file_path("out", out))
    return write(_finished(runs), None if out is None else pathlib.Path(out))


def _loaded(scenario: Loaded | Path, *, set: Mapping[str, Any] | Sequence[str] = (), **given: Any) -> Loaded:
    """A scenario, read where a file is given; ``TypeError`` where ``load``'s arguments are given with a loaded one."""
    from sim.scenario import Loaded

    if not isinstance(scenario, Loaded):
        return load(scenario, set=set, **given)
    if set or any(each is not None and each is not False for each in given.values()):
        raise TypeError("roster, graph, replications, set, encoding and suggested_columns are sim.load's")
    return scenario


def _finished(runs: Run | Path | Sequence[Run | Path]) -> list[Run]:
    """Finished runs, read where a folder is given."""
    from sim.arguments import file_path, refuse
    from sim.results.run import Run

    given = [runs] if isinstance(runs, Run | str | PathLike) else runs
    refuse(*(file_path("runs", each) for each in given if not isinstance(each, Run)))
    return [each if isinstance(each, Run) else Run.read(each) for each in given]
