"""The other run that a run is compared with, from a run folder or a git revision; knows no baselines."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from sim.errors import ArgumentError, Fault, InputError, named
from sim.experiment.event_state import state_at
from sim.files import working_folder
from sim.regression.divergence import EventPlace, first_place, who_in_states, who_in_tables
from sim.regression.result import Divergence
from sim.regression.revision import Revision, revision
from sim.regression.verdict import CheckVerdict
from sim.results.run import Run
from sim.results.side_by_side import NAMING, differing_keys
from sim.scenario import Loaded
from sim.scenario.resolve.sources import read_scenario
from sim.store.run_folder import MANIFEST

__all__ = ["Other", "no_other", "other_run"]

Other = Callable[[CheckVerdict, Path, Loaded, Run], CheckVerdict]
"""Adds to the verdict on a scenario's file, the scenario at its small size, and its run."""


def no_other(verdict: CheckVerdict, _file: Path, _loaded: Loaded, _run: Run) -> CheckVerdict:
    """No other run to compare with."""
    return verdict


@contextlib.contextmanager
def other_run(against: str, files: Sequence[Path], plugins: Sequence[Path], options: Sequence[str]) -> Iterator[Other]:
    """What ``against`` names, ready to be laid beside runs of the scenarios; where it can't be, a note says why.

    Parameters
    ----------
    against
        A run folder that a check has written (``out``), or a revision that git knows.
    files
        Scenario files that are checked; a run folder is compared with the one of its name.
    plugins
        Files with policies.
    options
        ``--engine`` and ``--threads`` as given, for a revision's runs.

    Raises
    ------
    InputError
        It is neither, or a run of none of the scenarios.
    """
    if (Path(against) / MANIFEST).exists():
        old = Run.read(against)
        name = old.manifest["name"]
        if name not in {_name(file) for file in files}:
            rule = f"is a run of {name!r}, which isn't checked"
            raise ArgumentError([Fault(None, rule, value=against, argument="against")])
        yield _noted(_with_run(old), against)
        return
    with revision(against, files[0], plugins, options) as before, working_folder() as folder:
        yield _noted(_with_revision(before, folder), against)


def _name(file: Path) -> str | None:
    """A scenario's name; None: the file has faults, which its check reports."""
    try:
        name = read_scenario(file).data.get("name")
    except InputError:
        return None
    return name if isinstance(name, str) else None


def _noted(other: Other, against: str) -> Other:
    """The same, but where the two can't be compared there is a note: the rest of the verdict is still valid."""

    def compared(verdict: CheckVerdict, file: Path, loaded: Loaded, run: Run) -> CheckVerdict:
        try:
            return other(verdict, file, loaded, run)
        except InputError as error:
            faults = "; ".join(map(str, error.faults))
            return replace(verdict, notes=(*verdict.notes, f"not compared with {against}: {faults}"))

    return compared


def _with_run(old: Run) -> Other:
    def compared(verdict: CheckVerdict, _file: Path, loaded: Loaded, run: Run) -> CheckVerdict:
        if old.manifest["name"] != loaded.scenario.name:
            return verdict
        _check_same(old, run)
        if "epochs.parquet" not in old.manifest["files"]:
            rule = f"has no table epochs; a check with {named('out', 'DIR')} leaves runs that have it"
            raise InputError([Fault(str(old.path), rule)])
        places = _places(old, run)
        found = [replace(divergence, who=who_in_tables(divergence, old, run)) for divergence, _, _ in places]
        return _with_places(verdict, found, str(old.path), _unpaired(old, run))

    return compared


def _with_revision(old: Revision, folder: Path) -> Other:
    def compared(verdict: CheckVerdict, file: Path, loaded: Loaded, run: Run) -> CheckVerdict:
        inside = old.inside(file)
        before = old.run(inside, folder / loaded.scenario.name)
        found = []
        for place in _places(before, run):
            divergence, unit, time = place
            now = state_at(loaded, unit, time, divergence.event)
            who = who_in_states(loaded, place, old.state(inside, place), now)
            found.append(replace(divergence, who=who))
        return _with_places(verdict, found, old.name, _unpaired(before, run))

    return compared


def _check_same(old: Run, new: Run) -> None:
    keys = [key for key in differing_keys([old, new]) if key not in NAMING]
    if keys:
        shown = ", ".join(keys[:5]) + (", ..." if keys[5:] else "")
        rule = f"must be a run of the same scenario at the size of its check; other are {shown}"
        raise InputError([Fault(str(old.path), rule)])


def _places(old: Run, new: Run) -> list[EventPlace]:
    before, now = old.table("epochs"), new.table("epochs")
    arms = [arm for arm, digests in new.manifest["digests"].items() if old.manifest["digests"].get(arm) != digests]
    found = (first_place(arm, before, now) for arm in arms)
    return sorted((place for place in found if place is not None), key=lambda place: place[2])


def _unpaired(old: Run, new: Run) -> str:
    """The arms and replications that only one of two runs has, and that therefore aren't compared."""
    before, now = old.manifest["digests"], new.manifest["digests"]
    unpaired = [f"arm {arm} is new" for arm in now if arm not in before]
    unpaired += [f"arm {arm} is gone" for arm in before if arm not in now]
    numbers = [len(next(iter(digests.values()))) for digests in (before, now)]
    if numbers[0] != numbers[1]:
        unpaired.append(f"it has {numbers[0]} replications, not {numbers[1]}")
    return "".join(f"; {text}" for text in unpaired)


def _with_places(verdict: CheckVerdict, found: Sequence[Divergence], name: str, unpaired: str) -> CheckVerdict:
    """The verdict with these places instead of those known from the baseline."""
    same = f"the same counters in every arm{' and replication that both have' if unpaired else ''}"
    first = "the first difference of each arm is shown"
    note = f"against {name}: {first if found else same}{unpaired}"
    return replace(verdict, divergences=tuple(found), notes=(*verdict.notes, note))
