"""What can be measured: which level, population, quantity and measure go together; knows nothing of how it is done.

Claims are checked against these families before a run, and a run measures every one of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

__all__ = [
    "CONCENTRATION",
    "FAMILIES",
    "FLOWS",
    "MERIT",
    "MOBILITY",
    "PARTICIPATION",
    "STOCKS",
    "TAIL",
    "Family",
    "known_levels",
    "known_measures",
    "known_populations",
    "known_quantities",
]

STOCKS = ("followers",)
"""Measured at a time; all other quantities are flows, measured over a window."""
FLOWS = (
    "exposure",
    "exposure_feed",
    "exposure_discovery",
    "reads",
    "orders",
    "gmv",
    "new_follows",
    "unfollows",
)
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
    "median_days_to_head",
)
"""Against day 0. The last two: accounts that weren't in day 0's head (1 %) and were seen in a head at a snapshot since,
and the median time of the first such snapshot.
"""
MERIT = ("quality_rank_correlation", "top_quality_decile_share")
"""Rank correlation of quality with the quantity; share of it that goes to the tenth of highest quality."""
PARTICIPATION = ("n_active", "active_share")
"""Accounts with any of the quantity in the window."""


class Family(NamedTuple):
    """Quantities and measures of a level; every combination of a family's parts exists."""

    level: str
    populations: tuple[str, ...]
    quantities: tuple[str, ...]
    measures: tuple[str, ...]


FAMILIES = (
    Family("influencer", ("all", "partners", "shops"), (*STOCKS, *FLOWS), (*CONCENTRATION, *TAIL)),
    Family("agency", ("all",), (*STOCKS, *FLOWS), CONCENTRATION),
    Family("vertical", ("all",), (*STOCKS, *FLOWS), CONCENTRATION),
    Family("platform", ("all",), STOCKS, (*MOBILITY, *MERIT)),
    Family("platform", ("all",), ("exposure",), MERIT),
    Family("platform", ("all",), ("reads",), PARTICIPATION),
    Family("platform", ("all",), ("new_follows",), (*MERIT, *PARTICIPATION)),
    # New follows less unfollows: a change can be negative, so that it has no shares of a total.
    Family("platform", ("all",), ("net_follows",), ("quality_rank_correlation", "gained_share")),
    Family("platform", ("all",), ("gmv",), ("n_explosive",)),
    Family("fan", ("all",), ("utility",), ("mean",)),
)
"""Agency level is without independents. The order is that of the tables."""


def known_levels() -> list[str]:
    """The levels."""
    return list(dict.fromkeys(family.level for family in FAMILIES))


def known_populations(level: str) -> list[str]:
    """Populations of a level.

    >>> known_populations("agency")
    ['all']
    """
    return list(dict.fromkeys(p for family in FAMILIES if family.level == level for p in family.populations))


def _families(level: str, population: str) -> Iterator[Family]:
    return (family for family in FAMILIES if family.level == level and population in family.populations)


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
