"""``sim check`` as its users see it: baselines written and compared, differences named, exit codes."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.places import PROJECT
from support.small_runs import TINY, Told, sim, write

import sim as package
from sim.cli.app import app
from sim.errors import InterruptedRunError, MachineError
from sim.regression.scenario_files import scenario_files
from sim.results.run import Run

CHECK = """
[check]
replications = 2
max_replications = 4
"""
SMALL = TINY + CHECK
REVIEWED = SMALL.replace("tiers.all.weight = 1.0", "tiers.all = { weight = 1.0, over_accounts = 4 }")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a scenario and its baseline."""
    folder = tmp_path_factory.mktemp("checked")
    write(folder, SMALL)
    told = sim("check", folder / "x.toml", "--baselines", folder / "results" / "baselines", "--update", "--reason", "a")
    assert told.code == 0, told.err
    return folder


@pytest.fixture
def held(checked: Path, here: Path) -> Path:
    """The current folder, with a copy of that scenario and baseline."""
    shutil.copytree(checked, here, dirs_exist_ok=True)
    return here


def found(*args: str | Path) -> tuple[int, list[dict[str, Any]]]:
    """Exit code, and what a check says as JSON."""
    told = sim("check", *args, "--json")
    return told.code, json.loads(told.out)["checked"]


def parts(checked: dict[str, Any]) -> dict[str, str]:
    return {part["name"]: part["status"] for part in checked["parts"]}


# Baselines are written and compared


def test_a_missing_baseline_fails_and_says_how_to_write_one(here: Path) -> None:
    write(here, SMALL)
    told = sim("check", "x.toml")
    assert told.code == 1
    assert "results/baselines/tiny.json: there is no baseline; --update --reason TEXT writes" in " ".join(
        told.out.split()
    )
    assert not (here / "results").exists()


def test_a_baseline_written_holds_and_nothing_else_stays(here: Path) -> None:
    write(here, SMALL)
    told = sim("check", "x.toml", "--update", "--reason", "the first")
    assert told.code == 0
    assert sim("check", "x.toml").code == 0
    assert sorted(path.name for path in here.rglob("*") if path.is_file()) == ["tiny.json", "x.toml"]
    assert json.loads((here / "results/baselines/tiny.json").read_text())["reason"] == "the first"


@pytest.mark.parametrize("options", [["--update"], ["--reason", "r"], ["--update", "--reason", " "]])
def test_an_update_needs_a_reason_and_a_reason_an_update(here: Path, options: list[str]) -> None:
    write(here, SMALL)
    told = sim("check", "x.toml", *options)
    assert told.code == 2
    assert "--update and --reason TEXT go together" in told.err
    assert not (here / "results").exists()


def test_an_update_of_what_hasnt_moved_leaves_the_file_as_it_is(held: Path) -> None:
    path = held / "results/baselines/tiny.json"
    before = path.read_bytes()
    code, (checked,) = found("x.toml", "--update", "--reason", "another")
    assert (code, checked["update"]) == (0, "unchanged")
    assert path.read_bytes() == before


def test_an_update_shows_the_difference_keeps_the_reason_and_reminds_of_the_changelog(held: Path) -> None:
    write(held, SMALL.replace("share = 0.3", "share = 0.5"))
    told = sim("check", "x.toml", "--update", "--reason", "more slots")
    words = " ".join(told.out.split())
    assert told.code == 0
    assert "counters differ in 3 of 3 arms" in words
    assert "Regression:" in words
    assert json.loads((held / "results/baselines/tiny.json").read_text())["reason"] == "more slots"
    assert sim("check", "x.toml").code == 0


@pytest.mark.usefixtures("held")
@pytest.mark.parametrize("options", [["--engine", "reference"], ["--threads", "1"], ["--threads", "3"]])
def test_engine_and_threads_change_nothing(options: list[str]) -> None:
    assert sim("check", "x.toml", *options).code == 0


# What differs is named


