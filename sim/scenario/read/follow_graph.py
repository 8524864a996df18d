"""The follow graph as data: named fans, named influencers, who follows whom; in and out of NetworkX and edge lists.

It knows nothing of scenarios, nor of how a run changes it.
"""

from __future__ import annotations

import csv
import hashlib
import io
import math
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from sim.errors import Fault, InputError
from sim.files import whole_file
from sim.formatting import shown, suggestion
from sim.scenario.read.fault_list import FaultList
from sim.scenario.read.names import normal_form, order_of
from sim.scenario.read.spreadsheet import cell

if TYPE_CHECKING:
    import networkx as nx
    import numpy as np
    from numpy.typing import NDArray

    from sim.scenario.read.skipped_rows import Reason

__all__ = ["IN_MEMORY", "MANY_NAMES", "FollowGraph", "from_networkx", "name_rule", "sides"]

IN_MEMORY = "follow graph"
"""Name of a graph that came from no file, in messages and a resolved scenario."""
MANY_NAMES = 10_000
"""Above this many known names none is suggested for an unknown one: looking for it takes too long."""


@dataclass(frozen=True, eq=False)
class FollowGraph:
    """Who follows whom. Axes: F fans, M influencers, E follows.

    ``fan`` and ``influencer``, int32 of shape (E,), are indices into ``fans`` and ``influencers``; they are kept in
    order of (fan, influencer), without repeats, and are read-only. Names, which are brought into Unicode's normal form
    NFC, are unique among the fans and among the influencers; a fan and an influencer of one name are one account in two
    roles, which may follow itself. ``fan_columns`` and ``influencer_columns`` are further attributes by name, of length
    F and M. ``columns`` names the two columns of the file that it was read from, ``n_skipped`` counts bad rows left
    out, ``skipped`` are the reasons, whose places are each a ``place`` of the file: line, row or edge; ``notes`` say
    what else of the file isn't used, ``sha256`` is that of the file's bytes, or of names and follows where there was no
    file. ``fan_order`` and ``influencer_order`` are None in the order of the file; by name they have, in that order,
    the index of each, int64.

    >>> graph = FollowGraph(("ann", "bo"), ("cy", "di"), [1, 0, 1], [1, 1, 0])
    >>> graph.follows()
    [('ann', 'di'), ('bo', 'cy'), ('bo', 'di')]
    >>> graph.in_degrees().tolist(), graph.out_degrees().tolist()
    ([1, 2], [1, 2])
    """

    fans: tuple[str, ...]
    influencers: tuple[str, ...]
    fan: NDArray[np.int32]
    influencer: NDArray[np.int32]
    fan_columns: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    influencer_columns: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    columns: tuple[str, str] | None = None
    n_skipped: int = 0
    skipped: tuple[Reason, ...] = ()
    place: Literal["line", "row", "edge"] = "line"
    notes: tuple[str, ...] = ()
    sha256: str = ""
    fan_order: NDArray[np.int64] | None = None
    influencer_order: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        """Bring the follows into order; ``ValueError`` where they are no graph of these names."""
        import numpy as np

        for side in ("fans", "influencers"):
            object.__setattr__(self, side, tuple(map(normal_form, getattr(self, side))))
        fan, influencer = (np.asarray(each, dtype=np.int64).reshape(-1) for each in (self.fan, self.influencer))
        if fan.size != influencer.size:
            raise ValueError(f"fan and influencer must be of one length, got {fan.size} and {influencer.size}")
        for what, index, names in (("fan", fan, self.fans), ("influencer", influencer, self.influencers)):
            if len(set(names)) != len(names):
                raise ValueError(f"names must differ among the {what}s")
            if index.size and not 0 <= index.min() <= index.max() < len(names):
                raise ValueError(f"{what} must be from 0 to {len(names) - 1}")
        order = np.lexsort((influencer, fan))
        pair = fan[order] * max(len(self.influencers), 1) + influencer[order]
        if (np.diff(pair) == 0).any():
            raise ValueError("a follow must appear once")
        for name, index in (("fan", fan), ("influencer", influencer)):
            ordered = index[order].astype(np.int32)
            ordered.setflags(write=False)
            object.__setattr__(self, name, ordered)
        if not self.sha256:
            sha = hashlib.sha256(repr((self.fans, self.influencers)).encode("utf-8", "surrogatepass"))
            sha.update(pair.astype("<i8").tobytes())
            object.__setattr__(self, "sha256", sha.hexdigest())

    def __eq__(self, other: object) -> bool:
        """Equal when the names and the follows are, whatever the file and the further attributes."""
        if not isinstance(other, FollowGraph):
            return NotImplemented
        import numpy as np

        mine, theirs = (self.fan, self.influencer), (other.fan, other.influencer)
        names = (self.fans, self.influencers) == (other.fans, other.influencers)
        return names and all(np.array_equal(a, b) for a, b in zip(mine, theirs, strict=True))

    def __hash__(self) -> int:
        """Hash of its size: equal graphs have it in common."""
        return hash((len(self.fans), len(self.influencers), len(self.fan)))

    @cached_property
    def fan_hashes(self) -> NDArray[np.uint64]:
        """Hashes of the fans' names, by which their draws know them, shape (F,)."""
        from sim.streams import name_hashes

        return name_hashes(self.fans)

    @cached_property
    def influencer_hashes(self) -> NDArray[np.uint64]:
        """As ``fan_hashes``, of the influencers, shape (M,)."""
        from sim.streams import name_hashes

        return name_hashes(self.influencers)

    def in_degrees(self) -> NDArray[np.int64]:
        """Followers of each influencer, shape (M,)."""
        return self._counted(self.influencer, self.influencers)

    def out_degrees(self) -> NDArray[np.int64]:
        """Accounts that each fan follows, shape (F,)."""
        return self._counted(self.fan, self.fans)

    def begin(self) -> NDArray[np.int64]:
        """Where each fan's follows begin, shape (F + 1,): fan f follows ``influencer[begin[f]:begin[f + 1]]``."""
        import numpy as np

        return np.concatenate([[0], np.cumsum(self.out_degrees())])

    @staticmethod
    def _counted(index: NDArray[np.int32], names: tuple[str, ...]) -> NDArray[np.int64]:
        import numpy as np

        return np.bincount(index, minlength=len(names)).astype(np.int64)

    def follows(self) -> list[tuple[str, str]]:
        """All follows as (fan, influencer), by name, in order."""
        return [
            (self.fans[f], self.influencers[i])
            for f, i in zip(self.fan.tolist(), self.influencer.tolist(), strict=True)
        ]

    def is_bipartite(self) -> bool:
        """Whether no fan is an influencer too."""
        return set(self.fans).isdisjoint(self.influencers)

    def with_influencers(self, names: tuple[str, ...], *, file: str = IN_MEMORY) -> FollowGraph:
        """The same follows with the influencers of a roster, in its order, and without attributes of their own.

        ``file`` names the graph in messages.

        Raises
        ------
        InputError
            Influencers that the roster lacks, the first 20 by name.
        """
        if names == self.influencers:
            return self
        place = {name: i for i, name in enumerate(names)}
        known = names if len(names) <= MANY_NAMES else ()
        unknown = [name for name in self.influencers if name not in place]
        if unknown:
            found = FaultList(file)
            for name in unknown:
                near = suggestion(name, known) if found.shows_more else ""
                found.add(f"an influencer must be in the roster{near}", value=shown(name))
            raise InputError(found.listed())
        import numpy as np

        moved = np.array([place[name] for name in self.influencers], dtype=np.int32)
        return replace(self, influencers=names, influencer=moved[self.influencer], influencer_columns={})

    def by_name(self) -> FollowGraph:
        """The same follows, with fans and influencers in the order of their names."""
        import numpy as np

        moved: dict[str, Any] = {}
        for side in ("fan", "influencer"):
            names, index, columns = (getattr(self, f"{side}{part}") for part in ("s", "", "_columns"))
            order = order_of(names)
            place = np.empty(len(order), np.int64)
            place[order] = np.arange(place.size)
            moved |= {
                f"{side}s": tuple(names[i] for i in order),
                side: place[index],
                f"{side}_columns": {key: [column[i] for i in order] for key, column in columns.items()},
                f"{side}_order": place,
            }
        return replace(self, **moved)

    def to_networkx(self) -> nx.DiGraph[str]:
        """The graph as a NetworkX ``DiGraph`` whose edges run from who follows to who is followed.

        A node is an account, by name. A fan has ``fan_id`` and ``follows``, an influencer ``influencer_id`` and
        ``followers``, both their further attributes; an account in both roles has all of them. Where no fan is an
        influencer, ``bipartite`` is 0 for fans and 1 for influencers, as ``networkx.bipartite`` expects.
        ``from_networkx`` gives the same graph again.

        Notes
        -----
        About .5 kB a follow and 4 µs: for graphs up to some ten million follows.
        """
        import networkx as nx

        made: nx.DiGraph[str] = nx.DiGraph()
        roles = (
            (0, "fan_id", "follows", self.fans, self.out_degrees(), self.fan_columns),
            (1, "influencer_id", "followers", self.influencers, self.in_degrees(), self.influencer_columns),
        )
        bipartite = self.is_bipartite()
        for side, number, size, names, degrees, columns in roles:
            for i, (name, degree) in enumerate(zip(names, degrees.tolist(), strict=True)):
                further = {key: column[i] for key, column in columns.items()}
                sides = {"bipartite": side} if bipartite else {}
                made.add_node(name, **{number: i, size: degree}, **sides, **further)
        made.add_edges_from(self.follows())
        return made

    def write_edges(self, path: str | os.PathLike[str]) -> None:
        """Write the follows as CSV, columns ``fan`` and ``influencer``; it appears whole or not at all.

        Fans without follows and influencers without followers have no row. A name that a spreadsheet would take for
        a formula gets an apostrophe before it; ``read_edges`` gives the name again.

        Raises
        ------
        MachineError
            The file can't be written.
        """
        with whole_file(path) as stream:
            text = io.TextIOWrapper(stream, encoding="utf-8", newline="", write_through=True)
            writer = csv.writer(text, lineterminator="\n")
            writer.writerow(("fan", "influencer"))
            writer.writerows((cell(fan), cell(influencer)) for fan, influencer in self.follows())
            text.detach()


