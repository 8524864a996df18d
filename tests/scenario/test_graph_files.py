"""Graph files: GML, GraphML and GEXF in, and refused where they aren't the follow graph of the scenario."""

import random
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import networkx as nx
import pytest
from support.graphs import scenario_file, write
from typer.testing import CliRunner

import sim
from sim.cli.app import app
from sim.errors import InputError
from sim.experiment.execution import experiment
from sim.results.answer import Answer
from sim.scenario import FollowGraph, from_networkx, load
from sim.scenario.read import graph_files
from sim.scenario.resolve.graph_notes import graph_notes

FORMATS = {"gml": nx.write_gml, "graphml": nx.write_graphml, "gexf": nx.write_gexf}
FOLLOWS = [("ann", "amy"), ("ann", "程"), ("cat", "amy"), ("dan", "dan")]

each_format = pytest.mark.parametrize("suffix", FORMATS)


def written(folder: Path, suffix: str, graph: nx.Graph) -> Path:
    path = folder / f"g.{suffix}"
    FORMATS[suffix](graph, path)
    return path


@each_format
def test_a_graph_file_is_the_graph_that_networkx_reads(tmp_path: Path, suffix: str) -> None:
    graph = nx.DiGraph(FOLLOWS)
    graph.add_node("alone")
    read = graph_files.read_graph_file(written(tmp_path, suffix, graph))
    assert read == from_networkx(graph)
    assert read.fans == ("ann", "cat", "dan", "alone")
    mutual = nx.Graph(FOLLOWS[:3])
    assert graph_files.read_graph_file(written(tmp_path, suffix, mutual), directed=False) == from_networkx(mutual)


@each_format
def test_what_the_product_gives_to_networkx_comes_back_from_a_file(tmp_path: Path, suffix: str) -> None:
    graph = FollowGraph(("ann", "bo", "idle"), ("cy", "di", "none", "ann"), [1, 0, 1], [1, 1, 0])  # type: ignore[arg-type]
    assert graph_files.read_graph_file(written(tmp_path, suffix, graph.to_networkx())) == graph
    split = FollowGraph(("f", "g"), ("b", "a"), [0, 1], [1, 0])  # type: ignore[arg-type]
    sides = split.to_networkx().to_undirected()
    assert graph_files.read_graph_file(written(tmp_path, suffix, sides)) == split


