"""Student's t distribution in strict operations: p-values and quantiles; knows nothing of what is tested.

Only ``+ - * /``, ``sqrt``, ``frexp`` and ``ldexp``, which IEEE 754 fixes to the bit, in a fixed number of steps: no
library's version and no processor changes a bit, and a value's bits don't depend on the values computed with it.
"""

import math
from functools import lru_cache
from itertools import pairwise

import numpy as np

from sim.streams import exp, exp_each, log, log_each, normal_quantile
from sim.types import Floats

__all__ = ["p_values", "quantile"]


_FRACTION_LEVELS = 72
_SERIES_TERMS = 64
"""Both reach the last bit for every df where they are used; 59 and 49 are enough."""
_MOST_STEPS = 100
_LARGE = 1e8
_MANY = 1000


def p_values(t: Floats, df: int) -> Floats:
    """Two-sided p-values of t statistics.

    ``p = P(|T| > |t|) = I_x(df / 2, 1 / 2)``, ``x = df / (df + t^2)``.

    Parameters
    ----------
    t
        Any shape; ``nan`` gives ``nan``. Not changed.
    df
        Degrees of freedom, from 1 to 10^6.

    Returns
    -------
    NDArray[np.float64]
        Of the same shape, in ``[0, 1]``; 0 where p is below about ``1e-304``.

    Notes
    -----
    Relative error at most ``2e-13``, and ``2e-14`` for p above ``1e-20``. About 5 us each. No random numbers. DLMF
    8.17.7 (series, near the middle) and 8.17.22 (continued fraction, in the tails).

    >>> p_values(np.array([0.0, 1.0, -1.0]), 1).round(15).tolist()
    [1.0, 0.5, 0.5]
    """
    given = np.abs(t).ravel()
    out = np.full(given.shape, np.nan)
    middle, tail = given <= _bound(df), given > _bound(df)
    out[middle] = 1.0 - _below(given[middle], df)[1]
    out[tail] = _above(given[tail], df)[1]
    return out.reshape(np.shape(t))


@lru_cache(maxsize=1024)
def quantile(df: int, level: float) -> float:
    """Half-width of the interval around 0 that contains a share of the distribution.

    ``q`` with ``P(|T| <= q) = level``: the quantile of ``(1 + level) / 2``.

    Parameters
    ----------
    df
        Degrees of freedom, from 1 to 10^6.
    level
        In ``(0, 1)``.

    Returns
    -------
    float
        Positive, within a relative error of ``1e-14``.

    Raises
    ------
    ValueError
        A level out of range.

    Notes
    -----
    Newton's method for log P in log q: P is log-concave there, so that from the second step on q approaches its limit
    from one side. No random numbers.

    >>> abs(quantile(1, 0.95) - 12.706204736174694) < 1e-13, abs(quantile(2, 0.5) - 0.816496580927726) < 1e-15
    (True, True)
    """
    if not 0 < level < 1:
        raise ValueError(f"level must be in (0, 1), got {level}")
    in_tail = level >= 0.5
    wanted = 1.0 - level if in_tail else level
    q = -normal_quantile(wanted / 2) if in_tail else level * math.sqrt(df) / (2 * _inverse_beta(df))
    for _ in range(_MOST_STEPS):
        is_far = q > _bound(df)
        weight, found = (float(part[0]) for part in (_above if is_far else _below)(np.array([q]), df))
        found = found if is_far == in_tail else 1.0 - found
        step = log(found / wanted) * found / weight
        q *= exp(step if in_tail else -step)
        if abs(step) < 1e-9:  # the next one would be below 1e-16
            break
    return q


def _bound(df: int) -> float:
    """Where the series ends and the tail begins."""
    return math.sqrt(3.0 * df / (df + 2))


