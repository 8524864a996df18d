"""The answer of a finished run in sentences and rows, for people; knows no terminal and no page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, Protocol

from sim.inference.paired import PairedDifference
from sim.scenario.patch.phases import support_at_end

__all__ = ["MIN_REPLICATIONS", "Answer", "Others", "Pair", "Sentence", "amount", "interval", "number", "reading_notes"]

MIN_REPLICATIONS = 30
"""Replications from which a claim can be made; fewer are a demonstration."""
ResultRow = Mapping[str, Any]
Pair = tuple[str, str]
"""An arm and the arm that it is compared with."""
QUESTION = "How does the head's share of followers (largest 1 % of accounts) change?"

OTHER_MEASURES = (
    ("head_share_10", "top 10 %, % points", 100, 2),
    ("initial_head_share_01", "day 0's top 1 %, % points", 100, 2),
    ("gini", "Gini", 1, 4),
    ("hhi", "HHI x 1,000", 1000, 3),
)
"""Measures other than the head share, since the sign can depend on the measure: name, label, scale, digits."""


class Finished(Protocol):
    """A finished run, as far as an answer needs it."""

    @property
    def manifest(self) -> dict[str, Any]:
        """Its manifest."""

    @property
    def horizon_days(self) -> float:
        """Time of the end [days]."""

    def table(self, name: str) -> Any:
        """One of its tables."""

    def answer(self) -> list[dict[str, Any]]:
        """Rows of the comparison at the end."""

    def claims(self) -> list[dict[str, Any]]:
        """Rows of the claims."""

    def paired(self, row: ResultRow) -> PairedDifference:
        """The paired difference behind a row of the comparison."""


class Sentence(NamedTuple):
    """One comparison in words: ``label``, then the arm against its control, then ``says``."""

    label: str
    arm: str
    control: str
    says: str


class Others(NamedTuple):
    """Another measure than the head share: its label, and each pair's change and interval as text."""

    label: str
    rows: list[tuple[Pair, str, str]]


def number(value: float | None, scale: float = 100, digits: int = 2, *, signed: bool = True) -> str:
    """A number, or a dash where there is none; as percentage points by default."""
    if value is None:
        return "-"
    return f"{scale * value:+.{digits}f}" if signed else f"{scale * value:.{digits}f}"


def interval(low: float | None, high: float | None, scale: float = 100, digits: int = 2) -> str:
    """An interval, or a dash where there is none."""
    if low is None or high is None:
        return "-"
    return f"{scale * low:+.{digits}f} to {scale * high:+.{digits}f}"


def amount(value: float | None) -> str:
    """A signed number of any size in ten characters or fewer, or a dash where there is none."""
    if value is None:
        return "-"
    return f"{value:+.4f}" if abs(value) < 1000 else f"{value:+.4g}"


def reading_notes(manifest: Mapping[str, Any]) -> list[str]:
    """A manifest's notes on how roster and follow graph were read; empty where they were read plainly."""
    reading = manifest.get("reading", {})
    return [note for name in ("roster", "follow_graph") for note in reading.get(name, {}).get("notes", ())]


