"""Finished runs side by side: keys in which their scenarios differ, their grid, their arms; knows no page."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sim.results.run import Run

__all__ = ["Grid", "differing_keys", "grid_of", "side_by_side"]

NAMING = ("name", "title", "description")
"""Keys that only change a run's name."""


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
        "keys": [{"key": key, "a": a, "b": b} for key, (a, b) in differing_keys([first, second]).items()],
        "head_share": rows,
    }


def differing_keys(runs: Sequence[Run]) -> dict[str, list[Any]]:
    """Keys in which the scenarios of runs differ: by path, each run's value, None where it has none."""
    return dict(_differing([run.manifest["scenario"] for run in runs], ""))


def _differing(values: list[Any], path: str) -> Iterator[tuple[str, list[Any]]]:
    """Entries in which tables differ; where one of them is no table, as a whole."""
    if all(isinstance(value, dict) for value in values):
        for key in dict.fromkeys(key for value in values for key in value):
            yield from _differing([value.get(key) for value in values], f"{path}.{key}" if path else str(key))
    elif any(value != values[0] for value in values):
        yield path, values


class Grid(NamedTuple):
    """Runs that differ in two keys and have every combination of their values."""

    keys: tuple[str, str]
    values: tuple[list[Any], list[Any]]
    """Values of each key, ascending where they can be compared."""
    cells: list[tuple[Any, Any]]
    """Each run's values."""


def grid_of(runs: Sequence[Run]) -> Grid | None:
    """The grid that runs form; None where they form none.

    Of keys whose values correspond one to one the shortest counts; names of runs don't count.
    """
    kept: dict[tuple[int, ...], tuple[str, list[Any]]] = {}
    for key, values in sorted(differing_keys(runs).items(), key=lambda item: (item[0].count("."), item[0])):
        if key not in NAMING:
            kept.setdefault(_pattern(values), (key, values))
    if len(kept) != 2:
        return None
    (first, a), (second, b) = kept.values()
    distinct = (_ordered(a), _ordered(b))
    cells = list(zip(a, b, strict=True))
    complete = len(runs) == len(distinct[0]) * len(distinct[1]) == len(set(map(repr, cells)))
    return Grid((first, second), distinct, cells) if complete else None


def _pattern(values: Sequence[Any]) -> tuple[int, ...]:
    """Position of each value's first appearance: equal values have equal ones."""
    return tuple(values.index(value) for value in values)


def _ordered(values: Sequence[Any]) -> list[Any]:
    distinct = [value for i, value in enumerate(values) if value not in values[:i]]
    try:
        return sorted(distinct)
    except TypeError:
        return distinct
