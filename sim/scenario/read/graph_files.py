"""Graph files: GML, GraphML and GEXF as Gephi, yEd, igraph and NetworkX write them; knows nothing of scenarios.

NetworkX reads them. What a hostile file could exploit is refused before: size, depth, document types and entities.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple
from xml.parsers import expat

from sim.errors import Fault, InputError
from sim.formatting import escaped, shown
from sim.scenario.read.edge_columns import as_float, is_weight, unused_note, weight_rule
from sim.scenario.read.fault_list import FaultList
from sim.scenario.read.follow_graph import FollowGraph, from_networkx, name_rule, sides
from sim.scenario.read.lost_follows import IN_ROSTER, LostFollows, advice
from sim.scenario.read.names import normal_form
from sim.scenario.read.skipped_rows import Reason, SkippedRows
from sim.scenario.read.toml_file import file_text, open_regular, os_rule
from sim.scenario.schema.encodings import EncodingName

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["MAX_GRAPH_BYTES", "is_graph_file", "read_graph_file"]

MAX_GRAPH_BYTES = 32 * 1024 * 1024
"""A graph of that many bytes takes about 1 GB to read; larger ones are read as edge lists."""
MAX_XML_DEPTH = 32
OURS = frozenset({"bipartite", "fan_id", "influencer_id", "follows", "followers", "label", "id"})
"""Attributes of nodes that are used, or that ``FollowGraph.to_networkx`` writes although the follows contain them."""
REQUIRED_ATTRIBUTES = {"node": ("id",), "edge": ("source", "target")}
_GRAPH = re.compile(r"^(\s*graph\s*\[)", re.MULTILINE)
_MULTIGRAPH = re.compile(r"^\s*multigraph\s+[01]\s*$", re.MULTILINE)


class _UnreadableError(Exception):
    """What is wrong with a file as a whole."""


def _check_xml(raw: bytes) -> int:
    """Refuse a document that could harm its reader; the number of its edges."""
    parser, depth, edges = expat.ParserCreate(), 0, 0

    def begin(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth, edges
        depth += 1
        kind = name.rpartition(":")[2]
        edges += kind == "edge"
        missing = [key for key in REQUIRED_ATTRIBUTES.get(kind, ()) if key not in attributes]
        if missing:  # NetworkX would take it for an account named "None"
            raise _UnreadableError(f"the {kind} in line {parser.CurrentLineNumber} has no {missing[0]}")
        if depth > MAX_XML_DEPTH:
            raise _UnreadableError(f"elements must nest at most {MAX_XML_DEPTH} deep")

    def end(_name: str) -> None:
        nonlocal depth
        depth -= 1

    def declared(*_declaration: object) -> None:
        raise _UnreadableError("must have no document type: entities are not read")

    parser.StartElementHandler, parser.EndElementHandler = begin, end
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = declared
    try:
        parser.Parse(raw, True)
    except expat.ExpatError as error:
        raise _UnreadableError(f"not valid XML: {expat.ErrorString(error.code)} in line {error.lineno}") from error
    return edges


def _graphml(raw: bytes, _encoding: str | None) -> tuple[nx.Graph[Any], int]:
    import networkx as nx

    n_edges = _check_xml(raw)
    return nx.read_graphml(io.BytesIO(raw), force_multigraph=True), n_edges


def _gexf(raw: bytes, _encoding: str | None) -> tuple[nx.Graph[Any], int]:
    import networkx as nx

    n_edges = _check_xml(raw)
    return nx.read_gexf(io.BytesIO(raw)), n_edges


def _gml(raw: bytes, encoding: str | None) -> tuple[nx.Graph[Any], int]:
    import networkx as nx

    try:
        text = raw.decode("utf-8-sig" if encoding in (None, "utf-8") else encoding)
    except UnicodeDecodeError as error:
        name = "UTF-8" if encoding is None else encoding
        raise _UnreadableError(f"must be {name}, but contains the byte 0x{raw[error.start]:02x}") from error
    if not _MULTIGRAPH.search(text):  # else NetworkX refuses a file with a repeated edge
        text = _GRAPH.sub(r"\1 multigraph 1", text, count=1)
    found = nx.parse_gml(text.splitlines(), label=None)
    return found, found.number_of_edges()


class _Format(NamedTuple):
    name: str
    read: Callable[[bytes, str | None], tuple[nx.Graph[Any], int]]


FORMATS = {".gml": _Format("GML", _gml), ".graphml": _Format("GraphML", _graphml), ".gexf": _Format("GEXF", _gexf)}


def is_graph_file(path: str | os.PathLike[str]) -> bool:
    """Whether the file's name ends as that of a graph file; any other is an edge list."""
    return Path(os.fspath(path)).suffix.lower() in FORMATS


