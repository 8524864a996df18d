"""Rules of a scenario that concern more than one key; knows nothing of files, lines or the model that runs it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial
from itertools import islice
from typing import get_args

from sim.errors import named
from sim.formatting import Path, escaped, one_of, suggestion
from sim.registry import built_in, registered
from sim.scenario.findings import MAX_FAULTS, NO_VALUE, Finding
from sim.scenario.schema.distributions import Constant, Lognormal, Pareto, Uniform
from sim.scenario.schema.platform import Support, Surface
from sim.scenario.schema.ranges import RANGES, Range
from sim.scenario.schema.scenario import Scenario
from sim.scenario.schema.surface_kinds import KINDS, OWN_KEYS
from sim.scenario.validate.claim_rules import claim_findings
from sim.scenario.validate.parameters import parameter_findings

__all__ = ["MAX_NAME", "accounts_finding", "broken_rules", "is_name"]

SUM_TOLERANCE = 1e-9
MAX_ACCOUNTS = (1 << 24) - 1
"""An account's id has 24 bits, and one value is nobody's."""

MAX_NAME = 200
"""Characters of a name in a scenario, all of them printable."""
TIERS, SHARE = "support.tiers", "support.share"
"""Keys that rules of other sections read."""

_SURFACE = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


def _sums(scenario: Scenario) -> Iterator[Finding]:
    for group, key, shares in (
        ("segments", "share", [part.share for part in scenario.segments.values()]),
        ("verticals", "share", [part.share for part in scenario.verticals.values()]),
        ("surfaces", "session_share", [part.session_share for part in scenario.surfaces.values()]),
    ):
        total = math.fsum(shares)
        if abs(total - 1) > SUM_TOLERANCE:
            yield Finding((group,), f"{key} of all {group} must sum to 1", total)


def _known(path: Path, what: str, name: str, names: Collection[str]) -> Iterator[Finding]:
    if name not in names:
        near = suggestion(name, names) or f"; known are {one_of(names)}"
        yield Finding(path, f"must be a known {what}{near}", name)


def _references(scenario: Scenario) -> Iterator[Finding]:
    yield from _known(("control",), "arm", scenario.control, scenario.arms)
    for name, claim in scenario.claims.items():
        yield from _known(("claims", name, "arm"), "arm", claim.arm, scenario.arms)
        if claim.control is not None:
            yield from _known(("claims", name, "control"), "arm", claim.control, scenario.arms)
        if claim.arm == claim.control:
            yield Finding(("claims", name, "control"), "must differ from the claim's arm", claim.control)
    for name, segment in scenario.segments.items():
        for vertical in (interest for interest in segment.interests if interest not in scenario.verticals):
            path = ("segments", name, "interests", vertical)
            for finding in _known(path, "vertical", vertical, scenario.verticals):
                yield finding._replace(value=NO_VALUE)
    for name, group in scenario.agencies.items():
        for i, vertical in enumerate(group.verticals):
            yield from _known(("agencies", name, "verticals", i), "vertical", vertical, scenario.verticals)


def _claims(scenario: Scenario, has_roster: bool) -> Iterator[Finding]:
    for name, claim in scenario.claims.items():
        for finding in claim_findings(claim, has_roster=has_roster):
            yield finding._replace(path=("claims", name, *finding.path))


def is_name(text: str) -> bool:
    """Whether an arm, a claim, a segment and so on can have this name."""
    return 1 <= len(text) <= MAX_NAME and text.isprintable()


def _names(path: Path, group: Collection[str]) -> Iterator[Finding]:
    for name in group:
        if not is_name(name):
            yield Finding((*path, name), f"a name must be 1 to {MAX_NAME} printable characters")


def _surfaces(scenario: Scenario) -> Iterator[Finding]:
    columns: dict[str, str] = {}
    for name, surface in scenario.surfaces.items():
        path = ("surfaces", name)
        if not _SURFACE.fullmatch(name):
            rule = "a surface's name must be 1 to 40 of a-z, 0-9, `_`, `-`, the first a letter or digit"
            yield Finding(path, rule)
        other = columns.setdefault(name.replace("-", "_"), name)
        if other != name:
            yield Finding(path, f"must differ from `{escaped(other)}` by more than `-` and `_`: both name columns")
        for finding in _kind(scenario, surface):
            yield finding._replace(path=(*path, *finding.path))


def _kind(scenario: Scenario, surface: Surface) -> Iterator[Finding]:
    """What a surface says that its kind doesn't have, paths inside the surface."""
    kind = KINDS[surface.kind]
    for key, (idle, use) in OWN_KEYS.items():
        value = getattr(surface, key)
        if value in (None, idle) or kind.has(key):
            continue
        others = " or ".join(other.label for other in KINDS.values() if other.has(key))
        reason = f"only {others} {use}" if use else f"{kind.label} has none"
        yield Finding((key,), f"must be {idle} or left out: {reason}", value)
    reserved = scenario.support.share if surface.support_share is None else surface.support_share
    if kind.has("custom_share"):
        yield from _rest("custom_share", surface.custom_share, "support_share", reserved)


