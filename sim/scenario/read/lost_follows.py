"""The follows of bad rows that are skipped, by influencer: whether the head loses too many. It knows no files."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from sim.formatting import shown
from sim.scenario.read.skipped_rows import HEAD_FRACTION

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["IN_ROSTER", "LostFollows", "LostHead", "advice"]

IN_ROSTER = "must be in the roster"
"""The rule for an influencer that isn't in the roster."""
LOST = 0.1
"""Part of its follows that an account of the head may lose."""
MAX_KEPT_NAME = 200
"""Characters of a name that are kept: longer ones are bad, and aren't needed in full."""


class LostHead(NamedTuple):
    """An account of the head, how many follows it loses of how many, the least that the head has, the first place."""

    name: str
    lost: int
    follows: int
    least: int
    place: int

    @property
    def rule(self) -> str:
        """The message."""
        account = shown(self.name) if self.name else "an account without a name"
        least = f"{self.least} follow{'s' * (self.least != 1)}"
        return (
            f"bad rows can't be skipped: they contain {self.lost} of the {self.follows} follows of {account}, which is "
            f"among the largest 1 % of the influencers (at least one; from {least})"
        )


class LostFollows:
    """Counts the follows of bad rows; a follow that is there already, and a row that is none, is not lost."""

    def __init__(self) -> None:
        self._counts: dict[str, list[int]] = {}

    def add(self, influencer: str, place: int) -> None:
        """Note a follow of the influencer that is skipped; its place is a line of the file, or the number of a row."""
        name = influencer[:MAX_KEPT_NAME]
        if name in self._counts:
            self._counts[name][0] += 1
        else:
            self._counts[name] = [1, place]

    def head(self, influencers: Sequence[str], follows: NDArray[np.int64]) -> LostHead | None:
        """The account of the head that would lose most, where one would lose more than a tenth of its follows.

        ``follows`` of shape (M,) counts those of the good rows for each of the influencers. The head is the largest 1 %
        by the follows of good and bad rows, at least one account, with all that have as many as its smallest.
        """
        import numpy as np

        if not self._counts:
            return None
        at = {name: i for i, name in enumerate(influencers)}
        names = [*influencers, *(name for name in self._counts if name not in at)]
        for i in range(len(influencers), len(names)):
            at[names[i]] = i
        lost = np.zeros(len(names), dtype=np.int64)
        for name, (n, _) in self._counts.items():
            lost[at[name]] = n
        total = lost.copy()
        total[: len(influencers)] += follows
        size = max(1, math.floor(HEAD_FRACTION * len(names)))
        least = int(np.partition(total, -size)[-size])
        far = np.flatnonzero((total >= least) & (lost > LOST * total))
        if not far.size:
            return None
        most = int(far[np.argmax(lost[far])])
        return LostHead(names[most], int(lost[most]), int(total[most]), least, self._counts[names[most]][1])


def advice(rule: str | None = None) -> str:
    """What to do about bad rows that can't be skipped, by the rule that they break.

    >>> advice(IN_ROSTER)
    'add these accounts to the roster, or delete the rows'
    """
    return "add these accounts to the roster, or delete the rows" if rule == IN_ROSTER else "correct or delete the rows"