def _parsed(raw: bytes, kind: _Format, encoding: str | None) -> nx.Graph[Any]:
    try:
        with warnings.catch_warnings(action="ignore"):
            graph, n_edges = kind.read(raw, encoding)
    except (_UnreadableError, MemoryError):
        raise
    except RecursionError as error:
        raise _UnreadableError(f"not a readable {kind.name} file: nests too deep") from error
    except Exception as error:  # NetworkX raises almost anything over a damaged file
        said = escaped(" ".join(str(error).split()))[:200]
        raise _UnreadableError(f"not a readable {kind.name} file: {said or type(error).__name__}") from error
    if graph.number_of_edges() < n_edges:
        raise _UnreadableError("must contain one graph, whose edges differ in their ids")
    return graph


def _names(graph: nx.Graph[Any]) -> tuple[dict[Any, str], str]:
    """The name of each node: its label where all have one and all differ, else its id; and which of the two it is."""
    ids = {node: normal_form(str(node).strip()) for node in graph}
    given = {node: data.get("label") for node, data in graph.nodes(data=True)}
    labels = {node: "" if label is None else normal_form(str(label).strip()) for node, label in given.items()}
    has_labels = all(labels.values()) and len(set(labels.values())) == len(labels)
    if has_labels and labels != ids:
        return labels, "labels"
    again = [name for name, n in Counter(ids.values()).items() if n > 1]
    if again:
        raise _UnreadableError(f"the ids of the nodes must differ, got {shown(again[0])}")
    return ids, "ids"


class _Cleaner:
    """Takes the good edges of a file, and reports what is wrong with the others."""

    def __init__(self, graph: nx.Graph[Any], names: dict[Any, str], influencers: Sequence[str] | None) -> None:
        import networkx as nx

        self.names, self.influencers = names, None if influencers is None else set(influencers)
        self.sides = None if graph.is_directed() else sides(graph)
        self.is_mutual = not graph.is_directed() and self.sides is None
        self.made: nx.Graph[Any] = nx.DiGraph() if graph.is_directed() else nx.Graph()
        self.bad: list[tuple[str, str]] = []
        self.skipped, self.lost = SkippedRows(), LostFollows()
        self.graph = graph
        ordered = all(
            isinstance(data.get(key, 0), int | float) and data.get(key, 0) == data.get(key, 0)
            for _, data in graph.nodes(data=True)
            for key in ("fan_id", "influencer_id")
        )
        used = ("fan_id", "influencer_id", "bipartite") if ordered else ("bipartite",)
        for node, data in graph.nodes(data=True):
            self.made.add_node(names[node], **{key: data[key] for key in used if key in data})

    def _followed(self, u: str, v: str, fan_side: int | None) -> tuple[str, ...]:
        return (u, v) if self.is_mutual else (u,) if fan_side == 1 else (v,)

    def rules(self, u: str, v: str, fan_side: int | None, data: Mapping[str, Any]) -> Iterator[str]:
        """What is wrong with an edge, given its attributes."""
        for key in filter(is_weight, data):
            if rule := weight_rule(as_float(data[key])):
                yield f"{escaped(key)} {rule}"
        for name in (u, v):
            if rule := name_rule(name):
                yield f"a name {rule}"
        if self.influencers is not None:
            followed = self._followed(u, v, fan_side)
            yield from (IN_ROSTER for name in followed if name not in self.influencers)
        if u == v and self.is_mutual:
            yield "an account must not be joined with itself"
        if self.made.has_edge(u, v):
            yield "a follow must appear once" + (", in either order" if self.is_mutual else "")

    def clean(self) -> None:
        """Take the good edges; an account that only has bad ones is left out."""
        lost: set[str] = set()
        for left, right, data in self.graph.edges(data=True):
            u, v = self.names[left], self.names[right]
            side = None if self.sides is None else self.sides[left]
            rule = next(self.rules(u, v, side, data), None)
            if rule is None:
                self.made.add_edge(u, v)
            else:
                self.skipped.reason(self.skipped.n, None, rule.partition(":")[0])
                self.skipped.n += 1
                self.bad.append((rule, f"{shown(u)}, {shown(v)}"))
                lost |= {u, v}
                if not self.made.has_edge(u, v) and not (u == v and self.is_mutual):
                    for name in self._followed(u, v, side):
                        self.lost.add(name, self.skipped.n - 1)
        alone = [name for name in self.made if not self.made.degree(name)]
        self.made.remove_nodes_from(name for name in alone if name in lost)
        if self.influencers is not None and not self.is_mutual:
            for name in set(alone) - lost - self.influencers:
                self.made.nodes[name]["fan_id"] = float("inf")  # without follows, and no influencer of the roster

    def check_skipped(self, file: str, n_edges: int, graph: FollowGraph) -> None:
        """Refuse to skip edges where most fail by the same rule, or the head would lose its follows."""
        found = []
        for reason in self.skipped.most(n_edges):
            rule = f"bad rows can't be skipped: {reason.rows} of {n_edges} edges fail by the same rule"
            said = f"{rule} ({reason.rule}); {advice(reason.rule)}; the first"
            found.append(Fault(file, said, value=self.bad[int(reason.first[0])][1]))
        head = None if found else self.lost.head(graph.influencers, graph.in_degrees())
        if head is not None:
            rule, value = self.bad[head.place]
            found.append(Fault(file, f"{head.rule}; {advice(rule)}; the first", value=value))
        if found:
            raise InputError(found + self.faults(file))

    def faults(self, file: str) -> list[Fault]:
        """The first bad edges, and how many more there are."""
        found = FaultList(file)
        for rule, value in self.bad:
            found.add(rule, value=value)
        return found.listed()

    def reasons(self) -> tuple[Reason, ...]:
        """Why edges were skipped, with the names of the first."""
        found = self.skipped.reasons()
        return tuple(reason._replace(first=tuple(self.bad[int(n)][1] for n in reason.first)) for reason in found)


