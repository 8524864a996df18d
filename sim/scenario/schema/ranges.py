"""Ranges of the attributes of accounts and agencies, whether drawn or in a roster. It knows no keys and no files."""

from typing import NamedTuple

__all__ = ["RANGES", "Range"]


class Range(NamedTuple):
    """The range of an influencer's or agency's attribute, its ends included unless ``is_open``."""

    low: float
    high: float
    is_open: bool = False

    def holds(self, value: float) -> bool:
        """Whether the value lies in the range."""
        return self.low < value < self.high if self.is_open else self.low <= value <= self.high

    def rule(self) -> str:
        """The range in words."""
        less = "<" if self.is_open else "<="
        return f"must be {less.replace('<', '>')} {self.low:.15g} and {less} {self.high:.15g}"


RANGES = {
    "followers": Range(0, 1e15),
    "age_days": Range(0, 1e6),
    "quality": Range(0, 1, is_open=True),
    "posts_per_day": Range(0, 1e6),
    "conversion_prob": Range(0, 1),
    "order_value_fen": Range(0, 1e15),
    "live_hours_per_day": Range(0, 24),
    "accounts": Range(0, 1e7),
}
"""Ranges of the attributes that can be drawn or stand in a roster; upper ends keep 64-bit sums from overflowing."""
