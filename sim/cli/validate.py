"""The verb ``validate``: all that keeps scenario files from being run, before anything is run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sim.cli.failures import leave, print_object
from sim.cli.input_notes import input_notes
from sim.cli.options import Debug, Edges, Encoding, Json, Plugins, Quiet, Roster, Set, SuggestedColumns, use_plugins
from sim.errors import InputError

if TYPE_CHECKING:
    from sim.experiment.refusals import Examined

__all__ = ["validate"]

ScenarioFiles = Annotated[
    list[Path], typer.Argument(metavar="FILE", help="Scenario files, or names of shipped ones.", show_default=False)
]


def validate(
    files: ScenarioFiles,
    roster: Roster = None,
    edges: Edges = None,
    encoding: Encoding = None,
    suggested_columns: SuggestedColumns = False,
    set: Set = None,
    plugin: Plugins = None,
    quiet: Quiet = False,
    as_json: Json = False,
    debug: Debug = False,  # noqa: ARG001 - read by ``verb``
) -> None:
    """Check scenario files, and the rosters and follow graphs that they run on; all faults of each, with line, key,
    rule and value.
    """
    use_plugins(plugin)
    from sim.experiment.refusals import examine

    given: dict[str, Any] = {
        "roster": roster,
        "graph": edges,
        "encoding": encoding,
        "suggested_columns": suggested_columns,
        "set": set or (),
    }
    examined = {file: examine(file, **given) for file in files}
    faults = [fault for file in files for fault in examined[file].faults]
    names = [str(file) for file in files]
    if faults:
        leave(InputError(faults), as_json, files=names)
    notes = {str(file): _notes(examined[file]) for file in files}
    if as_json:
        print_object({"code": 0, "files": names, "faults": [], "notes": notes})
    elif not quiet:
        for name in names:
            print(f"{name}: valid", *(f"  {note}" for note in notes[name]), sep="\n")


def _notes(examined: Examined) -> list[str]:
    """What a user should know of how a valid scenario's files were read, and how far it was looked at."""
    from sim.experiment.refusals import n_drawn, n_populations

    loaded = examined.loaded
    assert loaded is not None  # it has no faults
    drawn, wanted = n_drawn(loaded), n_populations(loaded)
    looked = f"populations: {drawn:,} of {wanted:,} were looked at; a run looks at all before it begins"
    return [*input_notes(loaded), *([looked] if drawn < wanted else [])]
