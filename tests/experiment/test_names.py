"""Accounts that a file names: the order of its rows has no say in what is drawn for them, nor have other accounts."""

from __future__ import annotations

import csv
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from support.graphs import TEXT, random_edges, write
from support.places import SHARED
from support.small_runs import run_of

from sim.errors import InputError
from sim.experiment.follow_graphs import follow_graph
from sim.experiment.unit_trace import look_at_fan, look_at_influencer
from sim.experiment.units import population_of
from sim.model.simulation import simulate
from sim.model.world.population import Population
from sim.report.trace import fan_trace, influencer_trace
from sim.scenario import Loaded, load
from sim.store.unit import Unit

SEEDS = range(3)
HEADER = "influencer,followers,agency,city\n"
ROWS = [
    f"{name},{1000 + 37 * i * i},{('north', '', 'south', 'east')[i * i % 4]},{('x', 'y')[i % 2]}\n"
    for i, name in enumerate([f"p{i}" for i in range(22)] + ["Zoë", "émile", "陈静", "小王"])
]
SCENARIO = """
name = "people"
seed = 5
horizon_days = 40
warmup_days = 5
replications = 2
fans.count = 100
fans.follows_per_fan = 3.0
fans.sessions_per_day = 0.3
segments.regular = {share = 0.6, growth_per_year = 1.0}
segments.heavy = {share = 0.4, activity = 2.0}
influencers.roster = "people.csv"
influencers.quality = {kind = "uniform", low = 0.2, high = 0.8}
verticals.a = {share = 0.5, shop_prob = 0.5}
verticals.b = {share = 0.5}
entry.newcomers_per_month = 6
surfaces.feed = {kind = "feed", session_share = 0.4, unfollow_prob = 0.05}
surfaces.find = {kind = "discovery", session_share = 0.6, follow_prob = 0.5, slots = 4}
support.share = 0.3
support.tiers.any = {weight = 1.0, over_accounts = 0}
arms.none = {}
arms.tiered.support = {policy = "tiered", within_tier = "equal"}
arms.lottery.support = {policy = "lottery", eligible = "all", lottery_share = 0.3}
"""
GROUPS = "agencies.one = {count = 3, accounts = 4}\n"
CLAIM = """
[claims.city]
arm = "tiered"
control = "none"
group = "city=x"
direction = "lower"
"""
ATTRIBUTES = (
    "vertical",
    "quality",
    "posts_per_day",
    "age_days",
    "shop",
    "conversion_prob",
    "order_value_fen",
    "live_hours_per_day",
    "followers",
)


def shuffled(lines: list[str], seed: int) -> list[str]:
    return random.Random(seed).sample(lines, len(lines))


def loaded_with(folder: Path, rows: list[str], *, agency: bool = True, more: str = "") -> Loaded:
    """The scenario with a roster of these rows; with groups of agencies in place of the column, if that is left out."""
    folder.mkdir(exist_ok=True)
    table = list(csv.reader([HEADER, *rows]))
    kept = [row if agency else row[:2] + row[3:] for row in table]
    with (folder / "people.csv").open("w", newline="") as file:
        csv.writer(file).writerows(kept)
    return load(write(folder / "x.toml", more + SCENARIO.lstrip() + ("" if agency else GROUPS)))


def graph_with(folder: Path, rows: list[str]) -> Loaded:
    """The small scenario with an edge list of these rows."""
    folder.mkdir(exist_ok=True)
    write(folder / "edges.csv", "fan,influencer\n" + "".join(rows))
    return load(write(folder / "x.toml", 'influencers.follow_graph = "edges.csv"\n' + TEXT))


def edges() -> list[str]:
    return random_edges().splitlines(keepends=True)[1:]


def population(loaded: Loaded, replication: int = 0) -> Population:
    return population_of(loaded, Unit(loaded.scenario.control, replication))


