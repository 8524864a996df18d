"""The clock: what happens in which order at one time, as events of a SimPy environment."""

from __future__ import annotations

from enum import IntEnum

from simpy import Environment, Event

__all__ = ["Order", "moment"]

LABELS = {"HISTORY": "books", "AGENCY_REVIEW": "contracts", "TIER_REVIEW": "review", "WARMUP_END": "opening"}
"""What baselines and tables of epochs call these kinds of events; they keep the words with which they were written."""


class Order(IntEnum):
    """Events at one time run in this order:

    1. history: what sessions have counted is booked in the ledger, and cumulative flows are recorded;
    2. phase: the settings of a new phase come into force;
    3. agency review: agencies cut, move effort, fail, recruit; accounts leave, open shops, set their live hours;
    4. entry: newcomers enter, verticals open;
    5. tier review: agencies' totals are compared with the conditions of the tiers;
    6. end of the warm-up (day 0): from now on follows are counted and support is given;
    7. renewal, where something of 2 to 5 has changed: who is present and what they post and sell is frozen into the
       tables; after 2 and 3 all surfaces are refreshed as well;
    8. refresh of a surface: followers and tiers are frozen into its tables, which no other surface reads;
    9. stop: the run ends;
    10. sessions, up to the next control event.
    """

    HISTORY = 1
    PHASE = 2
    AGENCY_REVIEW = 3
    ENTRY = 4
    TIER_REVIEW = 5
    WARMUP_END = 6
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
