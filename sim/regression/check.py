"""Checking a scenario: run it at its small size, compare it with its baseline, report what moved and where.

1. *valid*: the file can be run.
2. *exact*: the digests of all counters, by arm and replication, and of all tables and measures made of them.
3. *statistical*: where these differ, each watched measure's change is equivalent, moved or undecided.
4. *claims*: each verdict is what it was.

The policy says from which of them on all must hold.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from sim.arguments import callback, check_policy, engine_name, file_path, refuse, threads_number
from sim.errors import Fault, InputError, InterruptedRunError, MachineError, named
from sim.experiment.execution import experiment
from sim.experiment.progress import Report
from sim.files import working_folder
from sim.formatting import escaped
from sim.regression.baseline import Baseline, BaselineError, read_baseline, write_baseline
from sim.regression.content import Content, values_of
from sim.regression.equivalence import estimates
from sim.regression.keys import Keys
from sim.regression.other_run import Other, no_other
from sim.regression.result import Checked, CheckPart
from sim.regression.verdict import CheckVerdict, no_verdict, verdict_on
from sim.results.run import Run
from sim.scenario import Loaded, load
from sim.scenario.resolve.loading import with_replications
from sim.scenario.resolve.shipped import shipped_baseline
from sim.scenario.resolve.sources import read_scenario
from sim.store import provenance
from sim.types import CheckPolicy, EngineName

__all__ = ["BASELINES", "Terms", "check", "check_all"]

BASELINES = Path("results/baselines")


@dataclass(frozen=True)
class Terms:
    """How scenarios are checked; the same for all of them."""

    baselines: Path = BASELINES
    """Folder of ``NAME.json``; where the default has none, a shipped scenario's own is used."""
    policy: CheckPolicy | None = None
    """In place of the scenario's own."""
    reason: str | None = None
    """Why baselines are rewritten; None: they are only read."""
    out: Path | None = None
    """Folder in which run folders are kept; None: they aren't kept."""
    engine: EngineName = "compiled"
    threads: int | None = None
    report: Report | None = None
    """Called with how far a run is, see ``experiment``."""
    announce: Callable[[str], None] = field(default=lambda _: None)
    """Called with the scenario that comes next."""
    note: Callable[[str], None] = field(default=lambda _: None)
    """Called with what should be known while a run goes on, see ``experiment``."""

    def __post_init__(self) -> None:
        """Refuse what can't be used, with ``ArgumentError``."""
        is_text = self.reason is None or (isinstance(self.reason, str) and self.reason.strip() != "")
        refuse(
            file_path("baselines", self.baselines),
            check_policy(self.policy),
            None if is_text else Fault(None, "must say why", value=repr(self.reason), argument="reason"),
            file_path("out", self.out),
            engine_name(self.engine),
            threads_number(self.threads),
            callback("report", self.report),
        )


def check_all(files: Sequence[Path], terms: Terms, other: Other = no_other) -> Iterator[Checked]:
    """Check scenarios one after the other; two of one name would share a baseline, so the second fails.

    Parameters
    ----------
    files
        Scenario files, see ``scenario_files``.
    terms
        How.
    other
        What each run is compared with to find where it diverges, see ``sim.regression.other_run``.

    Yields
    ------
    Checked
        What was found, scenario by scenario.

    Raises
    ------
    InterruptedRunError
        As ``experiment``; of a check only baselines written and, with ``out``, runs finished are kept.

    Notes
    -----
    Whatever else is wrong with a scenario, its input or the machine, ends its own check only.
    """
    taken: dict[str, Path] = {}
    for file in files:
        terms.announce(str(file))
        found = check(file, terms, other, taken)
        if not (found.is_bad_input or found.is_unfinished):
            taken.setdefault(found.name, file)
        yield found


def check(
    file: Path, terms: Terms = Terms(), other: Other = no_other, taken: Mapping[str, Path] = MappingProxyType({})
) -> Checked:
    """Check a scenario; ``taken`` are the files that have names already, else arguments and errors as ``check_all``."""
    started = time.perf_counter()
    try:
        return _checked(file, terms, other, taken, started)
    except BrokenPipeError:  # the reader of the output is gone: no scenario's fault
        raise
    except (MachineError, OSError) as error:
        return _unfinished(file, error, terms, started)


def _checked(file: Path, terms: Terms, other: Other, taken: Mapping[str, Path], started: float) -> Checked:
    with _folder(terms.out) as folder:
        try:
            loaded = load(file, small=True)
            name = loaded.scenario.name
            if name in taken:
                says = f"has the name {name!r} of {taken[name]}, whose baseline it would share"
                return _unchecked(file, name, CheckPart("valid", "failed", says, 1), terms, started)
            run = _run(loaded, folder, terms)
        except InputError as error:
            return _bad_input(file, error.faults, terms, started)
        try:
            verdict = _verdict(file, loaded, run, folder, terms, other)
        except InputError as error:  # tables of a run that was kept are damaged
            says = "; ".join(map(str, error.faults))
            verdict = no_verdict(loaded, says, read_scenario(file).lines, "no run to look at")
    return Checked(
        file=str(file),
        name=name,
        policy=terms.policy or loaded.check.policy,
        parts=(CheckPart("valid", "passed", "the file is valid", 1), *verdict.parts),
        estimates=verdict.estimates,
        divergences=verdict.divergences,
        changes=verdict.changes,
        versions=verdict.versions,
        notes=verdict.notes,
        update=verdict.update,
        seconds=time.perf_counter() - started,
    )


