"""Files that a scenario names, which are in its own folder or below; knows nothing of what is in them."""

from __future__ import annotations

from pathlib import Path as FilePath
from pathlib import PureWindowsPath

from sim.scenario.read.toml_file import open_regular, os_rule

__all__ = ["inside", "unreadable", "with_slashes"]

ESCAPED_BY_MISTAKE = "\b\t\n\f\r\x1b"
"""What a backslash before a letter of a path becomes in TOML's double quotes."""


def inside(folder: FilePath, name: str) -> FilePath | None:
    """The file of that name in the folder or below, or None where the name leads out of it."""
    windows = PureWindowsPath(name)  # knows drives and both slashes
    if "\0" in name or windows.is_absolute() or windows.drive or name.startswith(("/", "\\")) or ".." in windows.parts:
        return None
    path = folder / name
    try:
        return path if path.resolve().is_relative_to(folder.resolve()) else None
    except (OSError, RuntimeError):  # symlinks in a circle, which can't be opened either
        return path


def unreadable(path: FilePath) -> str | None:
    """Why a file can't be read, as a rule; None where it can."""
    try:
        open_regular(path).close()
    except (FileNotFoundError, NotADirectoryError):
        return "no such file in the scenario's folder"
    except OSError as error:
        return os_rule(error)
    return None


def with_slashes(rule: str, name: str) -> str:
    """The rule that a name breaks, with advice where it is written as on Windows."""
    is_windows = "\\" in name or any(c in name for c in ESCAPED_BY_MISTAKE)
    return f"{rule}; paths are written with /" if is_windows else rule