def test_what_moved_is_named_with_arms_measures_event_and_the_keys_that_changed(held: Path) -> None:
    write(held, SMALL.replace('support.policy = "uniform"', 'support.policy = "tail"'))
    code, (checked,) = found("x.toml")
    assert code == 1
    exact = checked["parts"][1]
    assert (exact["name"], exact["status"]) == ("exact", "failed")
    assert exact["says"] == "counters differ in 1 of 3 arms: uniform"
    assert SMALL.splitlines()[exact["line"] - 1] == 'support.policy = "uniform"'
    assert any("measures that differ: " in detail for detail in exact["details"])
    assert {(e["arm"], e["control"]) for e in checked["estimates"] if e["verdict"] != "equivalent"} <= {
        ("uniform", "none"),
        ("tiered", "uniform"),
    }
    (divergence,) = checked["divergences"]
    assert (divergence["arm"], divergence["event"], divergence["from_days"]) == ("uniform", "refresh", 0)
    change = {
        "key": "arms.uniform.support.policy",
        "old": "uniform",
        "new": "tail",
        "line": exact["line"],
        "base": None,
    }
    assert (checked["changes"], checked["versions"], checked["notes"]) == ([change], [], [])


def test_a_probability_that_changed_is_named_by_its_values_wherever_it_is_seen(held: Path) -> None:
    write(held, SMALL.replace("follow_prob = 0.3", "follow_prob = 0.021"))
    told = sim("check", "x.toml", "--github")
    assert told.code == 1
    line = SMALL.splitlines().index("follow_prob = 0.3") + 1
    assert f"surfaces.find.follow_prob: 0.3 -> 0.021 (line {line})" in told.out
    assert f"::error file=x.toml,line={line},title=tiny%3A exact::" in told.out


