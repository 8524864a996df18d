"""Watching a run: what it tells of itself, what that costs, and what a person at a terminal sees."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from rich.cells import cell_len
from rich.console import Console
from support.small_runs import LONG, TINY, loaded_from, run_of, sim, write

from sim.calendar import DAY
from sim.cli.progress import Display
from sim.errors import InterruptedRunError
from sim.experiment import progress
from sim.experiment.progress import Progress, ProgressTracker, Running
from sim.model.clock import Order
from sim.model.simulation import Observation, simulate
from sim.model.world.population import draw_population
from sim.store.unit import Unit
from sim.types import EngineName

ONE = TINY.replace("replications = 3", "replications = 1")
LIVELY = ONE.replace("horizon_days = 20", "horizon_days = 70") + "\n[entry]\nnewcomers_per_month = 40.0\n"
CHINESE = "分层扶持政策下的头部达人流量集中度对照实验组"
LONG_NAME = "a-very-long-name-of-an-arm-that-nobody-would-give-but-somebody-does-and-so-it-goes-on-and-on"


# What a run tells


def told(folder: Path, text: str = TINY, **options: object) -> list[Progress]:
    """All that a run reports."""
    reports: list[Progress] = []
    run_of(folder, text, report=reports.append, **options)
    return reports


def test_a_run_tells_days_and_sessions_up_to_all_of_them(tmp_path: Path) -> None:
    reports: list[Progress] = []
    run = run_of(tmp_path, ONE, report=reports.append)
    for before, after in pairwise(reports):
        assert (before.days, before.sessions) <= (after.days, after.sessions)
    last = reports[-1]
    assert last.days == last.total_days == 3 * (20 + 5)
    assert last.sessions == run.manifest["counts"]["sessions"]
    assert last.running == ()
    assert {report.horizon_days for report in reports} == {20}


def test_units_of_an_earlier_call_are_not_counted_again(tmp_path: Path) -> None:
    def interrupt(report: Progress) -> None:
        if report.days >= 2 * 25:
            raise KeyboardInterrupt

    with pytest.raises(InterruptedRunError):
        run_of(tmp_path, TINY, report=interrupt)
    last = told(tmp_path, TINY)[-1]
    assert last.days == last.total_days < 4 * 3 * 25


def test_units_at_work_are_told_with_the_control_as_the_arm_of_an_independent_one(tmp_path: Path) -> None:
    seen = {unit for report in told(tmp_path, LONG, threads=4) for unit in report.running}
    assert {unit.arm for unit in seen} <= {"none", "tiered", "uniform"}
    assert {unit.arm for unit in seen if unit.is_independent} == {"none"}
    assert any(unit.day is not None and unit.day >= 0 for unit in seen)
    assert all(unit.head_share is None or 0 < unit.head_share < 1 for unit in seen)


@pytest.mark.parametrize("engine", ["compiled", "reference"])
def test_nothing_changes_when_somebody_watches(tmp_path: Path, engine: EngineName) -> None:
    alone = run_of(tmp_path, TINY, out="alone", engine=engine)
    watched = run_of(tmp_path, TINY, out="watched", engine=engine, report=lambda _progress: None)
    assert watched.manifest["digests"] == alone.manifest["digests"]


# Looking


@pytest.mark.parametrize("engine", ["compiled", "reference"])
def test_the_head_share_is_that_of_the_measures_and_sessions_are_those_of_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: EngineName
) -> None:
    monkeypatch.setattr(progress, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(progress, "LOOK_SHARE", 1e9)
    run = run_of(tmp_path, LIVELY)
    loaded = loaded_from(tmp_path, LIVELY)
    scenario, unit = loaded.arms["tiered"], Unit("tiered", 0)
    population = draw_population(scenario, None, (3, 0))
    tracker = ProgressTracker(scenario, [unit])
    tracker.begin(unit)
    look = tracker.watch(unit, population.n_initial)
    seen: dict[int, Running] = {}
    sessions = []

    def watch(observation: Observation) -> None:
        look(observation)
        (seen[observation.time // DAY],) = tracker.progress().running
        sessions.append(tracker.progress().sessions)

    outcome = simulate(scenario, population, unit.key(3), engine=engine, watch=watch)
    assert sorted(seen) == list(range(-5, 71))
    assert all(running.day == day for day, running in seen.items())
    rows = [
        row for row in run.table("measures").to_pylist() if (row["arm"], row["quantity"]) == ("tiered", "followers")
    ]
    of_all = [r for r in rows if (r["population"], r["level"], r["measure"]) == ("all", "influencer", "head_share_01")]
    assert {row["time_days"] for row in of_all} == {0, 30, 60, 70}
    for row in of_all[:3]:
        assert seen[row["time_days"]].head_share == row["value"]
    assert {seen[day].head_share for day in range(-5, 0)} == {seen[0].head_share}
    assert seen[0].head_share != seen[30].head_share
    assert sessions == sorted(sessions)
    assert 0 < sessions[-1] <= outcome.totals[:, 0].sum()


def glance_of(time: int, followers: Callable[[], np.ndarray], sessions: int) -> Observation:
    return Observation(time, Order.REFRESH, followers, lambda: sessions, dict, lambda: 0.0, dict)


class Clock:
    """A time that goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_unit_is_looked_at_three_times_a_second_and_rarely_where_a_look_takes_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, looks = Clock(), []
    monkeypatch.setattr(progress, "perf_counter", clock)
    scenario, unit = loaded_from(tmp_path, TINY).scenario, Unit("none", 2, independent=True)

    def looks_in_10_seconds(look_seconds: float) -> int:
        def followers() -> np.ndarray:
            clock.now += look_seconds
            looks.append(clock.now)
            return np.arange(1, 21)

        looks.clear()
        tracker = ProgressTracker(scenario, [unit])
        tracker.begin(unit)
        look = tracker.watch(unit, 20)
        end = clock.now + 10
        while clock.now < end:
            look(glance_of(0, followers, 7))
            clock.now += 0.01
        (running,) = tracker.progress().running
        assert running == Running("none", 2, is_independent=True, day=0, head_share=20 / 210)
        return len(looks)

    assert 30 <= looks_in_10_seconds(0.0) <= 34
    assert looks_in_10_seconds(0.05) == 2  # a hundredth of the time


