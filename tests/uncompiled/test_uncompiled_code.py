"""The compiled engine's code run by Python gives the reference engine's bits: worlds so tiny that this is bearable.

Coverage sees no line of compiled code. Here numba compiles nothing, so that what these worlds reach can be measured.
The compiled engine itself is tested with compiled code, in tests/model.
"""

from __future__ import annotations

from typing import Any

import numba
import pytest
from hypothesis import given, settings
from support.engine_runs import assert_same, run
from support.inspection import one_surface
from support.scenarios import DRAWN, World, dense_world, roster_of, world_of, worlds

from sim.model.engines import compiled
from sim.model.kernel.choice import FEW
from sim.model.kernel.pages import LONG
from sim.model.layout import Counter
from sim.model.simulation import simulate

# Compiled code counts modulo 2^64, and divides by 0, without a word, as is wanted; numpy's scalars warn of both.
pytestmark = [
    pytest.mark.filterwarnings("ignore:overflow encountered in scalar:RuntimeWarning"),
    pytest.mark.filterwarnings("ignore:divide by zero encountered in scalar divide:RuntimeWarning"),
]

SUPPORT: dict[str, Any] = {
    "support": {"policy": "tiered", "within_tier": "equal", "share": 0.3, "tiers": {"t": {"weight": 1.0}}},
    "horizon_days": 3,
}
ROSTER: dict[str, Any] = {
    "followers": [1 + i % 37 for i in range(60)],
    "agency": ["a"] * 7 + [None] * 53,
    "live_hours_per_day": [9.0] * 60,
}


@pytest.fixture(scope="module", autouse=True)
def _nothing_is_compiled() -> None:
    if not numba.config.DISABLE_JIT:
        pytest.fail("these tests are for code that isn't compiled: set NUMBA_DISABLE_JIT=1")


def crowded() -> World:
    """Fans who soon follow nearly all of few accounts: numpy can't count a list's room from 128 places on."""
    fans = {"count": 6, "follows_per_fan": 10.0, "sessions_per_day": 3.0}
    return dense_world(horizon_days=1, fans=fans, influencers={"count": 60, "quality": 0.999999})


def assert_is_that_of_the_reference(world: World) -> None:
    assert_same(run(world), run(world, engine="reference"))


@settings(max_examples=60, **DRAWN)
@given(worlds(max_sessions=15))
def test_drawn_worlds(world: World) -> None:
    assert_is_that_of_the_reference(world)


@pytest.mark.parametrize("distinct", [True, False])
@pytest.mark.parametrize("slots", [1, LONG, LONG + 1, 61])
@pytest.mark.parametrize("kind", ["commerce", "feed", "live"])
def test_pages_of_every_length(kind: str, slots: int, distinct: bool) -> None:
    own = {"commerce": {"support_share": 0.3, "custom_share": 0.2}, "live": {"tip_prob": 0.3, "tip_fen": 5}}
    fans = {"count": 40, "sessions_per_day": 0.3}
    find = {"slots": slots, "distinct": distinct, "kind": kind, "follow_prob": 0.2, "unfollow_prob": 0.1}
    world = one_surface(ROSTER, fans=fans, over=SUPPORT, **find, **own.get(kind, {}))
    assert run(world).counts[:, :, Counter.READS].any()
    assert_is_that_of_the_reference(world)


@pytest.mark.parametrize(
    "ranking", [{"exploration": 0.5}, {"selection": "top"}, {"popularity": 3.0, "offset_people": 0.0}], ids=str
)
def test_pages_however_they_are_ranked(ranking: dict[str, Any]) -> None:
    fans = {"count": 40, "sessions_per_day": 0.5}
    assert_is_that_of_the_reference(
        one_surface(ROSTER, fans=fans, over=SUPPORT, slots=LONG + 1, distinct=True, ranking=ranking)
    )


@pytest.mark.parametrize("n", [0, 1, FEW, FEW + 1])
def test_feeds_of_few_and_many_accounts(n: int) -> None:
    roster = {"followers": [20] * n + [0] * (60 - n), "posts_per_day": [float(i % 7) for i in range(60)]}
    fans = {"count": 20, "sessions_per_day": 1.0}
    assert_is_that_of_the_reference(one_surface(roster, fans=fans, kind="feed", over={"horizon_days": 2}))


def test_lists_that_outgrow_their_arena(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "GROUP_ROOM", 0)
    monkeypatch.setattr(compiled, "LIST_ROOM", 1.0)
    monkeypatch.setattr(compiled, "LEAST_GROUP", 1)
    assert_is_that_of_the_reference(crowded())


def test_a_fan_and_an_influencer_that_are_looked_at() -> None:
    world = crowded()
    for looked_at in ({"fan": 3}, {"influencer": 3}):
        ours, theirs = (
            simulate(world.scenario, world.population, world.key, engine=engine, **looked_at)
            for engine in ("compiled", "reference")
        )
        assert ours.trace.tolist() == theirs.trace.tolist()
        assert_same(ours, theirs)


@pytest.mark.parametrize("rule", ["probability", "better-than-followed"])
def test_follows_by_either_rule(rule: str) -> None:
    parts = one_surface(ROSTER, fans={"count": 40, "sessions_per_day": 0.5}, follow_prob=0.9, over=SUPPORT)
    surfaces = parts.scenario.model_dump()["surfaces"]
    surfaces["find"] |= {"follow_rule": rule, "already_following": "refuse", "unfollow_prob": 0.2}
    whole = parts.scenario.model_dump() | {"surfaces": surfaces}
    columns = dict(ROSTER)
    assert_is_that_of_the_reference(world_of(whole, roster_of(columns.pop("followers"), **columns)))
