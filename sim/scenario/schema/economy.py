"""A scenario's money and its months: who earns and pays what, contracts, entry, live hours."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from pydantic.config import JsonDict

from sim.scenario.schema.distributions import Section

__all__ = ["Contracts", "Economy", "Entry", "Live"]

Share = Annotated[float, Field(ge=0, le=1)]
Fen = Annotated[float, Field(ge=0, le=1e12)]


def _fen(per: str) -> JsonDict:
    return {"unit": f"fen{per}"}


class Economy(Section):
    """Who earns what of turnover, tips, reads and live hours, and what it costs."""

    commission_share: Share = Field(
        default=0.0, description="Share of the turnover that influencer and agency earn together."
    )
    platform_commission_share: Share = Field(default=0.0, description="Share of the turnover that the platform takes.")
    pay_fen_per_1000_reads: Fen = Field(
        default=0.0,
        description="What the platform pays for 1,000 reported reads.",
        json_schema_extra=_fen(" per 1000 reads"),
    )
    ad_fen_per_1000_reads: Fen = Field(
        default=0.0,
        description="What the platform earns with advertisements for 1,000 reported reads.",
        json_schema_extra=_fen(" per 1000 reads"),
    )
    subsidy_fen_per_live_hour: Fen = Field(
        default=0.0, description="What the platform pays for an hour on air.", json_schema_extra=_fen(" per hour")
    )
    tip_platform_share: Share = Field(default=0.5, description="Share of tips that the platform keeps.")
    tip_agency_share: Share = Field(
        default=0.25,
        description="Share of tips that a host's agency gets; the rest, without agency all, is the host's.",
    )
    agency_share: Share = Field(
        default=0.5, description="An agency's share of its accounts' commission, pay per read and subsidy."
    )
    account_fen_per_month: Fen = Field(
        default=0.0,
        description="What an account under contract costs its agency in 30 days.",
        json_schema_extra=_fen(" per 30 days"),
    )
    independent_fen_per_month: Fen = Field(
        default=0.0,
        description="What an account without an agency costs its owner in 30 days.",
        json_schema_extra=_fen(" per 30 days"),
    )
    post_fen: Fen = Field(default=0.0, description="What a post costs, agency or owner.", json_schema_extra=_fen(""))
    live_fen_per_hour: Fen = Field(
        default=0.0, description="What an hour on air costs, agency or owner.", json_schema_extra=_fen(" per hour")
    )


class Contracts(Section):
    """The agencies' review: who is cut, where the freed effort goes, who is recruited, who gives up."""

    review_days: int = Field(default=30, ge=1, le=3650, description="Time between two agency reviews [days].")
    cuts: bool = Field(default=False, description="Agencies cut accounts that go on losing money.")
    patience: int = Field(
        default=3, ge=1, le=1000, description="Reviews in a row with a loss after which an account is cut or leaves."
    )
    freed_effort_share: Share = Field(
        default=0.0,
        description="Share of a cut account's posts that the kept accounts make instead, the best the most.",
    )
    effort_limit: float = Field(
        default=1.0, ge=1, le=1000, description="Largest factor on an account's own posting rate."
    )
    quality_effort: float = Field(
        default=0.0,
        ge=0,
        le=8,
        description="Exponent e in 1 - quality = (1 - own quality) * factor^-e, factor being that on the posting rate.",
    )
    fails: bool = Field(
        default=False, description="An agency without funds fails; its accounts go on without an agency."
    )
    funds_fen_per_account: Fen = Field(
        default=0.0,
        description="An agency's funds at day 0 for each of its accounts.",
        json_schema_extra=_fen(" per account"),
    )
    recruits_per_review: int = Field(
        default=0, ge=0, le=10_000, description="Accounts that an agency recruits at most at a review."
    )
    recruit_fen: Fen = Field(
        default=0.0, description="What it costs to recruit an account.", json_schema_extra=_fen(" per account")
    )
    independents_leave: bool = Field(
        default=False, description="Accounts without an agency leave when they lose money or are idle for long."
    )
    idle_reads_per_month: float = Field(
        default=0.0,
        ge=0,
        le=1e15,
        description="Reported reads in 30 days below which an account without an agency is idle.",
        json_schema_extra={"unit": "reads per month"},
    )


class Entry(Section):
    """Newcomers, their incubation, and the price of a shop."""

    newcomers_per_month: float = Field(
        default=0.0,
        ge=0,
        le=1e6,
        description="Accounts that enter in 30 days, evenly spread; they have no followers and no agency.",
        json_schema_extra={"unit": "accounts per 30 days"},
    )
    opens: bool = Field(default=True, description="Newcomers enter; false: they stay away.")
    incubated_followers: float = Field(
        default=0.0,
        ge=0,
        le=1e15,
        description="Followers up to which an account is incubating: it has no shop yet.",
        json_schema_extra={"unit": "people"},
    )
    shop_entry_fen: Fen = Field(
        default=0.0,
        description="What it costs to open a shop, paid from the agency's funds or the owner's savings.",
        json_schema_extra=_fen(" per shop"),
    )
    crowding_choice: float = Field(
        default=0.0,
        ge=0,
        le=8,
        description="Exponent of a vertical's crowding factor, capacity / accounts up to 1, in a newcomer's choice.",
    )


class Live(Section):
    """How hours on air follow their pay: ``hours * (pay / reference)^elasticity``; pay is subsidy and tips per hour."""

    elasticity: float = Field(default=0.0, ge=0, le=8, description="Elasticity of live hours; 0: they don't change.")
    reference_fen_per_hour: float = Field(
        default=10_000.0,
        gt=0,
        le=1e12,
        description="Pay at which an account is on air for its own hours.",
        json_schema_extra=_fen(" per hour"),
    )
    max_hours_per_day: float = Field(default=12.0, ge=0, le=24, description="Most hours on air [hours per day].")
