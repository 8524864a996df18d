"""A scenario's keys, flat: what a baseline records of them, and which have changed since; knows no runs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from sim.formatting import Path, path_text
from sim.regression.result import Change
from sim.scenario import Loaded, resolved
from sim.scenario.resolve.sources import ScenarioSource
from sim.store import provenance

__all__ = ["Keys", "changes"]

DESCRIPTIVE = ("name", "title", "description")
"""Keys that change nothing that is run."""
FILES = ("roster", "follow_graph")
"""Input files whose content decides; that of scenario files does by their keys."""


@dataclass(frozen=True)
class Keys:
    """A resolved scenario's keys by path, and its input files.

    What the file doesn't state is kept separately: such a key may come or go with a version of Headshare although the
    scenario is the same.
    """

    scenario: dict[str, Any]
    """Values that the file states, for its runs or for their size in a check."""
    defaults: dict[str, Any]
    """All other values."""
    orders: dict[str, list[str]]
    """Names in each table of tables: their order decides (tiers, surfaces, segments)."""
    inputs: dict[str, str]
    """Digest of each input file, and of each of the user's own policies and measures with what it imports."""

    @classmethod
    def of(cls, loaded: Loaded, source: ScenarioSource) -> Keys:
        """Keys of a scenario and of the file that it was loaded from."""
        entries = list(_entries(loaded, source))
        return cls(
            scenario={entry.key: entry.value for entry in entries if entry.line is not None},
            defaults={entry.key: entry.value for entry in entries if entry.line is None},
            orders={path_text(path): names for path, names in _orders(_effective(loaded), ())},
            inputs={key: sha[:12] for key, sha in loaded.inputs.items() if key in FILES} | _plugins(loaded),
        )


def _plugins(loaded: Loaded) -> dict[str, str]:
    own = (provenance.plugins(loaded) or {}).items()
    short = {name: hashlib.sha256(json.dumps(files).encode()).hexdigest()[:12] for name, files in own}
    return {name if provenance.is_measure(name) else f"policy {name}": digest for name, digest in short.items()}


class _Entry(NamedTuple):
    key: str
    value: Any
    line: int | None
    """Where the file states it; None: nowhere."""
    base: str | None
    """File and line where a file that it extends states it; None: it does itself."""


def changes(old: Keys, loaded: Loaded, source: ScenarioSource) -> tuple[Change, ...]:
    """Keys whose values differ from those of a baseline, first those that the file states.

    A key that only one of the two has is a change if that one states it.
    """
    before = {**old.defaults, **old.scenario}
    entries = list(_entries(loaded, source))
    now = {entry.key for entry in entries}
    found = [
        Change(key, before.get(key), value, line, base)
        for key, value, line, base in entries
        if before.get(key) != value and (key in before or line is not None)
    ]
    found += [Change(key, value, None, None) for key, value in old.scenario.items() if key not in now]
    for path, names in _orders(_effective(loaded), ()):
        kept = [name for name in old.orders.get(path_text(path), ()) if name in names]
        again = [name for name in names if name in kept]
        if kept != again:
            found.append(Change(f"order of {path_text(path)}", kept, again, _line(path, source)))
    inputs = Keys.of(loaded, source).inputs
    for key in dict.fromkeys([*old.inputs, *inputs]):
        if old.inputs.get(key) != inputs.get(key):
            line = None if key.startswith(("policy ", "measure ")) else _line(("influencers", key), source)
            found.append(Change(f"content of the {key}", old.inputs.get(key), inputs.get(key), line))
    return tuple(sorted(found, key=lambda change: change.line is None))


def _effective(loaded: Loaded) -> dict[str, Any]:
    return {key: part for key, part in resolved(loaded).items() if key not in DESCRIPTIVE}


def _entries(loaded: Loaded, source: ScenarioSource) -> Iterator[_Entry]:
    for path, value in _flat(_effective(loaded), ()):
        sized: Path = ("check", "replications") if path == ("replications",) else ("check", "size", *path)
        stated = path if _line(sized, source) is None else sized
        place = source.places.of(stated)
        base = None if place.file == source.file else f"{place.file}:{place.line}"
        yield _Entry(path_text(path), value, _line(stated, source), base)


def _flat(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    """Paths of all values; an empty table is one, and so is a list."""
    if not isinstance(value, dict) or not value:
        yield path, value
        return
    for key, child in value.items():
        yield from _flat(child, (*path, key))


def _orders(table: Mapping[str, Any], path: Path) -> Iterator[tuple[Path, list[str]]]:
    tables = {key: entry for key, entry in table.items() if isinstance(entry, dict)}
    if path and len(table) > 1 and len(tables) == len(table):
        yield path, list(table)
    for key, entry in tables.items():
        yield from _orders(entry, (*path, key))


def _line(path: Path, source: ScenarioSource) -> int | None:
    """Line on which the file states a value or a table; None: it doesn't."""
    data: Any = source.data
    for key in path:
        if not isinstance(data, dict):
            break  # one value in place of a table, as 0.5 is of a distribution
        if key not in data:
            return None
        data = data[key]
    return source.lines.of(path)
