"""The documentation: what its pages say to run runs as written, and its reference is complete.

Before a block of code a comment says what becomes of it: `<!-- executed -->` runs it, `<!-- executed: exit 2 -->`
expects that exit code, `<!-- executed with polars -->` skips it where there is no such package, `<!-- file: x.toml -->`
writes it to a file, `<!-- output -->` holds it against what the block before it printed, `…` standing for any lines.
The blocks of a page run in order in one folder, which has the shipped scenarios and examples.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.util
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from support.places import DOCS, PROJECT
from support.small_runs import sim as sim_command

import sim
from sim import registry
from sim.cli.app import app
from sim.model.ranking.policies import PlatformView
from sim.scenario import json_schema
from sim.scenario.read.roster import KNOWN
from sim.scenario.schema.measurable import built_in_measures
from sim.store.columns import TABLES

PAGES = sorted(DOCS.rglob("*.md"))
BLOCK = re.compile(r"^<!-- (executed|file|output)\b(.*?) -->\n```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """A marked block: what is done with it, how, its language and its text."""

    response: str
    how: str
    language: str
    text: str


def blocks(page: Path) -> list[Block]:
    return [Block(*found) for found in BLOCK.findall(page.read_text(encoding="utf-8"))]


def shell(block: Block, folder: Path) -> str:
    """Run a block of commands; what they printed. Those of ``sim`` alone on a line are called in this process."""
    wanted = int(found[1]) if (found := re.search(r"exit (\d+)", block.how)) else 0
    parts = [block.text] if "<<" in block.text else block.text.splitlines()
    printed = ""
    for part in parts:
        is_plain = re.fullmatch(r"(\.venv/bin/)?sim [^|<>;&$]+", part)
        code, said = in_process(part) if is_plain else in_a_shell(part, folder)
        printed += said
        if code:
            break
    assert code == wanted, printed
    return printed


def in_process(command: str) -> tuple[int, str]:
    """Exit code of a command, and what it printed."""
    with registry.isolated():
        ended = sim_command(*shlex.split(command, comments=True)[1:])
    return ended.code, ended.err + ended.out


def in_a_shell(commands: str, folder: Path) -> tuple[int, str]:
    """The same of what needs a shell."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        cwd=folder,
        env=os.environ | {"PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def python(block: Block, names: dict[str, Any]) -> str:
    """Run a block of Python; what it printed."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(block.text, "<documentation>", "exec"), names)
    return printed.getvalue()


def assert_printed(wanted: str, printed: str) -> None:
    """The output has these lines in this order, and where no `…` is between them, right after each other."""
    lines, place, is_open = [line.rstrip() for line in printed.splitlines()], 0, False
    for line in wanted.splitlines():
        if line == "…":
            is_open = True
            continue
        found = lines.index(line, place) if line in lines[place:] else -1
        is_there = found == place or (is_open and found >= 0)
        assert is_there, f"{line!r} isn't in its place in\n{printed}"
        place, is_open = found + 1, False
    assert is_open or place == len(lines), f"more was printed:\n{printed}"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder as a reader has it, the current one."""
    shutil.copytree(PROJECT / "scenarios", tmp_path / "scenarios")
    shutil.copytree(DOCS / "examples", tmp_path / "docs" / "examples")
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "bin").symlink_to(Path(sys.executable).parent)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "page", [page for page in PAGES if blocks(page)], ids=lambda page: page.relative_to(PROJECT).as_posix()
)
def test_what_a_page_says_to_run_runs(page: Path, folder: Path) -> None:
    names: dict[str, Any] = {}
    printed = ""
    for block in blocks(page):
        needed = re.search(r"with (\w+)", block.how)
        if block.response == "file":
            (folder / block.how.lstrip(": ")).write_text(block.text, encoding="utf-8")
        elif block.response == "output":
            assert_printed(block.text, printed)
        elif needed and importlib.util.find_spec(needed[1]) is None:
            continue
        else:
            printed = shell(block, folder) if block.language == "sh" else python(block, names)


README = (PROJECT / "README.md").read_text(encoding="utf-8")


def test_the_commands_for_a_reader_s_own_files_run_as_the_readme_has_them(folder: Path) -> None:
    scenarios = folder / "scenarios"
    for name in ("roster.toml", "graph.toml"):  # a month of one replication is enough
        text = (scenarios / name).read_text(encoding="utf-8")
        for key, little in (("replications", 1), ("horizon_days", 30)):
            text = re.sub(rf"(?m)^{key} = \d+", f"{key} = {little}", text)
        (scenarios / name).write_text(text, encoding="utf-8")
    (folder / "YOUR.csv").write_bytes((scenarios / "rosters" / "synthetic.csv").read_bytes())
    edges = (scenarios / "graphs" / "synthetic-mutual.csv").read_text(encoding="utf-8").splitlines()[1:]
    (folder / "EDGES.csv").write_text("\n".join(["fan,influencer", *edges]), encoding="utf-8")
    (folder / "my.toml").write_bytes((scenarios / "minimal.toml").read_bytes())
    sim.run("my.toml", out="results/runs/A")
    shutil.copytree("results/runs/A", "results/runs/B")
    own = README.partition("\n## Your own\n")[2].partition("\n## ")[0]
    commands = [Block("executed", "", language, text) for language, text in FENCE.findall(own)]
    assert [block.language for block in commands] == ["sh", "python"]
    shell(commands[0], folder)
    python(commands[1], {})


