"""Rosters: the accounts of a CSV or Parquet file, checked; knows nothing of scenarios beyond the verticals' names."""

from __future__ import annotations

import math
import os
import re
from array import array
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from sim.errors import Fault, InputError
from sim.scenario.checks import RANGES, Range
from sim.scenario.encodings import EncodingName
from sim.scenario.other_columns import MAX_CELLS, MAX_COLUMNS, OtherColumn, OtherColumns
from sim.scenario.rows import Row, Table, open_table
from sim.scenario.words import one_of, shown, suggestion

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Roster", "read_roster"]

MAX_ROWS = 10_000_000
SHOWN_FAULTS = 20
COUNTED_FAULTS = 1000
"""Reading stops after this many faults: a wrong file needn't be read to its end."""

REQUIRED = ("influencer", "followers")
"""Columns that a roster must have; ``followers`` may lack where a follow graph tells them."""
TEXTS = ("influencer", "vertical", "agency")
NUMBERS = ("age_days", "quality", "posts_per_day", "conversion_prob", "order_value_fen", "live_hours_per_day")
KNOWN = ("influencer", "followers", "vertical", "agency", *NUMBERS, "shop")

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[+-]?(?:nan|inf|infinity)", re.IGNORECASE)
_BOOLEANS = {"true": 1, "1": 1, "false": 0, "0": 0}


@dataclass(frozen=True, eq=False)
class Roster:
    """The accounts of a roster in the order of its rows; a column that the file lacks is None.

    ``followers`` int64 >= 0 [people], None only where a follow graph takes its place; ``age_days``, ``quality``,
    ``posts_per_day``, ``conversion_prob``, ``order_value_fen``, ``live_hours_per_day`` float64, nan where the cell is
    empty; ``shop`` int8, 1, 0 or -1 where empty; texts None where empty. The arrays are read-only. ``n_skipped`` counts
    dirty rows left out, ``sha256`` is that of the file's bytes.

    ``other_columns`` has the columns that fill no attribute by name: numbers where every cell that isn't empty is one,
    else texts, None where it is empty. ``unkept_columns`` says of those that aren't kept why.
    """

    influencer: tuple[str, ...]
    followers: NDArray[np.int64] | None
    vertical: tuple[str | None, ...] | None
    agency: tuple[str | None, ...] | None
    age_days: NDArray[np.float64] | None
    quality: NDArray[np.float64] | None
    posts_per_day: NDArray[np.float64] | None
    conversion_prob: NDArray[np.float64] | None
    order_value_fen: NDArray[np.float64] | None
    live_hours_per_day: NDArray[np.float64] | None
    shop: NDArray[np.int8] | None
    other_columns: Mapping[str, OtherColumn]
    unkept_columns: Mapping[str, str]
    n_skipped: int
    sha256: str

    def __eq__(self, other: object) -> bool:
        """Equal when read from equal files with the same outcome."""
        if not isinstance(other, Roster):
            return NotImplemented
        return (self.sha256, self.n_skipped, self.influencer) == (other.sha256, other.n_skipped, other.influencer)

    def __hash__(self) -> int:
        """Hash of the file's digest."""
        return hash(self.sha256)


class _BadCellError(Exception):
    """A cell that breaks the rule it names."""


def _text(cell: str) -> str | None:
    if len(cell) > 200 or not cell.isprintable():
        raise _BadCellError("must be at most 200 printable characters")
    return cell or None


def _number(cell: str, given: Range) -> float:
    if not cell:
        return math.nan
    if _NOT_FINITE.fullmatch(cell):
        raise _BadCellError("must be a finite number")
    if not _NUMBER.fullmatch(cell):
        raise _BadCellError("must be a number")
    value = float(cell)
    if not given.holds(value):
        raise _BadCellError(given.rule() if math.isfinite(value) else "must be a finite number")
    return value


def _followers(cell: str) -> int:
    if not cell:
        raise _BadCellError("is required")
    if _NOT_FINITE.fullmatch(cell):
        raise _BadCellError("must be a finite number")
    value = float(cell) if _NUMBER.fullmatch(cell) else math.nan
    if value > RANGES["followers"].high:
        raise _BadCellError(f"must be <= {RANGES['followers'].high:.15g}")
    if math.isnan(value) or value < 0 or value != math.floor(value):
        raise _BadCellError("must be a whole number >= 0")
    return int(value)


