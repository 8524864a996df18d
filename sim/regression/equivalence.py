"""Whether watched measures have moved: paired by replication, two one-sided tests; knows no files and no runs.

Reference: D. J. Schuirmann, *J. Pharmacokin. Biopharm.* 15 (1987) 657.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np

from sim.inference.paired import paired_differences
from sim.regression.content import WATCHED, Watched, watched_cell
from sim.regression.result import ChangeEstimate
from sim.results.claims import cell_of
from sim.results.pairs import pairs
from sim.scenario import Loaded
from sim.types import Floats

__all__ = ["estimates", "margin", "n_values"]

ALPHA = 0.05
RELATIVE_MARGIN = 0.02
"""Of totals and counts."""
Values = Mapping[str, Mapping[str, Sequence[float | None]]]
"""By ``arm NAME`` or ``claim NAME`` and name."""


def margin(measure: str, level: float) -> float:
    """Change up to which a measure counts as the same.

    Parameters
    ----------
    measure
        Its name.
    level
        Its size, of which a total or count may change by 2 %, a count by half a unit at least.

    >>> margin("head_share_01", 0.3), margin("gini", 0.9), margin("total", -500.0), margin("n_present", 10.0)
    (0.005, 0.01, 10.0, 0.5)
    """
    if "head_share" in measure:
        return 0.005
    if measure == "gini" or measure.endswith("correlation"):
        return 0.01
    return max(RELATIVE_MARGIN * abs(level), 0.5 if measure.startswith("n_") else 0.0)


def estimates(loaded: Loaded, old: Values, new: Values, n_looks: int) -> list[ChangeEstimate]:
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
    """
    return list(_estimates(loaded, old, new, ALPHA / n_looks))


def _estimates(loaded: Loaded, old: Values, new: Values, alpha: float) -> Iterator[ChangeEstimate]:
    scenario = loaded.scenario
    levels: list[tuple[str, str | None]] = [(scenario.control, None)]
    for arm, control in [*levels, *pairs(loaded)]:
        arms = [f"arm {name}" for name in ((arm,) if control is None else (arm, control))]
        if not all(name in values for name in arms for values in (old, new)):
            continue
        for watched in WATCHED:
            if not any(watched.key in values[name] for name in arms for values in (old, new)):
                continue  # always 0 or undefined
            before, now = (_difference(values, watched, arms) for values in (old, new))
            allowed = margin(watched.measure, _size(old[arms[0]].get(watched.key, ())))
            about = watched_cell(watched, scenario.horizon_days)._asdict()
            yield _estimate(about | {"arm": arm, "control": control}, before, now, allowed, alpha)
    for name, claim in scenario.claims.items():
        stated = f"claim {name}"
        if claim.margin > 0 and stated in old and stated in new:
            before, now = (_array(values[stated].get("stated"), n_values(values), 0.0) for values in (old, new))
            cell = cell_of(claim, claim.group or claim.population, scenario)
            about = cell._asdict() | {"arm": claim.arm, "control": claim.control}
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


def _difference(values: Values, watched: Watched, arms: Sequence[str]) -> Floats:
    """Of one arm its level, of two their difference."""
    # A total of nothing is 0, a share of nothing is undefined.
    absent = 0.0 if watched.measure == "total" or watched.measure.startswith("n_") else math.nan
    n = n_values(values)
    own, *control = (_array(values[arm].get(watched.key), n, absent) for arm in arms)
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
