"""The files beside a scenario, its roster and its follow graph: found, read, and held against the scenario."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from pathlib import PureWindowsPath
from typing import Any

from sim.errors import Fault, InputError, named
from sim.scenario.findings import Finding
from sim.scenario.read.edges import read_edges
from sim.scenario.read.follow_graph import IN_MEMORY, FollowGraph, from_networkx
from sim.scenario.read.graph_files import is_graph_file, read_graph_file
from sim.scenario.read.roster import Roster, read_roster
from sim.scenario.read.toml_file import open_regular, os_rule
from sim.scenario.resolve.roster_groups import stated_claims
from sim.scenario.schema.encodings import EncodingName
from sim.scenario.schema.people import Influencers
from sim.scenario.schema.scenario import Scenario
from sim.scenario.validate.rules import accounts_finding

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


SAME = 1e-9
"""How near the follows of a fan that a scenario gives must be to the graph's, relative to it."""

ESCAPED_BY_MISTAKE = "\b\t\n\f\r\x1b"
"""What a backslash before a letter of a path becomes in TOML's double quotes."""


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

    def misfits(self, scenario: Scenario) -> list[Finding]:
        """What of the scenario the files contradict: its numbers, groups of its claims."""
        count, fans = scenario.influencers.count, scenario.fans
        found = accounts_finding(scenario, self._n_influencers())
        if self.roster is not None and count not in (None, len(self.roster.influencer)):
            rule = f"must be left out, or be the roster's number of good rows, {len(self.roster.influencer)}"
            found.append(Finding(("influencers", "count"), rule, count))
        if self.roster is not None:
            found += stated_claims(scenario.claims, self.roster)[1]
        if self.graph is None:
            return found
        n = len(self.graph.influencers)
        if self.roster is None and count not in (None, n):
            rule = f"must be left out, or be the number of influencers in the follow graph, {n}"
            found.append(Finding(("influencers", "count"), rule, count))
        if fans.count not in (None, len(self.graph.fans)):
            rule = f"must be left out, or be the number of fans in the follow graph, {len(self.graph.fans)}"
            found.append(Finding(("fans", "count"), rule, fans.count))
        mean = self._follows_per_fan()
        if fans.follows_per_fan is not None and abs(fans.follows_per_fan - mean) > SAME * mean:
            rule = f"must be left out, or be the follow graph's mean, {mean:.12g}"
            found.append(Finding(("fans", "follows_per_fan"), rule, fans.follows_per_fan))
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


def _inside(folder: FilePath, name: str) -> FilePath | None:
    """The file of that name in the folder or below, or None where the name leads out of it."""
    windows = PureWindowsPath(name)  # knows drives and both slashes
    if "\0" in name or windows.is_absolute() or windows.drive or name.startswith(("/", "\\")) or ".." in windows.parts:
        return None
    path = folder / name
    try:
        return path if path.resolve().is_relative_to(folder.resolve()) else None
    except (OSError, RuntimeError):  # symlinks in a circle, which can't be opened either
        return path


def _unreadable(path: FilePath) -> str | None:
    """Why a file can't be read, as a rule; None where it can."""
    try:
        open_regular(path).close()
    except (FileNotFoundError, NotADirectoryError):
        return "no such file in the scenario's folder"
    except OSError as error:
        return os_rule(error)
    return None


def _found(
    key: str, argument: str, name: str | None, folder: FilePath | None, is_given: bool
) -> tuple[FilePath | None, Finding | None]:
    """The file that a scenario names, where it is not given beside it, and what is wrong with the name."""
    at, what = ("influencers", key), key.replace("_", " ")
    if is_given:
        missing = folder is None and name is None
        return None, Finding(at, f"a {what} is given, but the scenario has none") if missing else None
    if name is None:
        return None, None
    if folder is None:
        return None, Finding(at, f"the {what} must be given beside a resolved scenario", name)
    inside = _inside(folder, name)
    if inside is None:
        rule: str | None = f"must be a file in the scenario's own folder (or give it with {named(argument, 'FILE')})"
    else:
        rule = _unreadable(inside)
    if rule is None:
        return inside, None
    is_windows = "\\" in name or any(c in name for c in ESCAPED_BY_MISTAKE)
    return None, Finding(at, f"{rule}; paths are written with /" if is_windows else rule, name)


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


def read_inputs(scenario: Scenario, folder: FilePath | None, given: Given) -> Inputs:
    """Read what the scenario names, or what is given in its place.

    Parameters
    ----------
    scenario
        A scenario that holds to its models.
    folder
        The folder of its file, None for a resolved scenario, which names files but doesn't know where they are.
    given
        What takes the place of the scenario's own. The plain names of files go into the resolved scenario.
    """
    people, roster, graph = scenario.influencers, given.roster, given.graph
    made = Inputs(roster_name=people.roster, graph_name=people.follow_graph, encoding=given.encoding or people.encoding)
    is_memory = made.is_memory = graph is not None and not isinstance(graph, str | os.PathLike)
    if folder is not None and roster is not None:
        made.roster_name = FilePath(roster).name
    if folder is not None and graph is not None:
        made.graph_name = IN_MEMORY if is_memory else FilePath(graph).name
    path, wrong = _found("roster", "roster", people.roster, folder, roster is not None)
    edges, also_wrong = _found("follow_graph", "graph", people.follow_graph, folder, graph is not None)
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
            )
        names = None if made.roster is None else made.roster.influencer
        if is_memory:
            follows = graph if isinstance(graph, FollowGraph) else from_networkx(graph)
            made.graph = follows if names is None else follows.with_influencers(names)
        elif edges_file is not None:
            made.graph = _graph(edges_file, people, names, made.encoding)
    except InputError as error:
        made.faults += error.faults
    return made
