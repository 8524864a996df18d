"""The verb ``graph``: the follow graph at a day of a run, as an edge list and in measures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sim.cli.looking import Plugins, engine_named, use_plugins

if TYPE_CHECKING:
    from sim.scenario import Loaded

__all__ = ["graph", "input_notes"]


def input_notes(loaded: Loaded) -> list[str]:
    """What a user should know of how roster and follow graph were read."""
    notes = []
    roster, edges = loaded.roster, loaded.graph
    if roster is not None and roster.unused_columns:
        notes.append(f"roster: columns that the model doesn't use: {', '.join(roster.unused_columns)}")
    if roster is not None and roster.n_skipped:
        notes.append(f"roster: {roster.n_skipped} bad row{'s' * (roster.n_skipped != 1)} skipped")
    if edges is not None and edges.columns not in (None, ("fan", "influencer")):
        fan, influencer = edges.columns or ("", "")
        directed = loaded.scenario.influencers.follow_graph_directed
        what = f"{fan} follows {influencer}" if directed else f"{fan} and {influencer} follow each other"
        notes.append(f"follow graph: of the columns, {what}")
    if edges is not None and edges.n_skipped:
        notes.append(f"follow graph: {edges.n_skipped} bad row{'s' * (edges.n_skipped != 1)} skipped")
    return notes


def graph(
    scenario: Annotated[Path, typer.Argument(help="Scenario file (TOML).", show_default=False)],
    arm: Annotated[str | None, typer.Option(help="Arm; left out: the control.", show_default=False)] = None,
    replication: Annotated[int, typer.Option(min=0, help="Replication.")] = 0,
    day: Annotated[
        int | None, typer.Option(min=0, help="Day at whose start the graph is taken; left out: the end.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Edge list to write (CSV); left out: measures only.", show_default=False)
    ] = None,
    top: Annotated[int, typer.Option(min=2, max=10_000, help="Largest influencers whose shared fans count.")] = 20,
    engine: Annotated[str, typer.Option(help="compiled or reference; the same graph.")] = "compiled",
    roster: Annotated[
        Path | None, typer.Option(help="Roster in place of the scenario's own.", show_default=False)
    ] = None,
    edges: Annotated[
        Path | None, typer.Option("--graph", help="Edge list in place of the scenario's own.", show_default=False)
    ] = None,
    plugin: Plugins = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,  # noqa: ARG001
) -> None:
    """Who follows whom at a day of an arm and replication: edge list and measures."""
    name = engine_named(engine)
    use_plugins(plugin)
    from sim.scenario import load

    loaded = load(scenario, roster=roster, graph=edges)
    from sim.analysis.follow_graph import graph_measures
    from sim.experiment.graphs import follow_graph

    if not (quiet or as_json):
        for note in input_notes(loaded):
            typer.echo(note, err=True)
    found = follow_graph(loaded, arm, replication, day, engine=name)
    if out is not None:
        found.write_edges(out)
    if quiet:
        return
    place = {
        "arm": loaded.scenario.control if arm is None else arm,
        "replication": replication,
        "day": loaded.scenario.horizon_days if day is None else day,
        "out": None if out is None else str(out),
    }
    measures = graph_measures(found, top)
    if as_json:
        typer.echo(json.dumps({**place, **measures}, ensure_ascii=False))
    else:
        for line in _lines(place, measures):
            typer.echo(line)


def _lines(place: dict[str, Any], measures: dict[str, Any]) -> list[str]:
    def number(value: float | None) -> str:
        return "undefined" if value is None else f"{value:.4f}"

    lines = [
        f"Arm {place['arm']}, replication {place['replication']}, day {place['day']}",
        f"  fans                  {measures['n_fans']:>12,}",
        f"  influencers           {measures['n_influencers']:>12,}",
        f"  follows               {measures['n_follows']:>12,}",
        f"  degree assortativity  {number(measures['degree_assortativity']):>12}  (follows of the fan, followers)",
        f"  reciprocity           {number(measures['reciprocity']):>12}  (among accounts that are both)",
    ]
    shared = measures["shared_fans"]
    if shared["pairs"]:
        lines.append(
            f"Most alike in their fans, of the {shared['top']} largest influencers (Jaccard index, shared fans):"
        )
        for pair in shared["pairs"]:
            lines.append(f"  {pair['jaccard']:.3f} {pair['shared']:>9,}  {' and '.join(pair['influencers'])}")
    if place["out"] is not None:
        lines.append(f"written: {place['out']}")
    return lines
