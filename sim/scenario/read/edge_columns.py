"""Which columns of an edge list say who follows and who is followed, by their names; knows nothing of rows."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sim.errors import Fault, InputError
from sim.formatting import escaped, one_of, suggestion

__all__ = [
    "COLUMN_NAMES",
    "EdgeColumns",
    "edge_columns",
    "is_weight",
    "looks_like_id",
    "no_header",
    "unused_note",
    "weight_rule",
]

COLUMN_NAMES = ("fan", "influencer")
KNOWN_PAIRS = (
    (("fan", "fanid", "follower", "followerid"), ("influencer", "influencerid", "followee", "followeeid")),
    (("follower", "followerid"), ("followed", "followedid", "following", "followingid")),
    (("fanid",), ("followerid",)),
    (("source", "sourceid"), ("target", "targetid")),
    (("from", "fromid", "fromnodeid"), ("to", "toid", "tonodeid")),
    (("src",), ("dst",)),
)
"""Who follows and who is followed, in capitals or not, with any mark between the words. The third pair is that of
WeiboSpider, whose fan_id follows its follower_id."""
TYPE = "type"
"""What Gephi calls the column that states whether an edge is directed."""
WEIGHTS = ("weight", "weights")
ADVICE = (
    "name them `fan` (who follows) and `influencer` (who is followed), "
    "or say which they are in influencers.follow_graph_columns"
)

PASSIVE = ("by", "followedby", "likedby")
"""Words of a name that reverses who follows whom, as in user, followed_by."""
FOLLOWERS = ("fans", "followers", "粉丝")
"""What follows the other of two columns, as in user, followers."""

_WORDS = re.compile(r"[^\W\d_]+")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
_NUMBER = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]+)*(?:e[+-]?[0-9]+)?%?", re.IGNORECASE)
_ID = re.compile(r"@.+|https?://.+|[^@\s]+@[^@\s]+\.[^@\s]+|(?=.*[0-9])[0-9a-f-]{16,}|\D*[0-9]{3,}\D*", re.IGNORECASE)
_DIGITS = re.compile("[0-9]+")


class EdgeColumns(NamedTuple):
    """Places of who follows, who is followed, the column that Gephi calls Type, and weights; whether names decided."""

    fan: int
    influencer: int
    type: int | None
    by_name: bool
    weights: tuple[int, ...] = ()


def as_float(value: Any) -> float | None:
    """The value as Python reads it as a number, None where it can't."""
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return None


def weight_rule(weight: float | None) -> str | None:
    """What is wrong with a weight, None where it is no number: a follow of no weight is likely none.

    >>> weight_rule(0.5), weight_rule(0.0)
    (None, 'must be a number > 0: without a weight there is likely no follow; delete the row, or the column')
    """
    if weight is not None and 0.0 < weight < math.inf:
        return None
    return "must be a number > 0: without a weight there is likely no follow; delete the row, or the column"


def _key(name: str) -> str:
    return "".join(c for c in name.casefold() if c.isalnum())


def is_weight(name: str) -> bool:
    """Whether the name is that of a column, or of an attribute, of weights."""
    return _key(name) in WEIGHTS


def looks_like_id(name: str, below: str = "") -> bool:
    """Whether the name of a column looks like the id of an account, or like those below it.

    >>> looks_like_id("6194"), looks_like_id("user_0123"), looks_like_id("id_1", "17"), looks_like_id("f1", "f2")
    (True, True, False, True)
    """
    if _NUMBER.fullmatch(name) or _ID.fullmatch(name):
        return True
    return _DIGITS.search(name) is not None and _DIGITS.sub("0", name) == _DIGITS.sub("0", below)


def _pairs(keys: Sequence[str]) -> list[tuple[int, int]]:
    """All places of a known pair; two columns that a pair could mean by one word count each."""
    found = []
    for fans, influencers in KNOWN_PAIRS:
        first = [i for i, key in enumerate(keys) if key in fans]
        second = [i for i, key in enumerate(keys) if key in influencers]
        found += [(f, i) for f in first for i in second]
    return found


def edge_columns(columns: Sequence[str], file: str, line: int = 1, given: tuple[str, str] | None = None) -> EdgeColumns:
    """The columns of the follows.

    Those that the scenario names (``given``: who follows, who is followed) come first.
    Those named ``fan`` and ``influencer`` are next, then a pair that other products use, read by name in either
    order. Two columns of which neither has such a name are who follows and who is followed, in that order, unless one
    says otherwise (``followed_by``, ``followers``). ``line`` is the header's.

    Raises
    ------
    InputError
        No such pair, several, a half of one, names that leave the direction open, or no header; with advice.
    """
    found = _follow_columns(columns, file, line) if given is None else _given_columns(columns, file, line, given)
    weights = [i for i in range(len(columns)) if is_weight(columns[i]) and i not in (found.fan, found.influencer)]
    _check_once(columns, [columns[i] for i in weights], file, line)
    return found._replace(weights=tuple(weights))


