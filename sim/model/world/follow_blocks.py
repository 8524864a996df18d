"""Follow lists block by block: drawn, cut from a graph, put together for readers, digested; knows no runs.

A block has fans ``b << BLOCK_BITS`` and on. No place of a list is counted over more than a block, and only readers of
all lists ever have these in one place.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

import numpy as np

from sim.errors import MachineError
from sim.model.layout import Addresses, BlockLists
from sim.model.world import block_draws
from sim.scenario.resolve.follows import BLOCK_BITS, MOST_IN_BLOCK
from sim.types import Int32s, Int64s

__all__ = ["block_digest", "cut_lists", "draw_lists", "follows_of", "in_one_place"]

MOST_COUNTS = 1 << 26
"""Followers by part and influencer that are kept at a time, in 32 bits, unless one block has more."""


def draw_lists(
    per_segment: Int64s, size: Int64s, n_fans: int, own: Addresses, bits: int = BLOCK_BITS
) -> Iterator[BlockLists]:
    """Follow lists of all fans, each in order of influencers, block after block.

    Parameters
    ----------
    per_segment
        Shape (M, G): followers of each influencer in each segment, at most its fans.
    size
        Shape (G,): fans of each segment, at least one in all. Their ids run segment after segment.
    n_fans
        With those who come after them and follow no account.
    own
        Of the influencers' draws, (M,) and (M, 2).
    bits
        A block has ``2^bits`` fans, 16 at most.

    Raises
    ------
    MachineError
        A block has more follows than can be counted.

    Notes
    -----
    O(follows + M parts). Beyond the lists it takes 2 bytes for each follow of one block, and of the first step's counts
    256 MB at most, or 4 M bytes for each part of a block: where those of all blocks are more, the first step is done
    again for each run of blocks. Lanes FOLLOWER_BLOCK and FOLLOWER.
    """
    entity, key = own.entity.astype(np.uint64), own.key.astype(np.uint64)
    parts = block_draws.parts_of(size, bits)
    bounds = parts.of_block
    n_blocks = bounds.size - 1
    block = 0
    while block < n_blocks:
        most = bounds[block] + MOST_COUNTS // max(len(per_segment), 1)
        last = max(block + 1, int(np.searchsorted(bounds, most, side="right")) - 1)
        since = bounds[block]
        counts = block_draws.count_by_part(per_segment, parts, since, bounds[last], bits, entity, key)
        for b in range(block, last):
            in_block = counts[bounds[b] - since : bounds[b + 1] - since]
            n = min(n_fans - (b << bits), 1 << bits)
            _refuse_uncountable(int(in_block.sum(dtype=np.int64)), n)
            yield BlockLists(*block_draws.draw_block(b, n, in_block, parts, bits, entity, key))
        block = last
    for first in range(n_blocks << bits, n_fans, 1 << bits):
        yield BlockLists(np.zeros(min(n_fans - first, 1 << bits) + 1, np.uint32), np.zeros(0, np.int32))


def cut_lists(begin: Int64s, members: Int32s, n_fans: int, bits: int = BLOCK_BITS) -> Iterator[BlockLists]:
    """Follow lists in one place, block by block; fans after the last one, up to ``n_fans``, have empty lists.

    Raises
    ------
    MachineError
        A block has more follows than can be counted.

    >>> [block.members.tolist() for block in cut_lists(np.array([0, 2, 3]), np.array([4, 5, 6], np.int32), 3, bits=0)]
    [[4, 5], [6], []]
    """
    for first in range(0, n_fans, 1 << bits):
        n = min(n_fans - first, 1 << bits)
        own = begin[np.minimum(np.arange(first, first + n + 1), begin.size - 1)]
        _refuse_uncountable(int(own[-1] - own[0]), n)
        yield BlockLists((own - own[0]).astype(np.uint32), members[own[0] : own[-1]])


def _refuse_uncountable(n_follows: int, n_fans: int) -> None:
    if n_follows > MOST_IN_BLOCK:
        raise MachineError(f"{n_fans} fans of a block have {n_follows} follows; {MOST_IN_BLOCK} can be counted")


def in_one_place(blocks: Sequence[BlockLists]) -> tuple[Int64s, Int32s]:
    """All lists one after the other: where they begin, shape (F + 1,), and their entries, shape (E,)."""
    lengths = [np.diff(block.begin) for block in blocks]
    begin = np.zeros(sum(map(len, lengths)) + 1, np.int64)
    if blocks:
        np.cumsum(np.concatenate(lengths), out=begin[1:])
    members = [block.members for block in blocks]
    return begin, members[0] if len(members) == 1 else np.concatenate([np.zeros(0, np.int32), *members])


def follows_of(fan: int, blocks: Sequence[BlockLists]) -> Int32s:
    """Entries of a fan's list."""
    size = blocks[0].begin.size - 1
    begin, members = blocks[fan // size]
    return members[begin[fan % size] : begin[fan % size + 1]]


def block_digest(block: BlockLists) -> bytes:
    """SHA-256 over the lengths of a block's lists, then their entries, as little-endian integers of 32 bits."""
    sha = hashlib.sha256(np.diff(block.begin).astype("<i4").data)
    sha.update(np.ascontiguousarray(block.members, dtype="<i4").data)
    return sha.digest()
