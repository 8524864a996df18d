"""What a run is laid beside to find where it parts: a run folder or a git revision; knows no baselines."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from sim.errors import Fault, InputError
from sim.experiment.epochs import state_at
from sim.experiment.folder import MANIFEST
from sim.experiment.run import Run
from sim.experiment.side_by_side import NAMING, differing_keys
from sim.regression.judgement import Judgement
from sim.regression.result import Parting
from sim.regression.revision import Revision, revision
from sim.regression.witness import Place, first_place, who_in_states, who_in_tables
from sim.scenario import Loaded

__all__ = ["Other", "no_other", "other_run"]

Other = Callable[[Judgement, Path, Loaded, Run], Judgement]
"""Adds to what was found of a scenario's file, at its small size, and its run."""


def no_other(judgement: Judgement, _file: Path, _loaded: Loaded, _run: Run) -> Judgement:
    """Nothing to lay it beside."""
    return judgement


@contextlib.contextmanager
def other_run(against: str, files: Sequence[Path], plugins: Sequence[Path]) -> Iterator[Other]:
    """What ``--against`` names, ready to be laid beside runs of the scenarios.

    Parameters
    ----------
    against
        A run folder that a check has left (``out``), or a revision that git knows.
    files
        Scenario files that are checked; a run folder is held against the one of its name.
    plugins
        Files with policies.

    Raises
    ------
    InputError
        It is neither.
    """
    if (Path(against) / MANIFEST).exists():
        yield _beside(Run.read(against))
        return
    with revision(against, files[0]) as old, tempfile.TemporaryDirectory(prefix="sim-against-") as folder:
        yield _since(old, Path(folder), plugins)


def _beside(old: Run) -> Other:
    def laid(judgement: Judgement, _file: Path, loaded: Loaded, run: Run) -> Judgement:
        if old.manifest["name"] != loaded.scenario.name:
            return judgement
        _check_same(old, run)
        if "epochs.parquet" not in old.manifest["files"]:
            raise InputError([Fault(str(old.path), "has no table epochs; `sim check --out DIR` leaves runs that have")])
        places = _places(old, run)
        found = [replace(parting, who=who_in_tables(parting, old, run)) for parting, _, _ in places]
        return _told(judgement, found, str(old.path))

    return laid


def _since(old: Revision, folder: Path, plugins: Sequence[Path]) -> Other:
    def laid(judgement: Judgement, file: Path, loaded: Loaded, run: Run) -> Judgement:
        inside = file.resolve().relative_to(old.repository)
        before = old.run(inside, folder / loaded.scenario.name, plugins)
        found = []
        for place in _places(before, run):
            parting, unit, time = place
            now = state_at(loaded, unit, time, parting.event)
            who = who_in_states(loaded, place, old.state(inside, place), now)
            found.append(replace(parting, who=who))
        return _told(judgement, found, old.name)

    return laid


def _check_same(old: Run, new: Run) -> None:
    keys = [key for key in differing_keys([old, new]) if key not in NAMING]
    if keys:
        shown = ", ".join(keys[:5]) + (", ..." if keys[5:] else "")
        rule = f"must be a run of the same scenario at the size of its check; other are {shown}"
        raise InputError([Fault(str(old.path), rule)])


def _places(old: Run, new: Run) -> list[Place]:
    before, now = old.table("epochs"), new.table("epochs")
    arms = [arm for arm, digests in new.manifest["digests"].items() if old.manifest["digests"].get(arm) != digests]
    found = (first_place(arm, before, now) for arm in arms)
    return sorted((place for place in found if place is not None), key=lambda place: place[2])


def _told(judgement: Judgement, found: Sequence[Parting], name: str) -> Judgement:
    """The places in place of those known from the baseline."""
    note = f"against {name}: {'where it parts is told by arm' if found else 'the same counters in every arm'}"
    return replace(judgement, partings=tuple(found), notes=(*judgement.notes, note))
