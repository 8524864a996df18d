"""What is noted of each refresh: follows so far, and the head's share of the tables that sessions read from then on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.forms import drawn
from support.inspection import one_surface, run
from support.scenarios import World, without_phases, worlds

from sim.calendar import DAY
from sim.model.layout import Counter
from sim.model.ranking.refreshes import Refresh
from sim.model.simulation import Outcome

FOLLOWERS = [500, *[10] * 99]
"""The initial head is the first account."""


def world_with(**over: Any) -> World:
    support = {"policy": "uniform", "share": 0.3}
    return one_surface(
        FOLLOWERS,
        fans={"count": 1000, "sessions_per_day": 1.0},
        ranking={"offset_people": 0.0},
        follow_prob=0.5,
        refresh_minutes=1440,
        over={"horizon_days": 10, "people_per_fan": 1.0, "support": support} | over,
    )


def assert_same_refreshes(ours: tuple[Refresh, ...], theirs: tuple[Refresh, ...]) -> None:
    assert np.array_equal(np.array(ours), np.array(theirs), equal_nan=True)


def of_day_0_on(outcome: Outcome) -> list[Refresh]:
    return [refresh for refresh in outcome.refreshes if refresh.time >= 0]


def test_the_first_refresh_after_the_warmup_has_the_heads_share_of_day_0() -> None:
    first = of_day_0_on(run(world_with()))[0]
    assert (first.follows, first.reserved_follows) == (0, 0)
    assert first.organic_head_share == pytest.approx(500 / (500 + 990), rel=1e-6)
    assert first.support_head_share == pytest.approx(0.01, rel=1e-6)


def test_there_is_a_refresh_a_day_and_follows_are_counted_up_to_it() -> None:
    outcome = run(world_with())
    noted = of_day_0_on(outcome)
    assert [refresh.time for refresh in noted] == [day * DAY for day in range(10)]
    follows = np.array([(refresh.follows, refresh.reserved_follows) for refresh in noted])
    assert (np.diff(follows, axis=0) > 0).all()
    assert (follows[:, 1] <= follows[:, 0]).all()
    assert follows[-1, 0] < outcome.counts[:, :, Counter.FOLLOWS].sum()
    # A third of the slots' follows or so: reserved slots stand at every place of a page alike.
    assert follows[-1, 1] / follows[-1, 0] == pytest.approx(0.3, abs=0.03)


def test_a_share_of_the_support_list_is_undefined_where_there_is_none() -> None:
    for policy in ("none", "empty"):
        noted = of_day_0_on(run(world_with(support={"policy": policy, "share": 0.3})))
        assert all(np.isnan(refresh.support_head_share) for refresh in noted)
        assert not any(np.isnan(refresh.organic_head_share) for refresh in noted)
    warmup = [r for r in run(world_with(warmup_days=2)).refreshes if r.time < 0]
    assert len(warmup) == 2
    assert all(np.isnan(refresh.support_head_share) for refresh in warmup)


def test_segments_are_weighed_by_their_sessions() -> None:
    segments = {
        "a": {"share": 0.5, "activity": 3.0, "interests": {"a": 1.0}, "other_interest": 0.0},
        "b": {"share": 0.5, "activity": 1.0, "interests": {"b": 1.0}, "other_interest": 0.0},
    }
    world = one_surface(
        {"followers": FOLLOWERS, "vertical": ["a"] + ["a", "b", "b"] * 33},
        fans={"count": 1000, "sessions_per_day": 1.0, "activity_sigma": 0.0},
        ranking={"offset_people": 0.0, "relevance": 1.0},
        over={"segments": segments, "verticals": {"a": {"share": 0.5}, "b": {"share": 0.5}}},
    )
    # Segment a sees the head and 33 accounts of 10 followers, segment b never sees the head.
    assert of_day_0_on(run(world))[0].organic_head_share == pytest.approx(0.75 * 500 / 830, rel=1e-6)


@drawn(10, 60, worlds())
def test_both_engines_note_the_same_of_every_refresh(world: World) -> None:
    assert_same_refreshes(run(world).refreshes, run(world, engine="reference").refreshes)
    of_one = without_phases(world)
    outcome = run(of_one)
    for refresh in outcome.refreshes:
        assert 0 <= refresh.reserved_follows <= refresh.follows
        for share in (refresh.support_head_share, refresh.organic_head_share):
            assert np.isnan(share) or 0 <= share <= 1
