"""Mobility: rank correlation, deciles, turnover of the head, time to it: limits, second definitions, direction."""

import itertools
import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from sim.analysis.concentration import head_members
from sim.analysis.mobility import (
    NOT_REACHED,
    arrivals_in_head,
    decile_transitions,
    head_turnover,
    mean_decile_change,
    median_arrival,
    n_moves,
    state_transitions,
    upward_share,
)
from sim.analysis.ranks import correlation_of_ranks, deciles, doubled_ranks, rank_correlation

pytestmark = pytest.mark.quick

Ints = NDArray[np.int64]

values = st.integers(-5, 5) | st.integers(-(2**62), 2**62)
columns = st.integers(1, 40).flatmap(lambda n: st.tuples(*[st.lists(values, min_size=n, max_size=n)] * 2))
amounts = st.integers(0, 4) | st.integers(0, 2**62)
two_times = st.integers(1, 60).flatmap(lambda n: st.tuples(*[st.lists(amounts, min_size=n, max_size=n)] * 2))


def vector(numbers: list[int]) -> Ints:
    return np.array(numbers, dtype=np.int64)


# Ranks and their correlation


@given(columns)
def test_a_rank_counts_the_smaller_values_and_half_the_others_that_are_equal(pair: tuple[list[int], list[int]]) -> None:
    x, _ = pair
    wanted = [2 * sum(b < a for b in x) + sum(b == a for b in x) + 1 for a in x]
    assert doubled_ranks(vector(x)).tolist() == wanted


@given(columns)
def test_rank_correlation_is_pearson_s_of_the_ranks_in_fractions(pair: tuple[list[int], list[int]]) -> None:
    x, y = pair
    ranks = [[Fraction(2 * sum(b < a for b in c) + sum(b == a for b in c) + 1, 2) for a in c] for c in (x, y)]
    means = [sum(r, Fraction(0)) / len(r) for r in ranks]
    a, b = ([r - mean for r in column] for column, mean in zip(ranks, means, strict=True))
    squares = sum((s * s for s in a), Fraction(0)) * sum((s * s for s in b), Fraction(0))
    found = rank_correlation(vector(x), vector(y))
    if squares == 0:
        assert math.isnan(found)
        return
    product = sum((s * t for s, t in zip(a, b, strict=True)), Fraction(0))
    assert found == math.copysign(math.sqrt(product * product / squares), product)


@given(columns)
def test_rank_correlation_is_scipy_s(pair: tuple[list[int], list[int]]) -> None:
    x, y = pair
    if min(len(set(x)), len(set(y))) > 1:
        assert rank_correlation(vector(x), vector(y)) == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-12)


@given(columns)
def test_rank_correlation_is_symmetric_and_turns_with_either_column(pair: tuple[list[int], list[int]]) -> None:
    x, y = vector(pair[0]), vector(pair[1])
    found = rank_correlation(x, y)
    np.testing.assert_equal(rank_correlation(y, x), found)
    np.testing.assert_equal(rank_correlation(-x, y), 0.0 - found)
    np.testing.assert_equal(correlation_of_ranks(doubled_ranks(x), doubled_ranks(y)), found)


@given(st.lists(st.floats(-1e300, 1e300), min_size=2, max_size=40, unique=True))
def test_the_same_order_correlates_by_exactly_1_whatever_the_values(x: list[float]) -> None:
    column = np.array(x)
    assert rank_correlation(column, column) == rank_correlation(column, doubled_ranks(column)) == 1.0
    assert rank_correlation(column, -column) == -1.0


def test_columns_of_one_value_have_no_rank_correlation() -> None:
    assert math.isnan(rank_correlation(np.full(5, 3), np.arange(5)))
    assert math.isnan(rank_correlation(np.array([1]), np.array([2])))


def test_sums_of_rank_products_beyond_64_bits_are_exact() -> None:
    n = 3_000_000
    x = np.arange(n)
    assert rank_correlation(x, x) == 1.0
    # The first two swapped: 1 - 6 sum d^2 / (n (n^2 - 1)), sum d^2 = 2.
    y = x.copy()
    y[:2] = 1, 0
    rho = 1 - Fraction(12, n * (n * n - 1))
    assert rank_correlation(x, y) == pytest.approx(float(rho), abs=2e-16)


