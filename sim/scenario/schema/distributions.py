"""Distributions that a scenario can draw an attribute from; how they are drawn is up to the model."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

__all__ = ["Constant", "Distribution", "Lognormal", "Pareto", "Section", "Uniform"]


class Section(BaseModel):
    """Base of every part of a scenario: unknown keys refused, types strict, frozen once made."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Constant(Section):
    """The same value for all."""

    kind: Literal["constant"] = "constant"
    value: float = Field(description="The value.")


class Uniform(Section):
    """Uniform between ``low`` and ``high``."""

    kind: Literal["uniform"]
    low: float = Field(description="Lower end.")
    high: float = Field(description="Upper end, not below the lower one.")


class Lognormal(Section):
    """Lognormal: ``median * exp(sigma * z)``, z standard normal, cut off at ``max``."""

    kind: Literal["lognormal"]
    median: float = Field(gt=0, description="Median of the distribution before the cut.")
    sigma: float = Field(ge=0, le=20, description="Standard deviation of the logarithm.")
    max: float = Field(default=1e18, gt=0, description="Values above are set to this.")


class Pareto(Section):
    """Pareto: ``min * u^(-1 / exponent)``, u uniform, cut off at ``max``."""

    kind: Literal["pareto"]
    min: float = Field(gt=0, description="Smallest value.")
    exponent: float = Field(ge=0.05, le=100, description="Exponent of the tail, P(X > x) = (x / min)^-exponent.")
    max: float = Field(default=1e18, gt=0, description="Values above are set to this.")


def _number_is_constant(given: Any) -> Any:
    """Read a plain number as a constant, so that ``conversion_prob = 0.005`` is a whole distribution."""
    if isinstance(given, (int, float)) and not isinstance(given, bool):
        return {"kind": "constant", "value": given}
    return given


Distribution = Annotated[
    Annotated[Constant | Uniform | Lognormal | Pareto, Field(discriminator="kind")],
    BeforeValidator(
        _number_is_constant,
        json_schema_input_type=float | Constant | Uniform | Lognormal | Pareto,
    ),
]