def _above(t: Floats, df: int) -> tuple[Floats, Floats]:
    """``2 t f(t)``, f being the density, and P(|T| > t); for t above ``_bound``."""
    x, root_y, weight = _parts(t, df)
    y = root_y * root_y
    excess = df / 2 * y - x / 2 + 1.0

    def denominator(n: int, of_x: float, of_rest: float) -> Floats:
        return n + of_x * x + of_rest * (excess + n * (1.0 + y))

    levels = _levels(df)
    # From the deepest level up; what is below it is taken for the limit that it would have if all were like it.
    n, numerator, of_x, of_rest = levels[0]
    own = denominator(n, of_x, of_rest)
    fraction = (own + np.sqrt(np.maximum(own * own + 4.0 * (numerator * x * x), 0.0))) / 2.0
    for (_, numerator, _, _), (n, _, of_x, of_rest) in pairwise(levels):
        fraction = denominator(n, of_x, of_rest) + numerator * x * x / fraction
    return weight, weight / 2.0 / fraction


def _below(t: Floats, df: int) -> tuple[Floats, Floats]:
    """``2 t f(t)``, f being the density, and P(|T| <= t); for t up to ``_bound``."""
    _, root_y, weight = _parts(t, df)
    y = root_y * root_y
    series = np.ones_like(t)
    for k in range(_SERIES_TERMS, 0, -1):
        series = 1.0 + (df / 2 + k - 0.5) / (k + 0.5) * y * series
    return weight, weight * series


def _parts(t: Floats, df: int) -> tuple[Floats, Floats, Floats]:
    """``x = df / (df + t^2)``, the root of ``1 - x``, and ``2 t f(t) = 2 x^(df/2) sqrt(1 - x) / B(df/2, 1/2)``."""
    ratio = t / math.sqrt(df)
    is_large = ratio > _LARGE
    bounded = np.minimum(ratio, _LARGE)
    square = bounded * bounded
    x = 1.0 / (1.0 + square)
    root_y = np.where(is_large, 1.0, bounded / np.sqrt(1.0 + square))
    far = np.where(is_large & np.isfinite(ratio), ratio, 1.0)
    minus_log_x = np.where(is_large, np.where(np.isinf(ratio), np.inf, 2.0 * log_each(far)), _log1p(square))
    power = -0.5 * df * minus_log_x
    weight = np.where(power < -700.0, 0.0, exp_each(np.maximum(power, -700.0)))
    return x, root_y, 2.0 * _inverse_beta(df) * weight * root_y


def _log1p(q: Floats) -> Floats:
    """``log(1 + q)`` for q >= 0: the rounding of 1 + q is undone by its own quotient (Kahan)."""
    one_more = 1.0 + q
    is_small = one_more == 1.0
    return np.where(is_small, q, log_each(one_more) * (q / np.where(is_small, 1.0, one_more - 1.0)))


@lru_cache(maxsize=64)
def _levels(df: int) -> tuple[tuple[int, float, float, float], ...]:
    """Levels of the continued fraction of ``I_x(a, 1/2)``, a being df / 2, the deepest first.

    Each has its number n, its numerator over ``x^2``, and what its denominator has of ``x`` and of the rest. It is the
    even part of DLMF 8.17.22, which doesn't cancel at large a as the whole does.
    """
    a, found = df / 2, []
    for n in range(_FRACTION_LEVELS, -1, -1):
        numerator = (a + n - 1) * (a + n - 0.5) * n * (0.5 - n) / (a + 2 * n - 1) ** 2 if n else 0.0
        of_x = n * (0.5 - n) / (a + 2 * n - 1) if n else 0.0
        found.append((n, numerator, of_x, (a + n) / (a + 2 * n + 1)))
    return tuple(found)


@lru_cache(maxsize=64)
def _inverse_beta(df: int) -> float:
    """``1 / B(df/2, 1/2)``: a quotient of integers that Python rounds once, or the quotient of gammas' expansion."""
    if df > _MANY:
        r = 2.0 / df
        expansion = 1 + r * (-1 / 8 + r * (1 / 128 + r * (5 / 1024 + r * (-21 / 32768 + r * -399 / 262144))))
        return math.sqrt(df / 2 / math.pi) * expansion
    m = df // 2
    ways = math.comb(2 * m, m)
    return (1 << 2 * m) / ways / math.pi if df % 2 else ways * m / (1 << 2 * m)
