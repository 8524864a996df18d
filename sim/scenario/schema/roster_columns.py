"""The columns of a roster that the product knows, by name."""

from __future__ import annotations

from typing import Literal, get_args

__all__ = ["KNOWN", "NUMBERS", "TEXTS", "RosterColumn"]

RosterColumn = Literal[
    "influencer", "followers", "vertical", "agency", "age_days", "quality", "posts_per_day", "conversion_prob",
    "order_value_fen", "live_hours_per_day", "shop",
]  # fmt: skip
KNOWN: tuple[RosterColumn, ...] = get_args(RosterColumn)
TEXTS = ("influencer", "vertical", "agency")
NUMBERS = ("age_days", "quality", "posts_per_day", "conversion_prob", "order_value_fen", "live_hours_per_day")
