"""What follows from a scenario and can't be run: found before anything of it is run; compiles nothing."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any, NamedTuple

from sim.errors import ArgumentError, Fault, InputError
from sim.model.world.initial_follows import (
    accounts_at_start,
    addresses_of,
    conversion_probs,
    live_hours,
    names_at_start,
    order_values,
    people_per_fan,
    posting_rates,
    real_followers,
)
from sim.model.world.limits import Largest, countable_findings
from sim.scenario import Loaded, load
from sim.scenario.findings import Finding
from sim.scenario.patch.phases import phase_scenarios
from sim.scenario.patch.settings import GivenSettings
from sim.scenario.resolve.follows import Refusal, rooms, shared_out
from sim.scenario.resolve.inputs import GivenGraph, GivenRoster
from sim.scenario.schema.distributions import Constant, Distribution, Uniform
from sim.scenario.schema.scenario import Scenario
from sim.streams import Lane, unit_draws
from sim.types import Key

__all__ = [
    "PEOPLE",
    "Examined",
    "examine",
    "faults_of",
    "n_drawn",
    "n_populations",
    "population_number",
    "refuse_impossible",
    "validate",
]

PEOPLE = ("seed", "people_per_fan", "fans", "segments", "verticals", "influencers", "agencies", "entry")
"""Sections that populations are drawn from."""
Path = str | os.PathLike[str]
LIMITS = {"conversion_prob": 1.0, "order_value_fen": 1e15, "posts_per_day": 1e6, "live_hours_per_day": 24.0}
"""What no account has more of."""
QUICK = 200_000
"""Accounts that ``validate`` draws at most, those of all replications together: it is to answer at once."""
LEAST = 500
"""Accounts that a smaller population counts for: drawing it takes as long."""


def population_number(scenario: Scenario, replication: int) -> int:
    """Replication whose population this one has."""
    return 0 if scenario.population == "fixed" else replication


class Examined(NamedTuple):
    """What ``validate`` finds in a file."""

    faults: list[Fault]
    loaded: Loaded | None
    """None where the file itself has faults."""


def examine(
    path: Path,
    *,
    roster: GivenRoster = None,
    graph: GivenGraph = None,
    encoding: str | None = None,
    suggested_columns: bool = False,
    set: GivenSettings = (),
) -> Examined:
    """Read a scenario file and look for all that keeps it from being run; no error is raised for what it says, only
    ``ArgumentError`` for arguments.

    Parameters
    ----------
    path
        The scenario file.
    roster, graph, encoding, suggested_columns, set
        As for ``sim.scenario.load``.

    Notes
    -----
    Of the populations as many are drawn as ``n_drawn`` says, as far as their followers go.
    """
    try:
        loaded = load(path, roster=roster, graph=graph, encoding=encoding, suggested_columns=suggested_columns, set=set)
    except ArgumentError:
        raise
    except InputError as error:
        return Examined(list(error.faults), None)
    return Examined(faults_of(loaded, range(n_drawn(loaded))), loaded)


def validate(paths: Iterable[Path], **given: Any) -> list[Fault]:
    """All faults of these scenario files, in the order of the files and lines; none: all are valid. See ``examine``."""
    return [fault for path in paths for fault in examine(path, **given).faults]


def n_drawn(loaded: Loaded) -> int:
    """How many populations ``validate`` looks at; an experiment looks at all that differ before it begins."""
    n_accounts = loaded.scenario.influencers.count or 1  # filled in when it was loaded
    n_groups = len(_of_same_people(loaded))
    return min(n_populations(loaded), QUICK // max(n_accounts * n_groups, LEAST * n_groups))


def refuse_impossible(loaded: Loaded) -> None:
    """Refuse an experiment before anything of it is run: a population of an arm and replication can't be drawn, or what
    a click brings in an arm, or in one of its phases, can't be counted.

    Raises
    ------
    InputError
        With file, line and arm.
    """
    found = faults_of(loaded, range(n_populations(loaded)))
    if found:
        raise InputError(found)


def n_populations(loaded: Loaded) -> int:
    """How many populations an experiment has, each shared by all arms with the same people."""
    return population_number(loaded.scenario, loaded.scenario.replications - 1) + 1


def faults_of(loaded: Loaded, numbers: range) -> list[Fault]:
    """What is wrong in these populations, once each: of the base where it is wrong in all arms, else of each arm."""
    arms_of: dict[Finding, list[str]] = {}
    for names in _of_same_people(loaded):
        scenario = loaded.arms[names[0]]
        refused, people = _follows(loaded, scenario, numbers)
        for name in names:
            found = [refused] if refused else _uncountable(loaded, loaded.arms[name], people)
            for finding in found:
                arms_of.setdefault(finding, []).append(name)
    listed = []
    for finding, names in arms_of.items():
        is_in_all = len(names) == len(loaded.arms)
        paths = [finding.path] if is_in_all else [("arms", name, *finding.path) for name in names]
        listed += [finding._replace(path=path) for path in paths]
    return loaded.located(listed)


def _of_same_people(loaded: Loaded) -> list[list[str]]:
    """Names of the arms, those together that share their populations."""
    groups: list[list[str]] = []
    for name, arm in loaded.arms.items():
        for group in groups:
            first = loaded.arms[group[0]]
            if all(getattr(first, section) == getattr(arm, section) for section in PEOPLE):
                group.append(name)
                break
        else:
            groups.append([name])
    return groups


def _follows(loaded: Loaded, scenario: Scenario, numbers: range) -> tuple[Finding | None, dict[int, float]]:
    """Why the follows of one of the populations can't be shared out, of several refusals that which leaves room for the
    fewest; and the people that a fan of each stands for.
    """
    roster, graph = loaded.roster, loaded.graph
    people: dict[int, float] = {}
    if graph is not None:
        own = addresses_of(roster, graph, len(names_at_start(scenario, roster, graph)), Key(0, 0))
        real = real_followers(scenario, roster, graph, own)  # the key has no say
        return None, dict.fromkeys(numbers, people_per_fan(scenario, real, graph.in_degrees()))
    refused: dict[int, Refusal] = {}
    of_vertical = rooms(scenario)
    differ = _followers_differ(loaded, scenario)
    for number in numbers if differ else range(1):
        accounts = accounts_at_start(scenario, roster, Key(scenario.seed, number))
        followers = shared_out(scenario, accounts, of_vertical)
        if isinstance(followers, Refusal):
            refused[number] = followers
        else:
            people[number] = people_per_fan(scenario, accounts.real, followers)
    if not refused:
        return None, people if differ else dict.fromkeys(numbers, people[0])
    number = min(refused, key=lambda number: refused[number].most or 0.0)
    wrong = refused[number].wrong
    if people or any(refusal.wrong != wrong for refusal in refused.values()):
        wrong = wrong._replace(rule=f"{wrong.rule} in replication {number}")
    return wrong, people


def _followers_differ(loaded: Loaded, scenario: Scenario) -> bool:
    """Whether populations differ in the followers of their accounts, or in the fans who can follow these."""
    roster = loaded.roster
    if roster is None or roster.followers is None:
        return True
    is_drawn = roster.vertical is None or None in roster.vertical
    return is_drawn and any(segment.interests for segment in scenario.segments.values())


def _uncountable(loaded: Loaded, scenario: Scenario, people: dict[int, float]) -> list[Finding]:
    """What clicks bring and accounts cost that can't be counted, in an arm from its start and in its phases, once."""
    if not people:
        return []
    settings = scenario.influencers
    drawn = {key: getattr(settings, key) for key in LIMITS} if loaded.roster is None else {}
    bound = Largest(
        max(people.values()), **{key: _most(drawn[key], limit) if drawn else limit for key, limit in LIMITS.items()}
    )
    later = zip(scenario.phases, phase_scenarios(scenario), strict=True)
    in_force = [((), scenario), *((("phases", name), phase) for name, (_, phase) in later)]
    found: list[Finding] = []
    seen: set[Finding] = set()
    before = None
    for above, settled in in_force:
        read = (settled.services, settled.surfaces, settled.segments, settled.economy)
        if read == before:
            continue
        before = read
        if not countable_findings(settled, bound):
            continue
        for number, per_fan in people.items():
            new = countable_findings(settled, _largest(loaded, scenario, number, per_fan))
            found += [finding._replace(path=(*above, *finding.path)) for finding in new if finding not in seen]
            seen.update(new)
            if new:
                break
    return found


def _most(distribution: Distribution, limit: float) -> float:
    """A number that no value of a distribution exceeds, nor the limit."""
    match distribution:
        case Constant(value=most) | Uniform(high=most):
            return min(most, limit)
        case _:
            return min(distribution.max, limit)


def _largest(loaded: Loaded, scenario: Scenario, number: int, per_fan: float) -> Largest:
    """What a population has at most."""
    roster, key = loaded.roster, Key(scenario.seed, number)
    n = len(names_at_start(scenario, roster, loaded.graph)) + scenario.n_newcomers
    own = addresses_of(roster, loaded.graph, n, key)
    columns = (
        conversion_probs(scenario, roster, unit_draws(Lane.CONVERSION_PROB, *own)),
        order_values(scenario, roster, unit_draws(Lane.ORDER_VALUE, *own)),
        posting_rates(scenario, roster, unit_draws(Lane.POSTS_PER_DAY, *own)),
        live_hours(scenario, roster, unit_draws(Lane.LIVE_HOURS, *own)),
    )
    return Largest(per_fan, *(float(column.max()) for column in columns))
