"""What can be measured: which level, population, quantity and measure go together; knows nothing of how it is done.

Claims are checked against these families before a run, and a run measures every one of them. A population is a set of
accounts (``all`` that have ever entered, ``active`` ones that are here, day 0's ``partners`` and ``shops``) or a group:
one part of those that a level is split into, or accounts with one value in a column of the roster (``gender=female``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from sim.scenario.schema.surface_kinds import KINDS

__all__ = [
    "COLUMN_GROUP",
    "CONCENTRATION",
    "FAMILIES",
    "FLOWS",
    "GROUPS",
    "MERIT",
    "MIDDLE_AGENCY",
    "MOBILITY",
    "PARTICIPATION",
    "SMALL_AGENCY",
    "STANDING",
    "STOCKS",
    "TAIL",
    "TIER_MOVES",
    "Family",
    "column_groups",
    "known_groups",
    "known_levels",
    "known_measures",
    "known_populations",
    "known_quantities",
    "known_windows",
]

STOCKS = ("followers", "cuts", "accounts", "tiers")
"""Measured at a time: followers, accounts cut so far, accounts by their standing, moves between tiers so far. All other
quantities are flows, measured over a window.
"""
FLOWS = (
    "exposure",
    "exposure_feed",
    "exposure_discovery",
    "reads",
    "orders",
    "gmv",
    "new_follows",
    "unfollows",
    "tips",
    "income",
)
"""What each account has; income is its own part, before its costs."""
CONCENTRATION = (
    "head_share_01",
    "head_share_10",
    "initial_head_share_01",
    "top_10_share",
    "gini",
    "hhi",
    "effective_number",
    "theil",
)
TAIL = ("tail_exponent", "tail_x_min", "tail_n")
"""Exponent of the tail of the largest 10 %, where that tail begins (people, orders or fen), and how many are in it."""
MOBILITY = (
    "start_rank_correlation",
    "head_turnover_01",
    "head_turnover_10",
    "mean_decile_change",
    "upward_share",
    "n_reached_head",
    "n_good_reached_head",
    "median_days_to_head",
)
"""Against day 0; ranks and deciles are those of day 0's accounts. The last three: accounts that weren't in day 0's head
(1 %) and were seen in a head at a snapshot since; those of them whose quality reaches that of day 0's best tenth; and
the median time of the first such snapshot.
"""
MERIT = ("quality_rank_correlation", "top_quality_decile_share")
"""Rank correlation of quality with the quantity; share of it that goes to the tenth of highest quality."""
PARTICIPATION = ("n_active", "active_share")
"""Accounts with any of the quantity in the window."""
STANDING = ("n_present", "n_entered", "n_cut", "n_left")
"""Accounts that are here, newcomers that have entered, accounts that were cut and that have left."""
TIER_MOVES = ("n_promotions", "n_demotions")
"""Agencies that came to a higher or a lower tier (none is the lowest) from one review to the next, over all reviews."""

ACCOUNT_GROUPS = ("head", "middle", "small", "newcomers")
AGENCY_GROUPS = ("small_agencies", "middle_agencies", "large_agencies")
SURFACE_GROUPS = tuple(KINDS)
GROUPS = {"influencer": ACCOUNT_GROUPS, "agency": AGENCY_GROUPS, "platform": SURFACE_GROUPS}
"""Parts of a level. Accounts by followers at day 0: the largest 1 %, the next 19 %, all others of day 0; and those that
came later. Agencies by accounts at day 0: up to ``SMALL_AGENCY``, up to ``MIDDLE_AGENCY``, more. Kinds of surfaces.
"""
COLUMN_GROUP = "COLUMN=VALUE"
"""In families, stands for every group that a claim names by a column of the roster and a value in it."""
SMALL_AGENCY = 5
MIDDLE_AGENCY = 20
"""Accounts that a small and a middle agency have at most: the tiers' own bounds."""

MAIN = ("exposure", "reads", "orders", "gmv", "new_follows", "tips", "income")
"""Flows that are measured of every population; the others are parts of them, and asked of all accounts only."""
HELD = (*MAIN, "unfollows")
"""Flows that groups are asked about."""
TOTALS = ("total", "mean")
"""Real people for what the model counts in simulated fans; the mean is over the members."""
PARTS = ("total", "share", "mean")
"""With the share of the total of all."""


class Family(NamedTuple):
    """Quantities and measures of a level; every combination of a family's parts exists."""

    level: str
    populations: tuple[str, ...]
    quantities: tuple[str, ...]
    measures: tuple[str, ...]


