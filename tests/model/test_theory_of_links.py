"""Closed forms of who gets the links, a fixed set of accounts, reached through scenario parameters alone.

Pólya's urn and attention ``q F^b`` are exact given each epoch's own number of links, so a run's followers are noted at
every refresh. Meetings come in a Poisson process; their laws are exact given each fan's own number of meetings.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from math import comb, factorial

import numpy as np
import pytest
from support.forms import replications
from support.inspection import CERTAIN, NEVER, Z, lists_of, one_surface, outcomes, z_score
from support.links import QUALITY, Floats, Int64s, attention, drift, epochs_of
from support.scenarios import World, plain, roster_of, world_of

from sim.analysis.concentration import gini, hhi
from sim.calendar import DAY

# Pólya's urn


def urn(start: list[int], offset: float, links: int) -> World:
    """About this many links in as many epochs of a day."""
    return one_surface(
        start,
        fans={"count": 5, "sessions_per_day": links / 5},
        slots=1,
        follow_prob=1.0,
        already_following="count",
        ranking={"offset_people": offset},
        refresh_minutes=1440 // links,
        over={"horizon_days": 1},
    )


def expected_hhi(start: float, totals: Floats) -> float:
    """``1 - (1 - HHI_0) Π_k (1 - m_k / F_k^2)`` for epochs with totals F_0 … F_n."""
    return float(1 - (1 - start) * np.prod(1 - np.diff(totals) / totals[1:] ** 2))


def test_one_link_an_epoch_gives_the_urns_known_figures() -> None:
    start, n = np.array([5, 3, 1, 1]), 200
    total = int(start.sum())
    squares = start * (start + 1) * (total + n) * (total + n + 1) / (total * (total + 1)) - start * (total + n) / total
    exact = float(squares.sum()) / (total + n) ** 2
    assert exact == pytest.approx(0.415411, abs=5e-7)
    assert expected_hhi(hhi(start), np.arange(total, total + n + 1.0)) == pytest.approx(exact, rel=1e-9)
    for k in (2, 5, 30):
        limit = expected_hhi(1 / k, np.arange(k, 200_000.0))
        assert limit == pytest.approx(2 / (k + 1), abs=1e-5)


def surprises(start: list[int], offset: float, links: int, n: int) -> Floats:
    """(R, M + 1): what shares and HHI at the end have over their expectation."""
    rows = []
    for followers in epochs_of(urn(start, offset, links), n):
        counts = followers + offset
        totals = counts.sum(axis=1)
        assert totals[-1] - totals[0] > links / 2
        first, last = counts[0] / totals[0], counts[-1] / totals[-1]
        rows.append([*(last - first), (last**2).sum() - expected_hhi(float((first**2).sum()), totals)])
    return np.array(rows)


@replications(200, 3000)
@pytest.mark.parametrize(("start", "offset"), [([5, 3, 1, 1], 0.0), ([0] * 5, 1.0), ([4, 0, 0], 0.5)])
def test_the_urn_keeps_expected_shares_and_has_the_exact_concentration(start: list[int], offset: float, n: int) -> None:
    assert np.abs(z_score(surprises(start, offset, 80, n))).max() < Z


def expected_gini(totals: list[int], k: int) -> float:
    """E Gini of k accounts that start with 1 each, given the totals of the epochs: ``(k - 1) / 2 E|N1 - N2| / F``."""
    size = totals[-1] - k + 2
    number = np.arange(size)
    p = np.zeros((size, size))
    p[1, 1] = 1.0  # of N1 and N2; a page's draws are from shares frozen at the epoch's start
    for total, following in pairwise(totals):
        one, two = number[:, None] / total, number[None, :] / total
        rest = np.maximum(1 - one - two, 0)
        m, out = following - total, np.zeros_like(p)
        for i in range(m + 1):
            for j in range(m - i + 1):
                ways = factorial(m) // (factorial(i) * factorial(j) * factorial(m - i - j))
                moved = p * (ways * one**i * two**j * rest ** (m - i - j))
                out[i:, j:] += moved[: size - i, : size - j]
        p = out
    assert p.sum() == pytest.approx(1)
    return (k - 1) / 2 * float((p * np.abs(number[:, None] - number[None, :])).sum()) / totals[-1]


def test_equal_starts_with_one_link_an_epoch_make_all_divisions_alike_with_the_known_gini() -> None:
    k, n = 5, 60
    apart = sum(
        abs(a - b) * comb(n - a - b + k - 3, k - 3) for a in range(n + 1) for b in range(n + 1 - a)
    )  # divisions of n links among k accounts, counted
    exact = (k - 1) / 2 * apart / comb(n + k - 1, k - 1) / (n + k)
    assert expected_gini(list(range(k, k + n + 1)), k) == pytest.approx(exact, rel=1e-9)
    assert expected_gini(list(range(k, k + 150)), k) == pytest.approx((k - 1) / (2 * k), abs=0.01)


@replications(200, 3000)
def test_an_urn_of_equal_starts_has_the_exact_expected_gini(n: int) -> None:
    rows = []
    for followers in epochs_of(urn([0] * 5, 1.0, 36), n):
        totals = (followers.sum(axis=1) + 5).tolist()
        rows.append(gini(followers[-1] + 1) - expected_gini(totals, 5))
    assert abs(z_score(np.array(rows))) < Z


# Attention q F^b


@replications(200, 2000)
@pytest.mark.parametrize("b", [0.0, 0.5, 0.8])
def test_links_come_in_proportion_to_quality_times_followers_to_the_power(b: float, n: int) -> None:
    runs = list(epochs_of(attention(b, 25, pages_per_day=10, slots=10, refresh_minutes=240), n))
    assert np.abs(z_score(np.array([drift(followers, b) for followers in runs]))).max() < Z
    shares = np.array([followers[-1] / followers[-1].sum() for followers in runs])
    limit = QUALITY ** (1 / (1 - b)) / (QUALITY ** (1 / (1 - b))).sum()
    assert np.abs(shares.mean(axis=0) - limit).sum() < np.abs(0.25 - limit).sum()  # on the way there from equal shares


# Following those better than all followed


N = 100
RANK = np.arange(1, N + 1)
BY_QUALITY = [CERTAIN - 1e-8 * rank for rank in range(N)]
DAYS = 10


def meeting(meetings: float, *, one_sided: bool) -> World:
    """100 fans who meet about so many accounts each, uniformly; one-sided: fan k is account k, never meets itself."""
    verticals = {f"v{k}": {"share": 1 / N} for k in range(N)}
    segments = {f"s{k}": {"share": 1 / N} | ({"interests": {f"v{k}": 0.0}} if one_sided else {}) for k in range(N)}
    find = {
        "kind": "discovery",
        "session_share": 1.0,
        "slots": 1,
        "ranking": {"popularity": 0.0, "relevance": 1.0},
        "follow_prob": 1.0,
        "follow_rule": "better-than-followed",
        "refresh_minutes": NEVER,
    }
    parts = plain(
        horizon_days=DAYS,
        fans={"count": N, "follows_per_fan": 0.0, "sessions_per_day": meetings / DAYS},
        influencers={"count": N},
        verticals=verticals,
        segments=segments,
        surfaces={"find": find},
    )
    return world_of(parts, roster_of([0] * N, quality=BY_QUALITY, vertical=list(verticals)))


@cache
def met(meetings: float, one_sided: bool, n: int) -> tuple[Int64s, Int64s, list[list[list[int]]]]:
    """(R, N) followers of each rank, (R, N) meetings of each fan, and the fans' lists."""
    runs = list(outcomes(meeting(meetings, one_sided=one_sided), n))
    followers = np.array([np.bincount(outcome.follow_lists[1], minlength=N) for outcome in runs])
    number = np.array([outcome.history.reads[DAYS * DAY].sum(axis=0) for outcome in runs])
    return followers, number, [lists_of(outcome) for outcome in runs]


