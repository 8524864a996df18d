"""Scenario files that are wrong: each fault is reported, with its line, and nothing else happens."""

import copy
import gc
import json
import math
import os
import random
import time
from pathlib import Path

import pytest
from support.forms import short_and_long
from support.places import CORPUS

from sim.cli.failures import flag
from sim.errors import Fault, InputError, naming
from sim.experiment.refusals import validate
from sim.formatting import nearest, path_text, shown
from sim.scenario import from_resolved, load, resolved
from sim.scenario.findings import MAX_FAULTS

BAD = sorted((CORPUS / "scenarios").glob("*.toml"))
TEXT = (CORPUS / "valid.toml").read_text()
PHASES = """
[phases.early]
start_day = 10
economy = {commission_share = 0.2, tip_platform_share = 0.5}
surfaces.find-people.examination = {model = "cascade"}

[phases.late]
start_day = 20
support.policy = "tiered"
support.tiers.priority.services = ["operations"]
segments.young.buying = 2.0

[arms.stays.phases.late]
support.policy = "none"
"""


def faults_of(folder: Path, text: str | bytes) -> tuple[Fault, ...]:
    """The faults of a text as a file; none if it loads."""
    path = folder / "x.toml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    seconds, found = [], ()
    gc.freeze()  # what pytest itself has in memory isn't looked through for garbage
    while not seconds or (seconds[-1] >= 1 and len(seconds) < 3):  # other tests share the core
        started = time.process_time()
        try:
            load(path)
        except InputError as error:
            found = error.faults
        seconds.append(time.process_time() - started)
    gc.unfreeze()
    assert min(seconds) < 1
    return found


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_each_bad_scenario_gives_exactly_its_message(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(CORPUS)
    with pytest.raises(InputError) as caught, naming(flag):
        load(path.relative_to(CORPUS))
    assert str(caught.value) + "\n" == path.with_suffix(".txt").read_text()
    assert caught.value.exit_code == 2


def test_all_bad_files_are_validated_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(CORPUS)
    names = [path.relative_to(CORPUS) for path in BAD]
    with naming(flag):
        said = "".join(f"{fault}\n" for fault in validate(["valid.toml", *names]))
    assert said == "".join(path.with_suffix(".txt").read_text() for path in BAD)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("missing", "no such file"),
        ("folder", "is a folder, not a file"),
        ("pipe", "is not a regular file"),
        ("null\0byte", "no such file"),
        ("large", "must be at most 256 KiB"),
    ],
)
def test_what_is_no_readable_file_is_one_clean_fault(tmp_path: Path, kind: str, message: str) -> None:
    path = tmp_path / kind
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "large":
        path.write_text("#" * 256 * 1024 + "\n")
    (fault,) = validate([path])
    assert (fault.rule, fault.line) == (message, None)


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_a_file_that_may_not_be_read_is_one_clean_fault(tmp_path: Path) -> None:
    path = tmp_path / "secret.toml"
    path.write_text(TEXT)
    path.chmod(0)
    assert [fault.rule for fault in validate([path])] == ["can't be read: permission denied"]


def test_a_name_with_control_characters_is_shown_escaped(tmp_path: Path) -> None:
    (fault,) = validate([tmp_path / "a\x1b[2J.toml"])
    assert fault.file.endswith("a\\u001b[2J.toml")


def _mutant(rng: random.Random, text: str) -> str:
    """A valid file, damaged in one to three places."""
    tokens = [
        "nan",
        "-1",
        "1e400",
        "[",
        "]",
        "{",
        '"',
        "'",
        "=",
        ".",
        "#",
        "\n",
        "\\",
        "\x00",
        "é",
        "9" * 30,
        "true",
        "[[a]]",
    ]
    tokens += ['"x"', "[1, 2]", "{a = 1}", "2020-01-01", "0x" + "f" * 40, "\r", "''", "kind", "\x7f", "[arms.none]\n"]
    for _ in range(rng.randint(1, 3)):
        lines = text.split("\n")
        i, j = rng.randrange(len(lines)), rng.randrange(len(lines))
        at = rng.randrange(len(text))
        match rng.randrange(7):
            case 0:
                text = text[:at] + text[at + rng.randint(1, 20) :]
            case 1:
                text = text[:at] + rng.choice(tokens) + text[at:]
            case 2:
                lines[i], lines[j] = lines[j], lines[i]
                text = "\n".join(lines)
            case 3:
                text = "\n".join([*lines[:i], *lines[i + 1 :]])
            case 4:
                text = "\n".join([*lines[: i + 1], lines[j], *lines[i + 1 :]])
            case 5:
                key, sign, _ = lines[i].partition("=")
                lines[i] = f"{key}= {rng.choice(tokens)}" if sign else lines[i]
                text = "\n".join(lines)
            case _:
                text = text[:at] + chr(rng.randrange(256)) + text[at + 1 :]
    return text


