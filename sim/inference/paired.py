"""Statistics of arms paired by replication: differences, families of tests, verdicts. It must not know runs or files.

References: S. Holm, *Scand. J. Statist.* 6 (1979) 65; D. J. Schuirmann, *J. Pharmacokin. Biopharm.* 15 (1987) 657.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sim.inference.intervals import bca_interval, moments, sign_test, skewness, t_intervals, t_p_values
from sim.types import Floats

Direction = Literal["lower", "higher"]


@dataclass(frozen=True)
class PairedDifference:
    """Arm minus control over the pairs that have both; what is undefined is ``nan``.

    Heavy-tailed is ``|skewness| > 1``: the t interval may undercover. Unless it is, the last three are ``None``.
    """

    n_pairs: int
    mean_control: float
    mean_arm: float
    difference: float
    standard_error: float
    ci_low: float
    ci_high: float
    p_value: float
    skewness: float
    heavy_tailed: bool
    bca_low: float | None
    bca_high: float | None
    sign_p: float | None


@dataclass(frozen=True)
class PairedDifferences:
    """:class:`PairedDifference` of many columns at once: arrays of shape ``(n_columns,)``."""

    n_pairs: NDArray[np.int64]
    mean_control: Floats
    mean_arm: Floats
    difference: Floats
    standard_error: Floats
    ci_low: Floats
    ci_high: Floats
    p_value: Floats
    vr_total: Floats


class Verdict(StrEnum):
    """Outcome of a claim's test."""

    SUPPORTED = "supported"
    REFUTED = "refuted"
    NEGLIGIBLE = "negligible"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Decision:
    """A verdict and the adjusted interval, of level ``1 - alpha``, that it is based on."""

    verdict: Verdict
    ci_low: float
    ci_high: float


@dataclass(frozen=True)
class Decomposition:
    """The two parts of a change of the initial head's share, each of shape ``(R,)``; their sum is the change."""

    allocation: Floats
    volume: Floats


def paired_differences(control: Floats, arm: Floats, *, level: float = 0.95) -> PairedDifferences:
    """Paired t intervals of many measures at once.

    ``d = arm - control`` per pair, ``mean(d) -+ t_{n-1} sd(d) / sqrt(n)``, two-sided ``p = 2 P(T < -|mean(d)| / se)``.

    Parameters
    ----------
    control, arm
        Shape ``(R, n_columns)``, row r of both from replication r; ``nan`` where undefined. Not changed.
    level
        Of the intervals, in ``(0, 1)``.

    Returns
    -------
    PairedDifferences
        A pair with a ``nan`` is left out of its column. Without pairs everything is ``nan``; with one, intervals and
        p-value. Equal differences: an interval of no length, and p is 1 if they are 0, else 0.

    Notes
    -----
    O(R n_columns). No random numbers. Raises ``ValueError``: shapes, infinite values, or a level out of range.

    >>> both = paired_differences(np.array([[1.0, 5.0], [2.0, 5.0]]), np.array([[2.0, 5.0], [4.0, np.nan]]))
    >>> both.difference.tolist(), both.n_pairs.tolist(), both.ci_low.round(3).tolist()
    ([1.5, 0.0], [2, 1], [-4.853, nan])
    """
    control, arm = _pair(control, arm, n_dimensions=2)
    difference = arm - control
    n, mean, variance = moments(difference)
    with np.errstate(divide="ignore", invalid="ignore"):
        standard_error = np.sqrt(variance / n)
    valid = ~np.isnan(difference)
    _, mean_control, variance_control = moments(np.where(valid, control, np.nan))
    _, mean_arm, variance_arm = moments(np.where(valid, arm, np.nan))
    ci_low, ci_high = t_intervals(mean, standard_error, n, level)
    return PairedDifferences(
        n_pairs=n,
        mean_control=mean_control,
        mean_arm=mean_arm,
        difference=mean,
        standard_error=standard_error,
        ci_low=ci_low,
        ci_high=ci_high,
        p_value=t_p_values(mean, standard_error, n),
        vr_total=_quotient(variance_control + variance_arm, variance),
    )