def gini_weights() -> Floats:
    """``G = Σ w_k N_k / Σ N_k`` for counts that fall with the rank."""
    return (2 * (N + 1 - RANK) - N - 1) / N


def test_the_formulas_of_meritocratic_following_give_the_known_figures() -> None:
    in_degree = np.where(RANK == 1, N - 1, N / RANK)
    assert [in_degree[rank - 1] for rank in (1, 2, 5, 20)] == [99, 50, 20, 5]
    harmonic = float((1 / np.arange(1, N)).sum())
    assert in_degree.sum() == pytest.approx(N * harmonic)
    assert in_degree[0] / in_degree.sum() == pytest.approx(0.191216, abs=5e-7)
    assert gini_weights() @ in_degree / in_degree.sum() == pytest.approx(0.623743, abs=5e-7)
    waiting = 1 - (1 - (98 / 99) ** np.arange(20_000.0)) ** N
    assert waiting.sum() == pytest.approx(511.45, abs=0.005)
    best = [1 + float(((1 - np.arange(1, N) / N) ** t).sum()) for t in (2, 10, 100)]
    assert best == pytest.approx([33.835, 9.599, 1.572], abs=5e-4)


@replications(200, 2000)
def test_each_rank_has_the_exact_expected_in_degree_and_all_together_the_known_gini(n: int) -> None:
    followers, _, lists = met(1500.0, True, n)
    assert all(k not in follows for run in lists for k, follows in enumerate(run))
    assert (followers[:, 0] == N - 1).all()
    assert np.abs(z_score(followers[:, 1:] - N / RANK[1:])).max() < Z
    total = followers.sum(axis=1)
    assert abs(z_score(total / N - (1 / np.arange(1, N)).sum())) < Z
    assert abs(z_score(followers[:, 0] - 0.191216 * total)) < Z
    assert abs(z_score(followers @ gini_weights() - 0.623743 * total)) < Z


