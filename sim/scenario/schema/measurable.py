"""What can be measured: measures as declared objects, and which level, population and quantity go with each.

It knows nothing of runs: the functions of built-in measures are in ``sim.measures``, registered there. Claims are
checked against what is declared before a run, and a run measures all of it. A population is a set of accounts
(``all`` that have ever entered, ``active`` ones that are here, day 0's ``partners`` and ``shops``) or a group: one part
of those that a level is split into, or accounts with one value in a column of the roster (``gender=female``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeVar

from sim.formatting import one_of, shown, suggestion
from sim.registry import built_in, register, registered
from sim.scenario.schema.surface_kinds import KINDS

__all__ = [
    "ACCOUNT_GROUPS",
    "AGENCY_GROUPS",
    "COLUMN_GROUP",
    "FLOWS",
    "GROUPS",
    "HELD",
    "MAIN",
    "MIDDLE_AGENCY",
    "SMALL_AGENCY",
    "STOCKS",
    "SURFACE_GROUPS",
    "Measurable",
    "Measure",
    "MoreConcentrated",
    "Scope",
    "Watched",
    "built_in_measures",
    "column_groups",
    "declared",
    "known_groups",
    "known_windows",
    "own_measure",
    "own_measures",
    "require",
]

STOCKS = ("followers", "cuts", "accounts", "tiers")
"""Measured at a time: followers, accounts cut so far, accounts by their standing, moves between tiers so far. All other
quantities are flows, measured over a window.
"""
FLOWS = (
    "exposure",
    "exposure_feed",
    "exposure_discovery",
    "reads",
    "orders",
    "gmv",
    "new_follows",
    "unfollows",
    "tips",
    "income",
)
"""What each account has; income is its own part, before its costs."""
ACCOUNT_GROUPS = ("head", "middle", "small", "newcomers")
AGENCY_GROUPS = ("small_agencies", "middle_agencies", "large_agencies")
SURFACE_GROUPS = tuple(KINDS)
GROUPS = {"influencer": ACCOUNT_GROUPS, "agency": AGENCY_GROUPS, "platform": SURFACE_GROUPS}
"""Parts of a level. Accounts by followers at day 0: the largest 1 %, the next 19 %, all others of day 0; and those that
came later. Agencies by accounts at day 0: up to ``SMALL_AGENCY``, up to ``MIDDLE_AGENCY``, more. Kinds of surfaces.
"""
COLUMN_GROUP = "COLUMN=VALUE"
"""In a scope, means every group that a claim names by a column of the roster and a value in it."""
SMALL_AGENCY = 5
MIDDLE_AGENCY = 20
"""Accounts that a small and a middle agency have at most: the tiers' own bounds."""
MAIN = ("exposure", "reads", "orders", "gmv", "new_follows", "tips", "income")
"""Flows that are measured of every population; the others are parts of them, and asked of all accounts only."""
HELD = (*MAIN, "unfollows")
"""Flows that groups are asked about."""
SUMMED = ("amount", "accounts", "agencies")
"""Units of what is 0, not undefined, where there is nothing."""
RELATIVE_MARGIN = 0.02
LEAST_COUNT = 0.5

Function = TypeVar("Function", bound=Callable[[Any], float])
MoreConcentrated = Literal["higher", "lower"]


class Scope(NamedTuple):
    """Populations and quantities of a level; every combination of its parts exists."""

    level: str
    populations: tuple[str, ...]
    quantities: tuple[str, ...]


class Watched(NamedTuple):
    """A measure at the end whose values a baseline keeps; a flow's over the last 90 days."""

    quantity: str
    measure: str
    level: str = "influencer"
    population: str = "all"

    @property
    def key(self) -> str:
        """Its name in a baseline.

        >>> Watched("gmv", "head_share_10", population="shops").key, Watched("take", "total", "platform").key
        ('gmv head_share_10 shops', 'take total')
        """
        more = [self.population] if self.population != "all" else []
        more += [self.level] if self.level in ("agency", "vertical") else []
        return " ".join([self.quantity, self.measure, *more])


