"""What an experiment consists of: units, pairs of arms that are compared, and how many units run at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from sim.errors import MachineError
from sim.scenario import Loaded
from sim.scenario.phases import support_at_end
from sim.streams import INDEPENDENT

__all__ = ["STREAM_REPLICATIONS", "TWIN", "Crew", "Unit", "check_memory", "crew", "pairs", "unit_bytes", "units"]

TWIN = "\x1ftwin"
"""Journal name of the control arm on the same population with independent streams; no arm can be called so."""
STREAM_REPLICATIONS = 10
"""Replications that have a twin: they only serve to state by how much common random numbers reduce the variance."""
MEMORY_SHARE = 0.8


class Unit(NamedTuple):
    """One arm in one replication."""

    arm: str
    replication: int

    def key(self, seed: int) -> tuple[int, int]:
        """Key of its traffic."""
        return seed, self.replication + (INDEPENDENT if self.arm == TWIN else 0)


def units(loaded: Loaded) -> list[Unit]:
    """All units, replication by replication, so that the arms of one share its population."""
    scenario = loaded.scenario
    twins = min(scenario.replications, STREAM_REPLICATIONS) if len(loaded.arms) > 1 else 0
    return [
        Unit(arm, replication)
        for replication in range(scenario.replications)
        for arm in (*loaded.arms, *([TWIN] if replication < twins else []))
    ]


def pairs(loaded: Loaded) -> list[tuple[str, str]]:
    """Arms that are compared, each (arm, control): all with the control; tiered ones with uniform ones, which is the
    effect of the tiering itself; and whatever a claim compares.
    """
    control = loaded.scenario.control
    found = [(arm, control) for arm in loaded.arms if arm != control]
    table = loaded.scenario.model_dump()
    policy = {arm: support_at_end(table, arm)["policy"] for arm in loaded.arms}
    found += [(a, b) for a in policy if policy[a] == "tiered" for b in policy if policy[b] == "uniform"]
    found += [(claim.arm, claim.control) for claim in loaded.scenario.claims.values() if claim.control is not None]
    return list(dict.fromkeys(found))


@dataclass(frozen=True)
class Crew:
    """Units that run at a time, and threads that each of them has."""

    workers: int
    threads: int


def unit_bytes(loaded: Loaded) -> int:
    """Memory that a unit takes, from the sizes of its arrays [bytes]; about 30 % off at most."""
    scenario = loaded.scenario
    n_fans = scenario.fans.count or 0
    n = (scenario.influencers.count or 0) + scenario.n_newcomers
    n_follows = (scenario.fans.follows_per_fan or 0.0) * n_fans
    n_surfaces, n_segments = len(scenario.surfaces), len(scenario.segments)
    population = 28 * n_fans + 16 * n_follows
    engine = 44 * n_fans + 24 * n_follows
    tables = 2 * n_surfaces * n_segments * n * 16
    books = 96 * n * 3 * (scenario.horizon_days // 30 + 3)
    return int(population + engine + tables + books + 60 * n * n_surfaces + 20_000_000)


def check_memory(loaded: Loaded, free: int) -> None:
    """Refuse, with ``MachineError``, an experiment of which a single unit would take over 80 % of the free memory."""
    each = unit_bytes(loaded)
    if each > MEMORY_SHARE * free:
        raise MachineError(
            f"{loaded.file}: needs about {each / 1e9:.1f} GB for one arm and replication, over 80 % of the "
            f"{free / 1e9:.1f} GB of free memory; --force runs it all the same"
        )


def crew(loaded: Loaded, n_units: int, threads: int, free: int) -> Crew:
    """How to use the threads: one unit each while memory allows, several threads for a unit where it doesn't.

    Parameters
    ----------
    loaded, n_units, threads
        What is to run, and on how many threads.
    free
        Free memory [bytes].
    """
    fit = int(MEMORY_SHARE * free // unit_bytes(loaded))
    workers = max(1, min(n_units, threads, fit))
    return Crew(workers, max(1, threads // workers))
