"""Allowed versions are tested versions: the constraints that CI installs are the lower bounds of pyproject.toml."""

from __future__ import annotations

import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.version import Version
from support.places import PROJECT

pytestmark = pytest.mark.quick

LOWEST = PROJECT / ".ci" / "lowest-versions.txt"
ASKED_OF_NOBODY = {"click"}
"""Pinned although pyproject.toml doesn't name them."""


def pinned() -> dict[str, Version]:
    lines = [line.partition("#")[0].strip() for line in LOWEST.read_text(encoding="utf-8").splitlines()]
    found = {}
    for requirement in map(Requirement, filter(None, lines)):
        (specifier,) = requirement.specifier
        assert specifier.operator == "=="
        found[requirement.name] = Version(specifier.version)
    return found


def bounds(*extras: str) -> dict[str, Version]:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = [
        *project["dependencies"],
        *(entry for extra in extras for entry in project["optional-dependencies"][extra]),
    ]
    found = {}
    for requirement in map(Requirement, asked):
        (specifier,) = requirement.specifier
        assert specifier.operator == ">="
        found[requirement.name] = Version(specifier.version)
    return found


def test_every_dependency_is_pinned_at_its_lower_bound() -> None:
    runtime = bounds()
    assert {name: lowest for name, lowest in pinned().items() if name in runtime} == runtime


def test_nothing_else_is_pinned_than_what_pyproject_asks_for_at_its_bound() -> None:
    asked = bounds("test")
    others = {name: lowest for name, lowest in pinned().items() if name not in ASKED_OF_NOBODY}
    assert others.items() <= asked.items()
