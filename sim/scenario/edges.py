"""Edge lists: the follow graph of a CSV or Parquet file, checked row by row; knows nothing of scenarios.

The columns are those named ``fan`` and ``influencer``, or else the file's only two, in that order. A row says that the
fan follows the influencer; of a mutual list, that each follows the other. An account that is both may follow itself, as
it may in a run, but a mutual list can't join it with itself.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from sim.errors import Fault, InputError
from sim.scenario.encodings import EncodingName
from sim.scenario.graph import MANY_NAMES, SHOWN_FAULTS, FollowGraph, name_rule
from sim.scenario.rows import Row, Table, open_table
from sim.scenario.spreadsheet import text_of
from sim.scenario.words import escaped, one_of, shown, suggestion

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["NAMES", "read_edges"]

NAMES = ("fan", "influencer")
COUNTED_FAULTS = 1000
"""Reading stops after this many faults: a wrong file needn't be read to its end."""


def _places(table: Table) -> tuple[int, int]:
    """Where the two columns stand."""
    columns = table.columns
    found = []
    for name in NAMES:
        if columns.count(name) > 1:
            found.append(Fault(table.file, "column must stand there once", 1, name))
        elif name not in columns and (len(columns) != 2 or set(NAMES) & set(columns)):
            only = " (or two columns of other names, who follows and who is followed)"
            near = suggestion(name, columns) or f"{only}; the file has {one_of(columns)}"
            found.append(Fault(table.file, f"column is required{near}", 1, name))
    if found:
        raise InputError(found)
    return (columns.index(NAMES[0]), columns.index(NAMES[1])) if NAMES[0] in columns else (0, 1)


