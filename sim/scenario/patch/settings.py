"""Values in place of those of a scenario's files, which a command or a Python call gives; knows no files."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sim.errors import ArgumentError, Fault, named
from sim.formatting import Path, escaped, shown
from sim.scenario.patch.places import Layer, Place, layered
from sim.scenario.read.toml_lines import MAX_TOML_DEPTH, TooDeepError, dotted_key, index

__all__ = ["GivenSettings", "with_settings"]

GivenSettings = Mapping[str, Any] | Sequence[str]
"""Values by dotted key, as Python gives them, or texts ``KEY=VALUE``, as the command line does."""

KEY_RULE = "must begin with a key as TOML has it, with dots and quotes: support.share"
EXTENDS_RULE = "can't name `extends`: which file a scenario extends, it says itself"
MOST_SHOWN = 100
"""Characters of a setting that a message repeats."""


def with_settings(layer: Layer, settings: GivenSettings, file: str) -> Layer:
    """A scenario's data with the settings on top, one after the other.

    Parameters
    ----------
    layer
        The data of its files. Not changed.
    settings
        A value that is a text ``KEY=VALUE`` is read as TOML where it is some, else as a string.
    file
        The scenario's own, as shown in messages.

    Raises
    ------
    ArgumentError
        All settings that have no key, or none that can be set.
    """
    if not isinstance(settings, Mapping | Sequence):
        raise ArgumentError([_fault("must be values by key, or texts KEY=VALUE", settings)])
    faults: list[Fault] = []
    for setting in _settings(settings, file, faults):
        layer = layered(layer, _with_tables(setting, layer))
    if faults:
        raise ArgumentError(faults)
    return layer


def _fault(rule: str, value: object) -> Fault:
    return Fault(None, rule, value=shown(value), argument="set")


def _settings(settings: GivenSettings, file: str, faults: list[Fault]) -> Iterator[Layer]:
    """Each setting as a layer; those that are none go to ``faults``."""
    texts = [settings] if isinstance(settings, str) else settings
    given = settings.items() if isinstance(settings, Mapping) else ((text, None) for text in texts)
    for text, value in given:
        is_text = not isinstance(settings, Mapping)
        try:
            found = dotted_key(text) if isinstance(text, str) else None
        except TooDeepError:
            faults.append(_fault(f"must begin with a key of at most {MAX_TOML_DEPTH} parts", text))
            continue
        if found is None or (found[1] and not is_text):
            faults.append(_fault(KEY_RULE, text))
            continue
        path, rest = found
        if is_text and not rest.startswith("="):
            faults.append(_fault("must be KEY=VALUE", text))
            continue
        written = text[: len(text) - len(rest)].strip()[:MOST_SHOWN]
        if path[0] == "extends":
            faults.append(_fault(EXTENDS_RULE, text))
            continue
        setting = named("set", escaped(written), python=f"set[{shown(written, MOST_SHOWN)}]")
        yield _layer(path, _value(rest[1:]) if is_text else value, Place(file, None, setting, path))


def _layer(path: Path, value: Any, place: Place) -> Layer:
    data = value
    for key in reversed(path):
        data = {key: data}
    return Layer(data, {path: place})


def _with_tables(setting: Layer, layer: Layer) -> Layer:
    """A setting with its place for the tables above its key: those that it is the first to give, and the others."""
    ((path, place),) = setting.places.items()
    tables = {path[:n]: place for n in range(1, len(path))}
    new = {table: place for table in tables if not _has_table(layer.data, table)}
    return Layer(setting.data, new | setting.places, tables)


def _has_table(data: Any, path: Path) -> bool:
    for key in path:
        if not isinstance(data, dict) or key not in data:
            return False
        data = data[key]
    return isinstance(data, dict)


def _value(text: str) -> Any:
    """A text as a TOML value, or as it is where it is none.

    >>> _value("0.3"), _value(" tiered"), _value("[1, 'a']"), _value("1\\nseed = 2")
    (0.3, 'tiered', [1, 'a'], '1\\nseed = 2')
    """
    text = text.strip()
    try:
        index(f"value = {text}")
        found = tomllib.loads(f"value = {text}")
    except (TooDeepError, ValueError, RecursionError):
        return text
    return found["value"] if len(found) == 1 else text
