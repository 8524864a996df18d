"""The experiment: a scenario in, a finished run folder out."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import psutil

from sim.arguments import callback, engine_name, file_path, refuse, switch, threads_number
from sim.errors import Fault, InputError, MachineError
from sim.experiment import plan
from sim.experiment.executor import UnitWork, run_units
from sim.experiment.progress import Report
from sim.experiment.refusals import refuse_impossible
from sim.model.layout import Total
from sim.results.comparison import Summary, compare_units
from sim.results.run import Run
from sim.results.tables import UnitTables
from sim.scenario import Loaded, from_resolved, resolved
from sim.scenario.resolve.inputs import GivenGraph, GivenRoster
from sim.store import provenance
from sim.store.journal import AGAIN as UNITS_AGAIN
from sim.store.run_folder import JOURNAL, MANIFEST, RunFolder
from sim.store.unit import Unit
from sim.store.unit_record import UnitRecord
from sim.types import EngineName

__all__ = ["RUNS", "experiment", "recreate"]

RUNS = Path("results/runs")
ROWS = 10_000
"""Influencers whose rows are made at a time."""


def default_folder(loaded: Loaded, engine: str) -> Path:
    """``results/runs/NAME-DIGEST``."""
    return RUNS / f"{loaded.scenario.name}-{provenance.identity(loaded, engine)[:12]}"


def experiment(
    loaded: Loaded,
    *,
    out: str | os.PathLike[str] | None = None,
    engine: EngineName = "compiled",
    threads: int | None = None,
    resume: bool = False,
    force: bool = False,
    command: Sequence[str] = (),
    epochs: bool = False,
    report: Report | None = None,
    announce: Callable[[plan.CostEstimate], None] = lambda _estimate: None,
    note: Callable[[str], None] = warnings.warn,
) -> Run:
    """Run a scenario to its end, or go on with an unfinished run of the same identity; a finished one is just read.

    Parameters
    ----------
    loaded
        From ``sim.scenario.load``.
    out
        Run folder; left out: ``results/runs/NAME-DIGEST`` under the current folder.
    engine, threads
        ``compiled`` or ``reference``; threads, 1 or more, left out: all that there are. No effect on the outcome.
    resume, force
        Insist that there is a run to go on with; run even where memory is expected not to suffice.
    command
        How the run was called, for the manifest.
    epochs
        Write the table ``epochs`` too, which shows where two runs diverge; takes some time.
    report, announce, note
        Called, in the calling thread, with how far the run is, about ten times a second; with what is still to do and
        expected to take, before it starts; with what should be known while it goes on, by default a warning.

    Raises
    ------
    InputError
        The folder has something else in it, or nothing to resume; a population can't be drawn; an argument can't be
        used (``ArgumentError``).
    MachineError, InterruptedRunError
        Disk, memory, another process on the folder; interrupted, in which case what was finished is kept.
    """
    started = time.perf_counter()
    switches = switch("resume", resume), switch("force", force)
    refuse(file_path("out", out), engine_name(engine), threads_number(threads), *switches, callback("report", report))
    work = UnitWork(loaded, engine, epochs=epochs, report=report, note=note)
    free = psutil.virtual_memory().available
    path = Path(out or default_folder(loaded, engine))
    if not os.path.exists(path / MANIFEST):
        _refuse(loaded, None if force else free)
    with RunFolder.open(path, provenance.identity(loaded, engine, epochs=epochs), resume=resume) as folder:
        if not folder.finished:
            done = folder.done()
            todo = [unit for unit in plan.units(loaded) if unit not in done]
            expected = plan.estimate(loaded, int(threads or plan.n_cores()), free, todo, engine=engine)
            if todo:
                announce(expected)
            run_units(work, todo, folder, expected.parallelism)
            _publish(work, folder, command, started)
        return Run.read(folder.path)


def _refuse(loaded: Loaded, free: int | None) -> None:
    """Refuse what can't be run, or takes more than the free memory [bytes] if given, before it leaves a folder."""
    if free is not None:
        plan.refuse_memory(loaded, free)
    refuse_impossible(loaded)


