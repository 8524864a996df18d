"""The scenario: what a file says, with every default filled in; knows nothing of how it is simulated."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from sim.scenario.schema.check import Check
from sim.scenario.schema.claim import MAX_CLAIMS, Claim
from sim.scenario.schema.distributions import Section
from sim.scenario.schema.economy import Contracts, Economy, Entry, Live
from sim.scenario.schema.people import AgencyGroup, Fans, Influencers, Segment, Vertical
from sim.scenario.schema.platform import Services, Support, Surface

__all__ = ["Scenario"]

Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]


class Scenario(Section):
    """A platform, its people, the arms that are compared and the claims that are tested."""

    name: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$", description="Short name; the run folder carries it."
    )
    # No part of what is run: what the other file gives is.
    extends: str | None = Field(
        default=None,
        exclude=True,
        description="Scenario that this one patches: a TOML file in its folder or below, or the name of a shipped one.",
    )
    title: str = Field(default="", max_length=1000, description="One line for people.")
    description: str = Field(default="", max_length=20_000, description="What the scenario stands for.")
    seed: Seed = Field(description="Seed of all random numbers.")
    horizon_days: int = Field(ge=1, le=36_500, description="Days simulated after day 0.")
    warmup_days: int = Field(
        default=30, ge=0, le=3650, description="Days before day 0: organic slots only, no follows, no reviews."
    )
    replications: int = Field(ge=1, le=100_000, description="Replications of every arm; 30 and more for a claim.")
    population: Literal["redraw", "fixed"] = Field(
        default="redraw",
        description="Each replication draws its own population, or all share that of replication 0 (what newcomers, "
        "agencies and the lottery draw later still differs).",
    )
    people_per_fan: float | None = Field(
        default=None, gt=0, le=1e9, description="Real people that a fan stands for; left out: real / simulated follows."
    )
    reads_per_examined: float = Field(
        default=1.0, gt=0, le=1e6, description="Reported reads for each examined impression (platforms inflate)."
    )
    explosive_gmv_fen_per_year: int | None = Field(
        default=None,
        ge=1,
        le=10**18,
        description="Turnover from which an account counts as explosive (n_explosive); left out: none is counted.",
        json_schema_extra={"unit": "fen per 365 days"},
    )
    control: str = Field(default="none", description="The arm that the others are compared with.")
    fans: Fans
    segments: dict[str, Segment] = Field(default={"all": Segment(share=1.0)}, min_length=1, max_length=100)
    verticals: dict[str, Vertical] = Field(default={"all": Vertical(share=1.0)}, min_length=1, max_length=200)
    influencers: Influencers
    agencies: dict[str, AgencyGroup] = Field(default={}, max_length=100)
    surfaces: dict[str, Surface] = Field(min_length=1, max_length=32)
    support: Support = Field(default=Support())
    services: Services = Field(default=Services())
    economy: Economy = Field(default=Economy())
    contracts: Contracts = Field(default=Contracts())
    entry: Entry = Field(default=Entry())
    live: Live = Field(default=Live())
    phases: dict[str, dict[str, Any]] = Field(
        default={},
        max_length=100,
        description="Phases: each begins at its start_day and patches support, services, economy, contracts, live, "
        "entry, surfaces or the buying of segments from then on, on top of the phases before it.",
    )
    arms: dict[str, dict[str, Any]] = Field(
        default={"none": {"support": {"policy": "none"}}},
        min_length=1,
        max_length=100,
        description="Arms; each patches the base scenario at any key that doesn't change who exists. Left out: one "
        "arm, the base as it is, named after its support policy.",
    )
    claims: dict[str, Claim] = Field(default={}, max_length=MAX_CLAIMS)
    # No part of what is run: another size to check leaves a run what it is.
    check: Check = Field(default=Check(), exclude=True)

    @property
    def n_newcomers(self) -> int:
        """Accounts that enter within the horizon."""
        return int(self.entry.newcomers_per_month * self.horizon_days / 30 + 0.5)
