"""How far a run is: what its workers note of their units, and what a display gets to see; knows no terminal."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from time import perf_counter

from sim.analysis.concentration import head_share
from sim.calendar import DAY
from sim.model.simulation import Observation
from sim.scenario.schema.scenario import Scenario
from sim.store.unit import Unit

__all__ = ["Progress", "ProgressTracker", "Report", "Running"]

HEAD = 0.01
LOOK_SECONDS = 0.3
"""From one look at a unit's followers and sessions to the next, at least."""
LOOK_SHARE = 0.01
"""Part of a unit's time that such looks take, at most."""


@dataclass(frozen=True)
class Running:
    """A unit that runs now."""

    arm: str
    """Of an independent control, the control."""
    replication: int
    is_independent: bool
    """The control once more with independent streams, which tells how much common random numbers help."""
    day: int | None = None
    """Day that is simulated, negative in the warm-up; None while the population is drawn."""
    head_share: float | None = None
    """Share of followers of the largest accounts now, as many as 1 % of day 0's; in [0, 1], None: undefined."""


@dataclass(frozen=True)
class Progress:
    """How far a run is. Units that an earlier call has finished don't count."""

    days: float
    """Days simulated by all units, each warm-up with them."""
    total_days: float
    """Of how many."""
    horizon_days: int
    """Last day of each unit."""
    sessions: int
    """Sessions of all units."""
    running: tuple[Running, ...]
    """Units at work, in the order in which they began."""


Report = Callable[[Progress], None]
"""Called with how far a run is, in the thread that called it, about ten times a second."""


@dataclass
class _Note:
    """Of a unit; its worker sets a field in one step, so that others can read meanwhile."""

    time: int | None = None
    """[s]"""
    sessions: int = 0
    head_share: float | None = None


class ProgressTracker:
    """Where the workers of a run note how far their units are, each its own, and anyone reads all.

    Parameters
    ----------
    scenario
        Whose units.
    todo
        Those that are still to run.
    """

    def __init__(self, scenario: Scenario, todo: Sequence[Unit]) -> None:
        self._scenario = scenario
        self._days = scenario.warmup_days + scenario.horizon_days
        self._n_units = len(todo)
        self._lock = threading.Lock()
        self._notes: dict[Unit, _Note] = {}
        self._n_done = 0
        self._sessions_of_done = 0

    def begin(self, unit: Unit) -> None:
        """A worker has taken the unit up."""
        with self._lock:
            self._notes[unit] = _Note()

    def watch(self, unit: Unit, n_initial: int) -> Callable[[Observation], None]:
        """What notes how far a unit is, at its refreshes and in its worker's thread.

        Parameters
        ----------
        unit
            One that has begun.
        n_initial
            Accounts at day 0.
        """
        note, due = self._notes[unit], 0.0

        def watch(observation: Observation) -> None:
            nonlocal due
            note.time = observation.time
            started = perf_counter()
            if started >= due:
                share = head_share(observation.followers(), HEAD, n_initial)
                note.head_share = None if math.isnan(share) else share
                note.sessions = observation.sessions()
                ended = perf_counter()
                due = ended + max(LOOK_SECONDS, (ended - started) / LOOK_SHARE)

        return watch

    def end(self, unit: Unit, sessions: int) -> None:
        """The unit is done; it had so many sessions."""
        with self._lock:
            del self._notes[unit]
            self._n_done += 1
            self._sessions_of_done += sessions

    def progress(self) -> Progress:
        """How far the run is now."""
        scenario = self._scenario
        with self._lock:
            notes = [(unit, replace(note)) for unit, note in self._notes.items()]
            n_done, sessions = self._n_done, self._sessions_of_done
        days = [note.time / DAY + scenario.warmup_days for _, note in notes if note.time is not None]
        return Progress(
            days=n_done * self._days + sum(days),
            total_days=float(self._n_units * self._days),
            horizon_days=scenario.horizon_days,
            sessions=sessions + sum(note.sessions for _, note in notes),
            running=tuple(self._running(unit, note) for unit, note in notes),
        )

    def _running(self, unit: Unit, note: _Note) -> Running:
        return Running(
            arm=unit.arm,
            replication=unit.replication,
            is_independent=unit.independent,
            day=None if note.time is None else note.time // DAY,
            head_share=note.head_share,
        )
