"""Merit, participation, fans' utility and welfare: limits, second definitions, direction."""

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from sim.analysis.merit import as_good_as_top_tenth, quality_decile_share
from sim.analysis.participation import n_above, share_above, threshold_over
from sim.analysis.utility import mean_utility
from sim.analysis.welfare import ecommerce_share, growth, n_losing

pytestmark = pytest.mark.quick

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def vector(numbers: list[int]) -> Ints:
    return np.array(numbers, dtype=np.int64)


# Who gets how much


@given(st.lists(st.tuples(st.integers(0, 2**62), st.integers(0, 8)), min_size=2, max_size=60))
def test_the_tenths_by_quality_have_the_shares_of_a_sorted_list(holders: list[tuple[int, int]]) -> None:
    x, quality = vector([a for a, _ in holders]), np.array([q / 8 for _, q in holders])
    best_first = sorted(range(len(holders)), key=lambda i: (-holders[i][1], i))
    n, total = len(holders), sum(a for a, _ in holders)
    for decile in range(10):
        found = quality_decile_share(x, quality, decile)
        if total == 0 or len({q for _, q in holders}) == 1:
            assert math.isnan(found)
        else:
            held = sum(holders[i][0] for place, i in enumerate(best_first) if 9 - 10 * place // n == decile)
            assert found == float(Fraction(held, total))


@given(st.lists(st.integers(0, 10**6), min_size=10, max_size=50).filter(any))
def test_the_shares_of_the_tenths_sum_to_1(amounts: list[int]) -> None:
    quality = np.linspace(0.1, 0.9, len(amounts))
    shares = [quality_decile_share(vector(amounts), quality, decile) for decile in range(10)]
    assert math.fsum(shares) == pytest.approx(1, abs=1e-12)


def test_equal_amounts_give_each_tenth_a_tenth_and_one_holder_gives_all_to_its_own() -> None:
    quality = np.arange(100) / 100
    assert [quality_decile_share(np.full(100, 7), quality, d) for d in range(10)] == [0.1] * 10
    only = np.zeros(100, dtype=np.int64)
    only[35] = 4
    assert [quality_decile_share(only, quality, d) for d in range(10)] == [0, 0, 0, 1, 0, 0, 0, 0, 0, 0]


def test_a_gift_to_the_best_raises_the_share_of_the_top_tenth() -> None:
    x, quality = np.arange(50), np.linspace(1, 0, 50)
    richer = x.copy()
    richer[0] += 10
    assert quality_decile_share(richer, quality, 9) > quality_decile_share(x, quality, 9)


@given(st.lists(st.integers(0, 20), min_size=1, max_size=60), st.lists(st.integers(0, 20), max_size=20))
def test_the_good_reach_the_worst_of_the_first_ones_best_tenth(first: list[int], later: list[int]) -> None:
    found = as_good_as_top_tenth(np.array([*first, *later]) / 20, len(first)).tolist()
    if len(set(first)) == 1:
        assert not any(found)
        return
    n_best = sum(10 * place < len(first) for place in range(len(first)))
    bar = sorted(first, reverse=True)[n_best - 1]
    assert found == [q >= bar for q in (*first, *later)]
    assert sum(found[: len(first)]) >= n_best


def test_who_comes_later_moves_no_bar() -> None:
    first = np.linspace(0.1, 0.9, 30)
    alone = as_good_as_top_tenth(first, 30)
    assert alone.sum() == 3
    assert as_good_as_top_tenth(np.append(first, [0.99, 0.01]), 30).tolist() == [*alone.tolist(), True, False]


# How many take part


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1), st.integers(-(2**64), 2**64))
def test_those_above_a_threshold_are_counted_whatever_its_size(amounts: list[int], threshold: int) -> None:
    n = sum(a > threshold for a in amounts)
    assert n_above(vector(amounts), threshold) == n
    assert share_above(vector(amounts), threshold) == n / len(amounts)


def test_without_a_threshold_those_that_have_any_take_part() -> None:
    assert (n_above(vector([0, 0])), share_above(vector([0, 0]))) == (0, 0.0)
    assert (n_above(vector([0, 1, 5])), share_above(vector([1, 1]))) == (2, 1.0)


@given(st.integers(0, 10**18), st.integers(1, 1000), st.integers(-2, 2))
def test_an_annualised_amount_reaches_a_threshold_exactly_where_it_is_above_the_window_s(
    per_year: int, days: int, step: int
) -> None:
    least = threshold_over(per_year, days, 365)
    amount = least + step
    assert (amount > least) == (Fraction(amount * 365, days) >= per_year)


# What fans get


@st.composite
def readings(draw: st.DrawFn) -> tuple[Ints, Floats, Floats, Ints]:
    m, g, v = draw(st.integers(1, 6)), draw(st.integers(1, 4)), draw(st.integers(1, 3))
    share = st.floats(0, 1)

    def table(cell: st.SearchStrategy[Any], *shape: int) -> Any:
        return np.array(draw(st.lists(cell, min_size=math.prod(shape), max_size=math.prod(shape)))).reshape(shape)

    return (
        table(st.integers(0, 3) | st.integers(0, 2**53), m, g).astype(np.int64),
        table(share, m),
        table(share, g, v),
        table(st.integers(0, v - 1), m),
    )


