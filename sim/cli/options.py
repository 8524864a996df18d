"""Options that mean the same on every verb, and what verbs make of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from sim.arguments import MAX_THREADS, engine_name, refuse

if TYPE_CHECKING:
    from sim.results.run import Run
    from sim.types import EngineName

__all__ = [
    "Arm",
    "Debug",
    "Edges",
    "Encoding",
    "Engine",
    "Json",
    "Plugins",
    "Quiet",
    "Replication",
    "Roster",
    "Runs",
    "ScenarioFile",
    "Set",
    "SuggestedColumns",
    "Threads",
    "engine_named",
    "finished_runs",
    "use_plugins",
]

ScenarioFile = Annotated[
    Path,
    typer.Argument(
        metavar="SCENARIO", help="Scenario file (TOML), or the name of a shipped scenario.", show_default=False
    ),
]
Runs = Annotated[list[Path], typer.Argument(metavar="RUN", help="Run folders.", show_default=False)]
Arm = Annotated[str | None, typer.Option(metavar="NAME", help="Arm; left out: the control.", show_default=False)]
Replication = Annotated[int, typer.Option(min=0, metavar="N", help="Number of the replication, from 0.")]
Engine = Annotated[str, typer.Option(metavar="NAME", help="compiled or reference: the same to the bit.")]
Roster = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="Influencers (CSV or Parquet) in place of the scenario's own.", show_default=False
    ),
]
Edges = Annotated[
    Path | None,
    typer.Option(
        "--graph",
        metavar="FILE",
        help="Follow graph (edge list, GML, GraphML, GEXF) in place of the scenario's own.",
        show_default=False,
    ),
]
Encoding = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Encoding of roster and follow graph, where it isn't UTF-8: utf-16, gb18030, latin-1, windows-1252.",
        show_default=False,
    ),
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="A value in place of the scenario's: support.share=0.3, arms.tiered.support.policy=flat; repeatable.",
        show_default=False,
    ),
]
SuggestedColumns = Annotated[
    bool,
    typer.Option("--suggested-columns", help="Take columns of the roster by common names: subscribers for followers."),
]
Threads = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=MAX_THREADS,
        metavar="N",
        help="Threads; left out: all cores. No effect on the outcome.",
        show_default=False,
    ),
]
Plugins = Annotated[
    list[Path] | None,
    typer.Option(
        "--plugin",
        metavar="FILE",
        help="Python file with policies, measures or charts of your own (@sim.policy, @sim.measure).",
        show_default=False,
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]


def engine_named(engine: str) -> EngineName:
    """The engine of this name; ``ArgumentError`` where there is none."""
    refuse(engine_name(engine))
    return cast("EngineName", engine)


def finished_runs(folders: list[Path]) -> list[Run]:
    """Finished runs, read from their folders."""
    from sim.results.run import Run

    return [Run.read(folder) for folder in folders]


def use_plugins(files: list[Path] | None) -> None:
    """Run plugin files, which register their policies and measures."""
    if files:
        from sim.registry import load_plugins

        load_plugins(files)
