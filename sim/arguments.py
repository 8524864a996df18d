"""Checks of what callers of the Python API give; knows no files, models or runs.

Each check returns a fault or None, and ``refuse`` raises all faults at once.
"""

from __future__ import annotations

import operator
import os
from collections.abc import Collection
from typing import get_args

from sim.errors import ArgumentError, Fault
from sim.formatting import escaped, suggestion

__all__ = [
    "MAX_REPLICATIONS",
    "MAX_THREADS",
    "callback",
    "check_policy",
    "choice",
    "engine_name",
    "file_path",
    "refuse",
    "some",
    "switch",
    "threads_number",
    "whole_number",
]

MAX_REPLICATIONS = 100_000
MAX_THREADS = 1024
MAX_SHOWN = 60
"""Characters of a value in a message."""


def refuse(*faults: Fault | None) -> None:
    """Raise ``ArgumentError`` with the faults that aren't None, if there are any."""
    found = [fault for fault in faults if fault is not None]
    if found:
        raise ArgumentError(found)


def choice(argument: str, value: object, choices: Collection[str], *, file: str | None = None) -> Fault | None:
    """The fault of a value that must be one of several names, with the nearest of them.

    >>> str(choice("policy", "exakt", ["exact", "claims"]))
    "policy must be exact or claims; did you mean `exact`?, got 'exakt'"
    """
    if isinstance(value, str) and value in choices:
        return None
    *most, last = map(escaped, choices)
    names = f"{', '.join(most)} or {last}" if most else last
    return _fault(argument, f"must be {names}{suggestion(value, choices)}", value, file)


def whole_number(
    argument: str, value: object, least: int, most: int | None = None, *, file: str | None = None
) -> Fault | None:
    """The fault of a value that must be a whole number, of Python or NumPy, in a range; most None: no upper end.

    >>> str(whole_number("day", 31.0, 0, 30))
    'day must be a whole number from 0 to 30, got 31.0'
    """
    limits = f"of {least} or more" if most is None else f"from {least} to {most}"
    try:
        number = None if isinstance(value, bool) else operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        number = None
    if number is None:
        return _fault(argument, f"must be a whole number {limits}", value, file)
    if number < least or (most is not None and number > most):
        return _fault(argument, f"must be {limits}", value, file)
    return None


def threads_number(value: object) -> Fault | None:
    """The fault of a number of threads, None of which means all cores."""
    return None if value is None else whole_number("threads", value, 1, MAX_THREADS)


def engine_name(value: object) -> Fault | None:
    """The fault of the name of an engine."""
    from sim.types import EngineName  # and NumPy, which not every command needs

    return choice("engine", value, get_args(EngineName))


def check_policy(value: object) -> Fault | None:
    """The fault of the policy of a check, None of which means the scenario's own."""
    from sim.types import CheckPolicy

    return None if value is None else choice("policy", value, get_args(CheckPolicy))


def switch(argument: str, value: object) -> Fault | None:
    """The fault of a value that must be True or False."""
    return None if isinstance(value, bool) else _fault(argument, "must be True or False", value)


def file_path(argument: str, value: object) -> Fault | None:
    """The fault of a value that must be the path of a file or folder; None is one that is left out."""
    is_path = value is None or isinstance(value, str | os.PathLike)
    return None if is_path else _fault(argument, "must be a path, a str or an os.PathLike", value)


def some(argument: str, values: Collection[object], what: str) -> Fault | None:
    """The fault of values of which there must be one at least."""
    return None if values else Fault(None, f"must be at least one {what}", argument=argument)


def callback(argument: str, value: object) -> Fault | None:
    """The fault of a value that must be a function; None is one that is left out."""
    return None if value is None or callable(value) else _fault(argument, "must be a function", value)


def _fault(argument: str, rule: str, value: object, file: str | None = None) -> Fault:
    text = escaped(repr(value))
    text = text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 1]}…"
    return Fault(file, rule, value=text, argument=argument)
