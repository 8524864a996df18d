"""What is valid of a scenario's data where not all is: sections that lack the rest; knows no rules across keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args, get_origin

from sim.formatting import Path
from sim.scenario.patch.patches import opened
from sim.scenario.schema.distributions import Section
from sim.scenario.schema.sections import made_of, valid_parts
from sim.scenario.validate.faults import members_of
from sim.scenario.validate.faulty import Faulty

__all__ = ["valid_sections"]

LACKING = object()


def valid_sections(section: type[Section], table: Mapping[str, Any], faulty: Faulty, path: Path = ()) -> dict[str, Any]:
    """The entries of a section's keys that are valid, each validated by pydantic without the others.

    Parameters
    ----------
    section
        The section whose keys the table has.
    table
        Entries by key, sections among them. Not changed.
    faulty
        Where the table is wrong, paths from the scenario.
    path
        Where the section is.

    Returns
    -------
    dict
        Entries by key. A section or a table of names that is wrong in parts lacks these: reading them raises
        ``AttributeError``, or ``KeyError``. Names of tables are all there.
    """
    whole = {k: v for k, v in table.items() if k in section.model_fields and not faulty.touches((*path, k))}
    found = valid_parts(section, whole)
    for key, entry in table.items():
        here = (*path, key)
        if key in section.model_fields and faulty.is_below(here) and not faulty.is_at(here):
            kept = _in_parts(section, key, entry, faulty, here)
            if kept is not LACKING:
                found[key] = kept
    return found


def _in_parts(section: type[Section], key: str, entry: Any, faulty: Faulty, path: Path) -> Any:
    """What is valid of the entry of a key, in which something is wrong."""
    members = members_of(section.model_fields[key].annotation)
    if len(members) > 1 or not isinstance(entry, dict | Section):
        return LACKING
    (kind,) = members
    if get_origin(kind) is dict:
        return _named(section, key, dict(opened(entry)), faulty, path)
    return _lacking(kind, opened(entry), faulty, path) if issubclass(kind, Section) else LACKING


def _lacking(kind: type[Section], table: Mapping[str, Any], faulty: Faulty, path: Path) -> Section:
    """A section without what is wrong in its table."""
    made = made_of(kind, valid_sections(kind, table, faulty, path))
    for key in kind.model_fields:
        if faulty.is_at((*path, key)):
            vars(made).pop(key, None)  # where it is a default
    return made


def _named(section: type[Section], key: str, table: dict[str, Any], faulty: Faulty, path: Path) -> dict[str, Any]:
    """A table of entries with names of the user's own, each without what is wrong in it; names aren't left out."""
    inner = get_args(members_of(section.model_fields[key].annotation)[0])[1]
    is_section = isinstance(inner, type) and issubclass(inner, Section)
    good = {name: entry for name, entry in table.items() if not faulty.touches((*path, name))}
    found = valid_parts(section, {key: good})[key] if good else {}
    for name, entry in table.items():
        if name in good:
            continue
        is_table = isinstance(entry, dict | Section)
        if is_section:
            found[name] = _lacking(inner, opened(entry) if is_table else {}, faulty, (*path, name))
        else:
            found[name] = entry if is_table else {}
    return {name: found[name] for name in table}
