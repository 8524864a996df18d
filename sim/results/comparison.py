"""The answer: arms compared by paired replications, the confirmatory family, verdicts on claims, the decomposition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sim.inference.paired import (
    decomposition,
    holm,
    holm_levels,
    paired_differences,
    variance_ratio_streams,
)
from sim.measures.index import MeasureIndex
from sim.model.layout import Total
from sim.results.claims import Contrast, decided_claim, index_of, statements
from sim.results.pairs import pairs
from sim.results.tables import key_columns, words
from sim.scenario import Loaded
from sim.store.columns import arrow_schema, table_of
from sim.store.unit import Unit
from sim.store.unit_record import UnitRecord
from sim.types import Floats

__all__ = ["Comparison", "Summary", "compare_units"]

FILLED_SHARE = 0.999
"""Arms of which less of the reserved slots found a supported account aren't compared."""


@dataclass(frozen=True)
class Summary:
    """What of a unit's record stays in memory to the end."""

    digest: str
    values: Floats
    """Shape (n,), in the order of ``MeasureIndex.keys``."""
    totals: NDArray[np.int64]
    """Of the unit, over all surfaces, shape (7,)."""
    support_effect: Floats
    """Shape (3,)."""
    seconds: float
    """Of the unit's loop."""

    @classmethod
    def of(cls, record: UnitRecord) -> Summary:
        """Summary of a record."""
        measures, totals = record.measures, record.traffic.totals.sum(axis=0)
        return cls(record.digest, measures.values, totals, measures.support_effect, record.seconds)


Summaries = Mapping[Unit, Summary]


@dataclass(frozen=True)
class Comparison:
    """The tables of the answer."""

    comparison: pa.Table
    claims: pa.Table
    decomposition: pa.Table


def of_arm(kept: Summaries, arm: str, *, independent: bool = False) -> dict[int, Summary]:
    """Summaries of an arm by replication, or those of its units with streams of their own."""
    return {u.replication: summary for u, summary in kept.items() if (u.arm, u.independent) == (arm, independent)}


def values_of(kept: Summaries, arm: str, *, independent: bool = False) -> Floats:
    """Values of an arm, shape (replications, n)."""
    return np.array([summary.values for summary in of_arm(kept, arm, independent=independent).values()])


def unfilled_arms(loaded: Loaded, kept: Summaries) -> list[str]:
    """Arms whose support list was too short for the reserved slots in any replication."""
    scenario = loaded.scenario
    # Totals include the warm-up, in which nothing is supported.
    supported = scenario.horizon_days / (scenario.horizon_days + scenario.warmup_days)
    out = []
    for arm in loaded.arms:
        totals = [summary.totals for summary in of_arm(kept, arm).values()]
        if any(t[Total.SUPPORT_UNFILLED] > (1 - FILLED_SHARE) * supported * t[Total.RESERVED] for t in totals):
            out.append(arm)
    return out


