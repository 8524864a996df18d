"""Checks as Markdown, for the page of a CI job."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from sim.formatting import escaped
from sim.regression.result import ChangeEstimate, Checked, CheckPart
from sim.report.check_reports.wording import HEADS, arms, changes, count, estimate_cells, heading, moved, says, versions

__all__ = ["markdown_summary"]

MAX_SUMMARY_BYTES = 900_000
"""GitHub refuses a summary of over 1 MiB."""
MAX_MARKDOWN_ROWS = 20
STATUS_MARKDOWN = {"passed": "holds", "failed": "**failed**", "allowed": "differs, allowed", "skipped": "skipped"}
_MARKUP = re.compile(
    r"[\\`*\[\]<>#|~&@$]"
    r"|(?<![^\W_])_|_(?![^\W_])"  # one inside a word is no markup
    r"|:(?=//)|(?<=www)\."  # would be links
    r"|^[-+=]|(?<=\d)[.)](?=\s|$)"  # would be lists or lines
)
"""What Markdown or HTML would take for markup."""


def markdown_summary(checked: Sequence[Checked]) -> str:
    """What passed, what differs, where, and by how much."""
    lines = [f"## sim check: {heading(checked)}", ""]
    lines += _table(("scenario", "policy", "valid", "exact", "statistical", "claims", "seconds"), map(_row, checked))
    for each in checked:
        if (
            each.divergences
            or each.changes
            or each.notes
            or any(part.status in ("failed", "allowed") for part in each.parts)
        ):
            lines += _section(each)
    return _capped("\n".join(lines) + "\n")


def _row(checked: Checked) -> tuple[str, ...]:
    by_name = {part.name: STATUS_MARKDOWN[part.status] for part in checked.parts}
    parts = [by_name.get(name, "-") for name in ("valid", "exact", "statistical")]
    return (_plain(checked.name), checked.policy, *parts, _claims(checked), f"{checked.seconds:.1f}")


def _claims(checked: Checked) -> str:
    """How many claims have which status."""
    found = [part.status for part in checked.parts if part.name.startswith("claim ")]
    return (
        ", ".join(f"{found.count(status)} {mark}" for status, mark in STATUS_MARKDOWN.items() if status in found) or "-"
    )


def _section(checked: Checked) -> Iterator[str]:
    yield ""
    yield f"### {_plain(checked.name)} {says(checked)}"
    yield ""
    yield f"{_plain(checked.file)}:"
    yield ""
    for part in checked.parts:
        yield from _part(part)
    if checked.changes:
        yield "- changed in the scenario since the baseline:"
    for change in changes(checked):
        yield f"  - {_plain(change)}"
    if checked.divergences:
        yield "- where the runs diverge:"
    for place in checked.divergences:
        yield f"  - {_plain(place.says)}"
    for note in [*versions(checked), *checked.notes]:
        yield f"- note: {_plain(note)}"
    if found := moved(checked.estimates):
        yield ""
        yield from _table(("arm - control", *HEADS), map(_estimate, found[:MAX_MARKDOWN_ROWS]))
    if found[MAX_MARKDOWN_ROWS:]:
        yield ""
        yield f"And {count(len(found) - MAX_MARKDOWN_ROWS, 'more measure')}."


def _part(part: CheckPart) -> Iterator[str]:
    place = f", line {part.line}" if part.status in ("failed", "allowed") else ""
    yield f"- {_plain(part.name)}{place}: {STATUS_MARKDOWN[part.status]}: {_plain(part.says)}"
    for line in part.details:
        yield f"  - {_plain(line)}"


def _estimate(estimate: ChangeEstimate) -> tuple[str, ...]:
    name, *numbers = estimate_cells(estimate)
    return (_plain(arms(estimate)), _plain(name), *numbers)


def _table(heads: Sequence[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"|{' --- |' * len(heads)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _plain(text: str) -> str:
    """Text that is neither Markdown nor HTML, on one line."""
    return _MARKUP.sub(lambda found: f"&#{ord(found[0])};", escaped(text).strip())


def _capped(text: str) -> str:
    raw = text.encode()
    if len(raw) <= MAX_SUMMARY_BYTES:
        return text
    kept = raw[:MAX_SUMMARY_BYTES].decode(errors="ignore")
    return kept[: kept.rindex("\n")] + "\n\nThere is more; this page is cut off here.\n"
