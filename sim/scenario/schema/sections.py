"""A section's keys validated by pydantic without those next to them; knows no rules across keys, no files, no lines."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, TypeVar, cast

from pydantic import create_model

from sim.scenario.schema.distributions import Section

__all__ = ["made_of", "valid_parts"]

AnySection = TypeVar("AnySection", bound=Section)


@cache
def _parts(section: type[Section]) -> type[Section]:
    """The model of a section with every key optional."""
    fields: Any = {key: (Annotated[field.annotation, field], None) for key, field in section.model_fields.items()}
    return create_model(section.__name__, __base__=Section, **fields)


def valid_parts(section: type[Section], table: Mapping[str, Any]) -> dict[str, Any]:
    """The entries of some keys of a section, as it has them.

    Parameters
    ----------
    section
        The section whose keys they are.
    table
        Entries by key. Those that are sections already are taken as they are, the same objects. Not changed.

    Returns
    -------
    dict
        Its keys are those of ``table``.

    Raises
    ------
    ValidationError
        With all that is wrong with the entries, unknown keys included; a key that is left out isn't wrong.
    """
    parts = vars(_parts(section).model_validate(table))
    return {key: parts[key] for key in table}


def made_of(section: type[AnySection], parts: Mapping[str, Any]) -> AnySection:
    """A section of entries that are valid; a required key that is left out is lacking, any other is its default."""
    return cast("AnySection", section.model_construct(**parts))  # whose type is read from the section's own keys
