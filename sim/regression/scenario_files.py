"""Which files are scenarios to check; knows nothing of what they contain."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from sim.errors import Fault, InputError
from sim.scenario.resolve.shipped import scenario_file

__all__ = ["LEFT_OUT", "scenario_files"]

LEFT_OUT = ("scale", "published")
"""Folders of scenarios that take too long to be checked unless they are named."""


def scenario_files(paths: Iterable[Path]) -> list[Path]:
    """Scenario files that are named, by a path or a shipped scenario's name, and those in folders, sorted in each.

    A file that is missing or can't be read is one of them: its own check reports it, and the others go on.

    Raises
    ------
    InputError
        A folder without scenarios, or nothing of what is named exists.
    """
    found: list[Path] = []
    missing: list[Fault] = []
    for path in paths:
        if not os.path.isdir(path):  # raises nothing, whatever the path
            file, faults = _named(path)
            found.append(file)
            missing += faults
            continue
        inside = sorted(file for file in path.rglob("*.toml") if not file.is_dir())
        inside = [file for file in inside if not set(LEFT_OUT) & set(file.relative_to(path).parts[:-1])]
        if not inside:
            raise InputError([Fault(str(path), "contains no scenario, *.toml")])
        found += inside
    if missing and len(missing) == len(found):
        raise InputError(missing)
    first = {file.resolve(): file for file in reversed(found)}
    return [file for file in dict.fromkeys(found) if first[file.resolve()] is file]


def _named(path: Path) -> tuple[Path, list[Fault]]:
    """The file of a path or of a shipped scenario's name, and what is wrong where there is neither."""
    try:
        file = Path(scenario_file(path))
    except InputError as error:
        return path, list(error.faults)
    return file, [] if os.path.exists(file) else [Fault(str(path), "no such file or folder")]