def by_name(people: Population) -> dict[str, tuple[Any, ...]]:
    """Attributes of each influencer."""
    columns = [getattr(people, name).tolist() for name in ATTRIBUTES]
    return dict(zip(people.influencers, zip(*columns, strict=True), strict=True))


def rows_of(run: Any, table: str) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in run.table(table).to_pylist()]


def digest(loaded: Loaded, arm: str, **options: Any) -> str:
    scenario = loaded.arms[arm]
    unit = Unit(arm, 0)
    return simulate(scenario, population_of(loaded, unit), unit.key(scenario.seed), **options).digest()


# The order of a roster's rows


@pytest.mark.parametrize("agency", [True, False], ids=["agencies-of-the-roster", "agencies-of-groups"])
def test_the_order_of_a_roster_s_rows_changes_no_output_but_the_order_of_rows(tmp_path: Path, agency: bool) -> None:
    def run(name: str, rows: list[str]) -> Any:
        loaded_with(tmp_path / name, rows, agency=agency)
        text = (tmp_path / name / "x.toml").read_text()
        return run_of(tmp_path / name, text + CLAIM)

    first = run("first", ROWS)
    for seed in SEEDS:
        rows = shuffled(ROWS, seed)
        other = run(f"shuffled-{seed}", rows)
        assert other.manifest["digests"] == first.manifest["digests"]
        for table in ("measures", "comparison", "claims", "surfaces", "lorenz", "transitions", "tier_transitions"):
            assert repr(rows_of(other, table)) == repr(rows_of(first, table))
        for table in ("influencers", "agencies"):
            assert sorted(map(repr, rows_of(other, table))) == sorted(map(repr, rows_of(first, table)))
        names = other.table("influencers").column("influencer").to_pylist()
        assert names[: len(rows)] == [row.split(",")[0] for row in rows]
        assert all(name.startswith("newcomer-") for name in names[len(rows) : len(names) // 6])
        cities = dict(zip(names, other.table("influencers").column("city").to_pylist(), strict=True))
        assert all(cities[row.split(",")[0]] == row.strip().split(",")[3] for row in rows)
        if agency:
            listed = dict.fromkeys(row.split(",")[2] for row in rows)
            found = dict.fromkeys(other.table("agencies").column("agency").to_pylist())
            assert list(found) == [name for name in listed if name]


@pytest.mark.parametrize("arm", ["none", "tiered", "lottery"])
@pytest.mark.parametrize("agency", [True, False])
def test_both_engines_agree_on_worlds_of_names_and_ids_follow_the_names(tmp_path: Path, arm: str, agency: bool) -> None:
    loaded = loaded_with(tmp_path, shuffled(ROWS, 1), agency=agency)
    assert digest(loaded, arm, engine="reference") == digest(loaded, arm, threads=2)
    names = population(loaded).influencers[: len(ROWS)]
    assert list(names) == sorted(names, key=lambda name: name.encode())


def test_attributes_of_an_account_are_those_of_its_name_in_any_roster(tmp_path: Path) -> None:
    whole = by_name(population(loaded_with(tmp_path / "whole", ROWS)))
    for seed in SEEDS:
        part = by_name(population(loaded_with(tmp_path / f"part-{seed}", shuffled(ROWS, seed)[:16])))
        same = [name for name in part if name in whole]
        assert len(same) > 16  # newcomers, too, have their numbers whatever the roster
        assert all(part[name][:-1] == whole[name][:-1] for name in same)


def test_one_more_account_without_followers_changes_no_attribute_and_no_follow_of_another(tmp_path: Path) -> None:
    before = population(loaded_with(tmp_path / "before", ROWS))
    for name in ("!first", "p10a", "龙last"):
        after = population(loaded_with(tmp_path / name, [f"{name},0,,y\n", *ROWS]))
        known = by_name(after)
        assert known.pop(name)[-1] == 0
        assert known == by_name(before)
        (begin, members), (begin_before, members_before) = after.follow_lists, before.follow_lists
        assert np.array_equal(begin, begin_before)
        assert np.array_equal(np.array(after.influencers)[members], np.array(before.influencers)[members_before])
        assert np.array_equal(after.mean_gap, before.mean_gap)
        assert after.joined_at[after.n_initial :].tolist() == before.joined_at[before.n_initial :].tolist()
        agency = {who: after.agency[i] for i, who in enumerate(after.influencers) if who != name}
        assert agency == {who: before.agency[i] for i, who in enumerate(before.influencers)}


def test_numbers_of_a_trace_are_rows_of_the_file(tmp_path: Path) -> None:
    rows = shuffled(ROWS, 2)
    loaded = loaded_with(tmp_path, rows)
    for number in (0, 7, len(rows) - 1):
        name = rows[number].split(",")[0]
        found = influencer_trace(look_at_influencer(loaded, str(number)))
        assert found.influencer == name
        assert found == influencer_trace(look_at_influencer(loaded, name))
    fans = graph_with(tmp_path / "graph", shuffled(edges(), 2))
    listed = follow_graph(fans, day=0)
    for number in (0, 31, 59):
        found_fan = fan_trace(look_at_fan(fans, number))
        assert found_fan.fan == number
        follows = {influencer for fan, influencer in listed.follows() if fan == listed.fans[number]}
        assert set(found_fan.follows_start) == follows


# Names


@pytest.mark.parametrize("rows", [["Zoe\u0308,5\n"], ["bo,5\n", "Zo\u0308e,7\n", "Zoe\u0308,5\n"]])
def test_two_spellings_of_a_name_in_unicode_are_one_account_and_refused_as_one(tmp_path: Path, rows: list[str]) -> None:
    text = "influencer,followers\nZoë,50\n" + "".join(rows)
    path = write(tmp_path / "people.csv", text)
    scenario = write(tmp_path / "x.toml", SCENARIO)
    with pytest.raises(InputError) as caught:
        load(scenario)
    line = 2 + len(rows)
    assert [str(fault) for fault in caught.value.faults] == [
        f'{path}:{line}: influencer: must be unique, is in line 2 already, got "Zoe\u0308"'
    ]


def test_a_name_is_the_same_account_in_either_of_its_spellings(tmp_path: Path) -> None:
    composed, apart = ROWS, [row.replace("Zoë", "Zoe\u0308").replace("é", "e\u0301") for row in ROWS]
    assert composed != apart
    one, other = (loaded_with(tmp_path / str(i), rows) for i, rows in enumerate((composed, apart)))
    assert population(one).influencers == population(other).influencers
    assert digest(one, "tiered") == digest(other, "tiered")
    roster = write(tmp_path / "r.csv", "influencer\nZoë\nbo\n")
    graph = write(tmp_path / "e.csv", "fan,influencer\nRené,Zoe\u0308\nRene\u0301,bo\nann,Zoë\n")
    path = write(tmp_path / "g.toml", 'influencers.follow_graph = "e.csv"\ninfluencers.roster = "r.csv"\n' + TEXT)
    found = load(path, roster=roster, graph=graph).graph
    assert found is not None
    assert set(found.follows()) == {("René", "Zoë"), ("René", "bo"), ("ann", "Zoë")}


# The order of a follow graph's rows


def test_the_order_of_an_edge_list_s_rows_changes_no_bit_on_either_engine(tmp_path: Path) -> None:
    first = graph_with(tmp_path / "first", edges())
    expected = [digest(first, arm) for arm in first.arms]
    assert len(set(expected)) == 2
    for seed in SEEDS:
        rows = shuffled(edges(), seed)
        other = graph_with(tmp_path / f"shuffled-{seed}", rows)
        assert [digest(other, arm) for arm in other.arms] == expected
        listed = follow_graph(other, "tiered", day=10)
        assert listed.fans[:60] == tuple(dict.fromkeys(row.split(",")[0] for row in rows))
        assert listed.influencers == tuple(dict.fromkeys(row.strip().split(",")[1] for row in rows))
        assert set(listed.follows()) == set(follow_graph(first, "tiered", day=10).follows())
    assert digest(other, "tiered", engine="reference") == expected[1]


def test_the_engines_agree_on_fans_of_a_graph_at_any_number_of_threads(tmp_path: Path) -> None:
    loaded = graph_with(tmp_path, edges())
    reference = digest(loaded, "none", engine="reference")
    assert [digest(loaded, "none", threads=threads) for threads in (1, 3)] == [reference] * 2


def sessions_of(loaded: Loaded, name: str) -> list[tuple[int, str]]:
    """When a fan has sessions, and on which surfaces."""
    number = follow_graph(loaded, day=0).fans.index(name)
    return [(each.time_seconds, each.surface) for each in fan_trace(look_at_fan(loaded, number)).sessions]


def test_one_more_fan_of_a_graph_changes_no_other_fan_s_segment_activity_or_sessions(tmp_path: Path) -> None:
    one, other = (
        graph_with(tmp_path / str(i), rows) for i, rows in enumerate((edges(), [*edges(), "a-first,i0\n", "g,i1\n"]))
    )
    before, after = population(one), population(other)
    assert before.fans is not None
    assert after.fans is not None

    def fans(people: Population) -> dict[str, tuple[int, float]]:
        each = zip(people.segment.tolist(), people.mean_gap.tolist(), strict=True)
        return dict(zip(people.fans or (), each, strict=False))  # those who join later have no names

    assert {name: each for name, each in fans(after).items() if name in before.fans} == fans(before)
    assert set(after.fans) - set(before.fans) == {"a-first", "g"}
    n = min(before.joined.size, after.joined.size)
    assert n > 0
    assert before.joined[:n].tolist() == after.joined[:n].tolist()
    some = False
    for name in ("f0", "f17", "f59"):
        sessions = sessions_of(one, name)
        assert sessions_of(other, name) == sessions
        some |= bool(sessions)
    assert some


def test_a_fan_and_an_influencer_of_one_name_have_keys_of_their_own(tmp_path: Path) -> None:
    people = population(graph_with(tmp_path, ["ann,bo\n", "bo,ann\n"]))
    key = (5, 0)
    fans, influencers = people.addresses_of_fans(key), people.addresses(key)  # type: ignore[arg-type]
    keys = {tuple(words) for words in (*fans.key[:2].tolist(), *influencers.key[:2].tolist())}
    assert len(keys) == 4


def test_independent_streams_of_named_fans_are_keyed_apart(tmp_path: Path) -> None:
    loaded = graph_with(tmp_path, edges())
    people = population(loaded)
    ordinary, apart = (Unit("none", 0, independent) for independent in (False, True))
    seed = loaded.scenario.seed
    keys = [people.addresses_of_fans(unit.key(seed)).key for unit in (ordinary, apart)]
    assert not (keys[0] == keys[1]).all(axis=1).any()
    assert population_of(loaded, apart).mean_gap.tolist() == people.mean_gap.tolist()


# Real rosters


@pytest.mark.skipif(not SHARED.is_dir(), reason="real rosters are not part of the project")
def test_sorting_a_real_roster_changes_no_bit(tmp_path: Path) -> None:
    path = SHARED / "rosters" / "twitch-engb-2018.csv"
    header, *rows = path.read_text().splitlines(keepends=True)
    reordered = write(tmp_path / "sorted.csv", header + "".join(sorted(rows, reverse=True)))
    more = {"horizon_days": 5, "warmup_days": 0, "replications": 1}
    graph = SHARED / "twitch-engb-2018-edges.csv"
    given, other = (load("graph", roster=file, graph=graph, set=more) for file in (path, reordered))
    assert digest(given, "tiered") == digest(other, "tiered")
    people: list[NDArray[np.float64]] = [population(each).quality for each in (given, other)]
    assert np.array_equal(*people)
