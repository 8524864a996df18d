"""Options that mean the same on every verb, and what verbs make of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from sim.model.simulation import EngineName

__all__ = [
    "Arm",
    "Debug",
    "Edges",
    "Engine",
    "Json",
    "Plugins",
    "Quiet",
    "Replication",
    "Roster",
    "ScenarioFile",
    "Threads",
    "engine_named",
    "print_object",
    "use_plugins",
]

ScenarioFile = Annotated[
    Path,
    typer.Argument(
        metavar="SCENARIO", help="Scenario file (TOML), or the name of a shipped scenario.", show_default=False
    ),
]
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
        help="Follow graph (edge list) in place of the scenario's own.",
        show_default=False,
    ),
]
MAX_THREADS = 1024
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
        help="Python file with support policies of your own (@sim.policy).",
        show_default=False,
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]


def engine_named(engine: str) -> EngineName:
    """The engine of this name, or a usage error."""
    if engine == "compiled":
        return "compiled"
    if engine == "reference":
        return "reference"
    raise typer.BadParameter(f"must be compiled or reference, got {engine!r}", param_hint="--engine")


def use_plugins(files: list[Path] | None) -> None:
    """Run plugin files, which register their policies."""
    if files:
        from sim.plugins import load_plugins

        load_plugins(files)


def print_object(found: dict[str, Any]) -> None:
    """What a verb found, as JSON on one line."""
    typer.echo(json.dumps(found, ensure_ascii=False))
