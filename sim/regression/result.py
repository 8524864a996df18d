"""What a check has found, for every report: terminal, JUnit, annotations, Markdown, JSON, pytest; knows no runs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from sim.errors import Fault
from sim.formatting import escaped, shown
from sim.types import CheckPolicy

__all__ = ["Change", "ChangeEstimate", "CheckPart", "Checked", "Divergence", "PartStatus", "Version"]

PartStatus = Literal["passed", "failed", "allowed", "skipped"]
"""Allowed: it differs, but the policy doesn't require it. Skipped: something before it failed, so it wasn't checked."""


@dataclass(frozen=True)
class CheckPart:
    """One part of a scenario's check."""

    name: str
    """``valid``, ``exact``, ``statistical``, or ``claim NAME``."""
    status: PartStatus
    says: str
    """One line."""
    line: int
    """Line of the scenario file that it concerns, from 1."""
    details: tuple[str, ...] = ()
    """More lines, for those who want to act on it."""


@dataclass(frozen=True)
class Change:
    """A key of the scenario whose value isn't that of the baseline."""

    key: str
    """Its path, as in ``surfaces.feed.slots``; ``order of PATH``, or ``content of the roster``."""
    old: Any
    """Value in the baseline, None where it had none."""
    new: Any
    line: int | None
    """Line of the scenario file that states the new value, of its check's size too; None: it is a default."""
    base: str | None = None
    """File and line of a value that the scenario inherits, ``line`` being that of ``extends``; None: it doesn't."""

    @property
    def says(self) -> str:
        """The change in words.

        >>> Change("surfaces.for-you.follow_prob", 0.02, 0.021, 42).says
        'surfaces.for-you.follow_prob: 0.02 -> 0.021 (line 42)'
        """
        place = "not in the file" if self.line is None else self.base or f"line {self.line}"
        return f"{escaped(self.key)}: {shown(self.old)} -> {shown(self.new)} ({place})"


@dataclass(frozen=True)
class Version:
    """A library, or Python or Headshare, that isn't of the version with which the baseline was written."""

    name: str
    old: str | None
    """None: the baseline doesn't name it."""
    new: str | None
    """None: it isn't used any more."""


@dataclass(frozen=True)
class ChangeEstimate:
    """A measure's change since the baseline, replication by replication: of the difference of two arms, or of one arm.

    What is undefined is None.
    """

    arm: str
    control: str | None
    """None: the arm's own level."""
    time_days: float
    window_days: float | None
    population: str
    level: str
    quantity: str
    measure: str
    old: float | None
    """Mean in the baseline."""
    new: float | None
    """Mean now."""
    difference: float | None
    """Mean of new - old."""
    ci_low: float | None
    ci_high: float | None
    margin: float
    """Change up to which the two are called equivalent, in units of the measure."""
    n_pairs: int
    """Replications that both have."""
    verdict: Literal["equivalent", "moved", "undecided"]
    ci_level: float = 0.95
    """Level of the interval: higher where a second look is possible."""
    claim: str | None = None
    """Name of the claim that states it; None: a watched measure."""

    @property
    def name(self) -> str:
        """Quantity and measure, with whatever else distinguishes it.

        >>> about = ("a", None, 9.0, None, "all", "influencer", "followers", "gini")
        >>> ChangeEstimate(*about, *[None] * 5, .01, 2, "moved").name
        'followers gini'
        """
        level = "" if self.level in ("influencer", "platform") else f" of {self.level}"
        window = "" if self.window_days is None else f", {self.window_days:g} days"
        population = "" if self.population == "all" else f", {self.population}"
        claim = "" if self.claim is None else f"claim {self.claim}: "
        return f"{claim}{self.quantity} {self.measure}{level}{population}{window}"


@dataclass(frozen=True)
class Divergence:
    """The first place where an arm's run differs from the one that it is compared with."""

    arm: str
    event: str
    """Kind of the control event, as ``clock.Order`` names it, ``sessions`` after it, or ``population`` before all."""
    from_days: float | None
    """Time of the event, or of the first that it can have been [days]; None: before all, as of the population."""
    until_days: float | None
    """Time of the last event that it can have been [days]; the same where the place is known exactly."""
    who: str | None = None
    """The first influencer or agency that differs, and how; None: unknown."""

    @property
    def says(self) -> str:
        """The place in words.

        >>> Divergence("tiered", "review", 60.0, 60.0, "agency a-12: tier priority -> standard").says
        'tiered: first at the review of day 60: agency a-12: tier priority -> standard'
        """
        if self.from_days is None or self.until_days is None:
            place = f"the {self.event}"
        elif self.from_days != self.until_days:
            place = f"{self.event} between day {self.from_days:g} and day {self.until_days:g}"
        elif self.event == "sessions":
            place = f"the sessions from day {self.from_days:g} on"
        else:
            place = f"the {self.event} of day {self.from_days:g}"
        return f"{self.arm}: first at {place}" if self.who is None else f"{self.arm}: first at {place}: {self.who}"


@dataclass(frozen=True)
class Checked:
    """What checking one scenario has found."""

    file: str
    """As the user named it."""
    name: str
    """The scenario's; of a file that can't be read, the file's without its ending."""
    policy: CheckPolicy
    parts: tuple[CheckPart, ...]
    """In order: ``valid``, ``exact``, ``statistical``, claims as the scenario has them."""
    estimates: tuple[ChangeEstimate, ...] = ()
    """Of every watched measure, where the outputs differ at all."""
    divergences: tuple[Divergence, ...] = ()
    """Of every arm that differs, the earliest first."""
    changes: tuple[Change, ...] = ()
    """Keys of the scenario that changed since the baseline, those that the file states first."""
    versions: tuple[Version, ...] = ()
    """Versions that differ from those that the baseline was written with."""
    notes: tuple[str, ...] = ()
    """Other remarks, such as what happened to the baseline."""
    update: Literal["new", "rewritten", "unchanged"] | None = None
    """What happened to the baseline; None: it was only read."""
    is_bad_input: bool = False
    """The scenario can't be run at all."""
    faults: tuple[Fault, ...] = ()
    """Of the input, where it can't be run."""
    is_unfinished: bool = False
    """The machine prevented its check."""
    seconds: float = 0.0

    @property
    def holds(self) -> bool:
        """Whether all that the policy requires passed."""
        return all(part.status != "failed" for part in self.parts)

    def failures(self) -> tuple[Fault, ...]:
        """What failed, as faults of the scenario file: those of the input, else a fault for each failed part."""
        failed = (part for part in self.parts if part.status == "failed")
        return self.faults or tuple(Fault(self.file, part.says, part.line, part.name) for part in failed)

    def to_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        return asdict(self) | {"holds": self.holds}
