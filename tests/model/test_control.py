"""The tier review: what it adds up, over which windows, and that `over` is strict and `min` inclusive."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.scenarios import plain, roster_of, world_of

from sim.calendar import DAY
from sim.model.agencies.history import RECORDED_FLOWS
from sim.model.agencies.tiers import TierReview
from sim.model.simulation import Outcome, simulate

PEOPLE, INFLATION = 1000.0, 12.0
ROSTER = roster_of(
    [40, 30, 20, 10, 5, 5],
    agency=["a", "a", "a", "b", "b", None],
    posts_per_day=[3.0, 2.0, 1.0, 4.0, 1.0, 9.0],
    shop=[1, 1, 1, 1, 1, 1],
    conversion_prob=[0.01] * 6,
    order_value_fen=[500.0] * 6,
)


def reviewed(horizon_days: int = 60, warmup_days: int = 15, **tier: Any) -> Outcome:
    world = world_of(
        plain(
            horizon_days=horizon_days,
            warmup_days=warmup_days,
            people_per_fan=PEOPLE,
            reads_per_examined=INFLATION,
            fans={"count": 60, "follows_per_fan": 110 / 60, "sessions_per_day": 1.0},
            surfaces={"find": {"kind": "commerce", "session_share": 1.0, "follow_prob": 0.1, "order_factor": 1.0}},
            support={"tiers": {"only": {"weight": 1.0, **tier}}},
        ),
        ROSTER,
    )
    return simulate(world.scenario, world.population, world.key)


def of_agency_a(outcome: Outcome, flow: str, start: int, end: int) -> int:
    return int(outcome.history.between(start, end)[RECORDED_FLOWS.index(flow)][:3].sum())


def test_a_review_adds_up_the_accounts_of_an_agency_as_real_people() -> None:
    review = reviewed().reviews[0]
    assert review.accounts.tolist() == [3, 2]
    assert review.followers.tolist() == [90 * PEOPLE, 15 * PEOPLE]
    assert review.posts_per_month.tolist() == [180.0, 150.0]


def test_a_history_shorter_than_its_window_is_scaled_up_to_it() -> None:
    outcome = reviewed(warmup_days=15)
    review = outcome.reviews[0]
    reads = of_agency_a(outcome, "reads", -15 * DAY, 0)
    assert reads > 0
    assert review.reads_per_month[0] == pytest.approx(reads * 2 * PEOPLE * INFLATION, rel=1e-12)
    assert review.gmv_fen_per_year[0] == pytest.approx(of_agency_a(outcome, "gmv", -15 * DAY, 0) * 365 / 15, rel=1e-12)


def test_a_longer_history_counts_the_trailing_window_only() -> None:
    outcome = reviewed(warmup_days=15)
    review = outcome.reviews[2]
    assert review.time == 60 * DAY
    reads = of_agency_a(outcome, "reads", 30 * DAY, 60 * DAY)
    assert review.reads_per_month[0] == pytest.approx(reads * PEOPLE * INFLATION, rel=1e-12)
    assert review.gmv_fen_per_year[0] == pytest.approx(of_agency_a(outcome, "gmv", -15 * DAY, 60 * DAY) * 365 / 75)


def test_without_a_history_reads_and_turnover_are_nothing() -> None:
    review = reviewed(warmup_days=0).reviews[0]
    assert not review.reads_per_month.any()
    assert not review.gmv_fen_per_year.any()


def holds(review: TierReview) -> list[bool]:
    return (review.tier == 0).tolist()


@pytest.mark.parametrize(
    ("condition", "figure"),
    [
        ("over_accounts", "accounts"),
        ("over_followers", "followers"),
        ("over_reads_per_month", "reads_per_month"),
        ("over_posts_per_month", "posts_per_month"),
    ],
)
def test_over_is_strict(condition: str, figure: str) -> None:
    exactly = float(getattr(reviewed().reviews[0], figure)[0])
    assert not holds(reviewed(**{condition: exactly}).reviews[0])[0]
    assert holds(reviewed(**{condition: float(np.nextafter(exactly, 0))}).reviews[0])[0]


def test_min_is_inclusive() -> None:
    exactly = reviewed(warmup_days=73).reviews[0].gmv_fen_per_year[0]  # 365 / 73 = 5: a whole number of fen
    assert exactly == int(exactly) > 0
    assert holds(reviewed(warmup_days=73, min_gmv_fen_per_year=int(exactly)).reviews[0])[0]
    assert not holds(reviewed(warmup_days=73, min_gmv_fen_per_year=int(exactly) + 1).reviews[0])[0]


def test_all_conditions_must_hold_and_the_highest_tier_counts() -> None:
    world = world_of(
        plain(
            support={
                "tiers": {
                    "high": {"weight": 3.0, "over_accounts": 2.0, "over_posts_per_month": 170.0},
                    "middle": {"weight": 2.0, "over_accounts": 2.0},
                    "low": {"weight": 1.0, "over_accounts": 1.0},
                }
            },
            fans={"count": 60, "follows_per_fan": 110 / 60, "sessions_per_day": 0.1},
        ),
        ROSTER,
    )
    assert simulate(world.scenario, world.population, world.key).reviews[0].tier.tolist() == [0, 2]
    fewer = world.scenario.support.tiers | {
        "high": world.scenario.support.tiers["high"].model_copy(update={"over_posts_per_month": 180.0})
    }
    assert simulate(world.arm(tiers=fewer), world.population, world.key).reviews[0].tier.tolist() == [1, 2]
