"""What a watcher may ask of a run after each control event, while no session runs; it decides nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.model.accounts import Accounts
from sim.model.clock import Order
from sim.model.contracts import Contracts
from sim.model.frozen import Tables
from sim.model.ledger import Ledger
from sim.model.tiers import Review

__all__ = ["Glance", "State", "Watch", "decided"]

Int64s = NDArray[np.int64]
State = dict[str, NDArray[np.generic]]
"""Arrays by name; ``influencer NAME`` and ``agency NAME`` have a row for each of them, others begin with ``table``."""


@dataclass(frozen=True)
class Glance:
    """What may be asked; only what is asked is counted. It holds until the watcher returns, in the run's thread."""

    time: int
    """[s], from -warmup_days on; day 0 begins at 0."""
    order: Order
    """What kind of event it was."""
    followers: Callable[[], Int64s]
    """Followers now [simulated fans], shape (M,), not to be changed."""
    sessions: Callable[[], int]
    """Sessions since the run began, those of the warm-up with them."""
    traffic: Callable[[], State]
    """What sessions have counted so far; not to be changed."""
    empty_share: Callable[[], float | None]
    """Share of the reserved slots whose list was empty when it was first made, see ``Surfaces.empty_share``."""
    decided: Callable[[], State]
    """What events of this kind decide, as it is now; not to be changed."""


Watch = Callable[[Glance], None]


def decided(
    order: Order,
    *,
    accounts: Accounts,
    contracts: Contracts,
    ledger: Ledger,
    booked: Callable[[], Int64s],
    review: Callable[[], Review],
    tables: Tables,
) -> State:
    """What an event of this kind decides: the books money, a review of contracts accounts, a refresh tables, ...

    Parameters
    ----------
    order
        The kind.
    accounts, contracts, ledger, tables
        The control plane's, as they are now. Not changed.
    booked, review
        Give the last entry of the books, shape (11, M), and the last tier review; asked after one only.
    """
    match order:
        case Order.BOOKS:
            of_ledger = _prefixed("influencer", vars(ledger), "profit") | {"agency profit": ledger.profit}
            return of_ledger | {"influencer flows": booked().T}
        case Order.CONTRACTS | Order.ENTRY:
            found = _prefixed("influencer", vars(accounts))
            return found | {"agency funds": contracts.funds, "agency failed": contracts.failed}
        case Order.REVIEW:
            return _prefixed("agency", vars(review()))
        case _:
            return _of_tables(tables)


def _prefixed(holder: str, attributes: Mapping[str, object], *without: str) -> State:
    return {
        f"{holder} {name.lstrip('_')}": array
        for name, array in attributes.items()
        if isinstance(array, np.ndarray) and name not in without
    }


def _of_tables(tables: Tables) -> State:
    """The tables, those with a row for each influencer by influencer."""
    by_influencer = {"weight": tables.weight.T, "feed_weight": tables.feed_weight.T, "follow": tables.follow.T}
    by_influencer |= {name: getattr(tables, name) for name in ("vertical", "quality", "order_base", "shop")}
    found: State = {f"influencer {name}": array for name, array in by_influencer.items()}
    # What is made of other fields is left out: aliases and order of the weights, traits of quality and vertical.
    made = {"alias", "order", "traits", *by_influencer}
    return found | {f"table {name}": array for name, array in tables._asdict().items() if name not in made}
