"""Whether quality pays: measures of the platform. They know no model and no files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.late import Late
from sim.scenario.schema.measurable import Scope, Watched, declared

if TYPE_CHECKING:
    from sim.analysis import merit
    from sim.measures.views import Platform
else:
    merit = Late("sim.analysis.merit")


FOLLOWERS = Scope("platform", ("all",), ("followers",))
EXPOSURE = Scope("platform", ("all",), ("exposure",))
NEW_FOLLOWS = Scope("platform", ("all",), ("new_follows",))
# New follows less unfollows: a change can be negative, so that it has no shares of a total.
NET_FOLLOWS = Scope("platform", ("all",), ("net_follows",))
TOP_DECILE = 9


@declared(
    *(FOLLOWERS, EXPOSURE, NEW_FOLLOWS, NET_FOLLOWS),
    range="-1 to 1",
    margin=0.01,
    formula="Spearman's correlation of quality and x",
    source="sim.analysis.ranks.rank_correlation",
    watched=[Watched("followers", "quality_rank_correlation", "platform")],
)
def quality_rank_correlation(platform: Platform) -> float:
    """Rank correlation of quality with the quantity."""
    return platform.quality_correlation


@declared(
    *(FOLLOWERS, EXPOSURE, NEW_FOLLOWS),
    unit="share",
    range="0 to 1",
    formula="sum over the best tenth by quality / sum",
    source="sim.analysis.merit.quality_decile_share",
)
def top_quality_decile_share(platform: Platform) -> float:
    """Share of the quantity that goes to the tenth of highest quality."""
    _, tenths = platform.accounts.by_quality(platform.entered)
    return merit.share_of_decile(platform.amounts[platform.entered], tenths, TOP_DECILE)
