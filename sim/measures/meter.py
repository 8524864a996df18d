"""The values of a run's measures: what each is given to look at, frame by frame; Lorenz curves and moves between tiers.

It knows no single measure: those are declared in their own modules.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from sim.analysis.amounts import exact_sum
from sim.analysis.concentration import group_share, head_members, head_size, lorenz
from sim.analysis.entropy import theils
from sim.analysis.mobility import decile_transitions, n_moves, state_transitions
from sim.calendar import DAY, snapshot_times
from sim.measures.index import Frame, MeasureIndex
from sim.measures.own import checked_functions
from sim.measures.subgroups import NO_GROUPS, Groups, Split, Subgroups, Who
from sim.measures.views import UNDEFINED, AccountTraits, FanReads, Holding, Platform, Totals
from sim.model.agencies.history import RECORDED_FLOWS
from sim.model.simulation import Outcome
from sim.scenario.resolve.follows import affinities
from sim.scenario.schema.measurable import GROUPS
from sim.scenario.schema.scenario import Scenario
from sim.types import Floats, Int64s

__all__ = ["LORENZ_POINTS", "lorenz_curves", "measure", "support_effect", "tier_transitions", "transitions"]

COUNTED_IN_FULL = ("orders", "gmv", "tips", "income", "take", "cuts", "profit")
"""Quantities that the model counts as real ones; the others are of simulated fans."""
LORENZ_POINTS = 101
NO_PLACES: Int64s = np.zeros(0, np.int64)


class Flows:
    """Flows of each influencer, the rows of the last window asked for being kept."""

    def __init__(self, outcome: Outcome) -> None:
        self._outcome = outcome
        self._window: tuple[int, int] | None = None
        self._rows: Int64s = np.zeros((0, 0), np.int64)

    def row(self, name: str, start: int, end: int) -> Int64s:
        """A row of the history over [start, end) [s], shape (M,)."""
        if self._window != (start, end):
            self._window, self._rows = (start, end), self._outcome.history.between(start, end)
        return np.asarray(self._rows[RECORDED_FLOWS.index(name)])

    def amounts(self, frame: Frame) -> Int64s:
        """What each influencer has of a frame's quantity, shape (M,)."""
        if frame.start is None:
            return self._outcome.followers(frame.time)
        window = (frame.start, frame.time)
        if frame.quantity == "exposure":
            return self.row("exposure_feed", *window) + self.row("exposure_discovery", *window)
        if frame.quantity == "net_follows":
            return self.row("new_follows", *window) - self.row("unfollows", *window)
        return self.row(frame.quantity, *window)


View = Holding | Platform | FanReads


