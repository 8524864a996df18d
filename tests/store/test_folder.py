"""The run folder: one writer, nothing finished lost, nothing unfinished seen, no damage silent."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.run_writer import CONTENT, IDENTITY, UNITS, files_of, payload, tables_of, write_run

from sim.errors import InputError, MachineError
from sim.store.run_folder import (
    GIVEN_KEYS,
    JOURNAL,
    LOCK,
    MANIFEST,
    MANIFEST_KEYS,
    SEALED,
    RunFolder,
    read_manifest,
    read_table,
)
from sim.store.unit import Unit

# What a run folder holds


def test_a_finished_run_holds_its_tables_its_manifest_and_the_lock_only(run: Path) -> None:
    assert sorted(files_of(run)) == [LOCK, "lorenz.parquet", MANIFEST, "measures.parquet"]


def test_the_manifest_is_the_given_one_with_files_and_identity(run: Path) -> None:
    files = {
        name: hashlib.sha256((run / name).read_bytes()).hexdigest() for name in ("lorenz.parquet", "measures.parquet")
    }
    assert read_manifest(run) == {"schema": 1, **CONTENT, "identity": IDENTITY, "files": files}


def test_the_manifest_is_indented_utf8_in_the_order_of_its_contract(run: Path) -> None:
    text = (run / MANIFEST).read_text("utf-8")
    assert text == json.dumps(json.loads(text), indent=1, ensure_ascii=False) + "\n"
    assert list(json.loads(text)) == [*MANIFEST_KEYS, "seal"]
    assert "weibo-头部" in text


def test_a_table_is_read_as_it_was_published(run: Path) -> None:
    assert read_table(run, "measures")["value"].to_pylist() == [sum(payload(unit)) for unit in UNITS]


def test_the_same_content_gives_the_same_bytes_however_it_was_chunked(
    tmp_path: Path, uninterrupted: dict[str, bytes]
) -> None:
    with RunFolder.open(tmp_path / "run", IDENTITY) as folder:
        for unit in reversed(UNITS):
            folder.store(unit, payload(unit))
        chunked = {
            name: pa.concat_tables([table.slice(0, 5), table.slice(5)]) for name, table in tables_of(folder).items()
        }
        folder.publish(dict(reversed(chunked.items())), dict(reversed(CONTENT.items())))
    assert files_of(tmp_path / "run") == uninterrupted


def test_large_tables_too_have_the_same_bytes_however_they_were_chunked(tmp_path: Path) -> None:
    chance = random.Random(3)
    numbers = [chance.random() for _ in range(200_000)]
    table = pa.table({"value": numbers, "word": [None if x < 0.1 else f"{x:.3}" for x in numbers]})

    def written(path: Path, cuts: list[int]) -> dict[str, bytes]:
        with RunFolder.open(path, IDENTITY) as folder:
            for start, end in itertools.pairwise([0, *cuts, table.num_rows]):
                folder.append("large", table.slice(start, end - start))
            folder.publish({}, CONTENT)
        assert read_table(path, "large").equals(table)
        return files_of(path)

    whole = written(tmp_path / "whole", [])
    assert written(tmp_path / "parts", [777, 65_536, 65_536, 150_777]) == whole
    assert pq.ParquetFile(tmp_path / "whole" / "large.parquet").num_row_groups == 7


def test_appended_rows_that_are_not_published_leave_nothing(half: Path) -> None:
    before = files_of(half)
    with RunFolder.open(half, IDENTITY) as folder:
        folder.append("measures", pa.table({"value": [1.0]}))
        assert any(name.endswith(".tmp") for name in files_of(half))
        with pytest.raises(ValueError, match="names"):
            folder.append("../measures", pa.table({}))
    assert files_of(half) == before


def test_a_table_takes_no_memory_for_rows_that_are_written(tmp_path: Path) -> None:
    part = pa.table({"value": range(1 << 15)})
    with RunFolder.open(tmp_path / "run", IDENTITY) as folder:
        folder.append("large", part)
        before = pa.total_allocated_bytes()
        for _ in range(40):
            folder.append("large", part)
        assert pa.total_allocated_bytes() < before + part.nbytes


def test_tables_are_compressed_and_carry_page_checksums(run: Path) -> None:
    content = bytearray((run / "lorenz.parquet").read_bytes())
    column = pq.ParquetFile(run / "lorenz.parquet").metadata.row_group(0).column(1)
    assert column.compression == "ZSTD"
    content[column.data_page_offset + column.total_compressed_size // 2] ^= 1
    with pytest.raises(OSError, match="CRC"):
        pq.ParquetFile(pa.BufferReader(bytes(content)), page_checksum_verification=True).read()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.dictionaries(st.text(), JSON, max_size=4), st.lists(st.text(st.characters(exclude_categories=[])), max_size=3)
)
@settings(max_examples=60, deadline=None)
def test_any_json_and_any_command_line_survive_the_manifest(scenario: dict[str, Any], command: list[str]) -> None:
    manifest = {**CONTENT, "scenario": scenario, "command": command}
    sealed = SEALED.to_bytes({"schema": 1, **manifest, "files": {}, "identity": IDENTITY})
    loaded = SEALED.from_bytes(sealed)
    assert loaded["scenario"] == scenario
    assert [json.dumps(word) for word in loaded["command"]] == [json.dumps(word) for word in command]
    assert SEALED.to_bytes(loaded) == sealed


def test_whole_number_keys_of_a_manifest_sort_as_the_text_they_become(tmp_path: Path) -> None:
    with RunFolder.open(tmp_path, IDENTITY) as folder:
        folder.publish({}, {**CONTENT, "inputs": {2: "b", 10: "a"}, "command": ("sim", "run")})
    assert read_manifest(tmp_path)["inputs"] == {"10": "a", "2": "b"}


# Opening


def test_a_new_folder_is_made_with_its_parents(tmp_path: Path) -> None:
    with RunFolder.open(str(tmp_path / "a" / "b" / "run"), IDENTITY) as folder:
        assert not folder.finished
        assert folder.done() == set()
    assert (tmp_path / "a" / "b" / "run" / JOURNAL).exists()


def test_an_unfinished_run_is_continued_where_it_stood(half: Path, uninterrupted: dict[str, bytes]) -> None:
    stored: list[Unit] = []
    write_run(half, stored.append)
    assert stored == UNITS[3:]
    assert files_of(half) == uninterrupted


def test_a_finished_run_is_finished_again_and_unchanged(run: Path) -> None:
    before = files_of(run)
    with RunFolder.open(run, IDENTITY) as folder:
        assert folder.finished
        assert folder.done() == set(UNITS)
        for use in (
            lambda: folder.store(Unit("none", 0), b""),
            lambda: folder.fetch(Unit("none", 0)),
            lambda: folder.publish({}, {}),
        ):
            with pytest.raises(ValueError, match="is finished"):
                use()
    assert files_of(run) == before


def test_a_finished_run_needs_no_lock_file_to_be_known_as_one(run: Path) -> None:
    (run / LOCK).unlink()
    with RunFolder.open(run, IDENTITY, resume=True) as folder:
        assert folder.finished


def test_resume_takes_an_unfinished_and_a_finished_run(half: Path, run: Path) -> None:
    for path in (half, run):
        with RunFolder.open(path, IDENTITY, resume=True) as folder:
            assert folder.done() >= set(UNITS[:3])


@pytest.mark.parametrize("content", [None, [], [LOCK]])
def test_resume_without_a_run_is_refused_and_makes_nothing(tmp_path: Path, content: list[str] | None) -> None:
    path = tmp_path / "run"
    if content is not None:
        path.mkdir()
        for name in content:
            (path / name).touch()
    before = files_of(path)
    with pytest.raises(InputError, match="run: has no run to resume in it"):
        RunFolder.open(path, IDENTITY, resume=True)
    assert path.exists() == (content is not None)
    assert files_of(path) == before


@pytest.mark.parametrize("resume", [False, True])
def test_another_identity_is_refused_and_said_what_the_folder_holds(half: Path, run: Path, resume: bool) -> None:
    for path, what in ((half, "an unfinished run"), (run, "a finished run of 'weibo-头部'")):
        before = files_of(path)
        with pytest.raises(InputError, match=f"{path}: has {what} in it, of the identity {IDENTITY}, not ffff"):
            RunFolder.open(path, "ffff", resume=resume)
        assert files_of(path) == before


@pytest.mark.parametrize("name", ["thesis.txt", ".hidden", JOURNAL, "measures.parquet", "x.tmp"])
def test_a_folder_with_other_things_in_it_is_refused_and_untouched(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    before = files_of(tmp_path), os.stat(tmp_path).st_mtime_ns
    with pytest.raises(InputError, match="other things in it"):
        RunFolder.open(tmp_path, IDENTITY)
    assert (files_of(tmp_path), os.stat(tmp_path).st_mtime_ns) == before


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "3", '{"name": "a web application"}', "[" * 100_000, "\xff", "1" * 9999]
)
def test_a_foreign_or_broken_manifest_is_refused_and_untouched(tmp_path: Path, content: str) -> None:
    (tmp_path / MANIFEST).write_text(content, "latin-1")
    before = files_of(tmp_path)
    for look in (lambda: RunFolder.open(tmp_path, IDENTITY), lambda: read_manifest(tmp_path)):
        with pytest.raises(InputError, match=MANIFEST):
            look()
    assert files_of(tmp_path) == before


def test_a_file_in_the_folders_place_and_an_impossible_path_are_bad_input(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "below", "nul\0byte"):
        with pytest.raises(InputError):
            RunFolder.open(path, IDENTITY)


def test_a_name_too_long_is_a_machine_error_with_the_systems_words(tmp_path: Path) -> None:
    with pytest.raises(MachineError, match="File name too long"):
        RunFolder.open(tmp_path / ("x" * 300), IDENTITY)


def test_a_folder_without_permission_is_a_machine_error(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        if os.access(tmp_path, os.W_OK):
            pytest.skip("this user (root?) may write anywhere; the failing system calls stand in for it")
        with pytest.raises(MachineError, match="Permission denied"):
            RunFolder.open(tmp_path / "run", IDENTITY)
    finally:
        tmp_path.chmod(0o700)


def test_an_identity_that_is_no_hex_string_is_a_mistake_of_the_caller(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="identity"):
        RunFolder.open(tmp_path / "run", "Not hex")
    assert not (tmp_path / "run").exists()


def test_left_over_temporary_files_are_removed_on_opening(half: Path, run: Path) -> None:
    for path in (half, run):
        before = files_of(path)
        (path / ".headshare-0123456789abcdef.tmp").write_text("half a file")
        RunFolder.open(path, IDENTITY).close()
        assert files_of(path) == before


def test_a_journal_left_over_beside_a_manifest_is_removed(run: Path) -> None:
    before = files_of(run)
    for name in (JOURNAL, JOURNAL + "-wal"):
        (run / name).write_text("left over")
    RunFolder.open(run, IDENTITY).close()
    assert files_of(run) == before


def test_a_damaged_journal_is_a_machine_error_and_its_deletion_starts_anew(
    half: Path, uninterrupted: dict[str, bytes]
) -> None:
    (half / JOURNAL).write_bytes((half / JOURNAL).read_bytes()[:-5000])
    with pytest.raises(MachineError, match="delete this file"):
        RunFolder.open(half, IDENTITY)
    (half / JOURNAL).unlink()
    write_run(half)
    assert files_of(half) == uninterrupted


# Publishing and reading


@pytest.mark.parametrize("key", GIVEN_KEYS)
def test_a_manifest_without_one_of_its_keys_is_not_published(half: Path, key: str) -> None:
    manifest = {name: value for name, value in CONTENT.items() if name != key}
    with RunFolder.open(half, IDENTITY) as folder, pytest.raises(ValueError, match=f"missing .'{key}'"):
        folder.publish({}, manifest)


@pytest.mark.parametrize(
    ("tables", "change", "words"),
    [
        ({}, {"colour": 1}, "unknown"),
        ({}, {"files": {}}, "unknown"),
        ({}, {"schema": 1}, "unknown"),
        ({}, {"seconds": float("nan")}, "JSON"),
        ({}, {"inputs": {"x": object()}}, "JSON"),
        ({}, {"digests": ["0a"]}, "digests"),
        ({"../measures": pa.table({})}, {}, "names"),
        ({"Measures.parquet": pa.table({})}, {}, "names"),
    ],
)
def test_what_can_not_be_published_is_refused_before_anything_is_written(
    half: Path, tables: dict[str, Any], change: dict[str, Any], words: str
) -> None:
    with RunFolder.open(half, IDENTITY) as folder:
        before = files_of(half)
        with pytest.raises(ValueError, match=words):
            folder.publish(tables, {**CONTENT, **change})
        assert files_of(half) == before
        assert folder.done() == set(UNITS[:3])


def test_readers_see_no_run_before_it_is_finished(half: Path, tmp_path: Path) -> None:
    for path in (half, tmp_path / "nowhere", half / LOCK):
        for look in (lambda path=path: read_manifest(path), lambda path=path: read_table(path, "measures")):
            with pytest.raises(InputError, match=f"{path}: has no finished run in it"):
                look()


def test_a_table_that_is_not_there_is_named(run: Path) -> None:
    with pytest.raises(InputError, match=r"no table 'claims'; it has lorenz\.parquet, measures\.parquet"):
        read_table(run, "claims")
    (run / "lorenz.parquet").unlink()
    with pytest.raises(InputError, match=r"lorenz\.parquet: is missing"):
        read_table(run, "lorenz")


def test_a_table_edited_into_another_valid_one_is_refused_before_arrow_opens_it(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pq.write_table(pa.table({"value": [1]}), run / "measures.parquet")
    monkeypatch.setattr(pq, "ParquetFile", None)
    with pytest.raises(InputError, match=r"measures\.parquet: differs from the manifest's SHA-256: damaged or edited"):
        read_table(run, "measures")


def test_a_manifest_edited_into_another_valid_one_is_refused(run: Path) -> None:
    manifest = json.loads((run / MANIFEST).read_text("utf-8"))
    (run / MANIFEST).write_text(json.dumps({**manifest, "seed": 8}), "utf-8")
    with pytest.raises(InputError, match="differs from its own SHA-256"):
        RunFolder.open(run, IDENTITY)


def test_a_run_of_a_version_without_how_its_files_were_read_is_read(tmp_path: Path) -> None:
    with RunFolder.open(tmp_path, IDENTITY) as folder:
        folder.publish({}, CONTENT)
    manifest = read_manifest(tmp_path)
    del manifest["reading"]
    (tmp_path / MANIFEST).write_bytes(SEALED.to_bytes(manifest))
    assert "reading" not in read_manifest(tmp_path)
