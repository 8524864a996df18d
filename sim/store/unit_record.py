"""What is kept of a unit of an experiment: typed records of arrays, and their bytes. It knows no model and no run.

Axes: M influencers, A agencies, S surfaces, T tiers of support, R tier reviews, C measured cells, L Lorenz curves with
P points each, N refreshes, E events. A field's name and type here are the one contract of what is stored:
:meth:`to_bytes` and :meth:`from_bytes` follow from them.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from types import NoneType
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from sim.types import Bools, Floats, Int8s, Int32s, Int64s, field_types, number_type

__all__ = [
    "AccountsRecord",
    "EpochsRecord",
    "MeasuresRecord",
    "RefreshesRecord",
    "ReviewsRecord",
    "TrafficRecord",
    "UnitRecord",
]

Texts = NDArray[np.str_]
SCALARS: dict[type, type[np.generic]] = {str: np.str_, int: np.int64, float: np.float64}
"""NumPy's types of plain fields."""


@dataclass(frozen=True)
class MeasuresRecord:
    """What was measured; what is undefined is nan."""

    values: Floats
    """(C,): each in the unit of its measure."""
    lorenz: Floats
    """(L, P): shares of the quantity, in [0, 1]."""
    support_effect: Floats
    """(3,): the initial head's share of followers at day 0, new / (old + new) follows, the head's share of the new."""
    transitions: Int64s
    """(10, 10): influencers by decile of followers at day 0 and at the end."""
    tier_transitions: Int64s
    """(T + 1, T + 1): agencies and reviews by tier before and after, none being the last."""


@dataclass(frozen=True)
class TrafficRecord:
    """What sessions have counted, warm-up included [simulated fans; orders are real ones, money in fen]."""

    counts: Int64s
    """(M, S, 11): by influencer and surface, the last axis as ``layout.Counter``."""
    totals: Int64s
    """(S, 7): by surface, the last axis as ``layout.Total``."""


@dataclass(frozen=True)
class AccountsRecord:
    """The influencers, at day 0 unless the name says otherwise; shape (M,) each. Newcomers are the last ones."""

    influencer: Texts
    """Ids."""
    n_initial: int
    """How many of them were there at day 0."""
    people_per_fan: float
    """Real people that a simulated fan stands for."""
    vertical: Int32s
    """Index of a vertical of the scenario."""
    agency: Int32s
    """Index of an agency, -1: none."""
    agency_end: Int32s
    """As ``agency``, before the events of the end."""
    status_end: Int8s
    """``AccountStatus`` before the events of the end."""
    joined_at: Int64s
    """When a newcomer was to enter [s]."""
    gone_at: Int64s
    """When it was cut or left [s]; valid where the status says so."""
    quality: Floats
    """In (0, 1)."""
    posts_per_day: Floats
    live_hours_per_day: Floats
    shop: Bools
    """Whether it sells."""
    shop_end: Bools
    conversion_prob: Floats
    """Orders per click."""
    order_value_fen: Int64s
    followers_start: Int64s
    """[simulated fans]"""
    followers_end: Int64s
    """[simulated fans]"""
    income_fen: Int64s
    """Its own part before its costs, warm-up included."""


@dataclass(frozen=True)
class ReviewsRecord:
    """The tier reviews, as real-world totals of agencies; shape (R, A) unless said otherwise."""

    agencies: Texts
    """(A,): ids."""
    time: Int64s
    """(R,): when they were [s]."""
    tier: Int32s
    """Index of a tier, -1: none."""
    accounts: Int64s
    followers: Floats
    """[people]"""
    reads_per_month: Floats
    """[people per 30 days]"""
    posts_per_month: Floats
    """[per 30 days]"""
    gmv_fen_per_year: Floats
    cut: Int64s
    """Accounts that it had at the review before and that have been cut since."""
    profit: Int64s
    """Since the review before, the first since the start [fen]."""


@dataclass(frozen=True)
class RefreshesRecord:
    """The refreshes of surfaces that aren't feeds, in order; shape (N,) each. There are many: numbers are short."""

    time: Int32s
    """[s]"""
    surface: Int32s
    """Index."""
    follows: Int64s
    """New follows on the surface so far [simulated fans]."""
    reserved_follows: Int64s
    """Those of them that were won in reserved slots."""
    support_head_share: NDArray[np.float32]
    """The initial head's share of the support list; nan: there is none."""
    organic_head_share: NDArray[np.float32]
    """Its share of the organic table; nan: none has any weight."""


@dataclass(frozen=True)
class EpochsRecord:
    """Digests of what events have decided and sessions have counted, in order; shape (E,) each."""

    time: Int64s
    """[s]"""
    event: Texts
    digest: Texts
    """Hexadecimal."""


@dataclass(frozen=True)
class UnitRecord:
    """All that is kept of a unit."""

    digest: str
    """Of its outcome, SHA-256 in hexadecimal."""
    seconds: float
    """How long its loop took."""
    measures: MeasuresRecord
    traffic: TrafficRecord
    accounts: AccountsRecord
    reviews: ReviewsRecord
    refreshes: RefreshesRecord
    epochs: EpochsRecord | None = None
    """None: it was run without."""

    def to_bytes(self) -> bytes:
        """The record as one ``npz``; :meth:`from_bytes` reads it back to the bit."""
        buffer = io.BytesIO()
        np.savez(buffer, **dict(_arrays(self, "")))  # type: ignore[arg-type]  # allow_pickle: an array to NumPy 2.0
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> UnitRecord:
        """Read a record that :meth:`to_bytes` made.

        Raises
        ------
        ValueError
            It is none: no ``npz``, or a field that is missing, unknown or of another type.
        """
        try:
            with zipfile.ZipFile(io.BytesIO(content)), np.load(io.BytesIO(content), allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
        except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
            raise ValueError("no record of a unit") from error
        record: UnitRecord = _record(cls, arrays, "")
        if arrays:
            raise ValueError(f"unknown field {next(iter(arrays))}")
        return record


def _arrays(record: Any, above: str) -> Iterator[tuple[str, NDArray[Any]]]:
    """Every field of a record by its path, ``accounts.shop``; a part that is None has none."""
    for field in fields(record):
        value, path = getattr(record, field.name), above + field.name
        if is_dataclass(value):
            yield from _arrays(value, f"{path}.")
        elif value is not None:
            yield path, np.asarray(value)


def _record(kind: type, arrays: dict[str, NDArray[Any]], above: str) -> Any:
    """A record of its fields, which are taken out of ``arrays``."""
    found: dict[str, Any] = {}
    for name, annotated in _types(kind).items():
        path, choices = above + name, get_args(annotated)
        type_ = choices[0] if NoneType in choices else annotated
        if isinstance(type_, type) and is_dataclass(type_):
            is_there = type_ is annotated or any(key.startswith(f"{path}.") for key in arrays)
            found[name] = _record(type_, arrays, f"{path}.") if is_there else None
            continue
        if path not in arrays:
            raise ValueError(f"field {path} is missing")
        array, scalar = arrays.pop(path), SCALARS.get(type_)
        wanted = scalar or number_type(type_)
        if not np.issubdtype(array.dtype, wanted) or (array.ndim == 0) != (scalar is not None):
            raise ValueError(f"field {path} must be of {wanted.__name__}, not {array.dtype}")
        found[name] = array.item() if scalar else array
    return kind(**found)


@cache
def _types(kind: type) -> dict[str, Any]:
    """Types of a record's fields, by name."""
    return field_types(kind)
