"""Epochs of a unit: digests of what control events have decided and of what sessions have counted in between.

They tell where two runs part. A digest says nothing of who differs: ``state_at`` runs a unit up to the place and looks.
"""

from __future__ import annotations

import contextlib
import hashlib
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
    """Its arrays; the names are hashed into the epochs that baselines keep, so that they stay."""
    return {
        "influencer vertical": population.vertical,
        "influencer agency": population.agency,
        "influencer quality": population.quality,
        "influencer posts_per_day": population.posts_per_day,
        "influencer age_days": population.age_days,
        "influencer shop": population.shop,
        "influencer conversion_prob": population.conversion_prob,
        "influencer order_value_fen": population.order_value_fen,
        "influencer live_hours_per_day": population.live_hours_per_day,
        "influencer followers": population.followers,
        "influencer incubating": population.incubating,
        "influencer joined_at": population.joined_at,
        "agency agency_group": population.agency_group,
        "table segment": population.segment,
        "table mean_gap": population.mean_gap,
        "table joined": population.joined,
        "table begin": population.begin,
        "table members": population.members,
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
