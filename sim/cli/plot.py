"""The verb ``plot``: one chart of finished runs as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sim.cli.failures import print_object
from sim.cli.options import Debug, Json, Plugins, Runs, finished_runs, use_plugins
from sim.errors import Fault, InputError
from sim.files import whole_file

__all__ = ["plot"]

ChartName = Annotated[
    str, typer.Option(metavar="NAME", help="Name of the chart, as in the report.", show_default=False)
]
Picture = Annotated[Path, typer.Option(metavar="FILE", help="File to write: .svg or .png.", show_default=False)]


def plot(
    runs: Runs,
    chart: ChartName,
    out: Picture,
    plugin: Plugins = None,
    as_json: Json = False,
    debug: Debug = False,  # noqa: ARG001 - read by ``verb``
) -> None:
    """Write one chart as a picture for a paper: SVG, or PNG at 300 dots per inch."""
    from sim.report.catalogue import chart_of, refuse_chart

    kind = out.suffix.lower()
    if kind not in (".svg", ".png"):
        raise typer.BadParameter(f"must end in .svg or .png, got {out.name!r}", param_hint="--out")
    use_plugins(plugin)
    refuse_chart(chart, len(runs))
    drawn = chart_of(finished_runs(runs), chart)
    if drawn is None:
        raise InputError([Fault(", ".join(map(str, runs)), f"nothing to show in the chart {chart!r}")])
    with whole_file(out) as stream:
        stream.write(drawn.png() if kind == ".png" else drawn.svg())
    if as_json:
        print_object({"chart": chart, "file": str(out)})
    else:
        print(f"{chart}: {out}")
