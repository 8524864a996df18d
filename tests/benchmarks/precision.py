"""What a given precision costs on two source trees, interleaved: C0's contrasts on weibo-2017; asserts nothing.

    python tests/benchmarks/precision.py --against ../other-worktree [--fans 20000] [--replications 40] [--json FILE]

A faster draw isn't worth much if arms that share draws stay less close together, nor the other way round: what a user
waits for is *seconds of a pair of units x variance of the difference of the pair*. This script runs the arms ``none``,
``tiered`` and ``uniform`` of the scenario in this tree and in another one (a ``git worktree`` of another revision),
each tree in a process of its own that has imported it once, replication after replication, both trees in turn, the
first of them changing. Seconds are processor time of one thread, without drawing the population, compiling and files.

It is done with a population for each replication (*redrawn*) and with one for all (*fixed*). For each contrast of the
followers' head share at the end: its standard deviation on both trees, in points of a hundredth of a per cent; the
ratio of the variances, other tree over this one, with the middle 90 % of 4,000 bootstrap samples of replications; the
same of the cost, variance x seconds; and the time to a half-width of .05 points at .95, normal quantile.

``--fans`` scales the scenario: each fan represents more people then, so that tiers are held as at full size.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

HERE = Path(__file__).parents[2]
ARMS = ("none", "tiered", "uniform")
CONTRASTS = (("tiered", "none"), ("uniform", "none"), ("tiered", "uniform"))
POPULATIONS = ("redrawn", "fixed")
FULL_FANS, FULL_PEOPLE_PER_FAN = 100_000, 3130.0
HALF_WIDTH = 0.0005
NORMAL_975 = 1.959963984540054
BOOTSTRAPS = 4000
BASIS_POINT = 1e-4

Floats = NDArray[np.float64]


class Tree:
    """A process that runs units of a source tree."""

    def __init__(self, root: Path, fans: int, days: int) -> None:
        words = [sys.executable, __file__, "--child", str(root), "--fans", str(fans), "--days", str(days)]
        environment = {**os.environ, "PYTHONPATH": str(root)}
        self._process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def run(self, population: str, replication: int) -> tuple[list[float], list[float]]:
        """Head share at the end and seconds of each arm."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps([population, replication]) + "\n")
        stdin.flush()
        answer = stdout.readline()
        if not answer:
            raise SystemExit("a tree's process ended before it had answered")
        shares, seconds = json.loads(answer)
        return shares, seconds

    def end(self) -> None:
        """Let the process end."""
        self._process.communicate()


def child(root: Path, fans: int, days: int) -> None:
    """Run the units that are asked for on standard input, and write what came out."""
    import sim
    from sim.calendar import DAY
    from sim.model.simulation import simulate
    from sim.model.world.population import draw_population
    from sim.types import Key

    scale = {"fans.count": fans, "people_per_fan": FULL_PEOPLE_PER_FAN * FULL_FANS / fans, "horizon_days": days}
    loaded = sim.load(root / "scenarios" / "weibo-2017.toml", set=scale)
    seed = loaded.scenario.seed
    warm = sim.load(root / "scenarios" / "minimal.toml", set={"horizon_days": 1})
    simulate(warm.arms["none"], draw_population(warm.arms["none"], None, Key(1, 0)), Key(1, 0))
    for line in sys.stdin:
        population_kind, replication = json.loads(line)
        drawn = replication if population_kind == "redrawn" else 0
        population = draw_population(loaded.scenario, None, Key(seed, drawn))
        k = max(1, round(0.01 * population.n_initial))
        shares, seconds = [], []
        for arm in ARMS:
            started = time.process_time()
            outcome = simulate(loaded.arms[arm], population, Key(seed, replication))
            seconds.append(time.process_time() - started)
            followers = np.sort(outcome.followers(days * DAY))
            shares.append(float(followers[-k:].sum() / followers.sum()))
        print(json.dumps([shares, seconds]), flush=True)


