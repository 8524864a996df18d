"""Charts of concentration: Lorenz curves, the head's share over time, paired differences, why they moved, claims."""

from __future__ import annotations

from typing import Any

import altair as alt
import numpy as np

from sim.report.charts.chart import (
    NEUTRAL,
    PALETTE,
    POINTS,
    Chart,
    Panel,
    Row,
    inline_data,
    layered,
    lines_axis,
    pair_name,
    rounded,
    rows_high,
    scale_of,
    tooltip,
    zero_line,
)
from sim.report.charts.declared import one_run
from sim.report.charts.numbers import PERCENT, Numbers, point
from sim.types import Floats

__all__ = ["claims", "decomposition", "differences", "head_share", "lorenz"]

SHARE_TITLE = "share that they hold [%]"
MOVED = ("arm", "accounts", "change", "low", "high")
MOST_BANDS = 5
"""Bands of levels that can be distinguished: populations differ far more than arms do."""


def _band_and_line(rows: list[Row], colours: dict[str, str], x: alt.X, y: str, title: str, *, zero: bool) -> Any:
    """Means as lines in bands of their intervals, a line for each arm; levels of many arms have no bands."""
    colour = alt.Color("arm:N", scale=scale_of(colours))
    scale = alt.Scale(zero=False)
    shared = alt.Chart(inline_data(rows)).encode(x=x, color=colour)
    shown = [alt.Tooltip("arm:N"), *(alt.Tooltip(f"{key}:Q", format=".4f") for key in (y, "low", "high"))]
    layers = [zero_line("y", title)] if zero else []
    if zero or len(colours) <= MOST_BANDS:
        ends = {"y": alt.Y("low:Q", title=title, scale=scale), "y2": alt.Y2("high:Q")}
        layers.append(shared.mark_area(opacity=0.16).encode(**ends))
    layers.append(shared.mark_line(strokeWidth=2).encode(y=alt.Y(f"{y}:Q", title=title, scale=scale), tooltip=shown))
    return layered(*layers)


@one_run("Lorenz curves", 40)
def lorenz(source: Numbers) -> Chart | None:
    """Lorenz curves of followers at the end and of exposure, and what support changes in them."""
    data: list[Row] = []
    panels = []
    quarter = min(90.0, source.run.horizon_days)
    wanted = (("followers at the end", "followers", None), (f"exposure, last {quarter:.0f} days", "exposure", quarter))
    for label, quantity, window in wanted:
        table = source.chosen(
            "lorenz",
            ["holder_share", "amount_share"],
            time_days=source.run.horizon_days,
            window_days=window,
            quantity=quantity,
        )
        if not table.num_rows:
            continue
        share, place = np.unique(table["holder_share"].to_numpy(), return_inverse=True)
        values = source.pivoted(table, place.astype(np.int64), share.size, "amount_share")
        own = _lorenz_rows(source, label, share, values)
        data += own
        x = alt.X("accounts:Q", title="accounts, smallest first [%]", scale=alt.Scale(domain=[0, 100]))
        equal = alt.Chart(inline_data([{"accounts": 0, "held": 0}, {"accounts": 100, "held": 100}])).mark_line(
            color=NEUTRAL, strokeDash=[3, 3], strokeWidth=1
        )
        equal = equal.encode(x=x, y=alt.Y("held:Q", title=SHARE_TITLE))
        curve_of = alt.Chart(inline_data([{k: row[k] for k in ("arm", "accounts", "held")} for row in own])).mark_line()
        curve_of = curve_of.encode(
            x=x,
            y=alt.Y("held:Q", title=SHARE_TITLE, scale=alt.Scale(domain=[0, 100])),
            color=alt.Color("arm:N", scale=scale_of(source.colours)),
            tooltip=["arm:N", alt.Tooltip("accounts:Q"), alt.Tooltip("held:Q", format=".2f")],
        )
        panels.append(Panel(f"Lorenz curves of {label}", layered(equal, curve_of), source.colours))
        if source.compared:
            moved = [{k: row[k] for k in MOVED} for row in own if row["arm"] in source.compared]
            drawn = _band_and_line(moved, source.colours, x, "change", POINTS, zero=True)
            panels.append(Panel(f"Change of the curve against {source.control}, {label}", drawn, source.colours))
    if not panels:
        return None
    return Chart(
        "lorenz",
        "How unequally followers and exposure are spread over accounts",
        "The further a curve sags below the dotted line of equal shares, the more the largest accounts hold. Where a "
        "change is above 0, all smaller accounts together hold more than under the control. Means over replications; "
        "bands: 95 % intervals of the paired difference, for each point alone.",
        panels,
        data,
    )


