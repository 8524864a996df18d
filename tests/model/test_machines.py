"""The same outcome on other processors: machine code for any of them, numpy without its newer instructions, threads."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

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
"""Whatever takes logarithms, powers and quantiles, and every way to fill a slot."""

NEWER = ("AVX512_SPR", "AVX512_ICL", "AVX512_CLX", "AVX512_CNL", "AVX512_SKX", "AVX512CD", "AVX512F", "FMA3", "AVX2")


def known_to_numpy() -> str:
    """Newer instructions that this processor has and that numpy can do without."""
    from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__

    wanted = {*NEWER, "X86_V3", "X86_V4"}
    return ",".join(name for name in __cpu_dispatch__ if name in wanted and __cpu_features__.get(name))


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


def test_numpy_without_newer_instructions_and_other_threads_give_the_same_outcome(tmp_path: Path) -> None:
    features = known_to_numpy()
    if not features:
        pytest.skip("numpy has no code for newer instructions of this processor")
    plain = outcome(tmp_path, "--threads", "1")
    assert outcome(tmp_path, "--threads", "4", NPY_DISABLE_CPU_FEATURES=features) == plain
    assert outcome(tmp_path, "--threads", "2") == plain


@pytest.mark.slow
def test_machine_code_for_any_processor_gives_the_same_outcome(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    assert outcome(tmp_path, NUMBA_CPU_NAME="generic", NUMBA_CACHE_DIR=str(cache)) == outcome(tmp_path)
