"""What an experiment consists of: units, pairs of arms that are compared, and how many units run at a time."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sim.arguments import choice, refuse, whole_number
from sim.errors import Fault, MachineError, named
from sim.experiment.cost import PROCESS_BYTES, START_SECONDS, Cost, People, cost, people
from sim.experiment.refusals import population_number
from sim.scenario import Loaded
from sim.store.unit import Unit

__all__ = [
    "STREAM_REPLICATIONS",
    "CostEstimate",
    "Parallelism",
    "chosen_unit",
    "estimate",
    "n_cores",
    "refuse_memory",
    "units",
]

STREAM_REPLICATIONS = 10
"""Replications that have an independent control: it only states by how much common random numbers reduce variance."""
MEMORY_SHARE = 0.8
CONTENTION = 0.28
"""Of what holds the interpreter's lock, waited for each other unit at work; fitted as the constants of ``cost``."""
SPLIT_SESSIONS = 200_000
"""Sessions between two refreshes from which the threads of one unit have work enough."""


def n_cores() -> int:
    """Cores that this process may use; all there are where the system (macOS) can't tell which."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def units(loaded: Loaded) -> list[Unit]:
    """All units, replication by replication, so that the arms of one share its population."""
    scenario = loaded.scenario
    wanted = len(loaded.arms) > 1 and scenario.replications > 1  # one alone has no variance
    independent_controls = min(scenario.replications, STREAM_REPLICATIONS) if wanted else 0
    found = []
    for replication in range(scenario.replications):
        found += [Unit(arm, replication) for arm in loaded.arms]
        if replication < independent_controls:
            found.append(Unit(scenario.control, replication, independent=True))
    return found


def chosen_unit(loaded: Loaded, arm: str | None, replication: int, *also: Fault | None) -> Unit:
    """The unit of an arm, left out: the control, in a replication, from 0; the one rule for all that look into a unit.

    Raises
    ------
    ArgumentError
        The scenario has no such arm or replication, or there are faults already, ``also``; all at once.
    """
    name = loaded.scenario.control if arm is None else arm
    last = loaded.scenario.replications - 1
    refuse(
        choice("arm", name, loaded.arms, file=loaded.file),
        whole_number("replication", replication, 0, last, file=loaded.file),
        *also,
    )
    return Unit(name, int(replication))


@dataclass(frozen=True)
class Parallelism:
    """Units that run at a time, and threads that each of them has."""

    workers: int
    threads: int


@dataclass(frozen=True)
class CostEstimate:
    """What units are expected to take, with the threads that they get."""

    scale: str
    """Which units these are, in words."""
    units: int
    sessions: float
    seconds: float
    bytes: float
    """Of the whole process at its peak."""
    parallelism: Parallelism

    def __str__(self) -> str:
        """One line for the user."""
        return f"{self.scale}: {count(self.sessions)} sessions, about {duration(self.seconds)}, {amount(self.bytes)}"


def estimate(
    loaded: Loaded, threads: int, free: int, todo: Sequence[Unit] | None = None, *, engine: str = "compiled"
) -> CostEstimate:
    """What it takes to run an experiment, or what is still to do of it; from the scenario alone.

    Parameters
    ----------
    loaded, threads
        What is to run, and on how many threads.
    free
        Free memory [bytes].
    todo
        Units that are still to run; left out: all.
    engine
        ``compiled`` or ``reference``.

    Returns
    -------
    CostEstimate
        Seconds as on the machine that the constants of ``cost`` were fitted on.
    """
    everything = units(loaded)
    wanted = everything if todo is None else list(todo)
    scenario = loaded.scenario
    sizes = {arm: people(of, loaded) for arm, of in loaded.arms.items()}
    costs = {arm: cost(of, sizes[arm], reference=engine == "reference") for arm, of in loaded.arms.items()}
    parallelism = _crew(costs, loaded, wanted, threads, free)
    own = [costs[unit.arm] for unit in wanted]
    draws: dict[tuple[int, People], float] = {}
    for unit in wanted:
        number = population_number(scenario, unit.replication)
        draws[number, sizes[unit.arm]] = costs[unit.arm].draw_seconds
    at_once = min(parallelism.workers * parallelism.threads, n_cores())
    parallel = sum(c.parallel_seconds for c in own) + sum(draws.values())
    serial = sum(c.serial_seconds for c in own)
    n_arms, n = len(loaded.arms), scenario.replications
    whole = f"{n_arms} arm{'s' * (n_arms != 1)} x {n} replication{'s' * (n != 1)}"
    return CostEstimate(
        scale=whole if len(wanted) == len(everything) else f"{len(wanted)} of {len(everything)} units to go",
        units=len(wanted),
        sessions=sum(c.sessions for c in own),
        seconds=START_SECONDS + serial * _waiting(parallelism.workers) + parallel / max(at_once, 1),
        bytes=PROCESS_BYTES + _bytes(costs, loaded, wanted, parallelism.workers),
        parallelism=parallelism,
    )


def _waiting(workers: int) -> float:
    """Factor on what holds the interpreter's lock: units at work on other threads are in the way."""
    return 1.0 + CONTENTION * (workers - 1)


