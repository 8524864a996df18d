"""The state of a unit after one of its events: the unit is run again up to there. It knows no digests."""

from __future__ import annotations

import contextlib

import numpy as np

from sim.experiment.epochs import POPULATION, SESSIONS, population_arrays
from sim.experiment.units import population_of
from sim.model.observation import Observation, State
from sim.model.simulation import simulate
from sim.scenario import Loaded
from sim.store.unit import Unit

__all__ = ["state_at"]


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
        Copies; ``influencer`` and ``agency`` are their names. None: there is no such event.
    """
    scenario = loaded.arms[unit.arm]
    population = population_of(loaded, unit)
    names = {"influencer": np.array(population.influencers), "agency": np.array(population.agencies, dtype=np.str_)}
    found: State = population_arrays(population) if event == POPULATION else {}

    def watch(observation: Observation) -> None:
        if event == SESSIONS and observation.time > time:
            found.update({name: array.copy() for name, array in observation.traffic().items()})
            raise _ReachedError
        if observation.time > time:
            raise _ReachedError
        if (observation.time, observation.order.label) == (time, event):
            found.update({name: array.copy() for name, array in observation.decided().items()})

    if event != POPULATION:
        with contextlib.suppress(_ReachedError):
            simulate(scenario, population, unit.key(scenario.seed), watch=watch)
    return names | found if found else None
