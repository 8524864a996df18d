"""Measures of a follow graph, through NetworkX: assortativity, reciprocity, influencers joined by shared fans.

Each is a pure function of a graph; none knows runs or arms. Undefined is None.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.scenario.read.follow_graph import FollowGraph

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["TOP", "degree_assortativity", "graph_measures", "reciprocity", "shared_fans"]

TOP = 20
"""Influencers whose shared fans are counted, those with most followers, by default."""
LISTED_PAIRS = 5
"""Pairs of influencers that ``graph_measures`` lists."""


def degree_assortativity(graph: nx.DiGraph[Any]) -> float | None:
    """Degree assortativity: whether those who follow many follow the famous.

    Pearson correlation, over all follows, of the number of accounts that the fan follows with the number of followers
    of the influencer.

    Parameters
    ----------
    graph
        Edges run from who follows to who is followed. Not changed.

    Returns
    -------
    float or None
        In [-1, 1]; None where either number is the same in all follows, or there are fewer than two.

    Notes
    -----
    O(E). No random numbers. Newman: Mixing patterns in networks (Physical Review E 67, 2003), eq. 26.

    >>> import networkx as nx
    >>> degree_assortativity(nx.DiGraph([("a", "x"), ("b", "x"), ("b", "y")]))
    -0.5
    """
    import networkx as nx

    ends = ({graph.out_degree(u) for u, _ in graph.edges}, {graph.in_degree(v) for _, v in graph.edges})
    if min(len(end) for end in ends) < 2:
        return None
    value = nx.degree_pearson_correlation_coefficient(graph, x="out", y="in")
    return round(float(value), 12) if math.isfinite(value) else None


def reciprocity(graph: nx.DiGraph[Any]) -> float | None:
    """Reciprocity: share of the follows that are returned, among accounts that follow and are followed.

    It has a meaning only where fans are influencers too: a follow by an account that can't be followed, or of one that
    follows no account, can't be returned. Accounts that follow themselves are left out.

    Parameters
    ----------
    graph
        Edges run from who follows to who is followed; ``fan_id`` and ``influencer_id`` mark the roles, as
        ``FollowGraph.to_networkx`` sets them. Not changed.

    Returns
    -------
    float or None
        In [0, 1]; None where no follow joins two accounts of both roles.

    Notes
    -----
    O(E). No random numbers. Newman, Forrest, Balthrop (Physical Review E 66, 2002).

    >>> import networkx as nx
    >>> graph = nx.DiGraph([("a", "b"), ("b", "a"), ("b", "c")])
    >>> nx.set_node_attributes(graph, 0, "fan_id")
    >>> nx.set_node_attributes(graph, 0, "influencer_id")
    >>> round(reciprocity(graph), 3)
    0.667
    """
    import networkx as nx

    both = [node for node, data in graph.nodes(data=True) if "fan_id" in data and "influencer_id" in data]
    among = nx.DiGraph((u, v) for u, v in graph.subgraph(both).edges if u != v)
    return float(nx.overall_reciprocity(among)) if among.number_of_edges() else None


def shared_fans(graph: FollowGraph, top: int = TOP) -> nx.Graph[str]:
    """Projection onto the influencers with most followers, joined where they share fans.

    Parameters
    ----------
    graph
        Not changed.
    top
        Number of influencers, >= 1; of equal followers the lower id comes first.

    Returns
    -------
    networkx.Graph
        Nodes by name with ``influencer_id`` and ``followers``, the largest first; edges with ``shared``, the number of
        fans in common, >= 1, and ``jaccard``, that over the number of fans of either.

    Notes
    -----
    The edges are those of ``networkx.bipartite.overlap_weighted_projected_graph``, from one sparse product, since the
    pairwise one takes minutes at thousands of influencers. No random numbers.

    >>> graph = FollowGraph(("a", "b", "c"), ("x", "y", "z"), [0, 0, 1, 1, 2], [0, 1, 0, 1, 0])
    >>> list(shared_fans(graph, 2).edges(data=True))
    [('x', 'y', {'shared': 2, 'jaccard': 0.6666666666666666})]
    """
    import networkx as nx
    from scipy.sparse import coo_array, csr_array

    followers = graph.in_degrees()
    kept = np.lexsort((np.arange(followers.size), -followers))[:top]
    rank = np.full(followers.size, -1, np.int64)
    rank[kept] = np.arange(kept.size)
    inside = rank[graph.influencer] >= 0
    index = (rank[graph.influencer[inside]], graph.fan[inside])
    ones = np.ones(index[0].size, np.int64)
    follows = csr_array((ones, index), shape=(kept.size, len(graph.fans)))
    product = coo_array(follows @ follows.T)
    made: nx.Graph[str] = nx.Graph()
    for i in kept.tolist():
        made.add_node(graph.influencers[i], influencer_id=i, followers=int(followers[i]))
    triples = zip(product.row.tolist(), product.col.tolist(), product.data.tolist(), strict=True)
    for a, b, shared in sorted(triples):
        if a < b and shared:
            i, j = int(kept[a]), int(kept[b])
            either = int(followers[i] + followers[j]) - shared
            made.add_edge(graph.influencers[i], graph.influencers[j], shared=shared, jaccard=shared / either)
    return made


def graph_measures(graph: FollowGraph, top: int = TOP) -> dict[str, Any]:
    """The measures of a follow graph, ready for JSON.

    Returns
    -------
    dict
        ``n_fans``, ``n_influencers``, ``n_follows``; ``degree_assortativity`` and ``reciprocity``, or None;
        ``shared_fans``: the number ``top`` of influencers that were compared, and the ``pairs`` of them with the
        largest Jaccard index of their fans, each with ``influencers``, ``shared`` and ``jaccard``.
    """
    whole = graph.to_networkx()
    projection = shared_fans(graph, top)
    pairs = sorted(projection.edges(data=True), key=lambda edge: -edge[2]["jaccard"])[:LISTED_PAIRS]
    return {
        "n_fans": len(graph.fans),
        "n_influencers": len(graph.influencers),
        "n_follows": len(graph.fan),
        "degree_assortativity": degree_assortativity(whole),
        "reciprocity": reciprocity(whole),
        "shared_fans": {
            "top": projection.number_of_nodes(),
            "pairs": [
                {"influencers": [u, v], "shared": data["shared"], "jaccard": data["jaccard"]} for u, v, data in pairs
            ],
        },
    }
