"""Runs the units of an experiment on threads, keeps each as soon as it is done, and stops at once when told to."""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from sim.errors import Fault, InputError, InterruptedRunError
from sim.experiment.claims import groups_of
from sim.experiment.empty_lists import EmptyLists
from sim.experiment.folder import RunFolder
from sim.experiment.holders import NO_GROUPS
from sim.experiment.plan import TWIN, Crew, Unit
from sim.experiment.populations import population_number, population_of
from sim.experiment.progress import Board, Report
from sim.experiment.unit import run_unit
from sim.model.frozen import Total
from sim.model.population import Population, check_followers
from sim.model.simulation import EngineName, Glance
from sim.scenario import Loaded, Scenario
from sim.scenario.roster_groups import members

__all__ = ["check_populations", "run_units"]

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


PEOPLE = {"seed", "people_per_fan", "fans", "segments", "verticals", "influencers", "agencies", "entry"}


def _arm(loaded: Loaded, unit: Unit) -> str:
    """Arm that a unit runs."""
    return loaded.scenario.control if unit.arm == TWIN else unit.arm


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


def _people(arm: Scenario) -> str:
    """All that an arm says of its people, the same text for the same; not JSON, which a file's name need not fit in."""
    return repr(arm.model_dump(include=PEOPLE))


def _check_populations(loaded: Loaded, stop: threading.Event) -> None:
    if loaded.graph is not None:
        return  # its follows are given, not shared out
    people = {_people(arm): arm for arm in loaded.arms.values()}
    scenario = loaded.scenario
    for number in dict.fromkeys(population_number(scenario, r) for r in range(scenario.replications)):
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
    board = Board(scenario, todo)
    stop = threading.Event()
    populations = _Populations(loaded, todo)
    lists = EmptyLists()
    groups = NO_GROUPS if loaded.roster is None else members(groups_of(scenario), loaded.roster)

    def work(unit: Unit) -> bytes:
        if stop.is_set():
            raise _StoppedError
        board.begin(unit)
        arm = loaded.arms[_arm(loaded, unit)]
        with populations.of(unit) as population:
            look_at_lists = lists.watch(unit)
            look = None if report is None else board.watch(unit, population.n_initial)

            def watch(glance: Glance) -> None:
                if stop.is_set():
                    raise _StoppedError
                look_at_lists(glance)
                if look is not None:
                    look(glance)

            key = unit.key(scenario.seed)
            record = run_unit(
                arm,
                population,
                key,
                engine=engine,
                threads=crew.threads,
                watch=watch,
                epochs=epochs,
                groups=groups,
            )
        board.end(unit, int(record.arrays["totals"][:, Total.SESSIONS].sum()))
        return record.to_bytes()

    pool = ThreadPoolExecutor(crew.workers)
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
                report(board.progress())
    except KeyboardInterrupt:
        patient = False  # a worker looks up at its next refresh only; all that is kept is stored by this thread
        raise InterruptedRunError(
            f"interrupted; {len(folder.done())} finished of {len(folder.done()) + len(running)} are kept in "
            f"{folder.path}; the same command goes on from there"
        ) from None
    finally:
        stop.set()
        pool.shutdown(wait=patient, cancel_futures=True)
