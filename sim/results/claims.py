"""Claims of a scenario: which values each compares, and the verdict on it; knows nothing of how values are measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from sim.inference.paired import PairedDifference, paired_difference, verdict
from sim.measures.index import MeasureIndex, MeasureKey, groups_claimed
from sim.scenario.schema.claim import Claim
from sim.scenario.schema.scenario import Scenario
from sim.types import Floats

__all__ = ["Contrast", "StatedClaim", "decided_claim", "groups_of", "index_of", "key_of", "statements"]


class Contrast(NamedTuple):
    """What is compared with what, replication by replication: a test of its own in the family.

    Arm - control in one column; without a control, the column - the baseline column in the arm; with both, arm -
    control of that difference.
    """

    arm: str
    control: str | None
    column: int
    baseline: int | None = None

    def arms(self) -> set[str]:
        """The arms in it."""
        return {self.arm} if self.control is None else {self.arm, self.control}

    def paired(self, values: Mapping[str, Floats]) -> PairedDifference:
        """The paired difference, given each arm's values, shape (R, n_columns)."""

        def of(arm: str) -> Floats:
            own = values[arm]
            return own[:, self.column] if self.baseline is None else own[:, self.column] - own[:, self.baseline]

        if self.control is not None:
            return paired_difference(of(self.control), of(self.arm))
        own = values[self.arm]
        return paired_difference(own[:, self.baseline], own[:, self.column])


@dataclass(frozen=True)
class StatedClaim:
    """A claim with the key of what its row is about and the contrast that tests it."""

    claim: Claim
    key: MeasureKey
    contrast: Contrast


def groups_of(scenario: Scenario) -> tuple[str, ...]:
    """Groups by a column of the roster that a resolved scenario's claims name: they are measured."""
    return groups_claimed([*scenario.claims.values()])


def index_of(scenario: Scenario) -> MeasureIndex:
    """What a run of a resolved scenario measures."""
    return MeasureIndex(scenario.horizon_days, scenario.warmup_days, groups_of(scenario))


def key_of(claim: Claim, population: str, index: MeasureIndex) -> MeasureKey:
    """What a claim says of a population or group: at the end, flows over its window."""
    return index.at_end(population, claim.level, claim.quantity, claim.measure, claim.window)


def statements(scenario: Scenario, index: MeasureIndex) -> dict[str, StatedClaim]:
    """The scenario's claims by name, each with the columns that it compares, in the order of the index."""
    found = {}
    for name, claim in scenario.claims.items():
        key = key_of(claim, claim.group or claim.population, index)
        baseline = None
        if claim.baseline_group is not None:
            baseline = index.position(key_of(claim, claim.baseline_group, index))
        found[name] = StatedClaim(claim, key, Contrast(claim.arm, claim.control, index.position(key), baseline))
    return found


def decided_claim(name: str, said: StatedClaim, values: Mapping[str, Floats], level: float | None) -> dict[str, Any]:
    """A claim's row; without a level (an arm that isn't compared, nothing measured) it stays undecided."""
    claim = said.claim
    row: dict[str, Any] = {"claim": name}
    row |= {key: getattr(claim, key) for key in ("arm", "control", "group", "baseline_group")}
    row |= said.key._asdict() | {"direction": claim.direction, "margin": claim.margin}
    if level is None or np.isnan(level):
        return row | {"estimate": None, "ci_low": None, "ci_high": None, "verdict": "undecided"}
    paired = said.contrast.paired(values)
    decision = verdict(paired, direction=claim.direction, margin=claim.margin, alpha=level)
    return row | {
        "estimate": paired.difference,
        "ci_low": decision.ci_low,
        "ci_high": decision.ci_high,
        "verdict": str(decision.verdict),
    }
