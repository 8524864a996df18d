"""Judging a scenario's data: all that is wrong with them and with each phase; knows nothing of files or lines."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from pydantic import ValidationError

from sim.scenario.checks import checks
from sim.scenario.faults import MAX_FAULTS, Finding, findings
from sim.scenario.phases import allowed_in_phase, in_phase, start_findings
from sim.scenario.repair import related, repaired
from sim.scenario.scenario import Scenario
from sim.scenario.source import huge_integers
from sim.scenario.words import Path, shown

__all__ = ["Judged", "alone", "judged", "mark"]


@dataclass(frozen=True)
class Judged:
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


def judged(data: Mapping[str, Any], *, has_roster: bool, has_graph: bool, touched: Collection[Path] = ()) -> Judged:
    """Judge a scenario's data and each of its phases, once each what is wrong with them.

    Parameters
    ----------
    data
        A parsed file, or what a resolved scenario was written to. Not changed.
    has_roster, has_graph
        A roster or a follow graph is named by the data or given beside them.
    touched
        Where the data were repaired before.

    Notes
    -----
    At most a few more findings than ``MAX_FAULTS``. The arms' own patches aren't judged.
    """
    huge = [Finding(path, "must be a whole number of at most 64 bits", value) for path, value in huge_integers(data)]
    paths = [finding.path for finding in huge]
    base = _judged(data, huge, has_roster, has_graph)
    base = replace(base, touched=[*base.touched, *touched])
    if base.scenario is None or len(base.wrong) > MAX_FAULTS:
        return base
    found = (f for f in _phases(base, has_roster, has_graph) if not related(f.path, [*paths, *base.touched]))
    return Judged(base.scenario, [*base.wrong, *islice(found, MAX_FAULTS + 1)], base.touched)


def _judged(data: Mapping[str, Any], huge: list[Finding], has_roster: bool, has_graph: bool) -> Judged:
    """The data judged but for their phases; ``huge`` are the integers that are too large."""
    wrong, paths = list(huge), {finding.path for finding in huge}
    touched: list[Path] = []
    try:
        scenario = Scenario.model_validate(data)
    except ValidationError as error:
        others = (finding for finding in findings(error, data) if finding.path not in paths)
        wrong += islice(others, MAX_FAULTS + 1)
        mended = repaired(data, wrong) if len(wrong) <= MAX_FAULTS else None
        if mended is None:
            return Judged(None, wrong, [])
        scenario, touched = mended
    broken = checks(scenario, has_roster=has_roster, has_graph=has_graph)
    wrong += [finding for finding in broken if not related(finding.path, [*paths, *touched])]
    return Judged(scenario, wrong, touched)


def _phases(base: Judged, has_roster: bool, has_graph: bool) -> Iterator[Finding]:
    """What is wrong with a phase but neither with the scenario nor with a phase before it."""
    assert base.scenario is not None
    phases = base.scenario.phases
    horizon = None if related(("horizon_days",), base.touched) else base.scenario.horizon_days
    yield from start_findings(phases, horizon)
    data = alone(base.scenario.model_dump(), "none") if phases else {}
    told = {mark(finding) for finding in base.wrong}
    touched = list(base.touched)
    for name, patch in phases.items():
        kept, refused = allowed_in_phase(data, patch)
        touched = [path for path in touched if not _gives(kept, path)]
        phase = _judged(in_phase(data, kept), [], has_roster, has_graph)
        for finding in (*refused, *phase.wrong):
            if mark(finding) not in told and not related(finding.path, touched):
                told.add(mark(finding))
                yield finding._replace(path=("phases", name, *finding.path))
        if phase.scenario is None:
            return
        touched += phase.touched
        data = phase.scenario.model_dump()


def _gives(patch: Any, path: Path) -> bool:
    """Whether a patch gives a value of its own at the path, not a table that is laid over another."""
    for key in path:
        if not isinstance(patch, dict) or key not in patch:
            return False
        patch = patch[key]
    return not isinstance(patch, dict)
