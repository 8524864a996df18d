"""Sessions, compiled: the stages that groups of sessions go through; knows arrays and scalars only.

``spec/session.py`` is its readable twin and the specification; both must give the same bits. Sessions of different fans
don't depend on each other between two control events, so a group has one session of each of some hundred fans and goes
through one stage after the other, each a plain loop that the compiler can do several steps of at a time:

===== ======================================= ==================================================================
stage function                                what it does
===== ======================================= ==================================================================
0     ``arrivals.gather``                     fans that have a session before the end of the interval
1     ``arrivals.open_surfaces``              SESSION blocks: surface, next session; sessions in order of surface
2     ``pages.draw_words``                    SLOT blocks of all slots of a surface
3     ``pages.choose``, ``pages.settle``      who is in a slot, first alone, then with the rest of the page
\\     ``pages.fill_feeds``                    the same for feeds
4     ``pages.show``                          impressions
5     ``responses.examine``                   which slots are examined
6     ``responses.read``                      ACTION and UNFOLLOW blocks, reads, clicks
7     ``responses.change_lists``              unfollows and follows, in order
8     ``responses.spend``                     clicks, visits to shops, orders and tips
9     ``_write_trace``                        the traced fan's slots
===== ======================================= ==================================================================

Stages 2 to 9 are run for one surface after the other. A fan's next session is in a later group.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sim.model.kernel.arrivals import affordable, gather, is_thinned, open_surfaces
from sim.model.kernel.choice import Shelves, staged
from sim.model.kernel.compiled_code import njit
from sim.model.kernel.pages import Filling, Posts, choose, draw_words, fill_feeds, settle, show
from sim.model.kernel.responses import Appeal, Following, Sales, change_lists, examine, read, spend
from sim.model.kernel.session_group import Sessions
from sim.model.layout import Counter, Response

IN_RESERVED, CLICKED, READS = int(Response.RESERVED), int(Response.CLICKED), int(Counter.READS)


class Span(NamedTuple):
    """Which sessions of a chunk are to be run."""

    first: int
    last: int
    """Fans of the chunk, ``first <= f < last``."""
    least: int
    """Sessions for which there should be room at a time, 1 or more."""
    first_id: int
    """Id of fan 0 of the chunk."""
    start: int
    """Start of the run [s]."""
    until: int
    """End of the interval, exclusive [s after the start of the run]."""
    traced: int
    """Fan of the chunk whose slots are written down, -1: none."""


@njit(cache=True, nogil=True, _nrt=False, no_cfunc_wrapper=True)
def sessions(span, key, own, tables, fans, lists, tally, group, trace):
    """Run all sessions of a span of fans; each fan's in order of time.

    Parameters
    ----------
    span
        ``Span``.
    key
        (seed, replication), uint64.
    own
        ``layout.Addresses`` of the chunk's fans, or of none. Read only.
    tables
        ``layout.Tables``. Read only.
    fans, lists
        ``layout.FanState`` and ``layout.FollowLists`` of the chunk, units as stated there. Changed.
    tally
        ``layout.Tally``: shapes (S, 11, M), (G, M) and (S, 7), int64. Changed: added to.
    group
        ``session_group.Group``: scratch. Changed.
    trace
        ``layout.Trace``: shapes (n, 8) and (1,). Changed.

    Returns
    -------
    int
        ``last``, or a fan at which the arena or the trace may have too little room: nothing of its next session is done
        yet; make room and call again from there.
    """
    due, everywhere, slots, places, shown = group.due.fan, group.sessions, group.slots, group.places, group.reads
    takes_follows, thins, most_slots = tables.takes_follows[0], is_thinned(tables.keep), slots.chosen.shape[0]
    shelves = Shelves(tables.weight, tables.alias, tables.order, tables.ranked, tables.explore)
    f, n_due = span.first, np.int64(0)
    while True:
        n_due, f = gather(f, span.last, span.until, fans.next_time, n_due, due)
        if n_due == 0:
            return span.last
        n = affordable(n_due, due, lists.length, lists.room, most_slots, lists.arena.size - lists.free[0])
        no_room = span.traced >= 0 and trace.length[0] + most_slots > trace.rows.shape[0]
        if n < min(n_due, span.least) or no_room:
            return np.int64(due[0])
        open_surfaces(
            n, span.first_id, thins, key, own, tables.visits, tables.keep, fans, group.due, group.begin, group.sessions
        )
        for surface in range(tables.is_feed.size):
            a, b = np.int64(group.begin[surface]), np.int64(group.begin[surface + 1])
            if a == b:
                continue
            n_slots = np.int64(tables.slots[surface])
            # Slices, so that the compiler knows that no index is negative.
            sessions = Sessions(
                everywhere.fan[a:b],
                everywhere.id[a:b],
                everywhere.event[a:b],
                everywhere.segment[a:b],
                everywhere.time[a:b],
                everywhere.seed[a:b],
                everywhere.replication[a:b],
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
            counts, totals = tally.counts[surface], tally.totals[surface]
            reserved, ordinary, distinct = tables.reserved[surface], tables.ordinary[surface], tables.distinct[surface]

            draw_words(n_slots, key, sessions, slots.words)
            if tables.is_feed[surface]:
                posts = Posts(distinct, tables.feed_weight[surface], tables.feed_affinity[surface], tables.vertical)
                fill_feeds(n_slots, posts, key, lists, sessions, slots, places, group.followed)
            else:
                custom = tables.custom[surface : surface + 1]
                filling = Filling(
                    distinct, reserved, ordinary, tables.organic[surface], tables.support[surface], custom
                )
                choose(n_slots, filling, shelves, sessions.segment, slots)
                settle(n_slots, filling, shelves, key, sessions, slots, places, totals)
            show(b - a, n_slots, reserved, ordinary, slots.chosen, slots.words[2], counts, totals)
            threshold, looks_on = tables.examine[surface], tables.looks_on[surface]
            n_reads = examine(n_slots, threshold, looks_on, appeal, key, sessions, slots.words, slots.chosen, shown.at)
            n_clicks, n_acts = read(
                n_reads, takes_follows, appeal, following, key, sessions, slots.chosen, shown, counts[READS],
                tally.reads,
            )  # fmt: skip
            coins = slots.words[2]
            change_lists(n_acts, following, tables.quality, lists, sessions.fan, reserved, coins, shown, counts)
            spend(n_clicks, sales, sessions.segment, shown, counts)
            if span.traced >= 0:
                _write_trace(n_slots, surface, span, reserved, n_reads, sessions, slots, shown, trace)


@staged
def _write_trace(n_slots, surface, span, reserved, n_reads, sessions, slots, reads, trace):
    """Stage 9: write down the slots of the traced fan's page, if it has one.

    Changes ``trace``, shapes (n, 8), as ``layout.TRACE`` names them, and (1,) [rows].
    """
    for s in range(sessions.fan.size):
        if sessions.fan[s] != span.traced:
            continue
        first = trace.length[0]
        for k in range(n_slots):
            row = trace.rows[first + k]
            row[0], row[1], row[2], row[3] = span.start + np.int64(sessions.time[s]), sessions.event[s], surface, k
            row[4], row[5] = max(slots.chosen[k, s], -1), slots.source[k, s]
            row[6] = IN_RESERVED * (np.int64(slots.words[2, k, s]) < reserved)
            row[7] = 0
        for r in range(n_reads):
            if reads.session[r] == s:
                row = trace.rows[first + np.int64(reads.slot[r])]
                row[6] |= reads.responses[r]
                if reads.responses[r] & CLICKED:
                    row[7] = reads.orders[r]
        trace.length[0] = first + n_slots
