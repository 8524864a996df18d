"""What is noted of each refresh of a surface: follows so far, and the head's share of its slot tables; no sessions."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sim.model.kernel import slot_tables
from sim.model.layout import Tables
from sim.model.world.population import Population
from sim.types import Floats, Int32s

__all__ = ["Refresh", "Refreshes"]


class Refresh(NamedTuple):
    """A refresh of a surface that isn't a feed."""

    time: int
    """[s]"""
    surface: int
    """Index."""
    follows: int
    """New follows on the surface before it [simulated fans]."""
    reserved_follows: int
    """Those of them that were won in reserved slots."""
    support_head_share: float
    """The initial head's share of what the support list draws; nan where there is none, or none has any weight."""
    organic_head_share: float
    """Its share of what the organic table draws."""


class Refreshes:
    """All refreshes so far.

    The initial head are the accounts with the most followers at day 0, ``max(1, floor(M0 / 100 + 1/2))`` of those there
    are then, the lower id of equals. A share is that of the tables' integer weights; exploration isn't in it. Where
    segments have tables of their own it is their mean, weighed by their sessions on the surface: a surface has the same
    part of every segment's sessions.

    Parameters
    ----------
    population
        Not changed.
    """

    def __init__(self, population: Population) -> None:
        head_size = max(1, (population.n_initial + 50) // 100)
        self._head: Int32s = population.by_size()[:head_size]
        self._sessions: Floats = np.bincount(population.segment, 1.0 / population.mean_gap).astype(np.float64)
        self.noted: list[Refresh] = []

    def note(self, time: int, surface: int, follows: int, reserved_follows: int, tables: Tables) -> None:
        """Note what a surface's tables are like after a refresh.

        Parameters
        ----------
        time, surface, follows, reserved_follows
            As :class:`Refresh` has them.
        tables
            Not changed.
        """
        sessions = self._sessions * tables.keep[: self._sessions.size].sum(axis=1)
        shares = (
            slot_tables.mean_head_share(tables.weight, rows, self._head, sessions)
            for rows in (tables.support[surface], tables.organic[surface])
        )
        self.noted.append(Refresh(time, surface, follows, reserved_follows, *shares))
