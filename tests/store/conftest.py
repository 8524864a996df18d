"""Run folders for the tests of the store: a whole one's files, a finished one, an unfinished one."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.run_writer import IDENTITY, UNITS, files_of, payload, write_run

from sim.store.run_folder import RunFolder


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    path = tmp_path_factory.mktemp("whole") / "run"
    write_run(path)
    return files_of(path)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A finished run."""
    write_run(tmp_path / "run")
    return tmp_path / "run"


@pytest.fixture
def half(tmp_path: Path) -> Path:
    """A run with three units, unfinished."""
    with RunFolder.open(tmp_path / "half", IDENTITY) as folder:
        for unit in UNITS[:3]:
            folder.store(unit, payload(unit))
    return tmp_path / "half"
