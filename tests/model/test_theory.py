"""Closed forms of the theory, reached through scenario parameters alone: law of support, Pólya's urn, pages, sessions.

A stochastic result passes when ``|mean - exact| < 4.2`` standard errors over at least 200 independent replications
(about 60 such tests at a family error of 0.1 %); for a share the standard error must be at most .001 too, else it says
nothing. The laws are valid given each run's own numbers of new follows, which the history has, since agencies are
reviewed at each refresh.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from math import lgamma
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from support.forms import replications, slow
from support.scenarios import World, plain, roster_of, world_of

from sim.calendar import DAY
from sim.model.layout import Counter, Total
from sim.model.simulation import Outcome, simulate

Z = 4.2
Floats = NDArray[np.float64]

N_ACCOUNTS, N_DAYS = 100, 24
RESERVED_SHARE = 0.3


def z_score(differences: Floats) -> Floats:
    """z of the hypothesis that each column of differences has mean 0."""
    z: Floats = differences.mean(axis=0) / standard_error(differences)
    return z


def standard_error(differences: Floats) -> Floats:
    """Standard error of the mean of each column."""
    error: Floats = differences.std(axis=0, ddof=1) / np.sqrt(len(differences))
    return error


def outcomes(world: World, n: int) -> list[Outcome]:
    """Independent replications of the traffic on one population: the laws are valid given the initial followers."""
    return [simulate(world.scenario, world.population, (world.key[0], replication)) for replication in range(n)]


# T1: the law of support


def remaining_weight(share: float, totals: Floats) -> float:
    """``φ = Π_k (1 - ε (F_k - F_{k-1}) / F_k)``: the weight that the initial shares keep, from the totals F_0 … F_n."""
    return float(np.prod(1 - share * np.diff(totals) / totals[1:]))


def test_the_product_of_one_follow_per_epoch_is_the_known_figure() -> None:
    totals = np.arange(10.0, 211.0)
    weight = remaining_weight(0.3, totals)
    gammas = lgamma(10 + 200 + 1 - 0.3) + lgamma(10 + 1) - lgamma(10 + 200 + 1) - lgamma(10 + 1 - 0.3)
    assert weight == pytest.approx(np.exp(gammas), rel=1e-9)
    assert weight == pytest.approx(0.405177, abs=5e-7)
    assert 0.25 + (0.5 - 0.25) * weight == pytest.approx(0.351294, abs=5e-7)


@dataclass(frozen=True)
class Law:
    """Runs of a world under the law's conditions: follower shares, offset included, and what is expected of them."""

    start: Floats
    """Initial shares, shape (M,)."""
    end: Floats
    """Shares at the end, shape (R, M)."""
    weight: Floats
    """φ of each run, shape (R, 1)."""
    growth: float
    """Mean F_n / F_0."""

    def surprise(self, support_list: Floats) -> Floats:
        """What each run's end has over ``s + (x(0) - s) φ``, shape (R, M): of mean 0 under the law."""
        return self.end - (support_list + (self.start - support_list) * self.weight)


def law_runs(world: World, n: int, share: float, offset: float = 0.0) -> Law:
    """Run a world whose slots are refreshed, and history kept, each day."""
    ends, weights, growths = [], [], []
    for outcome in outcomes(world, n):
        followers = np.array([outcome.followers(day * DAY) for day in range(N_DAYS + 1)]) + offset
        totals = followers.sum(axis=1)
        ends.append(followers[-1] / totals[-1])
        weights.append([remaining_weight(share, totals)])
        growths.append(totals[-1] / totals[0])
        start = followers[0] / totals[0]
    return Law(start, np.array(ends), np.array(weights), float(np.mean(growths)))