class Meter:
    """What the measures of a run are given to look at, frame by frame.

    The head is the k largest, k fixed at day 0, ranked again at each time; the initial head are those k of day 0 by
    followers. The tail is that of the k = 10 % largest.
    """

    def __init__(self, outcome: Outcome, scenario: Scenario, index: MeasureIndex, groups: Groups) -> None:
        population = outcome.population
        self._outcome = outcome
        self._flows = Flows(outcome)
        self._subgroups = Subgroups(outcome, groups)
        times = snapshot_times(scenario.horizon_days)
        followers = np.stack([outcome.followers(time) for time in times])
        self._accounts = AccountTraits(
            followers=followers,
            times=np.array(times, dtype=np.int64),
            quality=population.quality,
            n_initial=population.n_initial,
            explosive_gmv_fen_per_year=scenario.explosive_gmv_fen_per_year,
        )
        at_start = followers[0]
        self._followers_at_start = at_start
        self._heads = self._subgroups.heads(at_start)
        self._at_start = {level: _sums(split, at_start) for level, split in self._subgroups.splits(0).items()}
        self._with_heads: dict[str, dict[Who, None]] = {}
        for part in index.parts:
            if (who := (part.population, part.level)) in self._heads:
                self._with_heads.setdefault(part.frame.quantity, {})[who] = None
        self._affinity = affinities(scenario)
        self._n_tiers = len(scenario.support.tiers)
        kinds = [surface.kind for surface in scenario.surfaces.values()]
        self._surfaces = {kind: [s for s, own in enumerate(kinds) if own == kind] for kind in GROUPS["platform"]}
        self._frame: Frame | None = None
        self._time = -1

    def view(self, frame: Frame, population: str, level: str) -> View:
        """What a measure of this population at this level is given; the same object for all measures of it."""
        if frame != self._frame:
            self._turn_to(frame)
        if (population, level) not in self._views:
            self._views[population, level] = self._made(frame, population, level)
        return self._views[population, level]

    def _turn_to(self, frame: Frame) -> None:
        if frame.time != self._time:
            time = self._time = frame.time
            self._populations = self._subgroups.populations(time)
            self._splits = self._subgroups.splits(time)
            self._places = {who: self._populations[who].places(h.initial) for who, h in self._heads.items()}
            self._all_active = self._populations["active", "influencer"].n == self._populations["all", "influencer"].n
        self._frame = frame
        self._views: dict[Who, View] = {}
        self._theils: dict[int, float] = {}
        self._held: dict[str, dict[str, int]] = {}
        self._people = 1.0 if frame.quantity in COUNTED_IN_FULL else self._outcome.population.people_per_fan
        match frame.quantity:
            case "cuts":
                self._amounts = self._subgroups.cut(frame.time).astype(np.int64)
            case "accounts" | "tiers":
                self._amounts = self._subgroups.present(frame.time).astype(np.int64)
            case "profit" | "utility":
                self._amounts = NO_PLACES
            case _:
                self._amounts = self._flows.amounts(frame)

    def _made(self, frame: Frame, population: str, level: str) -> View:
        if level == "fan":
            return self._fans(frame)
        if population in GROUPS["platform"]:
            return self._surfaces_of(frame, population)
        if level == "platform":
            return self._platform(frame)
        if frame.quantity == "profit":
            return self._profits(frame, population)
        if population == "active" and self._all_active:
            return self.view(frame, "all", level)  # where all that have entered are active, both populations are one
        return self._holding(frame, population, level)

    def _holding(self, frame: Frame, population: str, level: str) -> Holding:
        who = (population, level)
        if who in self._populations:
            holders = self._populations[who]
            n, take_amounts = holders.n, partial(holders.amounts, self._amounts)
        else:
            group = self._splits[level].names.index(population)
            n = int(self._splits[level].n_members[group])
            take_amounts = partial(self._of_group, group, level)
        is_stock = frame.quantity == "followers"
        if level in self._splits and (population == "all" or who not in self._populations):
            totals = partial(self._totals_of_split, self._splits[level], population, level, is_stock)
        else:
            totals = partial(self._totals_of_population, who, take_amounts, is_stock)
        places = self._places.get(who, NO_PLACES)
        return Holding(n, self._people, self._heads.get(who), places, take_amounts, totals, self._theil)

    def _of_group(self, group: int, level: str) -> Int64s:
        """What each of a group's members has, shape (n,)."""
        if level == "agency":
            amounts = self._populations["all", "agency"].amounts(self._amounts)
            return np.asarray(amounts[self._subgroups.agency_group == group])
        entered = self._subgroups.entered(self._time)
        return np.asarray(self._amounts[entered & (self._subgroups.account_group == group)])

    def _totals_of_split(self, split: Split, population: str, level: str, is_stock: bool) -> Totals:
        """Totals of a group or of all, given what each group has; summed once for all groups of a frame."""
        if level not in self._held:
            self._held[level] = _sums(split, self._amounts)
        own = self._held[level]
        return Totals(own[population], own["all"], self._at_start[level][population] if is_stock else None)

    def _totals_of_population(self, who: Who, take_amounts: Callable[[], Int64s], is_stock: bool) -> Totals:
        at_start = self._populations[who].amounts(self._followers_at_start) if is_stock else None
        everything = exact_sum(self._amounts)
        return Totals(exact_sum(take_amounts()), everything, None if at_start is None else exact_sum(at_start))

    def _theil(self, held: Holding) -> float:
        """Theil's index of a holding; those of all in the frame are computed together, which saves calls."""
        if not self._theils and self._frame is not None:
            views = {id(v): v for who in self._with_heads[self._frame.quantity] if (v := self.view(self._frame, *who))}
            held_by = [v for v in views.values() if isinstance(v, Holding) and v.concentration is not UNDEFINED]
            found = theils([v.amounts for v in held_by])
            self._theils = dict.fromkeys(views, math.nan) | dict(zip(map(id, held_by), found, strict=True))
        return self._theils.get(id(held), math.nan)

    def _surfaces_of(self, frame: Frame, kind: str) -> Holding:
        assert frame.start is not None  # turnover is a flow
        upto = self._outcome.history.surface_gmv
        gmv = upto[frame.time] - upto[frame.start]
        return self._counted(gmv[self._surfaces[kind]], gmv)

    def _profits(self, frame: Frame, population: str) -> Holding:
        assert frame.start is not None  # profit is a flow
        upto = self._outcome.history.profit
        profit = upto[frame.time] - upto[frame.start]
        if population == "all":
            return self._counted(profit, profit)
        chosen = self._subgroups.agency_group == GROUPS["agency"].index(population)
        return self._counted(profit[chosen], profit)

    def _counted(self, own: Int64s, everything: Int64s) -> Holding:
        """Holders of these amounts, which may be negative and have no head."""
        return Holding(
            own.size,
            self._people,
            None,
            NO_PLACES,
            lambda: own,
            lambda: Totals(exact_sum(own), exact_sum(everything), None),
            self._theil,
        )

    def _platform(self, frame: Frame) -> Platform:
        time, subgroups, outcome = frame.time, self._subgroups, self._outcome

        def flow(name: str) -> Int64s:
            start = time if frame.start is None else frame.start
            return self._flows.row(name, start, time)

        def tier_moves() -> tuple[int, int]:
            return n_moves(tier_transitions(outcome, self._n_tiers, time))

        return Platform(
            time=time,
            start=frame.start,
            people=self._people,
            amounts=self._amounts,
            entered=subgroups.entered(time),
            present=subgroups.present(time),
            cut=subgroups.cut(time),
            left=subgroups.left(time),
            agency=outcome.history.agency[time],
            vertical=outcome.accounts.vertical,
            accounts=self._accounts,
            take_flow=flow,
            take_tier_moves=tier_moves,
        )

    def _fans(self, frame: Frame) -> FanReads:
        assert frame.start is not None  # utility is a flow
        history = self._outcome.history
        reads = history.reads[frame.time] - history.reads[frame.start]
        quality, vertical = self._outcome.population.quality, self._outcome.accounts.vertical
        return FanReads(frame.time, frame.start, reads, quality, self._affinity, vertical)