def test_every_comment_marks_a_block() -> None:
    for page in PAGES:
        comments = re.findall(r"^<!-- (?:executed|file|output)\b", page.read_text(encoding="utf-8"), re.MULTILINE)
        assert len(comments) == len(blocks(page)), page


def test_every_how_to_page_is_executed() -> None:
    pages = sorted((DOCS / "how-to").glob("*.md"))
    assert len(pages) >= 6
    for page in pages:
        assert any(block.response == "executed" for block in blocks(page)), page


def first_cells(page: Path) -> set[str]:
    """Names in the first cells of a page's tables."""
    cells = re.findall(r"^\| (`.*?) \|", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}


def test_every_column_of_a_roster_and_every_field_that_a_policy_sees_is_documented() -> None:
    fields = {field.name for field in dataclasses.fields(PlatformView)} | {"tier_of_influencer"}
    assert first_cells(DOCS / "how-to" / "bring-a-roster.md") == set(KNOWN)
    assert first_cells(DOCS / "how-to" / "add-a-policy.md") == fields


# The reference


def directives(name: str) -> set[str]:
    """Arguments that a directive has in the pages of the reference."""
    text = "\n".join(page.read_text(encoding="utf-8") for page in (DOCS / "reference").glob("*.md"))
    return {found.strip() for found in re.findall(rf"^```\{{{name}\}}(.*)$", text, re.MULTILINE)}


@pytest.fixture(scope="module")
def generated() -> Any:
    """The extension that makes the reference."""
    pytest.importorskip("sphinx")
    spec = importlib.util.spec_from_file_location("generated", DOCS / "generated.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_table_of_the_schema_has_its_place_in_the_reference(generated: Any) -> None:
    tables = generated.scenario_tables()
    patches = {path for path, table in tables.items() if path and not table.get("properties")}
    assert patches == {"phases.NAME", "arms.NAME"}
    assert directives("scenario-keys") == set(tables) - patches
    assert directives("fixed-keys") == {path.split(".")[0] for path in patches}


def test_the_tables_have_every_key_of_the_schema(generated: Any) -> None:
    tables = [table.get("properties", {}) for table in generated.scenario_tables().values()]
    schema = json_schema()
    for definition in (schema, *schema["$defs"].values()):
        assert definition["properties"] in tables


def test_every_table_of_a_run_and_every_command_has_its_place_in_the_reference() -> None:
    import typer

    assert directives("run-table") == set(TABLES)
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    assert directives("command") == {"", *(name for name, command in commands.items() if not command.hidden)}


def test_every_measure_says_what_it_is() -> None:
    for measure in built_in_measures():
        assert measure.doc, measure.name
        assert measure.source or measure.formula or measure.unit, measure.name


@pytest.mark.slow  # CI builds the documentation by the README's command
def test_the_built_pages_have_every_key_and_every_column(generated: Any, tmp_path: Path) -> None:
    pytest.importorskip("myst_nb")
    pytest.importorskip("furo")
    from docutils.nodes import make_id

    options = ["-W", "--keep-going", "-q", "-b", "html", "-D", "nb_execution_mode=off", "-d", tmp_path / "trees"]
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", *options, DOCS, tmp_path / "html"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    built = "\n".join(page.read_text(encoding="utf-8") for page in (tmp_path / "html" / "reference").glob("*.html"))
    targets = set(re.findall(r'id="([^"]+)"', built))
    for path, table in generated.scenario_tables().items():
        for key in table.get("properties", {}):
            assert make_id(f"key-{path}.{key}" if path else f"key-{key}") in targets
    for name, columns in TABLES.items():
        for column in columns:
            assert make_id(f"column-{name}-{column.name}") in targets
    assert not re.search(r'(?:src|href)="https?://[^"]+\.(?:js|css|woff2?)', built)  # nothing is fetched


# The other language


def test_the_chinese_readme_has_the_commands_of_the_english_one() -> None:
    chinese = (PROJECT / "README.zh.md").read_text(encoding="utf-8")

    def commands(text: str) -> list[str]:
        return [re.sub(r"\s*#.*$", "", line) for _, code in FENCE.findall(text) for line in code.splitlines()]

    assert commands(chinese) == commands(README)
    for pattern in (r"^## ", r"^\|", r"^- ", r"\]\(docs/"):
        assert len(re.findall(pattern, chinese, re.MULTILINE)) == len(re.findall(pattern, README, re.MULTILINE))


def test_a_word_of_the_glossary_is_defined_in_both_languages() -> None:
    text = (DOCS / "glossary.md").read_text(encoding="utf-8")
    entries = re.findall(r"^(\S.*)\n(\S.*)\n  (.+(?:\n  .+)*)\n\n  (.+)\n", text, re.MULTILINE)
    assert len(entries) >= 90
    han = re.compile(r"[一-鿿]")
    for english, chinese, meaning, sense in entries:
        assert not han.search(english + meaning), english
        assert han.search(chinese), english
        assert han.search(sense), english
        assert meaning.endswith("."), english
        assert sense.endswith("。"), english