def _follow_columns(columns: Sequence[str], file: str, line: int) -> EdgeColumns:
    _check_once(columns, COLUMN_NAMES, file, line)
    keys = [_key(name) for name in columns]
    kind = keys.index(TYPE) if keys.count(TYPE) == 1 else None
    if set(COLUMN_NAMES) <= set(columns):
        return EdgeColumns(columns.index(COLUMN_NAMES[0]), columns.index(COLUMN_NAMES[1]), kind, True)
    pairs = _pairs(keys)
    if len(pairs) == 1:
        fan, influencer = pairs[0]
        of_gephi = keys[fan] == "source" and kind is not None
        return EdgeColumns(fan, influencer, kind if of_gephi else None, True)
    if pairs:
        several = ", ".join(f'"{escaped(columns[f])}" and "{escaped(columns[i])}"' for f, i in pairs[:3])
        rule = f"several pairs of columns could say who follows whom, {several}; {ADVICE}"
        raise InputError([Fault(file, rule, line)])
    _check_header(columns, file, line)
    _check_once(columns, columns, file, line)
    known = {name for pair in KNOWN_PAIRS for names in pair for name in names}
    named = [i for i, key in enumerate(keys) if key in known]
    if len(columns) == 2 and not named and not {TYPE, *WEIGHTS} & set(keys):
        _check_unknown(columns, file, line)
        return EdgeColumns(0, 1, None, False)
    if named:
        only = ", ".join(f'"{escaped(columns[i])}"' for i in named[:3])
        rule = f"{only} is one of two columns that say who follows whom, and the other isn't there; {ADVICE}"
        near = "".join(suggestion(name, columns) for name in COLUMN_NAMES if name not in columns)
        raise InputError([Fault(file, f"{rule}{near}; the file has {one_of(columns)}", line)])
    rule = f"must have two columns that say who follows whom; {ADVICE}; the file has {one_of(columns)}"
    raise InputError([Fault(file, rule, line)])


def _check_unknown(columns: Sequence[str], file: str, line: int) -> None:
    """Refuse two names of which one says that the first column need not be who follows."""
    for name in columns:
        words = [word.casefold() for word in _WORDS.findall(_HUMP.sub(" ", name))]
        if set(words) & {*PASSIVE, *FOLLOWERS}:
            rule = f'"{escaped(name)}" leaves open who follows whom; {ADVICE}; the file has {one_of(columns)}'
            raise InputError([Fault(file, rule, line)])


def _given_columns(columns: Sequence[str], file: str, line: int, given: tuple[str, str]) -> EdgeColumns:
    names = [name.strip() for name in given]
    missing = [name for name in names if name not in columns]
    if missing:
        rule = "column is required, as influencers.follow_graph_columns says"
        rules = {name: f"{rule}{suggestion(name, columns) or f'; the file has {one_of(columns)}'}" for name in missing}
        raise InputError([Fault(file, each, line, escaped(name)) for name, each in rules.items()])
    if names[0] == names[1]:
        raise InputError([Fault(file, "who follows and who is followed must be two columns", line, escaped(names[0]))])
    _check_once(columns, names, file, line)
    return EdgeColumns(columns.index(names[0]), columns.index(names[1]), None, True)


def _check_once(columns: Sequence[str], names: Sequence[str], file: str, line: int) -> None:
    twice = [name for name in dict.fromkeys(names) if columns.count(name) > 1]
    if twice:
        raise InputError([Fault(file, "column must appear once", line, escaped(name)) for name in twice])


def _check_header(columns: Sequence[str], file: str, line: int) -> None:
    """Refuse a first line that is no header."""
    if columns and columns[0].startswith("<"):
        raise InputError(
            [Fault(file, "must be an edge list; the name of a graph file ends in .graphml or .gexf", line)]
        )
    if len(columns) == 1 and len(columns[0].split()) > 1:
        rule = "columns must be separated by commas, semicolons or tabs; the first line has one column"
        raise InputError([Fault(file, rule, line, None, one_of(columns))])
    if any(map(looks_like_id, columns)):
        raise InputError([no_header(file, line, columns, "looks like a follow")])


def no_header(file: str, line: int, columns: Sequence[str], why: str) -> Fault:
    """The rule for a first line that isn't the names of the columns."""
    names = "fan,influencer" + ",…" * (len(columns) > 2)
    rule = f"must begin with the names of the columns, but the first line {why}; add a line `{names}` above it"
    return Fault(file, rule, line, None, one_of(columns))


def unused_note(names: Iterable[str], of: str = "columns") -> tuple[str, ...]:
    """A note on columns that the model doesn't use; nothing where there are none.

    >>> unused_note(["Id", "Weight"])
    ("columns that the model doesn't use: Id, Weight (a follow has no weight)",)
    """
    listed = [f"{escaped(name)} (a follow has no weight)" if is_weight(name) else escaped(name) for name in names]
    return (f"{of} that the model doesn't use: {', '.join(listed)}",) if listed else ()