def test_nobody_looks_where_nobody_watches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sim.experiment.progress.head_share", lambda *_: pytest.fail("looked"))
    monkeypatch.setattr("sim.model.control.Control._sessions", lambda _: pytest.fail("counted"))
    run_of(tmp_path, ONE)


def test_a_share_of_nothing_is_told_as_none(tmp_path: Path) -> None:
    unit = Unit("none", 0)
    tracker = ProgressTracker(loaded_from(tmp_path, TINY).scenario, [unit])
    tracker.begin(unit)
    assert tracker.progress().running == (Running("none", 0, is_independent=False),)
    tracker.watch(unit, 3)(glance_of(-DAY, lambda: np.zeros(3, np.int64), 0))
    assert tracker.progress().running == (Running("none", 0, is_independent=False, day=-1),)
    assert tracker.progress().days == 4


# What is shown


def shown(units: tuple[Running, ...], width: int) -> list[str]:
    """Lines of the display of a terminal of that width."""
    file = io.StringIO()
    console = Console(file=file, width=width, height=24, force_terminal=True, color_system=None)
    display = Display(console, quiet=False)
    assert display.report
    display.report(Progress(100.0, 1000.0, 360, 0, units))
    display.report(Progress(250.0, 1000.0, 360, 1_000_000, units))
    console.print(display)
    return file.getvalue().splitlines()


UNITS = (
    Running("tiered", 3, False, 127, 0.2471),
    Running("none", 2, True, -3, 0.25),
    Running("none", 4, False),
    Running("empty", 4, False, 0),
)


def test_each_unit_at_work_has_a_line_with_its_day_and_head_share() -> None:
    bar, figures, heads, *lines = shown(UNITS, 80)
    assert re.fullmatch(r"simulating \S+ +25 %", bar.strip())
    assert re.fullmatch(r"0:00:00 so far(, .*)?", figures.strip())
    assert re.split(r"  +", heads.strip()) == ["arm", "repl.", "day of 360", "head share"]
    assert [re.split(r"  +", line.strip()) for line in lines] == [
        ["tiered", "3", "127", "24.71 %"],
        ["independent none", "2", "warm-up", "25.00 %"],
        ["none", "4", "starting", "-"],
        ["empty", "4", "0", "-"],
    ]


def test_more_units_than_four_are_only_counted() -> None:
    lines = shown(UNITS + UNITS[:3], 80)
    assert len(lines) == 2 + 1 + 4 + 1
    assert lines[-1].strip() == "and 3 more"


