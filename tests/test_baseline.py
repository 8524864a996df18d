"""Baselines: small stable text, whose damage is noticed, whose merge conflicts can be read."""

from __future__ import annotations

import json
import os
import random
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_runs import TINY, run_of

from sim.errors import MachineError
from sim.regression.baseline import Baseline, BaselineError, read_baseline, write_baseline
from sim.regression.content import Content, sections
from sim.scenario import load

MUTANTS = 400


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> Content:
    return Content.of(run_of(tmp_path_factory.mktemp("baseline"), epochs=True))


@pytest.fixture
def baseline(content: Content) -> Baseline:
    return Baseline("tiny", "the first", {"fans": "0123456789ab"}, 3, content)


def test_what_is_written_is_read_again(baseline: Baseline, tmp_path: Path) -> None:
    path = tmp_path / "new" / "tiny.json"
    write_baseline(path, baseline)
    assert read_baseline(path, baseline.name) == baseline


@given(reason=st.text(), name=st.text(min_size=1), values=st.lists(st.none() | st.floats(allow_nan=False, width=32)))
def test_any_reason_and_name_come_back(reason: str, name: str, values: list[float | None]) -> None:
    import tempfile

    values = [None if value is None or abs(value) == float("inf") else value for value in values]
    kept = Content({name: ["00"]}, {}, {}, {}, {name: [reason]}, {name: {name: values}})
    with tempfile.TemporaryDirectory() as folder:
        write_baseline(Path(folder) / "x.json", Baseline("x", reason, {}, 1, kept))
        assert read_baseline(Path(folder) / "x.json", "x") == Baseline("x", reason, {}, 1, kept)


def test_a_reason_that_is_no_text_for_a_file_comes_back(tmp_path: Path) -> None:
    baseline = Baseline("x", "from a terminal: \udcff", {}, 1, Content({}, {}, {}, {}, {}, {}))
    write_baseline(tmp_path / "x.json", baseline)
    assert read_baseline(tmp_path / "x.json", baseline.name) == baseline


def test_the_text_is_sorted_and_has_a_value_in_each_line(baseline: Baseline) -> None:
    text = baseline.to_text()
    read = json.loads(text)
    for key in ("digests", "tables", "measures", "values", "scenario"):
        assert list(read[key]) == sorted(read[key])
    assert text == baseline.to_text()
    assert max(map(len, text.splitlines())) < 300
    assert len(text) < 40_000
    assert re.search(r'\n   "followers head_share_01": \[[0-9.e-]+, [0-9.e-]+, [0-9.e-]+\]', text)


def test_a_table_that_moved_is_one_line_of_the_text(baseline: Baseline) -> None:
    from dataclasses import replace

    tables = baseline.content.tables | {"lorenz": "0" * 12}
    other = replace(baseline, content=replace(baseline.content, tables=tables))
    lines, others = (b.to_text().splitlines() for b in (baseline, other))
    assert sum(a != b for a, b in zip(lines, others, strict=True)) == 2  # and the seal


def test_no_damage_goes_unnoticed(baseline: Baseline, tmp_path: Path) -> None:
    path = tmp_path / "tiny.json"
    write_baseline(path, baseline)
    whole = path.read_bytes()
    chance = random.Random(7)
    for _ in range(MUTANTS):
        raw = bytearray(whole)
        at = chance.randrange(len(raw))
        match chance.randrange(4):
            case 0:
                raw[at] ^= 1 << chance.randrange(8)
            case 1:
                del raw[at : at + chance.randrange(1, 50)]
            case 2:
                raw[at:at] = bytes(chance.randrange(256) for _ in range(3))
            case _:
                del raw[at:]
        if bytes(raw).replace(b"\r\n", b"\n") == whole:
            continue
        path.write_bytes(raw)
        with pytest.raises(BaselineError):
            read_baseline(path, baseline.name)


def test_line_ends_of_another_system_are_no_damage(baseline: Baseline, tmp_path: Path) -> None:
    path = tmp_path / "tiny.json"
    write_baseline(path, baseline)
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert read_baseline(path, baseline.name) == baseline


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is no JSON"),
        ("[]", "is no baseline"),
        ("{}", "is no baseline"),
        ("[" * 100_000, "is no JSON"),
        ('{"schema": 2, "seal": ""}', "must have schema 1"),
        ("{\n<<<<<<< ours\n}\n", "merge conflict"),
        ('{"schema": 1, "seal": "00"}', "its own seal"),
    ],
)
def test_what_is_no_baseline_is_told_so(text: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(BaselineError, match=says):
        read_baseline(path, "x")


def test_a_pipe_is_no_baseline_and_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.json")
    with pytest.raises(BaselineError, match="is not a regular file"):
        read_baseline(tmp_path / "x.json", "x")


def test_a_missing_baseline_names_the_way_to_one(tmp_path: Path) -> None:
    with pytest.raises(BaselineError, match="--update --reason TEXT writes one"):
        read_baseline(tmp_path / "x.json", "x")
    with pytest.raises(BaselineError, match="can't be read"):
        read_baseline(tmp_path, "x")


def test_what_cant_be_written_leaves_the_old_baseline(
    baseline: Baseline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "tiny.json"
    path.write_text("old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(MachineError, match="No space left"):
        write_baseline(path, baseline)
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["tiny.json"]


def test_sections_tell_which_part_of_a_scenario_has_changed(tmp_path: Path) -> None:
    def of(text: str) -> dict[str, str]:
        (tmp_path / "x.toml").write_text(text)
        return sections(load(tmp_path / "x.toml"))

    before = of(TINY)
    assert of(TINY.replace('name = "tiny"', 'name = "other"\ntitle = "a title"')) == before
    assert of(TINY + "\n[check]\nreplications = 2\n") == before
    changed = of(TINY.replace("share = 0.3", "share = 0.31"))
    assert {key for key in before if before[key] != changed[key]} == {"support", "surfaces"}


def test_equal_runs_have_equal_content_on_both_engines(content: Content, tmp_path: Path) -> None:
    assert Content.of(run_of(tmp_path, epochs=True, engine="reference")) == content
