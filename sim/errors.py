"""Errors with messages of one line each; knows nothing of files, models or runs.

Every error that a user can cause or see is a :class:`SimError`; the command line prints its text and exits with its
``exit_code`` (DESIGN, "Command line"): 2 bad input, 3 interrupted, 4 the machine or another writer prevents it.

A message that names an argument of the Python API names it by :func:`named`: as a keyword of Python, unless the caller
is the command line, which has the message name the flag.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass

Naming = Callable[[str, object], str]
"""How an argument is written, given its name and its value (None: the name alone)."""


def _keyword(argument: str, value: object) -> str:
    return argument if value is None else f"{argument}={_quoted(value)}"


def _quoted(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)


_naming: ContextVar[Naming] = ContextVar("naming", default=_keyword)


def named(argument: str, value: object = None, *, python: str | None = None) -> str:
    """An argument, alone or with a value, as the caller writes it; ``python`` is what does the same in Python where no
    function has such an argument.

    >>> named("suggested_columns", True), named("threads")
    ('suggested_columns=True', 'threads')
    """
    name = _naming.get()
    return python if name is _keyword and python is not None else name(argument, value)


@contextlib.contextmanager
def naming(way: Naming) -> Iterator[None]:
    """Name arguments in another way within the block, in this thread."""
    before = _naming.set(way)
    try:
        yield
    finally:
        _naming.reset(before)


class SimError(Exception):
    """Base of all errors with a clean message; ``exit_code`` is what the command line exits with."""

    exit_code = 2


@dataclass(frozen=True)
class Fault:
    """One fault of an input file, or of an argument.

    ``str()`` gives ``file:line: path: rule, got value`` or ``file: argument rule, got value``; the parts that don't
    apply are left out.
    """

    file: str | None
    """None: of an argument, whatever the files say."""
    rule: str
    line: int | None = None
    path: str | None = None
    value: str | None = None
    argument: str | None = None
    """Name of the argument in the Python API."""

    def __str__(self) -> str:
        """One line: place, rule, value given."""
        file = "" if self.file is None else f"{self.file}: " if self.line is None else f"{self.file}:{self.line}: "
        path = f"{self.path}: " if self.path else ""
        argument = f"{named(self.argument)} " if self.argument else ""
        value = f", got {self.value}" if self.value is not None else ""
        return f"{file}{path}{argument}{self.rule}{value}"


class InputError(SimError):
    """Bad input: all faults found, in order of file and line."""

    exit_code = 2

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__(self.faults)  # as its argument: SimPy and pickle make an error again from its ``args``

    def __str__(self) -> str:
        """A line for each fault."""
        return "\n".join(str(fault) for fault in self.faults)


class ArgumentError(InputError, ValueError):
    """Arguments of a function, or of a command, that can't be used: all of them, each with its rule and value."""


class InterruptedRunError(SimError):
    """A run that was interrupted and can be resumed."""

    exit_code = 3


class MachineError(SimError):
    """The machine or another writer prevents it: disk, memory, a locked run folder."""

    exit_code = 4
