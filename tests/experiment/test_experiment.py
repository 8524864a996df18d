"""The experiment: re-created from its manifest, the same in part and in whole, and its answer computed again."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from support.small_runs import NOBODY, PLACEBO, ROSTER, TINY, loaded_from, run_of, tables, write

import sim
from sim.errors import InputError, MachineError
from sim.experiment.execution import experiment
from sim.experiment.plan import units
from sim.experiment.refusals import faults_of
from sim.experiment.units import run_unit
from sim.measures.index import MeasureIndex, MeasureKey
from sim.model.world.population import draw_population
from sim.results.pairs import pairs
from sim.results.run import Run
from sim.store.columns import arrow_schema
from sim.store.unit import Unit
from sim.types import Key

SIX = TINY.replace("replications = 3", "replications = 6").replace('control = "uniform"', 'control = "none"')
ROSTERED = TINY.replace("count = 20\n", "")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Six replications of five arms, one of them a placebo and one with nobody to support."""
    return run_of(tmp_path_factory.mktemp("six"), SIX + PLACEBO + NOBODY)


def column(run: Run, arm: str, row: Mapping[str, Any]) -> NDArray[np.float64]:
    """A cell's values of an arm by replication, read from the rows of the measures one by one."""
    chosen = {
        measured["replication"]: math.nan if measured["value"] is None else measured["value"]
        for measured in run.table("measures").to_pylist()
        if measured["arm"] == arm and all(measured[name] == row[name] for name in MeasureKey._fields)
    }
    return np.array([chosen[replication] for replication in sorted(chosen)])


# Re-creation


@pytest.mark.filterwarnings("ignore:arm nobody")
def test_a_run_is_re_created_from_its_manifest_alone(run: Run, tmp_path: Path) -> None:
    again = sim.recreate(run.path, tmp_path / "again")
    assert tables(again.path) == tables(run.path)
    same = ("name", "scenario", "seed", "engine", "versions", "digests", "counts", "files", "identity")
    assert {key: again.manifest[key] for key in same} == {key: run.manifest[key] for key in same}


def test_a_run_with_a_roster_is_re_created_from_its_manifest_and_that_roster(tmp_path: Path) -> None:
    roster = write(tmp_path, ROSTER, "people.csv")
    run = run_of(tmp_path, ROSTERED, roster=roster)
    again = sim.recreate(run, tmp_path / "again", roster=roster)
    assert tables(again.path) == tables(run.path)
    assert again.manifest["inputs"]["roster"] == run.manifest["inputs"]["roster"]
    for other in (None, write(tmp_path, ROSTER.replace("1000", "1001"), "other.csv")):
        with pytest.raises(InputError, match="roster"):
            sim.recreate(run, tmp_path / "never", roster=other)
    assert not (tmp_path / "never").exists()


# The part and the whole


def test_the_first_replications_are_the_same_in_a_longer_run(run: Run, tmp_path: Path) -> None:
    short = run_of(tmp_path, (SIX + PLACEBO + NOBODY).replace("replications = 6", "replications = 4"))
    for arm, digests in short.manifest["digests"].items():
        assert digests == run.manifest["digests"][arm][:4]
        assert len(set(digests)) == 4


def test_a_replication_alone_equals_itself_in_the_batch(run: Run, tmp_path: Path) -> None:
    loaded = loaded_from(tmp_path, SIX)
    unit = next(unit for unit in units(loaded) if unit == Unit("tiered", 3))
    population = draw_population(loaded.arms["tiered"], None, Key(3, 3))
    record = run_unit(
        loaded.arms["tiered"], population, unit.key(3), engine="reference", threads=1, watch=lambda _glance: None
    )
    assert record.digest == run.manifest["digests"]["tiered"][3]
    cell = MeasureKey(20.0, None, "all", "influencer", "followers", "gini")
    assert record.measures.values[MeasureIndex(20, 5).keys.index(cell)] == column(run, "tiered", cell._asdict())[3]


def test_a_run_is_the_same_where_the_system_does_not_tell_which_cores_it_may_use(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "sched_getaffinity")
    there = experiment(loaded_from(tmp_path, SIX), out=tmp_path / "there")
    assert there.manifest["digests"].items() <= run.manifest["digests"].items()


