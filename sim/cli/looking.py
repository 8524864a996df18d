"""The verbs ``trace`` and ``new``: looking inside a run, and a first scenario file."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sim.errors import Fault, InputError, MachineError

if TYPE_CHECKING:
    from sim.model.simulation import EngineName

__all__ = ["Plugins", "engine_named", "new", "trace", "use_plugins"]

TEMPLATE = Path(__file__).with_name("template.toml")
Plugins = Annotated[
    list[Path] | None,
    typer.Option("--plugin", help="Python file with support policies of your own (@sim.policy).", show_default=False),
]


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
        from sim.plugins import load_plugin

        for file in files:
            load_plugin(file)


def trace(
    scenario: Annotated[Path, typer.Argument(help="Scenario file (TOML).", show_default=False)],
    fan: Annotated[
        int | None, typer.Option(min=0, help="Fan, numbered from 0: its sessions, slot by slot.", show_default=False)
    ] = None,
    influencer: Annotated[
        str | None, typer.Option(help="Influencer, id or number: where its exposure came from.", show_default=False)
    ] = None,
    arm: Annotated[str | None, typer.Option(help="Arm; left out: the control.", show_default=False)] = None,
    replication: Annotated[int, typer.Option(min=0, help="Replication.")] = 0,
    engine: Annotated[str, typer.Option(help="compiled or reference; the same text.")] = "compiled",
    roster: Annotated[
        Path | None, typer.Option(help="Roster in place of the scenario's own.", show_default=False)
    ] = None,
    graph: Annotated[
        Path | None, typer.Option(help="Edge list in place of the scenario's own.", show_default=False)
    ] = None,
    plugin: Plugins = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,  # noqa: ARG001
) -> None:
    """Look inside one arm and replication: a fan's sessions, or where an influencer's exposure came from."""
    if (fan is None) == (influencer is None):
        raise typer.BadParameter("give one of --fan and --influencer")
    name = engine_named(engine)
    use_plugins(plugin)
    from sim.scenario import load

    loaded = load(scenario, roster=roster, graph=graph)
    from sim.experiment.unit_trace import look_at_fan, look_at_influencer
    from sim.report.trace import fan_lines, influencer_lines

    if fan is not None:
        lines = fan_lines(look_at_fan(loaded, fan, arm=arm, replication=replication, engine=name))
    else:
        look = look_at_influencer(loaded, str(influencer), arm=arm, replication=replication, engine=name)
        lines = influencer_lines(look)
    for line in lines:
        typer.echo(line)


def new(
    name: Annotated[str, typer.Argument(help="Name of the scenario; NAME.toml is written.", show_default=False)],
    source: Annotated[
        Path | None, typer.Option("--from", help="Scenario to start from; left out: the smallest useful one.")
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,  # noqa: ARG001
) -> None:
    """Write a commented scenario file NAME.toml into the current folder, to be edited."""
    from sim.scenario import load

    target = Path(f"{name}.toml")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", name):
        raise typer.BadParameter("must be 1 to 100 letters, digits, `.`, `_`, `-`, the first a letter or digit")
    if source is not None:
        load(source)
    text = (source or TEMPLATE).read_text(encoding="utf-8")
    renamed, found = re.subn(r"(?m)^name\s*=.*$", f'name = "{name}"', text, count=1)
    if not found:
        raise InputError([Fault(str(source), 'must name the scenario on a line of its own: name = "…"')])
    try:
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(renamed)
    except FileExistsError:
        raise InputError([Fault(str(target), "exists already; nothing was written")]) from None
    except OSError as error:
        raise MachineError(f"{target}: {error.strerror}") from error
    typer.echo(f"{target}: written; `sim validate {target}` checks it, `sim run {target}` runs it")
