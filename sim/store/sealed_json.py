"""JSON files with a format number and a seal, the SHA-256 of their own content; and what is said of another format.

It knows no run and no baseline: those say how their files are written, and which command writes an older one again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Format", "SealedJson"]


@dataclass(frozen=True)
class Format:
    """The format of a kind of file: its number, which grows with each change that older versions can't read."""

    number: int
    """What this version writes and reads, from 1."""
    again: str
    """How a file of an older format, or a damaged one, is made again: the command, or what to do."""

    def refusal(self, found: int) -> str | None:
        """Why a file of a format can't be read, in words; None: it can.

        >>> Format(2, "run it again").refusal(1)
        'has format 1, this version reads 2: run it again'
        >>> Format(2, "run it again").refusal(3)
        'has format 3, which a later version of Headshare wrote; this one reads 2'
        """
        if found > self.number:
            return f"has format {found}, which a later version of Headshare wrote; this one reads {self.number}"
        return None if found == self.number else f"has format {found}, this version reads {self.number}: {self.again}"


@dataclass(frozen=True)
class SealedJson:
    """A kind of JSON file with the keys ``schema``, its format's number, and ``seal``."""

    what: str
    """Its name in messages."""
    format: Format
    keys: tuple[str, ...]
    """Those that each file has, ``seal`` left out."""
    layout: Callable[[Mapping[str, Any]], bytes]
    """Bytes of an object; the same object gives the same bytes."""

    def to_bytes(self, parts: Mapping[str, Any]) -> bytes:
        """Bytes of the file with these keys: theirs and ``seal``, the SHA-256 of the bytes without."""
        return self.layout({**parts, "seal": hashlib.sha256(self.layout(parts)).hexdigest()})

    def from_bytes(self, content: bytes) -> dict[str, Any]:
        """The keys of a file, ``seal`` left out.

        Raises
        ------
        ValueError
            It is no such file, of another format, damaged or edited; the words follow its name in a message.
        """
        try:
            parts = json.loads(content)
        except (ValueError, RecursionError):  # ValueError: bad JSON, bad UTF-8, or a number of over 4300 digits
            raise ValueError(f"is no JSON: damaged, or no {self.what}") from None
        if not isinstance(parts, dict):
            raise ValueError(f"is no {self.what}: must be a JSON object")
        found = parts.get("schema")
        if "seal" in parts and type(found) is int and found > 0 and (refusal := self.format.refusal(found)):
            raise ValueError(refusal)
        if missing := _missing(parts, ("schema", *self.keys, "seal")):
            raise ValueError(f"is no {self.what}, or damaged: misses {', '.join(missing)}")
        del parts["seal"]
        try:
            intact = self.to_bytes(parts) == content
        except (ValueError, TypeError, RecursionError):
            intact = False
        if not intact:
            raise ValueError(f"differs from its own SHA-256: damaged, edited or merged by hand; {self.format.again}")
        return parts


def _missing(parts: Mapping[str, Any], keys: Sequence[str]) -> list[str]:
    return [key for key in dict.fromkeys(keys) if key not in parts]