def test_a_failing_check_names_the_versions_that_differ_and_a_holding_one_needs_none(
    held: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sim.store import provenance

    known = provenance.libraries()
    here = known | {"numpy": "9.9.9", "other": "1.0"}
    monkeypatch.setattr(provenance, "libraries", lambda: here)
    told = sim("check", "x.toml")
    assert told.code == 0
    assert "9.9.9" not in told.out
    write(held, SMALL.replace("share = 0.3", "share = 0.5"))
    said = f"the baseline was written with numpy {known['numpy']}, other (none); here: numpy 9.9.9, other 1.0"
    assert f"note: {said}" in " ".join(sim("check", "x.toml").out.split())
    assert found("x.toml")[1][0]["versions"] == [
        {"name": "numpy", "old": known["numpy"], "new": "9.9.9"},
        {"name": "other", "old": None, "new": "1.0"},
    ]


@pytest.mark.usefixtures("held")
def test_what_is_made_of_equal_counters_is_compared_too(monkeypatch: pytest.MonkeyPatch) -> None:
    from sim.analysis import entropy
    from sim.measures import meter as measures

    monkeypatch.setattr(measures, "theils", lambda rows: [value * 1.01 for value in entropy.theils(rows)])
    code, (checked,) = found("x.toml")
    assert code == 1
    exact = checked["parts"][1]
    assert exact["says"] == "the counters are the same, but not what is made of them"
    assert any(detail.startswith("measures that differ") and "followers theil" in detail for detail in exact["details"])
    assert checked["divergences"] == []


def test_the_policy_says_what_has_to_hold(held: Path) -> None:
    write(held, SMALL.replace("share = 0.3", "share = 0.31"))
    code, (exact,) = found("x.toml")
    assert code == 1
    assert parts(exact)["exact"] == "failed"
    code, (statistical,) = found("x.toml", "--policy", "statistical")
    assert parts(statistical)["exact"] == "allowed"
    assert max(e["n_pairs"] for e in statistical["estimates"]) == 4
    assert code == (0 if all(e["verdict"] == "equivalent" for e in statistical["estimates"]) else 1)
    code, (claims,) = found("x.toml", "--policy", "claims")
    assert code == 0
    assert "failed" not in parts(claims).values()


def test_the_scenarios_own_policy_is_a_key(held: Path) -> None:
    changed = SMALL.replace("share = 0.3", "share = 0.301")
    write(held, changed + 'policy = "claims"\n')
    code, (checked,) = found("x.toml")
    assert (code, checked["policy"]) == (0, "claims")
    assert found("x.toml", "--policy", "exact")[0] == 1


def test_a_claim_whose_verdict_changed_is_reported_on_its_line(held: Path) -> None:
    text = SMALL.replace('direction = "lower"', 'direction = "lower"\nmargin = 1.0')
    write(held, text)
    code, (checked,) = found("x.toml", "--policy", "claims")
    assert code == 1
    claim = checked["parts"][3]
    assert (claim["name"], claim["status"], claim["says"]) == ("claim lower", "failed", "undecided -> negligible")
    assert text.splitlines()[claim["line"] - 1] == "[claims.lower]"


def test_a_claim_that_came_or_went_fails(held: Path) -> None:
    write(held, SMALL.replace("[claims.lower]", "[claims.other]"))
    code, (checked,) = found("x.toml", "--policy", "claims")
    assert code == 1
    assert [(p["name"], p["says"]) for p in checked["parts"][3:]] == [
        ("claim other", "isn't in the baseline"),
        ("claim lower", "is in the baseline, but not in the scenario any more"),
    ]


def test_a_damaged_baseline_is_a_failed_check(held: Path) -> None:
    path = held / "results/baselines/tiny.json"
    path.write_text(path.read_text().replace('"reason": "a"', '"reason": "b"'))
    told = sim("check", "x.toml")
    assert told.code == 1
    assert "differs from its own SHA-256" in told.out


# Which scenarios


def test_the_baseline_of_another_scenario_is_none(held: Path) -> None:
    write(held, SMALL.replace('name = "tiny"', 'name = "other"'), "y.toml")
    shutil.copy(held / "results/baselines/tiny.json", held / "results/baselines/other.json")
    code, (checked,) = found("y.toml")
    assert code == 1
    assert "is the baseline of 'tiny', not of 'other'" in checked["parts"][1]["says"]


def test_a_link_to_a_baseline_stays_one(held: Path) -> None:
    path = held / "results/baselines/tiny.json"
    path.rename(held / "real.json")
    path.symlink_to(held / "real.json")
    write(held, SMALL.replace("share = 0.3", "share = 0.5"))
    assert sim("check", "x.toml", "--update", "--reason", "more slots").code == 0
    assert path.is_symlink()
    assert json.loads((held / "real.json").read_text())["reason"] == "more slots"


def test_arms_that_came_or_went_fail_by_the_statistical_policy_too(held: Path) -> None:
    more = SMALL + '\n[arms.more]\nsupport.policy = "tail"\n'
    for text, says in ((more, "arm more isn't in the baseline"), (SMALL, "arm more is in the baseline alone")):
        write(held, text)
        code, (checked,) = found("x.toml", "--policy", "statistical")
        assert (code, checked["parts"][2]["status"]) == (1, "failed")
        assert checked["parts"][2]["says"].endswith(says)
        assert sim("check", "x.toml", "--update", "--reason", "another arm").code == 0


@pytest.mark.parametrize(("n", "says"), [(1, "replication 1 is in the baseline alone"), (3, "replication 2 is new")])
def test_other_replications_are_reported_as_such_and_no_place_is_made_up(held: Path, n: int, says: str) -> None:
    write(held, SMALL.replace("[check]\nreplications = 2", f"[check]\nreplications = {n}"))
    code, (checked,) = found("x.toml")
    assert code == 1
    assert all(says in detail for detail in checked["parts"][1]["details"][:3])
    assert checked["divergences"] == []
    assert f"the baseline is of 2 replications, not {n}: where the runs diverge isn't known" in checked["notes"][-1]


def test_one_file_by_two_names_is_checked_once(held: Path) -> None:
    code, checked = found("x.toml", held / "x.toml")
    assert (code, len(checked)) == (0, 1)


def test_folders_of_scenarios_are_checked_without_those_that_take_long(here: Path) -> None:
    for folder in ("", "claims", "scale", "published"):
        (here / "scenarios" / folder).mkdir(parents=True, exist_ok=True)
        write(here / "scenarios" / folder, SMALL, f"{folder or 'plain'}.toml")
    names = [file.name for file in scenario_files([Path("scenarios")])]
    assert names == ["claims.toml", "plain.toml"]
    assert [file.name for file in scenario_files([Path("scenarios/scale"), Path("scenarios/scale")])] == ["scale.toml"]


def test_two_scenarios_of_one_name_fail(held: Path) -> None:
    write(held, SMALL, "y.toml")
    code, checked = found("x.toml", "y.toml")
    assert code == 1
    assert checked[0]["parts"][0]["status"] == "passed"
    assert "has the name 'tiny' of x.toml" in checked[1]["parts"][0]["says"]
    before = (held / "results/baselines/tiny.json").read_bytes()
    write(held, SMALL.replace("share = 0.3", "share = 0.5"), "y.toml")
    assert found("x.toml", "y.toml", "--update", "--reason", "b")[0] == 1
    assert (held / "results/baselines/tiny.json").read_bytes() == before


def test_a_bad_scenario_is_reported_with_its_lines_and_the_others_are_checked_all_the_same(held: Path) -> None:
    write(held, SMALL.replace("seed = 3", "sead = 3"), "bad.toml")
    code, checked = found("bad.toml", "x.toml")
    assert code == 2
    assert [c["is_bad_input"] for c in checked] == [True, False]
    told = checked[0]["parts"][0]["details"]
    assert told[0] == "bad.toml:1: seed: is required"
    assert told[1].startswith("bad.toml:2: sead: unknown key")
    assert parts(checked[1])["exact"] == "passed"


def test_what_the_machine_refuses_of_one_scenario_is_reported_and_the_others_are_checked(held: Path) -> None:
    bad = SMALL.replace("count = 20\nfollowers = {", f'roster = "{"x" * 300}.csv"\n#').replace('"tiny"', '"bad"')
    write(held, bad, "bad.toml")
    code, checked = found("bad.toml", "x.toml")
    assert code in (2, 4)
    assert parts(checked[1]) == dict.fromkeys(("valid", "exact", "statistical", "claim lower"), "passed")
    assert "ame too long" in json.dumps(checked[0]["parts"]) or checked[0]["is_bad_input"]


def test_a_baseline_that_cant_be_written_is_reported_with_exit_4_and_the_next_one_is_written(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sim.regression import check

    whole = check.write_baseline

    def full(path: Path, baseline: Any) -> None:
        if path.name == "tiny.json":
            raise MachineError(f"{path}: No space left on device")
        whole(path, baseline)

    monkeypatch.setattr(check, "write_baseline", full)
    write(here, SMALL)
    write(here, SMALL.replace('name = "tiny"', 'name = "other"'), "y.toml")
    code, (first, second) = found("x.toml", "y.toml", "--update", "--reason", "b")
    assert (code, first["is_unfinished"], second["is_unfinished"]) == (4, True, False)
    assert first["parts"][1]["says"].endswith("No space left on device")
    assert (here / "results/baselines/other.json").exists()


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["none.toml"], "none.toml: no such file or folder"),
        (["."], "contains no scenario, *.toml"),
    ],
)
def test_nothing_to_check_is_bad_input(args: list[str], says: str) -> None:
    told = sim("check", *args)
    assert told.code == 2
    assert says in told.err


