"""The how-to page on surface kinds: its changes, in a copy of the source, give a kind that both engines run alike."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from support.seeded_faults import PROJECT, Change, ChangedCopy

from sim.scenario.schema.surface_kinds import KINDS

PAGE = (PROJECT / "docs" / "how-to" / "add-a-surface-kind.md").read_text(encoding="utf-8")
CHANGE = re.compile(r"^<!-- change: (.+?) -->\n```diff\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def changes() -> Iterator[Change]:
    """The page's changes, one for each file."""
    replaced: dict[str, list[tuple[str, str]]] = {}
    for file, text in CHANGE.findall(PAGE):
        lines = text.splitlines(keepends=True)
        old, new = ("".join(line[1:] for line in lines if line[0] in kept) for kept in (" -", " +"))
        replaced.setdefault(file, []).append((old, new))
    for file, ((old, new), *more) in replaced.items():
        yield Change(f"a kind in {file}", file, old, new, more=tuple(more))


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    (text,) = re.findall(r"^<!-- file: showroom.toml -->\n```toml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    path = tmp_path / "showroom.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_new_kind_needs_no_more_than_three_files() -> None:
    source = {change.file for change in changes()}
    others = set(re.findall(r"> (docs/\S+)", PAGE))
    assert source == {"scenario/schema/surface_kinds.py", "model/ranking/surfaces.py"}
    assert len(source | others) == 3


def test_no_source_file_compares_the_name_of_a_kind() -> None:
    compared = re.compile(rf'kind (?:==|!=|in) .*"(?:{"|".join(KINDS)})"')
    for path in (PROJECT / "sim").rglob("*.py"):
        assert not compared.search(path.read_text(encoding="utf-8")), path


def test_both_engines_run_the_kind_that_the_page_adds_and_give_the_same_digests(tmp_path: Path, scenario: Path) -> None:
    copy = ChangedCopy(tmp_path / "copy")

    def run(engine: str) -> dict[str, list[str]]:
        command = [sys.executable, "-m", "sim", "run", str(scenario), "--engine", engine, "--json"]
        done = subprocess.run(
            [*command, "--out", str(tmp_path / engine)],
            env=copy.environment(),
            cwd=copy.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return dict(json.loads(done.stdout)["digests"])

    with ExitStack() as stack:
        for change in changes():
            stack.enter_context(copy.changed(change))
        compiled = run("compiled")
        assert compiled == run("reference")
    assert compiled["none"] != compiled["uniform"]
    columns = _influencers(tmp_path / "compiled")
    assert {bool(shop) for shop in columns["shop_end"]} == {True, False}
    shown = dict.fromkeys((True, False), 0)
    for arm, shop, exposure in zip(columns["arm"], columns["shop_end"], columns["exposure_organic"], strict=True):
        shown[bool(shop)] += exposure if arm == "none" else 0
    assert shown[True] > 0
    assert shown[False] == 0


def _influencers(run: Path) -> dict[str, list]:
    import pyarrow.parquet as pq

    return dict(pq.read_table(run / "influencers.parquet").to_pydict())
