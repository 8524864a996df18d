"""Whether watched measures have moved: paired by replication, two one-sided tests. It knows no files and no runs.

Reference: D. J. Schuirmann, *J. Pharmacokin. Biopharm.* 15 (1987) 657.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np

from sim.inference.paired import paired_differences
from sim.regression.content import watched
from sim.regression.result import ChangeEstimate
from sim.results.claims import index_of, key_of
from sim.results.pairs import pairs
from sim.scenario import Loaded
from sim.scenario.schema.measurable import Measurable, Watched
from sim.types import Floats

__all__ = ["estimates", "n_values"]

ALPHA = 0.05
Values = Mapping[str, Mapping[str, Sequence[float | None]]]
"""By ``arm NAME`` or ``claim NAME`` and name."""


def estimates(
    loaded: Loaded, old: Values, new: Values, n_looks: int, known: Collection[str] | None = None
) -> list[ChangeEstimate]:
    """Each watched measure's change since the baseline: levels of the control, differences of arms, what claims state.

    ``d_r = new_r - old_r`` by replication, with its t interval of level ``1 - .05 / n_looks``: inside -+ the margin it
    is equivalent, beyond it moved, else undecided.

    Parameters
    ----------
    loaded
        The scenario.
    old, new
        Values of replications 0, 1, ...; those that both have are compared.
    n_looks
        Looks that are taken at most, with more replications each time.
    known
        Quantity, measure and level of what the baseline has: what was added since can't have moved. Left out: all.
    """
    kept = [w for w in watched() if known is None or f"{w.quantity} {w.measure} {w.level}" in known]
    return list(_estimates(loaded, old, new, ALPHA / n_looks, kept))


def _estimates(
    loaded: Loaded, old: Values, new: Values, alpha: float, kept: Sequence[Watched]
) -> Iterator[ChangeEstimate]:
    scenario, index, measures = loaded.scenario, index_of(loaded.scenario), Measurable.here()
    levels: list[tuple[str, str | None]] = [(scenario.control, None)]
    for arm, control in [*levels, *pairs(loaded)]:
        arms = [f"arm {name}" for name in ((arm,) if control is None else (arm, control))]
        if not all(name in values for name in arms for values in (old, new)):
            continue
        for each in kept:
            if not any(each.key in values[name] for name in arms for values in (old, new)):
                continue  # always 0 or undefined
            measure = measures.named(each.measure, each.level, each.quantity)
            assert measure is not None  # it names itself
            before, now = (_difference(values, each.key, arms, measure.of_nothing) for values in (old, new))
            allowed = measure.margin_at(_size(old[arms[0]].get(each.key, ())))
            about = index.at_end(each.population, each.level, each.quantity, each.measure)._asdict()
            yield _estimate(about | {"arm": arm, "control": control}, before, now, allowed, alpha)
    for name, claim in scenario.claims.items():
        stated = f"claim {name}"
        if claim.margin > 0 and stated in old and stated in new:
            before, now = (_array(values[stated].get("stated"), n_values(values), 0.0) for values in (old, new))
            key = key_of(claim, claim.group or claim.population, index)
            about = key._asdict() | {"arm": claim.arm, "control": claim.control}
            yield _estimate(about | {"claim": name}, before, now, claim.margin, alpha)


def _size(values: Sequence[float | None]) -> float:
    """Mean size of those that are defined."""
    known = [abs(value) for value in values if value is not None]
    return math.fsum(known) / len(known) if known else 0.0


def n_values(values: Values) -> int:
    """Replications that values are kept of."""
    return max((len(row) for own in values.values() for row in own.values()), default=0)


def _array(values: Sequence[float | None] | None, n: int, absent: float) -> Floats:
    """Values as an array, shape (n,); ``absent`` throughout where none are kept."""
    if values is None:
        return np.full(n, absent)
    return np.array([math.nan if value is None else value for value in values], dtype=np.float64)


def _difference(values: Values, key: str, arms: Sequence[str], of_nothing: float) -> Floats:
    """Of one arm its level, of two their difference."""
    n = n_values(values)
    own, *control = (_array(values[arm].get(key), n, of_nothing) for arm in arms)
    return own - control[0] if control else own


def _estimate(about: dict[str, Any], old: Floats, new: Floats, allowed: float, alpha: float) -> ChangeEstimate:
    n = min(old.size, new.size)
    change = paired_differences(old[:n, None], new[:n, None], level=1 - alpha)

    def number(column: Floats) -> float | None:
        return None if math.isnan(column[0]) else float(column[0])

    return ChangeEstimate(
        **about,
        old=number(change.mean_control),
        new=number(change.mean_arm),
        difference=number(change.difference),
        ci_low=number(change.ci_low),
        ci_high=number(change.ci_high),
        margin=allowed,
        n_pairs=int(change.n_pairs[0]),
        ci_level=1 - alpha,
        verdict=_verdict(old[:n], new[:n], float(change.ci_low[0]), float(change.ci_high[0]), allowed),
    )


def _verdict(
    old: Floats, new: Floats, low: float, high: float, allowed: float
) -> Literal["equivalent", "moved", "undecided"]:
    if np.array_equal(old, new, equal_nan=True):
        return "equivalent"
    if (np.isnan(old) != np.isnan(new)).any():
        return "moved"  # it is defined where it wasn't, or the other way round
    if -allowed <= low and high <= allowed:
        return "equivalent"
    return "moved" if low > allowed or high < -allowed else "undecided"
