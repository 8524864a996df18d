"""The files of a scenario, its roster and its follow graph: found, read, and compared with what the scenario says."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

from sim.errors import Fault, InputError, named
from sim.scenario.findings import Finding
from sim.scenario.read.edges import read_edges
from sim.scenario.read.follow_graph import IN_MEMORY, FollowGraph, from_networkx
from sim.scenario.read.graph_files import is_graph_file, read_graph_file
from sim.scenario.read.roster import Roster, read_roster
from sim.scenario.resolve.own_files import inside, unreadable, with_slashes
from sim.scenario.resolve.roster_groups import stated_claims
from sim.scenario.resolve.sources import ScenarioSource
from sim.scenario.schema.encodings import EncodingName
from sim.scenario.schema.people import Influencers
from sim.scenario.schema.scenario import Scenario
from sim.scenario.validate.rules import accounts_finding
from sim.scenario.validate.validation import Validated

__all__ = ["Given", "GivenGraph", "GivenRoster", "Inputs", "names_input", "read_inputs"]

GivenRoster = str | os.PathLike[str] | None
GivenGraph = Any
"""A file's path, a ``FollowGraph``, a NetworkX graph (not named as a type, lest it be imported), or None."""


@dataclass(frozen=True)
class Given:
    """What takes the place of a scenario's own files and of how it says they are read."""

    roster: GivenRoster = None
    graph: GivenGraph = None
    encoding: EncodingName | None = None
    suggested_columns: bool = False
    """Take columns of common names for ours."""


READ_FIRST = (
    "roster",
    "follow_graph",
    "follow_graph_directed",
    "follow_graph_columns",
    "dirty_rows",
    "encoding",
    "columns",
)
"""Keys of ``influencers`` that say which files are read, and how."""

SAME = 1e-9
"""How near the follows of a fan that a scenario gives must be to the graph's, relative to it."""


@dataclass
class Inputs:
    """What the files hold, the names that a resolved scenario knows them by, and what is wrong with them."""

    roster: Roster | None = None
    roster_name: str | None = None
    encoding: EncodingName | None = None
    graph: FollowGraph | None = None
    graph_name: str | None = None
    is_memory: bool = False
    follows_left_out: float | None = None
    """What ``fans.follows_per_fan`` is where it is left out and there is no follow graph."""
    wrong: list[Finding] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def sha256(self) -> dict[str, str]:
        """SHA-256 of each file that was read."""
        found = {} if self.roster is None else {"roster": self.roster.sha256}
        return found if self.graph is None else {**found, "follow_graph": self.graph.sha256}

    def misfits(self, judged: Validated) -> list[Finding]:
        """What of a scenario the files contradict, of its keys that are valid: its numbers, groups of its claims."""
        if self.roster is None and self.graph is None:
            return []
        scenario = judged.scenario
        found: list[Finding] = []
        if judged.can_read("entry.newcomers_per_month", "horizon_days"):
            found += accounts_finding(scenario, self._n_influencers())
        if self.roster is not None:
            n, whose = len(self.roster.influencer), "the roster's number of good rows"
        else:
            n, whose = self._n_influencers() or 0, "the number of influencers in the follow graph"
        if judged.can_read("influencers.count") and scenario.influencers.count not in (None, n):
            rule = f"must be left out, or be {whose}, {n}"
            found.append(Finding(("influencers", "count"), rule, scenario.influencers.count))
        if self.roster is not None and judged.can_read("claims"):
            found += stated_claims(scenario.claims, self.roster)[1]
        return found + (self._misfits_of_fans(judged, self.graph) if self.graph is not None else [])

    def _misfits_of_fans(self, judged: Validated, graph: FollowGraph) -> list[Finding]:
        found: list[Finding] = []
        if judged.can_read("fans.count") and judged.scenario.fans.count not in (None, len(graph.fans)):
            rule = f"must be left out, or be the number of fans in the follow graph, {len(graph.fans)}"
            found.append(Finding(("fans", "count"), rule, judged.scenario.fans.count))
        given = judged.scenario.fans.follows_per_fan if judged.can_read("fans.follows_per_fan") else None
        mean = self._follows_per_fan()
        if given is not None and abs(given - mean) > SAME * mean:
            rule = f"must be left out, or be the follow graph's mean, {mean:.12g}"
            found.append(Finding(("fans", "follows_per_fan"), rule, given))
        return found

    def filled(self, scenario: Scenario) -> Scenario:
        """The scenario with what follows from the files."""
        people: dict[str, Any] = {"encoding": self.encoding}
        fans: dict[str, Any] = {}
        claims = scenario.claims
        if self.roster is not None:
            people |= {"count": len(self.roster.influencer), "roster": self.roster_name}
            people["columns"] = dict(self.roster.columns)
            claims, _ = stated_claims(claims, self.roster)
        if self.graph is not None:
            people |= {"count": len(self.graph.influencers), "follow_graph": self.graph_name}
            # In memory each follow is an edge of its own.
            people["follow_graph_directed"] = scenario.influencers.follow_graph_directed or self.is_memory
            fans = {"count": len(self.graph.fans), "follows_per_fan": self._follows_per_fan()}
        elif scenario.fans.follows_per_fan is None:
            fans = {"follows_per_fan": self.follows_left_out}
        return scenario.model_copy(
            update={
                "influencers": scenario.influencers.model_copy(update=people),
                "fans": scenario.fans.model_copy(update=fans),
                "claims": claims,
            }
        )

    def fit(self, base: Scenario) -> None:
        """Find the follows per fan of a scenario that leaves them out, the same for all its arms."""
        if self.graph is None and base.fans.follows_per_fan is None:
            from sim.scenario.resolve.follows import given_or_largest  # and numpy, which few scenarios need to be read

            self.follows_left_out = given_or_largest(base, self.roster)

    def _n_influencers(self) -> int | None:
        if self.graph is not None:
            return len(self.graph.influencers)
        return None if self.roster is None else len(self.roster.influencer)

    def _follows_per_fan(self) -> float:
        assert self.graph is not None
        return len(self.graph.fan) / len(self.graph.fans)


