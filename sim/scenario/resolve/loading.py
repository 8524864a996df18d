"""From a scenario file to a default-free scenario with arms and roster, and back; knows nothing of models or runs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sim.arguments import MAX_REPLICATIONS, file_path, refuse, switch, whole_number
from sim.errors import Fault, InputError
from sim.formatting import Path
from sim.scenario.findings import MAX_FAULTS, Finding
from sim.scenario.patch.patches import allowed, allowed_in_size, difference, opened, with_own_arm
from sim.scenario.patch.phases import crossing, with_support_shares
from sim.scenario.patch.settings import GivenSettings
from sim.scenario.read.encodings import encoding_named
from sim.scenario.read.follow_graph import FollowGraph
from sim.scenario.read.roster import Roster
from sim.scenario.resolve.inputs import Given, GivenGraph, GivenRoster, Inputs, names_input, read_inputs
from sim.scenario.resolve.sources import ScenarioSource, read_scenario, resolved_source
from sim.scenario.schema.check import Check
from sim.scenario.schema.scenario import Scenario
from sim.scenario.validate.faults import faults
from sim.scenario.validate.parameters import unread_parameters
from sim.scenario.validate.validation import Files, Validated, alone, mark, validated, validated_patch

__all__ = ["Loaded", "from_resolved", "json_schema", "load", "resolved", "with_replications"]

RESOLVED = "resolved scenario"
"""What messages call a scenario that comes from a manifest, not from a file."""


@dataclass(frozen=True)
class Loaded:
    """A scenario as a run needs it: nothing left out, every arm spelled out.

    ``scenario`` is the base, its arms written as the smallest patches; ``arms`` has, in the file's order, each arm
    as a scenario of its own, whose one arm patches nothing. ``inputs`` gives the SHA-256 of ``"scenario"`` (the file's
    bytes), of each file that it extends, ``"extends base.toml"``, of ``"roster"`` and of ``"follow_graph"``; ``source``
    says where its keys are given; ``check`` says how it is compared with its baseline; ``follows_left_out`` is the
    number taken for ``fans.follows_per_fan`` where file and follow graph give none. Two are equal when scenario, arms,
    roster and follow graph are.
    """

    scenario: Scenario
    arms: dict[str, Scenario]
    roster: Roster | None
    inputs: dict[str, str] = field(compare=False)
    source: ScenarioSource = field(compare=False, repr=False)
    graph: FollowGraph | None = None
    check: Check = field(default=Check(), compare=False)
    follows_left_out: float | None = field(default=None, compare=False)

    @property
    def file(self) -> str:
        """The scenario's own file as the user named it."""
        return self.source.file

    def located(self, found: Iterable[Finding]) -> list[Fault]:
        """Findings on the scenario, or under ``arms.NAME`` on an arm, as faults of its files with their lines."""
        return faults(found, self.source.places)


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

    def faults(self, source: ScenarioSource) -> list[Fault]:
        listed = faults(self.listed, source.places)
        return [*listed, Fault(source.file, f"and more; these are the first {MAX_FAULTS}")] if self.has_more else listed


def _filled(scenario: Scenario, inputs: Inputs) -> Scenario:
    """The scenario without defaults left to fill in; how it is checked is no part of it."""
    return inputs.filled(with_support_shares(scenario)).model_copy(update={"check": Check(), "extends": None})


def _arms(base: Validated, files: Files, found: _Findings) -> dict[str, Validated]:
    """Each arm as a scenario of its own; what is wrong with an arm but not with the base goes to ``found``."""
    judged: dict[str, Validated] = {}
    if base.is_hopeless or base.faulty.is_at(("arms",)):
        return judged
    crossed = None if base.faulty.is_at(("phases",)) else crossing(base.scenario)
    if crossed is not None:
        found.add([crossed])
        return judged
    start = opened(base.scenario)
    for name, patch in base.scenario.arms.items():
        if found.full():
            break
        if base.faulty.is_at(("arms", name)):
            continue
        kept, refused = allowed(start, patch)
        judged[name] = validated_patch(base, kept, files, alone(name))
        found.add(refused + judged[name].wrong, name)
    return judged


