"""The bad rows of a roster that are skipped: what was wrong with them, and whether the head allows it."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from sim.errors import Fault
from sim.formatting import shown

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Reason", "SkippedRows"]

KEPT_PLACES = 20
"""Places of bad rows that are kept for each reason."""
HEAD_FRACTION = 0.01
"""Share of the accounts that is their head; at least one account."""
MAX_SKIPPED_HEAD = 0.1
"""Share of the head that may be skipped."""
MIN_CORRELATION = 0.5
"""A column shows which accounts are large from this rank correlation with the followers on, of either sign."""
MIN_ACCOUNTS = 10
"""Fewer accounts than these show no correlation."""
MAX_ALIKE_SHARE = 0.5
"""Share of the rows that may fail for the same reason in the same column."""
MANY_UNKNOWN = 2
"""Rows that don't say how many followers they have make a pattern: the head could be missing them all."""
SHOWN_PLACES = 5
"""Places of such rows that a message names."""
MANY_FORMS = 2
"""Cells of a column, other than followers, in a form that isn't read, or rows of too many fields, make a pattern."""


Where = Callable[[int, str | None], tuple[int | None, str | None]]
"""Line and path of a place."""


class Reason(NamedTuple):
    """Why rows were skipped: the column (None: the row as a whole), the rule, how many rows, and the first places.

    A place is a line of a text, the number of a row of a Parquet file, or the names of an edge of a graph file.
    """

    column: str | None
    rule: str
    rows: int
    first: tuple[int, ...] | tuple[str, ...]


