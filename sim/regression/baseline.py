"""The baseline of a scenario: a small, stable, sealed text that outputs are compared with; knows no runs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sim.errors import MachineError, named
from sim.files import whole_file
from sim.regression.content import Content
from sim.regression.keys import Keys
from sim.scenario.read.toml_file import open_regular
from sim.store.sealed_json import Format, SealedJson

__all__ = ["Baseline", "BaselineError", "read_baseline", "write_baseline"]

AGAIN = "`sim check FILE --update --reason TEXT` writes it again"
FORMAT = Format(2, AGAIN)
MAX_BYTES = 16 << 20


class BaselineError(Exception):
    """There is no baseline, or it is damaged: a failed check."""


@dataclass(frozen=True)
class Baseline:
    """What a scenario's outputs were, and why they were taken for right."""

    name: str
    reason: str
    """Why it was written."""
    versions: dict[str, str]
    """Of what it was written with, by name."""
    replications: int
    keys: Keys
    """Of the scenario as it was run."""
    content: Content
    """Of that many replications; values of as many as were wanted for the statistics."""

    def to_text(self) -> str:
        """The text of its file."""
        parts: dict[str, Any] = {
            "schema": FORMAT.number,
            "name": self.name,
            "reason": self.reason,
            "versions": self.versions,
            "replications": self.replications,
            **asdict(self.keys),
            **asdict(self.content),
        }
        return SEALED.to_bytes(parts).decode()


def _layout(parts: Mapping[str, Any]) -> bytes:
    """JSON with sorted keys inside and a line for each value, lists of numbers on one line."""
    body = ",\n".join(f" {json.dumps(key)}: {''.join(_lines(part, 1))}" for key, part in parts.items())
    # A lone surrogate (a command line can contain some) becomes a JSON escape.
    return f"{{\n{body}\n}}\n".encode("utf-8", "backslashreplace")


def _lines(value: Any, depth: int) -> str:
    end = "\n" + " " * depth
    if isinstance(value, dict) and value:
        inner = (f"{json.dumps(key, ensure_ascii=False)}: {_lines(value[key], depth + 1)}" for key in sorted(value))
        return "{" + ",".join(f"{end} {line}" for line in inner) + end + "}"
    if isinstance(value, list) and value and all(isinstance(entry, str) for entry in value):
        return "[" + ",".join(f"{end} {json.dumps(entry, ensure_ascii=False)}" for entry in value) + end + "]"
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


SEALED = SealedJson(
    "baseline",
    FORMAT,
    ("name", "reason", "versions", "replications", *Keys.__dataclass_fields__, *Content.__dataclass_fields__),
    _layout,
)


def read_baseline(path: Path, name: str) -> Baseline:
    """Read the baseline of the scenario of this name.

    Raises
    ------
    BaselineError
        It isn't there, can't be read, is of another version or scenario, or damaged or edited.
    """
    try:
        with open_regular(path) as stream:
            raw = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise BaselineError(f"there is no baseline; {named('reason', 'TEXT')} writes one") from None
    except OSError as error:
        raise BaselineError(f"can't be read: {error.strerror or error}") from error
    text = raw.decode("utf-8", "replace").replace("\r\n", "\n")
    if "\n<<<<<<< " in f"\n{text}":
        raise BaselineError(f"has an unresolved merge conflict; resolve it, or {AGAIN}")
    try:
        parts = SEALED.from_bytes(text.encode())
    except ValueError as error:
        raise BaselineError(str(error)) from None
    if parts["name"] != name:
        raise BaselineError(f"is the baseline of {parts['name']!r}, not of {name!r}; {AGAIN}")
    keys = Keys(**{name: parts[name] for name in Keys.__dataclass_fields__})
    content = Content(**{name: parts[name] for name in Content.__dataclass_fields__})
    return Baseline(parts["name"], parts["reason"], parts["versions"], parts["replications"], keys, content)


def write_baseline(path: Path, baseline: Baseline) -> None:
    """Write it, whole or not at all; ``MachineError`` where the system refuses."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MachineError(f"{path.parent}: {error.strerror or error}") from error
    with whole_file(path) as stream:
        stream.write(baseline.to_text().encode())
