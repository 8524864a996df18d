"""Charts of who has gained: accounts by initial rank, agencies by size, verticals, and where exposure came from."""

from __future__ import annotations

import altair as alt
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from sim.analysis.concentration import head_size
from sim.report.charts.chart import (
    EMPTY_COLOUR,
    NEUTRAL,
    PALETTE,
    POINTS,
    Chart,
    Panel,
    Row,
    inline_data,
    intervals,
    lines_axis,
    rounded,
    rows_high,
    scale_of,
    tooltip,
)
from sim.report.charts.declared import one_run
from sim.report.charts.numbers import Ints, Numbers, by_group
from sim.scenario.schema.measurable import GROUPS, MIDDLE_AGENCY, SMALL_AGENCY
from sim.store.columns import exposure_column
from sim.types import Floats

__all__ = ["agencies", "gains", "surfaces", "verticals"]

CLASSES = ((0.01, "largest 1 %"), (0.05, "1 to 5 %"), (0.1, "5 to 10 %"), (0.2, "10 to 20 %"), (0.5, "20 to 50 %"))
SMALLEST, NEWCOMERS = "smallest 50 %", "newcomers"
AGENCIES = dict(
    zip(
        GROUPS["agency"],
        (f"up to {SMALL_AGENCY}", f"{SMALL_AGENCY + 1} to {MIDDLE_AGENCY}", f"over {MIDDLE_AGENCY}"),
        strict=True,
    )
)


def _initial_ranks(source: Numbers, table: pa.Table, unit: Ints) -> Ints:
    """Rank of each account by followers at day 0, from 0, in its arm and replication; -1 for later ones."""
    later = pc.is_valid(table["joined_days"]).to_numpy()
    followers = table["followers_start"].to_numpy()
    order = np.lexsort((-followers, later, unit))  # stable: of equal accounts the first ranks highest
    first = np.searchsorted(unit[order], np.arange(len(source.arms) * source.n_replications))
    rank = np.empty(unit.size, np.int64)
    rank[order] = np.arange(unit.size) - first[unit[order]]
    return np.where(later, -1, rank)


def _dots(
    rows: list[Row], categories: list[str], colours: dict[str, str], title: str, field: str, *, zero: bool
) -> alt.LayerChart:
    """Means with their intervals, a row for each category, and in it one for each arm."""
    y = alt.Y("group:N", sort=categories, axis=alt.Axis(title=field))
    offset = alt.YOffset("arm:N", sort=list(colours), scale=alt.Scale(paddingOuter=0.4))
    colour = alt.Color("arm:N", scale=scale_of(colours))
    shown = alt.Chart(inline_data(rows)).encode(
        y=y, yOffset=offset, color=colour, tooltip=tooltip("group", "arm", digits=".4g")
    )
    return intervals(shown, title, zero=zero)


def _change_of_shares(
    source: Numbers, label: str, groups: list[str], values: Floats, order: list[str], field: str
) -> tuple[list[Row], Panel]:
    """How the shares of groups differ from the control's: rows, and the panel that shows them in this order."""
    rows = by_group(source.differences(values), groups, quantity=label)
    colours = source.of_compared()
    drawn = _dots(rows, order, colours, POINTS, field, zero=True)
    return rows, Panel(f"Change of the share of {label}", drawn, colours, _height(groups, colours))


def _shares(amounts: Floats) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Floats = amounts / amounts.sum(axis=2, keepdims=True)
    return found


