"""The architecture's promises that a machine can check: layers, sizes, plain words, what an import pulls in."""

import ast
import re
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
import typer
from importlinter.cli import lint_imports
from support.places import PROJECT, SOURCE

from sim.cli.app import app

SOURCES = sorted(SOURCE.rglob("*.py"))
SLOW_TO_IMPORT = {"numba", "llvmlite", "scipy", "pyarrow", "simpy"}


def modules_after(statement: str) -> set[str]:
    """Top-level modules that a fresh interpreter holds after a statement."""
    code = f"import sys; {statement}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PROJECT)
    return set(done.stdout.split())


def test_imports_run_down_the_layers(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(PROJECT)
    failed = lint_imports(config_filename=str(PROJECT / "pyproject.toml"), no_cache=True)
    assert not failed, capsys.readouterr().out


def test_the_sources_are_found() -> None:
    assert {path.name for path in SOURCES} >= {"sessions.py", "streams.py", "scenario.py"}


each_source = pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PROJECT)))


@each_source
def test_no_file_has_over_400_lines(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions_of(path: Path) -> list[Function]:
    """All functions and methods of a file."""
    return [node for node in ast.walk(parsed(path)) if isinstance(node, Function)]


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@each_source
def test_no_function_has_over_60_lines(path: Path) -> None:
    lines = {function.name: function.end_lineno - function.lineno + 1 for function in functions_of(path)}  # type: ignore[operator]
    # The kernel's loop is one function: with parts of it in functions of their own, compiling takes longer.
    allowed = {"sessions"} if path == SOURCE / "model" / "kernel" / "sessions.py" else set()
    assert {name: n for name, n in lines.items() if n > 60 and name not in allowed} == {}


def n_parameters(function: Function, path: Path) -> int:
    """Parameters without ``self`` and ``cls``; those that users name one by one don't count, of the public face and of
    verbs.
    """
    given = function.args
    names = [one.arg for one in (*given.posonlyargs, *given.args, given.vararg, given.kwarg) if one is not None]
    is_face = path == SOURCE / "__init__.py" or function.name == "experiment"  # what ``sim.run`` calls
    options = 0 if is_face else len(given.kwonlyargs)
    return len(names) - (names[:1] in (["self"], ["cls"])) + options


def is_verb(function: Function, path: Path) -> bool:
    """Whether a function is a verb of the command line, whose parameters are its options."""
    return path.is_relative_to(SOURCE / "cli") and function.name in verbs()


@cache
def verbs() -> set[str]:
    return {command.name.replace("-", "_") for command in typer.main.get_command(app).commands.values()}  # type: ignore[attr-defined]


@each_source
def test_no_function_outside_the_kernel_has_over_8_parameters(path: Path) -> None:
    if path.is_relative_to(SOURCE / "model" / "kernel"):
        return
    functions = [function for function in functions_of(path) if not is_verb(function, path)]
    wide = {f.name: n for f in functions if (n := n_parameters(f, path)) > 8}
    assert wide == {}


ARCHAIC = ("anew", "beside", "told", "holds", "stands", "whom", "laid", "nobody", "somebody")


def words_of_docstrings() -> Counter[str]:
    """How often each word is in the docstrings of the source, those under a constant or a field included."""
    found: Counter[str] = Counter()
    for node in (node for path in SOURCES for node in ast.walk(parsed(path))):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            found.update(re.findall(r"[a-z]+", node.value.value.lower()))
    return found


def test_no_two_classes_have_one_name() -> None:
    found: dict[str, list[str]] = {}
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                found.setdefault(node.name, []).append(path.as_posix())
    shared = {name: paths for name, paths in found.items() if len(paths) > 1}
    assert shared == {}


def test_docstrings_are_in_plain_english() -> None:
    words = words_of_docstrings()
    assert words.total() > 10_000
    archaic = {word: words[word] for word in ARCHAIC if 1000 * words[word] > words.total()}
    assert archaic == {}, f"of {words.total()} words"


@pytest.mark.parametrize("statement", ["import sim", "import sim.scenario", "import sim.cli.app"])
def test_asking_for_help_or_reading_a_scenario_needs_no_compiler(statement: str) -> None:
    assert not modules_after(statement) & SLOW_TO_IMPORT


def test_running_a_model_does_need_the_compiler() -> None:
    assert modules_after("import sim.model.simulation") & SLOW_TO_IMPORT >= {"numba", "llvmlite", "simpy"}


def test_the_reference_session_needs_no_compiler() -> None:
    assert not modules_after("import sim.model.spec.session") & SLOW_TO_IMPORT
