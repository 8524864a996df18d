"""Values of the cells of a roster's columns, each column by its rule; knows nothing of rows and files."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection

from sim.formatting import one_of, shown, suggestion
from sim.scenario.read.cell_numbers import (
    COMMA,
    NOT_FINITE,
    PLAIN,
    POWER,
    Readings,
    is_missing,
    numeral,
    unreadable,
    whole,
)
from sim.scenario.read.names import normal_form
from sim.scenario.schema.ranges import RANGES
from sim.scenario.schema.roster_columns import NUMBERS

__all__ = ["BadCellError", "Cells", "cell_text", "name_of"]

_BOOLEANS = {"true": 1, "1": 1, "false": 0, "0": 0}
_MANY_DIGITS = 16
_MANY_TEXTS = 4096
"""Texts of a column that are kept, so that each is read once."""
_COMMA = re.compile(r"[0-9]+,[0-9]+")
"""The commonest number between semicolons that isn't plain; ``numeral`` reads the same."""

Value = float | int | str | None


class BadCellError(Exception):
    """A cell that breaks a rule; ``more`` is what differs from cell to cell.

    ``is_notation``: it is a number, but in a form that isn't read; of followers, anything but a mark for none.
    """

    def __init__(self, rule: str, more: str = "", *, is_notation: bool = False) -> None:
        self.rule, self.more, self.is_notation = rule, more, is_notation
        super().__init__(rule + more)


def cell_text(cell: str) -> str:
    """A cell as a message shows it: a number bare, all else quoted."""
    return cell if len(cell) <= 60 and (PLAIN.fullmatch(cell) or NOT_FINITE.fullmatch(cell)) else shown(cell)


class Cells:
    """Reads cells; ``forms`` are the numbers of the present row that weren't written plainly."""

    def __init__(self, separator: str, verticals: Collection[str]) -> None:
        self.separator, self.verticals = separator, verticals
        self.forms: list[tuple[str, str, str, float]] = []
        self.readings = Readings()
        self.suggests = True
        self._names = {name: name for name in verticals}

    def tally(self) -> None:
        """Count the forms of the present row, which is a good one."""
        for form in self.forms:
            self.readings.add(*form)
        self.forms.clear()

    def parser(self, key: str) -> Callable[[str], Value]:
        """The function that reads the cells of a column, without spaces around them; it raises ``BadCellError``."""
        if key in NUMBERS:
            return self._number(key)
        return {"followers": self._followers, "shop": _shop, "vertical": self._vertical, "agency": _repeated(_named)}[
            key
        ]

    def _number(self, key: str) -> Callable[[str], float]:
        given, points, forms = RANGES[key], self.separator != ";", self.forms
        low, high, is_open = given

        def parsed(cell: str) -> float:
            if not cell:
                return math.nan
            if PLAIN.fullmatch(cell) and (points or "." not in cell):
                value = float(cell)
            elif not points and _COMMA.fullmatch(cell):
                value = float(cell.replace(",", "."))
                forms.append((key, COMMA, cell, value))
            elif is_missing(cell):
                return math.nan
            else:
                value = self._unusual(key, cell)
            if not low <= value <= high or (is_open and value in (low, high)):
                raise BadCellError(given.rule() if math.isfinite(value) else "must be a finite number")
            return value

        return parsed

    def _unusual(self, key: str, cell: str) -> float:
        if NOT_FINITE.fullmatch(cell):
            raise BadCellError("must be a finite number")
        found = numeral(cell, self.separator)
        if found is None:
            more = unreadable(cell, self.separator)
            raise BadCellError("must be a number", more, is_notation=bool(more))
        value = float(found.value)
        if found.form not in (None, POWER):
            self.forms.append((key, str(found.form), cell, value))
        return value

    def _followers(self, cell: str) -> int:
        if len(cell) < _MANY_DIGITS and cell.isascii() and cell.isdigit():
            return int(cell)
        if not cell:
            raise BadCellError("is required")
        if NOT_FINITE.fullmatch(cell):
            raise BadCellError("must be a finite number", is_notation=not is_missing(cell))
        found, high = numeral(cell, self.separator), RANGES["followers"].high
        if (found is not None and found.value > high) or (PLAIN.fullmatch(cell) and float(cell) > high):
            raise BadCellError(f"must be <= {high:.15g}", is_notation=True)
        value = None if found is None else whole(found)
        if found is None or value is None:
            more = unreadable(cell, self.separator) if found is None else ""
            raise BadCellError("must be a whole number >= 0", more, is_notation=not is_missing(cell))
        if value < 0:
            raise BadCellError("must be a whole number >= 0", is_notation=True)
        if found.form is not None:
            self.forms.append(("followers", found.form, cell, value))
        return value

    def _vertical(self, cell: str) -> str | None:
        text = self._names.get(cell)
        if text is None and _text(cell) is not None:
            near = ""
            if self.suggests:  # a suggestion costs time: none for what isn't shown
                near = suggestion(cell, self.verticals) or f"; known are {one_of(self.verticals)}"
            raise BadCellError("must be a vertical of the scenario", near)
        return text


def _text(cell: str) -> str | None:
    if len(cell) > 200 or not cell.isprintable():
        raise BadCellError("must be at most 200 printable characters")
    return cell or None


def _repeated(parsed: Callable[[str], str | None]) -> Callable[[str], str | None]:
    """The same for columns in which many cells are equal."""
    known: dict[str, str | None] = {}

    def again(cell: str) -> str | None:
        if cell in known:
            return known[cell]
        text = parsed(cell)
        if len(known) < _MANY_TEXTS:
            known[cell] = text
        return text

    return again


def _shop(cell: str) -> int:
    value = _BOOLEANS.get(cell.lower(), -1)
    if value < 0 and not is_missing(cell):
        raise BadCellError("must be true, false, 1 or 0")
    return value


def _named(cell: str) -> str | None:
    """The name in a cell; None: the cell is empty."""
    return _text(normal_form(cell))


def name_of(cell: str) -> str:
    """The influencer that a cell names."""
    text = _named(cell)
    if text is None:
        raise BadCellError("is required")
    return text