@pytest.mark.parametrize("width", [40, 60, 80, 200])
@pytest.mark.parametrize("name", [LONG_NAME, CHINESE, "[red]x[/red]", "x\x1b[2J\u202ey"])
def test_names_are_cut_so_that_no_line_passes_the_terminal_or_80_columns(width: int, name: str) -> None:
    lines = shown((Running(name, 12, False, 300, 0.5), Running(name, 12, True, 300, 0.5)), width)
    assert max(map(cell_len, lines)) <= min(width, 80)
    one, independent = lines[-2:]
    assert re.search(r" 12 +300 +50.00 %$", one.rstrip())
    assert one[0] == name[0]
    assert independent.startswith("independ")
    assert not {"\x1b", "\u202e"} & set("".join(lines))


@pytest.mark.parametrize(
    ("options", "quiet"),
    [({"force_terminal": False}, False), ({"force_terminal": True}, True), ({"force_terminal": True}, False)],
    ids=["piped", "quiet", "dumb"],
)
def test_nobody_watches_what_is_piped_or_quiet_or_a_dumb_terminal(options: dict[str, bool], quiet: bool) -> None:
    file = io.StringIO()
    with Display(Console(file=file, _environ={"TERM": "dumb"}, **options), quiet=quiet) as display:  # type: ignore[arg-type]
        assert display.report is None
        display.note("a line that stays")
    assert file.getvalue() == ("" if quiet else "a line that stays\n")


@pytest.mark.parametrize("option", ["--quiet", "--json"])
def test_a_quiet_or_json_run_says_nothing_while_it_goes_on(tmp_path: Path, option: str) -> None:
    assert sim("run", write(tmp_path, ONE), "--out", tmp_path / "run", option).err == ""


# On a terminal


@contextmanager
def on_a_terminal(columns: int, *args: str | Path, **more: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """The command as a process with a terminal of its own, and the other end of that."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    plain = {name: v for name, v in os.environ.items() if name not in ("COLUMNS", "LINES", "FORCE_COLOR", "NO_COLOR")}
    command = [sys.executable, "-m", "sim", *map(os.fspath, args)]
    ends = dict.fromkeys(("stdin", "stdout", "stderr"), theirs)
    try:
        with subprocess.Popen(command, env=plain | {"TERM": "xterm"} | more, start_new_session=True, **ends) as process:  # type: ignore[call-overload]
            os.close(theirs)
            yield process, ours
    finally:
        os.close(ours)


def read_until(end: int, words: bytes = b"\0never") -> bytes:
    """What comes from a terminal up to these words, or all of it."""
    found = b""
    while words not in found:
        try:
            part = os.read(end, 65536)
        except OSError:  # the other side has left
            break
        if not part:
            break
        found += part
    return found


CLEAR = rb"\r|\n|\x1b\[[0-9]*[A-Km]|\x1b\[\?25[hl]"


def test_a_person_at_a_terminal_sees_the_units_and_then_the_answer_alone(tmp_path: Path) -> None:
    file = write(tmp_path, LONG)
    with on_a_terminal(80, "run", file, "--out", tmp_path / "run", "--threads", "2", NO_COLOR="1") as (process, end):
        seen = read_until(end).decode()
        assert process.wait() == 0
    for word in ("simulating", " sessions/s", " left", "day of 20", "head share"):
        assert word in seen
    before, _, after = seen.rpartition("\x1b[?25h")
    assert "\x1b[?25l" in before
    erased, answer = re.split(r"\r?\n?(?=long)", after, maxsplit=1)
    assert not re.sub(CLEAR.decode(), "", erased)
    assert "\x1b[?25" not in answer
    assert "head share" not in erased


def test_an_interrupted_terminal_is_left_clean_with_one_message(tmp_path: Path) -> None:
    text = LONG.replace("replications = 12", "replications = 500")
    with on_a_terminal(80, "run", write(tmp_path, text), "--out", tmp_path / "run") as (process, end):
        read_until(end, b"head share")
        process.send_signal(signal.SIGINT)
        left = read_until(end)
        assert process.wait() == 3
    after = left.rpartition(b"\x1b[?25h")[2]
    message = re.sub(CLEAR, b"", after).decode()
    assert re.fullmatch(
        r"interrupted; \d+ finished of \d+ are kept in .*/run; the same command goes on from there", message
    )
    assert left.count(b"the same command") == 1
