"""Epochs of a unit: digests of what control events have decided and of what sessions have counted in between.

They tell where two runs part. A digest says nothing of who differs: ``state_at`` runs a unit up to the place and looks.
"""

from __future__ import annotations

import contextlib
import hashlib
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.experiment.plan import Unit
from sim.experiment.populations import population_of
from sim.model.glance import Glance, State
from sim.model.population import Population
from sim.model.simulation import simulate
from sim.scenario import Loaded

__all__ = ["POPULATION", "SESSIONS", "EpochKeeper", "state_at"]

POPULATION = "population"
"""Event before all others: who there is."""
SESSIONS = "sessions"
"""What follows the control events of a time."""


class EpochKeeper:
    """Keeps a digest after each event of a unit.

    Parameters
    ----------
    population, start
        The unit's, and the time at which it begins [s].
    """

    def __init__(self, population: Population, start: int) -> None:
        self._time: int | None = None
        self._kept = [(start, POPULATION, _digest(_of_population(population)))]

    def watch(self, glance: Glance) -> None:
        """Keep what an event has decided, and before it what the sessions since the events before have counted."""
        if self._time is not None and self._time < glance.time:
            self._kept.append((self._time, SESSIONS, _digest(glance.traffic())))
        self._time = glance.time
        self._kept.append((glance.time, glance.order.name.lower(), _digest(glance.decided())))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """``epoch_time`` [s], ``epoch_event``, ``epoch_digest`` in order, shape (n,) each."""
        time, event, digest = zip(*self._kept, strict=True)
        return {
            "epoch_time": np.array(time, np.int64),
            "epoch_event": np.array(event, np.str_),
            "epoch_digest": np.array(digest, np.str_),
        }


def _digest(state: State) -> str:
    sha = hashlib.blake2b(digest_size=8)
    for name, array in state.items():
        sha.update(f"{name} {array.shape}".encode())
        sha.update(np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).tobytes())
    return sha.hexdigest()


def _of_population(population: Population) -> State:
    """Its arrays, those with a row for each influencer or agency by it."""
    found: State = {}
    for field in fields(population):
        array = getattr(population, field.name)
        if isinstance(array, np.ndarray):
            holder = "influencer" if field.name in _OF_INFLUENCERS else "table"
            found[f"agency {field.name}" if field.name == "agency_group" else f"{holder} {field.name}"] = array
    return found


_OF_INFLUENCERS = {
    "vertical",
    "agency",
    "quality",
    "posts_per_day",
    "age_days",
    "shop",
    "conversion_prob",
    "order_value_fen",
    "live_hours_per_day",
    "followers",
    "incubating",
    "joined_at",
}


class _ReachedError(Exception):
    """Ends a unit whose state is found."""


def state_at(loaded: Loaded, unit: Unit, time: int, event: str) -> State | None:
    """What an event has decided, or what sessions have counted up to the next one.

    Parameters
    ----------
    loaded, unit
        What is run, with the compiled engine on one thread, up to there.
    time, event
        As ``EpochKeeper`` names them.

    Returns
    -------
    dict
        Copies; besides, ``influencer`` and ``agency`` are their names. None: there is no such event.
    """
    scenario = loaded.arms[unit.arm]
    population = population_of(loaded, unit.arm, unit.replication)
    names = {"influencer": np.array(population.influencers), "agency": np.array(population.agencies, dtype=np.str_)}
    found: State = _of_population(population) if event == POPULATION else {}

    def watch(glance: Glance) -> None:
        if event == SESSIONS and glance.time > time:
            found.update({name: array.copy() for name, array in glance.traffic().items()})
            raise _ReachedError
        if glance.time > time:
            raise _ReachedError
        if (glance.time, glance.order.name.lower()) == (time, event):
            found.update({name: array.copy() for name, array in glance.decided().items()})

    if event != POPULATION:
        with contextlib.suppress(_ReachedError):
            simulate(scenario, population, unit.key(scenario.seed), watch=watch)
    return names | found if found else None
