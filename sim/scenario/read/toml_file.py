"""Reading a TOML file that may be hostile: capped before it is parsed; knows nothing of what it should contain."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import tomllib
from dataclasses import dataclass
from typing import Any, BinaryIO

from sim.errors import Fault, InputError
from sim.formatting import Path, escaped
from sim.scenario.read.toml_lines import MAX_TOML_DEPTH, Lines, TooDeepError, index

__all__ = ["MAX_TOML_BYTES", "TomlFile", "file_text", "huge_integers", "open_regular", "os_rule", "read_toml"]

MAX_TOML_BYTES = 256 * 1024
SAMPLE = 200
"""Bytes at the start of a file that show its encoding."""

_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_OF_ESCAPES = ("unescaped '\\'", "invalid hex value", "escaped character is not")
_LONG_NUMBER = re.compile(r"[0-9_]{4300}")
_NONBLOCK = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


@dataclass(frozen=True)
class TomlFile:
    """A parsed file: its name as shown in messages, its data, their lines, and the SHA-256 of its bytes."""

    file: str
    data: dict[str, Any]
    lines: Lines
    sha256: str


def file_text(path: str | os.PathLike[str]) -> str:
    """A file's name as the user gave it, fit to print."""
    return escaped(os.fspath(path))


def open_regular(path: str | os.PathLike[str]) -> BinaryIO:
    """Open a regular file for reading.

    Raises
    ------
    OSError
        It is missing, a folder, a pipe or a device, or can't be read; ``strerror`` says which.
    """
    try:
        handle = os.open(path, os.O_RDONLY | _NONBLOCK)  # a pipe without a writer must not block
    except ValueError as error:
        raise OSError(0, "no such file") from error  # a NUL in the name
    try:
        mode = os.fstat(handle).st_mode
        if stat.S_ISDIR(mode):
            raise OSError(0, "is a folder, not a file")
        if not stat.S_ISREG(mode):
            raise OSError(0, "is not a regular file")
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def os_rule(error: OSError) -> str:
    """An OSError's reason as a rule."""
    if isinstance(error, FileNotFoundError):
        return "no such file"
    if isinstance(error, PermissionError):
        return "can't be read: permission denied"
    if error.errno == 0:
        return str(error.strerror)
    return f"can't be read: {(error.strerror or str(error)).lower()}"


def _capped_bytes(path: str | os.PathLike[str]) -> bytes:
    try:
        with open_regular(path) as stream:
            return stream.read(MAX_TOML_BYTES + 1)
    except OSError as error:
        raise InputError([Fault(file_text(path), os_rule(error))]) from error


def _text(raw: bytes, file: str) -> str:
    """The bytes as text, or one fault."""
    if len(raw) > MAX_TOML_BYTES:
        raise InputError([Fault(file, f"must be at most {MAX_TOML_BYTES // 1024} KiB")])
    halves = (raw[:SAMPLE:2], raw[1:SAMPLE:2])
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")) or any(half.count(0) > 0.5 * len(half) for half in halves):
        raise InputError([Fault(file, "must be UTF-8, but is UTF-16 or UTF-32: save it as UTF-8", line=1)])
    if raw.startswith(b"\xef\xbb\xbf"):
        raise InputError([Fault(file, "must be UTF-8 without a byte order mark", line=1)])
    nul = raw.find(b"\x00")
    if nul >= 0:
        raise InputError([Fault(file, "must be text, but contains a NUL byte", line=raw.count(b"\n", 0, nul) + 1)])
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise InputError(
            [Fault(file, f"must be UTF-8, but contains the byte 0x{raw[error.start]:02x}", line)]
        ) from error


def _parse_fault(text: str, file: str, error: ValueError) -> Fault:
    place = _PLACE.search(str(error))
    if place is None:  # not a TOMLDecodeError: Python refuses decimal integers of more than 4,300 digits
        long_number = _LONG_NUMBER.search(text)
        at = long_number.start() if long_number else 0
        return Fault(file, "a number must have less than 4300 digits", text.count("\n", 0, at) + 1)
    said = str(error)[: place.start()]
    said = escaped(said[:1].lower() + said[1:300])
    if said.startswith(_OF_ESCAPES):
        said += "; in double quotes a backslash begins an escape, so paths are written with /"
    if place[1] is None:
        return Fault(file, f"not valid TOML: {said} (at the end of the file)", text.rstrip("\r\n").count("\n") + 1)
    return Fault(file, f"not valid TOML: {said} (column {place[2]})", int(place[1]))


def read_toml(path: str | os.PathLike[str]) -> TomlFile:
    """Read and parse a TOML file.

    Raises
    ------
    InputError
        One fault: missing, unreadable or no regular file; over 256 KiB; no UTF-8, a byte order mark or a NUL byte;
        nesting or a dotted key over 32; not TOML.
    """
    file = file_text(path)
    raw = _capped_bytes(path)
    text = _text(raw, file)
    try:
        lines = index(text)
    except TooDeepError as error:
        rule = f"brackets, tables and dotted keys must nest at most {MAX_TOML_DEPTH} deep"
        raise InputError([Fault(file, rule, error.line)]) from error
    try:
        data = tomllib.loads(text)
    except RecursionError as error:  # backstop: the cap above should have caught it
        raise InputError([Fault(file, "nests too deep", 1)]) from error
    except ValueError as error:
        raise InputError([_parse_fault(text, file, error)]) from error
    return TomlFile(file, data, lines, hashlib.sha256(raw).hexdigest())


def huge_integers(data: Any, path: Path = ()) -> list[tuple[Path, int]]:
    """Paths of all integers beyond 64 bits: legal to Python's parser, not in TOML, nor to the arrays of a run."""
    if isinstance(data, dict):
        return [found for key, entry in data.items() for found in huge_integers(entry, (*path, key))]
    if isinstance(data, list):
        return [found for i, entry in enumerate(data) for found in huge_integers(entry, (*path, i))]
    if isinstance(data, int) and not -(2**63) <= data < 2**63:
        return [(path, data)]
    return []
