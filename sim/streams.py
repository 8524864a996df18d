"""Addressed random numbers: Philox4x32-10, lanes, and the elementary functions that decide; knows nothing of the model.

A draw is addressed, never queued: the four 32-bit words of ``philox((entity, event, slot | attempt << 8, lane), key)``
depend on nothing else, so that skipping a draw or adding a fan changes no other. The key is (seed, replication); the
arm isn't in it, so every arm sees the same numbers. The elementary functions use only ``+ - * /``, ``sqrt``, ``frexp``
and ``ldexp``, which IEEE 754 fixes to the bit; the compiled engine compiles these very functions.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable
from enum import IntEnum
from math import frexp, ldexp, sqrt
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from sim.types import Floats

__all__ = [
    "INDEPENDENT",
    "Lane",
    "exp",
    "exp_each",
    "log",
    "log_each",
    "name_hashes",
    "normal_quantile",
    "normal_quantile_each",
    "philox",
    "power",
    "power_each",
    "threshold",
    "unit_draws",
]

Word = TypeVar("Word", int, NDArray[np.uint64])
Number = TypeVar("Number", float, NDArray[np.float64])

MASK = 0xFFFFFFFF
MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
WEYL = (0x9E3779B9, 0xBB67AE85)
ROUNDS = 10

INDEPENDENT = 1 << 31
"""Added to the replication, it keys traffic that is independent of the replication's own, on the same population."""


class Lane(IntEnum):
    """What a block of four words is used for; never renumbered. ``docs/draws.md`` lists the words."""

    ARRIVAL = 1
    SESSION = 2
    SLOT = 3
    RESIDUAL = 4
    FALLBACK = 5
    FALLBACK_RESIDUAL = 6
    ACTION = 7
    EXPLORE = 8
    EXPLORED = 9
    EXPLORED_RESIDUAL = 10
    UNFOLLOW = 11
    FAN_ACTIVITY = 32
    VERTICAL = 33
    FOLLOWERS = 34
    QUALITY = 35
    POSTS_PER_DAY = 36
    SHOP = 37
    CONVERSION_PROB = 38
    ORDER_VALUE = 39
    AGENCY = 40
    AGENCY_SIZE = 41
    FOLLOWER_SEGMENT = 42
    FOLLOWER = 43
    AGE = 44
    JOINED = 45
    LOTTERY = 46
    FAN_SEGMENT = 47
    NEWCOMER = 48
    LIVE_HOURS = 49
    NAME = 50
    TIE = 51
    FOLLOWER_BLOCK = 52


def philox(
    counter: tuple[Word | int, Word | int, Word | int, Word | int], key: tuple[Word | int, Word | int]
) -> tuple[Word, Word, Word, Word]:
    """Philox4x32-10: the four words at a counter.

    Parameters
    ----------
    counter
        Four words of 32 bits: entity, event, slot | attempt << 8, lane; integers or arrays of uint64 that broadcast.
    key
        Seed and replication, or the two words of a derived key; integers of 32 bits or arrays of uint64.

    Returns
    -------
    tuple
        Four words in [0, 2^32), of the counter's type.

    Notes
    -----
    Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3 (SC 2011). Known answers in the tests.

    >>> [hex(word) for word in philox((0, 0, 0, 0), (0, 0))]
    ['0x6627e8d5', '0xe169c58d', '0xbc57ac4c', '0x9b00dbd8']
    """
    a, b, c, d = counter
    k: Any
    m: Any
    k, m = key
    for _ in range(ROUNDS):
        first: Any = a * MULTIPLIERS[0]
        second: Any = c * MULTIPLIERS[1]
        a, b, c, d = (second >> 32) ^ b ^ k, second & MASK, (first >> 32) ^ d ^ m, first & MASK
        k, m = (k + WEYL[0]) & MASK, (m + WEYL[1]) & MASK
    return a, b, c, d  # type: ignore[return-value]


def threshold(probability: float) -> int:
    """Integer that a 32-bit word must be below with this probability: ``floor(p * 2^32)``.

    >>> threshold(0.5), threshold(1.0)
    (2147483648, 4294967296)
    """
    return int(probability * 4294967296.0)


LN2_HI, LN2_LO = 6.93147180369123816490e-01, 1.90821492927058770002e-10
INVERSE_LN2 = 1.44269504088896338700
SQRT_HALF = 0.7071067811865476


