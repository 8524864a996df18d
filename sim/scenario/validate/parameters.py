"""The free table ``support.parameters``: what it may contain, and that a policy reads it; knows no files or lines."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from sim.formatting import Path, shown
from sim.registry import built_in
from sim.scenario.findings import Finding
from sim.scenario.patch.patches import merged
from sim.scenario.schema.platform import MAX_ENTRIES
from sim.scenario.schema.scenario import Scenario

__all__ = ["parameter_findings", "unread_parameters"]

PLACE: Path = ("support", "parameters")


def parameter_findings(name: str, value: object) -> Iterator[Finding]:
    """What is wrong with the value of a parameter, paths from the scenario."""
    path = (*PLACE, name)
    if not isinstance(value, list):
        yield from _value_findings(path, value, ", or a list of those")
    elif len(value) > MAX_ENTRIES:
        yield Finding(path, f"must have at most {MAX_ENTRIES} entries", len(value))
    else:
        for i, entry in enumerate(value):
            yield from _value_findings((*path, i), entry)


def _value_findings(path: Path, value: object, also: str = "") -> Iterator[Finding]:
    if isinstance(value, float) and not math.isfinite(value):
        yield Finding(path, "must be a finite number", value)
    elif isinstance(value, str) and len(value) > MAX_ENTRIES:
        yield Finding(path, f"must have at most {MAX_ENTRIES} characters", len(value))
    elif not isinstance(value, str | int | float):
        yield Finding(path, f"must be a number, a text in quotes, true or false{also}", value)


def unread_parameters(scenario: Scenario) -> Iterator[Finding]:
    """Tables of parameters that are set where no policy of the user's own reads them, paths from the scenario.

    Those of the base are for all arms: some arm must have such a policy, from its start on or in a phase. Those of an
    arm are for it alone.
    """
    base = {"support": {"policy": scenario.support.policy}, "phases": scenario.phases}
    built_in = {name: _built_in(merged(base, _of_support(patch))) for name, patch in scenario.arms.items()}
    for name, policies in built_in.items():
        if policies:
            rule = f"must be left out: the arm's policy, {policies}, is built in and reads none"
            yield from _set_places(scenario.arms[name], ("arms", name), rule)
    if all(built_in.values()):
        rule = "must be left out: all arms have policies that are built in and read none"
        own = {"support": {"parameters": scenario.support.parameters}, "phases": scenario.phases}
        yield from _set_places(own, (), rule)


def _of_support(patch: Mapping[str, Any]) -> dict[str, Any]:
    """What a patch says of support, from its start on and by phases."""
    return {key: patch[key] for key in ("support", "phases") if isinstance(patch.get(key), dict)}


def _supports(table: Mapping[str, Any]) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The tables ``support`` of a scenario or patch, those of its phases too."""
    phases = table.get("phases")
    named = {(): table} | {("phases", n): p for n, p in (phases.items() if isinstance(phases, dict) else ())}
    for path, part in named.items():
        if isinstance(part, dict) and isinstance(part.get("support"), dict):
            yield path, part["support"]


def _built_in(table: Mapping[str, Any]) -> str:
    """The policies in words, where all of them are built in; else nothing."""
    names = [support["policy"] for _, support in _supports(table) if "policy" in support]
    known = [*built_in("policy")]  # a faulty name may be of any type, and needn't be hashable
    return ", ".join(dict.fromkeys(map(shown, names))) if all(name in known for name in names) else ""


def _set_places(table: Mapping[str, Any], path: Path, rule: str) -> Iterator[Finding]:
    for place, support in _supports(table):
        if support.get("parameters"):
            yield Finding((*path, *place, *PLACE), rule, support["parameters"])
