"""The command as a process: signals, kills, rivals for one folder, broken pipes, and how fast it starts."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from support.forms import slow
from support.processes import killed_again_and_again, long_run, units_are_kept, wait_for
from support.small_runs import LONG, TINY, run_of, start, tables, unestimated, write

from sim.cli.progress import COMPILING
from sim.model.kernel import draws, sessions
from sim.model.kernel.compiled_code import is_compiled
from sim.results.run import Run
from sim.store.run_folder import JOURNAL, MANIFEST


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return long_run(tmp_path_factory.mktemp("long"))


def stopped(process: subprocess.Popen[str], *signals: signal.Signals) -> tuple[int, str, float]:
    """Code, messages and seconds that a process takes to leave after signals."""
    started = time.monotonic()
    for number in signals:
        process.send_signal(number)
        time.sleep(0.02)
    out, err = process.communicate(timeout=120)
    assert out == ""
    return process.returncode, unestimated(err), time.monotonic() - started


def test_a_run_is_the_same_from_a_process_as_from_python(long: Path, tmp_path: Path) -> None:
    with start("run", long / "x.toml", "--out", tmp_path / "run", "--threads", "2") as process:
        out, err = process.communicate(timeout=120)
    assert err.startswith("3 arms x 12 replications: 4.1 million sessions, about ")
    assert (process.returncode, unestimated(err)) == (0, "")
    assert "\x1b" not in out
    assert tables(tmp_path / "run") == tables(long / "run")


@pytest.mark.parametrize(
    "signals",
    [slow((signal.SIGINT,)), slow((signal.SIGTERM,)), (signal.SIGINT, signal.SIGINT)],
    ids=lambda signals: "-".join(number.name for number in signals),
)
def test_an_interrupted_run_stops_within_2_s_and_goes_on_to_the_same_tables(
    long: Path, tmp_path: Path, signals: tuple[signal.Signals, ...]
) -> None:
    command = ("run", long / "x.toml", "--out", tmp_path / "run", "--threads", "1")
    with start(*command) as process:
        wait_for(units_are_kept(tmp_path / "run"), process)
        code, message, seconds = stopped(process, *signals)
    assert (code, seconds < 2) == (3, True)
    assert message.startswith("interrupted; ")
    assert message.endswith("the same command goes on from there\n")
    assert not (tmp_path / "run" / MANIFEST).exists()
    with start(*command, "--resume", "--quiet") as process:
        assert process.communicate(timeout=120) == ("", "")
    assert process.returncode == 0
    assert tables(tmp_path / "run") == tables(long / "run")
    assert Run.read(tmp_path / "run").manifest["digests"] == Run.read(long / "run").manifest["digests"]


def test_an_interrupt_does_not_wait_for_a_unit_that_takes_long(tmp_path: Path) -> None:
    # One unit of the reference engine between two refreshes is many seconds of Python.
    text = LONG.replace("follow_prob = 0.3", "follow_prob = 0.3\nrefresh_minutes = 525600")
    command = ("run", write(tmp_path, text), "--out", tmp_path / "run", "--engine", "reference")
    with start(*command) as process:
        wait_for((tmp_path / "run" / JOURNAL).exists, process)
        time.sleep(1)
        code, message, seconds = stopped(process, signal.SIGINT)
    assert (code, seconds < 2) == (3, True)
    assert message.startswith("interrupted; 0 finished of ")


def test_an_interrupt_while_code_is_compiled_is_not_lost(tmp_path: Path) -> None:
    cold = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    with start("run", write(tmp_path, LONG), "--out", tmp_path / "run", env=cold) as process:
        assert process.stderr
        assert process.stderr.readline() == f"{COMPILING}\n"
        time.sleep(0.3)
        code, message, seconds = stopped(process, signal.SIGINT)
    assert (code, seconds < 2) == (3, True)
    assert message.startswith("interrupted")
    assert "Traceback" not in message


def test_kills_lose_nothing_and_change_nothing(long: Path, tmp_path: Path) -> None:
    command = ("run", long / "x.toml", "--out", tmp_path / "run", "--threads", "1")
    assert killed_again_and_again(command, tmp_path / "run", 5, random.Random(1)) >= 3
    assert tables(tmp_path / "run") == tables(long / "run")
    assert sorted(os.listdir(tmp_path / "run")) == sorted(os.listdir(long / "run"))


def test_of_two_processes_on_one_folder_one_wins_and_the_other_leaves_with_4(long: Path, tmp_path: Path) -> None:
    command = ("run", long / "x.toml", "--out", tmp_path / "run", "--quiet", "--threads", "1")
    with start(*command) as one, start(*command) as other:
        ended = sorted([(p.communicate(timeout=120), p) for p in (one, other)], key=lambda pair: pair[1].returncode)
    assert [process.returncode for _, process in ended] == [0, 4]
    assert ended[0][0] == ("", "")
    assert ended[1][0] == ("", f"{tmp_path / 'run'}: is being written by another process\n")
    assert tables(tmp_path / "run") == tables(long / "run")


@pytest.mark.parametrize("arguments", [("--json",), ()], ids=["json", "table"])
def test_a_reader_that_leaves_is_no_error(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    run_of(tmp_path)
    for command in (("compare", tmp_path / "run"), ("run", tmp_path / "x.toml", "--out", tmp_path / "run")):
        reading, writing = os.pipe()
        os.close(reading)
        with start(*command, *arguments, stdout=writing) as process:
            os.close(writing)
            err = process.communicate(timeout=120)[1]
        assert (process.returncode, unestimated(err)) == (0, "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is always full")
@pytest.mark.parametrize("arguments", [("--json",), ()], ids=["json", "table"])
def test_output_that_cannot_be_written_is_reported_in_one_line(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    run_of(tmp_path)
    with open("/dev/full", "w") as full, start("compare", tmp_path / "run", *arguments, stdout=full) as process:
        err = process.communicate(timeout=120)[1]
    assert (process.returncode, err) == (4, "standard output: can't be written: No space left on device\n")


def test_a_title_that_the_terminal_cannot_show_is_escaped(tmp_path: Path) -> None:
    text = TINY.replace("seed = 3", 'seed = 3\ntitle = "头部"').replace("replications = 3", "replications = 1")
    run_of(tmp_path, text)
    plain = {**os.environ, "PYTHONIOENCODING": "ascii"}
    with start("compare", tmp_path / "run", env=plain) as process:
        out, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (0, "")
    assert out.startswith("tiny: \\u5934\\u90e8\n")


# The start


def test_help_comes_at_once() -> None:
    seconds = []
    for _ in range(5):
        before = os.times()
        with start("--help") as process:
            out = process.communicate(timeout=120)[0]
        after = os.times()  # of the process alone: other tests are at work on this core
        seconds.append(after.children_user + after.children_system - before.children_user - before.children_system)
        assert process.returncode == 0
        assert all(verb in out for verb in ("run", "compare", "validate", "schema"))
    assert min(seconds) < 0.5


HEAVY = {"llvmlite", "networkx", "numba", "pyarrow", "scipy", "simpy"}
MODEL = {"llvmlite", "numba", "sim.model", "simpy"}
"""What readers of finished runs do without: any model, and so the compiler."""


@pytest.mark.parametrize(
    ("arguments", "says", "heavy"),
    [
        (["run", "--help"], "--threads", {*HEAVY, "numpy"}),
        (["validate", "x.toml"], "x.toml: valid", HEAVY),
        (["compare", "a"], "head share", MODEL),
        slow(["compare", "a", "a"], "Equal to the bit", MODEL),
        slow(["report", "a"], "report.html", MODEL),
        (["plot", "a", "--chart", "head-share", "--out", "a.svg"], "a.svg", MODEL),
    ],
    ids=["help", "validate", "compare", "compare-two", "report", "plot"],
)
def test_a_verb_imports_nothing_heavy(tmp_path: Path, arguments: list[str], says: str, heavy: set[str]) -> None:
    write(tmp_path, TINY)
    if "a" in arguments:
        run_of(tmp_path, out="a")
    program = (
        "import sys, contextlib\nfrom sim.cli.app import app\n"
        f"with contextlib.suppress(SystemExit): app({arguments})\n"
        f"print(sorted({heavy} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert says in done.stdout
    assert done.stderr == "[]\n"


def test_a_heavy_tailed_answer_needs_no_scipy() -> None:
    program = (
        "import sys; from sim.inference.paired import paired_difference; import numpy as np\n"
        "assert paired_difference(np.zeros(9), np.arange(9.0) ** 4).heavy_tailed; print('scipy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout == "False\n"


def test_compiled_code_is_known_by_an_index_that_is_newer_than_the_source(tmp_path: Path) -> None:
    function = SimpleNamespace(py_func=write, stats=SimpleNamespace(cache_path=str(tmp_path / "none")))
    assert not is_compiled(function)
    function.stats.cache_path = str(tmp_path)
    index = tmp_path / f"small_runs.write-{write.__code__.co_firstlineno}.py311.nbi"
    index.touch()
    assert is_compiled(function)
    os.utime(index, (0, 0))
    assert not is_compiled(function)


def test_the_code_of_a_run_is_compiled_after_it(tmp_path: Path) -> None:
    run_of(tmp_path)
    assert is_compiled(draws.unit_draws)
    assert is_compiled(sessions.sessions)
    with start("run", tmp_path / "x.toml", "--out", tmp_path / "again") as process:
        assert COMPILING not in process.communicate(timeout=120)[1]