def _shrunk(base: Validated, inputs: Inputs, files: Files, found: _Findings) -> tuple[Validated, dict[str, Validated]]:
    """The scenario and its arms at the size at which it is checked; what is wrong with that size goes to ``found``."""
    kept, refused = allowed_in_size(opened(base.scenario), base.scenario.check.size)
    wrong = _Findings()
    wrong.add(refused)
    small = validated_patch(base, kept, files)
    wrong.add(small.wrong)
    arms = _arms(small, files, wrong)
    for each in (small, *arms.values()):
        wrong.add(inputs.misfits(each))
    found.add(finding._replace(path=("check", "size", *finding.path)) for finding in wrong.listed)
    return small, arms


def _unread(base: Validated) -> Iterable[Finding]:
    """Parameters that no policy reads, where all that says so is valid."""
    keys = ("support.policy", "support.parameters", "arms", "phases")
    return unread_parameters(base.scenario) if base.can_read(*keys) else ()


def _loaded(source: ScenarioSource, given: Given, *, small: bool = False) -> Loaded:
    """Validate, resolve, and read the roster and the follow graph; all faults at once, those of the small size too."""
    data = with_own_arm(source.data)
    found = _Findings()
    files = Files(
        roster=given.roster is not None or names_input(data, "roster"),
        graph=given.graph is not None or names_input(data, "follow_graph"),
    )
    base = validated(data, files)
    found.add(base.wrong)
    arms = _arms(base, files, found)
    inputs = read_inputs(base, source, given)
    if not base.is_hopeless:
        found.add([*inputs.wrong, *inputs.misfits(base)])
        found.add(_unread(base))
        for name, arm in arms.items():
            found.add(inputs.misfits(arm), name)
    is_valid = not found.listed and not inputs.faults
    check = base.scenario.check if is_valid else Check()
    if check.size:
        shrunk, arms_of_it = _shrunk(base, inputs, files, found)
        if small:
            base, arms = shrunk, arms_of_it
    if found.listed or inputs.faults:
        raise InputError(found.faults(source) + inputs.faults)
    inputs.fit(base.scenario)
    filled = _filled(base.scenario, inputs)
    filled_arms = {name: _filled(arm.scenario, inputs) for name, arm in arms.items()}
    patches = {arm: difference(_parts(filled), _parts(scenario)) for arm, scenario in filled_arms.items()}
    return Loaded(
        scenario=filled.model_copy(update={"arms": patches}),
        arms=filled_arms,
        roster=inputs.roster,
        inputs=source.sha256s() | inputs.sha256(),
        source=source,
        graph=inputs.graph,
        check=check,
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
    set: GivenSettings = (),
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
        A roster to use in place of the scenario's own; it may be anywhere. Its plain file name goes into the resolved
        scenario.
    graph
        A follow graph to use in place of the scenario's own: an edge list, which may be anywhere, a ``FollowGraph`` or
        a NetworkX graph.
    replications
        Takes the place of the file's number, from 1 to 100,000.
    set
        Values in place of the file's, by key: ``{"support.share": 0.2}``; or texts ``KEY=VALUE``.
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
    source = read_scenario(path, set)
    given = Given(roster, graph, None if encoding is None else encoding_named(encoding), suggested_columns)
    loaded = _loaded(source, given, small=small)
    if small and replications is None:
        replications = loaded.check.replications
    return loaded if replications is None else with_replications(loaded, int(replications))


def with_replications(loaded: Loaded, replications: int) -> Loaded:
    """The same with another number of replications, 1 or more."""
    change = {"replications": replications}
    arms = {name: arm.model_copy(update=change) for name, arm in loaded.arms.items()}
    return replace(loaded, scenario=loaded.scenario.model_copy(update=change), arms=arms)


def resolved(loaded: Loaded) -> dict[str, Any]:
    """The scenario without defaults, fit for JSON; ``from_resolved`` makes the same of it again.

    The order of its keys matters (tiers are in order from the highest down): write it without sorting them.
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
    return _loaded(resolved_source(data, RESOLVED), Given(roster, graph))


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a scenario file, for editors; rules across keys are not in it."""
    schema = Scenario.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "Headshare scenario"}
