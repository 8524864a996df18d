"""A finished run as its readers see it; knows no model, so that reading one needs no compiler."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from sim.errors import Fault, InputError
from sim.inference.paired import PairedDifference, paired_difference
from sim.measures.index import MeasureIndex, MeasureKey, groups_claimed
from sim.results.answer import Answer
from sim.results.notebook import as_html
from sim.scenario.schema.measurable import Measure, require
from sim.store.run_folder import read_manifest, read_table

__all__ = ["Run"]


@dataclass(frozen=True, repr=False)
class Run:
    """A finished run; a table is read, and checked, when it is first asked for."""

    path: Path
    manifest: dict[str, Any]
    _tables: dict[str, pa.Table] = field(default_factory=dict, init=False, repr=False, compare=False)

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Run:
        """Read a run folder; ``InputError`` where it has no finished run, or one of another format, or is damaged."""
        return cls(Path(path), read_manifest(Path(path)))

    def __repr__(self) -> str:
        """Where it is, and what it is."""
        n = self.manifest["scenario"]["replications"]
        return f"Run({str(self.path)!r}: {self.manifest['name']}, {n} replications, digest {self.digest[:16]})"

    def table(self, name: str, columns: Sequence[str] | None = None) -> pa.Table:
        """One of its tables, or these columns of it, checked against the manifest's SHA-256.

        Raises
        ------
        InputError
            No such table or column, or a damaged one.
        """
        if columns is None:
            if name not in self._tables:
                self._tables[name] = read_table(self.path, name)
            return self._tables[name]
        # What is asked for in part needn't stay.
        found = self._tables[name] if name in self._tables else read_table(self.path, name, columns)
        unknown = [column for column in columns if column not in found.column_names]
        if unknown:
            raise InputError([Fault(str(self.path), f"table {name} has no column {', '.join(map(repr, unknown))}")])
        return found.select(columns)

    @property
    def digest(self) -> str:
        """SHA-256 over the digests of all arms and replications: equal for equal outcomes, whatever the engine."""
        return hashlib.sha256(repr(sorted(self.manifest["digests"].items())).encode()).hexdigest()

    @property
    def horizon_days(self) -> float:
        """Time of the end [days]."""
        return float(self.manifest["scenario"]["horizon_days"])

    @property
    def index(self) -> MeasureIndex:
        """What it has measured, its user's own measures too, whether they are registered now or not."""
        scenario = self.manifest["scenario"]
        groups = groups_claimed([*scenario["claims"].values()])
        plugins = (self.manifest["plugin"] or {}).values()
        own = [Measure.from_table(each["measure"]) for each in plugins if "measure" in each]
        return MeasureIndex(scenario["horizon_days"], scenario["warmup_days"], groups, own)

    def answer(self) -> list[dict[str, Any]]:
        """Rows of the comparison at the end."""
        table = self.table("comparison")
        rows: list[dict[str, Any]] = table.filter(pc.equal(table["time_days"], self.horizon_days)).to_pylist()
        return rows

    def claims(self) -> list[dict[str, Any]]:
        """Rows of the claims."""
        rows: list[dict[str, Any]] = self.table("claims").to_pylist()
        return rows

    def _repr_html_(self) -> str:
        """The answer, where a notebook shows the run."""
        return as_html(Answer(self))

    def values(self, arm: str, about: Mapping[str, Any]) -> NDArray[np.float64]:
        """Values of an arm in order of replication, shape (R,); nan where undefined. ``about`` as a ``MeasureKey``."""
        table = self.table("measures")
        chosen = pc.equal(table["arm"], arm)
        for name in MeasureKey._fields:
            wanted = about[name]
            here = pc.is_null(table[name]) if wanted is None else pc.fill_null(pc.equal(table[name], wanted), False)
            chosen = pc.and_(chosen, here)
        rows = table.filter(chosen).sort_by("replication")
        found: NDArray[np.float64] = rows["value"].to_numpy().astype(np.float64)
        return found

    def paired(self, row: Mapping[str, Any]) -> PairedDifference:
        """The paired difference behind a row of the comparison, with what the row leaves out."""
        return paired_difference(self.values(row["control"], row), self.values(row["arm"], row))

    def difference(
        self,
        measure: str,
        *,
        arm: str,
        control: str | None = None,
        quantity: str = "followers",
        population: str = "all",
        level: str = "influencer",
        window: str = "quarter",
    ) -> PairedDifference:
        """A measure of an arm at the end minus that of another, paired by replication.

        Parameters
        ----------
        measure, quantity, level, population
            What is measured, as a claim names it; the population may be a group, by a column of the roster too
            where a claim of the run names it.
        arm, control
            The arms; control left out: the scenario's.
        window
            What a flow is measured over: ``month``, ``quarter`` or ``run``; stocks have none.

        Raises
        ------
        ValueError
            The run has no such arm, or that isn't measured; it says what there is.
        """
        scenario = self.manifest["scenario"]
        key = self.index.find(population, level, quantity, measure, window)
        control = scenario["control"] if control is None else control
        require("arm", arm, scenario["arms"])
        require("control", control, [name for name in scenario["arms"] if name != arm], f" other than {arm}")
        return self.paired({"arm": arm, "control": control, **key._asdict()})

    def against(self, other: Run, arm: str, quantity: str) -> PairedDifference:
        """An arm's head share at the end in another run minus that in this one, paired by common replications."""

        def values(run: Run) -> NDArray[np.float64]:
            return run.values(arm, next(key for key in run.index.primary if key.quantity == quantity)._asdict())

        own, theirs = values(self), values(other)
        n = min(own.size, theirs.size)
        return paired_difference(own[:n], theirs[:n])
