"""Workload W: what every engine of ``workload_w.py`` simulates, and what they count; knows no engine.

Fans in 8 segments of equal size, each with an affinity of 1 for one of 8 verticals and .3 for the others. A fan's
sessions are a Poisson process in whole seconds, its rate lognormal (sigma 1, mean 1 a day). A session opens surface 0
(60 %) or 1; its 10 slots are drawn one after the other without replacement from weights
``(followers + 10)^alpha * quality * affinity``, alpha .8 or 1, frozen at the start of each day. Slot k is examined with
probability 1 / k, then clicked with quality x affinity; a click is followed by a follow with .1, unless the fan follows
the account already, and by an order with .02. Nobody follows anybody at first. Every influencer has counters of
impressions, clicks, follows, orders and gmv (fen); at the start of each day the top 1 %'s share of the followers and
their Gini coefficient are taken.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

DAY = 86_400
SURFACES = 2
FIRST_SURFACE = 0.6
ALPHA = (0.8, 1.0)
GROUPS = 8
OTHER_AFFINITY = 0.3
ACTIVITY_SIGMA = 1.0
SLOTS = 10
EXAMINE = tuple(1 / (slot + 1) for slot in range(SLOTS))
OFFSET = 10.0
QUALITY = (0.1, 0.9)
FOLLOW = 0.1
ORDER = 0.02
ORDER_FEN = 10_000

Floats = NDArray[np.float64]
Int64s = NDArray[np.int64]


class Size(NamedTuple):
    """How large a run is."""

    fans: int
    influencers: int
    days: int


class Counts(NamedTuple):
    """What a run has counted, all influencers together."""

    sessions: int
    impressions: int
    clicks: int
    follows: int
    orders: int
    gmv_fen: int

    def per_session(self) -> dict[str, float]:
        """Mean of each count in a session."""
        return {name: count / self.sessions for name, count in self._asdict().items() if name != "sessions"}


class Timed(NamedTuple):
    """A run: what it counted, and the seconds of its loop with the daily refresh."""

    counts: Counts
    seconds: float


@dataclass
class Platform:
    """Influencers and fans of a run of one of the other engines, drawn with NumPy."""

    size: Size
    seed: int
    vertical: Int64s = field(init=False)
    quality: Floats = field(init=False)
    mean_gap: Floats = field(init=False)
    """Mean time between two sessions of each fan [s]."""
    affinity: Floats = field(init=False)
    """(segments, M)"""
    daily: list[tuple[float, float]] = field(init=False, default_factory=list)
    """Top 1 % share and Gini coefficient at the start of each day."""

    def __post_init__(self) -> None:
        rng = np.random.default_rng(self.seed)
        n_fans, n, _ = self.size
        self.vertical = rng.integers(GROUPS, size=n)
        self.quality = rng.uniform(*QUALITY, size=n)
        activity = rng.lognormal(-(ACTIVITY_SIGMA**2) / 2, ACTIVITY_SIGMA, size=n_fans)
        self.mean_gap = DAY / activity
        own = self.vertical == np.arange(GROUPS)[:, None]
        self.affinity = np.where(own, 1.0, OTHER_AFFINITY)

    def segment_of(self, fan: int) -> int:
        """Segments are blocks of fans."""
        return fan * GROUPS // self.size.fans

    def first_fans(self) -> list[int]:
        """The first fan of each segment, and the end of the last one."""
        return [-(-segment * self.size.fans // GROUPS) for segment in range(GROUPS + 1)]

    def new_day(self, followers: Int64s) -> list[list[Floats]]:
        """Note the concentration of the followers, and give cumulative weights by surface and segment."""
        self.daily.append(concentration(followers))
        tables = []
        for alpha in ALPHA:
            weight = (followers + OFFSET) ** alpha * self.quality
            tables.append([np.cumsum(weight * affinity) for affinity in self.affinity])
        return tables


def concentration(followers: Int64s) -> tuple[float, float]:
    """Share of the top 1 % and Gini coefficient; nan while there are no followers."""
    ordered = np.sort(followers)
    total = int(ordered.sum())
    if total == 0:
        return float("nan"), float("nan")
    n = ordered.size
    top = int(ordered[-max(1, round(0.01 * n)) :].sum()) / total
    return top, float(2 * (np.arange(1, n + 1) @ ordered) / (n * total) - (n + 1) / n)


def as_roster(platform: Platform) -> str:
    """The same influencers as a roster file (CSV)."""
    rows = zip(platform.vertical.tolist(), platform.quality.tolist(), strict=True)
    lines = (f"influencer-{i},1,v{vertical},{quality!r}" for i, (vertical, quality) in enumerate(rows))
    return "\n".join(["influencer,followers,vertical,quality", *lines, ""])


def as_scenario(size: Size, seed: int) -> str:
    """Workload W as a scenario file; its influencers' verticals and qualities stand in ``roster.csv`` beside it."""
    groups = [f"v{g}" for g in range(GROUPS)]
    lines = [
        'name = "workload-w"',
        f"seed = {seed}",
        f"horizon_days = {size.days}",
        "warmup_days = 0",
        "replications = 1",
        "people_per_fan = 1.0",
        "[fans]",
        f"count = {size.fans}",
        "follows_per_fan = 0.0",
        "sessions_per_day = 1.0",
        f"activity_sigma = {ACTIVITY_SIGMA}",
        "[influencers]",
        'roster = "roster.csv"',
        f"conversion_prob = {ORDER}",
        f"order_value_fen = {float(ORDER_FEN)}",
    ]
    for group in groups:
        lines += [f"[verticals.{group}]", f"share = {1 / GROUPS}", "shop_prob = 1.0"]
        lines += [f"[segments.s{group}]", f"share = {1 / GROUPS}"]
        lines += [f"interests = {{ {group} = 1.0 }}", f"other_interest = {OTHER_AFFINITY}"]
    for surface, alpha in enumerate(ALPHA):
        lines += [
            f"[surfaces.page-{surface}]",
            'kind = "discovery"',
            f"session_share = {(FIRST_SURFACE, 1 - FIRST_SURFACE)[surface]}",
            f"slots = {SLOTS}",
            "refresh_minutes = 1440",
            'examination = { model = "position-based", exponent = 1.0 }',
            f"ranking = {{ popularity = {alpha}, merit = 1.0, relevance = 1.0, offset_people = {OFFSET} }}",
            f"follow_prob = {FOLLOW}",
            "order_factor = 1.0",
        ]
    return "\n".join([*lines, "[support]", "share = 0.0", "[arms.none]", 'support.policy = "none"', ""])