def _shop(cell: str) -> int:
    if cell and cell.lower() not in _BOOLEANS:
        raise _BadCellError("must be true, false, 1 or 0")
    return _BOOLEANS.get(cell.lower(), -1)


def _cell_text(cell: str) -> str:
    return cell if len(cell) <= 60 and (_NUMBER.fullmatch(cell) or _NOT_FINITE.fullmatch(cell)) else shown(cell)


class _Reader:
    """Fills the columns row by row; ``faults`` are those shown, ``n_faults`` counts all."""

    def __init__(self, table: Table, skip: bool, verticals: Collection[str], has_graph: bool) -> None:
        self.table, self.skip, self.verticals = table, skip, verticals
        self.required = REQUIRED[:1] if has_graph else REQUIRED
        self.faults: list[Fault] = []
        self.n_faults = self.n_rows = self.n_skipped = 0
        self.first_place: dict[str, str] = {}
        self.places = {name: i for i, name in enumerate(table.columns) if name in KNOWN}
        self.texts: dict[str, list[str | None]] = {name: [] for name in TEXTS if name in self.places}
        self.numbers = {name: array("d") for name in NUMBERS if name in self.places}
        self.followers, self.shop = array("q"), array("b")
        self.others = OtherColumns({i: name for i, name in enumerate(table.columns) if name not in KNOWN})

    def check_header(self) -> None:
        """Refuse a file that lacks a required column, or has one twice."""
        columns = self.table.columns
        found = []
        for name in self.required:
            if name not in columns:
                near = suggestion(name, [column for column in columns if column not in KNOWN])
                have = "" if near else f"; the file has {one_of(columns)}"
                found.append(Fault(self.table.file, f"column is required{near}{have}", self.table.header_line, name))
        for name in dict.fromkeys(columns):
            if name in KNOWN and columns.count(name) > 1:
                found.append(Fault(self.table.file, "column must stand there once", self.table.header_line, name))
        if len(self.others) > MAX_COLUMNS:
            rule = f"must have at most {MAX_COLUMNS} columns besides those that the product knows"
            found.append(Fault(self.table.file, rule, 1, None, str(len(self.others))))
        if found:
            raise InputError(found)

    def add(self, row: Row) -> None:
        """Take a row, or refuse it with all that is wrong with it."""
        self.n_rows += 1
        found, cells = self._judged(row)
        if found:
            self.n_skipped += 1
            self.n_faults += len(found)
            self.faults += found[: SHOWN_FAULTS - len(self.faults)] if len(self.faults) < SHOWN_FAULTS else []
        if found and self.skip:
            return
        name = cells.get("influencer")
        if isinstance(name, str):
            self.first_place.setdefault(name, f"row {row.number}" if row.line is None else f"line {row.line}")
        if found:
            return
        for key, column in self.texts.items():
            text = cells[key]
            column.append(text if isinstance(text, str) else None)
        for key, numbers in self.numbers.items():
            numbers.append(float(cells[key] or 0.0))
        if "followers" in self.places:
            self.followers.append(int(cells["followers"] or 0))
        if "shop" in self.places:
            self.shop.append(int(cells["shop"] or 0))
        self.others.add(row.cells)

    def _judged(self, row: Row) -> tuple[list[Fault], dict[str, float | str | None]]:
        found: list[Fault] = []
        cells: dict[str, float | str | None] = {}

        def fault(rule: str, key: str | None = None, value: str | None = None) -> None:
            place = [f"row {row.number}"] if row.number is not None else []
            path = " ".join(place + ([key] if key else []))
            found.append(Fault(self.table.file, rule, row.line, path or None, value))

        if row.rule:
            fault(row.rule, None, row.value)
        else:
            for key, place in self.places.items():
                cell = row.cells[place].strip()
                try:
                    cells[key] = self._parsed(key, cell)
                except _BadCellError as error:
                    fault(str(error), key, _cell_text(cell) if cell else None)
        return found, cells

    def _parsed(self, key: str, cell: str) -> float | str | None:
        if key in NUMBERS:
            return _number(cell, RANGES[key])
        if key == "followers":
            return _followers(cell)
        if key == "shop":
            return _shop(cell)
        text = _text(cell)
        if key == "vertical" and text is not None and text not in self.verticals:
            few = len(self.faults) < SHOWN_FAULTS  # a suggestion costs time: none for what isn't shown
            near = suggestion(text, self.verticals) or f"; known are {one_of(self.verticals)}" if few else ""
            raise _BadCellError(f"must be a vertical of the scenario{near}")
        if key == "influencer":
            if text is None:
                raise _BadCellError("is required")
            if text in self.first_place:
                raise _BadCellError(f"must be unique, stands in {self.first_place[text]} already")
        return text

    def read(self) -> None:
        """All rows, or all faults."""
        self.check_header()
        file = self.table.file
        for row in self.table.rows():
            self.add(row)
            if self.n_rows > MAX_ROWS:
                raise InputError([Fault(file, f"must have at most {MAX_ROWS} rows")])
            if self.n_rows * len(self.others) > MAX_CELLS:
                rule = f"must have at most {MAX_CELLS} cells in columns that the product doesn't know; leave some out"
                raise InputError([Fault(file, rule, row.line)])
            if not self.skip and self.n_faults >= COUNTED_FAULTS:
                break
        if self.n_faults and not self.skip:
            rest = self.n_faults - len(self.faults)
            least = "at least " if self.n_faults >= COUNTED_FAULTS else ""
            more = [Fault(file, f"and {least}{rest} more")] if rest else []
            raise InputError(self.faults + more)
        if self.n_rows == self.n_skipped:
            rule = f"has no good row, {self.n_skipped} bad ones" if self.n_skipped else "has no rows"
            raise InputError([Fault(file, rule, None if self.n_skipped else 1)])
        if "followers" in self.places and not any(self.followers):
            raise InputError([Fault(file, "an account must have followers, but all have 0", 1, "followers")])


