"""A scenario's data from all that gives them: its file, those that it extends, settings; knows nothing of its rules."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

from sim.errors import Fault, InputError
from sim.formatting import shown
from sim.scenario.patch.places import Layer, Place, Places, layered
from sim.scenario.patch.settings import GivenSettings, with_settings
from sim.scenario.read.toml_file import TomlFile, read_toml
from sim.scenario.read.toml_lines import Lines
from sim.scenario.resolve.own_files import inside, unreadable, with_slashes
from sim.scenario.resolve.shipped import scenario_file, shipped_file, shipped_names

__all__ = ["EXTENDS", "ScenarioSource", "read_scenario", "resolved_source"]

EXTENDS = "extends"
MAX_FILES = 16
"""Files that a scenario can consist of, each but the last extending the next."""


@dataclass(frozen=True)
class ScenarioSource(TomlFile):
    """A scenario's data as its files and settings give them together.

    ``file``, ``sha256`` and ``lines`` are of its own file, where the line of a key that it inherits is that of
    ``extends``; ``data`` are those of all files and settings; ``places`` says where each key is given.
    """

    places: Places
    folders: Mapping[str, FilePath]
    """Folder of each file; empty: of none, for the data are those of a resolved scenario."""
    bases: Mapping[str, str]
    """SHA-256 of each file that it extends, by its path from the scenario's folder, or a shipped scenario's name."""

    def folder_of(self, *key: str) -> FilePath | None:
        """Folder of the file that gives a key, from which the paths in it count; None: there is none."""
        return self.folders.get(self.places.of(key).file)

    def sha256s(self) -> dict[str, str]:
        """SHA-256 of each file, by what a manifest calls it."""
        own = {"scenario": self.sha256} if self.folders else {}
        return own | {f"{EXTENDS} {name}": sha256 for name, sha256 in self.bases.items()}


def resolved_source(data: Mapping[str, Any], name: str) -> ScenarioSource:
    """The data of a resolved scenario, which is in no file; messages call it by the name."""
    return ScenarioSource(name, dict(data), Lines({}), "", Places(name, None), {}, {})


def read_scenario(path: str | os.PathLike[str], settings: GivenSettings = ()) -> ScenarioSource:
    """Read a scenario file and those that it extends.

    Parameters
    ----------
    path
        The TOML file, or the name of a shipped scenario.
    settings
        Values that take the place of the files', see ``with_settings``.

    Raises
    ------
    InputError
        A file can't be read or isn't TOML; ``extends`` names no file in the folder of its own or below, leads back to
        a file, or over more than ``MAX_FILES`` files; a setting isn't one. With file and line.
    """
    file = FilePath(scenario_file(path))
    own = read_toml(file)
    files = [(own, file)]
    while (base := _base(files)) is not None:
        files.append((read_toml(base), base))
    layers = [_layer(toml, is_last=toml is files[-1][0]) for toml, _ in files]
    layer = layers[-1]
    for above in reversed(layers[:-1]):
        layer = layered(layer, above)
    inherited = own.lines.of((EXTENDS,))
    lines = {p: place.line if place.file == own.file else inherited for p, place in layer.places.items() if place.line}
    layer = with_settings(layer, settings, own.file)
    return ScenarioSource(
        file=own.file,
        data=layer.data,
        lines=Lines({path: line for path, line in lines.items() if line is not None}),
        sha256=own.sha256,
        places=Places(own.file, layer.places, layer.changed),
        folders={toml.file: at.parent for toml, at in files},
        bases={_name(at, file.parent): toml.sha256 for toml, at in files[1:]},
    )


def _layer(toml: TomlFile, *, is_last: bool) -> Layer:
    """What a file gives; ``extends`` is no part of it, unless it names no file, which its model reports."""
    data = toml.data if is_last else {key: entry for key, entry in toml.data.items() if key != EXTENDS}
    return Layer(data, {path: Place(toml.file, line) for path, line in toml.lines.items()})


def _base(files: list[tuple[TomlFile, FilePath]]) -> FilePath | None:
    """The file that the last of the files extends; None: it names none."""
    toml, file = files[-1]
    name = toml.data.get(EXTENDS)
    if not isinstance(name, str):
        return None
    is_shipped = name in shipped_names() and not os.path.exists(file.parent / name)
    found = shipped_file(name) if is_shipped else inside(file.parent, name)
    rule = unreadable(found) if found else "must be a file in the folder of the one that extends it, or below"
    if rule is None and found and any(os.path.samefile(found, other) for _, other in files):
        rule = "leads back to a file that is extended already"
    if rule is None and len(files) == MAX_FILES:
        rule = f"a scenario can consist of at most {MAX_FILES} files"
    if rule is not None:
        place = toml.lines.of((EXTENDS,))
        raise InputError([Fault(toml.file, with_slashes(rule, name), place, EXTENDS, shown(name))])
    return found


def _name(file: FilePath, folder: FilePath) -> str:
    """A base's path from the scenario's folder, or its name where it is a shipped one elsewhere."""
    if file.is_relative_to(folder):
        return file.relative_to(folder).as_posix()
    return next(name for name in shipped_names() if shipped_file(name) == file)
