"""The tutorial: it runs from its first cell to its last, what it says comes out, and git's copy has no outputs."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from support.places import DOCS, PROJECT

from sim.cli.app import app

NOTEBOOK = DOCS / "tutorial.ipynb"
NEEDED = ("ipykernel", "nbclient", "nbformat", "pandas")
MISSING = [name for name in NEEDED if importlib.util.find_spec(name) is None]
EXECUTE = """
import sys

import nbformat
from nbclient import NotebookClient

source, folder, target = sys.argv[1:]
notebook = nbformat.read(source, as_version=4)
nbformat.validate(notebook)
NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": folder}}).execute()
nbformat.write(notebook, target)
"""
RUNS = ("run-it", "run-best")
CHARTS = ("chart-head-share", "chart-gains", "chart-runs", "chart-claims", "half-width")
TABLES = ("the-answer-as-rows", "compare", "a-measure-of-our-own", "claims", "interval-by-hand")

Cell = dict[str, Any]


def cells_of(notebook: Path, kind: str) -> dict[str, Cell]:
    """Cells of a kind by id."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return {cell["id"]: cell for cell in cells if cell["cell_type"] == kind}


def executed(tmp_path: Path) -> dict[str, Cell]:
    """Code cells with their outputs, run in the folder ``work``, with ``temporary`` for temporary files.

    In a process of its own, for what Jupyter warns of isn't ours. The kernel is this interpreter's, whatever kernels
    and settings the user has.
    """
    for name in ("work", "temporary", "jupyter/kernels/python3"):
        (tmp_path / name).mkdir(parents=True)
    kernel = {
        "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": "Python 3",
        "language": "python",
    }
    (tmp_path / "jupyter/kernels/python3/kernel.json").write_text(json.dumps(kernel))
    own = {
        "JUPYTER_PATH": "jupyter",
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "IPYTHONDIR": "ipython",
        "TMPDIR": "temporary",
    }
    done = subprocess.run(
        [sys.executable, "-c", EXECUTE, str(NOTEBOOK), str(tmp_path / "work"), str(tmp_path / "executed.ipynb")],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **{name: str(tmp_path / folder) for name, folder in own.items()}},
    )
    assert done.returncode == 0, done.stderr
    return cells_of(tmp_path / "executed.ipynb", "code")


def printed(cell: Cell) -> str:
    """What the cell printed."""
    return "".join("".join(output["text"]) for output in cell["outputs"] if output["output_type"] == "stream")


def shown(cell: Cell, mime: str) -> str:
    """What the cell's last expression is shown as, in this type."""
    (result,) = (output for output in cell["outputs"] if output["output_type"] == "execute_result")
    return "".join(result["data"][mime])


def rows_of(text: str) -> dict[str, list[float]]:
    """Numbers of each row of a table as text, by the row's label; rows without numbers are left out."""
    rows = (line.split() for line in text.splitlines())
    return {row[0]: list(map(float, row[1:])) for row in rows if len(row) > 1 and re.match(r"[-+]?\d", row[1])}


