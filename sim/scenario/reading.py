"""How a roster was read, for a manifest and in words: rows left out and why, numbers that weren't written plainly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sim.scenario.words import escaped, key_text

if TYPE_CHECKING:
    from sim.scenario.roster import Roster
    from sim.scenario.skipped_rows import Reason

__all__ = ["reading", "roster_notes"]

SHOWN_PLACES = 5
SHOWN_REASONS = 5


def reading(roster: Roster) -> dict[str, Any]:
    """What a manifest keeps of it, fit for JSON.

    ``accounts``; ``columns``: the file's names of columns that it names otherwise; ``numbers``: for each column and
    form the cells read so, and the first with its value; ``skipped``: rows, and for each reason the column, the rule,
    the number of rows and the first lines (of a Parquet file: rows); ``notes``: all of it in words.
    """
    return {
        "accounts": len(roster.influencer),
        "columns": dict(roster.columns),
        "numbers": [dict(each) for each in roster.readings],
        "skipped": {"rows": roster.n_skipped, "reasons": [reason._asdict() for reason in roster.skipped]},
        "notes": roster_notes(roster),
    }


def roster_notes(roster: Roster) -> list[str]:
    """What a user should know of how it was read, a line for each thing; those of its further columns aren't here."""
    notes = [f"roster: {note}" for note in roster.notes]
    notes += [f"roster: {note}" for note in _numbers(roster)]
    return [*notes, f"roster: {_skipped(roster)}"] if roster.n_skipped else notes


def _numbers(roster: Roster) -> list[str]:
    """A line for each form in which numbers were read."""
    forms: dict[str, list[str]] = {}
    for each in roster.readings:
        value: Any = each["value"]
        text = f"{value:,}" if isinstance(value, int) else f"{value:,.15g}"
        of = f"{each['cells']:,} of {key_text(str(each['column']))} ({escaped(str(each['cell']))} = {text})"
        forms.setdefault(str(each["form"]), []).append(of)
    return [f"numbers read as {form}: {', '.join(columns)}" for form, columns in forms.items()]


def _skipped(roster: Roster) -> str:
    n = roster.n_skipped
    told = [
        f"{reason.rows:,} {_rule(reason)} ({_places(reason, roster.is_text)})"
        for reason in roster.skipped[:SHOWN_REASONS]
    ]
    rest = len(roster.skipped) - SHOWN_REASONS
    more = f"; and {rest} more reason{'s' * (rest != 1)}" if rest > 0 else ""
    return f"{n:,} bad row{'s' * (n != 1)} skipped: {'; '.join(told)}{more}"


def _rule(reason: Reason) -> str:
    return reason.rule if reason.column is None else f"{reason.column} {reason.rule}"


def _places(reason: Reason, is_text: bool) -> str:
    places: Sequence[int] = reason.first[:SHOWN_PLACES]
    word = ("line" if is_text else "row") + "s" * (reason.rows != 1)
    return f"{word} {', '.join(map(str, places))}{', …' * (reason.rows > len(places))}"