def measure(trees: list[Tree], population: str, replications: int) -> tuple[Floats, Floats]:
    """Head shares and seconds of both trees, shape (2, R, arms)."""
    shares, seconds = np.zeros((2, replications, len(ARMS))), np.zeros((2, replications, len(ARMS)))
    for r in range(replications):
        for t in (0, 1) if r % 2 == 0 else (1, 0):
            shares[t, r], seconds[t, r] = trees[t].run(population, r)
    return shares, seconds


def middle(values: Floats) -> list[float]:
    """The middle 90 %."""
    return [round(float(x), 3) for x in np.quantile(values, [0.05, 0.95])]


def compared(shares: Floats, seconds: Floats, contrast: tuple[str, str]) -> dict[str, Any]:
    """Precision and cost of a contrast on both trees; this one is the first."""
    arm, control = (ARMS.index(name) for name in contrast)
    differences = shares[:, :, arm] - shares[:, :, control]
    pair_seconds = np.median(seconds[:, :, arm] + seconds[:, :, control], axis=1)
    n = differences.shape[1]
    variances = differences.var(axis=1, ddof=1)
    samples = np.random.default_rng(1).integers(n, size=(BOOTSTRAPS, n))
    drawn = differences[:, samples].var(axis=2, ddof=1)
    ratios, faster = drawn[1] / drawn[0], pair_seconds[1] / pair_seconds[0]
    pairs = variances * (NORMAL_975 / HALF_WIDTH) ** 2
    return {
        "mean_bp": [round(float(x) / BASIS_POINT, 3) for x in differences.mean(axis=1)],
        "sd_bp": [round(float(x) ** 0.5 / BASIS_POINT, 3) for x in variances],
        "seconds_of_a_pair": [round(float(x), 4) for x in pair_seconds],
        "variance_ratio": round(float(variances[1] / variances[0]), 3),
        "variance_ratio_90": middle(ratios),
        "cost_ratio": round(float(variances[1] / variances[0] * faster), 3),
        "cost_ratio_90": middle(ratios * faster),
        "seconds_to_half_width": [round(float(x), 2) for x in pairs * pair_seconds],
    }


def show(result: dict[str, Any]) -> None:
    """A table for people."""
    print(
        f"weibo-2017, {result['fans']:,} fans, {result['days']} days, {result['replications']} replications\n"
        "this tree / the other one; head share of the followers at the end"
    )
    print(f"{'contrast':<18}{'s.d. [bp]':>13}{'pair [s]':>15}{'cost ratio (90 %)':>21}{'to .05 [s]':>13}")
    for population in POPULATIONS:
        print(population)
        for name, row in result[population].items():
            deviation = " / ".join(f"{x:.2f}" for x in row["sd_bp"])
            seconds = " / ".join(f"{x:.2f}" for x in row["seconds_of_a_pair"])
            cost = f"{row['cost_ratio']:.2f} ({row['cost_ratio_90'][0]:.2f}-{row['cost_ratio_90'][1]:.2f})"
            needed = " / ".join(f"{x:.1f}" for x in row["seconds_to_half_width"])
            print(f"{name:<18}{deviation:>13}{seconds:>15}{cost:>21}{needed:>13}")


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", type=Path, help="the other source tree")
    parser.add_argument("--fans", type=int, default=20_000)
    parser.add_argument("--days", type=int, default=360)
    parser.add_argument("--replications", type=int, default=40)
    parser.add_argument("--json", type=Path, help="where the figures are written")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        child(given.child, given.fans, given.days)
        return
    if given.against is None:
        parser.error("--against is missing")
    if given.replications < 2:
        parser.error("give at least 2 replications")
    trees = [Tree(root.resolve(), given.fans, given.days) for root in (HERE, given.against)]
    result: dict[str, Any] = {"fans": given.fans, "days": given.days, "replications": given.replications}
    for population in POPULATIONS:
        shares, seconds = measure(trees, population, given.replications)
        names = {f"{arm} - {control}": (arm, control) for arm, control in CONTRASTS}
        result[population] = {name: compared(shares, seconds, contrast) for name, contrast in names.items()}
    for tree in trees:
        tree.end()
    show(result)
    if given.json:
        given.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
