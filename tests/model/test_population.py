"""The population: who is drawn, follow lists, what is refused; each entity is drawn from its own numbers."""

from __future__ import annotations

import csv
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats
from support.forms import drawn
from support.places import SHARED
from support.scenarios import plain, roster_of, scenario_of, world_of, worlds

from sim.analysis.concentration import gini, top_share
from sim.errors import InputError
from sim.model.world import initial_graph
from sim.model.world.addresses import NOT_NAMED, Role, addresses
from sim.model.world.follow_blocks import draw_lists
from sim.model.world.population import Population, draw_population
from sim.model.world.sampling import sample
from sim.scenario import Scenario, read_roster
from sim.scenario.resolve.whole_numbers import apportion
from sim.scenario.schema.distributions import Constant, Distribution, Lognormal, Pareto, Uniform

ROSTERS = SHARED / "rosters"
KEY = (np.uint64(1), np.uint64(2))
OWN_ATTRIBUTES = ("vertical", "quality", "posts_per_day", "shop", "conversion_prob", "order_value_fen")


def follow_lists(population: Population) -> list[list[int]]:
    begin, members = population.follow_lists
    return [part.tolist() for part in np.split(members, begin[1:-1])]


def varied(**over: Any) -> Scenario:
    """Accounts and fans that differ in all that can be drawn."""
    lognormal = {"kind": "lognormal", "median": 100.0, "sigma": 1.0}
    unit = {"kind": "uniform", "low": 0.1, "high": 0.9}
    influencers = {"count": 50, "followers": lognormal, "quality": unit, "posts_per_day": lognormal}
    parts = plain(
        fans={"count": 300, "follows_per_fan": 3.0, "sessions_per_day": 1.0, "activity_sigma": 1.0},
        influencers=influencers | {"conversion_prob": unit, "order_value_fen": lognormal},
        verticals={"a": {"share": 0.3, "shop_prob": 0.5}, "b": {"share": 0.7, "shop_prob": 0.2}},
    )
    for name, part in over.items():
        parts[name] = parts[name] | part if isinstance(parts.get(name), dict) else part
    return scenario_of(parts)


# Apportioning


amounts_and_total = (
    st.lists(st.integers(0, 10**15), min_size=1, max_size=60)
    .filter(any)
    .flatmap(lambda amounts: st.tuples(st.just(amounts), st.integers(sum(a > 0 for a in amounts), 10**9)))
)


@given(amounts_and_total)
def test_apportioned_amounts_have_the_sum_and_one_where_there_is_any(case: tuple[list[int], int]) -> None:
    amounts, total = case
    out = apportion(np.array(amounts), total)
    assert int(out.sum()) == total
    assert (out > 0).tolist() == [amount > 0 for amount in amounts]


@given(amounts_and_total)
def test_apportioning_keeps_the_order(case: tuple[list[int], int]) -> None:
    amounts, total = case
    out = apportion(np.array(amounts), total).tolist()
    for (a, x), (b, y) in pairwise(sorted(zip(amounts, out, strict=True))):
        assert a == b or x <= y


@given(amounts_and_total)
def test_apportioned_amounts_are_within_one_of_the_quota_of_those_not_raised_to_one(
    case: tuple[list[int], int],
) -> None:
    amounts, total = case
    out = apportion(np.array(amounts), total).tolist()
    n_followed, whole = sum(amount > 0 for amount in amounts), sum(amounts)
    for amount, given_to in zip(amounts, out, strict=True):
        quota = Fraction(amount * total, whole)
        # Those raised to 1 take less than 1 each from the others; each gives up no more than its share of that.
        assert quota - n_followed * Fraction(amount, whole) - 1 < given_to < max(quota, Fraction(1)) + 1


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=40), st.integers(1, 1000))
def test_amounts_whose_quotas_reach_one_are_within_one_of_them(amounts: list[int], factor: int) -> None:
    total = -(-sum(amounts) // min(amounts)) * factor
    out = apportion(np.array(amounts), total).tolist()
    for amount, given_to in zip(amounts, out, strict=True):
        assert abs(given_to - Fraction(amount * total, sum(amounts))) < 1


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=40).filter(any), st.integers(1, 50))
def test_amounts_that_divide_evenly_are_kept_exactly(amounts: list[int], factor: int) -> None:
    assert apportion(np.array(amounts), sum(amounts) * factor).tolist() == [amount * factor for amount in amounts]


