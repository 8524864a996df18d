"""Rules across keys of a scenario, each with the keys that it reads; knows no files, lines or model that runs it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial
from itertools import islice
from typing import Any, NamedTuple, get_args

from sim.errors import named
from sim.formatting import Path, escaped, one_of, suggestion
from sim.registry import built_in, registered
from sim.scenario.findings import MAX_FAULTS, NO_VALUE, Finding
from sim.scenario.schema.distributions import Constant, Lognormal, Pareto, Section, Uniform
from sim.scenario.schema.platform import Support
from sim.scenario.schema.ranges import RANGES, Range
from sim.scenario.schema.scenario import Scenario
from sim.scenario.schema.surface_kinds import KINDS, OWN_KEYS
from sim.scenario.validate.claim_rules import claim_findings
from sim.scenario.validate.faulty import ANY, NOWHERE, Faulty
from sim.scenario.validate.parameters import parameter_findings

__all__ = ["MAX_NAME", "accounts_finding", "broken_rules", "is_name"]

SUM_TOLERANCE = 1e-9
MAX_ACCOUNTS = (1 << 24) - 1
"""An account's id has 24 bits, and one value is for none."""

MAX_NAME = 200
"""Characters of a name in a scenario, all of them printable."""

_SURFACE = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


def is_name(text: str) -> bool:
    """Whether an arm, a claim, a segment and so on can have this name."""
    return 1 <= len(text) <= MAX_NAME and text.isprintable()


class Case(NamedTuple):
    """What a rule is tried on: a scenario, in which all keys that the rule reads are valid, and which files it has."""

    scenario: Scenario
    has_roster: bool
    has_graph: bool


def _path(key: str) -> tuple[str, ...]:
    return tuple(key.split("."))


class Rule:
    """A rule, and the keys that it reads; where one of them is faulty, the rule isn't tried.

    Parameters
    ----------
    reads
        Keys, dotted, whose values it reads; ``*`` is every name, or with ``each`` the one that it is tried on.
    check
        Given a case and the name that the rule is tried on, empty without ``each``.
    names
        Tables of which it reads the names, not what is in them.
    each
        Table whose entries it is tried on one by one.
    """

    def __init__(
        self,
        reads: tuple[str, ...],
        check: Callable[[Case, str], Iterable[Finding]],
        names: tuple[str, ...] = (),
        each: str | None = None,
    ) -> None:
        self.reads = tuple(map(_path, reads))
        self.check = check
        self.each = None if each is None else _path(each)
        self.tables = (*map(_path, names), *([] if self.each is None else [self.each]))
        self.compared = {key[: key.index(ANY)] if ANY in key else key for key in (*self.reads, *self.tables)}
        """What has to be the same in two scenarios for the rule to say the same of them."""
        self.sections = frozenset(str(path[0]) for path in self.compared)


def _sum(group: str, key: str, case: Case, _: str) -> Iterator[Finding]:
    total = math.fsum(getattr(part, key) for part in getattr(case.scenario, group).values())
    if abs(total - 1) > SUM_TOLERANCE:
        yield Finding((group,), f"{key} of all {group} must sum to 1", total)


def _known(path: Path, what: str, name: str, names: Collection[str]) -> Iterator[Finding]:
    if name not in names:
        near = suggestion(name, names) or f"; known are {one_of(names)}"
        yield Finding(path, f"must be a known {what}{near}", name)


def _control(case: Case, _: str) -> Iterator[Finding]:
    yield from _known(("control",), "arm", case.scenario.control, case.scenario.arms)


def _claim_arm(key: str, case: Case, name: str) -> Iterator[Finding]:
    arm = getattr(case.scenario.claims[name], key)
    if arm is not None:
        yield from _known(("claims", name, key), "arm", arm, case.scenario.arms)


def _claim_arms(case: Case, name: str) -> Iterator[Finding]:
    claim = case.scenario.claims[name]
    if claim.arm == claim.control:
        yield Finding(("claims", name, "control"), "must differ from the claim's arm", claim.control)


def _claim(case: Case, name: str) -> Iterator[Finding]:
    for finding in claim_findings(case.scenario.claims[name], has_roster=case.has_roster):
        yield finding._replace(path=("claims", name, *finding.path))


