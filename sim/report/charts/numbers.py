"""Numbers behind the charts: columns of a run's tables by arm and replication, with means and intervals over them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from sim.inference.intervals import moments, t_intervals
from sim.inference.paired import paired_differences
from sim.report.charts.chart import Row, arm_colours, rounded
from sim.results.answer import Answer
from sim.results.run import Run
from sim.types import Floats

__all__ = ["Numbers", "by_group", "point"]

Ints = NDArray[np.int64]
PERCENT = 100.0


class Numbers:
    """A finished run, as charts read it. Arrays have the axes arm, replication and, last, what is counted."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.answer = Answer(run)
        self.scenario = run.manifest["scenario"]
        self.arms: list[str] = list(self.scenario["arms"])
        self.control: str = self.scenario["control"]
        self.n_replications: int = self.scenario["replications"]
        self.colours = arm_colours(self.arms, self.control)

    @cached_property
    def compared(self) -> list[str]:
        """Arms that are compared with the control, in the scenario's order."""
        found = {arm for arm, control in self.answer.pairs if control == self.control}
        return [arm for arm in self.arms if arm in found]

    def of_compared(self) -> dict[str, str]:
        """Colours of the arms that are compared with the control."""
        return {arm: self.colours[arm] for arm in self.compared}

    def chosen(self, name: str, columns: Sequence[str], **about: Any) -> pa.Table:
        """Columns of a table, with arm and replication; only rows of these values (None: null)."""
        table = self.run.table(name, [*dict.fromkeys(("arm", "replication", *about, *columns))])
        for column, wanted in about.items():
            given = table[column]
            table = table.filter(pc.is_null(given) if wanted is None else pc.fill_null(pc.equal(given, wanted), False))
        return table

    def unit(self, table: pa.Table) -> Ints:
        """Number of each row's arm and replication: arm x replications + replication."""
        arm = pc.index_in(table["arm"], pa.array(self.arms)).to_numpy().astype(np.int64)
        found: Ints = arm * self.n_replications + table["replication"].to_numpy()
        return found

    def pivoted(self, table: pa.Table, place: Ints, n: int, column: str) -> Floats:
        """A column by arm, replication and ``place`` in [0, n); nan where no row is, or null."""
        found = np.full((len(self.arms) * self.n_replications, n), np.nan)
        found[self.unit(table), place] = table[column].to_numpy().astype(np.float64)
        return found.reshape(len(self.arms), self.n_replications, n)

    def sums(self, unit: Ints, place: Ints, n: int, values: NDArray[Any]) -> Floats:
        """Values added up by arm, replication and ``place`` in [0, n); those elsewhere are left out."""
        here = (place >= 0) & (place < n)
        size = len(self.arms) * self.n_replications * n
        added = np.bincount(unit[here] * n + place[here], weights=values[here].astype(np.float64), minlength=size)
        found: Floats = added.astype(np.float64).reshape(len(self.arms), self.n_replications, n)
        return found

    def over_time(self, quantity: str, window_days: float | None) -> tuple[list[float], Floats]:
        """Days, and the head share of a quantity by arm, replication and day."""
        about = {"population": "all", "level": "influencer", "quantity": quantity, "measure": "head_share_01"}
        table = self.chosen("measures", ["time_days", "value"], window_days=window_days, **about)
        days, place = np.unique(table["time_days"].to_numpy(), return_inverse=True)
        return days.tolist(), self.pivoted(table, place.astype(np.int64), len(days), "value")

    def at_end(self, level: str, quantity: str, measure: str, populations: Sequence[str]) -> Floats:
        """A stock's measure of several populations at the end, by arm, replication and population."""
        about = {"level": level, "quantity": quantity, "measure": measure, "window_days": None}
        table = self.chosen("measures", ["population", "value"], time_days=self.run.horizon_days, **about)
        place = pc.index_in(table["population"], pa.array(populations))
        table, place = table.filter(pc.is_valid(place)), place.drop_null()
        return self.pivoted(table, place.to_numpy().astype(np.int64), len(populations), "value")

    def means(self, values: Floats) -> dict[str, list[Row]]:
        """Mean of shares with its 95 % interval, ``mean``, ``low``, ``high`` [%], by arm and place."""
        return {arm: _described(own * PERCENT) for arm, own in zip(self.arms, values, strict=True)}

    def differences(self, values: Floats) -> dict[str, list[Row]]:
        """Mean paired difference of shares to the control with its interval [% points], by compared arm and place."""
        control = values[self.arms.index(self.control)] * PERCENT
        found = {}
        for arm in self.compared:
            paired = paired_differences(control, values[self.arms.index(arm)] * PERCENT)
            found[arm] = _rows(paired.difference, paired.ci_low, paired.ci_high)
        return found


def point(row: Mapping[str, Any], scale: float = PERCENT, estimate: str = "difference") -> Row:
    """Estimate and interval of a row of the comparison or the claims as ``mean``, ``low``, ``high``, times a scale."""
    fields = (("mean", estimate), ("low", "ci_low"), ("high", "ci_high"))
    return {key: None if row[field] is None else rounded(row[field] * scale) for key, field in fields}


def by_group(points: Mapping[str, Sequence[Row]], groups: Sequence[str], **about: str) -> list[Row]:
    """A row for each arm and group of what ``means`` and ``differences`` give, with values common to all rows."""
    return [
        {**about, "group": group, "arm": arm, **own}
        for arm, of_arm in points.items()
        for group, own in zip(groups, of_arm, strict=True)
    ]


def _described(values: Floats) -> list[Row]:
    n, mean, variance = moments(values)
    with np.errstate(divide="ignore", invalid="ignore"):
        low, high = t_intervals(mean, np.sqrt(variance / n), n, 0.95)
    return _rows(mean, low, high)


def _rows(mean: Floats, low: Floats, high: Floats) -> list[Row]:
    columns = zip(mean.tolist(), low.tolist(), high.tolist(), strict=True)
    return [{"mean": rounded(m), "low": rounded(a), "high": rounded(b)} for m, a, b in columns]
