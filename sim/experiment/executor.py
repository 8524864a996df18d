"""Runs the units of an experiment on threads, keeps each as soon as it is done, and stops at once when told to."""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from sim.errors import Fault, InputError, InterruptedRunError
from sim.experiment.empty_lists import EmptyLists
from sim.experiment.plan import Parallelism
from sim.experiment.progress import ProgressTracker, Report
from sim.experiment.refusals import PEOPLE, population_number
from sim.experiment.units import population_of, run_unit
from sim.measures.subgroups import NO_GROUPS
from sim.model.layout import Total
from sim.model.simulation import Observation
from sim.model.world.population import Population
from sim.results.claims import groups_of
from sim.scenario import Loaded, Scenario
from sim.scenario.findings import NO_VALUE, Finding, InWords
from sim.scenario.resolve.roster_groups import members
from sim.store.run_folder import RunFolder
from sim.store.unit_record import INDEPENDENT_CONTROL, Unit
from sim.types import EngineName

__all__ = ["run_units"]

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
        return number, self._people[_arm(self._loaded, unit)]

    @contextlib.contextmanager
    def of(self, unit: Unit) -> Iterator[Population]:
        """Population of a unit, for as long as it runs."""
        key = self._key(unit)
        with self._lock:
            own_lock, place = self._drawn.setdefault(key, (threading.Lock(), []))
        try:
            with own_lock:
                if not place:
                    place.append(population_of(self._loaded, _arm(self._loaded, unit), unit.replication))
            yield place[0]
        finally:
            with self._lock:
                self._waiting[key] -= 1
                if not self._waiting[key]:
                    self._drawn.pop(key, None)


def _arm(loaded: Loaded, unit: Unit) -> str:
    """Arm that a unit runs."""
    return loaded.scenario.control if unit.arm == INDEPENDENT_CONTROL else unit.arm


def _people(arm: Scenario) -> str:
    """All that an arm says of its people, the same text for the same; not JSON, which a file's name need not fit in."""
    return repr(arm.model_dump(include=set(PEOPLE)))


@contextlib.contextmanager
def _placed(loaded: Loaded, unit: Unit) -> Iterator[None]:
    """Give what the model refuses of a scenario its file and line, and say in which arm and replication it was met."""
    try:
        yield
    except InputError as error:
        where = f" (met in arm {_arm(loaded, unit)}, replication {unit.replication})"
        faults: list[Fault] = []
        for fault in error.faults:
            if fault.file != loaded.scenario.name:  # a plugin's
                faults.append(fault)
                continue
            path: tuple[str | int, ...] = tuple((fault.path or "").split("."))
            value = NO_VALUE if fault.value is None else InWords(fault.value)
            faults += loaded.located([Finding(path, fault.rule + where, value)])
        raise InputError(faults) from None


def run_units(
    loaded: Loaded,
    todo: list[Unit],
    folder: RunFolder,
    parallelism: Parallelism,
    engine: EngineName,
    report: Report | None,
    *,
    epochs: bool = False,
    note: Callable[[str], None],
) -> None:
    """Run units and store each in the folder as soon as it is finished; looked at only where there is a ``report``.

    With ``epochs`` each keeps digests of what its events have decided. ``note`` is called, in this thread, with what a
    user should know of an arm at once.

    Raises
    ------
    InterruptedRunError
        On ``KeyboardInterrupt``; all finished units are kept.
    """
    scenario = loaded.scenario
    tracker = ProgressTracker(scenario, todo)
    stop = threading.Event()
    populations = _Populations(loaded, todo)
    lists = EmptyLists()
    groups = NO_GROUPS if loaded.roster is None else members(groups_of(scenario), loaded.roster)

    def work(unit: Unit) -> bytes:
        if stop.is_set():
            raise _StoppedError
        tracker.begin(unit)
        arm = loaded.arms[_arm(loaded, unit)]
        with populations.of(unit) as population:
            look_at_lists = lists.watch(unit)
            look = None if report is None else tracker.watch(unit, population.n_initial)

            def watch(observation: Observation) -> None:
                if stop.is_set():
                    raise _StoppedError
                look_at_lists(observation)
                if look is not None:
                    look(observation)

            key = unit.key(scenario.seed)
            with _placed(loaded, unit):
                record = run_unit(
                    arm,
                    population,
                    key,
                    engine=engine,
                    threads=parallelism.threads,
                    watch=watch,
                    epochs=epochs,
                    groups=groups,
                )
        tracker.end(unit, int(record.arrays["totals"][:, Total.SESSIONS].sum()))
        return record.to_bytes()

    pool = ThreadPoolExecutor(parallelism.workers)
    patient = True
    try:
        running: dict[Future[bytes], Unit] = {pool.submit(work, unit): unit for unit in todo}
        while running:
            done, _ = wait(running, timeout=HEARTBEAT, return_when=FIRST_COMPLETED)
            while done:
                future = done.pop()
                unit = running.pop(future)
                folder.store(*unit, future.result())
                del future  # it holds the record
            for text in lists.take():
                note(text)
            if report is not None:
                report(tracker.progress())
    except KeyboardInterrupt:
        patient = False  # a worker looks up at its next refresh only; all that is kept is stored by this thread
        raise InterruptedRunError(
            f"interrupted; {len(folder.done())} finished of {len(folder.done()) + len(running)} are kept in "
            f"{folder.path}; the same command goes on from there"
        ) from None
    finally:
        stop.set()
        pool.shutdown(wait=patient, cancel_futures=True)
