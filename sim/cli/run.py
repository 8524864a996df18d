"""The verb ``run``: a scenario in, a finished run folder and its answer out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from sim.cli.console import console_for
from sim.cli.input_notes import input_notes
from sim.cli.options import (
    Debug,
    Edges,
    Encoding,
    Engine,
    Json,
    Plugins,
    Quiet,
    Roster,
    ScenarioFile,
    Set,
    SuggestedColumns,
    Threads,
    engine_named,
    use_plugins,
)
from sim.cli.process import lasting
from sim.cli.show import show

__all__ = ["run"]

RunFolder = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Run folder; left out: results/runs/NAME-DIGEST.", show_default=False),
]
Replications = Annotated[
    int | None, typer.Option(min=1, metavar="N", help="In place of the scenario's number.", show_default=False)
]
Resume = Annotated[bool, typer.Option("--resume", help="Insist that there is a run to go on with.")]
Force = Annotated[bool, typer.Option("--force", help="Run even where memory may not suffice.")]


def run(
    scenario: ScenarioFile,
    out: RunFolder = None,
    engine: Engine = "compiled",
    roster: Roster = None,
    edges: Edges = None,
    encoding: Encoding = None,
    suggested_columns: SuggestedColumns = False,
    set: Set = None,
    threads: Threads = None,
    replications: Replications = None,
    resume: Resume = False,
    force: Force = False,
    plugin: Plugins = None,
    quiet: Quiet = False,
    as_json: Json = False,
    debug: Debug = False,  # noqa: ARG001 - read by ``verb``
) -> None:
    """Run a scenario: all arms, all replications, and the answer. A run that was interrupted goes on."""
    name = engine_named(engine)
    use_plugins(plugin)
    with lasting():
        from sim.scenario import load

    loaded = load(
        scenario,
        roster=roster,
        graph=edges,
        replications=replications,
        encoding=encoding,
        suggested_columns=suggested_columns,
        set=set or (),
    )
    with lasting():
        from sim.cli.progress import Display, compiling_notes
        from sim.experiment.execution import experiment

    with Display(console_for(stderr=True), quiet=quiet or as_json) as display:
        for note in [*compiling_notes(name), *input_notes(loaded)]:
            display.note(note)
        finished = experiment(
            loaded,
            out=out,
            engine=name,
            threads=threads,
            resume=resume,
            force=force,
            command=["sim", *sys.argv[1:]],
            report=display.report,
            announce=lambda estimate: display.note(str(estimate)),
            note=display.note,
        )
    show(finished, quiet=quiet, as_json=as_json)
