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
5     ``responses.examine``                  which slots are examined
6     ``responses.read``                     ACTION and UNFOLLOW blocks, reads, clicks
7     ``responses.change_lists``             unfollows and follows, in order
8     ``responses.spend``                    clicks, visits to shops, orders and tips
9     ``_write_trace``                   the traced fan's slots
===== ================================== ============================================================

Stages 2 to 9 are run for one surface after the other. A fan's next session is in a later group.
"""

from __future__ import annotations

import numpy as np

from sim.model.kernel.arrivals import affordable, gather, is_thinned, open_surfaces
from sim.model.kernel.choice import Shelves, staged
from sim.model.kernel.compiled_code import njit
from sim.model.kernel.pages import Filling, choose, draw_words, fill_feeds, settle, show
from sim.model.kernel.responses import Appeal, Following, Sales, change_lists, examine, read, spend
from sim.model.kernel.session_group import Sessions
from sim.model.layout import Counter, Response

IN_RESERVED, CLICKED, READS = int(Response.RESERVED), int(Response.CLICKED), int(Counter.READS)


@njit(cache=True, nogil=True, _nrt=False, no_cfunc_wrapper=True)
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
    slots, places, shown = group.slots, group.places, group.reads
    opens, thins, most_slots = tables.follows_open[0], is_thinned(tables.keep), slots.chosen.shape[0]
    shelves = Shelves(tables.weight, tables.alias, tables.order, tables.ranked, tables.explore)
    f, n_due = first, np.int64(0)
    while True:
        n_due, f = gather(f, last, until, fans.next_time, n_due, group.due.fan)
        if n_due == 0:
            return last
        n = affordable(n_due, group.due.fan, fans.length, fans.room, most_slots, arena.size - free[0])
        if n < min(n_due, least) or (traced >= 0 and trace_length[0] + most_slots > trace.shape[0]):
            return np.int64(group.due.fan[0])
        open_surfaces(n, first_id, thins, key, tables.visits, tables.keep, fans, group.due, group.begin, group.sessions)
        for surface in range(tables.is_feed.size):
            a, b = np.int64(group.begin[surface]), np.int64(group.begin[surface + 1])
            if a == b:
                continue
            everywhere, n_slots = group.sessions, np.int64(tables.slots[surface])
            # Slices, so that the compiler knows that no index is negative.
            sessions = Sessions(
                everywhere.fan[a:b],
                everywhere.id[a:b],
                everywhere.event[a:b],
                everywhere.segment[a:b],
                everywhere.time[a:b],
            )
            appeal = Appeal(tables.traits, tables.click[surface])
            following = Following(
                tables.follow[surface],
                tables.unfollow[surface],
                tables.follow_cap[0],
                tables.origin[surface],
                tables.better_only[surface],
                tables.counts_repeats[surface],
            )
            sales = Sales(
                tables.shop,
                tables.order_base,
                tables.order_value,
                tables.order_factor[surface],
                tables.referrals[surface],
                tables.tips[surface],
                tables.tip_value[surface],
            )
            counted, total = counts[surface], totals[surface]
            reserved, ordinary, distinct = tables.reserved[surface], tables.ordinary[surface], tables.distinct[surface]

            draw_words(n_slots, key, sessions.id, sessions.event, slots.words)
            if tables.is_feed[surface]:
                weight, affinity, vertical = tables.feed_weight[surface], tables.feed_affinity[surface], tables.vertical
                fill_feeds(
                    n_slots, distinct, weight, affinity, vertical, key, fans, arena, sessions, slots, places,
                    group.followed,
                )  # fmt: skip
            else:
                custom = tables.custom[surface : surface + 1]
                filling = Filling(
                    distinct, reserved, ordinary, tables.organic[surface], tables.support[surface], custom
                )
                choose(n_slots, filling, shelves, sessions.segment, slots)
                settle(n_slots, filling, shelves, key, sessions, slots, places, total)
            show(b - a, n_slots, reserved, ordinary, slots.chosen, slots.words[2], counted, total)
            threshold, looks_on = tables.examine[surface], tables.looks_on[surface]
            n_reads = examine(n_slots, threshold, looks_on, appeal, key, sessions, slots.words, slots.chosen, shown.at)
            n_clicks, n_acts = read(
                n_reads, opens, appeal, following, key, sessions, slots.chosen, shown, counted[READS], reads
            )
            change_lists(n_acts, following, tables.quality, fans, arena, free, sessions.fan, shown, counted)
            spend(n_clicks, sales, sessions.segment, shown, counted)
            if traced >= 0:
                _write_trace(
                    n_slots, surface, start, traced, reserved, n_reads, sessions, slots, shown, trace, trace_length
                )


@staged
def _write_trace(n_slots, surface, start, traced, reserved, n_reads, sessions, slots, reads, trace, trace_length):
    """Stage 9: write down the slots of the traced fan's page, if it has one."""
    for s in range(sessions.fan.size):
        if sessions.fan[s] != traced:
            continue
        first = trace_length[0]
        for k in range(n_slots):
            row = trace[first + k]
            row[0], row[1], row[2], row[3] = start + np.int64(sessions.time[s]), sessions.event[s], surface, k
            row[4], row[5] = max(slots.chosen[k, s], -1), slots.source[k, s]
            row[6] = IN_RESERVED * (np.int64(slots.words[2, k, s]) < reserved)
            row[7] = 0
        for r in range(n_reads):
            if reads.session[r] == s:
                row = trace[first + np.int64(reads.slot[r])]
                row[6] |= reads.responses[r]
                if reads.responses[r] & CLICKED:
                    row[7] = reads.orders[r]
        trace_length[0] = first + n_slots
