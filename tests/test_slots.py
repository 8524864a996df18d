"""Slot tables against exact rational arithmetic: prefix sums, the guide, and the frequencies that come of them."""

from __future__ import annotations

from bisect import bisect_right
from fractions import Fraction
from itertools import accumulate, permutations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scenarios_for_tests import DRAWN, plain, roster_of, world_of
from scipy import stats

from sim.model import choice, slots
from sim.model.frozen import Counter, Total
from sim.model.simulation import simulate
from sim.streams import philox

UNIT = 2**40
MASK = 2**32 - 1
LARGEST = 2**64 - 1

amounts = st.one_of(
    st.lists(st.integers(0, 10**9).map(float), min_size=1, max_size=40),
    st.lists(st.floats(0, 1e200), min_size=1, max_size=40),
    st.lists(st.sampled_from([0.0, 1.0, 1e-13, 1e12]), min_size=1, max_size=40),
)
draws = st.sampled_from([0, 1, MASK, MASK + 1, 2**63 - 1, 2**63, LARGEST - 1, LARGEST]) | st.integers(0, LARGEST)


def table_of(weights: list[float], n_buckets: int | None = None) -> tuple[list[int], NDArray[np.int32]]:
    """Prefix sums and guide as the platform makes them."""
    n = len(weights)
    cumulative = np.full(n, -7, np.int64)
    guide = np.full(n_buckets or 1 << max(1, (n - 1).bit_length()), -7, np.int32)
    slots.build_table(np.array(weights), np.ones(1), np.zeros(n, np.int32), cumulative, guide)
    return cumulative.tolist(), guide


def looked_up(cumulative: list[int], guide: NDArray[np.int32], u: int) -> int:
    """Influencer that the kernel finds for a draw of 64 bits."""
    shift = np.uint64(64 - (guide.size.bit_length() - 1))
    prefix = np.array([cumulative], dtype=np.int64)
    return int(choice._look_up(prefix, guide[None], 0, shift, np.uint64(u >> 32), np.uint64(u & MASK)))


def exact_choice(cumulative: list[int], u: int) -> int:
    """Influencer by rational arithmetic: the first whose share of the total exceeds u / 2^64."""
    share = Fraction(u, 2**64) * cumulative[-1]
    return next(i for i, upto in enumerate(cumulative) if upto > share)


# Weights


@given(amounts)
def test_prefix_sums_are_those_of_the_weights_as_shares_of_the_largest(weights: list[float]) -> None:
    cumulative, _ = table_of(weights)
    largest = max(weights)
    exact = (
        [max(1, Fraction(w / largest) * UNIT // 1) if w > 0 else 0 for w in weights] if largest else [0] * len(weights)
    )
    assert cumulative == list(accumulate(exact))


@given(amounts.filter(any))
def test_an_integer_weight_is_the_exact_share_of_the_largest_to_one_part_in_two_to_the_40(weights: list[float]) -> None:
    integers = np.diff(table_of(weights)[0], prepend=0).tolist()
    for weight, integer in zip(weights, integers, strict=True):
        exact = Fraction(weight) / Fraction(max(weights)) * UNIT
        assert exact - 1 < integer <= max(exact, 1 if weight > 0 else 0) + Fraction(1, 2**12)


@given(amounts.filter(any))
def test_whoever_has_any_weight_can_be_drawn_and_nobody_else(weights: list[float]) -> None:
    integers = np.diff(table_of(weights)[0], prepend=0)
    assert (integers > 0).tolist() == [weight > 0 for weight in weights]
    assert integers.max() == UNIT


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=20), st.lists(st.floats(0, 1), min_size=3, max_size=3))
def test_factors_of_the_verticals_multiply_the_weights(weights: list[float], factor: list[float]) -> None:
    n = len(weights)
    vertical = np.arange(n, dtype=np.int32) % 3
    ours, theirs = np.zeros(n, np.int64), np.zeros(n, np.int64)
    guide = np.zeros(32, np.int32)
    slots.build_table(np.array(weights), np.array(factor), vertical, ours, guide)
    multiplied = np.array(weights) * np.array(factor)[vertical]
    slots.build_table(multiplied, np.ones(1), np.zeros(n, np.int32), theirs, guide)
    assert np.array_equal(ours, theirs)


def test_a_table_of_nobody_is_empty_whatever_stood_there_before() -> None:
    cumulative, guide = table_of([0.0, 0.0, 0.0])
    assert cumulative == [0, 0, 0]
    assert not guide.any()