def name_rule(name: str) -> str | None:
    """What is wrong with the name of an account, if anything."""
    if not name:
        return "is required"
    if len(name) > 200 or not name.isprintable():
        return "must be at most 200 printable characters"
    return None


def from_networkx(graph: nx.Graph[Any], *, file: str = IN_MEMORY) -> FollowGraph:
    """A follow graph from a NetworkX graph; a node's name is its text.

    In a ``DiGraph`` the edge u → v says that u follows v. Who has edges out is a fan, who has edges in an influencer,
    who has neither is both; so are those marked by ``fan_id`` or ``influencer_id``, whose numbers set the order (as
    ``FollowGraph.to_networkx`` writes them), else the order is the graph's. In an undirected ``Graph`` each edge is
    mutual and every account is both, unless every node has ``bipartite``: then the fans are those of 0, the influencers
    those of 1. ``file`` names the graph in messages.

    Raises
    ------
    InputError
        A multigraph; loops in an undirected graph; names that are empty, unprintable or not unique; edges within a
        side; no edge at all.

    >>> import networkx as nx
    >>> from_networkx(nx.DiGraph([("ann", "cy"), ("bo", "cy")])).follows()
    [('ann', 'cy'), ('bo', 'cy')]
    >>> from_networkx(nx.Graph([("ann", "bo")])).follows()
    [('ann', 'bo'), ('bo', 'ann')]
    """
    if graph.is_multigraph():
        raise InputError([Fault(file, "must be a Graph or a DiGraph, not a multigraph")])
    name = {node: normal_form(str(node)) for node in graph}
    side_of = None if graph.is_directed() else sides(graph)
    edges: list[tuple[Any, Any]] = list(graph.edges)
    if side_of is not None:
        edges = [(u, v) if side_of[u] == 0 else (v, u) for u, v in edges]
    elif not graph.is_directed():
        edges = [edge for u, v in edges for edge in ((u, v), (v, u))]
    found = _faults(graph, name, edges, side_of, file)
    if found.n:
        raise InputError(found.listed())
    following, followed = {u for u, _ in edges}, {v for _, v in edges}

    def role(number: str, named: set[Any], side: int) -> list[Any]:
        def plays(node: Any) -> bool:
            if side_of is not None:
                return bool(side_of[node] == side)
            data = graph.nodes[node]
            idle = not graph.degree(node) and not {"fan_id", "influencer_id"} & set(data)
            return number in data or node in named or idle

        return sorted(filter(plays, graph), key=lambda node: graph.nodes[node].get(number, math.inf))

    fans, influencers = role("fan_id", following, 0), role("influencer_id", followed, 1)
    place = {node: i for i, node in enumerate(fans)}, {node: i for i, node in enumerate(influencers)}
    return FollowGraph(
        tuple(name[node] for node in fans),
        tuple(name[node] for node in influencers),
        [place[0][u] for u, _ in edges],  # type: ignore[arg-type]
        [place[1][v] for _, v in edges],  # type: ignore[arg-type]
    )


