"""Closed forms of slots and clicks, reached through scenario parameters alone, on the compiled engine.

With ``selection = "top"`` account k is in slot k of every page, so that its counts are those of the slot.
"""

from __future__ import annotations

from functools import cache
from itertools import permutations
from math import prod
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from support.forms import replications
from support.inspection import CERTAIN, Z, one_surface, outcomes, z_score
from support.scenarios import World

from sim.model.layout import Counter, Total

Floats = NDArray[np.float64]
K = 10
CLICK = 0.1


def in_order(examination: dict[str, Any], click_prob: float = 1.0) -> World:
    """Pages of ten slots, the same ten accounts in each, in the same order."""
    return one_surface(
        list(range(30, 18, -1)),
        fans={"sessions_per_day": 2.0},
        slots=K,
        examination=examination,
        ranking={"selection": "top"},
        click_prob=min(1.0, click_prob / CERTAIN),
    )


@cache
def per_slot(model: str, number: float, n: int) -> Floats:
    """(R, 3, K): pages, reads and clicks of each slot."""
    settings = {
        "position-based": {"exponent": number},
        "geometric": {"model": "geometric", "continue_prob": number},
        "cascade": {"model": "cascade"},
    }
    world = in_order(settings[model], number if model == "cascade" else 1.0)
    rows = []
    for outcome in outcomes(world, n):
        counts = outcome.counts[:, 0]
        assert (counts[:K, Counter.EXPOSURE] == outcome.totals[0, Total.SESSIONS]).all()
        assert not counts[K:].any()
        rows.append(counts[:K, [Counter.EXPOSURE, Counter.READS, Counter.CLICKS]].T)
    return np.array(rows, dtype=np.float64)


def test_the_formulas_of_examination_give_the_known_figures() -> None:
    for exponent, total, first in [(1.0, 2.928968, 0.341417), (0.5, 5.020998, 0.199164)]:
        examined = [k**-exponent for k in range(1, K + 1)]
        assert sum(examined) == pytest.approx(total, abs=5e-7)
        assert 1 / sum(examined) == pytest.approx(first, abs=5e-7)
    figures = [
        sum(0.8**k for k in range(K)),
        CLICK * (1 - CLICK) ** 4,
        1 - (1 - CLICK) ** K,
        CLICK / (1 - (1 - CLICK) ** K),
    ]
    assert figures == pytest.approx([4.463129, 0.065610, 0.651322, 0.153534], abs=5e-7)


@replications(200, 2000)
@pytest.mark.parametrize(
    ("model", "number", "examined"),
    [
        ("position-based", 1.0, [k**-1.0 for k in range(1, K + 1)]),
        ("position-based", 0.5, [k**-0.5 for k in range(1, K + 1)]),
        ("geometric", 0.8, [0.8**k for k in range(K)]),
        ("cascade", CLICK, [(1 - CLICK) ** k for k in range(K)]),
    ],
)
def test_each_slot_is_read_with_the_exact_probability(model: str, number: float, examined: list[float], n: int) -> None:
    pages, reads, _ = per_slot(model, number, n).transpose(1, 0, 2)
    assert np.array_equal(reads[:, 0], pages[:, 0])  # the first slot is read on every page
    assert np.abs(z_score((reads - pages * examined)[:, 1:])).max() < Z
    assert abs(z_score((reads - pages * examined).sum(axis=1))) < Z


@replications(200, 2000)
@pytest.mark.parametrize(("exponent", "first_share"), [(1.0, 0.341417), (0.5, 0.199164)])
def test_the_first_slot_has_the_known_share_of_the_reads(exponent: float, first_share: float, n: int) -> None:
    reads = per_slot("position-based", exponent, n)[:, 1]
    assert abs(z_score(reads[:, 0] - first_share * reads.sum(axis=1))) < Z


@replications(200, 2000)
def test_in_a_cascade_clicks_fall_on_each_slot_with_the_exact_probability(n: int) -> None:
    pages, _, clicks = per_slot("cascade", CLICK, n).transpose(1, 0, 2)
    assert (clicks.sum(axis=1) <= pages[:, 0]).all()  # at most one a page
    exact = CLICK * (1 - CLICK) ** np.arange(K)
    assert np.abs(z_score(clicks - pages * exact)).max() < Z
    assert abs(z_score(clicks[:, 4] - 0.065610 * pages[:, 4])) < Z
    assert abs(z_score(clicks.sum(axis=1) - 0.651322 * pages[:, 0])) < Z
    assert abs(z_score(clicks[:, 0] - 0.153534 * clicks.sum(axis=1))) < Z


@replications(200, 2000)
def test_under_geometric_browsing_the_known_number_of_slots_is_examined(n: int) -> None:
    pages, reads, _ = per_slot("geometric", 0.8, n).transpose(1, 0, 2)
    assert abs(z_score(reads.sum(axis=1) - 4.463129 * pages[:, 0])) < Z


def inclusion(weights: list[int], n_slots: int) -> list[float]:
    """Probability of each to be on a page drawn without replacement, by enumeration."""
    out = [0.0] * len(weights)
    for page in permutations(range(len(weights)), n_slots):
        rest = [sum(weights) - sum(weights[i] for i in page[:k]) for k in range(n_slots)]
        chance = prod(weights[i] / left for i, left in zip(page, rest, strict=True))
        for i in page:
            out[i] += chance
    return out


@replications(200, 2000)
@pytest.mark.parametrize(
    ("weights", "n_slots", "exact"),
    [([3, 2, 1], 2, [0.85, 0.7333333333, 0.4166666667]), ([40, 9, 3, 2, 1], 3, None)],
)
@pytest.mark.parametrize("kind", ["discovery", "feed"])
def test_slots_without_replacement_include_each_account_with_the_exact_probability(
    kind: str, weights: list[int], n_slots: int, exact: list[float] | None, n: int
) -> None:
    known = inclusion(weights, n_slots)
    assert known == pytest.approx(exact or known, abs=1e-9)
    posts = [float(weight) for weight in weights]
    followers = weights if kind == "discovery" else [100] * len(weights)
    world = one_surface(
        {"followers": followers, "posts_per_day": posts}, kind=kind, slots=n_slots, ranking={"offset_people": 0.0}
    )
    runs = list(outcomes(world, n))
    shown = np.array([outcome.counts[:, 0, Counter.EXPOSURE] for outcome in runs])
    pages = np.array([outcome.totals[0, Total.SESSIONS] for outcome in runs])
    assert (shown.sum(axis=1) == n_slots * pages).all()
    surprise = z_score(shown - pages[:, None] * known)
    assert np.abs(surprise).max() < Z
