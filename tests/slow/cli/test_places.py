"""Every command ends cleanly, whatever its streams are."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from support.command_streams import ASCII, BAD, VERBS, WAYS, check, made_place, needs_full


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_place(tmp_path_factory.mktemp("place"))


@needs_full
@pytest.mark.parametrize("command", [*VERBS, *BAD])
def test_every_command_ends_cleanly_whatever_its_streams_are(place: Path, command: str) -> None:
    for way, environment in itertools.product(WAYS, ({}, ASCII)):
        check(place, command, way, environment)
