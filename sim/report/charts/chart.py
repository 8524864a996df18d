"""What a chart is: panels that show one table of aggregates; its colours, sizes and words, the same in every chart."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import altair as alt
import vl_convert

from sim.scenario.read.spreadsheet import cell

__all__ = [
    "ACCENT",
    "EMPTY_COLOUR",
    "LOSS",
    "MOST_PANELS",
    "NEUTRAL",
    "PALETTE",
    "POINTS",
    "VEGA_LITE",
    "Chart",
    "Panel",
    "Row",
    "arm_colours",
    "heat_map",
    "inline_data",
    "intervals",
    "layered",
    "lines_axis",
    "pair_name",
    "rounded",
    "rows_high",
    "scale_of",
    "tooltip",
    "zero_line",
]

Row = dict[str, Any]
"""A row of a table of data, or a part of a Vega-Lite specification, by name."""

VEGA_LITE = "6.4"
"""The release that specifications are written for and drawn by."""
INK = "#1f2328"
NEUTRAL = "#767676"
"""Zero lines and the control arm: contrast 4.5 : 1 on white and on black."""
PALETTE = (
    "#0a7ab8", "#d55e00", "#12946b", "#b5549a", "#b98a00", "#6457c6", "#a0522d", "#3f9fb0", "#c2405a", "#6b8e23",
)  # fmt: skip
"""Okabe and Ito's colours and further ones, darkened to be read on white and on black."""
ACCENT, LOSS = PALETTE[:2]
"""Of cells above and below 0."""
EMPTY_COLOUR = "#b9b9b9"
"""Of what is empty or without a tier."""
POINTS = "change [% points]"
"""Title of an axis of changes of a share."""
FONT = (
    "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'Noto Sans', 'Liberation Sans', Arial, sans-serif"
)
MOST_PANELS = 4
"""Panels that show an arm each; the data contain the others too."""
LABEL = 150  # pixels of a label at most; the whole name is in the tooltip and in the data
ROW = 22  # pixels of a row in charts with a row for each name
PANEL_WIDTH = 400  # of an exported panel


@dataclass(frozen=True)
class Panel:
    """One view: a chart without size and style."""

    title: str
    view: alt.Chart | alt.LayerChart
    colours: dict[str, str]
    """What the colours mean; empty where the caption says it."""
    height: int = 230


