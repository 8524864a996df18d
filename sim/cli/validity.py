"""What ``validate`` prints of a file without faults."""

from __future__ import annotations

from pathlib import Path

from sim.cli.graphs import input_notes
from sim.experiment.refusals import Examined, n_drawn, n_populations

__all__ = ["print_valid"]


def print_valid(file: Path, examined: Examined) -> None:
    """Print that a file is valid, and what a user should know of how it was read and looked at."""
    loaded = examined.loaded
    assert loaded is not None  # it has no faults
    print(f"{file}: valid")
    for note in input_notes(loaded):
        print(f"  {note}")
    drawn, wanted = n_drawn(loaded), n_populations(loaded)
    if drawn < wanted:
        print(f"  populations: {drawn:,} of {wanted:,} were looked at; a run looks at all before it begins")
