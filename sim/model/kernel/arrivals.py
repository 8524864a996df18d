"""Stages 0 and 1 of the kernel: fans that have a session now, and the surface of each; knows arrays only."""

from __future__ import annotations

import numpy as np

from sim.model.kernel.choice import staged
from sim.model.kernel.compiled_code import njit
from sim.model.kernel.draws import address, exponential_gap, philox
from sim.model.kernel.follow_lists import most_growth
from sim.model.layout import NO_SESSION
from sim.streams import Lane

ARRIVAL, SESSION = np.uint64(Lane.ARRIVAL), np.uint64(Lane.SESSION)
ZERO = np.uint64(0)
HOUR, DAY_HOURS = 3600, 24
CERTAIN = 1 << 32


@njit(cache=True, nogil=True, _nrt=False, no_cfunc_wrapper=True)
def arrivals(joined, first_id, key, own, mean_gap, next_time):
    """Each fan's first session after joining, in lane ARRIVAL.

    Changes ``next_time``, shape (F,) [s after the start of the run].
    """
    for f in range(mean_gap.size):
        entity, seed, replication = address(own, f, first_id, key)
        a, b, _, _ = philox(entity, ZERO, ZERO, ARRIVAL, seed, replication)
        next_time[f] = min(joined[f] + exponential_gap(a, b, mean_gap[f]), NO_SESSION)


@staged
def gather(f, last, until, next_time, n_due, due):
    """Fans with a session before ``until``: those of the last group that still have one, then more from ``f`` on.

    Returns their number, and the fan to go on from. Changes ``due``, shape (N,) [fans of the chunk, in order].
    """
    n = 0
    for j in range(n_due):
        due[n] = due[j]
        n += next_time[due[j]] < until
    while n < due.size and f < last:
        due[n] = f
        n += next_time[f] < until
        f += 1
    return n, f


@njit(cache=True, nogil=True, _nrt=False, no_cfunc_wrapper=True)
def affordable(n, due, length, room, n_slots, n_places):
    """How many of the fans due can follow all accounts of a page within this number of places in the arena."""
    for j in range(n):
        n_places -= most_growth(length[due[j]], room[due[j]], n_slots)
        if n_places < 0:
            return j
    return n


@staged
def is_thinned(keep):
    """Whether there is an hour at which not all sessions take place."""
    for segment in range(keep.shape[0]):
        for hour in range(DAY_HOURS):
            if keep[segment, hour] < CERTAIN:
                return True
    return False


@staged
def open_surfaces(n, first_id, thins, key, own, visits, keep, fans, due, begin, sessions):
    """Draw the sessions of the first n fans due, put those that take place (all, unless ``thins``) in order of surface,
    and set their fans' next session.

    Changes ``fans.event`` and ``fans.next_time``, shape (F,) [sessions; s after the start of the run]; ``sessions``,
    shapes (N,); ``begin``, shape (S + 2,) [place of a surface's first session]; and ``due`` as scratch.
    """
    who, words, surface, n_surfaces = due.fan, due.words, due.surface, visits.shape[1]
    ids, events, means, gaps = due.id, due.event, due.mean_gap, due.gap
    for j in range(n):
        ids[j] = first_id + who[j]
        events[j], means[j] = fans.event[who[j]], fans.mean_gap[who[j]]
    if own.entity.size == 0:
        for j in range(n):
            a, b, c, d = philox(np.uint64(ids[j]), np.uint64(events[j]), ZERO, SESSION, key[0], key[1])
            words[0, j], words[1, j], words[2, j], words[3, j] = a, b, c, d
    else:
        for j in range(n):
            entity, seed, replication = address(own, who[j], first_id, key)
            ids[j] = entity
            a, b, c, d = philox(entity, np.uint64(events[j]), ZERO, SESSION, seed, replication)
            words[0, j], words[1, j], words[2, j], words[3, j] = a, b, c, d
    for j in range(n):
        gaps[j] = exponential_gap(np.uint64(words[2, j]), np.uint64(words[3, j]), means[j])
    for s in range(begin.size):
        begin[s] = 0
    for j in range(n):
        segment = fans.segment[who[j]]
        opened = 0
        for s in range(n_surfaces - 1):
            opened += np.int64(words[0, j]) >= visits[segment, s]
        if thins:
            hour = np.int64(fans.next_time[who[j]]) // HOUR % DAY_HOURS
            if np.int64(words[1, j]) >= keep[segment, hour]:
                opened = n_surfaces
        surface[j] = opened
        begin[opened + 1] += 1
    for s in range(n_surfaces):
        begin[s + 1] += begin[s]
    for j in range(n):
        f, place = who[j], begin[surface[j]]
        begin[surface[j]] += 1
        sessions.fan[place], sessions.id[place], sessions.event[place] = f, ids[j], events[j]
        sessions.segment[place], sessions.time[place] = fans.segment[f], fans.next_time[f]
        fans.event[f] += np.uint32(1)
        fans.next_time[f] = min(np.int64(fans.next_time[f]) + gaps[j], NO_SESSION)
    if own.entity.size > 0:
        for place in range(n):
            f = sessions.fan[place]
            sessions.seed[place], sessions.replication[place] = own.key[f, 0], own.key[f, 1]
    for s in range(n_surfaces, 0, -1):
        begin[s] = begin[s - 1]
    begin[0] = 0