@pytest.mark.slow  # the documentation's build executes it each time, and fails where a cell does
@pytest.mark.skipif(bool(MISSING), reason=f"needs {', '.join(MISSING)}")
def test_the_tutorial_runs_shows_what_its_text_says_and_leaves_no_file_behind(tmp_path: Path) -> None:
    cells = executed(tmp_path)
    outputs = [output for cell in cells.values() for output in cell["outputs"]]
    assert {output["output_type"] for output in outputs} == {"stream", "execute_result"}  # no error
    assert {output["name"] for output in outputs if output["output_type"] == "stream"} == {"stdout"}  # no warning
    assert [list((tmp_path / folder).iterdir()) for folder in ("work", "temporary")] == [[], []]

    assert all(shown(cells[name], "image/png") for name in CHARTS)
    assert all("<table" in shown(cells[name], "text/html") for name in (*RUNS, *TABLES))
    assert re.fullmatch(
        r"mistaken.toml:\d+: surfaces.find-people.folow_prob: unknown key; did you mean `follow_prob`\?\n"
        r"mistaken.toml:\d+: support.share: must be <= 1, got 25.0\n",
        printed(cells["two-mistakes"]),
    )

    equal, best = (shown(cells[name], "text/html") for name in RUNS)
    assert "A demonstration: a claim needs 30" in equal
    for pair, says in (
        (("tiered", "none"), "lower"),
        (("uniform", "none"), "lower"),
        (("tiered", "uniform"), "no clear"),
    ):
        assert f"<b>{pair[0]}</b> against <b>{pair[1]}</b>: {says}" in equal
    for pair, says in (
        (("tiered", "none"), "higher"),
        (("uniform", "none"), "lower"),
        (("tiered", "uniform"), "higher"),
    ):
        assert f"<b>{pair[0]}</b> against <b>{pair[1]}</b>: {says}" in best

    compared = [line.split()[1:] for line in shown(cells["compare"], "text/plain").splitlines()[1:]]
    assert len(compared) == 6
    for arm, _quantity, mean_a, mean_b, *change, n_pairs in compared:
        same = mean_a == mean_b and set(map(float, change)) == {0.0}
        assert (same, n_pairs) == (arm != "tiered", "10")
    reserved = rows_of(shown(cells["a-measure-of-our-own"], "text/plain"))
    assert reserved["none"][0] == reserved["none"][1]
    assert max(reserved["tiered"][0], *reserved["uniform"]) < reserved["none"][0] < reserved["tiered"][1]

    verdicts = re.findall(r"[a-z]+$", printed(cells["say-it"]), re.MULTILINE)
    assert verdicts == ["supported", "negligible", "refuted", "refuted"]
    said, by_hand, unpaired = re.findall(r"(\S+) to (\S+) points", printed(cells["interval-by-hand"]))
    assert said == by_hand
    assert float(unpaired[0]) < float(said[0]) < float(said[1]) < 0 < float(unpaired[1])
    assert "are the first ten of these: True" in printed(cells["half-width"])
    found = [row[-1] for row in rows_of(printed(cells["half-width"])).values()]
    assert len(found) == 4
    assert found == sorted(found, reverse=True)

    digests = re.findall(r"[0-9a-f]{64}", printed(cells["recreate"]))
    assert digests == digests[:1] * 2
    assert "the same to the bit: True" in printed(cells["recreate"])
    assert printed(cells["write-report"]).startswith("equal-30/report.html")


def test_git_s_copy_of_the_tutorial_has_no_outputs_and_its_cells_have_names() -> None:
    text = NOTEBOOK.read_text(encoding="utf-8")
    notebook = json.loads(text)
    assert text == json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
    assert notebook["metadata"].keys() == {"kernelspec", "language_info"}
    assert notebook["metadata"]["language_info"] == {"name": "python"}
    for cell in notebook["cells"]:
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", cell["id"])
        assert cell["metadata"] == {}
        if cell["cell_type"] == "code":
            assert (cell["outputs"], cell["execution_count"]) == ([], None)
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(set(ids)) == len(ids)
    assert {*RUNS, *CHARTS, *TABLES} <= set(ids)


def test_files_pages_and_commands_that_the_tutorial_names_are_there() -> None:
    text = "\n".join("".join(cell["source"]) for cell in cells_of(NOTEBOOK, "markdown").values())
    pages = re.findall(r"\]\(([^)]+)\)", text)
    files = re.findall(r"`((?:docs|scenarios|sim)/[^`]+)`", text)
    commands = set(re.findall(r"`sim ([a-z]+)", text))
    assert pages
    assert files
    assert [name for name in pages if not (NOTEBOOK.parent / name).is_file()] == []
    assert [name for name in files if not (PROJECT / name).is_file()] == []
    assert commands
    assert commands <= set(getattr(typer.main.get_command(app), "commands", {}))
