"""What the benchmarks measure of the process and the machine: peak memory, processor, versions."""

from __future__ import annotations

import ctypes
import gc
import importlib.metadata
import platform
from pathlib import Path
from typing import Any

from sim.experiment.plan import n_cores

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")


def memory_mb(field: str = "VmRSS") -> float | None:
    """A field of the process's memory [MB]: ``VmRSS`` resident now, ``VmHWM`` at most so far; None without /proc."""
    try:
        lines = _STATUS.read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith(f"{field}:")), None)


def forget_peak() -> float | None:
    """Give free memory back and begin a new peak; the resident memory now [MB], None where that can't be done."""
    gc.collect()
    try:
        ctypes.CDLL(None).malloc_trim(0)
        _CLEAR.write_text("5")
    except (OSError, AttributeError, TypeError):
        return None
    return memory_mb()


def describe() -> dict[str, Any]:
    """The machine and the versions that matter."""
    versions = {name: importlib.metadata.version(name) for name in ("numpy", "numba", "simpy")}
    return {"cpu": _cpu(), "cores_usable": n_cores(), "python": platform.python_version()} | versions


def _cpu() -> str:
    """The processor's name."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
