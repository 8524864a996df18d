"""Machine code for any processor gives the same outcome."""

from __future__ import annotations

from pathlib import Path

from support.machines import outcome


def test_machine_code_for_any_processor_gives_the_same_outcome(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    assert outcome(tmp_path, NUMBA_CPU_NAME="generic", NUMBA_CACHE_DIR=str(cache)) == outcome(tmp_path)