def test_what_cannot_be_read_ends_its_own_check_only(held: Path) -> None:
    (held / "more").mkdir()
    (held / "more" / "dangling.toml").symlink_to("nowhere")
    code, (first, second, third) = found("none.toml", "more", "x.toml")
    assert code == 2
    assert [first["is_bad_input"], second["is_bad_input"], third["is_bad_input"]] == [True, True, False]
    assert third["holds"]


def test_a_fault_of_another_file_is_not_given_a_line_of_the_scenario(held: Path) -> None:
    write(held, "influencer,followers\n" + "a,1\nb,1\na,1\n", "people.csv")
    text = SMALL.replace("[influencers]", '[influencers]\nroster = "people.csv"').replace("count = 20\n", "", 1)
    write(held, text.replace('name = "tiny"', 'name = "other"'), "y.toml")
    code, (checked,) = found("y.toml")
    assert code == 2
    assert checked["parts"][0]["line"] == 1
    assert any("people.csv:4" in line for line in checked["parts"][0]["details"])


# What stays, what is interrupted


def test_run_folders_stay_where_they_are_wanted_and_are_used_again(held: Path) -> None:
    assert sim("check", "x.toml", "--out", "runs").code == 0
    (folder,) = (held / "runs").iterdir()
    seconds = Run.read(folder).manifest["seconds"]
    assert sim("check", "x.toml", "--out", "runs").code == 0
    assert [*(held / "runs").iterdir()] == [folder]
    assert Run.read(folder).manifest["seconds"] == seconds


