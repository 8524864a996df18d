"""How a roster was read, for a manifest and in words: numbers not written plainly, rows left out and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sim.formatting import escaped, key_text
from sim.scenario.read.skipped_rows import SHOWN_PLACES

if TYPE_CHECKING:
    from sim.scenario.read.roster import Roster
    from sim.scenario.read.skipped_rows import Reason

__all__ = ["reading", "roster_notes", "skipped", "skipped_text"]

SHOWN_REASONS = 5


def reading(roster: Roster) -> dict[str, Any]:
    """What a manifest keeps of it, ready for JSON.

    ``accounts``; ``columns``: the file's names of renamed columns; ``numbers``: for each column and
    form the cells read so, and the first with its value; ``skipped``: rows, and for each reason the column, the rule,
    the number of rows and the first lines (of a Parquet file: rows); ``notes``: all of it in words.
    """
    return {
        "accounts": len(roster.influencer),
        "columns": dict(roster.columns),
        "numbers": [dict(each) for each in roster.readings],
        "skipped": skipped(roster.n_skipped, roster.skipped),
        "notes": roster_notes(roster),
    }


def skipped(rows: int, reasons: Sequence[Reason]) -> dict[str, Any]:
    """What a manifest keeps of rows that were skipped."""
    return {"rows": rows, "reasons": [reason._asdict() for reason in reasons]}


def roster_notes(roster: Roster) -> list[str]:
    """Notes for the user on how it was read, a line for each; those on its further columns aren't here."""
    notes = [f"roster: {note}" for note in roster.notes]
    notes += [f"roster: {note}" for note in _numbers(roster)]
    if roster.n_skipped:
        notes.append(f"roster: {skipped_text(roster.n_skipped, roster.skipped, 'line' if roster.is_text else 'row')}")
    return notes


def _numbers(roster: Roster) -> list[str]:
    """A line for each form in which numbers were read."""
    forms: dict[str, list[str]] = {}
    for each in roster.readings:
        value: Any = each["value"]
        text = f"{value:,}" if isinstance(value, int) else f"{value:,.15g}"
        of = f"{each['cells']:,} of {key_text(str(each['column']))} ({escaped(str(each['cell']))} = {text})"
        forms.setdefault(str(each["form"]), []).append(of)
    return [f"numbers read as {form}: {', '.join(columns)}" for form, columns in forms.items()]


def skipped_text(n: int, reasons: Sequence[Reason], place: str) -> str:
    """The number of rows that were skipped, their reasons and first places; ``place`` is the word for a place."""
    listed = [f"{reason.rows:,} {_rule(reason)} ({_places(reason, place)})" for reason in reasons[:SHOWN_REASONS]]
    rest = len(reasons) - SHOWN_REASONS
    more = f"; and {rest} more reason{'s' * (rest != 1)}" if rest > 0 else ""
    return f"{n:,} bad row{'s' * (n != 1)} skipped: {'; '.join(listed)}{more}"


def _rule(reason: Reason) -> str:
    return reason.rule if reason.column is None else f"{reason.column} {reason.rule}"


def _places(reason: Reason, place: str) -> str:
    places: Sequence[int | str] = reason.first[:SHOWN_PLACES]
    separator = "; " if place == "edge" else ", "
    listed = separator.join(map(str, places))
    return f"{place}{'s' * (reason.rows != 1)} {listed}{f'{separator}…' * (reason.rows > len(places))}"
