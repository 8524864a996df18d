"""The folder of a run: locked while written, its finished units in a journal, its tables published at the end.

It knows nothing of scenarios and measures: units are bytes, tables are Arrow tables, the manifest is a dictionary.

What is in it, and when: ``headshare.lock`` from the first moment on (locked with ``flock``, never by its mere
existence); ``journal.sqlite`` until the run is finished; then ``NAME.parquet`` for each table and, written last,
``manifest.json``, which makes the run finished.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from sim.errors import Fault, InputError, MachineError
from sim.files import make_durable, remove_abandoned, whole_file
from sim.store.journal import Journal
from sim.store.sealed_json import Format, SealedJson
from sim.store.table_file import TableFile
from sim.store.unit import Unit

if TYPE_CHECKING:
    import pyarrow as pa

LOCK = "headshare.lock"
JOURNAL = "journal.sqlite"
MANIFEST = "manifest.json"
GIVEN_KEYS = (
    "name", "scenario", "seed", "engine", "versions", "digests", "counts", "seconds", "loop_seconds",
    "inputs", "reading", "plugin", "command",
)  # fmt: skip
"""Keys of a manifest that its writer gives."""
MANIFEST_KEYS = ("schema", *GIVEN_KEYS, "files", "identity")
_NEW_KEYS = ("reading",)
"""Keys that the manifest of an older run may lack, of the same format."""
AGAIN = "run it again, in another folder or after deleting this one"
_DAMAGED = f"differs from the manifest's SHA-256: damaged or edited; {AGAIN}"


def _canonical(manifest: Mapping[str, Any]) -> bytes:
    """Bytes of a manifest. A lone surrogate (a command line can have some) becomes the JSON escape that it is."""
    # Keys are not sorted: in a scenario the order of segments, surfaces and tiers decides.
    text = json.dumps(dict(manifest), allow_nan=False, indent=1, ensure_ascii=False)
    return (text + "\n").encode("utf-8", "backslashreplace")


FORMAT = Format(1, AGAIN)
SEALED = SealedJson(
    "run's manifest",
    FORMAT,
    tuple(key for key in MANIFEST_KEYS if key not in _NEW_KEYS),
    _canonical,
)


class RunFolder:
    """A run folder that this process has locked: the only writer until it is closed. Made by :meth:`open`.

    Attributes
    ----------
    path
        The folder.
    identity
        The run's identity, a hex string.
    """

    def __init__(self, path: Path, identity: str, lock: int) -> None:
        """Take over a lock's descriptor; :meth:`open` is the way in."""
        self.path = path
        self.identity = identity
        self._lock: int | None = lock
        self._journal: Journal | None = None
        self._manifest: dict[str, Any] | None = None
        self._begun: dict[str, TableFile] = {}

    @classmethod
    def open(cls, path: Path | str, identity: str, *, resume: bool = False) -> RunFolder:
        """Create the folder or continue in it, and lock it against other writers.

        Parameters
        ----------
        path
            The folder; parents are created too. What is refused stays untouched.
        identity
            Identity of the run, lower-case hex.
        resume
            Whether there must be a run to continue, finished or not.

        Raises
        ------
        InputError
            The folder has another run or other things in it, or one of another format; its manifest is damaged; or
            there is nothing to resume.
        MachineError
            Another process writes the folder, its journal is damaged, or the system refused.
        """
        if not re.fullmatch("[0-9a-f]+", identity):
            raise ValueError(f"identity must be lower-case hex, got {identity!r}")
        path = Path(path)
        with _system_errors(path):
            _inspect(path, identity, resume)
            fresh = [folder for folder in (path, *path.parents) if not folder.exists()]
            path.mkdir(parents=True, exist_ok=True)
            for created in fresh:
                make_durable(created.parent)
            folder = cls(path, identity, _locked(path))
            try:
                # Another process may have written between the look and the lock.
                folder._manifest = _inspect(path, identity, resume)
                folder._begin()
            except BaseException:
                folder.close()
                raise
        return folder

    @property
    def finished(self) -> bool:
        """Whether the run's manifest and tables are published."""
        return self._manifest is not None

    def done(self) -> set[Unit]:
        """The finished units; of a finished run those that its digests list."""
        if self._manifest is None:
            return self._open_journal().done()
        digests = self._manifest["digests"]
        return {Unit(arm, replication) for arm in digests for replication in range(len(digests[arm]))}

    def store(self, unit: Unit, payload: bytes) -> None:
        """Store a finished unit of an unfinished run, durably when this returns; the first payload of a unit stays."""
        self._open_journal().store(unit, payload)

    def fetch(self, unit: Unit) -> bytes:
        """Payload of a finished unit of an unfinished run; ``KeyError`` when it is not there."""
        return self._open_journal().fetch(unit)

    def append(self, name: str, rows: pa.Table) -> None:
        """Append rows to a table, which no reader sees before it is published; errors as in ``publish``."""
        self._open_journal()
        _check_names([name])
        with _system_errors(self.path / f"{name}.parquet"):
            if name not in self._begun:
                self._begun[name] = TableFile(self.path / f"{name}.parquet", rows.schema)
            self._begun[name].add(rows)

    def publish(self, tables: Mapping[str, pa.Table], manifest: Mapping[str, Any]) -> None:
        """Write the tables and then the manifest, which finishes the run; the journal is deleted.

        Parameters
        ----------
        tables
            Arrow tables by name, in addition to the rows appended so far; each becomes ``NAME.parquet``. The same rows
            give the same bytes.
        manifest
            ``GIVEN_KEYS``, values as JSON knows them. ``schema``, ``files`` (SHA-256 by file
            name), ``identity`` and ``seal`` (the manifest's own SHA-256) are added. Not changed.

        Raises
        ------
        ValueError
            A key of the manifest is missing, unknown or no JSON; a table's name is no file name. Nothing is written.
        MachineError
            The system refused; the run is continued by opening the folder again, and nothing finished is lost.

        Notes
        -----
        Each file is written under a temporary name, synchronised, renamed. A crash leaves an unfinished run or a
        finished one.
        """
        journal = self._open_journal()
        _check(tables, manifest)
        for name in sorted(tables):
            self.append(name, tables[name])
        with _system_errors(self.path):
            files = {}
            for name in sorted(self._begun):
                with _system_errors(self.path / f"{name}.parquet"):
                    files[f"{name}.parquet"] = self._begun[name].finish()
                del self._begun[name]
            # The tables are there for good before the manifest says so.
            make_durable(self.path)
            given = {key: manifest[key] for key in GIVEN_KEYS}
            content = SEALED.to_bytes({"schema": FORMAT.number, **given, "files": files, "identity": self.identity})
            with whole_file(self.path / MANIFEST) as stream:
                stream.write(content)
            make_durable(self.path)
            self._manifest = SEALED.from_bytes(content)
            self._journal = None
            journal.close()
            Journal.delete(self.path / JOURNAL)

    def close(self) -> None:
        """Let go of the journal and the lock, and of rows that weren't published; closing twice does nothing."""
        for begun in self._begun.values():
            begun.discard()
        self._begun.clear()
        journal, self._journal = self._journal, None
        lock, self._lock = self._lock, None
        try:
            if journal is not None:
                journal.close()
        finally:
            if lock is not None:
                os.close(lock)

    def __enter__(self) -> RunFolder:
        """Return the open folder."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def _begin(self) -> None:
        """Open the journal of an unfinished run, and remove what a crash left over."""
        if self._manifest is None:
            self._journal = Journal(self.path / JOURNAL, self.identity)
            if self._journal.identity != self.identity:
                raise _another(self.path, "an unfinished run", self._journal.identity, self.identity)
        else:
            Journal.delete(self.path / JOURNAL)
        remove_abandoned(self.path)

    def _open_journal(self) -> Journal:
        if self._journal is None:
            state = "closed" if self._lock is None else "finished: its units are in its tables"
            raise ValueError(f"{self.path}: the run folder is {state}")
        return self._journal


def read_manifest(path: Path | str) -> dict[str, Any]:
    """Manifest of a finished run, checked against its own SHA-256 (which is left out of the result).

    Raises
    ------
    InputError
        The folder has no finished run, or one of another format, or its manifest is damaged or edited.
    MachineError
        The system refused.
    """
    file = Path(path) / MANIFEST
    with _system_errors(file):
        try:
            content = file.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            raise _input_error(path, "has no finished run in it") from None
    try:
        return SEALED.from_bytes(content)
    except ValueError as error:
        raise _input_error(file, str(error)) from None


def read_table(path: Path | str, name: str, columns: Sequence[str] | None = None) -> pa.Table:
    """Table of a finished run, its file checked against the manifest's SHA-256 before Arrow opens it.

    Parameters
    ----------
    path
        The run folder.
    name
        Name of the table, without ``.parquet``.
    columns
        Columns wanted, of those that it has; left out: all.

    Raises
    ------
    InputError
        No finished run, no such table, a missing, damaged or edited file.
    MachineError
        The system refused.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    files = read_manifest(path)["files"]
    file = Path(path) / f"{name}.parquet"
    if file.name not in files:
        raise _input_error(path, f"has no table {name!r}; it has {', '.join(sorted(files)) or 'none'}")
    with _system_errors(file), contextlib.ExitStack() as stack:
        try:
            handle = stack.enter_context(open(file, "rb"))
        except FileNotFoundError:
            raise _input_error(file, "is missing, though the manifest lists it") from None
        if hashlib.file_digest(handle, "sha256").hexdigest() != files[file.name]:
            raise _input_error(file, _DAMAGED)
        handle.seek(0)
        try:
            return pq.ParquetFile(handle, page_checksum_verification=True).read(columns)
        except (pa.ArrowException, OSError):  # a wrong page checksum is an OSError of Arrow's
            raise _input_error(file, _DAMAGED) from None


