"""Measures of how holders change places between two times. It must not know the model, files or experiments.

Heads and deciles follow ``head_members`` and ``deciles``: among equal amounts the lowest index ranks highest, at both
times, so that equal holders that stay equal don't count as moving.
"""

import math

import numpy as np
from numpy.typing import NDArray

from sim.analysis.amounts import Amounts, checked, ratio
from sim.analysis.concentration import head_members
from sim.analysis.ranks import deciles
from sim.types import Int64s

__all__ = [
    "NOT_REACHED",
    "arrivals_in_head",
    "decile_transitions",
    "head_turnover",
    "mean_decile_change",
    "median_arrival",
    "n_moves",
    "state_transitions",
    "upward_share",
]

NOT_REACHED = -1
"""Time of arrival of a holder that doesn't arrive; times are >= 0."""


def head_turnover(start: Amounts, end: Amounts, k: int) -> float:
    """Share of the head at the start that is no longer in the head at the end.

    ``1 - |H_start and H_end| / k``, ``H`` the ``k`` largest at that time.

    Parameters
    ----------
    start, end
        Amounts of the same holders, integers, shape ``(n,)`` both, each >= 0. Not changed.
    k
        Size of the head, >= 1; more than ``n`` is taken for ``n``.

    Returns
    -------
    float
        In ``[0, 1]``; at most ``(n - k) / k``.

    Raises
    ------
    ValueError
        Empty, not one-dimensional, not integer, a negative entry, two lengths, or ``k < 1``.

    Notes
    -----
    O(n log n). No random numbers.

    >>> head_turnover(np.array([9, 8, 1, 0]), np.array([9, 2, 3, 0]), 2)
    0.5
    """
    _same_length(start, end)
    before, after = head_members(start, k), head_members(end, k)
    return ratio(len(before) - len(np.intersect1d(before, after)), len(before))


def decile_transitions(start: NDArray[np.generic], end: NDArray[np.generic]) -> Int64s:
    """How many holders went from each decile to each.

    Parameters
    ----------
    start, end
        Numbers of the same holders at two times, shape ``(n,)`` both, none ``nan``. Not changed.

    Returns
    -------
    NDArray[np.int64]
        Shape ``(10, 10)``: ``[i, j]`` holders of decile i at the start and j at the end, 0 the smallest tenth
        (``ranks.deciles``); sums to n, and row i to as many as column i.

    Notes
    -----
    O(n log n). No random numbers. Raises ``ValueError`` as :func:`sim.analysis.ranks.deciles`, and for two lengths.

    >>> np.argwhere(decile_transitions(np.arange(10), np.array([1, 0, 2, 3, 4, 5, 6, 7, 8, 9])) == 0).shape
    (90, 2)
    """
    _same_length(start, end)
    counts: Int64s = np.bincount(10 * deciles(start) + deciles(end), minlength=100).astype(np.int64)
    return counts.reshape(10, 10)


def mean_decile_change(transitions: Int64s) -> float:
    """Mean number of deciles that a holder moved by, up or down.

    ``sum_ij |i - j| n_ij / sum_ij n_ij``.

    Parameters
    ----------
    transitions
        From :func:`decile_transitions`. Not changed.

    Returns
    -------
    float
        In ``[0, 5]`` (5: the order was reversed by halves), 0 when none changed decile; ``nan`` without holders.

    Notes
    -----
    O(1). No random numbers.

    >>> mean_decile_change(np.eye(10, dtype=np.int64))
    0.0
    """
    decile = np.arange(10)
    moves = np.abs(decile[:, None] - decile[None, :])
    return ratio(int((moves * transitions).sum()), int(transitions.sum()))


def upward_share(transitions: Int64s) -> float:
    """Share of the holders that ended in a higher decile than they began in.

    ``sum_{j > i} n_ij / sum_ij n_ij``.

    Parameters
    ----------
    transitions
        From :func:`decile_transitions`. Not changed.

    Returns
    -------
    float
        In ``[0, 0.9]`` where the deciles are equally large; ``nan`` without holders.

    Notes
    -----
    O(1). No random numbers.

    >>> upward_share(np.eye(10, k=1, dtype=np.int64))
    1.0
    """
    return ratio(int(np.triu(transitions, 1).sum()), int(transitions.sum()))


