"""Edge lists: the follow graph of a CSV or Parquet file, checked row by row; knows nothing of scenarios.

``sim.scenario.read.edge_columns`` finds the columns of the follows by their names. A row says that the fan
follows the influencer; of a mutual list, that each follows the other. An account that is both may follow itself, as it
may in a run, but a mutual list can't join it with itself.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

from sim.errors import Fault, InputError
from sim.formatting import escaped, shown, suggestion
from sim.scenario.read.cell_numbers import as_number
from sim.scenario.read.edge_columns import as_float, edge_columns, looks_like_id, no_header, unused_note, weight_rule
from sim.scenario.read.edge_directions import EdgeDirections
from sim.scenario.read.fault_list import SHOWN, FaultList
from sim.scenario.read.follow_graph import MANY_NAMES, FollowGraph, name_rule
from sim.scenario.read.lost_follows import IN_ROSTER, LostFollows, advice
from sim.scenario.read.names import normal_form
from sim.scenario.read.skipped_rows import SkippedRows
from sim.scenario.read.spreadsheet import text_of
from sim.scenario.read.table_rows import Table, TableRow, open_table
from sim.scenario.schema.encodings import EncodingName

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["read_edges"]


class _Broken(NamedTuple):
    """A rule that a row breaks: the column, an addition to the rule, and the value."""

    key: str | None
    rule: str
    more: str = ""
    value: str | None = None


class _Reader:
    """Rows become follows; faults are kept with the number of their row, so that repeats found later fit in."""

    def __init__(
        self,
        table: Table,
        influencers: Sequence[str] | None,
        directed: bool,
        skip: bool,
        columns: tuple[str, str] | None,
    ) -> None:
        self.table, self.directed, self.skip = table, directed, skip
        found = edge_columns(table.columns, table.file, table.header_line, columns)
        taken = [place for place in (found.fan, found.influencer, found.type) if place is not None]
        names = tuple(table.columns)
        self.header = (names[found.fan], names[found.influencer])
        self.names = tuple(escaped(name) for name in self.header)
        self.notes = unused_note(names[i] for i in range(len(names)) if i not in taken)
        self.by_name = found.by_name
        table.narrow([names[place] for place in (*taken, *found.weights)])
        self.weights = tuple((table.columns.index(names[i]), escaped(names[i])) for i in found.weights)
        self.places = tuple(table.columns.index(name) for name in self.header)
        self.type = None if found.type is None else table.columns.index(names[found.type])
        self.directions = EdgeDirections(table.file, "" if found.type is None else escaped(names[found.type]), directed)
        self.fans: dict[str, int] = {}
        self.is_fixed = influencers is not None
        self.influencers = {name: i for i, name in enumerate(influencers or ())}
        self.known = influencers if influencers is not None and len(influencers) <= MANY_NAMES else ()
        self.fan, self.influencer, self.row_of = array("i"), array("i"), array("i")
        self.where = array("i")
        self.faults = FaultList(table.file, stops=not skip)
        self.n_rows = 0
        self.skipped, self.lost = SkippedRows(), LostFollows()

    def _where(self, place: int, key: str | None) -> tuple[int | None, str | None]:
        """Line and path of a line of a text, or of a row of another file."""
        if self.table.is_text:
            return place, key
        return None, f"row {place}" + (f" {key}" if key else "")

    def add(self, row: TableRow) -> None:
        """Take a row, or refuse it with all that is wrong with it."""
        self.n_rows += 1
        self.where.append(row.line if row.line is not None else row.number or 0)
        if row.rule:
            self._refuse([_Broken(None, row.rule, "", row.value)], row.cells)
            return
        u, v = self._ids(row.cells)
        self._check_header(row, u, v)
        found = self._judged(u, v)
        if self.weights and (u, v) != self.header:
            found += self._weighed(row.cells)
        if found:
            self._refuse(found, row.cells)
            return
        self._take(u, v)
        if not self.directed:
            self._take(v, u)

    def _ids(self, cells: Sequence[str]) -> tuple[str, ...]:
        """Who follows and who is followed by a row; a name that the row is too short for is empty."""
        names = (cells[place].strip() if place < len(cells) else "" for place in self.places)
        return tuple(normal_form(text_of(name) if self.table.is_text else name) for name in names)

    def _refuse(self, found: Sequence[_Broken], cells: Sequence[str]) -> None:
        """Note all that is wrong with the present row, and the follows that are lost with it."""
        place = self.where[-1]
        for key, rule, more, value in found:
            self.faults.add(rule + more, *self._where(place, key), value, order=self.n_rows)
        self.skipped.n += 1
        if not self.skip:
            return
        for broken in found:
            self.skipped.reason(place, broken.key, broken.rule.partition(":")[0])
        u, v = self._ids(cells)
        if (u, v) == self.header or (u == v and not self.directed):
            return  # no follow
        for name in (v,) if self.directed else (u, v):
            self.lost.add(name, place)

    def _check_header(self, row: TableRow, u: str, v: str) -> None:
        """Refuse a file whose first line is a follow; note the row's direction."""
        if not self.by_name:
            below = any(looks_like_id(*each) for each in zip(self.header, (u, v), strict=True))
            if (self.n_rows == 1 and below) or u in self.header or v in self.header:
                place = f"row {row.number}" if row.line is None else f"line {row.line}"
                why = "looks like a follow" if self.n_rows == 1 and below else f"contains an id of {place}"
                raise InputError([no_header(self.table.file, self.table.header_line, self.header, why)])
        if self.type is not None:
            self.directions.add(row.cells[self.type].strip(), self.where[-1])

    def check_directions(self) -> None:
        """Refuse edges whose direction differs from the scenario's, or from each other's."""
        if self.type is not None:
            self.notes = (self.directions.note(self._where), *self.notes)

    def _judged(self, u: str, v: str) -> list[_Broken]:
        if (u, v) == self.header:
            return [_Broken(None, "repeats the header", "", f"{shown(u)}, {shown(v)}")]
        found = []
        for key, name, is_influencer in ((self.names[0], u, not self.directed), (self.names[1], v, True)):
            rule, more = name_rule(name), ""
            if rule is None and is_influencer and self.is_fixed and name not in self.influencers:
                known = self.known if self.faults.shows_more else ()  # a suggestion costs time
                rule, more = IN_ROSTER, suggestion(name, known)
            if rule is not None:
                found.append(_Broken(key, rule, more, shown(name) if name else None))
        if not found and u == v and not self.directed:
            found.append(_Broken(None, "an account must not be joined with itself", "", shown(u)))
        return found

    def _weighed(self, cells: Sequence[str]) -> list[_Broken]:
        found = []
        for place, name in self.weights:
            cell = cells[place].strip()
            number = as_number(cell, self.table.separator)
            size = as_float(cell.replace(",", ".")) if number is None else number[0]  # 1.250 is above 0 in any reading
            if rule := weight_rule(size):
                found.append(_Broken(name, rule, "", shown(cell)))
        return found

    def _take(self, u: str, v: str) -> None:
        if not self.is_fixed and not self.directed:
            self.influencers.setdefault(u, len(self.influencers))
        self.fan.append(self.fans.setdefault(u, len(self.fans)))
        self.influencer.append(self.influencers.setdefault(v, len(self.influencers)))
        self.row_of.append(self.n_rows)

    def n_repeats(self) -> int:
        """Number of follows that are repeats: so many more than there are pairs of names."""
        return max(0, len(self.fan) - len(self.fans) * len(self.influencers))

    def is_enough(self) -> bool:
        """Whether there are so many faults, repeats with them, that reading should stop."""
        return self.faults.is_enough(self.n_repeats())

    def distinct(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Fan and influencer of each follow, once; every further row with it is a fault."""
        import numpy as np

        fan, influencer, row = (np.array(each, dtype=np.int64) for each in (self.fan, self.influencer, self.row_of))
        pair = fan * max(len(self.influencers), 1) + influencer
        order = np.argsort(pair, kind="stable")
        is_first = np.concatenate([[True], np.diff(pair[order]) != 0])[: pair.size]
        first = order[np.maximum.accumulate(np.where(is_first, np.arange(pair.size), 0))]
        again, earlier = order[~is_first], first[~is_first]
        by_row = np.argsort(again)
        again, earlier = again[by_row], earlier[by_row]
        # A mutual row is two follows, and is reported for the one that it names.
        named = np.unique(row[again], return_index=True)[1]
        self.faults.count(max(len(named) - SHOWN, 0))
        self.skipped.n += len(named)
        either = "" if self.directed else ", in either order"
        once = f"a follow must appear once{either}"
        if self.skip:
            for n in named:
                self.skipped.reason(self.where[int(row[again[n]]) - 1], None, once)
        numbers = [(int(row[again[n]]), int(row[earlier[n]]), int(again[n])) for n in named[:SHOWN]]
        word = "line" if self.table.is_text else "row"
        fans, influencers = list(self.fans), list(self.influencers)
        for number, before, at in numbers:
            rule = f"{once}, is in {word} {self.where[before - 1]} already"
            value = f"{shown(fans[fan[at]])}, {shown(influencers[influencer[at]])}"
            self.faults.add(rule, *self._where(self.where[number - 1], None), value, order=number)
        kept = np.sort(order[is_first])
        return fan[kept], influencer[kept]

    def check(self, influencer: NDArray[np.int64]) -> None:
        """Raise all faults, unless bad rows are skipped and may be; ``influencer`` has that of each good follow."""
        file, n_bad = self.table.file, self.skipped.n
        if self.faults.n and not self.skip:
            raise InputError(self.faults.listed())
        if not self.fan:
            rule = f"has no good row, {n_bad} bad ones" if n_bad else "has no rows"
            raise InputError([Fault(file, rule, None if n_bad else 1)])
        if n_bad:
            self._check_skipped(influencer)

    def _check_skipped(self, influencer: NDArray[np.int64]) -> None:
        """Refuse to skip rows where most fail by the same rule, or the head would lose its follows."""
        import numpy as np

        found = self.skipped.patterns(self.table.file, self._where, self.n_rows, advice)
        if not found:
            follows = np.bincount(influencer, minlength=len(self.influencers))
            head = self.lost.head(list(self.influencers), follows)
            if head is not None:
                is_unknown = self.is_fixed and head.name not in self.influencers
                rule = f"{head.rule}; {advice(IN_ROSTER if is_unknown and head.name else None)}; the first here"
                found = [Fault(self.table.file, rule, *self._where(head.place, None))]
        if found:
            raise InputError(found + self.faults.listed())

    def graph(self) -> FollowGraph:
        """The graph of all rows that were added; ``InputError`` for their faults."""
        self.check_directions()
        fan, influencer = self.distinct()
        self.check(influencer)
        table = self.table
        return FollowGraph(
            tuple(self.fans),
            tuple(self.influencers),
            fan,  # type: ignore[arg-type]
            influencer,  # type: ignore[arg-type]
            columns=(self.names[0], self.names[1]),
            n_skipped=self.skipped.n,
            skipped=self.skipped.reasons(),
            place="line" if table.is_text else "row",
            notes=(*self.notes, *table.notes()),
            sha256=table.sha256(),
        )


def read_edges(
    path: str | os.PathLike[str],
    *,
    influencers: Sequence[str] | None = None,
    directed: bool = True,
    dirty_rows: Literal["refuse", "skip"] = "refuse",
    encoding: EncodingName | None = None,
    columns: tuple[str, str] | None = None,
) -> FollowGraph:
    """Read an edge list and check every row.

    Parameters
    ----------
    path
        Text (as ``open_table`` reads it) or Parquet, with a header and the columns ``fan`` and ``influencer``, a pair
        of other names that ``sim.scenario.read.edge_columns`` knows, or just two columns of unknown names in that
        order. In text an apostrophe before a name that a spreadsheet would take for a formula, ``'=name``, is no
        part of it: ``FollowGraph.write_edges`` puts it there.
    influencers
        Names of all influencers, as a roster has them; left out: those of the list, in order of first appearance.
    directed
        The first follows the second; else each row is a mutual follow, so that every account is fan and influencer.
    dirty_rows
        ``"refuse"`` the file for a bad row, or ``"skip"`` and count such rows, unless more than half of all rows break
        the same rule, or an account of the head (the largest 1 %, at least one) would lose more than a tenth of its
        follows.
    encoding
        Of a text without a byte order mark; left out: UTF-8.
    columns
        Names of the columns of who follows and of who is followed; left out: by the rules above.

    Returns
    -------
    FollowGraph
        Its fans are the distinct ids of those who follow, in order of first appearance.

    Raises
    ------
    InputError
        All faults, each with its line: the first 20, then how many more. A bad row has another number of fields than
        the header, an empty or unprintable id, an influencer that the roster lacks, an account of a mutual list that is
        joined with itself, a weight that isn't above 0, or a follow that an earlier row has, or it repeats the header.
        A file that is wrong as a whole, as one without a header or of another direction, is refused in either case.

    Notes
    -----
    O(rows log rows). No random numbers.
    """
    with open_table(path, None, encoding) as table:
        reader = _Reader(table, influencers, directed, dirty_rows == "skip", columns)
        for row in table.rows():
            reader.add(row)
            if reader.is_enough():
                break
    return reader.graph()
