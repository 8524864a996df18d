"""Who gains: what authors live on, the platform's take, what fans get out of reading. They know no model, no files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.late import Late
from sim.scenario.schema.measurable import Scope, Watched, declared

if TYPE_CHECKING:
    from sim.analysis import amounts, welfare
    from sim.analysis import utility as of_fans
    from sim.measures.views import FanReads, Platform
else:
    amounts = Late("sim.analysis.amounts")
    of_fans = Late("sim.analysis.utility")
    welfare = Late("sim.analysis.welfare")


INCOME = Scope("platform", ("all",), ("income",))
TAKE = Scope("platform", ("all",), ("take",))
FANS = Scope("fan", ("all",), ("utility",))


@declared(
    INCOME,
    unit="share",
    range="0 to 1",
    formula="turnover / (turnover + tips + pay)",
    source="sim.analysis.welfare.ecommerce_share",
)
def ecommerce_share(platform: Platform) -> float:
    """Share of turnover in all money that comes in through authors."""
    return welfare.ecommerce_share(*(amounts.exact_sum(platform.flow(name)) for name in ("gmv", "tips", "paid")))


@declared(
    TAKE,
    name="total",
    unit="amount",
    formula="sum of the platform's parts",
    watched=[Watched("take", "total", "platform")],
)
def take(platform: Platform) -> float:
    """What the platform takes [fen]."""
    return float(amounts.exact_sum(platform.amounts))


@declared(
    FANS,
    name="mean",
    range="0 to 1",
    formula="mean of quality x affinity over what was read",
    source="sim.analysis.utility.mean_utility",
    watched=[Watched("utility", "mean", "fan")],
)
def utility(fans: FanReads) -> float:
    """Mean quality times affinity of what was read."""
    return of_fans.mean_utility(fans.reads, fans.quality, fans.affinity, fans.vertical)
