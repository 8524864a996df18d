"""`--json`: one object on one line for machines, of what the text says, or of what is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.small_runs import TINY, Told, sim, write

from sim.errors import MachineError
from sim.results.run import Run

CORPUS = Path(__file__).parents[1] / "corpus/scenarios"
FEED = TINY.replace("session_share = 1.0", "session_share = 0.5") + (
    '\n[surfaces.feed]\nkind = "feed"\nsession_share = 0.5\nunfollow_prob = 0.1\n'
)
OBJECTS = (
    ("validate", "x.toml"),
    ("new", "another"),
    ("trace", "x.toml", "--fan", "4"),
    ("trace", "x.toml", "--influencer", "4"),
    ("graph", "x.toml"),
    ("run", "x.toml"),
)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that the command is called in, with a scenario, x.toml."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path, FEED)
    return tmp_path


def found(*args: str) -> Any:
    """The object that a command prints, and nothing else."""
    told = sim(*args, "--json")
    assert (told.code, told.err, told.out.count("\n")) == (0, "", 1)
    return json.loads(told.out, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))


def refused(*args: str, code: int) -> Any:
    """The object that a command prints, and nothing else, when it leaves with a code; messages say the same."""
    told = sim(*args, "--json")
    assert (told.code, told.out.count("\n")) == (code, 1)
    given = json.loads(told.out)
    assert given["code"] == code
    assert told.err.endswith(given["error"] + "\n")
    assert all(list(fault) == ["file", "line", "path", "rule", "value"] for fault in given["faults"])
    return given


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("command", OBJECTS, ids=" ".join)
def test_a_command_prints_one_object_on_one_line(command: tuple[str, ...]) -> None:
    assert isinstance(found(*command), dict)


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("command", [("graph", "x.toml"), ("validate", "x.toml")], ids=" ".join)
def test_an_object_that_was_asked_for_is_printed_though_all_else_is_quiet(command: tuple[str, ...]) -> None:
    assert found(*command, "--quiet") == found(*command)
    assert sim(*command, "--quiet") == Told(0, "", "")


# validate


@pytest.mark.usefixtures("here")
def test_valid_files_have_no_faults() -> None:
    told = {"code": 0, "files": ["x.toml", "x.toml"], "faults": [], "notes": {"x.toml": []}}
    assert found("validate", "x.toml", "x.toml") == told


def test_notes_on_a_valid_file_s_roster_are_told(here: Path) -> None:
    write(here, "influencer,followers,city\n" + "".join(f"a{i},{100 + i},x\n" for i in range(20)), "people.csv")
    notes = found("validate", "x.toml", "--roster", "people.csv")["notes"]["x.toml"]
    assert notes == ["roster: further columns, kept per account: city (text)"]


def test_what_a_plugin_prints_does_not_get_into_the_object(here: Path) -> None:
    policy = "@sim.policy\ndef loud(view, support):\n    print('hi')\n    return view.quality\n"
    write(here, f"import sim\nprint('loading')\n\n{policy}", "loud.py")
    write(here, FEED.replace('policy = "uniform"', 'policy = "loud"'), "y.toml")
    told = sim("run", "y.toml", "--plugin", "loud.py", "--json")
    assert told.code == 0
    assert set(json.loads(told.out)) >= {"run", "digests"}
    assert told.err.startswith("loading\nhi\n")


def test_faults_are_told_as_objects_and_the_code_is_2(here: Path) -> None:
    write(here, FEED.replace("seed = 3", 'seed = -3\ntitle = "头"\ncolour = "头部"'), "bad.toml")
    command = ("validate", "x.toml", "bad.toml", "gone.toml")
    given = refused(*command, code=2)
    assert given["error"] + "\n" == sim(*command).err
    assert given["files"] == ["x.toml", "bad.toml", "gone.toml"]
    low, unknown, gone = given["faults"]
    assert low == {"file": "bad.toml", "line": 2, "path": "seed", "rule": "must be >= 0", "value": "-3"}
    assert (unknown["line"], unknown["path"]) == (4, "colour")
    assert gone == {"file": "gone.toml", "line": None, "path": None, "rule": "no such file", "value": None}


@pytest.mark.parametrize("name", [path.stem for path in sorted(CORPUS.glob("*.toml"))])
def test_faults_say_what_the_messages_say(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(CORPUS.parent)
    file = f"scenarios/{name}.toml"
    faults = json.loads(sim("validate", file, "--json").out)["faults"]
    lines = sim("validate", file).err.splitlines()
    assert len(faults) == len(lines)
    for fault, line in zip(faults, lines, strict=True):
        assert line.startswith(f"{fault['file']}:{fault['line']}: {fault['path'] or ''}")
        assert fault["rule"] in line
        assert fault["value"] is None or line.endswith(fault["value"])


# new


def test_a_new_file_is_told_by_its_name(here: Path) -> None:
    assert found("new", "mine") == {"file": "mine.toml", "inputs": []}
    assert (here / "mine.toml").exists()
    assert refused("new", "mine", code=2)["error"] == "mine.toml: exists already; nothing was written"


# trace


@pytest.mark.usefixtures("here")
def test_a_fans_sessions_and_slots_are_those_of_the_text() -> None:
    call = ("trace", "x.toml", "--fan", "4", "--arm", "tiered", "--replication", "1")
    given, (heading, fan, *lines, end) = found(*call), sim(*call).out.splitlines()
    assert heading == "{scenario}, arm {arm}, replication {replication}".format(**given)
    assert fan == f"fan {given['fan']}, segment {given['segment']}, follows at the start: " + ", ".join(
        given["follows_start"]
    )
    assert end == "follows at the end: " + ", ".join(given["follows_end"])
    assert len(given["sessions"]) > 8
    for session in given["sessions"]:
        day, seconds = divmod(session["time_seconds"], 86_400)
        clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
        assert lines.pop(0) == f"day {day} {clock} {session['surface']}, session {session['session']}"
        for slot in session["slots"]:
            line = lines.pop(0)
            assert int(line[:5]) == slot["slot"]
            assert (": reserved, " in line or "(reserved, " in line) == slot["reserved"]
            assert ("empty)" in line) == (slot["influencer"] is None)
            if slot["influencer"] is not None:
                assert line[6:].startswith(f"{slot['influencer']} ({slot['vertical']}): ")
                done = ["follow refused" if response == "refused" else response for response in slot["responses"]]
                assert line.endswith("; " + (", ".join(done) or "not examined"))
    assert lines == []
    sources = {slot["source"] for session in given["sessions"] for slot in session["slots"]}
    assert {"feed", "organic", "support"} <= sources <= {"feed", "organic", "support", None}


@pytest.mark.usefixtures("here")
def test_an_influencers_rows_are_those_of_the_text() -> None:
    call = ("trace", "x.toml", "--influencer", "influencer-04", "--arm", "tiered")
    given, (heading, who, followers, _, *lines) = found(*call), sim(*call).out.splitlines()
    assert heading == "{scenario}, arm {arm}, replication {replication}".format(**given)
    agency = given["agency"] or "independent"
    assert who == f"influencer {given['influencer']}, {given['vertical']}, {agency}, quality {given['quality']:.3f}"
    assert int(followers.split()[0]) == given["followers_start"]
    counted = ("exposure", "exposure_reserved", "reads", "clicks", "follows", "orders")
    for row, line in zip([*given["rows"], given["total"]], lines, strict=True):
        assert [int(number) for number in line[29:].split()] == [row[name] for name in counted]
    assert [(row["start_days"], row["end_days"]) for row in given["rows"]] == [(-5, 0), (-5, 0), (0, 20), (0, 20)]
    assert {row["surface"] for row in given["rows"]} == {"find", "feed"}
    total = given["total"]
    assert (total["start_days"], total["end_days"], total["surface"]) == (-5, 20, None)
    for name in counted:
        assert total[name] == sum(row[name] for row in given["rows"])


@pytest.mark.usefixtures("here")
def test_a_trace_that_is_refused_names_the_fault() -> None:
    given = refused("trace", "x.toml", "--fan", "1000", code=2)
    assert given["error"] == "x.toml: the fan must be from 0 to 59, got 1000"
    assert [fault["file"] for fault in given["faults"]] == ["x.toml"]


# Every exit other than 0


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    "command",
    [
        ("run", "gone.toml"),
        ("run", "x.toml", "--roster", "gone.csv"),
        ("run", "x.toml", "--plugin", "gone.py"),
        ("run", "x.toml", "--resume", "--out", "nowhere"),
        ("compare", "nowhere"),
        ("check", "nowhere"),
        ("check", "x.toml", "--against", "nowhere"),
        ("report", "nowhere"),
        ("plot", "nowhere", "--chart", "head-share", "--out", "x.svg"),
        ("graph", "x.toml", "--arm", "nobody"),
        ("trace", "gone.toml", "--fan", "1"),
        ("new", "x"),
    ],
    ids=" ".join,
)
def test_bad_input_is_an_object_with_the_faults_of_its_message(command: tuple[str, ...]) -> None:
    given = refused(*command, code=2)
    assert list(given) == ["code", "error", "faults"]
    assert len(given["faults"]) == len(given["error"].splitlines()) == 1
    assert given["faults"][0]["rule"] in given["error"]


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("command", "says"),
    [
        (("run",), "Missing argument 'SCENARIO'"),
        (("validate", "x.toml", "--colour"), "No such option: --colour"),
        (("run", "x.toml", "--engine", "steam"), "must be compiled or reference, got 'steam'"),
        (("run", "x.toml", "--threads", "0"), "Invalid value for '--threads'"),
        (("compare", "a", "b", "c"), "takes one run folder or two, got 3"),
        (("check", "x.toml", "--update"), "--update and --reason TEXT go together"),
        (("trace", "x.toml"), "give one of --fan and --influencer"),
        (("plot", "x", "--chart", "head-share", "--out", "x.gif"), "must end in .svg or .png, got 'x.gif'"),
        (("new", "../up"), "must be 1 to 100 letters"),
        (("simulate",), "No such command"),
        (("schema", "--colour"), "No such option"),
    ],
    ids=lambda given: " ".join(given) if isinstance(given, tuple) else "",
)
def test_a_wrong_command_line_is_an_object_too(command: tuple[str, ...], says: str) -> None:
    told = sim(*command, "--json")
    given = json.loads(told.out)
    assert (told.code, told.out.count("\n"), list(given)) == (2, 1, ["code", "error", "faults"])
    assert (given["code"], given["faults"]) == (2, [])
    assert says in given["error"]
    assert "Usage: " in told.err
    without = sim(*command)
    assert (without.code, without.out) == (2, "")


@pytest.mark.usefixtures("here")
def test_a_file_named_like_the_option_asks_for_no_object() -> None:
    assert sim("validate", "--", "--json") == Told(2, "", "--json: no such file\n")


def test_what_a_check_found_is_one_object_with_its_code(here: Path) -> None:
    baseline = ("check", "x.toml", "--baselines", "b")
    assert found(*baseline, "--update", "--reason", "the first")["code"] == 0
    write(here, FEED.replace("seed = 3", "seed = 4"))
    moved = refused(*baseline, code=1)
    assert list(moved) == ["code", "error", "faults", "holds", "checked"]
    assert (moved["holds"], moved["checked"][0]["holds"]) == (False, False)
    first = moved["faults"][0]
    assert (first["file"], first["path"]) == ("x.toml", "exact")
    assert f"x.toml:{first['line']}: exact: {first['rule']}" == moved["error"].splitlines()[0]
    write(here, FEED.replace("seed = 3", "seed = -3"))
    bad = refused(*baseline, code=2)
    assert bad["faults"] == refused("validate", "x.toml", code=2)["faults"]
    assert bad["checked"][0]["is_bad_input"]


def test_a_summary_that_cannot_be_written_leaves_one_object(here: Path) -> None:
    (here / "x.md").symlink_to("/dev/full")
    given = refused("check", "x.toml", "--baselines", "b", "--summary", "x.md", code=4)
    assert given["error"] == "'x.md': can't be written: No space left on device"


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("error", "says"),
    [
        (MachineError("x: is being written by another process"), "x: is being written by another process"),
        (OSError(28, "No space left on device", "x"), "x: No space left on device"),
        (MemoryError(), "out of memory"),
        (ZeroDivisionError("division by zero"), "sim failed: ZeroDivisionError: division by zero (--debug shows"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_trouble_of_the_machine_is_an_object(monkeypatch: pytest.MonkeyPatch, error: Exception, says: str) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(Run, "read", fail)
    for command in (("compare", "x"), ("report", "x"), ("plot", "x", "--chart", "head-share", "--out", "x.svg")):
        given = refused(*command, code=4)
        assert given["error"].startswith(says)
        assert given["faults"] == []


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    "command", [("report", "x"), ("plot", "x", "--chart", "head-share", "--out", "x.svg")], ids=lambda c: c[0]
)
def test_an_interrupt_is_an_object(monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Run, "read", interrupted)
    assert refused(*command, code=3) == {"code": 3, "error": "interrupted", "faults": []}
