"""Findings on a scenario become faults with file, line, path, rule, value; knows nothing of what a run does with it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from sim.errors import Fault
from sim.formatting import Path, one_of, shown, suggestion
from sim.scenario.findings import NO_VALUE, Finding, InWords
from sim.scenario.patch.places import Places
from sim.scenario.schema.distributions import Section
from sim.scenario.schema.platform import Ranking
from sim.scenario.schema.scenario import Scenario

__all__ = [
    "expected",
    "faults",
    "fields_of",
    "findings",
    "kinds_of",
    "members_of",
    "tag_of",
]

_DIMENSIONLESS = {"sigma", "exponent", "kind"}
_COMPARED = {"greater_than": (">", "gt"), "greater_than_equal": (">=", "ge"), "less_than": ("<", "lt")}
_COMPARED["less_than_equal"] = ("<=", "le")
_TYPES = {
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "string_type": "must be a text in quotes",
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "model_attributes_type": "must be a table",
    "list_type": "must be a list",
    "finite_number": "must be a finite number",
    "string_pattern_mismatch": "must be 1 to 100 letters, digits, `.`, `_` or `-`, the first a letter or digit",
}
_RENAMED = {(Ranking, "offset"): "`offset_people` now, in people: offset x people_per_fan"}
"""Keys of earlier versions, by their table, and what they are called now."""
_NO_TABLE = {"model_type", "model_attributes_type", "union_tag_not_found"}


def members_of(annotation: Any) -> tuple[Any, ...]:
    """The alternatives of a type, None left out."""
    if get_origin(annotation) is Annotated:
        return members_of(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return tuple(m for part in get_args(annotation) for m in members_of(part) if m is not type(None))
    return (annotation,)


def _is_section(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Section)


def fields_of(annotation: Any) -> dict[str, FieldInfo]:
    """The keys that a table of this type may have; of a distribution, those of any kind."""
    return {key: field for m in members_of(annotation) if _is_section(m) for key, field in m.model_fields.items()}


def tag_of(annotation: Any) -> str | None:
    """The key that tells the kinds of a table apart: of a distribution ``kind``, of an examination ``model``."""
    members = members_of(annotation)
    if len(members) < 2 or not all(_is_section(m) for m in members):
        return None
    return next(tag for tag in ("kind", "model") if all(tag in m.model_fields for m in members))


def kinds_of(annotation: Any) -> dict[str, Any]:
    """The kinds of a distribution or an examination with their sections; empty for any other type."""
    tag = tag_of(annotation)
    return {get_args(m.model_fields[tag].annotation)[0]: m for m in members_of(annotation)} if tag else {}


def expected(path: Path) -> tuple[Any, str | None]:
    """The type that the scenario's models expect at a path, and its unit."""
    here: Any = Scenario
    unit: str | None = None
    for part in path:
        fields = fields_of(here)
        if part in fields:
            field = fields[str(part)]
            extra = field.json_schema_extra
            own = extra.get("unit") if isinstance(extra, dict) else None
            inherited = unit if kinds_of(here) and part not in _DIMENSIONLESS else None
            here, unit = field.annotation, str(own) if own else inherited
            continue
        containers = [m for m in members_of(here) if get_origin(m) in (dict, list)]
        if not containers:
            return Any, None
        here, unit = get_args(containers[0])[-1], None
    return here, unit


def _plain(loc: tuple[str | int, ...], data: Any) -> tuple[Path, Any]:
    """The file's path of a pydantic location, and the section whose keys its last part is one of.

    Pydantic names the kind of a distribution inside the location, and goes below a plain number that is one.
    """
    path: Path = ()
    section: Any = Scenario
    chosen = None
    for part in loc:
        kinds = kinds_of(expected(path)[0])
        if chosen is None and part in kinds:
            chosen = kinds[str(part)]
            continue
        if not isinstance(data, (dict, list)):
            break
        section, chosen = chosen or expected(path)[0], None
        path = (*path, part)
        data = data.get(part) if isinstance(data, dict) else data[part] if isinstance(part, int) else None
    return path, section


