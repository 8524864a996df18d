"""Tables of README.md and docs as Markdown, from the record of their numbers. It knows no runs and no files."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import variants

__all__ = ["TEXTS", "Record"]

Record = dict[str, dict[str, Any]]
"""Entries by name, as `FIGURES` makes them."""
MARGIN = 0.005
"""Of a head share."""
ROWS: dict[str, Any] = tomllib.loads(Path(__file__).with_name("table_rows.toml").read_text(encoding="utf-8"))
"""What rows say, by table."""


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of Markdown."""
    lines = ["| " + " | ".join(row) + " |" for row in (head, *rows)]
    return "\n".join([lines[0], "|" + "---|" * len(head), *lines[1:]])


def signed(value: float, scale: float = 100, digits: int = 2) -> str:
    """A change with its sign, in points by default; no change at all is 0."""
    return f"{scale * value:+.{digits}f}" if value else "0"


def sure(change: Sequence[Any], scale: float = 100, digits: int = 2) -> str:
    """A change with its interval."""
    value, low, high = change
    if low is None:
        return signed(value, scale, digits)
    return f"{signed(value, scale, digits)} ({signed(low, scale, digits)}, {signed(high, scale, digits)})"


def first_result(record: Record) -> str:
    """The printed answer of weibo-2017."""
    return "\n".join(["```", *record["first-result"].values(), "```"])


def article(record: Record, language: str) -> str:
    """The verdicts in a README."""
    said = ROWS[language]
    known = {
        name: SimpleNamespace(verdict=said["verdicts"][row[-1]], points=100 * row[1])
        for name, row in record["claims"].items()
    }
    added = {group: 100 * (supported - without) for group, (without, supported) in record["growth"].items()}
    known["added"] = SimpleNamespace(**added)
    return table(said["head"], [[claim, sentence.format_map(known)] for claim, sentence in said["rows"]])


def claims(record: Record) -> str:
    """The claims with intervals, in docs/claims.md."""
    rows = []
    for name, row in ROWS["claims"].items():
        scenario, *change, margin, verdict = record["claims"][name]
        found = (sure(change, row["scale"], row["digits"]), f"{row['scale'] * margin:g}", f"**{verdict}**")
        rows.append((row["says"], scenario, row["measured"], *found))
    head = ("claim", "scenario", "measured as", "change (adjusted 95 % interval)", "margin", "verdict")
    return table(head, rows)


def parts(record: Record) -> str:
    """C0 in its two parts."""
    rows = []
    for pair, found in record["parts"].items():
        if pair == "uniform - none":
            continue
        claim, allocation, volume = found
        _, *change, _, verdict = record["claims"][claim]
        rows.append((*pair.split(" - "), sure(change), verdict, signed(allocation), signed(volume)))
    change_of = "change, points (adjusted 95 % interval)"
    shown = table(("arm", "against", change_of, "verdict", "who is followed", "how many follows"), rows)
    return f"{shown}\n\nUniform - none is {sure(record['parts']['uniform - none'])}, not adjusted."


def growth(record: Record) -> str:
    """Growth of groups with and without support."""
    names = {
        "small_agencies": "agencies of up to 5 accounts",
        "middle_agencies": "agencies of 6 to 20",
        "large_agencies": "agencies of over 20",
        "head": "accounts: the largest 1 %",
        "middle": "accounts: ranks 1 to 20 %",
        "small": "accounts: the smallest 80 %",
    }
    rows = [(names[group], *(f"{100 * each:.1f} %" for each in found)) for group, found in record["growth"].items()]
    return table(("followers of", "without support", "tiered traffic with services"), rows)


def cut(record: Record) -> str:
    """How many accounts are cut, in words."""
    full, small = (f"{100 * record['cut'][name]:.0f} %" for name in ("weibo-2017", "claims/support"))
    return f"Without support, {small} of the accounts under contract at day 0 are cut in the year, {full} at full size."


def signs(record: Record) -> str:
    """Tiered against three controls."""

    def cell(change: Sequence[float]) -> str:
        value, low, high = change
        is_small = max(abs(value), -low, high) < MARGIN
        sign = "0" if is_small else "-" if high < 0 else "+" if low > 0 else "?"
        return f"{sign} {sure(change)}"

    rows = [
        (str(popularity), within, *(cell(record["signs"][f"{popularity} {within} - {c}"]) for c in variants.CONTROLS))
        for popularity in variants.POPULARITIES
        for within in variants.WITHIN
    ]
    return table(("popularity", "within_tier", *(f"tiered - {control}" for control in variants.CONTROLS)), rows)


def ranges(record: Record) -> str:
    """Verdicts under other assumptions, a table for each scenario."""
    tables = []
    for name, assumed in variants.VARIANTS.items():
        columns = [record["ranges"][f"{name}: {label}"] for label, _ in assumed]
        rows = [(claim, *(f"{column[claim][0]} {column[claim][1]:.3g}" for column in columns)) for claim in columns[0]]
        tables.append(table(("claim", *(label for label, _ in assumed)), rows))
    return "\n\n".join(tables)


def ablations(record: Record) -> str:
    """One mechanism less."""
    rows = [
        (arm.removeprefix("without-").replace("-", " "), *map(sure, found.values()))
        for arm, found in record["ablations"].items()
    ]
    return table(("without", "followers", "exposure", "turnover"), rows)


def policies(record: Record) -> str:
    """Policies on one budget, and the slots that they had."""
    arms = record["policies"]
    rows = [(arm, sure(found["change"])) for arm, found in arms.items() if found["change"] is not None]
    ((slots, reserved),) = {tuple(found["slots"][:2]) for found in arms.values()}
    filled = {arm: found["slots"][2] for arm, found in arms.items()}
    apart = {arm: abs(n / filled["none"] - 1) for arm, n in filled.items()}
    empty = apart.pop("empty")
    shown = table(("policy", "change (95 % interval)"), rows)
    return (
        f"{shown}\n\nAll arms were offered the same {slots:,} slots, and the same {reserved:,} reserved ones, to the "
        f"slot.\nImpressions differ from those of `none` by {100 * max(apart.values()):.2f} % at most, and by "
        f"{100 * empty:.1f} % where reserved slots stay empty."
    )


def calibration(record: Record) -> str:
    """The calibration's targets."""
    rows = []
    for name, row in ROWS["targets"].items():
        mean = row["mean"].format(row["scale"] * record["calibration"][name])
        rows.append((row["what"], re.sub(r"\b0\.", ".", mean), row["wanted"], row["source"]))
    return table(("target", "mean", "range", "source"), rows)


TEXTS: dict[str, Callable[[Record], str]] = {
    "ablations": ablations,
    "article": partial(article, language="english"),
    "article-zh": partial(article, language="chinese"),
    "calibration": calibration,
    "claims": claims,
    "cut": cut,
    "first-result": first_result,
    "growth": growth,
    "parts": parts,
    "policies": policies,
    "ranges": ranges,
    "signs": signs,
}
"""What makes each block of the pages from the record."""
