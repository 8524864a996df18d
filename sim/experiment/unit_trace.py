"""One unit looked into: one fan's sessions slot by slot, or where one influencer's exposure came from; no tables."""

from __future__ import annotations

from dataclasses import dataclass

from sim.arguments import engine_name, refuse, whole_number
from sim.errors import ArgumentError, Fault
from sim.experiment.plan import chosen_unit
from sim.experiment.units import population_of
from sim.formatting import escaped
from sim.model.simulation import Outcome, simulate
from sim.model.world.population import Population
from sim.scenario import Loaded, Scenario
from sim.scenario.read.names import normal_form
from sim.scenario.resolve.file_order import fans_as_listed, influencers_as_listed
from sim.store.unit import Unit
from sim.types import EngineName

__all__ = ["Look", "look_at_fan", "look_at_influencer"]


@dataclass(frozen=True)
class Look:
    """A unit that was run to be looked into."""

    scenario: Scenario
    unit: Unit
    subject: int
    """Id of the fan or influencer."""
    number: int
    """Its place in the order of its file, from 0, where a file names it; else the id."""
    outcome: Outcome


def _chosen(loaded: Loaded, arm: str | None, replication: int, engine: EngineName) -> tuple[Unit, Population]:
    unit = chosen_unit(loaded, arm, replication, engine_name(engine))
    return unit, population_of(loaded, unit)


def _run(
    loaded: Loaded, unit: Unit, population: Population, engine: EngineName, *, fan: int = -1, influencer: int = -1
) -> Look:
    """Run a unit; fan or influencer are numbers of the file's order."""
    scenario = loaded.arms[unit.arm]
    key = unit.key(scenario.seed)
    if fan >= 0:
        number, subject = fan, int(fans_as_listed(loaded, population.segment.size)[fan])
        outcome = simulate(scenario, population, key, engine=engine, fan=subject)
    else:
        number, subject = influencer, int(influencers_as_listed(loaded, population.vertical.size)[influencer])
        outcome = simulate(scenario, population, key, engine=engine, influencer=subject)
    return Look(scenario, unit, subject, number, outcome)


def look_at_fan(
    loaded: Loaded, fan: int, *, arm: str | None = None, replication: int = 0, engine: EngineName = "compiled"
) -> Look:
    """Run a unit and write down all slots of a fan.

    Parameters
    ----------
    loaded, engine
        What is run, and with which engine; the outcome is the same with either.
    fan
        Its number, from 0; in a follow graph its place in the order of the file.
    arm, replication
        Which unit; the arm left out is the control.

    Raises
    ------
    ArgumentError
        No such arm, replication, fan or engine.
    InputError
        The population can't be drawn.
    """
    unit, population = _chosen(loaded, arm, replication, engine)
    refuse(whole_number("fan", fan, 0, population.segment.size - 1, file=loaded.file))
    return _run(loaded, unit, population, engine, fan=fan)


def look_at_influencer(
    loaded: Loaded, influencer: str, *, arm: str | None = None, replication: int = 0, engine: EngineName = "compiled"
) -> Look:
    """Run a unit and keep an influencer's counts on each surface.

    Parameters
    ----------
    influencer
        Its name, or its number from 0, which is the row of roster or follow graph; newcomers are the last.
    loaded, arm, replication, engine
        As for ``look_at_fan``.

    Raises
    ------
    ArgumentError
        No such arm, replication, influencer or engine.
    InputError
        The population can't be drawn.
    """
    unit, population = _chosen(loaded, arm, replication, engine)
    order = influencers_as_listed(loaded, population.vertical.size).tolist()
    names, wanted = [population.influencers[i] for i in order], normal_form(influencer)
    number = names.index(wanted) if wanted in names else int(influencer) if influencer.isdecimal() else -1
    if not 0 <= number < len(names):
        rule = f"must be an id or a number from 0 to {len(names) - 1}"
        raise ArgumentError([Fault(loaded.file, rule, value=escaped(repr(influencer)), argument="influencer")])
    return _run(loaded, unit, population, engine, influencer=number)