def names_input(data: Mapping[str, Any], key: str) -> bool:
    """Whether the data name such a file, be it by a faulty name."""
    people = data.get("influencers")
    return isinstance(people, dict) and people.get(key) is not None


def _found(
    key: str, argument: str, name: str | None, source: ScenarioSource, is_given: bool
) -> tuple[FilePath | None, Finding | None]:
    """The file that a scenario names, where it is not given with it, and what is wrong with the name."""
    at, what = ("influencers", key), key.replace("_", " ")
    folder = source.folder_of(*at)
    if is_given:
        missing = folder is None and name is None
        return None, Finding(at, f"a {what} is given, but the scenario has none") if missing else None
    if name is None:
        return None, None
    if folder is None:
        return None, Finding(at, f"the {what} must be given beside a resolved scenario", name)
    file = inside(folder, name)
    if file is None:
        rule: str | None = f"must be a file in the scenario's own folder (or give it with {named(argument, 'FILE')})"
    else:
        rule = unreadable(file)
    if rule is None:
        return file, None
    return None, Finding(at, with_slashes(rule, name), name)


def _columns_finding(people: Influencers, file: str | os.PathLike[str] | None) -> Finding | None:
    """What is wrong with the names that the scenario gives for the columns of an edge list."""
    columns = people.follow_graph_columns
    if not columns:
        return None
    at = ("influencers", "follow_graph_columns")
    if file is None or is_graph_file(file):
        return Finding(at, "must be left out, unless the follow graph is an edge list")
    missing = [name for name in ("fan", "influencer") if name not in columns]
    return Finding((*at, missing[0]), "is required") if missing else None


def _graph(
    file: str | os.PathLike[str], people: Influencers, names: tuple[str, ...] | None, encoding: EncodingName | None
) -> FollowGraph:
    """The follow graph of a file, with the influencers of a roster where there is one."""
    directed, dirty_rows, columns = people.follow_graph_directed, people.dirty_rows, people.follow_graph_columns
    if is_graph_file(file):
        return read_graph_file(file, influencers=names, directed=directed, dirty_rows=dirty_rows, encoding=encoding)
    return read_edges(
        file,
        influencers=names,
        directed=directed,
        dirty_rows=dirty_rows,
        encoding=encoding,
        columns=(columns["fan"], columns["influencer"]) if columns else None,
    )


def read_inputs(judged: Validated, source: ScenarioSource, given: Given) -> Inputs:
    """Read what the scenario names, or what is given in its place; nothing where a key that says how is faulty.

    Parameters
    ----------
    judged
        The scenario.
    source
        Its files, which say where those that they name are. A resolved scenario names files, but not where they are.
    given
        What takes the place of the scenario's own. The plain names of files go into the resolved scenario.
    """
    scenario = judged.scenario
    if (
        judged.is_hopeless
        or not judged.can_read(*(f"influencers.{key}" for key in READ_FIRST))
        or judged.faulty.covers(("verticals",))
    ):
        return Inputs()
    people, roster, graph = scenario.influencers, given.roster, given.graph
    made = Inputs(roster_name=people.roster, graph_name=people.follow_graph, encoding=given.encoding or people.encoding)
    is_memory = made.is_memory = graph is not None and not isinstance(graph, str | os.PathLike)
    if source.folders and roster is not None:
        made.roster_name = FilePath(roster).name
    if source.folders and graph is not None:
        made.graph_name = IN_MEMORY if is_memory else FilePath(graph).name
    path, wrong = _found("roster", "roster", people.roster, source, roster is not None)
    edges, also_wrong = _found("follow_graph", "graph", people.follow_graph, source, graph is not None)
    made.wrong += [finding for finding in (wrong, also_wrong) if finding is not None]
    if made.wrong:
        return made
    roster_file = path if roster is None else roster
    edges_file = edges if is_memory or graph is None else graph
    if wrong := _columns_finding(people, None if is_memory else edges_file):
        made.wrong.append(wrong)
        return made
    try:
        if roster_file is not None:
            made.roster = read_roster(
                roster_file,
                dirty_rows=people.dirty_rows,
                verticals=scenario.verticals,
                has_graph=made.graph_name is not None,
                encoding=made.encoding,
                names={str(ours): theirs for ours, theirs in people.columns.items()},
                suggested_names=given.suggested_columns,
            ).by_name()
        names = None if made.roster is None else made.roster.influencer
        if is_memory:
            follows = graph if isinstance(graph, FollowGraph) else from_networkx(graph)
            made.graph = follows if names is None else follows.with_influencers(names)
        elif edges_file is not None:
            made.graph = _graph(edges_file, people, names, made.encoding)
        if made.graph is not None:
            made.graph = made.graph.by_name()
    except InputError as error:
        made.faults += error.faults
    return made
