"""From a scenario file to a default-free scenario with arms and roster, and back; knows nothing of models or runs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path as FilePath
from typing import Any

from sim.arguments import MAX_REPLICATIONS, file_path, refuse, switch, whole_number
from sim.errors import Fault, InputError
from sim.formatting import Path
from sim.scenario.findings import MAX_FAULTS, Finding
from sim.scenario.patch.patches import allowed, allowed_in_size, difference, merged, opened, with_own_arm
from sim.scenario.patch.phases import crossing, with_support_shares
from sim.scenario.read.encodings import encoding_named
from sim.scenario.read.follow_graph import FollowGraph
from sim.scenario.read.roster import Roster
from sim.scenario.read.toml_file import read_toml
from sim.scenario.read.toml_lines import Lines
from sim.scenario.resolve.inputs import Given, GivenGraph, GivenRoster, Inputs, names_input, read_inputs
from sim.scenario.resolve.shipped import scenario_file
from sim.scenario.schema.check import Check
from sim.scenario.schema.scenario import Scenario
from sim.scenario.validate.faults import faults
from sim.scenario.validate.parameters import unread_parameters
from sim.scenario.validate.repair import related
from sim.scenario.validate.validation import Validated, alone, mark, validated

__all__ = ["Loaded", "from_resolved", "json_schema", "load", "resolved", "with_replications"]

RESOLVED = "resolved scenario"
"""What messages call a scenario that comes from a manifest, not from a file."""


@dataclass(frozen=True)
class Loaded:
    """A scenario as a run needs it: nothing left out, every arm spelled out.

    ``scenario`` is the base, its arms written as the smallest patches; ``arms`` holds, in the file's order, each arm
    as a scenario of its own, whose one arm patches nothing. ``inputs`` gives the SHA-256 of ``"scenario"`` (the file's
    bytes), ``"roster"`` and ``"follow_graph"``; ``file`` is the name that the user gave, ``lines`` are those of its
    keys; ``check`` says how it is held against its baseline; ``follows_left_out`` is the number taken for
    ``fans.follows_per_fan`` where file and follow graph give none. Two are equal when scenario, arms, roster and follow
    graph are.
    """

    scenario: Scenario
    arms: dict[str, Scenario]
    roster: Roster | None
    inputs: dict[str, str] = field(compare=False)
    file: str = field(compare=False)
    graph: FollowGraph | None = None
    check: Check = field(default=Check(), compare=False)
    lines: Lines | None = field(default=None, compare=False, repr=False)
    follows_left_out: float | None = field(default=None, compare=False)

    def located(self, found: Iterable[Finding]) -> list[Fault]:
        """Findings on the scenario, or under ``arms.NAME`` on an arm, as faults of its file with their lines."""
        return faults(found, self.file, self.lines)


class _Findings:
    """Findings of a file, each reported once, up to a limit."""

    def __init__(self) -> None:
        self.listed: list[Finding] = []
        self.seen: set[tuple[Path, str, str]] = set()
        self.has_more = False

    def full(self) -> bool:
        return len(self.listed) >= MAX_FAULTS

    def add(self, found: Iterable[Finding], arm: str | None = None) -> None:
        """Take findings; those of an arm under its own path, unless the base has them as well."""
        for finding in found:
            if self.full():
                self.has_more = True
                return
            key = mark(finding)
            if arm is not None:
                if key in self.seen:
                    continue
                finding = finding._replace(path=("arms", arm, *finding.path))
                key = mark(finding)
            if key not in self.seen:
                self.seen.add(key)
                self.listed.append(finding)

    def faults(self, file: str, lines: Lines | None) -> list[Fault]:
        listed = faults(self.listed, file, lines)
        return [*listed, Fault(file, f"and more; these are the first {MAX_FAULTS}")] if self.has_more else listed


def _filled(scenario: Scenario, inputs: Inputs) -> Scenario:
    """The scenario without defaults left to fill in; how it is checked is no part of it."""
    return inputs.filled(with_support_shares(scenario)).model_copy(update={"check": Check()})


def _arms(base: Validated, has_roster: bool, has_graph: bool, found: _Findings) -> dict[str, Scenario]:
    """Each arm as a scenario of its own; what is wrong with an arm but not with the base goes to ``found``."""
    scenarios: dict[str, Scenario] = {}
    if base.scenario is None:
        return scenarios
    crossed = crossing(base.scenario)
    if crossed is not None:
        found.add([crossed])
        return scenarios
    start = opened(base.scenario)
    for name, patch in base.scenario.arms.items():
        if found.full():
            break
        kept, refused = allowed(start, patch)
        data = alone(merged(start, kept), name)
        arm = validated(data, has_roster=has_roster, has_graph=has_graph, base=base)
        found.add((f for f in refused + arm.wrong if not related(f.path, base.touched)), name)
        if arm.scenario is not None:
            scenarios[name] = arm.scenario
    return scenarios


def _shrunk(
    base: Validated, inputs: Inputs, has_roster: bool, has_graph: bool, found: _Findings
) -> tuple[Validated, dict[str, Scenario]]:
    """The scenario and its arms at the size at which it is checked; what is wrong with that size goes to ``found``."""
    assert base.scenario is not None
    start = opened(base.scenario)
    kept, refused = allowed_in_size(start, base.scenario.check.size)
    wrong = _Findings()
    wrong.add(refused)
    small = validated(merged(start, kept), has_roster=has_roster, has_graph=has_graph)
    wrong.add(small.wrong)
    arms = _arms(small, has_roster, has_graph, wrong)
    for scenario in [] if small.scenario is None else [small.scenario, *arms.values()]:
        wrong.add(inputs.misfits(scenario))
    found.add(finding._replace(path=("check", "size", *finding.path)) for finding in wrong.listed)
    return small, arms


def _loaded(
    data: dict[str, Any],
    *,
    file: str,
    lines: Lines | None,
    folder: FilePath | None,
    given: Given,
    small: bool = False,
) -> Loaded:
    """Validate, resolve, and read the roster and the follow graph; all faults at once, those of the small size too."""
    data = with_own_arm(data)
    found = _Findings()
    has_roster = given.roster is not None or names_input(data, "roster")
    has_graph = given.graph is not None or names_input(data, "follow_graph")
    whole = validated(data, has_roster=has_roster, has_graph=has_graph)
    found.add(whole.wrong)
    arms = _arms(whole, has_roster, has_graph, found)
    base = whole.scenario
    inputs = Inputs() if base is None else read_inputs(base, folder, given)
    if base is not None:
        found.add([*inputs.wrong, *inputs.misfits(base)])
        if not related(("support", "policy"), whole.touched):
            found.add(unread_parameters(base))
        for name, scenario in arms.items():
            found.add(inputs.misfits(scenario), name)
    check = Check() if base is None else base.check
    if base is not None and check.size and not found.listed and not inputs.faults:
        shrunk, arms_of_it = _shrunk(whole, inputs, has_roster, has_graph, found)
        if small:
            base, arms = shrunk.scenario, arms_of_it
    if base is None or found.listed or inputs.faults:
        raise InputError(found.faults(file, lines) + inputs.faults)
    inputs.fit(base)
    filled = _filled(base, inputs)
    filled_arms = {arm: _filled(scenario, inputs) for arm, scenario in arms.items()}
    patches = {arm: difference(_parts(filled), _parts(scenario)) for arm, scenario in filled_arms.items()}
    return Loaded(
        scenario=filled.model_copy(update={"arms": patches}),
        arms=filled_arms,
        roster=inputs.roster,
        inputs=inputs.sha256(),
        file=file,
        graph=inputs.graph,
        check=check,
        lines=lines,
        follows_left_out=inputs.follows_left_out,
    )


def _parts(scenario: Scenario) -> dict[str, Any]:
    """What arms can differ in."""
    return {key: entry for key, entry in scenario if key not in ("arms", "control", "claims")}


def load(
    path: str | os.PathLike[str],
    *,
    roster: GivenRoster = None,
    graph: GivenGraph = None,
    replications: int | None = None,
    small: bool = False,
    encoding: str | None = None,
    suggested_columns: bool = False,
) -> Loaded:
    """Read a scenario file, check all of it, and resolve it.

    Parameters
    ----------
    path
        The TOML file, or the name of a shipped scenario.
    roster
        A roster to use in place of the scenario's own; it may stand anywhere. Its plain file name goes into the
        resolved scenario.
    graph
        A follow graph to use in place of the scenario's own: an edge list, which may stand anywhere, a
        ``FollowGraph`` or a NetworkX graph.
    replications
        Takes the place of the file's number, from 1 to 100,000.
    small
        Resolve it at the size at which it is checked, with the replications of its check.
    encoding
        Of roster and follow graph, in place of the scenario's ``influencers.encoding``: one of ``ENCODINGS``.
    suggested_columns
        Take columns of the roster that have common names for ours, where ``influencers.columns`` names none and none
        has our name; those taken go into the resolved scenario.

    Raises
    ------
    ArgumentError
        An argument is out of its range.
    InputError
        All faults of the file, of each arm, of the roster and of the follow graph, with lines.
    """
    refuse(
        None if replications is None else whole_number("replications", replications, 1, MAX_REPLICATIONS),
        switch("suggested_columns", suggested_columns),
        file_path("roster", roster),
    )
    file = scenario_file(path)
    source = read_toml(file)
    given = Given(roster, graph, None if encoding is None else encoding_named(encoding), suggested_columns)
    folder = FilePath(file).parent
    loaded = _loaded(source.data, file=source.file, lines=source.lines, folder=folder, given=given, small=small)
    if small and replications is None:
        replications = loaded.check.replications
    if replications is not None:
        loaded = with_replications(loaded, int(replications))
    return replace(loaded, inputs={"scenario": source.sha256} | loaded.inputs)


def with_replications(loaded: Loaded, replications: int) -> Loaded:
    """The same with another number of replications, 1 or more."""
    change = {"replications": replications}
    arms = {name: arm.model_copy(update=change) for name, arm in loaded.arms.items()}
    return replace(loaded, scenario=loaded.scenario.model_copy(update=change), arms=arms)


def resolved(loaded: Loaded) -> dict[str, Any]:
    """The scenario without defaults, fit for JSON; ``from_resolved`` makes the same of it again.

    The order of its keys matters (tiers stand from the highest down): write it without sorting them.
    """
    return loaded.scenario.model_dump(mode="json")


def from_resolved(data: Mapping[str, Any], roster: GivenRoster, graph: GivenGraph = None) -> Loaded:
    """Re-create a loaded scenario from the ``scenario`` of a manifest and, where it had them, roster and follow graph.

    Raises
    ------
    InputError
        The data were changed by hand and break a rule, or a file is missing or has another number of rows
        (whether they are the same files the caller sees from ``inputs``).
    """
    return _loaded(dict(data), file=RESOLVED, lines=None, folder=None, given=Given(roster, graph))


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a scenario file, for editors; rules across keys are not in it."""
    schema = Scenario.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "Headshare scenario"}
