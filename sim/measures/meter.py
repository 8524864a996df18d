"""What is measured on a run: a value for each of its cells, its Lorenz curves, moves between deciles and tiers."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from sim.analysis.amounts import exact_sum, ratio
from sim.analysis.concentration import group_share, head_members, head_size, lorenz
from sim.analysis.entropy import theils
from sim.analysis.mobility import decile_transitions, n_moves, state_transitions
from sim.analysis.tail import top_tail
from sim.analysis.utility import mean_utility
from sim.analysis.welfare import ecommerce_share, growth, n_losing
from sim.calendar import DAY, snapshot_times
from sim.measures.index import Frame, frames, lorenz_frames, measured
from sim.measures.mobility_and_merit import MobilityAndMerit
from sim.measures.subgroups import NO_GROUPS, Groups, Heads, Split, Subgroups
from sim.model.agencies.history import RECORDED_FLOWS
from sim.model.simulation import Outcome
from sim.model.world.accounts import AccountStatus
from sim.scenario.resolve.follows import affinities
from sim.scenario.schema.measurable import GROUPS, HELD
from sim.scenario.schema.scenario import Scenario
from sim.types import Floats, Int64s

__all__ = ["LORENZ_POINTS", "lorenz_curves", "measure", "support_effect", "tier_transitions", "transitions"]

COUNTED_IN_FULL = ("orders", "gmv", "tips", "income")
"""Quantities that the model counts as real ones; the others are of simulated fans."""
LORENZ_POINTS = 101
Found = dict[tuple[str, str], dict[str, float]]
"""Measures by name, of each population and level."""


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


class Meter:
    """Measures of a run, frame by frame.

    The head is the k largest, k fixed at day 0, ranked anew at each time; the initial head are those k of day 0 by
    followers. The tail is that of the k = 10 % largest.
    """

    def __init__(self, outcome: Outcome, scenario: Scenario, groups: Groups) -> None:
        population = outcome.population
        self._groups = tuple(groups)
        self._outcome = outcome
        self._flows = Flows(outcome)
        self._scale = population.people_per_fan
        self._subgroups = Subgroups(outcome, groups)
        times = snapshot_times(scenario.horizon_days)
        followers = np.stack([outcome.followers(time) for time in times])
        explosive = scenario.explosive_gmv_fen_per_year
        self._mobility_and_merit = MobilityAndMerit(
            times, followers, population.quality, population.n_initial, explosive
        )
        at_start = followers[0]
        of_day_0 = self._subgroups.populations(0).items()
        self._heads = {who: heads for who, holders in of_day_0 if (heads := Heads.of(holders, at_start))}
        self._at_start = {level: split.holders.amounts(at_start) for level, split in self._subgroups.splits(0).items()}
        self._followers_at_start = at_start
        self._affinity = affinities(scenario)
        self._n_tiers = len(scenario.support.tiers)
        kinds = [surface.kind for surface in scenario.surfaces.values()]
        self._kinds = [[s for s, own in enumerate(kinds) if own == kind] for kind in GROUPS["platform"]]
        self._look_at(0)

    def _look_at(self, time: int) -> None:
        self._time = time
        self._entered = self._subgroups.entered(time)
        self._populations = self._subgroups.populations(time)
        self._splits = self._subgroups.splits(time)
        self._places = {who: self._populations[who].places(h.initial) for who, h in self._heads.items()}

    def found(self, frame: Frame) -> Found:
        """Measures of a frame; what is undefined may be left out."""
        if frame.time != self._time:
            self._look_at(frame.time)
        match frame.quantity:
            case "cuts":
                return self._cuts()
            case "accounts":
                return {("all", "platform"): self._accounts()}
            case "tiers":
                steps = tier_transitions(self._outcome, self._n_tiers, frame.time)
                return {("all", "platform"): dict(zip(("n_promotions", "n_demotions"), n_moves(steps), strict=True))}
            case "profit":
                return self._profit(frame)
            case "take":
                return {("all", "platform"): {"total": float(exact_sum(self._flows.amounts(frame)))}}
            case "utility":
                return {("all", "fan"): {"mean": self._utility(frame)}}
            case "net_follows":
                return {("all", "platform"): self._of_platform(frame, self._flows.amounts(frame))}
            case _:
                return self._held(frame)

    def _held(self, frame: Frame) -> Found:
        """Followers, and flows that each account has."""
        amounts = self._flows.amounts(frame)
        scale = 1.0 if frame.quantity in COUNTED_IN_FULL else self._scale
        found = self._concentration(frame.quantity, amounts, scale)
        if frame.start is None or frame.quantity in HELD:
            for level, split in self._splits.items():
                at_start = self._at_start[level] if frame.start is None else None
                for who, values in _totals(split, split.holders.amounts(amounts), at_start, scale):
                    found[who, level] = found.get((who, level), {}) | values
            for who, values in self._of_columns(amounts, frame.start is None, scale):
                found[who, "influencer"] = found.get((who, "influencer"), {}) | values
        found["all", "platform"] = self._of_platform(frame, amounts)
        if frame.quantity == "gmv":
            found |= self._surfaces(frame)
        return found

    def _concentration(self, quantity: str, amounts: Int64s, scale: float) -> Found:
        """Concentration on the holders of each population and level, where they hold anything; the tail of everybody.

        Where everybody who has entered is still active, both populations are one.
        """
        everybody, active = ("all", "influencer"), ("active", "influencer")
        wanted = dict.fromkeys((population, level) for population, level, _ in measured(quantity, self._groups))
        all_active = self._populations[active].n == self._populations[everybody].n
        apart = [who for who in wanted if who in self._heads and not (who == active and all_active)]
        held = {who: self._populations[who].amounts(amounts) for who in apart}
        exponent, x_min, n = top_tail(held[everybody], self._heads[everybody].head_10)
        least = x_min * scale if n else math.nan
        found: Found = {everybody: {"tail_exponent": exponent, "tail_x_min": least, "tail_n": float(n)}}
        held = {who: own for who, own in held.items() if own.any()}
        for (who, own), index in zip(held.items(), theils(list(held.values())), strict=True):
            concentration = self._heads[who].concentration(own, self._places[who])
            found[who] = found.get(who, {}) | concentration | {"theil": index}
        if all_active:
            found[active] = found[everybody]
        return found

    def _of_columns(self, amounts: Int64s, is_stock: bool, scale: float) -> Iterator[tuple[str, dict[str, float]]]:
        """Totals of each group by a column of the roster, with the growth of a stock."""
        everything = exact_sum(amounts)
        for name, holders in self._subgroups.of_columns.items():
            held = exact_sum(holders.amounts(amounts))
            values = {"total": held * scale, "share": ratio(held, everything), "mean": ratio(held, holders.n) * scale}
            if is_stock:
                values["growth"] = growth(exact_sum(holders.amounts(self._followers_at_start)), held)
            yield name, values

    def _of_platform(self, frame: Frame, amounts: Int64s) -> dict[str, float]:
        found = self._mobility_and_merit.values(frame.quantity, amounts, self._entered, frame.time, frame.start)
        if frame.quantity == "income" and frame.start is not None:
            of_authors = (exact_sum(self._flows.row(n, frame.start, frame.time)) for n in ("gmv", "tips", "paid"))
            found["ecommerce_share"] = ecommerce_share(*of_authors)
        return found

    def _surfaces(self, frame: Frame) -> Found:
        assert frame.start is not None  # turnover is a flow
        upto = self._outcome.history.surface_gmv
        gmv = (upto[frame.time] - upto[frame.start]).tolist()
        totals = [sum(gmv[s] for s in of_kind) for of_kind in self._kinds]
        return {
            (kind, "platform"): {"total": float(total), "share": ratio(total, sum(gmv))}
            for kind, total in zip(GROUPS["platform"], totals, strict=True)
        }

    def _cuts(self) -> Found:
        split = self._splits["influencer"]
        is_cut = self._subgroups.cut(self._time).astype(np.int64)
        n_cut, n = split.holders.amounts(is_cut).tolist(), split.n_members.tolist()
        parts = [("all", sum(n_cut), sum(n)), *zip(split.names, n_cut, n, strict=True)]
        parts += [(name, exact_sum(own.amounts(is_cut)), own.n) for name, own in self._subgroups.of_columns.items()]
        return {(who, "influencer"): {"total": float(cut), "share": ratio(cut, of)} for who, cut, of in parts}

    def _accounts(self) -> dict[str, float]:
        status = self._outcome.history.status[self._time]
        counted = {
            "n_present": self._subgroups.present(self._time),
            "n_entered": self._entered[self._outcome.population.n_initial :],
            "n_cut": self._subgroups.cut(self._time),
            "n_left": status == AccountStatus.LEFT,
        }
        return {name: float(np.count_nonzero(chosen)) for name, chosen in counted.items()}

    def _profit(self, frame: Frame) -> Found:
        assert frame.start is not None  # profit is a flow
        upto = self._outcome.history.profit
        profit = upto[frame.time] - upto[frame.start]
        found: Found = {}
        chosen = {"all": np.ones(profit.size, np.bool_)}
        chosen |= {name: self._subgroups.agency_group == g for g, name in enumerate(GROUPS["agency"])}
        for who, members in chosen.items():
            own = profit[members]
            total = exact_sum(own)
            found[who, "agency"] = {"total": float(total), "mean": ratio(total, own.size)}
            found[who, "agency"]["n_losing"] = float(n_losing(own)) if own.size else 0.0
        return found

    def _utility(self, frame: Frame) -> float:
        assert frame.start is not None  # a flow
        reads = self._outcome.history.reads[frame.time] - self._outcome.history.reads[frame.start]
        quality = self._outcome.population.quality
        return mean_utility(reads, quality, self._affinity, self._outcome.accounts.vertical)


def _totals(
    split: Split, amounts: Int64s, at_start: Int64s | None, scale: float
) -> Iterator[tuple[str, dict[str, float]]]:
    """Totals of each group and of all, with their growth where amounts at day 0 are given."""
    total, held = sum(amounts.tolist()), amounts.tolist()
    n = split.n_members.tolist()
    before = None if at_start is None else at_start.tolist()
    for g, name in enumerate(split.names):
        values = {"total": held[g] * scale, "share": ratio(held[g], total), "mean": ratio(held[g], n[g]) * scale}
        yield name, values | ({"growth": growth(before[g], held[g])} if before else {})
    values = {"total": total * scale, "mean": ratio(total, sum(n)) * scale}
    yield "all", values | ({"growth": growth(sum(before), total)} if before else {})


def measure(outcome: Outcome, scenario: Scenario, groups: Groups = NO_GROUPS) -> Floats:
    """All measures of a run, in the order of ``cells.cells``.

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
    """
    meter = Meter(outcome, scenario, groups)
    values: list[float] = []
    for frame in frames(scenario.horizon_days, scenario.warmup_days):
        found = meter.found(frame)
        for population, level, names in measured(frame.quantity, tuple(groups)):
            own = found.get((population, level), {})
            values += [own.get(name, math.nan) for name in names]
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
    """Lorenz curves over all influencers that have entered, in the order of ``cells.lorenz_cells``.

    Returns
    -------
    ndarray
        Shape (n, 101): share held by the smallest 0 %, 1 %, ... 100 %; nan where undefined.
    """
    flows, subgroups = Flows(outcome), Subgroups(outcome)
    wanted = lorenz_frames(horizon_days)
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
