"""The addressed draws and the elementary functions of ``sim.streams``, compiled; knows arrays and scalars only."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from types import FunctionType
from typing import Any

import numba
import numpy as np
from numba import njit

from sim import streams

_HERE = Path(__file__).parent


def _cache_folder() -> str:
    """Folder of compiled code, named after the source: numba itself misses changes in a callee's file."""
    source = hashlib.sha256()
    for file in sorted([*_HERE.glob("*.py"), Path(streams.__file__)]):
        source.update(file.read_bytes())
    return str(_HERE / "__pycache__" / f"compiled-{source.hexdigest()[:16]}")


if not os.environ.get("NUMBA_CACHE_DIR") and os.access(_HERE, os.W_OK):
    numba.config.CACHE_DIR = _cache_folder()


def _compiled(function: Callable[..., float], **callees: Any) -> Any:
    """A function of ``streams``, compiled, with the compiled ones that it calls."""
    assert isinstance(function, FunctionType)
    with_callees = FunctionType(function.__code__, {**vars(streams), **callees}, function.__name__)
    return njit(cache=True, nogil=True)(with_callees)


log = _compiled(streams.log)
exp = _compiled(streams.exp)
power = _compiled(streams.power, log=log, exp=exp)
normal_quantile = _compiled(streams.normal_quantile, log=log)

MASK = np.uint64(0xFFFFFFFF)
HALF_WORD = np.uint64(32)
MULTIPLIER_A, MULTIPLIER_C = (np.uint64(m) for m in streams.MULTIPLIERS)
WEYL_A, WEYL_C = (np.uint64(w) for w in streams.WEYL)
ROUNDS = streams.ROUNDS
UNIT = 2.0**-53


@njit(cache=True, nogil=True, forceinline=True)
def philox(entity, event, slot, lane, seed, replication):
    """Four words of 32 bits as uint64 at a counter; all arguments uint64. See ``streams.philox``."""
    a, b, c, d = entity, event, slot, lane
    k, m = seed, replication
    for _ in range(ROUNDS):
        first = a * MULTIPLIER_A
        second = c * MULTIPLIER_C
        a = (second >> HALF_WORD) ^ b ^ k
        b = second & MASK
        c = (first >> HALF_WORD) ^ d ^ m
        d = first & MASK
        k = (k + WEYL_A) & MASK
        m = (m + WEYL_C) & MASK
    return a, b, c, d


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
    """Exponential gap of this mean, rounded to whole seconds, at least one [s]; 2^62 (never) beyond any horizon."""
    u = np.float64((high << np.uint64(21)) | (low >> np.uint64(11))) + 1.0
    gap = -log(u * UNIT) * mean + 0.5
    return max(np.int64(gap), np.int64(1)) if gap < 4.0e18 else np.int64(1 << 62)


@njit(cache=True, nogil=True)
def unit_draws_at(lane, first, count, event, seed, replication):
    """Uniform floats in (0, 1) at (entity, event, 0, lane), as ``unit_draws``."""
    out = np.empty(count, np.float64)
    for i in range(count):
        a, b, _, _ = philox(np.uint64(first + i), event, np.uint64(0), np.uint64(lane), seed, replication)
        out[i] = (np.float64((a << np.uint64(21)) | (b >> np.uint64(11))) + 0.5) * UNIT
    return out


@njit(cache=True, nogil=True)
def unit_draws(lane, first, count, seed, replication):
    """Uniform floats in (0, 1) at (entity, 0, 0, lane) for entities from ``first``: ``(53 bits + 1/2) 2^-53``."""
    return unit_draws_at(lane, first, count, np.uint64(0), seed, replication)


@njit(cache=True, nogil=True)
def lognormal_factors(u, sigma):
    """Lognormal factors of mean 1 at uniform numbers: ``exp(sigma z - sigma^2 / 2)``."""
    out = np.empty(u.size, np.float64)
    for i in range(u.size):
        out[i] = exp(sigma * normal_quantile(u[i]) - 0.5 * sigma * sigma)
    return out
