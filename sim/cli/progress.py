"""What a user sees of a run that goes on: lines that stay, and on a terminal how far it is and how fast it goes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Console, Group, RenderableType
from rich.constrain import Constrain
from rich.live import Live
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bar
from rich.table import Table
from rich.text import Text

from sim.cli.console import WIDTH
from sim.experiment.plan import count
from sim.experiment.progress import Progress, Report, Running
from sim.formatting import escaped

if TYPE_CHECKING:
    from sim.types import EngineName

__all__ = ["COMPILING", "Display", "compiling_notes"]

COMPILING = "compiling (once after an installation or a change of the source, about 20 s)"
UNITS = 4
"""Units that have a line of their own."""


def compiling_notes(engine: EngineName) -> list[str]:
    """What is said of compiled code before a run: that it must be made first, that it is kept in an unusual folder."""
    from sim.model.kernel import draws, sessions
    from sim.model.kernel.compiled_code import CODE_FOLDER, is_compiled

    needed = sessions.sessions if engine == "compiled" else draws.unit_draws
    return [*([] if is_compiled(needed) else [COMPILING]), *([CODE_FOLDER.note] if CODE_FOLDER.note else [])]


class Display:
    """Progress of a run on a console; none where it is to be quiet, and only what stays where it isn't a terminal.

    Parameters
    ----------
    console
        Where it is shown.
    quiet
        Show nothing at all.
    """

    def __init__(self, console: Console, *, quiet: bool) -> None:
        self._console = console
        self._quiet = quiet
        self._is_watched = console.is_terminal and not console.is_dumb_terminal and not quiet
        self._bar = Bar(TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"))
        self._days = self._bar.add_task("starting", total=None)
        self._sessions = self._bar.add_task("", total=None, visible=False)
        self._progress: Progress | None = None
        self._live = Live(self, console=console, transient=True)

    def __enter__(self) -> Display:
        """Show it."""
        if self._is_watched:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Take it away, but for the lines that stay."""
        self._live.stop()

    def note(self, text: str) -> None:
        """A line that stays."""
        if not self._quiet:
            self._console.print(text, markup=False)

    @property
    def report(self) -> Report | None:
        """What a run should call with how far it is; None where the console isn't a terminal."""
        return self._update if self._is_watched else None

    def _update(self, progress: Progress) -> None:
        self._progress = progress
        doing = "simulating" if progress.days < progress.total_days else "writing tables"
        self._bar.update(self._days, description=doing, completed=progress.days, total=progress.total_days)
        self._bar.update(self._sessions, completed=progress.sessions)

    def __rich__(self) -> RenderableType:
        """What is shown now."""
        lines: list[RenderableType] = [self._bar, Text(", ".join(self._figures()))]
        if self._progress is not None and self._progress.running:
            lines.append(_units(self._progress))
        return Constrain(Group(*lines), WIDTH)

    def _figures(self) -> Iterator[str]:
        """Time and speed, of the last half minute."""
        days, sessions = (self._bar.tasks[task] for task in (self._days, self._sessions))
        yield f"{_clock(days.elapsed)} so far"
        if days.time_remaining:
            yield f"{_clock(days.time_remaining)} left"
        if sessions.speed:
            yield f"{count(sessions.speed)} sessions/s"


def _clock(seconds: float | None) -> str:
    """Hours, minutes, seconds.

    >>> _clock(3725.8)
    '1:02:05'
    """
    return str(timedelta(seconds=int(seconds or 0)))


def _units(progress: Progress) -> RenderableType:
    """A line for each unit at work; names give way where the terminal is narrow."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("arm")
    for head in ("repl.", f"day of {progress.horizon_days}", "head share"):
        table.add_column(head, justify="right", no_wrap=True)
    for unit in progress.running[:UNITS]:
        name = Text(_name(unit), no_wrap=True, overflow="ellipsis")
        share = "-" if unit.head_share is None else f"{100 * unit.head_share:.2f} %"
        table.add_row(name, str(unit.replication), _day(unit), share)
    more = len(progress.running) - UNITS
    return Group(table, Text(f"and {more} more")) if more > 0 else table


def _name(unit: Running) -> str:
    """What a unit is called; of a long name the beginning is read."""
    return escaped(f"independent {unit.arm}" if unit.is_independent else unit.arm)


def _day(unit: Running) -> str:
    if unit.day is None:
        return "starting"
    return "warm-up" if unit.day < 0 else str(unit.day)
