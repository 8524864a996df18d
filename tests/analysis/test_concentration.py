"""Measures of concentration: limits, a second definition in fractions, direction, and the closed forms of THEORY T5."""

import itertools
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

from sim.analysis import concentration as c

pytestmark = pytest.mark.quick

Ints = NDArray[np.int64]
Measure = Callable[[Ints], float]

HUGE = 10**17
MEASURES: dict[str, Measure] = {
    "gini": c.gini,
    "hhi": c.hhi,
    "effective_number": c.effective_number,
    "top": lambda x: c.top_share(x, 3),
    "head": lambda x: c.head_share(x, 0.2),
}
every_measure = pytest.mark.parametrize("measure", MEASURES.values(), ids=MEASURES)
amount_lists = st.lists(st.integers(0, HUGE) | st.integers(0, 20), min_size=1, max_size=40).filter(any)


def vector(amounts: list[int]) -> Ints:
    return np.array(amounts, dtype=np.int64)


def quantile_grid(quantile: Callable[[NDArray[np.float64]], NDArray[np.float64]], n: int = 200_000) -> Ints:
    """A population of n whose amounts are the law's quantiles at the middle of each n-th, in 10^-8 of its unit."""
    return np.rint(quantile((np.arange(n) + 0.5) / n) * 1e8).astype(np.int64)


# Limits


@pytest.mark.parametrize("n", [1, 2, 7, 1000])
def test_equal_amounts_have_no_concentration(n: int) -> None:
    x = np.full(n, 13)
    assert (c.gini(x), c.hhi(x), c.effective_number(x), c.top_share(x, 1)) == (0.0, 1 / n, float(n), 1 / n)
    assert c.lorenz(x, n + 1).tolist() == [i / n for i in range(n + 1)]