def _interests(case: Case, name: str) -> Iterator[Finding]:
    for vertical in case.scenario.segments[name].interests:
        for finding in _known(("segments", name, "interests", vertical), "vertical", vertical, case.scenario.verticals):
            yield finding._replace(value=NO_VALUE)


def _recruited(case: Case, name: str) -> Iterator[Finding]:
    for i, vertical in enumerate(case.scenario.agencies[name].verticals):
        yield from _known(("agencies", name, "verticals", i), "vertical", vertical, case.scenario.verticals)


def _names(table: str, case: Case, _: str) -> Iterator[Finding]:
    path = tuple(table.split("."))
    for name in _entry(case.scenario, path):
        if not is_name(name):
            yield Finding((*path, name), f"a name must be 1 to {MAX_NAME} printable characters")


def _surfaces(case: Case, _: str) -> Iterator[Finding]:
    columns: dict[str, str] = {}
    for name in case.scenario.surfaces:
        path = ("surfaces", name)
        if not _SURFACE.fullmatch(name):
            rule = "a surface's name must be 1 to 40 of a-z, 0-9, `_`, `-`, the first a letter or digit"
            yield Finding(path, rule)
        other = columns.setdefault(name.replace("-", "_"), name)
        if other != name:
            yield Finding(path, f"must differ from `{escaped(other)}` by more than `-` and `_`: both name columns")


def _own_key(key: str, case: Case, name: str) -> Iterator[Finding]:
    """A key that the surface's kind doesn't have."""
    surface = case.scenario.surfaces[name]
    kind, (idle, use) = KINDS[surface.kind], OWN_KEYS[key]
    value = getattr(surface, key)
    if value in (None, idle) or kind.has(key):
        return
    others = " or ".join(other.label for other in KINDS.values() if other.has(key))
    reason = f"only {others} {use}" if use else f"{kind.label} has none"
    yield Finding(("surfaces", name, key), f"must be {idle} or left out: {reason}", value)


def _ties(case: Case, name: str) -> Iterator[Finding]:
    ranking = case.scenario.surfaces[name].ranking
    if ranking.ties == "lot" and ranking.selection != "top":
        path = ("surfaces", name, "ranking", "ties")
        yield Finding(path, "must be order or left out: only with selection = top is there an order", ranking.ties)


def _custom_share(case: Case, name: str) -> Iterator[Finding]:
    surface = case.scenario.surfaces[name]
    if KINDS[surface.kind].has("custom_share"):
        reserved = case.scenario.support.share if surface.support_share is None else surface.support_share
        yield from _rest(("surfaces", name, "custom_share"), surface.custom_share, "support_share", reserved)


def _rest(path: Path, share: float, other: str, taken: float) -> Iterator[Finding]:
    """Two parts of one whole."""
    if share + taken > 1:
        yield Finding(path, f"must be <= 1 - {other}, {1 - taken:.12g}", share)


def _money(key: str, other: str, case: Case, _: str) -> Iterator[Finding]:
    money = case.scenario.economy
    yield from _rest(("economy", key), getattr(money, key), other, getattr(money, other))


def _hours(case: Case, name: str) -> Iterator[Finding]:
    hours = case.scenario.segments[name].hours
    if hours and (len(hours) != 24 or not any(hours)):
        rule = "must be left out, or be 24 numbers that aren't all 0"
        yield Finding(("segments", name, "hours"), rule, f"{len(hours)} numbers")


def _services(case: Case, name: str) -> Iterator[Finding]:
    services = case.scenario.support.tiers[name].services
    for i, service in enumerate(services):
        if service in services[:i]:
            yield Finding(("support", "tiers", name, "services", i), "must stand in the list once", service)


def _parameter(case: Case, name: str) -> Iterator[Finding]:
    yield from parameter_findings(name, case.scenario.support.parameters[name])


def _policy(case: Case, _: str) -> Iterator[Finding]:
    policy, shipped, own = case.scenario.support.policy, built_in("policy"), registered("policy")
    if policy not in (*shipped, *own):
        near = suggestion(policy, (*shipped, *own)) or f"; one of {one_of([*shipped, *own])}"
        how = named("plugin", "FILE.py", python="@sim.policy")
        rule = f"must be a known policy{near}; a policy of your own comes with {how}"
        yield Finding(("support", "policy"), rule, policy)
    if policy in shipped and policy in own:
        rule = f"is built in: the policy of {escaped(own[policy].file)} needs a name of its own"
        yield Finding(("support", "policy"), rule, policy)


