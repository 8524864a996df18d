"""Verdict on a run by its baseline, part by part; knows neither files nor how a run is made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

from sim.regression.baseline import Baseline
from sim.regression.content import Content
from sim.regression.epoch_rows import divergences
from sim.regression.equivalence import estimates, n_values
from sim.regression.keys import changes
from sim.regression.result import Change, ChangeEstimate, CheckPart, Divergence, PartStatus, Version
from sim.scenario import Loaded
from sim.scenario.read.toml_lines import Lines
from sim.scenario.resolve.roster_groups import claim_path
from sim.scenario.resolve.sources import ScenarioSource
from sim.store import provenance
from sim.types import CheckPolicy

__all__ = ["CheckVerdict", "no_verdict", "verdict_on"]

ORDER: tuple[CheckPolicy, ...] = get_args(CheckPolicy)
"""A policy asks for its own part and for those after it."""


@dataclass(frozen=True)
class CheckVerdict:
    """The parts of a check after the scenario's validity, and what they rest on; fields as in ``Checked``."""

    parts: tuple[CheckPart, ...]
    estimates: tuple[ChangeEstimate, ...] = ()
    divergences: tuple[Divergence, ...] = ()
    changes: tuple[Change, ...] = ()
    versions: tuple[Version, ...] = ()
    notes: tuple[str, ...] = ()
    update: Literal["new", "rewritten", "unchanged"] | None = None

    @property
    def is_undecided(self) -> bool:
        """Whether more replications could tell more."""
        return any(estimate.verdict == "undecided" for estimate in self.estimates)

    def rewritten(self, path: Path, reason: str, *, is_new: bool) -> CheckVerdict:
        """The same after the baseline was written: what differed from the old one is allowed."""
        parts = tuple(
            # How to write it needn't be shown any more.
            replace(part, status="allowed", says=part.says.partition("; ")[0]) if part.status == "failed" else part
            for part in self.parts
        )
        notes = [*self.notes, f"wrote {path}: {reason}"]
        if not is_new:
            notes.append('numbers moved on purpose: say so in the changelog, with "Regression:" and the reason')
        return replace(self, parts=parts, notes=tuple(notes), update="new" if is_new else "rewritten")


def no_verdict(loaded: Loaded, fault: str, lines: Lines, why: str = "no baseline to compare it with") -> CheckVerdict:
    """The verdict where there is no run or no baseline to compare."""
    line = lines.of(("name",))
    names = ["statistical", *(f"claim {name}" for name in loaded.scenario.claims)]
    skipped = (CheckPart(name, "skipped", why, line) for name in names)
    return CheckVerdict((CheckPart("exact", "failed", fault, line), *skipped))


def verdict_on(
    loaded: Loaded,
    baseline: Baseline,
    content: Content,
    policy: CheckPolicy,
    source: ScenarioSource,
    found: Sequence[ChangeEstimate] | None = None,
) -> CheckVerdict:
    """Verdict on a run by its baseline.

    Measures that the baseline doesn't have are reported as new, and fail nothing; ``content`` is without them in its
    tables, see ``Content.of``.

    Parameters
    ----------
    loaded
        The scenario at its small size.
    baseline, content
        What its outputs were and are.
    policy
        From which part on all must hold.
    source
        The scenario file.
    found
        Estimates of a second look, with more replications; left out: they are made of ``content``.
    """
    old = baseline.content
    n_looks = 1 if policy != "statistical" or n_values(old.values) <= baseline.replications else 2
    same = _same(old, content)
    stale = same and baseline.replications == loaded.scenario.replications and old.epochs != content.epochs
    seen = [] if same else list(found or estimates(loaded, old.values, content.values, n_looks, old.measures))
    # Rows of epochs are of all replications together.
    comparable = not same and baseline.replications == loaded.scenario.replications
    places = tuple(divergences(old.epochs, content.epochs)) if comparable else ()
    changed, lines = changes(baseline.keys, loaded, source), source.lines
    exact = _exact(baseline, content, same, policy, lines) if not stale else _stale(old, content, policy, lines)
    stated = [change.line for change in changed if change.line is not None]
    parts = [
        exact if (same and not stale) or not stated else replace(exact, line=stated[0]),
        _statistical(seen, old, content, policy, lines),
        *_claims(loaded, old.claims, content.claims, lines),
    ]
    versions = _versions(baseline.versions, provenance.libraries())
    return CheckVerdict(tuple(parts), tuple(seen), places, changed, versions, tuple(_notes(loaded, baseline)))