@dataclass(frozen=True)
class Chart:
    """Panels on one table of data."""

    name: str
    title: str
    """What it shows, in one line."""
    caption: str
    """How to read it."""
    panels: list[Panel]
    data: list[Row]
    """All that is drawn, and what didn't fit; rows of the same columns."""

    @property
    def colours(self) -> dict[str, str] | None:
        """What the colours mean in all panels; None where panels differ."""
        first, *others = [panel.colours for panel in self.panels]
        return first if all(colours == first for colours in others) else None

    def csv(self) -> str:
        """The data as a CSV file; a text that a spreadsheet would take for a formula gets an apostrophe before it."""
        text = io.StringIO()
        columns = dict.fromkeys(column for row in self.data for column in row)
        writer = csv.DictWriter(text, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(
            {column: cell(value) if isinstance(value, str) else value for column, value in row.items()}
            for row in self.data
        )
        return text.getvalue()

    def spec(self, panel: Panel) -> Row:
        """Vega-Lite specification of a panel for a page: as wide as its place, without a legend of its own."""
        named = panel.view.properties(
            width="container", height=panel.height, description=f"{self.title}: {panel.title}. {self.caption}"
        )
        styled = named.configure(background="transparent", padding=2, **_config(legend=False))
        found: Row = styled.to_dict()
        return found

    def whole(self) -> alt.VConcatChart:
        """All panels as one chart for a file or a notebook."""
        drawn = [
            panel.view.properties(title=panel.title, width=PANEL_WIDTH, height=panel.height) for panel in self.panels
        ]
        mode: Literal["independent", "shared"] = "independent" if self.colours is None else "shared"
        rows = [alt.hconcat(*drawn[i : i + 2], spacing=40).resolve_scale(color=mode) for i in range(0, len(drawn), 2)]
        title = alt.Title(self.title, anchor="start", fontSize=16, offset=14, limit=2 * PANEL_WIDTH)
        whole: alt.VConcatChart = (
            alt.vconcat(*rows, spacing=30)
            .resolve_scale(color=mode)
            .properties(title=title, description=f"{self.title}. {self.caption}")
            .configure(background="white", padding=12, **_config(legend=True))
        )
        return whole

    def svg(self) -> bytes:
        """The whole chart as an SVG picture."""
        drawn: str = vl_convert.vegalite_to_svg(self.whole().to_dict(), vl_version=VEGA_LITE)
        return drawn.encode()

    def png(self) -> bytes:
        """The whole chart as a PNG picture of 300 dots per inch, its texts about 7 points high."""
        drawn: bytes = vl_convert.vegalite_to_png(self.whole().to_dict(), vl_version=VEGA_LITE, scale=0.6, ppi=300)
        return drawn


def _config(*, legend: bool) -> Row:
    return {
        "font": FONT,
        "axis": {
            "labelFontSize": 12,
            "titleFontSize": 12,
            "titleFontWeight": "normal",
            "labelColor": INK,
            "titleColor": INK,
            "labelLimit": LABEL,
            "gridColor": "#80808040",
            "domainColor": "#80808080",
            "tickColor": "#80808080",
        },
        "view": {"stroke": None},
        "title": {"fontSize": 13, "anchor": "start", "color": INK, "limit": PANEL_WIDTH + 60},
        "legend": {
            "disable": not legend,
            "orient": "bottom",
            "columns": 3,
            "columnPadding": 20,
            "labelFontSize": 12,
            "labelLimit": 220,
            "title": None,
            "symbolLimit": 0,
            "symbolOpacity": 1,
            "labelColor": INK,
        },
    }


def arm_colours(arms: Sequence[str], control: str) -> dict[str, str]:
    """Colour of each arm: neutral for the control, then the palette in the scenario's order, from its start again."""
    others = [arm for arm in arms if arm != control]
    return {arm: NEUTRAL if arm == control else PALETTE[others.index(arm) % len(PALETTE)] for arm in arms}


def scale_of(colours: dict[str, str]) -> alt.Scale:
    """Scale of these colours."""
    return alt.Scale(domain=list(colours), range=list(colours.values()))


def layered(*views: alt.Chart) -> alt.LayerChart:
    """Views in layers, the first at the bottom."""
    return alt.LayerChart(layer=list(views))


def lines_axis() -> alt.Axis:
    """Axis whose labels can have several lines."""
    return alt.Axis(labelExpr="split(datum.label, '\\n')", labelLimit=LABEL, labelLineHeight=14, title=None)


def pair_name(arm: str, control: str) -> str:
    """Label of a pair of arms on its axis."""
    return f"{arm}\nagainst {control}"


def zero_line(channel: Literal["x", "y"], title: str) -> alt.Chart:
    """A line at 0 of an axis with this title."""
    at = alt.X("zero:Q", title=title) if channel == "x" else alt.Y("zero:Q", title=title)
    line: alt.Chart = alt.Chart(inline_data([{"zero": 0}])).mark_rule(color=NEUTRAL).encode(at)
    return line


def tooltip(*names: str, digits: str) -> list[alt.Tooltip]:
    """Names, then a mean with its interval in this format."""
    numbers = [alt.Tooltip(f"{key}:Q", format=digits) for key in ("mean", "low", "high")]
    return [*(alt.Tooltip(f"{name}:N") for name in names), *numbers]


def intervals(shown: alt.Chart, title: str, *, zero: bool) -> alt.LayerChart:
    """Means as points in bars of their intervals, along an axis with this title; ``zero``: with a line at 0."""
    bars = shown.mark_rule(strokeWidth=2).encode(x=alt.X("low:Q", title=title), x2="high:Q")
    points = shown.mark_point(filled=True, size=45, opacity=1).encode(x=alt.X("mean:Q", title=title))
    return layered(*([zero_line("x", title)] if zero else []), bars, points)


def heat_map(
    rows: Sequence[Row], x: alt.X, y: alt.Y, *, below: str, above: str, size: float, **more: Any
) -> alt.LayerChart:
    """A cell for each row's ``mean``: the further from 0, the deeper its colour, one below 0 and one above; in it what
    is ``written``.
    """
    largest = max((abs(row["mean"]) for row in rows if row["mean"] is not None), default=1) or 1
    deep = [row | {"depth": abs(row["mean"] or 0) / largest} for row in rows]
    cells = alt.Chart(inline_data(deep)).encode(x=x, y=y, **more)
    depth = alt.Opacity("depth:Q", scale=alt.Scale(domain=[0, 1], range=[0.04, 0.75]), legend=None)
    colour = alt.condition("datum.mean < 0", alt.value(below), alt.value(above))
    # Texts are on the page's own background, which shows through: they are drawn in its ink.
    written = cells.mark_text(fontSize=size, lineBreak="\n").encode(text="written:N")
    return layered(cells.mark_rect().encode(opacity=depth, color=colour), written)


def rounded(value: float | None) -> float | None:
    """A number as charts store it: eight digits; None where undefined."""
    if value is None or not math.isfinite(value):
        return None
    return float(f"{value:.8g}")


def inline_data(rows: Sequence[Row]) -> alt.InlineData:
    """Rows as the data of a panel: as many digits as can be seen."""
    seen = [
        {key: float(f"{value:.5g}") if isinstance(value, float) else value for key, value in row.items()}
        for row in rows
    ]
    return alt.InlineData(values=seen)


def rows_high(n: int) -> int:
    """Height of a panel with this many rows."""
    return max(ROW * n, 3 * ROW)
