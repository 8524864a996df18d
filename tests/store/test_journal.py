"""The journal of finished units: what is stored is there, whole, or its damage is said."""

from __future__ import annotations

import hashlib
import random
import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.forms import short_and_long

from sim.errors import MachineError, SimError
from sim.store.journal import Journal
from sim.store.unit import Unit

UNITS = {
    Unit(arm, replication, independent): hashlib.shake_256(f"{arm} {replication}".encode()).digest(
        40 + 3000 * replication
    )
    for arm, independent in (("none", False), ("none", True), ("gestützt", False))
    for replication in range(4)
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


def fill(path: Path) -> None:
    with Journal(path, "abc") as journal:
        for unit, payload in UNITS.items():
            journal.store(unit, payload)


def contents(path: Path) -> tuple[str, dict[Unit, bytes]]:
    with Journal(path, "abc") as journal:
        return journal.identity, {unit: journal.fetch(unit) for unit in journal.done()}


def test_what_was_stored_is_there_after_opening_again(path: Path) -> None:
    fill(path)
    assert contents(path) == ("abc", UNITS)


def test_a_journal_keeps_the_identity_it_was_made_with(path: Path) -> None:
    fill(path)
    with Journal(path, "def") as journal:
        assert journal.identity == "abc"


def test_a_stored_unit_keeps_its_first_payload(path: Path) -> None:
    with Journal(path, "abc") as journal:
        journal.store(Unit("none", 0), b"first")
        journal.store(Unit("none", 0), b"second")
        assert journal.fetch(Unit("none", 0)) == b"first"
    assert contents(path) == ("abc", {Unit("none", 0): b"first"})


def test_a_unit_that_is_not_there_is_a_key_error(path: Path) -> None:
    with Journal(path, "abc") as journal, pytest.raises(KeyError):
        journal.fetch(Unit("none", 7))


def test_numpy_replications_are_whole_numbers_and_fractions_are_none(path: Path) -> None:
    with Journal(path, "abc") as journal:
        journal.store(Unit("none", np.int64(3)), b"x")  # type: ignore[arg-type]
        assert journal.done() == {Unit("none", 3)}
        assert journal.fetch(Unit("none", np.int32(3))) == b"x"  # type: ignore[arg-type]
        with pytest.raises(TypeError):
            journal.store(Unit("none", 3.5), b"x")  # type: ignore[arg-type]


def test_commits_are_synchronised_in_full_and_in_a_log(path: Path) -> None:
    with Journal(path, "abc") as journal:
        assert journal._database.execute("PRAGMA synchronous").fetchone() == (2,)
        assert journal._database.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_copy_taken_while_the_journal_is_open_holds_every_stored_unit(path: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.sqlite"
    with Journal(path, "abc") as journal:
        for count, (unit, payload) in enumerate(UNITS.items(), start=1):
            journal.store(unit, payload)
            Journal.delete(copy)
            for suffix in ("", "-wal"):
                shutil.copy(f"{path}{suffix}", f"{copy}{suffix}")
            assert len(contents(copy)[1]) == count


def test_a_log_left_over_from_a_deleted_journal_is_not_replayed(path: Path) -> None:
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("PRAGMA journal_mode = WAL")
        other.execute("CREATE TABLE intruder (x)")
        kept = Path(f"{path}-wal").read_bytes()
    other.close()
    path.unlink()
    Path(f"{path}-wal").write_bytes(kept)
    with Journal(path, "abc") as journal:
        assert journal.done() == set()
        assert journal._database.execute("SELECT name FROM sqlite_master WHERE name = 'intruder'").fetchone() is None


DRAWN = st.builds(Unit, st.text(max_size=5), st.integers(0, 3), st.booleans())


@given(st.lists(st.tuples(DRAWN, st.binary(max_size=50)), max_size=12), st.data())
@settings(max_examples=60, deadline=None)
def test_a_journal_is_a_dictionary_that_survives_closing(units: list[tuple[Unit, bytes]], data: st.DataObject) -> None:
    model: dict[Unit, bytes] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "j"
        for unit, payload in units:
            with Journal(path, "abc") as journal:
                journal.store(unit, payload)
                if data.draw(st.booleans()):
                    later = unit._replace(replication=unit.replication + 10)
                    journal.store(later, payload)
                    model.setdefault(later, payload)
            model.setdefault(unit, payload)
        assert contents(path) == ("abc", model)


def test_a_full_disk_is_said_with_the_path_and_loses_nothing_stored(path: Path) -> None:
    fill(path)
    with Journal(path, "abc") as journal:
        (pages,) = journal._database.execute("PRAGMA page_count").fetchone()
        journal._database.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(MachineError, match=r"journal\.sqlite: database or disk is full"):
            journal.store(Unit("tiered", 99), bytes(100_000))
        assert journal.done() == set(UNITS)
        journal._database.execute("PRAGMA max_page_count = 100000")
        journal.store(Unit("tiered", 99), bytes(100_000))
    assert contents(path)[1] == {**UNITS, Unit("tiered", 99): bytes(100_000)}


def test_a_journal_that_another_one_holds_or_in_no_folder_is_a_machine_error(path: Path, tmp_path: Path) -> None:
    with Journal(path, "abc"), pytest.raises(MachineError, match=r"journal\.sqlite: database is locked"):
        Journal(path, "abc")
    with pytest.raises(MachineError, match="nowhere"):
        Journal(tmp_path / "nowhere" / "j", "abc")
    with pytest.raises(MachineError, match=str(tmp_path)):
        Journal(tmp_path, "abc")


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE unit SET arm = 'nonf' WHERE arm = 'none'",
        "UPDATE unit SET replication = replication + 100 WHERE arm = 'none'",
        "DELETE FROM unit WHERE arm = 'none' AND replication = 2",
        "UPDATE unit SET sha256 = 'ff' WHERE replication = 1",
        "INSERT INTO unit VALUES ('none', 50, 0, 'ff', x'00')",
        "UPDATE unit SET independent = 1 - independent WHERE arm = 'gestützt'",
        "PRAGMA user_version = 0",
        "DELETE FROM unit",
        "UPDATE meta SET value = 'def' WHERE key = 'identity'",
        "DELETE FROM meta",
        "DROP TABLE unit",
        "ALTER TABLE unit RENAME TO unjt",
        "ALTER TABLE unit RENAME COLUMN arm TO arn",
        "ALTER TABLE unit RENAME COLUMN independent TO dependent",
    ],
)
def test_a_changed_added_or_vanished_row_is_noticed_on_opening(path: Path, change: str) -> None:
    fill(path)
    with sqlite3.connect(path) as database:
        database.executescript(change)
    database.close()
    with pytest.raises(MachineError, match=r"journal\.sqlite: damaged .*; delete this file"):
        Journal(path, "abc")


