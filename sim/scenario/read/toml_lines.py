"""Line numbers of the keys of a TOML text, and the depth of its nesting; knows nothing of what the keys mean.

``tomllib`` gives no positions. This scanner reads the same grammar only as far as places need it. At the first thing
that it can't read it stops, for there ``tomllib`` stops too. It runs *before* the parser, in linear time, because the
parser's time grows with the square of a dotted key's length and its stack with the nesting.
"""

from __future__ import annotations

import contextlib
import re
import tomllib
from collections.abc import ItemsView

from sim.formatting import Path

__all__ = ["MAX_TOML_DEPTH", "Lines", "TooDeepError", "dotted_key", "index"]

MAX_TOML_DEPTH = 32

_SPACE = re.compile(r"(?:[ \t\r\n]++|#[^\n]*+)*+")
_REST_OF_LINE = re.compile(r"[ \t]*+(?:#[^\n]*+)?(?:\n|\Z)")
_KEY = re.compile(r"""[ \t]*+("(?:[^"\\\n]++|\\[^\n])*+"|'[^'\n]*+'|[A-Za-z0-9_-]++)[ \t]*+""")
_BARE_KEY = re.compile(r"[ \t]*+([A-Za-z0-9_-]++(?:\.[A-Za-z0-9_-]++)*+)[ \t]*+(?=[=\]])")
_FLAT_ARRAY = re.compile(r"""\[(?:[ \t]*+[^\s,\[\]{}#"']++[ \t]*+,?)*+[ \t]*+\]""")
"""Plain entries on one line, which need no places of their own."""
_SCALAR = re.compile(
    r'"""(?:[^"\\]++|\\[\s\S]|"(?!""))*+"""(?:""|")?'
    r"|'''[\s\S]*?'''(?:''|')?"
    r'|"(?!"")(?:[^"\\\n]++|\\[^\n])*+"'
    r"|'(?!'')[^'\n]*+'"
    r"""|[^\s,\]}#"'][^,\]}#\n]*+"""
)


class TooDeepError(Exception):
    """Tables, brackets or a dotted key nest deeper than ``MAX_TOML_DEPTH``."""

    def __init__(self, line: int) -> None:
        """Remember the line."""
        self.line = line
        super().__init__(line)


class _StopError(Exception):
    """Something that isn't TOML: the parser will report it."""


