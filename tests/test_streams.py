"""Draws and elementary functions: published answers, agreement of their three forms, accuracy, and frozen addresses."""

import math
import struct
from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from sim import streams
from sim.model.kernel import draws
from sim.model.layout import NO_SESSION
from sim.model.spec import session
from sim.streams import Lane, philox, threshold

pytestmark = pytest.mark.quick

MASK = 2**32 - 1

KNOWN_ANSWERS = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((MASK,) * 4, (MASK, MASK), (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]
"""The vectors ``philox4x32 10`` of Random123's ``kat_vectors``: zeros, ones, the digits of pi."""

LANES = {
    "ARRIVAL": 1,
    "SESSION": 2,
    "SLOT": 3,
    "RESIDUAL": 4,
    "FALLBACK": 5,
    "FALLBACK_RESIDUAL": 6,
    "ACTION": 7,
    "EXPLORE": 8,
    "EXPLORED": 9,
    "EXPLORED_RESIDUAL": 10,
    "UNFOLLOW": 11,
    "FAN_ACTIVITY": 32,
    "VERTICAL": 33,
    "FOLLOWERS": 34,
    "QUALITY": 35,
    "POSTS_PER_DAY": 36,
    "SHOP": 37,
    "CONVERSION_PROB": 38,
    "ORDER_VALUE": 39,
    "AGENCY": 40,
    "AGENCY_SIZE": 41,
    "FOLLOWER_SEGMENT": 42,
    "FOLLOWER": 43,
    "AGE": 44,
    "JOINED": 45,
    "LOTTERY": 46,
    "FAN_SEGMENT": 47,
    "NEWCOMER": 48,
    "LIVE_HOURS": 49,
    "NAME": 50,
    "TIE": 51,
    "FOLLOWER_BLOCK": 52,
}
"""Lanes may be added, never renumbered: every run on record was drawn with these."""

words = st.integers(0, MASK)
blocks = st.tuples(words, words, words, words)
keys = st.tuples(words, words)
positive = st.floats(min_value=1e-300, max_value=1e300)


def compiled_philox(counter: tuple[int, ...], key: tuple[int, int]) -> tuple[int, ...]:
    return tuple(int(word) for word in draws.philox(*(np.uint64(word) for word in (*counter, *key))))


def bits(x: float) -> bytes:
    return struct.pack("<d", x)


def ulps(ours: float, exact: Decimal) -> float:
    return float(abs(Decimal(ours) - exact) / Decimal(math.ulp(float(exact))))


# Philox


@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN_ANSWERS, ids=["zeros", "ones", "pi"])
def test_philox_gives_the_published_answers(
    counter: tuple[int, int, int, int], key: tuple[int, int], answer: tuple[int, ...]
) -> None:
    assert philox(counter, key) == answer
    assert compiled_philox(counter, key) == answer


@given(st.lists(blocks, min_size=1, max_size=20), keys)
def test_scalars_arrays_and_the_compiled_form_give_the_same_words(
    counters: list[tuple[int, int, int, int]], key: tuple[int, int]
) -> None:
    scalar = [philox(counter, key) for counter in counters]
    columns = np.array(counters, dtype=np.uint64).T
    array = philox((columns[0], columns[1], columns[2], columns[3]), key)
    assert np.array_equal(np.array(array).T, np.array(scalar, dtype=np.uint64))
    assert [compiled_philox(counter, key) for counter in counters] == scalar


@given(blocks, keys)
def test_a_counter_of_arrays_and_integers_broadcasts(counter: tuple[int, int, int, int], key: tuple[int, int]) -> None:
    entities = np.arange(5, dtype=np.uint64)
    block = philox((entities, counter[1], counter[2], counter[3]), key)
    assert [tuple(int(w[f]) for w in block) for f in range(5)] == [philox((f, *counter[1:]), key) for f in range(5)]


@given(blocks, keys, st.integers(0, 5), st.integers(0, 31))
def test_flipping_one_bit_of_the_address_changes_the_block(
    counter: tuple[int, int, int, int], key: tuple[int, int], word: int, bit: int
) -> None:
    address = [*counter, *key]
    address[word] ^= 1 << bit
    assert philox((address[0], address[1], address[2], address[3]), (address[4], address[5])) != philox(counter, key)


def test_the_words_of_neighbouring_blocks_are_uniform_and_uncorrelated() -> None:
    n = 100_000
    block = np.array(philox((np.arange(n, dtype=np.uint64), 0, 0, int(Lane.SLOT)), (1, 2)), dtype=np.float64) / 2**32
    for word in block:
        counts = np.histogram(word, bins=64, range=(0, 1))[0]
        assert stats.chisquare(counts).pvalue > 1e-4
    together = np.vstack([block, block[:, np.r_[1:n, 0]]])  # each word beside the same words of the next entity
    correlation = np.corrcoef(together) - np.eye(8)
    assert np.abs(correlation).max() < 4.5 / math.sqrt(n)


