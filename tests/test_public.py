"""The examples in docstrings, and the face of the package."""

from __future__ import annotations

import doctest
import importlib
import inspect
import json
import pkgutil
import re
from pathlib import Path
from typing import Any

import pytest
from support.small_runs import ROSTER, TINY, tables, write

import sim
from sim.errors import ArgumentError, InputError

MODULES = [
    "sim",
    *sorted(each.name for each in pkgutil.walk_packages(sim.__path__, "sim.") if each.name != "sim.__main__"),
]


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


def test_every_public_name_is_in_the_reference() -> None:
    page = (Path(__file__).parents[1] / "docs/reference/python.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"autofunction:: sim\.(\w+)$", page, re.MULTILINE))
    assert listed == {name for name in sim.__all__ if name != "__version__"}
    public = {name for name, found in vars(sim).items() if inspect.isfunction(found) and not name.startswith("_")}
    assert public - {"overload"} == listed


def test_no_verb_takes_an_argument_without_a_name_and_a_type() -> None:
    verbs = [found for name in sim.__all__ if inspect.isfunction(found := getattr(sim, name))]
    assert len(verbs) >= 13
    for verb in verbs:
        signature = inspect.signature(verb)
        assert signature.return_annotation is not inspect.Signature.empty
        for argument in signature.parameters.values():
            assert argument.annotation not in (inspect.Parameter.empty, "Any"), (verb, argument)
            assert argument.kind is not inspect.Parameter.VAR_KEYWORD, (verb, argument)


@pytest.mark.parametrize(
    ("argument", "value", "rule"),
    [
        ("engine", "fast", "must be compiled or reference"),
        ("engine", 3, "must be compiled or reference"),
        ("threads", -3, "must be from 1 to 1024"),
        ("threads", 0, "must be from 1 to 1024"),
        ("threads", True, "must be a whole number from 1 to 1024"),
        ("threads", 1.5, "must be a whole number from 1 to 1024"),
        ("replications", 0, "must be from 1 to 100000"),
        ("replications", 2.0, "must be a whole number from 1 to 100000"),
        ("resume", 1, "must be True or False"),
        ("force", "yes", "must be True or False"),
        ("suggested_columns", None, "must be True or False"),
        ("out", 3, "must be a path, a str or an os.PathLike"),
        ("roster", ["a"], "must be a path, a str or an os.PathLike"),
        ("report", True, "must be a function"),
        ("set", 5, "must be values by key, or texts KEY=VALUE"),
    ],
)
def test_a_run_refuses_an_argument_it_cannot_use_and_makes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argument: str, value: Any, rule: str
) -> None:
    file = write(tmp_path, TINY)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ArgumentError) as caught:
        sim.run(file, **{argument: value})
    assert str(caught.value) == f"{argument} {rule}, got {value!r}"
    assert [fault.argument for fault in caught.value.faults] == [argument]
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"policy": "exactly"}, "policy must be exact, statistical or claims; did you mean `exact`?, got 'exactly'"),
        ({"engine": "fast"}, "engine must be compiled or reference, got 'fast'"),
        ({"threads": -3}, "threads must be from 1 to 1024, got -3"),
        ({"reason": " "}, "reason must say why, got ' '"),
        (
            {"policy": "all", "threads": 0},
            "policy must be exact, statistical or claims, got 'all'\nthreads must be from 1 to 1024, got 0",
        ),
    ],
)
def test_a_check_refuses_arguments_it_cannot_use_all_at_once(
    tmp_path: Path, given: dict[str, Any], message: str
) -> None:
    with pytest.raises(ArgumentError) as caught:
        sim.check(write(tmp_path, TINY), **given)
    assert str(caught.value) == message