class _Reader:
    """Rows become follows; faults are kept with the number of their row, so that repeats found later fit in."""

    def __init__(self, table: Table, influencers: Sequence[str] | None, directed: bool, skip: bool) -> None:
        self.table, self.directed, self.skip = table, directed, skip
        self.places = _places(table)
        self.names = tuple(escaped(table.columns[place]) for place in self.places)
        self.fans: dict[str, int] = {}
        self.is_fixed = influencers is not None
        self.influencers = {name: i for i, name in enumerate(influencers or ())}
        self.known = influencers if influencers is not None and len(influencers) <= MANY_NAMES else ()
        self.fan, self.influencer, self.row_of = array("i"), array("i"), array("i")
        self.where = array("i")
        self.faults: list[tuple[int, Fault]] = []
        self.n_faults = self.n_skipped = self.n_rows = 0

    def _fault(self, row: Row, rule: str, key: str | None = None, value: str | None = None) -> tuple[int, Fault]:
        place = [f"row {row.number}"] if row.number is not None else []
        path = " ".join(place + ([key] if key else []))
        return self.n_rows, Fault(self.table.file, rule, row.line, path or None, value)

    def add(self, row: Row) -> None:
        """Take a row, or refuse it with all that is wrong with it."""
        self.n_rows += 1
        self.where.append(row.line if row.line is not None else row.number or 0)
        found: list[tuple[int, Fault]] = []
        if row.rule:
            found.append(self._fault(row, row.rule, None, row.value))
        else:
            u, v = (row.cells[place].strip() for place in self.places)
            if self.table.is_text:
                u, v = text_of(u), text_of(v)
            found += self._judged(row, u, v)
        if found:
            self.n_skipped += 1
            self.n_faults += len(found)
            self.faults += found[: max(SHOWN_FAULTS - len(self.faults), 0)]
            return
        self._take(u, v)
        if not self.directed:
            self._take(v, u)

    def _judged(self, row: Row, u: str, v: str) -> list[tuple[int, Fault]]:
        found = []
        for key, name, is_influencer in ((self.names[0], u, not self.directed), (self.names[1], v, True)):
            rule = name_rule(name)
            if rule is None and is_influencer and self.is_fixed and name not in self.influencers:
                known = self.known if len(self.faults) < SHOWN_FAULTS else ()  # a suggestion costs time
                rule = f"must be in the roster{suggestion(name, known)}"
            if rule is not None:
                found.append(self._fault(row, rule, key, shown(name) if name else None))
        if not found and u == v and not self.directed:
            found.append(self._fault(row, "an account must not be joined with itself", None, shown(u)))
        return found

    def _take(self, u: str, v: str) -> None:
        if not self.is_fixed and not self.directed:
            self.influencers.setdefault(u, len(self.influencers))
        self.fan.append(self.fans.setdefault(u, len(self.fans)))
        self.influencer.append(self.influencers.setdefault(v, len(self.influencers)))
        self.row_of.append(self.n_rows)

    def distinct(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Fan and influencer of each follow, once; every further row of it is a fault."""
        import numpy as np

        fan, influencer, row = (np.array(each, dtype=np.int64) for each in (self.fan, self.influencer, self.row_of))
        pair = fan * max(len(self.influencers), 1) + influencer
        order = np.argsort(pair, kind="stable")
        is_first = np.concatenate([[True], np.diff(pair[order]) != 0])[: pair.size]
        first = order[np.maximum.accumulate(np.where(is_first, np.arange(pair.size), 0))]
        again, earlier = order[~is_first], first[~is_first]
        by_row = np.argsort(again)
        again, earlier = again[by_row], earlier[by_row]
        # A mutual row stands for two follows, and is reported for the one that it names.
        named = np.unique(row[again], return_index=True)[1]
        self.n_skipped += len(named)
        self.n_faults += len(named)
        numbers = [(int(row[again[n]]), int(row[earlier[n]]), int(again[n])) for n in named[:SHOWN_FAULTS]]
        word = "line" if self.table.is_text else "row"
        fans, influencers = list(self.fans), list(self.influencers)
        for number, before, at in numbers:
            either = "" if self.directed else ", in either order"
            rule = f"a follow must stand there once{either}, stands in {word} {self.where[before - 1]} already"
            value = f"{shown(fans[fan[at]])}, {shown(influencers[influencer[at]])}"
            line = self.where[number - 1] if self.table.is_text else None
            path = None if self.table.is_text else f"row {self.where[number - 1]}"
            self.faults.append((number, Fault(self.table.file, rule, line, path, value)))
        kept = np.sort(order[is_first])
        return fan[kept], influencer[kept]

    def check(self) -> None:
        """Raise all faults, unless bad rows are skipped."""
        file = self.table.file
        if self.n_faults and not self.skip:
            shown_first = [fault for _, fault in sorted(self.faults, key=lambda each: each[0])][:SHOWN_FAULTS]
            rest = self.n_faults - len(shown_first)
            least = "at least " if self.n_faults >= COUNTED_FAULTS else ""
            raise InputError(shown_first + ([Fault(file, f"and {least}{rest} more")] if rest else []))
        if not self.fan:
            rule = f"has no good row, {self.n_skipped} bad ones" if self.n_skipped else "has no rows"
            raise InputError([Fault(file, rule, None if self.n_skipped else 1)])


def read_edges(
    path: str | os.PathLike[str],
    *,
    influencers: Sequence[str] | None = None,
    directed: bool = True,
    dirty_rows: Literal["refuse", "skip"] = "refuse",
    encoding: EncodingName | None = None,
) -> FollowGraph:
    """Read an edge list and check every row.

    Parameters
    ----------
    path
        Text (as ``open_table`` reads it) or Parquet, with a header and the columns ``fan`` and ``influencer`` or just
        two columns in that order. In text an apostrophe before a name that a spreadsheet would take for a formula,
        ``'=name``, is no part of it: ``FollowGraph.write_edges`` puts it there.
    influencers
        Names of all influencers, as a roster has them; left out: those of the list, in order of first appearance.
    directed
        The first follows the second; else each row is a mutual follow, so that everybody is fan and influencer.
    dirty_rows
        ``"refuse"`` the file for a bad row, or ``"skip"`` and count such rows.
    encoding
        Of a text without a byte order mark; left out: UTF-8.

    Returns
    -------
    FollowGraph
        Its fans are the distinct ids of those who follow, in order of first appearance.

    Raises
    ------
    InputError
        All faults, each with its line: the first 20, then how many more. A bad row has another number of fields than
        the header, an empty or unprintable id, an influencer that the roster lacks, an account of a mutual list that is
        joined with itself, or a follow that stood there before. A file that is wrong as a whole is refused in either
        case.

    Notes
    -----
    O(rows log rows). No random numbers.
    """
    with open_table(path, None, encoding) as table:
        reader = _Reader(table, influencers, directed, dirty_rows == "skip")
        for row in table.rows():
            reader.add(row)
            if dirty_rows != "skip" and reader.n_faults >= COUNTED_FAULTS:
                break
    fan, influencer = reader.distinct()
    reader.check()
    return FollowGraph(
        tuple(reader.fans),
        tuple(reader.influencers),
        fan,  # type: ignore[arg-type]
        influencer,  # type: ignore[arg-type]
        columns=(reader.names[0], reader.names[1]),
        n_skipped=reader.n_skipped,
        sha256=table.sha256(),
    )
