"""Texts as cells of a CSV file that a spreadsheet may open, and back; knows nothing of what they mean."""

from __future__ import annotations

import re

__all__ = ["cell", "text_of"]

# After quotes too, so that every text can be read back; in some languages full-width signs count.
_FORMULA = re.compile(r"'*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?")


def cell(text: str) -> str:
    """The text as a cell: with an apostrophe before it where a spreadsheet would take it for a formula.

    >>> [cell(text) for text in ("=1+1", "@ann", "-5", "'tis")]
    ["'=1+1", "'@ann", '-5', "'tis"]
    """
    return f"'{text}" if _is_formula(text) else text


def text_of(cell: str) -> str:
    """The text of a cell; an apostrophe that ``cell`` would not have written is part of it.

    >>> [text_of(cell) for cell in ("'=1+1", "=1+1", "'tis")]
    ['=1+1', '=1+1', "'tis"]
    """
    return cell[1:] if cell.startswith("'") and _is_formula(cell[1:]) else cell


def _is_formula(text: str) -> bool:
    return _FORMULA.match(text) is not None and _NUMBER.fullmatch(text) is None
