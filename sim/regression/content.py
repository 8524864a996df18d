"""What of a finished run a baseline keeps: digests of all outputs, values of watched measures. It knows no files.

Floats are digested to 9 digits: the last bits may be another machine's or library's.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sim.measures.index import MeasureKey
from sim.regression.epoch_rows import epoch_rows
from sim.results.run import Run
from sim.scenario.schema.measurable import Measurable, Watched

__all__ = ["Content", "values_of", "watched"]

DIGITS = 30
"""Binary ones, about 9 decimal."""
SHIFT = 0.6180339887498949
"""In steps: where between two of them the upper one begins, counted down from it; the golden ratio's fraction, from
which the fractions that numbers end in are far."""


@dataclass(frozen=True)
class Content:
    """What a baseline keeps of a run; dicts by name."""

    digests: dict[str, list[str]]
    """Of counters, by arm and replication."""
    tables: dict[str, str]
    measures: dict[str, str]
    """By quantity, measure and level, over all times, arms and replications."""
    claims: dict[str, dict[str, Any]]
    """Verdict, estimate and interval."""
    epochs: dict[str, list[str]]
    """Rows by arm, see ``epoch_rows``."""
    values: dict[str, dict[str, list[float | None]]]
    """By ``arm NAME`` or ``claim NAME`` and name, in order of replication."""

    @classmethod
    def of(cls, run: Run) -> Content:
        """Content of a run that has kept its epochs."""
        others = [name.removesuffix(".parquet") for name in run.manifest["files"]]
        return cls(
            digests={arm: list(digests) for arm, digests in run.manifest["digests"].items()},
            tables={name: _digest(run.table(name)) for name in others if name not in ("epochs", "measures")},
            measures=_measures(run),
            claims={row["claim"]: _verdict(row) for row in run.claims()},
            epochs=epoch_rows(run.table("epochs")),
            values=values_of(run),
        )

    def without_new(self, run: Run, known: Collection[str]) -> Content:
        """The same, its tables digested without rows of measures that aren't known, given the run that it is of.

        ``known`` are the names in a baseline's ``measures``: what was added since is no part of what is compared.
        """
        if all(name in known for name in self.measures):
            return self
        comparison = _digest(_of_known(run.table("comparison"), known))
        return replace(self, tables=self.tables | {"comparison": comparison})


def watched() -> list[Watched]:
    """The measures whose values a baseline keeps: the primary quantities, and enough more that each mechanism moves
    one; and those of the user's own.
    """
    return [each for measure in Measurable.here().measures for each in measure.watched]


def values_of(run: Run) -> dict[str, dict[str, list[float | None]]]:
    """Values of watched measures by ``arm NAME`` and name, and of what each ``claim NAME`` states; by replication.

    Measures that are always 0 or undefined are left out.
    """
    table = run.table("measures")
    at_end = _at_end(table.filter(pc.equal(table["time_days"], run.horizon_days)))
    keys = {w.key: run.index.at_end(w.population, w.level, w.quantity, w.measure) for w in watched()}
    arms = run.manifest["digests"]
    found = {
        f"arm {arm}": {name: _short_numbers(at_end[arm, key]) for name, key in keys.items() if (arm, key) in at_end}
        for arm in arms
    }
    found |= {f"claim {row['claim']}": {"stated": _stated(row, at_end)} for row in run.claims()}
    return {whose: {key: values for key, values in own.items() if any(values)} for whose, own in found.items()}


AtEnd = Mapping[tuple[str, MeasureKey], Sequence[float | None]]


def _at_end(rows: pa.Table) -> AtEnd:
    found: dict[tuple[str, MeasureKey], list[float | None]] = {}
    names = ("arm", *MeasureKey._fields, "value")
    for arm, *about, value in zip(*(rows[name].to_pylist() for name in names), strict=True):
        found.setdefault((arm, MeasureKey(*about)), []).append(value)
    return found


def _stated(row: Mapping[str, Any], at_end: AtEnd) -> list[float | None]:
    """Values that a claim is about, replication by replication: a difference of arms, of groups, or of both."""

    def of(arm: str, population: str) -> Sequence[float | None]:
        about = {name: row[name] for name in MeasureKey._fields} | {"population": population}
        return at_end[arm, MeasureKey(**about)]

    def less(values: Sequence[float | None], others: Sequence[float | None]) -> list[float | None]:
        pairs = zip(values, others, strict=True)
        return [None if a is None or b is None else a - b for a, b in pairs]

    def of_arm(arm: str) -> Sequence[float | None]:
        own = of(arm, row["population"])
        return own if row["baseline_group"] is None else less(own, of(arm, row["baseline_group"]))

    stated = of_arm(row["arm"]) if row["control"] is None else less(of_arm(row["arm"]), of_arm(row["control"]))
    return _short_numbers(stated)


def _short_numbers(values: Sequence[float | None]) -> list[float | None]:
    return [_short_number(value) for value in values]


def _short_number(value: float | None) -> float | None:
    """Seven digits: far finer than any margin."""
    return None if value is None else float(f"{value:.7g}")


def _verdict(row: Mapping[str, Any]) -> dict[str, Any]:
    numbers = {key: _short_number(row[key]) for key in ("estimate", "ci_low", "ci_high")}
    return {"verdict": row["verdict"]} | numbers


def _kinds(table: pa.Table) -> list[str]:
    """Quantity, measure and level of each row, as a baseline names them."""
    names = ("quantity", "measure", "level")
    return [" ".join(kind) for kind in zip(*(table[name].to_pylist() for name in names), strict=True)]


def _of_known(table: pa.Table, known: Collection[str]) -> pa.Table:
    """The rows of a table that are about known measures."""
    return table.filter(pa.array([kind in known for kind in _kinds(table)], pa.bool_()))


def _measures(run: Run) -> dict[str, str]:
    table = run.table("measures")
    groups: dict[str, list[int]] = {}
    for i, kind in enumerate(_kinds(table)):
        groups.setdefault(kind, []).append(i)
    values = _rounded(table["value"])
    return {kind: _short(values[rows].tobytes()) for kind, rows in groups.items()}


def _digest(table: pa.Table) -> str:
    """Digest of a table's columns, their names and order with them."""
    sha = hashlib.blake2b(digest_size=6)
    for name in table.column_names:
        column = table[name]
        sha.update(f"{name} {len(column)}".encode())
        if pa.types.is_floating(column.type):
            sha.update(_rounded(column).tobytes())
        elif pa.types.is_integer(column.type) and not column.null_count:
            sha.update(column.to_numpy().astype("<i8").tobytes())
        else:
            sha.update(json.dumps(column.to_pylist(), ensure_ascii=False).encode())
    return sha.hexdigest()


def _rounded(column: pa.ChunkedArray) -> np.ndarray[Any, Any]:
    """Numbers rounded to ``DIGITS``, as float64, shape (n,); a null is ``nan``, of one form, and 0 has no sign.

    A size in ``[2^(e-1), 2^e)`` becomes ``floor(size / step + SHIFT) step`` with ``step = 2^(e - DIGITS)``: one rule on
    both sides of a power of two. Two numbers become the same unless a bound between steps lies between them: for two
    that are k units in the last place apart by a chance of k / 2^23. Where numbers often are, at integers below 2^40
    and their quotients by powers of two, the next bound is over 900 units away.
    """
    values = column.to_numpy().astype(np.float64)
    finite = np.isfinite(values)
    mantissa, exponent = np.frexp(np.where(finite, np.abs(values), 0.0))
    steps = np.floor(np.ldexp(mantissa, DIGITS) + SHIFT)
    with np.errstate(over="ignore"):  # the largest floats become infinite
        size = np.ldexp(steps, exponent - DIGITS)
    size = np.where(finite, size, np.where(np.isnan(values), np.nan, np.inf))
    return np.where(values < 0, -size, size).astype("<f8")


def _short(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=6).hexdigest()
