"""The rows of a text file, whatever separates its cells, with their lines; knows nothing of what they mean."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import BinaryIO

from sim.errors import Fault, InputError
from sim.formatting import escaped, shown
from sim.scenario.read.encodings import text_lines
from sim.scenario.read.table_rows import Table, TableRow
from sim.scenario.schema.encodings import EncodingName

__all__ = ["SEPARATORS", "TextTable"]

SEPARATORS = (",", ";", "\t")
_BLANK = " ,;\t\r\n"
_EMPTY = "is empty: a header and at least one row are needed"


def _n_separators(line: str, separator: str) -> int:
    return sum(part.count(separator) for part in line.split('"')[::2])  # those outside quotes


class _Unnamed:
    """A column without a name: whether it is empty, or numbers the rows from 0 or 1, as spreadsheets' indexes do."""

    def __init__(self, place: int) -> None:
        self.place = place
        self.is_empty = self.is_index = True
        self._next: int | None = None

    def add(self, cells: Sequence[str]) -> None:
        """Look at the column's cell in the next row."""
        cell = cells[self.place].strip()
        if cell:
            self.is_empty = False
        if self.is_index:
            number = int(cell) if len(cell) < 10 and cell.isascii() and cell.isdigit() else -1
            self.is_index = number == self._next if self._next is not None else number in (0, 1)
            self._next = number + 1

    def note(self) -> str | None:
        """A note for the user; None: it was empty."""
        if self.is_empty:
            return None
        what = "numbers the rows" if self.is_index else "isn't kept"
        return f"column {self.place + 1} has no name and {what}"


class TextTable(Table):
    """Read line by line, so that a large file needs no more memory than its columns."""

    is_text = True

    def __init__(self, stream: BinaryIO, file: str, encoding: EncodingName | None) -> None:
        self.file = file
        self._hash = hashlib.sha256()
        self._lines = text_lines(stream, file, encoding, self._hash)
        self._before = 0
        first = self._first()
        named = self._named_separator(first)
        if named:
            self._before += 1
            first = self._first()
        self.separator = named or max(SEPARATORS, key=lambda each: _n_separators(first, each))
        self._reader = csv.reader(chain([first], self._lines), delimiter=self.separator, strict=True)
        line, cells, rule = next(self._parsed(), (1, [], _EMPTY))
        if rule:
            raise InputError([Fault(file, rule, line)])
        names = [name.strip() for name in cells]
        self.header_line, self.width = line, len(names)
        self._places = [place for place, name in enumerate(names) if name]
        self._unnamed = [_Unnamed(place) for place, name in enumerate(names) if not name]
        self.columns = tuple(name for name in names if name)

    def _named_separator(self, line: str) -> str | None:
        """The separator where the line is one of those that spreadsheets read it from, such as ``sep=;``."""
        said = line.rstrip("\r\n").strip('"')
        if said[:4].lower() != "sep=":
            return None
        if said[4:] not in SEPARATORS:
            rule = "the separator must be a comma, a semicolon or a tab"
            raise InputError([Fault(self.file, rule, self._before + 1, None, shown(said[4:]))])
        return said[4:]

    def _first(self) -> str:
        """The next line that isn't blank."""
        for line in self._lines:
            if line.strip(_BLANK):
                return line
            self._before += 1
        raise InputError([Fault(self.file, _EMPTY, 1)])

    def _parsed(self) -> Iterator[tuple[int, list[str], str | None]]:
        """Line, cells, and what is wrong with them, of each row that isn't blank."""
        reader, before = self._reader, self._before + 1
        while True:
            line = reader.line_num + before  # a quoted cell may span lines: the row's place is its first
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield line, [], f"not valid CSV: {escaped(str(error))[:100]}"
                continue
            text = "".join(cells)
            if text and not text.isspace():
                yield line, cells, None

    def rows(self) -> Iterator[TableRow]:
        """All rows that aren't empty, in order; once only."""
        width = self.width
        for line, cells, rule in self._parsed():
            if rule or len(cells) != width:
                n_lines = self._reader.line_num + self._before + 1 - line
                value = None if rule else str(len(cells))
                yield TableRow(
                    line, None, cells, rule or f"must have {width} fields, as the header has", value, n_lines
                )
            elif self._unnamed:
                for column in self._unnamed:
                    column.add(cells)
                yield TableRow(line, None, [cells[place] for place in self._places])
            else:
                yield TableRow(line, None, cells)

    def notes(self) -> list[str]:
        """Notes for the user on the columns without a name."""
        return [note for column in self._unnamed if (note := column.note())]

    def sha256(self) -> str:
        """SHA-256 of the file's bytes, once the rows are read."""
        return self._hash.hexdigest()
