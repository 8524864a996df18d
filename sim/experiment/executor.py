"""Runs the units of an experiment on threads and keeps each as soon as it is done; knows no tables and no answer."""

from __future__ import annotations

import contextlib
import threading
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from sim.errors import Fault, InputError, InterruptedRunError
from sim.experiment.empty_lists import EmptyLists
from sim.experiment.plan import Parallelism
from sim.experiment.progress import ProgressTracker, Report
from sim.experiment.refusals import PEOPLE, population_number
from sim.experiment.units import population_of, run_unit
from sim.measures.subgroups import NO_GROUPS
from sim.model.layout import Total
from sim.model.simulation import Observation, Watch
from sim.model.world.population import Population
from sim.results.claims import groups_of
from sim.scenario import Loaded, Scenario
from sim.scenario.findings import NO_VALUE, Finding, InWords
from sim.scenario.resolve.roster_groups import members
from sim.store.run_folder import RunFolder
from sim.store.unit import Unit
from sim.types import EngineName

__all__ = ["UnitWork", "run_units"]

HEARTBEAT = 0.1  # seconds between two looks at the workers


class _StoppedError(Exception):
    """Raised inside a worker to end its unit."""


class _Populations:
    """Populations that are in use, each drawn once however many arms share it, and dropped after its last unit."""

    def __init__(self, loaded: Loaded, todo: Iterable[Unit]) -> None:
        self._loaded = loaded
        self._lock = threading.Lock()
        self._people = {name: _people(arm) for name, arm in loaded.arms.items()}
        self._waiting = Counter(self._key(unit) for unit in todo)
        self._drawn: dict[tuple[int, str], tuple[threading.Lock, list[Population]]] = {}

    def _key(self, unit: Unit) -> tuple[int, str]:
        """Arms with the same people share a replication's population."""
        number = population_number(self._loaded.scenario, unit.replication)
        return number, self._people[unit.arm]

    @contextlib.contextmanager
    def of(self, unit: Unit) -> Iterator[Population]:
        """Population of a unit, for as long as it runs."""
        key = self._key(unit)
        with self._lock:
            own_lock, place = self._drawn.setdefault(key, (threading.Lock(), []))
        try:
            with own_lock:
                if not place:
                    place.append(population_of(self._loaded, unit))
            yield place[0]
        finally:
            with self._lock:
                self._waiting[key] -= 1
                if not self._waiting[key]:
                    self._drawn.pop(key, None)


def _people(arm: Scenario) -> str:
    """All that an arm says of its people, the same text for the same; not JSON, which a file's name need not fit in."""
    return repr(arm.model_dump(include=set(PEOPLE)))


@contextlib.contextmanager
def _placed(loaded: Loaded, unit: Unit) -> Iterator[None]:
    """Give what the model refuses of a scenario its file and line, and say in which arm and replication it was met."""
    try:
        yield
    except InputError as error:
        where = f" (met in arm {unit.arm}, replication {unit.replication})"
        faults: list[Fault] = []
        for fault in error.faults:
            if fault.file != loaded.scenario.name:  # a plugin's
                faults.append(fault)
                continue
            path: tuple[str | int, ...] = tuple((fault.path or "").split("."))
            value = NO_VALUE if fault.value is None else InWords(fault.value)
            faults += loaded.located([Finding(path, fault.rule + where, value)])
        raise InputError(faults) from None


@dataclass(frozen=True)
class UnitWork:
    """What is run, and how: the same for all units of an experiment."""

    loaded: Loaded
    engine: EngineName
    epochs: bool = False
    """Whether each unit keeps digests of what its events have decided."""
    report: Report | None = None
    """Called, in the thread that runs the units, with how far they are; None: they are not observed."""
    note: Callable[[str], None] = warnings.warn
    """Called, in that thread, with what a user should know of an arm at once."""


class _Workers:
    """Runs units, each in the thread that calls it.

    Parameters
    ----------
    work
        What is run.
    todo
        All units that will be run.
    threads
        Threads of each of them.
    """

    def __init__(self, work: UnitWork, todo: list[Unit], threads: int) -> None:
        loaded = work.loaded
        self._work, self._threads = work, threads
        self._populations = _Populations(loaded, todo)
        self._groups = NO_GROUPS if loaded.roster is None else members(groups_of(loaded.scenario), loaded.roster)
        self.lists = EmptyLists()
        self.stop = threading.Event()
        """Set: units end at their next refresh, and others don't begin."""
        self.tracker = ProgressTracker(loaded.scenario, todo)

    def __call__(self, unit: Unit) -> bytes:
        """Record of a unit, as bytes."""
        if self.stop.is_set():
            raise _StoppedError
        work, loaded = self._work, self._work.loaded
        self.tracker.begin(unit)
        with self._populations.of(unit) as population, _placed(loaded, unit):
            record = run_unit(
                loaded.arms[unit.arm],
                population,
                unit.key(loaded.scenario.seed),
                engine=work.engine,
                threads=self._threads,
                watch=self._watch(unit, population),
                epochs=work.epochs,
                groups=self._groups,
            )
        self.tracker.end(unit, int(record.traffic.totals[:, Total.SESSIONS].sum()))
        return record.to_bytes()

    def _watch(self, unit: Unit, population: Population) -> Watch:
        """What looks at a unit after each of its events."""
        look_at_lists = self.lists.watch(unit)
        look = None if self._work.report is None else self.tracker.watch(unit, population.n_initial)

        def watch(observation: Observation) -> None:
            if self.stop.is_set():
                raise _StoppedError
            look_at_lists(observation)
            if look is not None:
                look(observation)

        return watch


def run_units(work: UnitWork, todo: list[Unit], folder: RunFolder, parallelism: Parallelism) -> None:
    """Run units and store each in the folder as soon as it is finished.

    Raises
    ------
    InterruptedRunError
        On ``KeyboardInterrupt``; all finished units are kept.
    """
    workers = _Workers(work, todo, parallelism.threads)
    pool = ThreadPoolExecutor(parallelism.workers)
    patient = True
    try:
        running: dict[Future[bytes], Unit] = {pool.submit(workers, unit): unit for unit in todo}
        while running:
            done, _ = wait(running, timeout=HEARTBEAT, return_when=FIRST_COMPLETED)
            while done:
                future = done.pop()
                unit = running.pop(future)
                folder.store(unit, future.result())
                del future  # it keeps the record in memory
            for text in workers.lists.take():
                work.note(text)
            if work.report is not None:
                work.report(workers.tracker.progress())
    except KeyboardInterrupt:
        patient = False  # a worker looks up at its next refresh only; all that is kept is stored by this thread
        raise InterruptedRunError(
            f"interrupted; {len(folder.done())} finished of {len(folder.done()) + len(running)} are kept in "
            f"{folder.path}; the same command goes on from there"
        ) from None
    finally:
        workers.stop.set()
        pool.shutdown(wait=patient, cancel_futures=True)