def arrivals_in_head(amounts: Int64s, times: Int64s, k: int) -> Int64s:
    """When each holder that wasn't in the first head is first seen in the head.

    Parameters
    ----------
    amounts
        Integers, shape ``(T, n)``, each >= 0: all holders at each time. Not changed.
    times
        Shape ``(T,)``, each >= 0, ascending. Not changed.
    k
        Size of the head, >= 1; more than ``n`` is taken for ``n``.

    Returns
    -------
    NDArray[np.int64]
        Shape ``(n,)``: the first of ``times`` at which the holder is among the ``k`` largest, ``NOT_REACHED`` for those
        that never are and for those that were in the first head.

    Notes
    -----
    O(T n log n). No random numbers. Changes between two times aren't seen. Raises ``ValueError`` as
    :func:`head_turnover`, and for times that don't fit the amounts.

    >>> arrivals_in_head(np.array([[5, 1, 0], [5, 6, 0], [0, 6, 7]]), np.array([0, 30, 60]), 1).tolist()
    [-1, 30, 60]
    """
    if len(times) == 0 or len(amounts) != len(times) or (np.diff(times) <= 0).any() or int(times[0]) < 0:
        raise ValueError(f"times must be >= 0 and ascend, one for each of {len(amounts)} rows of amounts")
    first = np.full(amounts.shape[1], NOT_REACHED, np.int64)
    waiting = np.ones(amounts.shape[1], np.bool_)
    waiting[head_members(amounts[0], k)] = False
    for time, now in zip(times[1:].tolist(), amounts[1:], strict=True):
        head = head_members(now, k)
        arrived = head[waiting[head]]
        first[arrived] = time
        waiting[arrived] = False
    return first


def median_arrival(arrivals: Int64s, until: int) -> tuple[float, int]:
    """Median time of arrival of those that have arrived by a time, and how many those are.

    Parameters
    ----------
    arrivals
        From :func:`arrivals_in_head`. Not changed.
    until
        The time, itself included.

    Returns
    -------
    tuple
        The median (of an even number the mean of the middle two), ``nan`` when none has arrived; their number, >= 0.
        Those that haven't arrived are left out: it is the median given arrival.

    Notes
    -----
    O(n log n). No random numbers.

    >>> median_arrival(np.array([NOT_REACHED, 30, 60, 90]), 60)
    (45.0, 2)
    """
    arrived = np.sort(checked(arrivals, negative=True))
    arrived = arrived[(arrived != NOT_REACHED) & (arrived <= until)]
    n = len(arrived)
    if n == 0:
        return math.nan, 0
    return (int(arrived[(n - 1) // 2]) + int(arrived[n // 2])) / 2, n


def state_transitions(states: NDArray[np.integer], n_states: int) -> Int64s:
    """How many holders went from each state to each, between consecutive times.

    Parameters
    ----------
    states
        Integers, shape ``(T, n)``: state of each holder at each time, in ``[0, n_states)``. Not changed.
    n_states
        >= 1.

    Returns
    -------
    NDArray[np.int64]
        Shape ``(n_states, n_states)``: ``[i, j]`` steps from i to j, those that stay included; sums to ``(T - 1) n``,
        to 0 with one time or none.

    Raises
    ------
    ValueError
        Not two-dimensional, or a state out of range.

    Notes
    -----
    O(T n + n_states^2). No random numbers.

    >>> state_transitions(np.array([[0, 1], [1, 1], [0, 1]]), 2).tolist()
    [[0, 1], [1, 2]]
    """
    given = np.asarray(states, dtype=np.int64)
    if given.ndim != 2 or n_states < 1 or (given.size and not 0 <= int(given.min()) <= int(given.max()) < n_states):
        raise ValueError(f"states must be a table of integers in [0, {n_states}), got shape {given.shape}")
    steps = (n_states * given[:-1] + given[1:]).ravel()
    counts: Int64s = np.bincount(steps, minlength=n_states * n_states).astype(np.int64)
    return counts.reshape(n_states, n_states)


def n_moves(transitions: Int64s) -> tuple[int, int]:
    """Steps to a state of a lower number and to one of a higher number.

    ``sum_{j < i} n_ij, sum_{j > i} n_ij``.

    Parameters
    ----------
    transitions
        From :func:`state_transitions`. Not changed.

    Notes
    -----
    O(n_states^2). No random numbers.

    >>> n_moves(np.array([[5, 2], [1, 7]]))
    (1, 2)
    """
    return int(np.tril(transitions, -1).sum()), int(np.triu(transitions, 1).sum())


def _same_length(start: NDArray[np.generic], end: NDArray[np.generic]) -> None:
    if np.shape(start) != np.shape(end):
        raise ValueError(f"both times must have the same holders, got shapes {np.shape(start)} and {np.shape(end)}")
