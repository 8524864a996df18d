"""Epochs of a baseline that are out of date, all outputs being the same: the check fails and says so."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from support.small_runs import TINY, sim, write

from sim.regression.baseline import read_baseline, write_baseline


def test_epochs_that_are_out_of_date_fail_the_exact_check_until_the_baseline_is_rewritten(tmp_path: Path) -> None:
    command = ("check", write(tmp_path, TINY), "--baselines", tmp_path)
    update = (*command, "--update", "--reason", "the first")
    assert sim(*update).code == 0
    assert sim(*command).code == 0
    baseline = read_baseline(tmp_path / "tiny.json", "tiny")
    epochs = baseline.content.epochs
    stale = epochs | {"none": [row.replace("refresh ", "refresh 0") for row in epochs["none"]]}
    write_baseline(tmp_path / "tiny.json", replace(baseline, content=replace(baseline.content, epochs=stale)))
    told = sim(*command)
    assert told.code == 1
    assert "all outputs are the same, but the baseline's epochs are out of date in 1 arms: none" in " ".join(
        told.out.split()
    )
    assert sim(*command, "--policy", "statistical").code == 0
    assert sim(*update).code == 0
    assert sim(*command).code == 0
