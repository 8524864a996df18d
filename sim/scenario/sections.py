"""A scenario's people and what is asked of them: fans, segments, verticals, influencers, agencies, claims."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from sim.scenario.distributions import Constant, Distribution, Section

__all__ = ["AgencyGroup", "Claim", "Fans", "Influencers", "Segment", "Vertical"]

Share = Annotated[float, Field(ge=0, le=1)]


class Fans(Section):
    """The simulated fans; each stands for ``people_per_fan`` people."""

    count: int | None = Field(
        default=None, ge=1, le=1_000_000_000, description="Simulated fans; left out when a follow graph is given."
    )
    follows_per_fan: float | None = Field(
        default=None,
        ge=0,
        le=100_000,
        description="Mean number of accounts followed at day 0; left out when a follow graph is given.",
    )
    sessions_per_day: float = Field(
        ge=0, le=10_000, description="Mean sessions of a fan of activity 1.", json_schema_extra={"unit": "per day"}
    )
    activity_sigma: float = Field(
        default=0.0, ge=0, le=4, description="Standard deviation of the logarithm of a fan's own activity (mean 1)."
    )
    follow_cap: int = Field(
        default=1_000_000_000, ge=0, le=1_000_000_000, description="Accounts that a fan can follow at most."
    )


class Segment(Section):
    """A group of fans alike in activity, interests and buying."""

    share: Share = Field(description="Share of the fans; all segments sum to 1.")
    activity: float = Field(default=1.0, ge=0, le=1000, description="Factor on fans.sessions_per_day.")
    buying: float = Field(default=1.0, ge=0, le=1000, description="Factor on a shop's conversion.")
    interests: dict[str, Share] = Field(default={}, description="Affinity for each vertical named.")
    other_interest: Share = Field(default=1.0, description="Affinity for the verticals not named.")
    hours: list[Annotated[float, Field(ge=0, le=1e6)]] = Field(
        default=[], max_length=24, description="Relative activity in each hour of the day, 24 numbers; empty: the same."
    )
    growth_per_year: float = Field(
        default=0.0,
        ge=0,
        le=100,
        description="Fans that join in 365 days, evenly spread, for each fan of day 0; they follow nobody at first.",
    )


class Vertical(Section):
    """A field of content."""

    share: Share = Field(description="Share of the influencers; all verticals sum to 1.")
    shop_prob: Share = Field(default=0.0, description="Probability that an account of this vertical has a shop.")


class Influencers(Section):
    """The accounts; with a roster, its columns take the place of the distributions."""

    count: int | None = Field(
        default=None, ge=1, le=10_000_000, description="Accounts; left out when a roster is given."
    )
    roster: str | None = Field(
        default=None,
        description="CSV or Parquet file with at least influencer and followers, in the scenario's folder.",
    )
    follow_graph: str | None = Field(
        default=None,
        description="Edge list (CSV or Parquet) of who follows whom at day 0, columns fan and influencer, in the "
        "scenario's folder.",
    )
    follow_graph_directed: bool = Field(
        default=True, description="The first follows the second; false: each edge is mutual, everybody is both."
    )
    dirty_rows: Literal["refuse", "skip"] = Field(
        default="refuse",
        description="What is done with bad rows of the roster and the follow graph: refuse the file, or skip, count.",
    )
    followers: Distribution = Field(
        default=Constant(value=1.0),
        description="Real followers; scaled so that the fans' follows add up.",
        json_schema_extra={"unit": "people"},
    )
    age_days: Distribution = Field(
        default=Constant(value=3650.0),
        description="Age of the account at day 0.",
        json_schema_extra={"unit": "days"},
    )
    quality: Distribution = Field(default=Constant(value=0.5), description="Quality, kept in (0, 1).")
    posts_per_day: Distribution = Field(
        default=Constant(value=1.0), description="Posting rate.", json_schema_extra={"unit": "posts per day"}
    )
    shop_factor: float = Field(
        default=1.0, ge=0, le=1000, description="Factor on the vertical's shop_prob for independent accounts."
    )
    conversion_prob: Distribution = Field(default=Constant(value=0.0), description="Orders per click on a shop.")
    order_value_fen: Distribution = Field(
        default=Constant(value=0.0), description="Value of an order.", json_schema_extra={"unit": "fen"}
    )


class AgencyGroup(Section):
    """Agencies of one kind."""

    count: int = Field(ge=0, le=1_000_000, description="Agencies.")
    accounts: Distribution = Field(
        description="Accounts under contract of an agency.", json_schema_extra={"unit": "accounts"}
    )
    stratified: bool = Field(
        default=False, description="Sizes at evenly spaced quantiles instead of random ones: the same in every draw."
    )
    verticals: list[str] = Field(default=[], max_length=200, description="Verticals that it recruits from; empty: all.")
    shop_factor: float = Field(default=1.0, ge=0, le=1000, description="Factor on the vertical's shop_prob.")


class Claim(Section):
    """A statement on the difference of a measure between two arms; it gets a verdict."""

    title: str = Field(default="", max_length=1000, description="The claim in words.")
    arm: str = Field(description="The arm.")
    control: str = Field(description="The arm that it is compared with.")
    direction: Literal["lower", "higher"] = Field(description="Where the arm's measure is said to lie.")
    margin: float = Field(
        default=0.005, ge=0, description="Smallest difference that matters (.005 for head shares, .01 for Gini)."
    )
    quantity: Literal["followers", "exposure", "reads", "orders", "gmv", "new_follows", "net_follows", "utility"] = (
        Field(default="followers", description="What is measured.")
    )
    measure: Literal[
        "head_share_01",
        "head_share_10",
        "initial_head_share_01",
        "top_10_share",
        "gini",
        "hhi",
        "effective_number",
        "theil",
        "tail_exponent",
        "start_rank_correlation",
        "head_turnover_01",
        "head_turnover_10",
        "mean_decile_change",
        "upward_share",
        "n_reached_head",
        "quality_rank_correlation",
        "top_quality_decile_share",
        "n_active",
        "active_share",
        "gained_share",
        "n_explosive",
        "mean",
    ] = Field(default="head_share_01", description="How it is summed up.")
    level: Literal["influencer", "agency", "vertical", "platform", "fan"] = Field(
        default="influencer",
        description="Of what: concentration on influencers, agencies or verticals; mobility, merit and participation "
        "on the platform; utility of fans.",
    )
    population: Literal["all", "active", "partners", "shops"] = Field(default="all", description="Over which accounts.")
