"""Slot tables against exact rational arithmetic: integer weights, alias tables, and the frequencies they give."""

from __future__ import annotations

from fractions import Fraction
from itertools import permutations
from random import Random

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats
from support.forms import drawn
from support.scenarios import plain, roster_of, world_of

from sim.model.kernel import choice, slot_tables
from sim.model.layout import FRACTION_BITS, ID_MASK, ORIGIN_SHIFT, Counter, Total
from sim.model.simulation import simulate
from sim.model.spec import session
from sim.streams import philox

UNIT = 2**40
MASK = 2**32 - 1
LARGEST = 2**64 - 1
THRESHOLDS = 2**FRACTION_BITS
Words = NDArray[np.uint64]

amounts = st.one_of(
    st.lists(st.integers(0, 10**9).map(float), min_size=1, max_size=40),
    st.lists(st.floats(0, 1e200), min_size=1, max_size=40),
    st.lists(st.sampled_from([0.0, 1.0, 1e-13, 1e12, 5e-324]), min_size=1, max_size=40),
    st.lists(st.just(3.0), min_size=1, max_size=40),
)
draws = st.sampled_from([0, 1, MASK, MASK + 1, 2**63 - 1, 2**63, LARGEST - 1, LARGEST]) | st.integers(0, LARGEST)


def table_of(weights: list[float] | NDArray[np.float64]) -> tuple[list[int], Words]:
    """Integer weights and alias table as the platform makes them."""
    n = len(weights)
    weight, alias = np.full(n, -7, np.int64), np.full(n, LARGEST, np.uint64)
    slot_tables.build_table(
        np.array(weights), np.ones(1), np.zeros(n, np.int32), np.arange(n, dtype=np.int32), weight, alias
    )
    return weight.tolist(), alias


def looked_up(alias: Words, u: int) -> int:
    """Influencer that the kernel finds for a draw of 64 bits."""
    return int(choice.look_up(alias, np.uint64(u >> 32), np.uint64(u & MASK)))


def entries(alias: Words) -> list[tuple[int, int]]:
    """Threshold and alias of each bucket."""
    return [(int(entry) >> ORIGIN_SHIFT, int(entry) & ID_MASK) for entry in alias]


def shares_of(alias: Words) -> tuple[list[Fraction], list[int]]:
    """What an alias table gives to each influencer of all draws, exactly, and in how many buckets."""
    n = len(alias)
    shares, n_buckets = [Fraction(0)] * n, [1] * n
    for bucket, (threshold, other) in enumerate(entries(alias)):
        shares[bucket] += Fraction(threshold, THRESHOLDS * n)
        shares[other] += Fraction(THRESHOLDS - threshold, THRESHOLDS * n)
        n_buckets[other] += other != bucket
    return shares, n_buckets


# Weights


@given(amounts)
def test_integer_weights_are_the_shares_of_the_largest(weights: list[float]) -> None:
    largest = max(weights)
    exact = (
        [max(1, Fraction(w / largest) * UNIT // 1) if w > 0 else 0 for w in weights] if largest else [0] * len(weights)
    )
    assert table_of(weights)[0] == exact


@given(amounts.filter(any))
def test_an_integer_weight_is_the_exact_share_of_the_largest_to_one_part_in_two_to_the_40(weights: list[float]) -> None:
    for weight, integer in zip(weights, table_of(weights)[0], strict=True):
        exact = Fraction(weight) / Fraction(max(weights)) * UNIT
        assert exact - 1 < integer <= max(exact, 1 if weight > 0 else 0) + Fraction(1, 2**12)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=20), st.lists(st.floats(0, 1), min_size=3, max_size=3))
def test_factors_of_the_verticals_multiply_the_weights(weights: list[float], factor: list[float]) -> None:
    n = len(weights)
    vertical = np.arange(n, dtype=np.int32) % 3
    weight, alias = np.zeros(n, np.int64), np.zeros(n, np.uint64)
    slot_tables.build_table(np.array(weights), np.array(factor), vertical, np.arange(n, dtype=np.int32), weight, alias)
    multiplied, theirs = table_of(np.array(weights) * np.array(factor)[vertical])
    assert weight.tolist() == multiplied
    assert np.array_equal(alias, theirs)


