"""The hidden verb ``state``: the state of a unit after one of its events, which a later revision's check asks for.

Its name and the order of its arguments stay: later revisions call it in a process of this one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["state"]


def state(
    scenario: str,
    arm: str,
    replication: int,
    time: int,
    event: str,
    out: Path,
    plugins: Annotated[list[Path] | None, typer.Argument()] = None,
) -> None:
    """Write the state of a scenario at its small size to an ``.npz``; no file where there is no such event."""
    import numpy as np

    from sim.experiment.event_state import state_at
    from sim.experiment.plan import chosen_unit
    from sim.files import whole_file
    from sim.registry import load_plugins
    from sim.scenario import load

    load_plugins(plugins or [])
    loaded = load(scenario, small=True)
    found = state_at(loaded, chosen_unit(loaded, arm, replication), time, event)
    if found is not None:
        with whole_file(out) as stream:
            np.savez(stream, **found)  # type: ignore[arg-type]  # its allow_pickle is an array to NumPy 2.0
