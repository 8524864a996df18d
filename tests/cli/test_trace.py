"""`sim trace`: one fan's sessions slot by slot, one influencer's exposure; the same text on either engine."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.forms import drawn
from support.inspection import ENGINES, one_surface, run, slots_of
from support.scenarios import DRAWN, World, worlds
from support.traces import fan_text, influencer_text
from typer.testing import CliRunner, Result

from sim.cli.app import app
from sim.model.layout import Counter, Response, Total
from sim.model.simulation import simulate

SCENARIO = """\
name = "small"
seed = 5
horizon_days = 45
warmup_days = 3
replications = 3

[fans]
count = 30
follows_per_fan = 2.0
sessions_per_day = 0.5

[influencers]
count = 12

[agencies.all]
count = 2
accounts = 3

[surfaces.feed]
kind = "feed"
session_share = 0.4
slots = 3
unfollow_prob = 0.1

[surfaces.find]
kind = "discovery"
session_share = 0.6
slots = 4
follow_prob = 0.4
ranking.exploration = 0.1

[support]
share = 0.4
within_tier = "equal"
tiers.all.weight = 1.0

[arms.none]

[arms.tiered]
support.policy = "tiered"
"""


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    path = tmp_path / "small.toml"
    path.write_text(SCENARIO)
    return path


def trace(*args: object) -> Result:
    return CliRunner().invoke(app, ["trace", *map(str, args)])


# Both engines


@drawn(8, 30, worlds(), st.integers(0, 10**6))
def test_a_trace_of_either_engine_is_equal_line_by_line(world: World, number: int) -> None:
    fan = number % world.population.segment.size
    assert fan_text(world, fan, "compiled") == fan_text(world, fan, "reference")
    influencer = number % len(world.population.influencers)
    assert influencer_text(world, influencer, "compiled") == influencer_text(world, influencer, "reference")


@pytest.mark.parametrize("subject", [("--fan", 7), ("--influencer", 3)])
@pytest.mark.parametrize("arm", ["none", "tiered"])
def test_the_command_prints_the_same_text_on_either_engine(scenario: Path, subject: tuple[str, int], arm: str) -> None:
    results = [trace(scenario, *subject, "--arm", arm, "--engine", engine) for engine in ("compiled", "reference")]
    assert [result.exit_code for result in results] == [0, 0]
    assert results[0].stdout == results[1].stdout
    assert len(results[0].stdout.splitlines()) > 8


@drawn(8, 25, worlds(), st.integers(0, 10**6), st.integers(1, 4))
def test_looking_changes_nothing_and_threads_change_nothing_of_what_is_seen(
    world: World, number: int, threads: int
) -> None:
    fan, influencer = number % world.population.segment.size, number % len(world.population.influencers)
    looked = simulate(world.scenario, world.population, world.key, fan=fan, influencer=influencer, threads=threads)
    assert looked.digest() == run(world).digest()
    assert np.array_equal(looked.trace, run(world, fan=fan).trace)


# What it says


@settings(max_examples=8, **DRAWN)
@given(worlds(max_sessions=60))
def test_the_slots_of_all_fans_add_up_to_what_the_run_counts(world: World) -> None:
    slots = [slot for fan in range(world.population.segment.size) for slot in slots_of(run(world, fan=fan))]
    outcome = run(world)
    totals = outcome.totals.sum(axis=0)
    assert len(slots) == totals[Total.SLOTS]
    assert sum(slot.influencer < 0 for slot in slots) == totals[Total.EMPTY]
    for response, counter in [
        (Response.READ, Counter.READS),
        (Response.CLICKED, Counter.CLICKS),
        (Response.UNFOLLOWED, Counter.UNFOLLOWS),
    ]:
        assert sum(response in slot.responses for slot in slots) == outcome.counts[:, :, counter].sum()
    assert sum(Response.RESERVED in slot.responses for slot in slots) == totals[Total.RESERVED]
    assert sum(slot.orders for slot in slots) == outcome.counts[:, :, Counter.ORDERS].sum()
    shown = np.bincount([slot.influencer for slot in slots if slot.influencer >= 0], minlength=len(outcome.counts))
    assert np.array_equal(shown, outcome.counts[:, :, Counter.EXPOSURE].sum(axis=1))


@drawn(8, 25, worlds())
def test_the_lines_of_an_influencer_add_up_to_what_the_run_counts_of_it(world: World) -> None:
    *lines, total = influencer_text(world, 0, "compiled")[4:]
    rows = np.array([[int(number) for number in line[29:].split()] for line in lines]).reshape(-1, 6)
    kept = [getattr(Counter, name) for name in ("EXPOSURE", "RESERVED", "READS", "CLICKS", "FOLLOWS", "ORDERS")]
    counts = run(world).counts[0].sum(axis=0)[kept].tolist()
    assert [int(number) for number in total.split()[2:]] == counts
    assert rows.sum(axis=0).tolist() == counts


def test_a_long_trace_is_written_down_in_full() -> None:
    world = one_surface([1] * 8, fans={"count": 3, "sessions_per_day": 60.0}, slots=8)
    outcome = run(world, fan=1)
    assert len(outcome.trace) > 4000
    assert np.array_equal(outcome.trace, run(world, engine="reference", fan=1).trace)


def test_a_fans_trace_reads_as_sessions_and_slots(scenario: Path) -> None:
    heading, fan, *lines, end = trace(scenario, "--fan", 4, "--arm", "tiered", "--replication", 1).stdout.splitlines()
    assert heading == "small, arm tiered, replication 1"
    assert re.fullmatch(r"fan 4, segment all, follows at the start: (none|influencer-\d\d(, influencer-\d\d)*)", fan)
    assert end.startswith("follows at the end: ")
    sessions = [line for line in lines if not line.startswith(" ")]
    slots = [line for line in lines if line.startswith(" ")]
    assert len(sessions) > 10
    for line in sessions:
        assert re.fullmatch(r"day -?\d+ \d\d:\d\d:\d\d (feed|find), session \d+", line)
    why = "followed by the fan|organic|support, tiered|exploration|organic, the support list being exhausted"
    responses = r"(not examined|read(, clicked)?(, unfollowed)?(, followed|, follow refused)?(, \d+ orders?)?)"
    pattern = rf"   \s?\d (influencer-\d\d \(all\): (reserved, )?({why}); {responses}|\((reserved, )?empty\))"
    for line in slots:
        assert re.fullmatch(pattern, line), line
    assert any("support, tiered" in line for line in slots)
    assert any("reserved, organic" in line for line in slots)  # in the warm-up


def test_a_trace_in_full_is_this_text() -> None:
    world = one_surface(
        [1, 0, 1, 1],
        fans={"count": 1, "sessions_per_day": 2.0},
        slots=3,
        follow_prob=1.0,
        unfollow_prob=0.5,
        examination={"exponent": 0.5},
        ranking={"exploration": 0.3},
        support_share=0.5,
        over={"support": {"policy": "tail", "eligible": "all"}, "horizon_days": 2},
    )
    for engine in ENGINES:
        assert "\n".join(fan_text(world, 0, engine)) + "\n" == FULL_TEXT


FULL_TEXT = """\
plain, arm arm, replication 0
fan 0, segment all, follows at the start: account 0, account 2, account 3
day 1 07:32:21 find, session 0
    1 account 1 (all): reserved, support, tail; read, clicked, followed
    2 account 0 (all): organic; not examined
    3 account 2 (all): reserved, support, tail; read, clicked, unfollowed, followed
