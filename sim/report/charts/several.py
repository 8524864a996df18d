"""Charts of several runs together: primary differences on one scale, and a heat map where runs form a grid."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt

from sim.report.charts.chart import (
    ACCENT,
    LOSS,
    PALETTE,
    POINTS,
    Chart,
    Panel,
    Row,
    heat_map,
    inline_data,
    intervals,
    lines_axis,
    pair_name,
    rows_high,
    scale_of,
    tooltip,
)
from sim.report.charts.declared import several_runs
from sim.report.charts.numbers import Numbers, point
from sim.results.side_by_side import Grid, grid_of

__all__ = ["grid", "runs"]

PRIMARY = ("followers at the end", "exposure, at most the last 90 days")
MOST_PAIRS = 6
"""Pairs of arms whose colours can be distinguished in a group."""


def _primary(sources: Sequence[Numbers], labels: Sequence[str], place: int) -> list[Row]:
    """Rows of a primary quantity of all runs: followers, then exposure."""
    found = []
    for label, source in zip(labels, sources, strict=True):
        for (arm, control), rows in source.answer.primary.items():
            if len(rows) > place:
                about = {"quantity": rows[place]["quantity"], "run": label, "arm": arm, "control": control}
                found.append(about | point(rows[place]))
    return found


@several_runs(10)
def runs(sources: Sequence[Numbers], labels: Sequence[str]) -> Chart | None:
    """Each primary difference of each run with its interval, on one scale."""
    data: list[Row] = []
    panels = []
    pairs = list(dict.fromkeys(pair for source in sources for pair in source.answer.pairs))
    if not pairs:
        return None
    same_pairs = len(pairs) <= MOST_PAIRS and all(set(source.answer.pairs) == set(pairs) for source in sources)
    for place, label in enumerate(PRIMARY):
        rows = _primary(sources, labels, place)
        data += rows
        view, colours, height = _grouped(rows, labels) if same_pairs else _listed(rows, labels)
        panels.append(Panel(f"Head share of {label}", view, colours, height))
    return Chart(
        "runs",
        "Primary differences of all runs on one scale",
        "Paired differences of the share of the largest 1 % of accounts, with 95 % intervals; each run compares its "
        "own arms.",
        panels,
        data,
    )


def _grouped(rows: list[Row], labels: Sequence[str]) -> tuple[alt.LayerChart, dict[str, str], int]:
    """A group of rows for each run, a colour for each pair of arms: for runs that compare the same arms."""
    drawn = [row | {"pair": f"{row['arm']} against {row['control']}"} for row in rows]
    colours = dict(zip(dict.fromkeys(row["pair"] for row in drawn), PALETTE, strict=False))
    y = alt.Y("run:N", sort=list(labels), axis=alt.Axis(title=None))
    offset = alt.YOffset("pair:N", sort=list(colours), scale=alt.Scale(paddingOuter=0.4))
    shown = alt.Chart(inline_data(drawn)).encode(
        y=y,
        yOffset=offset,
        color=alt.Color("pair:N", scale=scale_of(colours)),
        tooltip=tooltip("run", "pair", digits=".3f"),
    )
    return intervals(shown, POINTS, zero=True), colours, rows_high(len(labels) * max(2, (len(colours) + 1) // 2))


def _listed(rows: list[Row], labels: Sequence[str]) -> tuple[alt.LayerChart, dict[str, str], int]:
    """A row for each run and pair of arms, a colour for each run."""
    colours = {label: PALETTE[i % len(PALETTE)] for i, label in enumerate(labels)}
    drawn = [
        # The same pair of arms of two runs has a row each: labels differ by a sign that isn't drawn.
        row | {"place": pair_name(row["arm"], row["control"]) + "\u200b" * list(labels).index(row["run"])}
        for row in rows
    ]
    shown = alt.Chart(inline_data(drawn)).encode(
        y=alt.Y("place:N", sort=[row["place"] for row in drawn], axis=lines_axis()),
        color=alt.Color("run:N", scale=scale_of(colours)),
        tooltip=tooltip("run", "arm", "control", digits=".3f"),
    )
    return intervals(shown, POINTS, zero=True), colours, rows_high(2 * len(drawn))


@several_runs(20)
def grid(sources: Sequence[Numbers], labels: Sequence[str]) -> Chart | None:
    """Where the runs form a grid of two keys: the first pair's differences as a heat map."""
    form = grid_of([source.run for source in sources])
    pair = next((pair for pair in sources[0].answer.pairs if all(pair in s.answer.pairs for s in sources)), None)
    if form is None or pair is None:
        return None
    data: list[Row] = []
    panels = []
    for place, label in enumerate(PRIMARY):
        rows = [row for row in _primary(sources, labels, place) if (row["arm"], row["control"]) == pair]
        cells = [
            {form.keys[0]: str(a), form.keys[1]: str(b), **row} for (a, b), row in zip(form.cells, rows, strict=True)
        ]
        data += cells
        panels.append(Panel(f"Head share of {label}", _heat_map(cells, form), {}, rows_high(2 * len(form.values[1]))))
    return Chart(
        "grid",
        f"{pair[0]} against {pair[1]} over {form.keys[0]} and {form.keys[1]}",
        "Change of the share of the largest 1 % of accounts, in % points; below it the 95 % interval. Blue: lower "
        "under the arm, orange: higher; the deeper, the larger.",
        panels,
        data,
    )


def _heat_map(cells: list[Row], form: Grid) -> alt.LayerChart:
    drawn = []
    for cell in cells:
        mean, low, high = cell["mean"], cell["low"], cell["high"]
        text = "-" if mean is None else f"{mean:+.2f}"
        sure = "" if low is None else f"\n{low:+.2f} to {high:+.2f}"
        drawn.append({"a": cell[form.keys[0]], "b": cell[form.keys[1]], "mean": mean, "written": text + sure})
    x = alt.X("a:N", sort=[str(v) for v in form.values[0]], axis=alt.Axis(title=_last(form.keys[0]), labelAngle=0))
    y = alt.Y("b:N", sort=[str(v) for v in form.values[1]], axis=alt.Axis(title=_last(form.keys[1])))
    return heat_map(drawn, x, y, below=ACCENT, above=LOSS, size=11)


def _last(key: str) -> str:
    """A key without the tables that contain it."""
    return key.rpartition(".")[2]
