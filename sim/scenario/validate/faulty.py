"""Where a scenario's data are wrong, so that no rule reads them there; knows no rules and no messages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sim.formatting import Path, nearest
from sim.scenario.findings import Finding
from sim.scenario.validate.faults import expected, fields_of, kinds_of

__all__ = ["ANY", "NOWHERE", "Faulty", "faulty_paths"]

ANY = "*"
"""In a key, every name."""


class Faulty:
    """Paths at which a scenario's data are wrong."""

    def __init__(self, paths: Iterable[Path] = ()) -> None:
        """Take the paths, as ``faulty_paths`` gives them."""
        self.paths = frozenset(paths)
        self._above = {path[:n] for path in self.paths for n in range(len(path))}

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self.paths)

    def is_at(self, path: Path) -> bool:
        """Whether the path is wrong itself."""
        return path in self.paths

    def is_below(self, path: Path) -> bool:
        """Whether something below the path is wrong."""
        return path in self._above

    def covers(self, path: Path) -> bool:
        """Whether the path is wrong, or one above it."""
        return any(path[:n] in self.paths for n in range(1, len(path) + 1))

    def touches(self, path: Path) -> bool:
        """Whether the path is wrong, or one above or below it."""
        return self.covers(path) or self.is_below(path)

    def hides(self, key: Path) -> bool:
        """Whether a key can't be read, in which ``*`` is every name."""
        if ANY not in key:
            return self.touches(key)
        return any(_fits(path, key) for path in self.paths)

    def left_by(self, patch: Mapping[str, Any]) -> Faulty:
        """What is still wrong under a patch: all where it gives no value of its own."""
        return Faulty(path for path in self.paths if not _gives(patch, path)) if self else self

    def __or__(self, other: Faulty) -> Faulty:
        """The paths of both."""
        return Faulty(self.paths | other.paths) if other else self


NOWHERE = Faulty()


def _fits(path: Path, key: Path) -> bool:
    """Whether a path is at a key, above or below it."""
    return all(ANY in (part, other) or part == other for part, other in zip(key, path, strict=False))


def _gives(patch: Any, path: Path) -> bool:
    """Whether a patch gives a value of its own at the path or above it, not a table that is merged."""
    for key in path:
        if not isinstance(patch, dict):
            return True
        if key not in patch:
            return False
        patch = patch[key]
    return not isinstance(patch, dict)


def faulty_paths(wrong: Iterable[Finding], data: Mapping[str, Any]) -> Faulty:
    """Where data are wrong, given the findings of their models on them.

    A distribution and a list are wrong as a whole. A key that isn't known was most likely meant to be the one nearest
    to it, so that this one is wrong too unless the data have it.
    """
    found: set[Path] = set()
    for finding in wrong:
        above, key = finding.path[:-1], finding.path[-1]
        fields = fields_of(expected(above)[0])
        found.add(_unit(finding.path))
        if fields and key not in fields and (meant := nearest(key, fields)) and not _has(data, (*above, meant)):
            found.add(_unit((*above, meant)))
    return Faulty(found)


def _unit(path: Path) -> Path:
    """The path of the whole distribution, examination or list that a path is in, or the path itself."""
    for n, part in enumerate(path):
        if isinstance(part, int) or (n and kinds_of(expected(path[:n])[0])):
            return path[:n]
    return path


def _has(data: Any, path: Path) -> bool:
    for key in path:
        if not isinstance(data, dict) or key not in data:
            return False
        data = data[key]
    return True
