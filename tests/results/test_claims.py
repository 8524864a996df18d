"""Claims on arms, on groups and on both: what is compared with what, in which window, and in whose family."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from support.outcomes import written_scenario
from support.small_runs import NOBODY, TINY, loaded_from, run_of

from sim.calendar import DAY
from sim.measures.index import MeasureIndex, MeasureKey, window_days
from sim.model.agencies import history
from sim.results.claims import Contrast, decided_claim, statements
from sim.results.pairs import pairs
from sim.results.run import Run
from sim.scenario.schema import measurable
from sim.scenario.schema.claim import GROUP_SCHEMA, Claim
from sim.scenario.validate.claim_rules import claim_findings

Floats = NDArray[np.float64]
ARMS = ("none", "tiered")


def claim(**keys: Any) -> Claim:
    return Claim.model_validate({"arm": "tiered", "direction": "higher", "margin": 0.0} | keys)


def invented(seed: int, n_cells: int) -> dict[str, Floats]:
    """Values of both arms in eight replications."""
    rng = np.random.Generator(np.random.Philox(key=seed))
    control = rng.normal(1, 0.1, size=(8, n_cells))
    return {"none": control, "tiered": control + rng.normal(0.05, 0.1, size=control.shape)}


def row_of(made: Claim, values: dict[str, Floats], level: float | None = 0.05) -> dict[str, Any]:
    scenario = written_scenario().model_copy(update={"claims": {"it": made}})
    return decided_claim("it", statements(scenario, MeasureIndex(60, 0))["it"], values, level)


def column(values: dict[str, Floats], arm: str, who: str, window: float | None = None, **about: str) -> Floats:
    cell = MeasureKey(60.0, window, who, about["level"], about["quantity"], about["measure"])
    return values[arm][:, MeasureIndex(60, 0).keys.index(cell)]


# What can be claimed


def test_the_flows_that_can_be_measured_are_those_of_the_books_and_exposure_as_a_whole() -> None:
    of_platform = {"take", "paid"}
    assert {"exposure", *history.RECORDED_FLOWS} - set(measurable.FLOWS) == of_platform
    assert set(measurable.FLOWS) <= {"exposure", *history.RECORDED_FLOWS}


OF_IMPOSSIBLE = 11
"""Of the combinations that aren't measured one in so many is tried: there are a hundred thousand."""


def test_a_claim_passes_the_rules_exactly_where_what_it_compares_is_measured() -> None:
    about = set(MeasureIndex(120, 10).keys)
    keys = ("level", "population", "quantity", "measure", "group")
    names = tuple(measurable.Measurable.here().names())
    choices = [names if key == "measure" else get_args(Claim.model_fields[key].annotation) for key in keys[:4]]
    groups = [None, *itertools.chain(*measurable.GROUPS.values())]
    passed = set()
    for number, choice in enumerate(itertools.product(*choices, groups)):
        level, population, quantity, measure, group = choice
        days = None if quantity in measurable.STOCKS else 90.0
        cell = MeasureKey(120.0, days, group or population, level, quantity, measure)
        possible = cell in about and (group is None or population == "all")
        if not possible and number % OF_IMPOSSIBLE:
            continue
        made = Claim.model_construct(arm="tiered", control="none", **dict(zip(keys, choice, strict=True)))
        assert possible == (not list(claim_findings(made))), made
        passed |= {choice} if possible else set()
    for place, wanted in enumerate((*choices, groups)):
        assert {choice[place] for choice in passed} == set(wanted)
    for (level, population, quantity, measure, group), window in itertools.product(
        passed, get_args(Claim.model_fields["window"].annotation)
    ):
        parts = dict(zip(keys, (level, population, quantity, measure, group), strict=True))
        made = Claim.model_construct(arm="tiered", control="none", window=window, **parts)
        cell = MeasureKey(120.0, window_days(window, 120, 10), group or population, level, quantity, measure)
        possible = window == "quarter" if quantity in measurable.STOCKS else cell in about
        assert possible == (not list(claim_findings(made))), made


def test_every_group_of_a_level_is_a_choice_of_a_claim_and_every_choice_belongs_to_one_level() -> None:
    kinds = list(GROUP_SCHEMA["anyOf"][0]["enum"])
    assert list(itertools.chain(*measurable.GROUPS.values())) == kinds
    assert len(set(kinds)) == len(kinds)


def test_windows_of_the_end_are_those_that_flows_are_measured_over() -> None:
    for horizon, warmup in ((360, 30), (75, 10), (20, 5), (20, 0), (30, 30)):
        starts = {frame.start for frame in MeasureIndex(horizon, warmup).frames if frame.quantity == "gmv"}
        for window in ("month", "quarter", "run"):
            assert (horizon - window_days(window, horizon, warmup)) * DAY in starts
    assert [window_days(w, 360, 30) for w in ("month", "quarter", "run")] == [30, 90, 360]