@pytest.mark.usefixtures("held")
def test_an_interrupted_check_says_that_it_starts_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise InterruptedRunError("kept in a folder")

    monkeypatch.setattr("sim.experiment.execution.run_units", interrupted)
    told = sim("check", "x.toml")
    assert told.code == 3
    assert "a check starts again from the beginning (with --out what was run is kept)" in told.err
    assert "kept in a folder" in sim("check", "x.toml", "--out", "runs").err


def test_the_exit_code_outlives_a_reader_who_has_left(held: Path) -> None:
    write(held, SMALL.replace("share = 0.3", "share = 0.5"))
    for options in ([], ["--github"], ["--json"]):
        command = [sys.executable, "-m", "sim", "check", "x.toml", *options]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.close()
            process.wait()
            assert process.returncode == 1, options
            assert process.stderr is not None
            assert b"BrokenPipe" not in process.stderr.read()


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        (["--junit", "nowhere/x.xml"], 4, "'nowhere/x.xml': can't be written: its folder isn't there"),
        (["--summary", "results"], 4, "'results': can't be written: is a folder"),
        (["--out", "x.toml"], 2, "--out must be a folder, or not be there yet, got x.toml"),
    ],
)
def test_places_that_cant_be_written_to_are_reported_before_the_work(
    held: Path, options: list[str], code: int, says: str
) -> None:
    before = (held / "results/baselines/tiny.json").read_bytes()
    write(held, SMALL.replace("share = 0.3", "share = 0.5"))
    told = sim("check", "x.toml", "--update", "--reason", "more slots", *options)
    assert (told.code, told.out) == (code, "")
    assert says in told.err
    assert (held / "results/baselines/tiny.json").read_bytes() == before


def test_a_report_that_cant_be_written_leaves_the_verdict(held: Path) -> None:
    write(held, SMALL.replace("share = 0.3", "share = 0.5"))
    told = sim("check", "x.toml", "--junit", "/dev/full")
    assert told.code == 4
    assert "counters differ" in told.out
    assert "'/dev/full': can't be written: No space left on device" in told.err


def test_a_kept_run_that_is_damaged_fails_its_scenario_alone(held: Path) -> None:
    assert sim("check", "x.toml", "--out", "runs").code == 0
    (folder,) = (held / "runs").iterdir()
    table = folder / "measures.parquet"
    table.write_bytes(table.read_bytes()[:-1] + b"?")
    write(held, SMALL.replace('name = "tiny"', 'name = "other"'), "y.toml")
    code, (first, second) = found("x.toml", "y.toml", "--out", "runs")
    assert code == 1
    assert first["parts"][1]["status"] == "failed"
    assert "measures.parquet" in first["parts"][1]["says"]
    assert "there is no baseline" in second["parts"][1]["says"]


def test_reports_are_written_even_where_a_check_fails(held: Path) -> None:
    write(held, SMALL.replace("share = 0.3", "share = 0.5"))
    told = sim("check", "x.toml", "--junit", "check.xml", "--summary", "check.md", "--github", "--quiet")
    assert told.code == 1
    assert (held / "check.xml").read_bytes().startswith(b"<?xml")
    assert "tiny" in (held / "check.md").read_text()
    assert told.out.startswith("::error file=x.toml,line=")


# Against something else than the baseline


def git(*args: str) -> None:
    subprocess.run(["git", "-c", "user.name=n", "-c", "user.email=e", *args], check=True, capture_output=True)


@pytest.fixture
def repository(here: Path) -> Path:
    """A user's own repository, with a scenario in it that was changed since: a tier requires more accounts."""
    write(here, REVIEWED)
    git("init", "--quiet")
    git("add", "x.toml")
    git("commit", "--quiet", "-m", "first")
    write(here, REVIEWED.replace("over_accounts = 4", "over_accounts = 5"))
    return here


