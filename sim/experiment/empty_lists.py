"""Arms whose support list has no account when it is made: noted while they run; decides nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue

from sim.calendar import DAY
from sim.formatting import escaped
from sim.model.clock import Order
from sim.model.simulation import Observation
from sim.store.unit import Unit

__all__ = ["EmptyLists"]


class EmptyLists:
    """Notes of empty lists: left by the units' workers, taken by the thread that waits for them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._noted: set[tuple[str, int]] = set()
        self._waiting: SimpleQueue[str] = SimpleQueue()

    def watch(self, unit: Unit) -> Callable[[Observation], None]:
        """What looks at a unit's lists when they are first made, at day 0 and with each phase."""
        is_known = unit.independent

        def watch(observation: Observation) -> None:
            nonlocal is_known
            if observation.order is Order.PHASE:
                is_known = unit.independent
            if is_known or observation.order not in (Order.REFRESH, Order.RENEWAL):
                return
            share = observation.empty_share()
            is_known = share is not None
            if share:
                self._note(unit, observation.time // DAY, share)

        return watch

    def _note(self, unit: Unit, day: int, share: float) -> None:
        with self._lock:
            if (unit.arm, day) in self._noted:
                return
            self._noted.add((unit.arm, day))
        self._waiting.put(
            f"arm {escaped(unit.arm)}: on day {day} its support list is empty (replication {unit.replication}), so "
            f"that {100 * share:.4g} % of its reserved slots are filled organically while that lasts; an arm with less "
            "than 99.9 % filled from its list isn't compared"
        )

    def take(self) -> list[str]:
        """The notes that haven't been taken yet; each arm has one per day."""
        found = []
        while True:
            try:
                found.append(self._waiting.get_nowait())
            except Empty:
                return found