@replications(200, 2000)
def test_all_hold_the_best_with_the_exact_probability_of_their_numbers_of_meetings(n: int) -> None:
    _, number, lists = met(511.0, True, n)
    holds = [all((1 if k == 0 else 0) in follows for k, follows in enumerate(run)) for run in lists]
    chance = np.prod(1 - (98 / 99) ** number, axis=1)
    assert 0.2 < np.mean(holds) < 0.8
    assert abs(z_score(np.array(holds) - chance)) < Z


@replications(200, 2000)
def test_between_two_sides_followers_are_binomial_and_followees_have_the_known_moments(n: int) -> None:
    followers, _, lists = met(1500.0, False, n)
    assert (followers[:, 0] == N).all()
    mean = N / RANK[1:]
    assert np.abs(z_score(followers[:, 1:] - mean)).max() < Z
    surprise = z_score((followers[:, 1:] - mean) ** 2 - mean * (1 - 1 / RANK[1:]))
    assert np.abs(surprise[:9]).max() < Z  # of ten followers and more: the squares of fewer are too skewed for a z
    lengths = np.array([[len(follows) for follows in run] for run in lists])
    assert abs(z_score(lengths.mean(axis=1) - 5.18738)) < Z
    assert abs(z_score(((lengths - 5.18738) ** 2).mean(axis=1) - 3.55239)) < Z


@replications(200, 2000)
@pytest.mark.parametrize("meetings", [2.0, 10.0, 100.0])
def test_the_best_account_found_has_the_exact_expected_position(meetings: float, n: int) -> None:
    _, number, lists = met(meetings, False, n)
    position = np.array([[min(follows, default=N) + 1 for follows in run] for run in lists])
    expected = 1 + ((1 - np.arange(1, N) / N)[:, None, None] ** number).sum(axis=0)
    has_met = number > 0
    assert abs(z_score(((position - expected) * has_met).sum(axis=1))) < Z
