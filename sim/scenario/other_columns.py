"""The columns of a roster that the product gives no meaning to, kept per account; knows nothing of files."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from sim.scenario.words import escaped

__all__ = ["MAX_COLUMNS", "MAX_LENGTH", "OtherColumn", "OtherColumns"]

OtherColumn = tuple[float | None, ...] | tuple[str | None, ...]
"""Of each account in the order of the rows: a number or a text, None where the cell is empty."""

MAX_COLUMNS = 256
MAX_CELLS = 20_000_000
MAX_LENGTH = 200
"""Characters of a text, and of a column's name."""

_MANY = 4096
"""Distinct texts of a column that are kept once each; a column with more has hardly any repeats."""
_PLAIN = re.compile(r"[+-]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_NAN = ("nan", "NaN", "NAN")
_WHOLE = 2**53


class OtherColumns:
    """Takes the cells row by row; a column that can't be kept is given up at once, with the reason."""

    def __init__(self, places: Mapping[int, str]) -> None:
        names = list(places.values())
        self.refused: dict[str, str] = {}
        self._cells: dict[int, list[str]] = {}
        self._seen: dict[int, dict[str, str]] = {}
        self.names = {place: escaped(name[: MAX_LENGTH + 1]) for place, name in places.items()}
        for place, name in places.items():
            if len(name) > MAX_LENGTH:
                self._refuse(place, f"its name is longer than {MAX_LENGTH} characters")
            elif names.count(name) > 1:
                self._refuse(place, "the name stands there more than once")
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

    def add(self, cells: Sequence[str]) -> None:
        """Take the cells of a row."""
        too_long = []
        for place, column in self._cells.items():
            cell = cells[place].strip()
            if len(cell) > MAX_LENGTH:
                too_long.append(place)
                continue
            seen = self._seen[place]
            if len(seen) < _MANY:
                cell = seen.setdefault(cell, cell)
            column.append(cell)
        for place in too_long:
            self._refuse(place, f"it has texts of more than {MAX_LENGTH} characters")

    def kept(self) -> dict[str, OtherColumn]:
        """The columns by name: numbers if every cell that isn't empty is one, else texts."""
        return {self.names[place]: _column(cells) for place, cells in self._cells.items()}


def _column(cells: list[str]) -> OtherColumn:
    numbers: list[float | None] = []
    for cell in cells:
        if not cell or cell in _NAN:
            numbers.append(None)
            continue
        value = float(cell) if _PLAIN.fullmatch(cell) else None
        if value is None or not abs(value) < _WHOLE:  # ids of more digits than a number can hold are texts
            return tuple(escaped(cell) or None for cell in cells)
        numbers.append(value)
    return tuple(numbers)