def test_independent_columns_correlate_by_zero_with_variance_one_over_n_less_1() -> None:
    rng, n = np.random.Generator(np.random.Philox(key=2)), 30
    found = [rank_correlation(rng.random(n), rng.random(n)) for _ in range(1000)]
    assert abs(np.mean(found) / (np.std(found, ddof=1) / math.sqrt(1000))) < 4.2
    assert float(np.var(found)) == pytest.approx(1 / (n - 1), rel=0.2)


# Deciles


@given(two_times)
def test_deciles_are_as_large_as_can_be_and_ordered_with_the_lowest_index_first(
    pair: tuple[list[int], list[int]],
) -> None:
    x = vector(pair[0])
    found = deciles(x)
    sizes = np.bincount(found, minlength=10)
    assert sizes.max() - sizes.min() <= 1
    largest_first = head_members(x, len(x))
    assert (np.diff(found[largest_first]) <= 0).all()
    assert found[largest_first[0]] == 9


def test_the_top_decile_is_the_head_of_a_tenth() -> None:
    x = np.random.Generator(np.random.Philox(key=4)).integers(0, 30, size=500)
    assert sorted(head_members(x, 50).tolist()) == np.flatnonzero(deciles(x) == 9).tolist()


@given(two_times)
def test_transitions_count_each_holder_once_from_its_decile_to_its_decile(pair: tuple[list[int], list[int]]) -> None:
    start, end = (vector(p) for p in pair)
    counts = decile_transitions(start, end)
    wanted = np.zeros((10, 10), dtype=int)
    for i, j in zip(deciles(start).tolist(), deciles(end).tolist(), strict=True):
        wanted[i, j] += 1
    assert counts.tolist() == wanted.tolist()
    assert counts.sum(axis=1).tolist() == counts.sum(axis=0).tolist()
    assert decile_transitions(end, start).tolist() == counts.T.tolist()


@given(two_times)
def test_the_mean_change_and_the_share_of_risers_are_those_of_the_holders(pair: tuple[list[int], list[int]]) -> None:
    start, end = (vector(p) for p in pair)
    change, counts = deciles(end) - deciles(start), decile_transitions(start, end)
    assert mean_decile_change(counts) == float(Fraction(int(np.abs(change).sum()), len(start)))
    assert upward_share(counts) == float(Fraction(int((change > 0).sum()), len(start)))


def test_no_holder_moves_when_nothing_changes_even_among_equals() -> None:
    x = np.array([3, 3, 3, 0, 0, 9, 9, 1, 0, 0, 3, 5] * 5)
    counts = decile_transitions(x, x * 7)
    assert np.array_equal(counts, np.diag(np.diag(counts)))
    assert (mean_decile_change(counts), upward_share(counts)) == (0.0, 0.0)


def test_the_reverse_order_moves_holders_by_five_deciles_in_the_mean_and_half_of_them_up() -> None:
    x = np.arange(100)
    counts = decile_transitions(x, -x)
    assert (mean_decile_change(counts), upward_share(counts)) == (5.0, 0.5)


def test_without_holders_nothing_moved_is_undefined() -> None:
    nobody = np.zeros((10, 10), dtype=np.int64)
    assert math.isnan(mean_decile_change(nobody))
    assert math.isnan(upward_share(nobody))


# The head


@given(two_times, st.integers(1, 70))
def test_turnover_is_the_share_of_the_first_head_that_left(pair: tuple[list[int], list[int]], k: int) -> None:
    start, end = (vector(p) for p in pair)
    before, after = (set(head_members(x, k).tolist()) for x in (start, end))
    assert head_turnover(start, end, k) == float(Fraction(len(before - after), len(before)))
    assert head_turnover(end, start, k) == head_turnover(start, end, k)
    assert head_turnover(start, start, k) == 0.0


def test_turnover_is_complete_when_the_order_is_reversed_and_none_when_all_are_the_head() -> None:
    x = np.arange(10)
    assert head_turnover(x, 9 - x, 5) == 1.0
    assert head_turnover(x, 9 - x, 10) == head_turnover(x, 9 - x, 99) == 0.0


