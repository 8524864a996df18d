"""Measures of how concentrated integer amounts are on their holders. It must not know the model, files or experiments.

Every measure is one correctly rounded division of two exact integers: the same amounts give the same bits in any order
of the holders, with any numpy and on any processor.

References: L. Ceriani, P. Verme, *J. Economic Inequality* 10 (2012) 421 (Gini); A. O. Hirschman, *AER* 54 (1964) 761
(Herfindahl-Hirschman); M. O. Lorenz, *Publ. ASA* 9 (1905) 209.
"""

import math
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.analysis.amounts import Amounts, checked, exact_sum, positive, ratio

_INT64_LIMIT = 1 << 63


def head_size(n: int, fraction: float) -> int:
    """Size of the head among ``n`` holders.

    ``k = max(1, floor(fraction n + 1/2))``: halves are rounded up, and ``fraction`` is taken for the decimal number it
    is written as, so that .15 of 10 is exactly 1.5 and gives 2.

    Parameters
    ----------
    n
        Number of holders, >= 1.
    fraction
        In ``(0, 1]``.

    Returns
    -------
    int
        In ``[1, n]``.

    Notes
    -----
    O(1). No random numbers. Raises ``ValueError`` for an ``n`` or a ``fraction`` out of range.

    >>> head_size(2000, 0.01), head_size(150, 0.01), head_size(10, 0.01)
    (20, 2, 1)
    """
    if n < 1:
        raise ValueError(f"n must be >= 1, got {n}")
    if not 0 < fraction <= 1:
        raise ValueError(f"fraction must be in (0, 1], got {fraction}")
    return max(1, math.floor(Fraction(repr(float(fraction))) * int(n) + Fraction(1, 2)))


def gini(amounts: Amounts) -> float:
    """Gini coefficient of amounts over their holders.

    ``G = sum_i (2 i - n - 1) x_(i) / (n sum_i x_i)``, ``x`` ascending: 0 for equal amounts, ``(n - 1) / n`` when one
    holds all.

    Parameters
    ----------
    amounts
        Integers, shape ``(n,)``, each >= 0, any unit. Not changed.

    Returns
    -------
    float
        In ``[0, (n - 1) / n]``; ``nan`` when the sum is 0.

    Raises
    ------
    ValueError
        Empty, not one-dimensional, not integer, or a negative entry.

    Notes
    -----
    O(n log n). No random numbers.

    >>> gini(np.array([0, 0, 0, 8]))
    0.75
    """
    return _gini(_cumulated(np.sort(checked(amounts))))


def top_share(amounts: Amounts, k: int) -> float:
    """Share of the total that the ``k`` largest hold.

    ``sum of the k largest x / sum_i x_i``.

    Parameters
    ----------
    amounts
        Integers, shape ``(n,)``, each >= 0, any unit. Not changed.
    k
        Number of holders, >= 1; more than ``n`` is taken for ``n``.

    Returns
    -------
    float
        In ``[k / n, 1]``; ``nan`` when the sum is 0.

    Notes
    -----
    O(n log n). No random numbers. Raises as :func:`gini`, and for ``k < 1``.

    >>> top_share(np.array([1, 5, 2]), 1)
    0.625
    """
    return _top_share(_cumulated(np.sort(checked(amounts))), k)


def head_share(amounts: Amounts, fraction: float, n_at_start: int | None = None) -> float:
    """Share of the total that the head holds: those who are the largest now, as many as made a head at day 0.

    ``top_share(x, head_size(n_at_start, fraction))``. If the size followed ``n``, entries alone would move the share.

    Parameters
    ----------
    amounts
        Integers, shape ``(n,)``, each >= 0, any unit: all accounts that ever existed. Not changed.
    fraction
        In ``(0, 1]``.
    n_at_start
        Number of accounts at day 0; ``n`` when left out.

    Returns
    -------
    float
        In ``[k / n, 1]``; ``nan`` when the sum is 0.

    Notes
    -----
    O(n log n). No random numbers. Raises as :func:`gini` and :func:`head_size`.

    >>> head_share(np.array([6, 1, 1, 0, 0, 0]), 0.5, n_at_start=4)
    0.875
    """
    given = checked(amounts)
    return top_share(given, head_size(len(given) if n_at_start is None else n_at_start, fraction))


