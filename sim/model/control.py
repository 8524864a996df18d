"""The control plane: what happens to the platform, as SimPy processes; knows no sessions."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from functools import partial
from typing import Protocol

import numpy as np
from simpy import Environment, Event

from sim.calendar import DAY, MONTH, snapshot_times
from sim.model.agencies.history import History
from sim.model.agencies.ledger import Ledger
from sim.model.agencies.review import AgencyReview
from sim.model.agencies.tiers import YEAR, TierReview, review_tiers
from sim.model.clock import Order, moment
from sim.model.layout import Counter, Tables, Total
from sim.model.observation import Observation, State, Watch, decided
from sim.model.ranking.refreshes import Refreshes
from sim.model.ranking.surfaces import Surfaces
from sim.model.world.accounts import Accounts
from sim.model.world.entry import enter
from sim.model.world.limits import refuse_uncountable
from sim.model.world.population import Population
from sim.scenario.patch.phases import phase_scenarios
from sim.scenario.schema.scenario import Scenario
from sim.types import Int64s, Key

__all__ = ["Control"]

QUARTER = 90 * DAY


class Traffic(Protocol):
    """What the control plane knows of an engine."""

    tables: Tables

    @property
    def counts(self) -> Int64s:
        """Counts so far, shape (M, S, 11)."""

    def count(self, counter: Counter) -> Int64s:
        """One of them over all surfaces, shape (M,)."""

    def count_by_surface(self, counter: Counter) -> Int64s:
        """One of them over all influencers, shape (S,)."""

    @property
    def reads(self) -> Int64s:
        """Slots examined so far per influencer and segment, shape (M, G)."""

    @property
    def totals(self) -> Int64s:
        """Totals so far, shape (S, 7)."""


class Control:
    """All control processes of a run, and the state that they keep.

    Parameters
    ----------
    scenario, population
        The platform.
    key
        Seed and replication.
    watch
        Called after every control event; may raise to end the run.
    influencer
        Influencer whose counts on each surface are recorded, -1: none.
    """

    def __init__(
        self,
        scenario: Scenario,
        population: Population,
        key: Key,
        watch: Watch,
        influencer: int = -1,
    ) -> None:
        self._scenario = scenario
        self._phases = phase_scenarios(scenario)
        for _, later in self._phases:
            refuse_uncountable(later, population.largest())  # now, not when the phase begins
        self._population = population
        self._key = key
        self._watch = watch
        self._traffic: Traffic
        self.start = -scenario.warmup_days * DAY
        self.end = scenario.horizon_days * DAY
        self.accounts = Accounts(population)
        self.agency_review = AgencyReview(population, key)
        self.ledger = Ledger(population)
        self.tier = np.full(len(population.agencies), -1, np.int32)
        self.reviews: list[TierReview] = []
        self.refreshes = Refreshes(population)
        self._surfaces = Surfaces(scenario, self.accounts, key)
        self._surfaces.renew(self.start, self.tier)
        self._stale: bool | None = None
        self._known: tuple[int, Int64s] | None = None
        windows = {self.start, 0, max(self.end - QUARTER, 0), self.end}
        self.history = History(self.tables.is_feed, windows, influencer)

    @property
    def tables(self) -> Tables:
        """What sessions read now."""
        return self._surfaces.tables

    def processes(self, env: Environment, traffic: Traffic) -> Event:
        """Start all processes, with an engine that reads ``tables``; returns the event that ends the run."""
        self._traffic = traffic
        for process in (
            self._record_history,
            self._change_phase,
            self._review_agencies,
            self._let_enter,
            self._review_tiers,
            self._end_warmup,
        ):
            env.process(process(env))
        for interval, surfaces in self._refreshed_together().items():
            env.process(self._refresh(env, surfaces, interval))
        return moment(env, self.end - self.start, Order.STOP)

    def _agency_review_times(self) -> range:
        return range(0, self.end, self._scenario.contracts.review_days * DAY)

    def _tier_review_times(self) -> range:
        return range(0, self.end + 1, self._scenario.support.review_days * DAY)

    def _history_times(self) -> list[int]:
        """Every time that a review or a measure looks at or back to, or at which terms change [s]."""
        times = {self.start, 0, self.end, max(self.end - QUARTER, 0)}
        times |= {start_day * DAY for start_day, _ in self._phases} | set(self._agency_review_times())
        for time in snapshot_times(self._scenario.horizon_days):
            times |= {time, self.back(time, MONTH)}
        for time in self._tier_review_times():
            times |= {time, self.back(time, MONTH), self.back(time, YEAR)}
        return sorted(times)

    def back(self, time: int, window: int) -> int:
        """Start of a trailing window [s]: not before the records begin."""
        return max(time - window, self.start)

    def _record_history(self, env: Environment) -> Generator[Event, None, None]:
        for event in at(env, self._history_times(), Order.HISTORY):
            yield event
            now, traffic = int(env.now), self._traffic
            gmv, tips, reads = (traffic.count(c) for c in (Counter.GMV_FEN, Counter.TIPS_FEN, Counter.READS))
            self.ledger.accrue(now, gmv, tips, reads, self.accounts, self._scenario)
            self.history.record(now, traffic.counts, traffic.reads, self.accounts, self.ledger)
            self._show(now, Order.HISTORY)

    def _change_phase(self, env: Environment) -> Generator[Event, None, None]:
        scenarios = [scenario for _, scenario in self._phases]
        times = [start_day * DAY for start_day, _ in self._phases]
        for event, scenario in zip(at(env, times, Order.PHASE), scenarios, strict=True):
            yield event
            self._scenario = scenario
            self._surfaces = Surfaces(scenario, self.accounts, self._key)
            if env.now > 0:
                self._surfaces.end_warmup()
            self._traffic.tables = self.tables
            self._touch(env, refresh=True)
            self._show(int(env.now), Order.PHASE)

    def _review_agencies(self, env: Environment) -> Generator[Event, None, None]:
        for event in at(env, self._agency_review_times(), Order.AGENCY_REVIEW):
            yield event
            now = int(env.now)
            followers, scenario = self.followers(now), self._scenario
            if self.agency_review.review(now, self.accounts, self.ledger, followers, self.tier, scenario):
                self._touch(env, refresh=True)
            self._show(now, Order.AGENCY_REVIEW)

    def _let_enter(self, env: Environment) -> Generator[Event, None, None]:
        """Newcomers enter on their days, and when a vertical opens that some have waited for."""
        joined_at = self._population.joined_at[self._population.n_initial :]
        opens_at = {int(v.opens_at_days * DAY) for v in self._scenario.verticals.values()}
        times = {time for time in opens_at if time > 0} | set(joined_at.tolist())
        for event in at(env, sorted(time for time in times if time < self.end), Order.ENTRY):
            yield event
            now = int(env.now)
            if enter(now, self.accounts, self._scenario, self._key) or now in opens_at:
                self._touch(env)
            self._show(now, Order.ENTRY)

    def _review_tiers(self, env: Environment) -> Generator[Event, None, None]:
        for event in at(env, self._tier_review_times(), Order.TIER_REVIEW):
            yield event
            now = int(env.now)
            review = review_tiers(
                now, self._scenario, self.accounts, self.followers(now), self.history, self.agency_review.failed
            )
            self.reviews.append(review)
            if (self.tier != review.tier).any():
                self.tier[:] = review.tier
                self._touch(env)
            self._show(now, Order.TIER_REVIEW)

    def _end_warmup(self, env: Environment) -> Generator[Event, None, None]:
        yield moment(env, -self.start, Order.WARMUP_END)
        self._surfaces.end_warmup()
        self._show(int(env.now), Order.WARMUP_END)

    def _touch(self, env: Environment, *, refresh: bool = False) -> None:
        """What tables show has changed: freeze it before the next sessions; ``refresh``: all surfaces too."""
        if self._stale is None:
            event = moment(env, 0, Order.RENEWAL)
            event.callbacks.append(lambda _: self._renew(int(env.now)))
        self._stale = refresh or bool(self._stale)

    def _renew(self, now: int) -> None:
        refresh, self._stale = self._stale, None
        self._surfaces.renew(now, self.tier)
        if refresh:
            self._refresh_now(range(self.tables.is_feed.size), now)
        self._show(now, Order.RENEWAL)

    def _refreshed_together(self) -> dict[int, list[int]]:
        """Surfaces by the interval at which they are refreshed [s]."""
        together: dict[int, list[int]] = {}
        for surface, settings in enumerate(self._scenario.surfaces.values()):
            together.setdefault(settings.refresh_minutes * 60, []).append(surface)
        return together

    def _refresh(self, env: Environment, surfaces: list[int], interval: int) -> Generator[Event, None, None]:
        times = [*range(self.start, 0, interval), *range(0, self.end, interval)]
        for event in at(env, times, Order.REFRESH):
            yield event
            now = int(env.now)
            self._refresh_now(surfaces, now)
            self._show(now, Order.REFRESH)

    def _refresh_now(self, surfaces: Sequence[int], now: int) -> None:
        """Freeze what has happened into the tables of these surfaces, and note what they are like."""
        follows, reserved_follows = (
            self._traffic.count_by_surface(counter).tolist() for counter in (Counter.FOLLOWS, Counter.RESERVED_FOLLOWS)
        )
        for surface in surfaces:
            self._surfaces.refresh(surface, now, self.followers(now), self.tier)
        for surface in surfaces:
            if not self.tables.is_feed[surface]:
                self.refreshes.note(now, surface, follows[surface], reserved_follows[surface], self.tables)

    def _show(self, now: int, order: Order) -> None:
        """Let the watcher look at what an event has done."""
        followers, state = partial(self.followers, now), partial(self._decided, order)
        self._watch(
            Observation(now, order, followers, self._sessions, self._counted, self._surfaces.empty_share, state)
        )

    def _decided(self, order: Order) -> State:
        return decided(
            order,
            accounts=self.accounts,
            agency_review=self.agency_review,
            ledger=self.ledger,
            last_flows=self.history.last,
            last_tier_review=lambda: self.reviews[-1],
            tables=self.tables,
        )

    def _counted(self) -> State:
        traffic = self._traffic
        return {
            "influencer counts": traffic.counts,
            "influencer reads": traffic.reads,
            "table totals": traffic.totals,
        }

    def _sessions(self) -> int:
        return int(self._traffic.totals[:, Total.SESSIONS].sum())

    def followers(self, now: int) -> Int64s:
        """Followers now [simulated fans], shape (M,)."""
        if self._known is None or self._known[0] != now:
            change = self._traffic.count(Counter.FOLLOWS) - self._traffic.count(Counter.UNFOLLOWS)
            self._known = now, self._population.followers + change
        return self._known[1]


def at(env: Environment, times: Iterable[int], order: Order) -> Iterable[Event]:
    """Events at these ascending times [s], each made when the one before has happened."""
    for time in times:
        yield moment(env, time - int(env.now), order)
