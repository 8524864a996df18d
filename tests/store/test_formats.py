"""Files of every format that there has been: read, or refused with what to do; a later one is refused as that."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path

import pytest
from support.run_writer import IDENTITY, files_of

from sim.errors import InputError
from sim.regression.baseline import BaselineError, read_baseline
from sim.store.journal import Journal
from sim.store.run_folder import JOURNAL, LOCK, MANIFEST, RunFolder, read_manifest
from sim.store.unit import Unit

FORMATS = Path(__file__).parents[1] / "corpus" / "formats"


def run_folder(tmp_path: Path, sample: str) -> Path:
    """A folder with the manifest of a finished run, or the journal of an unfinished one."""
    (tmp_path / LOCK).touch()
    shutil.copy(FORMATS / sample, tmp_path / (MANIFEST if sample.endswith(".json") else JOURNAL))
    return tmp_path


@pytest.mark.parametrize("sample", ["manifest-1.json", "manifest-1-without-reading.json"])
def test_a_manifest_of_format_1_is_read(sample: str, tmp_path: Path) -> None:
    manifest = read_manifest(run_folder(tmp_path, sample))
    assert (manifest["schema"], manifest["name"]) == (1, "tiny")
    assert ("reading" in manifest) == (sample == "manifest-1.json")


def test_a_manifest_of_a_later_format_is_refused_as_that(tmp_path: Path) -> None:
    path = run_folder(tmp_path, "manifest-1.json")
    (path / MANIFEST).write_text(json.dumps(json.loads((path / MANIFEST).read_text("utf-8")) | {"schema": 2}))
    before = files_of(path)
    for look in (lambda: read_manifest(path), lambda: RunFolder.open(path, IDENTITY)):
        with pytest.raises(InputError, match=r"has format 2, which a later version of Headshare wrote; this one reads"):
            look()
    assert files_of(path) == before


@pytest.mark.parametrize("schema", [0, -1, "1", True, None, 1.0])
def test_a_format_that_is_no_number_of_one_is_damage(schema: object, tmp_path: Path) -> None:
    path = run_folder(tmp_path, "manifest-1.json")
    content = json.loads((path / MANIFEST).read_text("utf-8")) | {"schema": schema}
    (path / MANIFEST).write_text(json.dumps(content))
    with pytest.raises(InputError, match="damaged"):
        read_manifest(path)


def test_a_journal_of_format_1_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = run_folder(tmp_path, "journal-1.sqlite")
    before = files_of(path)
    with pytest.raises(InputError, match=r"journal\.sqlite: has format 1, this version reads 2: finish the run with"):
        RunFolder.open(path, IDENTITY)
    assert files_of(path) == before


def test_a_journal_of_format_2_is_read(tmp_path: Path) -> None:
    with RunFolder.open(run_folder(tmp_path, "journal-2.sqlite"), IDENTITY) as folder:
        assert folder.done() == {Unit("none", 0), Unit("none", 0, independent=True)}
        assert folder.fetch(Unit("none", 0)) == b"payload"
        assert folder.fetch(Unit("none", 0, independent=True)) == b"another"


def test_a_journal_of_a_later_format_is_refused_as_that(tmp_path: Path) -> None:
    path = run_folder(tmp_path, "journal-2.sqlite") / JOURNAL
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 3")
    database.close()
    with pytest.raises(InputError, match="has format 3, which a later version of Headshare wrote; this one reads 2"):
        Journal(path, IDENTITY)


def test_a_baseline_of_format_1_is_refused_with_the_command_that_writes_it_again() -> None:
    says = r"^has format 1, this version reads 2: `sim check FILE --update --reason TEXT` writes it again$"
    with pytest.raises(BaselineError, match=says):
        read_baseline(FORMATS / "baseline-1.json", "tiny")


def test_a_baseline_of_format_2_is_read() -> None:
    assert read_baseline(FORMATS / "baseline-2.json", "tiny").reason == "a sample"


def test_a_baseline_of_a_later_format_is_refused_as_that(tmp_path: Path) -> None:
    content = json.loads((FORMATS / "baseline-2.json").read_text("utf-8")) | {"schema": 3}
    (tmp_path / "tiny.json").write_text(json.dumps(content))
    with pytest.raises(
        BaselineError, match=r"^has format 3, which a later version of Headshare wrote; this one reads 2$"
    ):
        read_baseline(tmp_path / "tiny.json", "tiny")