@pytest.mark.parametrize("n", [1, 2, 3, 40])
def test_a_table_of_nobody_is_empty_whatever_stood_there_before(n: int) -> None:
    weight, alias = table_of([0.0] * n)
    assert weight == [0] * n
    assert (alias == ID_MASK).all()
    assert {looked_up(alias, u) for u in (0, 1, 2**63, LARGEST)} == {ID_MASK}


@pytest.mark.parametrize("n", [2**22, 2**22 + 1, 10_000_000])
def test_millions_of_equal_weights_sum_without_overflow(n: int) -> None:
    weight, alias = (np.zeros(n, dtype) for dtype in (np.int64, np.uint64))
    slot_tables.build_table(np.ones(n), np.ones(1), np.zeros(n, np.int32), np.arange(n, dtype=np.int32), weight, alias)
    assert (weight == weight[0]).all()
    assert weight[0] == min(UNIT, int(2**62 / n))
    assert np.array_equal(alias >> np.uint64(ORIGIN_SHIFT), np.full(n, THRESHOLDS - 1))
    assert np.array_equal(alias & np.uint64(ID_MASK), np.arange(n))


def test_five_million_weights_of_which_one_holds_nearly_all_give_each_its_share() -> None:
    n = 5_000_000
    given_weights = np.full(n, 1e-9)
    given_weights[n // 3] = 1.0
    weight, alias = (np.zeros(n, dtype) for dtype in (np.int64, np.uint64))
    slot_tables.build_table(
        given_weights, np.ones(1), np.zeros(n, np.int32), np.arange(n, dtype=np.int32), weight, alias
    )
    total = int(weight.sum())
    assert 0 < total < 2**62
    threshold, other = alias >> np.uint64(ORIGIN_SHIFT), alias & np.uint64(ID_MASK)
    rest = np.arange(n) != n // 3
    assert (other[rest] == n // 3).all()
    # In 64 bits: weight * 2^40 * n / total, of numbers that a float has to 53 bits.
    exact = weight[rest] / total * n * float(THRESHOLDS)
    assert np.abs(threshold[rest].astype(np.float64) - exact).max() <= 1 + exact.max() * 2**-50


# Alias tables


@settings(max_examples=400, deadline=None)
@given(amounts.filter(any))
@example([1.0])
@example([1.0, 1.0])
@example([0.0, 1.0])
@example([1.0, 0.0])
@example([1e-300, 1.0])
@example([1.0] + [1e-13] * 39)
@example([0.0] * 20 + [1.0] + [1e-9] * 20)
@example([5.0] * 40)
@example([float(i) for i in range(40)])
@example([2.0**-i for i in range(64)])
def test_everyone_has_the_share_of_its_weight_in_all_draws(weights: list[float]) -> None:
    weight, alias = table_of(weights)
    total = sum(weight)
    shares, n_buckets = shares_of(alias)
    assert sum(shares) == 1
    for share, whole, n in zip(shares, weight, n_buckets, strict=True):
        assert abs(share - Fraction(whole, total)) <= Fraction(n + 1, THRESHOLDS * len(weights))


@settings(max_examples=400, deadline=None)
@given(amounts.filter(any))
def test_whoever_has_any_weight_can_be_drawn_and_nobody_else(weights: list[float]) -> None:
    weight, alias = table_of(weights)
    assert max(weight) == UNIT
    shares, _ = shares_of(alias)
    assert [share > 0 for share in shares] == [whole > 0 for whole in weight] == [given > 0 for given in weights]


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=40).filter(any))
def test_an_influencer_is_somebody_elses_alias_only_where_it_holds_more_than_one_bucket(weights: list[float]) -> None:
    weight, alias = table_of(weights)
    total, n = sum(weight), len(weights)
    for bucket, (_, other) in enumerate(entries(alias)):
        assert other == bucket or weight[other] * n > total


@pytest.mark.parametrize("n", [1, 2, 3, 7, 1000])
def test_equal_weights_leave_each_bucket_to_its_own_influencer(n: int) -> None:
    assert entries(table_of([0.3] * n)[1]) == [(THRESHOLDS - 1, i) for i in range(n)]


