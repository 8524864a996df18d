"""Where two runs diverge: the first event after which they differ, from a baseline's rows and from full tables."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.regression.divergence import first_place
from sim.regression.epoch_rows import MAX_EPOCH_ROWS, divergences, epoch_rows, first_divergence
from sim.store.unit import Unit

EVENTS = ("books", "contracts", "review", "refresh", "sessions")


def table(entries: list[tuple[str, int, float, str, str]]) -> pa.Table:
    names = ("arm", "replication", "time_days", "event", "digest")
    columns = list(zip(*entries, strict=True))
    return pa.table({name: list(column) for name, column in zip(names, columns, strict=True)})


def epochs(days: int, step: float = 1.0, changed: tuple[int, float, str] | None = None) -> pa.Table:
    """Epochs of two replications; from a changed one on all of its replication differ."""
    entries = []
    for replication in range(2):
        differs = False
        entries.append(("a", replication, -1.0, "population", "p"))
        for i in range(int(days / step)):
            for event in EVENTS:
                differs |= changed == (replication, i * step, event)
                entries.append(("a", replication, i * step, event, f"{i}{event}{differs}"))
    return table(entries)


@given(
    st.tuples(st.integers(0, 1), st.integers(0, 39), st.sampled_from(EVENTS)),
)
def test_the_first_difference_is_found_exactly_where_each_time_has_a_row(changed: tuple[int, int, str]) -> None:
    replication, day, event = changed
    old, new = epochs(40), epochs(40, changed=(replication, float(day), event))
    (place,) = divergences(epoch_rows(old), epoch_rows(new))
    assert (place.arm, place.event, place.from_days, place.until_days) == ("a", event, day, day)
    divergence, unit, time = first_place("a", old, new) or pytest.fail("nothing found")
    assert (divergence.event, unit, time) == (event, Unit("a", replication), day * 86_400)


@given(st.tuples(st.integers(0, 1), st.integers(0, 24 * 40 - 1), st.sampled_from(EVENTS)))
def test_many_times_share_rows_that_bracket_the_first_difference(changed: tuple[int, int, str]) -> None:
    replication, hour, event = changed
    day = hour * (1 / 24)
    old, new = epoch_rows(OFTEN), epoch_rows(epochs(40, 1 / 24, (replication, day, event)))
    assert len(old["a"]) <= MAX_EPOCH_ROWS
    (place,) = divergences(old, new)
    assert place.from_days is not None
    assert place.until_days is not None
    assert place.from_days <= day < place.until_days


OFTEN = epochs(40, 1 / 24)


def test_equal_runs_part_nowhere() -> None:
    assert divergences(epoch_rows(epochs(9)), epoch_rows(epochs(9))) == []
    assert first_place("a", epochs(9), epochs(9)) is None


def test_a_population_that_differs_comes_before_all() -> None:
    entries = epochs(3).to_pylist()
    other = table([(*[row[k] for k in ("arm", "replication", "time_days", "event")],
                    "q" if row["event"] == "population" else row["digest"]) for row in entries])  # fmt: skip
    (place,) = divergences(epoch_rows(epochs(3)), epoch_rows(other))
    assert (place.event, place.from_days) == ("population", None)
    assert place.says == "a: first at the population"


def test_an_event_of_one_run_alone_is_where_they_part() -> None:
    def without(epochs: pa.Table, day: float, event: str) -> pa.Table:
        rows = [row for row in epochs.to_pylist() if (row["time_days"], row["event"]) != (day, event)]
        return table([tuple(row.values()) for row in rows])

    for old, new, event, day in (
        (epochs(3), epochs(4), "books", 3),
        (epochs(3), epochs(3, 0.5), "books", 0.5),
        (epochs(3), without(epochs(3), 1.0, "review"), "review", 1),
    ):
        for before, now in ((old, new), (new, old)):
            (place,) = divergences(epoch_rows(before), epoch_rows(now))
            assert (place.event, place.from_days) == (event, day)
    place = first_place("a", epochs(3), without(epochs(3), 1.0, "review"))
    assert place is not None
    assert (place[0].event, place[0].from_days) == ("review", 1)


def test_rows_that_cant_be_read_give_no_divergence() -> None:
    assert first_divergence("a", ["nonsense"], ["day 0: books 000000"]) is None
