"""Where verbs print to: a terminal as wide as it is, or plain text of 80 columns; a reader may leave."""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["WIDTH", "console_for", "reader_may_leave"]

WIDTH = 80


class _Trimmed(io.TextIOBase):
    """A stream that takes whole lines and leaves out what is blank at their ends."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        self._stream.write(re.sub(r" +$", "", text, flags=re.MULTILINE))
        return len(text)

    def flush(self) -> None:
        self._stream.flush()


def console_for(*, stderr: bool = False) -> Console:
    """Console that fits the terminal; piped, plain text of 80 columns."""
    from rich.console import Console

    class Plain(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError  # rich would leave with 1

    console = Plain(stderr=stderr, highlight=False)
    if not console.is_terminal:
        plain = _Trimmed(sys.stderr if stderr else sys.stdout)
        console = Plain(file=plain, highlight=False, width=WIDTH, color_system=None)  # type: ignore[arg-type]
    return console


@contextlib.contextmanager
def reader_may_leave() -> Iterator[None]:
    """Where output is printed whose reader may leave early: printing ends then, without a complaint at shutdown."""
    try:
        yield
    except BrokenPipeError:
        _print_nowhere()
    finally:
        try:
            if sys.stdout is not None:
                sys.stdout.flush()  # here a full disk or a reader that has left is still told cleanly
        except BrokenPipeError:
            _print_nowhere()


def _print_nowhere() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