@dataclass(frozen=True)
class Answer:
    """A run's answer to its question, as people read it; names of arms and claims are those of the scenario."""

    run: Finished

    @property
    def scenario(self) -> dict[str, Any]:
        """The resolved scenario."""
        found: dict[str, Any] = self.run.manifest["scenario"]
        return found

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """Rows of the comparison at the end."""
        return self.run.answer()

    @cached_property
    def pairs(self) -> list[Pair]:
        """What was compared."""
        return list(dict.fromkeys((row["arm"], row["control"]) for row in self.rows))

    @cached_property
    def primary(self) -> dict[Pair, list[ResultRow]]:
        """Rows of the two primary quantities by pair: followers at the end, exposure over the last 90 days."""
        wanted = (("followers", None), ("exposure", min(90.0, self.run.horizon_days)))
        found: dict[Pair, list[ResultRow]] = {pair: [] for pair in self.pairs}
        for row in self.rows:
            head = (row["population"], row["level"], row["measure"]) == ("all", "influencer", "head_share_01")
            if head and (row["quantity"], row["window_days"]) in wanted:
                found[row["arm"], row["control"]].append(row)
        return found

    def name(self) -> str:
        """The scenario's name and title."""
        name, title = str(self.scenario["name"]), self.scenario["title"]
        return f"{name}: {title}" if title else name

    def size(self) -> str:
        """What was run."""
        scenario, n = self.scenario, self.scenario["replications"]
        return (
            f"{scenario['fans']['count']:,} fans x {scenario['influencers']['count']:,} influencers x "
            f"{scenario['horizon_days']} days, {n} replication{'s' * (n != 1)}, paired"
        )

    def condition(self) -> str | None:
        """What the answer is conditional on, if it is."""
        if self.scenario["population"] == "fixed":
            return "All replications share one population: the answer is conditional on it."
        return None

    def reading(self) -> list[str]:
        """How roster and follow graph were read where that isn't plain: what was left out, what was taken for what."""
        return reading_notes(self.run.manifest)

    def caution(self) -> str | None:
        """That it is a demonstration, if it is."""
        if self.scenario["replications"] < MIN_REPLICATIONS:
            return f"A demonstration: a claim needs {MIN_REPLICATIONS} replications or more."
        return None

    @cached_property
    def _support(self) -> dict[str, ResultRow]:
        return {arm: support_at_end(self.scenario, arm) for arm in self.scenario["arms"]}

    def policies(self, pair: Pair) -> tuple[str, ...]:
        """Support policies of a pair's arms at the end."""
        return tuple(self._support[arm]["policy"] for arm in pair)

    def _more_services(self, pair: Pair) -> bool:
        arm, control = (self._support[arm]["services"] for arm in pair)
        return bool(arm and not control)

    def sentences(self) -> list[Sentence]:
        """The answer in words, a sentence for each pair."""
        digests = self.run.manifest["digests"]
        found = []
        for pair, rows in self.primary.items():
            more, label = self._more_services(pair), ""
            if self.policies(pair) == ("tiered", "none"):
                label = f"(a) support{' with services' if more else ''}: "
            elif self.policies(pair) == ("tiered", "uniform"):
                label = "(b) tiering and services: " if more else "(b) the tiering itself: "
            same = digests[pair[0]] == digests[pair[1]]
            found.append(Sentence(label, *pair, _says(rows[0], same=same)))
        return found

    def parts(self) -> list[str]:
        """How much of the effect of support comes with any list, how much with the tiering."""
        change = {p: rows[0]["difference"] for p, rows in self.primary.items() if rows[0]["difference"] is not None}
        found = []
        for (tiered, none), together in change.items():
            if self.policies((tiered, none)) != ("tiered", "none"):
                continue
            for (uniform, control), any_list in change.items():
                if control != none or self.policies((uniform, none))[0] != "uniform" or (tiered, uniform) not in change:
                    continue
                what = "tiering and services" if self._more_services((tiered, uniform)) else "the tiering"
                found.append(
                    f"Of {tiered}'s {number(together)} points, {number(any_list)} come with any list that isn't "
                    f"popularity ({uniform}), {number(change[tiered, uniform])} with {what}."
                )
        return found

    def headline(self) -> str:
        """The answer in one sentence: the effect of support, and the tiering's own where there is an arm to show it."""
        if not self.pairs:
            return "One arm only: nothing to compare." if len(self.scenario["arms"]) == 1 else "No arms were compared."
        effects = [pair for pair in self.pairs if self.policies(pair) == ("tiered", "none")]
        arm, control = min(effects, key=self._more_services) if effects else self.pairs[0]
        result = next(sentence.says for sentence in self.sentences() if sentence[1:3] == (arm, control)).rstrip(".")
        moved = result.startswith(("lower", "higher"))
        share = "the share of all followers that the largest 1 % of accounts hold is "
        text = f"With {arm} against {control}, "
        text += (share if moved else "the head's share of followers (largest 1 % of accounts): ") + result
        for pair, rows in self.primary.items():
            if pair[0] == arm and self.policies(pair) == ("tiered", "uniform") and rows[0]["ci_low"] is not None:
                row = rows[0]
                sure = interval(row["ci_low"], row["ci_high"])
                return f"{text}; of it {number(row['difference'])} ({sure}) is the tiering itself, against {pair[1]}."
        return f"{text}."

    def others(self) -> list[Others]:
        """Followers at the end by other measures, each with every pair's change and interval."""
        found = []
        for name, label, scale, digits in OTHER_MEASURES:
            by_pair = {
                (row["arm"], row["control"]): row
                for row in self.rows
                if (row["population"], row["level"], row["quantity"], row["measure"])
                == ("all", "influencer", "followers", name)
            }
            found.append(
                Others(
                    label,
                    [
                        (
                            pair,
                            number(row["difference"], scale, digits),
                            interval(row["ci_low"], row["ci_high"], scale, digits),
                        )
                        for pair, row in by_pair.items()
                    ],
                )
            )
        return found

    def moved(self) -> list[tuple[Pair, list[float]]]:
        """Why the share of day 0's head moved: mean change, its part by allocation, its part by volume; by pair."""
        parts = self.run.table("decomposition").to_pylist()
        found = []
        for pair in self.pairs:
            known = [p for p in parts if (p["arm"], p["control"]) == pair and p["difference"] is not None]
            if known:
                keys = ("difference", "allocation", "volume")
                found.append((pair, [sum(part[key] for part in known) / len(known) for key in keys]))
        return found

    def certainty(self) -> list[tuple[Pair, str, str]]:
        """What pairing has gained: by pair how many times larger the variance would be unpaired, and paired alone."""
        found = []
        for pair, rows in self.primary.items():
            total, streams = rows[0]["vr_total"], rows[0]["vr_streams"]
            if total is not None:
                found.append(
                    (
                        pair,
                        f"{total:,.0f}" if total >= 100 else f"{total:.3g}",
                        "-" if streams is None else f"{streams:.2f}",
                    )
                )
        return found

    def warnings(self) -> list[str]:
        """Where an interval should be doubted, and which arms weren't compared."""
        found = []
        for (arm, control), rows in self.primary.items():
            for row in rows:
                paired = self.run.paired(row)
                if paired.heavy_tailed:
                    found.append(
                        f"{arm} against {control}, {row['quantity']}: heavy-tailed; the interval may undercover "
                        f"(skewness {paired.skewness:+.1f}; BCa interval {interval(paired.bca_low, paired.bca_high)} "
                        f"points; sign test p = {number(paired.sign_p, 1, 3, signed=False)})."
                    )
        compared = {arm for pair in self.pairs for arm in pair}
        if len(self.scenario["arms"]) > 1:
            found += [
                f"{arm} is not compared: over .1 % of reserved slots had no account to support, in this arm or in its "
                "control (surfaces.parquet, n_support_unfilled)."
                for arm in self.scenario["arms"]
                if arm not in compared
            ]
        return found

    def notes_on_claims(self, claims: Sequence[ResultRow]) -> list[tuple[str, str]]:
        """What claims state and, where they are on groups, what they compare: claim and note."""
        found = []
        for claim in claims:
            title = self.scenario["claims"][claim["claim"]]["title"]
            if title:
                found.append((claim["claim"], f"{title}."))
            if claim["group"] is not None:
                found.append((claim["claim"], f"{_compared(claim)}."))
        return found


def _says(row: ResultRow, *, same: bool) -> str:
    """The result of one comparison in words; ``same`` where the arms have equal digests."""
    low, high = row["ci_low"], row["ci_high"]
    if same:
        return "the same to the bit."
    if row["difference"] is None:
        return "undefined, since there are no followers."
    if low is None:
        return f"{number(row['difference'])} points; one replication doesn't show how certain that is."
    if low == high == 0:
        return "exactly the same share."
    sure = f"(95 % interval {interval(low, high)})"
    if low <= 0 <= high:
        return f"no clear change, {number(row['difference'])} points {sure}."
    return f"{'lower' if high < 0 else 'higher'} by {abs(100 * row['difference']):.2f} points {sure}."


def _compared(claim: ResultRow) -> str:
    """What a claim on groups compares."""
    groups = claim["group"] if claim["baseline_group"] is None else f"{claim['group']} - {claim['baseline_group']}"
    arms = claim["arm"] if claim["control"] is None else f"{claim['arm']} - {claim['control']}"
    return f"{claim['measure']} of {claim['quantity']}, {groups}; {arms}"