# Lanes


def test_lanes_are_never_renumbered() -> None:
    assert {lane.name: int(lane) for lane in Lane} == LANES


def test_no_two_lanes_share_a_number() -> None:
    assert len({int(lane) for lane in Lane.__members__.values()}) == len(Lane.__members__) == len(LANES)


def test_independent_traffic_is_keyed_apart_from_every_replication() -> None:
    largest_replication = 100_000 - 1
    assert largest_replication < streams.INDEPENDENT
    assert largest_replication + streams.INDEPENDENT <= MASK


# Integers from words


@given(st.floats(0, 1))
def test_a_threshold_is_the_floor_of_p_times_two_to_the_32(p: float) -> None:
    assert threshold(p) == Fraction(p) * 2**32 // 1


def test_the_thresholds_of_never_and_always_hold_for_every_word() -> None:
    assert not threshold(0.0) > 0
    assert threshold(1.0) > MASK


@given(words, words, st.integers(1, 2**63 - 1))
@settings(max_examples=300)
def test_both_engines_scale_64_bits_to_a_total_exactly(high: int, low: int, total: int) -> None:
    exact = Fraction(high * 2**32 + low, 2**64) * total // 1
    assert session.below(high, low, total) == exact
    assert draws.below(np.uint64(high), np.uint64(low), np.int64(total)) == exact


@pytest.mark.parametrize("total", [1, 2, 2**40, 2**62, 2**63 - 1])
@pytest.mark.parametrize("u", [0, 1, 2**32 - 1, 2**32, 2**63, 2**64 - 1])
def test_both_engines_scale_the_extremes_exactly(u: int, total: int) -> None:
    assert session.below(u >> 32, u & MASK, total) == u * total >> 64
    assert draws.below(np.uint64(u >> 32), np.uint64(u & MASK), np.int64(total)) == u * total >> 64


def both_gaps(high: int, low: int, mean: float) -> tuple[int, int]:
    """A gap as each engine draws it, cut off at the end of time of the compiled one."""
    ours = int(draws.exponential_gap(np.uint64(high), np.uint64(low), mean))
    return ours, min(session.exponential_gap(high, low, mean), NO_SESSION)


extreme = st.sampled_from([0, 1, 2**10, 2**11 - 1, 2**11, 2**31, MASK - 1, MASK])


@given(extreme | words, extreme | words, st.floats(1e-300, 1e300) | st.floats(1, 1e12) | st.just(math.inf))
@settings(max_examples=1000)
def test_both_engines_give_the_same_gap_or_one_beyond_any_horizon(high: int, low: int, mean: float) -> None:
    ours, theirs = both_gaps(high, low, mean)
    assert 1 <= ours == theirs <= NO_SESSION


@pytest.mark.parametrize("low", [0, 1, 2**11, MASK])
@pytest.mark.parametrize("high", [0, 1, 2**31, MASK])
def test_a_fan_without_sessions_never_comes_whatever_it_draws(high: int, low: int) -> None:
    assert both_gaps(high, low, math.inf) == (NO_SESSION, NO_SESSION)


def test_no_horizon_is_as_long_as_the_gap_that_is_never_over() -> None:
    assert NO_SESSION > 100 * 366 * 86_400


def test_gaps_are_exponential() -> None:
    mean = 10_000.0
    words_of = philox((np.arange(20_000, dtype=np.uint64), 0, 0, int(Lane.ARRIVAL)), (5, 5))
    gaps = [session.exponential_gap(int(high), int(low), mean) for high, low in zip(*words_of[:2], strict=True)]
    assert stats.kstest(gaps, "expon", args=(0, mean)).pvalue > 1e-3


def test_unit_draws_are_uniform_and_inside_the_open_interval() -> None:
    u = draws.unit_draws(Lane.QUALITY, 0, 50_000, np.uint64(3), np.uint64(4))
    assert u.min() > 0
    assert u.max() < 1
    assert stats.kstest(u, "uniform").pvalue > 1e-3


def test_a_unit_draw_depends_on_its_entity_alone() -> None:
    u = draws.unit_draws(Lane.QUALITY, 0, 100, np.uint64(3), np.uint64(4))
    assert draws.unit_draws(Lane.QUALITY, 40, 7, np.uint64(3), np.uint64(4)).tolist() == u[40:47].tolist()


