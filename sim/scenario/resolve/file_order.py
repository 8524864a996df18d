"""The order of a scenario's files, in which outputs list accounts whose ids follow their names; knows no outputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sim.scenario.resolve.loading import Loaded
    from sim.types import Int64s

__all__ = ["agencies_as_listed", "fans_as_listed", "influencers_as_listed"]


def influencers_as_listed(loaded: Loaded, n: int) -> Int64s:
    """Ids of n influencers, shape (n,): row after row of the roster, else of the follow graph; newcomers last."""
    order = None if loaded.graph is None else loaded.graph.influencer_order
    return _with_later(order if loaded.roster is None else loaded.roster.file_order, n)


def fans_as_listed(loaded: Loaded, n: int) -> Int64s:
    """Ids of n fans, shape (n,), in the order of the follow graph; those who join later last."""
    return _with_later(None if loaded.graph is None else loaded.graph.fan_order, n)


def agencies_as_listed(loaded: Loaded, names: Sequence[str]) -> Int64s:
    """Ids of the agencies of these names, shape (A,), in the order in which the roster's rows name them, if it does."""
    import numpy as np

    roster = loaded.roster
    if roster is None or not roster.agency:
        return np.arange(len(names))
    rows = range(len(roster.agency)) if roster.file_order is None else roster.file_order.tolist()
    place = {name: a for a, name in enumerate(names)}
    found = dict.fromkeys(name for i in rows if (name := roster.agency[i]) is not None)
    return np.array([place[name] for name in found], dtype=np.int64)


def _with_later(order: Int64s | None, n: int) -> Int64s:
    """The order, where there is one, and then all others by number; shape (n,)."""
    import numpy as np

    return np.arange(n) if order is None else np.concatenate([order, np.arange(order.size, n)])
