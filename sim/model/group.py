"""A group of sessions that goes through the stages of the kernel together, each of another fan: scratch arrays only."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.model.frozen import Tables

__all__ = ["Group", "new_group"]

MOST_SESSIONS = 512
MOST_SLOTS = 8192
"""Slots of a group: what is known of them has to stay in the processor's nearer caches."""
FEWEST_SESSIONS = 32

Words = NDArray[np.uint32]
Int64s = NDArray[np.int64]
Int32s = NDArray[np.int32]
Int8s = NDArray[np.int8]


class Group(NamedTuple):
    """Axes: N sessions, in order of surface; K slots of a page; R reads."""

    due: Int32s
    """(N,): fans of the chunk that have a session, in order."""
    due_id: Words
    """(N,)"""
    due_event: Words
    """(N,)"""
    mean_gap: NDArray[np.float64]
    """(N,): mean time between a fan's sessions [s]."""
    gap: Int64s
    """(N,): time to its next session [s]."""
    surface: Int32s
    """(N,): surface that each of them opens, S: none."""
    begin: Int32s
    """(S + 2,): where the sessions of a surface begin."""
    words: Words
    """(4, N): their SESSION blocks."""
    fan: Int32s
    """(N,): of the chunk; from here on sessions are in order of surface."""
    id: Words
    """(N,)"""
    event: Words
    """(N,)"""
    segment: Int32s
    """(N,)"""
    time: NDArray[np.uint32]
    """(N,): after the start of the run [s]."""
    row: NDArray[np.uint64]
    """(N,): where the alias table of its organic slots begins."""
    bucket: Words
    """(N,): bucket of an alias table for one of the slots."""
    entry: NDArray[np.uint64]
    """(N,): what the bucket holds."""
    slot_words: Words
    """(4, K, N): SLOT blocks, attempt 0."""
    chosen: Int32s
    """(K, N): influencer in a slot; below 0: none."""
    source: Int8s
    """(K, N)"""
    read_at: Words
    """(R,): slot and session, ``k * N + s``; N is a power of two."""
    read_session: Words
    """(R,): counted from the first of the surface."""
    read_slot: Words
    """(R,)"""
    read_who: Words
    """(R,): influencer."""
    read_deeds: NDArray[np.int16]
    """(R,)"""
    read_orders: Int64s
    """(R,): valid where there was a click."""
    read_id: Words
    """(R,)"""
    read_event: Words
    """(R,)"""
    read_words: Words
    """(4, R): ACTION blocks."""
    read_coin: Words
    """(R,): word 0 of UNFOLLOW blocks."""
    clicks: Words
    """(R,): reads that are clicked."""
    acts: Words
    """(R,): reads that may change a follow list."""
    seen: Int32s
    """(M,): the last page that an influencer stood on."""
    page: Int64s
    """(1,): number of the last page."""
    apart: Words
    """(N,): 0 where a page has to be looked at slot by slot."""
    prefix: Int64s
    """(M,): prefix sums of a follow list's weights."""
    candidates: Int32s
    """(M,): who stands on it."""
    draw: Int64s
    """(K,): draws below the last of the prefix sums."""
    place: Int64s
    """(K,): where they fall."""


def new_group(tables: Tables) -> Group:
    """Room for a group of sessions that read such tables."""
    n_slots = int(tables.slots.max())
    n = MOST_SESSIONS
    while n * n_slots > MOST_SLOTS and n > FEWEST_SESSIONS:
        n //= 2
    n_influencers, n_surfaces = tables.vertical.size, tables.is_feed.size
    page, reads = (n_slots, n), n_slots * n
    return Group(
        due=np.zeros(n, np.int32),
        due_id=np.zeros(n, np.uint32),
        due_event=np.zeros(n, np.uint32),
        mean_gap=np.zeros(n),
        gap=np.zeros(n, np.int64),
        surface=np.zeros(n, np.int32),
        begin=np.zeros(n_surfaces + 2, np.int32),
        words=np.zeros((4, n), np.uint32),
        fan=np.zeros(n, np.int32),
        id=np.zeros(n, np.uint32),
        event=np.zeros(n, np.uint32),
        segment=np.zeros(n, np.int32),
        time=np.zeros(n, np.uint32),
        row=np.zeros(n, np.uint64),
        bucket=np.zeros(n, np.uint32),
        entry=np.zeros(n, np.uint64),
        slot_words=np.zeros((4, *page), np.uint32),
        chosen=np.zeros(page, np.int32),
        source=np.zeros(page, np.int8),
        read_at=np.zeros(reads, np.uint32),
        read_session=np.zeros(reads, np.uint32),
        read_slot=np.zeros(reads, np.uint32),
        read_who=np.zeros(reads, np.uint32),
        read_deeds=np.zeros(reads, np.int16),
        read_orders=np.zeros(reads, np.int64),
        read_id=np.zeros(reads, np.uint32),
        read_event=np.zeros(reads, np.uint32),
        read_words=np.zeros((4, reads), np.uint32),
        read_coin=np.zeros(reads, np.uint32),
        clicks=np.zeros(reads, np.uint32),
        acts=np.zeros(reads, np.uint32),
        seen=np.zeros(n_influencers, np.int32),
        page=np.zeros(1, np.int64),
        apart=np.zeros(n, np.uint32),
        prefix=np.zeros(n_influencers, np.int64),
        candidates=np.zeros(n_influencers, np.int32),
        draw=np.zeros(n_slots, np.int64),
        place=np.zeros(n_slots, np.int64),
    )