def paired_difference(control: Floats, arm: Floats, *, level: float = 0.95) -> PairedDifference:
    """Paired t interval of one measure, with BCa interval and sign test where the differences are heavy-tailed.

    The t part is :func:`paired_differences` of one column, to the bit; the rest is in :mod:`sim.inference.intervals`.

    Parameters
    ----------
    control, arm
        Shape ``(R,)``, entry r of both from replication r; ``nan`` where undefined. Not changed.
    level
        Of the intervals, in ``(0, 1)``.

    Returns
    -------
    PairedDifference
        Undefined cases as in :func:`paired_differences`.

    Notes
    -----
    O(R), heavy-tailed O(9,999 R); the bootstrap's numbers come from a fixed key. Raises as :func:`paired_differences`.

    >>> paired = paired_difference(np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0, 6.0]))
    >>> paired.difference, round(paired.ci_low, 4), round(paired.p_value, 4), paired.bca_low
    (2.0, -0.4841, 0.0742, None)
    """
    control, arm = _pair(control, arm, n_dimensions=1)
    column = paired_differences(control[:, None], arm[:, None], level=level)
    differences = (arm - control)[~np.isnan(arm - control)]
    skew = skewness(differences)
    bca_low = bca_high = sign_p = None
    if heavy_tailed := abs(skew) > 1:
        bca_low, bca_high = bca_interval(differences, level)
        sign_p = sign_test(differences)
    return PairedDifference(
        n_pairs=int(column.n_pairs[0]),
        mean_control=float(column.mean_control[0]),
        mean_arm=float(column.mean_arm[0]),
        difference=float(column.difference[0]),
        standard_error=float(column.standard_error[0]),
        ci_low=float(column.ci_low[0]),
        ci_high=float(column.ci_high[0]),
        p_value=float(column.p_value[0]),
        skewness=skew,
        heavy_tailed=heavy_tailed,
        bca_low=bca_low,
        bca_high=bca_high,
        sign_p=sign_p,
    )


def variance_ratio_streams(independent_difference: Floats, difference: Floats) -> Floats:
    """By how much common random numbers reduce the variance of differences, the population being the same.

    ``Var(independent_difference) / Var(difference)`` of each column.

    Parameters
    ----------
    independent_difference
        Differences of arms that share the population but not the streams, shape ``(R1, n_columns)``. Not changed.
    difference
        Differences of arms that share both, shape ``(R2, n_columns)``; a ``nan`` is left out in either. Not changed.

    Returns
    -------
    NDArray[np.float64]
        Shape ``(n_columns,)``, >= 0 (1: no gain); ``nan`` with fewer than two values in either or when all of
        ``difference`` are equal.

    Notes
    -----
    O((R1 + R2) n_columns). No random numbers. Raises ``ValueError``: not two-dimensional, or an infinite value.

    >>> variance_ratio_streams(np.array([[0.0], [4.0]]), np.array([[1.0], [2.0]])).tolist()
    [16.0]
    """
    above, below = (_pair(values, values, n_dimensions=2)[0] for values in (independent_difference, difference))
    return _quotient(moments(above)[2], moments(below)[2])


def holm(p_values: Floats) -> Floats:
    """P-values adjusted by Holm's step-down procedure for a family of tests.

    ``p'_(j) = max over i <= j of min(1, (m - i + 1) p_(i))``, ``p`` ascending; rejecting at ``p' <= alpha`` keeps the
    family's error at alpha.

    Parameters
    ----------
    p_values
        Shape ``(n,)``, in ``[0, 1]``; a ``nan`` does not count as a test. Not changed.

    Returns
    -------
    NDArray[np.float64]
        Shape ``(n,)``, in the order given, >= ``p_values``; ``nan`` stays ``nan``.

    Notes
    -----
    O(n log n). No random numbers. Raises ``ValueError``: not one-dimensional, or a value outside ``[0, 1]``.

    >>> holm(np.array([0.5, 0.125, float("nan")])).tolist()
    [0.5, 0.25, nan]
    """
    p_values, order = _ranked(p_values)
    adjusted = np.full(p_values.shape, np.nan)
    adjusted[order] = np.maximum.accumulate(np.minimum(1.0, np.arange(len(order), 0, -1) * p_values[order]))
    return adjusted


def holm_levels(p_values: Floats, alpha: float = 0.05) -> Floats:
    """Level of each test in Holm's procedure: 1 minus it is the level of the adjusted interval.

    ``alpha_(j) = alpha / (m - j + 1)``, ``j`` the rank by ascending p, ties by position, up to the first test that is
    not rejected; Holm stops there, and so do the levels: an adjusted interval excludes 0 exactly where Holm rejects.

    Parameters
    ----------
    p_values
        Shape ``(n,)``, in ``[0, 1]``; a ``nan`` does not count as a test. Not changed.
    alpha
        The family's error, in ``(0, 1)``.

    Returns
    -------
    NDArray[np.float64]
        Shape ``(n,)``, in ``[alpha / m, alpha]``, in the order given; ``nan`` stays ``nan``.

    Notes
    -----
    O(n log n). No random numbers. Raises as :func:`holm`, and for an ``alpha`` out of range.

    >>> holm_levels(np.array([0.5, 0.03125, float("nan")]), alpha=0.0625).tolist()
    [0.0625, 0.03125, nan]
    """
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must be in (0, 1), got {alpha}")
    p_values, order = _ranked(p_values)
    levels = np.full(p_values.shape, np.nan)
    steps = alpha / np.arange(len(order), 0, -1)
    kept = np.flatnonzero(p_values[order] > steps)
    if kept.size:
        steps[kept[0] :] = steps[kept[0]]
    levels[order] = steps
    return levels


