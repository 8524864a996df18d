"""Alias tables against inversion, by speed and by how well arms that share draws stay together; asserts nothing.

    python tests/benchmarks/sampling.py [--json FILE] [--rounds N] [--sizes M ...]

Weights are ``(followers + 10) ** exponent`` times the affinity of one of 8 segments: 1 for its vertical, .3 for the
other 7. Followers are lognormal (median 1e5, sigma 2.3, as in weibo-2017), Pareto (from 1e3, tail .8, as both are at
most 28 million), or the same Pareto ones in falling order, as in a roster sorted by size.

The alias tables and the loops that look them up are the product's. Inversion, prefix sums of the same integer weights
with a guide of at least M buckets, is written here, staged likewise: one loop each for the arithmetic, for the guide,
for one step without branches and for what is left to go. Binary search does one halving of all draws after the other.

*Speed*, on one thread, the best of interleaved rounds: ns per entry of a table for building it; ns per draw for pages
of 10 slots and groups of 512 sessions of one segment, with words drawn before. Segments alternate from group to group
(all 8 tables compete for the caches), or are ordered as a chunk's fans are (32 groups each).

*Coupling*, with 1e6 words of 64 bits that both arms use, of the table of one segment. Arms' weights differ by

    noise s     each times its own lognormal(0, s): arms that have gone their own ways
    head +x     the largest 1 % times 1 + x
    cut         2 % of the accounts gone, drawn at random
    mix         .7 of the weights and .3 of a uniform table

*same*: share of the draws that choose the same influencer in both arms, relative to the most that is possible, which
is 1 - the distance in total variation. *vr*: variance of the difference of the draws that the head (the largest 1 %)
gets with independent words, divided by that with the same words. It doesn't depend on the number of draws, since draws
are independent of each other, and follows from how often just one of the arms chooses from the head. Each cell is
alias/inversion; ``best_vr`` in the JSON is the most that any table could reach.

All but the times repeats to the bit; draws and tables are the same on every machine.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import machine
import numpy as np
from numba import njit
from numpy.typing import NDArray

from sim.model.kernel.choice import look_up
from sim.model.kernel.draws import below, exp, normal_quantile, philox, unit_draws
from sim.model.kernel.pages import choose_organic
from sim.model.kernel.slot_tables import MAX_TOTAL, MAX_WEIGHT, build_table, powers

SIZES = (1_000, 10_000, 100_000)
ROSTERS = ("lognormal", "pareto", "sorted")
EXPONENTS = (0.5, 0.8, 1.0, 1.5)
SEGMENTS = 8
AFFINITY = np.where(np.eye(SEGMENTS) > 0.0, 1.0, 0.3)
SESSIONS, SLOTS = 512, 10
WORD_GROUPS, GROUPS_PER_SEGMENT = 16, 32
COUPLED_DRAWS = 1_000_000
HEAD = 100
"""One in so many is the head."""
SEED = np.uint64(20261122)
CHANGES = ("noise .001", "noise .01", "noise .1", "head +1%", "head +10%", "cut", "mix")
POPULATION, NOISE, CUT, WORDS = 1, 2, 3, 4

Floats = NDArray[np.float64]
Int64s = NDArray[np.int64]
Uint32s = NDArray[np.uint32]
Row = dict[str, Any]


class Staging(NamedTuple):
    """Columns of a group that looking up needs, as in ``sim.model.kernel.session_group``, and draws below a total."""

    row: NDArray[np.uint64]
    bucket: Uint32s
    entry: NDArray[np.uint64]
    words: Uint32s
    chosen: NDArray[np.int32]
    drawn: Int64s


# Inversion: what the product would have if it had no alias tables.


@njit
def build_prefix(weights, factor, vertical, prefix):  # type: ignore[no-untyped-def]
    """Prefix sums of the integer weights of ``sim.model.kernel.slot_tables.build_table``."""
    n = weights.size
    amounts = np.empty(n, np.float64)
    largest = 0.0
    for i in range(n):
        amounts[i] = weights[i] * factor[vertical[i]]
        largest = max(largest, amounts[i])
    unit = min(MAX_WEIGHT, MAX_TOTAL / n)
    total = np.int64(0)
    for i in range(n):
        total += max(np.int64(amounts[i] > 0.0), np.int64(amounts[i] / largest * unit))
        prefix[i] = total


@njit
def build_guide(prefix, guide):  # type: ignore[no-untyped-def]
    """Bucket b of B names the first influencer that a draw u in [b, b + 1) / B can choose."""
    n_buckets, total = guide.size, prefix[-1]
    shift = 0
    while (1 << shift) < n_buckets:
        shift += 1
    # floor(b * total / B) without overflow: quotient and remainder by B are taken apart.
    whole, part = total >> shift, total & (n_buckets - 1)
    i = 0
    for b in range(n_buckets):
        lowest = whole * b + ((part * b) >> shift)
        while prefix[i] <= lowest:
            i += 1
        guide[b] = i


@njit
def choose_by_guide(prefix, guide, group):  # type: ignore[no-untyped-def]
    """All slots of a group by inversion with a guide; the shifted differences are -1 or 0, without a branch."""
    n, n_buckets, drawn, place = group.row.size, np.uint64(guide.size), group.drawn, group.entry
    for k in range(group.chosen.shape[0]):
        high, low, chosen = group.words[0, k], group.words[1, k], group.chosen[k]
        for s in range(n):
            drawn[s] = below(np.uint64(high[s]), np.uint64(low[s]), prefix[-1])
        for s in range(n):
            place[s] = guide[(high[s] * n_buckets) >> np.uint64(32)]
        for s in range(n):
            place[s] -= np.uint64((prefix[place[s]] - drawn[s] - 1) >> 63)
        for s in range(n):
            i = np.int64(place[s])
            while prefix[i] <= drawn[s]:
                i += 1
            chosen[s] = i


@njit
def choose_by_halving(prefix, group):  # type: ignore[no-untyped-def]
    """All slots of a group by binary search."""
    n, drawn, place = group.row.size, group.drawn, group.entry
    for k in range(group.chosen.shape[0]):
        high, low, chosen = group.words[0, k], group.words[1, k], group.chosen[k]
        for s in range(n):
            drawn[s] = below(np.uint64(high[s]), np.uint64(low[s]), prefix[-1])
            place[s] = 0
        left = prefix.size
        while left > 1:
            half = left >> 1
            for s in range(n):
                place[s] += np.uint64(((prefix[place[s] + np.uint64(half - 1)] - drawn[s] - 1) >> 63) & half)
            left -= half
        for s in range(n):
            chosen[s] = place[s]


# Drivers over groups, so that no call of the interpreter counts.


@njit
def draw_words(words):  # type: ignore[no-untyped-def]
    """Words of slots, two of 32 bits each, (G, 2, K, N)."""
    for g in range(words.shape[0]):
        for k in range(words.shape[2]):
            for s in range(words.shape[3]):
                w = philox(np.uint64(s), np.uint64(g), np.uint64(k), np.uint64(WORDS), SEED, np.uint64(0))
                words[g, 0, k, s], words[g, 1, k, s] = w[0], w[1]


def driver(kind: str) -> Callable[..., int]:
    """A function of words, each group's segment, tables and staging that looks all groups up; returns a checksum."""
    by_alias, by_guide = kind == "alias", kind == "guide"

    @njit
    def run(words, order, alias, prefix, guide, organic, staging):  # type: ignore[no-untyped-def]
        row, bucket, entry, _, chosen, drawn = staging
        segments = np.empty(row.size, np.int32)
        total = np.int64(0)
        for g in range(order.size):
            group = Staging(row, bucket, entry, words[g % words.shape[0]], chosen, drawn)
            if by_alias:
                segments[:] = order[g]
                choose_organic(chosen.shape[0], organic, segments, alias, group)
            elif by_guide:
                choose_by_guide(prefix[order[g]], guide[order[g]], group)
            else:
                choose_by_halving(prefix[order[g]], group)
            total += chosen[g % chosen.shape[0], g % row.size]
        return total

    return run  # type: ignore[no-any-return]


