"""A claim: what a scenario states about its outcome and a run gives a verdict on; knows nothing of how it is tested."""

from __future__ import annotations

from itertools import chain
from typing import Annotated, Any, Literal

from pydantic import Field, WithJsonSchema, model_validator

from sim.scenario.schema.distributions import Section
from sim.scenario.schema.measurable import GROUPS, Measurable, built_in_measures, own_measures

__all__ = ["MAX_CLAIMS", "Claim"]

MAX_CLAIMS = 200
"""Of a scenario."""

GROUP_SCHEMA: dict[str, Any] = {
    "anyOf": [
        {"enum": [*chain(*GROUPS.values())], "type": "string"},
        {"maxLength": 500, "pattern": "^[^=]+(=.+)?$", "type": "string"},
        {"type": "null"},
    ]
}
"""For editors: which columns there are is known with the roster only, so that any text may be one."""
MARGIN = 0.005
"""Margin of a claim that states none, on a built-in measure."""
Group = Annotated[Annotated[str, Field(max_length=500)] | None, WithJsonSchema(GROUP_SCHEMA)]


def _measure_choices(schema: dict[str, Any]) -> None:
    """For editors: the built-in measures; any other name may be one of the user's own."""
    names = Measurable(built_in_measures()).names()
    own = {"maxLength": schema.pop("maxLength"), "pattern": r"^[A-Za-z_]\w*$", "type": schema.pop("type")}
    schema["anyOf"] = [{"enum": names, "type": "string"}, own]


class Claim(Section):
    """A statement on the difference of a measure between two arms, two groups, or both; it gets a verdict.

    With ``control`` alone the difference is arm - control; with ``group`` and ``baseline_group`` alone, group -
    baseline group within the arm; with all three, the first difference less that of the baseline group.
    """

    title: str = Field(default="", max_length=1000, description="The claim in words.")
    arm: str = Field(description="The arm.")
    control: str | None = Field(
        default=None, description="The arm that it is compared with; left out: two groups of the arm are compared."
    )
    group: Group = Field(
        default=None,
        description="Part of the accounts (level influencer: head, middle, small, newcomers; head: the largest 1 % at "
        "day 0, middle: the next 19 %), agencies (small_agencies: up to 5 accounts at day 0, middle_agencies: up to "
        "20, large_agencies) or surfaces (level platform: feed, discovery, commerce, live) that is measured; "
        "COLUMN=VALUE: the accounts with that value in a column of the roster that isn't an attribute of the model; "
        "COLUMN: each such group, in a claim of its own. Left out: the population.",
    )
    baseline_group: Group = Field(
        default=None, description="Group that the group is compared with; not a whole column."
    )
    direction: Literal["lower", "higher"] = Field(description="Where the arm's or group's measure is said to lie.")
    margin: float = Field(
        default=MARGIN,
        ge=0,
        description="Smallest difference that matters; left out: .005, or that of a measure of the user's own.",
    )
    quantity: Literal[
        "followers",
        "exposure",
        "reads",
        "orders",
        "gmv",
        "new_follows",
        "unfollows",
        "net_follows",
        "tips",
        "income",
        "cuts",
        "profit",
        "take",
        "accounts",
        "tiers",
        "utility",
    ] = Field(default="followers", description="What is measured; money in fen.")
    window: Literal["month", "quarter", "run"] = Field(
        default="quarter",
        description="What a flow is measured over: the last 30 days, the last 90, or all from day 0 to the end.",
    )
    measure: Annotated[str, Field(max_length=200)] = Field(
        default="head_share_01",
        description="How it is summed up: a measure of the quantity at the level, of the user's own too.",
        json_schema_extra=_measure_choices,
    )
    level: Literal["influencer", "agency", "vertical", "platform", "fan"] = Field(
        default="influencer",
        description="Of what: concentration on influencers, agencies or verticals; mobility, merit, participation and "
        "the platform's take on the platform; utility of fans.",
    )
    population: Literal["all", "active", "partners", "shops"] = Field(
        default="all",
        description="Over which accounts: all that have ever entered, those here at the time, day 0's partners or "
        "shops. Left out with a group.",
    )

    @model_validator(mode="before")
    @classmethod
    def _with_the_measures_own_margin(cls, given: Any) -> Any:
        """Where no margin is stated, that of a measure of the user's own, if it has one."""
        if not isinstance(given, dict) or "margin" in given:
            return given
        keys = ("measure", "level", "quantity")
        about = [given.get(key, cls.model_fields[key].default) for key in keys]
        found = Measurable(own_measures()).named(*about) if all(isinstance(each, str) for each in about) else None
        return given if found is None or found.margin is None else given | {"margin": found.margin}
