"""The columns of a roster that the model doesn't use, kept per account; knows nothing of files."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

from sim.formatting import escaped
from sim.scenario.read.cell_numbers import Readings, as_number, roughly

__all__ = ["MAX_COLUMNS", "MAX_LENGTH", "OtherColumn", "OtherColumns"]

OtherColumn = tuple[float | None, ...] | tuple[str | None, ...]
"""Of each account in the order of the rows: a number or a text, None where the cell is empty."""

MAX_COLUMNS = 256
MAX_CELLS = 20_000_000
MAX_LENGTH = 200
"""Characters of a text, and of a column's name."""

_MANY = 4096
"""Distinct texts of a column that are kept once each; a column with more of them hardly repeats any."""
_PLAIN = re.compile(r"[+-]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_CODE = re.compile(r"[+-]?0[0-9]")
"""Form of codes, in which numbers aren't written."""
_NAN = ("nan", "NaN", "NAN")
_WHOLE = 2**53


class OtherColumns:
    """Takes the cells row by row; a column that can't be kept is given up at once, with the reason."""

    def __init__(self, places: Mapping[int, str], separator: str = ",") -> None:
        names = list(places.values())
        self.separator = separator
        self.readings = Readings()
        self.refused: dict[str, str] = {}
        self._cells: dict[int, list[str]] = {}
        self._seen: dict[int, dict[str, str]] = {}
        self._skipped: dict[int, list[str]] = {}
        self._kept: dict[str, OtherColumn] | None = None
        self.names = {place: escaped(name[: MAX_LENGTH + 1]) for place, name in places.items()}
        for place, name in places.items():
            if len(name) > MAX_LENGTH:
                self._refuse(place, f"its name is longer than {MAX_LENGTH} characters")
            elif names.count(name) > 1:
                self._refuse(place, "the name appears more than once")
            elif not name:
                self._refuse(place, "it has no name")
            else:
                self._cells[place], self._seen[place] = [], {}

    def __len__(self) -> int:
        """Columns kept so far."""
        return len(self._cells)

    def _refuse(self, place: int, why: str) -> None:
        self.refused[self.names[place][:60]] = why
        self._cells.pop(place, None)
        self._seen.pop(place, None)
        self._skipped.pop(place, None)

    def add(self, cells: Sequence[str]) -> None:
        """Take the cells of a row."""
        too_long = []
        for (place, column), seen in zip(self._cells.items(), self._seen.values(), strict=True):
            cell = cells[place].strip()
            if len(cell) > MAX_LENGTH:
                too_long.append(place)
            column.append(seen.setdefault(cell, cell) if len(seen) < _MANY else cell)
        for place in too_long:
            self._refuse(place, f"it has texts of more than {MAX_LENGTH} characters")

    def skip(self, cells: Sequence[str] | None) -> None:
        """Take the cells of a skipped row, since the head could be among such rows; None: the cells aren't known."""
        for place in self._cells:
            self._skipped.setdefault(place, []).append("" if cells is None else cells[place].strip()[:MAX_LENGTH])

    def kept(self) -> dict[str, OtherColumn]:
        """The columns by name: numbers if every cell that isn't empty is one, else texts."""
        if self._kept is None:
            self._kept = {self.names[place]: self._column(place, cells) for place, cells in self._cells.items()}
        return self._kept

    def numbers(self) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
        """The numbers of the columns in which a skipped row has one, and of such rows; nan where a cell has none."""
        mine, theirs = {}, {}
        for place, cells in self._cells.items():
            skipped = [roughly(cell, self.separator) for cell in self._skipped.get(place, ())]
            if not all(map(math.isnan, skipped)):
                mine[self.names[place]] = [roughly(cell, self.separator) for cell in cells]
                theirs[self.names[place]] = skipped
        return mine, theirs

    def _column(self, place: int, cells: list[str]) -> OtherColumn:
        numbers: list[float | None] = []
        forms = []
        for cell in cells:
            if not cell or cell in _NAN:
                numbers.append(None)
                continue
            if self.separator != ";" and _PLAIN.fullmatch(cell):
                found: tuple[float, str | None] | None = (float(cell), None)
            else:
                found = None if _CODE.match(cell) else as_number(cell, self.separator)
            if found is None or not abs(found[0]) < _WHOLE:  # longer ids than a number can hold are texts
                return tuple(escaped(cell) or None for cell in cells)
            numbers.append(found[0])
            if found[1]:
                forms.append((found[1], cell, found[0]))
        for form in forms:
            self.readings.add(self.names[place], *form)
        return tuple(numbers)
