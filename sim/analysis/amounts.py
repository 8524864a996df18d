"""Integer amounts as measures take them: checks, exact sums, correctly rounded quotients. It must not know the model.

What is decided here is exact, so that a measure built on it has the same bits with any numpy and on any processor.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.types import Floats

__all__ = ["Amounts", "checked", "exact_sum", "positive", "quotients", "ratio"]

Amounts = NDArray[np.int64]

_LOW_32 = (1 << 32) - 1
_EXACT_FLOAT = 1 << 53


def checked(amounts: NDArray[Any], *, negative: bool = False) -> Amounts:
    """The amounts as int64, refused unless they are a list of integers, >= 0 or, with ``negative``, of any sign.

    Raises
    ------
    ValueError
        Empty, not one-dimensional, not integer, or a negative entry.

    Notes
    -----
    O(n); a copy only where the type changes. No random numbers.

    >>> checked(np.array([3, 0], dtype=np.int32)).dtype
    dtype('int64')
    """
    array = np.asarray(amounts)
    if array.ndim != 1:
        raise ValueError(f"amounts must be one-dimensional, got shape {array.shape}")
    if array.size == 0:
        raise ValueError("amounts must not be empty")
    if array.dtype != np.int64 and not np.can_cast(array.dtype, np.int64):
        raise ValueError(f"amounts must be integers that fit int64, got {array.dtype}")
    as_int64 = array.astype(np.int64, copy=False)
    if not negative and (smallest := int(as_int64.min())) < 0:
        raise ValueError(f"amounts must be >= 0, got {smallest}")
    return as_int64


def positive(k: int) -> int:
    """The number of holders, refused with ``ValueError`` unless it is >= 1."""
    if k < 1:
        raise ValueError(f"k must be >= 1, got {k}")
    return k


def ratio(numerator: int, denominator: int) -> float:
    """``numerator / denominator``, rounded once; ``nan`` over 0.

    >>> ratio(3, 8), ratio(3, 0)
    (0.375, nan)
    """
    # Python rounds int / int correctly however long they are.
    return numerator / denominator if denominator else math.nan


def exact_sum(values: Amounts) -> int:
    """Sum of int64 values of any sign, as a Python integer.

    >>> exact_sum(np.array([2**62, 2**62, 2**62])) == 3 * 2**62
    True
    """
    # Neither half can overflow: fewer than 2^31 entries fit in a memory.
    return (int((values >> 32).sum()) << 32) + int((values & _LOW_32).sum())


def quotients(values: Amounts, factor: int, divisor: int) -> Floats:
    """``factor x_i / divisor``, each rounded once.

    Parameters
    ----------
    values
        Shape ``(n,)``, each >= 0, not empty. Not changed.
    factor, divisor
        >= 1, of any size.

    Returns
    -------
    NDArray[np.float64]
        Shape ``(n,)``.

    Notes
    -----
    O(n), in numpy where every ``factor x_i`` and the divisor are exact as floats (up to 2^53), else in Python.

    >>> quotients(np.array([0, 1, 3]), 2, 4).tolist()
    [0.0, 0.5, 1.5]
    """
    if int(values.max()) * factor <= _EXACT_FLOAT and divisor <= _EXACT_FLOAT:
        scaled: Floats = (values * factor).astype(np.float64) / float(divisor)
        return scaled
    return np.array([x * factor / divisor for x in values.tolist()], dtype=np.float64)
