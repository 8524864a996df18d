"""Where compiled code is kept: in the user's cache folder, not next to the source, where it would outlive an uninstall.

Numba reads ``NUMBA_CACHE_DIR`` itself, so that one wins. The folder is named after the source, because Numba misses a
change in the file of a callee.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import stat
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import numba
from platformdirs import user_cache_path

from sim import streams

__all__ = ["CODE_FOLDER", "CodeFolder", "choose_code_folder", "is_compiled", "njit"]

UNUSED_DAYS = 30
"""Code of another source is removed when nothing has used it for so long."""


class CodeFolder(NamedTuple):
    """Where compiled code is kept."""

    path: Path
    note: str | None
    """A line for the user where it isn't the usual folder."""


def is_compiled(function: Any) -> bool:
    """Whether a compiled function can be loaded, this source's code being in numba's cache on the disk."""
    source = Path(function.py_func.__code__.co_filename)
    found = Path(function.stats.cache_path).glob(f"{source.stem}.{function.py_func.__qualname__}-*.nbi")
    return any(index.stat().st_mtime >= source.stat().st_mtime for index in found)


def choose_code_folder() -> CodeFolder:
    """Choose the folder, and make it.

    Raises
    ------
    OSError
        Neither the user's cache folder nor a temporary one can be written.
    """
    given = os.environ.get("NUMBA_CACHE_DIR")
    usual = Path(given).absolute() if given else user_cache_path("headshare", appauthor=False) / "compiled"
    folder = usual if given else usual / _source_digest()
    note = None
    if not _is_writable(folder):
        with contextlib.suppress(OSError):
            folder = _temporary_folder() / _source_digest()
        if not _is_writable(folder):
            rule = "can't be written, nor can a temporary folder; compiled code needs one: set NUMBA_CACHE_DIR"
            raise OSError(errno.EROFS, rule, str(usual))
        note = f"compiled code is kept in {folder.parent}, because {usual} can't be written"
    if folder != usual:
        _remove_unused(folder)
    return CodeFolder(folder, note)


def _source_digest() -> str:
    source = hashlib.sha256()
    kernel = Path(__file__).parent
    for file in sorted([*kernel.glob("*.py"), kernel.parent / "layout.py", Path(streams.__file__)]):
        source.update(file.read_bytes())
    return source.hexdigest()[:16]


def _is_writable(folder: Path) -> bool:
    """Whether a file can be written there; the folder is made. A relative path is that of a user without a home."""
    if not folder.is_absolute():
        return False
    try:
        folder.mkdir(parents=True, exist_ok=True)
        os.utime(folder)  # it is in use
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return False
    return True


def _temporary_folder() -> Path:
    """A folder that is this user's own: code that another user put there would be run."""
    shared = Path(tempfile.gettempdir())
    user = os.getuid() if hasattr(os, "getuid") else None
    own = shared / ("headshare" if user is None else f"headshare-{user}")
    try:
        own.mkdir(mode=0o700, exist_ok=True)
        found = own.lstat()
    except OSError:
        return Path(tempfile.mkdtemp(prefix="headshare-"))
    is_own = stat.S_ISDIR(found.st_mode) and (user is None or (found.st_uid == user and not found.st_mode & 0o022))
    return own if is_own else Path(tempfile.mkdtemp(prefix="headshare-"))


def _remove_unused(folder: Path) -> None:
    """Remove the code of other sources that nothing has used for ``UNUSED_DAYS``."""
    oldest = time.time() - UNUSED_DAYS * 86400
    with contextlib.suppress(OSError):
        for other in folder.parent.iterdir():
            if other != folder and other.is_dir() and other.stat().st_mtime < oldest:
                shutil.rmtree(other, ignore_errors=True)


CODE_FOLDER = choose_code_folder()
numba.config.CACHE_DIR = str(CODE_FOLDER.path)
njit = numba.njit
"""Numba's, which looks for its folder when a function is decorated: compiled files take it from here."""
