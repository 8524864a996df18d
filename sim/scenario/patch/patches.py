"""Patches of a scenario: what one may contain, and how it is applied to the objects; knows no files and no lines."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

from sim.formatting import Path, nearest, suggestion
from sim.scenario.findings import Finding
from sim.scenario.schema.distributions import Section
from sim.scenario.schema.scenario import Scenario
from sim.scenario.schema.sections import valid_parts

__all__ = [
    "allowed",
    "allowed_in_size",
    "difference",
    "merged",
    "opened",
    "patched",
    "pruned",
    "replaces",
    "touched",
    "with_own_arm",
]

FIXED_RULE = "can't differ between arms, which have the same people and the same time"

FIXED: tuple[Path, ...] = (
    ("name",),
    ("title",),
    ("description",),
    ("extends",),
    ("seed",),
    ("horizon_days",),
    ("warmup_days",),
    ("replications",),
    ("population",),
    ("control",),
    ("arms",),
    ("claims",),
    ("fans", "count"),
    ("influencers", "count"),
    ("influencers", "roster"),
    ("influencers", "follow_graph"),
    ("influencers", "follow_graph_directed"),
    ("influencers", "follow_graph_columns"),
    ("influencers", "dirty_rows"),
    ("influencers", "encoding"),
    ("influencers", "columns"),
    ("segments", "*", "share"),
    ("segments", "*", "growth_per_year"),
    ("entry", "newcomers_per_month"),
)
"""Keys that no arm can patch, since all arms have the same people and the same time."""

NOT_A_SIZE = (
    "name",
    "title",
    "description",
    "extends",
    "control",
    "arms",
    "claims",
    "check",
    "replications",
    "population",
)
"""Keys that have nothing to do with a scenario's size when it is checked."""

GROUPS = {
    "segments": "a segment",
    "verticals": "a vertical",
    "agencies": "an agency group",
    "surfaces": "a surface",
    "phases": "a phase",
}
"""Tables whose entries are the same in every arm, at every size."""

DEPTH = 3
"""Keys on the longest path that a patch is refused at."""


def _tag(path: Path) -> str | None:
    """The key that tells the kinds of a distribution or an examination apart; None: the table has one kind."""
    if path[:2] == ("check", "size"):
        path = path[2:]
    for table in ("arms", "phases"):
        path = path[2:] if path[:1] == (table,) else path
    if len(path) == 3 and path[::2] == ("surfaces", "examination"):
        return "model"
    is_drawn = (len(path) == 2 and path[0] == "influencers") or (
        len(path) == 3 and path[::2] == ("agencies", "accounts")
    )
    return "kind" if is_drawn else None


def replaces(path: Path, base: Mapping[str, Any], patch: Mapping[str, Any]) -> bool:
    """Whether a table takes the place of another as a whole: it is of another kind, which has parameters of its own."""
    tag = _tag(path)
    return tag is not None and patch.get(tag, base.get(tag)) != base.get(tag)


def opened(table: Any) -> Any:
    """The table of a section, the sections inside as they are; anything else as it is."""
    return vars(table).copy() if isinstance(table, Section) else table


def merged(base: Any, patch: Any, path: Path = ()) -> Any:
    """The base with the patch applied: tables merge, everything else replaces. Neither is changed.

    A section is a table; those that the patch doesn't touch stay the same objects, which need no validation.

    >>> merged({"a": {"b": 1, "c": [1]}}, {"a": {"c": [2]}})
    {'a': {'b': 1, 'c': [2]}}
    """
    base = opened(base)
    if not (isinstance(base, dict) and isinstance(patch, dict)) or replaces(path, base, patch):
        return patch
    changed = {key: merged(base[key], entry, (*path, key)) if key in base else entry for key, entry in patch.items()}
    return {**base, **changed}


def touched(scenario: Scenario, patch: Mapping[str, Any]) -> dict[str, Any]:
    """The sections of a scenario that a patch touches, with the patch applied, not validated yet."""
    sections = vars(scenario)
    return {key: merged(sections[key], entry, (key,)) if key in sections else entry for key, entry in patch.items()}


def patched(scenario: Scenario, patch: Mapping[str, Any]) -> Scenario:
    """A scenario with a patch applied; the sections that the patch doesn't touch are the same objects.

    Raises
    ------
    ValidationError
        The patch has an unknown key, or a value that its key can't have.
    """
    return scenario.model_copy(update=valid_parts(Scenario, touched(scenario, patch))) if patch else scenario


