"""Shipped scenarios by name, from any folder: the same runs as by path, and clean answers to unknown names."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.places import PROJECT
from support.small_runs import TINY
from typer.testing import CliRunner, Result

import sim as face
from sim.cli.app import app
from sim.errors import InputError
from sim.scenario import load
from sim.scenario.resolve import shipped
from sim.scenario.resolve.shipped import scenario_file, shipped_baseline, shipped_file, shipped_names
from sim.store.provenance import identity
from sim.version import __version__

SCENARIOS = PROJECT / "scenarios"
NAMES = sorted(file.relative_to(SCENARIOS).as_posix().removesuffix(".toml") for file in SCENARIOS.rglob("*.toml"))


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The package's folder as a wheel lays it out, whose pyproject.toml says where what goes."""
    package = tmp_path / "site-packages" / "sim"
    build = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    for ours, theirs in build["sources"].items():
        shutil.copytree(PROJECT / ours, package.parent / theirs)
    monkeypatch.setattr(shipped, "_PACKAGE", package)
    return package


@pytest.fixture
def tiny(installed: Path) -> Path:
    """The same with a scenario ``tiny`` more, which has no baseline."""
    (installed / "shipped/scenarios/tiny.toml").write_text(TINY)
    return installed


def sim(*args: object) -> Result:
    return CliRunner().invoke(app, [str(arg) for arg in args])


# Names


@pytest.mark.parametrize("name", NAMES)
def test_a_name_gives_the_scenario_its_inputs_and_the_identity_of_its_file(name: str) -> None:
    named, by_path = load(name), load(SCENARIOS / f"{name}.toml")
    assert named == by_path
    assert named.inputs == by_path.inputs
    assert identity(named, "compiled") == identity(by_path, "compiled")


def test_a_run_by_name_is_the_run_by_path(tiny: Path) -> None:
    first = json.loads(sim("run", "tiny", "--json").stdout)
    second = json.loads(sim("run", tiny / "shipped/scenarios/tiny.toml", "--json").stdout)
    assert first["run"] == second["run"]
    assert first["digests"] == second["digests"]
    assert [folder.name for folder in Path("results/runs").iterdir()] == [Path(first["run"]).name]


def test_a_wheel_gives_what_a_copy_of_the_project_gives(installed: Path) -> None:
    assert shipped_names() == NAMES
    assert shipped_file("roster").is_relative_to(installed)
    assert load("roster") == load(SCENARIOS / "roster.toml")
    assert load("graph") == load(SCENARIOS / "graph.toml")
    theirs = shipped_baseline(shipped_file("claims/live"), "live")
    assert theirs is not None
    assert theirs.read_bytes() == (PROJECT / "results/baselines/live.json").read_bytes()


def test_an_existing_file_wins_over_a_name_but_a_folder_does_not() -> None:
    Path("minimal").write_text((SCENARIOS / "minimal.toml").read_text().replace('"minimal"', '"own"'))
    Path("weibo-2017").mkdir()
    assert load("minimal").scenario.name == "own"
    assert load("weibo-2017").scenario.name == "weibo-2017"
    with pytest.raises(InputError, match="is a folder, not a file"):
        load(".")


def test_python_takes_names_as_the_commands_do() -> None:
    assert face.load("minimal", replications=2).scenario.replications == 2
    assert face.follow_graph("graph", day=0).by_name().influencers == load("graph").graph.influencers  # type: ignore[union-attr]
    with pytest.raises(InputError, match="did you mean the shipped `minimal`"):
        face.run("minimall")


@pytest.mark.parametrize(
    "command",
    [
        ("run",),
        ("validate",),
        ("check",),
        ("trace", "--fan", 1),
        ("graph",),
        ("new", "mine", "--from"),
    ],
    ids=lambda command: command[0],
)
def test_a_name_that_is_not_known_is_bad_input_with_the_nearest_one(command: tuple[object, ...]) -> None:
    refused = sim(*command, "weibo-2016")
    assert refused.exit_code == 2
    assert refused.stderr == (
        "weibo-2016: no such file, and no shipped scenario of this name; did you mean the shipped `weibo-2017`?\n"
    )
    assert not list(Path().iterdir())


