"""Processes of the command that are waited for, and killed again and again."""

from __future__ import annotations

import os
import random
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from support.small_runs import LONG, run_of, start, unestimated

from sim.store.run_folder import JOURNAL, MANIFEST

Wait = Callable[[], bool]


def wait_for(condition: Wait, process: subprocess.Popen[str]) -> None:
    """Wait until it holds; the process must be alive then."""
    while not condition():
        assert process.poll() is None, process.stderr and process.stderr.read()
        time.sleep(0.005)


def units_are_kept(folder: Path) -> Wait:
    """Whether the journal has grown by some units."""
    return lambda: (folder / JOURNAL).exists() and (folder / JOURNAL).stat().st_size > 150_000


def killed_again_and_again(command: tuple[str | Path, ...], folder: Path, n_kills: int, rng: random.Random) -> int:
    """Run a command to its end, killed at random times; how many times it was killed while it worked."""
    n_done = 0
    for _ in range(n_kills):
        with start(*command) as process:
            wait_for(lambda: process.poll() is not None or (folder / JOURNAL).exists(), process)
            time.sleep(rng.uniform(0, 0.8))
            n_done += process.poll() is None and not (folder / MANIFEST).exists()
            process.kill()
    with start(*command) as process:
        assert unestimated(process.communicate(timeout=120)[1]) == ""
    assert process.returncode == 0
    return n_done


def long_run(folder: Path) -> Path:
    """Put into a folder a scenario that takes seconds, x.toml, and its uninterrupted run, run."""
    run_of(folder, LONG, threads=os.cpu_count())
    return folder
