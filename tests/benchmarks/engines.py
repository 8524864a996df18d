"""Sessions per second of both engines on weibo-2017, interleaved in one process; run it by hand, it asserts nothing.

    python tests/benchmarks/engines.py [--days 30] [--fans 2000] [--repeats 5]

The compiled engine runs the scenario at its full size, one thread; the reference engine the same platform with fewer
fans (``--fans``), for its time per session hardly depends on how many there are. Both are timed from a drawn population
to the outcome, after compilation.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

from sim import load
from sim.model.layout import Total
from sim.model.simulation import simulate
from sim.model.world.population import draw_population
from sim.scenario import Scenario
from sim.types import EngineName

SCENARIO = Path(__file__).parents[2] / "scenarios" / "weibo-2017.toml"


def sessions_per_second(scenario: Scenario, engine: EngineName) -> float:
    """One run on one thread."""
    key = (scenario.seed, 0)
    population = draw_population(scenario, None, key)
    started = time.perf_counter()
    outcome = simulate(scenario, population, key, engine=engine)
    return float(outcome.totals[:, Total.SESSIONS].sum() / (time.perf_counter() - started))


def main() -> None:
    """Measure and print medians and the ratio of each interleaved pair."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--days", type=int, default=30, help="days after the warm-up")
    arguments.add_argument("--fans", type=int, default=2000, help="fans of the reference engine's run")
    arguments.add_argument("--repeats", type=int, default=5)
    given = arguments.parse_args()
    tiered = load(SCENARIO).arms["tiered"]
    full = tiered.model_copy(update={"horizon_days": given.days})
    # As many follows per fan; the largest account must not outgrow the fans, so the initial spread is cut.
    fans = tiered.fans.model_copy(update={"count": given.fans})
    influencers = tiered.influencers.model_copy(update={"count": 500})
    small = full.model_copy(update={"fans": fans, "influencers": influencers})
    sessions_per_second(full.model_copy(update={"horizon_days": 1}), "compiled")
    speeds: dict[EngineName, list[float]] = {"compiled": [], "reference": []}
    for _ in range(given.repeats):
        speeds["compiled"].append(sessions_per_second(full, "compiled"))
        speeds["reference"].append(sessions_per_second(small, "reference"))
    for engine, measured in speeds.items():
        print(f"{engine:10} {statistics.median(measured):12,.0f} sessions/s (median of {given.repeats}, one thread)")
    ratios = [a / b for a, b in zip(speeds["compiled"], speeds["reference"], strict=True)]
    print(f"ratio      {statistics.median(ratios):12,.0f} (smallest {min(ratios):,.0f})")


if __name__ == "__main__":
    main()