def head_members(amounts: Amounts, k: int) -> NDArray[np.int64]:
    """Who the ``k`` largest are.

    Descending by amount; among equal amounts the lowest index comes first, also where the ``k``-th place is tied.

    Parameters
    ----------
    amounts
        Integers, shape ``(n,)``, each >= 0, any unit. Not changed.
    k
        Number of holders, >= 1; more than ``n`` is taken for ``n``.

    Returns
    -------
    NDArray[np.int64]
        Indices, shape ``(min(k, n),)``, the largest holder first.

    Notes
    -----
    O(n + k log k). No random numbers. Raises as :func:`gini`, and for ``k < 1``.

    >>> head_members(np.array([3, 9, 3, 3]), 2).tolist()
    [1, 0]
    """
    given = checked(amounts)
    place = max(len(given) - positive(k), 0)
    able = np.flatnonzero(given >= np.partition(given, place)[place])
    return able[np.argsort(-given[able], kind="stable")[:k]].astype(np.int64)


def group_share(amounts: Amounts, members: NDArray[np.integer[Any]]) -> float:
    """Share of the total that a fixed group holds, such as the initial head.

    ``sum over members of x_i / sum_i x_i``.

    Parameters
    ----------
    amounts
        Integers, shape ``(n,)``, each >= 0, any unit. Not changed.
    members
        Integer indices into ``amounts``, shape ``(m,)``, each in ``[0, n)`` and once; may be empty. Not changed.

    Returns
    -------
    float
        In ``[0, 1]``, 0 for an empty group; ``nan`` when the sum is 0.

    Notes
    -----
    O(n). No random numbers. Raises as :func:`gini`, and for a member out of range or given twice.

    >>> group_share(np.array([4, 1, 2, 1]), np.array([0, 3]))
    0.625
    """
    given = checked(amounts)
    return _group_share(given, exact_sum(given), members)


def hhi(amounts: Amounts) -> float:
    """Herfindahl-Hirschman index, the sum of squared shares.

    ``HHI = sum_i x_i^2 / (sum_i x_i)^2``.

    Parameters
    ----------
    amounts
        Integers, shape ``(n,)``, each >= 0, any unit. Not changed.

    Returns
    -------
    float
        In ``[1 / n, 1]``; ``nan`` when the sum is 0.

    Notes
    -----
    O(n). No random numbers. Raises as :func:`gini`.

    >>> hhi(np.array([3, 1]))
    0.625
    """
    given = checked(amounts)
    return ratio(_exact_sum_of_squares(given), exact_sum(given) ** 2)


def effective_number(amounts: Amounts) -> float:
    """Effective number of holders: as many equal ones would be as concentrated.

    ``1 / HHI = (sum_i x_i)^2 / sum_i x_i^2``, rounded once.

    Parameters
    ----------
    amounts
        Integers, shape ``(n,)``, each >= 0, any unit. Not changed.

    Returns
    -------
    float
        In ``[1, n]``; ``nan`` when the sum is 0.

    Notes
    -----
    O(n). No random numbers. Raises as :func:`gini`.

    >>> effective_number(np.array([2, 2, 2, 2, 0]))
    4.0
    """
    given = checked(amounts)
    return ratio(exact_sum(given) ** 2, _exact_sum_of_squares(given))


def lorenz(amounts: Amounts, n_points: int = 101) -> NDArray[np.float64]:
    """Lorenz curve: the share of the total that the poorest share ``p`` of the holders has.

    ``L(j / n) = sum of the j smallest x / sum_i x_i``, linear between holders, at ``p = 0, 1/(n_points - 1), ..., 1``.

    Parameters
    ----------
    amounts
        Integers, shape ``(n,)``, each >= 0, any unit. Not changed.
    n_points
        Number of population shares, >= 2.

    Returns
    -------
    NDArray[np.float64]
        Shape ``(n_points,)``, ascending from 0 to 1, convex, at most ``p``; all ``nan`` when the sum is 0.

    Notes
    -----
    O(n log n + n_points). No random numbers. Raises as :func:`gini`, and for ``n_points < 2``.

    >>> lorenz(np.array([3, 1]), n_points=5).tolist()
    [0.0, 0.125, 0.25, 0.625, 1.0]
    """
    if n_points < 2:
        raise ValueError(f"n_points must be >= 2, got {n_points}")
    cumulated = [0, *_cumulated(np.sort(checked(amounts))).tolist()]
    n, steps = len(cumulated) - 1, n_points - 1
    curve = []
    for j in range(n_points):
        holder, rest = divmod(j * n, steps)
        partial = (cumulated[holder + 1] - cumulated[holder]) * rest if rest else 0
        curve.append(ratio(cumulated[holder] * steps + partial, cumulated[n] * steps))
    return np.array(curve, dtype=np.float64)