def _rest(key: str, share: float, other: str, taken: float) -> Iterator[Finding]:
    """Two parts of one whole."""
    if share + taken > 1:
        yield Finding((key,), f"must be <= 1 - {other}, {1 - taken:.12g}", share)


def _economy(scenario: Scenario) -> Iterator[Finding]:
    for key, other in (
        ("platform_commission_share", "commission_share"),
        ("tip_agency_share", "tip_platform_share"),
    ):
        money = scenario.economy
        for finding in _rest(key, getattr(money, key), other, getattr(money, other)):
            yield finding._replace(path=("economy", *finding.path))


def _segments(scenario: Scenario) -> Iterator[Finding]:
    for name, segment in scenario.segments.items():
        if segment.hours and (len(segment.hours) != 24 or not any(segment.hours)):
            rule = "must be left out, or be 24 numbers that aren't all 0"
            yield Finding(("segments", name, "hours"), rule, f"{len(segment.hours)} numbers")


def _support(scenario: Scenario) -> Iterator[Finding]:
    support = scenario.support
    for name, tier in support.tiers.items():
        for i, service in enumerate(tier.services):
            if service in tier.services[:i]:
                yield Finding(("support", "tiers", name, "services", i), "must stand in the list once", service)
    yield from parameter_findings(support)
    shipped, own = built_in("policy"), registered("policy")
    if support.policy not in (*shipped, *own):
        near = suggestion(support.policy, (*shipped, *own)) or f"; one of {one_of([*shipped, *own])}"
        how = named("plugin", "FILE.py", python="@sim.policy")
        rule = f"must be a known policy{near}; a policy of your own comes with {how}"
        yield Finding(("support", "policy"), rule, support.policy)
    if support.policy in shipped and support.policy in own:
        rule = f"is built in: the policy of {escaped(own[support.policy].file)} needs a name of its own"
        yield Finding(("support", "policy"), rule, support.policy)
    if support.policy != "tiered":
        return
    if support.within_tier is None:
        values = [v for part in get_args(Support.model_fields["within_tier"].annotation) for v in get_args(part)]
        reason = "is required by policy tiered and has no default, for the sign of the answer turns on it"
        yield Finding(("support", "within_tier"), f"{reason}; one of {one_of(values)}")
    if not support.tiers:
        yield Finding(("support", "tiers"), "policy tiered needs at least one tier")


def _distribution(path: Path, drawn: Constant | Uniform | Lognormal | Pareto, given: Range) -> Iterator[Finding]:
    if isinstance(drawn, Uniform):
        if drawn.low > drawn.high:
            yield Finding((*path, "low"), f"must be <= high, {drawn.high:.15g}", drawn.low)
        # An end of an open range is drawn with probability 0, unless it is all there is to draw.
        ends = given if drawn.low == drawn.high else given._replace(is_open=False)
        parts, given = [("low", drawn.low), ("high", drawn.high)], ends
    elif isinstance(drawn, Constant):
        parts = [("value", drawn.value)]
    elif isinstance(drawn, Lognormal):
        parts = [("median", drawn.median)]
    else:
        parts = [("min", drawn.min)]
        if drawn.min > drawn.max:
            yield Finding((*path, "min"), f"must be <= max, {drawn.max:.15g}", drawn.min)
    for key, value in parts:
        if not given.holds(value):
            yield Finding((*path, key), given.rule(), value)


