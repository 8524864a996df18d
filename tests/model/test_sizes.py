"""What the model's arrays take, as it says beforehand, is what the arrays of a run take."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from support.small_runs import TINY, loaded_from

from sim.experiment.units import population_of
from sim.model import sizes
from sim.model.engines.compiled import CompiledEngine
from sim.model.layout import Counter, FansAtStart
from sim.model.ranking.blank_tables import blank_tables
from sim.model.simulation import simulate
from sim.model.world.population import Population
from sim.scenario import Scenario
from sim.store.unit import Unit
from sim.types import Key

M, F = 23, 60
TEXT = TINY.replace("count = 20\n", f"count = {M}\n") + '\n[surfaces.feed]\nkind = "feed"\nsession_share = 1.0\n'
RANKED = TEXT.replace('kind = "discovery"', 'kind = "discovery"\nranking.selection = "top"')


def drawn(folder: Path, text: str) -> tuple[Scenario, Population]:
    loaded = loaded_from(folder, text.replace("session_share = 1.0", "session_share = 0.5"))
    return loaded.arms["tiered"], population_of(loaded, Unit("tiered", 0))


def test_a_population_takes_what_is_said_of_its_influencers_fans_and_follows(tmp_path: Path) -> None:
    _, population = drawn(tmp_path, TEXT)
    arrays = {f.name: getattr(population, f.name) for f in fields(population)}
    of_influencers = [each for each in arrays.values() if isinstance(each, np.ndarray) and each.shape == (M,)]
    assert sum(each.nbytes for each in of_influencers) == M * sizes.population_influencer_bytes()
    (lists,) = population.lists
    assert lists.members.itemsize == sizes.population_follow_bytes()
    of_fans = (population.segment, population.mean_gap, population.joined, lists.begin)
    assert sum(each.itemsize for each in of_fans) == sizes.population_fan_bytes()


@pytest.mark.parametrize("text", [TEXT, RANKED], ids=["sampled", "ranked"])
def test_tables_take_what_is_said_of_influencers_surfaces_and_slot_tables(tmp_path: Path, text: str) -> None:
    tables, rows = blank_tables(*drawn(tmp_path, text), own_list=True)
    is_ranked = bool(tables.ranked.any())
    assert is_ranked == (text == RANKED)
    on_surface = sizes.surface_bytes() - sizes.COPIES_OF_COUNTS * len(Counter) * 8
    n_tables = rows.n + 1
    assert sum(array.nbytes for array in tables if array.shape[-1] == M) == M * (
        sizes.influencer_bytes() + 2 * on_surface + n_tables * sizes.slot_table_bytes(is_ranked=is_ranked)
    )


def test_an_engine_takes_what_is_said_of_fans_and_counts(tmp_path: Path) -> None:
    scenario, population = drawn(tmp_path, TEXT)
    tables, _ = blank_tables(scenario, population, own_list=True)
    engine = CompiledEngine(
        tables, FansAtStart(*(getattr(population, name) for name in FansAtStart._fields)), Key(1, 0)
    )
    (chunk,), (worker,) = engine._chunks, engine._workers
    lists = chunk.lists
    of_lists = (lists.start, lists.length, lists.room)
    assert sum(array.nbytes for array in (*chunk.fans, *of_lists)) == F * sizes.fan_bytes()
    assert worker.tally.counts.nbytes == 2 * M * len(Counter) * 8
    assert lists.arena.itemsize < sizes.follow_bytes() < 2 * lists.arena.itemsize


def test_an_entry_of_the_history_takes_no_more_than_is_said(tmp_path: Path) -> None:
    scenario, population = drawn(tmp_path, TEXT)
    history = simulate(scenario, population, Key(3, 0)).history
    for time, flows in history._flows.items():
        taken = sum(row.nbytes for row in flows) + history.agency[time].nbytes + history.status[time].nbytes
        assert M * sizes.history_entry_bytes() / 2 < taken <= M * sizes.history_entry_bytes()


@pytest.mark.parametrize("module", ["sim.model.sizes", "sim.experiment.cost", "sim.experiment.plan"])
def test_importing_what_estimates_compiles_nothing(module: str) -> None:
    code = f"import sys, {module}; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