def _within_tier(case: Case, _: str) -> Iterator[Finding]:
    support = case.scenario.support
    if support.policy == "tiered" and support.within_tier is None:
        values = [v for part in get_args(Support.model_fields["within_tier"].annotation) for v in get_args(part)]
        reason = "is required by policy tiered and has no default, for the sign of the answer turns on it"
        yield Finding(("support", "within_tier"), f"{reason}; one of {one_of(values)}")


def _tiers(case: Case, _: str) -> Iterator[Finding]:
    if case.scenario.support.policy == "tiered" and not case.scenario.support.tiers:
        yield Finding(("support", "tiers"), "policy tiered needs at least one tier")


def _drawn(key: str, case: Case, _: str) -> Iterator[Finding]:
    yield from _distribution(("influencers", key), getattr(case.scenario.influencers, key), RANGES[key])


def _accounts(case: Case, name: str) -> Iterator[Finding]:
    path, drawn = ("agencies", name, "accounts"), case.scenario.agencies[name].accounts
    yield from _distribution(path, drawn, RANGES["accounts"])


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


def _influencers_count(case: Case, _: str) -> Iterator[Finding]:
    people = case.scenario.influencers
    has_files = case.has_roster or case.has_graph or people.roster is not None or people.follow_graph is not None
    if people.count is None and not has_files:
        rule = f"is required without a roster (influencers.roster, or {named('roster', 'FILE')})"
        yield Finding(("influencers", "count"), rule)


def _fans_count(case: Case, _: str) -> Iterator[Finding]:
    has_graph = case.has_graph or case.scenario.influencers.follow_graph is not None
    if case.scenario.fans.count is None and not has_graph:
        rule = f"is required without a follow graph (influencers.follow_graph, or {named('graph', 'FILE')})"
        yield Finding(("fans", "count"), rule)


def accounts_finding(scenario: Scenario, count: int | None) -> list[Finding]:
    """What is wrong with the number of accounts, newcomers among them, with ``count`` (None: unknown) at day 0."""
    if count is None or count + scenario.n_newcomers <= MAX_ACCOUNTS:
        return []
    most = (MAX_ACCOUNTS - count) * 30 // scenario.horizon_days
    rule = f"must be <= {most} here, for there can be {MAX_ACCOUNTS} accounts in all"
    return [Finding(("entry", "newcomers_per_month"), rule, scenario.entry.newcomers_per_month)]


def _newcomers(case: Case, _: str) -> list[Finding]:
    return accounts_finding(case.scenario, case.scenario.influencers.count)


def _of_money(key: str, other: str) -> Rule:
    return Rule((f"economy.{key}", f"economy.{other}"), partial(_money, key, other))


NAMED = ("arms", "claims", "segments", "verticals", "agencies", "phases", "support.tiers", "support.parameters")
"""Tables with names of the user's own; those of surfaces have a rule of their own."""