@pytest.mark.parametrize(
    ("given_path", "says"),
    [
        ("zzz", f"no such file, and no shipped scenario of this name; there are {', '.join(NAMES)}"),
        ("live", "no such file, and no shipped scenario of this name; did you mean the shipped `claims/live`?"),
        ("claims", "no such file, and no shipped scenario of this name; did you mean the shipped `claims/live`?"),
        ("scenarios/minimal.toml", "no such file; did you mean the shipped `minimal`?"),
        ("a/scenarios/claims/support.toml", "no such file; did you mean the shipped `claims/support`?"),
        ("mine.toml", "no such file"),
        (
            "scenarios/weibo-2017",
            "no such file, and no shipped scenario of this name; did you mean the shipped `weibo-2017`?",
        ),
        ("./minimal", "no such file; did you mean the shipped `minimal`?"),
        ("../zzz", "no such file"),
    ],
)
def test_what_is_missing_is_reported_with_what_was_likely_meant(given_path: str, says: str) -> None:
    with pytest.raises(InputError) as error:
        load(given_path)
    assert str(error.value) == f"{given_path}: {says}"


@settings(max_examples=50)
@given(st.text(alphabet="minal./\\-~\0 é", max_size=12) | st.sampled_from(NAMES))
def test_whatever_is_given_is_itself_or_a_shipped_scenario_or_refused(text: str) -> None:
    with contextlib.suppress(InputError):
        assert scenario_file(text) in ([shipped_file(text)] if text in NAMES else [text])


def test_every_shipped_scenario_can_be_named() -> None:
    assert all(scenario_file(name) == SCENARIOS / f"{name}.toml" for name in NAMES)


# Baselines


def test_a_shipped_scenario_has_its_shipped_baseline_where_there_is_no_other_and_it_is_never_rewritten(
    tiny: Path,
) -> None:
    own, theirs = Path("results/baselines/tiny.json"), tiny / "shipped/baselines/tiny.json"
    assert sim("check", "tiny").exit_code == 1  # no baseline anywhere
    assert sim("check", "tiny", "--update", "--reason", "first", "--quiet").exit_code == 0
    shutil.move(own, theirs)
    held = json.loads(sim("check", "tiny", "--json").stdout)
    assert held["holds"]
    assert held["checked"][0]["file"] == str(tiny / "shipped/scenarios/tiny.toml")
    assert sim("check", "tiny", "--update", "--reason", "ours", "--quiet").exit_code == 0
    assert json.loads(theirs.read_text())["reason"] == "first"
    assert json.loads(own.read_text())["reason"] == "ours"
    own.write_text("{}")
    refused = sim("check", "tiny")
    assert refused.exit_code == 1
    assert "results/baselines/tiny.json" in " ".join(refused.stdout.split())


def test_a_scenario_of_the_user_s_own_has_no_shipped_baseline(tmp_path: Path) -> None:
    assert shipped_baseline(SCENARIOS / "minimal.toml", "minimal") is not None
    assert shipped_baseline(tmp_path / "minimal.toml", "minimal") is None


# A scenario to start from


def test_a_new_scenario_brings_the_files_that_it_reads() -> None:
    made = sim("new", "mine", "--from", "roster")
    assert made.exit_code == 0, made.output
    assert made.stdout.startswith("rosters/synthetic.csv: copied, mine.toml reads it\nmine.toml: written\n")
    theirs = load("roster")
    assert load("mine.toml").roster == theirs.roster
    again = sim("new", "platform", "--from", "roster-platform", "--json")
    assert json.loads(again.stdout) == {"file": "platform.toml", "inputs": []}  # it reads the same one
    graph = json.loads(sim("new", "streamers", "--from", "graph", "--json").stdout)
    assert graph == {"file": "streamers.toml", "inputs": ["graphs/synthetic-mutual.csv"]}
    assert sim("validate", "mine.toml", "platform.toml", "streamers.toml").exit_code == 0