def test_the_order_of_arms_and_an_added_arm_change_no_other_arm(run: Run, tmp_path: Path) -> None:
    head, rest = SIX.split("[arms.none]")
    arms, claims = rest.split("[claims")
    none, tiered, uniform = ("[arms.none]" + arms).split("\n\n")[:3]
    turned = run_of(tmp_path, "\n\n".join([head, uniform, tiered, none, "[claims" + claims]))
    assert list(turned.manifest["digests"]) == ["uniform", "tiered", "none"]
    for arm, digests in turned.manifest["digests"].items():
        assert digests == run.manifest["digests"][arm]
    wanted = {
        (row["arm"], row["control"], *(row[n] for n in MeasureKey._fields)): row["difference"] for row in run.answer()
    }
    for row in turned.answer():
        assert row["difference"] == wanted[(row["arm"], row["control"], *(row[n] for n in MeasureKey._fields))]


def test_a_placebo_equals_none_to_the_bit(run: Run) -> None:
    assert run.manifest["digests"]["placebo"] == run.manifest["digests"]["none"]
    rows = [row for row in run.answer() if (row["arm"], row["control"]) == ("placebo", "none")]
    assert len(rows) > 100
    assert {row["difference"] for row in rows} <= {0.0, None}
    assert {row["p_value"] for row in rows} <= {1.0, None}
    assert run.manifest["digests"]["tiered"] != run.manifest["digests"]["none"]


def test_arms_are_equal_at_day_0(run: Run) -> None:
    rows = [row for row in run.table("comparison").to_pylist() if row["time_days"] == 0]
    assert {row["quantity"] for row in rows} >= {"followers", "exposure"}
    assert {row["difference"] for row in rows} <= {0.0, None}
    assert any(row["mean_arm"] for row in rows)


def test_a_fixed_population_is_shared_by_all_replications(run: Run, tmp_path: Path) -> None:
    fixed = run_of(tmp_path, SIX.replace("warmup_days = 5", 'warmup_days = 5\npopulation = "fixed"'))
    about = MeasureKey(0.0, None, "all", "influencer", "followers", "gini")._asdict()
    assert len(set(fixed.values("none", about))) == 1
    assert len(set(run.values("none", about))) == 6
    assert len(set(fixed.manifest["digests"]["none"])) == 6
    assert fixed.manifest["digests"]["none"][0] == run.manifest["digests"]["none"][0]


# The tables


def test_the_tables_hold_to_the_contract(run: Run) -> None:
    names = [file.removesuffix(".parquet") for file in run.manifest["files"]]
    assert names == sorted(
        [
            "agencies",
            "claims",
            "comparison",
            "decomposition",
            "influencers",
            "lorenz",
            "measures",
            "refreshes",
            "surfaces",
            "tier_transitions",
            "transitions",
        ]
    )
    for name in names:
        schema = arrow_schema(name, ["exposure_find"] if name == "influencers" else [])
        assert run.table(name).schema.equals(schema), name
        for field in schema:
            assert field.nullable or run.table(name)[field.name].null_count == 0, (name, field.name)


def test_influencers_add_up_to_surfaces_and_shares_of_the_measures(run: Run) -> None:
    people, surfaces = run.table("influencers").to_pylist(), run.table("surfaces").to_pylist()
    assert len(people) == 5 * 6 * 20
    for surface in surfaces:
        own = [p for p in people if (p["arm"], p["replication"]) == (surface["arm"], surface["replication"])]
        followers = sorted((p["followers_end"] for p in own), reverse=True)
        cell = MeasureKey(20.0, None, "all", "influencer", "followers", "head_share_10")._asdict()
        share = run.values(surface["arm"], cell)[surface["replication"]]
        assert share == pytest.approx(sum(followers[:2]) / sum(followers), rel=1e-3)  # people are rounded
        assert surface["n_impressions"] + surface["n_empty"] == surface["n_slots"] == 10 * surface["n_sessions"]
    assert len({(s["replication"], s["n_reserved"]) for s in surfaces}) == 6


# The comparison


def test_rows_of_the_comparison_are_paired_t_tests_of_the_measures(run: Run) -> None:
    rows = [
        row
        for row in run.answer()
        if (row["population"], row["level"]) == ("all", "influencer")
        and (row["quantity"], row["measure"]) in (("followers", "gini"), ("exposure", "head_share_01"))
        and row["arm"] != "placebo"
    ]
    assert len(rows) == 3 * (1 + 2)  # exposure over 20 days, and over the 25 with the warm-up
    for row in rows:
        arm, control = column(run, row["arm"], row), column(run, row["control"], row)
        test = stats.ttest_rel(arm, control)
        low, high = test.confidence_interval(0.95)
        assert row["mean_arm"] == pytest.approx(arm.mean(), rel=1e-12)
        assert row["mean_control"] == pytest.approx(control.mean(), rel=1e-12)
        assert row["difference"] == pytest.approx((arm - control).mean(), rel=1e-9)
        assert (row["ci_low"], row["ci_high"]) == pytest.approx((low, high), rel=1e-9)
        assert row["p_value"] == pytest.approx(test.pvalue, rel=1e-9)
        assert row["vr_total"] == pytest.approx(
            (arm.var(ddof=1) + control.var(ddof=1)) / (arm - control).var(ddof=1), rel=1e-6
        )
        assert row["n_pairs"] == 6


