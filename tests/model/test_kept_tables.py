"""Slot tables that are kept or copied, because they would come out alike, are those that would be built again."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import strategies as st
from support.engine_runs import assert_same, run
from support.forms import drawn
from support.scenarios import POLICIES, World, worlds

from sim.model.kernel import slot_tables
from sim.model.ranking import surfaces
from sim.model.ranking.surfaces import Surfaces
from sim.model.simulation import Outcome
from sim.scenario import Scenario


def with_tables(world: World, scenario: Scenario, *, kept: bool) -> tuple[Outcome, list[str], int]:
    """A run, its slot tables after each refresh, and how many were built."""
    seen: list[str] = []
    n_built = 0
    refresh, build = Surfaces.refresh, slot_tables.build_tables

    def refreshed(own: Surfaces, surface: int, *more: object) -> None:
        refresh(own, surface, *more)  # type: ignore[arg-type]
        tables = own.tables
        shown = b"".join(part.tobytes() for part in (tables.weight, tables.alias, tables.order))
        seen.append(f"{surface} {hashlib.sha256(shown).hexdigest()}")

    def built(
        weights: object, factors: object, vertical: object, order: object, rows: list[int], *more: object
    ) -> None:
        nonlocal n_built
        n_built += len(rows)
        build(weights, factors, vertical, order, rows, *more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Surfaces, "refresh", refreshed)
        patch.setattr(slot_tables, "build_tables", built)
        if not kept:
            patch.setattr(surfaces._Built, "equals", lambda *_: False)
        return run(world, scenario), seen, n_built


@drawn(10, 100, worlds(), st.sampled_from(POLICIES))
def test_tables_that_are_not_built_anew_are_as_if_they_were(world: World, policy: str) -> None:
    for scenario in (world.scenario, world.arm(policy=policy)):
        kept, tables, n_kept = with_tables(world, scenario, kept=True)
        anew, tables_anew, n_anew = with_tables(world, scenario, kept=False)
        assert tables == tables_anew
        assert_same(kept, anew)
        assert n_kept <= n_anew
