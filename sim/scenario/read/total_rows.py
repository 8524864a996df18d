"""Rows of a roster that sum up the others: found by their place, their name and their number. It knows no files."""

from __future__ import annotations

import math
import re
from array import array
from collections.abc import Sequence
from typing import NamedTuple

__all__ = ["Candidate", "is_total_name", "total_among"]

TOTAL_NAMES = (
    *("total", "totals", "grand total", "overall total", "total followers", "total fans", "total accounts", "sum"),
    *("gesamt", "gesamtsumme", "summe", "insgesamt", "合计", "总计", "共计", "总和", "总数", "总共", "汇总", "小计"),
)
WEAK_TOTAL_NAMES = ("all", "overall", "全部", "所有")
"""Names that accounts have too."""
NEAR = 0.9
"""Share of the others' sum that the first row, or one of such a name, has at least if it is a total."""
FEW_OTHERS = 3
"""Fewer accounts with followers can add up to the last one's by chance."""
MANY_OTHERS = 10
"""The same of a row that is not the last one, or whose number is rounded."""


class Candidate(NamedTuple):
    """A row that may be a total: its followers, how far they may be rounded, and its index among the kept accounts.

    ``at`` is None where the row isn't kept; ``is_first`` and ``is_last`` give its place.
    """

    name: str
    followers: int
    margin: float
    at: int | None
    is_first: bool
    is_last: bool


def _bare(name: str) -> str:
    return re.sub(r"\s*[(\[\uff08].*", "", name).strip(" :\uff1a*").casefold()


def is_total_name(name: str) -> bool:
    """Whether a row of this name is a total by its name alone."""
    return _bare(name) in TOTAL_NAMES


def total_among(candidates: Sequence[Candidate], followers: array[int]) -> Candidate | None:
    """The first of the rows that sums up the others.

    Parameters
    ----------
    candidates
        The first row and the last ones, in order.
    followers
        Of all kept accounts, in order [people].
    """
    total = sum(followers)
    for i, row in enumerate(candidates):
        later = [] if row.is_first else [followers[each.at] for each in candidates[i + 1 :] if each.at is not None]
        own = [] if row.at is None else [followers[row.at]]
        others = total - sum(own)
        before = others - sum(later)
        least = FEW_OTHERS if row.is_last and not row.margin else MANY_OTHERS
        for added, left_out in ((others, own), (before, own + later)):
            if abs(row.followers - added) <= row.margin:
                positive = sum(each > 0 for each in followers) - sum(each > 0 for each in left_out)
                if positive >= least:
                    return row
        if _is_named(row, before, followers, len(own + later)):
            return row
    return None


def _is_named(row: Candidate, others: int, followers: array[int], n_left_out: int) -> bool:
    """Whether the row has the name of a total, and as many followers as one may have."""
    bare = _bare(row.name)
    if n_left_out == len(followers) or bare not in (*TOTAL_NAMES, *WEAK_TOTAL_NAMES):
        return False
    if row.is_first or bare in WEAK_TOTAL_NAMES:
        most = math.inf if bare in TOTAL_NAMES else others / NEAR
        return others > 0 and NEAR * others <= row.followers <= most
    return row.followers >= max(followers[: len(followers) - n_left_out])
