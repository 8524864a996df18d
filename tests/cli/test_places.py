"""The command wherever it is called: closed and full streams, readers that leave, ASCII, bytes for names, no home."""

from __future__ import annotations

import fcntl
import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from support.command_streams import ASCII, TITLED, call, check, is_clean, made_place, needs_full
from support.small_runs import LONG, ROSTER, sim, start, write

from sim.store.run_folder import JOURNAL, MANIFEST


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_place(tmp_path_factory.mktemp("place"))


COMPACT = [
    ("compare run", ">&-", {}),
    ("compare run --json", "<&- >&- 2>&-", {}),
    ("run x.toml --out fresh", ">&- 2>&-", {}),
    ("run x.toml --out fresh", "2>&1 >out | true", {}),
    ("validate bad.toml --json", "2>&-", ASCII),
    ("validate bad.toml", ">/dev/full 2>/dev/full", {}),
    ("--help", ">/dev/full", ASCII),
    ("--help", "| true", {}),
]


@needs_full
@pytest.mark.parametrize(("command", "way", "environment"), COMPACT, ids=lambda given: given and str(given))
def test_a_command_ends_cleanly_whatever_its_streams_are(
    place: Path, command: str, way: str, environment: dict[str, str]
) -> None:
    check(place, command, way, environment)


# Names


def test_an_object_is_json_and_ascii_where_the_locale_is(place: Path) -> None:
    left = call("validate bad.toml --json", where=place, **ASCII)
    assert left.out.isascii()
    assert json.loads(left.out)["faults"][0]["value"] == '"头"'
    assert b"\\u5934" in left.err


def test_an_answer_in_ascii_has_escapes_for_what_it_lacks(place: Path) -> None:
    left = call("compare run", where=place, **ASCII)
    assert (left.code, left.err) == (0, b"")
    assert left.out.startswith(b"tiny: \\u5934\\u90e8 \\xe9 \\U0001f600\n")


@pytest.mark.parametrize(
    "environment", [pytest.param({}, id="UTF-8", marks=pytest.mark.slow), pytest.param(ASCII, id="ASCII")]
)
def test_paths_of_any_bytes_are_read_and_written(tmp_path: Path, environment: dict[str, str]) -> None:
    odd = tmp_path / os.fsdecode(b"\xff\xe5\xa4\xb4")
    odd.mkdir()
    write(odd, TITLED.replace("count = 20\n", "").replace("replications = 3", "replications = 1"), "s\udcff.toml")
    write(odd, ROSTER.replace("account 1,", "头,"), "r\udcff.csv")
    write(odd, "import sim\n@sim.policy\ndef mine(view, support):\n    return view.quality\n", "p\udcff.py")
    text = (odd / "s\udcff.toml").read_text() + '\n[arms.mine]\nsupport.policy = "mine"\n'
    write(odd, text, "s\udcff.toml")
    given = r"$'s\xff.toml' --roster $'r\xff.csv' --plugin $'p\xff.py'"
    for command, written in (
        (rf"run {given} --out $'run\xff' --json", b"run\xff"),
        (r"report $'run\xff' --json", b"run\xff/report.html"),
        (r"report $'run\xff' $'run\xff' --out $'two\xff.html'", b"two\xff.html"),
        (r"plot $'run\xff' $'run\xff' --chart runs --out $'p\xff.svg'", b"p\xff.svg"),
        (rf"graph {given} --out $'g\xff.csv' --json", b"g\xff.csv"),
    ):
        left = call(command, where=odd, **environment)
        assert (left.code, is_clean(left)) == (0, True), left
        assert os.path.exists(os.path.join(os.fsencode(odd), written))
        if "--json" in command:
            assert isinstance(json.loads(left.out.decode()), dict)
    manifest = json.loads((odd / "run\udcff" / MANIFEST).read_text(encoding="utf-8"))
    assert "run\udcff" in [os.fsdecode(os.fsencode(word)) for word in manifest["command"]]
    for page in ("run\udcff/report.html", "two\udcff.html", "p\udcff.svg"):
        assert (odd / page).read_text(encoding="utf-8")
    left = call(r"compare $'gone\xff' --json", where=odd, **environment)
    assert (left.code, os.fsencode(json.loads(left.out.decode())["faults"][0]["file"])) == (2, b"gone\xff")


