"""Where the draws of accounts are: by their names, where a file names them, else by their numbers; compiles nothing.

An account that a roster or a follow graph names draws at entity 0 under a key of its own, derived from its name under
the run's key: so neither its row nor what other accounts there are has a say. Generated accounts are numbered, and
draw under the run's key itself.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from sim.model.layout import Addresses
from sim.streams import MASK, Lane, philox
from sim.types import Key

__all__ = ["NOT_NAMED", "Role", "addresses"]

NOT_NAMED: NDArray[np.uint64] = np.zeros(0, np.uint64)
"""Hashes of the names of none: all are generated."""
BLOCK = 1 << 16


class Role(IntEnum):
    """What an account is, whose key is derived from its name: one that is both has two keys."""

    INFLUENCER = 0
    FAN = 1


def addresses(hashes: NDArray[np.uint64], n: int, key: Key, role: Role) -> Addresses:
    """Addresses of n accounts: those with a name first, then generated ones, numbered from 0.

    Parameters
    ----------
    hashes
        Of the names, from ``streams.name_hashes``, shape (N,) with N <= n. Not changed.
    n
        All accounts.
    key
        Seed and replication.
    role
        Of the accounts.

    Returns
    -------
    Addresses
        Shapes (n,) and (n, 2).

    Notes
    -----
    O(n). Lane NAME, words 0 and 1, at (low and high half of the hash, role).
    """
    entity, keys = np.zeros(n, np.uint32), np.empty((n, 2), np.uint32)
    named = hashes.size
    for first in range(0, named, BLOCK):
        part = hashes[first : first + BLOCK]
        halves = part & np.uint64(MASK), part >> np.uint64(32)
        words = philox((*halves, int(role), int(Lane.NAME)), (int(key[0]), int(key[1])))
        keys[first : first + part.size] = np.stack(words[:2], axis=1)
    entity[named:] = np.arange(n - named)
    keys[named:] = key
    return Addresses(entity, keys)
