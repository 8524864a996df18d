"""Tables of a scenario with all that the platform's state doesn't change filled in, and room for the rest."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from sim.model.kernel import slot_tables
from sim.model.layout import ID_MASK, LEFT_EMPTY, ORGANIC, Tables
from sim.model.world.limits import order_factor, referral, refuse_uncountable
from sim.model.world.population import Population
from sim.scenario.resolve.follows import affinities
from sim.scenario.schema.platform import Cascade, Geometric, PositionBased, Surface
from sim.scenario.schema.scenario import Scenario
from sim.scenario.schema.surface_kinds import KINDS
from sim.streams import power, threshold
from sim.types import Bools, Floats, Int32s, Int64s

__all__ = ["WORD", "Rows", "blank_tables", "integer_weights", "powers_of_affinity"]

MAX_SLOTS = 255
WORD = 4294967296.0
UNIT_WEIGHT = float(1 << 20)
LOOKS_ON = {"position-based": (True, True), "cascade": (True, False), "geometric": (False, True)}
"""Whether a fan looks on after a slot that it didn't examine, and after one that it clicked."""


class Rows(NamedTuple):
    """Which slot tables there are."""

    organic: Int32s
    """(S, G): tables of a surface; segments of equal affinities share one."""
    support: Int32s
    """(S, G): tables of reserved slots once support is given, or ``ORGANIC``, or ``LEFT_EMPTY``."""
    custom: Int32s
    """(S,): table of custom products, or ``ORGANIC``."""
    n: int


def powers_of_affinity(affinity: Floats, exponent: float) -> Floats:
    """Affinity to this exponent, shape (G, V)."""
    powers: Floats = slot_tables.powers(affinity.ravel(), exponent)
    return powers.reshape(affinity.shape)


def blank_tables(scenario: Scenario, population: Population, *, own_list: bool) -> tuple[Tables, Rows]:
    """Tables of a run.

    Parameters
    ----------
    scenario
        Resolved scenario of an arm, or of one of its phases.
    population
        The accounts that are shown. Not changed.
    own_list
        The support policy has a list of its own; a placebo's is the organic one.

    Raises
    ------
    InputError
        A click brings more orders, tips or fen than can be counted.
    """
    refuse_uncountable(scenario, population.largest())
    surfaces, segments = list(scenario.surfaces.values()), list(scenario.segments.values())
    affinity = affinities(scenario)
    n, shape = population.vertical.size, (len(surfaces), len(segments))
    rows = _rows(scenario, affinity, own_list=own_list)
    ranked, explore = _ways_of_filling(surfaces, rows, own_list=own_list)
    buying = np.array([s.buying for s in segments])
    return Tables(
        **_settings(surfaces),
        visits=np.tile(_visits(surfaces), (len(segments), 1)),
        organic=rows.organic,
        support=np.full(shape, ORGANIC, np.int32),
        custom=np.full(len(surfaces), ORGANIC, np.int32),
        weight=np.zeros((rows.n + 1, n), np.int64),
        alias=np.full((rows.n + 1, n), ID_MASK, np.uint64),
        order=np.full((rows.n + 1, n if ranked.any() else 1), -1, np.int32),
        ranked=ranked,
        explore=explore,
        feed_weight=np.zeros((len(surfaces), n), np.int64),
        feed_affinity=np.array(
            [integer_weights(powers_of_affinity(affinity, s.feed_weights.relevance)) for s in surfaces]
        ),
        vertical=population.vertical.copy(),
        quality=np.zeros(n, np.int64),
        traits=np.zeros(n, np.int64),
        click=np.zeros((*shape, len(scenario.verticals)), np.int64),
        follow=np.zeros((len(surfaces), n), np.int64),
        order_base=np.zeros(n),
        order_factor=np.array([order_factor(s) for s in surfaces])[:, None] * buying[None],
        shop=np.zeros(n, np.bool_),
        referrals=np.array([referral(s) * population.people_per_fan * WORD for s in surfaces]),
        tips=np.array([s.tip_prob for s in surfaces])[:, None] * buying[None] * population.people_per_fan * WORD,
        order_value=population.order_value_fen,
        follow_cap=np.array([scenario.fans.follow_cap], dtype=np.int64),
        keep=np.array([_hours(s.hours) for s in segments]),
        takes_follows=np.zeros(1, np.bool_),
    ), rows


