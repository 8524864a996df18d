"""Sessions, compiled: the stages that groups of sessions go through; knows arrays and scalars only.

``session.py`` is its readable twin and the specification; both must give the same bits. Sessions of different fans
don't depend on each other between two control events, so a group holds one session of each of some hundred fans and
goes through one stage after the other, each a plain loop that the compiler can do several steps of at a time:

===== ================================== ============================================================
stage function                           what it does
===== ================================== ============================================================
0     ``openings.gather``                fans that have a session before the end of the interval
1     ``openings.open_surfaces``         SESSION blocks: surface, next session; sessions in order of surface
2     ``pages.draw_words``               SLOT blocks of all slots of a surface
3     ``pages.choose``, ``pages.settle`` who stands in a slot, first alone, then beside the rest of the page
\\     ``pages.fill_feeds``               the same for feeds
4     ``pages.show``                     impressions
5     ``deeds.examine``                  which slots are examined
6     ``deeds.read``                     ACTION and UNFOLLOW blocks, reads, clicks
7     ``deeds.change_lists``             unfollows and follows, in order
8     ``deeds.spend``                    clicks, visits to shops, orders and tips
9     ``_write_trace``                   the traced fan's slots
===== ================================== ============================================================

Stages 2 to 9 are run for one surface after the other. A fan's next session is in a later group.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from sim.model.deeds import change_lists, examine, read, spend
from sim.model.frozen import Deed
from sim.model.openings import affordable, gather, is_thinned, open_surfaces
from sim.model.pages import choose, draw_words, fill_feeds, settle, show

IN_RESERVED, CLICKED = int(Deed.RESERVED), int(Deed.CLICKED)


@njit(cache=True, nogil=True, _nrt=False)
def sessions(
    first,
    last,
    least,
    first_id,
    start,
    until,
    traced,
    key,
    tables,
    fans,
    arena,
    free,
    counts,
    reads,
    totals,
    group,
    trace,
    trace_length,
):
    """Run all sessions before ``until`` of the fans ``first <= f < last`` of a chunk; each fan's in order of time.

    Parameters
    ----------
    first, last, first_id
        Fans of the chunk to run, and the id of fan 0 of the chunk.
    least
        Sessions for which there should be room at a time, 1 or more.
    start, until
        Start of the run [s], and end of the interval, exclusive [s after the start].
    traced
        Fan of the chunk whose slots are written down, -1: none.
    key
        (seed, replication), uint64.
    tables
        ``frozen.Tables``. Read only.
    fans
        ``frozen.Fans`` of the chunk. Changed.
    arena, free
        Follow lists, int32, and its free places, int64, as ``lists`` keeps them. Changed.
    counts, reads, totals
        Shapes (S, 10, M), (G, M) and (S, 7), int64; added to.
    group
        ``group.Group``. Changed.
    trace, trace_length
        Slots of the traced fan, int64 (n, 8), as ``frozen.TRACE`` names them, and how many there are, (1,). Changed.

    Returns
    -------
    int
        ``last``, or a fan at which the arena or the trace may have too little room: nothing of its next session is done
        yet; make room and call again from there.
    """
    thins = is_thinned(tables.keep)
    most_slots = group.chosen.shape[0]
    f, n_due = first, 0
    while True:
        n_due, f = gather(f, last, until, fans.next_time, n_due, group.due)
        if n_due == 0:
            return last
        n = affordable(n_due, group.due, fans.length, fans.room, most_slots, arena.size - free[0])
        if n < min(n_due, least) or (traced >= 0 and trace_length[0] + most_slots > trace.shape[0]):
            return np.int64(group.due[0])
        open_surfaces(n, first_id, thins, key, tables, fans, group)
        for surface in range(tables.is_feed.size):
            a, b = np.int64(group.begin[surface]), np.int64(group.begin[surface + 1])
            n_slots = np.int64(tables.slots[surface])
            if a == b:
                continue
            draw_words(a, b, n_slots, key, group)
            if tables.is_feed[surface]:
                fill_feeds(a, b, n_slots, surface, key, tables, fans, arena, group)
            else:
                choose(a, b, n_slots, surface, tables, group)
                settle(a, b, n_slots, surface, key, tables, group, totals)
            reserved, ordinary, coins = tables.reserved[surface], tables.ordinary[surface], group.slot_words[2]
            show(b - a, n_slots, reserved, ordinary, group.chosen, coins, counts[surface], totals[surface])
            n_reads = examine(a, b, n_slots, surface, key, tables, group)
            n_clicks, n_acts = read(a, b, n_reads, surface, key, tables, group, counts, reads)
            change_lists(a, n_acts, surface, tables, fans, arena, free, group, counts)
            spend(a, n_clicks, surface, tables, group, counts)
            if traced >= 0:
                _write_trace(a, b, n_slots, surface, start, traced, n_reads, tables, group, trace, trace_length)


@njit(cache=True, nogil=True, _nrt=False)
def _write_trace(a, b, n_slots, surface, start, traced, n_reads, tables, group, trace, trace_length):
    """Stage 9: write down the slots of the traced fan's page, if it has one."""
    for s in range(b - a):
        if group.fan[a + s] != traced:
            continue
        first = trace_length[0]
        for k in range(n_slots):
            row = trace[first + k]
            row[0], row[1], row[2], row[3] = start + np.int64(group.time[a + s]), group.event[a + s], surface, k
            row[4], row[5] = max(group.chosen[k, s], -1), group.source[k, s]
            row[6] = IN_RESERVED * (np.int64(group.slot_words[2, k, s]) < tables.reserved[surface])
            row[7] = 0
        for r in range(n_reads):
            if group.read_session[r] == s:
                k = group.read_slot[r]
                row = trace[first + np.int64(k)]
                row[6] |= group.read_deeds[r]
                if group.read_deeds[r] & CLICKED:
                    row[7] = group.read_orders[r]
        trace_length[0] = first + n_slots