def sides(graph: nx.Graph[Any]) -> dict[Any, Any] | None:
    """The side of each node of an undirected bipartite graph, 0 or 1, or None where not all have one."""
    found = {node: data["bipartite"] for node, data in graph.nodes(data=True) if data.get("bipartite") in (0, 1)}
    return found if len(found) == len(graph) else None


def _faults(
    graph: nx.Graph[Any],
    name: Mapping[Any, str],
    edges: Collection[tuple[Any, Any]],
    side_of: Mapping[Any, Any] | None,
    file: str,
) -> FaultList:
    found = FaultList(file)
    seen: set[str] = set()
    for text in name.values():
        rule = name_rule(text) or ("must have no spaces around it" if text != text.strip() else None)
        if rule:
            found.add(f"a node's name {rule}", value=shown(text))
        if text in seen:
            found.add("nodes must differ as texts", value=shown(text))
        seen.add(text)
    if not graph.is_directed():
        for u in graph:
            if graph.has_edge(u, u):
                found.add("an account must not be joined with itself in a mutual graph", value=shown(name[u]))
    for u, v in edges:
        if side_of is not None and side_of[u] == side_of[v] and u != v:
            found.add("an edge must join a fan and an influencer", value=f"{shown(name[u])}, {shown(name[v])}")
    if not edges:
        found.add("has no edges")
    return found
