"""Charts of who moves: agencies between tiers, accounts between deciles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import altair as alt
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sim.report.charts.chart import (
    ACCENT,
    EMPTY_COLOUR,
    LOSS,
    MOST_PANELS,
    PALETTE,
    Chart,
    Panel,
    Row,
    heat_map,
    inline_data,
    rounded,
    rows_high,
    scale_of,
)
from sim.report.charts.declared import one_run
from sim.report.charts.numbers import PERCENT, Numbers

__all__ = ["mobility", "tiers"]

NO_TIER = "no tier"


def _matrix(
    rows: list[Row], ways: tuple[str, str], order: list[Any], titles: tuple[str, str], text: Callable[[Row], str]
) -> alt.LayerChart:
    """A matrix of numbers, each written in its cell as ``text`` gives it."""
    y = alt.Y(f"{ways[0]}:N", sort=order, axis=alt.Axis(title=titles[0], labelLimit=100))
    x = alt.X(f"{ways[1]}:N", sort=order, axis=alt.Axis(title=titles[1], labelAngle=0, labelLimit=70))
    numbers = [alt.Tooltip(f"{way}:N") for way in ways]
    numbers += [alt.Tooltip("mean:Q", format=".3f"), alt.Tooltip("count:Q", format=".2f")]
    drawn = [row | {"written": text(row)} for row in rows]
    return heat_map(drawn, x, y, below=LOSS, above=ACCENT, size=10.5, tooltip=numbers)


def _shown(source: Numbers) -> list[str]:
    """The control and the first arms that are compared with it."""
    return [source.control, *source.compared][:MOST_PANELS]


def _left_out(source: Numbers) -> str:
    more = len(source.arms) - len(_shown(source))
    return f" {more} more arm{'s are' if more > 1 else ' is'} in the data." if more else ""


@one_run("Tiers", 80)
def tiers(source: Numbers) -> Chart | None:
    """How many agencies hold each tier, and how they move between tiers from one review to the next."""
    names = [*source.scenario["support"]["tiers"], NO_TIER]
    if len(names) == 1 or not source.scenario["agencies"]:
        return None
    reviews = source.chosen("agencies", ["tier"], time_days=source.run.horizon_days)
    start = source.chosen("agencies", ["tier"], time_days=0.0)
    held: list[Row] = []
    when = [("day 0", source.control, start), *((arm, arm, reviews) for arm in source.arms)]
    for label, arm, table in when:
        place = pc.fill_null(pc.index_in(table["tier"], pa.array(names[:-1])), len(names) - 1).to_numpy()
        unit = source.unit(table)
        counts = source.sums(unit, place.astype(np.int64), len(names), np.ones(unit.size))
        means = counts[source.arms.index(arm)].mean(axis=0)
        held += [
            {"shown": "agencies", "arm": label, "from": None, "to": tier, "count": rounded(float(n)), "mean": None}
            for tier, n in zip(names, means, strict=True)
        ]
    rows = ["day 0", *source.arms]
    colours = dict(zip(names, ("#0a4f8a", ACCENT, "#6cb2dc", *PALETTE), strict=False)) | {NO_TIER: EMPTY_COLOUR}
    bars = (
        alt.Chart(inline_data([row | {"place": names.index(row["to"])} for row in held]))
        .mark_bar()
        .encode(
            x=alt.X("sum(count):Q", title="agencies [number]"),
            y=alt.Y("arm:N", sort=rows, axis=alt.Axis(title=None)),
            color=alt.Color("to:N", scale=scale_of(colours)),
            order=alt.Order("place:Q"),
            tooltip=["arm:N", "to:N", alt.Tooltip("count:Q", format=".2f")],
        )
    )
    panels = [Panel("Agencies by tier, at day 0 and at the end", bars, colours, rows_high(len(rows)))]
    flows, data = _flows(source, names), held
    for arm in source.arms:
        own = [row for row in flows if row["arm"] == arm]
        data = data + [{"shown": "moves", **row} for row in own]
        if arm in _shown(source) and own:
            titles = ("tier at a review", "tier at the next review")
            drawn = _matrix(own, ("from", "to"), names, titles, _percentage)
            panels.append(Panel(f"Moves, {arm} [%]", drawn, {}, rows_high(2 * len(names))))
    return Chart(
        "tiers",
        "How agencies move between tiers",
        "Of the agencies that held a tier at a review, the percentage that held each tier at the next one; all reviews "
        f"and replications together.{_left_out(source)}",
        panels,
        data,
    )


def _flows(source: Numbers, names: list[str]) -> list[Row]:
    """Of the agencies in a tier, how many are in each tier at the next review, by arm [%; agencies]."""
    table = source.chosen("tier_transitions", ["tier_from", "tier_to", "n"])
    n = len(names)
    ends = [
        pc.fill_null(pc.index_in(table[way], pa.array(names[:-1])), n - 1).to_numpy().astype(np.int64)
        for way in ("tier_from", "tier_to")
    ]
    counts = source.sums(source.unit(table), ends[0] * n + ends[1], n * n, table["n"].to_numpy())
    rows = []
    for arm, by_arm in zip(source.arms, counts.sum(axis=1).reshape(-1, n, n), strict=True):
        for i, tier in enumerate(names):
            if by_arm[i].sum():
                for j, other in enumerate(names):
                    share = float(by_arm[i, j] / by_arm[i].sum()) * PERCENT
                    count = rounded(float(by_arm[i, j]) / source.n_replications)
                    rows.append({"arm": arm, "from": tier, "to": other, "count": count, "mean": rounded(share)})
    return rows


def _percentage(flow: Row) -> str:
    share = flow["mean"]
    if not share:
        return ""
    return f"{share:.0f}" if share >= 99.95 else f"{share:.1f}" if share >= 0.05 else "< .1"


@one_run("Mobility", 110)
def mobility(source: Numbers) -> Chart:
    """Moves of accounts from deciles of followers at day 0 to those at the end, and what changes in them."""
    table = source.chosen("transitions", ["decile_start", "decile_end", "n"])
    place = (table["decile_start"].to_numpy() - 1) * 10 + table["decile_end"].to_numpy() - 1
    counts = source.sums(source.unit(table), place.astype(np.int64), 100, table["n"].to_numpy())
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = counts / np.repeat(counts.reshape(*counts.shape[:2], 10, 10).sum(axis=3), 10, axis=2)
    levels, changes = source.means(shares), source.differences(shares)
    order = list(range(1, 11))
    data: list[Row] = []
    panels = []
    wanted = [("share", source.control, levels[source.control])]
    wanted += [("change", arm, points) for arm, points in changes.items()]
    for what, arm, points in wanted:
        mean_counts = counts[source.arms.index(arm)].mean(axis=0).tolist()
        own = [
            {"shown": what, "arm": arm, "start": i // 10 + 1, "end": i % 10 + 1, **point, "count": rounded(count)}
            for i, (point, count) in enumerate(zip(points, mean_counts, strict=True))
        ]
        data += own
        if arm in _shown(source):
            title = f"{arm} [% of the decile]" if what == "share" else f"{arm} against {source.control} [% points]"
            meaning = {"more": ACCENT, "less": LOSS} if what == "change" else {}
            titles = ("decile at day 0", "decile at the end")
            panels.append(Panel(title, _matrix(own, ("start", "end"), order, titles, _share), meaning, 260))
    return Chart(
        "mobility",
        "How accounts move between deciles of followers",
        "Of the accounts that were in a tenth of all at day 0 (10: the largest), the percentage in each tenth "
        f"at the end under {source.control}; then the paired differences of these percentages.{_left_out(source)}",
        panels,
        data,
    )


def _share(cell: Row) -> str:
    """Text in a cell of the deciles: empty where the share is close to 0."""
    number, is_change = cell["mean"], cell["shown"] == "change"
    if number is None or abs(number) < (0.1 if is_change else 0.5):
        return ""
    return f"{number:+.1f}" if is_change else f"{number:.0f}"