def test_ties_of_remainders_go_to_the_lower_index() -> None:
    assert apportion(np.array([10, 10, 10, 10]), 6).tolist() == [2, 2, 1, 1]


# Distributions


@pytest.mark.parametrize(
    ("distribution", "quantile"),
    [
        (Constant(value=3.5), lambda u: np.full(u.size, 3.5)),
        (Uniform(kind="uniform", low=-1.0, high=4.0), lambda u: -1 + 5 * u),
        (Lognormal(kind="lognormal", median=7.0, sigma=1.3), lambda u: stats.lognorm.ppf(u, 1.3, scale=7.0)),
        (Pareto(kind="pareto", min=2.0, exponent=1.4), lambda u: stats.pareto.isf(u, 1.4, scale=2.0)),
        (
            Lognormal(kind="lognormal", median=7.0, sigma=1.3, max=9.0),
            lambda u: np.minimum(stats.lognorm.ppf(u, 1.3, scale=7.0), 9.0),
        ),
        (
            Pareto(kind="pareto", min=2.0, exponent=1.4, max=5.0),
            lambda u: np.minimum(stats.pareto.isf(u, 1.4, scale=2.0), 5.0),
        ),
    ],
    ids=["constant", "uniform", "lognormal", "pareto", "lognormal-cut", "pareto-cut"],
)
def test_a_distribution_is_drawn_by_its_quantiles(
    distribution: Distribution, quantile: Callable[[NDArray[np.float64]], NDArray[np.float64]]
) -> None:
    u = (np.arange(2000) + 0.5) / 2000
    assert sample(distribution, u) == pytest.approx(quantile(u), rel=1e-12)


@pytest.mark.parametrize("kind", ["pareto", "lognormal"])
def test_the_heaviest_tails_at_the_smallest_draws_are_cut_off_and_not_an_overflow(kind: str) -> None:
    u = np.array([2.0**-54, 1 - 2.0**-53])
    drawn = sample(
        Pareto(kind="pareto", min=1.0, exponent=0.05)
        if kind == "pareto"
        else Lognormal(kind="lognormal", median=1.0, sigma=20.0),
        u,
    )
    assert drawn.max() == 1e18


# Follows


@drawn(25, 100, st.data())
def test_a_split_has_the_right_sum_fits_and_is_within_one_of_its_quota(data: st.DataObject) -> None:
    n_segments = data.draw(st.integers(1, 5))
    size = np.array(data.draw(st.lists(st.integers(1, 40), min_size=n_segments, max_size=n_segments)), dtype=np.int64)
    shares = st.sampled_from([0.0, 1.0]) | st.floats(0.01, 1)
    weight = np.array([data.draw(st.lists(shares, min_size=n_segments, max_size=n_segments))])
    followers = np.array([data.draw(st.integers(0, int(size.sum())))], dtype=np.int64)
    offset = np.array([data.draw(st.floats(0, 1, exclude_min=True, exclude_max=True))])
    (row,) = initial_graph.split_by_segment(followers, np.zeros(1, np.int32), weight, size, offset).tolist()
    room = int(size[weight[0] > 0].sum())
    assert sum(row) == min(followers[0], room)
    assert all(0 <= part <= limit for part, limit in zip(row, size.tolist(), strict=True))
    assert all(part == 0 for part, w in zip(row, weight[0], strict=True) if w == 0)
    if weight.sum() > 0:
        quota = followers[0] * weight[0] / weight.sum()
        if (quota + 1 <= size).all():
            assert (np.abs(np.array(row) - quota) < 1 + 1e-9).all()


