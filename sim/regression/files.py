"""Which files are scenarios to check; knows nothing of what they say."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from sim.errors import Fault, InputError
from sim.scenario.shipped import scenario_file

__all__ = ["LEFT_OUT", "scenario_files"]

LEFT_OUT = ("scale", "published")
"""Folders of scenarios that take too long to be checked unless they are named."""


def scenario_files(paths: Iterable[Path]) -> list[Path]:
    """Scenario files that are named, by a path or a shipped scenario's name, and those in folders, sorted in each.

    What isn't there, or can't be read, is one of them: its own check says so, and no other's ends.

    Raises
    ------
    InputError
        A folder without scenarios.
    """
    found: list[Path] = []
    for path in paths:
        if not os.path.isdir(path):  # which raises nothing, whatever the path
            found.append(_named(path))
            continue
        inside = sorted(file for file in path.rglob("*.toml") if not file.is_dir())
        inside = [file for file in inside if not set(LEFT_OUT) & set(file.relative_to(path).parts[:-1])]
        if not inside:
            raise InputError([Fault(str(path), "holds no scenario, *.toml")])
        found += inside
    first = {file.resolve(): file for file in reversed(found)}
    return [file for file in dict.fromkeys(found) if first[file.resolve()] is file]


def _named(path: Path) -> Path:
    """The file of a path or of a shipped scenario's name; the path itself where there is neither."""
    try:
        return Path(scenario_file(path))
    except InputError:
        return path