def test_a_new_scenario_never_writes_over_another_roster() -> None:
    roster = Path("rosters/synthetic.csv")
    roster.parent.mkdir()
    roster.write_text("precious")
    refused = sim("new", "mine", "--from", "roster")
    assert refused.exit_code == 2
    assert refused.stderr == (
        f"rosters/synthetic.csv: exists already and isn't {SCENARIOS / 'rosters/synthetic.csv'}; nothing was written\n"
    )
    assert roster.read_text() == "precious"
    assert not Path("mine.toml").exists()


def test_nothing_is_copied_next_to_a_scenario_that_exists_already() -> None:
    Path("mine.toml").write_text("precious")
    assert sim("new", "mine", "--from", "roster").exit_code == 2
    assert [file.name for file in Path().iterdir()] == ["mine.toml"]


def test_nothing_is_copied_through_a_link_that_leads_elsewhere(tmp_path: Path) -> None:
    elsewhere, here = tmp_path / "elsewhere", tmp_path / "here"
    elsewhere.mkdir()
    here.mkdir()
    (here / "rosters").symlink_to(elsewhere)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(here)
        refused = sim("new", "mine", "--from", "roster")
    assert refused.exit_code == 2
    assert refused.stderr == "rosters/synthetic.csv: leads out of the current folder; nothing was written\n"
    assert list(elsewhere.iterdir()) == []


def test_a_place_that_takes_no_folder_is_reported_in_one_line() -> None:
    Path("rosters").write_text("a file")
    refused = sim("new", "mine", "--from", "roster")
    assert refused.exit_code == 4
    assert re.fullmatch(r"rosters/synthetic\.csv: can't be written: (File exists|Not a directory)\n", refused.stderr)
    assert not Path("mine.toml").exists()


def test_what_was_copied_goes_again_when_the_scenario_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", "mine.toml")

    monkeypatch.setattr("sim.cli.new._write", full)
    refused = sim("new", "mine", "--from", "roster")
    assert (refused.exit_code, refused.stderr) == (4, "mine.toml: No space left on device\n")
    assert not [file for file in Path().rglob("*") if file.is_file()]


@pytest.mark.usefixtures("installed")
def test_a_schema_line_points_to_the_schema_or_is_left_out() -> None:
    sim("new", "copied", "--from", SCENARIOS / "minimal.toml")
    first = Path("copied.toml").read_text().splitlines()[0]
    assert Path(first.removeprefix("#:schema ")).resolve() == PROJECT / "docs/scenario.schema.json"
    sim("new", "installed", "--from", "minimal")  # a wheel has no schema file
    assert "#:schema" not in Path("installed.toml").read_text()
    Path("remote.toml").write_text(f"#:schema https://example.com/s.json\n{Path('installed.toml').read_text()}")
    sim("new", "kept", "--from", "remote.toml")
    assert Path("kept.toml").read_text().startswith("#:schema https://example.com/s.json\n")


# The version, and how to cite it


def test_the_version_is_the_same_in_every_place() -> None:
    shown = sim("--version")
    assert (shown.exit_code, shown.stdout) == (0, f"headshare {face.__version__}\n")
    assert face.__version__ == __version__
    citation = (PROJECT / "CITATION.cff").read_text()
    assert re.findall(r"(?m)^version: (.+)$", citation) == [__version__]


def test_the_citation_has_the_licence_and_the_keywords_of_the_package() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    citation = (PROJECT / "CITATION.cff").read_text()
    assert f"\nlicense: {project['license']}\n" in citation
    assert re.findall(r"(?m)^  - (?!name:)(.+)$", citation) == project["keywords"]
    names = [author["name"] for author in project["authors"]]
    assert re.findall(r"(?m)^  - name: (.+)$", citation) == names
