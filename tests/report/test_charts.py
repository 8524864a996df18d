"""What charts show: the numbers of the run's tables, added up rightly; that every run can be drawn, in few rows."""

from __future__ import annotations

import csv
import io
import json
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from support.small_runs import NOBODY, PLACEBO, TINY, run_of

import sim
from sim.errors import ArgumentError
from sim.report.catalogue import chart_of, charts, charts_of_several
from sim.report.charts.chart import EMPTY_COLOUR, NEUTRAL, PALETTE, Chart
from sim.report.charts.numbers import Numbers
from sim.results.run import Run
from sim.store import columns

RICH = (
    TINY.replace("horizon_days = 20", "horizon_days = 60").replace("replications = 3", "replications = 4")
    + """
[entry]
newcomers_per_month = 4.0

[verticals.beauty]
share = 0.7

[verticals.digital]
share = 0.3

[support.tiers.larger]
weight = 3.0
over_followers = 60_000

[surfaces.feed]
kind = "feed"
session_share = 0.4
"""
).replace("session_share = 1.0", "session_share = 0.6")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run with two verticals, two tiers, two surfaces and newcomers."""
    return run_of(tmp_path_factory.mktemp("rich"), RICH)


def chart(run: Run, name: str) -> Chart:
    found = chart_of([run], name)
    assert found is not None
    return found


def rows(chart: Chart, **about: Any) -> list[dict[str, Any]]:
    return [row for row in chart.data if all(row[key] == value for key, value in about.items())]


def primary(run: Run, arm: str, quantity: str) -> dict[str, Any]:
    (row,) = (
        row
        for row in run.answer()
        if (row["arm"], row["control"], row["quantity"], row["measure"]) == (arm, "none", quantity, "head_share_01")
        and (row["population"], row["level"]) == ("all", "influencer")
        and row["window_days"] in (None, 60.0)
    )
    return row


# The numbers


@pytest.mark.parametrize("arm", ["tiered", "uniform"])
def test_the_last_day_of_the_head_share_is_the_comparison_at_the_end(run: Run, arm: str) -> None:
    (point,) = rows(chart(run, "head-share"), quantity="followers", shown="change", arm=arm, day=60.0)
    row = primary(run, arm, "followers")
    wanted = [100 * row[key] for key in ("difference", "ci_low", "ci_high")]
    assert [point["mean"], point["low"], point["high"]] == pytest.approx(wanted, rel=1e-6)
    (level,) = rows(chart(run, "head-share"), quantity="followers", shown="share", arm=arm, day=60.0)
    assert level["mean"] == pytest.approx(100 * row["mean_arm"], rel=1e-6)


def test_dots_of_replications_have_the_comparisons_mean(run: Run) -> None:
    data = chart(run, "differences")
    for arm in ("tiered", "uniform"):
        for label, quantity in (("followers at the end", "followers"), ("exposure, last 60 days", "exposure")):
            dots = [row["change"] for row in rows(data, quantity=label, arm=arm, control="none")]
            assert len(dots) == 4
            assert np.mean(dots) == pytest.approx(100 * primary(run, arm, quantity)["difference"], rel=1e-6)


def test_who_gained_is_what_a_plain_reading_of_the_table_says(run: Run) -> None:
    def shares(arm: str, replication: int) -> dict[str, float]:
        table = [
            row
            for row in run.table("influencers").to_pylist()
            if (row["arm"], row["replication"]) == (arm, replication)
        ]
        first = sorted((row for row in table if row["joined_days"] is None), key=lambda row: -row["followers_start"])
        assert len(first) == 20
        groups = {"largest 1 %": first[:1], "5 to 10 %": first[1:2], "10 to 20 %": first[2:4]}
        groups |= {"20 to 50 %": first[4:10], "smallest 50 %": first[10:]}
        groups["newcomers"] = [row for row in table if row["joined_days"] is not None]
        total = sum(row["followers_end"] for row in table)
        return {name: sum(row["followers_end"] for row in members) / total for name, members in groups.items()}

    data = chart(run, "gains")
    change: dict[str, list[float]] = defaultdict(list)
    for replication in range(4):
        arm, control = shares("tiered", replication), shares("none", replication)
        for group, share in arm.items():
            change[group].append(100 * (share - control[group]))
    found = {row["group"]: row["mean"] for row in rows(data, quantity="followers at the end", arm="tiered")}
    assert found == pytest.approx({group: np.mean(values) for group, values in change.items()}, abs=1e-6)
    for arm in ("tiered", "uniform"):
        for quantity in ("followers at the end", "exposure, whole run"):
            assert sum(row["mean"] for row in rows(data, quantity=quantity, arm=arm)) == pytest.approx(0, abs=1e-6)


def test_lorenz_curves_rise_from_nothing_to_everything_and_differ_nowhere_at_their_ends(run: Run) -> None:
    data = chart(run, "lorenz")
    for quantity in ("followers at the end", "exposure, last 60 days"):
        for arm in ("none", "tiered", "uniform"):
            curve = rows(data, quantity=quantity, arm=arm)
            held = [row["held"] for row in curve]
            assert (held[0], held[-1]) == (0, 100)
            assert held == sorted(held)
            if arm != "none":
                assert (curve[0]["change"], curve[-1]["change"]) == (0, 0)
                assert any(row["change"] for row in curve)


def test_slots_of_all_kinds_add_up_to_those_offered(run: Run) -> None:
    data = chart(run, "surfaces")
    table = run.table("surfaces").to_pylist()
    for arm in ("none", "tiered"):
        for surface in ("find", "feed"):
            slots = [row["n_slots"] for row in table if (row["arm"], row["surface"]) == (arm, surface)]
            parts = {row["part"]: row["mean"] for row in rows(data, shown="slots", arm=arm, group=surface)}
            assert sum(parts.values()) == pytest.approx(np.mean(slots) / 1e6, rel=1e-6)
            reserved = [row["n_reserved"] for row in table if (row["arm"], row["surface"]) == (arm, surface)]
            assert parts["reserved slots"] == pytest.approx(np.mean(reserved) / 1e6, abs=2e-6)
    assert all(0 <= row["mean"] <= 100 for row in rows(data, shown="head's share"))


def test_moves_between_tiers_and_between_deciles_count_every_account(run: Run) -> None:
    moves = chart(run, "tiers")
    for arm in ("none", "tiered", "uniform"):
        assert sum(row["count"] for row in rows(moves, shown="agencies", arm=arm)) == pytest.approx(3)
        for tier in {row["from"] for row in rows(moves, shown="moves", arm=arm)}:
            flow = rows(moves, shown="moves", arm=arm, **{"from": tier})
            assert sum(row["mean"] for row in flow) == pytest.approx(100, rel=1e-6)
    mobility = chart(run, "mobility")
    for decile in range(1, 11):
        assert sum(row["mean"] for row in rows(mobility, shown="share", start=decile)) == pytest.approx(100, rel=1e-6)
        changes = rows(mobility, shown="change", arm="tiered", start=decile)
        assert sum(row["mean"] for row in changes) == pytest.approx(0, abs=1e-5)


def test_shares_of_verticals_are_of_everything(run: Run) -> None:
    data = chart(run, "verticals")
    for quantity in ("followers at day 0", "followers at the end", "exposure, whole run"):
        assert sum(row["mean"] for row in rows(data, quantity=quantity, arm="none")) == pytest.approx(100, rel=1e-6)
    changes = [row["mean"] for row in rows(data, quantity="followers at the end", arm="tiered")]
    assert sum(changes) == pytest.approx(0, abs=1e-6)


def test_growth_of_agencies_is_the_measure_of_that_name(run: Run) -> None:
    table = [
        row["value"]
        for row in run.table("measures").to_pylist()
        if (row["level"], row["population"], row["measure"], row["time_days"])
        == ("agency", "small_agencies", "growth", 60)
        and row["arm"] == "tiered"
    ]
    (point,) = rows(chart(run, "agencies"), shown="growth", group="up to 5", arm="tiered")
    assert point["mean"] == pytest.approx(100 * np.mean(table), rel=1e-6)


def test_the_parts_of_a_change_add_up_to_it(run: Run) -> None:
    moved = {pair: means[0] for pair, means in Numbers(run).answer.moved()}
    for (arm, control), change in moved.items():
        parts = [row["change"] for row in rows(chart(run, "decomposition"), arm=arm, control=control)]
        assert sum(parts) == pytest.approx(100 * change, abs=1e-6)


def test_claims_are_drawn_in_units_of_their_margins(run: Run) -> None:
    (claim,), (row,) = run.claims(), chart(run, "claims").data
    assert row["mean"] == pytest.approx(claim["estimate"] / claim["margin"], rel=1e-6)
    assert row["verdict"] == claim["verdict"]


# Every run can be drawn


def valid(chart: Chart) -> None:
    """A chart's specifications have no number that JSON doesn't know, its data come back from CSV."""
    for panel in chart.panels:
        json.dumps(chart.spec(panel), allow_nan=False)
    read = list(csv.DictReader(io.StringIO(chart.csv())))
    assert len(read) == len(chart.data)
    assert chart.title
    assert chart.caption.endswith(".")


SHORT = TINY.replace("horizon_days = 20", "horizon_days = 1").replace("warmup_days = 5", "warmup_days = 0")
KINDS = {
    "rich": RICH,
    "tiny": TINY,
    "one day": SHORT,
    "one replication": TINY.replace("replications = 3", "replications = 1"),
    "one arm": TINY.split("[arms.tiered]")[0],
    "an arm not compared": TINY + NOBODY + PLACEBO,
    "nothing happens": TINY.replace("sessions_per_day = 0.5", "sessions_per_day = 0.0"),
    "no agencies": TINY.split("[agencies.all]")[0]
    + "[surfaces.find]"
    + TINY.split("[surfaces.find]")[1].split("[arms.tiered]")[0].replace("tiers.all.weight = 1.0\n", "")
    + '[arms.uniform]\nsupport.policy = "uniform"\n',
    "many arms": TINY + "".join(f'\n[arms.a{i}]\nsupport.policy = "tail"\n' for i in range(12)),
}


DRAWN = ("rich", "nothing happens")
"""The kinds whose charts are drawn too, which takes a second each."""


@pytest.mark.parametrize("kind", KINDS)
def test_every_chart_of_every_kind_of_run_is_valid(tmp_path: Path, kind: str) -> None:
    run = run_of(tmp_path, KINDS[kind])
    found = {name: drawn for name in charts() if (drawn := chart_of([run], name)) is not None}
    for chart in found.values():
        valid(chart)
        assert kind not in DRAWN or chart.svg().startswith(b"<svg")
    assert {"head-share", "surfaces", "mobility"} <= set(found)
    assert ("gains" in found) == (kind not in ("one arm",))
    assert ("tiers" in found) == (kind != "no agencies")
    assert ("verticals" in found) == (kind == "rich")


def test_charts_of_a_hundred_thousand_accounts_draw_aggregates_quickly(run: Run) -> None:
    n, arms, replications = 12_500, ("none", "tiered", "uniform"), 4
    small = run.table("influencers")
    large = {}
    for name in small.column_names:
        column = small[name].to_pylist()
        large[name] = [column[i % len(column)] for i in range(n * 12)]
    large["arm"] = np.repeat(arms, n * replications).tolist()
    large["replication"] = np.tile(np.repeat(np.arange(replications), n), 3).tolist()
    large["joined_days"] = [None] * (n * 12)
    extra = [name for name in small.column_names if name in ("exposure_find", "exposure_feed")]
    grown = Run(run.path, json.loads(json.dumps(run.manifest)))
    grown._tables["influencers"] = columns.table_of("influencers", large, extra)
    assert grown.table("influencers").num_rows == 150_000
    grown.manifest["scenario"]["influencers"]["count"] = n
    for name in ("gains", "verticals", "surfaces"):
        started = time.perf_counter()
        drawn = chart(grown, name)
        assert time.perf_counter() - started < 2
        assert len(drawn.data) < 200


# Several runs, and the verbs


def test_runs_that_differ_in_two_keys_form_a_grid(tmp_path: Path) -> None:
    runs = [
        run_of(tmp_path, TINY.replace("share = 0.3", f"share = {share}").replace("seed = 3", f"seed = {seed}"), out=out)
        for out, share, seed in (("a", 0.1, 3), ("b", 0.3, 3), ("c", 0.1, 4), ("d", 0.3, 4))
    ]
    found = chart_of(runs, "grid")
    assert found is not None
    valid(found)
    assert found.title == "tiered against none over seed and support.share"
    cells = {(row["seed"], row["support.share"]) for row in found.data}
    assert cells == {("3", "0.1"), ("3", "0.3"), ("4", "0.1"), ("4", "0.3")}
    (cell,) = (
        row for row in found.data if (row["run"], row["quantity"]) == ("d", "followers") and row["arm"] == "tiered"
    )
    (row,) = (
        row
        for row in runs[3].answer()
        if (row["arm"], row["control"], row["quantity"], row["measure"], row["level"], row["population"])
        == ("tiered", "none", "followers", "head_share_01", "influencer", "all")
    )
    assert cell["mean"] == pytest.approx(100 * row["difference"], rel=1e-6)
    assert chart_of(runs[:3], "grid") is None
    assert chart_of(runs[:2], "grid") is None


def test_runs_with_other_arms_are_listed_pair_by_pair(run: Run, tmp_path: Path) -> None:
    other = run_of(tmp_path, TINY + PLACEBO)
    alike, unlike = chart_of([run, run], "runs"), chart_of([run, other], "runs")
    assert alike is not None
    assert unlike is not None
    assert list(alike.panels[0].colours) == ["tiered against none", "uniform against none", "tiered against uniform"]
    assert len(unlike.panels[0].colours) == 2
    assert {row["run"] for row in unlike.data} == set(unlike.panels[0].colours)
    valid(alike)
    valid(unlike)


def test_the_python_verb_draws_a_chart_of_a_run_or_a_folder(run: Run) -> None:
    assert sim.chart(run, "lorenz").to_dict() == sim.chart(run.path, "lorenz").to_dict()
    assert sim.chart([run, run.path], "runs").to_dict()["vconcat"]
    with pytest.raises(ArgumentError, match="name must be differences, head-share, gains, "):
        sim.chart(run, "lorens")
    with pytest.raises(ValueError, match="runs must be one for the chart 'lorenz', got 2"):
        sim.chart([run, run], "lorenz")
    with pytest.raises(ValueError, match="nothing to show in the chart 'grid'"):
        sim.chart([run, run], "grid")


def test_every_chart_of_a_run_has_a_link_on_its_page() -> None:
    assert all(chart.link for chart in charts().values())
    assert not set(charts()) & set(charts_of_several())


def test_asking_for_some_columns_gives_these(run: Run) -> None:
    assert Run.read(run.path).table("surfaces", ["surface", "n_slots"]).column_names == ["surface", "n_slots"]
    whole = run.table("surfaces")
    assert isinstance(whole, pa.Table)
    assert run.table("surfaces", ["n_slots"]).equals(whole.select(["n_slots"]))


def test_panels_whose_colours_mean_other_things_keep_them_apart_in_a_picture(run: Run) -> None:
    apart, alike = chart(run, "verticals"), chart(run, "lorenz")
    assert (apart.colours, alike.colours) == (None, alike.panels[0].colours)
    for found, wanted in ((apart, "independent"), (alike, "shared")):
        whole = found.whole().to_dict()
        assert {part["resolve"]["scale"]["color"] for part in (whole, *whole["vconcat"])} == {wanted}


def test_the_control_and_zero_lines_are_read_on_white_and_on_black_and_differ_from_what_is_empty() -> None:
    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))

    assert 1.05 / (luminance(NEUTRAL) + 0.05) >= 4.5
    assert (luminance(NEUTRAL) + 0.05) / 0.05 >= 4.5
    assert len({NEUTRAL, EMPTY_COLOUR, *PALETTE}) == 2 + len(PALETTE)
