"""The platform's sections of a scenario: surfaces and support; what they do is the model's affair."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from sim.scenario.distributions import Section

__all__ = ["PositionBased", "Ranking", "Support", "Surface", "Tier"]

Share = Annotated[float, Field(ge=0, le=1)]
Exponent = Annotated[float, Field(ge=-8, le=8)]


class PositionBased(Section):
    """Position-based examination: slot k is examined with probability ``k^-exponent``, whatever stands in it."""

    model: Literal["position-based"] = "position-based"
    exponent: float = Field(default=1.0, ge=0, le=8, description="Position bias; 0: every slot is examined.")


class Ranking(Section):
    """Organic weight of an influencer: ``(followers + offset)^popularity * quality^merit * affinity^relevance``."""

    popularity: Exponent = Field(default=1.0, description="Exponent of followers.")
    merit: Exponent = Field(default=0.0, description="Exponent of quality.")
    relevance: Exponent = Field(default=0.0, description="Exponent of the fan's affinity for the vertical.")
    offset: float = Field(
        default=1.0, ge=0, le=1e9, description="Added to followers [simulated fans], so that newcomers can be shown."
    )


class Surface(Section):
    """A place where slots are shown."""

    kind: Literal["feed", "discovery", "commerce"] = Field(
        description="feed: posts of followed influencers; discovery and commerce: slots drawn from all influencers."
    )
    session_share: Share = Field(description="Share of sessions that open this surface; all surfaces sum to 1.")
    slots: int = Field(default=10, ge=1, le=255, description="Slots per page.")
    examination: PositionBased = Field(default=PositionBased(), description="Which slots are looked at.")
    ranking: Ranking = Field(default=Ranking(), description="Organic ranking (not used by a feed).")
    distinct: bool = Field(
        default=True,
        description="A page holds no influencer twice (a feed shows posts, so an author may stand there repeatedly).",
    )
    refresh_minutes: int = Field(
        default=1440, ge=1, le=525_600, description="Time between two refreshes of the slot tables [minutes]."
    )
    support_share: Share | None = Field(
        default=None, description="Share of slots reserved for support here; left out: support.share; a feed has none."
    )
    click_prob: Share = Field(
        default=1.0, description="P(click | examined) of an influencer of quality 1 for a fan of affinity 1."
    )
    follow_prob: Share = Field(default=0.0, description="P(follow | click) at the fame of the mean influencer.")
    follow_fame: float = Field(
        default=0.0,
        ge=-4,
        le=4,
        description="Exponent of fame, (followers + 1) / (mean + 1), in the follow probability.",
    )
    order_factor: float = Field(
        default=0.0, ge=0, le=1000, description="Factor on a shop's conversion for clicks made on this surface."
    )
    already_following: Literal["refuse", "count"] = Field(
        default="refuse", description="A follow of someone already followed: refused, or counted (exact laws need it)."
    )


class Tier(Section):
    """Conditions and weight of a partner tier; all conditions hold for real people, as an agency's totals.

    ``over_*`` is strict (>), ``min_*`` inclusive (>=); a condition that is left out isn't tested.
    """

    weight: float = Field(gt=0, le=1e9, description="Support weight of an account whose agency holds this tier.")
    over_accounts: float = Field(default=-1, ge=-1, le=1e15, description="More accounts than this [accounts].")
    over_followers: float = Field(
        default=-1,
        ge=-1,
        le=1e15,
        description="More fans in total than this [people].",
        json_schema_extra={"unit": "people"},
    )
    over_reads_per_month: float = Field(
        default=-1,
        ge=-1,
        le=1e15,
        description="More reported reads in the last 30 days than this.",
        json_schema_extra={"unit": "reads per month"},
    )
    over_posts_per_month: float = Field(
        default=-1,
        ge=-1,
        le=1e15,
        description="More posts in the last 30 days than this.",
        json_schema_extra={"unit": "posts per month"},
    )
    min_gmv_fen_per_year: int = Field(
        default=0,
        ge=0,
        le=10**18,
        description="Shop turnover of the last 365 days of at least this, annualised while shorter.",
        json_schema_extra={"unit": "fen per year"},
    )


class Support(Section):
    """The reserved slots and who stands in them."""

    policy: Literal["none", "placebo", "tiered", "uniform", "flat", "tail"] = Field(
        default="none", description="Who stands in the reserved slots."
    )
    share: Share = Field(default=0.1, description="Share of slots that are reserved, the same in every arm.")
    within_tier: Literal["equal", "followers", "organic", "best", "per-agency"] | None = Field(
        default=None, description="How an agency's support is spread over its accounts; required when policy is tiered."
    )
    eligible: Literal["partners", "all"] = Field(
        default="partners",
        description="Accounts that flat and tail may support: those of agencies with a tier, or all.",
    )
    relevance: Exponent = Field(default=0.0, description="Exponent of the fan's affinity in the support weight.")
    review_days: int = Field(default=30, ge=1, le=3650, description="Time between two tier reviews [days].")
    tiers: dict[str, Tier] = Field(default={}, max_length=100, description="Tiers, the highest first.")
