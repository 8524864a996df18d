"""Rosters: the accounts of a CSV or Parquet file, checked; knows nothing of scenarios beyond the verticals' names."""

from __future__ import annotations

import os
from array import array
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from sim.scenario.read.headers import Headers
from sim.scenario.read.names import order_of
from sim.scenario.read.other_columns import OtherColumn
from sim.scenario.read.roster_cells import Cells
from sim.scenario.read.roster_rows import RosterRows
from sim.scenario.read.skipped_rows import Reason
from sim.scenario.read.table_rows import Table, open_table
from sim.scenario.schema.encodings import EncodingName
from sim.scenario.schema.roster_columns import KNOWN

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Roster", "read_roster"]

REQUIRED_COLUMNS = ("influencer", "followers")
"""Columns that a roster must have; ``followers`` may be missing where a follow graph has them."""


@dataclass(frozen=True, eq=False)
class Roster:
    """The accounts of a roster in the order of its rows, or by name; a column that the file lacks is None.

    ``followers`` int64 >= 0 [people], None only where a follow graph takes its place; ``age_days``, ``quality``,
    ``posts_per_day``, ``conversion_prob``, ``order_value_fen``, ``live_hours_per_day`` float64, nan where the cell is
    empty; ``shop`` int8, 1, 0 or -1 where empty; texts None where empty. The arrays are read-only. ``n_skipped`` counts
    dirty rows left out, ``sha256`` is that of the file's bytes.

    ``columns`` has the file's name of each column that has another name there. ``skipped`` are the reasons for which
    rows were left out, ``readings`` the numbers that weren't written plainly, ``notes`` further notes for the user.
    ``is_text``: it was no Parquet file. Names, of agencies too, are in Unicode's normal form NFC. ``file_order`` is
    None in the order of the rows; by name it has, row after row, the index of the row's account, int64.

    ``other_columns`` has all further columns by name: numbers where every cell that isn't empty is one,
    else texts, None where it is empty. ``unkept_columns`` gives the reasons for those that aren't kept.
    """

    influencer: tuple[str, ...]
    followers: NDArray[np.int64] | None
    vertical: tuple[str | None, ...] | None
    agency: tuple[str | None, ...] | None
    age_days: NDArray[np.float64] | None
    quality: NDArray[np.float64] | None
    posts_per_day: NDArray[np.float64] | None
    conversion_prob: NDArray[np.float64] | None
    order_value_fen: NDArray[np.float64] | None
    live_hours_per_day: NDArray[np.float64] | None
    shop: NDArray[np.int8] | None
    other_columns: Mapping[str, OtherColumn]
    unkept_columns: Mapping[str, str]
    n_skipped: int
    sha256: str
    columns: Mapping[str, str] = field(default_factory=dict)
    skipped: tuple[Reason, ...] = ()
    readings: tuple[dict[str, object], ...] = ()
    notes: tuple[str, ...] = ()
    is_text: bool = True
    file_order: NDArray[np.int64] | None = None

    @cached_property
    def hashes(self) -> NDArray[np.uint64]:
        """Hashes of the accounts' names, by which their draws know them, shape (M,)."""
        from sim.streams import name_hashes

        return name_hashes(self.influencer)

    def by_name(self) -> Roster:
        """The same accounts in the order of their names."""
        import numpy as np

        order = np.array(order_of(self.influencer), dtype=np.int64)
        file_order = np.empty_like(order)
        file_order[order] = np.arange(order.size)
        moved: dict[str, Any] = {}
        for name in KNOWN:
            column = getattr(self, name)
            if isinstance(column, tuple):
                moved[name] = tuple(column[i] for i in order.tolist())
            elif column is not None:
                moved[name] = column[order]
                moved[name].setflags(write=False)
        others = {name: tuple(column[i] for i in order.tolist()) for name, column in self.other_columns.items()}
        return replace(self, **moved, other_columns=MappingProxyType(others), file_order=file_order)

    def __eq__(self, other: object) -> bool:
        """Equal when read from equal files with the same outcome."""
        if not isinstance(other, Roster):
            return NotImplemented
        mine = (self.sha256, self.n_skipped, self.influencer, self.columns)
        return mine == (other.sha256, other.n_skipped, other.influencer, other.columns)

    def __hash__(self) -> int:
        """Hash of the file's digest."""
        return hash(self.sha256)


def read_roster(
    path: str | os.PathLike[str],
    *,
    dirty_rows: Literal["refuse", "skip"],
    verticals: Collection[str],
    has_graph: bool = False,
    encoding: EncodingName | None = None,
    names: Mapping[str, str] | None = None,
    suggested_names: bool = False,
) -> Roster:
    """Read a roster and check every row.

    Parameters
    ----------
    path
        Text (as ``open_table`` reads it) or Parquet with at least the columns ``influencer`` and ``followers``.
    dirty_rows
        ``"refuse"`` the file for a bad row, or ``"skip"`` and count such rows.
    verticals
        Names allowed in the column ``vertical``.
    has_graph
        A follow graph gives the numbers of followers, so that the column may be missing.
    encoding
        Of a text without a byte order mark; left out: UTF-8.
    names
        The file's names of columns of ours that it names otherwise.
    suggested_names
        Take a column of a common name for ours where none has our name.

    Raises
    ------
    InputError
        All faults, each with its line: the first 20, then how many more. A file that is wrong as a whole (no text,
        a column missing, no rows, a row that sums up the others) is refused in either case, and so are bad rows
        that can't be skipped since the head could be among them.

    Notes
    -----
    O(rows). No random numbers.
    """
    with open_table(path, None, encoding) as table:
        headers = Headers(table.columns, KNOWN, names or {}, suggested_names)
        headers.check(table.file, table.header_line, REQUIRED_COLUMNS[:1] if has_graph else REQUIRED_COLUMNS)
        cells = Cells(table.separator, verticals)
        rows = RosterRows(table, headers, cells, dirty_rows == "skip")
        rows.read()
    return _roster(rows, headers, cells, table)


def _roster(rows: RosterRows, headers: Headers, cells: Cells, table: Table) -> Roster:
    """The roster of the good rows, with what was noted of the others."""
    import numpy as np

    columns: dict[str, object] = dict.fromkeys(field.name for field in fields(Roster))
    for name, column in rows.columns.items():
        if isinstance(column, array):
            values = np.array(column)
            values.setflags(write=False)
            columns[name] = values
        else:
            columns[name] = tuple(column)
    columns["other_columns"] = MappingProxyType(rows.others.kept())
    columns["unkept_columns"] = MappingProxyType(rows.others.refused)
    columns["n_skipped"], columns["skipped"] = rows.skipped.n, rows.skipped.reasons()
    columns["readings"] = tuple(cells.readings.listed() + rows.others.readings.listed())
    columns["columns"] = headers.mapping
    columns["notes"] = tuple(headers.notes() + table.notes())
    columns["is_text"], columns["sha256"] = table.is_text, table.sha256()
    return Roster(**columns)  # type: ignore[arg-type]
