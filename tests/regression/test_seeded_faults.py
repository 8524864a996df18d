"""Seeded faults are caught by checks of the shipped scenarios and pointed to; harmless changes raise nothing."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from support.places import PROJECT
from support.seeded_faults import FAULTS, HARMLESS, QUICK, Change, ChangedCopy


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> ChangedCopy:
    return ChangedCopy(tmp_path_factory.mktemp("copy"))


def first_places(found: dict[str, Any]) -> set[str]:
    """Events where arms part first; where no counters differ, all words on what does."""
    divergences = found["divergences"]
    if divergences:
        first = divergences[0]["from_days"]
        return {place["event"] for place in divergences if place["from_days"] == first}
    return {word for line in found["parts"][1]["details"] for word in line.replace(",", " ").split()}


def is_caught(copy: ChangedCopy, change: Change) -> None:
    with copy.changed(change):
        found = copy.check(change.scenario)
    assert found["parts"][1]["status"] == "failed", change.name
    assert first_places(found) & {*change.where}, (change.name, first_places(found))


def raises_nothing(copy: ChangedCopy, change: Change) -> None:
    with copy.changed(change):
        found = copy.check(change.scenario)
    assert all(part["status"] == "passed" for part in found["parts"]), change.name


def test_faults_are_caught_and_pointed_to_and_harmless_changes_raise_nothing(copy: ChangedCopy) -> None:
    for change in QUICK:
        is_caught(copy, change)
    for change in HARMLESS[:2]:
        raises_nothing(copy, change)


@pytest.mark.slow
@pytest.mark.parametrize("change", FAULTS, ids=lambda change: change.name)
def test_every_fault_is_caught_and_pointed_to(copy: ChangedCopy, change: Change) -> None:
    is_caught(copy, change)


@pytest.mark.slow
@pytest.mark.parametrize("change", HARMLESS, ids=lambda change: change.name)
def test_no_harmless_change_raises_anything(copy: ChangedCopy, change: Change) -> None:
    raises_nothing(copy, change)


@pytest.mark.slow
@pytest.mark.parametrize("threads", ["1", "2", "5"])
def test_no_number_of_threads_raises_anything(copy: ChangedCopy, threads: str) -> None:
    assert copy.check("weibo-2017.toml", "--threads", threads)["holds"]


@pytest.mark.slow
def test_no_older_instructions_of_numpy_raise_anything(copy: ChangedCopy) -> None:
    assert copy.check("weibo-2017.toml", NPY_DISABLE_CPU_FEATURES="AVX2 FMA3 AVX512F AVX512_SKX")["holds"]


def test_there_are_faults_enough_of_every_kind() -> None:
    assert len(FAULTS) >= 20
    assert len(HARMLESS) >= 10
    assert len({change.name for change in (*FAULTS, *HARMLESS)}) == len(FAULTS) + len(HARMLESS)


@pytest.mark.slow
def test_a_revision_of_the_source_tells_who_a_fault_met_first(tmp_path: Path) -> None:
    copy = ChangedCopy(tmp_path)
    for name in ("pyproject.toml", "scenarios", "results/baselines"):
        place = tmp_path / name
        place.parent.mkdir(exist_ok=True)
        (shutil.copytree if (PROJECT / name).is_dir() else shutil.copy)(PROJECT / name, place)
    for args in (
        ["init", "--quiet"],
        ["add", "pyproject.toml", "scenarios", "sim"],
        ["commit", "--quiet", "-m", "before"],
    ):
        subprocess.run(["git", "-c", "user.name=n", "-c", "user.email=e", *args], cwd=tmp_path, check=True)
    (change,) = (change for change in FAULTS if change.file == "model/tiers.py" and change.scenario == "graph.toml")
    with copy.changed(change):
        found = copy.check(tmp_path / "scenarios" / "graph.toml", "--against", "HEAD")
    assert {place["event"] for place in found["divergences"]} == {"review"}
    assert all("tier small -> large" in place["who"] for place in found["divergences"])