def _lorenz_rows(source: Numbers, label: str, share: Floats, values: Floats) -> list[Row]:
    """Points of the curves of a quantity, arm by arm, with what each differs by from the control's."""
    curves, changes = source.means(values), source.differences(values)
    rows: list[Row] = []
    for arm, curve in curves.items():
        nothing = [{"mean": None, "low": None, "high": None}] * share.size
        rows += [
            {
                "quantity": label,
                "arm": arm,
                "accounts": rounded(x * PERCENT),
                "held": level["mean"],
                "change": change["mean"],
                "low": change["low"],
                "high": change["high"],
            }
            for x, level, change in zip(share.tolist(), curve, changes.get(arm, nothing), strict=True)
        ]
    return rows


@one_run("Over time", 20)
def head_share(source: Numbers) -> Chart:
    """The head's share over time, and its paired difference to the control."""
    data: list[Row] = []
    panels = []
    for label, quantity, window in (("followers", "followers", None), ("exposure, trailing 30 days", "exposure", 30.0)):
        days, values = source.over_time(quantity, window)
        if not days:  # shorter than 30 days
            continue
        levels, changes = source.means(values), source.differences(values)
        x = alt.X("day:Q", title="time [days]", scale=alt.Scale(nice=False))
        for what, by_arm in (("share", levels), ("change", changes)):
            own = [
                {"quantity": label, "shown": what, "arm": arm, "day": day, **level}
                for arm, levels_of in by_arm.items()
                for day, level in zip(days, levels_of, strict=True)
            ]
            data += own
            if not own:
                continue
            is_change = what == "change"
            title = POINTS if is_change else "share of the largest 1 % [%]"
            drawn = _band_and_line(own, source.colours, x, "mean", title, zero=is_change)
            name = f"Change against {source.control}: {label}" if is_change else f"The head's share: {label}"
            panels.append(Panel(name, drawn, source.colours))
    return Chart(
        "head-share",
        "How the share of the largest 1 % of accounts develops",
        "Bands are 95 % intervals: of the paired difference where changes are shown, which the comparison is "
        "based on; of the mean where shares are, so they show how much populations differ (left out of many arms).",
        panels,
        data,
    )


@one_run("Every replication", 10)
def differences(source: Numbers) -> Chart | None:
    """The paired difference of each replication, by pair of arms, with mean and interval."""
    panels, data = [], []
    meaning = {"a replication": PALETTE[0], "mean and 95 % interval": PALETTE[1]}
    for place in range(2):
        rows = [rows[place] for rows in source.answer.primary.values() if len(rows) > place]
        if not rows:
            continue
        window = rows[0]["window_days"]
        label = "followers at the end" if window is None else f"exposure, last {window:.0f} days"
        own: list[Row] = []
        summary: list[Row] = []
        for row in rows:
            name = pair_name(row["arm"], row["control"])
            values = source.run.values(row["arm"], row) - source.run.values(row["control"], row)
            own += [
                {
                    "quantity": label,
                    "arm": row["arm"],
                    "control": row["control"],
                    "replication": r,
                    "change": rounded(value * PERCENT),
                }
                for r, value in enumerate(values.tolist())
            ]
            summary.append({"pair": name} | point(row))
        data += own
        y = alt.Y("pair:N", sort=[row["pair"] for row in summary], axis=lines_axis())
        x = alt.X("change:Q", title=POINTS, scale=alt.Scale(zero=True))
        drawn = [row | {"pair": pair_name(row["arm"], row["control"])} for row in own]
        dots = (
            alt.Chart(inline_data(drawn))
            .mark_circle(size=22, opacity=0.55, color=PALETTE[0])
            .encode(x=x, y=y, yOffset=alt.YOffset("replication:O"), tooltip=["pair:N", "replication:Q", "change:Q"])
        )
        of_means = alt.Chart(inline_data(summary)).encode(y=y, tooltip=tooltip("pair", digits=".3f"))
        rule = of_means.mark_rule(strokeWidth=2.5, color=PALETTE[1]).encode(x=alt.X("low:Q", title=POINTS), x2="high:Q")
        middle = of_means.mark_point(shape="diamond", filled=True, size=90, opacity=1, color=PALETTE[1]).encode(
            x=alt.X("mean:Q", title=POINTS)
        )
        height = max(rows_high(2 * len(summary)), 90)
        view = layered(zero_line("x", POINTS), dots, rule, middle)
        panels.append(Panel(f"Head share of {label}", view, meaning, height))
    if not panels:
        return None
    return Chart(
        "differences",
        "What every replication says: paired differences of the head's share",
        "A dot is a replication: both arms on the same people with the same random numbers. The diamond is their mean, "
        "the bar its 95 % interval.",
        panels,
        data,
    )


