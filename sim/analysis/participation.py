"""Measures of how many take part. It must not know the model, files or experiments."""

import numpy as np

from sim.analysis.amounts import checked, ratio
from sim.types import Int64s

__all__ = ["n_above", "share_above", "threshold_over"]


def n_above(amounts: Int64s, threshold: int = 0) -> int:
    """Number of holders with more than a threshold.

    ``#{i: x_i > threshold}``: with 0, those that have any.

    Parameters
    ----------
    amounts
        Integers, shape ``(n,)``, of any sign (a change may be negative). Not changed.
    threshold
        Any integer, in the unit of the amounts.

    Returns
    -------
    int
        In ``[0, n]``.

    Raises
    ------
    ValueError
        Empty, not one-dimensional or not integer.

    Notes
    -----
    O(n). No random numbers.

    >>> n_above(np.array([0, 3, -1, 5])), n_above(np.array([0, 3, -1, 5]), 3)
    (2, 1)
    """
    given = checked(amounts, negative=True)
    bounds = np.iinfo(np.int64)
    if threshold >= bounds.max:
        return 0
    return len(given) if threshold < bounds.min else int(np.count_nonzero(given > threshold))


def share_above(amounts: Int64s, threshold: int = 0) -> float:
    """Share of the holders with more than a threshold, ``n_above(x, threshold) / n``.

    Arguments, errors and cost as :func:`n_above`; in ``[0, 1]``.

    >>> share_above(np.array([0, 3, -1, 5]))
    0.5
    """
    return ratio(n_above(amounts, threshold), len(amounts))


def threshold_over(per_year: int, window: int, year: int) -> int:
    """The largest whole amount of a window that is less than a yearly threshold when it is annualised.

    ``x > threshold_over(p, w, y)`` exactly where ``x y / w >= p``.

    Parameters
    ----------
    per_year
        Threshold per year, >= 0.
    window, year
        Lengths in the same unit of time, >= 1.

    Returns
    -------
    int
        ``ceil(per_year window / year) - 1``, >= -1.

    Notes
    -----
    O(1), exact. No random numbers.

    >>> threshold_over(3650, 30, 365), threshold_over(3651, 30, 365)
    (299, 300)
    """
    return -(-per_year * window // year) - 1