def test_a_split_is_unbiased_over_its_offsets() -> None:
    n = 1000
    weight = np.array([[0.21, 0.0, 0.5, 1.3]])
    offset = (np.arange(n) + 0.5) / n
    rows = initial_graph.split_by_segment(np.full(n, 7), np.zeros(n, np.int32), weight, np.full(4, 100), offset)
    assert (rows.sum(axis=1) == 7).all()
    assert rows.mean(axis=0) == pytest.approx(7 * weight[0] / weight.sum(), abs=1.5 / n)


@drawn(10, 100, worlds(max_sessions=30))
def test_follow_lists_are_distinct_in_order_and_have_exactly_the_in_degrees(world: Any) -> None:
    population = world.population
    lists = follow_lists(population)
    assert all(part == sorted(set(part)) for part in lists)
    in_degree = np.bincount(population.follow_lists[1], minlength=len(population.influencers))
    assert np.array_equal(in_degree, population.followers)
    activity = np.array([segment.activity for segment in world.scenario.segments.values()])
    assert all(not part for part, active in zip(lists, activity[population.segment], strict=True) if active == 0)


@pytest.mark.parametrize("wanted", [3, 17], ids=["followers-drawn", "others-drawn"])
def test_followers_are_uniform_over_the_fans_of_a_segment(wanted: int) -> None:
    n, size = 2000, 20
    own = addresses(NOT_NAMED, n, KEY, Role.INFLUENCER)
    ((begin, members),) = draw_lists(np.full((n, 1), wanted), np.array([size]), size, own)
    assert all((np.diff(part) > 0).all() for part in np.split(members, begin[1:-1]))
    assert (np.bincount(members, minlength=n) == wanted).all()
    counts = np.diff(begin)
    share = wanted / size
    statistic = ((counts - n * share) ** 2).sum() / (n * share * (1 - share)) * (size - 1) / size
    assert 1e-3 < stats.chi2.sf(statistic, size - 1) < 1 - 1e-3


def test_more_interested_and_more_active_segments_hold_more_of_the_followers() -> None:
    segments = {
        "keen": {"share": 0.25, "interests": {"a": 1.0}, "other_interest": 0.0},
        "lukewarm": {"share": 0.25, "interests": {"a": 0.5}, "other_interest": 1.0},
        "lazy": {"share": 0.25, "activity": 0.5, "interests": {"a": 1.0}},
        "absent": {"share": 0.25, "activity": 0.0},
    }
    parts = plain(
        fans={"count": 4000, "follows_per_fan": 1.0, "sessions_per_day": 1.0},
        verticals={"a": {"share": 1.0}, "b": {"share": 0.0}},
        segments=segments,
    )
    population = world_of(parts).population
    n_follows = np.diff(population.follow_lists[0]).reshape(4, 1000).sum(axis=1)
    assert n_follows == pytest.approx([2000, 1000, 1000, 0], abs=8)  # within one for each of the 8 accounts


# Refusals


def test_fewer_follows_than_accounts_with_followers_are_refused() -> None:
    scenario = scenario_of(plain(fans={"count": 10, "follows_per_fan": 0.3, "sessions_per_day": 1.0}))
    with pytest.raises(InputError) as caught:
        draw_population(scenario, roster_of([5, 1, 0, 1, 1]), (1, 0))
    assert str(caught.value) == (
        "plain: fans.follows_per_fan: must give every account that has followers at least one: "
        "4 follows among 10 fans, 0.4 of each, got 0.3 (3 follows)"
    )


def test_an_account_with_more_followers_than_there_are_fans_is_refused() -> None:
    scenario = scenario_of(plain(fans={"count": 10, "follows_per_fan": 2.0, "sessions_per_day": 1.0}))
    with pytest.raises(InputError) as caught:
        draw_population(scenario, roster_of([1, 18, 1]), (1, 0))
    assert str(caught.value) == (
        "plain: fans.follows_per_fan: must be at most 1.25 here: the largest account (account 1) has 90.0% of all "
        "followers, and no account can have more than there are fans (share x follows_per_fan <= 1), "
        "got 2.0 (18 followers among 10 fans)"
    )