def urn(
    *,
    share: float = RESERVED_SHARE,
    policy: str = "uniform",
    within_tier: str = "equal",
    agencies: list[str | None] | None = None,
    offset: float = 0.0,
    find: dict[str, Any] | None = None,
    influencers: dict[str, Any] | None = None,
    quality: list[float] | None = None,
    follows: float = 4.0,
) -> World:
    """A platform on which the law is exact, and what a test changes of it.

    Two surfaces that bring follows, one with position bias and repeats, one with a single slot, and a feed that brings
    none; popularity 1, merit 0, affinity 1, equal quality and fame, repeated follows counted, no warm-up.
    """
    brings_follows = {"ranking": {"offset_people": offset}, "already_following": "count", "support_share": share}
    surface = {"kind": "discovery", "session_share": 0.5, "slots": 10, "distinct": False, "follow_prob": 0.3}
    single = {"kind": "commerce", "session_share": 0.3, "slots": 1, "distinct": True, "follow_prob": 0.9}
    parts = plain(
        horizon_days=N_DAYS,
        fans={"count": 600, "follows_per_fan": follows, "sessions_per_day": 0.4, "activity_sigma": 1.0},
        influencers={"count": N_ACCOUNTS, "quality": 0.999999} | (influencers or {}),
        surfaces={
            "find": surface | brings_follows | (find or {}),
            "single": single | brings_follows,
            "feed": {"kind": "feed", "session_share": 0.2, "slots": 5},
        },
        support={
            "policy": policy,
            "within_tier": within_tier,
            "eligible": "partners",
            "review_days": 1,
            "tiers": {"large": {"weight": 5.0, "over_accounts": 4}, "small": {"weight": 1.0}},
        },
    )
    followers = [10_000 // (i + 1) for i in range(N_ACCOUNTS)]
    return world_of(parts, roster_of(followers, agency=agencies, quality=quality))


HEAD_AGENCY: list[str | None] = ["head"] * 3 + [None] * 97
MIXED_AGENCIES: list[str | None] = [None, "large", "small", "large", None] * 2 + [None, "large"] * 45


def list_of(agencies: list[str | None], weights: dict[str | None, float]) -> Floats:
    total = sum(weights[agency] for agency in agencies)
    return np.array([weights[agency] / total for agency in agencies])


UNIFORM = np.full(N_ACCOUNTS, 1 / N_ACCOUNTS)
LISTS: dict[str, tuple[dict[str, Any], Floats]] = {
    "uniform": ({"policy": "uniform"}, UNIFORM),
    "flat-over-partners": (
        {"policy": "flat", "agencies": MIXED_AGENCIES},
        list_of(MIXED_AGENCIES, {None: 0, "large": 1, "small": 1}),
    ),
    "tiered": (
        {"policy": "tiered", "agencies": MIXED_AGENCIES},
        list_of(MIXED_AGENCIES, {None: 0, "large": 5, "small": 1}),
    ),
    "tiered-per-agency": (
        {"policy": "tiered", "within_tier": "per-agency", "agencies": MIXED_AGENCIES},
        list_of(
            MIXED_AGENCIES,
            {None: 0, "large": 5 / MIXED_AGENCIES.count("large"), "small": 1 / MIXED_AGENCIES.count("small")},
        ),
    ),
    "head-agency": ({"policy": "tiered", "agencies": HEAD_AGENCY}, list_of(HEAD_AGENCY, {None: 0, "head": 1})),
}


QUICKER = ("uniform", "tiered", "head-agency")
"""Lists of the ordinary suite; two share their runs with tests further down."""


def assert_law_holds(runs: Law, support_list: Floats) -> None:
    """Every account's share and the initial head's, with the precision that the law's test asks for."""
    surprise = runs.surprise(support_list)
    assert 1.5 < runs.growth < 4
    assert standard_error(surprise)[0] <= 0.001  # the head is the first account: 1 % of 100
    assert abs(z_score(surprise)[0]) < Z
    assert np.abs(z_score(surprise)).max() < Z


@cache
def runs_under(name: str, n: int) -> Law:
    """Runs with the slots that the law reserves for a list, shared by the tests of a process."""
    return law_runs(urn(**LISTS[name][0]), n, RESERVED_SHARE)


@replications(200, 2000)
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in QUICKER else pytest.mark.slow) for name in LISTS]
)
def test_shares_follow_the_law_of_support(name: str, n: int) -> None:
    assert_law_holds(runs_under(name, n), LISTS[name][1])