@dataclass(frozen=True, eq=False)
class Measure:
    """A measure: what it is called, what it is measured of, and the function that gives its value."""

    name: str
    scopes: tuple[Scope, ...]
    """What it is measured of."""
    function: Callable[[Any], float]
    """Its value from a view of ``sim.measures.views``, nan where undefined."""
    unit: str = ""
    """``share``, ``accounts``, ``days``, ...; empty: a plain number."""
    range: str = ""
    """Its least and largest value, in words."""
    margin: float | None = None
    """Smallest change that matters, in its unit; None: 2 % of its size."""
    more_concentrated: MoreConcentrated | None = None
    """Where it lies the more concentrated the quantity is; None: it says nothing of concentration."""
    formula: str = ""
    source: str = ""
    """The pure function that computes it (``sim.analysis...``), or a publication."""
    doc: str = ""
    """What it is, in one line."""
    is_claimable: bool = True
    """Whether a claim may name it."""
    watched: tuple[Watched, ...] = ()
    """What of it a baseline keeps the values of."""

    def to_table(self) -> dict[str, Any]:
        """What a manifest says of one of the user's own, so that a run is read without its plugin."""
        (scope,) = self.scopes
        return {"name": self.name, "unit": self.unit, "doc": self.doc, **scope._asdict()}

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> Measure:
        """A measure of the user's own as ``to_table`` has it; it has no function, its values are in the run."""
        scope = Scope(table["level"], tuple(table["populations"]), tuple(table["quantities"]))

        def function(_: Any) -> float:
            raise LookupError(f"{table['name']} is read from a run: computing it needs its plugin")

        return cls(table["name"], (scope,), function, table["unit"], doc=table["doc"])

    @property
    def of_nothing(self) -> float:
        """Its value where there is nothing: 0 of a total or count, nan of a share."""
        return 0.0 if self.unit in SUMMED else float("nan")

    def margin_at(self, size: float) -> float:
        """Change up to which it counts as the same, at a size of its own: half a unit of a count at least.

        >>> count = Measure("n", (), len, unit="accounts")
        >>> count.margin_at(10.0), count.margin_at(-500.0), Measure("gini", (), len, margin=0.01).margin_at(0.9)
        (0.5, 10.0, 0.01)
        """
        if self.margin is not None:
            return self.margin
        return max(RELATIVE_MARGIN * abs(size), LEAST_COUNT if self.unit in ("accounts", "agencies") else 0.0)


class Measurable:
    """Measures, and which names go together: what a run measures, and what its claims may name.

    Parameters
    ----------
    measures
        In the order of the tables; those of the user's own last.
    """

    def __init__(self, measures: Sequence[Measure]) -> None:
        self.measures = tuple(measures)
        found: dict[Scope, list[Measure]] = {}
        for measure in self.measures:
            for scope in measure.scopes:
                found.setdefault(scope, []).append(measure)
        self.scopes: dict[Scope, tuple[Measure, ...]] = {scope: tuple(own) for scope, own in found.items()}
        """Measures of each scope, scopes in the order in which they are first named."""

    @classmethod
    def here(cls) -> Measurable:
        """What can be measured in this process: the built-in measures, then those of the user's own."""
        return cls([*built_in_measures(), *own_measures()])

    def named(self, name: str, level: str, quantity: str) -> Measure | None:
        """The measure of a quantity at a level that has this name.

        >>> Measurable.here().named("gini", "agency", "gmv").name
        'gini'
        """
        found = (m for m in self.measures if m.name == name)
        return next((m for m in found if any(s.level == level and quantity in s.quantities for s in m.scopes)), None)

    def names(self) -> list[str]:
        """Names of all measures that a claim may name, once each."""
        return list(dict.fromkeys(m.name for m in self.measures if m.is_claimable))

    def levels(self) -> list[str]:
        """The levels."""
        return list(dict.fromkeys(scope.level for scope in self.scopes))

    def populations(self, level: str) -> list[str]:
        """Populations of a level, groups among them but for those of a roster's columns.

        >>> Measurable.here().populations("vertical"), Measurable.here().populations("agency")[1]
        (['all'], 'small_agencies')
        """
        named = (p for scope in self.scopes if scope.level == level for p in scope.populations)
        return [name for name in dict.fromkeys(named) if name != COLUMN_GROUP]

    def quantities(self, level: str, population: str) -> list[str]:
        """Quantities of a population at a level.

        >>> Measurable.here().quantities("fan", "all")
        ['utility']
        """
        return list(dict.fromkeys(q for scope in self._scopes(level, population) for q in scope.quantities))

    def measures_of(self, level: str, population: str, quantity: str) -> list[str]:
        """Names of measures of a quantity of a population at a level.

        >>> Measurable.here().measures_of("platform", "all", "gmv")
        ['n_explosive']
        """
        scopes = (scope for scope in self._scopes(level, population) if quantity in scope.quantities)
        return list(dict.fromkeys(measure.name for scope in scopes for measure in self.scopes[scope]))

    def _scopes(self, level: str, population: str) -> Iterator[Scope]:
        """Scopes of a population; a name that isn't known is a column of the roster, or a group by one."""
        name = population if any(population in scope.populations for scope in self.scopes) else COLUMN_GROUP
        return (scope for scope in self.scopes if scope.level == level and name in scope.populations)