day 1 23:04:36 find, session 1
    1 account 1 (all): exploration; read, clicked, follow refused
    2 account 3 (all): organic; read, clicked, unfollowed, followed
    3 account 0 (all): reserved, support, tail; read, clicked, unfollowed, followed
follows at the end: account 3, account 1, account 2, account 0
"""


# What it refuses


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--fan", 30), "--fan must be from 0 to 29, got 30"),
        (("--influencer", "nobody"), "--influencer must be an id or a number from 0 to 11, got 'nobody'"),
        (("--influencer", 12), "--influencer must be an id or a number from 0 to 11, got '12'"),
        (("--fan", 1, "--arm", "tired"), "--arm must be none or tiered; did you mean `tiered`?, got 'tired'"),
    ],
)
def test_who_is_not_there_is_refused_in_one_line(scenario: Path, args: tuple[object, ...], message: str) -> None:
    result = trace(scenario, *args)
    assert result.exit_code == 2
    assert result.stderr.strip() == f"{scenario}: {message}"
    assert not result.stdout


@pytest.mark.parametrize("args", [(), ("--fan", 1, "--influencer", 2), ("--fan", -1), ("--fan", 1, "--engine", "fast")])
def test_a_call_that_names_no_single_subject_or_engine_is_refused(scenario: Path, args: tuple[object, ...]) -> None:
    assert trace(scenario, *args).exit_code == 2


def test_an_influencer_is_found_by_its_id_and_by_its_number(scenario: Path) -> None:
    by_id, by_number = trace(scenario, "--influencer", "influencer-04"), trace(scenario, "--influencer", 3)
    assert by_id.exit_code == 0
    assert by_id.stdout == by_number.stdout
    assert "influencer influencer-04, all, " in by_id.stdout
    assert "\n    0-30    find " in by_id.stdout
    assert "\n   30-45    find " in by_id.stdout
    assert "\n   -3-0     find " in by_id.stdout


def test_a_replication_alone_is_traced_with_its_own_draws(scenario: Path) -> None:
    texts = {trace(scenario, "--fan", 2, "--replication", r).stdout.split("\n", 1)[1] for r in (0, 1, 2)}
    assert len(texts) == 3
