"""Concentration on influencers, agencies and verticals, and the tail. These measures know no model and no files."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from sim.scenario.schema.measurable import COLUMN_GROUP, FLOWS, MAIN, Scope, Watched, declared

if TYPE_CHECKING:
    from sim.measures.views import Holding

ACCOUNTS = Scope("influencer", ("all",), ("followers", *FLOWS))
POPULATIONS = Scope("influencer", ("active", "partners", "shops", COLUMN_GROUP), ("followers", *MAIN))
AGENCIES = Scope("agency", ("all",), ("followers", *MAIN))
VERTICALS = Scope("vertical", ("all",), ("followers", *MAIN))
HOLDERS = (ACCOUNTS, POPULATIONS, AGENCIES, VERTICALS)
SUMMARISED = "sim.analysis.concentration"
STOCK_AND_EXPOSURE = ("followers", "exposure")


@declared(
    *HOLDERS,
    unit="share",
    range="0 to 1",
    margin=0.005,
    more_concentrated="higher",
    formula="sum of the k largest / sum, k = 1 % of day 0's holders",
    source=f"{SUMMARISED}.top_share",
    watched=[Watched(quantity, "head_share_01") for quantity in STOCK_AND_EXPOSURE],
)
def head_share_01(held: Holding) -> float:
    """Share of the total that the largest 1 % have now."""
    return held.concentration["head_share_01"]


@declared(
    *HOLDERS,
    unit="share",
    range="0 to 1",
    margin=0.005,
    more_concentrated="higher",
    formula="sum of the k largest / sum, k = 10 % of day 0's holders",
    source=f"{SUMMARISED}.top_share",
    watched=[
        *(Watched(quantity, "head_share_10") for quantity in STOCK_AND_EXPOSURE),
        Watched("gmv", "head_share_10", population="shops"),
    ],
)
def head_share_10(held: Holding) -> float:
    """Share of the total that the largest 10 % have now."""
    return held.concentration["head_share_10"]


@declared(
    *HOLDERS,
    unit="share",
    range="0 to 1",
    margin=0.005,
    more_concentrated="higher",
    formula="sum over day 0's largest 1 % / sum",
    source=f"{SUMMARISED}.group_share",
    watched=[Watched("followers", "initial_head_share_01")],
)
def initial_head_share_01(held: Holding) -> float:
    """Share of the holders that were the largest 1 % by followers at day 0."""
    return held.concentration["initial_head_share_01"]


@declared(
    *HOLDERS,
    unit="share",
    range="0 to 1",
    more_concentrated="higher",
    formula="sum of the 10 largest / sum",
    source=f"{SUMMARISED}.top_share",
)
def top_10_share(held: Holding) -> float:
    """Share of the ten largest."""
    return held.concentration["top_10_share"]


@declared(
    *HOLDERS,
    range="0 to 1",
    margin=0.01,
    more_concentrated="higher",
    formula="sum (2 i - n - 1) x_(i) / (n sum x), x ascending",
    source=f"{SUMMARISED}.gini",
    watched=[
        *(Watched(quantity, "gini") for quantity in (*STOCK_AND_EXPOSURE, "income")),
        Watched("exposure", "gini", "agency"),
    ],
)
def gini(held: Holding) -> float:
    """Gini coefficient."""
    return held.concentration["gini"]


@declared(
    *HOLDERS,
    range="0 to 1",
    more_concentrated="higher",
    formula="sum (x / sum x)^2",
    source=f"{SUMMARISED}.hhi",
)
def hhi(held: Holding) -> float:
    """Herfindahl-Hirschman index, the sum of squared shares."""
    return held.concentration["hhi"]


@declared(
    *HOLDERS,
    unit="holders",
    range="1 to n",
    more_concentrated="lower",
    formula="1 / HHI",
    source=f"{SUMMARISED}.effective_number",
)
def effective_number(held: Holding) -> float:
    """As many equal holders would be as concentrated."""
    return held.concentration["effective_number"]


@declared(
    *HOLDERS,
    range="0 to ln n",
    more_concentrated="higher",
    formula="1/n sum r ln r, r = x / mean",
    source="sim.analysis.entropy.theil",
)
def theil(held: Holding) -> float:
    """Theil's index."""
    return held.theil


@declared(
    ACCOUNTS,
    range="over 0",
    more_concentrated="lower",
    formula="maximum likelihood over the largest 10 %",
    source="sim.analysis.tail.top_tail",
)
def tail_exponent(held: Holding) -> float:
    """Exponent of the tail, over the largest 10 %."""
    return held.tail[0]


@declared(
    ACCOUNTS,
    unit="people, orders or fen",
    range="from 1",
    source="sim.analysis.tail.top_tail",
    is_claimable=False,
)
def tail_x_min(held: Holding) -> float:
    """Where that tail begins."""
    _, x_min, n = held.tail
    return x_min * held.people if n else math.nan


@declared(ACCOUNTS, unit="holders", range="from 0", source="sim.analysis.tail.top_tail", is_claimable=False)
def tail_n(held: Holding) -> float:
    """How many are in that tail."""
    return float(held.tail[2])