def _distributions(scenario: Scenario) -> Iterator[Finding]:
    for key, given in RANGES.items():
        if key != "accounts":
            yield from _distribution(("influencers", key), getattr(scenario.influencers, key), given)
    for name, group in scenario.agencies.items():
        yield from _distribution(("agencies", name, "accounts"), group.accounts, RANGES["accounts"])


def _counts(scenario: Scenario, has_roster: bool, has_graph: bool) -> Iterator[Finding]:
    if scenario.influencers.follow_graph is not None or has_graph:
        return
    if scenario.influencers.count is None and scenario.influencers.roster is None and not has_roster:
        rule = f"is required without a roster (influencers.roster, or {named('roster', 'FILE')})"
        yield Finding(("influencers", "count"), rule)
    if scenario.fans.count is None:
        rule = f"is required without a follow graph (influencers.follow_graph, or {named('graph', 'FILE')})"
        yield Finding(("fans", "count"), rule)


def accounts_finding(scenario: Scenario, count: int | None) -> list[Finding]:
    """What is wrong with the number of accounts, newcomers among them, beside ``count`` (None: unknown) of day 0."""
    if count is None or count + scenario.n_newcomers <= MAX_ACCOUNTS:
        return []
    most = (MAX_ACCOUNTS - count) * 30 // scenario.horizon_days
    rule = f"must be <= {most} here, for there can be {MAX_ACCOUNTS} accounts in all"
    return [Finding(("entry", "newcomers_per_month"), rule, scenario.entry.newcomers_per_month)]


def broken_rules(
    scenario: Scenario, *, has_roster: bool = False, has_graph: bool = False, before: Scenario | None = None
) -> list[Finding]:
    """All rules that a scenario breaks across its keys, as (path, rule, value), the first ``MAX_FAULTS`` of them.

    Parameters
    ----------
    scenario
        A scenario that holds to its models. Not changed.
    has_roster
        A roster is given beside the scenario, so that it needs neither ``influencers.count`` nor a roster of its own.
    has_graph
        A follow graph is given beside the scenario, so that it needs no counts at all.
    before
        A scenario that all rules were tried on: those that read only what is the same in both aren't tried again.

    Notes
    -----
    That some surface is opened at all follows from the sum of the session shares. The longest run, 40,150 days, counts
    less than 2^32 seconds by the models' bounds. The arms' own patches are validated in ``arms``.
    """
    changed = _changed(scenario, before)
    named = ("arms", "claims", "segments", "verticals", "agencies", "phases")
    rules: list[tuple[set[str], Callable[[], Iterable[Finding]]]] = [
        ({"segments", "verticals", "surfaces"}, lambda: _sums(scenario)),
        ({"control", "arms", "claims", "segments", "verticals", "agencies"}, lambda: _references(scenario)),
        ({"claims"}, lambda: _claims(scenario, has_roster)),
        *(({key}, partial(_names, (key,), getattr(scenario, key))) for key in named),
        ({TIERS}, lambda: _names(("support", "tiers"), scenario.support.tiers)),
        ({"support"}, lambda: _names(("support", "parameters"), scenario.support.parameters)),
        ({"surfaces", SHARE}, lambda: _surfaces(scenario)),
        ({"segments"}, lambda: _segments(scenario)),
        ({"support"}, lambda: _support(scenario)),
        ({"economy"}, lambda: _economy(scenario)),
        ({"influencers", "agencies"}, lambda: _distributions(scenario)),
        ({"influencers", "fans"}, lambda: _counts(scenario, has_roster, has_graph)),
        ({"influencers", "entry", "horizon_days"}, lambda: accounts_finding(scenario, scenario.influencers.count)),
    ]
    found = (finding for reads, rule in rules if reads & changed for finding in rule())
    return list(islice(found, MAX_FAULTS))


def _changed(scenario: Scenario, before: Scenario | None) -> set[str]:
    """Keys at which a scenario differs from another; all where there is none."""
    if before is None:
        return {*Scenario.model_fields, TIERS, SHARE}
    # Parts that no patch has touched are the same objects, which makes them equal at once.
    changed = {key for key in Scenario.model_fields if getattr(scenario, key) != getattr(before, key)}
    if "support" in changed:
        old, new = before.support, scenario.support
        changed |= {
            key for key, differs in ((TIERS, old.tiers != new.tiers), (SHARE, old.share != new.share)) if differs
        }
    return changed
