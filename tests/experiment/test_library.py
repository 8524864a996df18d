"""Scenario files of the library: valid, telling what they are, running to their verdicts, of the platform they name."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.places import SCENARIOS

import sim
from sim.inference.paired import Verdict
from sim.results.pairs import pairs
from sim.scenario import Loaded, from_resolved, resolved
from sim.scenario.patch.phases import phase_scenarios

DATA = ("rosters", "graphs")
FILES = sorted(path for path in SCENARIOS.rglob("*.toml") if path.relative_to(SCENARIOS).parts[0] not in DATA)
BASE = SCENARIOS / "weibo-2017.toml"
PLATFORMS_OF_THEIR_OWN = (
    "minimal.toml",
    "roster.toml",
    "roster-platform.toml",
    "graph.toml",
    "short-video.toml",
    "scale/one-to-one-hundred.toml",
)
COPIES = [
    path for path in FILES if path != BASE and path.relative_to(SCENARIOS).as_posix() not in PLATFORMS_OF_THEIR_OWN
]
PEOPLE = 313_000_000

DAYS, N_FANS, N_ACCOUNTS = 60, 1500, 200
"""The size that scenarios are run at here."""
SHORT_LISTS = ("newcomer",)
"""Policies whose list is too short for the reserved slots if all accounts of day 0 are old: it begins with nobody."""

FREE = {"name", "title", "description", "fans.count", "people_per_fan", "replications", "control"}
"""What any copy may say for itself; all are refreshed weekly, which makes them fast."""
FREE_TABLES = ("arms", "claims", "phases")
CHANGED: dict[str, set[str]] = {
    "ablations.toml": {"support.policy", "support.within_tier", "support.services"},  # the full model has support
    "claims/subsidy.toml": {"economy.subsidy_fen_per_live_hour"},  # begins with all of the subsidy, before it shrinks
    "phases.toml": {  # begins two years earlier, before lasting fans, cuts and less subsidy
        "horizon_days",
        "contracts.cuts",
        "economy.subsidy_fen_per_live_hour",
        "surfaces.live.follow_prob",
        "surfaces.live.unfollow_factor",
    },
}
"""What else a copy of the platform changes, by file."""


def named(paths: list[Path]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("path", paths, ids=[path.relative_to(SCENARIOS).as_posix() for path in paths])


def test_the_library_holds_the_platform_its_claims_and_the_first_steps() -> None:
    names = {path.relative_to(SCENARIOS).as_posix() for path in FILES}
    assert names >= {"weibo-2017.toml", *PLATFORMS_OF_THEIR_OWN}
    assert len([name for name in names if name.startswith("claims/")]) >= 4


@named(FILES)
def test_a_scenario_says_what_it_is(path: Path) -> None:
    scenario = sim.load(path).scenario
    assert scenario.name == path.stem
    assert 10 <= len(scenario.title) <= 100
    text = scenario.description.strip()
    assert len(text) >= 100
    assert text[0].isupper()
    assert text[-1] in ".?"


@pytest.mark.filterwarnings("ignore:arm newcomer")  # on day 0 there is no newcomer yet
@named(FILES)
def test_a_scenario_runs_to_a_verdict_on_each_of_its_claims(path: Path, tmp_path: Path) -> None:
    loaded = small(path)
    run = sim.run(loaded, out=tmp_path / "run", threads=1)
    assert run.manifest["counts"]["sessions"] > 1000
    assert [row["claim"] for row in run.claims()] == list(loaded.scenario.claims)
    assert {row["verdict"] for row in run.claims()} <= set(Verdict)
    assert {(row["arm"], row["control"]) for row in run.answer()} == set(pairs(loaded)) - with_short_lists(loaded)


def with_short_lists(loaded: Loaded) -> set[tuple[str, str]]:
    """Pairs of arms that aren't compared, since a list is too short for the reserved slots."""
    short = {
        arm
        for arm, scenario in loaded.arms.items()
        if scenario.support.policy in SHORT_LISTS and scenario.influencers.age_days.kind == "constant"
    }
    return {pair for pair in pairs(loaded) if set(pair) & short}


