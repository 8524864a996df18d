"""The verbs ``trace`` and ``new``: looking inside a run, and a first scenario file."""

from __future__ import annotations

import os
import re
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sim.cli.console import console_for
from sim.cli.options import (
    Arm,
    Debug,
    Edges,
    Engine,
    Json,
    Plugins,
    Replication,
    Roster,
    ScenarioFile,
    engine_named,
    print_object,
    use_plugins,
)
from sim.errors import Fault, InputError, MachineError

if TYPE_CHECKING:
    from sim.report.trace import FanTrace, InfluencerTrace

__all__ = ["new", "trace"]

TEMPLATE = Path(__file__).with_name("template.toml")


def trace(
    scenario: ScenarioFile,
    fan: Annotated[
        int | None,
        typer.Option(min=0, metavar="N", help="Fan, from 0: its sessions, slot by slot.", show_default=False),
    ] = None,
    influencer: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Id, or number from 0: where its exposure came from.", show_default=False),
    ] = None,
    arm: Arm = None,
    replication: Replication = 0,
    engine: Engine = "compiled",
    roster: Roster = None,
    graph: Edges = None,
    plugin: Plugins = None,
    as_json: Json = False,
    debug: Debug = False,  # noqa: ARG001 - read by ``verb``
) -> None:
    """Look inside one arm and replication: a fan's sessions, or where an influencer's exposure came from."""
    if (fan is None) == (influencer is None):
        raise typer.BadParameter("give one of --fan and --influencer")
    name = engine_named(engine)
    use_plugins(plugin)
    from sim.scenario import load

    loaded = load(scenario, roster=roster, graph=graph)
    from sim.cli.progress import compiling_notes
    from sim.experiment.unit_trace import look_at_fan, look_at_influencer
    from sim.report.trace import fan_lines, fan_trace, influencer_lines, influencer_trace

    if not as_json:
        for note in compiling_notes(name):
            console_for(stderr=True).print(note, markup=False)
    seen: FanTrace | InfluencerTrace
    if fan is not None:
        seen = fan_trace(look_at_fan(loaded, fan, arm=arm, replication=replication, engine=name))
        lines = fan_lines(seen)
    else:
        look = look_at_influencer(loaded, str(influencer), arm=arm, replication=replication, engine=name)
        seen = influencer_trace(look)
        lines = influencer_lines(seen)
    if as_json:
        print_object(asdict(seen))
    else:
        for line in lines:
            typer.echo(line)


def new(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Name of the scenario; NAME.toml is written.", show_default=False)
    ],
    source: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="SCENARIO",
            help="Scenario to start from; left out: the smallest useful one.",
            show_default=False,
        ),
    ] = None,
    as_json: Json = False,
    debug: Debug = False,  # noqa: ARG001 - read by ``verb``
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
    if as_json:
        print_object({"file": str(target)})
        return
    typer.echo(f"{target}: written\ncheck it: sim validate {target}\nrun it: sim run {target}")
