"""Whole numbers in proportion to amounts or shares, by largest remainders, exact; knows nothing of what they count."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.types import Int64s

__all__ = ["apportion", "sizes"]


MOST_IN_64_BITS = 1 << 61
"""Divisors below leave room for the remainders of a quotient that is one too small or too large."""


def apportion(amounts: Int64s, total: int) -> Int64s:
    """Scale amounts to integers with this sum: largest remainders, at least 1 where there is any.

    Parameters
    ----------
    amounts
        Shape (n,), from 0 to 2^53, with a positive sum.
    total
        Wanted sum, at least the number of positive amounts, below 2^50.

    Returns
    -------
    ndarray
        Shape (n,), int64; ties of remainders go to the lower index.

    Notes
    -----
    O(n log n) for each round of those that are rounded up to 1, a few at most in practice.

    >>> apportion(np.array([50, 30, 0, 1]), 8)
    array([4, 3, 0, 1])
    """
    out = np.zeros(amounts.size, np.int64)
    free = amounts > 0
    weight = sum(amounts[free].tolist())
    rest = total
    while weight:
        # Those whose quota is under 1 get 1 and leave; what they take may push others under 1.
        floor, remainder = _divided(amounts[free], rest, weight)
        small = np.flatnonzero(free)[floor < 1]
        if not small.size:
            n_more = rest - int(floor.sum())
            floor[np.argsort(-remainder, kind="stable")[:n_more]] += 1
            out[free] = floor
            break
        out[small] = 1
        free[small] = False
        rest -= small.size
        weight -= sum(amounts[small].tolist())
    return out


def _divided(amounts: Int64s, factor: int, divisor: int) -> tuple[Int64s, NDArray[np.int64] | NDArray[np.object_]]:
    """Quotients and remainders of ``amounts * factor / divisor``, the quotients below 2^50."""
    if divisor >= MOST_IN_64_BITS:
        exact = amounts.astype(object) * factor
        return (exact // divisor).astype(np.int64), exact % divisor
    floor = np.floor(amounts * (factor / divisor)).astype(np.int64)  # right, or off by one
    with np.errstate(over="ignore"):
        remainder = amounts * np.int64(factor) - floor * np.int64(divisor)  # modulo 2^64, which it is far below
    carry = remainder // divisor
    return floor + carry, remainder - carry * divisor


def sizes(shares: NDArray[np.float64], total: int) -> Int64s:
    """Whole numbers in proportion to shares, largest remainders, 0 allowed."""
    # Shares are decimal fractions: as integers over 10^12 they are apportioned exactly.
    quota = [round(share * 10**12) * total for share in shares]
    whole = sum(round(share * 10**12) for share in shares)
    floor = [q // whole for q in quota]
    order = sorted(range(len(quota)), key=lambda j: (floor[j] * whole - quota[j], j))
    for j in order[: total - sum(floor)]:
        floor[j] += 1
    return np.array(floor, dtype=np.int64)
