"""An arm whose support list is empty when it is made says so at once, with the share of its reserved slots."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.plugins import SCENARIO, command

import sim
from sim.scenario import load

SMALL = SCENARIO.read_text().replace("= 90 ", "= 3 ").replace("replications = 10", "replications = 2")
SMALL = SMALL.replace("count = 2_000", "count = 100").replace("count = 200 ", "count = 20 ")
MORE = '[surfaces.find-more]\nkind = "discovery"\nsession_share = 0.25\nslots = 20\nrefresh_minutes = 60\n'
LIVE = '[surfaces.live]\nkind = "live"\nsession_share = 0.25\nslots = 20\nrefresh_minutes = 60\n'


def scenario(folder: Path, policy: str, surfaces: str = "", more: str = "") -> Path:
    path = folder / "x.toml"
    text = SMALL.replace('"rising-stars"\n', f'"{policy}"\n').replace(f'name = "{policy}"', 'name = "small"')
    if surfaces:
        text = text.replace("session_share = 1.0 ", "session_share = 0.75 ")
    path.write_text(text.replace("[support]", f"{surfaces}\n[support]") + more)
    return path


def notes_of(path: Path, out: Path) -> list[str]:
    notes: list[str] = []
    sim.run(load(path), out=out, note=notes.append)
    return notes


def test_an_arm_with_an_empty_list_says_so_once_before_the_run_ends(tmp_path: Path) -> None:
    told: list[str] = []
    path = scenario(tmp_path, "tail")  # for partners, and there are none

    def note(text: str) -> None:
        assert not (tmp_path / "run" / "manifest.json").exists()
        told.append(text)

    finished = sim.run(load(path), out=tmp_path / "run", note=note, threads=1)
    assert told == [
        "arm rising: on day 0 its support list is empty (replication 0), so that 100 % of its reserved slots are "
        "filled organically while that lasts; an arm with less than 99.9 % filled from its list isn't compared"
    ]
    totals = finished.table("surfaces").to_pylist()
    mine = [row for row in totals if row["arm"] == "rising"]
    assert sum(row["n_support_unfilled"] for row in mine) > 0
    assert {row["arm"] for row in finished.answer()} == {"uniform"}


def test_the_share_is_that_of_the_surfaces_whose_list_is_empty(tmp_path: Path) -> None:
    # Nobody is on air: 0.25 x 20 slots of (0.25 x 20 + 0.75 x 10), by refreshes of different intervals.
    told = notes_of(scenario(tmp_path, "flat", LIVE), tmp_path / "run")
    shares = {note.split(":")[0]: note.split("so that ")[1].split(" of")[0] for note in told}
    assert shares == {"arm rising": "100 %", "arm uniform": "40 %"}


def test_arms_that_are_to_be_empty_and_those_with_a_list_say_nothing(tmp_path: Path) -> None:
    arms = "".join(f'\n[arms.{name}]\nsupport.policy = "{name}"\n' for name in ("placebo", "empty"))
    assert notes_of(scenario(tmp_path, "uniform", MORE, arms), tmp_path / "run") == []


def test_a_list_that_is_empty_from_a_phase_on_says_the_day(tmp_path: Path) -> None:
    phases = '\n[phases.later]\nstart_day = 2\n[arms.rising.phases.later]\nsupport.policy = "tail"\n'
    (told,) = notes_of(scenario(tmp_path, "uniform", MORE, phases), tmp_path / "run")
    assert told.startswith("arm rising: on day 2 its support list is empty (replication ")
    assert "so that 100 % of" in told


def test_the_command_line_shows_it_unless_it_is_to_be_quiet_and_python_warns(tmp_path: Path) -> None:
    path = scenario(tmp_path, "tail")
    shown = command("run", path, "--out", tmp_path / "a")
    assert shown.exit_code == 0
    assert "on day 0 its support list is empty" in " ".join(shown.stderr.split())
    assert "empty" not in command("run", path, "--out", tmp_path / "quiet", "--quiet").stderr
    checked = command("check", path, "--baselines", tmp_path)
    assert "on day 0 its support list is empty" in " ".join(checked.stderr.split())
    with pytest.warns(UserWarning, match="on day 0 its support list is empty"):
        sim.run(path, out=tmp_path / "b")
