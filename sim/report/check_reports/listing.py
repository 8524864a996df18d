"""Checks in a terminal, for someone who has to find out what moved and hasn't read the manual."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from sim.formatting import escaped
from sim.regression.result import ChangeEstimate, Checked, CheckPart
from sim.report.check_reports.wording import arms_of, changes, count, estimate_cells, heading, moved, says, versions

__all__ = ["print_checks"]

StyledText = str | tuple[str, str]
"""Text, or text and its style."""
MAX_TERMINAL_ROWS = 12
STYLES = {"passed": "green", "failed": "bold red", "allowed": "yellow", "skipped": "dim"}
STATUS_WORDS = {"passed": "holds", "failed": "FAILED", "allowed": "differs", "skipped": "skipped"}


def print_checks(checked: Sequence[Checked], console: Console) -> None:
    """Print a line for each scenario, and below it all that differs."""
    for each in checked:
        _print_check(each, console)
    console.print(heading(checked), style="bold")


def _print_check(checked: Checked, console: Console) -> None:
    style = STYLES["passed" if checked.holds else "failed"]
    update = "" if checked.update is None else f"  baseline {checked.update}"
    words: list[StyledText] = [(f"  {says(checked)}", style), f" ({checked.policy})  {checked.seconds:.1f} s{update}"]
    _print(console, 0, (escaped(checked.name), "bold"), *words)
    if any(part.status in ("failed", "allowed") for part in checked.parts):
        for part in checked.parts:
            _print_part(checked, part, console)
    if checked.changes:
        _print(console, 2, "changed in the scenario since the baseline:")
    for change in changes(checked):
        _print(console, 4, change)
    if checked.divergences:
        _print(console, 2, "where the runs diverge:")
    for place in checked.divergences:
        _print(console, 4, escaped(place.says))
    _print_estimates(checked, console)
    for note in [*versions(checked), *checked.notes]:
        _print(console, 2, f"note: {escaped(note)}")


def _print_part(checked: Checked, part: CheckPart, console: Console) -> None:
    mark = STATUS_WORDS[part.status]
    place = f" ({escaped(checked.file)}:{part.line})" if part.status in ("failed", "allowed") else ""
    words: list[StyledText] = [" " * (9 - len(mark)), f"{escaped(part.name)}: {escaped(part.says)}", (place, "dim")]
    _print(console, 2, (mark, STYLES[part.status]), *words)
    for detail in part.details:
        _print(console, 11, escaped(detail))


def _print_estimates(checked: Checked, console: Console) -> None:
    found = moved(checked.estimates)
    if not found:
        return
    _print(console, 2, "measures that moved, or may have, by more than their margin:")
    console.print(Padding(_table(found[:MAX_TERMINAL_ROWS]), (0, 0, 0, 2)))
    if found[MAX_TERMINAL_ROWS:]:
        _print(console, 2, f"and {count(len(found) - MAX_TERMINAL_ROWS, 'more measure')}")


def _table(estimates: Sequence[ChangeEstimate]) -> Table:
    """A table that fits 80 columns: the new value is left out, since old and difference give it."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, collapse_padding=True)
    table.add_column("measure, by arm", overflow="fold")
    table.add_column("old", justify="right", no_wrap=True)
    table.add_column("new - old, interval", justify="right", max_width=20)  # a longer one breaks at its "to"
    table.add_column("margin", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for arms, own in arms_of(estimates).items():
        table.add_row(Text(f"{escaped(arms)}:", "bold"))
        for estimate in own:
            name, old, _, _, sure, margin, verdict = estimate_cells(estimate)
            table.add_row(Text(escaped(name)), old, sure, margin, verdict)
    return table


def _print(console: Console, indent: int, *words: StyledText) -> None:
    """Print a line as it is: without markup, and without emoji for ``:words:`` in names."""
    console.print(Text.assemble(" " * indent, *words), soft_wrap=True)