class Lines:
    """Line numbers of paths; a path that has none of its own gets that of its nearest parent."""

    def __init__(self, lines: dict[Path, int]) -> None:
        """Take the lines of all paths that have one."""
        self._lines = lines

    def of(self, path: Path) -> int:
        """The line of a path, from 1; that of the nearest parent, at last line 1."""
        while path and path not in self._lines:
            path = path[:-1]
        return self._lines.get(path, 1)

    def knows(self, path: Path) -> bool:
        """Whether the path has a line of its own."""
        return path in self._lines

    def items(self) -> ItemsView[Path, int]:
        """All paths that have a line of their own, with it."""
        return self._lines.items()


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.lines: dict[Path, int] = {}
        self.table_counts: dict[Path, int] = {}
        self._line = 1
        self._counted = 0

    def line(self) -> int:
        """The line of the present position, counted from the last one that was looked up."""
        self._line += self.text.count("\n", self._counted, self.at)
        self._counted = self.at
        return self._line

    def take(self, token: str) -> bool:
        found = self.text.startswith(token, self.at)
        if found:
            self.at += len(token)
        return found

    def need(self, token: str) -> None:
        if not self.take(token):
            raise _StopError

    def skip(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.text, self.at)
        if match is None:
            raise _StopError
        self.at = match.end()
        return match[match.lastindex or 0]

    def check(self, depth: int) -> None:
        if depth > MAX_TOML_DEPTH:
            raise TooDeepError(self.line())

    def keys(self) -> list[str]:
        """A dotted key."""
        if bare := _BARE_KEY.match(self.text, self.at):
            self.at = bare.end()
            keys = bare[1].split(".")
            self.check(len(keys))
            return keys
        keys = []
        while True:
            keys.append(_key(self.skip(_KEY)))
            self.check(len(keys))
            if not self.take("."):
                return keys

    def put(self, path: Path) -> None:
        self.check(len(path))
        self.lines.setdefault(path, self.line())

    def header(self) -> Path:
        """``[a.b]`` or ``[[a.b]]``: the path of the table that the following lines fill."""
        of_array = self.take("[[")
        if not of_array:
            self.need("[")
        keys = self.keys()
        self.need("]]" if of_array else "]")
        path: Path = ()
        for key in keys[:-1]:
            path = (*path, key)
            self.put(path)
            if path in self.table_counts:
                path = (*path, self.table_counts[path] - 1)
        path = (*path, keys[-1])
        self.check(len(path) + of_array)
        if of_array:
            self.put(path)
            count = self.table_counts.get(path, 0)
            self.table_counts[path] = count + 1
            path = (*path, count)
        self.lines[path] = self.line()  # a table's own header comes before one that only goes through it
        return path

    def pair(self, path: Path) -> None:
        """``key = value`` inside the table at ``path``."""
        line = self.line()  # that of all parts of a dotted key
        for key in self.keys():
            path = (*path, key)
            self.check(len(path))
            self.lines.setdefault(path, line)
        self.need("=")
        self.skip(_SPACE)
        self.value(path)

    def value(self, path: Path) -> None:
        if flat := _FLAT_ARRAY.match(self.text, self.at):
            self.check(len(path) + 1)
            self.at = flat.end()
        elif self.take("["):
            self.array(path)
        elif self.take("{"):
            self.skip(_SPACE)
            while not self.take("}"):
                self.pair(path)
                self.skip(_SPACE)
                self.take(",")
                self.skip(_SPACE)
        else:
            self.skip(_SCALAR)

    def array(self, path: Path) -> None:
        self.check(len(path) + 1)
        line, entry = self.line(), 0
        self.skip(_SPACE)
        while not self.take("]"):
            place = (*path, entry)
            # An entry on the line of its array needs no place of its own: it falls back to that one.
            if self.line() != line:
                self.put(place)
            self.value(place)
            entry += 1
            self.skip(_SPACE)
            self.take(",")
            self.skip(_SPACE)

    def scan(self) -> None:
        table: Path = ()
        self.skip(_SPACE)
        while self.at < len(self.text):
            if self.text.startswith("[", self.at):
                table = self.header()
            else:
                self.pair(table)
            self.skip(_REST_OF_LINE)
            self.skip(_SPACE)


def _key(raw: str) -> str:
    """The key that a bare or quoted one means."""
    if raw[0] not in "\"'":
        return raw
    if "\\" not in raw or raw[0] == "'":
        return raw[1:-1]
    try:
        return str(tomllib.loads(f"key = {raw}")["key"])
    except tomllib.TOMLDecodeError as error:
        raise _StopError from error


def index(text: str) -> Lines:
    """Line numbers of all tables and keys of a TOML text, good or bad.

    Parameters
    ----------
    text
        The text, its lines ended by ``\\n`` or ``\\r\\n``.

    Raises
    ------
    TooDeepError
        Tables, brackets or a dotted key nest deeper than ``MAX_TOML_DEPTH``; with the line.

    Notes
    -----
    O(length).

    >>> lines = index("a = 1\\n[b]\\nc.d = [\\n 1,\\n 2]\\n")
    >>> lines.of(("b", "c", "d", 1)), lines.of(("b", "x"))
    (5, 2)
    """
    scanner = _Scanner(text.replace("\r\n", "\n"))
    with contextlib.suppress(_StopError):
        scanner.scan()
    return Lines(scanner.lines)


def dotted_key(text: str) -> tuple[Path, str] | None:
    """The path of the dotted key that a text begins with, and what follows it; None: it begins with no key.

    Raises
    ------
    TooDeepError
        It has more than ``MAX_TOML_DEPTH`` parts.

    >>> dotted_key('agencies."a=b".count = 3')
    (('agencies', 'a=b', 'count'), '= 3')
    """
    scanner = _Scanner(text)
    try:
        path = tuple(scanner.keys())
    except _StopError:
        return None
    return path, text[scanner.at :]
