"""Values of distributions and choices, from uniform numbers; knows no platform."""

from __future__ import annotations

import numpy as np

from sim.scenario.schema.distributions import Constant, Distribution, Lognormal, Uniform
from sim.streams import exp_each, normal_quantile_each, power_each
from sim.types import Floats, Int32s

__all__ = ["choose", "sample"]


def sample(distribution: Distribution, u: Floats) -> Floats:
    """Values of a distribution at uniform numbers in (0, 1), increasing in them except for the Pareto's, which fall."""
    match distribution:
        case Constant(value=value):
            return np.full(u.size, value)
        case Uniform(low=low, high=high):
            return low + (high - low) * u
        case Lognormal(median=median, sigma=sigma, max=limit):
            values = median * exp_each(np.minimum(sigma * normal_quantile_each(u), 700.0))
        case _:
            limit = distribution.max
            values = distribution.min * power_each(u, -1.0 / distribution.exponent)
    return np.minimum(values, limit)


def choose(shares: Floats, u: Floats) -> Int32s:
    """Index drawn in proportion to shares at uniform numbers."""
    upto = np.add.accumulate(shares)
    return np.minimum(np.searchsorted(upto, u, side="right"), shares.size - 1).astype(np.int32)