def _height(groups: list[str], colours: dict[str, str]) -> int:
    return rows_high(len(groups) * max(1, (len(colours) + 1) // 2))


@one_run("Who gained", 30)
def gains(source: Numbers) -> Chart | None:
    """Who gained and who lost: change of the share of accounts by their rank at day 0."""
    if not source.compared:
        return None
    columns = ["joined_days", "followers_start", "followers_end", "exposure_reserved", "exposure_organic"]
    table = source.chosen("influencers", columns)
    unit = source.unit(table)
    rank = _initial_ranks(source, table, unit)
    n = int(source.scenario["influencers"]["count"])
    bounds = [head_size(n, share) for share, _ in CLASSES]
    groups = [name for _, name in CLASSES] + [SMALLEST, NEWCOMERS]
    place = np.where(rank < 0, len(groups) - 1, np.searchsorted(bounds, rank, side="right"))
    exposure = table["exposure_reserved"].to_numpy() + table["exposure_organic"].to_numpy()
    panels, data = [], []
    for label, amounts in (
        ("followers at the end", table["followers_end"].to_numpy()),
        ("exposure, whole run", exposure),
    ):
        added = source.sums(unit, place, len(groups), amounts)
        here = [i for i in range(len(groups)) if np.any(added[:, :, i])]
        names = [groups[i] for i in here]
        rows, panel = _change_of_shares(source, label, names, _shares(added)[:, :, here], names, "rank at day 0")
        data += rows
        panels.append(panel)
    return Chart(
        "gains",
        "Who gained and who lost, by rank at day 0",
        f"Share of all followers, or of all exposure, held by the accounts that had this rank by followers at day 0: "
        f"its paired difference to {source.control} with the 95 % interval. The changes of an arm add up to 0. "
        "Exposure includes the warm-up.",
        panels,
        data,
    )


@one_run("Verticals", 100)
def verticals(source: Numbers) -> Chart | None:
    """Share of followers and of exposure by vertical, and what changes in it."""
    names = list(source.scenario["verticals"])
    if len(names) < 2:
        return None
    columns = ["vertical", "followers_start", "followers_end", "exposure_reserved", "exposure_organic"]
    table = source.chosen("influencers", columns)
    unit = source.unit(table)
    place = pc.index_in(table["vertical"], pa.array(names)).to_numpy().astype(np.int64)
    start = _shares(source.sums(unit, place, len(names), table["followers_start"].to_numpy()))
    end = _shares(source.sums(unit, place, len(names), table["followers_end"].to_numpy()))
    reserved, organic = (table[f"exposure_{kind}"].to_numpy() for kind in ("reserved", "organic"))
    exposure = _shares(source.sums(unit, place, len(names), reserved + organic))
    levels: list[Row] = []
    shown = (("followers at day 0", start), ("followers at the end", end), ("exposure, whole run", exposure))
    for label, values in shown:
        levels += by_group({source.control: source.means(values)[source.control]}, names, quantity=label)
    of_what = {"followers at day 0": NEUTRAL, "followers at the end": PALETTE[0], "exposure, whole run": PALETTE[1]}
    order = sorted(names, key=lambda name: -max(row["mean"] or 0 for row in levels if row["group"] == name))
    shares = (
        alt.Chart(inline_data(levels))
        .mark_point(size=55, filled=True, opacity=1)
        .encode(
            x=alt.X("mean:Q", title="share [%]", scale=alt.Scale(zero=True)),
            y=alt.Y("group:N", sort=order, axis=alt.Axis(title="vertical")),
            color=alt.Color("quantity:N", scale=scale_of(of_what)),
            shape=alt.Shape("quantity:N", sort=list(of_what), legend=None),
            tooltip=["group:N", "quantity:N", alt.Tooltip("mean:Q", format=".2f")],
        )
    )
    panels = [Panel(f"Shares under {source.control}", shares, of_what, rows_high(len(names)))]
    data = levels
    for label, values in shown[1:] if source.compared else ():
        rows, panel = _change_of_shares(source, label, names, values, order, "vertical")
        data = data + rows
        panels.append(panel)
    return Chart(
        "verticals",
        "How followers and exposure are spread over verticals",
        f"Verticals by their largest share; then the paired difference of the shares to {source.control}, with 95 % "
        "intervals. Exposure includes the warm-up.",
        panels,
        data,
    )


@one_run("Agencies", 90)
def agencies(source: Numbers) -> Chart | None:
    """Growth of agencies' followers by their size at day 0."""
    if not source.scenario["agencies"]:
        return None
    values = source.at_end("agency", "followers", "growth", list(AGENCIES))
    held = [i for i in range(len(AGENCIES)) if not np.all(np.isnan(values[:, :, i]))]
    groups, values = [list(AGENCIES.values())[i] for i in held], values[:, :, held]
    if not groups:
        return None
    growth = by_group(source.means(values), groups, shown="growth")
    changes = by_group(source.differences(values), groups, shown="change")
    title = "accounts at day 0"
    drawn = _dots(growth, groups, source.colours, "growth [%]", title, zero=False)
    panels = [Panel("Growth from day 0 to the end", drawn, source.colours, _height(groups, source.colours))]
    if changes:
        drawn = _dots(changes, groups, source.colours, "change of the growth [% points]", title, zero=True)
        panels.append(Panel(f"Change against {source.control}", drawn, source.colours, _height(groups, source.colours)))
    return Chart(
        "agencies",
        "How the followers of agencies grow, by size",
        "Agencies by the accounts that they had at day 0; followers of the accounts that they have under contract at "
        "the time. 95 % intervals, of the mean on the left, of the paired difference on the right.",
        panels,
        growth + changes,
    )


@one_run("Surfaces", 50)
def surfaces(source: Numbers) -> Chart:
    """Exposure by surface, organic and support, and the head's share of each."""
    names = list(source.scenario["surfaces"])
    parts = ("organic slots", "reserved slots", "slots for custom products", "empty")
    table = source.chosen("surfaces", ["surface", "n_slots", "n_reserved", "n_empty", "n_custom"])
    unit = source.unit(table)
    place = pc.index_in(table["surface"], pa.array(names)).to_numpy().astype(np.int64)
    count = {name: table[f"n_{name}"].to_numpy() for name in ("slots", "reserved", "empty", "custom")}
    # Where a policy supports no account, the empty slots are reserved ones.
    organic = np.maximum(count["slots"] - count["reserved"] - count["custom"] - count["empty"], 0)
    reserved = count["slots"] - organic - count["custom"] - count["empty"]
    split = [source.sums(unit, place, len(names), n) for n in (organic, reserved, count["custom"], count["empty"])]
    colours = dict(zip(parts, (*PALETTE[:3], EMPTY_COLOUR), strict=True))
    data: list[Row] = [
        {"shown": "slots", "arm": arm, "group": name, "part": part, "mean": rounded(float(by_arm[:, i].mean()) / 1e6)}
        for part, values in zip(parts, split, strict=True)
        for arm, by_arm in zip(source.arms, values, strict=True)
        for i, name in enumerate(names)
    ]
    used = {part: colour for part, colour in colours.items() if any(row["mean"] for row in data if row["part"] == part)}
    panels = []
    arm = (source.compared or source.arms)[0]
    total = {name: sum(row["mean"] or 0 for row in data if (row["arm"], row["group"]) == (arm, name)) for name in names}
    label = {name: f"{name}\n{total[name]:.3g} million" for name in names}
    offered = [
        row | {"place": parts.index(row["part"]), "label": label[row["group"]]} for row in data if row["arm"] == arm
    ]
    bars = (
        alt.Chart(inline_data(offered))
        .mark_bar()
        .encode(
            x=alt.X("mean:Q", stack="normalize", title="slots [%]", axis=alt.Axis(format=".0%")),
            y=alt.Y("label:N", sort=list(label.values()), axis=lines_axis()),
            color=alt.Color("part:N", scale=scale_of(used)),
            order=alt.Order("place:Q"),
            tooltip=["group:N", "part:N", alt.Tooltip("mean:Q", format=".4f", title="million slots")],
        )
    )
    panels.append(Panel(f"Slots offered in a replication, arm {arm}", bars, used, rows_high(2 * len(names))))
    where = [*names, "all organic", "all reserved"]
    shares = _head_shares(source, names, where)
    drawn = _dots(shares, where, source.colours, "share [%]", "where", zero=False)
    panels.append(Panel("Day 0's head: its share of exposure", drawn, source.colours, _height(where, source.colours)))
    return Chart(
        "surfaces",
        "Where exposure comes from: surfaces, organic and reserved slots",
        "All arms offer the same slots; they differ in who gets the reserved ones. What matters is how much less "
        "of the reserved slots goes to day 0's largest 1 % of accounts than of the organic ones. Over the whole run, "
        "the warm-up included, when reserved slots are still filled organically.",
        panels,
        data + [{"shown": "head's share", "part": None, **row} for row in shares],
    )


def _head_shares(source: Numbers, surfaces: list[str], groups: list[str]) -> list[Row]:
    """Share of day 0's head in the exposure on each surface, in organic and in reserved slots [%]."""
    columns = [*map(exposure_column, surfaces), "exposure_organic", "exposure_reserved"]
    table = source.chosen("influencers", ["joined_days", "followers_start", *columns])
    unit = source.unit(table)
    rank = _initial_ranks(source, table, unit)
    k = head_size(int(source.scenario["influencers"]["count"]), 0.01)
    in_head: NDArray[np.int64] = np.where((rank >= 0) & (rank < k), 0, 1)
    rows: list[Row] = []
    for group, column in zip(groups, columns, strict=True):
        share = _shares(source.sums(unit, in_head, 2, table[column].to_numpy()))[:, :, :1]
        rows += by_group(source.means(share), [group])
    return rows
