"""Runs that are killed a hundred times lose nothing and change nothing."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from support.processes import killed_again_and_again, long_run
from support.small_runs import tables


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return long_run(tmp_path_factory.mktemp("long"))


def test_a_hundred_kills_lose_nothing_and_change_nothing(long: Path, tmp_path: Path) -> None:
    n_done = 0
    for seed in range(20):
        command = ("run", long / "x.toml", "--out", tmp_path / f"{seed}", "--threads", str(seed % 4 + 1))
        n_done += killed_again_and_again(command, tmp_path / f"{seed}", 7, random.Random(seed))
        assert tables(tmp_path / f"{seed}") == tables(long / "run")
    assert n_done >= 60