def test_a_table_depends_on_ratios_of_weights_alone() -> None:
    weights = [5.0, 3.0, 1.0, 1.0, 0.0, 0.25]
    assert np.array_equal(table_of(weights)[1], table_of([w * 2.0**40 for w in weights])[1])


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(0.5, 2), min_size=20, max_size=40), st.integers(0, 19), st.floats(1, 1.001))
def test_similar_weights_choose_the_same_influencer_of_nearly_all_draws(
    weights: list[float], i: int, factor: float
) -> None:
    other = [w * factor if j == i else w for j, w in enumerate(weights)]
    ours, theirs = entries(table_of(weights)[1]), entries(table_of(other)[1])
    apart = sum(abs(a - b) if x == y else THRESHOLDS for (a, x), (b, y) in zip(ours, theirs, strict=True))
    pairs_apart = sum(x != y for (_, x), (_, y) in zip(ours, theirs, strict=True))
    # What is left of a heavy one moves by what came before it: few buckets change their alias, the others their bounds.
    assert pairs_apart <= 2
    assert apart - pairs_apart * THRESHOLDS <= 0.1 * THRESHOLDS * len(weights)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(1e-3, 1e3), min_size=2, max_size=40), st.randoms())
def test_the_first_in_the_order_fill_up_the_last(weights: list[float], random: Random) -> None:
    n = len(weights)
    order = list(range(n))
    random.shuffle(order)
    weight, alias = np.zeros(n, np.int64), np.zeros(n, np.uint64)
    vertical = np.zeros(n, np.int32)
    slot_tables.build_table(np.array(weights), np.ones(1), vertical, np.array(order, dtype=np.int32), weight, alias)
    total, place = int(weight.sum()), {i: p for p, i in enumerate(order)}
    filled_by = {i: other for i, (_, other) in enumerate(entries(alias))}
    light = [i for i in reversed(order) if int(weight[i]) * n <= total and filled_by[i] != i]
    fillers = [place[filled_by[i]] for i in light]
    assert fillers == sorted(fillers)
    # Each has its share, whatever the order.
    for share, whole, n_buckets in zip(*shares_of(alias)[:1], weight.tolist(), shares_of(alias)[1], strict=True):
        assert abs(share - Fraction(whole, total)) <= Fraction(n_buckets + 1, THRESHOLDS * n)


# Looking up


@settings(max_examples=300, deadline=None)
@given(amounts, st.lists(draws, min_size=1, max_size=8))
@example([1.0], [0, LARGEST])
@example([0.0, 1.0, 0.0], [0, LARGEST])
@example([1e-13, 1.0, 1e-13], [0, LARGEST])
@example([0.0, 0.0], [0, LARGEST])
def test_both_engines_find_the_influencer_of_exact_arithmetic(weights: list[float], us: list[int]) -> None:
    weight, alias = table_of(weights)
    table = entries(alias)
    for u in [*us, 0, LARGEST]:
        place = Fraction(u, 2**64) * len(weights)
        bucket = place // 1
        threshold, other = table[bucket]
        exact = bucket if (place - bucket) * THRESHOLDS // 1 < threshold else other
        found = looked_up(alias, u)
        assert found == exact
        assert session.from_alias(alias, u >> 32, u & MASK) == (found if any(weight) else None)