def test_a_check_reports_on_paths_of_any_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, TITLED, "s\udcff.toml")
    (tmp_path / "b\udcff").mkdir()
    places = ("--junit", "j\udcff.xml", "--summary", "m\udcff.md", "--github", "--baselines", "b\udcff")
    ended = sim("check", "s\udcff.toml", *places)
    assert (ended.code, "sim failed" in ended.err) == (1, False)
    assert (tmp_path / "j\udcff.xml").read_text(encoding="utf-8").startswith("<?xml")
    assert (tmp_path / "m\udcff.md").read_text(encoding="utf-8")
    assert (tmp_path / "s\udcff.toml").name in sim("check", "s\udcff.toml", "--baselines", "b", "--json").out


# No home, no current folder, no temporary folder


def test_a_command_needs_neither_home_nor_current_nor_temporary_folder(place: Path, tmp_path: Path) -> None:
    x, run, folder = place / "x.toml", place / "run", tmp_path / "there"
    folder.mkdir()
    program = (
        f'cd "{tmp_path}/gone" && rmdir "{tmp_path}/gone" && unset HOME && export TMPDIR=/nowhere\n'
        f'sim="{sys.executable} -Pm sim"\n'
        f'$sim validate "{x}" && $sim compare "{run}" && $sim report "{run}" --out "{folder}/r.html" --json '
        f'&& $sim run "{x}" --out "{folder}/run" --json && $sim graph "{x}" --out "{folder}/g.csv" --quiet\n'
        'code=$?; $sim run "$1" --json; echo "$code $?"; $sim new mine --json; echo $?'
    )
    (tmp_path / "gone").mkdir()
    done = subprocess.run(["bash", "-c", program, "bash", x], capture_output=True, text=True, timeout=300)
    *_, refused, codes, new, code = done.stdout.splitlines()
    assert codes == "0 4", done
    assert json.loads(refused)["error"].endswith("No such file or directory")
    assert (json.loads(new)["code"], code) == (4, "4")
    assert "Traceback" not in done.stderr
    assert "sim failed" not in done.stderr
    assert sorted(os.listdir(folder)) == ["g.csv", "r.html", "run"]


# Interrupts


def interrupted(process: subprocess.Popen[str], number: signal.Signals) -> tuple[int, Any, float]:
    """Code, object and seconds of a process that gets a signal."""
    started = time.monotonic()
    process.send_signal(number)
    out, err = process.communicate(timeout=120)
    assert out.count("\n") == 1
    given = json.loads(out)
    assert err.endswith(given["error"] + "\n")
    return process.returncode, given, time.monotonic() - started


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
@pytest.mark.parametrize("engine", ["compiled", "reference"])
def test_an_interrupted_run_prints_one_object(tmp_path: Path, engine: str, number: signal.Signals) -> None:
    # Between two refreshes the reference engine is many seconds in Python; its end is forced.
    text = LONG.replace("follow_prob = 0.3", "follow_prob = 0.3\nrefresh_minutes = 525600")
    command = ("run", write(tmp_path, text), "--out", tmp_path / "run", "--engine", engine, "--threads", "1", "--json")
    with start(*command) as process:
        while not (tmp_path / "run" / JOURNAL).exists():
            assert process.poll() is None
            time.sleep(0.01)
        time.sleep(0.2)
        code, given, seconds = interrupted(process, number)
    assert (code, given["code"], given["faults"], seconds < 3) == (3, 3, [], True)
    assert given["error"].startswith("interrupted; ")


@pytest.mark.skipif(not hasattr(fcntl, "F_SETPIPE_SZ"), reason="a pipe's size can't be set")
def test_a_reader_that_does_not_read_keeps_no_interrupted_command(tmp_path: Path) -> None:
    with start("schema", cwd=tmp_path) as process:
        assert process.stdout
        fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, 4096)
        while not select.select([process.stdout], [], [], 0.1)[0]:
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=10) == 3
