"""Growth of totals, parts of an income, losses. It must not know the model, files or experiments."""

import numpy as np
from numpy.typing import NDArray

from sim.analysis.amounts import checked, ratio

__all__ = ["ecommerce_share", "growth", "n_losing"]


def growth(start: int, end: int) -> float:
    """Relative change of a total between two times.

    ``end / start - 1``, rounded once.

    Parameters
    ----------
    start, end
        Totals in the same unit, each >= 0.

    Returns
    -------
    float
        At least -1; ``nan`` when the total at the start is 0.

    Notes
    -----
    O(1). No random numbers.

    >>> growth(8, 10), growth(8, 8), growth(0, 3)
    (0.25, 0.0, nan)
    """
    return ratio(end - start, start)


def ecommerce_share(gmv: int, tips: int, paid: int) -> float:
    """Share of e-commerce in the income of authors, counted as turnover.

    ``gmv / (gmv + tips + paid)``: all money that comes in through them, before any part of it is taken.

    Parameters
    ----------
    gmv, tips, paid
        Turnover of their shops, tips, and what the platform pays for reads and live hours, each >= 0 [fen].

    Returns
    -------
    float
        In ``[0, 1]``; ``nan`` when there is no income.

    Notes
    -----
    O(1). No random numbers.

    >>> ecommerce_share(6, 1, 1), ecommerce_share(0, 0, 0)
    (0.75, nan)
    """
    return ratio(gmv, gmv + tips + paid)


def n_losing(profits: NDArray[np.int64]) -> int:
    """Number of holders that lose money.

    ``#{i: x_i < 0}``.

    Parameters
    ----------
    profits
        Integers of any sign, shape ``(n,)``. Not changed.

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

    >>> n_losing(np.array([5, -1, 0, -7]))
    2
    """
    return int(np.count_nonzero(checked(profits, negative=True) < 0))
