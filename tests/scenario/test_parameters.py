"""The free table ``support.parameters``: what a policy gets of it, what it may contain, which policies may have it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.plugins import SCENARIO, command, plugin

import sim
from sim.errors import InputError
from sim.registry import load_plugin
from sim.scenario import from_resolved, load, resolved
from sim.scenario.patch.patches import difference, merged
from sim.scenario.schema.platform import Support

pytestmark = pytest.mark.quick

BASE = SCENARIO.read_text().replace("= 90 ", "= 2 ").replace("replications = 10", "replications = 1")
BASE = BASE.replace("count = 2_000", "count = 100")
ARMS = BASE.index("[arms.none]")


def scenario(folder: Path, parameters: str, arms: str, phases: str = "") -> Path:
    """A scenario with these parameters for all arms; the arms are ``none`` and those given."""
    path = folder / "x.toml"
    table = f"[support.parameters]\n{parameters}\n" if parameters else ""
    path.write_text(f'{BASE[:ARMS]}{table}\n{phases}\n[arms.none]\nsupport.policy = "none"\n{arms}')
    return path


def own_policy(folder: Path, body: str = "return view.quality") -> None:
    load_plugin(plugin(folder, body))


SWEEP = """
[arms.low]
support = { policy = "own", parameters.exponent = 1 }

[arms.high]
support = { policy = "own", parameters = { exponent = 2, names = ["b"] } }
"""


def test_a_policy_is_swept_by_its_parameters_over_arms_and_phases(tmp_path: Path) -> None:
    body = "SEEN.append(dict(support.parameters))\nreturn view.quality ** support.parameters['exponent']"
    path = plugin(tmp_path, body)
    path.write_text(path.read_text().replace("@sim", "SEEN = []\n@sim"))
    load_plugin(path)
    phases = '[phases.later]\nstart_day = 1\nsupport.parameters = { "a b" = true }\n'
    loaded = load(scenario(tmp_path, 'exponent = 1.5\nnames = ["a", 1, false]', SWEEP, phases))
    run = sim.run(loaded, out=tmp_path / "run", threads=1)
    assert len(set(map(tuple, run.manifest["digests"].values()))) == 3
    seen = sim.registry.registered("policy")["own"].function.__globals__["SEEN"]
    low, high = {"exponent": 1, "names": ("a", 1, False)}, {"exponent": 2, "names": ("b",)}
    wanted = [low, low | {"a b": True}, high, high | {"a b": True}]
    assert sorted(map(repr, {repr(p): p for p in seen}.values())) == sorted(map(repr, wanted))
    again = from_resolved(json.loads(json.dumps(resolved(loaded))), None)
    assert again == loaded


def test_without_parameters_a_resolved_scenario_has_no_such_key(tmp_path: Path) -> None:
    data = resolved(load(scenario(tmp_path, "", '[arms.tail]\nsupport.policy = "tail"\n')))
    assert "parameters" not in data["support"]
    assert Support.model_validate(data["support"]).parameters == {}


@pytest.mark.parametrize(
    ("given_", "fault"),
    [
        ("x = nan", "support.parameters.x: must be a finite number, got nan"),
        ("x = [1.0, inf]", "support.parameters.x[1]: must be a finite number, got inf"),
        (
            "x = 2026-01-01",
            "support.parameters.x: must be a number, a text in quotes, true or false, or a list of those",
        ),
        (
            "x = { y = 1 }",
            "support.parameters.x: must be a number, a text in quotes, true or false, or a list of those",
        ),
        ("x = [[1]]", "support.parameters.x[0]: must be a number, a text in quotes, true or false, got [1]"),
        ("x = 9223372036854775808", "support.parameters.x: must be a whole number of at most 64 bits"),
        (f"x = '{'a' * 1001}'", "support.parameters.x: must have at most 1000 characters, got 1001"),
        (f"x = [{'1,' * 1001}]", "support.parameters.x: must have at most 1000 entries, got 1001"),
        ("'' = 1", 'support.parameters."": a name must be 1 to 200 printable characters'),
    ],
)
def test_a_value_that_is_none_is_refused_with_its_line(tmp_path: Path, given_: str, fault: str) -> None:
    own_policy(tmp_path)
    path = scenario(tmp_path, given_, SWEEP)
    line = path.read_text().splitlines().index(given_) + 1
    with pytest.raises(InputError) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path}:{line}: {fault}")


def test_there_are_at_most_a_hundred(tmp_path: Path) -> None:
    own_policy(tmp_path)
    numbered = "\n".join(f"x{i} = {i}" for i in range(100))
    load(scenario(tmp_path, numbered, SWEEP.replace("exponent", "x1").replace("names", "x2")))
    with pytest.raises(InputError, match=r"support\.parameters: must have at most 100 entries, got 101"):
        load(scenario(tmp_path, numbered + "\ny = 1", SWEEP))


@pytest.mark.parametrize(
    ("parameters", "arms", "phases", "faults"),
    [
        ("x = 1", SWEEP, "", []),
        ("", '[arms.tail]\nsupport = { policy = "tail", parameters.x = 1 }', "", ["arms.tail.support.parameters"]),
        ("x = 1", '[arms.tail]\nsupport.policy = "tail"', "", ["support.parameters"]),
        ("x = 1", '[arms.own]\nsupport.policy = "own"', "", []),
        # A policy that begins with a phase reads them too.
        ("x = 1", '[arms.own.phases.later]\nsupport.policy = "own"', "[phases.later]\nstart_day = 1", []),
        (
            "",
            '[arms.tail]\nsupport.policy = "tail"\n[arms.tail.phases.later]\nsupport.parameters.x = 1',
            "[phases.later]\nstart_day = 1",
            ["arms.tail.phases.later.support.parameters"],
        ),
        (
            "",
            '[arms.tail]\nsupport.policy = "tail"',
            "[phases.later]\nstart_day = 1\nsupport.parameters.x = 1",
            ["phases.later.support.parameters"],
        ),
    ],
)
def test_parameters_that_no_policy_reads_are_refused_at_their_line(
    tmp_path: Path, parameters: str, arms: str, phases: str, faults: list[str]
) -> None:
    own = plugin(tmp_path, "return view.quality")
    result = command("validate", scenario(tmp_path, parameters, arms, phases), "--plugin", own)
    assert result.exit_code == (2 if faults else 0), result.stderr
    told = result.stderr.splitlines()
    assert [line.split(": ")[1] for line in told] == faults
    assert all("must be left out" in line and "built in" in line and line.startswith(f"{tmp_path}") for line in told)


VALUES = st.sampled_from([True, False, 1, 0, 1.0, 0.0, "1", ""])
TABLES = st.dictionaries(st.sampled_from("abc"), VALUES | st.lists(VALUES, max_size=2), max_size=3)
Table = dict[str, Any]


@given(base=TABLES, patch=TABLES)
def test_the_smallest_patch_gives_the_same_values_of_the_same_types(base: Table, patch: Table) -> None:
    for path in (("support",), ("phases", "later", "support")):
        whole, change = {"parameters": base}, {"parameters": patch}
        for key in reversed(path):
            whole, change = {key: whole}, {key: change}
        arm = merged(whole, change)
        assert repr(merged(whole, difference(whole, arm))) == repr(arm)
