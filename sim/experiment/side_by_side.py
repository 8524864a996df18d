"""Two finished runs side by side: keys in which their scenarios differ, and the head shares of the arms both have."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from sim.experiment.run import Run

__all__ = ["side_by_side"]


def side_by_side(first: Run, second: Run) -> dict[str, Any]:
    """How the second run differs from the first.

    Returns
    -------
    dict
        ``runs``: their folders; ``equal``: same digests; ``keys``: rows of key, a, b; ``head_share``: rows of arm,
        quantity, mean_a, mean_b, difference (b - a, paired by common replications), ci_low, ci_high, n_pairs; what is
        undefined is None.
    """
    scenarios = (first.manifest["scenario"], second.manifest["scenario"])
    rows = []
    for arm in scenarios[0]["arms"]:
        if arm not in scenarios[1]["arms"]:
            continue
        for quantity in ("followers", "exposure"):
            paired = first.against(second, arm, quantity)
            row = {
                "arm": arm,
                "quantity": quantity,
                "mean_a": paired.mean_control,
                "mean_b": paired.mean_arm,
                "difference": paired.difference,
                "ci_low": paired.ci_low,
                "ci_high": paired.ci_high,
                "n_pairs": paired.n_pairs,
            }
            rows.append({key: None if isinstance(v, float) and math.isnan(v) else v for key, v in row.items()})
    return {
        "runs": [str(first.path), str(second.path)],
        "equal": first.manifest["digests"] == second.manifest["digests"],
        "keys": [{"key": key, "a": a, "b": b} for key, a, b in _differing(*scenarios)],
        "head_share": rows,
    }


def _differing(a: object, b: object, path: str = "") -> Iterator[tuple[str, object, object]]:
    """Leaves in which two resolved scenarios differ."""
    if isinstance(a, dict) and isinstance(b, dict):
        for key in dict.fromkeys((*a, *b)):
            yield from _differing(a.get(key), b.get(key), f"{path}.{key}" if path else str(key))
    elif a != b:
        yield path, a, b