def _notes(graph: nx.Graph[Any], kind: _Format, named_by: str) -> tuple[str, ...]:
    of_nodes = {key for _, data in graph.nodes(data=True) for key in data} - OURS
    of_edges = {key for _, _, data in graph.edges(data=True) for key in data} - {"id"}
    first = f"{kind.name}, accounts are named by the {named_by} of the nodes"
    unused = ((of_nodes, "attributes of nodes"), (of_edges, "attributes of edges"))
    return (first, *(note for keys, of in unused for note in unused_note(sorted(keys), of)))


def _check_direction(graph: nx.Graph[Any], directed: bool) -> None:
    is_directed = graph.is_directed() or sides(graph) is not None
    if is_directed and not directed:
        raise _UnreadableError("its edges are directed, but influencers.follow_graph_directed is false")
    if directed and not is_directed:
        rule = "its edges are undirected, so that both follow each other, but influencers.follow_graph_directed is true"
        raise _UnreadableError(rule)


def read_graph_file(
    path: str | os.PathLike[str],
    *,
    influencers: Sequence[str] | None = None,
    directed: bool = True,
    dirty_rows: Literal["refuse", "skip"] = "refuse",
    encoding: EncodingName | None = None,
) -> FollowGraph:
    """Read a GML, GraphML or GEXF file, by the end of its name, and check every edge.

    Parameters and errors are those of ``sim.scenario.read_edges``; ``directed`` must be what the file says, and
    ``encoding`` is that of GML, since XML names its own. An edge runs from who follows to who is followed. The name of
    an account is the label of its node where all nodes have one and no two the same, else its id. Who has no edge is
    fan and influencer, as in ``sim.scenario.from_networkx``, which makes the graph of the good edges.

    Notes
    -----
    About 30 bytes of memory for a byte of the file, and 20 µs for an edge.
    """
    file, kind = file_text(path), FORMATS[Path(os.fspath(path)).suffix.lower()]
    try:
        with open_regular(path) as stream:
            raw = stream.read(MAX_GRAPH_BYTES + 1)
    except OSError as error:
        raise InputError([Fault(file, os_rule(error))]) from error
    if len(raw) > MAX_GRAPH_BYTES:
        rule = f"a {kind.name} file must be at most {MAX_GRAPH_BYTES >> 20} MiB; give a larger graph as an edge list"
        raise InputError([Fault(file, rule)])
    try:
        graph = _parsed(raw, kind, encoding)
        _check_direction(graph, directed)
        names, named_by = _names(graph)
    except _UnreadableError as error:
        raise InputError([Fault(file, str(error))]) from error
    cleaner = _Cleaner(graph, names, influencers)
    cleaner.clean()
    n_bad = len(cleaner.bad)
    if n_bad and dirty_rows == "refuse":
        raise InputError(cleaner.faults(file))
    if n_bad and not cleaner.made.number_of_edges():
        raise InputError([Fault(file, f"has no good edge, {n_bad} bad ones")])
    made = from_networkx(cleaner.made, file=file)
    if influencers is not None:
        made = made.with_influencers(tuple(influencers), file=file)
    cleaner.check_skipped(file, graph.number_of_edges(), made)
    return replace(
        made,
        n_skipped=n_bad,
        skipped=cleaner.reasons(),
        place="edge",
        notes=_notes(graph, kind, named_by),
        sha256=hashlib.sha256(raw).hexdigest(),
    )
