"""Errors with messages of one line each; knows nothing of files, models or runs.

Every error that a user can cause or see is a :class:`SimError`; the command line prints its text and exits with its
``exit_code`` (DESIGN, "Command line"): 2 bad input, 3 interrupted, 4 the machine or another writer prevents it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

SHOWN_FAULTS = 20
"""Faults of an input file that a message lists; of more it gives the number."""
COUNTED_FAULTS = 1000
"""Reading stops after this many faults: a wrong file needn't be read to its end."""


class SimError(Exception):
    """Base of all errors with a clean message; ``exit_code`` is what the command line exits with."""

    exit_code = 2


@dataclass(frozen=True)
class Fault:
    """One fault of an input file.

    ``str()`` gives ``file:line: path: rule, got value``; the parts that don't apply are left out.
    """

    file: str
    rule: str
    line: int | None = None
    path: str | None = None
    value: str | None = None

    def __str__(self) -> str:
        """One line: place, rule, value given."""
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        path = f" {self.path}:" if self.path else ""
        value = f", got {self.value}" if self.value is not None else ""
        return f"{place}:{path} {self.rule}{value}"


class InputError(SimError):
    """Bad input: all faults found, in order of file and line."""

    exit_code = 2

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__(self.faults)  # as its argument: SimPy and pickle make an error again from its ``args``

    def __str__(self) -> str:
        """A line for each fault."""
        return "\n".join(str(fault) for fault in self.faults)


class InterruptedRunError(SimError):
    """A run that was interrupted and can be resumed."""

    exit_code = 3


class MachineError(SimError):
    """The machine or another writer prevents it: disk, memory, a locked run folder."""

    exit_code = 4
