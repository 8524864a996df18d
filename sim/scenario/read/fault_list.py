"""The faults that a reader finds in a file: the first are shown, all are counted; knows nothing of what is read."""

from __future__ import annotations

from bisect import insort

from sim.errors import Fault

__all__ = ["FaultList"]

SHOWN = 20
ENOUGH = 1000
"""Reading stops after this many faults: a wrong file needn't be read to its end."""


class FaultList:
    """Faults of one file.

    Parameters
    ----------
    file
        Its name in messages.
    stops
        Whether reading stops after ``ENOUGH``, so that there may be more than were counted.

    Attributes
    ----------
    n
        How many there are.
    """

    def __init__(self, file: str, *, stops: bool = False) -> None:
        self.n = 0
        self._file, self._stops = file, stops
        self._first: list[tuple[int, Fault]] = []

    @property
    def shows_more(self) -> bool:
        """Whether a further fault of no earlier place is shown, which is worth a suggestion."""
        return len(self._first) < SHOWN

    def is_enough(self, further: int = 0) -> bool:
        """Whether reading should stop, ``further`` faults being known that will be added."""
        return self._stops and self.n + further >= ENOUGH

    def add(
        self, rule: str, line: int | None = None, path: str | None = None, value: str | None = None, *, order: int = 0
    ) -> None:
        """Note a fault, as ``Fault`` has it; of those of equal ``order``, its place in the file, the first is first."""
        self.n += 1
        if self.shows_more or order < self._first[-1][0]:
            insort(self._first, (order, Fault(self._file, rule, line, path, value)), key=lambda each: each[0])
            del self._first[SHOWN:]

    def count(self, n: int) -> None:
        """Count faults that come after all that are shown."""
        self.n += n

    def listed(self) -> list[Fault]:
        """The first faults, and one that says how many more there are, if there are."""
        rest = self.n - len(self._first)
        least = "at least " if self.is_enough() else ""
        more = [Fault(self._file, f"and {least}{rest} more")] if rest else []
        return [fault for _, fault in self._first] + more
