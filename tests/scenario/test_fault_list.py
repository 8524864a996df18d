"""The one list of faults that every reader keeps: the first shown in the order of the file, all counted."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sim.errors import Fault
from sim.scenario.read.fault_list import ENOUGH, SHOWN, FaultList


@given(st.lists(st.integers(0, 50), max_size=80), st.integers(0, 5))
def test_the_first_by_place_are_shown_and_all_are_counted(orders: list[int], further: int) -> None:
    found = FaultList("x.csv")
    for n, order in enumerate(orders):
        found.add(f"fault {n}", order, order=order)
    found.count(further)
    first = sorted(enumerate(orders), key=lambda each: each[1])[:SHOWN]
    rest = len(orders) + further - len(first)
    more = [Fault("x.csv", f"and {rest} more")] if rest else []
    assert found.listed() == [Fault("x.csv", f"fault {n}", order) for n, order in first] + more
    assert found.n == len(orders) + further


def test_a_list_that_is_full_shows_no_more() -> None:
    found = FaultList("x.csv")
    for n in range(SHOWN):
        assert found.shows_more
        found.add(f"fault {n}")
    assert not found.shows_more


def test_reading_that_stops_says_that_there_may_be_more_faults() -> None:
    stops, goes_on = FaultList("x.csv", stops=True), FaultList("x.csv")
    for found in (stops, goes_on):
        found.count(ENOUGH - 1)
        assert not found.is_enough()
        found.count(1)
    assert stops.is_enough()
    assert not goes_on.is_enough()
    assert [str(fault) for fault in stops.listed()] == ["x.csv: and at least 1000 more"]
    assert [str(fault) for fault in goes_on.listed()] == ["x.csv: and 1000 more"]


def test_faults_that_are_known_to_come_count_for_stopping_too() -> None:
    found = FaultList("x.csv", stops=True)
    found.count(ENOUGH - 10)
    assert not found.is_enough(9)
    assert found.is_enough(10)