def built_in_measures() -> list[Measure]:
    """The built-in measures, in the order of the tables."""
    return list(built_in("measure").values())


def own_measures() -> list[Measure]:
    """Measures of the user's own by name, whatever the order of their plugins."""
    return [plugin.item for _, plugin in sorted(registered("measure").items())]


def declared(
    *scopes: Scope, name: str | None = None, watched: Sequence[Watched] = (), **about: Any
) -> Callable[[Function], Function]:
    """Declare a built-in measure, for its function; other keywords are those of ``Measure``.

    Its name is the function's unless one is given; its one line is the function's docstring.
    """

    def declare(function: Function) -> Function:
        own = name or function.__name__
        doc = " ".join((function.__doc__ or "").split()).removesuffix(".")
        measure = Measure(own, scopes, function, doc=doc, watched=tuple(watched), **about)
        register("measure", f"{own} {scopes[0].level} {scopes[0].quantities[0]}", function, measure)
        return function

    return declare


def own_measure(function: Callable[[Any], float], about: tuple[str, Sequence[str], Sequence[str]], **more: Any) -> None:
    """Register a measure of the user's own, once what it declares is looked at.

    Parameters
    ----------
    function
        Its function, whose name and docstring it has.
    about
        Its level, populations and quantities.
    **more
        As the fields of ``Measure``.

    Raises
    ------
    ValueError
        Its name is taken by a built-in measure, or its level, quantities or populations aren't there to be measured.
    """
    known = Measurable(built_in_measures())
    name = str(getattr(function, "__name__", ""))
    level, populations, quantities = about[0], tuple(about[1]), tuple(about[2])
    if not name.isascii() or not name.isidentifier():
        raise ValueError(f"a measure is a function with a name of letters, digits and _, got {shown(name)}")
    require("level", level, known.levels())
    # Kinds of surfaces have no accounts of their own.
    choices = ["all"] if level == "platform" else known.populations(level)
    for population in populations:
        columns = [COLUMN_GROUP] if level == "influencer" else []
        require("populations", population, [*choices, *columns], f" at level {level}")
    measured = list(dict.fromkeys(q for s in known.scopes if s.level == level for q in s.quantities))
    for quantity in quantities:
        require("quantity", quantity, measured, f" at level {level}")
        if known.named(name, level, quantity) is not None:
            raise ValueError(f"{name} of {quantity} at level {level} is built in: choose another name")
    if not populations or not quantities:
        raise ValueError(f"{name} must have at least one population and one quantity")
    margin = more.get("margin")
    if margin is not None and not 0 <= margin < float("inf"):
        raise ValueError(f"margin must be >= 0 and finite, got {margin}")
    require("more_concentrated", more.get("more_concentrated"), ("higher", "lower", None))
    kept = [population for population in populations if population != COLUMN_GROUP][:1]
    watched = tuple(Watched(quantity, name, level, population) for population in kept for quantity in quantities)
    doc = " ".join((function.__doc__ or "").strip().partition("\n\n")[0].split()).removesuffix(".")
    scopes = (Scope(level, populations, quantities),)
    register("measure", name, function, Measure(name, scopes, function, doc=doc, watched=watched, **more))


def require(key: str, given: str | None, names: Iterable[str | None], where: str = "") -> None:
    """``ValueError`` with the names, and the nearest of them, unless the given one is among them."""
    if given not in (known := list(names)):
        texts = [name for name in known if name is not None]
        raise ValueError(f"{key} must be one of {one_of(texts)}{where}, got {shown(given)}{suggestion(given, texts)}")


def column_groups(names: Iterable[str | None]) -> tuple[str, ...]:
    """Those of the names that are groups by a column of the roster, once each, in order; no other name has a ``=``.

    >>> column_groups(["head", "gender=female", None, "gender=female"])
    ('gender=female',)
    """
    return tuple(dict.fromkeys(name for name in names if name is not None and "=" in name))


def known_groups(level: str) -> list[str]:
    """Groups of a level but for those of a roster's columns.

    >>> known_groups("platform"), known_groups("fan")
    (['feed', 'discovery', 'commerce', 'live'], [])
    """
    return list(GROUPS.get(level, ()))


def known_windows(quantity: str) -> list[str]:
    """Windows that a quantity is measured over at the end: the last 30 days, the last 90, all since day 0.

    >>> known_windows("gmv"), known_windows("utility"), known_windows("followers")
    (['month', 'quarter', 'run'], ['quarter', 'run'], [])
    """
    if quantity in STOCKS:
        return []
    return ["quarter", "run"] if quantity == "utility" else ["month", "quarter", "run"]
