"""The rows of a roster, one after the other: good ones fill its columns, bad ones are refused or skipped."""

from __future__ import annotations

import math
from array import array
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from sim.errors import Fault, InputError
from sim.formatting import shown
from sim.scenario.read.cell_numbers import counts_in, roughly, rounding
from sim.scenario.read.fault_list import FaultList
from sim.scenario.read.headers import Headers
from sim.scenario.read.names import normal_form
from sim.scenario.read.other_columns import MAX_CELLS, MAX_COLUMNS, OtherColumns
from sim.scenario.read.roster_cells import BadCellError, Cells, cell_text, name_of
from sim.scenario.read.skipped_rows import SkippedRows
from sim.scenario.read.table_rows import Table, TableRow
from sim.scenario.read.total_rows import Candidate, is_total_name, total_among
from sim.scenario.schema.roster_columns import KNOWN, NUMBERS, TEXTS

__all__ = ["RosterRows"]

MAX_ROWS = 10_000_000
LAST = 3
"""Rows at the end of which one may sum up the others: an average or a source may follow it."""

RosterColumns = dict[str, Any]
"""Lists of texts, and arrays of numbers."""


class RosterRows:
    """Fills ``columns`` row by row, and ``faults``."""

    def __init__(self, table: Table, headers: Headers, cells: Cells, skip: bool) -> None:
        self.table, self.headers, self.cells, self.skip = table, headers, cells, skip
        self.faults = FaultList(table.file, stops=not skip)
        self.n_rows = 0
        self.skipped = SkippedRows()
        self._named: dict[str, int] = {}
        self._places = array("q")
        places = {table.columns.index(theirs): ours for ours, theirs in headers.names.items()}
        self.columns: RosterColumns = {ours: _empty(ours) for ours in KNOWN if ours in headers.names}
        self.others = OtherColumns(
            {i: name for i, name in enumerate(table.columns) if i not in places}, table.separator
        )
        unique = _unique(self._named, self._places, "line" if table.is_text else "row")
        parsers = {ours: unique if ours == "influencer" else cells.parser(ours) for ours in headers.names}
        self._plan = [(ours, place, parsers[ours]) for place, ours in sorted(places.items())]
        self._parsers = [(place, parse, self.columns[ours]) for ours, place, parse in self._plan]
        self._name_at = table.columns.index(headers.names["influencer"])

    def _where(self, place: int, column: str | None) -> tuple[int | None, str | None]:
        """Line and path of a fault."""
        if self.table.is_text:
            return place, column
        return None, f"row {place}" + (f" {column}" if column else "")

    def add(self, row: TableRow) -> None:
        """Take a row, or refuse it with all that is wrong with it."""
        self.n_rows += 1
        place = _place(row)
        cells = row.cells
        if self.cells.forms:  # of a bad row
            self.cells.forms.clear()
        if row.rule is None:
            try:
                values = [parse(cells[at].strip()) for at, parse, _ in self._parsers]
            except BadCellError:
                self._bad_cells(place, cells)
                return
            for value, (_, _, column) in zip(values, self._parsers, strict=True):
                column.append(value)
            self._named[normal_form(cells[self._name_at].strip())] = len(self._places)
            self._places.append(place)
            self.others.add(cells)
            if self.cells.forms:
                self.cells.tally()
            return
        self._fault(place, None, row.rule, "", row.value)
        if self.skip:
            self._skip_ragged(place, row)

    def _skip_ragged(self, place: int, row: TableRow) -> None:
        """Skip a row of too few or too many fields: any number in it may be its number of followers."""
        assert row.rule is not None
        self._check_lines(place, row.n_lines)
        self.skipped.n += 1
        self.skipped.reason(place, None, row.rule.partition(":")[0])
        if len(row.cells) > self.table.width:
            self.skipped.wide(place, row.cells)
        if "followers" not in self.columns:
            return
        if not self._may_count(row.cells):
            self.skipped.unknown(place)
        largest = max((count for cell in row.cells for count in counts_in(cell)), default=math.nan)
        self.skipped.sized(place, {key: math.nan for key in NUMBERS if key in self.columns} | {"followers": largest})
        self.others.skip(None)

    def _may_count(self, cells: Sequence[str]) -> bool:
        """Whether a row of too few or too many fields has a number where its followers would be."""
        first = self.table.columns.index(self.headers.names["followers"])
        last = first + self.table.width - len(self.table.columns) + max(len(cells) - self.table.width, 0)
        return not all(math.isnan(roughly(cell.strip(), self.table.separator)) for cell in cells[first : last + 1])

    def _check_lines(self, place: int, n_lines: int) -> None:
        """Refuse to skip several lines that a quote may have made one row."""
        if n_lines > 1:
            rule = f"bad rows can't be skipped: a quote makes {n_lines} lines one row, which begins here"
            raise InputError([Fault(self.table.file, rule, *self._where(place, None)), *self.faults.listed()])

    def _fault(self, place: int, key: str | None, rule: str, more: str, value: str | None) -> None:
        self.faults.add(rule + more, *self._where(place, key), value)
        self.cells.suggests = self.faults.shows_more

    def _bad_cells(self, place: int, cells: Any) -> None:
        """Note all that is wrong with a row's cells, and how large it is as far as it can be known."""
        values: dict[str, Any] = {}
        for key, at, parse in self._plan:
            cell = cells[at].strip()
            try:
                values[key] = parse(cell)
            except BadCellError as error:
                self._fault(place, key, error.rule, error.more, cell_text(cell) if cell else None)
                if self.skip:
                    self.skipped.reason(place, key, error.rule)
                    if error.is_notation:
                        self.skipped.form(place, key, cell)
                    elif key == "followers":
                        self.skipped.unknown(place)
        if not self.skip:
            if "influencer" in values:
                self._named[values["influencer"]] = len(self._places)
                self._places.append(place)
            return
        if self.table.is_text:
            self._check_lines(place, 1 + sum(max(map(cell.count, "\r\n")) for cell in cells))
        self.skipped.n += 1
        followers = values.get("followers", math.nan)
        name = normal_form(cells[self._name_at].strip())
        again = self._named.get(name)
        if again is not None and not followers > self._followers()[again]:
            return  # the account stays, and is as large
        numbers = {key: float(values.get(key, math.nan)) for key in ("followers", *NUMBERS) if key in self.columns}
        self.skipped.sized(place, numbers)
        self.others.skip(cells)

    def _followers(self) -> Any:
        return self.columns.get("followers") or array("q", [0]) * len(self._places)

    def read(self) -> None:
        """Take all rows, or raise all faults."""
        file, n_others = self.table.file, len(self.others)
        first: list[TableRow] = []
        last: deque[TableRow] = deque(maxlen=LAST)
        if n_others > MAX_COLUMNS:
            rule = f"must have at most {MAX_COLUMNS} columns other than those that the model uses"
            raise InputError([Fault(file, rule, self.table.header_line, None, str(n_others))])
        for row in self.table.rows():
            self.add(row)
            if len(first) < 1:
                first.append(row)
            else:
                last.append(row)
            if self.n_rows > MAX_ROWS:
                raise InputError([Fault(file, f"must have at most {MAX_ROWS} rows")])
            if self.n_rows * n_others > MAX_CELLS:
                rule = f"must have at most {MAX_CELLS} cells in columns that the model doesn't use; leave some out"
                raise InputError([Fault(file, rule, row.line)])
            if self.faults.is_enough():
                break
        if self.faults.n and not self.skip:
            raise InputError(self.faults.listed())
        if first and (total := self._total([*first, *last])):
            raise InputError([total])
        if self.n_rows == self.skipped.n:
            n = self.skipped.n
            raise InputError([Fault(file, f"has no good row, {n} bad ones" if n else "has no rows", None if n else 1)])
        if self.skip and self.skipped.n:
            self._check_skipped()

    def _total(self, rows: Sequence[TableRow]) -> Fault | None:
        """The fault of the first or one of the last rows if it sums up the others."""
        if len(self._named) < 2:
            return None
        found: tuple[TableRow, str] | None = None
        if "followers" in self.columns:
            candidates = {id(each): (row, each) for row in rows if (each := self._candidate(row, rows))}
            total = total_among([each for _, each in candidates.values()], self._followers())
            if total is not None:
                row = candidates[id(total)][0]
                followers = row.cells[self.table.columns.index(self.headers.names["followers"])].strip()
                found = row, f"{shown(total.name)}, {cell_text(followers)}"
        elif rows[-1].rule is None and is_total_name(name := rows[-1].cells[self._name_at].strip()):
            found = rows[-1], shown(name)
        if found is None:
            return None
        what = "the row is the sum of the others, not an account: delete it (or move it to the middle, if it is one)"
        return Fault(self.table.file, what, *self._where(_place(found[0]), None), found[1])

    def _candidate(self, row: TableRow, rows: Sequence[TableRow]) -> Candidate | None:
        """The row as one that may be a total; None: it has no number of followers."""
        if row.rule is not None:
            return None
        cells = {ours: row.cells[at].strip() for ours, at, _ in self._plan}
        try:
            followers = int(self.cells.parser("followers")(cells["followers"]) or 0)
        except BadCellError:
            return None
        at = self._named.get(normal_form(cells["influencer"]))
        if at is not None and self._places[at] != _place(row):
            at = None
        is_first = row is rows[0] and len(rows) > 2
        margin = rounding(cells["followers"], self.table.separator)
        return Candidate(cells["influencer"], followers, margin, at, is_first, row is rows[-1])

    def _check_skipped(self) -> None:
        """Refuse to skip rows where the head could be among them."""
        file = self.table.file
        found = self.skipped.without_number(file, self._where, "line" if self.table.is_text else "row")
        found += self.skipped.patterns(file, self._where, self.n_rows)
        if not found and "followers" in self.columns:
            numbers = {key: self.columns[key] for key in ("followers", *NUMBERS) if key in self.columns}
            theirs, others = self.others.numbers()
            head = self.skipped.head({**numbers, **theirs}, {**self.skipped.numbers, **others})
            if head is not None:
                column, lost, size, place = head
                rule = (
                    f"bad rows can't be skipped: they contain {lost} of the {size} largest account{'s' * (size != 1)} "
                    f"by {column}; correct them, the largest is here"
                )
                found.append(Fault(file, rule, *self._where(place, None)))
        if found:
            raise InputError(found + self.faults.listed())


def _place(row: TableRow) -> int:
    return row.line if row.line is not None else row.number or 0


def _unique(named: dict[str, int], places: array[int], word: str) -> Callable[[str], str]:
    def parsed(cell: str) -> str:
        name = name_of(cell)
        if name in named:
            raise BadCellError("must be unique", f", is in {word} {places[named[name]]} already")
        return name

    return parsed


def _empty(column: str) -> list[str | None] | array[float] | array[int]:
    if column in TEXTS:
        return []
    return array("b" if column == "shop" else "q" if column == "followers" else "d")
