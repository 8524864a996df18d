"""The command line as a user meets it: its verbs, what they print, and the codes that they leave with."""

from __future__ import annotations

import errno
import json
import re
import shutil
import tomllib
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
from support.places import TESTS
from support.small_runs import NOBODY, PLACEBO, ROSTER, TINY, Told, sim, tables, write

from sim.results.run import Run
from sim.scenario import load
from sim.store.provenance import identity
from sim.store.run_folder import RunFolder

SCENARIOS = sorted((TESTS.parent / "scenarios").glob("*.toml"))
CORPUS = TESTS / "corpus"
BAD_SCENARIOS = [
    "1e400",
    "bad-utf8",
    "byte-order-mark",
    "deep-nesting",
    "empty",
    "fault-in-arm",
    "huge-number",
    "roster-outside",
    "unclosed",
    "unknown-key",
]
BAD_ROSTERS = ["bad-utf8", "duplicate-id", "many-faults", "nan", "unknown-vertical"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a scenario, x.toml, and its finished run, run."""
    folder = tmp_path_factory.mktemp("finished")
    ended = sim("run", write(folder, TINY), "--out", folder / "run", "--quiet")
    assert ended == Told(0, "", "")
    return folder


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that the command is called in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def is_clean(ended: Told, code: int) -> bool:
    """Whether a command failed with this code and nothing but a message."""
    return ended.code == code and not ended.out and bool(ended.err.strip()) and "Traceback" not in ended.err


# What is printed


def test_a_run_prints_its_answer_in_plain_text_of_80_columns(finished: Path) -> None:
    ended = sim("run", finished / "x.toml", "--out", finished / "run")
    assert ended.code == 0
    assert "\x1b" not in ended.out
    *answer, folder = ended.out.splitlines()
    assert max(map(len, answer)) <= 80
    assert not any(line.endswith(" ") for line in answer)
    assert folder == f"tables and manifest: {finished / 'run'}"
    words = " ".join(ended.out.split())
    assert words.startswith(
        "tiny 60 fans x 20 influencers x 20 days, 3 replications, paired arms: none, tiered, uniform"
    )
    for essential in (
        "A demonstration: a claim needs 30 replications or more.",
        "(a) support: tiered against none: ",
        "(b) the tiering itself: tiered against uniform: ",
        "Head share, %, and its change in % points",
        "followers at the end",
        "exposure, 20 days",
        "Why the share of day 0's head moved",
        "lower: The tiering itself lowers the head share.",
    ):
        assert essential in words


def test_a_run_without_a_folder_given_goes_into_results_under_its_name_and_identity(here: Path) -> None:
    ended = sim("run", write(here, TINY), "--json")
    (folder,) = (here / "results/runs").iterdir()
    assert re.fullmatch("tiny-[0-9a-f]{12}", folder.name)
    assert Path(json.loads(ended.out)["run"]) == folder.relative_to(here)


def test_json_prints_one_object_and_nothing_else(finished: Path) -> None:
    ended = sim("run", finished / "x.toml", "--out", finished / "run", "--json")
    assert ended.err == ""
    assert ended.out.count("\n") == 1
    given = json.loads(ended.out, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    assert list(given) == ["run", "digests", "answer", "claims", "reading", "seconds"]
    assert {arm: len(digests) for arm, digests in given["digests"].items()} == {"none": 3, "tiered": 3, "uniform": 3}
    assert {row["time_days"] for row in given["answer"]} == {20.0}
    assert [claim["claim"] for claim in given["claims"]] == ["lower"]
    assert given["seconds"] > 0


def test_the_same_command_on_a_finished_run_prints_the_same_and_touches_nothing(finished: Path) -> None:
    before = {file: file.stat().st_mtime_ns for file in (finished / "run").iterdir()}
    command = ("run", finished / "x.toml", "--out", finished / "run")
    first, second = sim(*command), sim(*command)
    assert first == second == sim("compare", finished / "run")
    assert sim(*command, "--resume") == first
    assert {file: file.stat().st_mtime_ns for file in (finished / "run").iterdir()} == before


# Options


def test_engines_and_threads_give_the_same_digests(here: Path) -> None:
    file = write(here, TINY.replace("replications = 3", "replications = 1"))
    seen = []
    for engine, threads in (("reference", "1"), ("compiled", "1"), ("compiled", "2"), ("compiled", "4")):
        ended = sim("run", file, "--engine", engine, "--threads", threads, "--out", engine + threads, "--json")
        seen.append(json.loads(ended.out)["digests"])
    assert seen[0] == seen[1] == seen[2] == seen[3]


def test_a_roster_may_be_anywhere_and_before_the_scenario(here: Path) -> None:
    (here / "elsewhere").mkdir()
    (here / "inside").mkdir()
    roster = write(here / "elsewhere", ROSTER, "people.csv")
    write(here / "inside", TINY.replace("count = 20\n", ""))
    commands = (
        ("run", "--roster", "elsewhere/people.csv", "inside/x.toml", "--out", "a"),
        ("run", "inside/x.toml", "--out", "b", "--roster", roster),
        ("run", "inside/x.toml", "--roster", "inside/../elsewhere/people.csv", "--out", "c"),
    )
    ended = [json.loads(sim(*command, "--json").out) for command in commands]
    assert ended[0]["digests"] == ended[1]["digests"] == ended[2]["digests"]
    assert tables(here / "a") == tables(here / "b") == tables(here / "c")
    assert "account 19" in Run.read("a").table("influencers")["influencer"].to_pylist()


def test_columns_and_rows_of_a_roster_that_are_left_out_are_reported(here: Path) -> None:
    write(here, ROSTER.replace("influencer,followers", "influencer,followers,mood").replace("\n", ",x\n", 30), "r.csv")
    text = (here / "r.csv").read_text().replace("mood,x", "mood").replace("account 0,1000,", "account 0,,")
    write(here, text, "r.csv")
    file = write(here, TINY.replace("count = 20\n", 'dirty_rows = "skip"\n'))
    ended = sim("run", file, "--roster", "r.csv", "--out", "run")
    assert ended.code == 0
    left_out, skipped, expected = ended.err.splitlines()
    assert (left_out, skipped) == (
        "roster: further columns, kept per account: mood (text)",
        "roster: 1 bad row skipped: 1 followers is required (line 2)",
    )
    assert expected.startswith("3 arms x 3 replications: ")
    assert sim("run", file, "--roster", "r.csv", "--out", "run").err.splitlines() == [left_out, skipped]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--bogus"], "No such option: --bogus"),
        (["--engine", "fast"], "--engine must be compiled or reference, got 'fast'"),
        (["--threads", "0"], "--threads"),
        (["--threads", "-1"], "--threads"),
        (["--threads", "x"], "--threads"),
        (["--threads", "100000"], "--threads"),
        (["--replications", "0"], "--replications"),
        (["--replications", "1e3"], "--replications"),
        (["--replications", "100001"], "--replications must be from 1 to 100000, got 100001"),
        (["--resume"], "has no run to resume in it"),
        (["another.toml"], "another.toml"),
        (["--roster", "nowhere.csv"], "nowhere.csv: no such file"),
        (["--roster", "."], ".: is a folder, not a file"),
        (["--out", "x.toml"], "x.toml: is not a folder"),
        (["--out", "x.toml/run"], "is not a folder"),
        (["--out", "."], "is a folder with other things in it"),
    ],
)
def test_a_wrong_option_is_reported_and_nothing_is_run(here: Path, options: list[str], words: str) -> None:
    file = write(here, TINY.replace("count = 20\n", "") if "--roster" in options else TINY)
    ended = sim("run", file, *options)
    assert is_clean(ended, 2)
    assert words in " ".join(ended.err.replace("│", "").split())
    assert [path.name for path in here.iterdir()] == ["x.toml"]


@pytest.mark.parametrize("arguments", [[], ["run"], ["bogus"], ["compare"], ["validate"], ["schema", "x"]])
def test_a_command_that_is_no_command_shows_its_usage(arguments: list[str]) -> None:
    ended = sim(*arguments)
    assert ended.code == 2
    assert "Usage: " in ended.out + ended.err


# Bad files


@pytest.mark.parametrize("verb", ["run", "validate"])
@pytest.mark.parametrize("name", BAD_SCENARIOS)
def test_a_bad_scenario_is_refused_with_its_lines_and_nothing_is_made(here: Path, verb: str, name: str) -> None:
    (here / "scenarios").mkdir()
    file = Path(shutil.copy(CORPUS / f"scenarios/{name}.toml", "scenarios"))
    ended = sim(verb, file)
    assert is_clean(ended, 2)
    assert ended.err == (CORPUS / f"scenarios/{name}.txt").read_text()
    assert all(re.match(rf"scenarios/{name}\.toml:[0-9]+: ", line) for line in ended.err.splitlines())
    assert list(here.iterdir()) == [here / "scenarios"]


@pytest.mark.parametrize("name", BAD_ROSTERS)
def test_a_bad_roster_is_refused_with_its_lines_and_nothing_is_made(here: Path, name: str) -> None:
    text = (CORPUS / "valid.toml").read_text().replace("count = 100\n", "")
    ended = sim("run", write(here, text), "--roster", CORPUS / f"rosters/{name}.csv")
    assert is_clean(ended, 2)
    assert re.match(rf".*/{name}\.csv:[0-9]+: ", ended.err)
    assert list(here.iterdir()) == [here / "x.toml"]


@pytest.mark.parametrize(("name", "rule"), [("nowhere.toml", "no such file"), (".", "is a folder, not a file")])
def test_what_is_no_file_is_reported_in_one_line(here: Path, name: str, rule: str) -> None:
    for verb in ("run", "validate"):
        assert sim(verb, name) == Told(2, "", f"{name}: {rule}\n")
    assert list(here.iterdir()) == []


# The other verbs


def test_validate_tells_good_files_and_all_faults_of_bad_ones(here: Path) -> None:
    good, bad = write(here, TINY), write(here, TINY.replace("seed = 3", "seed = -3"), "bad.toml")
    assert sim("validate", good, good) == Told(0, f"{good}: valid\n" * 2, "")
    assert sim("validate", good, "--quiet") == Told(0, "", "")
    ended = sim("validate", good, bad, "gone.toml")
    assert ended == Told(2, "", f"{bad}:2: seed: must be >= 0, got -3\ngone.toml: no such file\n")


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_shipped_scenarios_are_valid(path: Path) -> None:
    ended = sim("validate", path)
    lines = ended.out.splitlines()
    assert (ended.code, lines[0], ended.err) == (0, f"{path}: valid", "")
    assert all(line.startswith("  ") for line in lines[1:])  # how its files were read


def accepts(schema: dict[str, Any], node: dict[str, Any], value: Any) -> bool:
    """Whether a JSON Schema accepts a value: those of its words that ours uses."""
    if "$ref" in node:
        return accepts(schema, schema["$defs"][node["$ref"].removeprefix("#/$defs/")], value)
    if "anyOf" in node:
        return any(accepts(schema, choice, value) for choice in node["anyOf"])
    if ("enum" in node and value not in node["enum"]) or ("const" in node and value != node["const"]):
        return False
    kinds = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "number": (int, float)}
    if "type" in node and (value is None or not isinstance(value, kinds.get(node["type"], type(None)))):
        return value is None and node["type"] == "null"
    if isinstance(value, dict):
        known, more = node.get("properties", {}), node.get("additionalProperties", True)
        rest = [key for key in value if key not in known]
        return (
            all(key in value for key in node.get("required", ()))
            and all(accepts(schema, known[key], value[key]) for key in value if key in known)
            and (not rest if more is False else more is True or all(accepts(schema, more, value[key]) for key in rest))
        )
    if isinstance(value, list):
        return all(accepts(schema, node.get("items", {}), entry) for entry in value)
    return not isinstance(value, (int, float)) or node.get("minimum", value) <= value <= node.get("maximum", value)


def test_the_schema_accepts_the_shipped_scenarios_and_refuses_damaged_ones() -> None:
    schema = json.loads(sim("schema").out)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    for path in SCENARIOS:
        data = tomllib.loads(path.read_text())
        assert accepts(schema, schema, data)
        for table in (data, data["fans"], *data["surfaces"].values(), data["support"]):
            table["unknown"] = 1
            assert not accepts(schema, schema, data)
            del table["unknown"]
        del data["surfaces"]
        assert not accepts(schema, schema, data)


def test_the_schema_in_the_docs_is_the_one_that_is_printed() -> None:
    shipped = TESTS.parent / "docs/scenario.schema.json"
    assert json.loads(shipped.read_text()) == json.loads(sim("schema").out)


def test_compare_lays_two_runs_side_by_side(finished: Path, here: Path) -> None:
    sim("run", write(here, TINY.replace("seed = 3", "seed = 4")), "--out", "other", "--quiet")
    ended = sim("compare", finished / "run", "other")
    assert ended.code == 0
    words = " ".join(ended.out.split())
    assert "Scenario keys that differ key A B" in words
    assert "seed 3 4" in words
    assert "Head share, %: B - A, paired by replication" in words
    given = json.loads(sim("compare", finished / "run", "other", "--json").out)
    assert (given["equal"], given["keys"]) == (False, [{"key": "seed", "a": 3, "b": 4}])
    assert len(given["head_share"]) == 3 * 2
    assert "Equal to the bit" in sim("compare", "other", "other").out


def test_compare_refuses_what_is_no_finished_run(finished: Path, here: Path) -> None:
    (here / "empty").mkdir()
    for path in ("empty", "gone"):
        assert sim("compare", path) == Told(2, "", f"{path}: has no finished run in it\n")
        assert sim("compare", finished / "run", path).err == f"{path}: has no finished run in it\n"
    assert is_clean(sim("compare", *["empty"] * 3), 2)


@pytest.mark.parametrize("name", ["manifest.json", "comparison.parquet", "measures.parquet"])
def test_compare_refuses_a_damaged_run(finished: Path, here: Path, name: str) -> None:
    shutil.copytree(finished / "run", "run")
    content = bytearray((here / "run" / name).read_bytes())
    content[len(content) // 2] ^= 1
    (here / "run" / name).write_bytes(content)
    for ended in (sim("compare", "run"), sim("compare", finished / "run", "run")):
        if name != "comparison.parquet" or ended.code:  # two runs are compared by their measures
            assert is_clean(ended, 2)
            assert f"run/{name}" in ended.err
    assert is_clean(sim("compare", "run"), 2)


# Folders that are taken


def test_another_identity_in_a_folder_is_refused_and_nothing_is_touched(finished: Path, here: Path) -> None:
    shutil.copytree(finished / "run", "run")
    before = {file.name: file.read_bytes() for file in (here / "run").iterdir()}
    ended = sim("run", finished / "x.toml", "--replications", "2", "--out", "run")
    assert is_clean(ended, 2)
    assert "has a finished run of 'tiny' in it, of the identity" in ended.err
    assert {file.name: file.read_bytes() for file in Path("run").iterdir()} == before


def test_a_folder_that_another_process_writes_is_refused_with_4(here: Path) -> None:
    file = write(here, TINY)
    with RunFolder.open("run", identity(load(file), "compiled")):
        ended = sim("run", file, "--out", "run")
    assert ended == Told(4, "", "run: is being written by another process\n")
    assert sim("run", file, "--out", "run", "--quiet") == Told(0, "", "")


@pytest.mark.parametrize("call", ["os.replace", "os.fsync", "Path.mkdir"])
def test_a_full_disk_leaves_with_4_and_the_same_command_goes_on(
    finished: Path, here: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def refuse(*_args: object, **_options: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(f"sim.store.run_folder.{call}", refuse)
        ended = sim("run", finished / "x.toml", "--out", "run")
    assert is_clean(ended, 4)
    assert ended.err.endswith(": No space left on device\n")
    assert sim("run", finished / "x.toml", "--out", "run", "--quiet") == Told(0, "", "")
    assert tables(here / "run") == tables(finished / "run")


# Errors of our own


def test_debug_shows_the_traceback_and_leaves_with_the_same_code(here: Path) -> None:
    plain, debug = sim("run", here / "gone.toml"), sim("run", here / "gone.toml", "--debug")
    assert is_clean(plain, 2)
    assert debug.code == 2
    assert debug.err.startswith("Traceback")
    assert debug.err.endswith(plain.err)


def test_an_error_that_was_not_foreseen_is_one_line_and_exits_with_4(
    finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sim.results.run.Run.read", lambda _path: 1 / 0)
    ended = sim("compare", finished / "run")
    assert is_clean(ended, 4)
    assert ended.err == "sim failed: ZeroDivisionError: division by zero (--debug shows where; please report it)\n"


def test_running_out_of_memory_is_reported_in_one_line(finished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_path: object) -> None:
        raise MemoryError

    monkeypatch.setattr("sim.results.run.Run.read", refuse)
    assert sim("compare", finished / "run") == Told(4, "", "out of memory\n")


def test_arms_that_are_equal_or_have_no_account_to_support_are_reported(here: Path) -> None:
    ended = sim("run", write(here, TINY + PLACEBO + NOBODY), "--out", "run")
    words = " ".join(ended.out.split())
    assert "placebo against none: the same to the bit." in words
    assert "nobody is not compared: over .1 % of reserved slots had no account to support" in words
    assert "nobody against" not in words


def test_the_command_is_installed_under_its_name() -> None:
    (entry,) = entry_points(group="console_scripts", name="sim")
    assert entry.value == "sim.cli.app:main"