def test_ten_million_equal_weights_sum_without_overflow() -> None:
    n = 10_000_000
    cumulative, guide = np.zeros(n, np.int64), np.zeros(2, np.int32)
    slots.build_table(np.ones(n), np.ones(1), np.zeros(n, np.int32), cumulative, guide)
    assert (np.diff(cumulative) == cumulative[0]).all()
    assert cumulative[0] == 2**62 // n
    assert guide.tolist() == [0, n // 2]


# The guide


@settings(max_examples=300, deadline=None)
@given(amounts.filter(any), st.lists(draws, min_size=1, max_size=8))
@example([1.0], [0, LARGEST])
@example([0.0, 1.0, 0.0], [0, LARGEST])
@example([1e-13, 1.0, 1e-13], [0, LARGEST])
def test_the_guide_finds_the_influencer_of_bisection_and_of_exact_arithmetic(
    weights: list[float], us: list[int]
) -> None:
    cumulative, guide = table_of(weights)
    for u in [*us, 0, LARGEST]:
        by_bisection = bisect_right(cumulative, u * cumulative[-1] >> 64)
        assert looked_up(cumulative, guide, u) == by_bisection == exact_choice(cumulative, u)


@settings(max_examples=100, deadline=None)
@given(amounts.filter(any), st.integers(1, 9))
def test_each_bucket_of_the_guide_names_the_first_influencer_that_its_draws_can_choose(
    weights: list[float], log_buckets: int
) -> None:
    cumulative, guide = table_of(weights, 1 << log_buckets)
    for bucket, first in enumerate(guide.tolist()):
        assert first == exact_choice(cumulative, bucket << (64 - log_buckets))


@given(amounts.filter(any))
def test_the_bounds_of_every_influencer_are_hit_exactly(weights: list[float]) -> None:
    cumulative, guide = table_of(weights)
    total = cumulative[-1]
    for i, (before, upto) in enumerate(zip([0, *cumulative], cumulative, strict=False)):
        if upto > before:
            first, last = -(-(before << 64) // total), -(-(upto << 64) // total) - 1
            assert looked_up(cumulative, guide, first) == looked_up(cumulative, guide, last) == i


def test_frequencies_are_those_of_the_weights() -> None:
    weights = [5.0, 3.0, 1.0, 1.0, 0.0, 0.25]
    cumulative, guide = table_of(weights)
    high, low, *_ = philox((np.arange(20_000, dtype=np.uint64), 0, 0, 3), (11, 0))
    drawn = [looked_up(cumulative, guide, int(h) << 32 | int(w)) for h, w in zip(high, low, strict=True)]
    counts = np.bincount(drawn, minlength=6)
    assert counts[4] == 0
    held = np.array(weights) > 0
    expected = np.array(weights)[held] / sum(weights) * len(drawn)
    assert stats.chisquare(counts[held], expected).pvalue > 1e-3


# Pages


def inclusion(weights: list[int], n_slots: int) -> list[Fraction]:
    """Probability of each to stand on a page drawn without replacement, by enumeration."""
    out = [Fraction(0)] * len(weights)
    for page in permutations(range(len(weights)), n_slots):
        probability, rest = Fraction(1), sum(weights)
        for i in page:
            probability *= Fraction(weights[i], rest)
            rest -= weights[i]
        for i in page:
            out[i] += probability
    return out


def test_three_two_one_on_two_slots_have_the_known_inclusion_probabilities() -> None:
    assert [float(p) for p in inclusion([3, 2, 1], 2)] == pytest.approx([0.85, 11 / 15, 5 / 12])


@pytest.mark.parametrize(("weights", "n_slots"), [([3, 2, 1], 2), ([10, 5, 3, 1, 1], 3)])
def test_pages_without_replacement_include_each_with_the_exact_probability(weights: list[int], n_slots: int) -> None:
    surface = {"kind": "discovery", "session_share": 1.0, "slots": n_slots, "ranking": {"offset": 0.0}}
    fans = {"count": 100, "follows_per_fan": sum(weights) / 100, "sessions_per_day": 10.0}
    world = world_of(plain(fans=fans, surfaces={"find": surface}), roster_of(weights))
    outcome = simulate(world.scenario, world.population, (3, 0))
    n_pages = int(outcome.totals[0, Total.SESSIONS])
    assert n_pages > 9000
    for shown, probability in zip(
        outcome.counts[:, 0, Counter.EXPOSURE].tolist(), inclusion(weights, n_slots), strict=True
    ):
        p = float(probability)
        assert abs(shown - n_pages * p) < 4.2 * (n_pages * p * (1 - p)) ** 0.5


@settings(max_examples=100, **DRAWN)
@given(st.lists(st.integers(0, 50), min_size=2, max_size=12).filter(any), st.booleans())
def test_the_first_slot_is_proportional_to_followers(followers: list[int], distinct: bool) -> None:
    surface = {"kind": "discovery", "session_share": 1.0, "slots": 1, "ranking": {"offset": 0.0}, "distinct": distinct}
    fans = {"count": 50, "follows_per_fan": sum(followers) / 50, "sessions_per_day": 10.0}
    world = world_of(plain(fans=fans, surfaces={"find": surface}), roster_of(followers))
    outcome = simulate(world.scenario, world.population, (4, 0))
    shown, held = outcome.counts[:, 0, Counter.EXPOSURE], np.array(followers) > 0
    assert not shown[~held].any()
    expected = np.array(followers)[held] / sum(followers) * shown.sum()
    assert held.sum() == 1 or stats.chisquare(shown[held], expected).pvalue > 1e-5
