"""A unit of an experiment, and what is kept of it, with its bytes in the journal. It knows no model and no run."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.streams import INDEPENDENT
from sim.types import Key

__all__ = ["INDEPENDENT_CONTROL", "Unit", "UnitRecord"]

INDEPENDENT_CONTROL = "\x1ftwin"
"""Journal name of the control arm on the same population with independent streams; no arm can be called so."""


class Unit(NamedTuple):
    """One arm in one replication."""

    arm: str
    replication: int

    def key(self, seed: int) -> Key:
        """Key of its traffic."""
        return Key(seed, self.replication + (INDEPENDENT if self.arm == INDEPENDENT_CONTROL else 0))


@dataclass(frozen=True)
class UnitRecord:
    """What is kept of a unit: arrays by name, so that a whole record is one ``npz`` in memory."""

    digest: str
    arrays: dict[str, NDArray[Any]]

    def to_bytes(self) -> bytes:
        """The record as bytes; ``from_bytes`` reads it back to the bit."""
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, digest=np.array(self.digest), **self.arrays)
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> UnitRecord:
        """Read a record that ``to_bytes`` made."""
        with np.load(io.BytesIO(content), allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        return cls(str(arrays.pop("digest")), arrays)