@each_format
def test_a_direction_that_isn_t_the_scenario_s_is_refused(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(InputError, match=r"its edges are directed, but influencers.follow_graph_directed is false"):
        graph_files.read_graph_file(written(tmp_path, suffix, nx.DiGraph(FOLLOWS)), directed=False)
    with pytest.raises(InputError, match=r"its edges are undirected, .* influencers.follow_graph_directed is true"):
        graph_files.read_graph_file(written(tmp_path, suffix, nx.Graph(FOLLOWS)))


@each_format
@pytest.mark.parametrize("directed", [True, False])
def test_repeats_and_loops_are_bad_rows_as_in_an_edge_list(tmp_path: Path, suffix: str, directed: bool) -> None:
    kind: Callable[..., Any] = nx.MultiDiGraph if directed else nx.MultiGraph
    path = written(tmp_path, suffix, kind([("a", "b"), ("a", "b"), ("c", "c"), ("c", "b")]))
    with pytest.raises(InputError) as caught:
        graph_files.read_graph_file(path, directed=directed)
    rules = [(fault.rule, fault.value) for fault in caught.value.faults]
    repeat = ("a follow must appear once" + ("" if directed else ", in either order"), '"a", "b"')
    loop = ("an account must not be joined with itself", '"c", "c"')
    assert rules == [repeat] if directed else [repeat, loop]
    graph = graph_files.read_graph_file(path, directed=directed, dirty_rows="skip")
    pairs = [("a", "b"), ("c", "b"), ("c", "c")] if directed else [("a", "b"), ("b", "a"), ("b", "c"), ("c", "b")]
    assert (sorted(graph.follows()), graph.n_skipped) == (pairs, 1 if directed else 2)


@each_format
def test_with_a_roster_its_accounts_are_the_influencers_in_its_order(tmp_path: Path, suffix: str) -> None:
    graph = nx.DiGraph([("x", "a"), ("y", "b"), ("z", "nobody"), ("y", "a")])
    graph.add_nodes_from(["alone", "c"])
    path = written(tmp_path, suffix, graph)
    with pytest.raises(InputError, match=r'must be in the roster, got "z", "nobody"'):
        graph_files.read_graph_file(path, influencers=("c", "b", "a"))
    read = graph_files.read_graph_file(path, influencers=("c", "b", "a"), dirty_rows="skip")
    assert (read.influencers, read.n_skipped) == (("c", "b", "a"), 1)
    assert sorted(read.follows()) == [("x", "a"), ("y", "a"), ("y", "b")]
    assert set(read.fans) == {"x", "y", "alone", "c"}
    assert [tuple(reason) for reason in read.skipped] == [(None, "must be in the roster", 1, ('"z", "nobody"',))]


@each_format
def test_edges_of_the_head_can_t_be_skipped(tmp_path: Path, suffix: str) -> None:
    path = written(tmp_path, suffix, nx.DiGraph([("x", "a"), ("y", "a"), ("z", "b"), ("x", "big"), ("y", "big")]))
    told = (
        r'contain 2 of the 2 follows of "big", .*add these accounts to the roster, or delete the rows; the first, got "'
    )
    with pytest.raises(InputError, match=told):
        graph_files.read_graph_file(path, influencers=("a", "b"), dirty_rows="skip")
    path = written(tmp_path, suffix, nx.DiGraph([("x", "a"), ("y", "b"), ("z", "c"), ("v", "d"), ("w", "a")]))
    with pytest.raises(InputError, match=r"3 of 5 edges fail by the same rule \(must be in the roster\); add .* got"):
        graph_files.read_graph_file(path, influencers=("a",), dirty_rows="skip")


def test_accounts_have_the_labels_of_their_nodes_where_these_differ_else_the_ids(tmp_path: Path) -> None:
    graph = nx.DiGraph([("n0", "n1"), ("n2", "n1")])
    for labels, names, said in (
        (["ann", "amy", "bo"], ("ann", "bo"), "labels"),
        (["ann", "amy", "ann"], ("n0", "n2"), "ids"),
        (["ann", "amy", ""], ("n0", "n2"), "ids"),
    ):
        nx.set_node_attributes(graph, dict(zip(graph, labels, strict=True)), "label")
        read = graph_files.read_graph_file(written(tmp_path, "graphml", graph))
        assert read.fans == names
        assert read.notes[0] == f"GraphML, accounts are named by the {said} of the nodes"


def test_weights_and_attributes_are_named_as_unused(tmp_path: Path) -> None:
    graph = nx.DiGraph()
    graph.add_edge("x", "a", weight=2.5)
    graph.nodes["a"]["city"] = "Hangzhou"
    path = scenario_file(tmp_path, None, 'influencers.follow_graph = "g.gexf"\n')
    written(tmp_path, "gexf", graph)
    assert graph_notes(load(path)) == [
        "follow graph: GEXF, accounts are named by the ids of the nodes",
        "follow graph: attributes of nodes that the model doesn't use: city",
        "follow graph: attributes of edges that the model doesn't use: weight (a follow has no weight)",
    ]


@each_format
@pytest.mark.parametrize("weight", [0.0, -1.0, float("nan")])
def test_an_edge_whose_weight_is_not_above_0_is_bad(tmp_path: Path, suffix: str, weight: float) -> None:
    graph = nx.DiGraph()
    graph.add_weighted_edges_from([*((f"f{i}", "a", 1.0) for i in range(10)), ("x", "a", weight)])
    path = written(tmp_path, suffix, graph)
    with pytest.raises(InputError, match=r'weight must be a number > 0: .*, got "x", "a"'):
        graph_files.read_graph_file(path)
    assert graph_files.read_graph_file(path, dirty_rows="skip").n_skipped == 1


def test_gml_as_gephi_writes_it_is_read_with_its_repeats(tmp_path: Path) -> None:
    node = 'node\n[\nid {}\nlabel "{}"\n]\n'
    edge = "edge\n[\nid {}\nsource {}\ntarget {}\nvalue 1.0\n]\n"
    edges = edge.format(0, 0, 1) + edge.format(1, 0, 1) + edge.format(2, 2, 1)
    nodes = "".join(node.format(i, name) for i, name in enumerate(["ann", "é程", "bo"]))
    path = write(tmp_path / "g.gml", f'Creator "Gephi"\ngraph\n[\nCreator "Gephi"\ndirected 1\n{nodes}{edges}]\n')
    graph = graph_files.read_graph_file(path, dirty_rows="skip")
    assert (graph.follows(), graph.n_skipped) == ([("ann", "é程"), ("bo", "é程")], 1)
    path.write_bytes(path.read_bytes().replace("é程".encode(), "程".encode("gb18030")))
    assert graph_files.read_graph_file(path, dirty_rows="skip", encoding="gb18030").influencers == ("程",)
    with pytest.raises(InputError, match="must be UTF-8, but contains the byte"):
        graph_files.read_graph_file(path)


GRAPHML = '<graphml xmlns="http://graphml.graphdrawing.org/xmlns"><graph edgedefault="directed">{}</graph></graphml>'
BOMB = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>' + GRAPHML.format('<node id="&b;"/>')


@pytest.mark.parametrize(
    ("name", "raw", "rule"),
    [
        ("x.graphml", BOMB.encode(), "must have no document type: entities are not read"),
        (
            "x.graphml",
            ('<?xml version="1.0" encoding="UTF-16"?>' + BOMB).encode("utf-16"),
            "must have no document type",
        ),
        ("x.gexf", b"<a>" * 40, "elements must nest at most 32 deep"),
        ("x.gml", b"graph [ a [ " * 9000, "not a readable GML file: nests too deep"),
        ("x.GEXF", b"", "not valid XML: no element found in line 1"),
        ("x.gexf", b"PAR1\x00\xff", "not valid XML"),
        ("x.gexf", b"<gexf></gexf>", "not a readable GEXF file: No <graph> element"),
        ("x.gml", b"", "not a readable GML file: input contains no graph"),
        ("x.graphml", GRAPHML.format('<node id="a"/>').encode(), "has no edges"),
        ("x.graphml", GRAPHML.format('<edge source="a"/>').encode(), "the edge in line 1 has no target"),
        ("x.gexf", b'<gexf><graph>\n<node label="a"/></graph></gexf>', "the node in line 2 has no id"),
        (
            "x.graphml",
            GRAPHML.format('<edge id="0" source="a" target="b"/><edge id="0" source="a" target="b"/>').encode(),
            "must contain one graph, whose edges differ in their ids",
        ),
        (
            "x.graphml",
            GRAPHML.format('<edge source="a" target="b"/><edge source="a" target="c" directed="false"/>').encode(),
            "not a readable GraphML file: directed=false edge found in directed graph",
        ),
        ("x.graphml", GRAPHML.format('<edge source=" " target="b"/>').encode(), "a name is required"),
        (
            "x.graphml",
            GRAPHML.format('<edge source="a " target="a"/>').encode(),
            'ids of the nodes must differ, got "a"',
        ),
    ],
)
def test_a_file_that_is_no_graph_or_a_hostile_one_is_refused(tmp_path: Path, name: str, raw: bytes, rule: str) -> None:
    (tmp_path / name).write_bytes(raw)
    with pytest.raises(InputError, match=re.escape(rule)) as caught:
        graph_files.read_graph_file(tmp_path / name)
    assert str(caught.value).startswith(str(tmp_path / name))
    assert str(caught.value).isprintable()


def test_a_file_over_the_stated_size_is_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "x.gexf").open("wb") as stream:
        stream.truncate(graph_files.MAX_GRAPH_BYTES + 1)
    with pytest.raises(InputError, match=r"a GEXF file must be at most 32 MiB; give a larger graph as an edge list"):
        graph_files.read_graph_file(tmp_path / "x.gexf")


