"""What a watcher may ask of a run after each control event, while no session runs; it decides nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.model.agencies.ledger import Ledger
from sim.model.agencies.review import AgencyReview
from sim.model.agencies.tiers import TierReview
from sim.model.clock import Order
from sim.model.layout import Tables
from sim.model.world.accounts import Accounts
from sim.types import Int64s

__all__ = ["Observation", "State", "Watch", "decided"]

State = dict[str, NDArray[np.generic]]
"""Arrays by name; ``influencer NAME`` and ``agency NAME`` have a row for each of them, others begin with ``table``."""


@dataclass(frozen=True)
class Observation:
    """What may be asked; only what is asked is counted. It is valid until the watcher returns, in the run's thread."""

    time: int
    """[s], from -warmup_days on; day 0 begins at 0."""
    order: Order
    """What kind of event it was."""
    followers: Callable[[], Int64s]
    """Followers now [simulated fans], shape (M,), not to be changed."""
    sessions: Callable[[], int]
    """Sessions since the run began, those of the warm-up included."""
    traffic: Callable[[], State]
    """What sessions have counted so far; not to be changed."""
    empty_share: Callable[[], float | None]
    """Share of the reserved slots whose list was empty when it was first made, see ``Surfaces.empty_share``."""
    decided: Callable[[], State]
    """What events of this kind decide, as it is now; not to be changed."""


Watch = Callable[[Observation], None]


def decided(
    order: Order,
    *,
    accounts: Accounts,
    agency_review: AgencyReview,
    ledger: Ledger,
    last_flows: Callable[[], Int64s],
    last_tier_review: Callable[[], TierReview],
    tables: Tables,
) -> State:
    """What an event of this kind decides: of the history money, of an agency review accounts, of a refresh tables, ...

    Parameters
    ----------
    order
        The kind.
    accounts, agency_review, ledger, tables
        The control plane's, as they are now. Not changed.
    last_flows, last_tier_review
        Give the flows that the history has recorded last, shape (11, M), and the last tier review; each is called
        after such an event only.
    """
    match order:
        case Order.HISTORY:
            return _of_ledger(ledger) | {"agency profit": ledger.profit, "influencer flows": last_flows().T}
        case Order.AGENCY_REVIEW | Order.ENTRY:
            return _of_accounts(accounts) | {"agency funds": agency_review.funds, "agency failed": agency_review.failed}
        case Order.TIER_REVIEW:
            return _of_review(last_tier_review())
        case _:
            return _of_tables(tables)


# The names below are hashed into the epochs that baselines keep: they stay when attributes are renamed.


def _of_ledger(ledger: Ledger) -> State:
    return {
        "influencer income": ledger.income,
        "influencer agency_part": ledger.agency_part,
        "influencer cost": ledger.cost,
        "influencer take": ledger.take,
        "influencer paid": ledger.paid,
        "influencer result": ledger.result,
        "influencer host_tips": ledger.host_tips,
        "influencer seconds_on_air": ledger.seconds_on_air,
        "influencer reads": ledger.reads,
        "influencer gmv": ledger.gmv,
        "influencer tips": ledger.tips,
    }


def _of_accounts(accounts: Accounts) -> State:
    return {
        "influencer status": accounts.status,
        "influencer agency": accounts.agency,
        "influencer vertical": accounts.vertical,
        "influencer shop": accounts.shop,
        "influencer quality": accounts.quality,
        "influencer posts_per_day": accounts.posts_per_day,
        "influencer live_hours_per_day": accounts.live_hours_per_day,
        "influencer bad_reviews": accounts.bad_reviews,
        "influencer savings": accounts.savings,
        "influencer entered_at": accounts.entered_at,
        "influencer gone_at": accounts.gone_at,
    }


def _of_review(review: TierReview) -> State:
    return {
        "agency accounts": review.accounts,
        "agency followers": review.followers,
        "agency reads_per_month": review.reads_per_month,
        "agency posts_per_month": review.posts_per_month,
        "agency gmv_fen_per_year": review.gmv_fen_per_year,
        "agency tier": review.tier,
    }


def _of_tables(tables: Tables) -> State:
    """The tables; what is made of other fields is left out: aliases and order of the weights, traits of accounts."""
    return {
        "influencer weight": tables.weight.T,
        "influencer feed_weight": tables.feed_weight.T,
        "influencer follow": tables.follow.T,
        "influencer vertical": tables.vertical,
        "influencer quality": tables.quality,
        "influencer order_base": tables.order_base,
        "influencer shop": tables.shop,
        "table visits": tables.visits,
        "table is_feed": tables.is_feed,
        "table slots": tables.slots,
        "table distinct": tables.distinct,
        "table counts_repeats": tables.counts_repeats,
        "table reserved": tables.reserved,
        "table ordinary": tables.ordinary,
        "table examine": tables.examine,
        "table looks_on": tables.looks_on,
        "table organic": tables.organic,
        "table support": tables.support,
        "table custom": tables.custom,
        "table ranked": tables.ranked,
        "table explore": tables.explore,
        "table feed_affinity": tables.feed_affinity,
        "table click": tables.click,
        "table better_only": tables.better_only,
        "table origin": tables.origin,
        "table unfollow": tables.unfollow,
        "table order_factor": tables.order_factor,
        "table referrals": tables.referrals,
        "table tips": tables.tips,
        "table tip_value": tables.tip_value,
        "table order_value": tables.order_value,
        "table follow_cap": tables.follow_cap,
        "table keep": tables.keep,
        "table follows_open": tables.takes_follows,
    }