def _bad_input(file: Path, faults: Sequence[Fault], terms: Terms, started: float) -> Checked:
    line = next((fault.line for fault in faults if fault.line and fault.file == escaped(str(file))), 1)
    n = len(faults)
    says = f"can't be run: {n} fault{'s' * (n != 1)}"
    valid = CheckPart("valid", "failed", says, line, tuple(map(str, faults)))
    return replace(_unchecked(file, file.stem, valid, terms, started), is_bad_input=True, faults=tuple(faults))


def _unfinished(file: Path, error: MachineError | OSError, terms: Terms, started: float) -> Checked:
    reason = str(error) if isinstance(error, MachineError) else error.strerror or str(error)
    why = "the check wasn't finished"
    parts = (CheckPart("valid", "skipped", why, 1), CheckPart("exact", "failed", f"{why}: {reason}", 1))
    skipped = CheckPart("statistical", "skipped", why, 1)
    policy, seconds = terms.policy or "exact", time.perf_counter() - started
    return Checked(str(file), file.stem, policy, (*parts, skipped), is_unfinished=True, seconds=seconds)


def _unchecked(file: Path, name: str, valid: CheckPart, terms: Terms, started: float) -> Checked:
    """The result of a check that ends with its first part."""
    skipped = [CheckPart(part, "skipped", "the scenario isn't run", valid.line) for part in ("exact", "statistical")]
    policy, seconds = terms.policy or "exact", time.perf_counter() - started
    return Checked(str(file), name, policy, (valid, *skipped), seconds=seconds)


def _verdict(file: Path, loaded: Loaded, run: Run, folder: Path, terms: Terms, other: Other) -> CheckVerdict:
    """The verdict on a run by its scenario's baseline, which is rewritten where there is a reason to."""
    policy: CheckPolicy = terms.policy or loaded.check.policy
    source = read_scenario(file)
    path = _baseline_file(file, loaded.scenario.name, terms)
    whole = Content.of(run)
    most = max(loaded.check.max_replications or 0, loaded.scenario.replications)
    more = with_replications(loaded, most) if most > loaded.scenario.replications else None
    baseline = None
    try:
        baseline = read_baseline(path, loaded.scenario.name)
    except BaselineError as error:
        verdict = no_verdict(loaded, f"{path}: {error}", source.lines)
    if baseline is not None:
        content = whole.without_new(run, baseline.content.measures)
        verdict = verdict_on(loaded, baseline, content, policy, source)
        if policy == "statistical" and more is not None and verdict.is_undecided:
            values = values_of(_run(more, folder, terms))
            again = estimates(more, baseline.content.values, values, 2, baseline.content.measures)
            verdict = verdict_on(loaded, baseline, content, policy, source, again)
    verdict = other(verdict, file, loaded, run)
    if terms.reason is None:
        return verdict
    if baseline is not None and not verdict.changes and _is_same(baseline, whole, loaded, most):
        return replace(verdict, update="unchanged")
    values = whole.values if more is None else values_of(_run(more, folder, terms))
    keys, n = Keys.of(loaded, source), loaded.scenario.replications
    kept = replace(whole, values=values)
    write_baseline(path, Baseline(loaded.scenario.name, terms.reason, provenance.libraries(), n, keys, kept))
    return verdict.rewritten(path, terms.reason, is_new=baseline is None)


def _baseline_file(file: Path, name: str, terms: Terms) -> Path:
    """The scenario's baseline; for a shipped scenario without one here the shipped one, never rewritten."""
    own = terms.baselines / f"{name}.json"
    if terms.baselines != BASELINES or terms.reason is not None or own.exists():
        return own
    return shipped_baseline(file, name) or own


def _is_same(old: Baseline, content: Content, loaded: Loaded, n_values: int) -> bool:
    """Whether a new baseline of the same keys would have the same content."""
    lengths = {len(values) for own in old.content.values.values() for values in own.values()}
    same = replace(old.content, values={}) == replace(content, values={})
    return same and lengths == {n_values} and old.replications == loaded.scenario.replications


@contextlib.contextmanager
def _folder(out: Path | None) -> Iterator[Path]:
    """Where runs go: the folder given, or a temporary one."""
    if out is not None:
        yield out
        return
    with working_folder() as folder:
        try:
            yield folder
        except InterruptedRunError:
            kept = f"with {named('out')} what was run is kept"
            raise InterruptedRunError(f"interrupted; a check starts again from the beginning ({kept})") from None


def _run(loaded: Loaded, folder: Path, terms: Terms) -> Run:
    name = f"{loaded.scenario.name}-{provenance.identity(loaded, terms.engine, epochs=True)[:12]}"
    return experiment(
        loaded,
        out=folder / name,
        engine=terms.engine,
        threads=terms.threads,
        epochs=True,
        command=["sim", "check", loaded.file],
        report=terms.report,
        note=terms.note,
    )
