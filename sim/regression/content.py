"""What of a finished run a baseline keeps: digests of all outputs, values of watched measures; knows no files.

Floats are digested to 9 digits: the last bits may be another machine's or library's.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sim.measures.index import Cell, cell_at_end
from sim.regression.epoch_rows import epoch_rows
from sim.results.run import Run

__all__ = ["WATCHED", "Content", "Watched", "values_of", "watched_cell"]

DIGITS = 30
"""Binary ones, about 9 decimal."""
SHIFT = 0.6180339887498949
"""In steps: where between two of them the upper one begins, counted down from it; the golden ratio's fraction, from
which the fractions that numbers end in are far."""


class Watched(NamedTuple):
    """A measure at the end whose values a baseline keeps; a flow's over the last 90 days."""

    quantity: str
    measure: str
    level: str = "influencer"
    population: str = "all"

    @property
    def key(self) -> str:
        """Its name in a baseline.

        >>> Watched("gmv", "head_share_10", population="shops").key, Watched("take", "total", "platform").key
        ('gmv head_share_10 shops', 'take total')
        """
        more = [self.population] if self.population != "all" else []
        more += [self.level] if self.level in ("agency", "vertical") else []
        return " ".join([self.quantity, self.measure, *more])


WATCHED = (
    *(Watched("followers", m) for m in ("head_share_01", "head_share_10", "initial_head_share_01", "gini", "total")),
    Watched("followers", "quality_rank_correlation", "platform"),
    *(Watched("exposure", m) for m in ("head_share_01", "head_share_10", "gini", "total")),
    Watched("exposure", "gini", "agency"),
    *(Watched(flow, "total") for flow in ("reads", "new_follows", "unfollows", "orders", "gmv", "tips", "income")),
    Watched("gmv", "head_share_10", population="shops"),
    Watched("income", "gini"),
    Watched("profit", "total", "agency"),
    Watched("take", "total", "platform"),
    Watched("utility", "mean", "fan"),
    Watched("cuts", "total"),
    *(Watched("accounts", m, "platform") for m in ("n_present", "n_entered")),
    *(Watched("tiers", m, "platform") for m in ("n_promotions", "n_demotions")),
)
"""The primary quantities, and enough beside them that each mechanism moves one."""


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


def watched_cell(watched: Watched, horizon_days: int) -> Cell:
    """The cell of a watched measure."""
    about = (watched.population, watched.level, watched.quantity, watched.measure)
    return cell_at_end(*about, window="quarter", horizon_days=horizon_days, warmup_days=0)


def values_of(run: Run) -> dict[str, dict[str, list[float | None]]]:
    """Values of watched measures by ``arm NAME`` and name, and of what each ``claim NAME`` states; by replication.

    Left out is what nobody has any of: nothing but 0, or undefined.
    """
    days = int(run.horizon_days)
    table = run.table("measures")
    at_end = _at_end(table.filter(pc.equal(table["time_days"], float(days))))
    arms = run.manifest["digests"]
    found = {f"arm {arm}": {w.key: _short_numbers(at_end[arm, watched_cell(w, days)]) for w in WATCHED} for arm in arms}
    found |= {f"claim {row['claim']}": {"stated": _stated(row, at_end)} for row in run.claims()}
    return {whose: {key: values for key, values in own.items() if any(values)} for whose, own in found.items()}


AtEnd = Mapping[tuple[str, Cell], Sequence[float | None]]


def _at_end(rows: pa.Table) -> AtEnd:
    found: dict[tuple[str, Cell], list[float | None]] = {}
    names = ("arm", *Cell._fields, "value")
    for arm, *about, value in zip(*(rows[name].to_pylist() for name in names), strict=True):
        found.setdefault((arm, Cell(*about)), []).append(value)
    return found


def _stated(row: Mapping[str, Any], at_end: AtEnd) -> list[float | None]:
    """What a claim says something of, replication by replication: a difference of arms, of groups, or of both."""

    def of(arm: str, population: str) -> Sequence[float | None]:
        return at_end[arm, Cell(**{name: row[name] for name in Cell._fields} | {"population": population})]

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


def _measures(run: Run) -> dict[str, str]:
    table = run.table("measures")
    kinds = ("quantity", "measure", "level")
    groups: dict[tuple[str, ...], list[int]] = {}
    for i, kind in enumerate(zip(*(table[name].to_pylist() for name in kinds), strict=True)):
        groups.setdefault(kind, []).append(i)
    values = _rounded(table["value"])
    return {" ".join(kind): _short(values[rows].tobytes()) for kind, rows in groups.items()}


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