def _versions(old: Mapping[str, str], new: Mapping[str, str]) -> tuple[Version, ...]:
    return tuple(Version(name, old.get(name), new.get(name)) for name in _differing(old, new))


def _same(old: Content, new: Content) -> bool:
    """Whether all that the baseline has is as it was."""
    return (old.digests, old.tables) == (new.digests, new.tables) and not _differing(old.measures, _kept(old, new))


def _kept(old: Content, new: Content) -> dict[str, str]:
    """Measures of a run without those that the baseline doesn't have."""
    return {name: digest for name, digest in new.measures.items() if name in old.measures}


def _new_measures(old: Content, new: Content) -> list[str]:
    """What was added since the baseline was written."""
    added = [name for name in new.measures if name not in old.measures]
    return [f"measures that are new: {_listed(added)}; --update --reason TEXT keeps them"] if added else []


def _status(holds: bool, name: CheckPolicy, policy: CheckPolicy) -> PartStatus:
    if holds:
        return "passed"
    return "failed" if ORDER.index(name) >= ORDER.index(policy) else "allowed"


def _exact(baseline: Baseline, content: Content, same: bool, policy: CheckPolicy, lines: Lines) -> CheckPart:
    status = _status(same, "exact", policy)
    old, n = baseline.content, sum(map(len, content.digests.values()))
    if same:
        says = f"equal to the bit: {n} digests of {len(content.digests)} arms"
        return CheckPart("exact", status, says, lines.of(("name",)), tuple(_new_measures(old, content)))
    details, arms = [], []
    for arm, digests in content.digests.items():
        before = old.digests.get(arm)
        if before is not None and before != digests:
            details.append(f"arm {arm}: {_differing_replications(before, digests)}")
        if before != digests:
            arms.append(arm)
    details += _unpaired(old, content)
    now_kept = _kept(old, content)
    for what, then, now in (("tables", old.tables, content.tables), ("measures", old.measures, now_kept)):
        if gone := [name for name in then if name not in now]:
            details.append(f"{what} that are gone: {_listed(gone)}")
        if differing := [name for name in _differing(then, now) if name not in gone]:
            details.append(f"{what} that differ: {_listed(differing)}")
    details += _new_measures(old, content)
    if arms:
        says = f"counters differ in {len(arms)} of {len(content.digests)} arms: {', '.join(arms)}"
    elif old.digests != content.digests:
        says = "arms of the baseline are gone"
    else:
        says = "the counters are the same, but not what is made of them"
    return CheckPart("exact", status, says, lines.of(("arms", arms[0]) if arms else ("name",)), tuple(details))


def _stale(old: Content, new: Content, policy: CheckPolicy, lines: Lines) -> CheckPart:
    """All outputs are those of the baseline, but its epochs aren't, so that it can't show where runs diverge."""
    arms = [arm for arm, rows in new.epochs.items() if rows != old.epochs.get(arm)] or [*old.epochs]
    says = f"all outputs are the same, but the baseline's epochs are out of date in {len(arms)} arms: {', '.join(arms)}"
    return CheckPart("exact", _status(False, "exact", policy), says, lines.of(("name",)))


def _unpaired(old: Content, new: Content) -> list[str]:
    """Arms that only one of the two has."""
    came = [f"arm {arm} isn't in the baseline" for arm in new.digests if arm not in old.digests]
    return came + [f"arm {arm} is in the baseline alone" for arm in old.digests if arm not in new.digests]