def small(path: Path) -> Loaded:
    """A scenario in a sixth of its time at most, with few fans and accounts, or those of its files."""
    loaded = sim.load(path)
    data = resolved(loaded)
    for table in (data, *data["arms"].values()):
        hasten(table, DAYS / loaded.scenario.horizon_days)
    people, fans = data["influencers"], data["fans"]
    if people["follow_graph"] is None:
        n_fans, fans["count"] = fans["count"], min(fans["count"], N_FANS)
        data["people_per_fan"] = data["people_per_fan"] and data["people_per_fan"] * n_fans / fans["count"]
    if people["roster"] is None and people["follow_graph"] is None and people["count"] > N_ACCOUNTS:
        part = N_ACCOUNTS / people["count"]
        people["count"] = N_ACCOUNTS
        fans["follows_per_fan"] = 1.0  # else the largest account may have more followers than there are fans
        data["entry"]["newcomers_per_month"] *= part
        for group in data["agencies"].values():
            group["count"] = math.ceil(group["count"] / 3)
        for vertical in data["verticals"].values():
            vertical["capacity"] = vertical["capacity"] and vertical["capacity"] * part
    files = (people[key] and path.parent / people[key] for key in ("roster", "follow_graph"))
    return from_resolved(data | {"horizon_days": DAYS, "replications": 2}, *files)


def hasten(table: dict[str, Any], factor: float) -> None:
    """Let phases start and verticals open earlier, within the horizon; what never opens still never does."""
    for phase in table.get("phases", {}).values():
        if "start_day" in phase:
            phase["start_day"] = int(phase["start_day"] * factor)
    for vertical in table.get("verticals", {}).values():
        if "opens_at_days" in vertical:
            vertical["opens_at_days"] *= factor


TOLD = {"name", "title", "description", "seed", "control", "claims", "check"}
"""Keys that are no part of the model."""
NAMED = ("segments", "verticals", "agencies", "surfaces", "tiers")
"""Tables whose keys are names that a scenario chooses."""


def settings(table: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Keys of an arm with what they are set to; parameters of a distribution or of interests count as one."""
    for key, value in table.items():
        here = (*path, "NAME" if path and path[-1] in NAMED else key)
        is_distribution = isinstance(value, dict) and "kind" in value and "session_share" not in value
        if isinstance(value, dict) and not is_distribution and key != "interests":
            yield from settings(value, here)
        else:
            yield here, repr(value)


def test_no_key_has_one_value_in_all_scenarios_so_that_checks_of_them_notice_a_fault_in_any() -> None:
    found: dict[tuple[str, ...], set[str]] = {}
    for path in FILES:
        for arm in sim.load(path).arms.values():
            for key, value in settings(arm.model_dump(exclude=TOLD | {"arms", "phases"})):
                found.setdefault(key, set()).add(value)
    assert len(found) > 130
    how_files_are_read = {("influencers", "dirty_rows"), ("influencers", "encoding")}
    assert {key for key, values in found.items() if len(values) == 1} == how_files_are_read


@named(COPIES)
def test_a_copy_of_the_platform_changes_what_it_is_about_and_nothing_else(path: Path) -> None:
    here, there = (dict(entries(resolved(sim.load(each)))) for each in (path, BASE))
    assert list(here) == list(there)  # in one order, on which ids turn
    changed = {key for key in here if here[key] != there[key] and not key.endswith(".refresh_minutes")} - FREE
    assert changed == CHANGED.get(path.relative_to(SCENARIOS).as_posix(), set())


def test_the_phases_before_the_platform_end_where_the_platform_begins() -> None:
    before, platform = sim.load(SCENARIOS / "phases.toml").arms["platform"], sim.load(BASE).arms["none"]
    _, last = phase_scenarios(before)[-1]
    assert not before.contracts.cuts
    assert last.contracts == platform.contracts
    for key in ("follow_prob", "unfollow_factor"):
        assert getattr(last.surfaces["live"], key) == getattr(platform.surfaces["live"], key)
        assert getattr(before.surfaces["live"], key) != getattr(platform.surfaces["live"], key)


@named([BASE, *COPIES])
def test_fans_of_the_platform_stand_for_all_its_people(path: Path) -> None:
    scenario = sim.load(path).scenario
    assert scenario.fans.count is not None
    assert scenario.people_per_fan is not None
    assert scenario.fans.count * scenario.people_per_fan == PEOPLE


def entries(table: dict[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Dotted keys and values of a scenario without the tables that every file has of its own."""
    for key, entry in table.items():
        if not above and key in FREE_TABLES:
            continue
        if isinstance(entry, dict) and entry:
            yield from entries(entry, (*above, key))
        else:
            yield ".".join((*above, key)), entry


def test_changed_keys_are_told_of_files_that_are_there() -> None:
    assert {SCENARIOS / name for name in CHANGED} <= set(COPIES)
