"""How keys and values of an input file are shown in a message; knows nothing of what they mean."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Any

__all__ = ["escaped", "key_text", "nearest", "one_of", "path_text", "shown", "suggestion"]

Path = tuple[str | int, ...]

_BARE = re.compile(r"[A-Za-z0-9_-]{1,60}")
_SHORT = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}


def escaped(text: str) -> str:
    """The text with everything unprintable (controls, bidirectional marks, lone surrogates) as an escape.

    >>> escaped("a\\x1b[2Jb")
    'a\\\\u001b[2Jb'
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else _SHORT.get(c) or _code(ord(c)) for c in text)


def _code(point: int) -> str:
    return f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _pieces(value: Any, limit: int) -> Iterator[str]:
    """The TOML form of a value, piece by piece, so that a huge one needn't be written out to be cut."""
    if isinstance(value, bool):
        yield "true" if value else "false"
    elif isinstance(value, int):
        # Python refuses to write out an integer of more than 4,300 decimal digits.
        yield str(value) if abs(value) < 10**limit else hex(value)[: limit + 1]
    elif isinstance(value, str):
        inner = escaped(value[: limit + 1].replace("\\", "\\\\").replace('"', '\\"'))
        yield f'"{inner}"'
    elif isinstance(value, dict):
        yield "{"
        for i, (key, entry) in enumerate(value.items()):
            yield f"{', ' if i else ''}{key_text(str(key))} = "
            yield from _pieces(entry, limit)
        yield "}"
    elif isinstance(value, (list, tuple)):
        yield "["
        for i, entry in enumerate(value):
            if i:
                yield ", "
            yield from _pieces(entry, limit)
        yield "]"
    elif isinstance(value, (datetime.date, datetime.time)):
        yield value.isoformat()
    elif value is None:
        yield "nothing"
    else:
        yield escaped(repr(value))


def shown(value: Any, limit: int = 60) -> str:
    """A value as TOML writes it, cut to ``limit`` characters, unprintable ones escaped.

    >>> shown({"kind": "feed", "slots": 3, "distinct": True})
    '{kind = "feed", slots = 3, distinct = true}'
    """
    text = ""
    for piece in _pieces(value, limit):
        text += piece
        if len(text) > limit:
            break
    return _cut(text, limit)


def key_text(key: str) -> str:
    """A key as TOML writes it: bare where it can be, else quoted."""
    return key if _BARE.fullmatch(key) else shown(key)


def path_text(path: Path) -> str:
    """A path with dots between keys and list indexes in brackets.

    >>> path_text(("agencies", "big one", "verticals", 2))
    'agencies."big one".verticals[2]'
    """
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{key_text(part)}" if text else key_text(part)
    return text


def nearest(given: object, names: Iterable[str]) -> str | None:
    """The name that the given one was most likely meant to be, or None when none is near."""
    if not isinstance(given, str):
        return None
    found = get_close_matches(given[:100], list(names), n=1, cutoff=0.6)
    return found[0] if found else None


def suggestion(given: object, names: Iterable[str]) -> str:
    """``; did you mean `x`?``, or nothing."""
    near = nearest(given, names)
    return f"; did you mean `{escaped(near)}`?" if near is not None else ""


def one_of(names: Iterable[object]) -> str:
    """The names as a list for a message, cut where it gets long.

    >>> one_of(["feed", "discovery"])
    '"feed", "discovery"'
    """
    return _cut(", ".join(shown(name) for name in names), 200)
