"""Newcomers: when they enter, which vertical they choose, and what a crowd does to it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats
from support.forms import drawn
from support.scenarios import World, plain, world_of

from sim.calendar import DAY
from sim.model.kernel import draws
from sim.model.world.accounts import Accounts, AccountStatus
from sim.model.world.entry import crowding, enter
from sim.streams import Lane
from sim.types import Key

N_INITIAL = 8


def platform(n: int = 20, joined_at: int = DAY, entry: dict[str, Any] | None = None, **verticals: Any) -> World:
    """Eight accounts of day 0, and ``n`` newcomers who join at one time."""
    world = world_of(
        plain(
            horizon_days=30,
            entry={"newcomers_per_month": float(n)} | (entry or {}),
            verticals=verticals or {"a": {"share": 0.3}, "b": {"share": 0.5}, "c": {"share": 0.2}},
        )
    )
    times = world.population.joined_at.copy()
    times[N_INITIAL:] = joined_at
    return replace(world, population=replace(world.population, joined_at=times))


def crowded(world: World, *n_present: int) -> Accounts:
    """The accounts of day 0 with this many in each vertical."""
    accounts = Accounts(world.population)
    accounts.vertical[:N_INITIAL] = np.repeat(np.arange(len(n_present)), n_present)
    return accounts


def chosen(world: World, accounts: Accounts, now: int = DAY) -> NDArray[np.int64]:
    """How many newcomers choose each vertical."""
    assert enter(now, accounts, world.scenario, world.key)
    return np.bincount(accounts.vertical[N_INITIAL:], minlength=len(world.scenario.verticals))


# Who enters


def test_newcomers_enter_when_their_time_has_come() -> None:
    world = platform(n=3)
    world.population.joined_at[N_INITIAL:] = [DAY, 2 * DAY, 3 * DAY]
    accounts = Accounts(world.population)
    assert not enter(DAY - 1, accounts, world.scenario, world.key)
    assert not accounts.present[N_INITIAL:].any()
    assert enter(2 * DAY, accounts, world.scenario, world.key)
    assert accounts.present[N_INITIAL:].tolist() == [True, True, False]
    assert not enter(2 * DAY, accounts, world.scenario, world.key)
    assert enter(3 * DAY, accounts, world.scenario, world.key)
    assert accounts.present.all()


def test_who_has_gone_does_not_enter_again() -> None:
    world = platform(n=1)
    accounts = Accounts(world.population)
    accounts.status[:] = [*[AccountStatus.CUT] * N_INITIAL, AccountStatus.LEFT]
    assert not enter(DAY, accounts, world.scenario, world.key)
    assert not accounts.present.any()


def test_a_closed_platform_lets_nobody_in() -> None:
    world = platform(entry={"opens": False})
    accounts = Accounts(world.population)
    assert not enter(DAY, accounts, world.scenario, world.key)
    assert (accounts.status[N_INITIAL:] == AccountStatus.WAITING).all()


@pytest.mark.parametrize(
    ("incubated_followers", "status"),
    [(0.0, AccountStatus.ESTABLISHED), (1.0, AccountStatus.INCUBATING), (0.5, AccountStatus.INCUBATING)],
)
def test_newcomers_incubate_where_that_takes_followers(incubated_followers: float, status: AccountStatus) -> None:
    world = platform(entry={"incubated_followers": incubated_followers})
    accounts = Accounts(world.population)
    enter(DAY, accounts, world.scenario, world.key)
    assert (accounts.status[N_INITIAL:] == status).all()


# What they choose

few = st.integers(1, 4)


@drawn(12, 50, st.lists(st.integers(0, 5), min_size=1, max_size=5).filter(any), st.integers(0, 2**32 - 1), few, few)
def test_without_crowds_the_choice_is_the_one_that_was_drawn(
    shares: list[int], replication: int, capacity: int, choice: int
) -> None:
    verticals = {f"vertical {v}": {"share": share / sum(shares)} for v, share in enumerate(shares)}
    roomy = {name: part | {"capacity": 1000.0} for name, part in verticals.items()}
    tight = {name: part | {"capacity": float(capacity)} for name, part in verticals.items()}
    for parts, exponent in ((verticals, choice), (roomy, choice), (tight, 0)):
        entry = {"newcomers_per_month": 50.0, "crowding_choice": float(exponent)}
        world = world_of(plain(horizon_days=30, entry=entry, verticals=parts), key=Key(1, replication))
        accounts = Accounts(world.population)
        assert enter(30 * DAY, accounts, world.scenario, world.key)
        assert accounts.present.all()
        assert np.array_equal(accounts.vertical, world.population.vertical)


def test_nobody_chooses_a_closed_vertical() -> None:
    world = platform(
        n=300, a={"share": 0.2}, b={"share": 0.3, "opens_at_days": 2.0}, c={"share": 0.5, "opens_at_days": 1.0}
    )
    counts = chosen(world, Accounts(world.population))
    assert counts[1] == 0
    assert stats.binomtest(int(counts[0]), 300, 2 / 7).pvalue > 1e-3


def test_newcomers_wait_until_some_vertical_is_open() -> None:
    world = platform(n=50, a={"share": 0.5, "opens_at_days": 9.0}, b={"share": 0.5, "opens_at_days": 5.0})
    accounts = Accounts(world.population)
    assert not enter(4 * DAY, accounts, world.scenario, world.key)
    assert (accounts.status[N_INITIAL:] == AccountStatus.WAITING).all()
    assert chosen(world, accounts, now=5 * DAY).tolist() == [0, 50]


def test_a_crowd_turns_newcomers_away_by_its_exponent() -> None:
    world = platform(
        n=1000, entry={"crowding_choice": 2.0}, a={"share": 0.5, "capacity": 2.0}, b={"share": 0.5, "capacity": 4.0}
    )
    counts = chosen(world, crowded(world, 4, 4))  # weights 1/2 x (1/2)^2 and 1/2
    assert stats.binomtest(int(counts[0]), 1000, 1 / 5).pvalue > 1e-3


def test_a_choice_by_weights_reads_the_number_that_the_vertical_was_drawn_with() -> None:
    world = platform(entry={"crowding_choice": 1.0}, a={"share": 0.5, "capacity": 2.0}, b={"share": 0.5})
    accounts = crowded(world, 6, 2)  # weights 1/6 and 1/2
    chosen(world, accounts)
    key = (np.uint64(world.key[0]), np.uint64(world.key[1]))
    u = draws.unit_draws(Lane.VERTICAL, 0, accounts.vertical.size, *key)
    assert np.array_equal(accounts.vertical[N_INITIAL:], (u >= 0.25)[N_INITIAL:])


def test_newcomers_of_one_time_see_the_same_crowd_and_those_of_the_next_see_them() -> None:
    world = platform(
        n=1000, entry={"crowding_choice": 8.0}, a={"share": 0.5, "capacity": 4.0}, b={"share": 0.5, "capacity": 4.0}
    )
    world.population.joined_at[N_INITIAL + 500 :] = 2 * DAY
    accounts = crowded(world, 8, 0)  # weights 2^-8 and 1
    chosen(world, accounts)
    assert (accounts.vertical[accounts.present] == 1).sum() > 450
    before = accounts.vertical.copy()
    chosen(world, accounts, now=2 * DAY)  # about 10 in a, 498 in b
    assert (accounts.vertical[-500:] == 0).sum() > 490
    assert np.array_equal(accounts.vertical[:-500], before[:-500])


# Crowding


def test_crowding_is_the_capacity_for_each_account_present_up_to_one() -> None:
    world = platform(
        n=4,
        a={"share": 0.25, "capacity": 1.0},
        b={"share": 0.25, "capacity": 3.0},
        c={"share": 0.25},
        d={"share": 0.25, "capacity": 0.5},
    )
    accounts = crowded(world, 4, 2, 2, 0)
    assert crowding(accounts, world.scenario).tolist() == [0.25, 1.0, 1.0, 1.0]
    accounts.status[:3] = [AccountStatus.CUT, AccountStatus.LEFT, AccountStatus.INCUBATING]
    assert crowding(accounts, world.scenario).tolist() == [0.5, 1.0, 1.0, 1.0]


def test_who_waits_crowds_nobody() -> None:
    world = platform(n=100, a={"share": 1.0, "capacity": 8.0})
    accounts = Accounts(world.population)
    assert crowding(accounts, world.scenario).tolist() == [1.0]
    enter(DAY, accounts, world.scenario, world.key)
    assert crowding(accounts, world.scenario).tolist() == [8 / 108]
