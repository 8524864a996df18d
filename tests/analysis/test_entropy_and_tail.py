"""Theil, tail exponent and their logarithms: limits, second definitions, direction, the closed forms of THEORY T5."""

import math
import os
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import special

from sim import streams
from sim.analysis.amounts import exact_sum, quotients
from sim.analysis.entropy import theil
from sim.analysis.tail import MIN_TAIL, tail_exponent, top_tail
from sim.streams import log_each

pytestmark = pytest.mark.quick

Ints = NDArray[np.int64]

HUGE = 10**17
amount_lists = st.lists(st.integers(0, HUGE) | st.integers(0, 20), min_size=1, max_size=40).filter(any)
tails = st.lists(st.integers(6, 10**6), min_size=MIN_TAIL, max_size=40).filter(lambda xs: len(set(xs)) > 1)


def vector(amounts: list[int]) -> Ints:
    return np.array(amounts, dtype=np.int64)


def quantile_grid(quantile: Callable[[NDArray[np.float64]], NDArray[np.float64]], n: int = 200_000) -> Ints:
    """A population of n whose amounts are the law's quantiles at the middle of each n-th, in 10^-8 of its unit."""
    return np.rint(quantile((np.arange(n) + 0.5) / n) * 1e8).astype(np.int64)


# Logarithms, sums and quotients


@given(st.lists(st.floats(min_value=2.3e-308, max_value=1.7e308), min_size=1, max_size=50))
def test_logarithms_of_many_are_those_of_one_to_the_bit(numbers: list[float]) -> None:
    assert log_each(np.array(numbers)).tolist() == [streams.log(x) for x in numbers]


@pytest.mark.parametrize("low", [1e-9, 0.7, 0.99999, 1.0, 1e9])
def test_logarithms_of_many_are_those_of_one_over_each_stretch(low: float) -> None:
    numbers = low * (1 + np.random.Generator(np.random.Philox(key=1)).random(5000))
    found = log_each(numbers).tolist()
    assert found == [streams.log(x) for x in numbers.tolist()]
    assert found == pytest.approx([math.log(x) for x in numbers.tolist()], rel=5e-16, abs=5e-17)


@given(st.lists(st.integers(0, 2**62), min_size=1, max_size=20), st.integers(1, 2**40), st.integers(1, 2**70))
def test_quotients_are_rounded_once_whatever_their_size(values: list[int], factor: int, divisor: int) -> None:
    wanted = [float(Fraction(x * factor, divisor)) for x in values]
    assert quotients(vector(values), factor, divisor).tolist() == wanted


@given(st.lists(st.integers(-(2**63), 2**63 - 1), max_size=40))
def test_sums_of_any_sign_are_exact(values: list[int]) -> None:
    assert exact_sum(vector(values)) == sum(values)


# Theil


@pytest.mark.parametrize("n", [1, 2, 7, 1000])
def test_equal_amounts_have_no_entropy_lost(n: int) -> None:
    assert theil(np.full(n, 13)) == 0.0


@pytest.mark.parametrize("n", [1, 2, 7, 1000])
def test_one_holder_of_all_has_the_logarithm_of_their_number(n: int) -> None:
    x = np.zeros(n, dtype=np.int64)
    x[n // 2] = 5
    assert theil(x) == pytest.approx(math.log(n), rel=1e-15)


def test_theil_of_nothing_is_nan() -> None:
    assert math.isnan(theil(np.zeros(3, dtype=np.int64)))


@given(amount_lists)
def test_theil_is_the_logarithm_of_n_less_the_entropy_of_the_shares(amounts: list[int]) -> None:
    shares = [Fraction(a, sum(amounts)) for a in amounts if a]
    entropy = -math.fsum(float(s) * math.log(s.numerator) - float(s) * math.log(s.denominator) for s in shares)
    assert theil(vector(amounts)) == pytest.approx(math.log(len(amounts)) - entropy, abs=1e-12)


@given(amount_lists, st.integers(1, 30))
def test_theil_of_two_groups_is_the_part_within_plus_the_part_between(amounts: list[int], cut: int) -> None:
    groups = [g for g in (amounts[:cut], amounts[cut:]) if g]
    n, total = len(amounts), sum(amounts)
    parts = [(len(g), sum(g), theil(vector(g))) for g in groups if sum(g)]
    within = math.fsum(held / total * inside for _, held, inside in parts)
    between = math.fsum(held / total * math.log(float(Fraction(held * n, total * size))) for size, held, _ in parts)
    assert theil(vector(amounts)) == pytest.approx(within + between, abs=1e-12)


@given(amount_lists, st.data())
def test_the_order_of_the_holders_changes_no_bit_of_theil(amounts: list[int], data: st.DataObject) -> None:
    assert theil(vector(data.draw(st.permutations(amounts)))) == theil(vector(amounts))


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=40).filter(any), st.integers(1, 10**9))
def test_the_unit_changes_no_bit_of_theil(amounts: list[int], factor: int) -> None:
    assert theil(vector(amounts) * factor) == theil(vector(amounts))


