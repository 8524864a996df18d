"""`sim new`: a first scenario file, commented, valid and ready to run; or another scenario under a new name."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.places import SCENARIOS
from typer.testing import CliRunner, Result

from sim.cli.app import app
from sim.scenario import load


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def sim(*args: object) -> Result:
    return CliRunner().invoke(app, [str(arg) for arg in args])


def test_a_new_scenario_is_valid_commented_and_runs() -> None:
    made = sim("new", "mine")
    assert made.exit_code == 0, made.output
    assert "sim run mine.toml" in made.stdout
    text = Path("mine.toml").read_text()
    assert 'name = "mine"' in text
    assert text.count("# ") > 5
    assert sim("validate", "mine.toml").exit_code == 0
    assert load("mine.toml").scenario.name == "mine"
    assert sim("run", "mine.toml", "--replications", 2, "--quiet", "--out", "run").exit_code == 0


def test_the_template_is_the_smallest_scenario_of_the_project_but_for_its_name() -> None:
    sim("new", "minimal")
    assert load("minimal.toml").scenario == load(SCENARIOS / "minimal.toml").scenario


@pytest.mark.parametrize("source", ["minimal.toml", "weibo-2017.toml"])
def test_a_scenario_from_another_one_differs_in_its_name_alone(source: str) -> None:
    assert sim("new", "other", "--from", SCENARIOS / source).exit_code == 0
    ours, theirs = load("other.toml").scenario, load(SCENARIOS / source).scenario
    assert ours.name == "other"
    assert ours.model_copy(update={"name": theirs.name}) == theirs
    mine, given = Path("other.toml").read_text().splitlines(), (SCENARIOS / source).read_text().splitlines()
    assert sum(a != b for a, b in zip(mine, given, strict=True)) <= 2  # the name, the schema's place


def test_an_existing_file_is_never_written_over() -> None:
    Path("mine.toml").write_text("precious")
    refused = sim("new", "mine")
    assert refused.exit_code == 2
    assert refused.stderr.strip() == "mine.toml: exists already; nothing was written"
    assert Path("mine.toml").read_text() == "precious"


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "with space", "x" * 101, 'quo"te', "line\nbreak"])
def test_a_name_that_is_no_file_name_of_a_scenario_is_refused(name: str, tmp_path: Path) -> None:
    assert sim("new", name).exit_code == 2
    assert list(tmp_path.iterdir()) == []


def test_a_source_with_faults_is_refused_with_them_and_nothing_is_written(tmp_path: Path) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text((SCENARIOS / "minimal.toml").read_text().replace("seed = 1", "seed = -1"))
    refused = sim("new", "mine", "--from", bad)
    assert refused.exit_code == 2
    assert "seed: must be >= 0, got -1" in refused.stderr
    assert not Path("mine.toml").exists()


def test_a_missing_source_is_refused() -> None:
    assert sim("new", "mine", "--from", "nothing.toml").exit_code == 2
    assert not Path("mine.toml").exists()
