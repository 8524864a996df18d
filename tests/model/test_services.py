"""Services: what own operations, providers and a tier's services are worth to each account's shop."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st
from support.forms import drawn
from support.scenarios import World, plain, world_of

from sim.model.agencies.services import custom_products, entry_factors, sales_factors
from sim.model.world.accounts import Accounts

OWN, PROVIDED, ROSTERS, NONE = 0, 1, 2, -1
AGENCY = [OWN, OWN, PROVIDED, PROVIDED, ROSTERS, NONE]
GROUPS = {
    "own": {"count": 1, "accounts": 2.0},
    "provided": {"count": 1, "accounts": 2.0, "own_operations": False},
}
TIERS = {
    "all": {"weight": 2.0, "services": ["operations", "custom-product", "shop-entry"]},
    "some": {"weight": 1.0, "services": ["custom-product"]},
}
NO_TIER = [-1, -1, -1]


def platform(*, supported: bool = True, **services: Any) -> World:
    """Two accounts each of agencies with and without operations of their own, one of a roster's agency, one alone."""
    support = {"tiers": TIERS, "services": supported}
    world = world_of(plain(influencers={"count": 6}, agencies=GROUPS, services=services, support=support))
    population = replace(
        world.population,
        agencies=("own", "provided", "roster's"),
        agency_group=np.array([0, 1, -1], np.int32),
        agency=np.array(AGENCY, np.int32),
        shop=np.array([True, False, True, False, True, True]),
    )
    return replace(world, population=population)


def on_sales(world: World, tier: list[int]) -> list[float]:
    return sales_factors(Accounts(world.population), np.array(tier, np.int32), world.scenario).tolist()


def on_entry(world: World, tier: list[int]) -> list[float]:
    return entry_factors(Accounts(world.population), np.array(tier, np.int32), world.scenario).tolist()


def test_without_tiers_shops_are_attended_for_a_part_of_the_time_and_orders_get_lost() -> None:
    assert on_sales(platform(availability=0.5, order_loss=0.25), NO_TIER) == [0.375] * 6


def test_providers_serve_those_without_operations_of_their_own() -> None:
    factors = {"provider_conversion_factor": 2.0, "unserved_conversion_factor": 0.25, "provider_entry_factor": 0.5}
    assert on_sales(platform(providers=True, **factors), NO_TIER) == [1, 1, 2, 2, 1, 2]
    assert on_entry(platform(providers=True, **factors), NO_TIER) == [1, 1, 0.5, 0.5, 1, 0.5]
    assert on_sales(platform(**factors), NO_TIER) == [1, 1, 0.25, 0.25, 1, 0.25]
    assert on_entry(platform(**factors), NO_TIER) == [1] * 6


def test_dedicated_operations_attend_shops_and_raise_conversion_on_top() -> None:
    world = platform(
        availability=0.5,
        operations_availability=0.75,
        operations_conversion_factor=2.0,
        providers=True,
        provider_conversion_factor=4.0,
    )
    assert on_sales(world, [0, 1, -1]) == [1.5, 1.5, 2, 2, 0.5, 2]
    assert on_sales(world, [-1, 0, 0]) == [0.5, 0.5, 6, 6, 1.5, 2]


def test_a_tier_makes_a_shop_cheaper_and_so_does_a_provider() -> None:
    world = platform(providers=True, provider_entry_factor=0.5, tier_entry_factor=0.25)
    assert on_entry(world, [0, 0, 1]) == [0.25, 0.25, 0.125, 0.125, 1, 0.5]


def test_custom_products_are_for_shops_of_tiers_that_have_them() -> None:
    world = platform()
    accounts = Accounts(world.population)
    custom = custom_products(accounts, np.array([-1, 1, 0], np.int32), world.scenario)
    assert custom.tolist() == [False, False, True, False, True, False]
    accounts.shop[:] = True
    accounts.agency[5] = ROSTERS
    custom = custom_products(accounts, np.array([-1, 1, 0], np.int32), world.scenario)
    assert custom.tolist() == [False, False, True, True, True, True]


def test_where_tiers_give_no_services_a_tier_changes_nothing() -> None:
    parts = {"availability": 0.5, "operations_conversion_factor": 2.0, "tier_entry_factor": 0.5}
    world = platform(supported=False, **parts)
    assert on_sales(world, [0, 0, 0]) == on_sales(world, NO_TIER) == [0.5] * 6
    assert on_entry(world, [0, 0, 0]) == [1] * 6
    assert not custom_products(Accounts(world.population), np.array([0, 0, 0], np.int32), world.scenario).any()


@drawn(8, 30, st.lists(st.integers(-1, 1), min_size=3, max_size=3), st.booleans())
def test_the_default_services_change_nothing(tier: list[int], supported: bool) -> None:
    world = platform(supported=supported)
    assert on_sales(world, tier) == on_entry(world, tier) == [1.0] * 6


@pytest.mark.parametrize("tier", [[], [-1]])
def test_without_agencies_or_tiers_there_are_no_services(tier: list[int]) -> None:
    world = world_of(plain(services={"unserved_conversion_factor": 0.5}, support={"services": True}))
    if tier:
        alone = replace(world.population, agencies=("a",), agency_group=np.array([-1], np.int32))
        world = replace(world, population=alone)
    assert on_sales(world, tier) == [0.5] * 8
    assert not custom_products(Accounts(world.population), np.array(tier, np.int32), world.scenario).any()
