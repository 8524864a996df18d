"""Runs on a follow graph: what a scenario takes from it, and the graph of any day of a run."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.graphs import EDGES, drawn, graph_of, random_edges, scenario_file, write
from support.places import SCENARIOS, SHARED
from support.scenarios import roster_of

import sim
from sim.analysis.follow_graph import reciprocity
from sim.calendar import DAY
from sim.cli.graph import input_notes
from sim.errors import InputError
from sim.experiment.execution import experiment
from sim.experiment.follow_graphs import follow_graph
from sim.model.simulation import simulate
from sim.model.world.population import draw_population
from sim.scenario import FollowGraph, Loaded, from_resolved, load, read_edges, resolved
from sim.store.provenance import identity

SHIPPED = SCENARIOS / "graph.toml"
TWITCH = {"roster": SHARED / "rosters" / "twitch-engb-2018.csv", "graph": SHARED / "twitch-engb-2018-edges.csv"}


def test_a_scenario_s_counts_follow_from_its_graph(tmp_path: Path) -> None:
    loaded = load(scenario_file(tmp_path))
    assert loaded.graph is not None
    assert (loaded.scenario.fans.count, loaded.scenario.fans.follows_per_fan) == (4, 1.25)
    assert loaded.scenario.influencers.count == 3
    assert loaded.inputs["follow_graph"] == loaded.graph.sha256
    assert all(arm.fans == loaded.scenario.fans for arm in loaded.arms.values())


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("fans.count = 5\n", r"fans.count: must be left out, or be the number of fans in the follow graph, 4, got 5"),
        ("fans.follows_per_fan = 2.0\n", r"fans.follows_per_fan: must be left out, or be .* mean, 1.25, got 2.0"),
        ("influencers.count = 5\n", r"influencers.count: .* number of influencers in the follow graph, 3, got 5"),
        ("arms.x.fans.follows_per_fan = 9\n", r"arms.x.fans.follows_per_fan: must be left out"),
        ('arms.x.influencers.follow_graph = "o.csv"\n', r"arms.x.influencers.follow_graph: can't differ between arms"),
    ],
)
def test_numbers_that_contradict_the_graph_are_refused(tmp_path: Path, more: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        load(scenario_file(tmp_path, more=more))


@pytest.mark.parametrize("name", ["../edges.csv", "/edges.csv", "none.csv"])
def test_a_follow_graph_outside_the_scenario_s_folder_is_refused(tmp_path: Path, name: str) -> None:
    write(tmp_path / "edges.csv", EDGES)
    folder = tmp_path / "inner"
    folder.mkdir()
    path = scenario_file(folder, None, f'influencers.follow_graph = "{name}"\n')
    with pytest.raises(
        InputError, match=r"influencers.follow_graph: (must be a file in|no such file in) the scenario's"
    ):
        load(path)
    assert load(path, graph=tmp_path / "edges.csv").scenario.influencers.follow_graph == "edges.csv"


def test_a_graph_that_is_read_as_mutual_says_so(tmp_path: Path) -> None:
    directed = load(scenario_file(tmp_path))
    mutual = load(scenario_file(tmp_path, more="influencers.follow_graph_directed = false\n"))
    assert directed.graph is not None
    assert directed.graph.columns == ("fan", "influencer")
    assert input_notes(directed) == []
    assert input_notes(mutual) == ["follow graph: of the columns, fan and influencer follow each other"]


def test_without_a_graph_the_counts_are_required(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        load(scenario_file(tmp_path, None))
    assert [fault.path for fault in caught.value.faults] == ["fans.count", "influencers.count"]


def test_a_roster_beside_a_graph_needs_no_followers_column(tmp_path: Path) -> None:
    path = scenario_file(tmp_path)
    loaded = load(path, roster=write(tmp_path / "r.csv", "influencer,quality\nc,.1\na,.2\nb,.3\nd,.4\n"))
    population = draw_population(loaded.scenario, loaded.roster, (5, 0), loaded.graph)
    assert population.influencers == ("a", "b", "c", "d")
    assert population.followers.tolist() == [2, 2, 1, 0]
    assert population.people_per_fan == 1.0
    with pytest.raises(InputError, match='influencer: must be in the roster, got "c"'):
        load(path, roster=write(tmp_path / "r.csv", "influencer\na\nb\n"))


def test_a_followers_column_beside_a_graph_sets_only_how_many_people_a_fan_stands_for(tmp_path: Path) -> None:
    roster = write(tmp_path / "r.csv", "influencer,followers\nc,300\na,0\nb,200\n")
    loaded = load(scenario_file(tmp_path), roster=roster)
    population = draw_population(loaded.scenario, loaded.roster, (5, 0), loaded.graph)
    assert population.followers.tolist() == [2, 2, 1]
    assert population.people_per_fan == 100.0


def test_a_scenario_with_a_graph_can_t_be_drawn_without_it(tmp_path: Path) -> None:
    loaded = load(scenario_file(tmp_path))
    with pytest.raises(ValueError, match="needs that graph"):
        draw_population(loaded.scenario, None, (5, 0))


def test_a_graph_from_memory_gives_the_population_of_its_edge_list(tmp_path: Path) -> None:
    path = scenario_file(tmp_path)
    graph = read_edges(tmp_path / "edges.csv")
    for given_graph in (graph, graph.to_networkx()):
        loaded = sim.load(path, graph=given_graph)
        assert loaded.graph == graph.by_name()
    roster = write(tmp_path / "r.csv", "influencer\nb\na\nc\n")
    aligned = sim.load(path, graph=graph.to_networkx(), roster=roster).graph
    assert aligned == read_edges(tmp_path / "edges.csv", influencers=("b", "a", "c")).by_name()
    with pytest.raises(InputError, match=r'an influencer must be in the roster; did you mean `cc`\?, got "c"'):
        sim.load(path, graph=graph, roster=write(tmp_path / "r.csv", "influencer\nb\na\ncc\n"))


@pytest.mark.parametrize("mutual", [False, True])
def test_a_resolved_scenario_with_its_graph_gives_the_same_loaded_one_again(tmp_path: Path, mutual: bool) -> None:
    edges, more = EDGES, ""
    if mutual:
        edges, more = "u,v\na,b\nb,c\n", "influencers.follow_graph_directed = false\n"
    loaded = load(scenario_file(tmp_path, edges, more))
    data = json.loads(json.dumps(resolved(loaded)))
    again = from_resolved(data, None, tmp_path / "edges.csv")
    assert again == loaded
    assert identity(again, "compiled") == identity(loaded, "compiled")
    with pytest.raises(InputError, match="the follow graph must be given beside a resolved scenario"):
        from_resolved(data, None)


def test_another_graph_of_the_same_size_is_another_identity(tmp_path: Path) -> None:
    loaded = load(scenario_file(tmp_path))
    other = load(scenario_file(tmp_path, EDGES.replace("z,a", "z,b")))
    assert resolved(other) == resolved(loaded)
    assert other != loaded
    assert identity(other, "compiled") != identity(loaded, "compiled")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    return load(scenario_file(tmp_path_factory.mktemp("small"), random_edges()))


@pytest.mark.parametrize("engine", ["compiled", "reference"])
@pytest.mark.parametrize("day", [0, 1, 30, 60, 70])
def test_the_in_degrees_of_a_day_are_the_followers_of_the_whole_run_then(small: Loaded, day: int, engine: Any) -> None:
    scenario = small.arms["tiered"]
    population = draw_population(scenario, None, (scenario.seed, 1), small.graph)
    whole = simulate(scenario, population, (scenario.seed, 1))
    graph = follow_graph(small, "tiered", 1, day, engine=engine)
    if day in (0, 30, 60, 70):
        assert graph.by_name().in_degrees().tolist() == whole.followers(day * DAY).tolist()
    given = read_edges(Path(small.file).parent / "edges.csv")
    assert graph.fans[:60] == given.fans
    assert len(graph.fans) == 60 + int((population.joined < day * DAY).sum())
    if day == 0:
        assert graph == given
    else:
        assert graph != given


def test_the_graph_of_the_last_day_is_the_follow_lists_of_the_run(small: Loaded) -> None:
    scenario = small.arms["tiered"]
    population = draw_population(scenario, None, (scenario.seed, 0), small.graph)
    whole = simulate(scenario, population, (scenario.seed, 0))
    graph = follow_graph(small, "tiered").by_name()
    assert set(zip(graph.fan.tolist(), graph.influencer.tolist(), strict=True)) == graph_of(whole)
    assert population.segment.size > 60, "fans join during the run"
    assert graph.fan_columns["segment"] == [population.segments[g] for g in population.segment]


def test_the_graph_of_a_scenario_without_one_has_generated_names_in_order_of_the_ids(tmp_path: Path) -> None:
    more = "fans.count = 12\nfans.follows_per_fan = 2.0\n"
    roster = write(tmp_path / "r.csv", "influencer,followers\nfan-1,5\nb,4\nc,3\n")
    graph = follow_graph(load(scenario_file(tmp_path, None, more), roster=roster), day=0)
    assert graph.fans[0] == "a-fan-01"
    assert graph.is_bipartite()
    assert (len(graph.fans), graph.in_degrees().sum()) == (12, 24)


def test_what_isn_t_in_the_run_is_refused_all_at_once(small: Loaded) -> None:
    with pytest.raises(InputError) as caught:
        follow_graph(small, "tierd", 2, 71)
    assert [fault.argument for fault in caught.value.faults] == ["arm", "replication", "day"]
    assert [fault.value for fault in caught.value.faults] == ["'tierd'", "2", "71"]


def test_one_idle_fan_at_the_end_of_the_graph_changes_nobody_else(tmp_path: Path) -> None:
    graph = read_edges(write(tmp_path / "e.csv", random_edges()))
    larger = FollowGraph((*graph.fans, "idle"), graph.influencers, graph.fan, graph.influencer)
    segments = {"one": {"share": 0.4}, "two": {"share": 0.4, "activity": 2.0}, "idle": {"share": 0.2, "activity": 0.0}}
    # A seed with which the new fan's segment is the one without sessions.
    for seed in range(100):
        scenario, population = drawn(larger, seed=seed, segments=segments)
        if population.segment[-1] == 2:
            break
    assert population.segment[-1] == 2
    _, before = drawn(graph, seed=seed, segments=segments)
    assert np.array_equal(before.segment, population.segment[:-1])
    assert np.array_equal(before.mean_gap, population.mean_gap[:-1])
    assert np.array_equal(before.follow_lists[0], population.follow_lists[0][:-1])
    one, other = (simulate(scenario, people, (seed, 0)) for people in (before, population))
    assert np.array_equal(one.counts, other.counts)
    assert np.array_equal(one.totals, other.totals)
    assert graph_of(one) == graph_of(other)


def test_segments_are_drawn_for_each_fan_by_their_shares() -> None:
    graph = FollowGraph(tuple(f"f{i}" for i in range(4000)), ("a",), [0], [0])  # type: ignore[arg-type]
    _, population = drawn(graph, segments={"one": {"share": 0.25}, "two": {"share": 0.75}})
    # Binomial: six standard deviations are 164.
    assert abs(int((population.segment == 0).sum()) - 1000) < 164


def test_both_engines_agree_on_a_graph_whose_segments_are_mixed(tmp_path: Path) -> None:
    graph = read_edges(write(tmp_path / "e.csv", random_edges()))
    segments = {"one": {"share": 0.5}, "two": {"share": 0.5, "activity": 3.0, "other_interest": 0.5}}
    scenario, population = drawn(graph, segments=segments)
    digests = {
        simulate(scenario, population, (1, 0), engine="reference").digest(),
        *(simulate(scenario, population, (1, 0), threads=threads).digest() for threads in (1, 3)),
    }
    assert len(digests) == 1


def test_a_run_with_a_graph_is_recreated_from_its_manifest(tmp_path: Path) -> None:
    path = scenario_file(tmp_path, random_edges())
    write(path, path.read_text().replace("unfollow_prob = 0.05, ", ""))
    loaded = load(path)
    run = experiment(loaded, out=tmp_path / "run")
    assert run.manifest["inputs"]["follow_graph"] == loaded.inputs["follow_graph"]
    again = sim.recreate(run, tmp_path / "again", graph=tmp_path / "edges.csv")
    assert again.digest == run.digest
    table = run.table("influencers")
    for arm, replication in (("none", 0), ("tiered", 1)):
        rows = [
            row["followers_end"] for row in table.to_pylist() if (row["arm"], row["replication"]) == (arm, replication)
        ]
        people = draw_population(loaded.scenario, None, (5, replication), loaded.graph).people_per_fan
        graph = follow_graph(loaded, arm, replication)
        assert np.allclose(rows, graph.in_degrees() * people)


def test_the_roster_in_memory_may_lack_followers_too() -> None:
    graph = FollowGraph(("f", "g"), ("account 0", "account 1"), [0, 1], [1, 1])  # type: ignore[arg-type]
    _, population = drawn(graph, roster=roster_of([30, 10]))
    assert (population.followers.tolist(), population.people_per_fan) == ([0, 2], 20.0)


# Command line


def test_sim_graph_writes_an_edge_list_that_can_be_run_again(tmp_path: Path, small: Loaded) -> None:
    from typer.testing import CliRunner

    from sim.cli.app import app

    path = scenario_file(tmp_path, random_edges())
    out = tmp_path / "day30.csv"
    called = CliRunner().invoke(
        app, ["graph", str(path), "--arm", "tiered", "--day", "30", "--out", str(out), "--json"]
    )
    assert called.exit_code == 0, called.output
    found = json.loads(called.stdout)
    expected = follow_graph(small, "tiered", 0, 30)
    assert (found["n_follows"], found["day"]) == (len(expected.fan), 30)
    assert set(read_edges(out).follows()) == set(expected.follows())
    assert load(path, graph=out).graph is not None
    assert [file.name for file in tmp_path.iterdir() if file.name.startswith(".")] == []


# Shipped and real graphs


def test_the_shipped_scenario_is_a_network_of_mutual_follows() -> None:
    loaded = load(SHIPPED)
    assert loaded.graph is not None
    assert reciprocity(loaded.graph.to_networkx()) == 1.0
    assert len(loaded.graph.fans) == 300


@pytest.mark.skipif(not SHARED.is_dir(), reason="the real follow graph is not part of the project")
def test_the_twitch_graph_runs_with_its_roster_and_comes_back_edge_for_edge(tmp_path: Path) -> None:
    loaded = load(SHIPPED, replications=1, **TWITCH)  # type: ignore[arg-type]
    assert loaded.graph is not None
    assert (len(loaded.graph.fans), len(loaded.graph.fan)) == (7126, 2 * 35_324)
    with TWITCH["graph"].open(newline="") as stream:
        edges = [tuple(row) for row in csv.reader(stream)][1:]
    start = follow_graph(loaded, day=0)
    assert set(start.follows()) == {*edges, *((v, u) for u, v in edges)}
    assert start.by_name().in_degrees().tolist() == loaded.graph.in_degrees().tolist()
    run = experiment(loaded, out=tmp_path / "run")
    end = follow_graph(loaded, "tiered")
    rows = [row["followers_end"] for row in run.table("influencers").to_pylist() if row["arm"] == "tiered"]
    assert end.in_degrees().tolist() == rows
