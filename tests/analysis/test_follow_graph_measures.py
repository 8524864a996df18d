"""Measures of a follow graph: limits, a second definition, and what NetworkX finds."""

import json
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from networkx.algorithms import bipartite
from support.graphs import random_edges, write

from sim.analysis.follow_graph import degree_assortativity, graph_measures, reciprocity, shared_fans
from sim.scenario import FollowGraph, read_edges

pytestmark = pytest.mark.quick


def test_the_assortativity_is_that_of_the_degrees_at_the_ends_of_each_follow(tmp_path: Path) -> None:
    graph = read_edges(write(tmp_path / "e.csv", random_edges()))
    ends = graph.out_degrees()[graph.fan], graph.in_degrees()[graph.influencer]
    found = degree_assortativity(graph.to_networkx())
    assert found == pytest.approx(np.corrcoef(*ends)[0, 1])


def test_the_assortativity_is_undefined_where_all_degrees_are_equal() -> None:
    assert degree_assortativity(nx.DiGraph([("a", "x"), ("b", "y")])) is None
    assert degree_assortativity(nx.DiGraph([("a", "x")])) is None


def test_reciprocity_is_one_in_a_mutual_list_and_undefined_where_no_fan_is_an_influencer(tmp_path: Path) -> None:
    mutual = read_edges(write(tmp_path / "e.csv", "u,v\na,b\nb,c\n"), directed=False)
    assert reciprocity(mutual.to_networkx()) == 1.0
    split = read_edges(write(tmp_path / "e.csv", "fan,influencer\nx,a\ny,b\n"))
    assert reciprocity(split.to_networkx()) is None


def test_reciprocity_leaves_out_pure_fans_and_those_who_follow_themselves() -> None:
    fans, influencers = ("a", "b", "pure"), ("a", "b")
    graph = FollowGraph(fans, influencers, [0, 1, 1, 2], [1, 0, 1, 0])  # type: ignore[arg-type]
    assert reciprocity(graph.to_networkx()) == 1.0


def test_shared_fans_are_those_that_networkx_counts_pair_by_pair(tmp_path: Path) -> None:
    graph = read_edges(write(tmp_path / "e.csv", random_edges()))
    for top in (3, 8):
        found = shared_fans(graph, top)
        largest = sorted(range(8), key=lambda i: (-graph.in_degrees()[i], i))[:top]
        chosen = [graph.influencers[i] for i in largest]
        assert list(found) == chosen
        among = graph.to_networkx().to_undirected().subgraph([*chosen, *graph.fans])
        counts = bipartite.weighted_projected_graph(among, chosen)
        jaccard = bipartite.overlap_weighted_projected_graph(among, chosen, jaccard=True)
        assert {frozenset(e) for e in found.edges} == {frozenset(e) for e in counts.edges}
        for u, v, data in found.edges(data=True):
            assert data["shared"] == counts[u][v]["weight"]
            assert data["jaccard"] == pytest.approx(jaccard[u][v]["weight"])


def test_the_measures_are_fit_for_json_also_where_they_are_undefined() -> None:
    graph = FollowGraph(("f",), ("a", "b"), [0], [1])  # type: ignore[arg-type]
    assert json.loads(json.dumps(graph_measures(graph))) == {
        "n_fans": 1,
        "n_influencers": 2,
        "n_follows": 1,
        "degree_assortativity": None,
        "reciprocity": None,
        "shared_fans": {"top": 2, "pairs": []},
    }
