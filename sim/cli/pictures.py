"""The verbs ``report`` and ``plot``: finished runs as a page and as pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sim.cli.options import Debug, Json, Plugins, print_object, use_plugins
from sim.errors import Fault, InputError
from sim.files import whole_file

if TYPE_CHECKING:
    from sim.results.run import Run

__all__ = ["plot", "report"]

Runs = Annotated[list[Path], typer.Argument(metavar="RUN", help="Run folders.", show_default=False)]


def _read(paths: list[Path]) -> list[Run]:
    from sim.results.run import Run

    return [Run.read(path) for path in paths]


def report(
    runs: Runs,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="File to write; left out: report.html in the run folder, of several runs in results/reports/.",
            show_default=False,
        ),
    ] = None,
    plugin: Plugins = None,
    as_json: Json = False,
    debug: Debug = False,  # noqa: ARG001 - read by ``verb``
) -> None:
    """Write the report of a run as one HTML page, or lay several runs side by side."""
    from sim.report.page import write_report

    use_plugins(plugin)
    target = write_report(_read(runs), out)
    if as_json:
        print_object({"report": str(target)})
    else:
        print(f"report: {target}")


def plot(
    runs: Runs,
    chart: Annotated[
        str, typer.Option(metavar="NAME", help="Name of the chart, as in the report.", show_default=False)
    ],
    out: Annotated[Path, typer.Option(metavar="FILE", help="File to write: .svg or .png.", show_default=False)],
    plugin: Plugins = None,
    as_json: Json = False,
    debug: Debug = False,  # noqa: ARG001 - read by ``verb``
) -> None:
    """Write one chart as a picture for a paper: SVG, or PNG at 300 dots per inch."""
    from sim.formatting import nearest
    from sim.report.catalogue import chart_of, charts, charts_of_several

    kind = out.suffix.lower()
    if kind not in (".svg", ".png"):
        raise typer.BadParameter(f"must end in .svg or .png, got {out.name!r}", param_hint="--out")
    use_plugins(plugin)
    one, several = charts(), charts_of_several()
    if chart not in (*one, *several):
        near = nearest(chart, (*one, *several))
        known = f"did you mean {near!r}?" if near else f"there are {', '.join((*one, *several))}"
        raise typer.BadParameter(f"no chart {chart!r}; {known}", param_hint="--chart")
    if chart in one and len(runs) > 1:
        raise typer.BadParameter(f"{chart!r} shows one run, got {len(runs)}", param_hint="RUN")
    if chart in several and len(runs) == 1:
        raise typer.BadParameter(f"{chart!r} shows several runs, got 1", param_hint="RUN")
    drawn = chart_of(_read(runs), chart)
    if drawn is None:
        raise InputError([Fault(", ".join(map(str, runs)), f"nothing to show in the chart {chart!r}")])
    with whole_file(out) as stream:
        stream.write(drawn.png() if kind == ".png" else drawn.svg())
    if as_json:
        print_object({"chart": chart, "file": str(out)})
    else:
        print(f"{chart}: {out}")