def test_a_damaged_file_loads_or_is_refused_with_a_line(tmp_path: Path) -> None:
    outcomes = set()
    for seed in range(400):
        found = faults_of(tmp_path, _mutant(random.Random(seed), TEXT + PHASES * (seed % 2)))
        outcomes.add(bool(found))
        assert all(fault.line for fault in found), (seed, found)
        assert all(str(fault).isprintable() for fault in found), (seed, found)
        assert [fault.line for fault in found] == sorted(fault.line or 0 for fault in found)
    assert outcomes == {True, False}


def _repeated(entry: str) -> str:
    """The valid file, filled up with numbered entries."""
    room = 255 * 1024 - len(TEXT)
    return TEXT + "".join(entry.format(i) for i in range(room // len(entry.format(10**4))))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(_repeated("\n[arms.a{}]\n"), id="thousands of arms"),
        pytest.param(_repeated("\n[phases.p{}]\nstart_day = 1\n"), id="thousands of phases"),
        pytest.param(_repeated("unknown_key_{} = 1\n"), id="thousands of unknown keys"),
        pytest.param(_repeated("[segments.s{}]\nshare = 0.1\n"), id="thousands of segments"),
        pytest.param(_repeated("[support.tiers.t{}]\nweight = -1\n"), id="thousands of faults"),
        pytest.param("x = [" + "1," * 120_000 + "]", id="long array"),
        pytest.param('x = """' + '"a' * 120_000, id="unclosed string"),
        pytest.param("x = " + "{a = " * 40_000, id="deep inline tables"),
        pytest.param("[" + "a." * 120_000 + "a]", id="long header"),
        pytest.param("a" * 250_000 + " = 1", id="long key"),
        pytest.param("seed = 0x" + "f" * 250_000, id="million-bit number"),
        pytest.param("seed = 1." + "1" * 250_000, id="long float"),
        pytest.param("\n".join(".".join([f"a{i}"] + ["b"] * 28) + "=1" for i in range(3500)), id="many dotted keys"),
    ],
)
def test_a_bomb_is_refused_within_a_second(tmp_path: Path, text: str) -> None:
    found = faults_of(tmp_path, text)
    assert 1 <= len(found) <= MAX_FAULTS + 1
    assert all(len(str(fault)) < 1000 for fault in found)


def test_faults_of_models_and_across_keys_are_reported_at_once(tmp_path: Path) -> None:
    text = TEXT.replace("seed = 7", 'seed = "7"').replace("share = 0.6", "share = 0.5")
    text = text.replace('arm = "tiered"', 'arm = "teired"').replace(
        'policy = "uniform"', 'policy = "tiered"\nreview_days = 0'
    )
    paths = [fault.path for fault in faults_of(tmp_path, text)]
    assert paths == ["seed", "segments", "arms.uniform.support.review_days", "claims.lower.arm"]


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ("count = 100\n", "roster = 5\n", "influencers.roster"),
        ('kind = "discovery"\n', 'kind = "discvery"\nsupport_share = 0.3\n', "surfaces.find-people.kind"),
        ("beauty = {share = 0.7, shop_prob = 0.3}", "beauty = 0.7", "verticals.beauty"),
        ("[arms.none]\n", "[arms]\nnone = 3\n", "arms.none"),
        (
            '[agencies.big]\ncount = 2\naccounts = 5\nverticals = ["beauty"]',
            "agencies = 3",
            "influencers.followers.agencies",
        ),
        ('control = "none"\n\n[fans]', "control = 3\n\n[fans]", "control"),
        ('within_tier = "equal"', 'within_tier = "equally"', "support.within_tier"),
    ],
)
def test_a_fault_brings_no_others_with_it(tmp_path: Path, old: str, new: str, path: str) -> None:
    assert TEXT.count(old) == 1
    assert [fault.path for fault in faults_of(tmp_path, TEXT.replace(old, new))] == [path]


