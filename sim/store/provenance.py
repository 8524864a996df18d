"""What makes a run re-creatable: its identity, versions and source; knows no results."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sim.errors import Fault, InputError
from sim.registry import registered
from sim.scenario import Loaded, resolved
from sim.scenario.patch.phases import policies_of
from sim.scenario.read.roster_notes import reading, skipped
from sim.scenario.resolve.graph_notes import graph_notes
from sim.version import __version__

__all__ = [
    "DECIDING",
    "how_read",
    "identity",
    "is_measure",
    "libraries",
    "plugins",
    "refuse_other_plugins",
    "source_digest",
    "versions",
]

MEASURE = "measure"
"""Before the name of a measure in what a manifest says of plugins; a policy's name is there alone."""
DECIDING = ("numba", "numpy", "pyarrow", "pydantic", "simpy")
"""Packages whose versions a manifest names."""


@cache
def source_digest() -> str:
    """SHA-256 over the project's own source files, in order of their names."""
    folder = Path(__file__).parents[1]
    sha = hashlib.sha256()
    for file in sorted(folder.rglob("*.py")):
        sha.update(file.relative_to(folder).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return sha.hexdigest()


def identity(loaded: Loaded, engine: str, *, epochs: bool = False) -> str:
    """SHA-256 over all that decides the content of a run: scenario, roster, follow graph, plugins, engine, source.

    A run with ``epochs`` has a table more.
    """
    parts = {
        "scenario": resolved(loaded),
        "roster": loaded.inputs.get("roster"),
        "follow_graph": loaded.inputs.get("follow_graph"),
        "plugin": plugins(loaded),
        "engine": engine,
        "source": source_digest(),
    } | ({"epochs": True} if epochs else {})
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode("utf-8", "backslashreplace")).hexdigest()


def plugins(loaded: Loaded) -> dict[str, dict[str, Any]] | None:
    """The user's own policies that the arms and their phases use, and all measures of the user's own; None: there are
    none. By name, that of a measure after the word ``measure``.

    Of each: ``file`` and its ``sha256``, and ``imports``, SHA-256 by path of the files that it imports from its folder;
    of a measure also ``measure``, what it is measured of.
    """
    used = {name for arm in loaded.arms.values() for name in policies_of(arm)}
    own = {name: plugin.content for name, plugin in sorted(registered("policy").items()) if name in used}
    for name, plugin in sorted(registered("measure").items()):
        own[f"{MEASURE} {name}"] = plugin.content | {"measure": plugin.item.to_table()}
    return own or None


def is_measure(name: str) -> bool:
    """Whether a name in what a manifest says of plugins is a measure's."""
    return name.startswith(f"{MEASURE} ")


def how_read(loaded: Loaded) -> dict[str, Any]:
    """How the input files were read, of each that there is: what was left out of it, and what was taken for what."""
    found: dict[str, Any] = {} if loaded.roster is None else {"roster": reading(loaded.roster)}
    if loaded.graph is not None:
        graph = {"follows": len(loaded.graph.fan), "skipped": skipped(loaded.graph.n_skipped, loaded.graph.skipped)}
        found["follow_graph"] = {**graph, "notes": graph_notes(loaded)}
    return found


def refuse_other_plugins(wanted: Mapping[str, Mapping[str, Any]] | None, loaded: Loaded, run: str) -> None:
    """Refuse policies and measures that aren't those of a run, given what its manifest says of them.

    Raises
    ------
    InputError
        A file of the first one that differs is another, or only one of both has it.
    """
    before, own = wanted or {}, plugins(loaded) or {}
    nothing: dict[str, Any] = {"file": "none", "sha256": "none", "imports": {}}
    for name in dict.fromkeys([*before, *own]):
        what = name if is_measure(name) else f"policy {name!r}"
        if name not in before:
            raise InputError([Fault(own[name]["file"], f"must be left out: {run} had no {what}")])
        then, now = before[name], own.get(name, nothing)
        files = {then["file"]: then["sha256"], **then.get("imports", {})}
        found = {now["file"]: now["sha256"], **now["imports"]}
        for file in [*files, *found]:
            if files.get(file) != found.get(file):
                begins = files.get(file, "none")[:16]
                rule = f"must be the file of {what} in {run}, whose SHA-256 begins with {begins}"
                raise InputError([Fault(file, rule, value=found.get(file, "none")[:16])])


def libraries() -> dict[str, str]:
    """Versions of Python, the project and the packages that decide."""
    return {
        "headshare": __version__,
        "python": platform.python_version(),
        **{package: version(package) for package in DECIDING},
    }


def versions() -> dict[str, Any]:
    """What a manifest tells of the software: ``libraries``, and the digest of the project's source."""
    return {**libraries(), "source": source_digest()}
