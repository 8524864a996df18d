"""Array aliases and types that several rooms share, each once. It knows nothing of what they contain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

__all__ = ["Bools", "CheckPolicy", "EngineName", "Floats", "Int8s", "Int32s", "Int64s", "Key"]

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Int64s = NDArray[np.int64]
    Int32s = NDArray[np.int32]
    Int8s = NDArray[np.int8]
    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]
else:  # no code asks for them: a command that only reads a scenario needs no NumPy
    Int64s = Int32s = Int8s = Floats = Bools = Any

EngineName = Literal["compiled", "reference"]
CheckPolicy = Literal["exact", "statistical", "claims"]
"""From which part on all must hold in a check."""


class Key(NamedTuple):
    """Key of the addressed draws, 32 bits each."""

    seed: int
    replication: int
