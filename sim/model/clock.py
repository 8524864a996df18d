"""The clock: what happens in which order at one time, as events of a SimPy environment."""

from __future__ import annotations

from enum import IntEnum

from simpy import Environment, Event

__all__ = ["Order", "moment"]


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