def test_a_check_of_nothing_is_refused() -> None:
    with pytest.raises(ArgumentError, match="paths must be at least one scenario or folder"):
        sim.check()
    with pytest.raises(ArgumentError, match=re.escape("paths must be a path, a str or an os.PathLike, got ['a']")):
        sim.check(["a"])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"day": -1}, "day must be from 0 to 20, got -1"),
        ({"day": True}, "day must be a whole number from 0 to 20, got True"),
        ({"replication": 3}, "replication must be from 0 to 2, got 3"),
        ({"arm": "tired"}, "arm must be none, tiered or uniform; did you mean `tiered`?, got 'tired'"),
        ({"engine": "fast"}, "engine must be compiled or reference, got 'fast'"),
    ],
)
def test_a_follow_graph_refuses_what_is_not_in_the_run(tmp_path: Path, given: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        sim.follow_graph(write(tmp_path, TINY), **given)
    assert str(caught.value).removeprefix(f"{tmp_path / 'x.toml'}: ") == message


def test_a_trace_gives_a_fans_sessions_or_an_influencers_exposure(tmp_path: Path) -> None:
    file = write(tmp_path, TINY)
    sessions, exposure = sim.trace(file, fan=4, arm="tiered"), sim.trace(file, influencer=3)
    assert (sessions.fan, sessions.arm, exposure.arm) == (4, "tiered", "none")
    assert sessions.sessions
    assert exposure == sim.trace(file, influencer=exposure.influencer, engine="reference")
    with pytest.raises(ArgumentError, match="fan must be from 0 to 59, got 60"):
        sim.trace(file, fan=60)
    with pytest.raises(ArgumentError, match="influencer must be an id or a number from 0 to 19, got 'nobody'"):
        sim.trace(file, influencer="nobody")
    with pytest.raises(TypeError, match="give one of fan and influencer"):
        sim.trace(file)  # type: ignore[call-overload]


def test_validating_gives_all_faults_of_all_files(tmp_path: Path) -> None:
    good, bad = write(tmp_path, TINY), write(tmp_path, re.sub("seed = .*", "seed = -3", TINY), "bad.toml")
    assert sim.validate(good) == sim.validate() == []
    faults = sim.validate(bad, good, tmp_path / "none.toml")
    assert [fault.file for fault in faults] == [str(bad), str(tmp_path / "none.toml")]
    with pytest.raises(ArgumentError, match="encoding must be one of"):
        sim.validate(good, encoding="big5")


def test_the_schema_is_the_one_that_editors_read() -> None:
    file = Path(__file__).parents[1] / "docs/scenario.schema.json"
    assert sim.schema() == json.loads(file.read_text(encoding="utf-8"))


def test_the_package_says_that_it_is_typed() -> None:
    assert (Path(sim.__file__).parent / "py.typed").exists()


def test_a_finished_run_is_read_again_and_says_in_a_line_what_it_is(tmp_path: Path) -> None:
    run = sim.run(write(tmp_path, TINY), out=tmp_path / "a", replications=2)
    again = sim.read(tmp_path / "a")
    assert again.manifest == run.manifest
    assert repr(again) == f"Run({str(tmp_path / 'a')!r}: tiny, 2 replications, digest {run.digest[:16]})"
    with pytest.raises(InputError, match="table surfaces has no column 'nosuch'"):
        again.table("surfaces", ["arm", "nosuch"])
    with pytest.raises(InputError, match="has no finished run in it"):
        sim.read(tmp_path)


def test_what_belongs_to_loading_is_refused_with_a_scenario_that_is_loaded(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="roster, graph, replications, set, encoding and suggested_columns are"):
        sim.run(sim.load(write(tmp_path, TINY)), out=tmp_path / "a", replications=2)
    assert not (tmp_path / "a").exists()


def test_the_python_verbs_take_a_roster(tmp_path: Path) -> None:
    roster = write(tmp_path, ROSTER, "people.csv")
    loaded = sim.load(write(tmp_path, TINY.replace("count = 20\n", "")), roster=str(roster))
    run = sim.run(loaded, out=tmp_path / "a")
    assert tables(sim.recreate(run, tmp_path / "b", roster=str(roster)).path) == tables(run.path)