def _settings(surfaces: list[Surface]) -> dict[str, Any]:
    """Fields of ``Tables`` that say of each surface what the scenario says, by name."""
    return {
        "is_feed": np.array([KINDS[s.kind].is_feed for s in surfaces]),
        "slots": np.array([s.slots for s in surfaces], dtype=np.int32),
        "distinct": np.array([s.distinct for s in surfaces]),
        "counts_repeats": np.array([s.already_following == "count" for s in surfaces]),
        "reserved": np.array([threshold(s.support_share or 0) for s in surfaces], dtype=np.int64),
        "ordinary": np.array([(1 << 32) - threshold(s.custom_share) for s in surfaces], dtype=np.int64),
        "examine": np.array([[threshold(p) for p in _examination(s.examination)] for s in surfaces]),
        "looks_on": np.array([LOOKS_ON[s.examination.model] for s in surfaces]),
        "better_only": np.array([s.follow_rule == "better-than-followed" for s in surfaces]),
        "origin": np.array([s + 1 if _lasts(surface) else 0 for s, surface in enumerate(surfaces)], dtype=np.int32),
        "unfollow": np.array([[threshold(s.unfollow_prob * factor) for factor in _stays(surfaces)] for s in surfaces]),
        "tip_value": np.array([s.tip_fen for s in surfaces], dtype=np.int64),
    }


def _rows(scenario: Scenario, affinity: Floats, *, own_list: bool) -> Rows:
    """Number the slot tables."""
    surfaces = list(scenario.surfaces.values())
    shape = (len(surfaces), len(scenario.segments))
    organic, support = np.zeros(shape, np.int32), np.full(shape, ORGANIC, np.int32)
    custom = np.full(len(surfaces), ORGANIC, np.int32)
    policy, n = scenario.support.policy, 0
    relevance = [powers_of_affinity(affinity, s.ranking.relevance) for s in surfaces]
    of_support = powers_of_affinity(affinity, scenario.support.relevance)
    for s, surface in enumerate(surfaces):
        if not KINDS[surface.kind].is_feed:
            n = _number(organic[s], relevance[s], n)
    for s, surface in enumerate(surfaces):
        if not surface.support_share:
            continue
        if policy == "empty":
            support[s] = LEFT_EMPTY
        elif policy != "none":
            n = _number(support[s], of_support if own_list else relevance[s], n)
    given = scenario.support.services and any("custom-product" in t.services for t in scenario.support.tiers.values())
    for s, surface in enumerate(surfaces):
        if given and surface.custom_share > 0:
            custom[s] = n
            n += 1
    return Rows(organic, support, custom, n)


def _number(row: Int32s, factors: Floats, n: int) -> int:
    """Number the tables of a surface: segments with the same affinities share one. Returns the next free number."""
    seen: dict[tuple[float, ...], int] = {}
    for g, factor in enumerate(factors):
        row[g] = seen.setdefault(tuple(factor), n + len(seen))
    return n + len(seen)


def _ways_of_filling(surfaces: list[Surface], rows: Rows, *, own_list: bool) -> tuple[Bools, Int64s]:
    """Which tables fill slots in order, and which share of slots they leave to all accounts, equally.

    Organic tables follow their surface's ranking, and so does a placebo's; a policy's list is always drawn from.
    """
    ranked, explore = np.zeros(rows.n + 1, np.bool_), np.zeros(rows.n + 1, np.int64)
    for s, surface in enumerate(surfaces):
        if KINDS[surface.kind].is_feed:
            continue
        for row in (rows.organic[s], *([] if own_list or rows.support[s, 0] < 0 else [rows.support[s]])):
            ranked[row] = surface.ranking.selection == "top"
            explore[row] = threshold(surface.ranking.exploration)
    return ranked, explore


def _visits(surfaces: list[Surface]) -> Int64s:
    """Cumulative probability of the surface that a session opens."""
    share = np.array([s.session_share for s in surfaces])
    visits: Int64s = np.floor(np.add.accumulate(share) * WORD).astype(np.int64)
    visits[np.flatnonzero(share)[-1] :] = 1 << 32  # a sum of shares may fall short of 1 by rounding
    return visits


def _lasts(surface: Surface) -> bool:
    """Whether fans won on this surface stay longer than others."""
    return surface.unfollow_factor != 1


def _stays(surfaces: list[Surface]) -> list[float]:
    """Factor on unfollowing by the origin of a follow, 0: of no such surface."""
    return [1.0, *(s.unfollow_factor for s in surfaces)]


def _examination(examination: PositionBased | Cascade | Geometric) -> list[float]:
    """Probability that each of the slots is examined while the fan is still looking."""
    match examination:
        case PositionBased(exponent=exponent):
            return [power(k + 1.0, -exponent) for k in range(MAX_SLOTS)]
        case Geometric(continue_prob=continue_prob):
            return [1.0] + [continue_prob] * (MAX_SLOTS - 1)
        case _:
            return [1.0] * MAX_SLOTS


def _hours(hours: list[float]) -> Int64s:
    """Probability that a session of each hour takes place."""
    top = max(hours, default=1.0)
    return np.array([threshold(hour / top) for hour in hours or [1.0] * 24], dtype=np.int64)


def integer_weights(amounts: Floats) -> Int64s:
    """Finite amounts >= 0 in proportion, the largest 2^20, at least 1 where there is any."""
    top = amounts.max()
    scaled = amounts / top if top > 0 else amounts
    return np.where(amounts > 0, np.maximum(1, np.floor(scaled * UNIT_WEIGHT)), 0).astype(np.int64)
