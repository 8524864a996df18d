"""The platform's sections of a scenario: surfaces and support; what they do is up to the model."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Field,
    JsonValue,
    SerializerFunctionWrapHandler,
    WithJsonSchema,
    model_serializer,
)

from sim.registry import built_in
from sim.scenario.schema.distributions import Section
from sim.scenario.schema.surface_kinds import KINDS

__all__ = [
    "Cascade",
    "FeedWeights",
    "Geometric",
    "PositionBased",
    "Ranking",
    "Services",
    "Support",
    "Surface",
    "Tier",
]

Share = Annotated[float, Field(ge=0, le=1)]
Exponent = Annotated[float, Field(ge=-8, le=8)]


class PositionBased(Section):
    """Position-based examination: slot k is examined with probability ``k^-exponent``, whatever it shows."""

    model: Literal["position-based"] = "position-based"
    exponent: float = Field(default=1.0, ge=0, le=8, description="Position bias; 0: every slot is examined.")


class Cascade(Section):
    """Cascade examination: slots are examined from the first on, up to the first click."""

    model: Literal["cascade"]


class Geometric(Section):
    """Geometric browsing: the first slot is examined, each further one with this probability after an examined one."""

    model: Literal["geometric"]
    continue_prob: Share = Field(description="P(the next slot is examined | this one was).")


def _position_based_unless_named(given: Any) -> Any:
    """Read a table without a model as position-based, so that ``examination.exponent = 0.5`` says all."""
    return {"model": "position-based", **given} if isinstance(given, dict) else given


Examination = Annotated[
    Annotated[PositionBased | Cascade | Geometric, Field(discriminator="model")],
    BeforeValidator(_position_based_unless_named, json_schema_input_type=PositionBased | Cascade | Geometric),
]


class Ranking(Section):
    """Organic ranking: ``(people + offset_people)^popularity * quality^merit * affinity^relevance * freshness``.

    People are those who follow. Freshness is ``2^(-age / freshness_half_life_days)``, ages counted from the youngest
    account's; without a half-life it is 1.
    """

    popularity: Exponent = Field(default=1.0, description="Exponent of followers.")
    merit: Exponent = Field(default=0.0, description="Exponent of quality.")
    relevance: Exponent = Field(default=0.0, description="Exponent of the fan's affinity for the vertical.")
    offset_people: float | None = Field(
        default=None,
        ge=0,
        le=1e15,
        description="Added to followers, so that newcomers can be shown; left out: people_per_fan, one simulated fan.",
        json_schema_extra={"unit": "people"},
    )
    freshness_half_life_days: float | None = Field(
        default=None,
        gt=0,
        le=1e6,
        description="Age at which freshness has halved [days]; left out: age doesn't matter.",
    )
    selection: Literal["sampled", "top"] = Field(
        default="sampled", description="sampled: drawn in proportion to the weights; top: the largest weights in order."
    )
    ties: Literal["order", "lot"] = Field(
        default="order",
        description="Which of equal weights is first (top). order: the account listed first; lot: by a lot of each "
        "account and replication, the same in every arm.",
    )
    exploration: Share = Field(default=0.0, description="Share of the slots that are drawn from all accounts alike.")


class FeedWeights(Section):
    """Weight of a followed influencer in a feed: ``posts_per_day^posts * affinity^relevance * quality^merit``."""

    posts: Exponent = Field(default=1.0, description="Exponent of the posting rate.")
    relevance: Exponent = Field(default=1.0, description="Exponent of the fan's affinity for the vertical.")
    merit: Exponent = Field(default=0.0, description="Exponent of quality.")


def _kinds_described() -> str:
    """What each kind shows, kinds that follow each other and show the same in one."""
    runs = groupby(KINDS, key=lambda name: KINDS[name].shows)
    return "; ".join(f"{' and '.join(names)}: {shows}" for shows, names in runs)


if TYPE_CHECKING:
    KindName = str
else:
    KindName = Literal[tuple(KINDS)]


class Surface(Section):
    """A place where slots are shown."""

    kind: KindName = Field(description=f"{_kinds_described()}; a slot's exploration may show anybody.")
    session_share: Share = Field(description="Share of sessions that open this surface; all surfaces sum to 1.")
    slots: int = Field(default=10, ge=1, le=255, description="Slots per page.")
    examination: Examination = Field(default=PositionBased(), description="Which slots are looked at.")
    ranking: Ranking = Field(default=Ranking(), description="Organic ranking (not used by a feed).")
    distinct: bool = Field(
        default=True,
        description="A page shows no influencer twice (a feed shows posts, so an author may be there repeatedly).",
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
        description="Exponent of fame, (people + fame_offset_people) / (mean + fame_offset_people), in following.",
    )
    fame_offset_people: float | None = Field(
        default=None,
        ge=0,
        le=1e15,
        description="Added to followers in fame; left out: people_per_fan, one simulated fan.",
        json_schema_extra={"unit": "people"},
    )
    follow_rule: Literal["probability", "better-than-followed"] = Field(
        default="probability", description="better-than-followed: besides, only who is better than all followed so far."
    )
    unfollow_prob: Share = Field(default=0.0, description="P(unfollow | examined) of someone followed.")
    unfollow_factor: Share = Field(
        default=1.0,
        description="Factor on every unfollow_prob for follows won on this surface; 0: fans won here stay for good.",
    )
    feed_weights: FeedWeights = Field(default=FeedWeights(), description="Whose posts a feed shows.")
    order_factor: float = Field(
        default=0.0, ge=0, le=1000, description="Factor on a shop's conversion for clicks made on this surface."
    )
    referral_prob: Share = Field(default=1.0, description="P(a click on an account with a shop leads on to that shop).")
    showcase_share: Share = Field(
        default=1.0, description="Share of a shop's posts that carry its shop window; other posts sell nothing (feeds)."
    )
    custom_share: Share = Field(
        default=0.0,
        description="Share of all slots, none of them reserved, for custom products of supported shops (commerce).",
    )
    tip_prob: Share = Field(default=0.0, description="P(tip | click) of a viewer (live).")
    tip_fen: int = Field(
        default=0, ge=0, le=10**9, description="Value of a tip (live).", json_schema_extra={"unit": "fen"}
    )
    already_following: Literal["refuse", "count"] = Field(
        default="refuse", description="A follow of someone already followed: refused, or counted (exact laws need it)."
    )


class Tier(Section):
    """Conditions and weight of a partner tier; all conditions hold for real people, as an agency's totals.

    ``over_*`` is strict (>), ``min_*`` inclusive (>=); a condition that is left out isn't tested.
    """

    weight: float = Field(gt=0, le=1e9, description="Support weight of an account whose agency has this tier.")
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
    services: list[Literal["operations", "custom-product", "shop-entry"]] = Field(
        default=[], max_length=3, description="Services of this tier, given where support.services says so."
    )


class Services(Section):
    """What is between a click and an order, and what platform and service providers do about it.

    Orders of a shop are multiplied by the share of the time that it is attended and by a factor on its conversion:
    its own operations' (1), a service provider's, none at all, and the platform's dedicated operations' on top.
    """

    availability: Share = Field(
        default=1.0, description="Share of the time that a shop without dedicated operations is attended."
    )
    order_loss: Share = Field(default=0.0, description="Share of the orders lost between platform and shop.")
    operations_availability: Share = Field(
        default=1.0, description="Share of the time that a shop with dedicated operations is attended."
    )
    operations_conversion_factor: float = Field(
        default=1.0, ge=0, le=1000, description="Factor of dedicated operations on conversion."
    )
    providers: bool = Field(
        default=False, description="Service providers work for accounts whose agency has no operations of its own."
    )
    provider_conversion_factor: float = Field(
        default=1.0, ge=0, le=1000, description="Factor on conversion with a service provider."
    )
    unserved_conversion_factor: float = Field(
        default=1.0, ge=0, le=1000, description="Factor on conversion with neither own operations nor a provider."
    )
    provider_entry_factor: Share = Field(
        default=1.0, description="Factor of a service provider on the cost of opening a shop."
    )
    tier_entry_factor: Share = Field(
        default=1.0, description="Factor of the tier service shop-entry on the cost of opening a shop."
    )


MAX_PARAMETERS = 100
MAX_ENTRIES = 1000
"""Of a list, and characters of a text, that is a parameter."""
_PARAMETER: list[JsonValue] = [
    {"type": "number"},
    {"type": "string", "maxLength": MAX_ENTRIES},
    {"type": "boolean"},
]
PARAMETERS_SCHEMA: dict[str, JsonValue] = {
    "type": "object",
    "maxProperties": MAX_PARAMETERS,
    "additionalProperties": {
        "anyOf": [*_PARAMETER, {"type": "array", "maxItems": MAX_ENTRIES, "items": {"anyOf": _PARAMETER}}]
    },
}


def _policies_named(schema: dict[str, Any]) -> None:
    """For editors and the reference: the built-in policies, which are registered when they are first asked for."""
    names = ", ".join(built_in("policy"))
    schema["description"] = f"Who is shown in the reserved slots: {names}, or a policy of the user's own."


class Support(Section):
    """The reserved slots and who is shown in them."""

    policy: str = Field(
        default="none",
        json_schema_extra=_policies_named,
    )
    share: Share = Field(default=0.1, description="Share of slots that are reserved, the same in every arm.")
    within_tier: Literal["equal", "followers", "organic", "best", "per-agency"] | None = Field(
        default=None, description="How an agency's support is spread over its accounts; required when policy is tiered."
    )
    eligible: Literal["partners", "all"] = Field(
        default="partners",
        description="Accounts that a list may hold: those of agencies with a tier, or all.",
    )
    services: bool = Field(
        default=False,
        description="Whether agencies with a tier get its services; a factor of its own, apart from traffic.",
    )
    relevance: Exponent = Field(default=0.0, description="Exponent of the fan's affinity in the support weight.")
    lottery_share: Share = Field(
        default=0.1, description="Share of the eligible accounts that a month's lottery chooses."
    )
    newcomer_days: float = Field(
        default=90.0, ge=0, le=1e6, description="Age under which an account is a newcomer [days]."
    )
    review_days: int = Field(default=30, ge=1, le=3650, description="Time between two tier reviews [days].")
    tiers: dict[str, Tier] = Field(default={}, max_length=100, description="Tiers, the highest first.")
    parameters: Annotated[dict[str, Any], WithJsonSchema(PARAMETERS_SCHEMA)] = Field(
        default={},
        max_length=MAX_PARAMETERS,
        description="What a policy of the user's own reads: each a number, a text, true or false, or a list of those.",
    )

    @model_serializer(mode="wrap")
    def _without_what_nobody_reads(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out parameters where there are none: a scenario without them is the same as before there were any."""
        table: dict[str, Any] = write(self)
        if not table.get("parameters", True):
            del table["parameters"]
        return table