def log(x: float) -> float:
    """Natural logarithm of a positive finite number, within 1 ulp; same bits on every machine.

    fdlibm's ``e_log.c`` (Sun Microsystems, 1993) in plain operations.

    >>> log(1.0), abs(log(10.0) - 2.302585092994046) < 1e-15
    (0.0, True)
    """
    mantissa, exponent = frexp(x)
    if mantissa < SQRT_HALF:
        mantissa = mantissa + mantissa
        exponent = exponent - 1
    return log_of_parts(mantissa, exponent)


def log_of_parts(mantissa: Number, exponent: Number) -> Number:
    """Logarithm of ``mantissa * 2^exponent``, the mantissa in [sqrt(1/2), sqrt(2)); numbers, or arrays of one shape."""
    f = mantissa - 1.0
    s = f / (2.0 + f)
    z = s * s
    w = z * z
    even = w * (3.999999999940941908e-01 + w * (2.222219843214978396e-01 + w * 1.531383769920937332e-01))
    odd = z * (
        6.666666666666735130e-01
        + w * (2.857142874366239149e-01 + w * (1.818357216161805012e-01 + w * 1.479819860511658591e-01))
    )
    half = 0.5 * f * f
    return exponent * LN2_HI - ((half - (s * (half + (even + odd)) + exponent * LN2_LO)) - f)


def exp(x: float) -> float:
    """Exponential within 1 ulp for |x| <= 700; same bits on every machine. fdlibm's ``e_exp.c`` in plain operations.

    >>> exp(0.0), abs(exp(1.0) - 2.718281828459045) < 1e-15
    (1.0, True)
    """
    k = int(x * INVERSE_LN2 + (0.5 if x >= 0.0 else -0.5))
    return ldexp(exp_of_rest(x, k), k)


def exp_of_rest(x: Number, k: Number) -> Number:
    """Exponential of ``x - k log 2``, k the whole number nearest to x / log 2; numbers, or arrays of one shape."""
    high = x - k * LN2_HI
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
    return 1.0 - ((low - (r * c) / (2.0 - c)) - high)


def power(x: float, exponent: float) -> float:
    """``x ** exponent`` for x >= 0, exactly 1 at exponent 0 and x at exponent 1, 0 for x = 0; same bits everywhere.

    Cut off at ``e^-200`` and ``e^200``, so that products of three powers neither overflow nor vanish.

    >>> power(7.0, 0.0), power(7.0, 1.0), power(0.0, 0.5), abs(power(2.0, 0.5) - 2 ** 0.5) < 1e-15
    (1.0, 7.0, 0.0, True)
    """
    if exponent == 0.0:
        return 1.0
    if exponent == 1.0:
        return x
    if x == 0.0:
        return 0.0
    return exp(min(max(exponent * log(x), -200.0), 200.0))


def normal_quantile(p: float) -> float:
    """Quantile of the standard normal distribution, p in (0, 1), to about 1e-15; same bits on every machine.

    Wichura: Algorithm AS 241 (Applied Statistics 37, 1988), PPND16.

    >>> normal_quantile(0.5), abs(normal_quantile(0.975) - 1.959963984540054) < 1e-14
    (0.0, True)
    """
    q = p - 0.5
    if abs(q) <= 0.425:
        return central_quantile(q)
    r = sqrt(-log(p if q < 0.0 else 1.0 - p))
    far = tail_quantile(r) if r <= 5.0 else far_quantile(r)
    return -far if q < 0.0 else far


def central_quantile(q: Number) -> Number:
    """AS 241 of ``q = p - 1/2`` up to .425 from 0; a number or an array."""
    r = 0.180625 - q * q
    top = (
        ((((((r * 2509.0809287301226727 + 33430.575583588128105) * r + 67265.770927008700853) * r
        + 45921.953931549871457) * r + 13731.693765509461125) * r + 1971.5909503065514427) * r
        + 133.14166789178437745) * r + 3.387132872796366608
    )  # fmt: skip
    bottom = (
        ((((((r * 5226.495278852545925 + 28729.085735721942674) * r + 39307.89580009271061) * r
        + 21213.794301586595867) * r + 5394.1960214247511077) * r + 687.1870074920579083) * r
        + 42.313330701600911252) * r + 1.0
    )  # fmt: skip
    return q * top / bottom


