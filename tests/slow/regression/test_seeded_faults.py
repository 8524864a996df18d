"""Every seeded fault is caught and pointed to; no harmless change raises anything."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from support.places import PROJECT
from support.seeded_checks import is_caught, raises_nothing
from support.seeded_faults import FAULTS, HARMLESS, Change, ChangedCopy


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> ChangedCopy:
    return ChangedCopy(tmp_path_factory.mktemp("copy"))


@pytest.mark.parametrize("change", FAULTS, ids=lambda change: change.name)
def test_every_fault_is_caught_and_pointed_to(copy: ChangedCopy, change: Change) -> None:
    is_caught(copy, change)


@pytest.mark.parametrize("change", HARMLESS, ids=lambda change: change.name)
def test_no_harmless_change_raises_anything(copy: ChangedCopy, change: Change) -> None:
    raises_nothing(copy, change)


@pytest.mark.parametrize("threads", ["1", "2", "5"])
def test_no_number_of_threads_raises_anything(copy: ChangedCopy, threads: str) -> None:
    assert copy.check("weibo-2017.toml", "--threads", threads)["holds"]


def test_no_older_instructions_of_numpy_raise_anything(copy: ChangedCopy) -> None:
    assert copy.check("weibo-2017.toml", NPY_DISABLE_CPU_FEATURES="AVX2 FMA3 AVX512F AVX512_SKX")["holds"]


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
    (change,) = (each for each in FAULTS if (each.file, each.scenario) == ("model/agencies/tiers.py", "graph.toml"))
    with copy.changed(change):
        found = copy.check(tmp_path / "scenarios" / "graph.toml", "--against", "HEAD")
    assert {place["event"] for place in found["divergences"]} == {"review"}
    assert all("tier small -> large" in place["who"] for place in found["divergences"])
