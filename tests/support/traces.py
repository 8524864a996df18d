"""What a trace says of a fan or an influencer of a world, run by either engine."""

from __future__ import annotations

from support.inspection import run
from support.scenarios import World

from sim.experiment.unit_trace import Look
from sim.model.simulation import simulate
from sim.report.trace import fan_lines, fan_trace, influencer_lines, influencer_trace
from sim.store.unit import Unit
from sim.types import EngineName


def fan_text(world: World, fan: int, engine: EngineName) -> list[str]:
    outcome = run(world, engine=engine, fan=fan)
    return list(fan_lines(fan_trace(Look(world.scenario, Unit("arm", 0), fan, fan, outcome))))


def influencer_text(world: World, influencer: int, engine: EngineName) -> list[str]:
    outcome = simulate(world.scenario, world.population, world.key, engine=engine, influencer=influencer)
    return list(
        influencer_lines(influencer_trace(Look(world.scenario, Unit("arm", 0), influencer, influencer, outcome)))
    )
