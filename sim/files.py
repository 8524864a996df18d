"""Files that appear whole or not at all, and temporary folders that don't stay; knows nothing of what they contain."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from sim.errors import MachineError

__all__ = ["WholeFile", "make_durable", "remove_abandoned", "whole_file", "working_folder"]

_TEMPORARY = re.compile(r"\.headshare-[0-9a-f]{16}\.tmp")
_WORKING = re.compile(r"headshare-work-[a-z0-9_]{8}")
_NO_LOCKS = (errno.EINVAL, errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP)
"""Of a file system without locks, where no file is taken for abandoned."""


class WholeFile:
    """A file that is written under a temporary name in the same folder and takes its place once it is complete.

    A new file gets the mode that the umask leaves of 0666, an existing one keeps its own. The temporary name is short,
    so that every legal name can be written. The temporary file is locked while its writer lives; files of killed
    writers are removed by the next writer in the folder.

    Parameters
    ----------
    path
        Its name; of a link the target is replaced.

    Attributes
    ----------
    stream
        What is written goes in here.
    temporary
        Its path until it is finished.

    Raises
    ------
    OSError
        Here and in ``finish``: the system refused. What is left is to ``discard`` it.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Begin the temporary file."""
        self._target = Path(os.path.realpath(path)) if os.path.islink(path) else Path(path)
        try:
            self._mode: int | None = stat.S_IMODE(os.stat(self._target).st_mode) & 0o777
        except FileNotFoundError:
            self._mode = None
        remove_abandoned(self._target.parent)
        self.stream, self.temporary = _begun(self._target.parent, 0o666 if self._mode is None else self._mode | 0o600)

    def finish(self) -> None:
        """Put the file in its place, its content on disk."""
        handle = self.stream.fileno()
        self.stream.flush()
        os.fsync(handle)
        if self._mode is not None and self._mode != stat.S_IMODE(os.fstat(handle).st_mode):
            with contextlib.suppress(PermissionError):  # a file system without modes
                os.fchmod(handle, self._mode)
        os.replace(self.temporary, self._target)
        self.stream.close()  # not before: it is locked until it has its name

    def discard(self) -> None:
        """Remove what isn't finished."""
        with contextlib.suppress(OSError):
            self.temporary.unlink()
        with contextlib.suppress(OSError):
            self.stream.close()


def _begun(folder: Path, mode: int) -> tuple[BinaryIO, Path]:
    """A temporary file of a mode, open and locked, and its path."""
    while True:
        path = folder / f".headshare-{os.urandom(8).hex()}.tmp"
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, mode)
        try:
            if _is_ours(handle, path):
                return os.fdopen(handle, "wb"), path
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(path)
            os.close(handle)
            raise
        os.close(handle)


def _is_ours(handle: int, path: Path) -> bool:
    """Lock a new file; False where another process took it for abandoned before."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
    return os.path.lexists(path)


def make_durable(folder: str | os.PathLike[str]) -> None:
    """Make what was renamed, made and removed in a folder survive a crash; ``OSError`` where the system refuses."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove_abandoned(folder: str | os.PathLike[str]) -> None:
    """Remove the temporary files of a folder whose writers are gone, as far as the system allows it."""
    with contextlib.suppress(OSError):
        for name in filter(_TEMPORARY.fullmatch, os.listdir(folder)):
            _remove_unless_locked(os.path.join(folder, name))


def _remove_unless_locked(path: str) -> None:
    with contextlib.suppress(OSError):
        handle = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            if stat.S_ISREG(os.fstat(handle).st_mode):
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.unlink(path)
        finally:
            os.close(handle)


@contextlib.contextmanager
def whole_file(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """A file to write into, which takes the place of ``path`` when all is written and on disk: a ``WholeFile``.

    Into a device or pipe it is written as it comes.

    Raises
    ------
    MachineError
        It can't be written; what was there before still is.
    """
    try:
        if os.path.exists(path) and not os.path.isfile(path):
            with open(path, "wb") as stream:
                yield stream
            return
        file = WholeFile(path)
        try:
            yield file.stream
            file.finish()
        except BaseException:
            file.discard()
            raise
    except OSError as error:
        raise MachineError(f"{os.fspath(path)!r}: can't be written: {error.strerror or error}") from error


@contextlib.contextmanager
def working_folder() -> Iterator[Path]:
    """A temporary folder that is removed at the end; those of killed processes are removed by the next to need one.

    Raises
    ------
    MachineError
        There is no place for it.
    """
    try:
        place = tempfile.gettempdir()
        with contextlib.suppress(OSError):
            for name in filter(_WORKING.fullmatch, os.listdir(place)):
                _remove_folder_unless_locked(os.path.join(place, name))
        folder, handle = _begun_folder()
    except OSError as error:
        raise MachineError(f"a temporary folder can't be made: {error.strerror or error}") from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(handle)


def _begun_folder() -> tuple[Path, int]:
    """A new folder and its open handle, which is locked."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix="headshare-work-"))
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        if _is_ours(handle, folder):
            return folder, handle
        os.close(handle)


def _remove_folder_unless_locked(path: str) -> None:
    with contextlib.suppress(OSError):
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            if os.fstat(handle).st_uid == os.geteuid():
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path, ignore_errors=True)
        finally:
            os.close(handle)
