"""Array aliases and types that several rooms share, each once. It knows nothing of what they contain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias, get_args, get_type_hints

if TYPE_CHECKING:  # a scenario is read without NumPy
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "Bools",
    "CheckPolicy",
    "EngineName",
    "Floats",
    "Int8s",
    "Int32s",
    "Int64s",
    "Key",
    "field_types",
    "number_type",
]

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


def field_types(kind: type) -> dict[str, Any]:
    """Types of a class's fields by name; the array aliases, which are texts, written out."""
    import numpy as np
    from numpy.typing import NDArray

    return get_type_hints(kind, localns={"np": np, "NDArray": NDArray})


def number_type(annotated: Any) -> Any:
    """Type of an array's numbers, by its type as ``field_types`` gives it; None: of anything else.

    ``NDArray[np.int8]`` has one argument or two, by the versions of NumPy and Python.
    """
    import numpy as np

    last = (get_args(annotated) or (None,))[-1]
    number = (get_args(last) or (last,))[0]
    return number if isinstance(number, type) and issubclass(number, np.generic) else None