def summarise(
    amounts: Amounts, *, head_01: int, head_10: int, initial_head: NDArray[np.integer[Any]]
) -> dict[str, float]:
    """All measures of concentration of one vector, sorted once.

    Each value is the float that its own function gives: :func:`top_share` (of ``head_01``, ``head_10`` and 10),
    :func:`group_share`, :func:`gini`, :func:`hhi`, :func:`effective_number`.

    Parameters
    ----------
    amounts
        Integers, shape ``(n,)``, each >= 0, any unit. Not changed.
    head_01, head_10
        Sizes of the heads of 1 % and 10 % (:func:`head_size` at day 0), >= 1; more than ``n`` is taken for ``n``.
    initial_head
        Integer indices of the head of day 0, each in ``[0, n)`` and once; may be empty. Not changed.

    Returns
    -------
    dict[str, float]
        ``head_share_01, head_share_10, initial_head_share_01, top_10_share, gini, hhi, effective_number``; every one
        ``nan`` when the sum is 0.

    Notes
    -----
    O(n log n), some 40 microseconds for 2,000 holders. No random numbers. Raises as :func:`gini`,
    :func:`top_share` and :func:`group_share`.

    >>> summarise(np.array([4, 1, 2, 1]), head_01=1, head_10=2, initial_head=np.array([2]))["head_share_10"]
    0.75
    """
    given = checked(amounts)
    ascending = np.sort(given)
    cumulated = _cumulated(ascending)
    total, squares = int(cumulated[-1]), _exact_sum_of_squares(ascending)
    return {
        "head_share_01": _top_share(cumulated, head_01),
        "head_share_10": _top_share(cumulated, head_10),
        "initial_head_share_01": _group_share(given, total, initial_head),
        "top_10_share": _top_share(cumulated, 10),
        "gini": _gini(cumulated),
        "hhi": ratio(squares, total**2),
        "effective_number": ratio(total**2, squares),
    }


def _exact_sum_of_squares(values: Amounts) -> int:
    # Limbs so narrow that a sum of n products stays under 2^63.
    width = (63 - len(values).bit_length()) // 2
    n_limbs = -(-int(values.max()).bit_length() // width)
    if n_limbs <= 1:
        return int(np.dot(values, values))
    limbs = [values >> (width * i) & ((1 << width) - 1) for i in range(n_limbs)]
    pairs = [(i, j) for i in range(n_limbs) for j in range(i + 1)]
    return sum((int(np.dot(limbs[i], limbs[j])) << (width * (i + j))) * (1 if i == j else 2) for i, j in pairs)


def _cumulated(ascending: Amounts) -> NDArray[Any]:
    """Sums of the 1, 2, ..., n smallest: int64 where the total fits, else Python integers (slow, and never wrong)."""
    fits = int(ascending[-1]) * len(ascending) < _INT64_LIMIT or exact_sum(ascending) < _INT64_LIMIT
    return np.cumsum(ascending) if fits else np.cumsum(ascending.astype(object))


def _gini(cumulated: NDArray[Any]) -> float:
    # Summation by parts of the formula above: sum_i (2 i - n - 1) x_(i) = (n + 1) X_n - 2 sum_j X_j.
    n, total = len(cumulated), int(cumulated[-1])
    if cumulated.dtype != np.int64:
        area = sum(cumulated.tolist())
    else:
        area = int(cumulated.sum()) if n * total < _INT64_LIMIT else exact_sum(cumulated)
    return ratio((n + 1) * total - 2 * area, n * total)


def _top_share(cumulated: NDArray[Any], k: int) -> float:
    n, total = len(cumulated), int(cumulated[-1])
    return ratio(total - int(cumulated[n - k - 1]) if positive(k) < n else total, total)


def _group_share(amounts: Amounts, total: int, members: NDArray[np.integer[Any]]) -> float:
    indices = np.asarray(members)
    if indices.size == 0:
        return ratio(0, total)
    if indices.ndim != 1 or indices.dtype.kind not in "iu":
        raise ValueError(f"members must be one-dimensional integers, got {indices.dtype} of shape {indices.shape}")
    listed = indices.tolist()
    if min(listed) < 0 or max(listed) >= len(amounts) or len(set(listed)) < len(listed):
        raise ValueError(f"members must be in [0, {len(amounts)}), once each, got {min(listed)} to {max(listed)}")
    return ratio(sum(amounts[indices].tolist()), total)
