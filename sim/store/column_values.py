"""Values of a column as Arrow has them, checked; it knows no table. It imports pyarrow only when values are given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["ColumnType", "array_of", "arrow_type"]

ColumnType = Literal["int64", "float64", "string", "bool"]


def arrow_type(name: ColumnType) -> pa.DataType:
    """Arrow's type of this name."""
    import pyarrow as pa

    return {"int64": pa.int64(), "float64": pa.float64(), "string": pa.string(), "bool": pa.bool_()}[name]


def array_of(type_: ColumnType, nullable: bool, values: Sequence[Any] | Any) -> pa.ChunkedArray:
    """Values in the column's type; errors of Arrow's kinds, or ``ValueError``."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if isinstance(values, (str, bytes)):
        raise ValueError(f"a single {type(values).__name__} where a sequence is wanted")
    chunked = values if isinstance(values, pa.ChunkedArray) else pa.chunked_array([pa.array(values)])
    kind = chunked.type.value_type if pa.types.is_dictionary(chunked.type) else chunked.type
    types = pa.types
    fits = (
        types.is_null(kind)
        or {
            "int64": types.is_integer(kind),
            "float64": types.is_integer(kind) or types.is_floating(kind),
            "string": types.is_string(kind) or types.is_large_string(kind),
            "bool": types.is_boolean(kind),
        }[type_]
    )
    if not fits:
        raise ValueError(f"must be {type_}, got {kind}")
    chunked = chunked.cast(arrow_type(type_))
    if type_ == "float64":
        chunked = pc.if_else(pc.is_nan(chunked), None, chunked)
    if chunked.null_count and not nullable:
        raise ValueError(f"{chunked.null_count} of {len(chunked)} are null or NaN where the contract has none")
    return chunked
