"""A single unit looked into: one fan's sessions slot by slot, or where one influencer's exposure came from."""

from __future__ import annotations

from dataclasses import dataclass

from sim.errors import Fault, InputError
from sim.experiment.units import population_of
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


def _refused(loaded: Loaded, rule: str, value: object) -> InputError:
    return InputError([Fault(loaded.file, rule, value=str(value))])


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
    if name not in loaded.arms:
        raise _refused(loaded, f"--arm must be one of {', '.join(loaded.arms)}", name)
    scenario = loaded.arms[name]
    population = population_of(loaded, name, replication)
    if fan >= population.segment.size:
        raise _refused(loaded, f"--fan must be from 0 to {population.segment.size - 1}", fan)
    account = -1 if influencer is None else _account(loaded, population.influencers, influencer)
    key = Key(scenario.seed, replication)
    outcome = simulate(scenario, population, key, engine=engine, fan=fan, influencer=account)
    return Look(scenario, name, replication, max(fan, account), outcome)


def _account(loaded: Loaded, names: tuple[str, ...], wanted: str) -> int:
    """Number of an influencer, newcomers included, by its id or that number."""
    number = names.index(wanted) if wanted in names else int(wanted) if wanted.isdecimal() else -1
    if not 0 <= number < len(names):
        raise _refused(loaded, f"--influencer must be an id or a number from 0 to {len(names) - 1}", wanted)
    return number


def look_at_fan(
    loaded: Loaded, fan: int, *, arm: str | None = None, replication: int = 0, engine: EngineName = "compiled"
) -> Look:
    """Run a unit and write down all slots of a fan, numbered from 0; the arm left out is the control.

    Raises
    ------
    InputError
        No such fan or arm.
    """
    return _look(loaded, arm, replication, engine, fan=fan)


def look_at_influencer(
    loaded: Loaded, influencer: str, *, arm: str | None = None, replication: int = 0, engine: EngineName = "compiled"
) -> Look:
    """Run a unit and keep an influencer's counts on each surface; its id, or its number from 0.

    Raises
    ------
    InputError
        No such influencer or arm.
    """
    return _look(loaded, arm, replication, engine, influencer=influencer)