@settings(max_examples=100, deadline=None)
@given(amounts.filter(any))
def test_the_bounds_of_every_bucket_and_threshold_are_hit_exactly(weights: list[float]) -> None:
    _, alias = table_of(weights)
    n = len(weights)
    for bucket, (threshold, other) in enumerate(entries(alias)):
        bounds = [Fraction(bucket), bucket + Fraction(threshold, THRESHOLDS), Fraction(bucket + 1)]
        first, middle, end = (-(-bound * 2**64 // n) for bound in bounds)  # the first draws at or above
        assert middle == first or looked_up(alias, first) == looked_up(alias, middle - 1) == bucket
        assert middle == end or looked_up(alias, middle) == looked_up(alias, end - 1) == other


@pytest.mark.parametrize("n", [2**24 - 1, 2**23 + 1])
@pytest.mark.parametrize("u", [0, 1, 2**63 - 1, 2**63, 0x9E3779B97F4A7C15, LARGEST])
def test_the_largest_tables_are_looked_up_exactly(n: int, u: int) -> None:
    # Views of one entry: all buckets alike, each half its own and half the last influencer's.
    alias = np.broadcast_to(np.array([THRESHOLDS // 2 << ORIGIN_SHIFT | n - 1], dtype=np.uint64), n)
    bucket, rest = divmod(u * n, 2**64)
    assert session.from_alias(alias, u >> 32, u & MASK) == (bucket if rest < 2**63 else n - 1)
    assert looked_up(np.ascontiguousarray(alias), u) == (bucket if rest < 2**63 else n - 1)


def test_frequencies_are_those_of_the_weights() -> None:
    weights = [5.0, 3.0, 1.0, 1.0, 0.0, 0.25]
    _, alias = table_of(weights)
    high, low, *_ = philox((np.arange(20_000, dtype=np.uint64), 0, 0, 3), (11, 0))
    drawn = [looked_up(alias, int(h) << 32 | int(w)) for h, w in zip(high, low, strict=True)]
    counts = np.bincount(drawn, minlength=6)
    assert counts[4] == 0
    held = np.array(weights) > 0
    expected = np.array(weights)[held] / sum(weights) * len(drawn)
    assert stats.chisquare(counts[held], expected).pvalue > 1e-3


# Pages


def inclusion(weights: list[int], n_slots: int) -> list[Fraction]:
    """Probability of each to be on a page drawn without replacement, by enumeration."""
    out = [Fraction(0)] * len(weights)
    for page in permutations(range(len(weights)), n_slots):
        probability, rest = Fraction(1), sum(weights)
        for i in page:
            probability *= Fraction(weights[i], rest)
            rest -= weights[i]
        for i in page:
            out[i] += probability
    return out


def test_three_two_one_on_two_slots_have_the_known_inclusion_probabilities() -> None:
    assert [float(p) for p in inclusion([3, 2, 1], 2)] == pytest.approx([0.85, 11 / 15, 5 / 12])


@pytest.mark.parametrize(("weights", "n_slots"), [([3, 2, 1], 2), ([10, 5, 3, 1, 1], 3)])
def test_pages_without_replacement_include_each_with_the_exact_probability(weights: list[int], n_slots: int) -> None:
    surface = {"kind": "discovery", "session_share": 1.0, "slots": n_slots, "ranking": {"offset_people": 0.0}}
    fans = {"count": 100, "follows_per_fan": sum(weights) / 100, "sessions_per_day": 10.0}
    world = world_of(plain(fans=fans, surfaces={"find": surface}), roster_of(weights))
    outcome = simulate(world.scenario, world.population, (3, 0))
    n_pages = int(outcome.totals[0, Total.SESSIONS])
    assert n_pages > 9000
    for shown, probability in zip(
        outcome.counts[:, 0, Counter.EXPOSURE].tolist(), inclusion(weights, n_slots), strict=True
    ):
        p = float(probability)
        assert abs(shown - n_pages * p) < 4.2 * (n_pages * p * (1 - p)) ** 0.5


@drawn(25, 100, st.lists(st.integers(0, 50), min_size=2, max_size=12).filter(any), st.booleans())
def test_the_first_slot_is_proportional_to_followers(followers: list[int], distinct: bool) -> None:
    surface = {
        "kind": "discovery",
        "session_share": 1.0,
        "slots": 1,
        "ranking": {"offset_people": 0.0},
        "distinct": distinct,
    }
    fans = {"count": 50, "follows_per_fan": sum(followers) / 50, "sessions_per_day": 10.0}
    world = world_of(plain(fans=fans, surfaces={"find": surface}), roster_of(followers))
    outcome = simulate(world.scenario, world.population, (4, 0))
    shown, held = outcome.counts[:, 0, Counter.EXPOSURE], np.array(followers) > 0
    assert not shown[~held].any()
    expected = np.array(followers)[held] / sum(followers) * shown.sum()
    assert held.sum() == 1 or stats.chisquare(shown[held], expected).pvalue > 1e-5