@given(st.integers(1, 6), st.integers(1, 12), st.integers(1, 12), st.data())
def test_arrivals_are_the_first_times_in_the_head_of_who_was_not_in_the_first(
    n_times: int, n: int, k: int, data: st.DataObject
) -> None:
    row = st.lists(st.integers(0, 6), min_size=n, max_size=n)
    x = np.array(data.draw(st.lists(row, min_size=n_times, max_size=n_times)), dtype=np.int64)
    times = vector(sorted(data.draw(st.sets(st.integers(0, 100), min_size=n_times, max_size=n_times))))
    heads = [set(head_members(now, k).tolist()) for now in x]
    wanted = [
        NOT_REACHED
        if i in heads[0]
        else next((t for t, h in zip(times.tolist(), heads, strict=True) if i in h), NOT_REACHED)
        for i in range(n)
    ]
    assert arrivals_in_head(x, times, k).tolist() == wanted


@given(st.lists(st.just(NOT_REACHED) | st.integers(0, 90), min_size=1, max_size=30), st.integers(0, 100))
def test_the_median_is_that_of_those_who_have_arrived(arrivals: list[int], until: int) -> None:
    there = [a for a in arrivals if a != NOT_REACHED and a <= until]
    median, n = median_arrival(vector(arrivals), until)
    assert n == len(there)
    assert math.isnan(median) if not there else median == float(np.median(there))


# Steps between states

state_tables = st.tuples(st.integers(1, 5), st.integers(0, 6), st.integers(0, 7)).flatmap(
    lambda shape: st.tuples(
        st.just(shape[0]),
        st.lists(
            st.lists(st.integers(0, shape[0] - 1), min_size=shape[2], max_size=shape[2]),
            min_size=shape[1],
            max_size=shape[1],
        ).map(lambda rows: np.array(rows, dtype=np.int32).reshape(shape[1], shape[2])),
    )
)


@given(state_tables)
def test_steps_between_states_are_counted_one_by_one(given_: tuple[int, Ints]) -> None:
    n_states, states = given_
    counted = np.zeros((n_states, n_states), dtype=np.int64)
    for before, after in itertools.pairwise(states.tolist()):
        for i, j in zip(before, after, strict=True):
            counted[i, j] += 1
    found = state_transitions(states, n_states)
    assert found.tolist() == counted.tolist()
    pairs = [(i, j) for i in range(n_states) for j in range(n_states)]
    down, up = (sum(int(counted[i, j]) for i, j in pairs if (j < i) == lower and i != j) for lower in (True, False))
    assert n_moves(found) == (down, up)


def test_who_stays_makes_no_move_and_a_turned_history_turns_the_moves() -> None:
    history = np.array([[0, 1, 2], [0, 0, 2], [2, 0, 1]])
    assert n_moves(state_transitions(history[[0, 0, 0]], 3)) == (0, 0)
    assert n_moves(state_transitions(history, 3)) == (2, 1)
    assert n_moves(state_transitions(history[::-1], 3)) == (1, 2)


def test_what_does_not_fit_together_is_refused_with_the_rule() -> None:
    x = np.arange(3)
    bad: list[tuple[Callable[[], object], str]] = [
        (lambda: rank_correlation(x, x[:2]), "one length, got 3 and 2"),
        (lambda: rank_correlation(np.array([0.0, math.nan]), x[:2]), "none nan"),
        (lambda: doubled_ranks(vector([])), "values must be 1 to"),
        (lambda: deciles(np.ones((2, 2))), "one-dimensional"),
        (lambda: doubled_ranks(np.array(["a"])), "must be numbers"),
        (lambda: decile_transitions(x, x[:2]), "the same holders"),
        (lambda: head_turnover(x, x[:2], 1), "the same holders"),
        (lambda: head_turnover(x, x, 0), "k must be >= 1"),
        (lambda: state_transitions(np.array([[0, 2]]), 2), r"integers in \[0, 2\)"),
        (lambda: state_transitions(np.array([[-1]]), 2), r"integers in \[0, 2\)"),
        (lambda: state_transitions(x, 3), "a table of integers"),
        (lambda: arrivals_in_head(np.ones((2, 3), dtype=np.int64), vector([5, 5]), 1), "times must be >= 0 and ascend"),
        (lambda: arrivals_in_head(np.ones((2, 3), dtype=np.int64), vector([5]), 1), "one for each of 2 rows"),
    ]
    for call, rule in bad:
        with pytest.raises(ValueError, match=rule):
            call()
