"""Runs the units of an experiment on threads, keeps each as soon as it is done, and stops at once when told to."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from sim.errors import InterruptedRun
from sim.experiment.folder import RunFolder
from sim.experiment.plan import TWIN, Crew, Unit
from sim.experiment.unit import UnitRecord, run_unit
from sim.model.clock import DAY
from sim.model.population import Population, draw_population
from sim.model.simulation import EngineName
from sim.scenario import Loaded, Scenario

__all__ = ["Report", "run_units"]

Report = Callable[[float, float], None]
"""Told days simulated so far, of how many."""
HEARTBEAT = 0.1  # seconds between two looks at the workers


class _Stopped(Exception):
    """Raised inside a worker to end its unit."""


class _Populations:
    """Populations that are in use, each drawn once however many arms share it."""

    def __init__(self, loaded: Loaded) -> None:
        self._loaded = loaded
        self._lock = threading.Lock()
        self._drawn: dict[tuple[int, str], tuple[threading.Lock, list[Population]]] = {}

    def of(self, scenario: Scenario, replication: int) -> Population:
        """Population of an arm in a replication; arms with the same people share it."""
        number = 0 if scenario.population == "fixed" else replication
        people = scenario.model_dump_json(include=PEOPLE)
        with self._lock:
            for old in [key for key in self._drawn if key[0] < number - 2 * MANY_ARMS]:
                del self._drawn[old]
            own_lock, place = self._drawn.setdefault((number, people), (threading.Lock(), []))
        with own_lock:
            if not place:
                key = (scenario.seed, number)
                place.append(draw_population(scenario, self._loaded.roster, key, self._loaded.graph))
            return place[0]


PEOPLE = {"seed", "people_per_fan", "fans", "segments", "verticals", "influencers", "agencies"}
MANY_ARMS = 4


def run_units(
    loaded: Loaded,
    todo: list[Unit],
    folder: RunFolder,
    crew: Crew,
    engine: EngineName,
    report: Report,
) -> None:
    """Run units and store each in the folder as soon as it is finished.

    Raises
    ------
    InterruptedRun
        On ``KeyboardInterrupt``; all finished units are kept.
    """
    scenario = loaded.scenario
    days = scenario.horizon_days + scenario.warmup_days
    progress = dict.fromkeys(todo, 0.0)
    stop = threading.Event()
    populations = _Populations(loaded)

    def work(unit: Unit) -> UnitRecord:
        def watch(time: int) -> None:
            if stop.is_set():
                raise _Stopped
            progress[unit] = time / DAY + scenario.warmup_days

        if stop.is_set():
            raise _Stopped
        arm = loaded.arms[scenario.control if unit.arm == TWIN else unit.arm]
        population = populations.of(arm, unit.replication)
        key = unit.key(scenario.seed)
        return run_unit(arm, population, key, engine=engine, threads=crew.threads, watch=watch)

    pool = ThreadPoolExecutor(crew.workers)
    try:
        running: dict[Future[UnitRecord], Unit] = {pool.submit(work, unit): unit for unit in todo}
        while running:
            done, _ = wait(running, timeout=HEARTBEAT, return_when=FIRST_COMPLETED)
            for future in done:
                unit = running.pop(future)
                folder.store(*unit, future.result().to_bytes())
                progress[unit] = float(days)
            report(sum(progress.values()), float(days * len(todo)))
    except KeyboardInterrupt:
        raise InterruptedRun(
            f"interrupted; {len(folder.done())} finished of {len(folder.done()) + len(running)} are kept in "
            f"{folder.path}; the same command goes on from there"
        ) from None
    finally:
        stop.set()
        pool.shutdown(wait=True, cancel_futures=True)
