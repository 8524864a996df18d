"""Words and numbers that all reports of checks share; knows no output format."""

from __future__ import annotations

import math
from collections.abc import Sequence

from sim.regression.result import ChangeEstimate, Checked, CheckPart

__all__ = [
    "HEADS",
    "arms",
    "arms_of",
    "changes",
    "count",
    "estimate_cells",
    "heading",
    "interval",
    "lines_of",
    "moved",
    "number",
    "says",
    "versions",
]

HEADS = ("measure", "old", "new", "difference", "interval", "margin", "verdict")
"""Of the columns of ``estimate_cells``."""
MAX_CHANGES = 12


def number(value: float | None) -> str:
    """Four digits, in the measure's own unit; a dash where there is none.

    >>> number(0.123456), number(1234567890.0), number(-0.0), number(None)
    ('0.1235', '1.235e+09', '0', '-')
    """
    return "-" if value is None else f"{value + 0.0:.4g}"  # + 0.0: -0.0 would be "-0"


def interval(estimate: ChangeEstimate) -> str:
    """The interval of a change, or a dash where there is none."""
    known = estimate.ci_low is not None and estimate.ci_high is not None
    return f"{number(estimate.ci_low)} to {number(estimate.ci_high)}" if known else "-"


def arms(estimate: ChangeEstimate) -> str:
    """The difference or the arm that a measure is of."""
    return estimate.arm if estimate.control is None else f"{estimate.arm} - {estimate.control}"


def estimate_cells(estimate: ChangeEstimate) -> tuple[str, ...]:
    """A row of a table of measures."""
    change = [number(value) for value in (estimate.old, estimate.new, estimate.difference)]
    return (estimate.name, *change, interval(estimate), number(estimate.margin), estimate.verdict)


def moved(estimates: Sequence[ChangeEstimate]) -> list[ChangeEstimate]:
    """Those that aren't equivalent: moved before undecided ones, in each the largest in units of its margin first."""

    def size(estimate: ChangeEstimate) -> float:
        if estimate.difference is None:
            return math.inf
        return abs(estimate.difference) / estimate.margin if estimate.margin else math.inf

    found = [estimate for estimate in estimates if estimate.verdict != "equivalent"]
    return sorted(found, key=lambda estimate: (estimate.verdict != "moved", -size(estimate)))


def arms_of(estimates: Sequence[ChangeEstimate]) -> dict[str, list[ChangeEstimate]]:
    """Estimates by their arms, in the order given."""
    found: dict[str, list[ChangeEstimate]] = {}
    for estimate in estimates:
        found.setdefault(arms(estimate), []).append(estimate)
    return found


def lines_of(checked: Checked, part: CheckPart) -> list[str]:
    """Lines below a part's first one, for formats that only have lines: its details, places, measures.

    Below the first part that differs also the possible reasons: keys of the scenario, versions of libraries.
    """
    lines = list(part.details)
    if part.name == "exact":
        lines = [*(place.says for place in checked.divergences), *lines]
    elif part.name == "statistical":
        lines += [_line(estimate) for estimate in moved(checked.estimates)]
    differing = next((other for other in checked.parts if other.status in ("failed", "allowed")), None)
    return [*changes(checked), *versions(checked), *lines] if part is differing else lines


def changes(checked: Checked) -> list[str]:
    """Keys of the scenario that changed since the baseline, a line each; of very many the first."""
    lines = [change.says for change in checked.changes[:MAX_CHANGES]]
    more = len(checked.changes) - len(lines)
    return [*lines, f"and {count(more, 'more key')} of the scenario"] if more else lines


def versions(checked: Checked) -> list[str]:
    """One line, where anything differs from the baseline and the versions of libraries do too; else none."""
    if not checked.versions or all(part.status in ("passed", "skipped") for part in checked.parts):
        return []
    old = ", ".join(f"{version.name} {version.old or '(none)'}" for version in checked.versions)
    new = ", ".join(f"{version.name} {version.new or '(none)'}" for version in checked.versions)
    return [f"the baseline was written with {old}; here: {new}"]


def _line(estimate: ChangeEstimate) -> str:
    name, old, new, difference, sure, margin, verdict = estimate_cells(estimate)
    change = f"{old} -> {new}, difference {difference} ({sure}), margin {margin}"
    return f"{arms(estimate)}: {name}: {verdict}: {change}"


def count(n: int, what: str) -> str:
    """A number of things.

    >>> count(1, "scenario"), count(2, "scenario")
    ('1 scenario', '2 scenarios')
    """
    return f"{n} {what}{'s' * (n != 1)}"


def says(checked: Checked) -> str:
    """The result of a scenario's check, in up to three words."""
    if checked.is_unfinished:
        return "wasn't checked"
    return "can't be run" if checked.is_bad_input else "holds" if checked.holds else "does not hold"


def heading(checked: Sequence[Checked]) -> str:
    """How many scenarios hold."""
    held = sum(each.holds for each in checked)
    others = len(checked) - held
    text = f"{count(len(checked), 'scenario')}: {held} hold{'s' * (held == 1)}"
    return f"{text}, {others} do{'es' * (others == 1)} not" if others else text