# Elementary functions


@given(positive)
@settings(max_examples=300)
def test_log_is_within_one_ulp(x: float) -> None:
    with localcontext(prec=60):
        assert x == 1 or ulps(streams.log(x), Decimal(x).ln()) <= 1


@given(st.floats(-700, 700))
@settings(max_examples=300)
def test_exp_is_within_one_ulp(x: float) -> None:
    with localcontext(prec=60):
        assert ulps(streams.exp(x), Decimal(x).exp()) <= 1


@given(st.floats(1e-6, 1e9), st.floats(-8, 8))
@settings(max_examples=300)
def test_power_is_close_to_the_exact_power(x: float, exponent: float) -> None:
    # The error of exponent * log(x), of at most a few ulp of 166, becomes a relative error of the result.
    assert streams.power(x, exponent) == pytest.approx(x**exponent, rel=1e-13)


@given(st.floats(0, 1e300))
def test_powers_zero_and_one_are_exact(x: float) -> None:
    assert streams.power(x, 0.0) == 1.0
    assert streams.power(x, 1.0) == x
    assert draws.power(x, 0.0) == 1.0
    assert draws.power(x, 1.0) == x


@given(st.floats(5e-324, 1.0), st.floats(-8, 8))
def test_a_product_of_three_powers_is_finite_whatever_the_exponents(x: float, exponent: float) -> None:
    product = streams.power(x, exponent) ** 3
    assert math.isfinite(product)
    assert product > 0 or exponent == 1


@given(st.floats(1e-17, 1 - 2**-53))
@settings(max_examples=300)
def test_the_normal_quantile_is_scipys(p: float) -> None:
    assert streams.normal_quantile(p) == pytest.approx(float(special.ndtri(p)), rel=2e-14, abs=2e-16)


@given(st.floats(2**-53, 0.5))
def test_the_normal_quantile_is_odd_where_one_minus_p_is_exact(p: float) -> None:
    if 1 - (1 - p) == p:
        assert streams.normal_quantile(1 - p) == -streams.normal_quantile(p)


every_positive = st.floats(5e-324, 1.7976931348623157e308)
doubles = st.integers(1, 0x7FEFFFFFFFFFFFFF).map(lambda pattern: struct.unpack("<d", struct.pack("<q", pattern))[0])
"""Positive finite numbers of every exponent alike, subnormal ones among them."""
subnormal = st.integers(1, 2**52 - 1).map(lambda pattern: pattern * 5e-324)


@given(every_positive | doubles | subnormal)
@settings(max_examples=1000)
def test_frexp_is_that_of_the_c_library(x: float) -> None:
    fraction, exponent = draws.frexp(x)
    assert (bits(fraction), int(exponent)) == (bits(math.frexp(x)[0]), math.frexp(x)[1])


@pytest.mark.parametrize("x", [5e-324, 2.0**-1022 - 5e-324, 2.0**-1022, 0.5, 1.0, 2.0, 1.7976931348623157e308])
def test_frexp_is_that_of_the_c_library_at_the_ends(x: float) -> None:
    assert draws.frexp(x) == math.frexp(x)


@given(st.floats(0.5, 2), st.integers(-1020, 1022))
@settings(max_examples=1000)
def test_ldexp_is_that_of_the_c_library_where_the_result_is_normal(x: float, k: int) -> None:
    assert bits(draws.ldexp(x, k)) == bits(math.ldexp(x, k))


@given(every_positive | doubles | subnormal)
@settings(max_examples=1000)
def test_log_has_the_same_bits_plain_and_compiled(x: float) -> None:
    assert bits(streams.log(x)) == bits(draws.log(x))


@given(st.floats(-700, 700) | st.floats(-1, 1))
@settings(max_examples=1000)
def test_exp_has_the_same_bits_plain_and_compiled(x: float) -> None:
    assert bits(streams.exp(x)) == bits(draws.exp(x))


@given(every_positive | doubles | subnormal | st.just(0.0), st.floats(-8, 8) | st.floats(-1e300, 1e300))
@settings(max_examples=1000)
def test_power_has_the_same_bits_plain_and_compiled(x: float, exponent: float) -> None:
    assert bits(streams.power(x, exponent)) == bits(draws.power(x, exponent))


@given(st.floats(5e-324, 1 - 2**-53) | doubles.filter(lambda p: p < 1) | subnormal)
@settings(max_examples=1000)
def test_the_normal_quantile_has_the_same_bits_plain_and_compiled(p: float) -> None:
    assert bits(streams.normal_quantile(p)) == bits(draws.normal_quantile(p))
