"""Statistics of paired arms: against scipy, against worked examples, by coverage of a known truth, and at the edges."""

import dataclasses
import inspect
import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats
from support.forms import short_and_long

from sim.inference import paired as s
from sim.inference.intervals import bca_interval, sign_test, skewness

pytestmark = pytest.mark.quick

Floats = NDArray[np.float64]

NAN = float("nan")
T_FIELDS = [f.name for f in dataclasses.fields(s.PairedDifferences) if f.name != "vr_total"]


def arms(key: int, *shape: int) -> tuple[Floats, Floats]:
    rng = np.random.Generator(np.random.Philox(key=key))
    control = rng.normal(0.3, 0.05, size=shape)
    return control, control + rng.normal(0.01, 0.02, size=shape)


def paired(difference: float, standard_error: float, n_pairs: int = 30) -> s.PairedDifference:
    """A summary with the parts that a verdict reads."""
    unread = dict.fromkeys(["mean_control", "mean_arm", "ci_low", "ci_high", "p_value", "skewness"], NAN)
    extra = {"heavy_tailed": False, "bca_low": None, "bca_high": None, "sign_p": None}
    return s.PairedDifference(n_pairs=n_pairs, difference=difference, standard_error=standard_error, **unread, **extra)  # type: ignore[arg-type]


# Paired differences


@pytest.mark.parametrize("n", [2, 3, 10, 30, 200])
@pytest.mark.parametrize("level", [0.9, 0.95, 0.9875])
def test_the_paired_t_interval_is_scipys(n: int, level: float) -> None:
    control, arm = arms(n, n)
    ours, theirs = s.paired_difference(control, arm, level=level), stats.ttest_rel(arm, control)
    interval = theirs.confidence_interval(level)
    assert (ours.ci_low, ours.ci_high) == pytest.approx((interval.low, interval.high), abs=1e-12)
    assert ours.p_value == pytest.approx(theirs.pvalue, rel=1e-12)
    assert ours.difference == pytest.approx(ours.mean_arm - ours.mean_control, abs=1e-15)
    assert ours.standard_error == pytest.approx(stats.sem(arm - control), rel=1e-12)
    assert ours.skewness == pytest.approx(stats.skew(arm - control), abs=1e-12)


@short_and_long("n", 80, 400)
def test_one_column_alone_is_itself_among_many_to_the_bit(n: int) -> None:
    control, arm = arms(1, 12, n)
    holes = np.random.Generator(np.random.Philox(key=2)).random(arm.shape)
    control[holes < 0.2] = NAN
    arm[holes > 0.7] = NAN
    arm[:, 7], arm[:, 8], arm[:, 9] = NAN, NAN, control[:, 9]
    arm[3, 8] = control[3, 8] = 0.5
    many = s.paired_differences(control, arm, level=0.9)
    assert set(many.n_pairs.tolist()) > {0, 1, 2, 3, 4, 5, 6, 7, 8}
    for i in range(n):
        alone = s.paired_difference(control[:, i], arm[:, i], level=0.9)
        for name in T_FIELDS:
            np.testing.assert_array_equal(getattr(alone, name), getattr(many, name)[i])
        np.testing.assert_array_equal(total_ratio(control[:, i], arm[:, i]), many.vr_total[i])


def test_pairs_with_a_nan_are_left_out_of_every_mean() -> None:
    control, arm = np.array([1.0, NAN, 3.0, 9.0]), np.array([2.0, 5.0, 5.0, NAN])
    with_holes, without = s.paired_difference(control, arm), s.paired_difference(control[[0, 2]], arm[[0, 2]])
    assert with_holes == without
    assert (without.n_pairs, without.mean_control, without.mean_arm, without.difference) == (2, 2.0, 3.5, 1.5)


