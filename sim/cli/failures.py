"""How a verb that fails ends: one message, with ``--json`` an object too, an exit code; knows no verb.

Messages name flags here, where those of the Python API name keywords: see ``sim.errors.named``.
"""

from __future__ import annotations

import contextlib
import functools
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NoReturn, ParamSpec, TextIO

import typer

from sim.errors import Fault, InputError, InterruptedRunError, MachineError, SimError, named, naming

__all__ = [
    "asks_for_object",
    "failure",
    "leave",
    "object_is_printed",
    "output_for_object",
    "print_object",
    "verb",
]

Options = ParamSpec("Options")
FLAGS = {"name": "--chart", "reason": "--update --reason", "runs": "RUN"}
"""Of arguments that the command line calls otherwise than ``--argument-name``."""
_printed: list[bool] = []
_streams: list[TextIO] = []
"""Where an object goes while everything else goes to standard error."""


def verb(function: Callable[Options, None]) -> Callable[Options, None]:
    """A command whose errors become one message and the exit code of DESIGN; with ``--debug``, after a traceback."""

    @functools.wraps(function)
    def clean(*args: Options.args, **options: Options.kwargs) -> None:
        as_json = bool(options.get("as_json"))
        with naming(flag):
            try:
                with output_for_object() if as_json else contextlib.nullcontext():
                    function(*args, **options)
            except Exception as error:
                if options.get("debug"):
                    import traceback

                    traceback.print_exc()
                leave(error, as_json)
            except KeyboardInterrupt:
                leave(InterruptedRunError("interrupted"), as_json)

    return clean


def flag(argument: str, value: object) -> str:
    """An argument of the Python API as the command line has it.

    >>> flag("suggested_columns", True), flag("reason", "TEXT"), flag("threads", None)
    ('--suggested-columns', '--update --reason TEXT', '--threads')
    """
    option = FLAGS.get(argument) or f"--{argument.replace('_', '-')}"
    return option if value is None or value is True else f"{option} {value}"


def leave(error: Exception, as_json: bool, **found: Any) -> NoReturn:
    """Print one message, as an object too where one is asked for (with what was found), and exit with its code."""
    match error:
        case SimError():
            message, code = str(error), error.exit_code
        case typer.BadParameter():
            raise error  # typer shows it with the usage
        case MemoryError():
            message, code = "out of memory", MachineError.exit_code
        case OSError(strerror=str()):
            message, code = f"{error.filename or 'input or output'}: {error.strerror}", MachineError.exit_code
        case _:
            message = f"sim failed: {type(error).__name__}: {error} (--debug shows where; please report it)"
            code = MachineError.exit_code
    print(message, file=sys.stderr)
    if as_json:
        print_object(failure(code, message, error.faults if isinstance(error, InputError) else ()) | found)
    raise SystemExit(code)


def failure(code: int, error: str, faults: Iterable[Fault] = ()) -> dict[str, Any]:
    """What every object says of an exit other than 0: its code, the message, and the faults behind it."""
    return {"code": code, "error": error, "faults": [_object(fault) for fault in faults]}


def _object(fault: Fault) -> dict[str, Any]:
    """A fault as an object; the path of an argument is its flag."""
    path = named(fault.argument) if fault.argument else fault.path
    return {"file": fault.file, "line": fault.line, "path": path, "rule": fault.rule, "value": fault.value}


def asks_for_object(args: Iterable[str]) -> bool:
    """Whether a command line, which may be a wrong one, asks for an object in place of text."""
    for arg in args:
        if arg in ("--json", "--"):
            return arg == "--json"
    return False


def print_object(found: dict[str, Any], indent: int | None = None) -> None:
    """What a verb found, or why it didn't, as JSON, on one line unless indented: the last that a command prints."""
    _printed.append(True)
    stream = _streams[-1] if _streams else sys.stdout
    is_unicode = (stream.encoding or "utf-8").lower().replace("-", "") == "utf8"
    print(json.dumps(found, ensure_ascii=not is_unicode, indent=indent), file=stream, flush=True)


@contextlib.contextmanager
def output_for_object() -> Iterator[None]:
    """Keep standard output for the object: whatever else is printed, by a plugin too, goes to standard error."""
    _streams.append(sys.stdout)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        _streams.pop()


def object_is_printed() -> bool:
    """Whether this process has begun to print its object, so that there must not be another."""
    return bool(_printed)
