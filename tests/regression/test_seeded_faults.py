"""Seeded faults are caught by checks of the shipped scenarios and pointed to; harmless changes raise nothing."""

from __future__ import annotations

import pytest
from support.places import SOURCE
from support.seeded_checks import is_caught, raises_nothing
from support.seeded_faults import FAULTS, HARMLESS, QUICK, Change, ChangedCopy


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


@pytest.mark.parametrize("change", [*FAULTS, *HARMLESS], ids=lambda change: change.name)
def test_what_a_change_replaces_stands_in_the_source_once(change: Change) -> None:
    text = (SOURCE / change.file).read_text(encoding="utf-8")
    for old, new in change.texts:
        assert text.count(old) == 1
        text = text.replace(old, new)
