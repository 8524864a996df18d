"""Rules of a claim that concern more than one of its keys; knows nothing of files, lines or the arms' content."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import chain
from typing import Any, get_args

from sim.errors import named
from sim.formatting import one_of, suggestion
from sim.scenario.findings import Finding
from sim.scenario.schema.claim import Claim
from sim.scenario.schema.measurable import GROUPS, Measurable, known_groups, known_windows

__all__ = ["claim_findings"]


def claim_findings(claim: Claim, *, has_roster: bool = False) -> Iterator[Finding]:
    """What a claim can't be tested for, paths inside the claim: nothing to compare with, or nothing that is measured.

    The first rule broken on what is compared, and the first on what is measured. With a roster a group may name one of
    its columns, which ``roster_groups`` validates.
    """
    yield from _comparison(claim)
    yield from _measured(claim, has_roster)


def _comparison(claim: Claim) -> Iterator[Finding]:
    if claim.group is None and claim.baseline_group is not None:
        yield Finding(("group",), "is required with a baseline_group")
    elif claim.control is None and claim.baseline_group is None:
        yield Finding(("control",), "is required without a baseline_group, or there is nothing to compare with")
    elif claim.group is not None and claim.group == claim.baseline_group:
        yield Finding(("baseline_group",), "must differ from the claim's group", claim.baseline_group)


def _group_rule(group: str, level: str, has_roster: bool) -> str | None:
    """The rule that a group breaks at a level, None: it is known there, or a column's if the roster has it."""
    groups, known = known_groups(level), [*chain(*GROUPS.values())]
    if group in groups:
        return None
    is_column = "=" in group
    if group not in known and not is_column and not (has_roster and level == "influencer"):
        near = suggestion(group, known) or ("; a column needs a roster" if level == "influencer" else "")
        return f"must be one of {one_of(known)}{near}"
    if group in known or level != "influencer":
        there = f"must be one of {one_of(groups)}" if groups else "must be left out"
        return f"{there} at level {level}"
    if not all(group.split("=", 1)):
        return "must be COLUMN=VALUE, a column of the roster and a value in it"
    given = named("roster", "FILE")
    return None if has_roster else f"needs a roster (influencers.roster, or {given}), whose column it names"


def _measured(claim: Claim, has_roster: bool) -> Iterator[Finding]:
    level, quantity, known = claim.level, claim.quantity, Measurable.here()
    given: list[tuple[str, str]] = [
        (key, value) for key in ("group", "baseline_group") if (value := getattr(claim, key)) is not None
    ]
    for key, group in given:
        if rule := _group_rule(group, level, has_roster):
            yield Finding((key,), rule, group)
            return
    if given and claim.population != "all":
        yield Finding(("population",), "must be left out with a group", claim.population)
        return
    if claim.population not in known.populations(level):
        rule = f"must be one of {_claimable('population', known.populations(level))} at level {level}"
        yield Finding(("population",), rule, claim.population)
        return
    # With groups it is them that are measured, each in the same way.
    for population in [group for _, group in given] or [claim.population]:
        whose = "" if population == "all" else f" {population}"
        quantities = known.quantities(level, population)
        if quantity not in quantities:
            rule = f"must be one of {_claimable('quantity', quantities)}{whose and f' for{whose}'} at level {level}"
            yield Finding(("quantity",), rule, quantity)
            return
        if rule := _measure_rule(claim, population, f"{quantity}{whose and f' of{whose}'} at level {level}", known):
            yield Finding(("measure",), rule, claim.measure)
            return
    windows = known_windows(quantity)
    if not windows and claim.window != Claim.model_fields["window"].default:
        yield Finding(("window",), f"must be left out for {quantity}, measured at the end", claim.window)
    if windows and claim.window not in windows:
        yield Finding(("window",), f"must be one of {one_of(windows)} for {quantity}", claim.window)


def _measure_rule(claim: Claim, population: str, what: str, known: Measurable) -> str | None:
    """The rule that a claim's measure breaks, None: it is measured of the population."""
    names = [name for name in known.measures_of(claim.level, population, claim.quantity) if name in known.names()]
    if claim.measure in names:
        return None
    rule = f"must be one of {one_of(names)} for {what}"
    if claim.measure in known.names():
        return rule
    how = named("plugin", "FILE.py", python="@sim.measure")
    return f"{rule}{suggestion(claim.measure, names)}; a measure of your own comes with {how}"


def _claimable(key: str, names: Collection[str]) -> str:
    """Those of the names that a claim's key can have."""
    choices: tuple[Any, ...] = get_args(Claim.model_fields[key].annotation)
    return one_of(name for name in names if name in choices)
