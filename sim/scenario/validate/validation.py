"""Judging a scenario's data: all that is wrong with them and with each phase; knows nothing of files or lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from sim.formatting import Path, shown
from sim.scenario.findings import MAX_FAULTS, Finding
from sim.scenario.patch.patches import opened, touched
from sim.scenario.patch.phases import START, allowed_in_phase, start_findings
from sim.scenario.read.toml_file import huge_integers
from sim.scenario.schema.scenario import Scenario
from sim.scenario.schema.sections import made_of, valid_parts
from sim.scenario.validate.faults import findings
from sim.scenario.validate.faulty import NOWHERE, Faulty, faulty_paths
from sim.scenario.validate.rules import broken_rules
from sim.scenario.validate.valid_part import valid_sections

__all__ = ["Files", "Validated", "alone", "mark", "validated", "validated_patch"]

Mark = tuple[Path, str, str]
NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Validated:
    """A scenario without what is wrong in its data, and all that is wrong with them; ``faulty`` is what it lacks."""

    scenario: Scenario
    wrong: list[Finding]
    faulty: Faulty

    @property
    def is_hopeless(self) -> bool:
        """Whether so much is wrong that nothing further is looked at."""
        return len(self.wrong) > MAX_FAULTS

    def can_read(self, *keys: str) -> bool:
        """Whether these keys, dotted, are as the file has them."""
        return not any(self.faulty.hides(tuple(key.split("."))) for key in keys)


@dataclass(frozen=True)
class Files:
    """Which files a scenario has, whether it names them or they are given with it."""

    roster: bool = False
    graph: bool = False


def mark(finding: Finding) -> Mark:
    """What tells findings apart."""
    return finding.path, finding.rule, shown(finding.value)


def alone(arm: str) -> dict[str, Any]:
    """The sections that make an arm a scenario with nothing but this one arm, which patches nothing."""
    return {"arms": {arm: {}}, "control": arm, "claims": {}}


def validated(data: Mapping[str, Any], files: Files = Files()) -> Validated:
    """Judge a scenario's data and each of its phases, once each what is wrong with them.

    Parameters
    ----------
    data
        A parsed file, or what a resolved scenario was written to. Not changed.
    files
        Which files it has.

    Notes
    -----
    At most a few more findings than ``MAX_FAULTS``. The arms' own patches aren't validated.
    """
    return _with_phases(_judged(data, files, None), files, set())


def validated_patch(
    base: Validated, patch: Mapping[str, Any], files: Files, own: Mapping[str, Any] = NOTHING
) -> Validated:
    """Judge a patch of a scenario, and each phase on top of it; what is wrong with the base isn't reported again.

    Parameters
    ----------
    base
        What is patched.
    patch
        Only what a patch may have; sections that it doesn't touch aren't validated again. Not changed.
    files
        Which files the scenario has.
    own
        Sections that take the place of the base's and are known to be valid.
    """
    whole = _patched(base, patch, files, own)
    return _with_phases(whole, files, {mark(finding) for finding in base.wrong})


def _patched(base: Validated, patch: Mapping[str, Any], files: Files, own: Mapping[str, Any]) -> Validated:
    scenario = base.scenario.model_copy(update=dict(own))
    return _judged(touched(scenario, patch), files, replace(base, scenario=scenario, faulty=base.faulty.left_by(patch)))


def _judged(table: Mapping[str, Any], files: Files, before: Validated | None) -> Validated:
    """Judge sections without their phases; those that the table doesn't have are those of ``before``.

    Rules that read only what ``before`` has too have been tried on it.
    """
    huge = huge_integers(table)
    wrong = [Finding(path, "must be a whole number of at most 64 bits", value) for path, value in huge]
    paths = {path for path, _ in huge}
    sections: dict[str, Any] | None = None
    try:
        sections = valid_parts(Scenario, table)
    except ValidationError as error:
        others = (finding for finding in findings(error, table) if finding.path not in paths)
        wrong += islice(others, MAX_FAULTS + 1)
    if before is None:
        required = (key for key, field in Scenario.model_fields.items() if field.is_required() and key not in table)
        wrong += [Finding((key,), "is required") for key in required]
        before = Validated(made_of(Scenario, {}), [], NOWHERE)
        tried = None
    else:
        tried = before.scenario
    if len(wrong) > MAX_FAULTS:
        return replace(before, wrong=wrong)
    faulty = faulty_paths(wrong, table) if wrong else NOWHERE
    if sections is None or faulty:
        sections = valid_sections(Scenario, table, faulty)
    scenario = before.scenario.model_copy(update=sections)
    for path in faulty.paths:
        if path[0] not in sections:
            vars(scenario).pop(str(path[0]), None)  # as it was before, or a default
    wrong = [finding for finding in wrong if not before.faulty.touches(finding.path)]
    known = faulty | before.faulty
    broken = broken_rules(scenario, has_roster=files.roster, has_graph=files.graph, before=tried, faulty=known)
    return Validated(scenario, wrong + broken, known)


def _with_phases(whole: Validated, files: Files, seen: set[Mark]) -> Validated:
    """The same with what is wrong with its phases, but for what was seen before."""
    if whole.is_hopeless or whole.faulty.is_at(("phases",)):
        return whole
    seen |= {mark(finding) for finding in whole.wrong}
    return replace(whole, wrong=[*whole.wrong, *islice(_phases(whole, files, seen), MAX_FAULTS + 1)])


def _phases(base: Validated, files: Files, seen: set[Mark]) -> Iterator[Finding]:
    """What is wrong with a phase but neither with the scenario nor with a phase before it, nor was seen."""
    faulty, scenario = base.faulty, base.scenario
    phases = {name: patch for name, patch in scenario.phases.items() if not faulty.is_at(("phases", name))}
    horizon = None if faulty.touches(("horizon_days",)) else scenario.horizon_days
    yield from (finding for finding in start_findings(phases, horizon) if not faulty.covers(finding.path))
    before = replace(base, scenario=scenario.model_copy(update=alone("none")))
    for name, patch in phases.items():
        kept, refused = allowed_in_phase(opened(before.scenario), patch)
        changes = {key: entry for key, entry in kept.items() if key != START}
        phase = _patched(before, changes, files, {"phases": {}})
        for finding in (*refused, *phase.wrong):
            path = ("phases", name, *finding.path)
            if mark(finding) not in seen and not faulty.covers(path):
                seen.add(mark(finding))
                yield finding._replace(path=path)
        if phase.is_hopeless:
            return
        before = phase
