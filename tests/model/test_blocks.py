"""Fans in blocks: the law of follows that are drawn by blocks, lists in blocks on both engines, digests of blocks."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import accumulate, combinations
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats
from support.engine_runs import assert_same, lists_of, run
from support.forms import drawn
from support.scenarios import World, plain, scenario_of, world_of, worlds

from sim.errors import MachineError
from sim.model import simulation
from sim.model.engines import compiled
from sim.model.layout import Addresses, BlockLists
from sim.model.world import block_draws, follow_blocks
from sim.model.world.follow_blocks import cut_lists, draw_lists, follows_of, in_one_place
from sim.scenario.resolve.follows import InitialAccounts, Refusal, rooms, shared_out
from sim.streams import Lane, philox
from sim.types import Int64s

KEY = (5, 7)
Segments = tuple[list[int], int, list[list[int]]]
"""Fans of each segment, logarithm of a block's, and followers of each influencer in each segment."""


def own_numbers(n: int, offset: int = 0) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Entities and keys of n influencers, each with a key of its own."""
    number = np.arange(n, dtype=np.uint64) + np.uint64(offset)
    return number, np.stack([number * np.uint64(3) + np.uint64(KEY[0]), np.full(n, KEY[1], np.uint64)], axis=1)


def drawn_lists(size: list[int], bits: int, wanted: list[list[int]], n_later: int = 0) -> list[BlockLists]:
    per_segment = np.array(wanted, dtype=np.int64).reshape(-1, len(size))
    own = Addresses(*(words.astype(np.uint32) for words in own_numbers(len(per_segment))))
    return list(draw_lists(per_segment, np.array(size), sum(size) + n_later, own, bits=bits))


def followers_of(blocks: list[BlockLists], n: int) -> list[list[int]]:
    """Fans of each of n influencers."""
    begin, members = in_one_place(blocks)
    fan = np.repeat(np.arange(begin.size - 1), np.diff(begin))
    return [fan[members == i].tolist() for i in range(n)]


@st.composite
def segments(draw: st.DrawFn) -> Segments:
    size = draw(st.lists(st.integers(0, 40), min_size=1, max_size=4).filter(any))
    wanted = [[draw(st.integers(0, n)) for n in size] for _ in range(draw(st.integers(1, 4)))]
    return size, draw(st.integers(0, 6)), wanted


# The law


def places(
    counter: tuple[int, int, int], lane: Lane, attempt_in: int, size: int, key: tuple[int, int]
) -> Iterator[int]:
    """Numbers below ``size``, equally likely each: 32-bit words scaled, those that would favour some left out."""
    attempt = 0
    while True:
        at = list(counter)
        at[attempt_in] |= attempt << (8 if attempt_in == 2 else 0)
        for word in philox((at[0], at[1], at[2], int(lane)), key):
            if word * size % 2**32 >= 2**32 % size:
                yield word * size >> 32
        attempt += 1


def plainly(size: list[int], bits: int, i: int, wanted: list[int]) -> list[int]:
    """Followers of an influencer by the rule of docs/draws.md, in plain Python."""
    entities, keys = own_numbers(i + 1)
    entity, key = int(entities[i]), (int(keys[i, 0]), int(keys[i, 1]))
    found: list[int] = []
    for g, (first, n) in enumerate(zip(accumulate(size, initial=0), wanted, strict=False)):
        parts: dict[int, list[int]] = {}
        for fan in range(first, first + size[g]):
            parts.setdefault(fan >> bits, []).append(fan)
        others = 2 * n > size[g]
        n_drawn = size[g] - n if others else n
        count = dict.fromkeys(parts, 0)
        if len(parts) == 1:
            count = dict.fromkeys(parts, n_drawn)
        place = places((entity, 0, g), Lane.FOLLOWER_BLOCK, 1, size[g], key) if n_drawn else iter(())
        while sum(count.values()) < n_drawn:
            fan = first + next(place)
            block = fan >> bits
            count[block] += fan - parts[block][0] < len(parts[block]) - count[block]
        for block, fans in parts.items():
            n_here = len(fans) - count[block] if others else count[block]
            fewer = 2 * n_here > len(fans)
            some: set[int] = set()
            place = places((entity, block, g), Lane.FOLLOWER, 2, len(fans), key)
            while len(some) < (len(fans) - n_here if fewer else n_here):
                some.add(fans[next(place)])
            found += sorted(set(fans) - some if fewer else some)
    return found


@settings(max_examples=60)
@given(segments())
def test_followers_are_drawn_as_the_documentation_says_of_each_word(case: Segments) -> None:
    size, bits, wanted = case
    blocks = drawn_lists(size, bits, wanted)
    assert followers_of(blocks, len(wanted)) == [plainly(size, bits, i, row) for i, row in enumerate(wanted)]


@pytest.mark.parametrize("sizes", [(2, 2, 1), (1, 3), (2, 2, 2), (4,), (1, 1, 1, 1)])
def test_counts_by_the_rule_of_acceptance_have_exactly_the_law_of_drawing_without_replacement(
    sizes: tuple[int, ...],
) -> None:
    # An accepted place is in a part with a chance in proportion to the fans that it has left.
    law = {(0,) * len(sizes): Fraction(1)}
    for n in range(1, sum(sizes) + 1):
        after: dict[tuple[int, ...], Fraction] = {}
        for counts, chance in law.items():
            left = [size - count for size, count in zip(sizes, counts, strict=True)]
            for p, free in enumerate(left):
                if free:
                    more = (*counts[:p], counts[p] + 1, *counts[p + 1 :])
                    after[more] = after.get(more, Fraction(0)) + chance * Fraction(free, sum(left))
        law = after
        assert sum(law.values()) == 1
        for counts, chance in law.items():
            ways = np.prod([comb(size, count) for size, count in zip(sizes, counts, strict=True)], dtype=object)
            assert chance == Fraction(int(ways), comb(sum(sizes), n))


@pytest.mark.parametrize("n_wanted", [1, 3, 4, 6])
@pytest.mark.parametrize("before", [0, 1, 3])
def test_all_sets_of_followers_are_equally_likely_wherever_blocks_cut_a_segment(n_wanted: int, before: int) -> None:
    n, size = 6000, 7
    blocks = drawn_lists([before, size], 2, [[0, n_wanted]] * n)
    found = Counter(map(tuple, followers_of(blocks, n)))
    sets = list(combinations(range(before, before + size), n_wanted))
    assert set(found) <= set(sets)
    assert stats.chisquare([found[each] for each in sets]).pvalue > 1e-4  # of 12 such tests


def test_followers_of_a_segment_of_many_blocks_are_spread_as_if_drawn_at_once() -> None:
    n, size, bits, wanted = 400, 100_000, 10, 5_000
    parts = block_draws.parts_of(np.array([size]), bits)
    n_parts = parts.first.size - 1
    numbers = own_numbers(n)
    counts = block_draws.count_by_part(np.full((n, 1), wanted), parts, 0, n_parts, bits, *numbers).T
    assert (counts.sum(axis=1) == wanted).all()
    share = np.diff(parts.first) / size
    # Hypergeometric: for each influencer the statistic has the mean n_parts - 1, very nearly chi-square.
    statistic = (((counts - wanted * share) ** 2) / (wanted * share)).sum() * (size - 1) / (size - wanted)
    assert 1e-4 < stats.chi2.sf(statistic, n * (n_parts - 1)) < 1 - 1e-4


# Each block alone


@settings(max_examples=60)
@given(segments(), st.data())
def test_a_block_drawn_alone_has_the_lists_that_it_has_among_all(case: Segments, data: st.DataObject) -> None:
    size, bits, wanted = case
    blocks = drawn_lists(size, bits, wanted)
    block = data.draw(st.integers(0, len(blocks) - 1))
    parts = block_draws.parts_of(np.array(size), bits)
    low, high = parts.of_block[block : block + 2]
    numbers = own_numbers(len(wanted))
    counts = block_draws.count_by_part(np.array(wanted), parts, low, high, bits, *numbers)
    n_fans = min(1 << bits, sum(size) - (block << bits))
    begin, members = block_draws.draw_block(block, n_fans, counts, parts, bits, *numbers)
    assert begin.tolist() == blocks[block].begin.tolist()
    assert members.tolist() == blocks[block].members.tolist()


@settings(max_examples=40)
@given(segments(), st.integers(1, 50), st.integers(0, 70))
def test_counts_kept_for_few_blocks_at_a_time_give_the_same_lists(
    case: Segments, most_counts: int, n_later: int
) -> None:
    size, bits, wanted = case
    at_once = drawn_lists(size, bits, wanted, n_later)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(follow_blocks, "MOST_COUNTS", most_counts)
        few = drawn_lists(size, bits, wanted, n_later)
    assert [[array.tolist() for array in block] for block in few] == [
        [array.tolist() for array in block] for block in at_once
    ]
    assert [block.begin.size - 1 for block in at_once[:-1]] == [1 << bits] * (len(at_once) - 1)
    begin, members = in_one_place(at_once)
    assert begin.size - 1 == sum(size) + n_later
    assert (begin[sum(size) :] == members.size).all()


@settings(max_examples=60)
@given(st.lists(st.lists(st.integers(0, 99), max_size=5), max_size=20), st.integers(0, 3), st.integers(0, 9))
def test_lists_cut_into_blocks_are_the_same_lists(lists: list[list[int]], bits: int, n_later: int) -> None:
    begin = np.cumsum([0, *map(len, lists)])
    members = np.array([i for part in lists for i in part], dtype=np.int32)
    blocks = list(cut_lists(begin, members, len(lists) + n_later, bits))
    whole = [*lists, *[[]] * n_later]
    assert [follows_of(f, blocks).tolist() for f in range(len(whole))] == whole
    again, entries = in_one_place(blocks)
    assert [part.tolist() for part in np.split(entries, again[1:-1])][: len(whole)] == whole
    assert len(blocks) == -(-len(whole) // (1 << bits))


# Many follows


def test_more_follows_than_32_bits_count_are_shared_out_to_as_many_blocks_as_it_takes() -> None:
    n_fans, per_fan = 313_000_000, 30.0
    fans = {"count": n_fans, "follows_per_fan": per_fan, "sessions_per_day": 1.0}
    scenario = scenario_of(plain(fans=fans))
    real: Int64s = np.array([100 + i for i in range(1000)])
    accounts = InitialAccounts([f"a{i}" for i in range(1000)], real, np.zeros(1000, np.int32))
    followers = shared_out(scenario, accounts, rooms(scenario))
    assert not isinstance(followers, Refusal)
    assert int(followers.sum()) == 9_390_000_000 > 2**32
    assert np.abs(followers - real * (9_390_000_000 / real.sum())).max() < 1


def test_more_follows_than_blocks_can_count_are_refused() -> None:
    fans = {"count": 70_000, "follows_per_fan": 99_999.0, "sessions_per_day": 1.0}
    scenario = scenario_of(plain(fans=fans | {"count": 140_000}))
    accounts = InitialAccounts(["a"], np.array([5]), np.zeros(1, np.int32))
    refusal = shared_out(scenario, accounts, rooms(scenario))
    assert isinstance(refusal, Refusal)
    assert refusal.wrong.rule == "must give at most 12884901885 follows, 4294967295 for each 65536 fans"
    assert str(refusal.wrong.value) == "99999.0 (13999860000 follows)"
    scenario = scenario_of(plain(fans=fans))  # two blocks, one nearly empty: they could count so many
    refusal = shared_out(scenario, accounts, rooms(scenario))
    assert isinstance(refusal, Refusal)
    assert "must be at most" in refusal.wrong.rule


def test_a_block_of_more_follows_than_it_can_count_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow_blocks, "MOST_IN_BLOCK", 3)
    assert [block.members.size for block in drawn_lists([4, 4], 2, [[2, 2], [1, 1]])] == [3, 3]
    with pytest.raises(MachineError, match=r"^4 fans of a block have 4 follows; 3 can be counted$"):
        drawn_lists([4, 4], 2, [[2, 2], [1, 2]])
    members = np.zeros(7, np.int32)
    assert len(list(cut_lists(np.array([0, 3, 3, 6]), members, 3, 1))) == 2
    with pytest.raises(MachineError, match=r"^2 fans of a block have 4 follows"):
        list(cut_lists(np.array([0, 3, 4, 6]), members, 3, 1))


def test_lists_at_the_end_that_a_block_can_not_count_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    world = world_of(plain())
    monkeypatch.setattr(compiled, "MOST_IN_BLOCK", 2)
    with pytest.raises(MachineError, match=r"fans of a block have \d+ follows; 2 can be counted"):
        run(world)


# Runs


def in_blocks(world: World, bits: int) -> World:
    """The same world with fans in blocks of ``2^bits``."""
    lists = cut_lists(*world.population.follow_lists, world.population.segment.size, bits)
    return replace(world, population=replace(world.population, lists=tuple(lists)))


@drawn(10, 40, worlds(), st.integers(0, 5), st.sampled_from([1, 2, 3]))
def test_blocks_of_any_size_and_any_number_of_threads_give_the_same_lists_on_both_engines(
    world: World, bits: int, threads: int
) -> None:
    plainly, cut = run(world), in_blocks(world, bits)
    reference = run(cut, engine="reference")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiled, "THREAD_WORTH", 0)
        ours = run(cut, threads=threads)
    assert_same(ours, reference)
    assert lists_of(ours) == lists_of(plainly)
    assert np.array_equal(ours.counts, plainly.counts)
    assert [block.begin.size for block in ours.lists] == [block.begin.size for block in cut.population.lists]


def test_two_blocks_of_fans_give_the_same_bits_on_both_engines_and_any_number_of_threads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    n_fans = 70_000
    fans = {"count": n_fans, "follows_per_fan": 0.5, "sessions_per_day": 0.02}
    segments = {"one": {"share": 0.3}, "two": {"share": 0.7}}
    influencers = {"count": 30, "followers": {"kind": "pareto", "min": 10.0, "exponent": 1.2}}
    world = world_of(plain(fans=fans, segments=segments, influencers=influencers, horizon_days=2))
    first, last = world.population.lists
    assert (first.begin.size - 1, last.begin.size - 1) == (65_536, n_fans - 65_536)
    assert np.array_equal(np.bincount(in_one_place((first, last))[1], minlength=30), world.population.followers)
    monkeypatch.setattr(compiled, "THREAD_WORTH", 0)
    reference = run(world, engine="reference")
    assert reference.totals[:, 0].sum() > 1000
    for threads in (1, 2, 3):
        assert_same(run(world, threads=threads), reference)


@drawn(5, 20, worlds(), st.integers(1, 5))
def test_a_digest_is_that_of_the_blocks_digests_and_the_control_planes_arrays(world: World, bits: int) -> None:
    outcome = run(in_blocks(world, bits))
    whole = hashlib.sha256()
    lists = iter([follows_of(f, outcome.lists).tolist() for f in range(world.population.segment.size)])
    for first in range(0, world.population.segment.size, 1 << bits):
        own = [next(lists) for _ in range(min(1 << bits, world.population.segment.size - first))]
        lengths = b"".join(len(part).to_bytes(4, "little") for part in own)
        entries = b"".join(entry.to_bytes(4, "little") for part in own for entry in part)
        whole.update(hashlib.sha256(lengths + entries).digest())
    accounts, history = outcome.accounts, outcome.history
    for array in (
        outcome.counts, outcome.totals, accounts.status, accounts.agency, accounts.vertical, accounts.shop,
        accounts.gone_at, history.upto(outcome.end), history.profit[outcome.end],
        *(review.tier for review in outcome.reviews),
    ):  # fmt: skip
        for number in array.reshape(-1).tolist():
            whole.update(int(number).to_bytes(8, "little", signed=True))
    assert outcome.digest() == whole.hexdigest()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(simulation, "HASHED", 7)
        assert outcome.digest() == whole.hexdigest()


def test_one_fan_more_or_less_in_a_list_changes_the_digest_of_its_block_alone() -> None:
    before = list(cut_lists(np.array([0, 2, 2, 3, 4]), np.array([4, 5, 6, 7], np.int32), 4, 1))
    after = list(cut_lists(np.array([0, 2, 2, 2, 4]), np.array([4, 5, 6, 7], np.int32), 4, 1))
    same = [follow_blocks.block_digest(a) == follow_blocks.block_digest(b) for a, b in zip(before, after, strict=True)]
    assert same == [True, False]
