"""Options that mean the same on every verb, and what verbs make of them."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from sim.errors import Fault

if TYPE_CHECKING:
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
    "ScenarioFile",
    "Set",
    "SuggestedColumns",
    "Threads",
    "asks_for_object",
    "engine_named",
    "failure",
    "object_is_printed",
    "output_for_object",
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
        from sim.registry import load_plugins

        load_plugins(files)


_FAULT = ("file", "line", "path", "rule", "value")
_printed: list[bool] = []
_streams: list[TextIO] = []
"""Where an object goes while everything else goes to standard error."""


def asks_for_object(args: Iterable[str]) -> bool:
    """Whether a command line, which may be a wrong one, asks for an object in place of text."""
    for arg in args:
        if arg in ("--json", "--"):
            return arg == "--json"
    return False


def failure(code: int, error: str, faults: Iterable[Fault] = ()) -> dict[str, Any]:
    """What every object says of an exit other than 0: its code, the message, and the faults behind it."""
    return {"code": code, "error": error, "faults": [{key: getattr(fault, key) for key in _FAULT} for fault in faults]}


def print_object(found: dict[str, Any], indent: int | None = None) -> None:
    """What a verb found, or why it didn't, as JSON, on one line unless indented: the last that a command prints."""
    _printed.append(True)
    stream = _streams[-1] if _streams else sys.stdout
    is_unicode = (stream.encoding or "utf-8").lower().replace("-", "") == "utf8"
    print(json.dumps(found, ensure_ascii=not is_unicode, indent=indent), file=stream, flush=True)


@contextlib.contextmanager
def output_for_object() -> Iterator[None]:
    """Keep standard output for the object: whatever else is printed, by a plugin too, goes to standard error."""
    _streams.append(sys.stdout)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        _streams.pop()


def object_is_printed() -> bool:
    """Whether this process has begun to print its object, so that there must not be another."""
    return bool(_printed)