@each_format
def test_a_damaged_graph_file_is_refused_or_read_never_anything_else(tmp_path: Path, suffix: str) -> None:
    path = written(tmp_path, suffix, FollowGraph(("x", "y"), ("a", "b"), [0, 1], [1, 0]).to_networkx())  # type: ignore[arg-type]
    good = path.read_bytes()
    for seed in range(200):
        rng, raw = random.Random(seed), bytearray(good)
        for _ in range(rng.randint(1, 4)):
            at = rng.randrange(len(raw))
            raw[at : at + rng.randrange(2)] = bytes([rng.choice(b'<>"&/[] \n09az') if rng.random() < 0.8 else at % 256])
        path.write_bytes(raw)
        with suppress(InputError):
            assert graph_files.read_graph_file(path, dirty_rows="skip").fans


def test_xml_of_another_name_is_refused_with_the_names_that_are_read(tmp_path: Path) -> None:
    path = scenario_file(tmp_path, GRAPHML.format('<edge source="a" target="b"/>'))
    with pytest.raises(InputError, match=r"edges.csv:1: must be an edge list; .* ends in .graphml or .gexf"):
        load(path)


def test_a_run_on_a_graph_file_is_recreated_and_looked_into(tmp_path: Path) -> None:
    path = scenario_file(tmp_path, None, 'influencers.follow_graph = "g.gexf"\n')
    fans = [(f"f{i}", f"i{i % 4}") for i in range(20)]
    graph = written(tmp_path, "gexf", nx.DiGraph(fans))
    loaded = load(path)
    assert loaded.graph is not None
    assert loaded.inputs["follow_graph"] == loaded.graph.sha256
    run = experiment(loaded, out=tmp_path / "run")
    assert run.manifest["inputs"]["follow_graph"] == loaded.graph.sha256
    said = ["follow graph: GEXF, accounts are named by the ids of the nodes"]
    assert Answer(run).reading() == run.manifest["reading"]["follow_graph"]["notes"] == said
    assert sim.recreate(run, tmp_path / "again", graph=graph).digest == run.digest
    with pytest.raises(InputError, match="must be the follow_graph of"):
        sim.recreate(
            run, tmp_path / "x", graph=written(tmp_path / "run", "gexf", nx.DiGraph([*fans[:-1], ("f19", "i0")]))
        )
    edges = write(tmp_path / "e.csv", "fan,influencer\n" + "".join(f"{u},{v}\n" for u, v in fans))
    assert load(path, graph=edges).graph == loaded.graph
    for verb in (["graph", "--day", "0"], ["trace", "--influencer", "i3"]):
        called = CliRunner().invoke(app, [verb[0], str(path), *verb[1:], "--arm", "none", "--graph", str(graph)])
        assert called.exit_code == 0, called.output
