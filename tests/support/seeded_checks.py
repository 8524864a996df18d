"""What a check says of a seeded fault and of a harmless change."""

from __future__ import annotations

from typing import Any

from support.seeded_faults import Change, ChangedCopy


def first_places(found: dict[str, Any]) -> set[str]:
    """Events where arms part first; where no counters differ, all words on what does."""
    divergences = found["divergences"]
    if divergences:
        first = divergences[0]["from_days"]
        return {place["event"] for place in divergences if place["from_days"] == first}
    return {word for line in found["parts"][1]["details"] for word in line.replace(",", " ").split()}


def is_caught(copy: ChangedCopy, change: Change) -> None:
    with copy.changed(change):
        found = copy.check(change.scenario)
    assert found["parts"][1]["status"] == "failed", change.name
    assert first_places(found) & {*change.where}, (change.name, first_places(found))


def raises_nothing(copy: ChangedCopy, change: Change) -> None:
    with copy.changed(change):
        found = copy.check(change.scenario)
    assert all(part["status"] == "passed" for part in found["parts"]), change.name
