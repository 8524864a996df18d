"""A group of sessions that goes through the stages of the kernel together, each of another fan: scratch arrays only."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.model.layout import Tables
from sim.types import Floats, Int8s, Int32s, Int64s

__all__ = ["Group", "new_group"]

MOST_SESSIONS = 512
MOST_SLOTS = 8192
"""Slots of a group: what is known of them has to stay in the processor's nearer caches."""
FEWEST_SESSIONS = 32

Words = NDArray[np.uint32]


class Due(NamedTuple):
    """Fans that have a session, and the sessions that they open, in order of fans."""

    fan: Int32s
    """(N,): of the chunk."""
    id: Words
    """(N,): entity of its draws."""
    event: Words
    """(N,)"""
    mean_gap: Floats
    """(N,): mean time between a fan's sessions [s]."""
    gap: Int64s
    """(N,): time to its next session [s]."""
    surface: Int32s
    """(N,): surface that each of them opens, S: none."""
    words: Words
    """(4, N): their SESSION blocks."""


class Sessions(NamedTuple):
    """The sessions that take place, in order of surface; or those of one surface."""

    fan: Int32s
    """(N,): of the chunk."""
    id: Words
    """(N,): entity of its fan's draws."""
    event: Words
    """(N,)"""
    segment: Int32s
    """(N,)"""
    time: NDArray[np.uint32]
    """(N,): after the start of the run [s]."""
    seed: Words
    """(N,): first word of the key of its fan's draws; (0,) where all have the run's."""
    replication: Words
    """As ``seed``, the second word."""


class Slots(NamedTuple):
    """The slots of one surface's pages."""

    words: Words
    """(4, K, N): SLOT blocks, attempt 0."""
    chosen: Int32s
    """(K, N): influencer in a slot; below 0: none."""
    source: Int8s
    """(K, N)"""
    row: NDArray[np.uint64]
    """(N,): where the alias table of a session's organic slots begins."""
    bucket: Words
    """(N,): bucket of an alias table for one of the slots."""
    entry: NDArray[np.uint64]
    """(N,): entry of the bucket."""


class PageMarks(NamedTuple):
    """Who is on a page already."""

    seen: Int32s
    """(M,): number of the last page that an influencer was on."""
    page: Int64s
    """(1,): number of the last page."""
    apart: Words
    """(N,): 0 where a page has to be looked at slot by slot."""


class Followed(NamedTuple):
    """One fan's follow list, to draw a feed's slots from."""

    prefix: Int64s
    """(M,): prefix sums of the weights."""
    candidates: Int32s
    """(M,): who is on it."""
    draw: Int64s
    """(K,): draws below the last of the prefix sums."""
    place: Int64s
    """(K,): where they fall."""


class Reads(NamedTuple):
    """The slots of one surface's pages that are examined."""

    at: Words
    """(R,): slot and session, ``k * N + s``; N is a power of two."""
    session: Words
    """(R,): counted from the first of the surface."""
    slot: Words
    """(R,)"""
    who: Words
    """(R,): influencer."""
    responses: NDArray[np.int16]
    """(R,)"""
    orders: Int64s
    """(R,): valid where there was a click."""
    id: Words
    """(R,)"""
    event: Words
    """(R,)"""
    words: Words
    """(4, R): ACTION blocks."""
    coin: Words
    """(R,): word 0 of UNFOLLOW blocks."""
    clicks: Words
    """(R,): reads that are clicked."""
    acts: Words
    """(R,): reads that may change a follow list."""


class Group(NamedTuple):
    """Axes: N sessions; K slots of a page; R reads; M influencers; S surfaces."""

    due: Due
    begin: Int32s
    """(S + 2,): where the sessions of a surface begin."""
    sessions: Sessions
    slots: Slots
    places: PageMarks
    followed: Followed
    reads: Reads


def new_group(tables: Tables, *, own_keys: bool) -> Group:
    """Room for a group of sessions that read such tables, of fans who have keys of their own or not."""
    n_slots = int(tables.slots.max())
    n = MOST_SESSIONS
    while n * n_slots > MOST_SLOTS and n > FEWEST_SESSIONS:
        n //= 2
    n_influencers, n_surfaces = tables.vertical.size, tables.is_feed.size
    page, reads = (n_slots, n), n_slots * n
    return Group(
        due=Due(
            fan=np.zeros(n, np.int32),
            id=np.zeros(n, np.uint32),
            event=np.zeros(n, np.uint32),
            mean_gap=np.zeros(n),
            gap=np.zeros(n, np.int64),
            surface=np.zeros(n, np.int32),
            words=np.zeros((4, n), np.uint32),
        ),
        begin=np.zeros(n_surfaces + 2, np.int32),
        sessions=_new_sessions(n, n if own_keys else 0),
        slots=Slots(
            words=np.zeros((4, *page), np.uint32),
            chosen=np.zeros(page, np.int32),
            source=np.zeros(page, np.int8),
            row=np.zeros(n, np.uint64),
            bucket=np.zeros(n, np.uint32),
            entry=np.zeros(n, np.uint64),
        ),
        places=PageMarks(
            seen=np.zeros(n_influencers, np.int32),
            page=np.zeros(1, np.int64),
            apart=np.zeros(n, np.uint32),
        ),
        followed=Followed(
            prefix=np.zeros(n_influencers, np.int64),
            candidates=np.zeros(n_influencers, np.int32),
            draw=np.zeros(n_slots, np.int64),
            place=np.zeros(n_slots, np.int64),
        ),
        reads=Reads(
            at=np.zeros(reads, np.uint32),
            session=np.zeros(reads, np.uint32),
            slot=np.zeros(reads, np.uint32),
            who=np.zeros(reads, np.uint32),
            responses=np.zeros(reads, np.int16),
            orders=np.zeros(reads, np.int64),
            id=np.zeros(reads, np.uint32),
            event=np.zeros(reads, np.uint32),
            words=np.zeros((4, reads), np.uint32),
            coin=np.zeros(reads, np.uint32),
            clicks=np.zeros(reads, np.uint32),
            acts=np.zeros(reads, np.uint32),
        ),
    )


def _new_sessions(n: int, n_keys: int) -> Sessions:
    """Room for n sessions, and for as many keys as are their fans' own."""
    return Sessions(
        fan=np.zeros(n, np.int32),
        id=np.zeros(n, np.uint32),
        event=np.zeros(n, np.uint32),
        segment=np.zeros(n, np.int32),
        time=np.zeros(n, np.uint32),
        seed=np.zeros(n_keys, np.uint32),
        replication=np.zeros(n_keys, np.uint32),
    )
