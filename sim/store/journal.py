"""The finished units of an unfinished run, in one SQLite file that survives a kill at any moment.

It knows nothing of what a unit's bytes mean, and relies on its owner, the run folder, to be the only writer.
"""

from __future__ import annotations

import contextlib
import hashlib
import operator
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

from sim.errors import Fault, InputError, MachineError
from sim.files import WholeFile, make_durable
from sim.store.sealed_json import Format
from sim.store.unit import Unit

__all__ = ["Journal"]

AGAIN = "delete this file to run its units again"
FORMAT = Format(2, f"finish the run with the version that began it, or {AGAIN}")
"""Kept as SQLite's ``user_version``. Format 1 gave the independent control an arm of its own, and had the version 0."""

# What the machine did, by SQLite's primary codes; any other error while reading is damage.
_MACHINE_CODES = {
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_TOOBIG,
}
_MODULUS = 2**256
_SIDE_FILES = ("-wal", "-shm", "-journal")
_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE unit (
    arm TEXT NOT NULL, replication INTEGER NOT NULL, independent INTEGER NOT NULL,
    sha256 TEXT NOT NULL, payload BLOB NOT NULL,
    PRIMARY KEY (arm, replication, independent)
);
"""


class Journal:
    """Finished units of one run: payload bytes by ``Unit``, under the run's identity.

    Every read is checked: a payload against its SHA-256, the set of units against a tally that each transaction
    renews, so that neither a changed nor a vanished unit goes unnoticed. Use it in one thread.

    Parameters
    ----------
    path
        The file. It is created when absent; its folder must be there.
    identity
        Identity of the run, a string without line breaks, for a new file; one that exists keeps its own.

    Raises
    ------
    InputError
        The file has another format; it is left as it is.
    MachineError
        The file is damaged (the message says what to delete), or the machine refused (disk full, permission).
    """

    def __init__(self, path: Path, identity: str) -> None:
        """Open the file, made when absent, and check its units."""
        self.path = path
        with self._errors():
            if not path.exists():
                self._create(identity)
            self._database = sqlite3.connect(path, isolation_level=None, timeout=0)
        try:
            with self._errors():
                # One writer, guarded by the folder's lock: no shared-memory file is needed.
                self._database.execute("PRAGMA locking_mode = EXCLUSIVE")
                self._database.execute("PRAGMA journal_mode = WAL")
                self._database.execute("PRAGMA synchronous = FULL")
                self._database.execute("PRAGMA cell_size_check = ON")
            self._refuse_other_format()
            self.identity = self._meta("identity")
            self._units: dict[Unit, str] = {}
            self._tally = self._read_units()
        except BaseException:
            self._database.close()
            raise

    def done(self) -> set[Unit]:
        """The finished units."""
        return set(self._units)

    def store(self, unit: Unit, payload: bytes) -> None:
        """Store a finished unit, durably when this returns; a unit that is there already keeps its first payload."""
        key = _key(unit)
        if unit in self._units:
            return
        sha256 = hashlib.sha256(payload).hexdigest()
        tally = (self._tally + _seal(self.identity, *key, sha256)) % _MODULUS
        with self._errors():
            self._database.execute("BEGIN IMMEDIATE")
            try:
                self._database.execute("INSERT INTO unit VALUES (?, ?, ?, ?, ?)", (*key, sha256, payload))
                self._database.execute("UPDATE meta SET value = ? WHERE key = 'tally'", (f"{tally:064x}",))
                self._database.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    self._database.execute("ROLLBACK")
                # An interrupt may have come just after the commit; then the unit is there.
                with contextlib.suppress(MachineError):
                    self._tally = self._read_units()
                raise
            self._units[_unit(*key)] = sha256
            self._tally = tally
            # A damaged frame of the log would silently undo all units after it; so the log never holds more than one.
            self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def fetch(self, unit: Unit) -> bytes:
        """Payload of a finished unit; ``KeyError`` when it is not there, ``MachineError`` when it is damaged."""
        sha256 = self._units[unit]
        query = "SELECT payload FROM unit WHERE arm = ? AND replication = ? AND independent = ?"
        with self._errors():
            row = self._database.execute(query, _key(unit)).fetchone()
        if row is None or not isinstance(row[0], bytes) or hashlib.sha256(row[0]).hexdigest() != sha256:
            raise self._damage(f"unit {unit} is not as it was stored")
        return row[0]

    def close(self) -> None:
        """Let go of the file; closing twice does nothing."""
        with self._errors():
            self._database.close()

    def __enter__(self) -> Journal:
        """Return the open journal."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    @staticmethod
    def delete(path: Path) -> None:
        """Delete a journal, open nowhere, with the side files that SQLite keeps; ``OSError`` as they come."""
        # The file itself first: what is left of an interrupted deletion is no journal any more.
        for file in (path, *(path.with_name(path.name + suffix) for suffix in _SIDE_FILES)):
            file.unlink(missing_ok=True)

    def _create(self, identity: str) -> None:
        """Make the empty file under another name and rename it: an existing journal always has its tables."""
        # A log left over from a deleted file would be replayed into the new one.
        Journal.delete(self.path)
        file = WholeFile(self.path)
        try:
            # The file is locked already, which some file systems would not distinguish from SQLite's own locks.
            address = f"file://{quote(os.path.abspath(os.fsencode(file.temporary)))}?nolock=1"
            with contextlib.closing(sqlite3.connect(address, uri=True, isolation_level=None)) as database:
                database.executescript(
                    "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; "
                    f"PRAGMA user_version = {FORMAT.number}; BEGIN; {_SCHEMA}"
                )
                rows = [("identity", identity), ("tally", f"{_seal(identity):064x}")]
                database.executemany("INSERT INTO meta VALUES (?, ?)", rows)
                database.execute("COMMIT")
            file.finish()
        except BaseException:
            file.discard()
            raise
        make_durable(self.path.parent)

    def _refuse_other_format(self) -> None:
        """Raise where another version of Headshare wrote the file, whose units this one can't read."""
        with self._errors():
            (version,) = self._database.execute("PRAGMA user_version").fetchone()
            names = {name for _, name, *_ in self._database.execute("PRAGMA table_info(unit)")}
        if version == 0 and (not names or "independent" in names):
            raise self._damage("it has no format")
        if refusal := FORMAT.refusal(version or 1):
            raise InputError([Fault(str(self.path), refusal)])

    def _meta(self, key: str) -> str:
        with self._errors():
            row = self._database.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        if row is None or not isinstance(row[0], str):
            raise self._damage(f"it has no {key}")
        return row[0]

    def _read_units(self) -> int:
        """Read the SHA-256 of every payload by unit; return the tally, which they agree with."""
        with self._errors():
            rows = self._database.execute("SELECT arm, replication, independent, sha256 FROM unit").fetchall()
        tally = sum((_seal(self.identity, *row) for row in rows), start=_seal(self.identity)) % _MODULUS
        if f"{tally:064x}" != self._meta("tally"):
            raise self._damage("its units are not those that were stored")
        self._units = {_unit(*key): sha256 for *key, sha256 in rows}
        return tally

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.ProgrammingError:
            raise  # misuse by our own code, such as a closed journal
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", None)
            if code is not None and code & 0xFF in _MACHINE_CODES:
                raise MachineError(f"{self.path}: {error}") from error
            raise self._damage(repr(str(error))[1:101].strip("'\"")) from error  # it may quote damaged bytes
        except UnicodeDecodeError as error:  # Python could not read SQLite's own message, which quotes damaged bytes
            raise self._damage("text that is not UTF-8") from error
        except OSError as error:
            raise MachineError(f"{self.path}: {error.strerror or error}") from error

    def _damage(self, words: str) -> MachineError:
        return MachineError(f"{self.path}: damaged ({words}); {AGAIN}")


def _key(unit: Unit) -> tuple[str, int, int]:
    """A unit as its row has it; SQLite takes no NumPy integers."""
    return unit.arm, operator.index(unit.replication), int(unit.independent)


def _unit(arm: str, replication: int, independent: int) -> Unit:
    return Unit(arm, replication, bool(independent))


def _seal(*parts: object) -> int:
    """SHA-256 of values, whatever their (possibly damaged) types; the tally is the sum of the seals."""
    return int(hashlib.sha256(repr(parts).encode()).hexdigest(), 16)
