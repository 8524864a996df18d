"""Groups of accounts by a column of the roster: what a claim means by one, and who is in it; knows no measures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import TYPE_CHECKING, Any

from sim.formatting import Path, one_of, shown, suggestion
from sim.scenario.findings import Finding
from sim.scenario.read.toml_lines import Lines
from sim.scenario.schema.claim import MAX_CLAIMS, Claim
from sim.scenario.schema.measurable import GROUPS, known_groups
from sim.scenario.validate.rules import MAX_NAME, is_name

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from sim.scenario.read.roster import Roster

__all__ = ["MAX_VALUES", "claim_path", "members", "stated_claims"]

MAX_VALUES = 20
"""Values of a column that a claim is stated for one by one; a larger family of tests decides little."""

_NAMED = frozenset(chain(*GROUPS.values()))


class _BadGroupError(Exception):
    """A group that the roster can't give; its text is the rule."""


class _Groups:
    """Groups that a roster's columns give, ``COLUMN=VALUE``; the first ``=`` divides the two."""

    def __init__(self, roster: Roster) -> None:
        self._columns: Mapping[str, tuple[float | str | None, ...]] = roster.other_columns
        self._unkept = roster.unkept_columns
        self._by_text: dict[str, dict[str, float | str]] = {}

    def values(self, column: str) -> dict[str, float | str]:
        """Values in a column by their text, in order; empty cells have none."""
        if column not in self._by_text:
            found = {value for value in self._columns[column] if value is not None and value == value}
            self._by_text[column] = {_text(value): value for value in sorted(found)}
        return self._by_text[column]

    def column(self, name: str) -> str:
        """The name, if it is that of a column that can be a group."""
        if name in self._unkept:
            raise _BadGroupError(f"must be a column that is kept, but {self._unkept[name]}")
        if name not in self._columns:
            groups, columns = known_groups("influencer"), [column for column in self._columns if "=" not in column]
            near = suggestion(name, [*groups, *columns])
            has = f" ({one_of(columns)})" if columns else ", which has none"
            raise _BadGroupError(f"must be one of {one_of(groups)} or a further column of the roster{has}{near}")
        return name

    def one(self, group: str) -> str:
        """``COLUMN=VALUE`` as it is written for a value that the column has."""
        column, _, given = group.partition("=")
        values = self.values(self.column(column))
        text = given if given in values else next((t for t, v in values.items() if v == _number(given)), None)
        if text is None:
            near = suggestion(group, [f"{column}={each}" for each in values])
            holds = f"column {shown(column)} has {one_of(values)}" if values else f"column {shown(column)} is empty"
            raise _BadGroupError(f"must be a value that an account has; {holds}{near}")
        return f"{column}={text}"

    def all(self, column: str, but: str | None) -> list[str]:
        """Every group of a column except one."""
        values = self.values(self.column(column))
        if len(values) > MAX_VALUES:
            rule = f"must have at most {MAX_VALUES} values to be a group as a whole, but has {len(values)}"
            first = shown(f"{column}={next(iter(values))}")
            raise _BadGroupError(f"{rule}: name one ({first}), or give the roster a column of classes")
        found = [group for text in values if (group := f"{column}={text}") != but]
        if not found:
            what = "another value than the baseline" if values else "a value in it"
            raise _BadGroupError(f"must be a column with {what}")
        return found

    def mask(self, group: str) -> NDArray[np.bool_]:
        """Accounts in a group, shape (rows,)."""
        import numpy as np

        column, _, text = group.partition("=")
        wanted = self.values(column)[text]
        return np.array([value == wanted for value in self._columns[column]], dtype=np.bool_)


def _text(value: float | str) -> str:
    """A value as a group names it: a whole number without a point."""
    if isinstance(value, str):
        return value
    return str(int(value)) if value.is_integer() and abs(value) < 1e16 else repr(value)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def stated_claims(claims: Mapping[str, Claim], roster: Roster) -> tuple[dict[str, Claim], list[Finding]]:
    """Claims with the roster's groups written out, one for each group that a whole column stands for, and faults.

    Parameters
    ----------
    claims
        By name, each valid beside a roster as ``claim_findings`` has it. Not changed.
    roster
        The scenario's.

    Returns
    -------
    tuple
        Claims by name, those of a column as ``NAME (COLUMN=VALUE)`` in the place of the one that states them; and what
        is wrong, paths from the scenario's top.
    """
    groups = _Groups(roster)
    found: dict[str, Claim] = {}
    wrong: list[Finding] = []
    for name, claim in claims.items():
        for finding, own_name, own in _stated(name, claim, groups):
            if finding is not None:
                wrong.append(finding)
            elif own_name in found or (own_name != name and own_name in claims):
                rule = f"makes a claim {shown(own_name)}, which there is already"
                wrong.append(Finding(("claims", name, "group"), rule, claim.group))
            else:
                found[own_name] = own
    if len(found) > MAX_CLAIMS and not wrong:
        rule = f"must have at most {MAX_CLAIMS} entries, those for each value of a column among them"
        wrong.append(Finding(("claims",), rule, len(found)))
    return found, wrong


def _is_own(group: str | None, level: str) -> bool:
    """Whether a group is to be found in the roster; what is no group at all is validated with the claim."""
    return group is not None and group not in _NAMED and level == "influencer" and all(group.split("=", 1))


def _stated(name: str, claim: Claim, groups: _Groups) -> Iterator[tuple[Finding | None, str, Claim]]:
    """Claims that a claim stands for by name, or what is wrong with it."""
    update: dict[str, Any] = {}
    try:
        key = "baseline_group"
        baseline, group = claim.baseline_group, claim.group
        if baseline is not None and _is_own(baseline, claim.level):
            if "=" not in baseline:
                first = next(iter(groups.values(groups.column(baseline))), "VALUE")
                raise _BadGroupError(f"must name a value of the column, such as {shown(f'{baseline}={first}')}")
            update[key] = baseline = groups.one(baseline)
        key = "group"
        if group is None or not _is_own(group, claim.level):
            yield None, name, claim.model_copy(update=update)
            return
        if "=" in group:
            own = groups.one(group)
            if own == baseline:
                raise _BadGroupError("must differ from the claim's baseline_group")
            yield None, name, claim.model_copy(update={**update, "group": own})
            return
        for own in groups.all(group, baseline):
            own_name = f"{name} ({own})"
            if not is_name(own_name):
                rule = f"makes a claim {shown(own_name)}, but a name must be 1 to {MAX_NAME} printable characters"
                raise _BadGroupError(rule)
            yield None, own_name, claim.model_copy(update={**update, "group": own})
    except _BadGroupError as error:
        yield Finding(("claims", name, key), str(error), getattr(claim, key)), name, claim


def claim_path(name: str, lines: Lines) -> Path:
    """Path in a scenario's file of a claim that ``stated_claims`` gives; one for a column's value is stated there."""
    parts = name.split(" (")
    heads = (" (".join(parts[:n]) for n in range(len(parts), 0, -1))
    return next((path for head in heads if lines.knows(path := ("claims", head))), ("claims", name))


def members(groups: Iterable[str], roster: Roster) -> dict[str, NDArray[np.bool_]]:
    """Which of a roster's accounts are in each group of its columns.

    Parameters
    ----------
    groups
        As ``stated_claims`` writes them.
    roster
        The roster that it wrote them for.

    Returns
    -------
    dict
        By group, in the order given, each of shape (rows,).
    """
    of = _Groups(roster)
    return {group: of.mask(group) for group in groups}
