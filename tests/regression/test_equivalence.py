"""Equivalent, moved, undecided: decided by intervals of paired changes; compared with the tests' own arithmetic."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.small_runs import TINY, loaded_from

from sim.regression.content import watched
from sim.regression.equivalence import estimates
from sim.regression.result import ChangeEstimate
from sim.scenario import Loaded
from sim.scenario.schema.measurable import Measurable

ARMS = ("none", "tiered", "uniform")


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    return loaded_from(tmp_path_factory.mktemp("equivalence"), TINY)


def head_shares(by_arm: dict[str, list[float]]) -> dict[str, dict[str, list[float | None]]]:
    return {f"arm {arm}": {"followers head_share_01": list(by_arm[arm])} for arm in ARMS}


def found(
    loaded: Loaded, old: dict[str, list[float]], new: dict[str, list[float]], looks: int = 1
) -> list[ChangeEstimate]:
    return estimates(loaded, head_shares(old), head_shares(new), looks)


def test_levels_of_the_control_and_differences_of_the_others_are_estimated(loaded: Loaded) -> None:
    same = {arm: [0.3, 0.31, 0.29] for arm in ARMS}
    pairs = [(e.arm, e.control) for e in found(loaded, same, same)]
    assert pairs == [("none", None), ("tiered", "none"), ("uniform", "none"), ("tiered", "uniform")]


def test_a_shift_of_all_arms_moves_the_control_and_no_difference(loaded: Loaded) -> None:
    old = {arm: [0.3, 0.31, 0.29, 0.32] for arm in ARMS}
    new = {arm: [value + 0.02 for value in values] for arm, values in old.items()}
    assert [e.verdict for e in found(loaded, old, new)] == ["moved", "equivalent", "equivalent", "equivalent"]


@given(
    st.lists(st.tuples(st.floats(0, 1), st.floats(-0.02, 0.02)), min_size=2, max_size=12),
    st.sampled_from([1, 2]),
)
def test_the_verdict_is_where_the_interval_lies(changes: list[tuple[float, float]], looks: int) -> None:
    from scipy import stats

    loaded = LOADED[0]
    old = {arm: [value for value, _ in changes] for arm in ARMS}
    new = old | {"none": [value + change for value, change in changes]}
    level = next(e for e in found(loaded, old, new, looks) if e.control is None)
    shifts = np.array(new["none"]) - np.array(old["none"])
    half = stats.t.ppf(1 - 0.025 / looks, len(shifts) - 1) * shifts.std(ddof=1) / math.sqrt(len(shifts))
    low, high = shifts.mean() - half, shifts.mean() + half
    assert level.n_pairs == len(changes)
    assert level.ci_low == pytest.approx(low, abs=1e-9)
    assert level.ci_high == pytest.approx(high, abs=1e-9)
    if min(abs(abs(end) - 0.005) for end in (low, high)) > 1e-9:
        inside, beyond = low >= -0.005 and high <= 0.005, low > 0.005 or high < -0.005
        assert level.verdict == ("equivalent" if inside else "moved" if beyond else "undecided")


LOADED: list[Loaded] = []


@pytest.fixture(autouse=True)
def _known(loaded: Loaded) -> None:
    LOADED[:] = [loaded]


def test_what_becomes_defined_has_moved(loaded: Loaded) -> None:
    old = {f"arm {arm}": {"followers gini": [None, 0.5, 0.5]} for arm in ARMS}
    new = {f"arm {arm}": {"followers gini": [0.5, 0.5, 0.5]} for arm in ARMS}
    assert {e.verdict for e in estimates(loaded, old, new, 1)} == {"moved"}


def test_what_is_always_0_counts_as_nothing(loaded: Loaded) -> None:
    old = {f"arm {arm}": {"followers total": [10.0, 10.0]} for arm in ARMS}
    new = {f"arm {arm}": {"followers total": [10.0, 10.0], "gmv total": [5.0, 5.0]} for arm in ARMS}
    moved = [e for e in estimates(loaded, old, new, 1) if e.verdict != "equivalent"]
    assert [(e.name, e.old, e.new) for e in moved] == [("gmv total, 20 days", 0.0, 5.0)]


def test_a_claims_own_margin_decides_on_what_it_states(tmp_path: Path) -> None:
    stated = {"claim lower": {"stated": [-0.010, -0.011, -0.012]}}
    now = {"claim lower": {"stated": [-0.008, -0.009, -0.010]}}

    def verdict(text: str) -> str:
        (estimate,) = estimates(loaded_from(tmp_path, text), stated, now, 1)
        assert estimate.claim == "lower"
        return estimate.verdict

    assert verdict(TINY) == "equivalent"
    assert verdict(TINY + "margin = 0.0015\n") == "moved"


def test_every_watched_measure_has_a_name_of_its_own() -> None:
    keys = [each.key for each in watched()]
    assert len(set(keys)) == len(keys) > 25


def test_a_watched_measure_names_itself() -> None:
    measures = Measurable.here()
    for each in watched():
        measure = measures.named(each.measure, each.level, each.quantity)
        assert measure is not None
        assert each in measure.watched


def test_margins_are_those_of_the_design() -> None:
    def margin(name: str, size: float, level: str = "influencer", quantity: str = "followers") -> float:
        measure = Measurable.here().named(name, level, quantity)
        assert measure is not None
        return measure.margin_at(size)

    assert margin("head_share_01", 0.3) == margin("initial_head_share_01", 0.3) == 0.005
    assert margin("gini", 0.3) == 0.01
    assert margin("total", 1e6) == 20_000
    assert margin("n_present", 1.0, "platform", "accounts") == 0.5
