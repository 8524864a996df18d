"""The script behind the tables of docs/claims.md: patches reach what they name, and cells say what was found."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
from support.places import EXAMPLES

from sim.errors import InputError
from sim.scenario import from_resolved, resolved

SCRIPT = EXAMPLES / "variants.py"


@pytest.fixture(scope="module")
def variants() -> ModuleType:
    spec = importlib.util.spec_from_file_location("variants", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_star_changes_the_key_of_every_entry_and_nothing_else(variants: ModuleType) -> None:
    before = resolved(variants.patched("live", {}))
    after = resolved(variants.patched("live", {"surfaces.*.ranking.popularity": 1.25}))
    assert {s["ranking"]["popularity"] for s in after["surfaces"].values()} == {1.25}
    for surface in after["surfaces"].values():
        surface["ranking"]["popularity"] = 0
    for surface in before["surfaces"].values():
        surface["ranking"]["popularity"] = 0
    assert after == before


def test_a_change_of_a_key_that_does_not_exist_is_refused(variants: ModuleType) -> None:
    with pytest.raises(InputError, match="popularitty"):
        variants.patched("live", {"surfaces.*.ranking.popularitty": 1.25})


def test_every_variant_of_the_tables_is_a_valid_scenario(variants: ModuleType) -> None:
    for name, table in variants.VARIANTS.items():
        labels = [label for label, _ in table]
        assert len(set(labels)) == len(labels)
        shipped, *others = [resolved(variants.patched(name, changes)) for _, changes in table]
        assert all(other != shipped for other in others)


def test_a_cell_has_a_sign_only_where_the_interval_has_one(
    variants: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    arms = {control: {"support": {"policy": control}} for control in ("none", "placebo", "uniform")}
    data = resolved(variants.patched("support", {"horizon_days": 30, "fans.count": 2000}, arms))
    data["replications"] = 3
    run = variants.sim.run(from_resolved(data, None), out=tmp_path / "run", threads=1)
    assert variants.head_share(run, "placebo", "none") == "0 +0.00 (+0.00, +0.00)"
    sign, change, *_ = variants.head_share(run, "uniform", "none").split()
    assert sign in {"0", "-", "+", "?"}
    assert float(change) < 0