@given(readings())
def test_mean_utility_is_the_mean_of_the_products_in_fractions(given_: tuple[Ints, Floats, Floats, Ints]) -> None:
    reads, quality, affinity, vertical = given_
    total = sum(reads.ravel().tolist())
    found = mean_utility(reads, quality, affinity, vertical)
    if total == 0:
        assert math.isnan(found)
        return
    exact = sum(
        Fraction(int(reads[i, g])) * Fraction(float(quality[i])) * Fraction(float(affinity[g, vertical[i]]))
        for i, g in np.ndindex(reads.shape)
    )
    assert found == pytest.approx(float(exact / total), rel=1e-14, abs=1e-300)
    assert 0 <= found <= 1


@given(readings(), st.data())
def test_the_order_of_influencers_and_segments_changes_no_bit(
    given_: tuple[Ints, Floats, Floats, Ints], data: st.DataObject
) -> None:
    reads, quality, affinity, vertical = given_
    i = data.draw(st.permutations(range(reads.shape[0])))
    g = data.draw(st.permutations(range(reads.shape[1])))
    mixed = mean_utility(reads[i][:, g], quality[i], affinity[g], vertical[i])
    np.testing.assert_equal(mixed, mean_utility(reads, quality, affinity, vertical))


def test_one_read_gives_its_own_product_and_full_interest_gives_the_mean_quality() -> None:
    quality, vertical = np.array([0.25, 0.75]), np.array([1, 0])
    affinity = np.array([[0.5, 1.0], [0.125, 0.0]])
    assert mean_utility(np.array([[0, 0], [0, 9]]), quality, affinity, vertical) == 0.75 * 0.125
    everything = np.ones((2, 2))
    assert mean_utility(np.array([[3, 0], [0, 1]]), quality, everything, vertical) == 0.375


def test_reads_that_move_to_better_influencers_or_keener_segments_raise_utility() -> None:
    quality, vertical = np.array([0.2, 0.8]), np.array([0, 0])
    affinity = np.array([[0.3], [0.9]])

    def at(reads: list[list[int]]) -> float:
        return mean_utility(np.array(reads), quality, affinity, vertical)

    assert at([[5, 5], [5, 5]]) < at([[4, 5], [6, 5]])
    assert at([[5, 5], [5, 5]]) < at([[4, 6], [5, 5]])


# Who lives on what


def test_growth_is_0_without_change_minus_1_when_all_is_lost_and_undefined_from_nothing() -> None:
    assert (growth(7, 7), growth(7, 0), growth(2, 7)) == (0.0, -1.0, 2.5)
    assert math.isnan(growth(0, 0))
    assert math.isnan(growth(0, 9))
    assert growth(10**30, 10**30 + 10**29) == 0.1


@given(st.integers(0, 10**18), st.integers(0, 10**18), st.integers(0, 10**18))
def test_e_commerce_and_all_other_income_make_one(gmv: int, tips: int, paid: int) -> None:
    found = ecommerce_share(gmv, tips, paid)
    if gmv + tips + paid == 0:
        assert math.isnan(found)
    else:
        assert found == float(Fraction(gmv, gmv + tips + paid))


def test_the_income_of_authors_of_2016_was_mostly_e_commerce() -> None:
    # To October 2016, in bn yuan: 10.8 of e-commerce, .47 for reads, .43 of promotion.
    assert ecommerce_share(1080, 0, 47 + 43) == pytest.approx(0.923, abs=0.001)


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1))
def test_those_who_lose_are_the_others_of_those_who_do_not(profits: list[int]) -> None:
    assert n_losing(vector(profits)) == len(profits) - n_above(vector(profits), -1)


def test_what_does_not_fit_together_is_refused_with_the_rule() -> None:
    x, quality = vector([1, 2]), np.array([0.1, 0.2])
    reads, affinity, vertical = np.array([[1], [1]]), np.ones((1, 1)), vector([0, 0])
    bad: list[tuple[Callable[[], object], str]] = [
        (lambda: quality_decile_share(x, quality[:1], 9), "one length, got 2 and 1"),
        (lambda: quality_decile_share(x, quality, 10), r"decile must be in \[0, 9\], got 10"),
        (lambda: quality_decile_share(-x, quality, 9), ">= 0, got -2"),
        (lambda: as_good_as_top_tenth(quality, 0), r"n_first must be in \[1, 2\], got 0"),
        (lambda: as_good_as_top_tenth(quality, 3), r"n_first must be in \[1, 2\], got 3"),
        (lambda: as_good_as_top_tenth(np.array([math.nan, 0.1]), 2), "none nan"),
        (lambda: n_losing(vector([])), "empty"),
        (lambda: n_above(vector([])), "empty"),
        (lambda: mean_utility(x, quality, affinity, vertical), "must have shapes"),
        (lambda: mean_utility(reads, quality[:1], affinity, vertical), "must have shapes"),
        (lambda: mean_utility(reads, quality, np.ones((2, 1)), vertical), "must have shapes"),
        (lambda: mean_utility(-reads, quality, affinity, vertical), "integers from 0 to"),
        (lambda: mean_utility(reads * 0.5, quality, affinity, vertical), "integers from 0 to"),
        (lambda: mean_utility(reads, quality, affinity, vertical + 1), r"verticals must be in \[0, 1\), got 1 to 1"),
    ]
    for call, rule in bad:
        with pytest.raises(ValueError, match=rule):
            call()
