"""Scenarios and baselines that come with the project, found by name; knows nothing of what they say.

A wheel has them inside the package; in a copy of the project they are in `scenarios/` and `results/baselines/`.
"""

from __future__ import annotations

import os
import re
from pathlib import Path as FilePath

from sim.errors import Fault, InputError
from sim.formatting import escaped, nearest

__all__ = ["scenario_file", "shipped_baseline", "shipped_file", "shipped_names"]

_PACKAGE = FilePath(__file__).parents[2]
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(/[A-Za-z0-9][A-Za-z0-9_-]*)*")
_SUFFIX = ".toml"


def _folder(in_project: str, in_package: str) -> FilePath:
    """The folder in the project where this source lies in a copy of it, else the one in its wheel."""
    project = _PACKAGE.parent
    return project / in_project if (project / "pyproject.toml").is_file() else _PACKAGE / in_package


def _scenarios() -> FilePath:
    return _folder("scenarios", "shipped/scenarios")


def shipped_names() -> list[str]:
    """Names of the shipped scenarios, sorted: `minimal`, `claims/support`."""
    folder = _scenarios()
    return sorted(file.relative_to(folder).with_suffix("").as_posix() for file in folder.rglob(f"*{_SUFFIX}"))


def shipped_file(name: str) -> FilePath:
    """Where the shipped scenario of that name is."""
    return _scenarios() / f"{name}{_SUFFIX}"


def shipped_baseline(scenario: FilePath, name: str) -> FilePath | None:
    """The shipped baseline of a scenario file with this ``name``; None: there is none, or the file isn't shipped."""
    if not scenario.resolve().is_relative_to(_scenarios().resolve()):
        return None
    found = _folder("results/baselines", "shipped/baselines") / f"{name}.json"
    return found if found.is_file() else None


def scenario_file(given: str | os.PathLike[str]) -> str | os.PathLike[str]:
    """The file that a user means by a path, or by the name of a shipped scenario.

    A file that exists is itself. What could be a name (letters, digits, ``-``, ``_`` and single slashes) is otherwise
    the shipped scenario of that name, be there a folder so called or not.

    Raises
    ------
    InputError
        No file and no shipped scenario; the message names the nearest one, or all.
    """
    text = os.fspath(given)
    is_missing = _is_missing(text)
    could_be_name = _NAME.fullmatch(text) is not None
    if not (is_missing or (could_be_name and os.path.isdir(text))):
        return given
    names = shipped_names()
    if could_be_name and text in names:
        return shipped_file(text)
    meant = _meant(text, names)
    if is_missing and (could_be_name or meant is not None):
        what = "no such file, and no shipped scenario of this name" if could_be_name else "no such file"
        known = f"there are {', '.join(names)}" if meant is None else f"did you mean the shipped `{meant}`?"
        raise InputError([Fault(escaped(text), f"{what}; {known}")])
    return given


def _is_missing(path: str) -> bool:
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except (OSError, ValueError):  # there may be something, and its reader says why it can't be read
        return False
    return False


def _meant(text: str, names: list[str]) -> str | None:
    """The shipped scenario that a missing file, or a name that isn't known, was most likely meant to be."""
    by_end = {name.rpartition("/")[2]: name for name in names} | {name: name for name in names}
    parts = text.removesuffix(_SUFFIX).split("/")
    ends = ("/".join(parts[i:]) for i in range(len(parts)))
    meant = next((end for end in ends if end in by_end), None)
    if meant is None and not text.endswith(_SUFFIX):
        meant = nearest(text, by_end)
    return None if meant is None else by_end[meant]
