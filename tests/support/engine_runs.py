"""Runs of a world on either engine, and what it means that two of them are the same."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from support.scenarios import World

from sim.model.engines import compiled
from sim.model.simulation import Outcome, simulate
from sim.scenario import Scenario
from sim.types import EngineName


def run(world: World, scenario: Scenario | None = None, engine: EngineName = "compiled", threads: int = 1) -> Outcome:
    return simulate(scenario or world.scenario, world.population, world.key, engine=engine, threads=threads)


def lists_of(outcome: Outcome) -> list[list[int]]:
    begin, members = outcome.follow_lists
    return [part.tolist() for part in np.split(members, begin[1:-1])]


def assert_same(ours: Outcome, theirs: Outcome) -> None:
    """Equal in all that a run leaves behind, not in its digest alone."""
    assert np.array_equal(ours.totals, theirs.totals)
    assert np.array_equal(ours.counts, theirs.counts)
    assert lists_of(ours) == lists_of(theirs)
    assert len(ours.reviews) == len(theirs.reviews)
    for mine, other in zip(ours.reviews, theirs.reviews, strict=True):
        for field in fields(mine):
            assert np.array_equal(getattr(mine, field.name), getattr(other, field.name)), field.name
    assert ours.digest() == theirs.digest()


def assert_engines_agree(world: World) -> None:
    reference = run(world, engine="reference")
    assert_same(run(world), reference)
    assert_same(run(world, threads=3), reference)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiled, "THREAD_WORTH", 0)  # else intervals this small stay on one thread
        assert_same(run(world, threads=3), reference)
