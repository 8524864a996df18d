"""Where day 0's accounts have moved since; measures of the platform. They know no model and no files."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from sim.calendar import DAY
from sim.late import Late
from sim.scenario.schema.measurable import Scope, declared

if TYPE_CHECKING:
    from sim.analysis import mobility, ranks
    from sim.measures.views import Platform
else:
    mobility = Late("sim.analysis.mobility")
    ranks = Late("sim.analysis.ranks")


FOLLOWERS = Scope("platform", ("all",), ("followers",))
ROOM = "sim.analysis.mobility"


@declared(
    FOLLOWERS,
    range="-1 to 1",
    margin=0.01,
    formula="Spearman's correlation of followers at day 0 and now",
    source="sim.analysis.ranks.rank_correlation",
)
def start_rank_correlation(platform: Platform) -> float:
    """Rank correlation of followers at day 0 and now."""
    accounts = platform.accounts
    return ranks.correlation_of_ranks(accounts.start_ranks, ranks.doubled_ranks(platform.amounts[: accounts.n_initial]))


@declared(
    FOLLOWERS,
    unit="share",
    range="0 to 1",
    formula="#{day 0's largest 1 % that aren't in it now} / k",
    source=f"{ROOM}.head_turnover",
)
def head_turnover_01(platform: Platform) -> float:
    """Share of day 0's head of 1 % that is no longer in the head."""
    return mobility.head_turnover(platform.followers_at_start, platform.amounts, platform.accounts.n_head_01)


@declared(
    FOLLOWERS,
    unit="share",
    range="0 to 1",
    formula="#{day 0's largest 10 % that aren't in it now} / k",
    source=f"{ROOM}.head_turnover",
)
def head_turnover_10(platform: Platform) -> float:
    """Share of day 0's head of 10 % that is no longer in the head."""
    return mobility.head_turnover(platform.followers_at_start, platform.amounts, platform.accounts.n_head_10)


@declared(
    FOLLOWERS,
    unit="deciles",
    range="0 to 9",
    formula="mean |decile now - decile at day 0|",
    source=f"{ROOM}.mean_decile_change",
)
def mean_decile_change(platform: Platform) -> float:
    """Mean distance between an account's decile at day 0 and now."""
    return mobility.mean_decile_change(platform.decile_moves)


@declared(
    FOLLOWERS,
    unit="share",
    range="0 to 1",
    formula="#{decile now > decile at day 0} / n",
    source=f"{ROOM}.upward_share",
)
def upward_share(platform: Platform) -> float:
    """Share of the accounts in a higher decile than at day 0."""
    return mobility.upward_share(platform.decile_moves)


@declared(FOLLOWERS, unit="accounts", range="from 0", source=f"{ROOM}.arrivals_in_head")
def n_reached_head(platform: Platform) -> float:
    """Accounts outside day 0's head of 1 % that were seen in a head at a snapshot since."""
    return float(mobility.median_arrival(platform.accounts.arrivals, platform.time)[1])


@declared(FOLLOWERS, unit="accounts", range="from 0", source="sim.analysis.merit.as_good_as_top_tenth")
def n_good_reached_head(platform: Platform) -> float:
    """Those of them as good as day 0's best tenth by quality."""
    accounts = platform.accounts
    if not accounts.is_good.any():
        return math.nan
    return float(mobility.median_arrival(accounts.arrivals_of_good, platform.time)[1])


@declared(FOLLOWERS, unit="days", range="from 0", source=f"{ROOM}.median_arrival", is_claimable=False)
def median_days_to_head(platform: Platform) -> float:
    """Median time of the first such snapshot."""
    return mobility.median_arrival(platform.accounts.arrivals, platform.time)[0] / DAY
