"""Ranks of values, the correlation of two columns by rank, deciles. It must not know the model, files or experiments.

Ranks are integers (doubled, so that ties have whole ones), sums of their products are exact.

Reference: C. Spearman, *Am. J. Psychology* 15 (1904) 72.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.types import Int64s

__all__ = ["correlation_of_ranks", "deciles", "doubled_ranks", "rank_correlation"]

Values = NDArray[Any]

_LARGEST = 1 << 24
_BLOCK = 1 << 14
"""So many products of two doubled, centred ranks (each below 2^24) sum up to less than 2^63."""


def doubled_ranks(values: Values) -> Int64s:
    """Twice the rank of each value, ascending from 1, equal values sharing the mean of their ranks.

    Parameters
    ----------
    values
        Numbers, shape ``(n,)``, none ``nan``, n up to 2^24. Not changed.

    Returns
    -------
    NDArray[np.int64]
        Shape ``(n,)``, each in ``[2, 2 n]``, with sum ``n (n + 1)``.

    Raises
    ------
    ValueError
        Empty, too long, not one-dimensional, or with a ``nan``.

    Notes
    -----
    O(n log n). No random numbers.

    >>> doubled_ranks(np.array([0.5, 0.1, 0.5])).tolist()
    [5, 2, 5]
    """
    given = _checked(values)
    order = np.argsort(given)  # equal values in any order: they get one rank
    ascending = given[order]
    begin = np.concatenate([[0], np.flatnonzero(ascending[1:] != ascending[:-1]) + 1, [len(given)]])
    first, last = begin[:-1], begin[1:]
    ranks = np.empty(len(given), np.int64)
    ranks[order] = np.repeat(first + last + 1, last - first)
    return ranks


def correlation_of_ranks(first: Int64s, second: Int64s) -> float:
    """Pearson's correlation of two columns of doubled ranks, as :func:`rank_correlation` of the columns behind them.

    Parameters
    ----------
    first, second
        From :func:`doubled_ranks`, shape ``(n,)`` both. Not changed.

    Returns
    -------
    float
        In ``[-1, 1]``; ``nan`` when either column has one value only.

    Notes
    -----
    O(n): for a column that is correlated with many others, ranked once.

    >>> correlation_of_ranks(np.array([2, 4, 6]), np.array([6, 4, 2]))
    -1.0
    """
    if len(first) != len(second):
        raise ValueError(f"columns must have one length, got {len(first)} and {len(second)}")
    a, b = first - (len(first) + 1), second - (len(second) + 1)
    product, squares = _dot(a, b), _dot(a, a) * _dot(b, b)
    if not squares:
        return math.nan
    return math.copysign(math.sqrt(product * product / squares), product)


def rank_correlation(first: Values, second: Values) -> float:
    """Spearman's rank correlation.

    Pearson's correlation of the ranks, ``sum_i a_i b_i / sqrt(sum_i a_i^2 sum_i b_i^2)``, ``a`` and ``b`` the ranks
    less their mean ``(n + 1) / 2``, equal values sharing the mean of their ranks: 1 for the same order, -1 for the
    reverse.

    Parameters
    ----------
    first, second
        Numbers, shape ``(n,)`` both, none ``nan``, n up to 2^24. Not changed.

    Returns
    -------
    float
        In ``[-1, 1]``; ``nan`` when either column has one value only.

    Raises
    ------
    ValueError
        Empty, too long, not one-dimensional, of two lengths, or with a ``nan``.

    Notes
    -----
    O(n log n), some 300 microseconds for 2,000 entries. No random numbers. The sums are exact, so the result has the
    same bits on any processor.

    >>> rank_correlation(np.array([1, 2, 3]), np.array([0.1, 0.2, 0.9]))
    1.0
    """
    return correlation_of_ranks(doubled_ranks(first), doubled_ranks(second))


def deciles(values: Values) -> Int64s:
    """Decile of each value: 0 for the smallest tenth, 9 for the largest.

    With place p = 0, 1, ... from the largest down, equal values in the order of their index (the lowest ranks highest,
    as in ``head_members``), the decile is ``9 - floor(10 p / n)``.

    Parameters
    ----------
    values
        Numbers, shape ``(n,)``, none ``nan``, n up to 2^24. Not changed.

    Returns
    -------
    NDArray[np.int64]
        Shape ``(n,)``; the deciles' sizes differ by one at most, so some are empty where n < 10.

    Notes
    -----
    O(n log n). No random numbers. Raises as :func:`doubled_ranks`.

    >>> deciles(np.array([7, 7, 1, 9])).tolist()
    [7, 4, 2, 9]
    """
    given = _checked(values)
    n = len(given)
    found = np.empty(n, np.int64)
    # Ascending and stable from the last index on, so that reversing puts the lowest index of equal values first.
    largest_first = (n - 1 - np.argsort(given[::-1], kind="stable"))[::-1]
    found[largest_first] = 9 - 10 * np.arange(n) // n
    return found


def _checked(values: Values) -> Values:
    array = np.asarray(values)
    if array.ndim != 1:
        raise ValueError(f"values must be one-dimensional, got shape {array.shape}")
    if not 0 < array.size <= _LARGEST:
        raise ValueError(f"values must be 1 to {_LARGEST} numbers, got {array.size}")
    if array.dtype.kind not in "iuf" or (array.dtype.kind == "f" and bool(np.isnan(array).any())):
        raise ValueError(f"values must be numbers, none nan, got {array.dtype}")
    return array


def _dot(a: Int64s, b: Int64s) -> int:
    return sum(int(np.dot(a[i : i + _BLOCK], b[i : i + _BLOCK])) for i in range(0, len(a), _BLOCK))
