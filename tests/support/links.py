"""Worlds in which attention brings links in proportion to ``q F^b``, and the followers of each of their epochs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from support.inspection import one_surface
from support.scenarios import World

from sim.calendar import DAY
from sim.model.ranking.surfaces import Surfaces
from sim.model.simulation import simulate
from sim.types import Key

Floats = NDArray[np.float64]


Int64s = NDArray[np.int64]


def epochs_of(world: World, n: int) -> Iterator[Int64s]:
    """Followers at the start of every epoch and at the end, shape (K + 1, M), of each of n runs."""
    noted: list[Int64s] = []
    refresh = Surfaces.refresh

    def noting(self: Surfaces, surface: int, now: int, followers: Int64s, tier: Any) -> None:
        noted.append(followers.copy())
        refresh(self, surface, now, followers, tier)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Surfaces, "refresh", noting)
        for replication in range(n):
            noted.clear()
            outcome = simulate(world.scenario, world.population, Key(world.key.seed, replication))
            yield np.array([*noted, outcome.followers(world.scenario.horizon_days * DAY)])


QUALITY = np.array([0.4, 0.5, 0.6, 0.8])


def attention(b: float, start: int, *, pages_per_day: float, slots: int, refresh_minutes: int) -> World:
    """Links at a rate ``q F^b``: popularity b brings the look, quality the click."""
    return one_surface(
        {"followers": [start] * 4, "quality": QUALITY.tolist()},
        fans={"count": 100, "sessions_per_day": pages_per_day / 100},
        slots=slots,
        distinct=False,
        examination={"exponent": 0.0},
        follow_prob=1.0,
        already_following="count",
        ranking={"popularity": b, "offset_people": 0.0},
        refresh_minutes=refresh_minutes,
    )


def drift(followers: Int64s, b: float) -> Floats:
    """What each account has gained over ``m q F^b / Σ q F^b`` a epoch: of mean 0, exactly."""
    rate = QUALITY * followers[:-1].astype(np.float64) ** b
    gained = np.diff(followers, axis=0)
    surprise: Floats = (gained - gained.sum(axis=1, keepdims=True) * rate / rate.sum(axis=1, keepdims=True)).sum(axis=0)
    return surprise
