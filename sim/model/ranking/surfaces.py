"""The surfaces: what is shown where with which weight, frozen into tables at control events; knows no sessions."""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.calendar import DAY, MONTH
from sim.model.agencies.services import custom_products, sales_factors
from sim.model.kernel import draws, slot_tables
from sim.model.layout import VERTICAL_BITS
from sim.model.ranking.blank_tables import WORD, blank_tables, integer_weights, powers_of_affinity
from sim.model.ranking.policies import PlatformView, policy_named
from sim.model.world.accounts import Accounts
from sim.model.world.entry import crowding, open_verticals
from sim.scenario.resolve.follows import affinities
from sim.scenario.schema.platform import Surface
from sim.scenario.schema.scenario import Scenario
from sim.scenario.schema.surface_kinds import KINDS
from sim.streams import Lane
from sim.types import Floats, Int32s, Int64s, Key

__all__ = ["Surfaces"]


class Surfaces:
    """The tables that sessions read, and how they are made from the state of the platform.

    Parameters
    ----------
    scenario
        Resolved scenario of one arm, or of one of its phases.
    accounts
        The accounts that are shown. Not changed.
    key
        Seed and replication.
    """

    def __init__(self, scenario: Scenario, accounts: Accounts, key: Key) -> None:
        self._key = key
        self._drawn_lots: tuple[int, Floats] | None = None
        self._looked_at: int | None = None
        self._built: dict[int, _Built] = {}
        self._built_now: list[_Built] = []
        self._known_powers: dict[tuple[float, float, float], Floats] = {}
        self._is_empty: dict[int, bool] = {}
        self._mean_followers = 0.0
        self._scenario = scenario
        self._accounts = accounts
        self._order = accounts.population.by_size()
        self._surfaces = list(scenario.surfaces.values())
        self._affinity = affinities(scenario)
        arm = next(iter(scenario.arms))  # the one that it is the scenario of
        self._policy = policy_named(scenario.support.policy, arm, accounts.population.influencers)
        self._relevance = [powers_of_affinity(self._affinity, s.ranking.relevance) for s in self._surfaces]
        self._support_relevance = powers_of_affinity(self._affinity, scenario.support.relevance)
        self.tables, self._rows = blank_tables(scenario, accounts.population, own_list=self._policy is not None)
        self._by_lot = np.zeros(self._rows.n + 1, np.bool_)
        for s, surface in enumerate(self._surfaces):
            for rows in (self._rows.organic[s], self._rows.support[s]):
                self._by_lot[rows[rows >= 0]] |= surface.ranking.ties == "lot" and not KINDS[surface.kind].is_feed

    def end_warmup(self) -> None:
        """From now on follows are counted and support is given."""
        self.tables.takes_follows[0] = True
        self.tables.support[:] = self._rows.support
        self.tables.custom[:] = self._rows.custom

    def renew(self, now: int, tier: Int32s) -> None:
        """Freeze who is present, what they post and sell and which services they have; a refresh does the rest.

        Parameters
        ----------
        now
            Time [s].
        tier
            Shape (A,): tier of each agency, -1: none. Not changed.
        """
        accounts, tables, scenario = self._accounts, self.tables, self._scenario
        self._present = accounts.present
        self._looked_at = None
        self._built.clear()  # accounts may have moved to other verticals
        self._built_now.clear()
        self._open = open_verticals(now, scenario)[accounts.vertical]
        self._fixed = [self._fixed_weight(surface) for surface in self._surfaces]
        tables.vertical[:] = accounts.vertical
        tables.quality[:] = np.floor(accounts.quality * WORD)
        tables.traits[:] = tables.quality << VERTICAL_BITS | tables.vertical
        click = np.array([s.click_prob for s in self._surfaces])[:, None, None] * self._affinity[None]
        tables.click[:] = np.floor(click * crowding(accounts, scenario) * WORD)
        for s, surface in enumerate(self._surfaces):
            if KINDS[surface.kind].is_feed:
                tables.feed_weight[s] = self._posts(surface)
        tables.shop[:] = accounts.shop & self._present & self._open
        sells = accounts.population.conversion_prob * accounts.population.people_per_fan * WORD
        tables.order_base[:] = np.where(tables.shop, sells * sales_factors(accounts, tier, scenario), 0.0)
        all_present = self._present.astype(np.float64)
        self._build(all_present, np.array([-1], np.int32), np.ones((1, len(scenario.verticals))))
        self._custom_products = custom_products(accounts, tier, scenario) & tables.shop

    def _fixed_weight(self, surface: Surface) -> Floats:
        """Factor of each influencer's organic weight on a surface that doesn't depend on followers and age."""
        weight: Floats = slot_tables.powers(self._accounts.quality, surface.ranking.merit)
        weight = weight * self._present
        kind = KINDS[surface.kind]
        if kind.open_verticals_only:
            weight = weight * self._open
        if kind.on_air_only:
            weight = weight * self._accounts.live_hours_per_day
        return weight

    def _posts(self, surface: Surface) -> Int64s:
        """Integer weight of each influencer's posts on a feed."""
        weights, accounts = surface.feed_weights, self._accounts
        posts: Floats = slot_tables.powers(accounts.posts_per_day, weights.posts)
        return integer_weights(posts * slot_tables.powers(accounts.quality, weights.merit) * self._present)

    def refresh(self, surface: int, now: int, followers: Int64s, tier: Int32s) -> None:
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
            Shape (A,): tier of each agency, -1: none. Not changed.
        """
        settings, tables = self._surfaces[surface], self.tables
        self._look_at(now, followers)
        self._freeze_follows(surface, followers)
        if KINDS[settings.kind].is_feed:
            return
        ranking = settings.ranking
        fixed = self._fixed[surface]
        if ranking.freshness_half_life_days is not None:
            # Relative to the youngest, so that a platform of old accounts doesn't underflow.
            age_days = self._age_days(now)
            youngest = age_days[self._present].min(initial=np.inf)
            fixed = fixed * slot_tables.halvings(
                np.maximum(age_days - youngest, 0.0) / ranking.freshness_half_life_days
            )
        offset = self._in_fans(ranking.offset_people)
        organic = slot_tables.products(self._powers(followers, offset, 1.0, ranking.popularity), fixed)
        self._build(organic, tables.organic[surface], self._relevance[surface])
        rows = tables.support[surface]  # all organic up to day 0
        if rows[0] >= 0:
            self._support(surface, rows, now, followers, organic, tier, self._relevance[surface])
        if tables.custom[surface] >= 0:
            weights = self._custom_products.astype(np.float64)
            self._build(weights, tables.custom[surface : surface + 1], np.ones((1, self._affinity.shape[1])))

    def _support(
        self,
        surface: int,
        rows: Int32s,
        now: int,
        followers: Int64s,
        organic: Floats,
        tier: Int32s,
        relevance: Floats,
    ) -> None:
        """Build the tables of a surface's reserved slots."""
        if self._policy is None:  # placebo: the organic weights, used as support
            self._build(organic, rows, relevance)
            return
        accounts = self._accounts
        arrays = (followers, organic, accounts.quality, accounts.vertical, accounts.agency, tier)
        more = (self._age_days(now), self._lots(now), self._present)
        people_per_fan = accounts.population.people_per_fan
        view = PlatformView(now / DAY, people_per_fan, *(_read_only(a) for a in (*arrays, *more)))
        weights = self._policy(view, self._scenario.support) * (self._present & self._open)
        if KINDS[self._surfaces[surface].kind].on_air_only:
            weights = weights * (accounts.live_hours_per_day > 0)
        if surface not in self._is_empty:
            self._is_empty[surface] = not weights.any()
        self._build(weights, rows, self._support_relevance)

    def empty_share(self) -> float | None:
        """Expected share of the reserved slots whose list was empty when it was first made.

        None while a list isn't made; 0 where no policy gives lists.
        """
        if self._policy is None:
            return 0.0
        offered = {
            s: surface.session_share * surface.slots * (surface.support_share or 0.0)
            for s, surface in enumerate(self._surfaces)
            if self._rows.support[s, 0] >= 0
        }
        if len(self._is_empty) < len(offered):
            return None
        found = sum(offered[s] for s, is_empty in self._is_empty.items() if is_empty)
        return found / sum(offered.values()) if found else 0.0

    def _build(self, weights: Floats, rows: Int32s, factors: Floats) -> None:
        """Build the tables that the segments of a surface read, each once, or copy equal ones."""
        tables = self.tables
        segments = {row: segment for segment, row in enumerate(rows.tolist())}
        own = np.array(list(segments), dtype=np.int32)
        wanted = _Built(weights, factors[list(segments.values())], own)
        if wanted.equals(self._built.get(int(own[0]))):
            return
        same = next((built for built in self._built_now if wanted.equals(built)), None)
        if same:
            tables.weight[own], tables.alias[own] = tables.weight[same.rows], tables.alias[same.rows]
        else:
            vertical = self._accounts.vertical
            slot_tables.build_tables(weights, wanted.factors, vertical, self._order, own, tables.weight, tables.alias)
            self._built_now.append(wanted)
        self._built[int(own[0])] = wanted
        for row in own[tables.ranked[own]]:
            slot_tables.rank(tables.weight[row], self._ties if self._by_lot[row] else None, tables.order[row])

    @cached_property
    def _ties(self) -> Floats:
        """A uniform number per influencer, the same at all times; drawn where a ranking asks for it."""
        lots: Floats = draws.unit_draws_of(Lane.TIE, 0, self._accounts.population.addresses(self._key))
        return lots

    def _age_days(self, now: int) -> Floats:
        """Age of each account, 0 before it enters [days]."""
        return np.maximum(self._accounts.population.age_days + now / DAY, 0.0)

    def _look_at(self, now: int, followers: Int64s) -> None:
        """Forget the powers of other times, and note the mean account's followers."""
        if self._looked_at != now:
            self._looked_at = now
            self._known_powers.clear()
            self._built_now.clear()
            self._mean_followers = int(followers @ self._present) / max(int(np.count_nonzero(self._present)), 1)

    def _in_fans(self, people: float | None) -> float:
        """A number of people as simulated fans; None: one of these."""
        return 1.0 if people is None else people / self._accounts.population.people_per_fan

    def _powers(self, followers: Int64s, offset: float, scale: float, exponent: float) -> Floats:
        """``((followers + offset) / scale)^exponent``, once for all surfaces that need it at a time."""
        key = (offset, scale, exponent)
        if key not in self._known_powers:
            self._known_powers[key] = slot_tables.powers_of_ratios(followers, offset, scale, exponent)
        return self._known_powers[key]

    def _lots(self, now: int) -> Floats:
        """A uniform number per influencer, new every 30 days."""
        month = now // MONTH
        if self._drawn_lots is None or self._drawn_lots[0] != month:
            own = self._accounts.population.addresses(self._key)
            self._drawn_lots = month, draws.unit_draws_of(Lane.LOTTERY, month, own)
        return self._drawn_lots[1]

    def _freeze_follows(self, surface: int, followers: Int64s) -> None:
        """P(follow | click) of each influencer: ``follow_prob * fame^follow_fame``, at most 1."""
        settings = self._surfaces[surface]
        if settings.follow_prob == 0:
            return  # as the tables were made
        offset = self._in_fans(settings.fame_offset_people)
        # Without followers and offset all accounts are as famous.
        fame = self._powers(followers, offset, self._mean_followers + offset or 1.0, settings.follow_fame)
        slot_tables.follow_thresholds(fame, settings.follow_prob, self.tables.follow[surface])


class _Built(NamedTuple):
    """What slot tables were made of: weights, shape (M,), factors by row and vertical, shape (R, V), and the rows."""

    weights: Floats
    factors: Floats
    rows: Int32s

    def equals(self, other: _Built | None) -> bool:
        """Whether tables of the other one are equal to these."""
        return (
            other is not None
            and np.array_equal(self.factors, other.factors)
            and (self.weights is other.weights or np.array_equal(self.weights, other.weights))
        )


def _read_only(array: NDArray) -> NDArray:  # type: ignore[type-arg]
    """A view that can't be written through."""
    view = array.view()
    view.flags.writeable = False
    return view