def verdict(paired: PairedDifference, *, direction: Direction, margin: float, alpha: float = 0.05) -> Decision:
    """Verdict on the claim that a paired difference lies beyond a margin in a direction.

    In this order, strictly, for ``lower`` (``higher`` is its mirror image): *supported* when the t interval of level
    ``1 - alpha`` ends below ``-margin``; *negligible* when that of level ``1 - 2 alpha`` lies inside ``-+ margin``, the
    two one-sided tests; *refuted* when the first begins above ``-margin``; else, or without an interval, *undecided*.

    Parameters
    ----------
    paired
        From :func:`paired_difference`.
    direction
        ``"lower"`` or ``"higher"`` than control.
    margin
        >= 0, in the unit of the measure.
    alpha
        The test's own level (:func:`holm_levels` inside a family), in ``(0, 1/2)``.

    Returns
    -------
    Decision
        The verdict and the interval of level ``1 - alpha``.

    Notes
    -----
    O(1). No random numbers. Raises ``ValueError``: direction, margin or alpha out of range.

    >>> paired = paired_difference(np.array([0.30, 0.31, 0.32]), np.array([0.20, 0.22, 0.21]))
    >>> str(verdict(paired, direction="lower", margin=0.005).verdict)
    'supported'
    """
    if direction not in ("lower", "higher") or not 0 <= margin < np.inf or not 0 < alpha < 0.5:
        raise ValueError(f"direction {direction!r}, margin {margin}, alpha {alpha}: one of them is out of range")
    low, high = _interval(paired, 1 - alpha)
    inner_low, inner_high = _interval(paired, 1 - 2 * alpha)
    beyond, short = (high < -margin, low > -margin) if direction == "lower" else (low > margin, high < margin)
    if beyond:
        outcome = Verdict.SUPPORTED
    elif inner_low > -margin and inner_high < margin:
        outcome = Verdict.NEGLIGIBLE
    else:
        outcome = Verdict.REFUTED if short else Verdict.UNDECIDED
    return Decision(outcome, low, high)


def decomposition(
    s0: Floats, w_control: Floats, w_arm: Floats, n_head_control: Floats, n_head_arm: Floats
) -> Decomposition:
    """Why the initial head's share differs between two arms: who got the new follows, and how many there were.

    In each arm ``S = (1 - w) S0 + w n_H``. With bars for the mean of the two arms and D for arm minus control,
    ``D S = mean(w) D n_H + D w (mean(n_H) - S0)``: allocation + volume, exactly.

    Parameters
    ----------
    s0
        The initial head's share at the start, the same in both arms, shape ``(R,)``, in ``[0, 1]``. Not changed.
    w_control, w_arm
        New follows / (old + new), shape ``(R,)``, in ``[0, 1]``. Not changed.
    n_head_control, n_head_arm
        The initial head's share of the new follows, shape ``(R,)``; ``nan`` without new follows. Not changed.

    Returns
    -------
    Decomposition
        Two arrays of shape ``(R,)``, in ``[-1, 1]``; ``nan`` where an input is. O(R), no random numbers.

    >>> parts = decomposition(*np.array([[0.5], [0.5], [0.75], [0.25], [0.5]]))
    >>> parts.allocation.tolist(), parts.volume.tolist()
    ([0.15625], [-0.03125])
    """
    allocation = (w_control + w_arm) / 2 * (n_head_arm - n_head_control)
    volume = (w_arm - w_control) * ((n_head_control + n_head_arm) / 2 - s0)
    return Decomposition(allocation, volume)


def _interval(paired: PairedDifference, level: float) -> tuple[float, float]:
    n = np.array([paired.n_pairs], dtype=np.int64)
    low, high = t_intervals(np.array([paired.difference]), np.array([paired.standard_error]), n, level)
    return float(low[0]), float(high[0])


def _pair(control: Floats, arm: Floats, *, n_dimensions: int) -> tuple[Floats, Floats]:
    control, arm = np.asarray(control, dtype=np.float64), np.asarray(arm, dtype=np.float64)
    if control.shape != arm.shape or control.ndim != n_dimensions:
        raise ValueError(f"shapes must be equal and {n_dimensions}-dimensional, got {control.shape} and {arm.shape}")
    if np.isinf(control).any() or np.isinf(arm).any():
        raise ValueError("values must be finite or nan, got an infinite one")
    return control, arm


def _quotient(numerator: Floats, denominator: Floats) -> Floats:
    return numerator / np.where(denominator > 0, denominator, np.nan)


def _ranked(p_values: Floats) -> tuple[Floats, NDArray[np.intp]]:
    """The checked p-values, and the positions of those that are defined by ascending p, ties by position."""
    checked: Floats = np.asarray(p_values, dtype=np.float64)
    if checked.ndim != 1 or (checked < 0).any() or (checked > 1).any():
        raise ValueError("p-values must be one-dimensional and in [0, 1] or nan")
    return checked, np.argsort(checked, kind="stable")[: int((~np.isnan(checked)).sum())]
