"""A small change is called what it is: moved where it goes beyond the margin, equivalent where it stays within.

One hundredth of the slots more, or fewer, are reserved for support. What that does to the head's share of exposure is
measured once, over many populations; each trial then has a seed and a baseline of its own, and a claim whose margin
makes the true change a move or a trifle.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from support.small_runs import write

from sim.experiment.execution import experiment
from sim.regression.check import Terms, check
from sim.regression.content import values_of
from sim.scenario import load

SHARE = 0.30
REPLICATIONS = 6
MOST = 24
WORLD = """
name = "{name}"
seed = {seed}
horizon_days = 20
warmup_days = 2
replications = {replications}

[fans]
count = 300
follows_per_fan = 4.0
sessions_per_day = 1.0

[influencers]
count = 100
followers = {{ kind = "lognormal", median = 10_000.0, sigma = 1.5, max = 300_000.0 }}

[agencies.all]
count = 5
accounts = 5.0

[surfaces.find]
kind = "discovery"
session_share = 1.0
follow_prob = 0.2
refresh_minutes = 1440

[support]
share = {share}
tiers.all.weight = 1.0

[arms.none]
support.policy = "none"

[arms.uniform]
support.policy = "uniform"

[claims.head]
arm = "uniform"
control = "none"
quantity = "exposure"
measure = "head_share_10"
direction = "lower"
margin = {margin}

[check]
policy = "statistical"
replications = {replications}
max_replications = {most}
"""


def world(share: float, *, seed: int, margin: float, replications: int = REPLICATIONS, most: int = MOST) -> str:
    return WORLD.format(
        name="small-change", share=share, seed=seed, margin=margin, replications=replications, most=most
    )


def stated(folder: Path, share: float, seed: int, replications: int) -> NDArray[np.float64]:
    """What the claim is about, replication by replication."""
    text = world(share, seed=seed, margin=1.0, replications=replications, most=replications)
    run = experiment(load(write(folder, text)), out=folder / f"run-{share}", threads=1)
    return np.array(values_of(run)["claim head"]["stated"], dtype=np.float64)


def called(folder: Path, *, seed: int, share: float, margin: float) -> str:
    """The verdict on what the claim is about, after the share has changed."""
    terms = Terms(baselines=folder / "baselines", threads=1)
    path = write(folder, world(SHARE, seed=seed, margin=margin))
    assert check(path, Terms(baselines=folder / "baselines", threads=1, reason="as it was")).holds
    write(folder, world(share, seed=seed, margin=margin))
    (estimate,) = [e for e in check(path, terms).estimates if e.claim == "head"]
    return estimate.verdict


@pytest.fixture(scope="module")
def true_change(tmp_path_factory: pytest.TempPathFactory) -> float:
    """What a hundredth of the slots more does to the claim's difference; its standard error is below a tenth of it."""
    folder = tmp_path_factory.mktemp("truth")
    change = stated(folder, SHARE + 0.01, 1, 400) - stated(folder, SHARE, 1, 400)
    assert change.std(ddof=1) / np.sqrt(change.size) < abs(change.mean()) / 10
    return float(change.mean())


@pytest.mark.slow
@pytest.mark.parametrize("step", [0.01, -0.01], ids=["more slots", "fewer slots"])
@pytest.mark.parametrize(("factor", "right"), [(0.4, "moved"), (2.0, "equivalent")], ids=["moved", "equivalent"])
def test_a_hundredth_of_the_slots_is_called_what_it_is_in_95_of_100_trials(
    tmp_path: Path, true_change: float, step: float, factor: float, right: str
) -> None:
    margin = factor * abs(true_change)
    verdicts = []
    for seed in range(100, 200):
        folder = tmp_path / str(seed)
        folder.mkdir()
        verdicts.append(called(folder, seed=seed, share=SHARE + step, margin=margin))
    assert verdicts.count(right) >= 95, {verdict: verdicts.count(verdict) for verdict in set(verdicts)}


def test_the_same_share_is_equivalent_and_many_more_slots_have_moved(tmp_path: Path) -> None:
    assert called(tmp_path, seed=1, share=SHARE + 0.4, margin=0.002) == "moved"
    terms = Terms(baselines=tmp_path / "baselines", threads=1)
    checked = check(write(tmp_path, world(SHARE, seed=1, margin=0.002)), terms)
    assert checked.holds
    assert not checked.estimates