@pytest.mark.parametrize("n", [1, 2, 7, 1000])
def test_one_holder_of_all_is_the_most_concentrated(n: int) -> None:
    x = np.zeros(n, dtype=np.int64)
    x[n // 2] = 5
    assert (c.gini(x), c.hhi(x), c.effective_number(x), c.top_share(x, 1)) == ((n - 1) / n, 1.0, 1.0, 1.0)


@every_measure
def test_every_measure_of_nothing_is_nan(measure: Measure) -> None:
    assert math.isnan(measure(np.zeros(5, dtype=np.int64)))


def test_group_share_lorenz_and_summary_of_nothing_are_nan() -> None:
    x = np.zeros(5, dtype=np.int64)
    assert math.isnan(c.group_share(x, np.array([1])))
    assert np.isnan(c.lorenz(x)).all()
    assert all(math.isnan(v) for v in c.summarise(x, head_01=1, head_10=1, initial_head=np.array([0])).values())


@pytest.mark.parametrize(
    ("amounts", "rule"),
    [
        (np.array([], dtype=np.int64), "empty"),
        (np.array([]), "empty"),
        (np.ones((2, 2), dtype=np.int64), "one-dimensional"),
        (np.array([3, -1]), ">= 0, got -1"),
        (np.array([0.5, 1.0]), "integers"),
        (np.array([1, 2], dtype=np.uint64), "integers"),
    ],
)
def test_amounts_that_are_none_are_refused_with_the_rule(amounts: Ints, rule: str) -> None:
    calls: list[Callable[[Ints], object]] = [*MEASURES.values(), c.lorenz, lambda x: c.head_members(x, 1)]
    calls += [lambda x: c.group_share(x, np.array([0]))]
    calls += [lambda x: c.summarise(x, head_01=1, head_10=1, initial_head=np.array([0]))]
    for call in calls:
        with pytest.raises(ValueError, match=rule):
            call(amounts)


@pytest.mark.parametrize("members", [[0, 0], [-1], [3], [[0, 1]], [0.0]])
def test_group_members_out_of_range_or_twice_or_not_indices_are_refused(members: list[int]) -> None:
    with pytest.raises(ValueError, match="members must be"):
        c.group_share(np.array([1, 2, 3]), np.array(members))


def test_sizes_below_one_and_fractions_outside_0_to_1_are_refused() -> None:
    x = np.array([1, 2])
    bad: list[Callable[[], object]] = [lambda: c.top_share(x, 0), lambda: c.head_members(x, 0)]
    bad += [lambda: c.lorenz(x, 1), lambda: c.head_size(0, 0.1)]
    bad += [lambda f=f: c.head_size(5, f) for f in (0.0, -0.1, 1.01, math.nan)]
    for call in bad:
        with pytest.raises(ValueError, match="must be"):
            call()


def test_a_head_larger_than_the_population_is_the_population() -> None:
    assert c.top_share(np.array([1, 2]), 3) == 1.0
    assert c.head_members(np.array([1, 2]), 9).tolist() == [1, 0]
    assert c.head_share(np.array([1, 2]), 0.5, n_at_start=100) == 1.0


# Heads


@pytest.mark.parametrize(
    ("n", "fraction", "k"),
    [(1, 0.01, 1), (149, 0.01, 1), (150, 0.01, 2), (250, 0.01, 3), (10, 0.15, 2), (100, 0.145, 15), (7, 1.0, 7)],
)
def test_head_size_rounds_decimal_halves_up_and_is_at_least_one(n: int, fraction: float, k: int) -> None:
    assert c.head_size(n, fraction) == c.head_size(n, np.float64(fraction)) == k


def test_the_head_is_as_large_as_at_day_0_so_empty_entrants_change_nothing() -> None:
    x = np.array([50, 30, 10, 5, 5])
    grown = np.concatenate([x, np.zeros(45, dtype=np.int64)])
    assert c.head_share(grown, 0.2, n_at_start=5) == c.head_share(x, 0.2) == 0.5
    assert c.head_share(grown, 0.2) == 1.0


def test_ties_for_the_head_go_to_the_lowest_index() -> None:
    assert c.head_members(np.array([7, 9, 7, 9, 7]), 3).tolist() == [1, 3, 0]


@given(amount_lists, st.integers(1, 45))
def test_the_head_members_as_a_group_have_the_top_share(amounts: list[int], k: int) -> None:
    x = vector(amounts)
    assert c.group_share(x, c.head_members(x, k)) == c.top_share(x, k)


def test_an_empty_group_has_a_share_of_0_and_all_together_1() -> None:
    x = np.array([4, 0, 1])
    assert c.group_share(x, np.array([], dtype=np.int64)) == c.group_share(x, np.array([])) == 0.0
    assert c.group_share(x, np.arange(3)) == 1.0


# Second definitions, equal to the bit


@given(amount_lists)
def test_gini_is_the_mean_absolute_difference_over_twice_the_mean(amounts: list[int]) -> None:
    spread = sum(abs(a - b) for a in amounts for b in amounts)
    assert c.gini(vector(amounts)) == float(Fraction(spread, 2 * len(amounts) * sum(amounts)))


@given(amount_lists)
def test_hhi_is_the_sum_of_squared_shares_and_the_effective_number_its_inverse(amounts: list[int]) -> None:
    exact = sum((Fraction(a, sum(amounts)) ** 2 for a in amounts), Fraction(0))
    assert c.hhi(vector(amounts)) == float(exact)
    assert c.effective_number(vector(amounts)) == float(1 / exact)


@given(amount_lists, st.integers(1, 45))
def test_top_share_is_the_sum_over_the_sorted_list(amounts: list[int], k: int) -> None:
    assert c.top_share(vector(amounts), k) == float(Fraction(sum(sorted(amounts)[::-1][:k]), sum(amounts)))


@given(amount_lists)
def test_the_lorenz_curve_at_each_holder_is_the_rest_of_the_top_share(amounts: list[int]) -> None:
    n, total, poorest_first = len(amounts), sum(amounts), sorted(amounts)
    expected = [float(Fraction(sum(poorest_first[:j]), total)) for j in range(n + 1)]
    assert c.lorenz(vector(amounts), n + 1).tolist() == expected


@given(amount_lists, st.integers(2, 60))
def test_the_lorenz_curve_rises_from_0_to_1_below_the_diagonal(amounts: list[int], n_points: int) -> None:
    curve = c.lorenz(vector(amounts), n_points)
    assert (curve[0], curve[-1]) == (0.0, 1.0)
    assert (np.diff(curve) >= 0).all()
    assert (np.diff(curve, 2) >= -1e-14).all()
    assert (curve <= np.linspace(0, 1, n_points) + 1e-15).all()


@given(amount_lists)
def test_gini_is_twice_the_area_between_diagonal_and_lorenz_curve(amounts: list[int]) -> None:
    curve = c.lorenz(vector(amounts), len(amounts) + 1).tolist()
    area = math.fsum((a + b) / 2 for a, b in itertools.pairwise(curve)) / len(amounts)
    assert c.gini(vector(amounts)) == pytest.approx(1 - 2 * area, abs=1e-12)


@given(amount_lists, st.integers(1, 45), st.integers(1, 45), st.data())
def test_the_summary_is_the_single_functions_to_the_bit(
    amounts: list[int], k1: int, k10: int, data: st.DataObject
) -> None:
    x = vector(amounts)
    members = np.array(data.draw(st.lists(st.integers(0, len(x) - 1), unique=True)), dtype=np.int64)
    assert c.summarise(x, head_01=k1, head_10=k10, initial_head=members) == {
        "head_share_01": c.top_share(x, k1),
        "head_share_10": c.top_share(x, k10),
        "initial_head_share_01": c.group_share(x, members),
        "top_10_share": c.top_share(x, 10),
        "gini": c.gini(x),
        "hhi": c.hhi(x),
        "effective_number": c.effective_number(x),
    }


# Exactness


@pytest.mark.parametrize(("n", "largest"), [(2000, 10**4), (2000, 10**12), (90, HUGE), (100_000, HUGE), (3, 2**63 - 1)])
def test_no_size_of_amounts_overflows(n: int, largest: int) -> None:
    x = np.random.Generator(np.random.Philox(key=7)).integers(largest // 2, largest, size=n, endpoint=True)
    ascending = sorted(x.tolist())
    total, squares = sum(ascending), sum(v * v for v in ascending)
    numerator = sum((2 * i - n - 1) * v for i, v in enumerate(ascending, start=1))
    assert c.gini(x) == numerator / (n * total)
    assert c.hhi(x) == squares / total**2
    assert c.effective_number(x) == total**2 / squares
    assert c.top_share(x, 2) == sum(ascending[-2:]) / total
    assert c.group_share(x, np.arange(n - 1)) == (total - int(x[-1])) / total
    assert c.lorenz(x, 3)[1] == float(Fraction(sum(ascending[: n // 2]) * 2 + ascending[n // 2] * (n % 2), 2 * total))


def test_the_amounts_are_left_as_they_were_and_may_be_of_any_smaller_integer_type() -> None:
    x = np.array([5, 3, 9, 0], dtype=np.int32)
    x.setflags(write=False)
    wide = c.summarise(x.astype(np.int64), head_01=1, head_10=2, initial_head=np.array([1]))
    assert c.summarise(x, head_01=1, head_10=2, initial_head=np.array([1])) == wide


def test_the_summary_has_the_same_bits_with_the_processors_features_off() -> None:
    program = (
        "import numpy as np; from sim.analysis.concentration import summarise;"
        "x = np.random.Generator(np.random.Philox(key=3)).integers(0, 10**15, size=3000);"
        "s = summarise(x, head_01=30, head_10=300, initial_head=np.arange(30));"
        "print([v.hex() for v in s.values()])"
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


# Invariance and direction


@every_measure
@given(amounts=amount_lists, data=st.data())
def test_the_order_of_the_holders_changes_no_bit(measure: Measure, amounts: list[int], data: st.DataObject) -> None:
    assert measure(vector(data.draw(st.permutations(amounts)))) == measure(vector(amounts))


@every_measure
@given(amounts=st.lists(st.integers(0, 10**6), min_size=1, max_size=40).filter(any), factor=st.integers(1, 10**9))
def test_the_unit_changes_no_bit(measure: Measure, amounts: list[int], factor: int) -> None:
    assert measure(vector(amounts) * factor) == measure(vector(amounts))


@given(amount_lists)
def test_a_copy_of_the_population_halves_hhi_and_changes_nothing_else(amounts: list[int]) -> None:
    x, twice = vector(amounts), vector(amounts * 2)
    assert c.gini(twice) == c.gini(x)
    assert c.top_share(twice, 2) == c.top_share(x, 1)
    assert np.array_equal(c.lorenz(twice), c.lorenz(x))
    assert c.hhi(twice) == c.hhi(x) / 2
    assert c.effective_number(twice) == 2 * c.effective_number(x)


@given(amount_lists, st.integers(0, 50))
def test_zeros_raise_gini_as_stated_and_leave_the_others(amounts: list[int], n_zeros: int) -> None:
    x, grown = vector(amounts), vector(amounts + [0] * n_zeros)
    assert c.gini(grown) == pytest.approx(1 - len(x) / len(grown) * (1 - c.gini(x)), rel=1e-12, abs=1e-15)
    assert (c.hhi(grown), c.top_share(grown, 2)) == (c.hhi(x), c.top_share(x, 2))


@given(st.lists(st.integers(0, 1000), min_size=2, max_size=30), st.data())
def test_a_transfer_from_rich_to_poor_lowers_concentration(amounts: list[int], data: st.DataObject) -> None:
    rich, poor = amounts.index(max(amounts)), amounts.index(min(amounts))
    if amounts[rich] - amounts[poor] < 2:
        return
    gift = data.draw(st.integers(1, amounts[rich] - amounts[poor] - 1))
    after = list(amounts)
    after[rich] -= gift
    after[poor] += gift
    x, y = vector(amounts), vector(after)
    assert c.gini(y) < c.gini(x)
    assert c.hhi(y) < c.hhi(x)
    assert c.effective_number(y) > c.effective_number(x)
    assert all(c.top_share(y, k) <= c.top_share(x, k) for k in (1, 2, 5))
    assert (c.lorenz(y) >= c.lorenz(x) - 1e-15).all()


# Closed forms (THEORY T5). Grids of 200,000 quantiles cut the tail off: the tolerances allow for that.


def check(x: Ints, gini: float, top: Callable[[float], float], n_hhi: float, rel: float) -> None:
    assert c.gini(x) == pytest.approx(gini, rel=rel)
    assert c.head_share(x, 0.01) == pytest.approx(top(0.01), rel=rel)
    assert c.head_share(x, 0.1) == pytest.approx(top(0.1), rel=rel)
    assert c.hhi(x) * len(x) == pytest.approx(n_hhi, rel=rel)


@pytest.mark.parametrize("xi", [4.0, 6.0])
def test_pareto_amounts_have_their_closed_forms(xi: float) -> None:
    x = quantile_grid(lambda u: (1 - u) ** (-1 / xi))
    check(x, 1 / (2 * xi - 1), lambda q: q ** (1 - 1 / xi), (xi - 1) ** 2 / (xi * (xi - 2)), rel=2e-3)


@pytest.mark.parametrize("s", [0.5, 1.0])
def test_lognormal_amounts_have_their_closed_forms(s: float) -> None:
    x = quantile_grid(lambda u: np.exp(s * special.ndtri(u)))
    top = lambda q: 1 - special.ndtr(special.ndtri(1 - q) - s)  # noqa: E731
    check(x, math.erf(s / 2), top, math.exp(s * s), rel=2e-3)


def test_exponential_amounts_have_their_closed_forms() -> None:
    check(quantile_grid(lambda u: -np.log1p(-u)), 0.5, lambda q: q * (1 - math.log(q)), 2.0, rel=2e-4)
    assert c.head_share(quantile_grid(lambda u: -np.log1p(-u)), 0.01) == pytest.approx(0.05605, abs=5e-6)


@pytest.mark.parametrize("a", [0.5, 2.0, 5.0])
def test_gamma_amounts_have_their_closed_forms(a: float) -> None:
    x = quantile_grid(lambda u: special.gammaincinv(a, u))
    gini = special.gamma(a + 0.5) / (math.sqrt(math.pi) * special.gamma(a + 1))
    check(x, gini, lambda q: special.gammaincc(a + 1, special.gammainccinv(a, q)), 1 + 1 / a, rel=5e-4)


def z_score(sample: list[float], exact: float) -> float:
    return float((np.mean(sample) - exact) / (np.std(sample, ddof=1) / math.sqrt(len(sample))))


def test_exponential_samples_have_the_finite_size_expectations() -> None:
    rng, n = np.random.Generator(np.random.Philox(key=11)), 20
    samples = [(rng.exponential(size=n) * 1e9).astype(np.int64) for _ in range(1000)]
    assert abs(z_score([c.gini(x) for x in samples], (n - 1) / (2 * n))) < 4.2
    assert abs(z_score([c.hhi(x) for x in samples], 2 / (n + 1))) < 4.2


def test_the_sample_gini_of_a_heavy_tail_is_biased_as_stated() -> None:
    rng = np.random.Generator(np.random.Philox(key=12))
    sample = [c.gini(((1 - rng.random(1000)) ** (-1 / 1.2) * 1e6).astype(np.int64)) for _ in range(1000)]
    assert abs(z_score(sample, 0.643)) < 4.2
    assert float(np.std(sample)) == pytest.approx(0.077, abs=0.008)
