"""Where verbs print to: streams that can be printed to wherever they lead, consoles as wide as the terminal."""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, TextIO

from sim.errors import MachineError

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["WIDTH", "console_for", "mend_streams"]

WIDTH = 80


class _Trimmed(io.TextIOBase):
    """A stream that takes whole lines and leaves out what is blank at their ends."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """Of the stream: where it is ASCII, tables are drawn in ASCII."""
        return self._stream.encoding or "utf-8"

    def write(self, text: str) -> int:
        self._stream.write(re.sub(r" +$", "", text, flags=re.MULTILINE))
        return len(text)

    def flush(self) -> None:
        self._stream.flush()


def console_for(*, stderr: bool = False) -> Console:
    """Console that fits the terminal; piped, plain text of 80 columns."""
    from rich.console import Console

    console = Console(stderr=stderr, highlight=False)
    if not console.is_terminal:
        plain = _Trimmed(sys.stderr if stderr else sys.stdout)
        console = Console(file=plain, highlight=False, width=WIDTH, color_system=None)  # type: ignore[arg-type]
    return console


class _Lasting(io.TextIOWrapper):
    """A standard stream that takes all text, after a failure too; what its encoding lacks becomes an escape.

    A reader of the output may leave, and messages need no reader: what is printed then goes nowhere. Output that can't
    be written for another reason is a ``MachineError``, once.
    """

    def __init__(self, stream: io.TextIOWrapper, what: str | None) -> None:
        """Take the place of a stream; ``what`` names it in the error, None: there is none."""
        super().__init__(
            stream.buffer,
            encoding=stream.encoding,
            errors="backslashreplace",
            line_buffering=stream.line_buffering,
            write_through=stream.write_through,
        )
        self._what = what

    def write(self, text: str) -> int:
        with self._failing_once():
            super().write(text)
        return len(text)

    def flush(self) -> None:
        with self._failing_once():
            super().flush()

    @contextlib.contextmanager
    def _failing_once(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())
            os.close(nowhere)
            if self._what is not None and not isinstance(error, BrokenPipeError):
                raise MachineError(f"{self._what}: can't be written: {error.strerror or error}") from error


def mend_streams() -> None:
    """Make the process's standard streams fit for use: closed ones lead nowhere, the others are lasting."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:  # else the next file that is opened gets its number, and what is printed
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free: this one
            os.set_inheritable(number, True)
        stream = getattr(sys, name)
        if stream is None:
            stream = open(os.devnull, "w" if number else "r", encoding="utf-8", errors="backslashreplace")  # noqa: SIM115
            setattr(sys, name, stream)
        elif number and isinstance(stream, io.TextIOWrapper):
            setattr(sys, name, _Lasting(stream, "standard output" if name == "stdout" else None))
