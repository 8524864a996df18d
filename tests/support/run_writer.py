"""A small run to write into run folders, and a server that forks writers of it, so that each starts in milliseconds.

Run as a program this file is that server.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet  # once in the server, not in every writer

from sim.errors import SimError
from sim.store.run_folder import RunFolder
from sim.store.unit import Unit

IDENTITY = "0123456789abcdef"
UNITS = [Unit(arm, replication) for arm in ("none", "tiered") for replication in range(6)]
CONTENT = {
    "name": "weibo-头部",
    "scenario": {"fans": 10, "mix": [0.1, 0.2, 1e-300]},
    "seed": 7,
    "engine": "compiled",
    "versions": {"sim": "0.1.0"},
    "digests": {"none": ["0a"] * 6, "tiered": ["0b"] * 6},
    "counts": {"sessions": 1, "impressions": 2},
    "seconds": 1.5,
    "loop_seconds": 1.0,
    "inputs": {},
    "reading": {},
    "plugin": None,
    "command": ["sim", "run", "x.toml"],
}


def payload(unit: Unit) -> bytes:
    return hashlib.shake_256(f"{unit.arm} {unit.replication}".encode()).digest(1 + 600 * unit.replication)


def tables_of(folder: RunFolder) -> dict[str, pa.Table]:
    found = [folder.fetch(unit) for unit in UNITS]
    columns = [[unit.arm for unit in UNITS], [unit.replication for unit in UNITS], [sum(payload) for payload in found]]
    values = [value for payload in found for value in payload]
    return {
        "measures": pa.table(columns, names=["arm", "replication", "value"]),
        "lorenz": pa.table({"value": values, "again": [value / 3 for value in values]}),
    }


def write_run(path: Path, say: Callable[[Unit], None] = lambda _: None) -> None:
    """Begin or continue the run, and finish it; each stored unit is said."""
    with RunFolder.open(path, IDENTITY) as folder:
        if folder.finished:
            return
        for unit in UNITS:
            if unit not in folder.done():
                folder.store(unit, payload(unit))
                say(unit)
        folder.publish(tables_of(folder), CONTENT)


def files_of(path: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(path.iterdir())} if path.is_dir() else {}


def serve() -> None:
    """Fork a writer for each line of JSON on standard input; kill it after ``delay`` seconds."""
    with contextlib.suppress(ImportError):
        importlib.import_module("pandas")  # pyarrow imports it where it is installed: here, not in every writer
    for line in sys.stdin:
        order = json.loads(line)
        start, gate = os.pipe()
        pids = []
        for _ in range(order["writers"]):
            pid = os.fork()
            if pid == 0:
                os.close(gate)
                os.read(start, 1)  # returns for all at once, when the gate is closed
                work(order)
                os._exit(0)
            pids.append(pid)
        os.close(start)
        os.close(gate)
        if order["delay"] is not None:
            time.sleep(order["delay"])
            for pid in pids:
                os.kill(pid, signal.SIGKILL)
        for pid in pids:
            os.waitpid(pid, 0)
        os.write(1, b"end\n")


def work(order: dict[str, Any]) -> None:
    def say(*words: object) -> None:
        os.write(1, f"{json.dumps(words)}\n".encode())

    if order["limit"] is not None:  # files longer than that can't be written
        resource.setrlimit(resource.RLIMIT_FSIZE, (order["limit"], resource.RLIM_INFINITY))
    try:
        if order["hold"]:
            with RunFolder.open(order["path"], IDENTITY):
                say("won")
                time.sleep(order["hold"])
        else:
            write_run(Path(order["path"]), lambda unit: say("stored", *unit))
            say("finished")
    except SimError as error:
        say(type(error).__name__, str(error))
    except BaseException as error:
        say("traceback", repr(error))


class Server:
    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )

    def __call__(
        self, path: Path, *, writers: int = 1, delay: float | None = None, hold: float = 0, limit: int | None = None
    ) -> list[list[Any]]:
        """What the writers said."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        order = {"path": str(path), "writers": writers, "delay": delay, "hold": hold, "limit": limit}
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        said: list[list[Any]] = []
        for line in self.process.stdout:
            if line == "end\n":
                return said
            said.append(json.loads(line))
        raise AssertionError("the server is gone")

    def close(self) -> None:
        """End it."""
        self.process.communicate()


if __name__ == "__main__":
    serve()
