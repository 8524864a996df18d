"""Estimated against measured time and memory of runs of many sizes; run it by hand, it asserts nothing.

    python tests/benchmarks/estimates.py [--threads 1] [--only PART-OF-A-NAME]

Each run has a process of its own. The first compiles the kernel where that isn't done, and isn't counted. Refit the
constants of ``sim.experiment.cost`` by these figures after a change of the kernel or on another machine.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

SCENARIOS = Path(__file__).parents[2] / "scenarios"
WEIBO = "weibo-2017.toml"
CASES: list[tuple[str, dict[str, str], int]] = [
    ("minimal.toml", {}, 1),
    ("minimal.toml", {}, 5),
    ("graph.toml", {}, 2),
    ("roster.toml", {}, 1),
    ("claims/subsidy.toml", {}, 1),
    ("claims/live.toml", {}, 1),
    *[
        (WEIBO, {"count = 100_000": f"count = {fans}", "count = 2_000": f"count = {influencers}"}, 1)
        for fans, influencers in ((20_000, 500), (20_000, 2000), (20_000, 20_000), (100_000, 500), (100_000, 2000))
    ],
    (WEIBO, {"count = 100_000": "count = 20000"}, 6),
    (WEIBO, {"count = 100_000": "count = 100000", "count = 2_000": "count = 20000"}, 1),
    (WEIBO, {"count = 100_000": "count = 500000"}, 1),
]
"""Scenario, words replaced in it, replications."""


def name_of(case: tuple[str, dict[str, str], int]) -> str:
    """What a case is called."""
    file, changes, replications = case
    sizes = " ".join(new.removeprefix("count = ") for new in changes.values())
    return f"{file.removesuffix('.toml')} {sizes} x {replications}".replace("  ", " ")


def measured(case: tuple[str, dict[str, str], int], threads: int) -> dict[str, float]:
    """CostEstimate and measurement of a case, in a process of its own."""
    words = json.dumps({"case": case, "threads": threads})
    done = subprocess.run([sys.executable, __file__, "--child", words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def child(words: dict[str, Any]) -> None:
    """Run a case and print what was estimated and measured."""
    from sim import load, run
    from sim.experiment.plan import CostEstimate

    file, changes, replications = words["case"]
    expected: list[CostEstimate] = []
    with tempfile.TemporaryDirectory() as folder:
        path = SCENARIOS / file
        if changes:
            text = path.read_text()
            for old, new in changes.items():
                text = text.replace(old, new)
            path = Path(folder) / "scenario.toml"
            path.write_text(text)
        loaded = load(path, replications=replications)
        started = time.perf_counter()
        finished = run(loaded, out=f"{folder}/run", threads=words["threads"], force=True, announce=expected.append)
        seconds = time.perf_counter() - started
        sessions = finished.manifest["counts"]["sessions"]
    peak = int(re.findall(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[0]) * 1024
    n_arms = len(loaded.arms) * replications
    print(
        json.dumps(
            {
                "seconds": seconds,
                "estimated_seconds": expected[0].seconds,
                "bytes": peak,
                "estimated_bytes": expected[0].bytes,
                "sessions": sessions,
                "estimated_sessions": expected[0].sessions * n_arms / expected[0].units,
            }
        )
    )


def main() -> None:
    """Measure and print all cases."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--threads", type=int, default=1)
    arguments.add_argument("--only", default="", help="part of the name of the cases to run")
    arguments.add_argument("--child", help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.child:
        child(json.loads(given.child))
        return
    measured(("minimal.toml", {}, 1), given.threads)
    print(f"{given.threads} threads, load {os.getloadavg()[0]:.1f}")
    print(f"{'':32} {'s':>8} {'about':>8} {'ratio':>6} {'MB':>8} {'about':>8} {'ratio':>6} {'sessions':>9}")
    for case in CASES:
        if given.only not in name_of(case):
            continue
        found = measured(case, given.threads)
        row = [f"{name_of(case):32}"]
        for key, unit, digits in (("seconds", 1.0, 1), ("bytes", 1e6, 0)):
            own, about = found[key], found[f"estimated_{key}"]
            row.append(f"{own / unit:8.{digits}f} {about / unit:8.{digits}f} {about / own:6.2f}")
        row.append(f"{found['estimated_sessions'] / found['sessions']:9.3f}")
        print(" ".join(row), flush=True)


if __name__ == "__main__":
    main()
