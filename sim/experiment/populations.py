"""The population of a replication, drawn; knows nothing of what is run on it."""

from __future__ import annotations

from sim.experiment.refusals import population_number
from sim.model.population import Population, draw_population
from sim.scenario import Loaded

__all__ = ["population_of"]


def population_of(loaded: Loaded, arm: str, replication: int) -> Population:
    """Draw the population of an arm in a replication; ``InputError`` where it can't be drawn."""
    scenario = loaded.arms[arm]
    key = (scenario.seed, population_number(scenario, replication))
    return draw_population(scenario, loaded.roster, key, loaded.graph)
