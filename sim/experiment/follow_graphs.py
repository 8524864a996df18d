"""The follow graph at any day of a run, simulated again up to that day; knows no files but those of the scenario."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from sim.arguments import engine_name, whole_number
from sim.calendar import DAY
from sim.experiment.plan import chosen_unit, n_cores
from sim.experiment.units import population_of
from sim.model.simulation import Outcome, simulate
from sim.model.world.accounts import AccountStatus
from sim.scenario import FollowGraph, Loaded, Scenario
from sim.scenario.resolve.file_order import fans_as_listed, influencers_as_listed
from sim.types import EngineName, Int32s, Int64s

__all__ = ["follow_graph"]


def follow_graph(
    loaded: Loaded,
    arm: str | None = None,
    replication: int = 0,
    day: int | None = None,
    *,
    engine: EngineName = "compiled",
) -> FollowGraph:
    """Who follows whom in an arm and replication when a day begins.

    The unit is simulated from its start to that day. A whole run passes through exactly the same state: what happens
    depends on what was before only, and all who ever join are drawn at the start.

    Parameters
    ----------
    loaded
        From ``sim.scenario.load``.
    arm, replication
        Left out: the control; from 0.
    day
        From 0, the start, to the horizon; left out: the end.
    engine
        The same graph with either.

    Returns
    -------
    FollowGraph
        Fans and influencers that have joined, under the names of roster and follow graph and in their order; under
        generated names, in order of their ids, where there are none. Influencers that are gone keep their followers.
        Fans have the column ``segment``, influencers ``vertical`` and ``quality``.

    Raises
    ------
    ArgumentError
        No such arm, replication, day or engine.
    InputError
        The population can't be drawn.
    """
    horizon = loaded.scenario.horizon_days
    last = horizon if day is None else day
    day_fault = whole_number("day", last, 0, horizon, file=loaded.file)
    unit = chosen_unit(loaded, arm, replication, day_fault, engine_name(engine))
    last = int(last)
    scenario = loaded.arms[unit.arm]
    # Drawn for the whole horizon, which future fans are spread over.
    population = population_of(loaded, unit)
    outcome = simulate(
        scenario.model_copy(update={"horizon_days": last}),
        population,
        unit.key(scenario.seed),
        engine=engine,
        threads=n_cores(),
    )
    return _graph(loaded, scenario, outcome, last * DAY)


def _graph(loaded: Loaded, scenario: Scenario, outcome: Outcome, time: int) -> FollowGraph:
    """The graph of those who have joined by then."""
    population = outcome.population
    taken = (*population.influencers, *(population.fans or ()))
    first = population.fans or _names("fan", scenario.fans.count or 0, taken)
    later = _names("joined", population.segment.size - len(first), (*taken, *first))
    joined = np.concatenate([np.ones(len(first), np.bool_), population.joined < time])
    accounts = outcome.accounts
    entered = accounts.status != AccountStatus.WAITING
    begin, members = outcome.follow_lists
    fans, influencers = fans_as_listed(loaded, joined.size), influencers_as_listed(loaded, entered.size)
    fans, influencers = fans[joined[fans]], influencers[entered[influencers]]
    names = np.array([*first, *later], dtype=object)[fans]
    return FollowGraph(
        tuple(names.tolist()),
        tuple(population.influencers[i] for i in influencers.tolist()),
        np.repeat(_places(fans, joined.size), np.diff(begin)),
        _places(influencers, entered.size)[members],
        fan_columns={"segment": [population.segments[g] for g in population.segment[fans]]},
        influencer_columns={
            "vertical": [population.verticals[v] for v in accounts.vertical[influencers]],
            "quality": population.quality[influencers].tolist(),
        },
    )


def _places(chosen: Int64s, n: int) -> Int32s:
    """Where each of n ids is among the chosen ones, shape (n,), -1: nowhere."""
    places = np.full(n, -1, np.int32)
    places[chosen] = np.arange(chosen.size)
    return places


def _names(kind: str, n: int, taken: Collection[str]) -> tuple[str, ...]:
    """Names of n fans, ``KIND-0001`` and so on, that aren't taken."""
    while any(name.startswith(f"{kind}-") for name in taken):
        kind = f"a-{kind}"
    return tuple(f"{kind}-{i + 1:0{len(str(n))}d}" for i in range(n))
