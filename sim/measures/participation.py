"""How many take part, and how many are here: measures of the platform. They know no model and no files."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from sim.calendar import DAY
from sim.late import Late
from sim.scenario.schema.measurable import Scope, Watched, declared

if TYPE_CHECKING:
    import numpy as np

    from sim.analysis import participation
    from sim.measures.views import Platform
else:
    np = Late("numpy")
    participation = Late("sim.analysis.participation")


READS = Scope("platform", ("all",), ("reads",))
NEW_FOLLOWS = Scope("platform", ("all",), ("new_follows",))
NET_FOLLOWS = Scope("platform", ("all",), ("net_follows",))
TURNOVER = Scope("platform", ("all",), ("gmv",))
STANDING = Scope("platform", ("all",), ("accounts",))
TIERS = Scope("platform", ("all",), ("tiers",))
ABOVE = "sim.analysis.participation.n_above"
YEAR = 365


@declared(READS, NEW_FOLLOWS, unit="accounts", range="from 0", formula="#{x > 0}", source=ABOVE)
def n_active(platform: Platform) -> float:
    """Accounts that have any of the quantity in the window."""
    return float(participation.n_above(platform.amounts))


@declared(READS, NEW_FOLLOWS, unit="share", range="0 to 1", formula="#{x > 0} / entered", source=ABOVE)
def active_share(platform: Platform) -> float:
    """Share of the accounts that have any of the quantity in the window."""
    return participation.n_above(platform.amounts) / platform.n_entered


@declared(
    NET_FOLLOWS,
    unit="share",
    range="0 to 1",
    formula="#{new follows > unfollows} / entered",
    source="sim.analysis.participation.share_above",
)
def gained_share(platform: Platform) -> float:
    """Share of the accounts that have more followers than at the window's start."""
    return participation.n_above(platform.amounts) / platform.n_entered


@declared(
    TURNOVER,
    unit="accounts",
    range="from 0",
    formula="#{turnover of a year >= explosive_gmv_fen_per_year}",
    source="sim.analysis.participation.threshold_over",
)
def n_explosive(platform: Platform) -> float:
    """Accounts whose turnover of a year reaches `explosive_gmv_fen_per_year`."""
    explosive = platform.accounts.explosive_gmv_fen_per_year
    if explosive is None or platform.start is None:
        return math.nan
    days = (platform.time - platform.start) // DAY
    return float(participation.n_above(platform.amounts, participation.threshold_over(explosive, days, YEAR)))


@declared(STANDING, unit="accounts", range="from 0", watched=[Watched("accounts", "n_present", "platform")])
def n_present(platform: Platform) -> float:
    """Accounts that are here."""
    return float(np.count_nonzero(platform.present))


@declared(STANDING, unit="accounts", range="from 0", watched=[Watched("accounts", "n_entered", "platform")])
def n_entered(platform: Platform) -> float:
    """Newcomers that have entered."""
    return float(np.count_nonzero(platform.entered[platform.accounts.n_initial :]))


@declared(STANDING, unit="accounts", range="from 0")
def n_cut(platform: Platform) -> float:
    """Accounts that were cut."""
    return float(np.count_nonzero(platform.cut))


@declared(STANDING, unit="accounts", range="from 0")
def n_left(platform: Platform) -> float:
    """Accounts that have left."""
    return float(np.count_nonzero(platform.left))


@declared(
    TIERS,
    unit="agencies",
    range="from 0",
    source="sim.analysis.mobility.n_moves",
    watched=[Watched("tiers", "n_promotions", "platform")],
)
def n_promotions(platform: Platform) -> float:
    """Agencies that came to a higher tier between two reviews, over all reviews."""
    return float(platform.tier_moves[0])


@declared(
    TIERS,
    unit="agencies",
    range="from 0",
    source="sim.analysis.mobility.n_moves",
    watched=[Watched("tiers", "n_demotions", "platform")],
)
def n_demotions(platform: Platform) -> float:
    """Agencies that came to a lower tier (none is the lowest) between two reviews, over all reviews."""
    return float(platform.tier_moves[1])
