"""The verb ``graph``: the follow graph at a day of a run, as an edge list and in measures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from sim.cli.console import console_for
from sim.cli.failures import print_object
from sim.cli.input_notes import input_notes
from sim.cli.options import (
    Arm,
    Debug,
    Edges,
    Encoding,
    Engine,
    Json,
    Plugins,
    Quiet,
    Replication,
    Roster,
    ScenarioFile,
    Set,
    SuggestedColumns,
    engine_named,
    use_plugins,
)

__all__ = ["graph"]


def graph(
    scenario: ScenarioFile,
    arm: Arm = None,
    replication: Replication = 0,
    day: Annotated[
        int | None,
        typer.Option(
            min=0, metavar="D", help="Day at whose start the graph is taken; left out: the end.", show_default=False
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Edge list to write (CSV); left out: measures only.", show_default=False),
    ] = None,
    top: Annotated[
        int, typer.Option(min=2, max=10_000, metavar="N", help="Largest influencers whose shared fans count.")
    ] = 20,
    engine: Engine = "compiled",
    roster: Roster = None,
    edges: Edges = None,
    encoding: Encoding = None,
    suggested_columns: SuggestedColumns = False,
    set: Set = None,
    plugin: Plugins = None,
    quiet: Quiet = False,
    as_json: Json = False,
    debug: Debug = False,  # noqa: ARG001 - read by ``verb``
) -> None:
    """Who follows whom at a day of an arm and replication: edge list and measures."""
    name = engine_named(engine)
    use_plugins(plugin)
    from sim.scenario import load

    loaded = load(
        scenario, roster=roster, graph=edges, encoding=encoding, suggested_columns=suggested_columns, set=set or ()
    )
    from sim.analysis.follow_graph import graph_measures
    from sim.cli.progress import compiling_notes
    from sim.experiment.follow_graphs import follow_graph

    if not (quiet or as_json):
        messages = console_for(stderr=True)
        for note in [*compiling_notes(name), *input_notes(loaded)]:
            messages.print(note, markup=False)
    found = follow_graph(loaded, arm, replication, day, engine=name)
    if out is not None:
        found.write_edges(out)
    if quiet and not as_json:
        return
    place = {
        "arm": loaded.scenario.control if arm is None else arm,
        "replication": replication,
        "day": loaded.scenario.horizon_days if day is None else day,
        "out": None if out is None else str(out),
    }
    measures = graph_measures(found, top)
    if as_json:
        print_object({**place, **measures, "notes": input_notes(loaded)})
    else:
        _show(place, measures)


def _show(place: dict[str, Any], measures: dict[str, Any]) -> None:
    """Print the measures, as wide as the terminal is; the file's name in one piece."""
    from rich.text import Text

    def number(value: float | None) -> str:
        return "undefined" if value is None else f"{value:.4f}"

    console = console_for()
    console.print(Text(f"Arm {place['arm']}, replication {place['replication']}, day {place['day']}"))
    for name in ("fans", "influencers", "follows"):
        console.print(f"  {name:<20}  {measures[f'n_{name}']:>12,}")
    for name, meaning in (
        ("degree_assortativity", "follows of the fan, followers"),
        ("reciprocity", "among accounts that are both"),
    ):
        console.print(f"  {name.replace('_', ' '):<20}  {number(measures[name]):>12}  ({meaning})")
    shared = measures["shared_fans"]
    if shared["pairs"]:
        console.print(f"Most alike in their fans, of the {shared['top']} largest influencers")
        console.print("(Jaccard index, shared fans):")
    for pair in shared["pairs"]:
        figures = f"  {pair['jaccard']:.3f} {pair['shared']:>9,}  "
        one, other = pair["influencers"]
        for names in _together(one, other, console.width - len(figures)):
            console.print(Text(figures + names), no_wrap=True, overflow="ellipsis")
            figures = " " * len(figures)
    if place["out"] is not None:
        console.print(Text(f"written: {place['out']}"), soft_wrap=True)


def _together(one: str, other: str, width: int) -> list[str]:
    """Two names on one line, or on two where they are long."""
    from rich.cells import cell_len

    line = f"{one} and {other}"
    return [line] if cell_len(line) <= width else [one, f"and {other}"]