def test_without_surfaces_the_rest_of_the_file_is_judged_all_the_same(tmp_path: Path) -> None:
    head, _, rest = TEXT.partition("[surfaces.feed]")
    text = head.replace("share = 0.6", "share = 0.5") + "[support]" + rest.partition("[support]")[2]
    assert [fault.path for fault in faults_of(tmp_path, text)] == ["surfaces", "segments"]


@short_and_long("n_changes", 400, 4000)
def test_resolved_data_changed_by_hand_load_or_are_refused(tmp_path: Path, n_changes: int) -> None:
    (tmp_path / "x.toml").write_text(TEXT + PHASES)
    text = json.dumps(resolved(load(tmp_path / "x.toml")))
    values = [None, -1, 0.5, "x", "none", [], {}, [1], {"a": 1}, math.nan, 10**40, True, {"kind": [1]}, {"": {}}]
    n_refused = 0
    for seed in range(n_changes):
        rng, data = random.Random(seed), json.loads(text)
        for _ in range(rng.randint(1, 3)):
            table = data
            while (inner := rng.choice([table, *table.values()])) is not table and inner and isinstance(inner, dict):
                table = inner
            key = rng.choice(["zz", "kind", *table])
            table[key] = copy.deepcopy(rng.choice(values))
        try:
            from_resolved(data, None)
        except InputError:
            n_refused += 1
    assert 0 < n_refused < n_changes


def test_faults_of_many_phases_are_reported_once_whatever_arms_there_are(tmp_path: Path) -> None:
    phases = "".join(f"\n[phases.p{i}]\nstart_day = {i}\nlive.elasticity = -{i + 1}\n" for i in range(50))
    arms = "".join(f"\n[arms.a{i}]\n" for i in range(15))
    found = faults_of(tmp_path, TEXT + phases + arms)
    assert [fault.path for fault in found] == [f"phases.p{i}.live.elasticity" for i in range(50)]


def test_a_fault_of_the_base_is_not_reported_again_for_each_arm(tmp_path: Path) -> None:
    (fault,) = faults_of(tmp_path, TEXT.replace("share = 0.6", "share = 0.5"))
    assert fault.path == "segments"


def test_a_fault_that_a_patch_causes_is_reported_at_the_patch(tmp_path: Path) -> None:
    text = TEXT + "\n[arms.loud]\nsurfaces.feed.session_share = 0.9\n"
    (fault,) = faults_of(tmp_path, text)
    assert (fault.path, fault.line) == ("arms.loud.surfaces", text.count("\n"))
    assert fault.value == "1.4"


def test_a_message_gives_file_line_path_rule_value_and_unit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(CORPUS)
    said = [str(fault) for fault in validate(["scenarios/negative.toml"])]
    assert (
        said[-1] == "scenarios/negative.toml:54: support.tiers.priority.over_followers: must be >= -1, got -5 (people)"
    )


def test_values_are_shown_as_toml_has_them_cut_and_escaped() -> None:
    assert shown({"a b": [True, 1.5, "x"]}) == '{"a b" = [true, 1.5, "x"]}'
    assert shown("\x1b\u202e\ud800\n") == '"\\u001b\\u202e\\ud800\\n"'
    assert shown('say "a\\b"') == '"say \\"a\\\\b\\""'
    assert len(shown("x" * 1000)) == len(shown(16**100_000)) == len(shown([[]] * 10**6)) == 60
    assert path_text(("arms", "a.b", "x", 0)) == 'arms."a.b".x[0]'
    assert nearest("horizon", ["seed", "horizon_days"]) == "horizon_days"
    assert nearest(3, ["three"]) is None
