"""The examples in docstrings, and the face of the package."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from pathlib import Path

import pytest
from small_runs import ROSTER, TINY, tables, write

import sim

MODULES = sorted(
    found.name for found in pkgutil.walk_packages(sim.__path__, "sim.") if found.name not in ("sim.__main__",)
)


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_are_right(name: str) -> None:
    module = importlib.import_module(name)
    result = doctest.testmod(module, optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    assert result.failed == 0


def test_there_are_examples() -> None:
    finder = doctest.DocTestFinder()
    with_examples = [name for name in MODULES if any(t.examples for t in finder.find(importlib.import_module(name)))]
    assert len(with_examples) >= 8


@pytest.mark.parametrize("name", MODULES)
def test_all_that_a_module_offers_is_there_and_described(name: str) -> None:
    module = importlib.import_module(name)
    assert module.__doc__
    offered = getattr(module, "__all__", [])
    assert len(set(offered)) == len(offered)
    assert all(hasattr(module, each) for each in offered)


def test_the_python_verbs_load_run_and_compare(tmp_path: Path) -> None:
    file = write(tmp_path, TINY)
    loaded = sim.load(file, replications=2)
    first = sim.run(loaded, out=tmp_path / "a")
    second = sim.run(file, out=str(tmp_path / "b"), engine="reference", threads=1)
    assert {len(digests) for digests in first.manifest["digests"].values()} == {2}
    difference = sim.compare(first, str(second.path))
    assert difference == sim.compare(first.path, second)
    assert difference["keys"] == [{"key": "replications", "a": 2, "b": 3}]
    assert [row["difference"] for row in difference["head_share"]] == [0.0] * 6
    assert sim.__all__ == ["chart", "compare", "follow_graph", "load", "policy", "run", "write_report"]


def test_the_python_verbs_take_a_roster(tmp_path: Path) -> None:
    roster = write(tmp_path, ROSTER, "people.csv")
    loaded = sim.load(write(tmp_path, TINY.replace("count = 20\n", "")), roster=str(roster))
    run = sim.run(loaded, out=tmp_path / "a")
    assert tables(run.recreate(str(roster), tmp_path / "b").path) == tables(run.path)
