"""The surfaces: what is shown where with which weight, frozen into tables at each refresh; knows no sessions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.errors import Fault, InputError
from sim.model import draws, slots
from sim.model.clock import DAY
from sim.model.frozen import NOBODY, ORGANIC, Tables
from sim.model.initial_follows import affinities
from sim.model.policies import PlatformView, policy_named
from sim.model.population import Population
from sim.scenario.platform import Cascade, Geometric, PositionBased, Surface
from sim.scenario.scenario import Scenario
from sim.streams import Lane, power, threshold

__all__ = ["Surfaces"]

MAX_SLOTS = 255
UNIT_WEIGHT = float(1 << 20)
MAX_ORDERS_PER_CLICK = float(1 << 30)
MAX_FEN_PER_CLICK = 1e12
WORD = 4294967296.0
LOOKS_ON = {"position-based": (True, True), "cascade": (True, False), "geometric": (False, True)}
"""Whether a fan looks on after a slot that it didn't examine, and after one that it clicked."""
Floats = NDArray[np.float64]
Int64s = NDArray[np.int64]


class Surfaces:
    """The tables that sessions read, and how they are made from the state of the platform.

    Parameters
    ----------
    scenario
        Resolved scenario of one arm.
    population
        Whom it is about.
    key
        Seed and replication.
    """

    def __init__(self, scenario: Scenario, population: Population, key: tuple[int, int]) -> None:
        self._key = (np.uint64(key[0]), np.uint64(key[1]))
        self._drawn_lots: tuple[int, Floats] | None = None
        self._scenario = scenario
        self._population = population
        self._surfaces = list(scenario.surfaces.values())
        self._affinity = affinities(scenario)
        policy = scenario.support.policy
        self._policy = policy_named(policy)
        self._reserves = [s.kind != "feed" and (s.support_share or 0) > 0 for s in self._surfaces]
        self._supports = [reserves and policy not in ("none", "empty") for reserves in self._reserves]
        self._fixed = [slots.powers(population.quality, s.ranking.merit) for s in self._surfaces]
        self._relevance = [self._powers_of_affinity(s.ranking.relevance) for s in self._surfaces]
        self._support_relevance = self._powers_of_affinity(scenario.support.relevance)
        self.tables = self._empty_tables()

    def _powers_of_affinity(self, exponent: float) -> Floats:
        """Affinity to this exponent, shape (G, V)."""
        powers: Floats = slots.powers(self._affinity.ravel(), exponent)
        return powers.reshape(self._affinity.shape)

    def _empty_tables(self) -> Tables:
        """Tables with all that never changes filled in, and room for the rest."""
        population, surfaces, scenario = self._population, self._surfaces, self._scenario
        n, n_segments = population.vertical.size, len(scenario.segments)
        segments = list(scenario.segments.values())
        shape = (len(surfaces), n_segments)
        organic, support = np.zeros(shape, np.int32), np.full(shape, ORGANIC, np.int32)
        n_tables = 0
        for s, surface in enumerate(surfaces):
            if surface.kind != "feed":
                n_tables = _number_rows(organic[s], self._relevance[s], n_tables)
        for s, supported in enumerate(self._supports):
            if supported:
                rows = self._relevance[s] if self._policy is None else self._support_relevance
                n_tables = _number_rows(support[s], rows, n_tables)
        if scenario.support.policy == "empty":
            support[self._reserves] = NOBODY
        self._support_rows = support
        ranked, explore = self._ways_of_filling(organic, support, n_tables)
        n_buckets = 1 << max(1, (n - 1).bit_length())
        share = np.array([s.session_share for s in surfaces])
        cumulative = np.zeros((n_tables + 1, n), np.int64)
        guide = np.zeros((n_tables + 1, n_buckets), np.int32)
        slots.build_table(np.ones(n), np.ones(len(scenario.verticals)), population.vertical, cumulative[-1], guide[-1])
        visits = np.floor(np.add.accumulate(share) * WORD).astype(np.int64)
        visits[np.flatnonzero(share)[-1] :] = 1 << 32  # a sum of shares may fall short of 1 by rounding
        click = np.array([s.click_prob for s in surfaces])[:, None, None] * self._affinity[None]
        return Tables(
            visits=np.tile(visits, (n_segments, 1)),
            is_feed=np.array([s.kind == "feed" for s in surfaces]),
            slots=np.array([s.slots for s in surfaces], dtype=np.int32),
            distinct=np.array([s.distinct for s in surfaces]),
            counts_repeats=np.array([s.already_following == "count" for s in surfaces]),
            reserved=np.array([threshold(s.support_share or 0) for s in surfaces], dtype=np.int64),
            examine=np.array([[threshold(p) for p in _examination(s.examination)] for s in surfaces]),
            looks_on=np.array([LOOKS_ON[s.examination.model] for s in surfaces]),
            organic=organic,
            support=np.full(shape, ORGANIC, np.int32),
            cumulative=cumulative,
            guide=guide,
            order=np.full((n_tables + 1, n if ranked.any() else 1), -1, np.int32),
            ranked=ranked,
            explore=explore,
            feed_weight=np.array([self._posts(s) for s in surfaces]),
            feed_affinity=np.array(
                [_integer_weights(self._powers_of_affinity(s.feed_weights.relevance)) for s in surfaces]
            ),
            vertical=population.vertical,
            quality=np.floor(population.quality * WORD).astype(np.int64),
            click=np.floor(click * WORD).astype(np.int64),
            follow=np.zeros((len(surfaces), n), np.int64),
            better_only=np.array([s.follow_rule == "better-than-followed" for s in surfaces]),
            unfollow=np.array([threshold(s.unfollow_prob) for s in surfaces], dtype=np.int64),
            order_base=np.where(population.shop, population.conversion_prob, 0.0) * population.people_per_fan * WORD,
            order_factor=self._order_factor(surfaces, np.array([s.buying for s in segments])),
            order_value=population.order_value_fen,
            follow_cap=np.array([scenario.fans.follow_cap], dtype=np.int64),
            keep=np.array([_hours(s.hours) for s in segments]),
            follows_open=np.zeros(1, np.bool_),
        )

    def _ways_of_filling(
        self, organic: NDArray[np.int32], support: NDArray[np.int32], n_tables: int
    ) -> tuple[NDArray[np.bool_], Int64s]:
        """Which tables fill slots in order, and which share of slots they leave to everybody alike.

        Organic tables do as their surface's ranking says, a placebo's like them; a policy's list is always drawn from.
        """
        ranked, explore = np.zeros(n_tables + 1, np.bool_), np.zeros(n_tables + 1, np.int64)
        for s, surface in enumerate(self._surfaces):
            rows = [organic[s]] if surface.kind != "feed" else []
            if self._supports[s] and self._policy is None:
                rows.append(support[s])
            for row in rows:
                ranked[row] = surface.ranking.selection == "top"
                explore[row] = threshold(surface.ranking.exploration)
        return ranked, explore

    def _posts(self, surface: Surface) -> Int64s:
        """Integer weight of each influencer's posts on a feed."""
        weights, population = surface.feed_weights, self._population
        posts: Floats = slots.powers(population.posts_per_day, weights.posts)
        return _integer_weights(posts * slots.powers(population.quality, weights.merit))

    def _order_factor(self, surfaces: list[Surface], buying: Floats) -> Floats:
        """Factor on orders per surface and segment; refused where a click brings more than can be counted."""
        factor = np.array([s.order_factor for s in surfaces])[:, None] * buying[None]
        orders = float(self._population.conversion_prob.max() * self._population.people_per_fan * factor.max())
        turnover = orders * float(self._population.order_value_fen.max())
        for what, most, got in (("orders", MAX_ORDERS_PER_CLICK, orders), ("fen", MAX_FEN_PER_CLICK, turnover)):
            if got > most:
                rule = f"must bring at most {most:.0f} {what} per click (conversion x people_per_fan x factors)"
                raise InputError(
                    [Fault(file=self._scenario.name, path="influencers.conversion_prob", rule=rule, value=f"{got:.6g}")]
                )
        return factor

    def open(self) -> None:
        """Day 0: from now on follows are taken and support is given."""
        self.tables.follows_open[0] = True
        self.tables.support[:] = self._support_rows

    def refresh(self, surface: int, now: int, followers: Int64s, tier: NDArray[np.int32]) -> None:
        """Freeze followers (and with them fame) and, where it is supported, tiers into the tables of a surface.

        Parameters
        ----------
        surface
            Its index.
        now
            Time [s].
        followers
            Shape (M,). Not changed.
        tier
            Shape (A,): tier held by each agency, -1: none. Not changed.
        """
        settings, tables = self._surfaces[surface], self.tables
        tables.follow[surface] = self._follow_thresholds(settings, followers)
        if settings.kind == "feed":
            return
        ranking = settings.ranking
        age_days = self._population.age_days + now / DAY
        fixed = self._fixed[surface]
        if ranking.freshness_half_life_days is not None:
            # Relative to the youngest, so that a platform of old accounts doesn't underflow.
            fixed = fixed * slots.halvings((age_days - age_days.min()) / ranking.freshness_half_life_days)
        organic = slots.organic_weights(followers, ranking.offset, ranking.popularity, fixed)
        self._build(organic, tables.organic[surface], self._relevance[surface])
        if not self._supports[surface] or not tables.follows_open[0]:
            return
        if self._policy is None:  # placebo: the organic weights on the way of support
            self._build(organic, self._support_rows[surface], self._relevance[surface])
            return
        people = self._population
        arrays = (followers, organic, people.quality, people.vertical, people.agency, tier)
        view = PlatformView(now / DAY, *(_read_only(a) for a in (*arrays, age_days, self._lots(now))))
        weights = self._policy(view, self._scenario.support)
        self._build(weights, self._support_rows[surface], self._support_relevance)

    def _build(self, weights: Floats, rows: NDArray[np.int32], factors: Floats) -> None:
        """Build the tables that the segments of a surface read, each once."""
        for segment in np.unique(rows, return_index=True)[1]:
            row = rows[segment]
            slots.build_table(
                weights,
                factors[segment],
                self._population.vertical,
                self.tables.cumulative[row],
                self.tables.guide[row],
            )
            if self.tables.ranked[row]:
                slots.rank(self.tables.cumulative[row], self.tables.order[row])

    def _lots(self, now: int) -> Floats:
        """A uniform number per influencer, new every 30 days."""
        month = now // (30 * DAY)
        if self._drawn_lots is None or self._drawn_lots[0] != month:
            n = self._population.vertical.size
            self._drawn_lots = month, draws.unit_draws_at(Lane.LOTTERY, 0, n, np.uint64(month), *self._key)
        return self._drawn_lots[1]

    def _follow_thresholds(self, settings: Surface, followers: Int64s) -> Int64s:
        """P(follow | click) of each influencer as a threshold: ``follow_prob * fame^follow_fame``, at most 1."""
        prob = np.full(followers.size, settings.follow_prob)
        if settings.follow_prob > 0 and settings.follow_fame != 0:
            mean = int(followers.sum()) / followers.size
            prob = prob * slots.powers((followers + 1.0) / (mean + 1.0), settings.follow_fame)
        thresholds: Int64s = np.floor(np.minimum(prob, 1.0) * WORD).astype(np.int64)
        return thresholds


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


def _number_rows(row: NDArray[np.int32], factors: Floats, n_tables: int) -> int:
    """Number the tables of a surface: segments with the same affinities share one. Returns the next free number."""
    seen: dict[tuple[float, ...], int] = {}
    for g, factor in enumerate(factors):
        row[g] = seen.setdefault(tuple(factor), n_tables + len(seen))
    return n_tables + len(seen)


def _integer_weights(amounts: Floats) -> Int64s:
    """Finite amounts >= 0 in proportion, the largest 2^20, at least 1 where there is any."""
    top = amounts.max()
    scaled = amounts / top if top > 0 else amounts
    return np.where(amounts > 0, np.maximum(1, np.floor(scaled * UNIT_WEIGHT)), 0).astype(np.int64)


def _read_only(array: NDArray) -> NDArray:  # type: ignore[type-arg]
    """A view that can't be written through."""
    view = array.view()
    view.flags.writeable = False
    return view
