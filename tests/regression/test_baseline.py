"""Baselines: small stable text, whose damage is noticed, whose merge conflicts can be read."""

from __future__ import annotations

import json
import math
import os
import random
import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from support.small_runs import ROSTER, TINY, run_of

from sim.errors import MachineError
from sim.regression.baseline import Baseline, BaselineError, read_baseline, write_baseline
from sim.regression.content import DIGITS, SHIFT, Content, _rounded
from sim.regression.keys import Keys, changes
from sim.scenario import load
from sim.scenario.resolve.sources import read_scenario

MUTANTS = 400
NO_KEYS = Keys({}, {}, {}, {})
NO_CONTENT = Content({}, {}, {}, {}, {}, {})


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> Content:
    return Content.of(run_of(tmp_path_factory.mktemp("baseline"), epochs=True))


@pytest.fixture
def baseline(content: Content) -> Baseline:
    keys = Keys({"fans.count": 60}, {"fans.interests": {}}, {"surfaces": ["find", "feed"]}, {"roster": "0123456789ab"})
    return Baseline("tiny", "the first", {"numpy": "2.0.0"}, 3, keys, content)


def test_what_is_written_is_read_again(baseline: Baseline, tmp_path: Path) -> None:
    path = tmp_path / "new" / "tiny.json"
    write_baseline(path, baseline)
    assert read_baseline(path, baseline.name) == baseline


@given(reason=st.text(), name=st.text(min_size=1), values=st.lists(st.none() | st.floats(allow_nan=False, width=32)))
def test_any_reason_and_name_come_back(reason: str, name: str, values: list[float | None]) -> None:
    import tempfile

    values = [None if value is None or abs(value) == float("inf") else value for value in values]
    kept = Content({name: ["00"]}, {}, {}, {}, {name: [reason]}, {name: {name: values}})
    with tempfile.TemporaryDirectory() as folder:
        written = Baseline("x", reason, {}, 1, NO_KEYS, kept)
        write_baseline(Path(folder) / "x.json", written)
        assert read_baseline(Path(folder) / "x.json", "x") == written


def test_a_reason_that_is_no_text_for_a_file_comes_back(tmp_path: Path) -> None:
    baseline = Baseline("x", "from a terminal: \udcff", {}, 1, NO_KEYS, NO_CONTENT)
    write_baseline(tmp_path / "x.json", baseline)
    assert read_baseline(tmp_path / "x.json", baseline.name) == baseline


def test_the_text_is_sorted_and_has_a_value_in_each_line(baseline: Baseline) -> None:
    text = baseline.to_text()
    read = json.loads(text)
    for key in ("digests", "tables", "measures", "values", "scenario", "defaults", "versions"):
        assert list(read[key]) == sorted(read[key])
    assert text == baseline.to_text()
    assert max(map(len, text.splitlines())) < 300
    assert len(text) < 40_000
    assert re.search(r'\n   "followers head_share_01": \[[0-9.e-]+, [0-9.e-]+, [0-9.e-]+\]', text)


def test_a_table_that_moved_is_one_line_of_the_text(baseline: Baseline) -> None:
    tables = baseline.content.tables | {"lorenz": "0" * 12}
    other = replace(baseline, content=replace(baseline.content, tables=tables))
    lines, others = (b.to_text().splitlines() for b in (baseline, other))
    assert sum(a != b for a, b in zip(lines, others, strict=True)) == 2  # and the seal


def test_no_damage_goes_unnoticed(baseline: Baseline, tmp_path: Path) -> None:
    path = tmp_path / "tiny.json"
    write_baseline(path, baseline)
    whole = path.read_bytes()
    chance = random.Random(7)
    for _ in range(MUTANTS):
        raw = bytearray(whole)
        at = chance.randrange(len(raw))
        match chance.randrange(4):
            case 0:
                raw[at] ^= 1 << chance.randrange(8)
            case 1:
                del raw[at : at + chance.randrange(1, 50)]
            case 2:
                raw[at:at] = bytes(chance.randrange(256) for _ in range(3))
            case _:
                del raw[at:]
        if bytes(raw).replace(b"\r\n", b"\n") == whole:
            continue
        path.write_bytes(raw)
        with pytest.raises(BaselineError):
            read_baseline(path, baseline.name)


