"""The exponent of the upper tail, with the range that it applies to. It must not know the model, files or experiments.

Reference: A. Clauset, C. R. Shalizi, M. E. J. Newman, *SIAM Review* 51 (2009) 661, eq. 3.7; B. M. Hill, *Ann. Statist.*
3 (1975) 1163.
"""

import math
from typing import NamedTuple

import numpy as np

from sim.analysis.amounts import Amounts, checked, positive, quotients
from sim.streams import log_each

__all__ = ["MIN_TAIL", "Tail", "tail_exponent", "top_tail"]

MIN_TAIL = 10
"""Holders that a tail needs for an exponent; with 10 its standard error, exponent / sqrt(n), is about a third of it."""


class Tail(NamedTuple):
    """A tail's exponent and the range it was taken from: the ``n`` holders of ``x_min`` or more."""

    exponent: float
    x_min: int
    n: int


def tail_exponent(amounts: Amounts, x_min: int) -> Tail:
    """Exponent of a power law in the tail, ``P(X >= x) ~ x^-exponent`` for ``x >= x_min``, by maximum likelihood.

    ``exponent = n / sum ln(x_i / (x_min - 1/2))`` over the n amounts ``x_i >= x_min``: Hill's estimate, with the half
    by which the integer x represents all of ``[x - 1/2, x + 1/2)``. It is the exponent of the Pareto's tail (that of
    the density is one larger), as in a scenario's ``{kind = "pareto", exponent = ...}``.

    Parameters
    ----------
    amounts
        Integers, shape ``(n,)``, each >= 0, in units that they can't be split below. Not changed.
    x_min
        Where the tail begins, >= 1. From about 6 on the half makes the bias of counting in whole units negligible.

    Returns
    -------
    Tail
        Exponent > 0, ``x_min`` and the number in the tail; the exponent is ``nan`` for fewer than ``MIN_TAIL`` holders
        in it, and when all of them have the same amount.

    Raises
    ------
    ValueError
        Empty, not one-dimensional, not integer, a negative entry, or ``x_min < 1``.

    Notes
    -----
    O(n). No random numbers; same bits in any order, with any numpy and on any processor. Standard error about
    ``exponent / sqrt(n)``. Whether there is a power law at all is not tested.

    >>> tail_exponent(np.array([10] * 90 + [100] * 9 + [1000]), 10)._replace(exponent=0)
    Tail(exponent=0, x_min=10, n=100)
    """
    given = checked(amounts)
    if x_min < 1:
        raise ValueError(f"x_min must be >= 1, got {x_min}")
    tail = given[given >= x_min]
    if len(tail) < MIN_TAIL or int(tail.min()) == int(tail.max()):
        return Tail(math.nan, x_min, len(tail))
    total = math.fsum(log_each(quotients(tail, 2, 2 * x_min - 1)).tolist())
    return Tail(len(tail) / total, x_min, len(tail))


def top_tail(amounts: Amounts, k: int) -> Tail:
    """The tail that the ``k`` largest make: ``tail_exponent(x, k-th largest amount)``, all of that amount included.

    Parameters
    ----------
    amounts
        Integers, shape ``(n,)``, each >= 0. Not changed.
    k
        Number of holders, >= 1; more than ``n`` is taken for ``n``.

    Returns
    -------
    Tail
        With n >= k, more where the k-th place is tied. ``Tail(nan, 0, 0)``, no tail, when fewer than ``k`` have
        anything.

    Notes
    -----
    O(n). No random numbers. Raises as :func:`tail_exponent`, and for ``k < 1``.

    >>> top_tail(np.array([4, 9, 4, 1]), 2)
    Tail(exponent=nan, x_min=4, n=3)
    """
    given = checked(amounts)
    place = max(len(given) - positive(k), 0)
    x_min = int(np.partition(given, place)[place])
    return tail_exponent(given, x_min) if x_min else Tail(math.nan, 0, 0)
