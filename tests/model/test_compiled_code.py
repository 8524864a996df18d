"""Where compiled code is kept, and that a run needs neither a home nor a writable installation."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from support.places import PROJECT

from sim.model.kernel.compiled_code import CODE_FOLDER

SHOW = "from sim.model.kernel.compiled_code import CODE_FOLDER; print(CODE_FOLDER.path); print(CODE_FOLDER.note)"
USER = 12345


def place(**environment: str | None) -> tuple[Path, str | None]:
    """The folder that a process of this environment uses, and its note."""
    given = {key: value for key, value in {**os.environ, **environment}.items() if value is not None}
    given.setdefault("PYTHONPATH", str(PROJECT))
    done = subprocess.run([sys.executable, "-c", SHOW], env=given, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    folder, note = done.stdout.splitlines()
    return Path(folder), None if note == "None" else note


def test_compiled_code_is_kept_in_the_users_cache_folder(tmp_path: Path) -> None:
    folder, note = place(XDG_CACHE_HOME=str(tmp_path), NUMBA_CACHE_DIR=None)
    assert folder.parent == tmp_path / "headshare" / "compiled"
    assert note is None


def test_a_given_numba_cache_folder_wins(tmp_path: Path) -> None:
    assert place(NUMBA_CACHE_DIR=str(tmp_path / "mine")) == (tmp_path / "mine", None)


def test_where_the_cache_folder_cannot_be_written_a_temporary_one_is_used_and_found_again(tmp_path: Path) -> None:
    blocked, temporary = tmp_path / "file", tmp_path / "temporary"
    blocked.touch()
    temporary.mkdir()
    given = {"XDG_CACHE_HOME": str(blocked), "TMPDIR": str(temporary), "NUMBA_CACHE_DIR": None}
    folder, note = place(**given)
    assert folder.parent == temporary / f"headshare-{os.getuid()}"
    assert note == f"compiled code is kept in {folder.parent}, because {blocked}/headshare/compiled can't be written"
    assert place(**given)[0] == folder
    assert place(**{**given, "NUMBA_CACHE_DIR": str(blocked)})[0] == folder


def test_code_is_never_taken_from_a_temporary_folder_that_others_can_write(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    planted = tmp_path / f"headshare-{os.getuid()}"
    planted.mkdir()
    planted.chmod(0o777)
    folder, _ = place(XDG_CACHE_HOME=str(tmp_path / "file"), TMPDIR=str(tmp_path), NUMBA_CACHE_DIR=None)
    assert planted not in folder.parents
    assert folder.parents[1] == tmp_path


def test_without_any_folder_the_user_is_told_what_to_set(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    given = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "file"), "PYTHONPATH": str(PROJECT)}
    given.pop("NUMBA_CACHE_DIR", None)
    program = (
        f"import sys, tempfile; from sim.cli.app import main; tempfile.tempdir = {str(tmp_path / 'none')!r}\n"
        f"sys.argv[1:] = ['run', 'scenarios/minimal.toml', '--out', {str(tmp_path / 'out')!r}]; main()"
    )
    done = subprocess.run([sys.executable, "-c", program], env=given, capture_output=True, text=True, cwd=PROJECT)
    assert done.returncode == 4
    assert len(done.stderr.splitlines()) == 1
    assert "set NUMBA_CACHE_DIR" in done.stderr


def test_code_of_other_sources_that_nothing_uses_is_removed(tmp_path: Path) -> None:
    given = {"XDG_CACHE_HOME": str(tmp_path), "NUMBA_CACHE_DIR": None}
    own, _ = place(**given)
    old, recent = own.parent / "old", own.parent / "recent"
    old.mkdir()
    recent.mkdir()
    long_ago = time.time() - 31 * 86400
    os.utime(old, (long_ago, long_ago))
    os.utime(own, (long_ago, long_ago))
    place(**given)
    assert sorted(each.name for each in own.parent.iterdir()) == sorted(["recent", own.name])


def test_a_run_writes_nothing_beside_the_source() -> None:
    assert not list((PROJECT / "sim").rglob("*.nbi"))
    assert not list((PROJECT / "sim").rglob("*.nbc"))


def python_for_everybody() -> str:
    """A Python of this version that any user may execute."""
    name = f"python3.{sys.version_info[1]}"
    for candidate in dict.fromkeys([sys.executable, f"/usr/bin/{name}", f"/usr/local/bin/{name}"]):
        tried = [*as_user(), candidate, "-c", f"import sys; sys.exit(sys.version_info[:2] != {sys.version_info[:2]})"]
        if Path(candidate).exists() and subprocess.run(tried, capture_output=True).returncode == 0:
            return candidate
    pytest.skip(f"no Python 3.{sys.version_info[1]} that every user may execute")


def as_user() -> list[str]:
    """What runs a command as a user without a home, who owns nothing."""
    ids = [f"--reuid={USER}", f"--regid={USER}", "--clear-groups"]
    return ["setpriv", *ids, "env", "-i", "PATH=/usr/bin:/bin", "HOME=/nonexistent"]


@pytest.mark.skipif(shutil.which("setpriv") is None or os.getuid() != 0, reason="needs setpriv, and to be root")
def test_a_user_without_a_home_runs_plots_and_reports() -> None:
    python = python_for_everybody()
    folder = Path("/tmp") / f"headshare-test-{os.getpid()}"  # pytest's own folders are closed to other users
    site = Path(np.__file__).parents[1]
    compiled = folder / "temporary" / f"headshare-{USER}" / place(NUMBA_CACHE_DIR=None)[0].name
    if CODE_FOLDER.path.is_dir():  # what is compiled needn't be compiled again
        shutil.copytree(CODE_FOLDER.path, compiled)
    compiled.mkdir(parents=True, exist_ok=True)
    compiled.parent.chmod(0o700)
    for made in (folder, *folder.rglob("*")):
        os.chown(made, USER, USER)
    environment = [f"PYTHONPATH={PROJECT}:{site}", f"TMPDIR={folder / 'temporary'}"]
    readable = [*as_user(), "test", "-r", str(PROJECT / "sim/__init__.py"), "-a", "-r", str(site / "numpy/__init__.py")]
    try:
        if subprocess.run(readable).returncode:
            pytest.skip("the packages can't be read by other users here")

        def said(*arguments: str) -> subprocess.CompletedProcess[str]:
            command = [*as_user(), *environment, python, "-m", "sim", *arguments]
            return subprocess.run(command, capture_output=True, text=True, cwd=folder)

        scenario = str(PROJECT / "scenarios/minimal.toml")
        run = said("run", scenario, "--replications", "1", "--out", "a", "--engine", "reference", "--quiet")
        assert run.returncode == 0, run.stderr
        again = said("run", scenario, "--replications", "1", "--out", "a", "--engine", "reference")
        assert "compiled code is kept in" in again.stderr
        assert said("report", "a").returncode == 0
        assert said("plot", "a", "--chart", "head-share", "--out", "a.svg").returncode == 0
        assert (folder / "a/report.html").exists()
        assert (folder / "a.svg").exists()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
