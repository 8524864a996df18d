"""Bytes that a fan and a follow take, as slopes of peak memory over runs of workload W; asserts nothing.

    python tests/benchmarks/memory.py [--json FILE]

Each run has a process of its own. Fans: a day of two numbers of them, less what their follows take. Follows: the same
fans for a few days and for many. Lists begin empty: all follows are new ones, in the engine's lists.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

BENCHMARK = Path(__file__).with_name("workload_w.py")
FANS = (1_000_000, 4_000_000)
DAYS = (20, 160)


def measure(fans: int, days: int) -> tuple[float, int]:
    """Peak memory [bytes] and follows of a run."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "w.json"
        size = ["--fans", str(fans), "--influencers", "10000", "--days", str(days), "--threads", "1"]
        how = ["--repeats", "1", "--engines", "headshare", "--json", str(file)]
        subprocess.run([sys.executable, str(BENCHMARK), *size, *how], check=True, stdout=subprocess.DEVNULL)
        record: dict[str, Any] = json.loads(file.read_text())["headshare"]
    return record["peak_mb"] * 1e6, record["rounds"][0]["follows"]


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="where the figures are written")
    given = parser.parse_args()
    measure(FANS[0], 1)  # the compiler's memory isn't counted
    (short, few_follows), (long, many_follows) = (measure(FANS[0], days) for days in DAYS)
    per_follow = (long - short) / (many_follows - few_follows)
    (small, few), (large, many) = (measure(fans, 1) for fans in FANS)
    per_fan = (large - small - per_follow * (many - few)) / (FANS[1] - FANS[0])
    print(f"{per_fan:.1f} bytes a fan ({FANS[0]:,} to {FANS[1]:,} fans)")
    print(f"{per_follow:.2f} bytes a follow ({few_follows:,} to {many_follows:,} follows of {FANS[0]:,} fans)")
    if given.json:
        given.json.write_text(json.dumps({"bytes_per_fan": per_fan, "bytes_per_follow": per_follow}, indent=2) + "\n")


if __name__ == "__main__":
    main()