@given(amount_lists)
def test_a_copy_of_the_population_changes_no_bit_of_theil(amounts: list[int]) -> None:
    assert theil(vector(amounts * 2)) == theil(vector(amounts))


@given(amount_lists, st.integers(0, 50))
def test_zeros_raise_theil_by_the_logarithm_of_the_growth(amounts: list[int], n_zeros: int) -> None:
    growth = math.log((len(amounts) + n_zeros) / len(amounts))
    assert theil(vector(amounts + [0] * n_zeros)) == pytest.approx(theil(vector(amounts)) + growth, abs=1e-12)


@given(st.lists(st.integers(0, 1000), min_size=2, max_size=30), st.data())
def test_a_transfer_from_rich_to_poor_lowers_theil(amounts: list[int], data: st.DataObject) -> None:
    rich, poor = amounts.index(max(amounts)), amounts.index(min(amounts))
    if amounts[rich] - amounts[poor] < 2:
        return
    gift = data.draw(st.integers(1, amounts[rich] - amounts[poor] - 1))
    after = list(amounts)
    after[rich] -= gift
    after[poor] += gift
    assert theil(vector(after)) < theil(vector(amounts))


@pytest.mark.parametrize("xi", [4.0, 6.0])
def test_theil_of_pareto_amounts_is_its_closed_form(xi: float) -> None:
    x = quantile_grid(lambda u: (1 - u) ** (-1 / xi))
    assert theil(x) == pytest.approx(1 / (xi - 1) - math.log(xi / (xi - 1)), rel=2e-3)


@pytest.mark.parametrize("s", [0.5, 1.0])
def test_theil_of_lognormal_amounts_is_half_their_variance(s: float) -> None:
    assert theil(quantile_grid(lambda u: np.exp(s * special.ndtri(u)))) == pytest.approx(s * s / 2, rel=2e-3)


def test_theil_of_exponential_amounts_is_one_less_eulers_constant() -> None:
    assert theil(quantile_grid(lambda u: -np.log1p(-u))) == pytest.approx(1 - np.euler_gamma, rel=2e-4)


# Tail


@pytest.mark.parametrize("xi", [0.7, 1.2, 3.0])
def test_the_exponent_of_a_pareto_s_quantiles_is_its_own_wherever_the_tail_begins(xi: float) -> None:
    x = quantile_grid(lambda u: (1 - u) ** (-1 / xi), n=20_000)
    for k in (200, 2000, 20_000):
        tail = top_tail(x, k)
        assert (tail.x_min, tail.n) == (int(np.sort(x)[-k]), k)
        assert tail.exponent == pytest.approx(xi, rel=0.01)


@pytest.mark.parametrize(("xi", "x_min"), [(0.7, 6), (1.2, 10), (2.5, 20)])
def test_the_exponent_of_samples_in_whole_units_is_unbiased(xi: float, x_min: int) -> None:
    # (n - 1) / n takes off the known bias of a maximum-likelihood rate from n exponential logarithms.
    rng, n = np.random.Generator(np.random.Philox(key=5)), 400
    found = []
    for _ in range(400):
        x = np.floor((x_min - 0.5) * (1 - rng.random(n)) ** (-1 / xi) + 0.5)
        found.append(tail_exponent(np.minimum(x, 2.0**62).astype(np.int64), x_min).exponent * (n - 1) / n)
    error = float(np.std(found, ddof=1)) / math.sqrt(len(found))
    assert error == pytest.approx(xi / math.sqrt(n * len(found)), rel=0.15)
    # What is left of counting in whole units is under 1 %.
    assert abs(float(np.mean(found)) - xi) < 4.2 * error + 0.01 * xi


