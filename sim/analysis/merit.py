"""How amounts are spread over holders of different quality. It must not know the model, files or experiments.

How well the order of the outcomes agrees with that of quality is ``ranks.rank_correlation``.
"""

import math

import numpy as np
from numpy.typing import NDArray

from sim.analysis.amounts import Amounts, checked, exact_sum, ratio
from sim.analysis.ranks import deciles

__all__ = ["as_good_as_top_tenth", "quality_decile_share", "share_of_decile", "tenths_of_quality"]

NO_TENTH = -1
"""Tenth of those whose qualities are all equal."""


def quality_decile_share(amounts: Amounts, quality: NDArray[np.float64], decile: int) -> float:
    """Share of the total that one tenth of the holders by quality has.

    ``sum of x_i over the i in that decile of quality / sum_i x_i``.

    Parameters
    ----------
    amounts
        Integers, shape ``(n,)``, each >= 0, any unit. Not changed.
    quality
        Numbers, shape ``(n,)``, none ``nan``; of equal ones the lowest index ranks highest (``ranks.deciles``). Not
        changed.
    decile
        0 for the tenth of least quality, ..., 9 for that of the highest.

    Returns
    -------
    float
        In ``[0, 1]``, in the mean .1 where quality doesn't matter; ``nan`` when the sum is 0, and when all qualities
        are equal, so that there are no tenths.

    Raises
    ------
    ValueError
        Empty, not one-dimensional, amounts not integer or negative, a quality that is ``nan``, two lengths, or a decile
        out of range.

    Notes
    -----
    O(n log n). No random numbers.

    >>> quality_decile_share(np.arange(11), np.linspace(0, 1, 11), 9)
    0.34545454545454546
    """
    return share_of_decile(amounts, tenths_of_quality(quality), decile)


def tenths_of_quality(quality: NDArray[np.float64]) -> NDArray[np.int64]:
    """Tenth that each holder belongs to by quality, 0 to 9; ``NO_TENTH`` for all when all qualities are equal.

    Parameters
    ----------
    quality
        As for :func:`quality_decile_share`. Not changed.

    Notes
    -----
    O(n log n): for a quality that is compared with many amounts, sorted once. No random numbers.

    >>> tenths_of_quality(np.array([0.3, 0.1])).tolist(), tenths_of_quality(np.array([0.3, 0.3])).tolist()
    ([9, 4], [-1, -1])
    """
    tenth = deciles(quality)
    return tenth if quality.min() < quality.max() else np.full_like(tenth, NO_TENTH)


def share_of_decile(amounts: Amounts, tenth: NDArray[np.int64], decile: int) -> float:
    """The share of :func:`quality_decile_share`, given the tenths that :func:`tenths_of_quality` has found.

    O(n). Arguments, result and errors as there.

    >>> share_of_decile(np.array([3, 1]), tenths_of_quality(np.array([0.3, 0.1])), 9)
    0.75
    """
    given = checked(amounts)
    if len(given) != len(tenth):
        raise ValueError(f"amounts and quality must have one length, got {len(given)} and {len(tenth)}")
    if not 0 <= decile <= 9:
        raise ValueError(f"decile must be in [0, 9], got {decile}")
    if tenth[0] == NO_TENTH:
        return math.nan
    return ratio(exact_sum(given[tenth == decile]), exact_sum(given))


def as_good_as_top_tenth(quality: NDArray[np.float64], n_first: int) -> NDArray[np.bool_]:
    """Which holders are at least as good as the worst in the best tenth of the first holders.

    ``q_i >= min of q over the highest decile of q_1 .. q_n_first``: a threshold that later holders don't change.

    Parameters
    ----------
    quality
        Numbers, shape ``(n,)``, none ``nan``. Not changed.
    n_first
        How many there are at first, in ``[1, n]``.

    Returns
    -------
    NDArray[np.bool_]
        Shape ``(n,)``; none when all first qualities are equal, so that there is no tenth.

    Raises
    ------
    ValueError
        No first holder, more than there are, or a first quality that is ``nan``.

    Notes
    -----
    O(n log n). No random numbers.

    >>> as_good_as_top_tenth(np.array([0.1, 0.2, 0.3, 0.2, 0.7]), 3).tolist()
    [False, False, True, False, True]
    """
    if not 1 <= n_first <= len(quality):
        raise ValueError(f"n_first must be in [1, {len(quality)}], got {n_first}")
    first = quality[:n_first]
    bar = first[deciles(first) == 9].min()
    good: NDArray[np.bool_] = quality >= bar if first.min() < first.max() else np.zeros(len(quality), np.bool_)
    return good