def _sums(split: Split, amounts: Int64s) -> dict[str, int]:
    """What each group of a level has together, and all of them."""
    held = split.holders.amounts(amounts).tolist()
    return dict(zip((*split.names, "all"), (*held, sum(held)), strict=True))


def measure(outcome: Outcome, scenario: Scenario, groups: Groups = NO_GROUPS) -> Floats:
    """All measures of a run, in the order of ``MeasureIndex.keys``.

    Parameters
    ----------
    outcome, scenario
        The run and the resolved scenario of its arm.
    groups
        Groups by a column of the roster that are measured too.

    Returns
    -------
    ndarray
        Shape (n,); nan where undefined.

    Raises
    ------
    InputError
        A measure of the user's own fails, or gives what is no measure.
    """
    index = MeasureIndex(scenario.horizon_days, scenario.warmup_days, tuple(groups))
    meter = Meter(outcome, scenario, index, groups)
    own = checked_functions()
    values: list[float] = []
    for frame, population, level, measures in index.parts:
        view: Any = meter.view(frame, population, level)
        if own and measures[0] in own:
            values += [own[each](view, frame.key(population, level, each.name)) for each in measures]
        else:
            values += [each.function(view) for each in measures]
    return np.array(values)


def transitions(outcome: Outcome, horizon_days: int) -> Int64s:
    """Influencers of day 0 by decile of followers then and at the end, shape (10, 10), the smallest tenth first."""
    n = outcome.population.n_initial
    return decile_transitions(outcome.followers(0)[:n], outcome.followers(horizon_days * DAY)[:n])


def tier_transitions(outcome: Outcome, n_tiers: int, until: int) -> Int64s:
    """Steps of agencies from one tier review to the next, over all reviews up to a time [s].

    Returns
    -------
    ndarray
        Shape (n_tiers + 1, n_tiers + 1): from and to, the highest tier first, no tier last.
    """
    tiers = [np.where(review.tier < 0, n_tiers, review.tier) for review in outcome.reviews if review.time <= until]
    return state_transitions(np.stack(tiers), n_tiers + 1)


def lorenz_curves(outcome: Outcome, horizon_days: int) -> Floats:
    """Lorenz curves over all influencers that have entered, in the order of ``MeasureIndex.lorenz_keys``.

    Returns
    -------
    ndarray
        Shape (n, 101): share held by the smallest 0 %, 1 %, ... 100 %; nan where undefined.
    """
    flows, subgroups = Flows(outcome), Subgroups(outcome)
    wanted = MeasureIndex(horizon_days, 0, own=()).lorenz_frames
    return np.array([lorenz(flows.amounts(f)[subgroups.entered(f.time)], LORENZ_POINTS) for f in wanted])


def support_effect(outcome: Outcome, horizon_days: int) -> tuple[float, float, float]:
    """Parts of the initial head's share of followers at the end, ``S = (1 - w) S0 + w n_H``.

    Returns
    -------
    tuple
        S0, its share at day 0; w, new / (old + new) follows; n_H, its share of the new follows, net of unfollows. nan
        where undefined.
    """
    start, end = outcome.followers(0), outcome.followers(horizon_days * DAY)
    head = head_members(start, head_size(outcome.population.n_initial, 0.01))
    n_new, n_new_of_head = int((end - start).sum()), int((end - start)[head].sum())
    total = int(end.sum())
    return (
        group_share(start, head),
        n_new / total if total else float("nan"),
        n_new_of_head / n_new if n_new else float("nan"),
    )
