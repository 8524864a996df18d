"""Sessions per second of workload W on the product and on three other engines, interleaved; asserts nothing.

    python tests/benchmarks/workload_w.py --fans 100000 --influencers 10000 --days 30 --threads 1 --json w.json

What W is stands in ``workload.py``. The product runs it as a scenario file through its public API; the others
(``baselines.py``) are a SimPy process per fan, a heap of fans, and SimPy with NumPy batches. In each round each engine
runs once, so that a busy moment of the machine hits all of them; medians, and the ratios of each round's pairs, are
reported. An engine that is slow runs fewer days, and SimPy and the heap at most a million fans: every engine's record
states its own ``fans`` and ``days``.

``sessions_per_s`` times the loop with its daily refresh, after drawing the population and compiling, before files. The
product takes its measures at snapshots, after its loop, and not every day; the time that the others' function takes
for each day is added to its loop, so that all have done the same. ``loop_seconds`` of a round is without it.

``peak_mb`` is the peak resident memory of an engine's first run. The high-water mark is reset before it. The product
comes first, and its peak counts in full: interpreter, imports, compiled code. What the others' runs add is counted from
what was resident before them, plus an interpreter that has imported SimPy and NumPy alone; where they use again what
an earlier engine left behind, that is up to a fifth too little. Null without /proc.

``per_session`` holds all engines against each other on one smaller size, the same for all, and the same influencers
(the product has them as a roster): mean clicks, follows and orders of a session must agree but for chance.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from baselines import with_heapq, with_numpy, with_simpy
from machine import describe, forget_peak, memory_mb
from workload import Counts, Platform, Size, Timed, as_roster, as_scenario, concentration

INTERPRETER_MB = memory_mb()  # SimPy and NumPy are imported, the product isn't yet

import sim  # noqa: E402

ENGINES = ("headshare", "simpy", "heapq", "numpy")
MOST_SESSIONS = {"simpy": 500_000, "heapq": 500_000, "numpy": 5_000_000}
"""About as many as take ten seconds."""
MOST_FANS = {"simpy": 1_000_000, "heapq": 1_000_000}
CHECKED = Size(fans=20_000, influencers=10_000, days=5)
"""At most this for the check that all engines model the same."""
WARM_UP = Size(fans=1000, influencers=100, days=2)


def with_headshare(size: Size, seed: int, threads: int) -> tuple[Timed, float]:
    """The product, through its public API; the second is its loop without the daily measures [s]."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "workload-w.toml"
        file.write_text(as_scenario(size, seed))
        (Path(folder) / "roster.csv").write_text(as_roster(Platform(size, seed)))
        run = sim.run(sim.load(file), out=Path(folder) / "run", threads=threads)
        table = run.table("influencers")
    columns = ("clicks", "follows", "orders", "gmv_fen")
    sums = [sum(table[name].to_pylist()) for name in columns]
    totals = run.manifest["counts"]
    followers = table["followers_end"].to_numpy()
    started = time.perf_counter()
    for _ in range(size.days):
        concentration(followers)
    measures = time.perf_counter() - started
    loop = float(run.manifest["loop_seconds"])
    return Timed(Counts(totals["sessions"], totals["impressions"], *sums), loop + measures), loop


def runner(engine: str, threads: int) -> Callable[[Size, int], tuple[Timed, float]]:
    """How an engine is run."""
    if engine == "headshare":
        return lambda size, seed: with_headshare(size, seed, threads)
    other = {"simpy": with_simpy, "heapq": with_heapq, "numpy": with_numpy}[engine]

    def run(size: Size, seed: int) -> tuple[Timed, float]:
        timed = other(size, seed)
        return timed, timed.seconds

    return run


def size_for(engine: str, whole: Size) -> Size:
    """The size that an engine can do in a bearable time."""
    fans = min(whole.fans, MOST_FANS.get(engine, whole.fans))
    days = whole.days
    if engine in MOST_SESSIONS:
        days = max(1, min(days, round(MOST_SESSIONS[engine] / fans)))
    return Size(fans, whole.influencers, days)


def measure(engines: list[str], whole: Size, threads: int, repeats: int) -> dict[str, dict[str, Any]]:
    """The rounds: for each engine its record."""
    records: dict[str, dict[str, Any]] = {}
    for number in range(repeats):
        for engine in engines:
            size = size_for(engine, whole)
            before = forget_peak()
            timed, loop = runner(engine, threads)(size, 1 + number)
            if number == 0:
                records[engine] = {
                    "sessions_per_s": 0.0,
                    "peak_mb": _peak(engine, before),
                    **size._asdict(),
                    "sessions": timed.counts.sessions,
                    "rounds": [],
                }
            records[engine]["rounds"].append(
                {
                    "sessions_per_s": round(timed.counts.sessions / timed.seconds, 1),
                    "seconds": round(timed.seconds, 4),
                    "loop_seconds": round(loop, 4),
                    **timed.counts._asdict(),
                }
            )
    for record in records.values():
        record["sessions_per_s"] = statistics.median(r["sessions_per_s"] for r in record["rounds"])
    return records