def test_followers_that_find_too_few_interested_active_fans_are_refused() -> None:
    segments = {
        "keen": {"share": 0.5, "interests": {"all": 1.0}},
        "cold": {"share": 0.25, "other_interest": 0.0},
        "idle": {"share": 0.25, "activity": 0.0},
    }
    fans = {"count": 20, "follows_per_fan": 0.8, "sessions_per_day": 1.0}
    with pytest.raises(InputError) as caught:
        draw_population(scenario_of(plain(fans=fans, segments=segments)), roster_of([4, 12]), (1, 0))
    assert str(caught.value) == (
        "plain: segments: must hold enough interested, active fans for 12 followers of an influencer of vertical all; "
        "fans.follows_per_fan can be at most 0.72 here, got 10 such fans"
    )


def test_no_follows_at_all_are_accepted() -> None:
    fans = {"count": 10, "follows_per_fan": 0.0, "sessions_per_day": 1.0}
    population = world_of(plain(fans=fans), roster_of([5, 1, 1])).population
    assert population.follow_lists[1].size == 0
    assert population.followers.tolist() == [0, 0, 0]


# Each entity from its own numbers


def test_an_influencer_more_leaves_the_attributes_of_the_others_unchanged() -> None:
    before = draw_population(varied(), None, (3, 1))
    after = draw_population(varied(influencers={"count": 51}), None, (3, 1))
    for name in OWN_ATTRIBUTES:
        assert np.array_equal(getattr(after, name)[:-1], getattr(before, name)), name
        assert np.unique(getattr(before, name)).size > 1, name
    assert np.array_equal(after.mean_gap, before.mean_gap)


def test_a_fan_more_leaves_the_attributes_of_the_others_unchanged() -> None:
    before = draw_population(varied(), None, (3, 1))
    after = draw_population(varied(fans={"count": 301, "follows_per_fan": 900 / 301}), None, (3, 1))
    assert np.array_equal(after.mean_gap[:-1], before.mean_gap)
    assert np.array_equal(after.followers, before.followers)
    for name in OWN_ATTRIBUTES:
        assert np.array_equal(getattr(after, name), getattr(before, name)), name


def test_a_change_of_one_distribution_moves_that_attribute_alone() -> None:
    before = draw_population(varied(), None, (3, 1))
    after = draw_population(varied(influencers={"quality": 0.4}), None, (3, 1))
    assert not np.array_equal(after.quality, before.quality)
    assert follow_lists(after) == follow_lists(before)
    for name in set(OWN_ATTRIBUTES) - {"quality"}:
        assert np.array_equal(getattr(after, name), getattr(before, name)), name


@pytest.mark.parametrize("key", [(4, 1), (3, 2)], ids=["seed", "replication"])
def test_another_seed_or_replication_draws_other_people(key: tuple[int, int]) -> None:
    ours, theirs = draw_population(varied(), None, (3, 1)), draw_population(varied(), None, key)
    for name in (*OWN_ATTRIBUTES, "mean_gap"):
        assert not np.array_equal(getattr(ours, name), getattr(theirs, name)), name
    assert follow_lists(ours) != follow_lists(theirs)


def test_cells_of_a_roster_replace_what_is_drawn_and_empty_ones_do_not() -> None:
    scenario = varied(influencers={"count": 4}, fans={"count": 30, "follows_per_fan": 1.0})
    drawn = draw_population(scenario, roster_of([9, 5, 2, 1]), (3, 1))
    nan = float("nan")
    roster = roster_of(
        [9, 5, 2, 1],
        vertical=["b", None, "a", None],
        agency=[None, "x", "y", "x"],
        quality=[0.25, nan, nan, 0.5],
        shop=[1, -1, 0, -1],
    )
    given_ = draw_population(scenario, roster, (3, 1))
    names = tuple(scenario.verticals)
    assert [names[v] for v in given_.vertical] == ["b", names[drawn.vertical[1]], "a", names[drawn.vertical[3]]]
    assert given_.quality.tolist() == [0.25, drawn.quality[1], drawn.quality[2], 0.5]
    assert given_.agencies == ("x", "y")
    assert given_.agency.tolist() == [-1, 0, 1, 0]
    assert bool(given_.shop[0]) is True
    assert bool(given_.shop[2]) is False
    assert np.array_equal(given_.posts_per_day, drawn.posts_per_day)


