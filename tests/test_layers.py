"""The architecture's promises that a machine can check: layers, sizes of files, what an import pulls in."""

import subprocess
import sys
from pathlib import Path

import pytest
from importlinter.cli import lint_imports
from support.places import PROJECT, SOURCE

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


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PROJECT)))
def test_no_file_has_over_400_lines(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


@pytest.mark.parametrize("statement", ["import sim", "import sim.scenario", "import sim.cli.app"])
def test_asking_for_help_or_reading_a_scenario_needs_no_compiler(statement: str) -> None:
    assert not modules_after(statement) & SLOW_TO_IMPORT


def test_running_a_model_does_need_the_compiler() -> None:
    assert modules_after("import sim.model.simulation") & SLOW_TO_IMPORT >= {"numba", "llvmlite", "simpy"}


def test_the_reference_session_needs_no_compiler() -> None:
    assert not modules_after("import sim.model.spec.session") & SLOW_TO_IMPORT