def _peak(engine: str, before: float | None) -> float | None:
    """Peak memory since ``before`` was resident [MB]."""
    peak = memory_mb("VmHWM")
    if peak is None or before is None or INTERPRETER_MB is None:
        return None
    return round(peak if engine == "headshare" else peak - before + INTERPRETER_MB, 1)


def ratios(records: dict[str, dict[str, Any]]) -> dict[str, dict[str, float]]:
    """The product's speed over each other engine's in the same round."""
    if "headshare" not in records:
        return {}

    def speeds(engine: str) -> list[float]:
        return [r["sessions_per_s"] for r in records[engine]["rounds"]]

    found = {}
    for engine in records:
        if engine != "headshare":
            each = [a / b for a, b in zip(speeds("headshare"), speeds(engine), strict=True)]
            found[engine] = {"median": statistics.median(each), "min": min(each), "max": max(each)}
    return {engine: {name: round(x, 2) for name, x in ratio.items()} for engine, ratio in found.items()}


def check(engines: list[str], whole: Size, threads: int) -> dict[str, Any]:
    """Mean counts of a session on each engine, all at one size."""
    size = Size(*(min(a, b) for a, b in zip(whole, CHECKED, strict=True)))
    means: dict[str, Any] = {}
    for engine in engines:
        counts = runner(engine, threads)(size, 1000)[0].counts
        means[engine] = {name: round(mean, 6) for name, mean in counts.per_session().items()}
    return {"size": size._asdict()} | means


def show(result: dict[str, Any], engines: list[str]) -> None:
    """A table for people."""
    workload, machine = result["workload"], result["machine"]
    print(
        f"Workload W: F = {workload['fans']:,}, M = {workload['influencers']:,}, {workload['days']} days, "
        f"{workload['threads']} thread{'s' * (workload['threads'] != 1)}, {workload['repeats']} rounds"
    )
    print(f"{machine['cpu']}, {machine['cores_usable']} cores usable")
    print(f"Python {machine['python']}, " + ", ".join(f"{n} {machine[n]}" for n in ("numpy", "numba", "simpy")))
    print(f"\n{'engine':<10}{'fans':>11}{'days':>6}{'sessions/s':>13}{'peak MB':>9}   headshare faster by (range)")
    for engine in engines:
        record, ratio = result[engine], result["ratios"].get(engine)
        peak = "-" if record["peak_mb"] is None else f"{record['peak_mb']:,.0f}"
        faster = f"{ratio['median']:>10,.1f} ({ratio['min']:,.1f} to {ratio['max']:,.1f})" if ratio else ""
        speed = f"{record['sessions_per_s']:>13,.0f}"
        print(f"{engine:<10}{record['fans']:>11,}{record['days']:>6}{speed}{peak:>9}   {faster}".rstrip())
    size = result["per_session"]["size"]
    print(f"\nMeans of a session (F = {size['fans']:,}, M = {size['influencers']:,}, {size['days']} days for all):")
    print(f"{'engine':<10}{'impressions':>13}{'clicks':>10}{'follows':>10}{'orders':>10}")
    for engine in engines:
        mean = result["per_session"][engine]
        line = f"{mean['impressions']:>13.3f}{mean['clicks']:>10.4f}{mean['follows']:>10.5f}{mean['orders']:>10.5f}"
        print(f"{engine:<10}{line}")


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fans", type=int, default=100_000)
    parser.add_argument("--influencers", type=int, default=10_000)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--threads", type=int, default=1, help="of headshare; the others have one")
    parser.add_argument("--repeats", type=int, default=3, help="rounds")
    parser.add_argument("--engines", default=",".join(ENGINES), help="comma-separated, of " + ", ".join(ENGINES))
    parser.add_argument("--json", type=Path, help="where the figures are written")
    given = parser.parse_args()
    asked = given.engines.split(",")
    if unknown := [engine for engine in asked if engine not in ENGINES]:
        parser.error(f"unknown engines: {', '.join(unknown)}")
    if given.influencers < 100 or min(given.fans, given.days, given.threads, given.repeats) < 1:
        parser.error("give at least 100 influencers and 1 of anything else")
    engines = [engine for engine in ENGINES if engine in asked]  # headshare first, in a clean process
    whole = Size(given.fans, given.influencers, given.days)
    if "headshare" in engines:
        with_headshare(WARM_UP, 1, given.threads)
    records = measure(engines, whole, given.threads, given.repeats)
    result = {
        "workload": {**whole._asdict(), "threads": given.threads, "repeats": given.repeats},
        "machine": describe(),
        **records,
        "ratios": ratios(records),
        "per_session": check(engines, whole, given.threads),
    }
    show(result, engines)
    if given.json:
        given.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