def compare_units(loaded: Loaded, kept: Summaries) -> Comparison:
    """Compare all pairs of arms on all measures.

    Confirmatory, and adjusted together by Holm's procedure, are the non-control arms on the two primary quantities, and
    what the scenario's claims state beforehand; all other rows are exploratory, their ``p_holm`` null.
    """
    scenario = loaded.scenario
    index = index_of(scenario)
    short = unfilled_arms(loaded, kept)
    compared = [pair for pair in pairs(loaded) if not set(pair) & set(short)]
    values = {arm: values_of(kept, arm) for arm in loaded.arms}
    independent = values_of(kept, scenario.control, independent=True)
    claims = statements(scenario, index)
    primary = [index.position(key) for key in index.primary]
    family = dict.fromkeys(
        [Contrast(*pair, column) for pair in compared if pair[1] == scenario.control for column in primary]
        + [said.contrast for said in claims.values() if not said.contrast.arms() & set(short)]
    )
    columns = {pair: paired_differences(values[pair[1]], values[pair[0]]) for pair in compared}
    p_family = np.array([contrast.paired(values).p_value for contrast in family])
    p_holm = dict(zip(family, holm(p_family), strict=True)) if family else {}
    levels = dict(zip(family, holm_levels(p_family), strict=True)) if family else {}
    rows = _comparison_columns(index, compared)
    for field in ("mean_control", "mean_arm", "difference", "ci_low", "ci_high", "p_value", "vr_total", "n_pairs"):
        rows[field] = _joined(
            [getattr(columns[pair], field) for pair in compared], np.int64 if field == "n_pairs" else np.float64
        )
    adjusted = np.full((len(compared), len(index.keys)), np.nan)
    for contrast, p in p_holm.items():
        if contrast.control is not None and contrast.baseline is None:
            adjusted[compared.index((contrast.arm, contrast.control)), contrast.column] = p
    rows["p_holm"] = adjusted.ravel()
    rows["vr_streams"] = _joined(
        [
            _vr_streams(values[scenario.control], independent, values[pair[0]])
            if pair[1] == scenario.control
            else np.full(len(index.keys), np.nan)
            for pair in compared
        ],
        np.float64,
    )
    verdicts = [decided_claim(name, said, values, levels.get(said.contrast)) for name, said in claims.items()]
    return Comparison(
        comparison=table_of("comparison", rows),
        claims=table_of("claims", _transposed("claims", verdicts)),
        decomposition=table_of("decomposition", _decomposition_columns(kept, compared)),
    )


def _joined(parts: list[NDArray[Any]], kind: type[np.generic]) -> NDArray[Any]:
    """Parts one after the other; none: an empty array."""
    return np.concatenate([*parts, np.zeros(0)]).astype(kind)


def _comparison_columns(index: MeasureIndex, compared: list[tuple[str, str]]) -> dict[str, Any]:
    names = list(dict.fromkeys(name for pair in compared for name in pair))
    n = len(index.keys)

    def repeated(place: int) -> pa.DictionaryArray:
        return words(names, np.repeat(np.array([names.index(pair[place]) for pair in compared], dtype=np.int32), n))

    return {"arm": repeated(0), "control": repeated(1)} | key_columns(index.keys, len(compared))


def _vr_streams(control: Floats, independent: Floats, arm: Floats) -> Floats:
    """Var(arm - independent) / Var(arm - control), independent being the control on its population with other draws."""
    if len(independent) < 2:
        return np.full(control.shape[1], np.nan)
    n = len(independent)
    return variance_ratio_streams(arm[:n] - independent, arm[:n] - control[:n])


def _transposed(table: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Columns of rows, typed by the contract so that a table without rows has its types too."""
    schema = arrow_schema(table)
    return {field.name: pa.array([row[field.name] for row in rows], field.type) for field in schema}


def _decomposition_columns(kept: Summaries, compared: list[tuple[str, str]]) -> dict[str, Any]:
    rows: list[dict[str, Any]] = []
    for arm, control in compared:
        of_control = of_arm(kept, control)
        for replication, summary in sorted(of_arm(kept, arm).items()):
            s0, w_arm, n_arm = summary.support_effect
            _, w_control, n_control = of_control[replication].support_effect
            parts = decomposition(*(np.array([x]) for x in (s0, w_control, w_arm, n_control, n_arm)))
            allocation, volume = float(parts.allocation[0]), float(parts.volume[0])
            rows.append(
                {
                    "arm": arm,
                    "control": control,
                    "replication": replication,
                    "initial_head_share": s0,
                    "new_follow_share_control": w_control,
                    "new_follow_share_arm": w_arm,
                    "head_share_of_new_control": n_control,
                    "head_share_of_new_arm": n_arm,
                    "difference": allocation + volume,
                    "allocation": allocation,
                    "volume": volume,
                }
            )
    return _transposed("decomposition", rows)