def _is_same(first: Any, second: Any, path: Path) -> bool:
    """Whether equal values are the same: a parameter that is 1 is another than one that is true; no other key is."""
    if isinstance(first, dict):
        return all(_is_same(entry, second[key], (*path, key)) for key, entry in first.items())
    if ("support", "parameters") not in pairwise(path):
        return True
    if isinstance(first, list):
        return all(_is_same(*pair, path) for pair in zip(first, second, strict=True))
    return type(first) is type(second)


def difference(base: Mapping[str, Any], arm: Mapping[str, Any], path: Path = ()) -> dict[str, Any]:
    """The smallest patch with ``merged(base, patch) == arm``, where the arm has all keys that the base has.

    Sections are tables; the patch is plain data.

    >>> difference({"a": {"b": 1, "c": 2}, "d": 3}, {"a": {"b": 1, "c": 4}, "d": 3})
    {'a': {'c': 4}}
    """
    patch: dict[str, Any] = {}
    for key, entry in arm.items():
        inner = (*path, key)
        before = base.get(key)
        if key in base and before == entry and _is_same(before, entry, inner):
            continue
        old, new = opened(before), opened(entry)
        nested = isinstance(old, dict) and isinstance(new, dict) and not replaces(inner, old, new)
        patch[key] = difference(old, new, inner) if nested else _plain(entry)
    return patch


def _plain(entry: Any) -> Any:
    """The entry without sections in it."""
    if isinstance(entry, Section):
        return entry.model_dump()
    return {key: _plain(part) for key, part in entry.items()} if isinstance(entry, dict) else entry


def with_own_arm(data: dict[str, Any]) -> dict[str, Any]:
    """A file's data, where it has no arms but a support policy with the one arm that the platform then is.

    The arm has the policy's name and is the control, unless the file names one. The data aren't changed.

    >>> with_own_arm({"support": {"policy": "uniform"}})
    {'control': 'uniform', 'support': {'policy': 'uniform'}, 'arms': {'uniform': {}}}
    """
    support = data.get("support")
    policy = support.get("policy") if isinstance(support, dict) else None
    names_arms = any(nearest(key, ("arms",)) for key in data if key == "arms" or key not in Scenario.model_fields)
    if names_arms or not isinstance(policy, str) or policy == "none":
        return data
    return {"control": policy, **data, "arms": {policy: {}}}


def pruned(
    patch: Mapping[str, Any], refusal: Callable[[Path, Any], Finding | None]
) -> tuple[dict[str, Any], list[Finding]]:
    """The part of a patch that isn't refused, and the refusals, each of which is for all below it."""
    found: list[Finding] = []

    def kept(path: Path, entry: Any) -> Any:
        if not isinstance(entry, dict) or len(path) == DEPTH:
            return entry
        parts = {}
        for key, part in entry.items():
            refused = refusal((*path, key), part)
            if refused is None:
                parts[key] = kept((*path, key), part)
            else:
                found.append(refused)
        return parts

    return kept((), dict(patch)), found


def allowed(base: Mapping[str, Any], patch: Mapping[str, Any]) -> tuple[dict[str, Any], list[Finding]]:
    """The part of a patch that an arm may have, and findings (with paths inside the patch) on the rest."""

    def refusal(path: Path, entry: Any) -> Finding | None:
        pattern = (*path[:1], "*", *path[2:]) if len(path) == 3 else path
        if pattern in FIXED:
            return Finding(path, FIXED_RULE, entry)
        return _unknown_entry(base, path, "an arm")

    return pruned(patch, refusal)


def allowed_in_size(base: Mapping[str, Any], patch: Mapping[str, Any]) -> tuple[dict[str, Any], list[Finding]]:
    """The part of a patch that can make a scenario small, and findings (with paths inside the patch) on the rest."""

    def refusal(path: Path, entry: Any) -> Finding | None:
        if path[0] in NOT_A_SIZE:
            return Finding(path, "is no matter of a scenario's size", entry)
        return _unknown_entry(base, path, "a size")

    return pruned(patch, refusal)


def _unknown_entry(base: Mapping[str, Any], path: Path, patch: str) -> Finding | None:
    """A patch's entry in a table whose entries are fixed."""
    names = base.get(str(path[0])) if len(path) == 2 and path[0] in GROUPS else None
    if isinstance(names, dict) and path[1] not in names:
        return Finding(path, f"{patch} can't add {GROUPS[str(path[0])]}{suggestion(path[1], names)}")
    return None
