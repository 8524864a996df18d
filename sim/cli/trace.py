"""The verb ``trace``: looking inside a run."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from sim.cli.console import console_for
from sim.cli.failures import print_object
from sim.cli.options import (
    Arm,
    Debug,
    Edges,
    Encoding,
    Engine,
    Json,
    Plugins,
    Replication,
    Roster,
    ScenarioFile,
    Set,
    SuggestedColumns,
    engine_named,
    use_plugins,
)

if TYPE_CHECKING:
    from sim.report.trace import FanTrace, InfluencerTrace

__all__ = ["trace"]


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
    encoding: Encoding = None,
    suggested_columns: SuggestedColumns = False,
    set: Set = None,
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

    loaded = load(
        scenario, roster=roster, graph=graph, encoding=encoding, suggested_columns=suggested_columns, set=set or ()
    )
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
            print(line)
