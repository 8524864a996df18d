"""Newcomers: who enters and in which vertical, by how crowded those are; knows neither contracts nor money."""

from __future__ import annotations

import numpy as np

from sim.calendar import DAY
from sim.model.kernel import draws
from sim.model.kernel.slot_tables import powers
from sim.model.world.accounts import Accounts, AccountStatus
from sim.model.world.sampling import choose
from sim.scenario.schema.scenario import Scenario
from sim.streams import Lane
from sim.types import Bools, Floats, Int32s, Key

__all__ = ["crowding", "enter", "open_verticals"]


def crowding(accounts: Accounts, scenario: Scenario) -> Floats:
    """Crowding factor of each vertical: ``min(1, capacity / accounts present)``, 1 without a capacity; shape (V,)."""
    verticals = list(scenario.verticals.values())
    n_present = np.bincount(accounts.vertical[accounts.present], minlength=len(verticals))
    capacity = np.array([np.inf if v.capacity is None else v.capacity for v in verticals])
    for_each: Floats = np.divide(capacity, n_present, out=np.ones(capacity.size), where=n_present > 0)
    return np.minimum(1.0, for_each)


def open_verticals(now: int, scenario: Scenario) -> Bools:
    """Which verticals are open at a time [s], shape (V,); those open at day 0 were so in the warm-up."""
    return np.array([v.opens_at_days * DAY <= max(now, 0) for v in scenario.verticals.values()])


def enter(now: int, accounts: Accounts, scenario: Scenario, key: Key) -> bool:
    """Let the newcomers enter that are due, each in the vertical that it chooses.

    It chooses in proportion to ``share x crowding^crowding_choice`` among the verticals that are open; newcomers of
    the same time see the same crowding. Without open verticals all go on waiting.

    Parameters
    ----------
    now
        Time [s].
    accounts
        Changed: status, time of entry and vertical of those who enter.
    scenario
        Resolved scenario in force.
    key
        Seed and replication.

    Returns
    -------
    bool
        Whether any have entered.

    Notes
    -----
    O(M + V). Lane VERTICAL, with the numbers of ``draw_population``: where no crowding and no closed vertical matters,
    the choice is the one drawn there.
    """
    waits = (accounts.status == AccountStatus.WAITING) & (accounts.population.joined_at <= now)
    if not (scenario.entry.opens and waits.any()):
        return False
    shares = np.array([v.share for v in scenario.verticals.values()])
    appeal = powers(crowding(accounts, scenario), scenario.entry.crowding_choice)
    weights = shares * appeal * open_verticals(now, scenario)
    if not weights.any():
        return False
    first = accounts.population.n_initial  # those of day 0 never wait
    number = accounts.population.first_newcomer
    lane = int(Lane.VERTICAL)  # a plain number: numba takes ten times as long to look at an enum's member
    u = draws.unit_draws(lane, number, waits.size - first, np.uint64(key[0]), np.uint64(key[1]))
    accounts.vertical[waits] = _choose(weights, shares, u[waits[first:]])
    incubates = scenario.entry.incubated_followers > 0
    accounts.entered_at[waits] = now
    accounts.status[waits] = AccountStatus.INCUBATING if incubates else AccountStatus.ESTABLISHED
    return True


def _choose(weights: Floats, shares: Floats, u: Floats) -> Int32s:
    """Vertical drawn in proportion to weights, from the shares themselves where the weights equal them."""
    if np.array_equal(weights, shares):
        return choose(shares, u)
    able = np.flatnonzero(weights)
    total = np.add.accumulate(weights)[-1]
    return able[choose(weights[able] / total, u)].astype(np.int32)
