"""The addressed draws and the elementary functions of ``sim.streams``, compiled; knows arrays and scalars only."""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any

import numpy as np

from sim import streams
from sim.model.kernel.compiled_code import njit
from sim.model.layout import NO_SESSION


def _compiled(function: Callable[..., float], **callees: Any) -> Any:
    """A function of ``streams``, compiled, with the compiled ones that it calls."""
    assert isinstance(function, FunctionType)
    with_callees = FunctionType(function.__code__, {**vars(streams), **callees}, function.__name__)
    return njit(cache=True, nogil=True, forceinline=True, error_model="numpy")(with_callees)


# ``frexp`` and ``ldexp`` on the bits: exact as those of the C library, and the compiler can do several at a time.
EXPONENT_SHIFT, EXPONENT_BIAS = np.int64(52), np.int64(1023)
FRACTION = np.int64((1 << 52) - 1)
HALF = EXPONENT_BIAS - np.int64(1) << EXPONENT_SHIFT
LEAST_NORMAL, TO_NORMAL, TO_NORMAL_BITS = 2.0**-1022, 2.0**54, np.int64(54)


@njit(cache=True, nogil=True, forceinline=True)
def frexp(x):
    """As ``math.frexp``, of a positive finite number."""
    tiny = x < LEAST_NORMAL
    bits = np.float64(x * TO_NORMAL if tiny else x).view(np.int64)
    exponent = (bits >> EXPONENT_SHIFT) - EXPONENT_BIAS + np.int64(1) - (TO_NORMAL_BITS if tiny else np.int64(0))
    return np.int64((bits & FRACTION) | HALF).view(np.float64), exponent


@njit(cache=True, nogil=True, forceinline=True)
def ldexp(x, k):
    """As ``math.ldexp``, where neither ``2^k`` nor the result is too large or too small to be exact."""
    return x * np.int64((np.int64(k) + EXPONENT_BIAS) << EXPONENT_SHIFT).view(np.float64)


def _with_parts(function: Callable[..., float], *parts: Callable[..., Any], **callees: Any) -> Any:
    """As ``_compiled``, with parts of the formula that ``streams`` also takes of arrays."""
    return _compiled(function, **callees, **{part.__name__: _compiled(part) for part in parts})


log = _with_parts(streams.log, streams.log_of_parts, frexp=frexp)
exp = _with_parts(streams.exp, streams.exp_of_rest, ldexp=ldexp)
power = _compiled(streams.power, log=log, exp=exp)
normal_quantile = _with_parts(
    streams.normal_quantile, streams.central_quantile, streams.tail_quantile, streams.far_quantile, log=log
)

MASK = np.uint64(0xFFFFFFFF)
HALF_WORD = np.uint64(32)
MULTIPLIER_A, MULTIPLIER_C = (np.uint64(m) for m in streams.MULTIPLIERS)
WEYL_A, WEYL_C = (np.uint64(w) for w in streams.WEYL)
ROUNDS = streams.ROUNDS
UNIT = 2.0**-53
FAR = float(NO_SESSION)


@njit(cache=True, nogil=True, forceinline=True)
def philox(entity, event, slot, lane, seed, replication):
    """Four words of 32 bits as uint64 at a counter; all arguments uint64. See ``streams.philox``."""
    a, b, c, d = entity, event, slot, lane
    k, m = seed, replication
    for _ in range(ROUNDS):
        # Only factors are cut to 32 bits, which the processor's multiplication does by itself.
        first = (a & MASK) * MULTIPLIER_A
        second = (c & MASK) * MULTIPLIER_C
        a, b = (second >> HALF_WORD) ^ b ^ k, second
        c, d = (first >> HALF_WORD) ^ d ^ m, first
        k = (k + WEYL_A) & MASK
        m = (m + WEYL_C) & MASK
    return a & MASK, b & MASK, c & MASK, d & MASK


@njit(cache=True, nogil=True, forceinline=True)
def below(high, low, total):
    """``floor(u * total / 2^64)`` as int64, u = high * 2^32 + low uniform, total < 2^63."""
    t = np.uint64(total)
    t_high, t_low = t >> HALF_WORD, t & MASK
    middle = high * t_low + ((low * t_low) >> HALF_WORD)
    other = low * t_high + (middle & MASK)
    return np.int64(high * t_high + (middle >> HALF_WORD) + (other >> HALF_WORD))


@njit(cache=True, nogil=True, forceinline=True)
def exponential_gap(high, low, mean):
    """Exponential gap of this mean, rounded to whole seconds, at least one [s]; ``NO_SESSION`` beyond any horizon."""
    u = np.float64(np.int64((high << np.uint64(21)) | (low >> np.uint64(11)))) + 1.0
    gap = -log(u * UNIT) * mean + 0.5
    return max(np.int64(gap if gap < FAR else FAR), np.int64(1))  # nan, of log(1) * inf, is never as well


@njit(cache=True, nogil=True, forceinline=True)
def unit_draw(high, low):
    """Uniform float in (0, 1): ``(53 bits + 1/2) 2^-53``."""
    return (np.float64(np.int64((high << np.uint64(21)) | (low >> np.uint64(11)))) + 0.5) * UNIT


@njit(cache=True, nogil=True)
def unit_draws(lane, first, count, seed, replication):
    """Uniform floats in (0, 1) at (entity, 0, 0, lane) for entities from ``first``: ``(53 bits + 1/2) 2^-53``."""
    out = np.empty(count, np.float64)
    for i in range(count):
        a, b, _, _ = philox(np.uint64(first + i), np.uint64(0), np.uint64(0), np.uint64(lane), seed, replication)
        out[i] = unit_draw(a, b)
    return out


@njit(cache=True, nogil=True, forceinline=True)
def address(own, number, first, key):
    """Entity, seed and replication of an account's draws, uint64: its own, or ``first + number`` under the run's key.

    ``own`` has the addresses of all, or of none: ``layout.Addresses``.
    """
    if own.entity.size == 0:
        return np.uint64(first + number), key[0], key[1]
    return np.uint64(own.entity[number]), np.uint64(own.key[number, 0]), np.uint64(own.key[number, 1])


@njit(cache=True, nogil=True)
def unit_draws_of(lane, event, own):
    """Uniform floats in (0, 1) at (entity, event, 0, lane) of each of ``layout.Addresses``, as ``unit_draws``."""
    out = np.empty(own.entity.size, np.float64)
    for i in range(out.size):
        entity, seed, replication = address(own, i, 0, (np.uint64(0), np.uint64(0)))
        a, b, _, _ = philox(entity, np.uint64(event), np.uint64(0), np.uint64(lane), seed, replication)
        out[i] = unit_draw(a, b)
    return out
