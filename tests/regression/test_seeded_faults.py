"""Seeded faults are caught by checks of the shipped scenarios and pointed to; harmless changes raise nothing."""

from __future__ import annotations

import pytest
from support.seeded_checks import is_caught, raises_nothing
from support.seeded_faults import FAULTS, HARMLESS, QUICK, ChangedCopy


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> ChangedCopy:
    return ChangedCopy(tmp_path_factory.mktemp("copy"))


def test_faults_are_caught_and_pointed_to_and_harmless_changes_raise_nothing(copy: ChangedCopy) -> None:
    for change in QUICK:
        is_caught(copy, change)
    raises_nothing(copy, HARMLESS[0])


def test_there_are_faults_enough_of_every_kind() -> None:
    assert len(FAULTS) >= 20
    assert len(HARMLESS) >= 10
    assert len({change.name for change in (*FAULTS, *HARMLESS)}) == len(FAULTS) + len(HARMLESS)
