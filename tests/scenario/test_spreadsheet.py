"""CSV files that we write are safe to open in a spreadsheet, and our own reader gives back what was written."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.small_runs import ROSTER, TINY, sim, write

from sim.report.charts.chart import Chart
from sim.scenario import FollowGraph, read_edges
from sim.scenario.read.spreadsheet import cell, text_of

pytestmark = pytest.mark.quick

STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
FORMULAS = (
    "=HYPERLINK(1)",
    "+cmd",
    "-x",
    "@SUM(1)",
    "'=1+1",
    "''+a",
    "\uff1d1",
    "-1-1",
    "+1e",
    "1",
    "-5",
    "'tis",
    "a=b",
)
names = st.text(st.sampled_from("='+-@\uff1d1.eEab ,\"") | st.characters(exclude_categories=["Cs"]), max_size=8)


@given(names)
def test_every_text_comes_back_from_its_cell(text: str) -> None:
    assert text_of(cell(text)) == text


@given(names)
def test_no_cell_begins_like_a_formula_unless_it_is_a_number(text: str) -> None:
    written = cell(text)
    if written.startswith(STARTS):
        float(written)  # raises unless it is a number
    assert written in (text, f"'{text}")


@pytest.mark.parametrize("text", ["", "0", "-5", "+1.5", "-1e-9", "1.", "ann", "'tis", "a=b", "头部"])
def test_numbers_and_plain_names_are_written_as_they_are(text: str) -> None:
    assert cell(text) == text


def test_a_follow_graph_with_names_like_formulas_comes_back(tmp_path: Path) -> None:
    graph = FollowGraph(FORMULAS, FORMULAS[::-1], list(range(13)), list(range(13)))  # type: ignore[arg-type]
    graph.write_edges(tmp_path / "edges.csv")
    assert read_edges(tmp_path / "edges.csv").follows() == graph.follows()
    lines = (tmp_path / "edges.csv").read_text().splitlines()
    assert "'=HYPERLINK(1),a=b" in lines
    assert not any(re.match(r"[=@\uff1d]|[+-][^0-9]", entry) for row in csv.reader(lines) for entry in row)


def test_names_like_formulas_of_others_are_read_as_they_are(tmp_path: Path) -> None:
    write(tmp_path, "fan,influencer\n=a,@b\n'tis,-c\n", "edges.csv")
    assert read_edges(tmp_path / "edges.csv").follows() == [("=a", "@b"), ("'tis", "-c")]


def test_the_command_writes_a_graph_that_it_reads_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, ROSTER.replace("account 1,", "=1+1,").replace("account 2,", "@b,"), "r.csv")
    write(tmp_path, TINY.replace("count = 20\n", 'roster = "r.csv"\n'))
    assert sim("graph", "x.toml", "--out", "edges.csv").code == 0
    text = (tmp_path / "edges.csv").read_text()
    assert ",'=1+1\n" in text
    assert ",=1+1\n" not in text
    write(
        tmp_path, (tmp_path / "x.toml").read_text().replace("follows_per_fan = 4.0\n", "").replace("count = 60\n", "")
    )
    assert sim("graph", "x.toml", "--graph", "edges.csv", "--day", "0", "--out", "again.csv").code == 0
    assert sorted((tmp_path / "again.csv").read_text().splitlines()) == sorted(text.splitlines())


def test_the_data_of_a_chart_contain_no_formula_and_numbers_stay_numbers() -> None:
    data = [{"account": "=1+1", "change": -0.5}, {"account": "ann", "change": None}]
    chart = Chart("gains", "Who gains", "A caption.", [], data)
    assert chart.csv().splitlines() == ["account,change", "'=1+1,-0.5", "ann,"]