# Populations and weights.


@njit
def lognormals(units, sigma):  # type: ignore[no-untyped-def]
    """Lognormal numbers of median 1 from uniform ones, the same bits everywhere."""
    out = np.empty(units.size, np.float64)
    for i in range(units.size):
        out[i] = exp(sigma * normal_quantile(units[i]))
    return out


def uniforms(lane: int, n: int) -> Floats:
    """Uniform numbers of influencers, addressed."""
    return unit_draws(np.uint64(lane), 0, n, SEED, np.uint64(0))  # type: ignore[no-any-return]


def weights_of(roster: str, n: int, exponent: float) -> Floats:
    """Weights of n influencers before affinity."""
    u = uniforms(POPULATION, n)
    followers = 1e5 * lognormals(u, 2.3) if roster == "lognormal" else 1e3 * powers(u, -1.0 / 0.8)
    followers = np.floor(np.minimum(followers, 28e6))
    return powers((np.sort(followers)[::-1] if roster == "sorted" else followers) + 10.0, exponent)  # type: ignore


def changed(weights: Floats, change: str) -> Floats:
    """Weights of the other arm."""
    kind, _, size = change.partition(" ")
    if kind == "noise":
        return weights * lognormals(uniforms(NOISE, weights.size), float(size))  # type: ignore[no-any-return]
    if kind == "head":
        factor = np.ones(weights.size)
        factor[head_of(weights)] += float(size.strip("+%")) / 100.0
        return weights * factor
    if kind == "cut":
        return np.where(uniforms(CUT, weights.size) < 0.02, 0.0, weights)
    return 0.7 * weights + 0.3 * float(weights.mean())


