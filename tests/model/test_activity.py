"""How active fans are: the mean time between their sessions against a plain computation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.scenarios import DRAWN

from sim.calendar import DAY
from sim.model.layout import SHARED
from sim.model.world import initial_graph
from sim.streams import Lane, exp, normal_quantile, philox

words = st.integers(0, 2**32 - 1)
activities = st.sampled_from([0.0, 1.0, 2.5]) | st.floats(0, 1000)


def mean_gap(fan: int, activity: float, sessions_per_day: float, sigma: float, key: tuple[int, int]) -> float:
    """Mean time between a fan's sessions [s]."""
    rate = activity
    if sigma > 0:
        high, low, _, _ = philox((fan, 0, 0, Lane.FAN_ACTIVITY), key)
        u = ((high << 21 | low >> 11) + 0.5) * 2.0**-53
        rate = rate * exp(sigma * normal_quantile(u) - 0.5 * sigma * sigma)
    rate = sessions_per_day * rate
    return DAY / rate if rate > 0 else np.inf


@settings(max_examples=300, **DRAWN)
@given(
    st.lists(activities, min_size=1, max_size=4),
    st.lists(st.integers(0, 3), max_size=30),
    st.sampled_from([0.0, 1.0]) | st.floats(0, 10_000),
    st.sampled_from([0.0, 0.5, 4.0]) | st.floats(0, 4),
    st.tuples(words, words),
)
def test_mean_gaps_are_those_of_a_plain_computation_to_the_bit(
    activity: list[float], segment: list[int], sessions_per_day: float, sigma: float, key: tuple[int, int]
) -> None:
    of_fans = np.array([g % len(activity) for g in segment], dtype=np.int8)
    seed, replication = (np.uint64(word) for word in key)
    ours = initial_graph.mean_gaps(of_fans, np.array(activity), sessions_per_day, sigma, (seed, replication), SHARED)
    assert ours.tolist() == [
        mean_gap(f, activity[g], sessions_per_day, sigma, key) for f, g in enumerate(of_fans.tolist())
    ]


@pytest.mark.parametrize("sigma", [0.0, 1.0])
@pytest.mark.parametrize(("activity", "sessions_per_day"), [(0.0, 3.0), (1.0, 0.0), (0.0, 0.0)])
def test_fans_without_activity_have_infinite_gaps(activity: float, sessions_per_day: float, sigma: float) -> None:
    key = (np.uint64(1), np.uint64(2))
    gaps = initial_graph.mean_gaps(np.zeros(50, np.int8), np.array([activity]), sessions_per_day, sigma, key, SHARED)
    assert (gaps == np.inf).all()


@given(st.lists(st.integers(0, 5), max_size=100), st.integers(6, 127))
def test_segments_have_as_many_fans_as_there_are(segment: list[int], n_segments: int) -> None:
    sizes = initial_graph.sizes_of_segments(np.array(segment, dtype=np.int8), n_segments)
    assert sizes.tolist() == [segment.count(g) for g in range(n_segments)]
