"""The pytest plugin as its users meet it: a pytest of its own in a folder of scenarios."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from math import nan
from pathlib import Path

import numpy as np
import pytest
from support.small_runs import TINY, run_of, sim, write

from sim import pytest_plugin
from sim.errors import InterruptedRunError
from sim.model.kernel import draws
from sim.model.kernel.compiled_code import CODE_FOLDER
from sim.regression.baseline import Baseline, write_baseline
from sim.regression.content import Content
from sim.regression.keys import Keys
from sim.regression.result import Change, ChangeEstimate, Checked, CheckPart, Divergence, Version
from sim.results.run import Run

Fake = Callable[[Checked], Callable[[], list[str]]]
"""Given what every check is to find, gives a file with a line for each check that was made."""
ALL = ["valid", "exact", "statistical", "claim[lower]"]
# Numba's late imports: pytester would drop them, and they can't be made twice.
draws.unit_draws(0, 0, 1, np.uint64(1), np.uint64(1))
SMALL = TINY + "\n[check]\nreplications = 2\n"
SECOND = SMALL.replace('name = "tiny"', 'name = "second"').replace("[claims.lower]", '[claims."its: [own]"]')
BAD = SMALL.replace("seed = 3", "sead = 3")
TESTS = "def test_of_its_own():\n    pass\n"

PASSED = tuple(CheckPart(name, "passed", "holds", 1) for name in ("valid", "exact", "statistical", "claim lower"))
MOVED = ChangeEstimate(
    "tiered", "none", 20.0, None, "all", "influencer", "followers", "gini", 0.5, 0.7, 0.2, 0.1, 0.3, 0.01, 2, "moved"
)
DIFFERS = Checked(
    "x.toml",
    "tiny",
    "exact",
    (
        CheckPart("valid", "passed", "the file is valid", 1),
        CheckPart("exact", "failed", "counters differ in 1 of 3 arms: tiered", 36, ("arm tiered: counters differ",)),
        CheckPart("statistical", "allowed", "of 2 measures 1 moved", 36),
        CheckPart("claim lower", "failed", "supported -> undecided", 42, ("was supported", "now undecided")),
    ),
    estimates=(MOVED,),
    divergences=(Divergence("tiered", "review", 10.0, 10.0, "agency all-1: tier all -> none"),),
    changes=(Change("support.share", 0.3, 0.31, 26),),
    versions=(Version("numpy", "2.0.0", "2.4.6"),),
)


@pytest.fixture
def here(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with two scenarios, one folder of those that take long, and a test."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(CODE_FOLDER.path))  # pytester's home is empty: else all is compiled again
    folder = pytester.mkdir("scenarios")
    write(folder, SMALL, "tiny.toml")
    (folder / "more").mkdir()
    write(folder / "more", SECOND, "second.toml")
    (folder / "scale").mkdir()
    write(folder / "scale", SMALL, "large.toml")
    pytester.makepyfile(test_own=TESTS)
    pytester.makeini("[pytest]\naddopts = --strict-markers --strict-config\nfilterwarnings = error\n")
    return pytester.path


@pytest.fixture
def checks(pytester: pytest.Pytester) -> Fake:
    """In place of the check itself: finds what it is given, and keeps file, baselines and policy of each check."""

    def fake(found: Checked) -> Callable[[], list[str]]:
        log = pytester.path / "checks.txt"
        pytester.makeconftest(
            f"""
            import pytest
            from sim.regression.result import Change, Checked, ChangeEstimate, CheckPart, Divergence, Version

            def check(file, terms, *_):
                with open({str(log)!r}, "a") as log:
                    print(file.name, terms.baselines, terms.policy, file=log)
                return {found!r}

            pytest.MonkeyPatch().setattr("sim.regression.check.check", check)
            """
        )
        return lambda: log.read_text().splitlines() if log.exists() else []

    return fake


def ran(pytester: pytest.Pytester, *args: str) -> str:
    """What a pytest of its own prints."""
    return pytester.runpytest_subprocess(*args).stdout.str()


def collected(pytester: pytest.Pytester, *args: str) -> list[str]:
    """Names of the items that a pytest in this process collects."""
    printed = pytester.runpytest_inprocess("--collect-only", "-q", *args).stdout.str()
    return [line for line in printed.splitlines() if "::" in line]


def named(file: str, *items: str) -> list[str]:
    return [f"scenarios/{file}.toml::{item}" for item in items]


OWN = ["test_own.py::test_of_its_own"]
BOTH = [*named("more/second", *ALL[:3], "claim[its: [own]]"), *named("tiny", *ALL)]

# What is collected


@pytest.mark.usefixtures("here")
def test_without_the_option_nothing_is_collected_and_a_scenario_is_no_test(pytester: pytest.Pytester) -> None:
    assert collected(pytester) == OWN
    assert "ERROR: not found" in pytester.runpytest_subprocess("scenarios/tiny.toml").stderr.str()


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("args", "names"),
    [
        ([], [*BOTH, *OWN]),
        (["scenarios/more"], BOTH[:4]),
        (["scenarios/tiny.toml::exact"], named("tiny", "exact")),
        (["scenarios/more/second.toml::claim[its: [own]]"], BOTH[3:4]),
        (["test_own.py", "scenarios/tiny.toml::claim"], [*OWN, *named("tiny", "claim[lower]")]),
        (["-k", "tiny and (exact or claim)"], named("tiny", "exact", "claim[lower]")),
        (
            ["-m", "sim and not sim_claim and not sim_exact"],
            [n for n in BOTH if n.endswith(("::valid", "statistical"))],
        ),
        (["test_own.py", "-m", "xdist_group or not sim"], [*OWN, *BOTH]),
        (["--sim-scenarios", "scenarios/scale", "-k", "large and valid"], named("scale/large", "valid")),
    ],
)
def test_scenarios_are_collected_with_other_tests_and_chosen_like_them(
    pytester: pytest.Pytester, args: list[str], names: list[str]
) -> None:
    assert collected(pytester, "--sim-scenarios", "scenarios", *args) == names


def test_paths_are_relative_to_where_pytest_is_called(pytester: pytest.Pytester, here: Path) -> None:
    pytester.chdir()
    (here / "elsewhere").mkdir()
    code = [sys.executable, "-m", "pytest", "--collect-only", "-q", "--sim-scenarios", "../scenarios/tiny.toml"]
    done = subprocess.run(code, cwd=here / "elsewhere", capture_output=True, text=True, check=False)
    assert [line for line in done.stdout.splitlines() if "::" in line] == named("tiny", *ALL)


@pytest.mark.usefixtures("here")
def test_a_path_that_isnt_there_is_a_usage_error(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_subprocess("--sim-scenarios", "nowhere")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --sim-scenarios: */nowhere: no such file or folder"])


def test_a_scenario_where_pytest_doesnt_look_has_to_be_named(pytester: pytest.Pytester, here: Path) -> None:
    (here / "build").mkdir()
    write(here / "build", SMALL)
    result = pytester.runpytest_subprocess("--sim-scenarios", "build")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --sim-scenarios: build/x.toml: pytest doesn't look there*name it*"])
    named_too = collected(pytester, "--sim-scenarios", "build", "build/x.toml")
    assert named_too == [f"build/x.toml::{item}" for item in ALL]


def test_a_claim_that_is_in_the_baseline_alone_is_collected_too(pytester: pytest.Pytester, here: Path) -> None:
    kept = Content({}, {}, {}, {"gone": {}, "lower": {}}, {}, {})
    write_baseline(here / "kept" / "tiny.json", Baseline("tiny", "first", {}, 1, Keys({}, {}, {}, {}), kept))
    (here / "kept" / "second.json").write_text('{"claims": ')
    found = collected(pytester, "--sim-scenarios", "scenarios", "--sim-baselines", "kept", "scenarios")
    assert found == [*BOTH, *named("tiny", "claim[gone]")]


def test_of_a_file_with_faults_its_validity_is_collected_and_fails_with_all_of_them(
    pytester: pytest.Pytester, here: Path
) -> None:
    write(here, BAD, "bad.toml")
    result = pytester.runpytest_subprocess("-v", "--sim-scenarios", "bad.toml", "bad.toml")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*bad.toml::valid FAILED*", "bad.toml:1: can't be run: 2 faults", "bad.toml:1: seed: is required"]
    )
    result.stdout.fnmatch_lines(["bad.toml:2: sead: unknown key*"])
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("*pytest_plugin*")


# What items report


@pytest.mark.usefixtures("here")
def test_a_scenario_is_checked_once_and_its_parts_fail_or_are_skipped_without_a_traceback(
    pytester: pytest.Pytester, checks: Fake
) -> None:
    made = checks(DIFFERS)
    args = ["--sim-scenarios", "scenarios/tiny.toml", "--sim-policy", "claims", "--sim-baselines", "kept"]
    result = pytester.runpytest_subprocess("-ra", *args, "scenarios")
    result.assert_outcomes(passed=1, failed=2, skipped=1)
    assert made() == ["tiny.toml kept claims"]
    result.stdout.fnmatch_lines(
        [
            "*_ tiny.toml: exact _*",
            "x.toml:36: counters differ in 1 of 3 arms: tiered",
            "support.share: 0.3 -> 0.31 (line 26)",
            "the baseline was written with numpy 2.0.0; here: numpy 2.4.6",
            "tiered: first at the review of day 10: agency all-1: tier all -> none",
            "arm tiered: counters differ",
            "tiered - none: followers gini: moved: 0.5 -> 0.7, difference 0.2 (0.1 to 0.3), margin 0.01",
            "If it is to be so: sim check x.toml --baselines kept --update --reason TEXT",
            "*_ tiny.toml: claim?lower? _*",
            "x.toml:42: supported -> undecided",
            "was supported",
            "now undecided",
            "*short test summary*",
            "SKIPPED [[]1[]] scenarios/tiny.toml:36: of 2 measures 1 moved",
        ]
    )
    result.stdout.no_fnmatch_line("*pytest_plugin*")


@pytest.mark.usefixtures("here")
def test_baselines_are_looked_for_under_the_root_folder(pytester: pytest.Pytester, checks: Fake) -> None:
    made = checks(DIFFERS)
    ran(pytester, "--sim-scenarios", "scenarios", "-m", "sim_exact")
    assert made() == ["second.toml results/baselines None", "tiny.toml results/baselines None"]


def test_two_scenarios_of_one_name_fail(pytester: pytest.Pytester, here: Path, checks: Fake) -> None:
    checks(Checked("y.toml", "tiny", "exact", PASSED))
    write(here / "scenarios", SMALL, "y.toml")
    result = pytester.runpytest_subprocess("--sim-scenarios", "scenarios", "scenarios/tiny.toml", "scenarios/y.toml")
    result.assert_outcomes(passed=7, failed=1)
    result.stdout.fnmatch_lines(
        ["scenarios/y.toml:1: has the name 'tiny' of scenarios/tiny.toml, whose baseline it would share"]
    )


@pytest.mark.usefixtures("here")
def test_a_part_that_the_check_didnt_come_to_is_skipped(pytester: pytest.Pytester, checks: Fake) -> None:
    checks(Checked("x.toml", "tiny", "exact", PASSED[:1]))
    result = pytester.runpytest_subprocess("--sim-scenarios", "scenarios/tiny.toml", "scenarios")
    result.assert_outcomes(passed=1, skipped=3)


@pytest.mark.usefixtures("here")
def test_workers_share_the_scenarios_and_loadfile_keeps_each_together(pytester: pytest.Pytester, checks: Fake) -> None:
    made = checks(Checked("x.toml", "tiny", "exact", PASSED))
    result = pytester.runpytest_subprocess("--sim-scenarios", "scenarios", "-n", "2", "--dist", "loadfile")
    result.assert_outcomes(passed=8, skipped=1)  # the second's claim isn't in what is found
    assert sorted(made()) == ["second.toml results/baselines None", "tiny.toml results/baselines None"]


def test_the_report_of_a_part_is_cut_where_it_gets_long() -> None:
    part = CheckPart("exact", "failed", "differs", 7, tuple(f"detail {n}" for n in range(26)))
    text = pytest_plugin._report_text(Checked("x.toml", "tiny", "exact", (part,)), part, Path("kept")).splitlines()
    assert text[:2] == ["x.toml:7: differs", "detail 0"]
    assert text[-3:-1] == ["detail 23", "and 2 lines more, which `sim check` prints"]


def test_an_interrupted_check_ends_the_session(monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: object) -> None:
        raise InterruptedRunError("interrupted")

    monkeypatch.setattr("sim.regression.check.check", stopped)
    scenarios = pytest_plugin._Scenarios(frozenset(), Path("kept"), None)
    with pytest.raises(KeyboardInterrupt):
        scenarios.checked(Path("x.toml"))


# With the check itself


def test_a_missing_baseline_fails_and_one_that_was_written_passes(pytester: pytest.Pytester, here: Path) -> None:
    file = here / "scenarios" / "tiny.toml"
    args = ["--sim-scenarios", "scenarios/tiny.toml", "scenarios"]
    result = pytester.runpytest_subprocess(*args)
    result.assert_outcomes(passed=1, failed=1, skipped=2)
    result.stdout.fnmatch_lines(
        [
            "scenarios/tiny.toml:1: results/baselines/tiny.json: there is no baseline*",
            "If it is to be so: sim check scenarios/tiny.toml *",
        ]
    )
    ended = sim("check", file, "--baselines", here / "results" / "baselines", "--update", "--reason", "the first")
    assert ended.code == 0, ended.err
    pytester.runpytest_subprocess(*args).assert_outcomes(passed=4)


# Runs for tests of one's own


def test_the_fixture_runs_a_scenario_once_for_the_same_options(pytester: pytest.Pytester, here: Path) -> None:
    (here / "sub").mkdir()
    (here / "sub" / "test_run.py").write_text(
        """
