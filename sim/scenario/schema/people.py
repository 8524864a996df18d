"""A scenario's people: fans, segments, verticals, influencers, agencies; what they do is up to the model."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from sim.scenario.schema.distributions import Constant, Distribution, Section
from sim.scenario.schema.encodings import EncodingName
from sim.scenario.schema.roster_columns import RosterColumn

__all__ = ["AgencyGroup", "Fans", "Influencers", "Segment", "Vertical"]

Share = Annotated[float, Field(ge=0, le=1)]


class Fans(Section):
    """The simulated fans; each is ``people_per_fan`` people."""

    count: int | None = Field(
        default=None, ge=1, le=1_000_000_000, description="Simulated fans; left out when a follow graph is given."
    )
    follows_per_fan: float | None = Field(
        default=None,
        ge=0,
        le=100_000,
        description="Mean number of accounts followed at day 0. Left out, it is the follow graph's; without one 4, or "
        "the largest number below at which no account of a roster has more followers than fans can follow it.",
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
        description="Fans that join in 365 days, evenly spread, for each fan of day 0; at first they follow none.",
    )


class Vertical(Section):
    """A field of content."""

    share: Share = Field(description="Share of the influencers; all verticals sum to 1.")
    shop_prob: Share = Field(default=0.0, description="Probability that an account of this vertical has a shop.")
    capacity: float | None = Field(
        default=None,
        gt=0,
        le=1e9,
        description="Accounts that fans' attention suffices for: with n > capacity of them clicks are multiplied by "
        "capacity / n (crowding); left out: never crowded.",
    )
    opens_at_days: float = Field(
        default=0.0,
        ge=0,
        le=1e6,
        description="When the platform opens the vertical: until then no newcomer chooses it, and its accounts sell "
        "nothing, stand on no commerce surface, explored slots left out, and in no support list.",
        json_schema_extra={"unit": "days since day 0"},
    )


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
        description="Who follows whom at day 0: an edge list (CSV or Parquet; columns fan and influencer, or others "
        "that are known) or a graph file (.gml, .graphml, .gexf), in the scenario's folder.",
    )
    follow_graph_directed: bool = Field(
        default=True, description="The first follows the second; false: each edge is mutual, everybody is both."
    )
    follow_graph_columns: dict[Literal["fan", "influencer"], str] = Field(
        default={},
        description="The edge list's names of both columns, where they aren't those of the how-to Bring a graph: "
        'fan = "user", influencer = "friend".',
    )
    dirty_rows: Literal["refuse", "skip"] = Field(
        default="refuse",
        description="What is done with bad rows of the roster and the follow graph: refuse the file, or skip, count.",
    )
    encoding: EncodingName | None = Field(
        default=None,
        description="Encoding of roster and follow graph, where they are texts without a byte order mark; left out: "
        "UTF-8.",
    )
    columns: dict[RosterColumn, str] = Field(
        default={},
        description="The roster's name of a column, where it isn't the one of the how-to Bring a roster: "
        'followers = "subscribers".',
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
    live_hours_per_day: Distribution = Field(
        default=Constant(value=0.0),
        description="Hours on air at the reference pay.",
        json_schema_extra={"unit": "hours per day"},
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
    own_operations: bool = Field(
        default=True, description="They run shops themselves; otherwise they need a service provider."
    )
