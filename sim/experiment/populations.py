"""Which population a replication has; knows nothing of what is run on it."""

from __future__ import annotations

from sim.model.population import Population, draw_population
from sim.scenario import Loaded, Scenario

__all__ = ["population_number", "population_of"]


def population_number(scenario: Scenario, replication: int) -> int:
    """Replication whose population this one has."""
    return 0 if scenario.population == "fixed" else replication


def population_of(loaded: Loaded, arm: str, replication: int) -> Population:
    """Draw the population of an arm in a replication; ``InputError`` where it can't be drawn."""
    scenario = loaded.arms[arm]
    key = (scenario.seed, population_number(scenario, replication))
    return draw_population(scenario, loaded.roster, key, loaded.graph)
