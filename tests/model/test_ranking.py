"""Who is in a slot: exponents of the ranking, freshness, exploration, `top` and `sampled`, pages that run short."""

from __future__ import annotations

from collections import Counter as Tally
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st
from scipy import stats
from support.forms import drawn
from support.inspection import (
    ENGINES,
    assert_frequencies,
    lists_of,
    normed,
    one_surface,
    pages_of,
    run,
    shares,
    slots_of,
    tables_of,
)
from support.scenarios import World, world_of

from sim.model.layout import Counter, SlotSource, Total
from sim.model.simulation import simulate
from sim.model.spec import session
from sim.streams import Lane, philox
from sim.types import EngineName, Key

FOLLOWERS = [60, 30, 10, 5, 2, 1, 0]
QUALITY = [0.2, 0.9, 0.5, 0.7, 0.1, 0.8, 0.6]
AGES = [400.0, 10.0, 0.0, 30.0, 20.0, 100.0, 5.0]
VERTICALS = ["a", "b", "a", "b", "a", "b", "a"]
AFFINITY = {"a": 0.25, "b": 1.0}

exponents = st.sampled_from([0.0, 0.5, 1.0, 2.0, -1.0]) | st.floats(-2, 2)


def ranked(**ranking: Any) -> World:
    """One slot a page, one segment that likes vertical b four times as much as a."""
    return one_surface(
        {"followers": FOLLOWERS, "quality": QUALITY, "age_days": AGES, "vertical": VERTICALS},
        fans={"count": 100, "sessions_per_day": 20.0},
        slots=1,
        ranking=ranking,
        over={
            "verticals": {"a": {"share": 0.5}, "b": {"share": 0.5}},
            "segments": {"all": {"share": 1.0, "interests": AFFINITY}},
        },
    )


def weights_of(
    popularity: float = 1.0, merit: float = 0.0, relevance: float = 0.0, offset: float = 1.0, half_life: float = np.inf
) -> Any:
    """The ranking as DESIGN states it."""
    affinity = np.array([AFFINITY[v] for v in VERTICALS])
    base = np.array(FOLLOWERS, dtype=np.float64) + offset
    powered = np.where(base > 0, np.where(base > 0, base, 1.0) ** popularity, 1.0 if popularity == 0 else 0.0)
    return powered * np.array(QUALITY) ** merit * affinity**relevance * 2.0 ** (-np.array(AGES) / half_life)


# Weights


@drawn(12, 50, exponents, exponents, exponents, st.sampled_from([0.0, 1.0]) | st.floats(0, 50))
def test_organic_weights_are_the_product_of_the_powers(p: float, merit: float, relevance: float, offset: float) -> None:
    world = ranked(popularity=p, merit=merit, relevance=relevance, offset_people=offset)
    exact = normed(weights_of(p, merit, relevance, offset))
    assert shares(tables_of(world).weight[0]) == pytest.approx(exact, rel=1e-7, abs=1e-12)


@pytest.mark.parametrize(
    "ranking",
    [
        {"popularity": 0.0},
        {"popularity": 0.5},
        {"popularity": 1.0},
        {"popularity": 0.0, "merit": 2.0},
        {"popularity": 0.0, "relevance": 1.0},
        {"popularity": 0.5, "merit": 1.0, "relevance": 0.5},
    ],
)
def test_slots_are_drawn_in_proportion_to_the_ranking(ranking: dict[str, Any]) -> None:
    assert_frequencies(run(ranked(**ranking)).counts[:, 0, Counter.EXPOSURE], weights_of(**ranking))


def test_each_segment_sees_the_ranking_by_its_own_affinity() -> None:
    parts = ranked(popularity=0.0, relevance=1.0).scenario.model_dump()
    parts["segments"] = {
        "likes a": {"share": 0.5, "interests": {"a": 1.0, "b": 0.0}},
        "likes b": {"share": 0.5, "interests": {"a": 0.1, "b": 0.9}},
    }
    parts["fans"]["follows_per_fan"] = 0.0
    parts["surfaces"]["find"]["examination"] = {"exponent": 0.0}
    world = world_of(parts, ranked().roster)
    reads = run(world).history.reads[10 * 86_400]
    assert_frequencies(reads[:, 0], [1, 0, 1, 0, 1, 0, 1])
    assert_frequencies(reads[:, 1], [0.1, 0.9, 0.1, 0.9, 0.1, 0.9, 0.1])


# Freshness


