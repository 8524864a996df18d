"""Benchmarks at toy size: they run, all engines do the same work, and the figures are where readers look for them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.forms import short_and_long
from support.places import BENCHMARKS, PROJECT


def figures(script: str, tmp_path: Path, *options: str) -> dict[str, Any]:
    """What a benchmark writes."""
    file = tmp_path / "figures.json"
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    done = subprocess.run(
        [sys.executable, str(BENCHMARKS / script), *options, "--json", str(file)],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 80
    found: dict[str, Any] = json.loads(file.read_text())
    return found


def test_workload_w_is_the_same_work_on_every_engine_and_its_figures_are_written(tmp_path: Path) -> None:
    size = ("--fans", "4000", "--influencers", "300", "--days", "3", "--threads", "2", "--repeats", "1")
    found = figures("workload_w.py", tmp_path, *size)
    assert {name: found["workload"][name] for name in ("fans", "influencers", "days", "threads")} == {
        "fans": 4000, "influencers": 300, "days": 3, "threads": 2
    }  # fmt: skip
    means = found["per_session"]
    for engine in ("headshare", "simpy", "heapq", "numpy"):
        record = found[engine]
        assert record["sessions_per_s"] > 0
        assert record["peak_mb"] is None or record["peak_mb"] > 0
        assert record["fans"] == 4000
        assert record["sessions"] == pytest.approx(12_000, rel=0.1)
        assert means[engine]["impressions"] == 10
        # Of some 11,000 clicks: follows vary by 3 %, orders by 7 %.
        assert means[engine]["clicks"] == pytest.approx(means["simpy"]["clicks"], rel=0.06)
        assert means[engine]["follows"] == pytest.approx(0.1 * means[engine]["clicks"], rel=0.15)
        assert means[engine]["orders"] == pytest.approx(0.02 * means[engine]["clicks"], rel=0.3)
    assert set(found["ratios"]) == {"simpy", "heapq", "numpy"}


@short_and_long("rows", 20_000, 100_000)
def test_a_hundred_thousand_accounts_are_read_in_a_second_whatever_they_look_like(tmp_path: Path, rows: int) -> None:
    found = figures("rosters.py", tmp_path, "--rounds", "1", "--rows", str(rows))
    assert found["rows"] == rows
    assert set(found["seconds"]) == {"plain", "further", "written", "semicolons", "utf-16", "skipped", "parquet"}
    # On an idle core .4 to .8 s; the slack is for cores that other tests are at work on.
    assert found["seconds"]["plain"] < 3 * rows / 100_000
    assert max(found["seconds"].values()) < 5 * rows / 100_000
    for peak in found["peak_mb"].values():
        assert peak is None or peak < 150


def test_the_time_of_a_follow_of_day_0_is_written_for_each_number_of_fans(tmp_path: Path) -> None:
    found = figures("follows.py", tmp_path, "--fans", "20000,70000", "--follows", "4", "--rounds", "1")
    assert list(found["ns_per_follow"]) == ["20000", "70000"]