def test_people_per_fan_is_the_ratio_of_real_to_simulated_follows_where_it_is_left_out() -> None:
    fans = {"count": 100, "follows_per_fan": 2.0, "sessions_per_day": 1.0}
    parts = plain(fans=fans, people_per_fan=None)
    assert world_of(parts, roster_of([5000, 4000, 1000])).population.people_per_fan == 10_000 / 200
    assert world_of(parts, roster_of([0, 0])).population.people_per_fan == 1.0


# Agencies


def agency_sizes(key: tuple[int, int], *, stratified: bool) -> list[int]:
    accounts = {"kind": "pareto", "min": 2.0, "exponent": 1.0, "max": 40.0}
    group = {"count": 6, "accounts": accounts, "stratified": stratified}
    population = draw_population(varied(influencers={"count": 150}, agencies={"g": group}), None, key)
    assert population.agencies == tuple(f"g-{a + 1}" for a in range(6))
    return [int((population.agency == a).sum()) for a in range(6)]


def test_stratified_agencies_have_the_evenly_spaced_quantiles_in_every_draw() -> None:
    quantiles = [min(2 / ((j + 0.5) / 6), 40) for j in range(6)]
    for replication in range(5):
        assert agency_sizes((3, replication), stratified=True) == [int(q + 0.5) for q in quantiles]


def test_agencies_that_are_not_stratified_differ_from_draw_to_draw() -> None:
    assert len({tuple(agency_sizes((3, replication), stratified=False)) for replication in range(5)}) == 5


def test_agencies_recruit_from_their_verticals_alone_and_no_account_twice() -> None:
    groups = {
        "only-a": {"count": 3, "accounts": 4.0, "verticals": ["a"]},
        "any": {"count": 2, "accounts": 100.0},
    }
    population = draw_population(varied(agencies=groups), None, (3, 1))
    assert (population.vertical[np.isin(population.agency, [0, 1, 2])] == 0).all()
    assert np.bincount(population.agency).tolist() == [
        4,
        4,
        4,
        38,
    ]  # the fourth takes the rest, the fifth finds none
    assert len(population.agencies) == 5


# Real rosters


@pytest.mark.skipif(not ROSTERS.is_dir(), reason="the real rosters are not part of the project")
@pytest.mark.parametrize("name", ["weibo-authors-2011-2014.csv", "instagram-top1000-2022-03.csv"])
def test_the_simulated_followers_of_a_real_roster_are_as_concentrated_as_the_real_ones(name: str) -> None:
    with (ROSTERS / name).open(encoding="utf-8", newline="") as file:
        verticals = {row["vertical"] for row in csv.DictReader(file) if row.get("vertical")} or {"all"}
    listed = read_roster(ROSTERS / name, dirty_rows="refuse", verticals=verticals)
    parts = plain(
        fans={"count": 100_000, "follows_per_fan": 4.0, "sessions_per_day": 1.0},
        influencers={"count": len(listed.followers)},
        verticals={vertical: {"share": 1 / len(verticals)} for vertical in sorted(verticals)},
    )
    population = world_of(parts, listed).population
    assert int(population.followers.sum()) == 400_000
    assert gini(population.followers) == pytest.approx(gini(listed.followers), abs=0.02)
    k = len(listed.followers) // 100
    assert top_share(population.followers, k) == pytest.approx(top_share(listed.followers, k), abs=0.02)
    assert np.array_equal(
        np.bincount(population.follow_lists[1], minlength=len(listed.followers)), population.followers
    )