def _inspect(path: Path, identity: str, resume: bool) -> dict[str, Any] | None:
    """Manifest of the run in the folder, if finished; raises unless the folder can take this run. Touches nothing."""
    try:
        names = set(os.listdir(path))
    except FileNotFoundError:
        names = set()
    except NotADirectoryError:
        raise _input_error(path, "is not a folder") from None
    except ValueError:
        raise _input_error(repr(str(path)), "is not a path") from None
    if names and LOCK not in names and MANIFEST not in names:
        raise _input_error(path, "is a folder with other things in it; give a new or an empty one")
    manifest = None
    if MANIFEST in names:
        manifest = read_manifest(path)
        if manifest["identity"] != identity:
            raise _another(path, f"a finished run of {manifest['name']!r}", manifest["identity"], identity)
    if resume and manifest is None and JOURNAL not in names:
        raise _input_error(path, "has no run to resume in it")
    return manifest


def _locked(path: Path) -> int:
    """Descriptor of the folder's lock, held until it is closed, by this process's death at the latest."""
    lock = os.open(path / LOCK, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise MachineError(f"{path}: is being written by another process") from None
    except BaseException:
        os.close(lock)
        raise
    return lock


def _check(tables: Mapping[str, Any], manifest: Mapping[str, Any]) -> None:
    """Whether these can be published; ``ValueError`` names what can't."""
    missing = [key for key in GIVEN_KEYS if key not in manifest]
    unknown = [key for key in manifest if key not in GIVEN_KEYS]
    if missing or unknown:
        raise ValueError(f"manifest: missing {missing}, unknown {unknown}")
    digests = manifest["digests"]
    if not isinstance(digests, Mapping) or not all(isinstance(hexes, (list, tuple)) for hexes in digests.values()):
        raise ValueError("manifest: digests must be lists of hex strings by arm")
    _check_names(tables)
    try:
        _canonical(manifest)
    except TypeError as error:
        raise ValueError(f"manifest: {error}") from error


def _check_names(tables: Iterable[str]) -> None:
    bad = [name for name in tables if not re.fullmatch("[a-z][a-z0-9_]*", name)]
    if bad:
        raise ValueError(f"tables: names must be of a-z, 0-9, _, got {bad}")


@contextlib.contextmanager
def _system_errors(path: Path) -> Iterator[None]:
    """Say what the system refused, with the path and the system's words."""
    try:
        yield
    except OSError as error:
        where = path if error.filename is None else error.filename
        raise MachineError(f"{where}: {error.strerror or error}") from error


def _another(path: Path, what: str, theirs: str, ours: str) -> InputError:
    return _input_error(path, f"has {what} in it, of the identity {theirs[:16]}, not {ours[:16]}; give another folder")


def _input_error(path: Path | str, rule: str) -> InputError:
    return InputError([Fault(str(path), rule)])
