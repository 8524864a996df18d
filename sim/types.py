"""Array aliases and types that several rooms share, each once. It knows nothing of what they contain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

if TYPE_CHECKING:  # a scenario is read without NumPy
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Bools", "CheckPolicy", "EngineName", "Floats", "Int8s", "Int32s", "Int64s", "Key"]

Int64s: TypeAlias = "NDArray[np.int64]"
Int32s: TypeAlias = "NDArray[np.int32]"
Int8s: TypeAlias = "NDArray[np.int8]"
Floats: TypeAlias = "NDArray[np.float64]"
Bools: TypeAlias = "NDArray[np.bool_]"

EngineName = Literal["compiled", "reference"]
CheckPolicy = Literal["exact", "statistical", "claims"]
"""From which part on all must hold in a check."""


class Key(NamedTuple):
    """Key of the addressed draws, 32 bits each."""

    seed: int
    replication: int
