"""The verb ``report``: finished runs as one HTML page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sim.cli.failures import print_object
from sim.cli.options import Debug, Json, Plugins, Runs, finished_runs, use_plugins

__all__ = ["report"]

Page = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="File to write; left out: report.html in the run folder, of several runs in results/reports/.",
        show_default=False,
    ),
]


def report(
    runs: Runs,
    out: Page = None,
    plugin: Plugins = None,
    as_json: Json = False,
    debug: Debug = False,  # noqa: ARG001 - read by ``verb``
) -> None:
    """Write the report of a run as one HTML page, or of several runs side by side."""
    from sim.report.page import write_report

    use_plugins(plugin)
    target = write_report(finished_runs(runs), out)
    if as_json:
        print_object({"report": str(target)})
    else:
        print(f"report: {target}")
