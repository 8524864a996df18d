"""``sim.measure``: registers a measure of the user's own. It imports no measure before one is declared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeVar

__all__ = ["measure"]

MeasureFunction = TypeVar("MeasureFunction", bound=Callable[[Any], float])


def measure(
    *,
    level: Literal["influencer", "agency", "vertical", "platform", "fan"] = "influencer",
    quantity: str | Sequence[str] = "followers",
    populations: str | Sequence[str] = "all",
    unit: str = "",
    margin: float | None = None,
    more_concentrated: Literal["higher", "lower"] | None = None,
    formula: str = "",
    source: str = "",
) -> Callable[[MeasureFunction], MeasureFunction]:
    """Register a measure of your own under its function's name: a decorator with keywords.

    The function is given one of the views of ``sim.measures.views`` with read-only arrays (``Holding`` at the levels
    influencer, agency and vertical, ``Platform``, ``FanReads``) and gives a finite number, or nan where it is
    undefined. The first line of its docstring says what it is.

    Parameters
    ----------
    level
        What it is measured of.
    quantity
        Of which quantities of that level, one or several: ``followers``, ``exposure``, ...
    populations
        Of which populations of that level, one or several; at level influencer ``COLUMN=VALUE`` means the groups by a
        column of the roster that claims name.
    unit
        ``share``, ``accounts``, ...; left out: a plain number.
    margin
        Smallest change that matters, which claims and checks use where they state none; left out: 2 % of its size in a
        check, .005 in a claim.
    more_concentrated
        Whether it is higher or lower where the quantity is more concentrated; left out: it says nothing of that.
    formula, source
        For readers: the formula in a line, a publication.

    Raises
    ------
    ValueError
        The name is taken by a built-in measure, or there is no such level, quantity or population.
    """
    from sim.scenario.schema.measurable import own_measure

    def one_or_more(names: str | Sequence[str]) -> tuple[str, ...]:
        return (names,) if isinstance(names, str) else tuple(names)

    def register(function: MeasureFunction) -> MeasureFunction:
        about = (level, one_or_more(populations), one_or_more(quantity))
        own_measure(
            function,
            about,
            unit=unit,
            margin=margin,
            more_concentrated=more_concentrated,
            formula=formula,
            source=source,
        )
        return function

    return register