# What is compared


def test_a_group_is_compared_between_arms() -> None:
    values = invented(1, len(MeasureIndex(60, 0).keys))
    row = row_of(claim(control="none", group="small", measure="growth"), values)
    growth = {"level": "influencer", "quantity": "followers", "measure": "growth"}
    difference = column(values, "tiered", "small", **growth) - column(values, "none", "small", **growth)
    test = stats.ttest_1samp(difference, 0)
    interval = test.confidence_interval(0.95)
    assert row["estimate"] == pytest.approx(difference.mean(), rel=1e-12)
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((interval.low, interval.high), rel=1e-9)
    keys = ("claim", "arm", "control", "group", "baseline_group", "population", "window_days")
    assert [row[key] for key in keys] == ["it", "tiered", "none", "small", None, "small", None]


def test_two_groups_are_compared_within_an_arm_pair_by_pair() -> None:
    values = invented(2, len(MeasureIndex(60, 0).keys))
    about = {"level": "platform", "quantity": "gmv", "measure": "share"}
    row = row_of(claim(group="feed", baseline_group="live", window="month", **about), values)
    difference = column(values, "tiered", "feed", 30.0, **about) - column(values, "tiered", "live", 30.0, **about)
    assert row["estimate"] == pytest.approx(difference.mean(), rel=1e-12)
    interval = stats.ttest_1samp(difference, 0).confidence_interval(0.95)
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((interval.low, interval.high), rel=1e-9)
    keys = ("control", "group", "baseline_group", "population", "window_days")
    assert [row[key] for key in keys] == [None, "feed", "live", "feed", 30.0]


def test_with_two_groups_and_two_arms_the_differences_are_compared() -> None:
    values = invented(3, len(MeasureIndex(60, 0).keys))
    about = {"level": "agency", "quantity": "gmv", "measure": "mean"}
    made = claim(control="none", group="small_agencies", baseline_group="large_agencies", window="run", **about)
    parts = {
        (arm, who): column(values, arm, who, 60.0, **about)
        for arm in ARMS
        for who in ("small_agencies", "large_agencies")
    }
    gained = {who: parts["tiered", who] - parts["none", who] for who in ("small_agencies", "large_agencies")}
    difference = gained["small_agencies"] - gained["large_agencies"]
    row = row_of(made, values)
    assert row["estimate"] == pytest.approx(difference.mean(), rel=1e-12)
    test = stats.ttest_1samp(difference, 0).confidence_interval(0.99)
    row = row_of(made, values, level=0.01)
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((test.low, test.high), rel=1e-9)


@pytest.mark.parametrize(
    ("shift", "direction", "verdict"),
    [
        (0.5, "higher", "supported"),
        (0.5, "lower", "refuted"),
        (-0.5, "lower", "supported"),
        (0.001, "higher", "negligible"),
        (0.1, "higher", "undecided"),
    ],
)
def test_a_claim_on_groups_has_a_verdict_like_any_other(shift: float, direction: str, verdict: str) -> None:
    n = len(MeasureIndex(60, 0).keys)
    noise = np.random.Generator(np.random.Philox(key=5)).normal(0, 0.01, size=(30, n))
    values = {"none": noise, "tiered": noise.copy()}
    head = MeasureIndex(60, 0).keys.index(MeasureKey(60.0, None, "head", "influencer", "followers", "growth"))
    values["tiered"][:, head] = shift + values["tiered"][:, head]
    made = claim(group="head", baseline_group="small", measure="growth", direction=direction, margin=0.1)
    assert row_of(made, values)["verdict"] == verdict


def test_without_a_level_a_claim_stays_undecided() -> None:
    values = invented(6, len(MeasureIndex(60, 0).keys))
    row = row_of(claim(group="head", baseline_group="small", measure="growth"), values, level=None)
    assert (row["verdict"], row["estimate"], row["ci_low"]) == ("undecided", None, None)


def test_an_exchange_of_groups_turns_the_sign() -> None:
    values = invented(7, 4)
    forth, back = Contrast("tiered", "none", 1, 2), Contrast("tiered", "none", 2, 1)
    assert forth.paired(values).difference == pytest.approx(-back.paired(values).difference, rel=1e-12)
    within = (
        Contrast("tiered", None, 1, 2).paired(values).difference
        - Contrast("none", None, 1, 2).paired(values).difference
    )
    assert forth.paired(values).difference == pytest.approx(within, rel=1e-12)


# In a run

