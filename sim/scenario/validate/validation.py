"""Judging a scenario's data: all that is wrong with them and with each phase; knows nothing of files or lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from pydantic import ValidationError

from sim.formatting import Path, shown
from sim.scenario.findings import MAX_FAULTS, Finding
from sim.scenario.patch.patches import opened
from sim.scenario.patch.phases import allowed_in_phase, in_phase, start_findings
from sim.scenario.read.toml_file import huge_integers
from sim.scenario.schema.scenario import Scenario
from sim.scenario.validate.faults import findings
from sim.scenario.validate.repair import related, repaired
from sim.scenario.validate.rules import broken_rules

__all__ = ["Validated", "alone", "mark", "validated"]


@dataclass(frozen=True)
class Validated:
    """A scenario, or as near to it as the data allow, with all that is wrong with them; ``touched`` are repaired."""

    scenario: Scenario | None
    wrong: list[Finding]
    touched: list[Path]


def mark(finding: Finding) -> tuple[Path, str, str]:
    """What tells findings apart."""
    return finding.path, finding.rule, shown(finding.value)


def alone(data: Mapping[str, Any], arm: str) -> dict[str, Any]:
    """The data of a scenario with nothing but the one arm, which patches nothing."""
    return {**data, "arms": {arm: {}}, "control": arm, "claims": {}}


def validated(
    data: Mapping[str, Any], *, has_roster: bool, has_graph: bool, base: Validated | None = None
) -> Validated:
    """Judge a scenario's data and each of its phases, once each what is wrong with them.

    Parameters
    ----------
    data
        A parsed file, or what a resolved scenario was written to. Not changed.
    has_roster, has_graph
        A roster or a follow graph is named by the data or given beside them.
    base
        Of an arm's data the scenario that they are a patch of: what is wrong with that isn't looked for again.

    Notes
    -----
    At most a few more findings than ``MAX_FAULTS``. The arms' own patches aren't validated.
    """
    told = set() if base is None else {mark(finding) for finding in base.wrong}
    touched = () if base is None else base.touched
    huge = [Finding(path, "must be a whole number of at most 64 bits", value) for path, value in huge_integers(data)]
    paths = [finding.path for finding in huge]
    whole = _judged(data, huge, has_roster, has_graph, None if base is None else base.scenario)
    whole = replace(whole, touched=[*whole.touched, *touched])
    if whole.scenario is None or len(whole.wrong) > MAX_FAULTS:
        return whole
    told |= {mark(finding) for finding in whole.wrong}
    found = (f for f in _phases(whole, has_roster, has_graph, told) if not related(f.path, [*paths, *whole.touched]))
    return Validated(whole.scenario, [*whole.wrong, *islice(found, MAX_FAULTS + 1)], whole.touched)


def _judged(
    data: Mapping[str, Any], huge: list[Finding], has_roster: bool, has_graph: bool, before: Scenario | None
) -> Validated:
    """The data validated but for their phases; ``huge`` are the integers that are too large.

    Rules that read only what ``before`` has too have been tried on it.
    """
    wrong, paths = list(huge), {finding.path for finding in huge}
    touched: list[Path] = []
    try:
        scenario = Scenario.model_validate(data)
    except ValidationError as error:
        others = (finding for finding in findings(error, data) if finding.path not in paths)
        wrong += islice(others, MAX_FAULTS + 1)
        mended = repaired(data, wrong) if len(wrong) <= MAX_FAULTS else None
        if mended is None:
            return Validated(None, wrong, [])
        scenario, touched = mended
    broken = broken_rules(scenario, has_roster=has_roster, has_graph=has_graph, before=before)
    wrong += [finding for finding in broken if not related(finding.path, [*paths, *touched])]
    return Validated(scenario, wrong, touched)


def _phases(base: Validated, has_roster: bool, has_graph: bool, told: set[tuple[Path, str, str]]) -> Iterator[Finding]:
    """What is wrong with a phase but neither with the scenario nor with a phase before it, nor ``told``."""
    assert base.scenario is not None
    phases = base.scenario.phases
    horizon = None if related(("horizon_days",), base.touched) else base.scenario.horizon_days
    yield from start_findings(phases, horizon)
    before = base.scenario
    data = alone(opened(before), "none")
    touched = list(base.touched)
    for name, patch in phases.items():
        kept, refused = allowed_in_phase(data, patch)
        touched = [path for path in touched if not _gives(kept, path)]
        phase = _judged(in_phase(data, kept), [], has_roster, has_graph, before)
        for finding in (*refused, *phase.wrong):
            if mark(finding) not in told and not related(finding.path, touched):
                told.add(mark(finding))
                yield finding._replace(path=("phases", name, *finding.path))
        if phase.scenario is None:
            return
        touched += phase.touched
        before = phase.scenario
        data = opened(before)


def _gives(patch: Any, path: Path) -> bool:
    """Whether a patch gives a value of its own at the path, not a table that is laid over another."""
    for key in path:
        if not isinstance(patch, dict) or key not in patch:
            return False
        patch = patch[key]
    return not isinstance(patch, dict)
