"""Processor time and memory of reading a roster, by what it looks like; asserts nothing.

    python tests/benchmarks/rosters.py [--json FILE] [--rows N] [--rounds N]

A roster of N accounts (100,000) with seven columns of ours: *plain* CSV; *further*, with a column of texts and two of
numbers besides; *written*, with followers abbreviated from ten thousand on; *semicolons*, with decimal commas; *utf-16*
with tabs; *skipped*, with every twentieth row bad; *parquet*, the plain one. Time is the processor's, the best of the
rounds, which are interleaved; memory is how far the process's peak rises above what it held before.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import machine
import pyarrow as pa
import pyarrow.parquet as pq

from sim.scenario import read_roster

VERTICALS = ("fashion", "beauty", "sports", "")
COLUMNS = ("influencer", "followers", "vertical", "agency", "quality", "posts_per_day", "shop")
FURTHER = ("city", "views", "score")
Row = list[str]


def accounts(n: int) -> list[Row]:
    """Cells of each account."""
    rng = random.Random(1)
    return [
        [
            f"account-{i:06}",
            str(int(min(100 * rng.paretovariate(0.8), 1e8))),
            rng.choice(VERTICALS),
            f"agency-{rng.randrange(300)}",
            f"{rng.uniform(0.1, 0.9):.3f}",
            f"{rng.uniform(0, 9):.2f}",
            rng.choice(("true", "false", "")),
        ]
        for i in range(n)
    ]


def _text(rows: list[Row], separator: str = ",", header: tuple[str, ...] = COLUMNS) -> str:
    return "\n".join(separator.join(row) for row in ([*header], *rows)) + "\n"


def _further(rows: list[Row]) -> str:
    rng = random.Random(2)
    more = ([f"city {rng.randrange(50)}", str(rng.randrange(10**7)), f"{rng.random():.4f}"] for _ in rows)
    return _text([row + others for row, others in zip(rows, more, strict=True)], ",", COLUMNS + FURTHER)


def _written(row: Row) -> Row:
    return [row[0], row[1] if len(row[1]) < 5 else f"{int(row[1]) / 10_000:.1f}万", *row[2:]]


def files(folder: Path, n: int) -> list[Path]:
    """The rosters, each under its name."""
    rows = accounts(n)
    commas = [[*row[:4], row[4].replace(".", ","), row[5].replace(".", ","), row[6]] for row in rows]
    bad = [row if i % 20 else [*row[:2], "elsewhere", *row[3:]] for i, row in enumerate(rows)]
    made: dict[str, Callable[[], bytes]] = {
        "plain": lambda: _text(rows).encode(),
        "further": lambda: _further(rows).encode(),
        "written": lambda: _text([_written(row) for row in rows]).encode(),
        "semicolons": lambda: _text(commas, ";").encode(),
        "utf-16": lambda: _text(rows, "\t").encode("utf-16"),
        "skipped": lambda: _text(bad).encode(),
    }
    for name, make in made.items():
        (folder / name).write_bytes(make())
    columns = dict(zip(COLUMNS, map(list, zip(*rows, strict=True)), strict=True))
    pq.write_table(pa.table(columns), folder / "parquet")
    return [folder / name for name in (*made, "parquet")]


def read(path: Path) -> float:
    """Processor seconds of reading a roster."""
    started = time.process_time()
    read_roster(path, dirty_rows="skip", verticals=VERTICALS[:3])
    return time.process_time() - started


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="where the figures are written")
    parser.add_argument("--rows", type=int, default=100_000, help="accounts")
    parser.add_argument("--rounds", type=int, default=5, help="times that each is read")
    given = parser.parse_args()
    seconds: dict[str, float] = {}
    peaks: dict[str, float | None] = {}
    with tempfile.TemporaryDirectory() as folder:
        paths = files(Path(folder), given.rows)
        for _ in range(given.rounds):
            for path in paths:
                seconds[path.name] = min(read(path), seconds.get(path.name, float("inf")))
        for path in paths:
            before = machine.forget_peak()
            read(path)
            peak = machine.memory_mb("VmHWM")
            peaks[path.name] = None if before is None or peak is None else peak - before
    for name, time_taken in seconds.items():
        peak = peaks[name]
        print(f"{name:<12} {time_taken:6.2f} s" + ("" if peak is None else f"  {peak:6.0f} MB"))
    if given.json:
        found: dict[str, Any] = {"rows": given.rows, "seconds": seconds, "peak_mb": peaks}
        given.json.write_text(json.dumps(found | machine.describe(), indent=2) + "\n")


if __name__ == "__main__":
    main()