def _differing_replications(old: Sequence[str], new: Sequence[str]) -> str:
    """Which of an arm's replications differ, and which only one of the two has."""
    differ = [str(r) for r, (then, now) in enumerate(zip(old, new, strict=False)) if then != now]
    kinds = (
        (f"counters differ in replication {{}} of {len(new)}", differ),
        ("replication {} is in the baseline alone", [*map(str, range(len(new), len(old)))]),
        ("replication {} is new", [*map(str, range(len(old), len(new)))]),
    )
    return "; ".join(text.format(", ".join(numbers)) for text, numbers in kinds if numbers)


SHOWN = 12
"""Names that are listed; of more the measures and quantities are, the most frequent first."""


def _listed(names: Sequence[str]) -> str:
    if len(names) <= SHOWN:
        return ", ".join(names)
    quantities, measures = (Counter(name.split()[place] for name in names).most_common() for place in (0, 1))
    counts = [", ".join(f"{name} {n}" for name, n in counted[:SHOWN]) for counted in (measures, quantities)]
    return f"{len(names)}, by measure {counts[0]}{', ...' * (len(measures) > SHOWN)}; by quantity {counts[1]}"


def _differing(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    return [name for name in dict.fromkeys([*old, *new]) if old.get(name) != new.get(name)]


def _statistical(
    found: Sequence[ChangeEstimate], old: Content, new: Content, policy: CheckPolicy, lines: Lines
) -> CheckPart:
    start = lines.of(("name",))
    if _same(old, new):
        return CheckPart("statistical", "passed", "nothing has moved", start)
    counted = {verdict: [e for e in found if e.verdict == verdict] for verdict in ("moved", "undecided", "equivalent")}
    moved, undecided = counted["moved"], counted["undecided"]
    unpaired = _unpaired(old, new)
    if gone := [name for name in old.measures if name not in new.measures]:
        unpaired.append(f"measures that are gone: {_listed(gone)}")
    status = _status(not (moved or undecided or unpaired) and bool(found), "statistical", policy)
    n = max((estimate.n_pairs for estimate in found), default=0)
    says = ", ".join(f"{len(of)} {verdict}" for verdict, of in counted.items() if of or verdict == "moved")
    if found:
        says = f"of {len(found)} measures {says}, at {n} replications ({100 * found[0].ci_level:g} % intervals)"
    else:
        says = "nothing that could be compared"
    says = "; ".join([says, *unpaired])
    line = next((lines.of(("arms", estimate.arm)) for estimate in (*moved, *undecided)), start)
    return CheckPart("statistical", status, says, line)


def _claims(
    loaded: Loaded, old: Mapping[str, Mapping[str, Any]], new: Mapping[str, Mapping[str, Any]], lines: Lines
) -> list[CheckPart]:
    found = []
    for name in loaded.scenario.claims:
        line, now = lines.of(claim_path(name, lines)), new[name]
        if name not in old:
            found.append(
                CheckPart(f"claim {name}", "failed", "isn't in the baseline", line, (f"now {_interval(now)}",))
            )
        elif old[name]["verdict"] != now["verdict"]:
            says = f"{old[name]['verdict']} -> {now['verdict']}"
            details = (f"was {_interval(old[name])}", f"now {_interval(now)}")
            found.append(CheckPart(f"claim {name}", "failed", says, line, details))
        else:
            found.append(CheckPart(f"claim {name}", "passed", f"still {now['verdict']}", line))
    gone = [name for name in old if name not in new]
    says = "is in the baseline, but not in the scenario any more"
    return [*found, *(CheckPart(f"claim {name}", "failed", says, lines.of(("claims",))) for name in gone)]


def _interval(claim: Mapping[str, Any]) -> str:
    numbers = [claim[key] for key in ("estimate", "ci_low", "ci_high")]
    if None in numbers:
        return str(claim["verdict"])
    return f"{claim['verdict']}: {numbers[0]:.4g}, interval {numbers[1]:.4g} to {numbers[2]:.4g}"


def _notes(loaded: Loaded, baseline: Baseline) -> list[str]:
    """What else has changed since the baseline."""
    if baseline.replications == loaded.scenario.replications:
        return []
    numbers = f"{baseline.replications} replications, not {loaded.scenario.replications}"
    return [f"the baseline is of {numbers}: where the runs diverge isn't known (--against shows it)"]