@pytest.mark.parametrize("values", [[], [NAN], [NAN, NAN]])
def test_without_pairs_everything_is_nan(values: list[float]) -> None:
    result = s.paired_difference(np.array(values), np.array(values))
    assert result.n_pairs == 0
    assert all(math.isnan(getattr(result, name)) for name in T_FIELDS if name != "n_pairs")


def test_with_one_pair_there_are_means_and_no_interval() -> None:
    result = s.paired_difference(np.array([1.0, NAN]), np.array([3.0, 1.0]))
    assert (result.n_pairs, result.mean_control, result.mean_arm, result.difference) == (1, 1.0, 3.0, 2.0)
    assert all(math.isnan(x) for x in (result.standard_error, result.ci_low, result.ci_high, result.p_value))
    assert (result.heavy_tailed, result.bca_low) == (False, None)


@pytest.mark.parametrize("n", [2, 3, 10, 30])
def test_an_arm_equal_to_its_control_differs_by_exactly_0(n: int) -> None:
    control, _ = arms(3, n)
    result = s.paired_difference(control, control.copy())
    assert (result.difference, result.standard_error, result.ci_low, result.ci_high) == (0.0, 0.0, 0.0, 0.0)
    assert result.p_value == 1.0
    assert math.isnan(total_ratio(control, control))


@pytest.mark.parametrize("n", [2, 3, 10, 30])
def test_equal_differences_that_are_not_0_leave_no_doubt(n: int) -> None:
    result = s.paired_difference(np.zeros(n), np.full(n, 0.1))
    assert (result.difference, result.ci_low, result.ci_high, result.p_value) == (0.1, 0.1, 0.1, 0.0)
    assert math.isnan(result.skewness)
    assert not result.heavy_tailed


def test_swapping_the_arms_mirrors_the_interval() -> None:
    control, arm = arms(4, 30)
    there, back = s.paired_difference(control, arm), s.paired_difference(arm, control)
    assert (there.difference, there.ci_low, there.ci_high) == (-back.difference, -back.ci_high, -back.ci_low)
    assert there.p_value == back.p_value


@pytest.mark.parametrize(
    ("control", "arm", "level"),
    [([1.0], [1.0, 2.0], 0.95), ([[1.0]], [[1.0]], 0.95), ([1.0], [math.inf], 0.95), ([1.0], [2.0], 1.0)],
)
def test_other_shapes_infinite_values_and_impossible_levels_are_refused(
    control: list[float], arm: list[float], level: float
) -> None:
    with pytest.raises(ValueError, match="must be"):
        s.paired_difference(np.array(control), np.array(arm), level=level)


def coverage(key: int, n_macro: int, r: int) -> float:
    """Share of t intervals that contain the true difference .01 of paired normal replications."""
    control, arm = arms(key, r, n_macro)
    result = s.paired_differences(control, arm)
    return float(((result.ci_low <= 0.01) & (result.ci_high >= 0.01)).mean())


@pytest.mark.parametrize("r", [5, 30])
def test_the_95_percent_interval_covers_the_truth_in_95_percent_of_experiments(r: int) -> None:
    assert coverage(10 + r, 2000, r) == pytest.approx(0.95, abs=0.015)
    # z < 4.2 at a larger number: the sharper of the two.
    assert abs(coverage(50 + r, 40_000, r) - 0.95) < 4.2 * math.sqrt(0.95 * 0.05 / 40_000)


def test_p_values_are_uniform_where_the_arms_do_not_differ() -> None:
    control, arm = arms(60, 10, 20_000)
    assert stats.kstest(s.paired_differences(control + 0.01, arm).p_value, "uniform").pvalue > 1e-4


# Heavy tails


def test_heavy_tails_bring_the_bca_interval_and_the_sign_test_and_others_do_not() -> None:
    heavy = np.random.Generator(np.random.Philox(key=5)).pareto(1.5, size=30)
    result = s.paired_difference(np.zeros(30), heavy)
    assert result.heavy_tailed
    assert (result.bca_low, result.bca_high) == bca_interval(heavy, 0.95)
    assert result.sign_p == stats.binomtest(30, 30).pvalue
    light = s.paired_difference(*arms(6, 30))
    assert (light.heavy_tailed, light.bca_low, light.bca_high, light.sign_p) == (False, None, None, None)


