"""What is found wrong at a path of a scenario. It knows no file, no line and no rule."""

from __future__ import annotations

from typing import NamedTuple

from sim.formatting import Path

__all__ = ["MAX_FAULTS", "NO_VALUE", "Finding", "InWords"]

MAX_FAULTS = 200
"""Faults reported at most; a file with more says how many there are."""

NO_VALUE = object()


class InWords(str):
    """A value of a finding that is shown as it is, without quotes."""

    __slots__ = ()


class Finding(NamedTuple):
    """Something wrong at a path of a scenario; ``value`` is what the file gives there, if that helps."""

    path: Path
    rule: str
    value: object = NO_VALUE