def against(*args: str) -> Told:
    told = sim("check", "x.toml", "--against", *args)
    return Told(told.code, " ".join(told.out.split()), told.err)


def test_a_revision_shows_a_probability_as_the_scenario_states_it(repository: Path) -> None:
    write(repository, REVIEWED.replace("follow_prob = 0.3", "follow_prob = 0.021"))
    assert re.search(r"influencer \S+: follow \[find\] 0\.3 -> 0\.021 \(20 influencers differ\)", against("HEAD").out)


@pytest.mark.usefixtures("repository")
def test_a_revision_shows_which_agency_a_review_gave_another_tier() -> None:
    told = against("HEAD")
    assert told.code == 1
    assert "tiered: first at the review of day 0: agency all-1: tier all -> none (3 agencies differ)" in told.out
    assert "against HEAD: the first difference of each arm is shown" in told.out


def test_agencies_are_shown_by_their_names(repository: Path) -> None:
    write(repository, REVIEWED.replace("accounts = 5.0", "accounts = 4.0"))
    told = against("HEAD")
    assert re.search(r"first at the population: influencer \S+: agency (none|all-\d) -> (none|all-\d) ", told.out)


def test_a_run_of_an_earlier_check_shows_it_too(repository: Path) -> None:
    git("checkout", "--quiet", "x.toml")
    assert sim("check", "x.toml", "--out", "before").code == 1
    (run,) = (repository / "before").iterdir()
    assert "the same counters in every arm" in against(str(run)).out


def test_a_run_of_the_scenario_as_it_was_leaves_a_note_that_names_the_keys(repository: Path) -> None:
    assert sim("check", "x.toml", "--out", "before").code == 1
    (run,) = (repository / "before").iterdir()
    git("checkout", "--quiet", "x.toml")
    told = against(str(run))
    assert told.code == 1
    assert f"not compared with {run}: " in told.out
    assert "must be a run of the same scenario" in told.out
    assert "other are support.tiers.all.over_accounts" in told.out


def test_a_run_of_none_of_the_scenarios_is_refused(repository: Path) -> None:
    assert sim("check", "x.toml", "--out", "before").code == 1
    (run,) = (repository / "before").iterdir()
    write(repository, SMALL.replace('name = "tiny"', 'name = "other"'), "other.toml")
    told = sim("check", "other.toml", "--against", run)
    assert told.code == 2
    assert "is a run of 'tiny', which isn't checked" in told.err
    assert sim("check", "other.toml", "x.toml", "--against", run).code == 1


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize("name", ["nothing", "HEAD~7", "-h", ""])
def test_what_git_doesnt_know_is_bad_input(name: str) -> None:
    told = sim("check", "x.toml", f"--against={name}")
    assert told.code == 2
    assert "must be a run folder, or a revision that git knows" in told.err


@pytest.mark.usefixtures("held")
def test_outside_a_repository_only_a_run_folder_can_be_named() -> None:
    told = sim("check", "x.toml", "--against", "HEAD")
    assert told.code == 2
    assert "is in no git repository" in told.err


