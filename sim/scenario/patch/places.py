"""Where the keys of a scenario are given: its file, a file that it extends, or the command; knows no models' rules."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from sim.formatting import Path, path_text
from sim.scenario.patch.patches import merged, replaces

__all__ = ["Layer", "Place", "Places", "layered"]


class Place(NamedTuple):
    """Where a key is given."""

    file: str
    """As shown in messages; of a setting, the scenario's own."""
    line: int | None
    """None: not in a file with lines."""
    setting: str | None = None
    """The setting as the caller wrote it, ``set["support.share"]``; None: the file has it."""
    key: Path = ()
    """The key of the setting."""

    def path_text(self, path: Path) -> str | None:
        """How a message names the path, which this is the place of; None: the file as a whole."""
        text = path_text(path) or None
        if self.setting is None:
            return text
        return self.setting if path == self.key else f"{self.setting}: {text}"


class Places:
    """Places of the keys of a scenario; a path that has none of its own gets that of its nearest parent."""

    def __init__(
        self, file: str, places: Mapping[Path, Place] | None, changed: Mapping[Path, Place] = MappingProxyType({})
    ) -> None:
        """Take the scenario's file, the places of the paths that have one (None: it isn't a file with lines), and for
        tables that a setting changes in part the place of the last one that does.
        """
        self._places = {} if places is None else places
        self._changed = changed
        self._top = Place(file, None if places is None else 1)

    def of(self, path: Path) -> Place:
        """The place of a path, or of the nearest parent that has one; at last the file's first line."""
        if path in self._changed:  # what is wrong with a table as a whole comes of the setting
            return self._changed[path]
        while path and path not in self._places:
            path = path[:-1]
        return self._places.get(path, self._top)

    def knows(self, path: Path) -> bool:
        """Whether the path has a place of its own."""
        return path in self._places

    @property
    def is_file(self) -> bool:
        """Whether there are lines at all."""
        return self._top.line is not None


class Layer(NamedTuple):
    """What a file or a setting gives, and where."""

    data: dict[str, Any]
    places: dict[Path, Place]
    changed: Mapping[Path, Place] = MappingProxyType({})
    """Of tables that a setting changes in part."""


def layered(base: Layer, above: Layer) -> Layer:
    """Two layers as one: tables merge as patches do, all else of the upper one replaces. Neither is changed.

    A value that is replaced takes along the places of all that is in it.
    """
    gone = _replaced(base.data, above.data, ())
    kept = {path: place for path, place in base.places.items() if not _is_in(path, gone)}
    return Layer(merged(base.data, above.data), kept | above.places, {**base.changed, **above.changed})


def _replaced(base: Mapping[str, Any], above: Mapping[str, Any], path: Path) -> set[Path]:
    """Paths of the values of a base that an upper layer replaces as a whole."""
    found: set[Path] = set()
    for key, entry in above.items():
        if key not in base:
            continue
        here, old = (*path, key), base[key]
        if isinstance(old, dict) and isinstance(entry, dict) and not replaces(here, old, entry):
            found |= _replaced(old, entry, here)
        else:
            found.add(here)
    return found


def _is_in(path: Path, above: set[Path]) -> bool:
    return bool(above) and any(path[:n] in above for n in range(1, len(path) + 1))