@replications(200, 2000)
@pytest.mark.parametrize("share", [*(pytest.param(share, marks=pytest.mark.slow) for share in (0.0, 0.1)), 1.0])
def test_the_law_holds_at_other_shares_of_reserved_slots(share: float, n: int) -> None:
    assert_law_holds(law_runs(urn(share=share), n, share), UNIFORM)


@replications(200, 2000)
@pytest.mark.parametrize("policy", ["none", pytest.param("placebo", marks=pytest.mark.slow)])
def test_without_support_expected_shares_are_constant(policy: str, n: int) -> None:
    assert_law_holds(law_runs(urn(policy=policy), n, 0.0), UNIFORM)


@replications(200, 2000)
@pytest.mark.parametrize("offset", [pytest.param(0.5, marks=pytest.mark.slow), 20.0])
def test_with_an_offset_the_law_holds_for_the_augmented_shares(offset: float, n: int) -> None:
    assert_law_holds(law_runs(urn(offset=offset), n, RESERVED_SHARE, offset), UNIFORM)


@replications(200, 2000)
def test_under_uniform_support_the_gini_of_expected_shares_shrinks_by_the_weight(n: int) -> None:
    runs = runs_under("uniform", n)
    assert (np.diff(runs.start) <= 0).all()
    # Of expected shares, whose order is known: linear in them, so that its mean over the runs is exact.
    rank = np.arange(N_ACCOUNTS, 0, -1)
    weights = (2 * rank - N_ACCOUNTS - 1) / N_ACCOUNTS
    surprise = runs.end @ weights - runs.weight[:, 0] * (runs.start @ weights)
    assert standard_error(surprise) <= 0.001
    assert abs(z_score(surprise)) < Z
    assert runs.weight.mean() < 0.85


@replications(200, 2000)
@pytest.mark.parametrize(("name", "sign"), [("uniform", -1), ("head-agency", 1)])
def test_support_moves_concentration_towards_that_of_its_own_list(name: str, sign: int, n: int) -> None:
    runs = runs_under(name, n)
    assert sign * z_score(runs.end - runs.start)[0] > Z


# Whatever breaks a condition of the law breaks the law: so the tests above could have failed


def broken(runs: Law) -> float:
    return float(z_score(runs.surprise(UNIFORM))[0])


@replications(100, 1000)
@pytest.mark.parametrize(
    ("changes", "sign"),
    [
        ({"find": {"distinct": True, "session_share": 0.5}}, -1),
        slow({"find": {"already_following": "refuse"}}, -1),
        ({"find": {"ranking": {"popularity": 0.5, "offset_people": 0.0}}}, -1),
        slow({"find": {"ranking": {"popularity": 1.5, "offset_people": 0.0}}}, 1),
        ({"find": {"follow_fame": 0.3, "follow_prob": 0.2}}, 1),
        slow({"quality": [0.9] + [0.6] * 99}, 1),
        slow({"find": {"support_share": 0.0}}, 1),
    ],
    ids=["no-repeats", "refused-repeats", "sublinear", "superlinear", "fame", "better-head", "less-support"],
)
def test_other_switches_move_the_head_in_their_known_direction(changes: dict[str, Any], sign: int, n: int) -> None:
    assert sign * broken(law_runs(urn(**changes), n, RESERVED_SHARE)) > Z


# Pólya's urn in epochs