RULES: tuple[Rule, ...] = (
    Rule(("segments.*.share",), partial(_sum, "segments", "share")),
    Rule(("verticals.*.share",), partial(_sum, "verticals", "share")),
    Rule(("surfaces.*.session_share",), partial(_sum, "surfaces", "session_share")),
    Rule(("control",), _control, names=("arms",)),
    Rule(("claims.*.arm",), partial(_claim_arm, "arm"), names=("arms",), each="claims"),
    Rule(("claims.*.control",), partial(_claim_arm, "control"), names=("arms",), each="claims"),
    Rule(("claims.*.arm", "claims.*.control"), _claim_arms, each="claims"),
    Rule(("segments.*.interests",), _interests, names=("verticals",), each="segments"),
    Rule(("agencies.*.verticals",), _recruited, names=("verticals",), each="agencies"),
    Rule(("claims.*",), _claim, each="claims"),
    *(Rule((), partial(_names, table), names=(table,)) for table in NAMED),
    Rule((), _surfaces, names=("surfaces",)),
    *(Rule(("surfaces.*.kind", f"surfaces.*.{key}"), partial(_own_key, key), each="surfaces") for key in OWN_KEYS),
    Rule(
        ("surfaces.*.kind", "surfaces.*.custom_share", "surfaces.*.support_share", "support.share"),
        _custom_share,
        each="surfaces",
    ),
    Rule(("surfaces.*.ranking.selection", "surfaces.*.ranking.ties"), _ties, each="surfaces"),
    Rule(("segments.*.hours",), _hours, each="segments"),
    Rule(("support.tiers.*.services",), _services, each="support.tiers"),
    Rule(("support.parameters.*",), _parameter, each="support.parameters"),
    Rule(("support.policy",), _policy),
    Rule(("support.policy", "support.within_tier"), _within_tier),
    Rule(("support.policy",), _tiers, names=("support.tiers",)),
    _of_money("platform_commission_share", "commission_share"),
    _of_money("tip_agency_share", "tip_platform_share"),
    *(Rule((f"influencers.{key}",), partial(_drawn, key)) for key in RANGES if key != "accounts"),
    Rule(("agencies.*.accounts",), _accounts, each="agencies"),
    Rule(("influencers.count", "influencers.roster", "influencers.follow_graph"), _influencers_count),
    Rule(("fans.count", "influencers.follow_graph"), _fans_count),
    Rule(("influencers.count", "entry.newcomers_per_month", "horizon_days"), _newcomers),
)
"""In the order in which findings at one line of a file are reported.

That some surface is opened at all follows from the sum of the session shares. The longest run, 40,150 days, counts less
than 2^32 seconds by the models' bounds.
"""


def broken_rules(
    scenario: Scenario,
    *,
    has_roster: bool = False,
    has_graph: bool = False,
    before: Scenario | None = None,
    faulty: Faulty = NOWHERE,
) -> list[Finding]:
    """The rules that a scenario breaks, at most ``MAX_FAULTS``.

    Parameters
    ----------
    scenario
        A scenario whose keys are valid, each by itself, but for those that are ``faulty``. Not changed.
    has_roster
        A roster is given with the scenario, so that it needs neither ``influencers.count`` nor a roster of its own.
    has_graph
        A follow graph is given with the scenario, so that it needs no counts at all.
    before
        A scenario that all rules were tried on: those that read only what is the same in both aren't tried again.
    faulty
        Keys that are wrong, or missing: rules that read one of them aren't tried.

    Notes
    -----
    The arms' own patches are validated with ``arms``.
    """
    case = Case(scenario, has_roster, has_graph)
    rules: Iterable[Rule] = RULES
    if before is not None:
        # Sections that no patch has touched are the same objects.
        changed = {key for key, part in vars(scenario).items() if part is not vars(before).get(key)}
        rules = (rule for rule in RULES if _differs(rule, changed, scenario, before))
    return list(islice((finding for rule in rules for finding in _broken(rule, case, faulty)), MAX_FAULTS))


def _differs(rule: Rule, changed: set[str], scenario: Scenario, before: Scenario) -> bool:
    """Whether something that a rule reads isn't the same in two scenarios, of which ``changed`` may differ."""
    if rule.sections.isdisjoint(changed):
        return False
    return any(path[0] in changed and _entry(scenario, path) != _entry(before, path) for path in rule.compared)


def _broken(rule: Rule, case: Case, faulty: Faulty) -> Iterator[Finding]:
    """What is wrong by a rule, where it can be tried."""
    if faulty and any(map(faulty.covers, rule.tables)):
        return
    for name in [""] if rule.each is None else _entry(case.scenario, rule.each):
        if not (faulty and any(faulty.hides(_bound(key, name, rule)) for key in rule.reads)):
            yield from rule.check(case, name)


def _bound(key: Path, name: str, rule: Rule) -> Path:
    """The key of the one entry that a rule is tried on."""
    return key if rule.each is None else tuple(name if part == ANY else part for part in key)


def _entry(scenario: Scenario, path: Path) -> Any:
    """What is at a path; None where the scenario lacks it."""
    here: Any = scenario
    for part in path:
        table = vars(here) if isinstance(here, Section) else here
        here = table.get(str(part)) if isinstance(table, dict) else None
    return here
