"""The scenarios behind the tables of docs/claims.md, and the numbers of a run: patches reach what they name."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.tables import TableModules, table_modules

from sim.errors import InputError
from sim.scenario import from_resolved, resolved


@pytest.fixture(scope="module")
def docs() -> TableModules:
    return table_modules()


def test_a_star_changes_the_key_of_every_entry_and_nothing_else(docs: TableModules) -> None:
    before = resolved(docs.variants.patched("live", {}))
    after = resolved(docs.variants.patched("live", {"surfaces.*.ranking.popularity": 1.25}))
    assert {s["ranking"]["popularity"] for s in after["surfaces"].values()} == {1.25}
    for scenario in (before, after):
        for surface in scenario["surfaces"].values():
            surface["ranking"]["popularity"] = 0
    assert after == before


def test_a_change_of_a_key_that_does_not_exist_is_refused(docs: TableModules) -> None:
    with pytest.raises(InputError, match="popularitty"):
        docs.variants.patched("live", {"surfaces.*.ranking.popularitty": 1.25})


def test_every_variant_of_the_tables_is_a_valid_scenario_of_its_own(docs: TableModules) -> None:
    for name, table in docs.variants.VARIANTS.items():
        labels = [label for label, _ in table]
        assert len(set(labels)) == len(labels)
        shipped, *others = [resolved(docs.variants.under(name, changes)) for _, changes in table]
        assert all(other != shipped for other in others)


def test_signs_compare_each_way_of_spreading_support_with_each_control(docs: TableModules) -> None:
    arms = resolved(docs.variants.signs(1.0))["arms"]
    assert set(arms) == {*docs.variants.CONTROLS, *(f"tiered-{within}" for within in docs.variants.WITHIN)}


def test_figures_of_a_run_are_those_of_its_tables(
    docs: TableModules, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    arms = {control: {"support": {"policy": control}} for control in ("none", "placebo", "uniform")}
    data = resolved(docs.variants.patched("support", {"horizon_days": 30, "fans.count": 2000}, arms))
    data["replications"] = 3
    run = docs.figures.sim.run(from_resolved(data, None), threads=1)
    assert docs.figures.change(run.difference("head_share_01", arm="placebo", control="none")) == [0, 0, 0]
    moved = docs.figures.change(run.difference("head_share_01", arm="uniform", control="none"))
    about = {"arm": "uniform", "population": "all", "level": "influencer", "quantity": "followers"}
    (row,) = (r for r in run.answer() if r["measure"] == "head_share_01" and about.items() <= r.items())
    assert moved == pytest.approx([row["difference"], row["ci_low"], row["ci_high"]], rel=1e-5)
