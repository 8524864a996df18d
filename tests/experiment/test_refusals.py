"""What follows from a scenario and can't be run: found by ``sim validate``, with file, line and arm, at once."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.places import CORPUS
from support.small_runs import TINY, Told, loaded_from, run_of, sim, write

from sim.errors import InputError
from sim.experiment.follow_graphs import follow_graph
from sim.experiment.refusals import faults_of, n_drawn, validate
from sim.model.world.addresses import NOT_NAMED, Role, addresses
from sim.scenario import Loaded, load
from sim.scenario.resolve.follows import InitialAccounts, Refusal, rooms, shared_out
from sim.streams import (
    Lane,
    exp,
    exp_each,
    log,
    log_each,
    normal_quantile,
    normal_quantile_each,
    power,
    power_each,
    unit_draws,
)
from sim.types import Key

NAMED = TINY.replace("count = 20\nfollowers", 'roster = "people.csv"\nfollowers')
LIVE = TINY.replace('kind = "discovery"', 'kind = "live"').replace("seed = 3", "seed = 3\npeople_per_fan = 1e9")
RICH = "surfaces.find = { tip_prob = 1.0, tip_fen = 1000000 }\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that the command is called in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def roster(folder: Path, followers: list[int], more: str = "") -> Path:
    path = folder / "people.csv"
    path.write_text("influencer,followers\n" + "".join(f"p{i},{n}\n" for i, n in enumerate(followers)) + more)
    return path


def line_of(text: str, start: str) -> int:
    return [line.startswith(start) for line in text.splitlines()].index(True) + 1


# The same bits without a compiler


def test_draws_of_many_are_those_of_compiled_code_to_the_bit() -> None:
    from sim.model.kernel import draws

    for lane, key in ((Lane.FOLLOWERS, (3, 0)), (Lane.VERTICAL, (2**32 - 1, 2**31))):
        compiled = draws.unit_draws(lane, 0, 2000, *map(np.uint64, key))
        own = addresses(NOT_NAMED, 2000, Key(*key), Role.INFLUENCER)
        assert np.array_equal(unit_draws(lane, *own), compiled)
        assert np.array_equal(draws.unit_draws_of(lane, 0, own), compiled)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(1e-300, 1.0, exclude_max=True), min_size=1), st.sampled_from([0.0, 0.5, 1.0, -1.25, -20.0]))
def test_functions_of_many_are_those_of_one_to_the_bit(numbers: list[float], exponent: float) -> None:
    x = np.array(numbers)
    assert log_each(x).tolist() == [log(number) for number in numbers]
    assert normal_quantile_each(x).tolist() == [normal_quantile(number) for number in numbers]
    assert power_each(x, exponent).tolist() == [power(number, exponent) for number in numbers]
    wide = (x - 0.5) * 1400.0 * (exponent or 1.0) / 20.0
    assert exp_each(wide).tolist() == [exp(number) for number in wide.tolist()]


def test_a_power_of_nothing_is_that_of_one_nothing() -> None:
    for exponent in (0.0, 1.0, 2.5):
        assert power_each(np.zeros(2), exponent).tolist() == [power(0.0, exponent)] * 2


# The number that fits


SKEWED = st.lists(st.integers(0, 10**6), min_size=1, max_size=30).filter(any)


def shared(loaded: Loaded, followers: list[int], per_fan: float) -> object:
    fans = loaded.scenario.fans.model_copy(update={"follows_per_fan": per_fan})
    scenario = loaded.scenario.model_copy(update={"fans": fans})
    accounts = InitialAccounts(tuple(map(str, followers)), np.array(followers), np.zeros(len(followers), np.int32))
    return shared_out(scenario, accounts, rooms(scenario))


@settings(max_examples=100, deadline=None)
@given(SKEWED, st.integers(1, 5000), st.sampled_from([1.0, 0.4]))
def test_the_number_in_a_refusal_is_accepted_and_the_next_of_its_digits_is_not(
    followers: list[int], n_fans: int, interested: float
) -> None:
    given_ = load(CORPUS / "valid.toml")
    cold = {"a": {"share": interested}, "b": {"share": 1 - interested, "other_interest": 0.0}}
    segments = type(given_.scenario).model_validate(
        given_.scenario.model_dump() | {"segments": cold if interested < 1 else {"a": {"share": 1.0}}}
    )
    fans = segments.fans.model_copy(update={"count": n_fans})
    loaded = Loaded(segments.model_copy(update={"fans": fans}), {}, None, {}, "x.toml")
    refused = shared(loaded, followers, 90.0)
    if not isinstance(refused, Refusal):
        return
    if refused.most is None:
        assert rooms(loaded.scenario).max() == 0 or "at least one" in refused.wrong.rule
        return
    assert f"at most {refused.most:.12g} here" in refused.wrong.rule
    assert not isinstance(shared(loaded, followers, refused.most), Refusal)
    digits = max(2, len(f"{refused.most:.12g}".partition(".")[2]))
    if digits < 12:
        assert isinstance(shared(loaded, followers, round(refused.most + 10.0**-digits, digits)), Refusal)


def test_a_head_that_does_not_fit_is_refused_with_the_number_that_does(here: Path) -> None:
    text = NAMED
    write(here, text)
    roster(here, [900, 300, 200, 100])
    told = sim("validate", "x.toml")
    line = line_of(text, "follows_per_fan")
    assert told == Told(
        2,
        "",
        f"x.toml:{line}: fans.follows_per_fan: must be at most 1.67 here: the largest account (p0) has 60.0% of all "
        "followers, and no account can have more than there are fans (share x follows_per_fan <= 1), "
        "got 4.0 (144 followers among 60 fans)\n",
    )
    assert sim("run", "x.toml", "--out", "run") == told
    assert not (here / "run").exists()
    write(here, text.replace("follows_per_fan = 4.0", "follows_per_fan = 1.67"))
    assert sim("validate", "x.toml").code == 0
    write(here, text.replace("follows_per_fan = 4.0", "follows_per_fan = 1.68"))
    assert sim("validate", "x.toml").code == 2


def test_a_roster_and_a_graph_beside_a_file_are_looked_at(here: Path) -> None:
    write(here, TINY.replace("count = 20\n", ""))
    even = roster(here, [30] * 20)
    assert sim("validate", "x.toml", "--roster", even) == Told(0, "x.toml: valid\n", "")
    told = sim("validate", "x.toml", "--roster", roster(here, [900, 100]))
    assert (told.code, "must be at most 1.12 here" in told.err) == (2, True)
    told = sim("validate", "x.toml", "--roster", roster(here, [3, 1], "p2,-4\n"))
    assert told == Told(2, "", f"{here / 'people.csv'}:4: followers: must be a whole number >= 0, got -4\n")
    (here / "edges.csv").write_text("fan,influencer\na,x\nb,x\n")
    told = sim("validate", "x.toml", "--graph", "edges.csv")
    assert "x.toml:8: fans.count: must be left out, or be the number of fans in the follow graph, 2" in told.err
    told = sim("validate", "x.toml", "--graph", "gone.csv", "--json")
    assert (told.code, json.loads(told.out)["faults"][0]["rule"]) == (2, "no such file")


@pytest.mark.parametrize(("followers", "taken"), [([900, 300, 200, 100], 1.67), ([5] * 20, 4.0), ([0, 0], 4.0)])
def test_follows_per_fan_left_out_is_the_largest_that_fits_a_roster_up_to_four(
    tmp_path: Path, followers: list[int], taken: float
) -> None:
    roster(tmp_path, [*followers, *([1] if not any(followers) else [])])
    loaded = loaded_from(tmp_path, NAMED.replace("follows_per_fan = 4.0\n", ""))
    expected = taken if any(followers) else 1.0  # the one account with followers has all fans
    assert loaded.scenario.fans.follows_per_fan == loaded.follows_left_out == expected
    assert {arm.fans.follows_per_fan for arm in loaded.arms.values()} == {expected}
    assert faults_of(loaded, range(1)) == []


def test_the_number_taken_for_follows_per_fan_is_told(here: Path) -> None:
    write(here, NAMED.replace("follows_per_fan = 4.0\n", ""))
    roster(here, [900, 300, 200, 100])
    note = "fans.follows_per_fan: left out, 1.67 is taken that the roster allows"
    assert sim("validate", "x.toml") == Told(0, f"x.toml: valid\n  {note}\n", "")
    write(here, TINY.replace("follows_per_fan = 4.0\n", ""))
    told = sim("validate", "x.toml")
    assert told == Told(0, "x.toml: valid\n  fans.follows_per_fan: left out, 4 is taken\n", "")


def test_a_platform_whose_accounts_have_no_followers_runs(tmp_path: Path) -> None:
    drawn = '{ kind = "lognormal", median = 10_000.0, sigma = 0.8, max = 30_000.0 }'
    run = run_of(tmp_path, TINY.replace(drawn, "0.0").replace("replications = 3", "replications = 1"))
    rows = run.table("influencers").to_pylist()
    assert {row["followers_start"] for row in rows} == {0}
    assert sum(row["follows"] for row in rows) > 0


# Faults that a run would meet late


@pytest.mark.parametrize(
    ("more", "place", "path"),
    [
        (f"\n[arms.rich]\n{RICH}", "surfaces.find = { tip_prob", "arms.rich.surfaces.find.tip_fen"),
        (f"\n[phases.rich]\nstart_day = 15\n{RICH}", "surfaces.find = { tip_prob", "phases.rich.surfaces.find.tip_fen"),
        (
            f"\n[phases.calm]\nstart_day = 9\nlive.elasticity = 0.0\n[arms.late]\nphases.calm.{RICH}",
            "phases.calm.surfaces",
            "arms.late.phases.calm.surfaces.find.tip_fen",
        ),
    ],
    ids=["arm", "phase", "phase of an arm"],
)
def test_what_a_late_click_brings_is_refused_before_anything_runs(here: Path, more: str, place: str, path: str) -> None:
    text = LIVE + more
    write(here, text)
    told = sim("validate", "x.toml")
    rule = "must bring at most 1000000000000 fen per click (tip_prob x people_per_fan x buying x tip_fen), got 1e+15"
    assert told == Told(2, "", f"x.toml:{line_of(text, place)}: {path}: {rule}\n")
    assert sim("run", "x.toml", "--out", "run") == told
    assert not (here / "run").exists()


def test_an_arm_whose_interests_leave_no_room_is_named(here: Path) -> None:
    cold = "\n[arms.cold]\nsegments.all.other_interest = 0.0\n"
    text = TINY.replace("[influencers]", "[segments.all]\nshare = 1.0\n[influencers]") + cold
    write(here, text)
    told = sim("validate", "x.toml")
    line = line_of(text, "segments.all.other_interest")
    assert told.code == 2
    assert told.err.startswith(f"x.toml:{line}: arms.cold.segments: must hold enough interested, active fans for ")


def test_orders_that_cannot_be_counted_are_refused_as_the_run_refuses_them(tmp_path: Path) -> None:
    shops = LIVE.replace("follow_prob = 0.3", "follow_prob = 0.3\norder_factor = 5.0").replace(
        "[agencies", 'conversion_prob = { kind = "lognormal", median = 0.3, sigma = 1.0 }\n[agencies'
    )
    loaded = loaded_from(tmp_path, shops)
    (fault, *_) = faults_of(loaded, range(3))
    with pytest.raises(InputError) as caught:
        follow_graph(loaded, "none", 0, 1)
    assert caught.value.faults[0].rule == fault.rule
    assert (fault.path, fault.line) == ("influencers.conversion_prob", line_of(shops, "conversion_prob"))
    calm = loaded_from(tmp_path, shops.replace("people_per_fan = 1e9", "people_per_fan = 1e6"))
    assert faults_of(calm, range(3)) == []


@pytest.mark.parametrize(
    ("patch", "line"),
    [
        ("economy.post_fen = 1e12", "posts_per_day = 1e6"),
        ("economy.live_fen_per_hour = 1e12", "live_hours_per_day = 24.0"),
    ],
)
def test_what_accounts_cost_is_refused_before_anything_runs(here: Path, patch: str, line: str) -> None:
    text = TINY.replace("horizon_days = 20", "horizon_days = 1000").replace("[agencies.all]", f"{line}\n[agencies.all]")
    text += f"\n[arms.costly]\n{patch}\n"
    write(here, text)
    told = sim("validate", "x.toml")
    key = patch.partition(" ")[0]
    rule = "must bring at most 9007199254740992 fen to an account in 1005 days"
    assert told.code == 2
    assert told.err.startswith(f"x.toml:{line_of(text, key)}: arms.costly.{key}: {rule}")
    assert sim("run", "x.toml", "--out", "run") == told


def test_money_that_only_a_run_can_add_up_is_refused_with_file_line_arm_and_replication(here: Path) -> None:
    text = TINY + "\n[arms.rich]\ncontracts.funds_fen_per_account = 1e12\n"
    accounts = "accounts = 5.0"
    write(
        here,
        text.replace(accounts, "accounts = 10_000.0")
        .replace("count = 20", "count = 10_000")
        .replace("count = 60", "count = 10_000")
        .replace("horizon_days = 20", "horizon_days = 1"),
    )
    assert sim("validate", "x.toml").code == 0
    told = sim("run", "x.toml", "--out", "run")
    assert told.code == 2
    rule = (
        "economy: must not bring an account or agency to more than 9007199254740992 fen (met in arm rich, replication "
    )
    assert rule in told.err
    assert told.err.splitlines()[-1].startswith("x.toml:")


# At once


def crossed(n_arms: int, n_phases: int, values: str = "") -> str:
    phases = "".join(f"[phases.p{i}]\nstart_day = {i}\n{values}\n" for i in range(n_phases))
    arms = "".join(f'[arms.a{i}]\nsupport.policy = "uniform"\n' for i in range(n_arms))
    head = TINY.partition("[arms.none]")[0].replace("horizon_days = 20", 'horizon_days = 200\ncontrol = "a0"')
    return head + phases + arms


def test_too_many_arms_for_the_phases_are_refused_with_both_numbers(tmp_path: Path) -> None:
    text = crossed(100, 11)
    (fault,) = validate([write(tmp_path, text)])
    assert (fault.path, fault.rule, fault.value) == (
        "phases",
        "arms x phases must be at most 1000",
        "100 arms x 11 phases",
    )
    assert fault.line == line_of(text, "[phases.p0]")
    lots = "surfaces.find = { slots = 3, follow_prob = 0.1, tip_prob = 0.0, order_factor = 0.0 }\n"
    assert validate([write(tmp_path, crossed(100, 10, lots))]) == []
    ranking = "ranking = { popularity = 0.1, merit = 0.2, relevance = 0.3, exploration = 0.4 }"
    more = f"slots = 3, {ranking}, distinct = true, unfollow_factor = 1.0"
    (fault,) = validate([write(tmp_path, crossed(100, 10, lots.replace("slots = 3", more)))])
    assert fault.rule == "arms x values that phases give must be at most 10000"
    assert fault.value == "100 arms x 110 values"


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the peak of memory where Linux has it")
def test_the_most_arms_and_phases_are_validated_within_a_second_and_200_megabytes(tmp_path: Path) -> None:
    n = 40
    verticals = "".join(f"[verticals.v{i}]\nshare = {1 / 200}\n" for i in range(200))
    interests = ", ".join(f"v{i} = 0.5" for i in range(n))
    segments = "".join(f"[segments.g{i}]\nshare = 0.01\ninterests = {{ {interests} }}\n" for i in range(100))
    text = crossed(10, 100) + verticals + segments
    path = write(tmp_path, text)
    code = (
        "import re, sys, time\nfrom sim.experiment.refusals import validate\n"
        "t = time.process_time()\nfound = validate(sys.argv[1:])\n"
        "kilobytes = re.search(r'VmHWM:\\s+([0-9]+)', open('/proc/self/status').read())[1]\n"
        "print(len(found), time.process_time() - t, kilobytes)"
    )
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
    n_faults, seconds, kilobytes = done.stdout.split()
    assert n_faults == "0"
    assert float(seconds) < 2  # 0.4 on a machine of its own
    assert float(kilobytes) < 200_000


def test_of_many_replications_as_many_are_drawn_as_take_no_time_and_the_rest_is_told(here: Path) -> None:
    write(here, TINY.replace("replications = 3", "replications = 100_000"))
    started = time.process_time()
    told = sim("validate", "x.toml")
    assert time.process_time() - started < 5
    assert n_drawn(load("x.toml")) == 400
    assert told.out == (
        "x.toml: valid\n  populations: 400 of 100,000 were looked at; a run looks at all before it begins\n"
    )


# Paths


@pytest.mark.parametrize("key", ["roster", "follow_graph"])
@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ('"' + "x" * 300 + '"', "can't be read: file name too long"),
        ('"loop.csv"', "can't be read: too many levels of symbolic links"),
        ('"folder"', "is a folder, not a file"),
        ('"a\\u0000b.csv"', "must be a file in the scenario's own folder (or give it with "),
        ('"x.toml/people.csv"', "no such file in the scenario's folder"),
        ("'lists\\people.csv'", "no such file in the scenario's folder; paths are written with /"),
        ('"lists\\\\people.csv"', "no such file in the scenario's folder; paths are written with /"),
        ('"lists\\table.csv"', "no such file in the scenario's folder; paths are written with /"),
        ("'C:\\data\\people.csv'", "must be a file in the scenario's own folder (or give it with "),
        ('"lists\\people.csv"', "not valid TOML: unescaped '\\' in a string; in double quotes a backslash begins an "),
        (
            '"C:\\Users\\me.csv"',
            "not valid TOML: invalid hex value; in double quotes a backslash begins an ",
        ),
    ],
)
def test_a_bad_path_is_one_line_with_its_place_and_ends_no_check_of_many(
    here: Path, key: str, name: str, rule: str
) -> None:
    (here / "folder").mkdir()
    (here / "loop.csv").symlink_to("loop.csv")
    text = TINY.replace("count = 20\n", f"{key} = {name}\n")
    bad = write(here, text)
    bad.rename("bad.toml")
    write(here, TINY)
    told = sim("validate", "bad.toml", "x.toml")
    assert (told.code, told.out, told.err.count("\n")) == (2, "", 1)
    assert told.err.startswith(f"bad.toml:{line_of(text, key)}: ")
    assert rule in told.err
    assert key == "roster" or "--roster" not in told.err


@pytest.mark.parametrize("name", ["x" * 300, "loop", "folder", "gone.toml"])
def test_a_bad_path_on_the_command_line_is_one_line(here: Path, name: str) -> None:
    (here / "folder").mkdir()
    (here / "loop").symlink_to("loop")
    write(here, TINY)
    for command in (["run", name], ["check", name], ["validate", name, "x.toml"], ["run", "x.toml", "--roster", name]):
        told = sim(*command)
        assert (told.code, told.out) == (2, ""), command
        assert told.err.startswith(name), command
        assert told.err.count("\n") == 1, command


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_a_file_saved_as_utf_16_is_told_so(here: Path, encoding: str) -> None:
    (here / "x.toml").write_bytes(TINY.encode(encoding))
    assert sim("validate", "x.toml") == Told(
        2, "", "x.toml:1: must be UTF-8, but is UTF-16 or UTF-32: save it as UTF-8\n"
    )


# A policy without arms


def test_without_arms_the_policy_of_the_base_is_the_one_arm(tmp_path: Path) -> None:
    head = TINY.partition("[arms.none]")[0]
    loaded = loaded_from(tmp_path, head)
    assert list(loaded.arms) == ["none"]
    loaded = loaded_from(tmp_path, head.replace("share = 0.3\n", 'share = 0.3\npolicy = "uniform"\n'))
    assert (list(loaded.arms), loaded.scenario.control) == (["uniform"], "uniform")
    assert loaded.arms["uniform"].support.policy == "uniform"
    run = run_of(tmp_path, head.replace("share = 0.3\n", 'share = 0.3\npolicy = "uniform"\n'))
    assert list(run.manifest["digests"]) == ["uniform"]
    both = run_of(tmp_path, TINY, out="both")
    assert run.manifest["digests"]["uniform"] == both.manifest["digests"]["uniform"]


def test_without_arms_an_unknown_policy_is_the_only_fault(tmp_path: Path) -> None:
    head = TINY.partition("[arms.none]")[0]
    (fault,) = validate([write(tmp_path, head.replace("share = 0.3\n", 'share = 0.3\npolicy = "unifrom"\n'))])
    assert fault.path == "support.policy"