GROUPED = (
    TINY.replace("replications = 3", "replications = 5")
    + """
[claims.small-against-head]
title = "Small accounts grow faster than the head"
arm = "tiered"
group = "small"
baseline_group = "head"
measure = "growth"
direction = "higher"

[claims.small-gain]
arm = "tiered"
control = "uniform"
group = "small"
measure = "growth"
direction = "higher"

[claims.small-gain-more]
arm = "tiered"
control = "uniform"
group = "small"
baseline_group = "head"
measure = "growth"
direction = "higher"
"""
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run_of(tmp_path_factory.mktemp("grouped"), GROUPED)


def growth(run: Run, arm: str, who: str) -> Floats:
    return run.values(arm, MeasureKey(20.0, None, who, "influencer", "followers", "growth")._asdict())


def test_claims_on_groups_of_a_run_are_tests_of_its_measures_in_one_holm_family(run: Run) -> None:
    rows = {row["claim"]: row for row in run.claims()}
    small, head = ({arm: growth(run, arm, who) for arm in ("tiered", "uniform")} for who in ("small", "head"))
    wanted = {
        "small-against-head": small["tiered"] - head["tiered"],
        "small-gain": small["tiered"] - small["uniform"],
        "small-gain-more": (small["tiered"] - head["tiered"]) - (small["uniform"] - head["uniform"]),
    }
    p_values = {name: float(stats.ttest_1samp(difference, 0).pvalue) for name, difference in wanted.items()}
    share = MeasureKey(20.0, None, "all", "influencer", "followers", "head_share_01")._asdict()
    lower = run.values("tiered", share) - run.values("uniform", share)
    p_values["lower"] = float(stats.ttest_1samp(lower, 0).pvalue)
    for row in run.table("comparison").to_pylist():
        if row["p_holm"] is not None and row["control"] == "none":
            p_values[f"{row['arm']} {row['quantity']}"] = row["p_value"]
    assert len(p_values) == 2 * 2 + 4
    stop, levels = None, {}
    for place, (name, p) in enumerate(sorted(p_values.items(), key=lambda item: item[1])):
        step = 0.05 / (len(p_values) - place)
        stop = step if stop is None and p > step else stop
        levels[name] = stop or step
    for name, difference in wanted.items():
        low, high = stats.ttest_1samp(difference, 0).confidence_interval(1 - levels[name])
        assert rows[name]["estimate"] == pytest.approx(difference.mean(), rel=1e-9)
        assert (rows[name]["ci_low"], rows[name]["ci_high"]) == pytest.approx((low, high), rel=1e-6)


def test_only_a_claim_that_is_a_row_of_the_comparison_adjusts_it(run: Run) -> None:
    rows = [row for row in run.table("comparison").to_pylist() if row["p_holm"] is not None]
    assert [
        (row["arm"], row["control"], row["population"], row["measure"]) for row in rows if row["measure"] == "growth"
    ] == [("tiered", "uniform", "small", "growth")]


def test_a_claim_within_an_arm_makes_no_pair(tmp_path: Path) -> None:
    text = GROUPED.split("[claims.small-gain]")[0].replace(
        'control = "uniform"\ndirection', 'control = "none"\ndirection'
    )
    loaded = loaded_from(tmp_path, text)
    assert pairs(loaded) == [("tiered", "none"), ("uniform", "none"), ("tiered", "uniform")]
    alone = (
        TINY.split("[arms.tiered]")[0]
        + GROUPED[GROUPED.index("[claims.small-against") :].split("[claims.small-gain]")[0]
    )
    assert pairs(loaded_from(tmp_path, alone.replace('"tiered"', '"none"'))) == []


def test_one_arm_alone_can_have_a_claim_on_its_groups(tmp_path: Path) -> None:
    alone = (
        TINY.split("[arms.tiered]")[0]
        + GROUPED[GROUPED.index("[claims.small-against") :].split("[claims.small-gain]")[0]
    )
    run = run_of(tmp_path, alone.replace('"tiered"', '"none"'))
    (row,) = run.claims()
    assert row["estimate"] == pytest.approx(
        (growth(run, "none", "small") - growth(run, "none", "head")).mean(), rel=1e-9
    )
    assert row["control"] is None


def test_groups_of_an_arm_that_is_not_compared_stay_undecided(tmp_path: Path) -> None:
    inside = (
        GROUPED[GROUPED.index("[claims.small-against") :]
        .split("[claims.small-gain]")[0]
        .replace('"tiered"', '"nobody"')
    )
    run = run_of(tmp_path, TINY + NOBODY + "\n" + inside)
    (row,) = (row for row in run.claims() if row["claim"] == "small-against-head")
    assert (row["verdict"], row["estimate"]) == ("undecided", None)
