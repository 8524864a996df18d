"""The surfaces: what is shown where with which weight, frozen into tables at each refresh; knows no sessions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.errors import Fault, InputError
from sim.model import slots
from sim.model.frozen import Tables
from sim.model.policies import POLICIES, PlatformView
from sim.model.population import Population, affinities
from sim.scenario.platform import Surface
from sim.scenario.scenario import Scenario
from sim.streams import power, threshold

__all__ = ["Surfaces"]

MAX_SLOTS = 255
UNIT_WEIGHT = float(1 << 20)
MAX_ORDERS_PER_CLICK = float(1 << 30)
MAX_FEN_PER_CLICK = 1e12
WORD = 4294967296.0
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
    """

    def __init__(self, scenario: Scenario, population: Population) -> None:
        self._scenario = scenario
        self._population = population
        self._surfaces = list(scenario.surfaces.values())
        self._affinity = affinities(scenario)
        policy = scenario.support.policy
        self._policy = POLICIES.get(policy)
        self._supports = [s.kind != "feed" and policy != "none" and (s.support_share or 0) > 0 for s in self._surfaces]
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
        organic, support = np.zeros(shape, np.int32), np.full(shape, -1, np.int32)
        n_tables = 0
        for s, surface in enumerate(surfaces):
            if surface.kind != "feed":
                n_tables = _number_rows(organic[s], self._relevance[s], n_tables)
        for s, supported in enumerate(self._supports):
            if supported:
                rows = self._relevance[s] if self._policy is None else self._support_relevance
                n_tables = _number_rows(support[s], rows, n_tables)
        self._support_rows = support
        n_buckets = 1 << max(1, (n - 1).bit_length())
        share = np.array([s.session_share for s in surfaces])
        visits = np.floor(np.add.accumulate(share) * WORD).astype(np.int64)
        visits[np.flatnonzero(share)[-1] :] = 1 << 32  # a sum of shares may fall short of 1 by rounding
        examine = np.zeros((len(surfaces), MAX_SLOTS), np.int64)
        for s, surface in enumerate(surfaces):
            for k in range(surface.slots):
                examine[s, k] = threshold(power(k + 1.0, -surface.examination.exponent))
        posts = population.posts_per_day
        top = posts.max()
        click = np.array([s.click_prob for s in surfaces])[:, None, None] * self._affinity[None]
        return Tables(
            visits=np.tile(visits, (n_segments, 1)),
            is_feed=np.array([s.kind == "feed" for s in surfaces]),
            slots=np.array([s.slots for s in surfaces], dtype=np.int32),
            distinct=np.array([s.distinct for s in surfaces]),
            counts_repeats=np.array([s.already_following == "count" for s in surfaces]),
            reserved=np.array([threshold(s.support_share or 0) for s in surfaces], dtype=np.int64),
            examine=examine,
            organic=organic,
            support=np.full(shape, -1, np.int32),
            cumulative=np.zeros((max(n_tables, 1), n), np.int64),
            guide=np.zeros((max(n_tables, 1), n_buckets), np.int32),
            feed_weight=_integer_weights(posts / top if top > 0 else posts),
            feed_affinity=_integer_weights(self._affinity),
            vertical=population.vertical,
            quality=np.floor(population.quality * WORD).astype(np.int64),
            click=np.floor(click * WORD).astype(np.int64),
            follow=np.zeros((len(surfaces), n), np.int64),
            order_base=np.where(population.shop, population.conversion_prob, 0.0) * population.people_per_fan * WORD,
            order_factor=self._order_factor(surfaces, np.array([s.buying for s in segments])),
            order_value=population.order_value_fen,
            follows_open=np.zeros(1, np.bool_),
        )

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

    def refresh(self, surface: int, followers: Int64s, tier: NDArray[np.int32]) -> None:
        """Freeze followers (and with them fame) and, where it is supported, tiers into the tables of a surface.

        Parameters
        ----------
        surface
            Its index.
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
        organic = slots.organic_weights(followers, ranking.offset, ranking.popularity, self._fixed[surface])
        self._build(organic, tables.organic[surface], self._relevance[surface])
        if not self._supports[surface] or not tables.follows_open[0]:
            return
        if self._policy is None:  # placebo: the organic weights on the way of support
            self._build(organic, self._support_rows[surface], self._relevance[surface])
            return
        view = PlatformView(*(_read_only(a) for a in (followers, organic, self._population.agency, tier)))
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

    def _follow_thresholds(self, settings: Surface, followers: Int64s) -> Int64s:
        """P(follow | click) of each influencer as a threshold: ``follow_prob * fame^follow_fame``, at most 1."""
        prob = np.full(followers.size, settings.follow_prob)
        if settings.follow_prob > 0 and settings.follow_fame != 0:
            mean = int(followers.sum()) / followers.size
            prob = prob * slots.powers((followers + 1.0) / (mean + 1.0), settings.follow_fame)
        thresholds: Int64s = np.floor(np.minimum(prob, 1.0) * WORD).astype(np.int64)
        return thresholds


def _number_rows(row: NDArray[np.int32], factors: Floats, n_tables: int) -> int:
    """Number the tables of a surface: segments with the same affinities share one. Returns the next free number."""
    seen: dict[tuple[float, ...], int] = {}
    for g, factor in enumerate(factors):
        row[g] = seen.setdefault(tuple(factor), n_tables + len(seen))
    return n_tables + len(seen)


def _integer_weights(amounts: Floats) -> Int64s:
    """Amounts in [0, 1] as integers up to 2^20, at least 1 where there is any."""
    return np.where(amounts > 0, np.maximum(1, np.floor(amounts * UNIT_WEIGHT)), 0).astype(np.int64)


def _read_only(array: NDArray) -> NDArray:  # type: ignore[type-arg]
    """A view that can't be written through."""
    view = array.view()
    view.flags.writeable = False
    return view
