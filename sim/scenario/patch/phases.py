"""Phases as patches of a scenario, each on top of those before it; knows no files, lines or models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sim.formatting import Path, escaped, suggestion
from sim.scenario.findings import Finding, InWords
from sim.scenario.patch.patches import merged, opened, patched, pruned
from sim.scenario.schema.people import Segment
from sim.scenario.schema.scenario import Scenario
from sim.scenario.schema.surface_kinds import KINDS

__all__ = [
    "START",
    "allowed_in_phase",
    "crossing",
    "phase_scenarios",
    "policies_of",
    "start_findings",
    "support_at_end",
    "with_support_shares",
]

START = "start_day"

SECTIONS = ("support", "services", "economy", "contracts", "live", "entry", "surfaces", "segments")
"""Sections that a phase can patch."""

RULE = "can't change in a phase"

FIXED: dict[Path, str] = {
    ("support", "share"): f"{RULE}; patch surfaces.NAME.support_share",
    ("support", "review_days"): RULE,
    ("contracts", "review_days"): RULE,
    ("entry", "newcomers_per_month"): f"{RULE}; patch entry.opens",
    ("surfaces", "*", "kind"): RULE,
    ("surfaces", "*", "refresh_minutes"): RULE,
}
"""Keys of these sections that no phase can patch: they say who exists, or when something happens."""

MOST_CROSSINGS = 1_000
MOST_VALUES = 10_000
"""Bounds on a scenario's arms times its phases, and times the values in these, so that it is validated quickly."""

GROUPS: dict[Path, str] = {("surfaces",): "surface", ("segments",): "segment", ("support", "tiers"): "tier"}
"""Tables whose entries are the same in every phase."""


def with_support_shares(scenario: Scenario) -> Scenario:
    """The scenario with the support shares of its surfaces filled in."""
    shares = {
        name: scenario.support.share if KINDS[surface.kind].has("support_share") else 0.0
        for name, surface in scenario.surfaces.items()
        if surface.support_share is None or not KINDS[surface.kind].has("support_share")
    }
    filled = {
        name: scenario.surfaces[name].model_copy(update={"support_share": share}) for name, share in shares.items()
    }
    return scenario.model_copy(update={"surfaces": {**scenario.surfaces, **filled}}) if filled else scenario


def phase_scenarios(scenario: Scenario) -> list[tuple[int, Scenario]]:
    """The scenarios in force from the start of each phase on, in order.

    Parameters
    ----------
    scenario
        A resolved scenario, of an arm or of the base, that breaks no rule. Not changed.

    Returns
    -------
    list[tuple[int, Scenario]]
        For each phase the day of its start, >= 0, ascending, and the resolved scenario, which has no phases; empty
        without phases.

    Notes
    -----
    O(phases times keys); what a phase doesn't patch is shared. No random numbers.
    """
    found: list[tuple[int, Scenario]] = []
    for patch in scenario.phases.values():
        changes = {key: entry for key, entry in patch.items() if key != START}
        scenario = with_support_shares(patched(scenario, changes)).model_copy(update={"phases": {}})
        found.append((patch[START], scenario))
    return found


def crossing(scenario: Scenario) -> Finding | None:
    """What is wrong where a scenario has too many arms for its phases, each of which is applied to each arm."""
    n_arms, n_phases = len(scenario.arms), len(scenario.phases)
    n_values = sum(map(_n_values, scenario.phases.values()))
    if n_arms * n_phases > MOST_CROSSINGS:
        rule = f"arms x phases must be at most {MOST_CROSSINGS}"
        return Finding(("phases",), rule, InWords(f"{n_arms} arms x {n_phases} phases"))
    if n_arms * n_values > MOST_VALUES:
        rule = f"arms x values that phases give must be at most {MOST_VALUES}"
        return Finding(("phases",), rule, InWords(f"{n_arms} arms x {n_values} values"))
    return None


def _n_values(patch: Any) -> int:
    if isinstance(patch, dict):
        return sum(map(_n_values, patch.values()))
    return sum(map(_n_values, patch)) if isinstance(patch, list) else 1


def support_at_end(data: Mapping[str, Any], arm: str) -> dict[str, Any]:
    """The table ``support`` of an arm in its last phase, from a whole resolved scenario's table."""
    table = merged(data, data["arms"][arm])
    support: dict[str, Any] = table["support"]
    for patch in table["phases"].values():
        support = merged(support, patch.get("support", {}))
    return support


def policies_of(scenario: Scenario) -> list[str]:
    """Names of the support policies that a scenario has from its start on and by its phases, each once."""
    patches = (patch.get("support", {}) for patch in scenario.phases.values())
    return list(dict.fromkeys([scenario.support.policy, *(p["policy"] for p in patches if "policy" in p)]))


def allowed_in_phase(base: Mapping[str, Any], patch: Mapping[str, Any]) -> tuple[dict[str, Any], list[Finding]]:
    """The part of a patch that a phase may have, and findings (with paths inside the patch) on the rest."""

    def refusal(path: Path, entry: Any) -> Finding | None:
        if len(path) == 1 and path[0] not in SECTIONS:
            if path[0] == START:
                return None
            known = f"; known here: {START}, {', '.join(SECTIONS)}"
            unknown = f"unknown key{suggestion(path[0], (START, *SECTIONS)) or known}"
            return Finding(path, RULE if path[0] in Scenario.model_fields else unknown)
        if len(path) == 3 and path[0] == "segments" and path[2] != "buying" and path[2] in Segment.model_fields:
            return Finding(path, f"{RULE}; of a segment only buying can", entry)
        rule = FIXED.get((path[0], "*", path[2]) if len(path) == 3 else path)
        if rule is not None:
            return Finding(path, rule, entry)
        names: Any = base
        for key in path[:-1]:
            names = opened(names.get(key)) if isinstance(names, dict) else None
        if path[:-1] in GROUPS and isinstance(names, dict) and path[-1] not in names:
            return Finding(path, f"a phase can't add a {GROUPS[path[:-1]]}{suggestion(path[-1], names)}")
        return None

    return pruned(patch, refusal)


def start_findings(phases: Mapping[str, Mapping[str, Any]], horizon_days: int | None) -> Iterator[Finding]:
    """What is wrong with the days on which phases start, paths from the scenario; a horizon of None isn't tested."""
    before: tuple[int, str] | None = None
    for name, patch in phases.items():
        path, day = ("phases", name, START), patch.get(START)
        if START not in patch:
            yield Finding(path, "is required")
        elif not isinstance(day, int) or isinstance(day, bool):
            yield Finding(path, "must be a whole number", day)
        elif day < 0:
            yield Finding(path, "must be >= 0", day)
        elif horizon_days is not None and day >= horizon_days:
            yield Finding(path, f"must be < horizon_days, {horizon_days}", day)
        elif before is not None and day <= before[0]:
            rule = f"must be > {before[0]}, where the phase before it, `{escaped(before[1])}`, starts"
            yield Finding(path, rule, day)
        else:
            before = day, name
