"""Files that appear whole or not at all: their modes and names, and what killed writers leave behind."""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.small_runs import run_of, sim

from sim.errors import MachineError
from sim.files import WholeFile, remove_abandoned, whole_file, working_folder

ABANDONED = ".headshare-0123456789abcdef.tmp"


@contextlib.contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def write(path: Path, content: bytes = b"new") -> None:
    with whole_file(path) as stream:
        stream.write(content)


@pytest.mark.parametrize(("mask", "expected"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664), (0o000, 0o666)])
def test_a_new_file_has_the_mode_that_the_umask_leaves(tmp_path: Path, mask: int, expected: int) -> None:
    with umask(mask):
        write(tmp_path / "new")
    assert mode(tmp_path / "new") == expected


@pytest.mark.parametrize("kept", [0o600, 0o640, 0o664, 0o755, 0o444])
def test_a_file_that_is_replaced_keeps_its_mode(tmp_path: Path, kept: int) -> None:
    (tmp_path / "old").write_text("old")
    (tmp_path / "old").chmod(kept)
    with umask(0o027):
        write(tmp_path / "old")
    assert ((tmp_path / "old").read_bytes(), mode(tmp_path / "old")) == (b"new", kept)


def test_what_replaces_a_private_file_is_never_open_to_others(tmp_path: Path) -> None:
    (tmp_path / "old").touch(mode=0o600)
    with umask(0), whole_file(tmp_path / "old"):
        (temporary,) = tmp_path.glob(".headshare-*")
        assert mode(temporary) == 0o600


def test_all_files_of_a_run_and_its_report_honour_the_umask(tmp_path: Path) -> None:
    with umask(0o007):
        run_of(tmp_path)
        assert sim("report", tmp_path / "run").code == 0
        assert sim("plot", tmp_path / "run", "--chart", "head-share", "--out", tmp_path / "x.svg").code == 0
    written = [*(tmp_path / "run").iterdir(), tmp_path / "x.svg"]
    assert len(written) > 8
    assert {mode(path) for path in written} == {0o660}


@pytest.mark.parametrize("name", ["n" * 255, "头" * 85, "\udcff" * 255])
def test_every_legal_name_can_be_written(tmp_path: Path, name: str) -> None:
    write(tmp_path / name)
    assert os.listdir(tmp_path) == [name]


def test_a_name_that_is_too_long_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(MachineError, match="can't be written: File name too long"):
        write(tmp_path / ("n" * 256))


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("old")
    with pytest.raises(TypeError), whole_file(tmp_path / "old") as stream:
        stream.writelines([b"half", "no bytes"])  # type: ignore[list-item]
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"old": "old"}


# Killed writers


def killed_while_it_writes(path: Path) -> None:
    """Have a process begin to write a file, and kill it."""
    program = (
        "import sys; from sim.files import WholeFile\n"
        "file = WholeFile(sys.argv[1]); file.stream.write(b'half'); file.stream.flush(); print('begun', flush=True)\n"
        "sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "begun\n"
        assert len(list(path.parent.glob(".headshare-*.tmp"))) == 1
        write(path.with_name("other"))  # not while its writer lives
        assert len(list(path.parent.glob(".headshare-*.tmp"))) == 1
        process.send_signal(signal.SIGKILL)


def test_the_file_of_a_killed_writer_is_removed_by_the_next_and_that_of_a_living_one_is_not(tmp_path: Path) -> None:
    killed_while_it_writes(tmp_path / "x")
    assert len(list(tmp_path.glob(".headshare-*.tmp"))) == 1
    write(tmp_path / "x")
    assert sorted(os.listdir(tmp_path)) == ["other", "x"]


def test_the_working_folder_of_a_killed_process_is_removed_by_the_next_and_that_of_a_living_one_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    program = (
        "import os, signal, sys, tempfile; from sim.files import working_folder; tempfile.tempdir = sys.argv[1]\n"
        "with working_folder() as folder: (folder / 'x').touch(); os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", program, tmp_path], check=False)
    (left,) = tmp_path.iterdir()
    assert list(left.iterdir())
    with working_folder() as living:
        assert list(tmp_path.iterdir()) == [living]
        with working_folder():
            assert living.is_dir()
    assert not list(tmp_path.iterdir())


def test_two_writers_of_one_folder_in_one_process_leave_each_other_alone(tmp_path: Path) -> None:
    one, other = WholeFile(tmp_path / "x"), WholeFile(tmp_path / "x")
    remove_abandoned(tmp_path)
    one.stream.write(b"one")
    other.stream.write(b"other")
    other.finish()
    one.finish()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"x": b"one"}


def test_nothing_else_is_taken_for_a_temporary_file(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("precious")
    (tmp_path / ABANDONED).symlink_to(tmp_path / "target")
    (tmp_path / ABANDONED.replace("0", "1")).mkdir()
    os.mkfifo(tmp_path / ABANDONED.replace("0", "2"))
    for name in (".headshare-1.tmp", f"{ABANDONED}x", f"x{ABANDONED}", "headshare.lock"):
        (tmp_path / name).touch()
    before = sorted(os.listdir(tmp_path))
    remove_abandoned(tmp_path)
    remove_abandoned(tmp_path / "nowhere")
    assert sorted(os.listdir(tmp_path)) == before


@pytest.mark.parametrize("verb", ["report", "plot", "graph", "check", "run", "new"])
def test_every_verb_that_writes_removes_what_a_killed_one_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    run_of(tmp_path)
    monkeypatch.chdir(tmp_path)
    where, command = {
        "report": ("run", ["run"]),
        "plot": ("out", ["run", "--chart", "head-share", "--out", "out/x.svg"]),
        "graph": ("out", ["x.toml", "--out", "out/x.csv"]),
        "check": ("out", ["x.toml", "--baselines", "out", "--update", "--reason", "the first"]),
        "run": ("run", ["x.toml", "--out", "run"]),
        "new": (".", ["mine"]),
    }[verb]
    (tmp_path / "out").mkdir()
    (tmp_path / where / ABANDONED).write_text("half a file")
    assert sim(verb, *command).code == 0
    assert not (tmp_path / where / ABANDONED).exists()
