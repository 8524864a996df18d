"""The name of a unit: which arm, in which replication, with which streams. It knows no model and no record."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from sim.types import Key

__all__ = ["Unit"]


class Unit(NamedTuple):
    """One arm in one replication."""

    arm: str
    replication: int
    """From 0."""
    independent: bool = False
    """Whether it has streams of its own on the population that it shares with the arm's ordinary unit.

    The control arm is run so too, to state by how much common random numbers reduce variance; no table has its rows.
    """

    def key(self, seed: int) -> Key:
        """Key of its traffic."""
        # Not above: reading or writing a run folder needs no NumPy.
        from sim.streams import INDEPENDENT
        from sim.types import Key

        return Key(seed, self.replication + (INDEPENDENT if self.independent else 0))

    def __str__(self) -> str:
        """Arm and replication, for messages."""
        return f"{self.arm} {self.replication}" + (", independent" if self.independent else "")
