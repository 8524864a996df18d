"""What differs first where two runs diverge: an influencer or agency, its old and new values; knows no baselines."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sim.calendar import DAY
from sim.experiment.epochs import POPULATION, SESSIONS
from sim.model.layout import IN_32_BITS, Counter, Total
from sim.model.observation import State
from sim.model.world.accounts import AccountStatus
from sim.regression.epoch_rows import Epoch, first_difference
from sim.regression.result import Divergence
from sim.results.run import Run
from sim.scenario import Loaded
from sim.store.unit import Unit

__all__ = ["EventPlace", "first_place", "who_in_states", "who_in_tables"]

EventPlace = tuple[Divergence, Unit, int]
"""Where an arm's runs diverge, in which replication, and at which time [s]."""


def first_place(arm: str, old: pa.Table, new: pa.Table) -> EventPlace | None:
    """The first event after which an arm differs in any replication, from the epochs of both runs; None: nowhere."""
    found: list[EventPlace] = []
    before, now = _by_replication(old, arm), _by_replication(new, arm)
    for replication in sorted(before.keys() & now.keys()):
        place = first_difference(before[replication], now[replication])
        if place is None:
            continue
        time, event = place
        days = None if event == POPULATION else time
        found.append((Divergence(arm, event, days, days), Unit(arm, replication), round(time * DAY)))
    return min(found, key=lambda place: place[2], default=None)


def _by_replication(epochs: pa.Table, arm: str) -> dict[int, list[Epoch]]:
    found: dict[int, list[Epoch]] = {}
    columns = (epochs[name].to_pylist() for name in ("arm", "replication", "time_days", "event", "digest"))
    for own, replication, time, event, digest in zip(*columns, strict=True):
        if own == arm:
            found.setdefault(replication, []).append((time, event, digest))
    return found


def who_in_states(loaded: Loaded, place: EventPlace, old: State | None, new: State | None) -> str | None:
    """What differs first between two states of an event: agencies before influencers before the tables as a whole.

    A state is None where there is no such event.
    """
    if old is None or new is None:
        return "it happens in one of the runs only"
    _, unit, _ = place
    lines = []
    for kind in ("agency", "influencer", "table"):
        for name in new:
            if not name.startswith(f"{kind} ") or name not in old:
                continue
            if (difference := _differing(loaded, unit, kind, name, old, new)) is not None:
                lines.append(difference)
        if lines:
            more = f"; and {len(lines) - 1} more of its arrays differ" if len(lines) > 1 else ""
            return f"{lines[0][1] if kind == 'table' else min(lines)[1]}{more} (replication {unit.replication})"
    return None


def _differing(loaded: Loaded, unit: Unit, kind: str, name: str, old: State, new: State) -> tuple[int, str] | None:
    """The first row in which an array differs, and how; None: it is the same."""
    before, now = old[name], new[name]
    what = name.partition(" ")[2]
    if before.shape != now.shape:
        return 0, f"{what} has the shape {now.shape}, not {before.shape}"
    unequal = before != now
    if before.dtype.kind == "f":
        unequal &= ~(np.isnan(before) & np.isnan(now))
    places = np.argwhere(unequal)
    if not len(places):
        return None
    first = tuple(int(i) for i in places[0])
    values = [state[name][first].item() for state in (old, new)]
    texts = [
        _value(loaded, unit, what, value, state.get("agency")) for value, state in zip(values, (old, new), strict=True)
    ]
    if texts[0] == texts[1]:  # they differ in their last bits
        texts = [repr(value) for value in values]
    change = f"{what}{_axes(loaded, unit, name, first)} {texts[0]} -> {texts[1]}"
    if kind == "table":
        return 0, f"table {change}, and {len(places) - 1} more entries"
    names = new.get(kind)
    row = first[0]
    called = str(names[row]) if names is not None and row < len(names) else str(row)
    n_rows = len(np.unique(places[:, 0]))
    others = "" if n_rows == 1 else f" ({n_rows} {'agencies' if kind == 'agency' else 'influencers'} differ)"
    return row, f"{kind} {called}: {change}{others}"


def _axes(loaded: Loaded, unit: Unit, name: str, place: tuple[int, ...]) -> str:
    """An entry's names on the axes after the first."""
    scenario = loaded.arms[unit.arm]
    surfaces, segments = list(scenario.surfaces), list(scenario.segments)
    axes: dict[str, list[list[str]]] = {
        "influencer counts": [surfaces, [c.name.lower() for c in Counter]],
        "influencer reads": [segments],
        "influencer feed_weight": [surfaces],
        "influencer follow": [surfaces],
        "table totals": [surfaces, [t.name.lower() for t in Total]],
    }
    inner = place if name.startswith("table ") else place[1:]
    known = axes.get(name)
    if known is None:
        return f" {list(inner)}" if inner else ""
    return f" [{', '.join(words[i] for words, i in zip(known, inner, strict=True))}]"


def _value(loaded: Loaded, unit: Unit, what: str, value: Any, agencies: NDArray[Any] | None) -> str:
    if what == "agency" and agencies is not None and value < len(agencies):
        return "none" if value < 0 else str(agencies[value])
    if what == "tier":
        tiers = list(loaded.arms[unit.arm].support.tiers)
        return "none" if value < 0 else tiers[value]
    if what == "status":
        return str(AccountStatus(value).name.lower())
    if what in IN_32_BITS:
        # Probabilities were rounded down to a step of 2.3e-10: of the middle, 9 decimals are those of the scenario.
        value = value * 2.0**-32 if isinstance(value, float) else round((value + 0.5) * 2.0**-32, 9)
    return f"{value:.9g}" if isinstance(value, float) else str(value)


def who_in_tables(divergence: Divergence, old: Run, new: Run) -> str | None:
    """What differs first in the tables of two finished runs: the agencies of a review, influencers at the end."""
    if divergence.event == "review":
        row = _row_of(("agency",), "agencies", divergence, old, new, at=divergence.from_days)
        if row is not None:
            return row
    if divergence.event in (SESSIONS, "contracts", "entry", POPULATION, "books", "refresh", "renewal", "review"):
        row = _row_of(("influencer",), "influencers", divergence, old, new)
        return None if row is None else f"{row}, as they ended"
    return None


def _row_of(
    key: tuple[str], table: str, divergence: Divergence, old: Run, new: Run, at: float | None = None
) -> str | None:
    """The first row of an arm that differs, with the column in which it does."""
    before, now = (_rows(run.table(table), divergence.arm, at) for run in (old, new))
    differing = [(then, here) for then, here in zip(before, now, strict=False) if then != here]
    if not differing:
        return None
    then, here = differing[0]
    column = next(name for name in here if then.get(name) != here[name])
    more = f" ({len(differing)} rows differ)" if len(differing) > 1 else ""
    return f"{key[0]} {here[key[0]]}: {column} {then.get(column)} -> {here[column]}{more}"


def _rows(table: pa.Table, arm: str, at: float | None) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = table.to_pylist()
    return [row for row in rows if row["arm"] == arm and (at is None or row["time_days"] == at)]
