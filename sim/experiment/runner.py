"""Runs the units of an experiment on threads, keeps each as soon as it is done, and stops at once when told to."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from sim.errors import Fault, InputError, InterruptedRunError
from sim.experiment.folder import RunFolder
from sim.experiment.plan import TWIN, Crew, Unit
from sim.experiment.unit import UnitRecord, run_unit
from sim.model.clock import DAY
from sim.model.population import Population, check_followers, draw_population
from sim.model.simulation import EngineName
from sim.scenario import Loaded, Scenario

__all__ = ["Report", "check_populations", "run_units"]

Report = Callable[[float, float], None]
"""Told days simulated so far, of how many."""
HEARTBEAT = 0.1  # seconds between two looks at the workers


class _StoppedError(Exception):
    """Raised inside a worker to end its unit."""


class _Populations:
    """Populations that are in use, each drawn once however many arms share it."""

    def __init__(self, loaded: Loaded) -> None:
        self._loaded = loaded
        self._lock = threading.Lock()
        self._drawn: dict[tuple[int, str], tuple[threading.Lock, list[Population]]] = {}

    def of(self, scenario: Scenario, replication: int) -> Population:
        """Population of an arm in a replication; arms with the same people share it."""
        number = _number(scenario, replication)
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


PEOPLE = {"seed", "people_per_fan", "fans", "segments", "verticals", "influencers", "agencies", "entry"}
MANY_ARMS = 4


def _number(scenario: Scenario, replication: int) -> int:
    """Replication whose population this one has."""
    return 0 if scenario.population == "fixed" else replication


def check_populations(loaded: Loaded) -> None:
    """Refuse an experiment before anything of it is run when the population of an arm or replication can't be drawn.

    Raises
    ------
    InputError
        The first such population, in the order of replications.
    """
    # In a thread of its own: an interrupt would be dropped while the compiler works in the main thread.
    pool = ThreadPoolExecutor(1)
    stop = threading.Event()
    try:
        pool.submit(_check_populations, loaded, stop).result()
    finally:
        stop.set()
        pool.shutdown(wait=False)


def _check_populations(loaded: Loaded, stop: threading.Event) -> None:
    if loaded.graph is not None:
        return  # its follows are given, not shared out
    people = {arm.model_dump_json(include=PEOPLE): arm for arm in loaded.arms.values()}
    scenario = loaded.scenario
    for number in dict.fromkeys(_number(scenario, replication) for replication in range(scenario.replications)):
        for arm in people.values():
            if stop.is_set():
                return
            try:
                check_followers(arm, loaded.roster, (scenario.seed, number))
            except InputError as error:
                where = "" if scenario.replications == 1 else f" in replication {number}"
                raise InputError(
                    [Fault(loaded.file, fault.rule + where, None, fault.path, fault.value) for fault in error.faults]
                ) from None


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
    InterruptedRunError
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
                raise _StoppedError
            progress[unit] = time / DAY + scenario.warmup_days

        if stop.is_set():
            raise _StoppedError
        arm = loaded.arms[scenario.control if unit.arm == TWIN else unit.arm]
        population = populations.of(arm, unit.replication)
        key = unit.key(scenario.seed)
        return run_unit(arm, population, key, engine=engine, threads=crew.threads, watch=watch)

    pool = ThreadPoolExecutor(crew.workers)
    patient = True
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
        patient = False  # a worker looks up at its next refresh only; all that is kept is stored by this thread
        raise InterruptedRunError(
            f"interrupted; {len(folder.done())} finished of {len(folder.done()) + len(running)} are kept in "
            f"{folder.path}; the same command goes on from there"
        ) from None
    finally:
        stop.set()
        pool.shutdown(wait=patient, cancel_futures=True)