import os

def test_paths_are_of_the_root_folder(sim_run, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    run = sim_run("scenarios/tiny.toml", replications=2)
    assert run.manifest["scenario"]["replications"] == 2
    assert run.difference("head_share_01", arm="tiered").n_pairs == 2
    assert not os.listdir(tmp_path)

def test_same(sim_run, pytestconfig):
    first = sim_run("scenarios/tiny.toml", replications=2)
    assert first is sim_run(pytestconfig.rootpath / "scenarios" / "tiny.toml", replications=2)
    other = sim_run("scenarios/tiny.toml", replications=2, engine="reference")
    assert other is not first
    assert other.path != first.path
    assert other.digest == first.digest
"""
    )
    pytester.runpytest_subprocess("sub").assert_outcomes(passed=2)
    assert not (here / "results").exists()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run_of(tmp_path_factory.mktemp("run"))


def test_a_difference_of_a_run_is_that_of_its_comparison(run: Run) -> None:
    own = {"arm", "control", "quantity", "measure", "level", "population"}
    rows = [row for row in run.answer() if row["window_days"] in (None, 20.0)]
    assert len(rows) > 300
    for row in rows[::10]:
        found = run.difference(**{key: row[key] for key in own})
        assert found.difference == pytest.approx(nan if row["difference"] is None else row["difference"], nan_ok=True)
        assert found.n_pairs == row["n_pairs"]


def test_a_difference_has_the_scenarios_control_and_the_window_that_it_is_given(run: Run) -> None:
    plain = run.difference("head_share_01", arm="tiered")
    assert plain == run.difference("head_share_01", arm="tiered", control="none", window="nonsense")
    month, quarter = (run.difference("total", arm="tiered", quantity="reads", window=w) for w in ("month", "quarter"))
    assert month.mean_arm > quarter.mean_arm  # reaches into the warm-up, where the quarter begins at day 0


@pytest.mark.parametrize(
    ("over", "says"),
    [
        ({"measure": "ginni"}, r'^measure must be one of .* of followers for all at .*"ginni"; did you mean `gini`\?$'),
        ({"arm": "tierd"}, r'^arm must be one of "none", "tiered", "uniform", got "tierd"; did you mean `tiered`\?$'),
        ({"control": "other"}, r'^control must be one of "none", "uniform" other than tiered, got "other"$'),
        ({"control": "tiered"}, r'^control must be one of "none", "uniform" other than tiered, got "tiered"$'),
        ({"level": "influencers"}, r"^level must be one of .*; did you mean `influencer`\?$"),
        ({"population": "feed"}, r"^population must be one of .* at level influencer, got \"feed\"$"),
        ({"quantity": "utility"}, r"^quantity must be one of .* for all at level influencer, got \"utility\"$"),
        (
            {"quantity": "gmv", "window": "year"},
            r'^window must be one of "month", "quarter", "run" for gmv, got "year"',
        ),
    ],
)
def test_a_name_that_the_run_doesnt_know_is_refused_with_those_it_does(
    run: Run, over: dict[str, str], says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        run.difference(**{"measure": "head_share_01", "arm": "tiered"} | over)


# Wherever the package is installed


def test_the_options_are_in_the_help_and_the_markers_registered(pytester: pytest.Pytester) -> None:
    text = ran(pytester, "--help")
    assert all(option in text for option in ("--sim-scenarios=PATH", "--sim-baselines=DIR", "--sim-policy={exact,"))
    assert len(re.findall(r"^@pytest.mark.sim\w*: ", ran(pytester, "--markers"), re.MULTILINE)) == 5


def test_a_start_of_pytest_imports_nothing_heavy() -> None:
    heavy = "{'numba', 'pyarrow', 'pydantic', 'numpy', 'sim.scenario', 'sim.regression'}"
    code = f"import sys, sim.pytest_plugin; sys.exit(bool({heavy} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", code], check=True)
