"""Stand-ins for faulty values, so that the rest of a file can be validated too; nothing repaired is ever run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, get_args, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from sim.formatting import Path, nearest
from sim.scenario.findings import Finding
from sim.scenario.schema.scenario import Scenario
from sim.scenario.validate.faults import expected, fields_of, findings, kinds_of, members_of, tag_of

__all__ = ["related", "repaired"]

ROUNDS = 4
"""A stand-in for a table lacks its required keys, which the next round sees: as deep as tables nest."""

NAMED_ELSEWHERE = ("arms", "verticals")
"""Tables whose names other tables use: without them, what those say can't be validated."""

PATCHES = (("arms",), ("phases",))
"""Tables of patches."""


def _stand_in(annotation: Any) -> Any:
    """A value of the type. 1 lies within the bounds of every number of the models."""
    first = members_of(annotation)[0]
    if get_origin(first) is Literal:
        return get_args(first)[-1]
    if tag_of(annotation) == "kind" or first in (int, float):
        return 1
    if first in (str, bool):
        return "x" if first is str else False
    if get_origin(first) is list:
        return []
    return {"x": {}} if get_origin(first) is dict and fields_of(get_args(first)[1]) else {}


def _field(path: Path) -> FieldInfo | None:
    return fields_of(expected(path[:-1])[0]).get(str(path[-1]))


def _fix(data: dict[str, Any], path: Path) -> dict[str, Any]:
    """A copy of the data with a stand-in, or nothing, at the path."""
    copy: dict[str, Any] = dict(data)
    here: Any = copy
    field = _field(path)
    in_section = bool(fields_of(expected(path[:-1])[0]))
    try:
        for part in path[:-1]:
            here[part] = here[part].copy()
            here = here[part]
        if in_section and (field is None or not field.is_required()):
            here.pop(path[-1], None)
        else:
            here[path[-1]] = _stand_in(expected(path)[0])
    except (AttributeError, LookupError, TypeError):
        return data  # a stand-in has taken the place of what held the fault
    return copy


def related(path: Path, touched: Iterable[Path]) -> bool:
    """Whether a path lies above or below one of those touched."""
    return any(path[: len(other)] == other[: len(path)] for other in touched)


def repaired(data: Mapping[str, Any], found: Iterable[Finding]) -> tuple[Scenario, list[Path]] | None:
    """A valid scenario as near to the data as can be, and the paths where it differs; None where it can't be had.

    What is found wrong with it at a ``related`` path is the repair's fault, all else the file's.
    """
    mended = dict(data)
    touched: list[Path] = []
    wrong = list(found)
    for _ in range(ROUNDS):
        for finding in wrong:
            # A distribution with a fault is replaced as a whole: its keys depend on its kind.
            path = finding.path[:-1] if kinds_of(expected(finding.path[:-1])[0]) else finding.path
            if len(path) == 1 and (path[0] in NAMED_ELSEWHERE or nearest(path[0], NAMED_ELSEWHERE)):
                return None
            in_patch = path[:1] in PATCHES and len(path) > 2  # validated with its arm or phase
            if path not in touched and not in_patch:
                mended = _fix(mended, path)
                touched.append(path)
                if len(path) == 3 and path[::2] == ("surfaces", "kind"):
                    touched.append(path[:2])  # each kind has rules of its own
        try:
            return Scenario.model_validate(mended), touched
        except ValidationError as error:
            wrong = list(findings(error, mended))
    return None
