"""What a run is laid beside to find where it parts: a run folder or a git revision; knows no baselines."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from sim.errors import Fault, InputError
from sim.experiment.event_state import state_at
from sim.files import working_folder
from sim.regression.divergence import Place, first_place, who_in_states, who_in_tables
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
"""Adds to what was found of a scenario's file, at its small size, and its run."""


def no_other(judgement: CheckVerdict, _file: Path, _loaded: Loaded, _run: Run) -> CheckVerdict:
    """Nothing to lay it beside."""
    return judgement


@contextlib.contextmanager
def other_run(against: str, files: Sequence[Path], plugins: Sequence[Path], options: Sequence[str]) -> Iterator[Other]:
    """What ``--against`` names, ready to be laid beside runs of the scenarios; where it can't be, a note says why.

    Parameters
    ----------
    against
        A run folder that a check has left (``out``), or a revision that git knows.
    files
        Scenario files that are checked; a run folder is held against the one of its name.
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
            raise InputError([Fault("--against", f"is a run of {name!r}, which isn't checked", value=against)])
        yield _noted(_beside(old), against)
        return
    with revision(against, files[0], plugins, options) as before, working_folder() as folder:
        yield _noted(_since(before, folder), against)


def _name(file: Path) -> str | None:
    """A scenario's name; None: the file has faults, which its check tells."""
    try:
        name = read_scenario(file).data.get("name")
    except InputError:
        return None
    return name if isinstance(name, str) else None


def _noted(other: Other, against: str) -> Other:
    """The same, but what can't be laid beside the other leaves a note: what the check found holds all the same."""

    def laid(judgement: CheckVerdict, file: Path, loaded: Loaded, run: Run) -> CheckVerdict:
        try:
            return other(judgement, file, loaded, run)
        except InputError as error:
            faults = "; ".join(map(str, error.faults))
            return replace(judgement, notes=(*judgement.notes, f"not laid beside {against}: {faults}"))

    return laid


def _beside(old: Run) -> Other:
    def laid(judgement: CheckVerdict, _file: Path, loaded: Loaded, run: Run) -> CheckVerdict:
        if old.manifest["name"] != loaded.scenario.name:
            return judgement
        _check_same(old, run)
        if "epochs.parquet" not in old.manifest["files"]:
            raise InputError([Fault(str(old.path), "has no table epochs; `sim check --out DIR` leaves runs that have")])
        places = _places(old, run)
        found = [replace(divergence, who=who_in_tables(divergence, old, run)) for divergence, _, _ in places]
        return _told(judgement, found, str(old.path), _unpaired(old, run))

    return laid


def _since(old: Revision, folder: Path) -> Other:
    def laid(judgement: CheckVerdict, file: Path, loaded: Loaded, run: Run) -> CheckVerdict:
        inside = old.inside(file)
        before = old.run(inside, folder / loaded.scenario.name)
        found = []
        for place in _places(before, run):
            divergence, unit, time = place
            now = state_at(loaded, unit, time, divergence.event)
            who = who_in_states(loaded, place, old.state(inside, place), now)
            found.append(replace(divergence, who=who))
        return _told(judgement, found, old.name, _unpaired(before, run))

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


def _unpaired(old: Run, new: Run) -> str:
    """Which arms and replications only one of two runs has, and which therefore aren't looked at."""
    before, now = old.manifest["digests"], new.manifest["digests"]
    alone = [f"arm {arm} is new" for arm in now if arm not in before]
    alone += [f"arm {arm} is gone" for arm in before if arm not in now]
    numbers = [len(next(iter(digests.values()))) for digests in (before, now)]
    if numbers[0] != numbers[1]:
        alone.append(f"it has {numbers[0]} replications, not {numbers[1]}")
    return "".join(f"; {text}" for text in alone)


def _told(judgement: CheckVerdict, found: Sequence[Divergence], name: str, unpaired: str) -> CheckVerdict:
    """The places in place of those known from the baseline."""
    same = f"the same counters in every arm{' and replication that both have' if unpaired else ''}"
    note = f"against {name}: {'where it parts is told by arm' if found else same}{unpaired}"
    return replace(judgement, divergences=tuple(found), notes=(*judgement.notes, note))
