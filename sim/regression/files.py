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

    Raises
    ------
    InputError
        A path that isn't there, or a folder without scenarios.
    """
    found: list[Path] = []
    for path in paths:
        if not os.path.isdir(path):  # as ``exists`` below it raises nothing, whatever the path
            file = Path(scenario_file(path))
            if not os.path.exists(file):
                raise InputError([Fault(str(path), "no such file or folder")])
            found.append(file)
            continue
        inside = sorted(file for file in path.rglob("*.toml") if file.is_file())
        inside = [file for file in inside if not set(LEFT_OUT) & set(file.relative_to(path).parts[:-1])]
        if not inside:
            raise InputError([Fault(str(path), "holds no scenario, *.toml")])
        found += inside
    first = {file.resolve(): file for file in reversed(found)}
    return [file for file in dict.fromkeys(found) if first[file.resolve()] is file]
