"""The run folder under damage, failing system calls, kills and rival writers: nothing lost, nothing silent."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import random
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.forms import short_and_long
from support.run_writer import IDENTITY, UNITS, Server, files_of, payload, write_run

from sim.errors import InputError, MachineError, SimError
from sim.store import run_folder as folder_module
from sim.store.run_folder import JOURNAL, LOCK, MANIFEST, RunFolder, read_manifest, read_table
from sim.store.unit import Unit

# Damage


def mutants(content: bytes, number: int, chance: random.Random) -> Iterator[bytes]:
    """Flipped, cut, lengthened, blanked and repeated bytes; never the content itself."""
    while number:
        place, length = chance.randrange(len(content)), chance.choice([1, 2, 8, 100])
        inside = content[place : place + length]
        changed = chance.choice(
            [
                bytes([content[place] ^ chance.randrange(1, 256)]) + content[place + 1 :],
                bytes([content[place] ^ 1 << chance.randrange(8)]) + content[place + 1 :],
                b"",
                content[place + length :],
                bytes(len(inside)) + content[place + length :],
                inside + inside + content[place + length :],
                chance.randbytes(length) + content[place:],
            ]
        )
        if content[:place] + changed != content:
            number -= 1
            yield content[:place] + changed


@short_and_long("number", 300, 4000)
@pytest.mark.parametrize("name", ["measures", "lorenz"])
def test_no_damage_to_a_table_is_silent(run: Path, name: str, number: int) -> None:
    file = run / f"{name}.parquet"
    for changed in mutants(file.read_bytes(), number, random.Random(name)):
        file.write_bytes(changed)
        with pytest.raises(InputError, match=f"{name}.parquet: differs from the manifest's SHA-256"):
            read_table(run, name)


@short_and_long("number", 300, 4000)
def test_no_damage_to_a_manifest_is_silent(run: Path, number: int) -> None:
    file = run / MANIFEST
    for changed in mutants(file.read_bytes(), number, random.Random(1)):
        file.write_bytes(changed)
        for look in (lambda: read_manifest(run), lambda: RunFolder.open(run, IDENTITY)):
            with pytest.raises(InputError, match=r"manifest\.json"):
                look()


@short_and_long("number", 300, 4000)
def test_no_damage_to_a_journal_changes_the_result(
    half: Path, tmp_path: Path, uninterrupted: dict[str, bytes], number: int
) -> None:
    original, refused = files_of(half), 0
    for changed in mutants(original[JOURNAL], number, random.Random(2)):
        shutil.rmtree(tmp_path / "copy", ignore_errors=True)
        (tmp_path / "copy").mkdir()
        (tmp_path / "copy" / LOCK).touch()
        (tmp_path / "copy" / JOURNAL).write_bytes(changed)
        try:
            write_run(tmp_path / "copy")
        except SimError:
            refused += 1
        else:
            assert files_of(tmp_path / "copy") == uninterrupted
    assert refused > number / 2


# A failing system


TIDYING = {"remove_abandoned", "_remove_unless_locked"}
"""Functions that look after files of killed writers: a failure there is nothing to stop for."""


class Failing:
    """Makes the k-th system call of the storage fail, and with ``lasting`` all after it."""

    def __init__(self, k: int, lasting: bool) -> None:
        self.k, self.lasting, self.calls = k, lasting, 0
        self.is_tidying = False

    def __call__(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            self.calls += 1
            if self.calls == self.k or (self.lasting and self.calls > self.k):
                self.is_tidying = sys._getframe(1).f_code.co_name in TIDYING
                number = (errno.ENOSPC, errno.EIO, errno.EROFS, errno.EACCES)[self.k % 4]
                raise OSError(number, os.strerror(number))
            return original(*arguments, **options)

        return call

    @contextlib.contextmanager
    def at_work(self) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            for name in ("open", "fsync", "replace", "unlink", "mkdir", "listdir"):
                patch.setattr(os, name, self(getattr(os, name)))
            patch.setattr(fcntl, "flock", self(fcntl.flock))
            patch.setattr(folder_module, "open", self(open), raising=False)
            yield


@pytest.mark.parametrize("lasting", [False, True], ids=["one call", "all calls from there"])
def test_a_system_call_that_fails_anywhere_is_said_and_loses_nothing(
    tmp_path: Path, uninterrupted: dict[str, bytes], lasting: bool
) -> None:
    for k in range(1, 1000):
        path, stored = tmp_path / f"new {k}" / "run", set[Unit]()
        failing = Failing(k, lasting)
        error = None
        with failing.at_work():
            try:
                write_run(path, stored.add)
            except MachineError as caught:
                error = caught
        if failing.calls < k:
            break
        if error is None:
            assert failing.is_tidying, f"call {k} failed in silence"
            assert files_of(path) == uninterrupted
            continue
        assert str(path.parent) in str(error)
        assert os.strerror((errno.ENOSPC, errno.EIO, errno.EROFS, errno.EACCES)[k % 4]) in str(error)
        with RunFolder.open(path, IDENTITY) as folder:
            assert folder.done() >= stored
        write_run(path)
        assert files_of(path) == uninterrupted
    assert k > 25


def test_a_crash_between_any_two_system_calls_can_be_continued_to_the_same_result(
    tmp_path: Path, uninterrupted: dict[str, bytes]
) -> None:
    path, copies = tmp_path / "run", []

    class Watching(Failing):
        def __call__(self, original: Callable[..., Any]) -> Callable[..., Any]:
            def call(*arguments: Any, **options: Any) -> Any:
                try:
                    return original(*arguments, **options)
                finally:
                    self.calls += 1
                    if self.calls == 1:  # not the calls that copying itself makes
                        copies.append(files_of(path))
                    self.calls -= 1

            return call

    with Watching(0, lasting=False).at_work():
        write_run(path)
    for number, copy in enumerate(copies):
        again = tmp_path / f"copy {number}"
        again.mkdir()
        for name, content in copy.items():
            (again / name).write_bytes(content)
        with contextlib.suppress(InputError):
            assert read_table(again, "measures").num_rows == len(UNITS)
            assert copy.items() >= uninterrupted.items()
        write_run(again)
        assert files_of(again) == uninterrupted
    assert len(copies) > 25


def test_a_failed_opening_lets_go_of_the_lock(half: Path) -> None:
    for k in range(1, 100):
        failing = Failing(k, lasting=False)
        with failing.at_work(), contextlib.suppress(MachineError):
            RunFolder.open(half, IDENTITY).close()
        RunFolder.open(half, IDENTITY).close()
        if failing.calls < k:
            return


def test_a_finished_run_that_can_not_be_read_is_a_machine_error(run: Path) -> None:
    for k in range(1, 3):
        with Failing(k, lasting=True).at_work(), pytest.raises(MachineError, match=str(run)):
            RunFolder.open(run, IDENTITY)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(folder_module, "open", Failing(1, lasting=True)(open), raising=False)
        with pytest.raises(MachineError, match=r"lorenz\.parquet"):
            read_table(run, "lorenz")


# Other processes


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.close()


@short_and_long("kills", 40, 1000)
def test_a_writer_killed_at_any_time_loses_nothing_and_ends_in_the_same_result(
    server: Server, tmp_path: Path, uninterrupted: dict[str, bytes], kills: int
) -> None:
    chance = random.Random(kills)
    server(tmp_path / "warm up")
    began = time.monotonic()
    server(tmp_path / "timing")
    whole = time.monotonic() - began
    killed, runs, interrupted = 0, 0, 0
    path, stored = tmp_path / "run 0", set[Unit]()
    while killed < kills or stored:
        said = server(path, delay=chance.uniform(0, 1.2 * whole) if killed < kills else None)
        assert all(words[0] in ("stored", "finished") for words in said), said
        stored |= {Unit(*words[1:]) for words in said if words[0] == "stored"}
        killed += ["finished"] not in said
        if not path.exists():
            assert not stored
            continue
        with RunFolder.open(path, IDENTITY) as folder:
            assert folder.finished >= (["finished"] in said)
            done = folder.done()
            assert stored <= done <= set(UNITS)
            interrupted += 0 < len(done) < len(UNITS)
            for unit in done if not folder.finished else ():
                assert folder.fetch(unit) == payload(unit)
            finished = folder.finished
            stored = done
        if finished:
            assert files_of(path) == uninterrupted
            runs += 1
            path, stored = tmp_path / f"run {runs}", set()
    assert runs >= 1
    assert interrupted > kills / 10


def test_a_folder_that_is_being_written_is_refused_to_another_process(server: Server, half: Path) -> None:
    with RunFolder.open(half, IDENTITY) as folder:
        assert server(half) == [["MachineError", f"{half}: is being written by another process"]]
        folder.store(UNITS[3], payload(UNITS[3]))
    assert server(half)[-1] == ["finished"]


def test_of_processes_that_begin_at_once_one_wins_and_the_others_name_the_folder(
    server: Server, tmp_path: Path
) -> None:
    for number in range(6):
        path = tmp_path / f"run {number}"
        said = sorted(server(path, writers=4, hold=0.15))
        assert said == [["MachineError", f"{path}: is being written by another process"]] * 3 + [["won"]]


def test_a_lock_file_that_nobody_holds_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / LOCK).write_text("pid 1")
    write_run(tmp_path)
    assert read_manifest(tmp_path)["identity"] == IDENTITY


def test_a_lock_ends_with_a_killed_holder(server: Server, tmp_path: Path) -> None:
    assert server(tmp_path / "run", hold=60, delay=0.3) == [["won"]]
    RunFolder.open(tmp_path / "run", IDENTITY).close()


def test_a_disk_that_fills_up_at_any_size_is_said_and_the_run_ends_in_the_same_result(
    server: Server, tmp_path: Path, uninterrupted: dict[str, bytes]
) -> None:
    sizes = [len(content) for content in uninterrupted.values()]
    limits = (*range(0, max(sizes), max(sizes) // 25), *(size - 1 for size in sizes if size), 2 * max(sizes))
    finished = 0
    for limit in limits:
        path = tmp_path / f"run {limit}"
        said = server(path, limit=limit)
        finished += said[-1] == ["finished"]
        if said[-1] != ["finished"]:
            assert said[-1][0] == "MachineError", said[-1]
            assert str(path) in said[-1][1]
        stored = {Unit(*words[1:]) for words in said if words[0] == "stored"}
        with RunFolder.open(path, IDENTITY) as folder:
            assert folder.done() >= stored
        write_run(path)
        assert files_of(path) == uninterrupted
    assert finished == 1