def test_the_family_is_the_primary_quantities_and_the_claims_adjusted_by_holm(run: Run) -> None:
    rows = [row for row in run.table("comparison").to_pylist() if row["p_holm"] is not None]
    about = [(r["arm"], r["control"], r["quantity"], r["window_days"], r["measure"], r["time_days"]) for r in rows]
    assert sorted(about, key=str) == sorted(
        [
            (arm, "none", quantity, window, "head_share_01", 20.0)
            for arm in ("tiered", "uniform", "placebo")
            for quantity, window in (("followers", None), ("exposure", 20.0))
        ],
        key=str,
    )
    n, adjusted = len(rows), 0.0
    for place, row in enumerate(sorted(rows, key=lambda row: row["p_value"])):
        adjusted = max(adjusted, min(1.0, (n - place) * row["p_value"]))
        assert row["p_holm"] == pytest.approx(adjusted, rel=1e-12)


def test_the_decomposition_adds_up_to_the_difference_of_the_initial_heads_share(run: Run) -> None:
    about = MeasureKey(20.0, None, "all", "influencer", "followers", "initial_head_share_01")._asdict()
    parts = run.table("decomposition").to_pylist()
    assert len(parts) == 6 * 4
    for part in parts:
        arm, control = (column(run, part[who], about)[part["replication"]] for who in ("arm", "control"))
        assert part["allocation"] + part["volume"] == pytest.approx(arm - control, abs=1e-12)
        assert part["difference"] == pytest.approx(arm - control, abs=1e-12)
    assert any(abs(part["allocation"]) > 1e-3 for part in parts)


def test_vr_streams_holds_independent_streams_on_the_same_population_against_common_ones(
    run: Run, tmp_path: Path
) -> None:
    loaded = loaded_from(tmp_path, SIX)
    of_control = [unit for unit in units(loaded) if unit.independent]
    assert [unit.replication for unit in of_control] == list(range(6))
    cell = MeasureKey(20.0, 20.0, "all", "influencer", "exposure", "gini")
    independent = []
    for unit in of_control:
        population = draw_population(loaded.scenario, None, Key(3, unit.replication))
        record = run_unit(
            loaded.arms["none"], population, unit.key(3), engine="compiled", threads=1, watch=lambda _glance: None
        )
        assert record.digest not in run.manifest["digests"]["none"]
        independent.append(record.measures.values[MeasureIndex(20, 5).keys.index(cell)])
    row = next(r for r in run.answer() if r["arm"] == "tiered" and all(r[n] == v for n, v in cell._asdict().items()))
    arm, control = (run.values(name, cell._asdict()) for name in ("tiered", "none"))
    expected = np.var(arm - np.array(independent), ddof=1) / np.var(arm - control, ddof=1)
    assert row["vr_streams"] == pytest.approx(expected, rel=1e-9)


def test_an_arm_with_nobody_to_support_is_not_compared_and_its_claims_stay_undecided(tmp_path: Path) -> None:
    claim = '\n[claims.empty]\narm = "nobody"\ncontrol = "none"\ndirection = "lower"\n'
    run = run_of(tmp_path, TINY.replace("warmup_days = 5", "warmup_days = 0") + NOBODY + claim)
    assert not any("nobody" in (row["arm"], row["control"]) for row in run.table("comparison").to_pylist())
    assert not any("nobody" in (row["arm"], row["control"]) for row in run.table("decomposition").to_pylist())
    (row,) = (row for row in run.claims() if row["claim"] == "empty")
    assert (row["verdict"], row["estimate"], row["ci_low"], row["ci_high"]) == ("undecided", None, None, None)
    (surface, *_) = (row for row in run.table("surfaces").to_pylist() if row["arm"] == "nobody")
    assert surface["n_support_unfilled"] == surface["n_reserved"] > 0


# What is refused before anything is run


def test_a_unit_that_needs_too_much_memory_is_refused_with_the_figure_unless_forced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(available=20_000_000))
    with pytest.raises(MachineError, match=r"needs about \d+ MB .* over 80 % of the 20 MB of free memory; force=True"):
        run_of(tmp_path)
    assert not (tmp_path / "run").exists()
    assert run_of(tmp_path, force=True).manifest["digests"]["none"]


