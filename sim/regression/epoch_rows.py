"""Epochs in few lines of text, as a baseline keeps them, and the first place where two runs diverge; knows no runs."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping, Sequence
from itertools import zip_longest

import pyarrow as pa

from sim.experiment.epochs import POPULATION, SESSIONS
from sim.model.clock import Order
from sim.regression.result import Divergence

__all__ = ["MAX_EPOCH_ROWS", "Epoch", "divergences", "epoch_rows", "first_difference", "first_divergence"]

MAX_EPOCH_ROWS = 100
"""Of an arm; where there are events at more times, a row spans several days."""
EVENTS = (POPULATION, *(order.label for order in Order))
"""In the order in which they happen at one time; the last are the sessions."""
Epoch = tuple[float, str, str]
"""Time [days], kind of event, digest."""
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
    span = 0 if len(times) <= MAX_EPOCH_ROWS else math.ceil(days / MAX_EPOCH_ROWS)
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


def first_difference(old: Sequence[Epoch], new: Sequence[Epoch]) -> tuple[float, str] | None:
    """Time and kind of the first event after which two runs differ, or which only one of them has; None: nowhere."""
    both = list(zip_longest(old, new))
    i = next((i for i, (then, now) in enumerate(both) if then != now), None)
    if i is None:
        return None
    time, event = _first(both[i])
    following = both[i + 1] if i + 1 < len(both) else (None, None)
    ends = [None if epoch is None else epoch[0] for epoch in following]
    # Sessions that end at another event than before differ only for that.
    return _first(following) if event == SESSIONS and ends[0] != ends[1] else (time, event)


def _first(epochs: tuple[Epoch | None, Epoch | None]) -> tuple[float, str]:
    """An event of only one run comes before the other's next one."""
    time, event, _ = min((epoch for epoch in epochs if epoch is not None), key=_in_time)
    return time, event


def _in_time(epoch: Epoch) -> tuple[float, int]:
    return epoch[0], EVENTS.index(epoch[1])


def first_divergence(arm: str, old: Sequence[str], new: Sequence[str]) -> Divergence | None:
    """The first place where an arm's rows differ; None where they don't, or one of them can't be read."""
    untils: dict[float, float] = {}
    now, then = _read(new, untils), _read(old, untils)
    if now is None or then is None:
        return None
    place = first_difference(then, now)
    if place is None:
        return None
    time, event = place
    return Divergence(arm, event, None, None) if event == POPULATION else Divergence(arm, event, time, untils[time])


def _read(rows: Sequence[str], untils: dict[float, float]) -> list[Epoch] | None:
    """Epochs of an arm's rows, in order; ``untils`` gets the end of each row by its time. None: a row can't be read."""
    epochs: list[Epoch] = []
    for text in rows:
        row = _ROW.fullmatch(text)
        tokens = [] if row is None else [token.rpartition(" ") for token in row["events"].split(", ")]
        if row is None or not all(event in EVENTS for event, _, _ in tokens):
            return None
        time = -math.inf if row["population"] else float(row["first"])
        untils[time] = time if row["last"] is None else float(row["last"])
        epochs += sorted(((time, event, digest) for event, _, digest in tokens), key=_in_time)
    return epochs


def divergences(old: Mapping[str, Sequence[str]], new: Mapping[str, Sequence[str]]) -> list[Divergence]:
    """First places of all arms that both have and that differ, the earliest first."""
    found = (first_divergence(arm, old[arm], rows) for arm, rows in new.items() if arm in old)
    return sorted((place for place in found if place is not None), key=_start)


def _start(place: Divergence) -> float:
    return -math.inf if place.from_days is None else place.from_days
