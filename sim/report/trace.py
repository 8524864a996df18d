"""A trace as rows and in words: one line a slot, or a line for each month and surface; the same for either engine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len

from sim.calendar import DAY, snapshot_times
from sim.experiment.unit_trace import Look
from sim.model.layout import ID_MASK, BlockLists, Counter, Response, SlotSource
from sim.model.world.follow_blocks import follows_of

__all__ = ["FanTrace", "InfluencerTrace", "fan_lines", "fan_trace", "influencer_lines", "influencer_trace"]

RESPONSES = (
    (Response.READ, "read"),
    (Response.CLICKED, "clicked"),
    (Response.UNFOLLOWED, "unfollowed"),
    (Response.FOLLOWED, "followed"),
)
WHY = {
    "feed": "followed by the fan",
    "organic": "organic",
    "explored": "exploration",
    "instead_of_support": "organic, the support list being exhausted",
    "custom": "custom product",
}
NAME_WIDTH = 16
"""Of surfaces [columns of a terminal]."""
TRACED_COUNTERS = (Counter.EXPOSURE, Counter.RESERVED, Counter.READS, Counter.CLICKS, Counter.FOLLOWS, Counter.ORDERS)


@dataclass(frozen=True)
class Slot:
    """A slot of a page."""

    slot: int
    """From 1."""
    reserved: bool
    influencer: str | None
    """None: empty, and so are the next two."""
    vertical: str | None
    source: str | None
    """``feed``, ``organic``, ``support``, ``explored``, ``instead_of_support``, ``custom``."""
    responses: tuple[str, ...]
    """What the fan did: ``read``, ``clicked``, ``unfollowed``, ``followed``, ``refused``, ``tipped``."""
    n_orders: int
    """Real orders."""


@dataclass(frozen=True)
class Session:
    """A session of a fan."""

    session: int
    """From 0; those that the hour thinned out are counted."""
    time_seconds: int
    """After the start of day 0, negative in the warm-up."""
    surface: str
    slots: tuple[Slot, ...]


@dataclass(frozen=True)
class FanTrace:
    """All sessions of a fan in an arm and replication."""

    scenario: str
    arm: str
    replication: int
    fan: int
    segment: str
    policy: str
    """Of support."""
    follows_start: tuple[str, ...]
    sessions: tuple[Session, ...]
    follows_end: tuple[str, ...]


@dataclass(frozen=True)
class PeriodCounts:
    """Counts of an influencer on a surface between two snapshots; simulated fans, but real orders."""

    start_days: int
    end_days: int
    surface: str | None
    """None: all."""
    exposure: int
    exposure_reserved: int
    reads: int
    clicks: int
    follows: int
    orders: int


@dataclass(frozen=True)
class InfluencerTrace:
    """Where an influencer's exposure came from in an arm and replication."""

    scenario: str
    arm: str
    replication: int
    influencer: str
    vertical: str
    agency: str | None
    """At day 0; None: independent."""
    quality: float
    followers_start: int
    """At day 0 [simulated fans]."""
    rows: tuple[PeriodCounts, ...]
    """For each 30 days and surface on which it was shown."""
    total: PeriodCounts
    """Over all surfaces, from the start of the warm-up to the end."""


def fan_trace(look: Look) -> FanTrace:
    """A fan's sessions as rows."""
    outcome = look.outcome
    population = outcome.population
    surfaces = list(look.scenario.surfaces)
    sessions: dict[int, tuple[int, str, list[Slot]]] = {}
    for time, event, surface, slot, influencer, source, responses, orders in outcome.trace.tolist():
        found = _slot(look, slot, influencer, SlotSource(source), Response(responses), orders)
        sessions.setdefault(event, (time, surfaces[surface], []))[2].append(found)
    return FanTrace(
        scenario=look.scenario.name,
        arm=look.unit.arm,
        replication=look.unit.replication,
        fan=look.number,
        segment=population.segments[population.segment[look.subject]],
        policy=look.scenario.support.policy,
        follows_start=_follows(look, population.lists),
        sessions=tuple(
            Session(event, time, surface, tuple(slots)) for event, (time, surface, slots) in sessions.items()
        ),
        follows_end=_follows(look, outcome.lists),
    )


def _follows(look: Look, lists: Sequence[BlockLists]) -> tuple[str, ...]:
    names = look.outcome.population.influencers
    return tuple(names[entry & ID_MASK] for entry in follows_of(look.subject, lists).tolist())


def _slot(look: Look, slot: int, influencer: int, source: SlotSource, responses: Response, orders: int) -> Slot:
    reserved = Response.RESERVED in responses
    if influencer < 0:
        return Slot(slot + 1, reserved, None, None, None, (), 0)
    population = look.outcome.population
    done = [word for response, word in RESPONSES if response in responses]
    done += [
        response.name.lower()
        for response in (Response.REFUSED, Response.TIPPED)
        if response in responses and response.name
    ]
    return Slot(
        slot=slot + 1,
        reserved=reserved,
        influencer=population.influencers[influencer],
        vertical=population.verticals[look.outcome.accounts.vertical[influencer]],
        source=source.name.lower(),
        responses=tuple(done),
        n_orders=orders,
    )