@pytest.mark.parametrize("half_life", [5.0, 30.0])
def test_freshness_halves_a_weight_with_each_half_life_of_age(half_life: float) -> None:
    world = ranked(popularity=0.0, freshness_half_life_days=half_life)
    exact = normed(weights_of(0.0, half_life=half_life))
    assert shares(tables_of(world).weight[0]) == pytest.approx(exact, rel=1e-6, abs=1e-11)


def test_fresh_accounts_are_shown_as_often_as_their_weights_say() -> None:
    world = one_surface(
        {"followers": [1, 1, 1], "age_days": [0.0, 10.0, 20.0]},
        slots=1,
        ranking={"popularity": 0.0, "freshness_half_life_days": 10.0},
    )
    assert_frequencies(run(world).counts[:, 0, Counter.EXPOSURE], [4, 2, 1])


@drawn(8, 30, st.integers(0, 3000), st.floats(0.5, 500))
def test_time_ages_all_alike_so_that_freshness_keeps_its_ratios(days: int, half_life: float) -> None:
    world = ranked(freshness_half_life_days=half_life)
    then = shares(tables_of(world, now=days * 86_400).weight[0])
    assert then == pytest.approx(shares(tables_of(world).weight[0]), rel=1e-6, abs=1e-11)


# Top


@pytest.mark.parametrize("engine", ENGINES)
def test_top_shows_the_largest_weights_in_order_and_the_lower_id_first_among_equals(engine: EngineName) -> None:
    world = one_surface([3, 9, 9, 1, 20, 3], slots=5, ranking={"selection": "top"})
    pages = list(pages_of(run(world, engine=engine, fan=0)))
    assert len(pages) > 5
    for page in pages:
        assert [slot.influencer for slot in page] == [4, 1, 2, 0, 5]


@pytest.mark.parametrize("engine", ["compiled", "reference"])
def test_equal_accounts_share_the_first_rows_by_lot_the_same_in_every_arm(engine: EngineName) -> None:
    world = one_surface([5] * 100, slots=5, fans={"count": 100}, ranking={"selection": "top", "ties": "lot"})
    in_order = one_surface([5] * 100, slots=5, fans={"count": 100}, ranking={"selection": "top"})
    shown: set[int] = set()
    for replication in range(20):
        key = Key(world.key.seed, replication)
        first = first_rows(world, key, engine, "none")
        assert first == first_rows(world, key, engine, "uniform")
        assert first_rows(in_order, key, engine, "none") == {0, 1, 2, 3, 4}
        shown |= first
    # 100 of them are in 5 of 100 places with 20 lots: 64 expected, s.d. 3.
    assert 48 <= len(shown) <= 80


def first_rows(world: World, key: Key, engine: EngineName, policy: str) -> set[int]:
    """Who is first before any follow is counted: the accounts of the first day's pages."""
    scenario = world.arm(policy=policy) if policy != "none" else world.scenario
    scenario = scenario.model_copy(update={"horizon_days": 1})
    outcome = simulate(scenario, world.population, key, engine=engine)
    return set(np.flatnonzero(outcome.counts[:, 0, Counter.EXPOSURE] - outcome.counts[:, 0, Counter.RESERVED]).tolist())


def test_the_larger_is_first_whatever_the_lots() -> None:
    world = one_surface([3, 9, 9, 1, 20, 3], slots=6, ranking={"selection": "top", "ties": "lot"})
    for replication in range(10):
        order = next(pages_of(simulate(world.scenario, world.population, Key(1, replication), fan=0)))
        places = [slot.influencer for slot in order]
        assert [places[0], set(places[1:3]), set(places[3:5]), places[5]] == [4, {1, 2}, {0, 5}, 3]


