"""The memory of a run stays the same however many replications it has."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from support.small_runs import TINY

CHILD = """
import re, sys
from pathlib import Path
from sim import load, run
run(load(sys.argv[1], replications=int(sys.argv[2])), out=sys.argv[3], threads=2, force=True)
print(re.findall(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[0])
"""


def test_memory_does_not_grow_with_replications(tmp_path: Path) -> None:
    text = TINY.replace("count = 60\n", "count = 300\n", 1).replace("follows_per_fan = 4.0", "follows_per_fan = 80.0")
    file = tmp_path / "many.toml"
    file.write_text(text.replace("count = 20\n", "count = 20_000\n").replace("sigma = 0.8", "sigma = 0.3"))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}

    def peak(replications: int) -> int:
        words = [sys.executable, "-c", CHILD, str(file), str(replications), str(tmp_path / f"run {replications}")]
        return int(subprocess.run(words, capture_output=True, text=True, check=True, env=environment).stdout)

    peak(1)  # compiles, where that isn't done
    assert peak(24) < 1.15 * peak(4)
