"""What ``validate`` says of a file without faults."""

from __future__ import annotations

from sim.cli.graph import input_notes
from sim.experiment.refusals import Examined, n_drawn, n_populations

__all__ = ["notes_of"]


def notes_of(examined: Examined) -> list[str]:
    """What a user should know of how a valid scenario's files were read, and how far it was looked at."""
    loaded = examined.loaded
    assert loaded is not None  # it has no faults
    drawn, wanted = n_drawn(loaded), n_populations(loaded)
    looked = f"populations: {drawn:,} of {wanted:,} were looked at; a run looks at all before it begins"
    return [*input_notes(loaded), *([looked] if drawn < wanted else [])]
