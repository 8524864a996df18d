"""Student's t in strict operations: against exact sums in many digits, closed forms, and its own shape."""

import math
import random
from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from support.forms import short_and_long

from sim.analysis.student import p_values, quantile
from sim.streams import exp, exp_each

pytestmark = pytest.mark.quick

LEVELS = st.floats(1e-6, 1 - 1e-12)
DEGREES = st.integers(1, 200) | st.integers(1, 10**6)


def p_value(t: float, df: int) -> float:
    return float(p_values(np.array([t]), df)[0])


def arctan(z: Decimal) -> Decimal:
    halvings = 0
    while z > Decimal("0.01"):
        z, halvings = z / (1 + (1 + z * z).sqrt()), halvings + 1
    total, power, k = z, z, 1
    while abs(power) > abs(total) * Decimal(10) ** -470:
        power, k = -power * z * z, k + 2
        total += power / k
    return total * 2**halvings


def exact(t: float, df: int) -> Decimal:
    """P(|T| > t) by the finite sums for whole degrees of freedom (Abramowitz and Stegun 26.7.3 and 4)."""
    with localcontext() as context:
        context.prec = 460
        square = Decimal(t) ** 2
        cos2 = df / (df + square)
        sin = (1 - cos2).sqrt() if square < df else Decimal(t) / (df + square).sqrt()
        term, total = (Decimal(1), Decimal(1)) if df > 1 else (Decimal(0), Decimal(0))
        for k in range(df % 2 + 2, df, 2):
            term *= cos2 * (k - 1) / k
            total += term
        if df % 2 == 0:
            return 1 - sin * total
        angle = arctan(Decimal(df).sqrt() / Decimal(t))
        return (angle - sin * cos2.sqrt() * total) / (2 * arctan(Decimal(1)))


@given(df=st.integers(1, 60), exponent=st.floats(-4, 6))
def test_a_p_value_is_the_exact_sum_in_the_far_tail_too(df: int, exponent: float) -> None:
    t = 10**exponent
    expected = exact(t, df)
    assume(expected > Decimal("1e-300"))
    error = abs(Decimal(p_value(t, df)) / expected - 1)
    assert error < (2e-14 if expected > 1e-20 else 2e-13)


@pytest.mark.parametrize("df", [255, 998, 999, 5000, 19_998])
def test_a_p_value_is_the_exact_sum_at_many_degrees_of_freedom(df: int) -> None:
    bound = math.sqrt(3 * df / (df + 2))
    for t in (0.3, bound * (1 - 1e-9), bound * (1 + 1e-9), 2.1, 5.0):
        assert abs(Decimal(p_value(t, df)) / exact(t, df) - 1) < 2e-14


def test_at_very_many_degrees_of_freedom_it_is_the_normal_distribution_with_its_first_corrections() -> None:
    n = 10**6
    for t in (0.5, 1.7, 1.8, 3.0, 6.0):
        density = math.exp(-t * t / 2) / math.sqrt(2 * math.pi)
        first = density * (t**3 + t) / (4 * n)
        expected = math.erfc(t / math.sqrt(2)) + 2 * first
        assert p_value(t, n) == pytest.approx(expected, rel=1e-9)


def test_one_and_two_degrees_of_freedom_have_their_closed_forms() -> None:
    assert quantile(1, 0.95) == pytest.approx(12.706204736174694, rel=2e-15)
    assert quantile(1, 0.5) == pytest.approx(1.0, rel=1e-15)
    assert quantile(2, 0.9) == pytest.approx(0.9 * math.sqrt(2 / (1 - 0.81)), rel=2e-15)
    assert p_value(1.0, 1) == pytest.approx(0.5, rel=1e-15)
    # 1 - t / sqrt(2 + t^2), without its cancellation
    assert p_value(1e8, 2) == pytest.approx(1e-16, rel=1e-14)
    assert p_value(1e200, 1) == pytest.approx(2 / math.pi * 1e-200, rel=1e-12)


@given(df=DEGREES, level=LEVELS)
def test_the_quantile_is_where_the_p_value_is_what_the_level_leaves(df: int, level: float) -> None:
    q = quantile(df, level)
    assert p_value(q, df) == pytest.approx(1 - level, rel=2e-14, abs=1e-15)


@given(df=DEGREES, level=LEVELS)
def test_a_quantile_falls_with_the_degrees_of_freedom_and_rises_with_the_level(df: int, level: float) -> None:
    q = quantile(df, level)
    assert quantile(df + 1, level) <= q * (1 + 1e-14)
    higher = level + (1 - level) * 1e-3
    assert quantile(df, higher) > q


@given(df=DEGREES, t=st.floats(1e-3, 1e12))
def test_a_p_value_never_rises_with_t(df: int, t: float) -> None:
    assert p_value(t * (1 + 1e-10), df) <= p_value(t, df)


@given(df=st.integers(1, 10**6))
def test_there_is_no_step_where_the_series_ends(df: int) -> None:
    bound = math.sqrt(3.0 * df / (df + 2))
    at, above = p_values(np.array([bound, np.nextafter(bound, 2)]), df)
    assert abs(above / at - 1) < 2e-14


def test_edges_have_their_limits_and_what_is_undefined_stays_so() -> None:
    for df in (1, 2, 29, 10**6):
        edges = p_values(np.array([[0.0, -0.0], [math.inf, -math.inf], [math.nan, 5e-324]]), df)
        np.testing.assert_array_equal(edges, [[1.0, 1.0], [0.0, 0.0], [math.nan, 1.0]])
    assert p_values(np.zeros(0), 3).shape == (0,)
    for level in (0.0, 1.0, math.nan, -0.5):
        with pytest.raises(ValueError, match="level must be in"):
            quantile(3, level)


def test_the_smallest_and_largest_levels_have_quantiles() -> None:
    assert quantile(1, 1e-300) == pytest.approx(1e-300 * math.pi / 2, rel=1e-14)
    assert quantile(1, 1 - 2**-53) == pytest.approx(2**54 / math.pi, rel=1e-14)
    assert quantile(10**6, 1 - 2**-53) == pytest.approx(8.2924, rel=1e-3)


@short_and_long("n", 60, 300)
def test_a_value_among_many_is_that_value_alone_to_the_bit(n: int) -> None:
    draws = random.Random(4)
    for df in (1, 29, 5000):
        t = np.array([draws.gauss(0, 10 ** draws.uniform(-3, 3)) for _ in range(n)])
        assert p_values(t, df).tolist() == [p_value(x, df) for x in t.tolist()]
        assert p_values(-t, df).tolist() == p_values(t, df).tolist()


@given(st.lists(st.floats(-700, 700)))
def test_exponentials_in_numpy_are_those_of_the_streams_to_the_bit(numbers: list[float]) -> None:
    assert exp_each(np.array(numbers)).tolist() == [exp(x) for x in numbers]
