"""Epochs in few lines of text, as a baseline keeps them, and the first place where two runs part; knows no runs."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping, Sequence
from itertools import zip_longest

import pyarrow as pa

from sim.experiment.epochs import POPULATION, SESSIONS
from sim.model.clock import Order
from sim.regression.result import Parting

__all__ = ["EVENTS", "MOST_ROWS", "epoch_rows", "first_parting", "partings"]

MOST_ROWS = 100
"""Of an arm; where there are more times at which something happens, a row is of several days."""
EVENTS = (POPULATION, *(order.name.lower() for order in Order))
"""In the order in which they happen at one time; the last are the sessions."""
_ROW = re.compile(r"(?:day (?P<first>\S+)(?: to (?P<last>\S+))?|(?P<population>population)): (?P<events>.+)")


def epoch_rows(epochs: pa.Table) -> dict[str, list[str]]:
    """Rows of each arm, in order of time: when, and a short digest of each kind of event then, over all replications.

    Parameters
    ----------
    epochs
        The table of a run.
    """
    found: dict[str, list[tuple[float, str, str]]] = {}
    columns = (epochs[name].to_pylist() for name in ("arm", "time_days", "event", "digest"))
    for arm, time, event, digest in zip(*columns, strict=True):
        found.setdefault(arm, []).append((time, event, digest))
    return {arm: _rows(entries) for arm, entries in found.items()}


def _rows(entries: Sequence[tuple[float, str, str]]) -> list[str]:
    """Entries of an arm, replication after replication, each in order."""
    times = sorted({time for time, event, _ in entries if event != POPULATION})
    start, days = times[0], times[-1] - times[0] + 1
    span = 0 if len(times) <= MOST_ROWS else math.ceil(days / MOST_ROWS)
    rows: dict[float, dict[str, list[str]]] = {}
    for time, event, digest in entries:
        at = -math.inf if event == POPULATION else time if not span else start + (time - start) // span * span
        rows.setdefault(at, {}).setdefault(event, []).append(digest)
    return [f"{_place(at, span)}: {_tokens(rows[at])}" for at in sorted(rows)]


def _place(at: float, span: int) -> str:
    if at == -math.inf:
        return POPULATION
    return f"day {at:.9g} to {at + span:.9g}" if span else f"day {at:.9g}"


def _tokens(events: Mapping[str, Sequence[str]]) -> str:
    return ", ".join(
        f"{event} {hashlib.blake2b(' '.join(digests).encode(), digest_size=3).hexdigest()}"
        for event, digests in events.items()
    )


def first_parting(arm: str, old: Sequence[str], new: Sequence[str]) -> Parting | None:
    """The first place where an arm's rows differ; None where they don't, or one of them can't be read.

    An event that happens in one of the runs alone is such a place.
    """
    both = list(zip_longest(old, new))
    for here, following in zip(both, [*both[1:], (None, None)], strict=True):
        if here[0] == here[1]:
            continue
        place = _parting(arm, here)
        # Sessions that end at another event than before differ only for that.
        if place is not None and place.event == SESSIONS and _label(following[0]) != _label(following[1]):
            return _parting(arm, following)
        return place
    return None


def _label(row: str | None) -> str | None:
    return None if row is None else row.partition(": ")[0]


def _parting(arm: str, rows: tuple[str | None, str | None]) -> Parting | None:
    """The first kind of event in which two rows differ, or which one of them has alone; None: one can't be read."""
    given = [text for text in rows if text is not None]
    read = [row for text in given if (row := _ROW.fullmatch(text)) is not None]
    if len(read) < len(given):
        return None
    first = min(read, key=_in_time)
    events = [_events(row) for row in read if _days(row) == _days(first)]

    def differs(event: str) -> bool:
        return any(event in own for own in events) and (len(events) == 1 or len({own.get(event) for own in events}) > 1)

    event = next(filter(differs, EVENTS), None)
    return None if event is None else Parting(arm, event, *_days(first))


def _days(row: re.Match[str]) -> tuple[float | None, float | None]:
    if row["population"]:
        return None, None
    first = float(row["first"])
    return first, first if row["last"] is None else float(row["last"])


def _in_time(row: re.Match[str]) -> float:
    return -math.inf if row["population"] else float(row["first"])


def _events(row: re.Match[str]) -> dict[str, str]:
    pairs = (token.rpartition(" ") for token in row["events"].split(", "))
    return {event: digest for event, _, digest in pairs}


def partings(old: Mapping[str, Sequence[str]], new: Mapping[str, Sequence[str]]) -> list[Parting]:
    """First places of all arms that both have and that differ, the earliest first."""
    found = (first_parting(arm, old[arm], rows) for arm, rows in new.items() if arm in old)
    return sorted((place for place in found if place is not None), key=_start)


def _start(place: Parting) -> float:
    return -math.inf if place.from_days is None else place.from_days
