"""How arguments are checked and named: what callers of the Python API and of the command line read."""

from __future__ import annotations

from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
from support.small_runs import TINY, sim, write

from sim.arguments import choice, file_path, refuse, switch, whole_number
from sim.cli.failures import flag
from sim.errors import ArgumentError, Fault, InputError, named, naming
from sim.scenario import load


@pytest.mark.parametrize("value", [1, 7, np.int64(3), np.uint8(7)])
def test_whole_numbers_of_python_and_numpy_are_taken(value: Any) -> None:
    assert whole_number("n", value, 1, 7) is None


@pytest.mark.parametrize("value", [0, 8, -1, 1.0, True, np.True_, "3", None, float("nan"), 10**400])
def test_what_is_no_whole_number_in_the_range_is_refused(value: Any) -> None:
    fault = whole_number("n", value, 1, 7)
    assert fault is not None
    assert len(str(fault)) < 120


def test_a_name_is_taken_as_it_is_written_only() -> None:
    assert choice("engine", "compiled", ["compiled", "reference"]) is None
    assert str(choice("engine", "Compiled", ["compiled", "reference"])) == (
        "engine must be compiled or reference; did you mean `compiled`?, got 'Compiled'"
    )
    assert str(choice("engine", ["compiled"], ["compiled"])) == "engine must be compiled, got ['compiled']"


def test_a_value_is_shown_on_one_line_however_long_it_is() -> None:
    text = str(switch("force", "a\n" * 500))
    assert "\n" not in text
    assert len(text) < 100


def test_all_arguments_that_are_refused_are_named_at_once() -> None:
    refuse(None, None)
    with pytest.raises(ArgumentError) as caught:
        refuse(switch("force", 1), None, file_path("out", 2))
    assert [fault.argument for fault in caught.value.faults] == ["force", "out"]
    assert isinstance(caught.value, InputError)
    assert isinstance(caught.value, ValueError)
    assert caught.value.exit_code == 2


def test_an_argument_is_named_as_its_caller_writes_it_in_the_block_and_the_thread() -> None:
    fault = Fault("x.toml", "must be from 0 to 9", value="12", argument="suggested_columns")
    elsewhere: list[str] = []
    with naming(flag):
        assert str(fault) == "x.toml: --suggested-columns must be from 0 to 9, got 12"
        assert (named("encoding", "gb18030"), named("force", True)) == ("--encoding gb18030", "--force")
        assert (named("reason", "TEXT"), named("name")) == ("--update --reason TEXT", "--chart")
        thread = Thread(target=lambda: elsewhere.append(str(fault)))
        thread.start()
        thread.join()
    assert elsewhere == [str(fault)] == ["x.toml: suggested_columns must be from 0 to 9, got 12"]
    assert (named("encoding", "gb18030"), named("force", True)) == ('encoding="gb18030"', "force=True")
    assert named("plugin", "FILE.py", python="@sim.policy") == "@sim.policy"


@pytest.mark.parametrize(
    ("text", "options", "python", "command"),
    [
        (TINY.replace('"tiered"\n', '"tierd"\n', 1), (), "comes with @sim.policy", "comes with --plugin FILE.py"),
        (TINY.replace("count = 20\n", ""), (), 'or roster="FILE")', "or --roster FILE)"),
        (TINY, {"encoding": "big5"}, "encoding must be one of", "--encoding must be one of"),
        (TINY, {"replications": 100_001}, "replications must be", "--replications must be"),
    ],
    ids=["policy", "roster", "encoding", "replications"],
)
def test_one_fault_names_keywords_in_python_and_flags_on_the_command_line(
    tmp_path: Path, text: str, options: dict[str, Any], python: str, command: str
) -> None:
    file = write(tmp_path, text)
    with pytest.raises(InputError) as caught:
        load(file, **dict(options))
    assert python in str(caught.value)
    assert "--" not in str(caught.value)
    flags = [part for name, value in dict(options).items() for part in (f"--{name}", str(value))]
    told = sim("run", file, *flags)
    assert (told.code, command in told.err) == (2, True)


def test_no_message_outside_the_command_line_writes_a_flag_itself() -> None:
    root = Path(__file__).parents[1] / "sim"
    lines = [
        f"{path.relative_to(root)}: {line.strip()}"
        for path in sorted(root.rglob("*.py"))
        if path.relative_to(root).parts[0] not in ("cli", "pytest_plugin.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if ("Fault(" in line or "Error(" in line or "rule" in line) and " --" in line
    ]
    assert lines == []
