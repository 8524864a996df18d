"""The examples in docstrings, and the face of the package."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from pathlib import Path

import pytest
from support.small_runs import ROSTER, TINY, tables, write

import sim
from sim.errors import InputError

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
    assert sim.__all__ == [
        "chart",
        "check",
        "compare",
        "follow_graph",
        "load",
        "policy",
        "read",
        "recreate",
        "run",
        "write_report",
    ]


def test_a_finished_run_is_read_again_and_says_in_a_line_what_it_is(tmp_path: Path) -> None:
    run = sim.run(write(tmp_path, TINY), out=tmp_path / "a", replications=2)
    again = sim.read(tmp_path / "a")
    assert again.manifest == run.manifest
    assert repr(again) == f"Run({str(tmp_path / 'a')!r}: tiny, 2 replications, digest {run.digest[:16]})"
    with pytest.raises(InputError, match="table surfaces has no column 'nosuch'"):
        again.table("surfaces", ["arm", "nosuch"])
    with pytest.raises(InputError, match="holds no finished run"):
        sim.read(tmp_path)


def test_what_belongs_to_loading_is_refused_beside_a_scenario_that_is_loaded(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="roster, graph, replications, set, encoding and suggested_columns are"):
        sim.run(sim.load(write(tmp_path, TINY)), out=tmp_path / "a", replications=2)
    assert not (tmp_path / "a").exists()


def test_the_python_verbs_take_a_roster(tmp_path: Path) -> None:
    roster = write(tmp_path, ROSTER, "people.csv")
    loaded = sim.load(write(tmp_path, TINY.replace("count = 20\n", "")), roster=str(roster))
    run = sim.run(loaded, out=tmp_path / "a")
    assert tables(sim.recreate(run, tmp_path / "b", roster=str(roster)).path) == tables(run.path)