TIGHT = TINY.replace("count = 60\n", "count = 25\n", 1).replace("sigma = 0.8, max = 30_000.0", "sigma = 1.3, max = 1e6")


def test_a_population_that_cannot_be_drawn_is_refused_before_anything_is_run(tmp_path: Path) -> None:
    loaded = loaded_from(tmp_path, TIGHT, replications=40)
    refused = {}
    for replication in range(40):
        try:
            draw_population(loaded.scenario, None, (3, replication))
        except InputError as error:
            refused[replication] = float(re.findall("at most ([0-9.]+) here", str(error))[0])
    assert 1 < len(refused) < 40
    with pytest.raises(InputError) as caught:
        experiment(loaded, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()
    (fault,) = caught.value.faults
    tightest = min(refused, key=refused.__getitem__)
    assert fault.rule.startswith(f"must be at most {refused[tightest]:g} here: the largest account (influencer-")
    assert fault.rule.endswith(f" in replication {tightest}")
    lines = Path(loaded.file).read_text(encoding="utf-8").splitlines()
    assert (fault.path, lines[(fault.line or 0) - 1][:15]) == ("fans.follows_per_fan", "follows_per_fan")


@pytest.mark.parametrize(
    "text",
    [
        TIGHT,
        TINY.replace("follows_per_fan = 4.0", "follows_per_fan = 0.2"),
        TINY.replace(
            "[influencers]", "[segments]\na = { share = 0.9, activity = 0.0 }\nb = { share = 0.1 }\n[influencers]"
        ),
        TINY,
    ],
    ids=["largest account", "too few follows", "idle fans", "nothing wrong"],
)
def test_followers_are_refused_exactly_where_the_population_is(tmp_path: Path, text: str) -> None:
    loaded = loaded_from(tmp_path, text, replications=20)

    def drawn(replication: int) -> list[tuple[str, str | None, str | None]]:
        try:
            draw_population(loaded.scenario, None, (3, replication))
        except InputError as error:
            return [(fault.rule, fault.path, fault.value) for fault in error.faults]
        return []

    def checked(replication: int) -> list[tuple[str, str | None, str | None]]:
        found = faults_of(loaded, range(replication, replication + 1))
        ending = f" in replication {replication}"
        return [(fault.rule.removesuffix(ending), fault.path, fault.value) for fault in found]

    seen = [drawn(replication) for replication in range(20)]
    assert seen == [checked(replication) for replication in range(20)]
    assert any(seen) == (text != TINY)


def test_pairs_are_all_with_the_control_tiered_with_uniform_and_what_claims_compare(tmp_path: Path) -> None:
    text = TINY + PLACEBO + '\n[claims.other]\narm = "placebo"\ncontrol = "tiered"\ndirection = "higher"\n'
    found = pairs(loaded_from(tmp_path, text))
    controls = [("tiered", "none"), ("uniform", "none"), ("placebo", "none")]
    assert found == [*controls, ("tiered", "uniform"), ("placebo", "tiered")]


@pytest.mark.parametrize(
    "patch",
    [
        "entry.incubated_followers = 11_000.0",
        "entry.opens = false",
        "verticals.all.shop_prob = 0.2",
        "verticals.all.capacity = 3.0",
        "influencers.live_hours_per_day = 2.0",
        "agencies.all.shop_factor = 0.1",
    ],
)
def test_an_arm_with_other_accounts_is_what_it_is_alone(tmp_path: Path, patch: str) -> None:
    head = TINY.split("[arms.none]")[0]
    head += "[verticals.all]\nshare = 1.0\nshop_prob = 0.9\n\n[entry]\nnewcomers_per_month = 9.0\n\n"
    head = head.replace("[agencies.all]", "conversion_prob = 0.9\norder_value_fen = 100.0\n\n[agencies.all]")
    head = head.replace("follow_prob = 0.3", "follow_prob = 0.3\norder_factor = 1.0")
    for name in ("alone", "beside"):
        (tmp_path / name).mkdir()
    alone = run_of(tmp_path / "alone", f'control = "other"\n{head}[arms.other]\n{patch}\n')
    beside = run_of(tmp_path / "beside", f"{head}[arms.none]\n\n[arms.other]\n{patch}\n")
    assert beside.manifest["digests"]["other"] == alone.manifest["digests"]["other"]
    if "live_hours" not in patch:  # nobody sees them on this platform
        assert beside.manifest["digests"]["none"] != alone.manifest["digests"]["other"]
