"""How a number is written in a cell: the one rule for all columns of a table; knows nothing of what they mean.

Read are plain numbers (``1234.5``, ``2.28E+08``); groups of three digits (``1,234,567.8``); and a number with a unit
behind it: k, m, b (thousand, million, billion), w (ten thousand), 千, 万, 百万, 亿, in small letters or capitals.
Between semicolons the comma is the decimal mark and the dot parts the groups: ``1.234.567,8``; a dot that can only be a
decimal mark, as in ``1.5``, is one there too. A form with two readings is refused.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import NamedTuple

__all__ = [
    "COMMA",
    "NOT_FINITE",
    "PLAIN",
    "POWER",
    "Numeral",
    "Readings",
    "as_number",
    "counts_in",
    "is_missing",
    "numeral",
    "roughly",
    "rounding",
    "unreadable",
    "whole",
]

PLAIN = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
NOT_FINITE = re.compile(r"[+-]?(?:nan|inf|infinity)", re.IGNORECASE)

_MISSING = ("", "nan", "na", "n/a", "#n/a", "-", "--", "null", "none")

NUMBER_UNITS = {
    "k": 1_000,
    "m": 1_000_000,
    "b": 1_000_000_000,
    "w": 10_000,
    "千": 1_000,
    "万": 10_000,
    "萬": 10_000,
    "百万": 1_000_000,
    "亿": 100_000_000,
    "億": 100_000_000,
}
_MAX_CELL = 60
_EXACT = Context(prec=2 * _MAX_CELL)
_UNIT = rf"[ \u00a0]?(?P<unit>{'|'.join(sorted(NUMBER_UNITS, key=len, reverse=True))})"
_POWER = r"(?P<power>[eE][+-]?[0-9]{1,3})"
_POINT = re.compile(
    rf"(?P<body>[+-]?(?:(?P<groups>[1-9][0-9]{{0,2}}(?:,[0-9]{{3}})+(?:\.[0-9]+)?)|[0-9]+\.?[0-9]*|\.[0-9]+))"
    rf"(?:{_UNIT}|{_POWER})?",
    re.IGNORECASE,
)
_COMMA = re.compile(
    rf"(?P<body>[+-]?(?:(?P<groups>[1-9][0-9]{{0,2}}(?:(?:\.[0-9]{{3}}){{2,}}(?:,[0-9]+)?|\.[0-9]{{3}},[0-9]+))"
    rf"|[0-9]+,?[0-9]*|,[0-9]+|(?P<dot>[0-9]*\.[0-9]+)))(?:{_UNIT}|{_POWER})?",
    re.IGNORECASE,
)
_TWO_READINGS = re.compile(r"[+-]?[1-9][0-9]{0,2}\.[0-9]{3}")

_COUNTS = re.compile(
    rf"(?<![A-Za-z0-9_.,])[0-9](?:[0-9.,]{{0,40}}[0-9])?(?:{_UNIT}|{_POWER})?", re.IGNORECASE | re.ASCII
)
"""What could be a count within a text: digits that no word begins with, with their unit."""
_MARKS = " \t+~<>=≈≥≤%$€£¥￥"
_MANY_CHARACTERS = 10_000

ABBREVIATED, GROUPED, COMMA, POWER = "abbreviated", "grouped by thousands", "decimal commas", "powers of ten"


class Numeral(NamedTuple):
    """The exact value of a cell, and how it was written; None: plainly."""

    value: Decimal
    form: str | None


def numeral(cell: str, separator: str) -> Numeral | None:
    """The number in a cell, or None where the rule reads none.

    Parameters
    ----------
    cell
        Without spaces around it.
    separator
        The character between the cells of its file.

    >>> numeral("37.8万", ",").value
    Decimal('378000.0')
    """
    if len(cell) > _MAX_CELL:
        return None
    has_commas = separator == ";"
    found = (_COMMA if has_commas else _POINT).fullmatch(cell)
    if found is None:
        return None
    body, unit = found["body"], found["unit"]
    if found["groups"]:
        if found["power"]:
            return None
        body = body.replace(".", "").replace(",", ".") if has_commas else body.replace(",", "")
    elif has_commas and not found["dot"]:
        body = body.replace(",", ".")
    elif has_commas and unit is None and _TWO_READINGS.fullmatch(cell):
        return None
    value = Decimal(body + (found["power"] or ""))
    if unit is not None:
        return Numeral(_EXACT.multiply(value, Decimal(NUMBER_UNITS[unit.lower()])), ABBREVIATED)
    if found["groups"]:
        return Numeral(value, GROUPED)
    if has_commas and "," in cell:
        return Numeral(value, COMMA)
    return Numeral(value, POWER if found["power"] else None)


def is_missing(cell: str) -> bool:
    """Whether the cell says that there is no value: it is empty, or a mark for that, in small letters or capitals."""
    return len(cell) < 5 and cell.lower() in _MISSING


def as_number(cell: str, separator: str) -> tuple[float, str | None] | None:
    """The nearest float to the number in a cell, and how it was written if not plainly; None: there is none."""
    if separator != ";" and PLAIN.fullmatch(cell):
        return float(cell), None
    found = numeral(cell, separator)
    return None if found is None else (float(found.value), None if found.form == POWER else found.form)


def roughly(cell: str, separator: str) -> float:
    """A number with marks around it, as in ``100+`` or ``~5 %``; nan where it is none."""
    found = as_number(cell.strip(_MARKS), separator)
    return math.nan if found is None else found[0]


def rounding(cell: str, separator: str) -> float:
    """How far the number that was abbreviated in a cell may be from it: half a unit of its last digit; else 0."""
    found = (_COMMA if separator == ";" else _POINT).fullmatch(cell)
    if found is None or found["unit"] is None:
        return 0.0
    digits = re.split(r"[.,]", cell[: found.end("body")])
    decimals = len(digits[-1]) if len(digits) == 2 and not found["groups"] else 0
    return 0.5 * NUMBER_UNITS[found["unit"].lower()] / 10.0**decimals


def counts_in(cell: str) -> list[float]:
    """All numbers that a cell's digits may mean, within any text: read with commas and points in either role."""
    found = []
    for match in _COUNTS.finditer(cell[:_MANY_CHARACTERS]):
        text = match[0].rstrip(".,")
        read = [as_number(text, separator) for separator in ",;"]
        found += [each[0] for each in read if each is not None] or [float(re.sub(r"[^0-9]", "", text))]
    return found


