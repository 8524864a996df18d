"""The command called by a shell with its streams redirected, and what must be true of it then."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from support.small_runs import TINY, run_of, sim, write

from sim.store.run_folder import MANIFEST

needs_full = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is always full")
ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


TITLED = TINY.replace("seed = 3", 'seed = 3\ntitle = "头部 é 😀"')


WAYS = (
    ">&-", "2>&-", ">&- 2>&-", "<&-", "<&- >&- 2>&-",
    ">/dev/full", "2>/dev/full", ">/dev/full 2>/dev/full",
    "| true", "2>&1 | true", "2>&1 >out | true", "| head -c 1",
)  # fmt: skip


VERBS = (
    "run x.toml --out run", "run x.toml --out run --json", "run x.toml --out fresh", "validate x.toml",
    "validate x.toml --json", "compare run", "compare run --json", "compare run run", "schema", "trace x.toml --fan 3",
    "trace x.toml --influencer 3 --json", "graph x.toml", "graph x.toml --json --out g.csv", "report run",
    "report run run --json --out two.html", "plot run --chart head-share --out p.svg",
    "plot run --chart head-share --out p.png --json", "check x.toml --baselines b",
    "check x.toml --baselines b --json --junit j.xml", "new fresh", "--help", "run --help",
)  # fmt: skip


BAD = ("validate bad.toml", "validate bad.toml --json", "compare nowhere --json", "run x.toml --colour", "simulate")


def made_place(folder: Path) -> Path:
    """Put into a folder a scenario, x.toml, its finished run, run, its baseline in b, and a bad scenario, bad.toml."""
    run_of(folder, TITLED)
    write(folder, TINY.replace("seed = 3", 'seed = "头"'), "bad.toml")
    made = ("check", folder / "x.toml", "--baselines", folder / "b", "--update", "--reason", "the first", "--quiet")
    assert sim(*made).code == 0
    return folder


class Left(NamedTuple):
    code: int
    out: bytes
    err: bytes


def call(command: str, way: str = "", where: Path | None = None, **environment: str) -> Left:
    """A command as a shell starts it, its streams redirected; what went to the streams that weren't."""
    reading, writing = os.pipe()
    shell = ["bash", "-c", f'{{ "{sys.executable}" -m sim {command}; code=$?; echo $code >&{writing}; }} {way}']
    plain = {name: value for name, value in os.environ.items() if name not in ("FORCE_COLOR", "COLUMNS")}
    options: dict[str, Any] = {"capture_output": True, "cwd": where, "env": plain | environment, "timeout": 300}
    with os.fdopen(reading) as codes:
        with os.fdopen(writing, "w"):
            done = subprocess.run(shell, pass_fds=[writing], **options)
        return Left(int(codes.read()), done.stdout, done.stderr)


def is_clean(left: Left) -> bool:
    """Whether neither stream shows a fault of ours, nor an abort."""
    words = left.out + left.err
    return not any(word in words for word in (b"Traceback", b"sim failed", b"Fatal", b"Aborted", b"Exception"))


def expected(command: str, way: str) -> int:
    """The exit code of a command: output that nobody can have is no error, a full disk is one."""
    prints = "--json" in command or command not in BAD
    if prints and ">/dev/full" in way.split():
        return 4
    return 2 if command in BAD else 0


def check(place: Path, command: str, way: str, environment: dict[str, str]) -> None:
    shutil.rmtree(place / "fresh", ignore_errors=True)
    (place / "fresh.toml").unlink(missing_ok=True)
    left = call(command, way, place, **environment)
    assert left.code == expected(command, way), (command, way, environment, left)
    assert is_clean(left), (command, way, environment, left)
    if command.endswith("--out fresh") and left.code == 0:
        assert (place / "fresh" / MANIFEST).exists()
    if left.code == 4 and "2>" not in way:
        assert left.err.endswith(b"standard output: can't be written: No space left on device\n")