def head_of(weights: Floats) -> Int64s:
    """The largest 1 %."""
    return np.argsort(-weights, kind="stable")[: weights.size // HEAD]


class Tables(NamedTuple):
    """Of all segments T: integer weights and alias tables of the product (T, M), prefix sums (T, M), guides (T, B)."""

    weight: Int64s
    alias: NDArray[np.uint64]
    prefix: Int64s
    guide: NDArray[np.int32]


def blank(n: int) -> Tables:
    """Tables to be built."""
    shape, buckets = (SEGMENTS, n), 1 << (n - 1).bit_length()
    guide = np.zeros((SEGMENTS, buckets), np.int32)
    return Tables(np.zeros(shape, np.int64), np.zeros(shape, np.uint64), np.zeros(shape, np.int64), guide)


def clock(run: Callable[[], Any]) -> int:
    """Time [ns]."""
    start = time.perf_counter_ns()
    run()
    return time.perf_counter_ns() - start


def speed(n: int, roster: str, exponent: float, rounds: int, words: Uint32s) -> Row:
    """Times of one set of tables."""
    weights, vertical = weights_of(roster, n, exponent), np.arange(n) % SEGMENTS
    tables, segments = blank(n), np.arange(SEGMENTS, dtype=np.int32)
    row, bucket, entry = (np.zeros(SESSIONS, np.uint64), np.zeros(SESSIONS, np.uint32), np.zeros(SESSIONS, np.uint64))
    page, drawn = np.zeros((SLOTS, SESSIONS), np.int32), np.zeros(SESSIONS, np.int64)
    staging = Staging(row, bucket, entry, words[0], page, drawn)
    groups = np.arange(SEGMENTS * GROUPS_PER_SEGMENT)

    def build(kind: str) -> None:
        for t in segments:
            if kind == "alias":
                build_table(weights, AFFINITY[t], vertical, tables.weight[t], tables.alias[t])
            else:
                build_prefix(weights, AFFINITY[t], vertical, tables.prefix[t])
                if kind == "guide":
                    build_guide(tables.prefix[t], tables.guide[t])

    def choose(kind: str, order: Int64s) -> int:
        return DRIVERS[kind](words, order, *tables[1:], segments, staging)

    orders = {"alternating": groups % SEGMENTS, "ordered": groups // GROUPS_PER_SEGMENT}
    tasks: dict[str, tuple[Callable[[], Any], int]]
    tasks = {f"build_{kind}": (partial(build, kind), SEGMENTS * n) for kind in DRIVERS}
    draws = groups.size * SESSIONS * SLOTS
    tasks |= {f"{name}_{kind}": (partial(choose, kind, orders[name]), draws) for name in orders for kind in DRIVERS}
    clocked = [{name: clock(run) for name, (run, _) in tasks.items()} for _ in range(rounds + 1)]  # the first compiles
    if choose("guide", groups % SEGMENTS) != choose("halving", groups % SEGMENTS):
        raise SystemExit("guide and binary search differ")
    best = {f"{name}_ns": round(min(times[name] for times in clocked) / count, 3) for name, (_, count) in tasks.items()}
    return {"influencers": n, "roster": roster, "exponent": exponent} | best


DRIVERS = {kind: driver(kind) for kind in ("alias", "guide", "halving")}


@njit
def drawn_by_all(alias, total, by_alias, drawn):  # type: ignore[no-untyped-def]
    """Whom words choose from an alias table, and the draws below the total that they make."""
    for d in range(drawn.size):
        high, low, _, _ = philox(np.uint64(d), np.uint64(0), np.uint64(0), np.uint64(WORDS), SEED, np.uint64(1))
        by_alias[d], drawn[d] = look_up(alias, high, low), below(high, low, total)


def arm(weights: Floats) -> tuple[Floats, dict[str, Int64s]]:
    """Probabilities of one segment's table, and whom the draws choose."""
    n = weights.size
    vertical, factor = np.arange(n) % SEGMENTS, AFFINITY[0]
    weight, alias, prefix = np.zeros(n, np.int64), np.zeros(n, np.uint64), np.zeros(n, np.int64)
    build_table(weights, factor, vertical, weight, alias)
    build_prefix(weights, factor, vertical, prefix)
    by_alias, drawn = np.zeros(COUPLED_DRAWS, np.int64), np.zeros(COUPLED_DRAWS, np.int64)
    drawn_by_all(alias, prefix[-1], by_alias, drawn)
    return weight / weight.sum(), {"alias": by_alias, "inversion": np.searchsorted(prefix, drawn, side="right")}


def coupling(n: int, roster: str, exponent: float) -> list[Row]:
    """How alike two arms' draws are, for each change of weights."""
    weights = weights_of(roster, n, exponent)
    in_head = np.zeros(n, np.bool_)
    in_head[head_of(weights)] = True
    p, first = arm(weights)
    rows = []
    for change in CHANGES:
        q, second = arm(changed(weights, change))
        p_head, q_head = float(p[in_head].sum()), float(q[in_head].sum())
        independent = p_head * (1.0 - p_head) + q_head * (1.0 - q_head)
        possible = float(np.minimum(p, q).sum())
        row: Row = {"influencers": n, "roster": roster, "exponent": exponent, "change": change, "head": p_head}
        gap = abs(q_head - p_head)
        row["best_vr"] = independent / (gap - gap * gap) if gap > 0.0 else None
        for kind in first:
            row[f"same_{kind}"] = float((first[kind] == second[kind]).mean()) / possible
            before, after = in_head[first[kind]], in_head[second[kind]]
            either, net = float((before != after).mean()), float(after.mean() - before.mean())
            paired = either - net * net
            row[f"vr_{kind}"] = independent / paired if paired > 0.0 else None
        rows.append(row)
    return rows


def label(row: Row) -> str:
    """First columns of a line."""
    return f"{row['influencers']:>7,} {row['roster']:<9} {row['exponent']:>3}"


def number(value: float | None) -> str:
    """At most three places."""
    return "1k+" if value is None or value >= 999.5 else f"{value:.0f}" if value >= 9.95 else f"{value:.1f}"


def report(speeds: list[Row], couplings: list[Row]) -> None:
    """Tables, at most 80 columns wide."""
    kinds = ("alias", "guide", "halving")
    print(f"{'ns per':<21} {'entry built':>17} {'draw, alternating':>19} {'draw, ordered':>19}")
    print(f"{'      M followers exp':<21}" + "".join(f" {'alias':>6} {'guide':>5} {'halv.':>5}" for _ in range(3)))
    for row in speeds:
        times = [row[f"{what}_{kind}_ns"] for what in ("build", "alternating", "ordered") for kind in kinds]
        columns = (f"{x:>{6 if place % 3 == 0 else 5}.1f}" for place, x in enumerate(times))
        print(f"{label(row):<21} " + " ".join(columns))
    for what, title, cell in (
        ("same", "same influencer chosen, % of what is possible: alias/inversion", lambda x: f"{100.0 * x:.0f}"),
        ("vr", "variance of the head's difference, independent over shared: alias/inversion", number),
    ):
        print(f"\n{title}\n{'      M followers exp':<21}" + "".join(f"{c.replace('noise', 's'):>8}" for c in CHANGES))
        for first in range(0, len(couplings), len(CHANGES)):
            rows = couplings[first : first + len(CHANGES)]
            cells = [f"{cell(row[f'{what}_alias'])}/{cell(row[f'{what}_inversion'])}" for row in rows]
            print(f"{label(rows[0]):<21}" + "".join(f"{c:>8}" for c in cells))


def main() -> None:
    parser = argparse.ArgumentParser(description="Alias tables against inversion: speed and coupling of arms.")
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES), help="numbers of influencers")
    parser.add_argument("--rounds", type=int, default=7, help="interleaved; the best counts")
    parser.add_argument("--json", type=Path, default=None, help="file for the record")
    args = parser.parse_args()
    words = np.zeros((WORD_GROUPS, 2, SLOTS, SESSIONS), np.uint32)
    draw_words(words)
    cases = [(n, roster, exponent) for n in args.sizes for roster in ROSTERS for exponent in EXPONENTS]
    speeds = [speed(*case, args.rounds, words) for case in cases]
    couplings = [row for case in cases for row in coupling(*case)]
    report(speeds, couplings)
    if args.json is not None:
        record = {"machine": machine.describe(), "rounds": args.rounds, "speed": speeds, "coupling": couplings}
        args.json.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
