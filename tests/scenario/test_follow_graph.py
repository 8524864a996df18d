"""Follow graphs: edge lists and NetworkX graphs in and out, refused where they are none."""

import csv
from pathlib import Path

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networkx.algorithms import bipartite
from support.graphs import EDGES, drawn, write
from support.places import CORPUS
from support.scenarios import DRAWN

from sim.cli.failures import flag
from sim.errors import InputError, MachineError, naming
from sim.model.world.follow_blocks import follows_of
from sim.scenario import FollowGraph, from_networkx, read_edges

BAD = sorted((CORPUS / "edges").glob("*.csv"))

names = st.text(st.sampled_from("abcdefgh,\"' é"), min_size=1, max_size=4).filter(lambda name: name == name.strip())
edge_lists = st.lists(st.tuples(names, names), min_size=1, max_size=30, unique=True)


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_each_bad_edge_list_gives_exactly_its_message(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(CORPUS)
    directed = not path.stem.startswith("mutual")
    with pytest.raises(InputError) as caught, naming(flag):
        read_edges(path.relative_to(CORPUS), influencers=("a", "b", "c"), directed=directed)
    assert str(caught.value) + "\n" == path.with_suffix(".txt").read_text()
    assert all(str(fault).isprintable() for fault in caught.value.faults)


def test_fans_and_influencers_are_in_order_of_first_appearance(tmp_path: Path) -> None:
    graph = read_edges(write(tmp_path / "e.csv", EDGES))
    assert graph.fans == ("x", "y", "z", "a")
    assert graph.influencers == ("a", "c", "b")
    assert graph.follows() == [("x", "a"), ("x", "b"), ("y", "c"), ("z", "a"), ("a", "b")]
    assert (graph.in_degrees().tolist(), graph.out_degrees().tolist()) == ([2, 1, 2], [2, 1, 1, 1])


def test_with_a_roster_the_influencers_are_the_roster_s_in_its_order(tmp_path: Path) -> None:
    graph = read_edges(write(tmp_path / "e.csv", EDGES), influencers=("d", "c", "b", "a"))
    assert graph.influencers == ("d", "c", "b", "a")
    assert graph.in_degrees().tolist() == [0, 1, 2, 2]


def test_a_mutual_list_makes_every_account_both_and_each_edge_two_follows(tmp_path: Path) -> None:
    graph = read_edges(write(tmp_path / "e.csv", "Source,Target\np,q\nq,r\n"), directed=False)
    assert graph.fans == graph.influencers == ("p", "q", "r")
    assert graph.follows() == [("p", "q"), ("q", "p"), ("q", "r"), ("r", "q")]
    assert graph.columns == ("Source", "Target")


@pytest.mark.parametrize("text", ["influencer,since,fan\na,1,x\n", "who,whom\nx,a\n", "﻿fan,influencer\r\n x , a \r\n"])
def test_named_columns_may_be_anywhere_and_two_others_are_read_in_their_order(tmp_path: Path, text: str) -> None:
    path = tmp_path / "e.csv"
    path.write_bytes(text.encode())
    assert read_edges(path).follows() == [("x", "a")]


def test_a_parquet_edge_list_reads_as_the_same_csv(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({"Source": [6, 7, 6], "Target": [1, 1, 2]})
    pq.write_table(table, tmp_path / "e.parquet")
    same = read_edges(write(tmp_path / "e.csv", "Source,Target\n6,1\n7,1\n6,2\n"))
    assert read_edges(tmp_path / "e.parquet") == same
    pq.write_table(pa.concat_tables([table, table]), tmp_path / "twice.parquet")
    with pytest.raises(InputError, match="row 4: a follow must appear once, is in row 1 already"):
        read_edges(tmp_path / "twice.parquet")


def test_bad_rows_are_skipped_and_counted_when_asked(tmp_path: Path) -> None:
    text = "fan,influencer\nx,a\nx\n,b\ny,nobody\nx,a\ny,b\nz,a\nv,a\n"
    graph = read_edges(write(tmp_path / "e.csv", text), influencers=("a", "b"), dirty_rows="skip")
    assert (graph.follows(), graph.n_skipped) == ([("x", "a"), ("y", "b"), ("z", "a"), ("v", "a")], 4)
    assert sorted(tuple(reason) for reason in graph.skipped if reason.column) == [
        ("fan", "is required", 1, (4,)),
        ("influencer", "must be in the roster", 1, (5,)),
    ]
    of_rows = {reason.first: reason.rule for reason in graph.skipped if reason.column is None}
    assert of_rows[6,] == "a follow must appear once"
    assert set(of_rows) == {(3,), (6,)}
    with pytest.raises(InputError, match="has no good row, 1 bad ones"):
        read_edges(write(tmp_path / "e.csv", "fan,influencer\n,a\n"), dirty_rows="skip")


def test_a_repeated_mutual_row_is_one_bad_row(tmp_path: Path) -> None:
    path = write(tmp_path / "e.csv", "u,v\na,b\nb,a\nc,c\nb,c\n")
    graph = read_edges(path, directed=False, dirty_rows="skip")
    assert (graph.n_skipped, len(graph.fan)) == (2, 4)


def test_what_is_no_graph_of_its_names_is_refused() -> None:
    for fans, fan, influencer, rule in (
        (("a", "a"), [0], [0], "names must differ among the fans"),
        (("a",), [1], [0], "fan must be from 0 to 0"),
        (("a",), [0, 0], [0, 0], "a follow must appear once"),
        (("a",), [0], [0, 0], "must be of one length"),
    ):
        with pytest.raises(ValueError, match=rule):
            FollowGraph(fans, ("x",), fan, influencer)  # type: ignore[arg-type]


@settings(**DRAWN)
@given(edge_lists, st.integers(0, 3))
def test_an_edge_list_comes_back_from_the_follow_lists_of_the_population(
    tmp_path_factory: pytest.TempPathFactory, edges: list[tuple[str, str]], seed: int
) -> None:
    path = tmp_path_factory.mktemp("edges") / "e.csv"
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows([("fan", "influencer"), *edges])
    graph = read_edges(path)
    _, population = drawn(graph, seed=seed, segments={"one": {"share": 0.5}, "two": {"share": 0.5}})
    lists = {
        name: {population.influencers[i] for i in follows_of(fan, population.lists)}
        for fan, name in enumerate(graph.fans)
    }
    assert {(fan, influencer) for fan, followed in lists.items() for influencer in followed} == set(edges)
    assert population.fans == graph.fans
    assert population.followers.tolist() == [sum(i == name for _, i in edges) for name in graph.influencers]
    graph.write_edges(path)
    again = read_edges(path, influencers=graph.influencers)
    assert again == graph


@settings(**DRAWN)
@given(edge_lists)
def test_a_graph_comes_back_from_networkx_also_without_follows(edges: list[tuple[str, str]]) -> None:
    fans = tuple(dict.fromkeys([fan for fan, _ in edges] + ["idle"]))
    influencers = tuple(dict.fromkeys(["nobody's"] + [influencer for _, influencer in reversed(edges)]))
    graph = FollowGraph(
        fans,
        influencers,
        [fans.index(f) for f, _ in edges],
        [influencers.index(i) for _, i in edges],  # type: ignore[arg-type]
    )
    assert from_networkx(graph.to_networkx()) == graph


def test_a_bipartite_graph_says_so_to_networkx_with_its_attributes() -> None:
    columns = {"vertical": ["beauty", "sports"]}
    made = FollowGraph(("f", "g"), ("a", "b"), [0, 1, 1], [0, 0, 1], {}, columns).to_networkx()  # type: ignore[arg-type]
    assert made.is_directed()
    sides = bipartite.sets(made.subgraph(["f", "g", "a", "b"]).to_undirected())
    assert {frozenset(side) for side in sides} == {frozenset("fg"), frozenset("ab")}
    assert made.nodes["a"] == {"influencer_id": 0, "followers": 2, "bipartite": 1, "vertical": "beauty"}
    assert made.nodes["g"] == {"fan_id": 1, "follows": 2, "bipartite": 0}


def test_where_fans_are_influencers_a_node_has_both_roles() -> None:
    made = FollowGraph(("a", "f"), ("a",), [1], [0]).to_networkx()  # type: ignore[arg-type]
    assert made.nodes["a"] == {"fan_id": 0, "follows": 0, "influencer_id": 0, "followers": 1}
    assert set(made.edges) == {("f", "a")}


def test_an_undirected_networkx_graph_is_mutual_unless_it_is_marked_as_bipartite() -> None:
    graph = nx.Graph([("a", "f"), ("f", "b")])
    assert from_networkx(graph).follows() == [("a", "f"), ("f", "a"), ("f", "b"), ("b", "f")]
    nx.set_node_attributes(graph, {"f": 0, "a": 1, "b": 1}, "bipartite")
    assert from_networkx(graph).follows() == [("f", "a"), ("f", "b")]


@pytest.mark.parametrize(
    ("graph", "rule"),
    [
        (nx.MultiDiGraph([("a", "b")]), "must be a Graph or a DiGraph, not a multigraph"),
        (nx.Graph([("a", "a")]), 'must not be joined with itself in a mutual graph, got "a"'),
        (nx.DiGraph([(1, 2), ("1", 2)]), 'nodes must differ as texts, got "1"'),
        (nx.DiGraph([("a ", "b")]), 'must have no spaces around it, got "a "'),
        (nx.DiGraph([("", "b")]), "a node's name is required"),
        (nx.DiGraph(), "has no edges"),
    ],
)
def test_a_networkx_graph_that_is_no_follow_graph_is_refused(graph: nx.Graph, rule: str) -> None:
    with pytest.raises(InputError, match=rule):
        from_networkx(graph)


def test_an_edge_list_that_can_t_be_written_is_the_machine_s_fault(tmp_path: Path) -> None:
    graph = FollowGraph(("f",), ("a",), [0], [0])  # type: ignore[arg-type]
    with pytest.raises(MachineError, match="can't be written"):
        graph.write_edges(tmp_path / "no" / "e.csv")
    assert list(tmp_path.iterdir()) == []