FAMILIES = (
    Family("influencer", ("all",), ("followers", *FLOWS), (*CONCENTRATION, *TAIL)),
    Family("influencer", ("active", "partners", "shops", COLUMN_GROUP), ("followers", *MAIN), CONCENTRATION),
    Family("agency", ("all",), ("followers", *MAIN), CONCENTRATION),
    Family("vertical", ("all",), ("followers", *MAIN), CONCENTRATION),
    Family("influencer", ("all",), ("followers", *HELD), TOTALS),
    Family("influencer", (*ACCOUNT_GROUPS, COLUMN_GROUP), ("followers", *HELD), PARTS),
    Family("agency", ("all",), ("followers", *HELD), TOTALS),
    Family("agency", AGENCY_GROUPS, ("followers", *HELD), PARTS),
    Family("platform", SURFACE_GROUPS, ("gmv",), ("total", "share")),
    # Newcomers had nothing at day 0 to grow from.
    Family("influencer", ("all", "head", "middle", "small", COLUMN_GROUP), ("followers",), ("growth",)),
    Family("agency", ("all", *AGENCY_GROUPS), ("followers",), ("growth",)),
    # Of cuts the share is that of a population's own accounts.
    Family("influencer", ("all", *ACCOUNT_GROUPS, COLUMN_GROUP), ("cuts",), ("total", "share")),
    Family("agency", ("all", *AGENCY_GROUPS), ("profit",), ("total", "mean", "n_losing")),
    Family("platform", ("all",), ("followers",), (*MOBILITY, *MERIT)),
    Family("platform", ("all",), ("exposure",), MERIT),
    Family("platform", ("all",), ("reads",), PARTICIPATION),
    Family("platform", ("all",), ("new_follows",), (*MERIT, *PARTICIPATION)),
    # New follows less unfollows: a change can be negative, so that it has no shares of a total.
    Family("platform", ("all",), ("net_follows",), ("quality_rank_correlation", "gained_share")),
    Family("platform", ("all",), ("gmv",), ("n_explosive",)),
    Family("platform", ("all",), ("income",), ("ecommerce_share",)),
    Family("platform", ("all",), ("take",), ("total",)),
    Family("platform", ("all",), ("accounts",), STANDING),
    Family("platform", ("all",), ("tiers",), TIER_MOVES),
    Family("fan", ("all",), ("utility",), ("mean",)),
)
"""Agency level is without independents. The order is that of the tables."""


def known_levels() -> list[str]:
    """The levels."""
    return list(dict.fromkeys(family.level for family in FAMILIES))


def known_populations(level: str) -> list[str]:
    """Populations of a level, groups among them but for those of a roster's columns.

    >>> known_populations("vertical"), known_populations("agency")[1]
    (['all'], 'small_agencies')
    """
    named = (p for family in FAMILIES if family.level == level for p in family.populations)
    return [name for name in dict.fromkeys(named) if name != COLUMN_GROUP]


def column_groups(names: Iterable[str | None]) -> tuple[str, ...]:
    """Those of the names that are groups by a column of the roster, once each, in order; no other name has a ``=``.

    >>> column_groups(["head", "gender=female", None, "gender=female"])
    ('gender=female',)
    """
    return tuple(dict.fromkeys(name for name in names if name is not None and "=" in name))


def known_groups(level: str) -> list[str]:
    """Groups of a level but for those of a roster's columns.

    >>> known_groups("platform"), known_groups("fan")
    (['feed', 'discovery', 'commerce', 'live'], [])
    """
    return list(GROUPS.get(level, ()))


def _families(level: str, population: str) -> Iterator[Family]:
    """Families of a population; a name that isn't known is a column of the roster, or a group by one."""
    name = population if any(population in family.populations for family in FAMILIES) else COLUMN_GROUP
    return (family for family in FAMILIES if family.level == level and name in family.populations)


def known_quantities(level: str, population: str) -> list[str]:
    """Quantities of a population at a level.

    >>> known_quantities("fan", "all")
    ['utility']
    """
    return list(dict.fromkeys(q for family in _families(level, population) for q in family.quantities))


def known_measures(level: str, population: str, quantity: str) -> list[str]:
    """Measures of a quantity of a population at a level.

    >>> known_measures("platform", "all", "gmv")
    ['n_explosive']
    """
    found = (m for family in _families(level, population) if quantity in family.quantities for m in family.measures)
    return list(dict.fromkeys(found))


def known_windows(quantity: str) -> list[str]:
    """Windows that a quantity is measured over at the end: the last 30 days, the last 90, all since day 0.

    >>> known_windows("gmv"), known_windows("utility"), known_windows("followers")
    (['month', 'quarter', 'run'], ['quarter', 'run'], [])
    """
    if quantity in STOCKS:
        return []
    return ["quarter", "run"] if quantity == "utility" else ["month", "quarter", "run"]