def test_what_cant_be_compared_with_a_revision_is_noted_and_the_others_are_compared(
    repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    write(repository, SMALL.replace('name = "tiny"', 'name = "new"'), "new.toml")
    elsewhere = write(tmp_path_factory.mktemp("elsewhere"), SMALL.replace('name = "tiny"', 'name = "outer"'))
    told = sim("check", "x.toml", "new.toml", elsewhere, "--against", "HEAD", "--json")
    assert told.code == 1
    notes = [" ".join(checked["notes"]) for checked in json.loads(told.out)["checked"]]
    assert "against HEAD: the first difference of each arm is shown" in notes[0]
    assert "not compared with HEAD: new.toml: isn't there at the revision" in notes[1]
    assert f"not compared with HEAD: {elsewhere}: isn't in the repository {repository.resolve()}" in notes[2]


def test_a_revision_that_cant_be_run_is_reported_with_its_faults(repository: Path) -> None:
    write(repository, REVIEWED.replace("seed = 3", "seed = -1"))
    git("commit", "--quiet", "-am", "bad")
    git("checkout", "--quiet", "HEAD~1", "x.toml")
    told = against("HEAD")
    assert told.code == 1
    assert "can't be run at the revision; it reports: x.toml:" in told.out
    assert "got -1" in told.out
    assert "whose source" not in told.out


def test_links_and_modules_of_a_repository_are_not_in_the_way(repository: Path) -> None:
    (repository / "out").symlink_to("/usr/bin/env")
    (repository / "up").symlink_to("../..")
    (repository / "random.py").write_text("raise SystemExit(9)\n")
    git("add", "--all")
    git("commit", "--quiet", "-m", "links")
    assert "against HEAD: the same counters in every arm" in against("HEAD").out


@pytest.mark.parametrize("where", [pytest.param("in", marks=pytest.mark.slow), "out"])
def test_policies_of_the_users_own_are_known_at_the_revision_too(
    repository: Path, where: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    text = "import sim\n\n@sim.policy\ndef first(view, support):\n    return (view.age_days >= 0).astype(float)\n"
    plugin = write(repository if where == "in" else tmp_path_factory.mktemp("out"), text, "first.py")
    more = '\n[arms.first]\nsupport = { policy = "first", eligible = "all" }\n'
    write(repository, REVIEWED + more)
    git("add", "--all")
    git("commit", "--quiet", "-m", "a policy")
    write(repository, (REVIEWED + more).replace("over_accounts = 4", "over_accounts = 5"))
    told = against("HEAD", "--plugin", str(plugin))
    assert "tiered: first at the review of day 0: agency all-1: tier all -> none (3 agencies differ)" in told.out
    assert "not compared with" not in told.out


def test_a_policys_helper_is_that_of_the_revision(repository: Path) -> None:
    text = "import helper, sim\n\n@sim.policy\ndef first(view, support):\n    return helper.weights(view)\n"
    plugin = write(repository, text, "first.py")
    helper = write(repository, "def weights(view):\n    return view.age_days >= 0\n", "helper.py")
    write(repository, REVIEWED + '\n[arms.first]\nsupport = { policy = "first", eligible = "all" }\n')
    git("add", "--all")
    git("commit", "--quiet", "-m", "a policy with a helper")
    assert "the same counters in every arm" in against("HEAD", "--plugin", str(plugin)).out
    helper.write_text("def weights(view):\n    return view.followers\n")
    told = against("HEAD", "--plugin", str(plugin))
    assert "first: first at the refresh of day 0: influencer" in told.out
    assert "not compared with" not in told.out


def test_arms_that_only_one_of_two_runs_has_are_named(repository: Path) -> None:
    write(repository, REVIEWED + '\n[arms.more]\nsupport.policy = "tail"\n')
    told = against("HEAD")
    assert "against HEAD: the same counters in every arm and replication that both have; arm more is new" in told.out


def test_help_needs_no_compiler() -> None:
    code = "import sys; from sim.cli.app import app; sys.argv = ['sim', 'check', '--help']\n"
    code += "try: app()\nexcept SystemExit: pass\nassert 'numba' not in sys.modules and 'pyarrow' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


@pytest.mark.parametrize("name", ["docs/examples/check-scenarios.yml", ".pre-commit-hooks.yaml"])
def test_the_examples_for_ci_call_verbs_and_options_that_there_are(name: str) -> None:
    import shlex

    import typer

    verbs = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    text = (PROJECT / name).read_text(encoding="utf-8")
    calls = [shlex.split(line) for line in re.findall(r"(?:run|entry): sim (.+)", text)]
    assert calls
    for verb, *args in calls:
        known = {option for parameter in verbs[verb].params for option in parameter.opts}
        assert {arg for arg in args if arg.startswith("--")} <= known


def test_python_checks_as_the_command_does(held: Path) -> None:
    (checked,) = package.check("x.toml")
    assert checked.holds
    write(held, SMALL.replace("share = 0.3", "share = 0.5"))
    (checked,) = package.check(held, baselines=held / "results" / "baselines", policy="claims")
    assert checked.policy == "claims"
    assert checked.to_dict()["parts"][1]["status"] == "allowed"