@pytest.mark.parametrize(("popularity", "offset_people"), [(1.0, 3000.0), (0.8, 3000.0), (2.0, 7.0), (0.8, 0.0)])
def test_half_the_fans_of_twice_the_people_move_no_organic_weight_relative_to_another(
    popularity: float, offset_people: float
) -> None:
    ranking = {"popularity": popularity, "offset_people": offset_people}
    found = [
        tables_of(
            one_surface(
                [40 // fewer * f for f in FOLLOWERS],
                fans={"count": 1200 * 40 // fewer},
                slots=1,
                ranking=ranking,
                follow_prob=0.5,
                follow_fame=0.5,
                fame_offset_people=offset_people,
                over={"people_per_fan": 50.0 * fewer},
            )
        )
        for fewer in (1, 2)
    ]
    assert shares(found[0].weight[0]) == pytest.approx(shares(found[1].weight[0]), rel=1e-9, abs=0)
    assert found[0].follow[0] == pytest.approx(found[1].follow[0], abs=2)


def test_an_offset_left_out_is_one_simulated_fan() -> None:
    for people_per_fan in (1.0, 250.0):
        over = {"people_per_fan": people_per_fan}
        left_out = tables_of(one_surface(FOLLOWERS, follow_prob=0.5, follow_fame=0.5, over=over))
        stated = {"ranking": {"offset_people": people_per_fan}, "fame_offset_people": people_per_fan}
        given = tables_of(one_surface(FOLLOWERS, follow_prob=0.5, follow_fame=0.5, over=over, **stated))
        assert np.array_equal(left_out.weight, given.weight)
        assert np.array_equal(left_out.follow, given.follow)


def test_top_leaves_slots_empty_where_nobody_has_any_weight_left() -> None:
    world = one_surface([3, 0, 9, 0], slots=3, ranking={"selection": "top", "offset_people": 0.0})
    outcome = run(world, fan=0)
    for page in pages_of(outcome):
        assert [slot.influencer for slot in page] == [2, 0, -1]
    assert outcome.totals[0, Total.EMPTY] == outcome.totals[0, Total.SESSIONS]


def test_top_repeats_the_largest_where_a_page_need_not_be_distinct() -> None:
    outcome = run(one_surface([3, 9], slots=4, distinct=False, ranking={"selection": "top"}))
    assert outcome.counts[:, 0, Counter.EXPOSURE].tolist() == [0, outcome.totals[0, Total.SLOTS]]


def test_top_concentrates_exposure_and_sampled_spreads_it() -> None:
    shown = {
        selection: run(one_surface(FOLLOWERS, slots=3, ranking={"selection": selection})).counts[:, 0, Counter.EXPOSURE]
        for selection in ("top", "sampled")
    }
    assert np.count_nonzero(shown["top"]) == 3
    assert np.count_nonzero(shown["sampled"]) == 7
    assert shown["top"].sum() == shown["sampled"].sum()


def test_top_ranks_anew_at_each_refresh() -> None:
    # The follows of a second surface, where all are alike, lift an account past the first one's leader.
    surfaces = {
        "top": {"kind": "discovery", "session_share": 0.5, "slots": 1, "ranking": {"selection": "top"}},
        "even": {
            "kind": "discovery",
            "session_share": 0.5,
            "slots": 2,
            "ranking": {"popularity": 0.0},
            "follow_prob": 0.5,
        },
    }
    world = one_surface([30, 25, 5], over={"surfaces": surfaces, "horizon_days": 40})
    assert sum(run(world).counts[:, 0, Counter.EXPOSURE] > 0) > 1


@pytest.mark.parametrize("engine", ENGINES)
def test_a_top_page_lacks_those_who_stand_in_its_reserved_slots_already(engine: EngineName) -> None:
    ranking = {"selection": "top"}
    over = {"support": {"policy": "uniform"}}
    world = one_surface([9, 8, 7, 6], slots=4, support_share=0.4, ranking=ranking, over=over)
    for page in pages_of(run(world, engine=engine, fan=0)):
        assert sorted(slot.influencer for slot in page) == [0, 1, 2, 3]
        organic = [slot.influencer for slot in page if slot.source != SlotSource.SUPPORT]
        assert organic == sorted(organic)


# Exploration


@pytest.mark.parametrize("exploration", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("selection", ["sampled", "top"])
def test_exploration_gives_its_share_of_the_slots_to_everybody_alike(exploration: float, selection: str) -> None:
    world = one_surface(
        [60, 25, 10, 5],
        fans={"sessions_per_day": 5.0},
        slots=1,
        ranking={"offset_people": 0.0, "exploration": exploration, "selection": selection},
    )
    organic = np.array([0.6, 0.25, 0.1, 0.05] if selection == "sampled" else [1.0, 0, 0, 0])
    assert_frequencies(run(world).counts[:, 0, Counter.EXPOSURE], exploration / 4 + (1 - exploration) * organic)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_policys_own_list_is_not_explored_and_organic_slots_are(engine: EngineName) -> None:
    world = one_surface(
        [9, 8, 7, 6], slots=2, support_share=0.5, ranking={"exploration": 1.0}, over={"support": {"policy": "uniform"}}
    )
    sources = Tally((s.source, bool(s.responses & 1)) for s in slots_of(run(world, engine=engine, fan=0)))
    assert set(sources) == {(SlotSource.SUPPORT, True), (SlotSource.EXPLORED, False)}


def test_exploration_leaves_the_other_slots_with_the_accounts_that_they_would_have() -> None:
    def page_of_one(exploration: float) -> list[tuple[int, SlotSource]]:
        world = one_surface(FOLLOWERS, fans={"sessions_per_day": 9.0}, slots=1, ranking={"exploration": exploration})
        return [(slot.influencer, slot.source) for slot in slots_of(run(world, fan=0))]

    without, mixed = page_of_one(0.0), page_of_one(0.5)
    kept = [(a, b) for a, b in zip(without, mixed, strict=True) if b[1] == SlotSource.ORGANIC]
    assert 0.3 * len(mixed) < len(kept) < 0.7 * len(mixed)
    assert all(a == b for a, b in kept)


def test_newcomers_without_followers_are_found_through_exploration_alone() -> None:
    def followed(exploration: float) -> int:
        ranking = {"offset_people": 0.0, "exploration": exploration}
        world = one_surface([50, 50, 0, 0], slots=1, ranking=ranking, follow_prob=1.0)
        return sum(2 in follows or 3 in follows for follows in lists_of(run(world)))

    assert followed(0.0) == 0
    assert followed(0.2) > 50


# Residual draws


def lanes_drawn(world: World, patch: pytest.MonkeyPatch) -> Tally[Lane]:
    """Blocks that a run of the reference engine draws, by lane."""
    lanes: Tally[Lane] = Tally()

    def recorded(counter: Any, key: tuple[int, int]) -> Any:
        lanes[counter[3]] += 1
        return philox(counter, key)

    patch.setattr(session, "philox", recorded)
    run(world, engine="reference")
    return lanes


def test_explored_pages_of_all_accounts_are_filled_exactly_after_the_rejections(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The last of 120 slots is refused 119 times in 120: after 32 tries the residual draw finds who is left.
    world = one_surface([1] * 120, fans={"count": 20, "sessions_per_day": 0.3}, slots=120, ranking={"exploration": 1.0})
    reference, compiled = run(world, engine="reference"), run(world)
    assert reference.digest() == compiled.digest()
    pages = compiled.totals[0, Total.SESSIONS]
    assert pages > 30
    assert (compiled.counts[:, 0, Counter.EXPOSURE] == pages).all()
    assert lanes_drawn(world, monkeypatch)[Lane.EXPLORED_RESIDUAL] > pages


def test_the_organic_draw_in_place_of_an_exhausted_list_is_exact_after_the_rejections() -> None:
    # Account 0 alone is supported, and all but takes the organic table too: slot 2 is a residual draw among the others.
    world = one_surface(
        {"followers": [100, 5, 4, 3], "agency": ["a", None, None, None]},
        fans={"count": 1000},
        slots=2,
        support_share=1.0,
        ranking={"popularity": 8.0, "offset_people": 0.0},
        over={"support": {"policy": "tiered", "within_tier": "equal", "tiers": {"t": {"weight": 1.0}}}},
    )
    outcome = run(world)
    pages = outcome.totals[0, Total.SESSIONS]
    shown = outcome.counts[:, 0, Counter.EXPOSURE]
    assert shown[0] == outcome.totals[0, Total.SUPPORT_UNFILLED] == pages
    weights = shares(tables_of(world).weight[0])[1:]
    assert stats.chisquare(shown[1:], normed(weights) * pages).pvalue > 1e-4


# Pages that run short


@pytest.mark.parametrize("exploration", [0.0, 1.0])
@pytest.mark.parametrize("policy", ["none", "uniform", "tail"])
def test_a_page_with_fewer_candidates_than_slots_shows_each_once_and_counts_the_empty_slots(
    exploration: float, policy: str
) -> None:
    world = one_surface(
        [9, 5, 1],
        fans={"count": 10},
        slots=5,
        support_share=0.5,
        ranking={"exploration": exploration},
        over={"support": {"policy": policy, "eligible": "all"}},
    )
    for engine in ENGINES:
        outcome = run(world, engine=engine)
        pages = outcome.totals[0, Total.SESSIONS]
        assert (outcome.counts[:, 0, Counter.EXPOSURE] == pages).all()
        assert outcome.totals[0, Total.EMPTY] == 2 * pages
        assert outcome.totals[0, Total.SUPPORT_UNFILLED] == 0  # no organic account is left either


def test_an_offset_of_zero_keeps_accounts_without_followers_off_the_page() -> None:
    for offset, shown in [(0.0, 2), (1.0, 4)]:
        outcome = run(one_surface([9, 5, 0, 0], slots=4, ranking={"offset_people": offset}))
        assert np.count_nonzero(outcome.counts[:, 0, Counter.EXPOSURE]) == shown
        assert outcome.totals[0, Total.EMPTY] == (4 - shown) * outcome.totals[0, Total.SESSIONS]
