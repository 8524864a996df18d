"""Directions of a list's edges by Gephi's column Type: all directed, all undirected, or not given; knows no rows."""

from __future__ import annotations

from collections.abc import Callable

from sim.errors import Fault, InputError
from sim.formatting import shown

__all__ = ["EdgeDirections"]

DIRECTIONS = {"directed": True, "undirected": False}
"""Values of the column."""
OTHER = "other"


class EdgeDirections:
    """Takes the cell of each row, and keeps the first of each kind with its place."""

    def __init__(self, file: str, column: str, directed: bool) -> None:
        self.file, self.column, self.directed = file, column, directed
        self._first: dict[str, tuple[int, str]] = {}

    def add(self, cell: str, place: int) -> None:
        """Note the value of a row."""
        kind = cell.casefold()
        self._first.setdefault(kind if not kind or kind in DIRECTIONS else OTHER, (place, cell))

    def note(self, where: Callable[[int, str], tuple[int | None, str | None]]) -> str:
        """Notes for the user.

        Raises
        ------
        InputError
            Another word, an empty cell among others, both directions, or one that isn't the scenario's.
        """
        if set(self._first) <= {""}:
            return f"{self.column} is empty in all rows: follow_graph_directed says whether edges are directed"
        for kind, (place, cell) in sorted(self._first.items(), key=lambda each: each[1][0]):
            rule = self._rule(kind)
            if rule:
                raise InputError([Fault(self.file, rule, *where(place, self.column), shown(cell))])
        return f"{self.column} is {'Directed' if self.directed else 'Undirected'} in all rows"

    def _rule(self, kind: str) -> str | None:
        if kind == OTHER:
            return "must be Directed or Undirected; rename or delete the column if it says something else"
        if not kind:
            return "must be Directed or Undirected in each row, or empty in all"
        if DIRECTIONS[kind] == self.directed:
            return None
        if set(self._first) >= set(DIRECTIONS):
            return "edges must be all Directed or all Undirected; the file has both"
        if self.directed:
            return "says that both follow each other, but influencers.follow_graph_directed is true"
        return "says who follows whom, but influencers.follow_graph_directed is false"
