"""What a scenario says of its own regression checks; knows nothing of how they are made."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from sim.scenario.schema.distributions import Section
from sim.types import CheckPolicy

__all__ = ["Check", "CheckPolicy"]


class Check(Section):
    """How ``sim check`` compares the scenario with its baseline; no effect on a run."""

    policy: CheckPolicy = Field(
        default="exact",
        description="What has to hold: every bit; or every watched measure within its margin, and the verdicts of "
        "the claims; or these verdicts alone.",
    )
    replications: int | None = Field(
        default=None, ge=1, le=10_000, description="Replications that are checked; left out: the scenario's own."
    )
    max_replications: int | None = Field(
        default=None,
        ge=1,
        le=10_000,
        description="Replications that the baseline has measures of, and that are run where fewer leave a measure "
        "undecided; left out: as many as are checked.",
    )
    size: dict[str, Any] = Field(
        default={},
        description="Patch that makes the scenario small: keys of fans, influencers, surfaces, phases, ... and "
        "horizon_days, applied to the scenario before its arms.",
    )
