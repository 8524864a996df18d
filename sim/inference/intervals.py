"""Moments, intervals and tests of replicated values, one column each. It must not know arms, runs or files.

Sums over replications are strict additions in their order, centred on the first value: no bit depends on numpy's
summation, equal values have a variance of exactly 0, and one column alone equals itself among many.
"""

import math

import numpy as np
from numpy.typing import NDArray

from sim.analysis import student
from sim.streams import normal_quantile
from sim.types import Floats

_N_RESAMPLES = 9_999
_RESAMPLING_KEY = 0x48656164  # any constant: the same values must give the same interval whenever it is computed


def moments(values: Floats) -> tuple[NDArray[np.int64], Floats, Floats]:
    """Number, mean and variance of each column's defined values.

    ``mean = x_1 + sum (x - x_1) / n``, ``variance = sum (x - mean)^2 / (n - 1)``, centred on the first defined value.

    Parameters
    ----------
    values
        Shape ``(R, n_columns)``; ``nan`` where undefined. Not changed.

    Returns
    -------
    tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]
        Each of shape ``(n_columns,)``; the mean is ``nan`` for n = 0, the variance for n < 2.

    Notes
    -----
    O(R n_columns). No random numbers.

    >>> [column.tolist() for column in moments(np.array([[1.0, 4.0], [3.0, np.nan]]))]
    [[2, 1], [2.0, 4.0], [2.0, nan]]
    """
    n_columns = values.shape[1]
    if len(values) == 0:
        return np.zeros(n_columns, dtype=np.int64), np.full(n_columns, np.nan), np.full(n_columns, np.nan)
    valid = ~np.isnan(values)
    n = valid.sum(axis=0, dtype=np.int64)
    first = np.take_along_axis(values, valid.argmax(axis=0)[None, :], axis=0)[0]
    with np.errstate(invalid="ignore", divide="ignore"):
        offset = np.where(valid, values - first, 0.0)
        mean_offset = _row_sum(offset) / n
        # From the offsets: the mean itself is rounded too coarsely for values that differ in their last digits.
        deviation = np.where(valid, offset - mean_offset, 0.0)
        variance = _row_sum(deviation * deviation) / (n - 1)
    return n, first + mean_offset, np.where(n >= 2, variance, np.nan)


def t_intervals(mean: Floats, standard_error: Floats, n: NDArray[np.int64], level: float) -> tuple[Floats, Floats]:
    """Student's interval of each mean.

    ``mean -+ t_{n-1, (1 + level)/2} standard_error``.

    Parameters
    ----------
    mean, standard_error, n
        Shape ``(n_columns,)``. Not changed.
    level
        In ``(0, 1)``.

    Returns
    -------
    tuple[NDArray[np.float64], NDArray[np.float64]]
        Low and high ends; ``nan`` for n < 2; both the mean for a standard error of 0.

    Raises
    ------
    ValueError
        A level out of range.

    Notes
    -----
    O(n_columns). No random numbers.

    >>> low, high = t_intervals(np.array([1.0]), np.array([0.5]), np.array([30]), 0.95)
    >>> low.round(6).tolist(), high.round(6).tolist()
    ([-0.022615], [2.022615])
    """
    if not 0 < level < 1:
        raise ValueError(f"level must be in (0, 1), got {level}")
    sizes, position = np.unique(n, return_inverse=True)
    quantile = [student.quantile(size - 1, level) if size >= 2 else math.nan for size in sizes.tolist()]
    half = np.array(quantile, dtype=np.float64)[position] * standard_error
    return mean - half, mean + half


