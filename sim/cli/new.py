"""The verb ``new``: a scenario file to start from."""

from __future__ import annotations

import contextlib
import filecmp
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sim.cli.failures import print_object
from sim.cli.options import Debug, Json
from sim.errors import Fault, InputError, MachineError
from sim.files import whole_file

if TYPE_CHECKING:
    from sim.scenario import Loaded

__all__ = ["new"]

SMALLEST = "minimal"


def new(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Name of the scenario; NAME.toml is written.", show_default=False)
    ],
    source: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="SCENARIO",
            help="Scenario to start from, a file or a shipped one's name; left out: the smallest useful one.",
            show_default=False,
        ),
    ] = None,
    as_json: Json = False,
    debug: Debug = False,  # noqa: ARG001 - read by ``verb``
) -> None:
    """Write a commented scenario file NAME.toml into the current folder, to be edited, and the files that it reads."""
    from sim.scenario import load
    from sim.scenario.resolve.shipped import scenario_file, shipped_file

    target = Path(f"{name}.toml")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", name):
        raise typer.BadParameter("must be 1 to 100 letters, digits, `.`, `_`, `-`, the first a letter or digit")
    file = shipped_file(SMALLEST) if source is None else Path(scenario_file(source))
    inputs = _inputs(load(file), file.parent)
    text = _with_schema(file.read_text(encoding="utf-8"), file.parent)
    renamed, found = re.subn(r"(?m)^name\s*=.*$", f'name = "{name}"', text, count=1)
    if not found:
        raise InputError([Fault(str(file), 'must name the scenario on a line of its own: name = "…"')])
    if os.path.lexists(target):
        raise InputError([Fault(str(target), "exists already; nothing was written")])
    with _copied(file.parent, inputs) as copied:
        _write(target, renamed)
    if as_json:
        print_object({"file": str(target), "inputs": [str(each) for each in copied]})
        return
    for each in copied:
        print(f"{each}: copied, {target} reads it")
    print(f"{target}: written\ncheck it: sim validate {target}\nrun it: sim run {target}")


def _inputs(loaded: Loaded, folder: Path) -> list[str]:
    """The files that a scenario in that folder reads, by their paths from it: those that it extends, and others.

    Shipped scenarios that it extends, and what these name, are found from anywhere.
    """
    found = [Path(name) for name in loaded.source.bases if (folder / name).exists()]
    for key in ("roster", "follow_graph"):
        name, at = getattr(loaded.scenario.influencers, key), loaded.source.folder_of("influencers", key)
        if name is not None and at is not None and at.is_relative_to(folder):
            found.append(at.relative_to(folder) / name)
    return list(map(os.fspath, found))


def _with_schema(text: str, folder: Path) -> str:
    """The text of a scenario in that folder, its ``#:schema`` line fit for the current one, or without it."""
    line = re.match(r"#:schema[ \t]+(.+?)[ \t]*\n", text)
    if line is None or "://" in line[1] or os.path.isabs(line[1]):
        return text
    schema = folder / line[1]
    if not schema.is_file():  # an installation has none
        return text[line.end() :]
    return f"#:schema {os.path.relpath(schema)}\n{text[line.end() :]}"


@contextlib.contextmanager
def _copied(folder: Path, names: list[str]) -> Iterator[list[Path]]:
    """Copy files that a scenario reads to the same places under the current folder; away again if what follows fails.

    Raises
    ------
    InputError
        Another file is there, or the place leads out of the current folder; nothing was copied.
    """
    missing = []
    for name in names:
        place = Path(name)
        if not place.resolve().is_relative_to(Path.cwd().resolve()):
            raise InputError([Fault(str(place), "leads out of the current folder; nothing was written")])
        if not os.path.lexists(place):
            missing.append(place)
        elif not (place.is_file() and filecmp.cmp(folder / name, place, shallow=False)):
            raise InputError([Fault(str(place), f"exists already and isn't {folder / name}; nothing was written")])
    with contextlib.ExitStack() as undo:
        for place in missing:
            _copy(folder / place, place)
            undo.callback(place.unlink, missing_ok=True)
        yield missing
        undo.pop_all()


def _copy(file: Path, place: Path) -> None:
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MachineError(f"{place}: can't be written: {error.strerror}") from error
    with file.open("rb") as given, whole_file(place) as copy:
        shutil.copyfileobj(given, copy)


def _write(target: Path, text: str) -> None:
    """Write a file that isn't there yet."""
    if os.path.lexists(target):
        raise InputError([Fault(str(target), "exists already; nothing was written")])
    with whole_file(target) as stream:
        stream.write(text.encode())