@pytest.mark.parametrize("change", ["payload = x'00'", "payload = CAST('text' AS TEXT)", "payload = payload || x'00'"])
def test_a_changed_payload_is_noticed_on_reading(path: Path, change: str) -> None:
    fill(path)
    with sqlite3.connect(path) as database:
        database.execute(f"UPDATE unit SET {change} WHERE arm = 'none' AND replication = 1")
    database.close()
    with Journal(path, "abc") as journal:
        assert journal.fetch(Unit("none", 2)) == UNITS[Unit("none", 2)]
        with pytest.raises(MachineError, match="delete this file"):
            journal.fetch(Unit("none", 1))


@pytest.mark.parametrize("content", [b"", b"no database", b"SQLite format 3\0", bytes(4096)])
def test_a_file_that_is_no_journal_is_a_machine_error(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(MachineError, match="delete this file"):
        Journal(path, "abc")


def flip(content: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(content))
    return content[:place] + bytes([content[place] ^ chance.randrange(1, 256)]) + content[place + 1 :]


def cut(content: bytes, chance: random.Random) -> bytes:
    return content[: chance.randrange(len(content))]


def blank(content: bytes, chance: random.Random) -> bytes:
    place, length = chance.randrange(len(content)), chance.choice([16, 512, 4096])
    return content[:place] + bytes(len(content[place : place + length])) + content[place + length :]


def noticed(path: Path, suffix: str, mutants: int, damage: Callable[[bytes, random.Random], bytes]) -> int:
    """Damage a file in many ways; each must be said or harmless. The number that was said."""
    original = {file: Path(f"{path}{file}").read_bytes() for file in ("", suffix)}
    wanted = contents_of_copy(path, original)
    chance = random.Random(damage.__name__)
    said: list[str] = []
    for _ in range(mutants):
        changed = damage(original[suffix], chance)
        try:
            found = contents_of_copy(path, {**original, suffix: changed})
        except SimError as error:  # another format too, where the damage has hit that number
            said.append(str(error))
        else:
            harmless = found == wanted or (suffix == "-wal" and found[1].items() < wanted[1].items())
            assert harmless, f"{damage.__name__} {suffix or 'database'} is silent"
    assert all(message.startswith(f"{path.parent / 'copy.sqlite'}: ") for message in said)
    return len(said)


def contents_of_copy(path: Path, files: dict[str, bytes]) -> tuple[str, dict[Unit, bytes]]:
    copy = path.parent / "copy.sqlite"
    Journal.delete(copy)
    for suffix, content in files.items():
        Path(f"{copy}{suffix}").write_bytes(content)
    return contents(copy)


@pytest.mark.parametrize("damage", [flip, cut, blank])
@short_and_long("mutants", 400, 4000)
def test_a_damaged_journal_is_never_read_silently_wrong(
    path: Path, damage: Callable[[bytes, random.Random], bytes], mutants: int
) -> None:
    fill(path)
    assert noticed(path, "", mutants, damage) > mutants / 2


@pytest.mark.parametrize("damage", [flip, cut, blank])
def test_a_damaged_log_costs_at_most_the_last_unit_and_adds_none(
    path: Path, tmp_path: Path, damage: Callable[[bytes, random.Random], bytes]
) -> None:
    fill(path)
    with Journal(path, "abc") as journal:
        journal._database.execute("PRAGMA wal_autocheckpoint = 0")
        journal._database.set_authorizer(
            lambda action, argument, *_: (
                sqlite3.SQLITE_DENY
                if action == sqlite3.SQLITE_PRAGMA and argument == "wal_checkpoint"
                else sqlite3.SQLITE_OK
            )
        )
        with pytest.raises(MachineError):  # a kill between commit and checkpoint
            journal.store(Unit("none", 50), bytes(9000))
        killed = tmp_path / "killed.sqlite"
        for suffix in ("", "-wal"):
            shutil.copy(f"{path}{suffix}", f"{killed}{suffix}")
    assert Path(f"{killed}-wal").stat().st_size > 9000
    noticed(killed, "-wal", 150, damage)
