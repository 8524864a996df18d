"""Values of distributions, choices and whole numbers in proportion, from uniform numbers; knows no platform."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.model import draws
from sim.scenario.distributions import Constant, Distribution, Lognormal, Uniform
from sim.streams import power

__all__ = ["apportion", "choose", "sample", "sizes"]

Floats = NDArray[np.float64]
Int64s = NDArray[np.int64]
Int32s = NDArray[np.int32]


def sample(distribution: Distribution, u: Floats) -> Floats:
    """Values of a distribution at uniform numbers in (0, 1), increasing in them except for the Pareto's, which fall."""
    match distribution:
        case Constant(value=value):
            return np.full(u.size, value)
        case Uniform(low=low, high=high):
            return low + (high - low) * u
        case Lognormal(median=median, sigma=sigma, max=limit):
            values = [median * draws.exp(min(sigma * draws.normal_quantile(x), 700.0)) for x in u]
        case _:
            limit = distribution.max
            values = [distribution.min * power(x, -1.0 / distribution.exponent) for x in u]
    return np.minimum(np.array(values, dtype=np.float64), limit)


def apportion(amounts: Int64s, total: int) -> Int64s:
    """Scale amounts to integers with this sum: largest remainders, at least 1 where there is any.

    Parameters
    ----------
    amounts
        Shape (n,), >= 0, with a positive sum.
    total
        Wanted sum, at least the number of positive amounts.

    Returns
    -------
    ndarray
        Shape (n,), int64; ties of remainders go to the lower index.

    >>> apportion(np.array([50, 30, 0, 1]), 8)
    array([4, 3, 0, 1])
    """
    exact = amounts.astype(object)
    out = np.zeros(amounts.size, dtype=object)
    free = amounts > 0
    while True:
        # Those whose quota is under 1 get 1 and leave; what they take may push others under 1.
        rest, weight = total - int((out * ~free).sum()), int(exact[free].sum())
        small = free & np.array([x * rest < weight for x in exact])
        if not small.any():
            break
        out[small] = 1
        free &= ~small
    if weight:
        quota = exact[free] * rest
        floor = quota // weight
        remainder = quota - floor * weight
        n_more = rest - int(floor.sum())
        order = sorted(range(len(quota)), key=lambda j: (-remainder[j], j))[:n_more]
        floor[order] += 1
        out[free] = floor
    return out.astype(np.int64)


def sizes(shares: Floats, total: int) -> Int64s:
    """Whole numbers in proportion to shares, largest remainders, 0 allowed."""
    # Shares are decimal fractions: as integers over 10^12 they are apportioned exactly.
    quota = [round(share * 10**12) * total for share in shares]
    whole = sum(round(share * 10**12) for share in shares)
    floor = [q // whole for q in quota]
    order = sorted(range(len(quota)), key=lambda j: (floor[j] * whole - quota[j], j))
    for j in order[: total - sum(floor)]:
        floor[j] += 1
    return np.array(floor, dtype=np.int64)


def choose(shares: Floats, u: Floats) -> Int32s:
    """Index drawn in proportion to shares at uniform numbers."""
    upto = np.add.accumulate(shares)
    return np.minimum(np.searchsorted(upto, u, side="right"), shares.size - 1).astype(np.int32)
