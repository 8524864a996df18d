"""Arms as patches of the base scenario: what a patch may say, how it is laid over; knows nothing of files or lines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sim.scenario.faults import Finding
from sim.scenario.words import Path, suggestion

__all__ = ["allowed", "difference", "merged"]

FIXED_RULE = "can't differ between arms, which have the same people and the same time"

FIXED: tuple[Path, ...] = (
    ("name",),
    ("title",),
    ("description",),
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
    ("influencers", "dirty_rows"),
    ("segments", "*", "share"),
    ("segments", "*", "growth_per_year"),
)
"""Keys that no arm can patch, since all arms have the same people and the same time."""

GROUPS = {"segments": "segment", "verticals": "vertical", "agencies": "agency group", "surfaces": "surface"}
"""Tables whose entries are the same in every arm."""


def _tag(path: Path) -> str | None:
    """The key that tells the kinds of a distribution or an examination apart; None: the table has one kind."""
    if len(path) == 3 and path[::2] == ("surfaces", "examination"):
        return "model"
    is_drawn = (len(path) == 2 and path[0] == "influencers") or (
        len(path) == 3 and path[::2] == ("agencies", "accounts")
    )
    return "kind" if is_drawn else None


def _replaces(path: Path, base: Mapping[str, Any], patch: Mapping[str, Any]) -> bool:
    """Whether the patch is a table of another kind, to which the base's parameters mean nothing."""
    tag = _tag(path)
    return tag is not None and patch.get(tag, base.get(tag)) != base.get(tag)


def merged(base: Any, patch: Any, path: Path = ()) -> Any:
    """The base with the patch laid over it: tables merge, everything else replaces. Neither is changed.

    >>> merged({"a": {"b": 1, "c": [1]}}, {"a": {"c": [2]}})
    {'a': {'b': 1, 'c': [2]}}
    """
    if not (isinstance(base, dict) and isinstance(patch, dict)) or _replaces(path, base, patch):
        return patch
    laid = {key: merged(base[key], entry, (*path, key)) if key in base else entry for key, entry in patch.items()}
    return {**base, **laid}


def difference(base: Mapping[str, Any], arm: Mapping[str, Any], path: Path = ()) -> dict[str, Any]:
    """The smallest patch with ``merged(base, patch) == arm``, where the arm has all keys that the base has.

    >>> difference({"a": {"b": 1, "c": 2}, "d": 3}, {"a": {"b": 1, "c": 4}, "d": 3})
    {'a': {'c': 4}}
    """
    patch: dict[str, Any] = {}
    for key, entry in arm.items():
        inner = (*path, key)
        before = base.get(key)
        if key in base and before == entry:
            continue
        nested = isinstance(before, dict) and isinstance(entry, dict) and not _replaces(inner, before, entry)
        patch[key] = difference(before, entry, inner) if nested and isinstance(before, dict) else entry
    return patch


def allowed(base: Mapping[str, Any], patch: Mapping[str, Any]) -> tuple[dict[str, Any], list[Finding]]:
    """The part of a patch that an arm may say, and findings (with paths inside the patch) on the rest."""
    found: list[Finding] = []

    def kept(path: Path, entry: Any) -> bool:
        pattern = (*path[:1], "*", *path[2:]) if len(path) == 3 else path
        if pattern in FIXED:
            found.append(Finding(path, FIXED_RULE, entry))
            return False
        if len(path) == 2 and path[0] in GROUPS:
            names = base.get(str(path[0]))
            if isinstance(names, dict) and path[1] not in names:
                rule = f"an arm can't add a {GROUPS[str(path[0])]}{suggestion(path[1], names)}"
                found.append(Finding(path, rule.replace("a agency", "an agency")))
                return False
        return True

    def pruned(path: Path, entry: Any) -> Any:
        if not isinstance(entry, dict) or len(path) >= 3:
            return entry
        return {key: pruned((*path, key), part) for key, part in entry.items() if kept((*path, key), part)}

    return pruned((), dict(patch)), found
