"""Epochs of a unit: digests of what control events have decided and of what sessions have counted in between.

They show where two runs diverge, but not what differs.
"""

from __future__ import annotations

import hashlib

import numpy as np

from sim.model.observation import Observation, State
from sim.model.world.population import Population
from sim.store.unit_record import EpochsRecord

__all__ = ["POPULATION", "SESSIONS", "EpochKeeper", "population_arrays"]

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
        self._kept = [(start, POPULATION, _digest(population_arrays(population)))]

    def watch(self, observation: Observation) -> None:
        """Keep what an event has decided, and before it what the sessions since the events before have counted."""
        if self._time is not None and self._time < observation.time:
            self._kept.append((self._time, SESSIONS, _digest(observation.traffic())))
        self._time = observation.time
        self._kept.append((observation.time, observation.order.label, _digest(observation.decided())))

    def record(self) -> EpochsRecord:
        """All that was kept, in order."""
        time, event, digest = zip(*self._kept, strict=True)
        return EpochsRecord(np.array(time, np.int64), np.array(event, np.str_), np.array(digest, np.str_))


def _digest(state: State) -> str:
    sha = hashlib.blake2b(digest_size=8)
    for name, array in state.items():
        sha.update(f"{name} {array.shape}".encode())
        sha.update(np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).tobytes())
    return sha.hexdigest()


def population_arrays(population: Population) -> State:
    """Its arrays; the names are hashed into the epochs that baselines keep, so that they stay."""
    begin, members = population.follow_lists
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
        "table begin": begin,
        "table members": members,
    }
