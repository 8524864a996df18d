"""Headshare: how the concentration of traffic on head influencers changes under tiered support.

``load`` reads a scenario, ``run`` runs it, ``compare`` lays two finished runs side by side, ``follow_graph`` gives who
follows whom at a day of a run; the command ``sim`` offers the same verbs. What they need is imported when they are
called, so that the command line starts at once.
"""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sim.experiment.run import Run
    from sim.scenario import FollowGraph, Loaded

from sim.plugins import policy

__all__ = ["compare", "follow_graph", "load", "policy", "run"]

Path = str | PathLike[str]


def load(path: Path, *, roster: Path | None = None, graph: Any = None, replications: int | None = None) -> Loaded:
    """Read, check and resolve a scenario file; see ``sim.scenario.load``."""
    from sim.scenario import load as load_scenario

    return load_scenario(path, roster=roster, graph=graph, replications=replications)


def run(scenario: Loaded | Path, **options: Any) -> Run:
    """Run a scenario, or the file that it is in; options as ``sim.experiment.run.experiment``: ``out``, ``engine``,
    ``threads``, ``resume``, ``force``, ``report``.
    """
    from sim.experiment.run import experiment
    from sim.scenario import Loaded

    return experiment(scenario if isinstance(scenario, Loaded) else load(scenario), **options)


def follow_graph(scenario: Loaded | Path, arm: str | None = None, **options: Any) -> FollowGraph:
    """Who follows whom at a day of an arm; options as ``sim.experiment.graphs.follow_graph``: ``replication``, ``day``,
    ``engine``.
    """
    from sim.experiment.graphs import follow_graph as graph_of
    from sim.scenario import Loaded

    return graph_of(scenario if isinstance(scenario, Loaded) else load(scenario), arm, **options)


def compare(first: Run | Path, second: Run | Path) -> dict[str, Any]:
    """How the second of two finished runs differs from the first; see ``sim.experiment.side_by_side``."""
    from sim.experiment.run import Run
    from sim.experiment.side_by_side import side_by_side

    return side_by_side(*(each if isinstance(each, Run) else Run.read(each) for each in (first, second)))
