"""Natural logarithms and exponentials of many numbers, the bits of ``sim.streams`` in numpy; knows no use of them.

Only ``+ - * /``, ``frexp`` and ``ldexp``, each a numpy call of its own: nothing is fused and no libm has a say, so the
bits don't depend on numpy's or the processor's functions.
"""

import numpy as np
from numpy.typing import NDArray

from sim.streams import LN2_HI, LN2_LO, SQRT_HALF

__all__ = ["exps", "logs"]

Floats = NDArray[np.float64]


def logs(numbers: Floats) -> Floats:
    """Natural logarithms, each the float that ``sim.streams.log`` gives.

    Parameters
    ----------
    numbers
        Any shape, each positive, finite and normal (not checked). Not changed.

    Returns
    -------
    NDArray[np.float64]
        Of the same shape, within 1 ulp.

    Notes
    -----
    O(n), some 20 ns each. No random numbers. fdlibm's ``e_log.c`` (Sun Microsystems, 1993).

    >>> logs(np.array([1.0, 10.0])).tolist()
    [0.0, 2.302585092994046]
    """
    mantissa, exponent = np.frexp(numbers)
    small = mantissa < SQRT_HALF
    f = np.where(small, mantissa + mantissa, mantissa) - 1.0
    e = (exponent - small).astype(np.float64)
    s = f / (2.0 + f)
    z = s * s
    w = z * z
    even = w * (3.999999999940941908e-01 + w * (2.222219843214978396e-01 + w * 1.531383769920937332e-01))
    odd = z * (
        6.666666666666735130e-01
        + w * (2.857142874366239149e-01 + w * (1.818357216161805012e-01 + w * 1.479819860511658591e-01))
    )
    half = 0.5 * f * f
    result: Floats = e * LN2_HI - ((half - (s * (half + (even + odd)) + e * LN2_LO)) - f)
    return result


def exps(numbers: Floats) -> Floats:
    """Exponentials, each the float that ``sim.streams.exp`` gives.

    Parameters
    ----------
    numbers
        Any shape, each from -700 to 700 (not checked). Not changed.

    Returns
    -------
    NDArray[np.float64]
        Of the same shape, within 1 ulp.

    Notes
    -----
    O(n). No random numbers. fdlibm's ``e_exp.c`` (Sun Microsystems, 1993).

    >>> exps(np.array([0.0, 1.0])).tolist()
    [1.0, 2.718281828459045]
    """
    k = np.trunc(numbers * 1.44269504088896338700 + np.where(numbers >= 0.0, 0.5, -0.5))
    high = numbers - k * LN2_HI
    low = k * LN2_LO
    r = high - low
    t = r * r
    c = r - t * (
        1.66666666666666019037e-01
        + t
        * (
            -2.77777777770155933842e-03
            + t * (6.61375632143793436117e-05 + t * (-1.65339022054652515390e-06 + t * 4.13813679705723846039e-08))
        )
    )
    result: Floats = np.ldexp(1.0 - ((low - (r * c) / (2.0 - c)) - high), k.astype(np.int32))
    return result