def small_urn(share: float, policy: str) -> World:
    """Four accounts with 5, 3, 1 and 1 followers; a few follows a day."""
    surface = {"kind": "discovery", "session_share": 1.0, "slots": 1, "follow_prob": 1.0, "already_following": "count"}
    parts = plain(
        horizon_days=N_DAYS,
        fans={"count": 5, "follows_per_fan": 2.0, "sessions_per_day": 0.5},
        surfaces={"find": surface | {"ranking": {"offset_people": 0.0}, "support_share": share}},
        influencers={"count": 4, "quality": 0.999999},
        support={"policy": policy, "review_days": 1},
    )
    world = world_of(parts, roster_of([5, 3, 1, 1]))
    assert world.population.followers.tolist() == [5, 3, 1, 1]
    return world


@replications(400, 20_000)
@pytest.mark.parametrize("start", ["five-three-one-one", pytest.param("a-hundred-accounts", marks=pytest.mark.slow)])
def test_the_herfindahl_index_of_polyas_urn_grows_as_known(start: str, n: int) -> None:
    small = start == "five-three-one-one"
    world = small_urn(0.0, "none") if small else urn(policy="none")
    surprise = []
    for outcome in outcomes(world, n if small else n // 2):
        followers = np.array([outcome.followers(day * DAY) for day in range(N_DAYS + 1)])
        totals = followers.sum(axis=1)
        diversity = 1 - ((followers / totals[:, None]) ** 2).sum(axis=1)
        expected = diversity[0] * np.prod(1 - np.diff(totals) / totals[1:].astype(np.float64) ** 2)
        surprise.append((diversity[-1] - expected, diversity[-1] - diversity[0]))
    z = z_score(np.array(surprise))
    assert abs(z[0]) < Z
    assert z[1] < -Z or not small  # in the small urn the drift is plain to see, so that the law says something


@replications(400, 20_000)
@pytest.mark.parametrize(("share", "policy"), [pytest.param(0.0, "none", marks=pytest.mark.slow), (0.3, "uniform")])
def test_an_urn_of_five_three_one_one_has_the_expected_shares(share: float, policy: str, n: int) -> None:
    runs = law_runs(small_urn(share, policy), n, share)
    assert runs.start.tolist() == [0.5, 0.3, 0.1, 0.1]
    assert runs.growth > 4
    assert np.abs(z_score(runs.surprise(np.full(4, 0.25)))).max() < Z
    drift = z_score(runs.end - runs.start)[0]
    assert drift < -Z if share else abs(drift) < Z


# T3: slots and clicks


def pages(world: World, n: int, figure: Callable[[Outcome, int], float]) -> Floats:
    """A figure of each run, given its number of pages."""
    return np.array([figure(outcome, int(outcome.totals[0, Total.SESSIONS])) for outcome in outcomes(world, n)])


def looked_at(exponent: float) -> World:
    """Pages of ten slots of which one account, with all but the whole weight, takes the first."""
    surface = {"kind": "discovery", "session_share": 1.0, "slots": 10, "examination": {"exponent": exponent}}
    fans = {"count": 100, "follows_per_fan": 1.0, "sessions_per_day": 1.0}
    ranking = {"ranking": {"popularity": 8.0, "offset_people": 0.0}}
    return world_of(plain(fans=fans, surfaces={"find": surface | ranking}), roster_of([78] + [2] * 11))


@replications(200, 1000)
@pytest.mark.parametrize(("exponent", "examined"), [(1.0, 2.928968), (0.5, 5.020998), (0.0, 10.0)])
def test_position_based_examination_reads_the_known_number_of_slots(exponent: float, examined: float, n: int) -> None:
    def reads(outcome: Outcome, n_pages: int) -> float:
        return float(outcome.counts[:, 0, Counter.READS].sum() / n_pages - examined)

    surprise = pages(looked_at(exponent), n, reads)
    assert np.abs(surprise).max() < 1e-9 if exponent == 0 else abs(z_score(surprise)) < Z


@replications(200, 1000)
@pytest.mark.parametrize(("exponent", "first_share"), [(1.0, 0.341417), (0.5, 0.199164)])
def test_the_first_slot_has_the_known_share_of_the_reads(exponent: float, first_share: float, n: int) -> None:
    world = looked_at(exponent)

    def first_reads(outcome: Outcome, n_pages: int) -> float:
        reads = outcome.counts[:, 0, Counter.READS]
        assert outcome.counts[0, 0, Counter.EXPOSURE] == reads[0] == n_pages
        return float((reads[0] - first_share * reads.sum()) / n_pages)

    assert abs(z_score(pages(world, n, first_reads))) < Z


@replications(200, 1000)
def test_clicks_follow_quality_times_affinity(n: int) -> None:
    surface = {
        "kind": "discovery",
        "session_share": 1.0,
        "slots": 4,
        "click_prob": 0.8,
        "examination": {"exponent": 0.0},
    }
    parts = plain(surfaces={"find": surface}, segments={"all": {"share": 1.0, "other_interest": 0.5}})
    world = world_of(parts, roster_of([10] * 8, quality=[0.1 * (i + 1) for i in range(8)]))
    rate = 0.8 * 0.5 * world.population.quality
    counts = np.array([outcome.counts[:, 0] for outcome in outcomes(world, n)])
    assert np.abs(z_score(counts[:, :, Counter.CLICKS] - rate * counts[:, :, Counter.READS])).max() < Z


@replications(200, 1000)
def test_orders_are_clicks_of_real_people_times_conversion(n: int) -> None:
    surface = {"kind": "commerce", "session_share": 1.0, "slots": 4, "order_factor": 1.5}
    parts = plain(
        people_per_fan=90.0,
        surfaces={"find": surface},
        segments={"all": {"share": 1.0, "buying": 0.5}},
        verticals={"all": {"share": 1.0, "shop_prob": 1.0}},
        influencers={"count": 8, "conversion_prob": 0.03, "order_value_fen": 700},
    )
    counts = np.array([outcome.counts[:, 0] for outcome in outcomes(world_of(parts), n)])
    expected = counts[:, :, Counter.CLICKS] * (90 * 0.03 * 1.5 * 0.5)
    assert np.abs(z_score(counts[:, :, Counter.ORDERS] - expected)).max() < Z
    assert np.array_equal(counts[:, :, Counter.GMV_FEN], 700 * counts[:, :, Counter.ORDERS])


# T4: time


@replications(400, 4000)
def test_sessions_come_as_a_poisson_process_split_over_the_surfaces(n: int) -> None:
    shares = np.array([0.5, 0.3, 0.2])
    surfaces = {
        f"s{s}": {"kind": "feed", "session_share": share, "slots": 1} for s, share in enumerate(shares.tolist())
    }
    segments = {"lazy": {"share": 0.5, "activity": 0.5}, "keen": {"share": 0.5, "activity": 2.0}}
    fans = {"count": 40, "follows_per_fan": 1.0, "sessions_per_day": 1.5}
    world = world_of(plain(fans=fans, surfaces=surfaces, segments=segments))
    sessions = np.array([outcome.totals[:, Total.SESSIONS] for outcome in outcomes(world, n)], dtype=np.float64)
    mean = 1.5 * 10 * (20 * 0.5 + 20 * 2.0) * shares
    assert np.abs(z_score(sessions - mean)).max() < Z
    assert np.abs(z_score((sessions - mean) ** 2 - mean)).max() < Z  # variance = mean
    together = [(0, 1), (0, 2), (1, 2)]
    products = np.array([[(x - mean)[a] * (x - mean)[b] for a, b in together] for x in sessions])
    assert np.abs(z_score(products)).max() < Z  # independent streams


@replications(400, 4000)
def test_the_share_of_reserved_slots_is_the_stated_one(n: int) -> None:
    surface = {"kind": "discovery", "session_share": 1.0, "slots": 10, "support_share": 0.3}
    totals = np.array([outcome.totals[0] for outcome in outcomes(world_of(plain(surfaces={"find": surface})), n)])
    assert abs(z_score(totals[:, Total.RESERVED] - 0.3 * totals[:, Total.SLOTS])) < Z