def _kind_finding(path: Path, given: Any, tag: str, kinds: Iterable[str]) -> Finding:
    """A distribution or an examination that is none."""
    if not isinstance(given, dict):
        table = "a number or a table" if tag == "kind" else "a table"
        return Finding(path, f"must be {table} with {tag} = one of {one_of(kinds)}", given)
    if tag not in given:
        return Finding((*path, tag), f"is required; one of {one_of(kinds)}")
    kind = given[tag]
    return Finding((*path, tag), f"must be one of {one_of(kinds)}{suggestion(kind, kinds)}", kind)


def _entries(number: int) -> str:
    return f"{number} entry" if number == 1 else f"{number} entries"


def _rule(error: Mapping[str, Any], path: Path, section: Any) -> str:
    """What pydantic found, in plain words."""
    kind, given, context = error["type"], error.get("input"), error.get("ctx", {})
    if kind in _COMPARED:
        sign, key = _COMPARED[kind]
        bound = context[key]
        return f"must be {sign} {int(bound) if bound == int(bound) and abs(bound) < 1e15 else bound}"
    if kind == "extra_forbidden":
        names = list(fields_of(section))
        if now := _RENAMED.get((section, str(path[-1]))):
            return f"unknown key; it is {now}"
        return "unknown key" + (suggestion(path[-1], names) or f"; known here: {', '.join(names)}")
    if kind == "literal_error":
        names = [name for m in members_of(expected(path)[0]) if get_origin(m) is Literal for name in get_args(m)]
        names = names or re.findall("'([^']*)'", context["expected"])  # of a table's keys, not its values
        return f"must be one of {one_of(names)}{suggestion(given, names)}"
    if kind == "string_too_long":
        return f"must have at most {context['max_length']} characters"
    if kind == "too_short":
        return f"must have at least {_entries(context['min_length'])}"
    if kind == "too_long":
        return f"must have at most {_entries(context['max_length'])}"
    said = str(error["msg"])
    return _TYPES.get(kind) or said[:1].lower() + said[1:]


def _findings(error: ValidationError, data: Mapping[str, Any]) -> Iterator[Finding]:
    for found in error.errors(include_url=False):
        path, section = _plain(found["loc"], data)
        kind, given = found["type"], found["input"]
        tag = tag_of(expected(path)[0])
        if tag and (kind in _NO_TABLE or kind == "union_tag_invalid"):
            yield _kind_finding(path, given, tag, kinds_of(expected(path)[0]))
        elif kind == "missing":
            yield Finding(path, "is required")
        elif kind == "extra_forbidden":
            yield Finding(path, _rule(found, path, section))
        elif kind in ("too_short", "too_long"):
            yield Finding(path, _rule(found, path, section), len(given))
        else:
            yield Finding(path, _rule(found, path, section), given)


def findings(error: ValidationError, data: Mapping[str, Any]) -> Iterator[Finding]:
    """What pydantic found in ``data``, with the paths of the file and the rules in plain words, one by one."""
    return _findings(error, data)


def _patched(path: Path) -> Path:
    """The path that a size, or the patch of an arm, a phase, or an arm's phase means."""
    if path[:2] == ("check", "size"):
        path = path[2:]
    for table in ("arms", "phases"):
        path = path[2:] if path[:1] == (table,) else path
    return path


def _value_text(finding: Finding) -> str | None:
    value = finding.value
    if value is NO_VALUE:
        return None
    if isinstance(value, InWords):
        return str(value)
    path = _patched(finding.path)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    unit = expected(path)[1] if is_number else None
    return f"{shown(value)} ({unit})" if unit else shown(value)


def _as_written(path: Path, places: Places) -> Path:
    """The path of a plain number that is a constant distribution is that of the distribution."""
    is_plain = path[-1:] == ("value",) and places.is_file and not places.knows(path)
    return path[:-1] if is_plain and kinds_of(expected(_patched(path[:-1]))[0]) else path


def faults(found: Iterable[Finding], places: Places) -> list[Fault]:
    """The findings as faults of a scenario's files, in the order of files and lines; those of settings come first."""
    listed = []
    for finding in found:
        place = places.of(finding.path)
        path = place.path_text(_as_written(finding.path, places))
        listed.append(Fault(place.file, finding.rule, place.line, path, _value_text(finding)))
    files = list(dict.fromkeys([places.of(()).file, *(fault.file for fault in listed)]))
    listed.sort(key=lambda fault: (files.index(fault.file), fault.line or 0))
    return listed