def influencer_trace(look: Look) -> InfluencerTrace:
    """Where an influencer's exposure came from, as rows."""
    outcome = look.outcome
    population = outcome.population
    i = look.subject
    agency = population.agency[i]
    times = sorted({-look.scenario.warmup_days * DAY, *snapshot_times(look.scenario.horizon_days)})
    kept = outcome.history.surfaces
    return InfluencerTrace(
        scenario=look.scenario.name,
        arm=look.unit.arm,
        replication=look.unit.replication,
        influencer=population.influencers[i],
        vertical=population.verticals[outcome.accounts.vertical[i]],
        agency=population.agencies[agency] if agency >= 0 else None,
        quality=float(population.quality[i]),
        followers_start=int(outcome.followers(0)[i]),
        rows=tuple(
            _row(start, end, name, counts)
            for start, end in pairwise(times)
            for name, counts in zip(look.scenario.surfaces, kept[end] - kept[start], strict=True)
            if np.any(counts)
        ),
        total=_row(times[0], times[-1], None, kept[times[-1]].sum(axis=0)),
    )


def _row(start: int, end: int, surface: str | None, counts: NDArray[np.int64]) -> PeriodCounts:
    return PeriodCounts(start // DAY, end // DAY, surface, *(int(counts[counter]) for counter in TRACED_COUNTERS))


def _heading(trace: FanTrace | InfluencerTrace) -> str:
    return f"{trace.scenario}, arm {trace.arm}, replication {trace.replication}"


def _clock(time: int) -> str:
    """Day and time of day.

    >>> _clock(90061), _clock(-1)
    ('day 1 01:01:01', 'day -1 23:59:59')
    """
    seconds = time % DAY
    return f"day {time // DAY} {seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def fan_lines(trace: FanTrace) -> Iterator[str]:
    """A fan's sessions: time, surface, and for each slot the influencer, why it was shown, and what the fan did."""
    yield _heading(trace)
    follows = ", ".join(trace.follows_start) or "none"
    yield f"fan {trace.fan}, segment {trace.segment}, follows at the start: {follows}"
    for session in trace.sessions:
        yield f"{_clock(session.time_seconds)} {session.surface}, session {session.session}"
        for slot in session.slots:
            yield f"  {slot.slot:3} {_slot_text(slot, trace.policy)}"
    yield f"follows at the end: {', '.join(trace.follows_end) or 'none'}"


def _slot_text(slot: Slot, policy: str) -> str:
    """A slot's influencer, why it was shown, and what happened."""
    reserved = "reserved, " if slot.reserved else ""
    if slot.influencer is None or slot.source is None:
        return f"({reserved}empty)"
    why = f"support, {policy}" if slot.source == "support" else WHY[slot.source]
    done = ["follow refused" if response == "refused" else response for response in slot.responses]
    if slot.n_orders:
        done.insert(len(done) - ("tipped" in done), f"{slot.n_orders} order{'s' * (slot.n_orders != 1)}")
    return f"{slot.influencer} ({slot.vertical}): {reserved}{why}; {', '.join(done) or 'not examined'}"


def influencer_lines(trace: InfluencerTrace) -> Iterator[str]:
    """Where an influencer's exposure came from: simulated counts for each 30 days and surface."""
    yield _heading(trace)
    agency = trace.agency or "independent"
    yield f"influencer {trace.influencer}, {trace.vertical}, {agency}, quality {trace.quality:.3f}"
    yield f"{trace.followers_start} followers at day 0 [simulated fans]"
    yield (
        f"{'days':>11} {'surface':<{NAME_WIDTH}} {'shown':>8} {'reserved':>8} {'read':>7} {'clicked':>7} "
        f"{'followed':>8} {'orders':>8}"
    )
    for row in trace.rows:
        yield from _row_lines(f"{row.start_days:>5}-{row.end_days:<5}", row)
    yield from _row_lines(f"{'in all':>11}", trace.total)


def _row_lines(days: str, row: PeriodCounts) -> Iterator[str]:
    """One line, or two where the surface has a long name."""
    counts = f"{row.exposure:8} {row.exposure_reserved:8} {row.reads:7} {row.clicks:7} {row.follows:8} {row.orders:8}"
    surface = row.surface or ""
    space = NAME_WIDTH - cell_len(surface)
    if space < 0:
        yield f"{days} {surface}"
        yield f"{'':{len(days) + 1 + NAME_WIDTH}} {counts}"
    else:
        yield f"{days} {surface}{'':{space}} {counts}"
