"""What a user should know of how the files that a scenario names were read; knows no verb."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sim.scenario import Loaded
    from sim.scenario.read.other_columns import OtherColumn

__all__ = ["input_notes"]


def input_notes(loaded: Loaded) -> list[str]:
    """What a user should know of how roster and follow graph were read."""
    from sim.scenario.read.roster_notes import roster_notes
    from sim.scenario.resolve.follows import FOLLOWS_PER_FAN
    from sim.scenario.resolve.graph_notes import graph_notes

    notes = []
    roster = loaded.roster
    if roster is not None and roster.other_columns:
        kept = ", ".join(f"{name} ({_kind(column)})" for name, column in roster.other_columns.items())
        notes.append(f"roster: further columns, kept per account: {kept}")
    if roster is not None:
        notes += [f"roster: column {name} isn't kept: {why}" for name, why in roster.unkept_columns.items()]
        notes += roster_notes(roster)
    if loaded.follows_left_out is not None:
        limit = " that the roster allows" if loaded.follows_left_out < FOLLOWS_PER_FAN else ""
        notes.append(f"fans.follows_per_fan: left out, {loaded.follows_left_out:.12g} is taken{limit}")
    return notes + graph_notes(loaded)


def _kind(column: OtherColumn) -> str:
    return "text" if any(isinstance(cell, str) for cell in column) else "number"
