"""The clock: what happens in which order at one time, as events of a SimPy environment; whole seconds, day 0 at 0."""

from __future__ import annotations

from enum import IntEnum

from simpy import Environment, Event

__all__ = ["DAY", "HOUR", "MONTH", "Order", "moment", "snapshot_times"]

HOUR = 3600
DAY = 24 * HOUR
MONTH = 30 * DAY


class Order(IntEnum):
    """Events at one time run in this order; sessions come last, so that they see what the control plane has set."""

    BOOKS = 1
    PHASE = 2
    CONTRACTS = 3
    ENTRY = 4
    REVIEW = 5
    OPENING = 6
    RENEWAL = 7
    REFRESH = 8
    STOP = 9
    SESSIONS = 10


def moment(env: Environment, delay: int, order: Order) -> Event:
    """Event after ``delay`` seconds, at its place among the events of that time."""
    event = Event(env)
    event._ok = True  # as simpy.Timeout does: triggered now, processed when its time comes
    event._value = None
    env.schedule(event, priority=order, delay=delay)  # type: ignore[arg-type]
    return event


def snapshot_times(horizon_days: int) -> list[int]:
    """Day 0, every 30 days, and the end [s].

    >>> [time // DAY for time in snapshot_times(75)]
    [0, 30, 60, 75]
    """
    return [*range(0, horizon_days * DAY, 30 * DAY), horizon_days * DAY]
