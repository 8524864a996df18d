"""A single unit looked into: one fan's sessions slot by slot, or where one influencer's exposure came from."""

from __future__ import annotations

from dataclasses import dataclass

from sim.arguments import MAX_REPLICATIONS, choice, engine_name, refuse, whole_number
from sim.errors import ArgumentError, Fault
from sim.experiment.units import population_of
from sim.formatting import escaped
from sim.model.simulation import Outcome, simulate
from sim.scenario import Loaded, Scenario
from sim.types import EngineName, Key

__all__ = ["Look", "look_at_fan", "look_at_influencer"]


@dataclass(frozen=True)
class Look:
    """A unit that was run to be looked into."""

    scenario: Scenario
    arm: str
    replication: int
    subject: int
    """Number of the fan or influencer."""
    outcome: Outcome


def _look(
    loaded: Loaded,
    arm: str | None,
    replication: int,
    engine: EngineName,
    *,
    fan: int = -1,
    influencer: str | None = None,
) -> Look:
    name = loaded.scenario.control if arm is None else arm
    refuse(
        choice("arm", name, loaded.arms, file=loaded.file),
        whole_number("replication", replication, 0, MAX_REPLICATIONS - 1),
        engine_name(engine),
    )
    scenario = loaded.arms[name]
    population = population_of(loaded, name, replication)
    if influencer is None:
        refuse(whole_number("fan", fan, 0, population.segment.size - 1, file=loaded.file))
    account = -1 if influencer is None else _account(loaded, population.influencers, influencer)
    key = Key(scenario.seed, replication)
    outcome = simulate(scenario, population, key, engine=engine, fan=fan, influencer=account)
    return Look(scenario, name, replication, max(fan, account), outcome)


def _account(loaded: Loaded, names: tuple[str, ...], wanted: str) -> int:
    """Number of an influencer, newcomers included, by its id or that number."""
    number = names.index(wanted) if wanted in names else int(wanted) if wanted.isdecimal() else -1
    if not 0 <= number < len(names):
        rule = f"must be an id or a number from 0 to {len(names) - 1}"
        raise ArgumentError([Fault(loaded.file, rule, value=escaped(repr(wanted)), argument="influencer")])
    return number


def look_at_fan(
    loaded: Loaded, fan: int, *, arm: str | None = None, replication: int = 0, engine: EngineName = "compiled"
) -> Look:
    """Run a unit and write down all slots of a fan, numbered from 0; the arm left out is the control.

    Raises
    ------
    ArgumentError
        No such fan, arm or engine.
    """
    return _look(loaded, arm, replication, engine, fan=fan)


def look_at_influencer(
    loaded: Loaded, influencer: str, *, arm: str | None = None, replication: int = 0, engine: EngineName = "compiled"
) -> Look:
    """Run a unit and keep an influencer's counts on each surface; its id, or its number from 0.

    Raises
    ------
    ArgumentError
        No such influencer, arm or engine.
    """
    return _look(loaded, arm, replication, engine, influencer=influencer)