def t_p_values(mean: Floats, standard_error: Floats, n: NDArray[np.int64]) -> Floats:
    """Two-sided p-value of each mean against 0.

    ``p = 2 P(T_{n-1} < -|mean| / standard_error)``.

    Parameters
    ----------
    mean, standard_error, n
        Shape ``(n_columns,)``. Not changed.

    Returns
    -------
    NDArray[np.float64]
        In ``[0, 1]``; ``nan`` for n < 2; for a standard error of 0, 1 when the mean is 0 and else 0.

    Notes
    -----
    O(n_columns). No random numbers.

    >>> t_p_values(np.array([0.0, 0.0, 3.0]), np.array([1.0, 0.0, 0.0]), np.array([9, 9, 9])).tolist()
    [1.0, 1.0, 0.0]
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        t = mean / standard_error
    found = np.full(np.shape(t), np.nan)
    for size in np.unique(n[n >= 2]).tolist():
        found[n == size] = student.p_values(t[n == size], size - 1)
    sure = (standard_error == 0) & (n >= 2)
    return np.where(sure, np.where(mean == 0, 1.0, 0.0), found)


def skewness(values: Floats) -> float:
    """Skewness of a sample.

    ``m3 / m2^1.5`` with the central moments ``m_k = sum (x - mean)^k / n``.

    Parameters
    ----------
    values
        Shape ``(n,)``, finite. Not changed.

    Returns
    -------
    float
        At most ``(n - 2) / sqrt(n - 1)`` in size; ``nan`` when n < 2 or all values are equal.

    Notes
    -----
    O(n). No random numbers.

    >>> round(skewness(np.array([0.0, 0.0, 0.0, 0.0, 1.0])), 12)
    1.5
    """
    centred = _centred(values)
    if not centred or not any(centred):
        return math.nan
    second = math.fsum(x * x for x in centred) / len(centred)
    return math.fsum(x * x * x for x in centred) / len(centred) / (second * math.sqrt(second))


def bca_interval(values: Floats, level: float) -> tuple[float, float]:
    """Bias-corrected and accelerated bootstrap interval of the mean (B. Efron, *JASA* 82 (1987) 171).

    Ends are the resampled means' quantiles at ``Phi(z0 + (z0 + z) / (1 - a (z0 + z)))``. There ``z`` is the normal
    quantile of ``(1 -+ level) / 2``, ``z0`` that of the share of resampled means below the mean (ties half), and
    ``a = skewness / (6 sqrt(n))`` the jackknife's acceleration of a mean.

    Parameters
    ----------
    values
        Shape ``(n,)``, finite, not all equal. Not changed.
    level
        In ``(0, 1)``.

    Returns
    -------
    tuple[float, float]
        Low and high end, within the range of the values.

    Notes
    -----
    O(9,999 n). Random numbers from a Philox stream of a fixed key.

    >>> low, high = bca_interval(np.array([0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 8.0]), 0.95)
    >>> low, high
    (0.0, 4.0)
    """
    n = len(values)
    indices = np.random.Generator(np.random.Philox(key=_RESAMPLING_KEY)).integers(n, size=(n, _N_RESAMPLES))
    resampled = np.sort(values[0] + _row_sum((values - values[0])[indices]) / n)
    mean = moments(values[:, None])[1][0]
    below = int((resampled < mean).sum()) + int((resampled == mean).sum()) / 2
    bias = normal_quantile(min(max(below, 0.5), _N_RESAMPLES - 0.5) / _N_RESAMPLES)
    acceleration = skewness(values) / (6 * math.sqrt(n))

    def end(probability: float) -> float:
        shifted = bias + normal_quantile(probability)
        share = math.erfc(-(bias + shifted / (1 - acceleration * shifted)) / math.sqrt(2)) / 2
        position = (_N_RESAMPLES + 1) * share - 1
        lower = min(max(math.floor(position), 0), _N_RESAMPLES - 2)
        weight = min(max(position - lower, 0.0), 1.0)
        return float((1 - weight) * resampled[lower] + weight * resampled[lower + 1])

    return end((1 - level) / 2), end((1 + level) / 2)


def sign_test(values: Floats) -> float:
    """Exact two-sided sign test that positive and negative values are equally likely.

    Binomial with p = 1/2 over the values that are not 0: ``min(1, 2 sum_{k <= min(up, down)} C(n, k) / 2^n)``.

    Parameters
    ----------
    values
        Shape ``(n,)``, finite. Not changed.

    Returns
    -------
    float
        In ``[0, 1]``; ``nan`` when all values are 0.

    Notes
    -----
    O(n). No random numbers.

    >>> sign_test(np.array([1.0, 2.0, 0.0, 3.0]))
    0.25
    """
    n_up, n_down = int((values > 0).sum()), int((values < 0).sum())
    n, few = n_up + n_down, min(n_up, n_down)
    if not n:
        return math.nan
    # In integers, rounded once.
    ways, of_this_many = 0, 1
    for k in range(few + 1):
        ways += of_this_many
        of_this_many = of_this_many * (n - k) // (k + 1)
    return min(2 * ways, 1 << n) / (1 << n)


def _row_sum(rows: Floats) -> Floats:
    # Not np.sum: its order of additions isn't fixed.
    total = np.zeros(rows.shape[1])
    for row in rows:
        total += row
    return total


def _centred(values: Floats) -> list[float]:
    """Deviations from the mean over their largest size, so that their powers stay in the range of a float."""
    offset = values - values[:1]
    deviations = offset - moments(offset[:, None])[1]
    largest = float(np.abs(deviations).max()) if len(values) >= 2 else 0.0
    return [float(x) for x in deviations / largest] if largest > 0 else []
