"""The clock: what happens in which order at one time, as events of a SimPy environment."""

from __future__ import annotations

from enum import IntEnum

from simpy import Environment, Event

__all__ = ["Order", "moment"]

LABELS = {"HISTORY": "books", "AGENCY_REVIEW": "contracts", "TIER_REVIEW": "review"}
"""What baselines and tables of epochs call these kinds of events."""


class Order(IntEnum):
    """Events at one time run in this order:

    1. history: what sessions have counted is entered into the ledger and the history;
    2. phase: another scenario comes into force;
    3. agency review: contracts end, begin, go on;
    4. entry: newcomers enter;
    5. tier review: agencies get their tier;
    6. opening: the warm-up ends, follows and support begin;
    7. renewal: tables that an event has made out of date are built again;
    8. refresh: a surface's tables are built at its interval;
    9. stop: the run ends;
    10. sessions, which see what the control plane has set.
    """

    HISTORY = 1
    PHASE = 2
    AGENCY_REVIEW = 3
    ENTRY = 4
    TIER_REVIEW = 5
    OPENING = 6
    RENEWAL = 7
    REFRESH = 8
    STOP = 9
    SESSIONS = 10

    @property
    def label(self) -> str:
        """What epochs call it."""
        return LABELS.get(self.name, self.name.lower())


def moment(env: Environment, delay: int, order: Order) -> Event:
    """Event after ``delay`` seconds, at its place among the events of that time."""
    event = Event(env)
    event._ok = True  # as simpy.Timeout does: triggered now, processed when its time comes
    event._value = None
    env.schedule(event, priority=order, delay=delay)  # type: ignore[arg-type]
    return event
