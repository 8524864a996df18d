"""Services for shops: what own operations, providers and tiers do for them; knows neither surfaces nor money."""

from __future__ import annotations

import numpy as np

from sim.model.world.accounts import Accounts
from sim.scenario.schema.scenario import Scenario
from sim.types import Bools, Floats, Int32s

__all__ = ["custom_products", "entry_factors", "sales_factors"]


def sales_factors(accounts: Accounts, tier: Int32s, scenario: Scenario) -> Floats:
    """Factor of the services on each account's orders per click: ``availability x conversion x (1 - order_loss)``.

    Conversion is 1 with operations of the agency's own, otherwise the provider's or, without providers, that of
    unserved shops; times that of dedicated operations, whose availability takes the place of the ordinary one.

    Parameters
    ----------
    accounts
        As they are now. Not changed.
    tier
        Shape (A,): tier of each agency, -1: none. Not changed.
    scenario
        Resolved scenario in force.

    Returns
    -------
    ndarray
        Shape (M,), >= 0; exactly 1 with the default services.
    """
    services = scenario.services
    dedicated = _with_service("operations", accounts, tier, scenario)
    availability = np.where(dedicated, services.operations_availability, services.availability)
    without = services.provider_conversion_factor if services.providers else services.unserved_conversion_factor
    conversion = np.where(_own_operations(accounts, scenario), 1.0, without)
    conversion *= np.where(dedicated, services.operations_conversion_factor, 1.0)
    factors: Floats = availability * conversion * (1.0 - services.order_loss)
    return factors


def custom_products(accounts: Accounts, tier: Int32s, scenario: Scenario) -> Bools:
    """Shops whose tier has custom products, shape (M,); arguments as in ``sales_factors``."""
    return accounts.shop & _with_service("custom-product", accounts, tier, scenario)


def entry_factors(accounts: Accounts, tier: Int32s, scenario: Scenario) -> Floats:
    """Factor of providers and tiers on a shop's price, shape (M,), in [0, 1]; arguments as in ``sales_factors``."""
    services = scenario.services
    provided = services.providers & ~_own_operations(accounts, scenario)
    supported = _with_service("shop-entry", accounts, tier, scenario)
    factors: Floats = np.where(provided, services.provider_entry_factor, 1.0)
    return factors * np.where(supported, services.tier_entry_factor, 1.0)


def _own_operations(accounts: Accounts, scenario: Scenario) -> Bools:
    """Accounts whose agency runs shops itself, as a roster's agencies do."""
    groups = list(scenario.agencies.values())
    own = [group < 0 or groups[group].own_operations for group in accounts.population.agency_group]
    return np.array([*own, False])[accounts.agency]  # an agency of -1 reads the last place


def _with_service(service: str, accounts: Accounts, tier: Int32s, scenario: Scenario) -> Bools:
    """Accounts whose agency has a tier with this service, where tiers give any."""
    support = scenario.support
    has = [support.services and service in settings.services for settings in support.tiers.values()]
    of_agency = np.array([*has, False])[tier]  # a tier of -1 reads the last place, and so does an agency
    return np.append(of_agency, False)[accounts.agency]