class SkippedRows:
    """Takes each bad row; a row counts under the first rule that it breaks in each column."""

    def __init__(self) -> None:
        self.n = 0
        self._places: dict[tuple[str | None, str], list[int]] = {}
        self._counts: dict[tuple[str | None, str], int] = {}
        self._forms: dict[str, list[tuple[int, str]]] = {}
        self._n_forms: dict[str, int] = {}
        self._n_unknown = 0
        self._unknown: list[int] = []
        self._n_wide = 0
        self._wide: tuple[int, bool] | None = None
        self.at = array("q")
        self.numbers: dict[str, array[float]] = {}

    def reason(self, place: int, column: str | None, rule: str) -> None:
        """Note a rule that the row breaks."""
        key = column, rule
        self._counts[key] = self._counts.get(key, 0) + 1
        places = self._places.setdefault(key, [])
        if len(places) < KEPT_PLACES:
            places.append(place)

    def form(self, place: int, column: str, cell: str) -> None:
        """Note a number in a form that isn't read, or another cell that isn't a number of followers."""
        self._n_forms[column] = self._n_forms.get(column, 0) + 1
        self._forms.setdefault(column, [(place, cell)])

    def unknown(self, place: int) -> None:
        """Note a row that doesn't say how many followers it has."""
        self._n_unknown += 1
        if len(self._unknown) < SHOWN_PLACES:
            self._unknown.append(place)

    def wide(self, place: int, cells: Sequence[str]) -> None:
        """Note a row with more fields than the header, as a number without quotes around its commas makes it."""
        self._n_wide += 1
        pairs = pairwise(cells)
        is_number = any(len(b) == 3 and len(a) < 4 and (a + b).isdigit() for a, b in pairs)
        if self._wide is None or (is_number and not self._wide[1]):
            self._wide = place, is_number

    def sized(self, place: int, numbers: Mapping[str, float]) -> None:
        """Note what is known of the size of the row's account: nan where a cell isn't a number."""
        self.at.append(place)
        for column, value in numbers.items():
            self.numbers.setdefault(column, array("d")).append(value)

    def reasons(self) -> tuple[Reason, ...]:
        """All reasons, the commonest first."""
        found = [Reason(*key, n, tuple(self._places[key])) for key, n in self._counts.items()]
        return tuple(sorted(found, key=lambda reason: -reason.rows))

    def most(self, n_rows: int) -> list[Reason]:
        """Reasons for which more than half of the rows fail."""
        return [reason for reason in self.reasons() if reason.rows > MAX_ALIKE_SHARE * n_rows]

    def without_number(self, file: str, where: Where, word: str) -> list[Fault]:
        """The fault where bad rows don't give their number of followers; ``word`` is that for a place: line or row."""
        if self._n_unknown < MANY_UNKNOWN:
            return []
        more = ", …" if self._n_unknown > len(self._unknown) else ""
        places = f"{word}s {', '.join(map(str, self._unknown))}{more}"
        rule = (
            f"bad rows can't be skipped: {self._n_unknown} rows don't say how many ({places}), and the largest "
            "accounts could be among them: fill them in, or delete rows that are no accounts"
        )
        return [Fault(file, rule, *where(self._unknown[0], "followers"))]

    def patterns(self, file: str, where: Where, n_rows: int, advice: Callable[[str], str] | None = None) -> list[Fault]:
        """The fault where bad rows have one reason: that of most rows, unread forms of numbers, cells split by commas.

        ``advice`` says what to do about a rule that most rows break.
        """
        found = []
        for reason in self.most(n_rows):
            rule = f"bad rows can't be skipped: {reason.rows} of {n_rows} rows fail by the same rule ({reason.rule})"
            rule += f"; {advice(reason.rule)}" if advice else ""
            first = self._places[reason.column, reason.rule][0]
            found.append(Fault(file, f"{rule}; the first here", *where(first, reason.column)))
        if self._wide is not None and (self._wide[1] or self._n_wide >= MANY_FORMS):
            rows = "1 row has" if self._n_wide == 1 else f"{self._n_wide} rows have"
            rule = f"bad rows can't be skipped: {rows} more fields than the header, as numbers with commas make them"
            found.append(Fault(file, f"{rule} that aren't in quotes; the first here", *where(self._wide[0], None)))
        for column, n in self._n_forms.items():
            if n >= (1 if column == "followers" else MANY_FORMS):
                place, cell = self._forms[column][0]
                if column == "followers":
                    cells = "1 cell is neither empty nor" if n == 1 else f"{n} cells are neither empty nor"
                    what = f"{cells} a number of followers as it is read"
                else:
                    what = f"{n} cells are numbers in a form that isn't read"
                rule = f"bad rows can't be skipped: {what}; the first"
                found.append(Fault(file, rule, *where(place, column), shown(cell)))
        return found

    def head(
        self, kept: Mapping[str, Sequence[float]], others: Mapping[str, Sequence[float]]
    ) -> tuple[str, int, int, int] | None:
        """The column by which too much of the head is among the skipped rows.

        Returns
        -------
        tuple or None
            Column, accounts of the head that are skipped, accounts of the head, place of the largest skipped row.
        """
        import numpy as np

        followers = np.asarray(kept["followers"], dtype=float)
        for column, values in kept.items():
            mine = np.asarray(values, dtype=float)
            theirs = np.asarray(others.get(column, ()), dtype=float)
            if column != "followers":
                sign = _alike(mine, followers)
                if not sign:
                    continue
                mine, theirs = sign * mine, sign * theirs
            known = np.flatnonzero(~np.isnan(theirs))
            mine = mine[~np.isnan(mine)]
            if not known.size:
                continue
            size = max(1, math.floor(HEAD_FRACTION * (mine.size + known.size)))
            both = np.concatenate([mine, theirs[known]])
            head = np.argsort(-both, kind="stable")[:size]  # of two equal ones the kept one
            lost = head[head >= mine.size] - mine.size
            if lost.size > MAX_SKIPPED_HEAD * size:
                return column, int(lost.size), size, int(self.at[known[lost[0]]])
        return None


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    import numpy as np

    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks: NDArray[np.float64] = (last - (counts - 1) / 2)[place]
    return ranks


def _alike(values: NDArray[np.float64], followers: NDArray[np.float64]) -> int:
    """1 or -1 where the column ranks the accounts as their followers do, or in reverse; else 0."""
    import numpy as np

    known = ~np.isnan(values)
    one, other = _ranks(values[known]), _ranks(followers[known])
    if one.size < MIN_ACCOUNTS or not np.ptp(one) or not np.ptp(other):
        return 0
    coefficient = float(np.corrcoef(one, other)[0, 1])
    return 0 if abs(coefficient) < MIN_CORRELATION else 1 if coefficient > 0 else -1