def _publish(work: UnitWork, folder: RunFolder, command: Sequence[str], started: float) -> None:
    """Make the tables and the manifest of a run whose units are all finished."""
    loaded = work.loaded
    kept = _write_units(loaded, folder)
    answer = compare_units(loaded, kept)
    of_arms = {unit: summary for unit, summary in kept.items() if not unit.independent}
    totals = np.sum([summary.totals for summary in of_arms.values()], axis=0)
    folder.publish(
        {
            "comparison": answer.comparison,
            "claims": answer.claims,
            "decomposition": answer.decomposition,
        },
        {
            "name": loaded.scenario.name,
            "scenario": resolved(loaded),
            "seed": loaded.scenario.seed,
            "engine": work.engine,
            "versions": provenance.versions(),
            "digests": {
                arm: [summary.digest for unit, summary in of_arms.items() if unit.arm == arm] for arm in loaded.arms
            },
            "counts": {"sessions": int(totals[Total.SESSIONS]), "impressions": int(totals[Total.IMPRESSIONS])},
            "seconds": round(time.perf_counter() - started, 3),
            "loop_seconds": round(sum(summary.seconds for summary in of_arms.values()), 3),
            "inputs": loaded.inputs,
            "reading": provenance.how_read(loaded),
            "plugin": provenance.plugins(loaded),
            "command": list(command),
        },
    )


def _write_units(loaded: Loaded, folder: RunFolder) -> dict[Unit, Summary]:
    """Append the rows of all units to their tables, arm by arm, with a few records in memory at a time."""
    makers, kept = UnitTables(loaded), {}
    arms = list(loaded.arms)
    waiting: dict[Unit, UnitRecord] = {}

    def write() -> None:
        for name, rows in makers.of(waiting).items():
            folder.append(name, rows)
        waiting.clear()

    for unit in sorted(plan.units(loaded), key=lambda unit: (unit.independent, arms.index(unit.arm))):
        record = _stored_record(folder, unit)
        kept[unit] = Summary.of(record)
        if not unit.independent:
            waiting[unit] = record
            if sum(own.accounts.vertical.size for own in waiting.values()) >= ROWS:
                write()
    if waiting:
        write()
    return kept


def _stored_record(folder: RunFolder, unit: Unit) -> UnitRecord:
    """Record of a finished unit; ``MachineError`` where it is damaged."""
    try:
        return UnitRecord.from_bytes(folder.fetch(unit))
    except ValueError as error:
        raise MachineError(f"{folder.path / JOURNAL}: damaged (unit {unit}: {error}); {UNITS_AGAIN}") from None


def recreate(
    run: Run,
    out: str | os.PathLike[str],
    *,
    roster: GivenRoster = None,
    graph: GivenGraph = None,
) -> Run:
    """Run a finished run again into another folder, from its manifest alone and the files that it was given.

    Parameters
    ----------
    run
        What is run again, with its engine. Its plugins must be registered.
    out
        Folder of the new run.
    roster, graph
        Those that the run had, wherever they are now.

    Raises
    ------
    InputError
        The roster, the graph or a plugin is missing or isn't what the run had; else as ``experiment``.
    """
    loaded = from_resolved(run.manifest["scenario"], roster, graph)
    for name, given in (("roster", roster), ("follow_graph", graph)):
        wanted, got = run.manifest["inputs"].get(name), loaded.inputs.get(name)
        if wanted != got:
            rule = f"must be the {name} of {run.path}, whose SHA-256 begins with {(wanted or 'none')[:16]}"
            raise InputError([Fault(str(given), rule, value=(got or "none")[:16])])
    provenance.refuse_other_plugins(run.manifest["plugin"], loaded, str(run.path))
    return experiment(loaded, out=out, engine=run.manifest["engine"])
