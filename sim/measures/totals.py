"""Sums, means, shares and growth of populations and groups. They know no model and no files."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from sim.late import Late
from sim.scenario.schema.measurable import (
    ACCOUNT_GROUPS,
    AGENCY_GROUPS,
    COLUMN_GROUP,
    HELD,
    SURFACE_GROUPS,
    Scope,
    Watched,
    declared,
)

if TYPE_CHECKING:
    from sim.analysis import amounts, welfare
    from sim.measures.views import Holding
else:
    amounts = Late("sim.analysis.amounts")
    welfare = Late("sim.analysis.welfare")


ACCOUNTS = Scope("influencer", ("all",), ("followers", *HELD))
ACCOUNT_PARTS = Scope("influencer", (*ACCOUNT_GROUPS, COLUMN_GROUP), ("followers", *HELD))
AGENCIES = Scope("agency", ("all",), ("followers", *HELD))
AGENCY_PARTS = Scope("agency", AGENCY_GROUPS, ("followers", *HELD))
SURFACES = Scope("platform", SURFACE_GROUPS, ("gmv",))
# Newcomers had nothing at day 0 to grow from.
GROWING_ACCOUNTS = Scope("influencer", ("all", "head", "middle", "small", COLUMN_GROUP), ("followers",))
GROWING_AGENCIES = Scope("agency", ("all", *AGENCY_GROUPS), ("followers",))
CUTS = Scope("influencer", ("all", *ACCOUNT_GROUPS, COLUMN_GROUP), ("cuts",))
PROFITS = Scope("agency", ("all", *AGENCY_GROUPS), ("profit",))
WATCHED = ("followers", "exposure", "reads", "new_follows", "unfollows", "orders", "gmv", "tips", "income", "cuts")


@declared(
    *(ACCOUNTS, ACCOUNT_PARTS, AGENCIES, AGENCY_PARTS, SURFACES, CUTS, PROFITS),
    unit="amount",
    formula="sum x, in real people, orders or fen",
    watched=[*(Watched(quantity, "total") for quantity in WATCHED), Watched("profit", "total", "agency")],
)
def total(held: Holding) -> float:
    """Sum over the members."""
    return held.totals.own * held.people


@declared(ACCOUNT_PARTS, AGENCY_PARTS, SURFACES, unit="share", range="0 to 1", formula="sum x / sum over all")
def share(held: Holding) -> float:
    """Part of the sum over all."""
    return amounts.ratio(held.totals.own, held.totals.all)


@declared(CUTS, name="share", unit="share", range="0 to 1", formula="cut accounts / members")
def share_of_members(held: Holding) -> float:
    """Part of the members."""
    return amounts.ratio(held.totals.own, held.n)


@declared(
    *(ACCOUNTS, ACCOUNT_PARTS, AGENCIES, AGENCY_PARTS, PROFITS), unit="amount a member", formula="sum x / members"
)
def mean(held: Holding) -> float:
    """Sum per member."""
    return amounts.ratio(held.totals.own, held.n) * held.people


@declared(
    *(GROWING_ACCOUNTS, GROWING_AGENCIES),
    unit="share",
    range="from -1",
    formula="sum x / sum at day 0 - 1",
    source="sim.analysis.welfare.growth",
)
def growth(held: Holding) -> float:
    """Change since day 0, relative to day 0."""
    at_start = held.totals.at_start
    return math.nan if at_start is None else welfare.growth(at_start, held.totals.own)


@declared(PROFITS, unit="agencies", range="from 0", formula="#{profit < 0}", source="sim.analysis.welfare.n_losing")
def n_losing(held: Holding) -> float:
    """Agencies whose profit is negative."""
    return float(welfare.n_losing(held.amounts)) if held.n else 0.0
