"""Small scenarios and the command line for tests: called in this process, or as a process of its own."""

from __future__ import annotations

import contextlib
import io
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from sim.cli.app import app
from sim.cli.progress import COMPILING
from sim.experiment.execution import experiment
from sim.results.run import Run
from sim.scenario import Loaded, load

TINY = """\
name = "tiny"
seed = 3
horizon_days = 20
warmup_days = 5
replications = 3

[fans]
count = 60
follows_per_fan = 4.0
sessions_per_day = 0.5

[influencers]
count = 20
followers = { kind = "lognormal", median = 10_000.0, sigma = 0.8, max = 30_000.0 }

[agencies.all]
count = 3
accounts = 5.0

[surfaces.find]
kind = "discovery"
session_share = 1.0
follow_prob = 0.3

[support]
share = 0.3
within_tier = "equal"
tiers.all.weight = 1.0

[arms.none]
support.policy = "none"

[arms.tiered]
support.policy = "tiered"

[arms.uniform]
support.policy = "uniform"

[claims.lower]
title = "The tiering itself lowers the head share"
arm = "tiered"
control = "uniform"
direction = "lower"
"""
PLACEBO = '\n[arms.placebo]\nsupport.policy = "placebo"\n'
NOBODY = '\n[arms.nobody]\nsupport = { policy = "tiered", tiers.all.over_followers = 1e14 }\n'
"""An arm whose only tier nobody reaches."""
ROSTER = "influencer,followers\n" + "".join(f"account {i},{1000 + 100 * i * i}\n" for i in range(20))
LONG = TINY.replace("replications = 3", "replications = 12").replace("count = 60\n", "count = 1200\n", 1)
LONG = LONG.replace("sessions_per_day = 0.5", "sessions_per_day = 3.0").replace('name = "tiny"', 'name = "long"')
"""Takes a few seconds of one thread."""


class Told(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str


def unestimated(messages: str) -> str:
    """Messages of a run without the line that says what it is expected to take."""
    return re.sub(r"^\d+ .*: .* sessions, about .* [MG]B\n", "", messages, count=1, flags=re.MULTILINE)


def sim(*args: str | os.PathLike[str]) -> Told:
    """The command in this process, its output captured as if piped."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            app([os.fspath(arg) for arg in args])
        except SystemExit as leaving:
            code = leaving.code
    # The first run of all compiles.
    return Told(int(code or 0), out.getvalue(), err.getvalue().replace(f"{COMPILING}\n", ""))


def start(*args: str | os.PathLike[str], **options: Any) -> subprocess.Popen[str]:
    """The command as a process of its own, its output piped."""
    plain = {name: value for name, value in os.environ.items() if name not in ("FORCE_COLOR", "COLUMNS")}
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "env": plain}
    return subprocess.Popen([sys.executable, "-m", "sim", *(os.fspath(arg) for arg in args)], **(pipes | options))


def write(folder: Path, text: str, name: str = "x.toml") -> Path:
    """The text as a file of the folder."""
    path = folder / name
    path.write_text(text)
    return path


def loaded_from(folder: Path, text: str, **options: Any) -> Loaded:
    """The text as a loaded scenario."""
    return load(write(folder, text), **options)


def run_of(folder: Path, text: str = TINY, *, out: str = "run", roster: Path | None = None, **options: Any) -> Run:
    """A finished run of the text, on one thread; its notes go nowhere."""
    usual: dict[str, Any] = {"threads": 1, "note": lambda _text: None}
    return experiment(loaded_from(folder, text, roster=roster), out=folder / out, **(usual | options))


def tables(path: Path) -> dict[str, bytes]:
    """Bytes of the tables of a run folder by file name."""
    return {file.name: file.read_bytes() for file in sorted(path.glob("*.parquet"))}
