"""A scenario with whatever processors may do differently, and its outcome from a process of given environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

SCENARIO = """
name = "machines"
seed = 5
horizon_days = 30
warmup_days = 30
control = "none"
replications = 1
[fans]
count = 400
follows_per_fan = 3.0
sessions_per_day = 2.0
activity_sigma = 1.0
[segments.a]
share = 0.6
interests = { x = 1.0 }
hours = [0, 0, 0, 0, 0, 0, 1, 2, 3, 3, 3, 3, 4, 4, 4, 4, 4, 5, 6, 8, 9, 8, 4, 1]
[segments.b]
share = 0.4
interests = { y = 0.7 }
growth_per_year = 0.5
[verticals.x]
share = 0.5
shop_prob = 0.3
capacity = 20.0
[verticals.y]
share = 0.5
shop_prob = 0.3
[influencers]
count = 60
followers = { kind = "lognormal", median = 1000.0, sigma = 1.5, max = 20000.0 }
live_hours_per_day = { kind = "lognormal", median = 1.0, sigma = 1.0, max = 8.0 }
[agencies.all]
count = 4
accounts = { kind = "uniform", low = 3.0, high = 9.0 }
[surfaces.feed]
kind = "feed"
session_share = 0.5
unfollow_prob = 0.02
[surfaces.find-people]
kind = "discovery"
session_share = 0.3
ranking = { popularity = 0.8, merit = 0.5, relevance = 1.0, exploration = 0.1, freshness_half_life_days = 90.0 }
follow_prob = 0.3
follow_fame = 0.3
[surfaces.live]
kind = "live"
session_share = 0.2
examination = { model = "cascade" }
tip_prob = 0.1
tip_fen = 500
[support]
share = 0.3
tiers.standard = { weight = 1.0, over_accounts = 2 }
[economy]
commission_share = 0.2
account_fen_per_month = 100.0
[contracts]
cuts = true
[entry]
newcomers_per_month = 5.0
[arms.none]
support.policy = "none"
[arms.tiered]
support = { policy = "tiered", within_tier = "organic" }
"""
"""Whatever takes logarithms, powers and quantiles, and every way to stand in a slot."""


def outcome(folder: Path, *options: str, **environment: str) -> str:
    """Digests of a run in a process of its own."""
    file = folder / "machines.toml"
    file.write_text(SCENARIO)
    out = folder / "-".join(["run", *(option.strip("-") for option in options), *environment.values()]).replace(
        "/", "_"
    )
    done = subprocess.run(
        [sys.executable, "-m", "sim", "run", str(file), "--out", str(out), "--json", *options],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    digests: dict[str, list[str]] = json.loads(done.stdout)["digests"]
    return json.dumps(digests)
