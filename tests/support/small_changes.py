"""A world in which a little more or less support is called a move or a trifle."""

from __future__ import annotations

from pathlib import Path

import numpy as np
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