@given(tails, st.integers(1, 5))
def test_the_exponent_is_the_inverse_mean_logarithm_over_where_the_tail_begins(amounts: list[int], x_min: int) -> None:
    tail = tail_exponent(vector(amounts), x_min)
    inverse = math.fsum(math.log(Fraction(2 * x, 2 * x_min - 1)) for x in amounts) / len(amounts)
    assert (tail.n, tail.exponent) == (len(amounts), pytest.approx(1 / inverse, rel=1e-12))


@given(tails, st.data())
def test_the_exponent_is_the_one_of_greatest_likelihood(amounts: list[int], data: st.DataObject) -> None:
    best = tail_exponent(vector(amounts), 6).exponent
    other = best * data.draw(st.floats(0.2, 0.98) | st.floats(1.02, 5.0))
    total = math.fsum(math.log(x / 5.5) for x in amounts)

    def likelihood(exponent: float) -> float:
        return len(amounts) * math.log(exponent) - exponent * total

    assert likelihood(other) < likelihood(best)


@given(tails, st.data())
def test_the_order_and_what_lies_below_the_tail_change_no_bit_of_the_exponent(
    amounts: list[int], data: st.DataObject
) -> None:
    below = data.draw(st.lists(st.integers(0, 5), max_size=20))
    mixed = data.draw(st.permutations(amounts + below))
    assert tail_exponent(vector(mixed), 6) == tail_exponent(vector(amounts), 6)


@given(tails)
def test_a_larger_maximum_makes_the_tail_heavier(amounts: list[int]) -> None:
    larger = [*sorted(amounts)[:-1], max(amounts) * 2]
    assert tail_exponent(vector(larger), 6).exponent < tail_exponent(vector(amounts), 6).exponent


def test_too_few_or_equal_holders_have_a_range_but_no_exponent() -> None:
    few = tail_exponent(np.arange(1, MIN_TAIL), 1)
    assert math.isnan(few.exponent)
    assert (few.x_min, few.n) == (1, MIN_TAIL - 1)
    equal = tail_exponent(np.full(50, 8), 8)
    assert math.isnan(equal.exponent)
    assert equal.n == 50


def test_a_tied_place_takes_all_its_holders_in_and_an_empty_one_leaves_no_tail() -> None:
    x = np.array([0] * 50 + [7] * 20 + [9] * 10)
    assert top_tail(x, 15)[1:] == (7, 30)
    assert top_tail(x, 31)[1:] == (0, 0)
    assert math.isnan(top_tail(x, 31).exponent)
    assert top_tail(x[50:], 999)[1:] == (7, 30)


def test_amounts_and_places_that_are_none_are_refused_with_the_rule() -> None:
    bad: list[tuple[Callable[[], object], str]] = [
        (lambda: theil(vector([])), "empty"),
        (lambda: theil(vector([1, -1])), ">= 0, got -1"),
        (lambda: theil(np.array([0.5])), "integers"),
        (lambda: tail_exponent(np.ones((2, 2), dtype=np.int64), 1), "one-dimensional"),
        (lambda: tail_exponent(vector([1]), 0), "x_min must be >= 1, got 0"),
        (lambda: top_tail(vector([1]), 0), "k must be >= 1, got 0"),
    ]
    for call, rule in bad:
        with pytest.raises(ValueError, match=rule):
            call()


def test_theil_and_tail_have_the_same_bits_with_the_processors_features_off() -> None:
    program = (
        "import numpy as np; from sim.analysis.entropy import theil; from sim.analysis.tail import top_tail;"
        "x = np.random.Generator(np.random.Philox(key=3)).integers(0, 10**15, size=3000);"
        "print(theil(x).hex(), theil(x >> 30).hex(), top_tail(x, 300).exponent.hex())"
    )
    features = " ".join(np._core._multiarray_umath.__cpu_dispatch__)
    results = {
        subprocess.run(
            [sys.executable, "-W", "ignore", "-c", program],
            env={**os.environ, "NPY_DISABLE_CPU_FEATURES": disabled},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for disabled in ("", features)
    }
    assert len(results) == 1
