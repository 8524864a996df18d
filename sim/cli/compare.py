"""The verb ``compare``: the answer of a finished run again, or how two runs differ."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sim.cli.console import console_for
from sim.cli.failures import print_object
from sim.cli.options import Debug, Json
from sim.cli.show import show

__all__ = ["compare"]

OneRunOrTwo = Annotated[
    list[Path],
    typer.Argument(metavar="RUN", help="One run folder, or two to compare with each other.", show_default=False),
]


def compare(
    runs: OneRunOrTwo,
    as_json: Json = False,
    debug: Debug = False,  # noqa: ARG001 - read by ``verb``
) -> None:
    """Print the answer of a finished run again, or how two runs differ."""
    if len(runs) > 2:
        raise typer.BadParameter(f"takes one run folder or two, got {len(runs)}", param_hint="RUN")
    from sim.results.run import Run

    read = [Run.read(path) for path in runs]
    if len(read) == 1:
        show(read[0], quiet=False, as_json=as_json)
        return
    from sim.results.side_by_side import side_by_side

    difference = side_by_side(*read)
    if as_json:
        print_object(difference)
    else:
        from sim.report.terminal import print_side_by_side

        print_side_by_side(difference, console_for())