def test_the_sign_test_leaves_zeros_out() -> None:
    result = s.paired_difference(np.zeros(7), np.array([1.0, 2.0, 50.0, -1.0, 0.0, 0.0, 0.0]))
    assert result.sign_p == stats.binomtest(3, 4).pvalue


@pytest.mark.parametrize("n", [1, 2, 7, 30, 101, 1200])
def test_the_sign_test_is_that_of_scipy(n: int) -> None:
    for n_up in range(0, n + 1, max(n // 10, 1)):
        values = np.repeat([1.0, -1.0], [n_up, n - n_up])
        assert sign_test(values) == pytest.approx(stats.binomtest(n_up, n).pvalue, rel=1e-12)


def test_the_bca_interval_is_the_same_in_another_process() -> None:
    program = (
        "import numpy as np; from sim.inference.intervals import bca_interval;"
        "print(*(x.hex() for x in bca_interval(np.arange(20.0) ** 3, 0.95)))"
    )
    other = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True).stdout.split()
    assert tuple(float.fromhex(x) for x in other) == bca_interval(np.arange(20.0) ** 3, 0.95)


@pytest.mark.parametrize("level", [0.9, 0.95])
def test_the_bca_interval_is_scipys_but_for_the_resamples_drawn(level: float) -> None:
    values = np.random.Generator(np.random.Philox(key=8)).exponential(size=40)
    seed = {"rng" if "rng" in inspect.signature(stats.bootstrap).parameters else "random_state": 1}  # scipy < 1.15
    theirs = stats.bootstrap((values,), np.mean, method="BCa", confidence_level=level, n_resamples=20_000, **seed)
    low, high = bca_interval(values, level)
    width = high - low
    assert low == pytest.approx(theirs.confidence_interval.low, abs=0.04 * width)
    assert high == pytest.approx(theirs.confidence_interval.high, abs=0.04 * width)


def test_the_bca_interval_leans_to_the_long_tail_and_moves_with_the_values() -> None:
    values = np.random.Generator(np.random.Philox(key=9)).pareto(2.5, size=30)
    low, high = bca_interval(values, 0.95)
    assert high - values.mean() > values.mean() - low
    assert bca_interval(values * 4 + 16, 0.95) == pytest.approx((low * 4 + 16, high * 4 + 16), rel=1e-9)
    assert bca_interval(-values, 0.95) == pytest.approx((-high, -low), abs=0.05 * (high - low))


@given(st.lists(st.floats(-1e150, 1e150), max_size=30))
def test_skewness_has_its_bound_or_is_nan(values: list[float]) -> None:
    result, n = skewness(np.array(values)), len(values)
    assert math.isnan(result) or abs(result) <= (n - 2) / math.sqrt(n - 1) + 1e-6


def test_differences_that_vary_in_their_last_digit_only_have_the_moments_of_that_digit() -> None:
    ulp = math.ulp(1.0)
    result = s.paired_difference(np.zeros(4), np.array([1.0, 1.0 + ulp, 1.0, 1.0 + ulp]))
    assert (result.skewness, result.heavy_tailed) == (0.0, False)
    assert result.standard_error == pytest.approx(ulp * math.sqrt(1 / 12), rel=1e-12)


# Variance ratios


def total_ratio(control: Floats, arm: Floats) -> float:
    return float(s.paired_differences(control[:, None], arm[:, None]).vr_total[0])


def streams_ratio(independent: Floats, common: Floats) -> float:
    return float(s.variance_ratio_streams(independent[:, None], common[:, None])[0])


def test_the_total_ratio_is_one_for_independent_arms_and_large_for_paired_ones() -> None:
    control, arm = arms(20, 20_000)
    other, _ = arms(21, 20_000)
    assert total_ratio(control, other) == pytest.approx(1, abs=0.05)
    expected = (control.var(ddof=1) + arm.var(ddof=1)) / (arm - control).var(ddof=1)
    assert total_ratio(control, arm) == pytest.approx(expected, rel=1e-10)
    assert expected > 10


def test_the_streams_ratio_is_the_quotient_of_the_variances_with_nan_left_out() -> None:
    independent, common = np.array([1.0, 5.0, NAN, 3.0]), np.array([2.0, 3.0])
    assert streams_ratio(independent, common) == 4.0 / 0.5


def test_variance_ratios_without_a_variance_are_nan() -> None:
    one, same, two = np.array([1.0]), np.array([0.1, 0.1, 0.1]), np.array([1.0, 2.0])
    assert math.isnan(streams_ratio(two, same))
    assert math.isnan(streams_ratio(two, one))
    assert math.isnan(streams_ratio(one, two))
    assert math.isnan(total_ratio(one, one))
    assert math.isnan(total_ratio(same, same + 1))
    assert streams_ratio(same, two) == 0.0


# Holm

probabilities = st.lists(st.floats(0, 1) | st.just(NAN), max_size=12).map(np.array)


def test_holm_agrees_with_the_example_worked_by_hand() -> None:
    # Sorted .005 .01 .03 .04, factors 4 3 2 1: .02 .03 .06 .04, the last raised to .06.
    adjusted = s.holm(np.array([0.01, 0.04, NAN, 0.03, 0.005]))
    np.testing.assert_allclose(adjusted, [0.03, 0.06, NAN, 0.06, 0.02], rtol=1e-15)


def test_holm_levels_agree_with_the_example_worked_by_hand() -> None:
    levels = s.holm_levels(np.array([0.01, 0.04, NAN, 0.01, 0.005]), alpha=0.06)
    np.testing.assert_allclose(levels, [0.02, 0.06, NAN, 0.03, 0.015], rtol=1e-15)


@given(probabilities)
def test_holm_keeps_the_order_and_never_lowers_a_p_value(p: Floats) -> None:
    adjusted = s.holm(p)
    assert np.array_equal(np.isnan(adjusted), np.isnan(p))
    some = ~np.isnan(p)
    assert (adjusted[some] >= p[some]).all()
    assert (adjusted[some] <= np.minimum(1, some.sum() * p[some])).all()
    assert (np.diff(adjusted[some][np.argsort(p[some], kind="stable")]) >= 0).all()


@given(probabilities)
def test_holm_rejects_what_is_under_its_level_together_with_all_smaller_ones(p: Floats) -> None:
    adjusted, levels, open_still = s.holm(p), s.holm_levels(p, alpha=0.05), True
    for j in sorted(np.flatnonzero(~np.isnan(p)), key=lambda j: (p[j], j)):
        close = math.isclose(p[j], levels[j], rel_tol=1e-12)
        open_still = open_still and bool(p[j] <= levels[j])
        if close:
            return
        assert bool(adjusted[j] <= 0.05) == open_still


@pytest.mark.parametrize("p", [[-0.1], [1.1], [[0.5]]])
def test_p_values_that_are_none_are_refused(p: list[float]) -> None:
    with pytest.raises(ValueError, match="p-values must be"):
        s.holm(np.array(p))


# Verdicts: alpha 5 %, margin .005; half-widths are 2.045 (95 %) and 1.699 (90 %) standard errors at 30 pairs.


@pytest.mark.parametrize(
    ("difference", "standard_error", "lower", "higher"),
    [
        (-0.0200, 0.001, "supported", "refuted"),
        (0.0200, 0.001, "refuted", "supported"),
        (0.0000, 0.001, "negligible", "negligible"),
        (0.0025, 0.001, "negligible", "negligible"),
        (0.0000, 0.010, "undecided", "undecided"),
        (-0.0060, 0.001, "undecided", "refuted"),
        (0.0040, 0.001, "refuted", "undecided"),
        (-0.0040, 0.001, "undecided", "refuted"),
        (0.0032, 0.001, "negligible", "negligible"),  # inside at 90 % only: high at 95 % is beyond the margin
        (-0.0050, 0.000, "undecided", "refuted"),  # on the margin: not beyond, not inside
        (0.0050, 0.000, "refuted", "undecided"),
        (-0.0051, 0.000, "supported", "refuted"),
        (0.0000, 0.000, "negligible", "negligible"),
        (NAN, NAN, "undecided", "undecided"),
        (0.1000, NAN, "undecided", "undecided"),
    ],
)
def test_each_region_has_its_verdict(difference: float, standard_error: float, lower: str, higher: str) -> None:
    summary = paired(difference, standard_error)
    assert s.verdict(summary, direction="lower", margin=0.005).verdict == lower
    assert s.verdict(summary, direction="higher", margin=0.005).verdict == higher


@given(st.floats(-0.03, 0.03), st.floats(0, 0.02), st.floats(0, 0.02), st.floats(1e-4, 0.4), st.integers(2, 60))
def test_higher_is_the_mirror_image_of_lower(d: float, se: float, margin: float, alpha: float, n: int) -> None:
    up = s.verdict(paired(d, se, n), direction="higher", margin=margin, alpha=alpha)
    down = s.verdict(paired(-d, se, n), direction="lower", margin=margin, alpha=alpha)
    assert (up.verdict, up.ci_low, up.ci_high) == (down.verdict, -down.ci_high, -down.ci_low)


def test_the_verdicts_interval_is_the_paired_interval_of_its_level() -> None:
    control, arm = arms(30, 30)
    decision = s.verdict(s.paired_difference(control, arm), direction="higher", margin=0.005, alpha=0.0125)
    wider = s.paired_difference(control, arm, level=1 - 0.0125)
    assert (decision.ci_low, decision.ci_high) == (wider.ci_low, wider.ci_high)


def test_a_verdict_needs_a_direction_a_margin_and_a_level() -> None:
    for change in ({"direction": "up"}, {"margin": -0.1}, {"margin": NAN}, {"alpha": 0.5}, {"alpha": 0.0}):
        with pytest.raises(ValueError, match="out of range"):
            s.verdict(paired(0.0, 0.1), **{"direction": "lower", "margin": 0.005, "alpha": 0.05, **change})  # type: ignore[arg-type]


# Decomposition

shares = st.lists(st.tuples(*[st.floats(0, 1)] * 5), min_size=1, max_size=10).map(lambda rows: np.array(rows).T)


@given(shares)
def test_allocation_and_volume_add_up_to_the_change_of_the_share(columns: Floats) -> None:
    s0, w_control, w_arm, n_control, n_arm = columns
    parts = s.decomposition(s0, w_control, w_arm, n_control, n_arm)
    change = ((1 - w_arm) * s0 + w_arm * n_arm) - ((1 - w_control) * s0 + w_control * n_control)
    np.testing.assert_allclose(parts.allocation + parts.volume, change, rtol=0, atol=1e-15)


def test_equal_volumes_leave_allocation_only_and_equal_allocations_volume_only() -> None:
    s0, w, n = np.array([0.4]), np.array([0.3]), np.array([0.2])
    allocation_only = s.decomposition(s0, w, w, n, n + 0.5)
    assert (allocation_only.allocation[0], allocation_only.volume[0]) == (pytest.approx(0.15), 0.0)
    volume_only = s.decomposition(s0, w, w + 0.5, n, n)
    assert (volume_only.allocation[0], volume_only.volume[0]) == (0.0, pytest.approx(-0.1))
    nothing = s.decomposition(s0, w, w, n, n)
    assert (nothing.allocation[0], nothing.volume[0]) == (0.0, 0.0)
