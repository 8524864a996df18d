"""The record of the documentation's numbers is what runs give."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.tables import table_modules


def test_the_record_has_what_a_run_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    docs = table_modules()
    recorded = docs.tables.read_record()["claims"]
    for claim, (scenario, *numbers, verdict) in docs.figures.claims_of("live").items():
        assert recorded[claim] == [scenario, *(pytest.approx(number, rel=1e-5) for number in numbers), verdict]
