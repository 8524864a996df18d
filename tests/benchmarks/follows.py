"""How long a follow of day 0 takes to be drawn as fans grow, on one thread; asserts nothing.

    python tests/benchmarks/follows.py [--fans 1000000,8000000] [--follows 30] [--rounds 2] [--json FILE]

The population is drawn with its follows and without; the difference is divided by their number. Processor seconds.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

from machine import describe

import sim
from sim.model.world.population import draw_population
from sim.types import Key

INFLUENCERS = 2000
SEGMENTS = 4


def as_scenario(fans: int, follows: float) -> str:
    """A scenario of this many fans in segments of different interest."""
    lines = [
        'name = "follows"', "seed = 1", "horizon_days = 1", "replications = 1",
        "[fans]", f"count = {fans}", f"follows_per_fan = {follows}", "sessions_per_day = 1.0",
        "[influencers]", f"count = {INFLUENCERS}",
        'followers = { kind = "pareto", min = 100.0, exponent = 1.3, max = 5000.0 }',
        "[surfaces.find]", 'kind = "discovery"', "session_share = 1.0",
        "[verticals.a]", "share = 1.0", "[arms.none]", 'support.policy = "none"',
    ]  # fmt: skip
    for number in range(SEGMENTS):
        lines += [f"[segments.s{number}]", f"share = {1 / SEGMENTS}", f"other_interest = {(1 + number) / SEGMENTS}"]
    return "\n".join([*lines, ""])


def seconds(fans: int, follows: float) -> float:
    """Processor time of drawing the population."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "follows.toml"
        file.write_text(as_scenario(fans, follows))
        scenario = sim.load(file).scenario
    started = time.process_time()
    draw_population(scenario, None, Key(1, 0))
    return time.process_time() - started


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fans", default="1000000,8000000", help="comma-separated")
    parser.add_argument("--follows", type=float, default=30.0, help="of a fan")
    parser.add_argument("--rounds", type=int, default=2, help="the quickest one counts")
    parser.add_argument("--json", type=Path, help="where the figures are written")
    given = parser.parse_args()
    seconds(100_000, 4.0)  # the compiler's time isn't counted
    found: dict[str, Any] = {"influencers": INFLUENCERS, "segments": SEGMENTS, "ns_per_follow": {}}
    print(f"{'fans':>12}{'follows':>15}{'ns a follow':>13}")
    for fans in map(int, given.fans.split(",")):
        n_follows = round(fans * given.follows)
        without = min(seconds(fans, 0.0) for _ in range(given.rounds))
        each = (min(seconds(fans, given.follows) for _ in range(given.rounds)) - without) / n_follows * 1e9
        found["ns_per_follow"][fans] = round(each, 1)
        print(f"{fans:>12,}{n_follows:>15,}{each:>13.1f}", flush=True)
    if given.json:
        given.json.write_text(json.dumps(found | {"machine": describe()}, indent=2) + "\n")


if __name__ == "__main__":
    main()
