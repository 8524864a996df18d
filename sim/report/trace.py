"""A trace in words: one line a slot, or a line for each month and surface; the same text for either engine."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from sim.experiment.unit_trace import Look
from sim.model.clock import DAY, snapshot_times
from sim.model.frozen import Counter, Deed, Source

__all__ = ["fan_lines", "influencer_lines"]

DEEDS = ((Deed.READ, "read"), (Deed.CLICKED, "clicked"), (Deed.UNFOLLOWED, "unfollowed"), (Deed.FOLLOWED, "followed"))


def _heading(look: Look) -> str:
    return f"{look.scenario.name}, arm {look.arm}, replication {look.replication}"


def _clock(time: int) -> str:
    """Day and time of day.

    >>> _clock(90061), _clock(-1)
    ('day 1 01:01:01', 'day -1 23:59:59')
    """
    seconds = time % DAY
    return f"day {time // DAY} {seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def fan_lines(look: Look) -> Iterator[str]:
    """A fan's sessions: time, surface, and for each slot who stood there, why, and what the fan did."""
    outcome = look.outcome
    population = outcome.population
    begin, members = population.begin, population.members
    follows = [population.influencers[i] for i in members[begin[look.subject] : begin[look.subject + 1]]]
    yield _heading(look)
    segment = population.segments[population.segment[look.subject]]
    yield f"fan {look.subject}, segment {segment}, follows at the start: {', '.join(follows) or 'nobody'}"
    surfaces = list(look.scenario.surfaces)
    session = None
    for row in outcome.trace.tolist():
        time, event, surface, slot, influencer, source, deeds, orders = row
        if event != session:
            session = event
            yield f"{_clock(time)} {surfaces[surface]}, session {event}"
        yield f"  {slot + 1:3} {_slot(look, influencer, Source(source), Deed(deeds), orders)}"
    begin, members = outcome.follow_lists
    follows = [population.influencers[i] for i in members[begin[look.subject] : begin[look.subject + 1]]]
    yield f"follows at the end: {', '.join(follows) or 'nobody'}"


def _slot(look: Look, influencer: int, source: Source, deeds: Deed, orders: int) -> str:
    """Who stood in a slot, why, and what happened."""
    reserved = "reserved, " if Deed.RESERVED in deeds else ""
    if influencer < 0:
        return f"({reserved}empty)"
    population = look.outcome.population
    who = f"{population.influencers[influencer]} ({population.verticals[look.outcome.accounts.vertical[influencer]]})"
    why = {
        Source.FEED: "followed by the fan",
        Source.ORGANIC: "organic",
        Source.SUPPORT: f"support, {look.scenario.support.policy}",
        Source.EXPLORED: "exploration",
        Source.INSTEAD_OF_SUPPORT: "organic, the support list being exhausted",
        Source.CUSTOM: "custom product",
    }[source]
    done = [word for deed, word in DEEDS if deed in deeds]
    if Deed.REFUSED in deeds:
        done.append("follow refused")
    if orders:
        done.append(f"{orders} orders")
    if Deed.TIPPED in deeds:
        done.append("tipped")
    return f"{who}: {reserved}{why}; {', '.join(done) or 'not examined'}"


def influencer_lines(look: Look) -> Iterator[str]:
    """Where an influencer's exposure came from: simulated counts for each 30 days and surface."""
    outcome = look.outcome
    population = outcome.population
    i = look.subject
    yield _heading(look)
    agency = population.agency[i]
    contract = population.agencies[agency] if agency >= 0 else "independent"
    vertical = population.verticals[outcome.accounts.vertical[i]]
    yield f"influencer {population.influencers[i]}, {vertical}, {contract}, quality {population.quality[i]:.3f}"
    yield f"{outcome.followers(0)[i]} followers at day 0 [simulated fans]"
    yield (
        f"{'days':>11} {'surface':<16} {'shown':>8} {'reserved':>8} {'read':>7} {'clicked':>7} {'followed':>8} "
        f"{'orders':>8}"
    )
    times = sorted({-look.scenario.warmup_days * DAY, *snapshot_times(look.scenario.horizon_days)})
    kept = outcome.books.surfaces
    for start, end in pairwise(times):
        counts = kept[end] - kept[start]
        for surface, name in enumerate(look.scenario.surfaces):
            c = counts[surface]
            if np.any(c):
                yield (
                    f"{start // DAY:>5}-{end // DAY:<5} {name:<16} {c[Counter.EXPOSURE]:8} {c[Counter.RESERVED]:8} "
                    f"{c[Counter.READS]:7} {c[Counter.CLICKS]:7} {c[Counter.FOLLOWS]:8} {c[Counter.ORDERS]:8}"
                )
    total = kept[times[-1]].sum(axis=0)
    yield (
        f"{'in all':>11} {'':<16} {total[Counter.EXPOSURE]:8} {total[Counter.RESERVED]:8} {total[Counter.READS]:7} "
        f"{total[Counter.CLICKS]:7} {total[Counter.FOLLOWS]:8} {total[Counter.ORDERS]:8}"
    )