def read_roster(
    path: str | os.PathLike[str],
    *,
    dirty_rows: Literal["refuse", "skip"],
    verticals: Collection[str],
    has_graph: bool = False,
    encoding: EncodingName | None = None,
) -> Roster:
    """Read a roster and check every row.

    Parameters
    ----------
    path
        Text (as ``open_table`` reads it) or Parquet with at least the columns ``influencer`` and ``followers``.
    dirty_rows
        ``"refuse"`` the file for a bad row, or ``"skip"`` and count such rows.
    verticals
        Names that the column ``vertical`` may hold.
    has_graph
        A follow graph tells who has how many followers, so that the column may lack.
    encoding
        Of a text without a byte order mark; left out: UTF-8.

    Raises
    ------
    InputError
        All faults, each with its line: the first 20, then how many more. A file that is wrong as a whole (no text,
        a column missing, no rows, nobody with followers) is refused in either case.

    Notes
    -----
    O(rows). No random numbers.
    """
    import numpy as np

    with open_table(path, None, encoding) as table:
        reader = _Reader(table, dirty_rows == "skip", verticals, has_graph)
        reader.read()

    def frozen(column: array[float] | array[int], kind: type[np.generic]) -> NDArray[np.generic]:
        values = np.array(column, dtype=kind)
        values.setflags(write=False)
        return values

    columns: dict[str, object] = dict.fromkeys(field.name for field in fields(Roster))
    columns |= {name: tuple(column) for name, column in reader.texts.items()}
    columns |= {name: frozen(column, np.float64) for name, column in reader.numbers.items()}
    columns["followers"] = frozen(reader.followers, np.int64) if "followers" in reader.places else None
    columns["shop"] = frozen(reader.shop, np.int8) if "shop" in reader.places else None
    columns["other_columns"] = MappingProxyType(reader.others.kept())
    columns["unkept_columns"] = MappingProxyType(reader.others.refused)
    columns["n_skipped"] = reader.n_skipped
    columns["sha256"] = table.sha256()
    return Roster(**columns)  # type: ignore[arg-type]