def _bytes(costs: Mapping[str, Cost], loaded: Loaded, wanted: Sequence[Unit], workers: int) -> float:
    """Memory of that many units at a time, the largest, and of the populations that they have."""
    if not wanted:
        return 0.0
    of_replication = len(loaded.arms) + 1
    replications = 1 + -(-(workers - 1) // of_replication)
    fixed = loaded.scenario.population == "fixed"
    n_populations = 1 if fixed else min(replications, len({unit.replication for unit in wanted}))
    # Arms that differ in who exists have populations of their own.
    distinct = len({(c.shared_bytes, c.draw_seconds) for c in costs.values()})
    return workers * max(c.bytes for c in costs.values()) + n_populations * distinct * max(
        c.shared_bytes for c in costs.values()
    )


def _crew(costs: Mapping[str, Cost], loaded: Loaded, wanted: Sequence[Unit], threads: int, free: int) -> Parallelism:
    """How to use the threads: so many units at a time that they don't wait for each other's control plane longer than
    they gain, and no more than memory allows; what is left over, for the sessions of each.
    """
    serial = sum(costs[unit.arm].serial_seconds for unit in wanted)
    parallel = sum(costs[unit.arm].parallel_seconds for unit in wanted)
    if all(costs[unit.arm].interval_sessions >= SPLIT_SESSIONS for unit in wanted):
        return Parallelism(1, threads)  # as fast with the memory of one
    most = max(1, min(len(wanted), threads))
    workers = min(range(1, most + 1), key=lambda n: serial * _waiting(n) + parallel / n)
    while workers > 1 and PROCESS_BYTES + _bytes(costs, loaded, wanted, workers) > MEMORY_SHARE * free:
        workers -= 1
    return Parallelism(workers, max(1, threads // workers))


def refuse_memory(loaded: Loaded, free: int) -> None:
    """Refuse, with ``MachineError``, an experiment that takes over 80 % of the free memory unit by unit."""
    needed = estimate(loaded, 1, free).bytes
    if needed > MEMORY_SHARE * free:
        raise MachineError(
            f"{loaded.file}: needs about {amount(needed)} for one arm and replication at a time, over 80 % of the "
            f"{amount(free)} of free memory; {named('force', True)} runs it all the same"
        )


def count(number: float) -> str:
    """A number in words.

    >>> count(950), count(213_400_000), count(1_234_000)
    ('950', '213 million', '1.2 million')
    """
    for unit, name in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million")):
        if number >= 0.9995 * unit:
            return f"{_rounded(number / unit)} {name}"
    return f"{number:,.0f}"


def duration(seconds: float) -> str:
    """A time in words.

    >>> duration(0.6), duration(83), duration(1000), duration(9000), duration(1e6)
    ('1 s', '83 s', '17 min', '2.5 h', '12 days')
    """
    for unit, name in ((2 * 86_400, "days"), (7200, "h"), (120, "min")):
        if seconds >= unit:
            return f"{_rounded(seconds / {'days': 86_400, 'h': 3600, 'min': 60}[name])} {name}"
    return f"{max(seconds, 1):.0f} s"


def amount(n_bytes: float) -> str:
    """Memory in words.

    >>> amount(3.1e8), amount(2.04e9)
    ('310 MB', '2.0 GB')
    """
    return f"{n_bytes / 1e9:.1f} GB" if n_bytes >= 0.9995e9 else f"{n_bytes / 1e6:.0f} MB"


def _rounded(number: float) -> str:
    return f"{number:.0f}" if number >= 9.95 else f"{number:.1f}"
