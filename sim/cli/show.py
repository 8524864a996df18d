"""The answer of a finished run on standard output, in words or as an object; knows no verb."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.cli.console import console_for
from sim.cli.failures import print_object

if TYPE_CHECKING:
    from sim.results.run import Run

__all__ = ["show"]


def show(finished: Run, *, quiet: bool, as_json: bool) -> None:
    """Print a run's answer as the user wants it."""
    if as_json:
        print_object(
            {
                "run": str(finished.path),
                "digests": finished.manifest["digests"],
                "answer": finished.answer(),
                "claims": finished.claims(),
                "reading": finished.manifest.get("reading", {}),
                "seconds": finished.manifest["seconds"],
            }
        )
    elif not quiet:
        from sim.report.terminal import print_answer

        print_answer(finished, console_for())
