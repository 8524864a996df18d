"""How long scenarios/weibo-2017.toml takes with all its mechanisms, through the public API; asserts nothing.

    python tests/benchmarks/weibo_2017.py [--replications 30] [--arms none,tiered,uniform] [--threads N] --json FILE

A short run comes first, so that the compiler's time isn't in it. With ``--arms`` a copy of the scenario is run without
the other arms' tables and without the claims that name them. Wall seconds are those of the whole run, files included,
and so is the peak memory of the process. The loop's seconds are summed over the arms and replications reported; runs
that only serve to state how much common random numbers help are in the wall seconds alone.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
import time
import tomllib
from pathlib import Path
from typing import Any

from machine import describe, memory_mb

import sim
from sim.experiment.plan import n_cores

SCENARIO = Path(__file__).parents[2] / "scenarios" / "weibo-2017.toml"
_HEADER = re.compile(r"\[(?P<path>[^\[\]]+)\]\s*(#.*)?$")


def with_arms(text: str, arms: list[str]) -> str:
    """The scenario without other arms and without claims on them; tables of a file, each from its header on."""
    given = tomllib.loads(text)
    if unknown := [arm for arm in arms if arm not in given["arms"]]:
        raise SystemExit(f"unknown arms: {', '.join(unknown)}; the scenario has {', '.join(given['arms'])}")
    dropped = {f"arms.{arm}" for arm in given["arms"] if arm not in arms}
    for name, claim in given.get("claims", {}).items():
        if claim["arm"] not in arms or claim.get("control", claim["arm"]) not in arms:
            dropped.add(f"claims.{name}")
    kept, keeping = [], True
    for line in text.splitlines():
        if header := _HEADER.match(line):
            path = header["path"].strip()
            keeping = not any(path == table or path.startswith(f"{table}.") for table in dropped)
        if keeping:
            kept.append(line)
    return "\n".join([*kept, ""])


def shortened(text: str) -> str:
    """The same for a month."""
    return re.sub(r"(?m)^horizon_days = \d+", "horizon_days = 30", text, count=1)


def measure(text: str, replications: int | None, threads: int) -> dict[str, Any]:
    """Run it and take the time."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "short.toml").write_text(shortened(text))
        (folder / "whole.toml").write_text(text)
        sim.run(sim.load(folder / "short.toml", replications=1), out=folder / "short", threads=threads)
        loaded = sim.load(folder / "whole.toml", replications=replications)
        started = time.perf_counter()
        run = sim.run(loaded, out=folder / "whole", threads=threads)
        wall = time.perf_counter() - started
    manifest, n_units = run.manifest, len(loaded.arms) * loaded.scenario.replications
    sessions, loop = int(manifest["counts"]["sessions"]), float(manifest["loop_seconds"])
    peak = memory_mb("VmHWM")
    each = max(1, threads // n_units)  # threads of an arm's replication
    return {
        "arms": list(loaded.arms),
        "replications": loaded.scenario.replications,
        "threads": threads,
        "fans": loaded.scenario.fans.count,
        "influencers": loaded.scenario.influencers.count,
        "horizon_days": loaded.scenario.horizon_days,
        "wall_seconds": round(wall, 3),
        "loop_seconds": loop,
        "loop_seconds_each": round(loop / n_units, 4),
        "sessions": sessions,
        "sessions_per_s_per_core": round(sessions / loop / each, 1),
        "sessions_per_s": round(sessions / wall, 1),
        "peak_mb": None if peak is None else round(peak, 1),
        "machine": describe(),
    }


def show(result: dict[str, Any]) -> None:
    """A table for people."""
    machine = result["machine"]
    print(f"weibo-2017: {', '.join(result['arms'])}; {result['replications']} replications")
    print(f"{machine['cpu']}, {machine['cores_usable']} cores usable, {result['threads']} threads")
    peak = "-" if result["peak_mb"] is None else f"{result['peak_mb']:,.0f}"
    for label, value in (
        ("wall seconds, files included", f"{result['wall_seconds']:,.2f}"),
        ("loop seconds, all arms and replications", f"{result['loop_seconds']:,.2f}"),
        ("loop seconds of one arm and replication", f"{result['loop_seconds_each']:,.3f}"),
        ("sessions", f"{result['sessions']:,}"),
        ("sessions/s of a core in the loops", f"{result['sessions_per_s_per_core']:,.0f}"),
        ("sessions/s by the wall clock", f"{result['sessions_per_s']:,.0f}"),
        ("peak memory of the process [MB]", peak),
    ):
        print(f"{label:<42}{value:>16}")


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replications", type=int, help="default: as many as the scenario says")
    parser.add_argument("--arms", help="comma-separated; default: all of the scenario's")
    parser.add_argument("--threads", type=int, default=n_cores())
    parser.add_argument("--json", type=Path, help="where the figures are written")
    given = parser.parse_args()
    text = SCENARIO.read_text()
    result = measure(with_arms(text, given.arms.split(",")) if given.arms else text, given.replications, given.threads)
    show(result)
    if given.json:
        given.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