def whole(found: Numeral) -> int | None:
    """The whole number, an abbreviated one rounded to it, half to even; None: it has a fraction, or over 30 digits."""
    value = found.value
    if not value:
        return 0
    if value.adjusted() > 30:
        return None
    if found.form == ABBREVIATED:
        value = value.to_integral_value(ROUND_HALF_EVEN)
    return int(value) if value == value.to_integral_value() else None


def unreadable(cell: str, separator: str) -> str:
    """The rule that a cell without a readable number broke, if it contains digits; else nothing."""
    if not any(c.isdigit() for c in cell):
        return ""
    if not cell.isascii() and any(c.isdigit() and not c.isascii() for c in cell):
        return " (digits must be 0 to 9, not full-width or of another script)"
    if separator == ";":
        if _TWO_READINGS.fullmatch(cell):
            plain = cell.replace(".", "")
            return f" (between semicolons {cell} can be {plain} or {cell.replace('.', ',')}: write one of these)"
        return " (read between semicolons: 1234,5 1.234.567,8 1e3 1,2k 1,2m 1,2b 1,2万 1,2亿)"
    return " (read: 1234.5 1,234.5 1e3 1.2k 1.2m 1.2b 1.2万 1.2亿)"


class Readings:
    """Counts, by column, the cells that weren't written plainly, each kind with its first example."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()
        self.examples: dict[tuple[str, str], tuple[str, float]] = {}

    def add(self, column: str, form: str, cell: str, value: float) -> None:
        """Count a cell."""
        self.counts[column, form] += 1
        self.examples.setdefault((column, form), (cell, value))

    def listed(self) -> list[dict[str, object]]:
        """For each column and kind: column, form, number of cells, and the first with its value."""
        return [
            {"column": column, "form": form, "cells": n, "cell": cell, "value": value}
            for (column, form), n in self.counts.items()
            for cell, value in [self.examples[column, form]]
        ]
