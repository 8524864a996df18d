"""Groups, populations and welfare: measures of an outcome that is written down, worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from support.outcomes import STATUS, L, measures_of, shares_that_sum_to_one, written

from sim.calendar import DAY
from sim.measures.index import MeasureKey
from sim.measures.meter import lorenz_curves, tier_transitions, transitions
from sim.measures.subgroups import agency_classes, size_classes

NEW = {
    "new_follows": {
        30: [10, 0, 0, 40, 0, 0, 0, 0, 0, 0, 30, 0],
        60: [20, 0, 0, 40, 0, 0, 0, 2, 0, 0, 138, 0],
    },
    "unfollows": {30: [0] * 12, 60: [0, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]},
}
"""Followers are [110, 50, 20, 50, 5, 5, 5, 3, 1, 1, 30, 0] at day 30 and [120, 40, 20, 50, 5, 5, 5, 5, 1, 1, 138, 0] at
day 60.
"""
Values = dict[MeasureKey, float]


def stock(values: Values, who: str, quantity: str, name: str, day: float = 60.0, level: str = "influencer") -> float:
    return values[MeasureKey(day, None, who, level, quantity, name)]


def flow(
    values: Values,
    who: str,
    quantity: str,
    name: str,
    window: float = 60.0,
    day: float = 60.0,
    level: str = "influencer",
) -> float:
    return values[MeasureKey(day, window, who, level, quantity, name)]


@pytest.fixture(scope="module")
def followed() -> Values:
    return measures_of(written(NEW))


# Groups of accounts


def test_accounts_are_split_by_followers_at_day_0_the_lowest_id_first_among_equal_ones() -> None:
    assert size_classes(np.array([1, 9, 5, 5, 2, 2, 2, 2, 2, 2]), 12).tolist() == [2, 0, 1, 2, 2, 2, 2, 2, 2, 2, 3, 3]
    of_200 = size_classes(np.arange(200), 200)
    assert np.bincount(of_200).tolist() == [2, 38, 160]
    assert of_200[[199, 198]].tolist() == [0, 0]
    assert of_200[160:198].tolist() == [1] * 38
    assert size_classes(np.array([3]), 2).tolist() == [0, 3]


def test_agencies_are_split_at_5_and_20_accounts_of_day_0() -> None:
    assert agency_classes(np.array([0, 5, 6, 20, 21])).tolist() == [0, 0, 1, 1, 2]


def test_followers_of_groups_are_their_totals_shares_means_and_growth(followed: Values) -> None:
    # 12 accounts have 390 simulated fans at the end, 10 people each.
    wanted = {
        "all": (3900.0, 3900 / 11, 390 / 200 - 1),
        "head": (1200.0, 1200.0, 0.2),
        "middle": (400.0, 400.0, -0.2),
        "small": (920.0, 920 / 8, 92 / 50 - 1),
        "newcomers": (1380.0, 1380.0, None),
    }
    for who, (total, mean, growth) in wanted.items():
        assert stock(followed, who, "followers", "total") == total
        assert stock(followed, who, "followers", "mean") == pytest.approx(mean, rel=1e-15)
        if growth is not None:
            assert stock(followed, who, "followers", "growth") == pytest.approx(growth, abs=1e-15)
        if who != "all":
            assert stock(followed, who, "followers", "share") == total / 3900
    assert MeasureKey(60.0, None, "newcomers", "influencer", "followers", "growth") not in followed


def test_nobody_has_grown_at_day_0_and_newcomers_are_not_there_yet(followed: Values) -> None:
    for who in ("all", "head", "middle", "small"):
        assert stock(followed, who, "followers", "growth", 0.0) == 0
    assert stock(followed, "newcomers", "followers", "total", 0.0) == 0
    assert stock(followed, "newcomers", "followers", "share", 0.0) == 0
    assert math.isnan(stock(followed, "newcomers", "followers", "mean", 0.0))


def test_flows_of_groups_are_those_of_their_window(followed: Values) -> None:
    assert flow(followed, "small", "new_follows", "total", 30.0) == 20
    assert flow(followed, "small", "new_follows", "total", 60.0) == 420
    assert flow(followed, "newcomers", "new_follows", "share", 30.0) == 108 / 120
    assert flow(followed, "head", "new_follows", "mean", 30.0, 30.0) == 100


def test_money_is_not_multiplied_by_the_people_of_a_fan() -> None:
    values = measures_of(written({"tips": {60: [7] * 11 + [0]}, "income": {60: [1, 2, 3] + [0] * 9}}))
    assert flow(values, "all", "tips", "total") == 77
    assert flow(values, "small", "tips", "mean") == 7
    assert flow(values, "head", "income", "share") == 1 / 6
    assert flow(values, "all", "income", "gini") == pytest.approx(
        1 - 2 * (0 * 8 + 0.5 / 6 + 2 / 6 + 4.5 / 6) / 11, rel=1e-12
    )


# Groups of agencies


def test_an_agency_holds_what_its_accounts_of_that_time_have() -> None:
    moved = [0, 0, -1, 0, -1, 0, -1, 1, -1, -1, 1, -1]
    values = measures_of(written(NEW, agency={60: moved}))
    one, two = 120 + 40 + 50 + 5, 5 + 138
    assert stock(values, "middle_agencies", "followers", "total", level="agency") == 10 * one
    assert stock(values, "small_agencies", "followers", "share", level="agency") == two / (one + two)
    assert stock(values, "small_agencies", "followers", "growth", level="agency") == (two - 8) / 8
    assert stock(values, "all", "followers", "growth", level="agency") == (one + two - 198) / 198
    assert stock(values, "all", "followers", "hhi", level="agency") == (one**2 + two**2) / (one + two) ** 2
    assert stock(values, "large_agencies", "followers", "total", level="agency") == 0
    assert math.isnan(stock(values, "large_agencies", "followers", "mean", level="agency"))
    # A flow counts for who has the account when the window ends.
    assert flow(values, "small_agencies", "new_follows", "total", 60.0, level="agency") == 1400


def test_profit_can_be_a_loss_and_is_that_of_the_window() -> None:
    values = measures_of(written(profit={0: [5, 5], 30: [25, -5], 60: [20, 0]}))
    assert flow(values, "all", "profit", "total", level="agency") == 10
    assert flow(values, "all", "profit", "mean", level="agency") == 5
    assert flow(values, "all", "profit", "n_losing", level="agency") == 1
    assert flow(values, "middle_agencies", "profit", "total", 30.0, level="agency") == -5
    assert flow(values, "middle_agencies", "profit", "n_losing", 30.0, level="agency") == 1
    assert flow(values, "small_agencies", "profit", "total", 30.0, 30.0, level="agency") == -10
    assert flow(values, "large_agencies", "profit", "n_losing", level="agency") == 0
    assert math.isnan(flow(values, "large_agencies", "profit", "mean", level="agency"))


# Kinds of surfaces, and the platform


def test_turnover_is_split_over_the_kinds_of_surfaces() -> None:
    values = measures_of(written(surface_gmv={0: [1, 1, 1, 1, 1], 30: [3, 1, 1, 1, 1], 60: [5, 4, 2, 1, 4]}))
    wanted = {"feed": 4, "discovery": 6, "commerce": 1, "live": 0}
    for kind, total in wanted.items():
        assert flow(values, kind, "gmv", "total", level="platform") == total
        assert flow(values, kind, "gmv", "share", level="platform") == total / 11
    assert flow(values, "feed", "gmv", "share", 30.0, 30.0, level="platform") == 1
    assert math.isnan(flow(measures_of(written()), "feed", "gmv", "share", level="platform"))


def test_the_platform_s_take_may_be_negative_and_e_commerce_is_a_part_of_all_income() -> None:
    flows = {
        "take": {30: [5] * 12, 60: [5] * 11 + [-100]},
        "gmv": {60: [60] + [0] * 11},
        "tips": {60: [0, 10] + [0] * 10},
        "paid": {60: [0] * 5 + [5] + [0] * 6},
    }
    values = measures_of(written(flows))
    assert flow(values, "all", "take", "total", level="platform") == -45
    assert flow(values, "all", "take", "total", 30.0, level="platform") == -105
    assert flow(values, "all", "income", "ecommerce_share", level="platform") == 0.8
    assert math.isnan(flow(values, "all", "income", "ecommerce_share", 30.0, 30.0, level="platform"))


# Who is here


def test_accounts_are_counted_by_where_they_stand(followed: Values) -> None:
    names = ("n_present", "n_entered", "n_cut", "n_left")
    wanted = {0.0: [10, 0, 0, 0], 30.0: [10, 1, 0, 1], 60.0: [7, 1, 3, 1]}
    for day, counts in wanted.items():
        assert [stock(followed, "all", "accounts", name, day, "platform") for name in names] == counts


def test_cuts_are_counted_for_each_group_against_its_own_accounts(followed: Values) -> None:
    wanted = {"all": (3, 11), "head": (0, 1), "middle": (0, 1), "small": (3, 8), "newcomers": (0, 1)}
    for who, (n_cut, n) in wanted.items():
        assert stock(followed, who, "cuts", "total") == n_cut
        assert stock(followed, who, "cuts", "share") == n_cut / n
        assert stock(followed, who, "cuts", "total", 30.0) == 0
    assert math.isnan(stock(followed, "newcomers", "cuts", "share", 0.0))


def test_the_head_is_as_many_as_at_day_0_among_all_that_have_entered_gone_ones_included(followed: Values) -> None:
    assert stock(followed, "all", "followers", "head_share_01") == 138 / 390
    assert stock(followed, "all", "followers", "initial_head_share_01") == 120 / 390
    # Eleven accounts have entered: account 11 is in no population.
    held = sorted([120, 40, 20, 50, 5, 5, 5, 5, 1, 1, 138])
    gini = sum((2 * i - 10) * x for i, x in enumerate(held)) / (11 * 390)
    assert stock(followed, "all", "followers", "gini") == pytest.approx(gini, rel=1e-15)


def test_the_active_are_those_who_are_here(followed: Values) -> None:
    # Accounts 2, 4, 6 are cut, account 8 has left, account 11 never came: 7 hold 120 + 40 + 50 + 5 + 5 + 1 + 138.
    assert stock(followed, "active", "followers", "head_share_01") == 138 / 359
    assert stock(followed, "active", "followers", "initial_head_share_01") == 120 / 359
    assert stock(followed, "active", "followers", "hhi") == (
        (120**2 + 40**2 + 50**2 + 5**2 + 5**2 + 1 + 138**2) / 359**2
    )
    for name in ("head_share_01", "initial_head_share_01", "gini", "theil"):
        assert stock(followed, "active", "followers", name, 0.0) == stock(followed, "all", "followers", name, 0.0)


def test_an_initial_head_that_is_gone_has_no_share_among_the_active() -> None:
    outcome = written(NEW)
    outcome.history.status[60 * DAY][0] = L
    values = measures_of(outcome)
    assert STATUS[60][0] != L
    assert stock(values, "active", "followers", "initial_head_share_01") == 0
    assert stock(values, "all", "followers", "initial_head_share_01") == 120 / 390


def test_a_population_without_accounts_has_no_measures() -> None:
    outcome = written(NEW)
    outcome.history.status[60 * DAY][:] = 4
    values = measures_of(outcome)
    assert math.isnan(stock(values, "active", "followers", "gini"))
    assert stock(values, "all", "accounts", "n_present", level="platform") == 0


def test_verticals_hold_what_those_have_that_chose_them(followed: Values) -> None:
    # Account 10 is in the second vertical, account 11 went to the first.
    a, b = 120 + 40 + 20 + 50 + 5 + 5, 5 + 5 + 1 + 1 + 138
    assert stock(followed, "all", "followers", "hhi", level="vertical") == (a * a + b * b) / 390**2


# Moves


def test_newcomers_can_reach_the_head_and_the_good_among_them_are_told_apart(followed: Values) -> None:
    names = ("n_reached_head", "n_good_reached_head")
    assert [stock(followed, "all", "followers", name, 30.0, "platform") for name in names] == [0, 0]
    # Account 10 is the largest at the end; its quality, .95, is over the .9 of day 0's best tenth.
    assert [stock(followed, "all", "followers", name, 60.0, "platform") for name in names] == [1, 1]
    worse = written(NEW)
    worse.population.quality[10] = 0.89
    values = measures_of(worse)
    assert [stock(values, "all", "followers", name, 60.0, "platform") for name in names] == [1, 0]
    worse.population.quality[:] = 0.5
    assert math.isnan(stock(measures_of(worse), "all", "followers", "n_good_reached_head", 60.0, "platform"))


def test_ranks_and_deciles_are_those_of_day_0_s_accounts() -> None:
    outcome = written({"new_follows": {60: [0] * 10 + [1000, 0]}})
    values = measures_of(outcome)
    assert stock(values, "all", "followers", "start_rank_correlation", level="platform") == 1
    assert stock(values, "all", "followers", "mean_decile_change", level="platform") == 0
    assert stock(values, "all", "followers", "head_turnover_01", level="platform") == 1
    assert transitions(outcome, 60).tolist() == np.eye(10, dtype=int).tolist()


def test_merit_and_participation_are_over_those_that_have_entered() -> None:
    order = np.argsort(np.argsort([0.5, 0.1, 0.2, 0.3, 0.9, 0.4, 0.15, 0.25, 0.35, 0.45, 0.95]))
    flows = {"new_follows": {60: [*order.tolist(), 0]}, "reads": {60: [1] * 5 + [0] * 7}}
    values = measures_of(written(flows))
    assert flow(values, "all", "new_follows", "quality_rank_correlation", level="platform") == 1
    assert flow(values, "all", "new_follows", "active_share", level="platform") == 10 / 11
    assert flow(values, "all", "reads", "n_active", level="platform") == 5
    assert flow(values, "all", "net_follows", "gained_share", level="platform") == 10 / 11


def test_promotions_and_demotions_are_steps_between_reviews_none_being_the_lowest_tier() -> None:
    outcome = written(tiers={0: [-1, 0], 10: [1, 0], 30: [0, 1], 40: [0, -1], 60: [0, 0]})
    values = measures_of(outcome)
    found = {
        day: [stock(values, "all", "tiers", name, day, "platform") for name in ("n_promotions", "n_demotions")]
        for day in (0.0, 30.0, 60.0)
    }
    assert found == {0.0: [0, 0], 30.0: [2, 1], 60.0: [3, 2]}
    steps = tier_transitions(outcome, 2, 60 * DAY)
    assert steps.tolist() == [[3, 1, 0], [1, 0, 1], [1, 1, 0]]


def test_lorenz_curves_are_over_those_that_have_entered() -> None:
    curve = lorenz_curves(written(NEW), 60)[1]
    held = sorted([120, 40, 20, 50, 5, 5, 5, 5, 1, 1, 138])
    assert curve[-1] == 1
    upto = np.interp(np.linspace(0, 1, 101), np.arange(12) / 11, np.append(0, np.cumsum(held)) / 390)
    np.testing.assert_allclose(curve, upto, rtol=1e-12)


# Together


def test_groups_hold_all_together() -> None:
    rng = np.random.Generator(np.random.Philox(key=4))
    rows = ("exposure_feed", "exposure_discovery", "reads", "orders", "gmv", "new_follows", "tips", "income")
    flows = {}
    for name in rows:
        month = np.append(rng.integers(0, 50, 11), 0)
        flows[name] = {30: month.tolist(), 60: (month + np.append(rng.integers(0, 50, 11), 0)).tolist()}
    values = measures_of(written(flows))
    # Followers at three times, seven flows over three windows, at two levels.
    assert shares_that_sum_to_one(values) == 2 * (3 + 7 * 3)