def test_line_ends_of_another_system_are_no_damage(baseline: Baseline, tmp_path: Path) -> None:
    path = tmp_path / "tiny.json"
    write_baseline(path, baseline)
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert read_baseline(path, baseline.name) == baseline


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is no JSON"),
        ("[]", "is no baseline"),
        ("{}", "is no baseline"),
        ("[" * 100_000, "is no JSON"),
        ('{"schema": 3, "seal": ""}', "has format 3, which a later version of Headshare wrote; this one reads 2"),
        ('{"schema": 1, "seal": ""}', "has format 1, this version reads 2: `sim check FILE --update --reason TEXT`"),
        ("{\n<<<<<<< ours\n}\n", "merge conflict"),
        ('{"schema": 2, "seal": "00"}', "misses name, reason, "),
    ],
)
def test_what_is_no_baseline_is_reported_as_such(text: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(BaselineError, match=says):
        read_baseline(path, "x")


def test_a_pipe_is_no_baseline_and_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.json")
    with pytest.raises(BaselineError, match="is not a regular file"):
        read_baseline(tmp_path / "x.json", "x")


def test_a_missing_baseline_names_the_way_to_one(tmp_path: Path) -> None:
    with pytest.raises(BaselineError, match='reason="TEXT" writes one'):
        read_baseline(tmp_path / "x.json", "x")
    with pytest.raises(BaselineError, match="can't be read"):
        read_baseline(tmp_path, "x")


def test_what_cant_be_written_leaves_the_old_baseline(
    baseline: Baseline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "tiny.json"
    path.write_text("old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(MachineError, match="No space left"):
        write_baseline(path, baseline)
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["tiny.json"]


# Which keys have changed


def keys_of(folder: Path, text: str) -> Keys:
    (folder / "x.toml").write_text(text)
    return Keys.of(load(folder / "x.toml", small=True), read_scenario(folder / "x.toml"))


def changed(folder: Path, before: str, after: str) -> list[str]:
    """What a check says of the keys of a scenario whose baseline was written before it was changed."""
    return said(folder, keys_of(folder, before), after)


def said(folder: Path, old: Keys, text: str) -> list[str]:
    (folder / "x.toml").write_text(text)
    found = changes(old, load(folder / "x.toml", small=True), read_scenario(folder / "x.toml"))
    return [change.says for change in found]


def test_a_key_is_named_with_both_values_and_the_line_that_states_the_new_one(tmp_path: Path) -> None:
    assert changed(tmp_path, TINY, TINY.replace("follow_prob = 0.3", "follow_prob = 0.021")) == [
        "surfaces.find.follow_prob: 0.3 -> 0.021 (line 23)"
    ]


def test_what_follows_from_a_key_is_named_after_it_as_not_in_the_file(tmp_path: Path) -> None:
    assert changed(tmp_path, TINY, TINY.replace("\nshare = 0.3", "\nshare = 0.31")) == [
        "support.share: 0.3 -> 0.31 (line 26)",
        "surfaces.find.support_share: 0.3 -> 0.31 (not in the file)",
    ]


def test_names_and_the_terms_of_a_check_are_no_change(tmp_path: Path) -> None:
    assert changed(tmp_path, TINY, TINY.replace('name = "tiny"', 'name = "other"\ntitle = "a title"')) == []
    assert changed(tmp_path, TINY, TINY + '\n[check]\npolicy = "claims"\nmax_replications = 9\n') == []
    assert changed(tmp_path, TINY, TINY.replace("count = 60", "count = 60 # as before")) == []


def test_a_size_of_the_check_is_named_with_its_own_line(tmp_path: Path) -> None:
    small = TINY + "\n[check]\nreplications = 2\nsize = { fans.count = 40 }\n"
    found = changed(tmp_path, small, small.replace("fans.count = 40", "fans.count = 50").replace("ons = 2", "ons = 1"))
    line = small.count("\n") - 1
    assert sorted(found) == [f"fans.count: 40 -> 50 (line {line + 1})", f"replications: 2 -> 1 (line {line})"]


def test_keys_that_came_and_went_are_named_where_the_file_stated_them(tmp_path: Path) -> None:
    more = TINY + '\n[arms."a b"]\nsupport.policy = "tail"\n'
    line = more.count("\n")
    assert changed(tmp_path, TINY, more) == [f'arms."a b".support.policy: nothing -> "tail" (line {line})']
    assert changed(tmp_path, more, TINY) == ['arms."a b".support.policy: "tail" -> nothing (not in the file)']
    left_out = TINY.replace("follow_prob = 0.3\n", "")
    (found,) = changed(tmp_path, TINY, left_out)
    assert re.fullmatch(r"surfaces\.find\.follow_prob: 0\.3 -> [0-9.]+ \(not in the file\)", found)


def test_a_default_that_came_or_went_with_the_product_is_no_change_and_one_that_moved_is(tmp_path: Path) -> None:
    now = keys_of(tmp_path, TINY)
    some = "surfaces.find.click_prob"
    assert some in now.defaults
    unknown = replace(now, defaults={key: value for key, value in now.defaults.items() if key != some})
    assert said(tmp_path, unknown, TINY) == []
    assert said(tmp_path, replace(now, defaults=now.defaults | {"fans.gone": 7}), TINY) == []
    moved = replace(now, defaults=now.defaults | {some: 0.77})
    assert said(tmp_path, moved, TINY) == [f"{some}: 0.77 -> {now.defaults[some]} (not in the file)"]
    stated = TINY.replace("follow_prob = 0.3", "follow_prob = 0.3\nclick_prob = 0.9")
    assert said(tmp_path, unknown, stated) == [f"{some}: nothing -> 0.9 (line 24)"]
    assert said(tmp_path, replace(now, scenario=now.scenario | {"fans.gone": 7}), TINY) == [
        "fans.gone: 7 -> nothing (not in the file)"
    ]


def test_the_order_of_tables_is_a_change_where_both_have_them(tmp_path: Path) -> None:
    tiers = "tiers.all.weight = 1.0"
    two = TINY.replace(tiers, "tiers.big = { weight = 2.0, over_accounts = 4 }\ntiers.all.weight = 1.0")
    turned = TINY.replace(tiers, "tiers.all.weight = 1.0\ntiers.big = { weight = 2.0, over_accounts = 4 }")
    assert changed(tmp_path, two, turned) == ['order of support.tiers: ["big", "all"] -> ["all", "big"] (line 28)']
    assert not any(text.startswith("order") for text in changed(tmp_path, TINY, two))


def test_another_content_of_the_roster_is_named_at_the_line_that_names_the_roster(tmp_path: Path) -> None:
    text = TINY.replace("count = 20\nfollowers = {", 'roster = "x.csv"\n#')
    (tmp_path / "x.csv").write_text(ROSTER)
    before = keys_of(tmp_path, text)
    (tmp_path / "x.csv").write_text(ROSTER.replace("1100", "1101"))
    (found,) = said(tmp_path, before, text)
    assert re.fullmatch(r'content of the roster: "\w{12}" -> "\w{12}" \(line 13\)', found)


# Numbers as digests see them


def rounded(*numbers: float | None) -> list[float]:
    return [float(x) for x in _rounded(pa.chunked_array([pa.array(numbers, pa.float64())]))]


def neighbour(number: float, n: int) -> float:
    """The float so many units in the last place away."""
    for _ in range(abs(n)):
        number = math.nextafter(number, math.inf if n > 0 else -math.inf)
    return number


def to_bound(number: float) -> float:
    """How far the next bound between two rounded values is, in units in the last place, at least."""
    mantissa, _ = math.frexp(abs(number))
    return abs(math.ldexp(mantissa, DIGITS) % 1 - (1 - SHIFT)) * 2 ** (53 - DIGITS)


@given(exponent=st.integers(-300, 300), n=st.integers(-500, 500), sign=st.sampled_from([-1.0, 1.0]))
def test_numbers_on_both_sides_of_a_power_of_two_are_rounded_by_one_rule(exponent: int, n: int, sign: float) -> None:
    power = sign * 2.0**exponent
    assert rounded(neighbour(power, n), power) == [power, power]


@given(
    number=st.floats(allow_nan=False, allow_infinity=False) | st.floats(0, 1) | st.floats(-1e9, 1e9),
    n=st.integers(-8, 8),
)
def test_near_numbers_are_rounded_to_the_same_unless_a_bound_is_between_them(number: float, n: int) -> None:
    assume(abs(number) > sys.float_info.min * 2**DIGITS and abs(number) < sys.float_info.max / 2)
    assume(to_bound(number) > 8)
    assert len(set(rounded(number, neighbour(number, n)))) == 1


@given(number=st.integers(-(2**40), 2**40), bits=st.integers(0, 60), n=st.integers(-200, 200))
def test_an_integer_or_its_quotient_by_a_power_of_two_is_far_from_every_bound(number: int, bits: int, n: int) -> None:
    assume(number != 0)
    exact = number / 2**bits
    assert to_bound(exact) > 900
    assert len(set(rounded(exact, neighbour(exact, n)))) == 1


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_rounding_keeps_nine_digits_and_leaves_what_is_rounded(number: float) -> None:
    assume(sys.float_info.min * 2**DIGITS < abs(number) < sys.float_info.max / 2)
    (once,) = rounded(number)
    assert once == pytest.approx(number, rel=2**-DIGITS * 2)
    assert rounded(once) == [once]


def test_zero_has_no_sign_and_null_and_nan_are_one() -> None:
    raw = _rounded(pa.chunked_array([pa.array([0.0, -0.0, None, math.nan, -math.nan], pa.float64())])).view(np.int64)
    assert raw[0] == raw[1] == 0
    assert len(set(raw[2:].tolist())) == 1
    assert rounded(math.inf, -math.inf, sys.float_info.max, 5e-324) == [math.inf, -math.inf, math.inf, 5e-324]
    assert rounded() == []


def test_numbers_that_differ_in_the_ninth_digit_are_rounded_apart() -> None:
    assert len(set(rounded(0.123456780, 0.123456790, 0.123456789, -0.123456789))) == 4


def test_equal_runs_have_equal_content_on_both_engines(content: Content, tmp_path: Path) -> None:
    assert Content.of(run_of(tmp_path, epochs=True, engine="reference")) == content