def tail_quantile(root: Number) -> Number:
    """AS 241 of ``sqrt(-log p)`` up to 5, without its sign; a number or an array."""
    r = root - 1.6
    top = (
        ((((((r * 7.7454501427834140764e-4 + 0.0227238449892691845833) * r + 0.24178072517745061177) * r
        + 1.27045825245236838258) * r + 3.64784832476320460504) * r + 5.7694972214606914055) * r
        + 4.6303378461565452959) * r + 1.42343711074968357734
    )  # fmt: skip
    bottom = (
        ((((((r * 1.05075007164441684324e-9 + 5.475938084995344946e-4) * r + 0.0151986665636164571966) * r
        + 0.14810397642748007459) * r + 0.68976733498510000455) * r + 1.6763848301838038494) * r
        + 2.05319162663775882187) * r + 1.0
    )  # fmt: skip
    return top / bottom


def far_quantile(root: Number) -> Number:
    """AS 241 of ``sqrt(-log p)`` beyond 5, without its sign; a number or an array."""
    r = root - 5.0
    top = (
        ((((((r * 2.01033439929228813265e-7 + 2.71155556874348757815e-5) * r + 0.0012426609473880784386) * r
        + 0.026532189526576123093) * r + 0.29656057182850489123) * r + 1.7848265399172913358) * r
        + 5.4637849111641143699) * r + 6.6579046435011037772
    )  # fmt: skip
    bottom = (
        ((((((r * 2.04426310338993978564e-15 + 1.4215117583164458887e-7) * r + 1.8463183175100546818e-5) * r
        + 7.868691311456132591e-4) * r + 0.0148753612908506148525) * r + 0.13692988092273580531) * r
        + 0.59983220655588793769) * r + 1.0
    )  # fmt: skip
    return top / bottom


def log_each(x: Floats) -> Floats:
    """``log`` of each number of an array of positive finite ones, the same bits."""
    mantissa, exponent = np.frexp(x)
    small = mantissa < SQRT_HALF
    found: Floats = log_of_parts(np.where(small, mantissa + mantissa, mantissa), (exponent - small).astype(np.float64))
    return found


def exp_each(x: Floats) -> Floats:
    """``exp`` of each number of an array, the same bits."""
    k = np.trunc(x * INVERSE_LN2 + np.where(x >= 0.0, 0.5, -0.5))
    found: Floats = np.ldexp(exp_of_rest(x, k), k.astype(np.int32))
    return found


def power_each(x: Floats, exponent: float) -> Floats:
    """``power`` of each number of an array to one exponent, the same bits."""
    if exponent == 0.0:
        return np.ones_like(x)
    if exponent == 1.0:
        return x.copy()
    found = np.zeros_like(x)
    some = x != 0.0
    found[some] = exp_each(np.minimum(np.maximum(exponent * log_each(x[some]), -200.0), 200.0))
    return found


def normal_quantile_each(p: Floats) -> Floats:
    """``normal_quantile`` of each number of an array, the same bits."""
    q = p - 0.5
    central = np.abs(q) <= 0.425
    found = np.empty_like(p)
    found[central] = central_quantile(q[central])
    below = q < 0.0
    root = np.sqrt(-log_each(np.where(below, p, 1.0 - p)))
    near, far = ~central & (root <= 5.0), ~central & (root > 5.0)
    found[near] = tail_quantile(root[near])
    found[far] = far_quantile(root[far])
    return np.where(below & ~central, -found, found)


def name_hashes(names: Iterable[str]) -> NDArray[np.uint64]:
    """Hash of each name, 64 bits: the first 8 bytes, as a big-endian number, of SHA-256 of its NFC in UTF-8.

    Shape (N,). Among 10^7 names two share one with a chance of 3e-6.

    >>> [f"{number:016x}" for number in name_hashes(["ann"]).tolist()]
    ['49915e0d7d4b402e']
    """
    forms = (unicodedata.normalize("NFC", name).encode("utf-8", "surrogatepass") for name in names)
    digests = b"".join(hashlib.sha256(form).digest()[:8] for form in forms)
    return np.frombuffer(digests, ">u8").astype(np.uint64)


def unit_draws(lane: Lane, entity: NDArray[np.integer[Any]], key: NDArray[np.integer[Any]]) -> Floats:
    """Uniform numbers in (0, 1) at (entity, 0, 0, lane), each under a key of its own: ``(53 bits + 1/2) 2^-53``.

    ``entity`` has the shape (N,), ``key`` (N, 2): words of 32 bits. Not changed.
    """
    seed, replication = key.astype(np.uint64).T
    high, low, _, _ = philox((entity.astype(np.uint64), 0, 0, int(lane)), (seed, replication))
    bits = np.uint64(1 << 21) * high | low >> np.uint64(11)
    found: Floats = (bits.astype(np.float64) + 0.5) * 2.0**-53
    return found