@one_run("Why it moved", 60)
def decomposition(source: Numbers) -> Chart | None:
    """Why the share of day 0's head moved."""
    parts = ("other accounts are followed", "more or fewer follows")
    data: list[Row] = [
        {"arm": arm, "control": control, "part": part, "change": rounded(value * PERCENT)}
        for (arm, control), (_, *by_part) in source.answer.moved()
        for part, value in zip(parts, by_part, strict=True)
    ]
    if not data:
        return None
    colours = dict(zip(parts, PALETTE, strict=False))
    drawn = [row | {"pair": pair_name(row["arm"], row["control"])} for row in data]
    names = list(dict.fromkeys(row["pair"] for row in drawn))
    bars = (
        alt.Chart(inline_data(drawn))
        .mark_bar()
        .encode(
            x=alt.X("sum(change):Q", title=POINTS),
            y=alt.Y("pair:N", sort=names, axis=lines_axis()),
            color=alt.Color("part:N", scale=scale_of(colours)),
            tooltip=["pair:N", "part:N", alt.Tooltip("change:Q", format=".3f")],
        )
    )
    return Chart(
        "decomposition",
        "Why the share of day 0's head moved",
        "The two parts add up to the change of the share of followers that day 0's largest 1 % of accounts hold at the "
        "end. Means over replications.",
        [Panel("Followers of day 0's head", layered(bars, zero_line("x", POINTS)), colours, rows_high(2 * len(names)))],
        data,
    )


@one_run("Claims", 70)
def claims(source: Numbers) -> Chart | None:
    """Each claim's estimate and adjusted interval, in units of its margin."""
    data = []
    for claim in source.run.claims():
        if claim["estimate"] is None or not claim["margin"]:
            continue
        names = {key: claim[key] for key in ("claim", "verdict", "direction")}
        data.append(names | point(claim, 1 / claim["margin"], "estimate"))
    if not data:
        return None
    verdicts = {"supported": PALETTE[2], "refuted": PALETTE[1], "negligible": NEUTRAL, "undecided": PALETTE[4]}
    verdicts = {name: colour for name, colour in verdicts.items() if any(row["verdict"] == name for row in data)}
    # A claim on money can lie thousands of margins away: beyond 10 margins the scale becomes logarithmic.
    scale = alt.Scale(type="symlog", constant=3, padding=20)
    reach = max(abs(row[key]) for row in data for key in ("mean", "low", "high") if row[key] is not None)
    steps = [step for n in range(9) for step in (10**n, 3 * 10**n) if step <= 3 * reach]
    ticks = sorted([0, *steps, *(-step for step in steps)])
    title = "change [margins of the claim]"
    x = alt.X("mean:Q", title=title, scale=scale, axis=alt.Axis(values=ticks))
    y = alt.Y("claim:N", sort=[row["claim"] for row in data], axis=alt.Axis(title=None))
    within = alt.Chart(inline_data([{"low": -1, "high": 1}])).mark_rect(color=NEUTRAL, opacity=0.18)
    within = within.encode(x=alt.X("low:Q", title=title), x2="high:Q")
    colour = alt.Color("verdict:N", scale=scale_of(verdicts))
    shown = alt.Chart(inline_data(data)).encode(
        y=y, color=colour, tooltip=["claim:N", "direction:N", "verdict:N", "mean:Q", "low:Q", "high:Q"]
    )
    bars = shown.mark_rule(strokeWidth=2.5).encode(x=alt.X("low:Q", title=title), x2="high:Q")
    points = shown.mark_point(filled=True, size=80, opacity=1).encode(x=x)
    return Chart(
        "claims",
        "How far each claim's change lies from its margin",
        "The grey strip is within the margin: too small to matter. Bars are adjusted 95 % intervals; a claim is "
        "supported where its interval lies wholly beyond the strip on the side that it states.",
        [Panel("Claims", layered(within, bars, points), verdicts, rows_high(len(data)))],
        data,
    )
