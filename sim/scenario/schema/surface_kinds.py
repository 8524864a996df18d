"""The kinds of surfaces, one object each: what they show and which keys they have; knows nothing of how they are run.

A new kind is an entry of ``KINDS``: schema, rules, cost, groups of turnover and the model follow from it.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import NamedTuple

__all__ = ["KINDS", "OWN_KEYS", "OwnKey", "SurfaceKind"]


class OwnKey(NamedTuple):
    """A key of a surface that only some kinds have."""

    idle: float | None
    """Value where a kind doesn't have it; what is left out is idle, too."""
    use: str | None
    """What only kinds that have it do; None: most have it."""


OWN_KEYS = MappingProxyType(
    {
        "support_share": OwnKey(0, None),
        "showcase_share": OwnKey(1, "shows posts"),
        "tip_prob": OwnKey(0, "has tips"),
        "tip_fen": OwnKey(0, "has tips"),
        "custom_share": OwnKey(0, "has custom products"),
    }
)
"""In the order in which a wrong one is reported."""


class SurfaceKind(NamedTuple):
    """What a surface of a kind is."""

    label: str
    """In a sentence, with its article."""
    shows: str
    """For the description of the key."""
    own_keys: frozenset[str]
    """Which of ``OWN_KEYS`` it has."""
    is_feed: bool = False
    """Slots are drawn from the posts of followed accounts; otherwise from tables over all accounts."""
    open_verticals_only: bool = False
    """Organic slots show accounts of verticals that are open."""
    on_air_only: bool = False
    """Slots show accounts on air, organic ones in proportion to their hours."""

    def has(self, key: str) -> bool:
        """Whether it has a key of ``OWN_KEYS``."""
        return key in self.own_keys


KINDS = MappingProxyType(
    {
        "feed": SurfaceKind(
            label="a feed",
            shows="posts of followed influencers",
            own_keys=frozenset({"showcase_share"}),
            is_feed=True,
        ),
        "discovery": SurfaceKind(
            label="a discovery surface",
            shows="slots drawn from all influencers",
            own_keys=frozenset({"support_share"}),
        ),
        "commerce": SurfaceKind(
            label="a commerce surface",
            shows="slots drawn from all influencers",
            own_keys=frozenset({"support_share", "custom_share"}),
            open_verticals_only=True,
        ),
        "live": SurfaceKind(
            label="a live surface",
            shows="from those on air, in proportion to their live hours",
            own_keys=frozenset({"support_share", "tip_prob", "tip_fen"}),
            on_air_only=True,
        ),
    }
)
"""By the name that a scenario gives to ``surfaces.*.kind``."""
