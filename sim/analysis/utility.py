"""What fans get out of what they read. It must not know the model, files or experiments."""

import math

import numpy as np
from numpy.typing import NDArray

from sim.types import Floats, Int64s

__all__ = ["mean_utility"]


def mean_utility(reads_by_segment: Int64s, quality: Floats, affinity: Floats, vertical: NDArray[np.integer]) -> float:
    """Mean over all that was read of the influencer's quality times the reader's affinity.

    ``U = sum_ig n_ig q_i a_{g, v(i)} / sum_ig n_ig``, n_ig the reads of influencer i by segment g.

    Parameters
    ----------
    reads_by_segment
        Integers, shape ``(M, G)``, each in ``[0, 2^53]``. Not changed.
    quality
        Shape ``(M,)``, in ``[0, 1]``. Not changed.
    affinity
        Shape ``(G, V)``, in ``[0, 1]``. Not changed.
    vertical
        Integers, shape ``(M,)``, in ``[0, V)``. Not changed.

    Returns
    -------
    float
        In ``[0, 1]``, between the least and the largest ``q a`` of what was read; ``nan`` when nothing was.

    Raises
    ------
    ValueError
        Shapes that don't fit together, reads that aren't integers in their range, a vertical out of range.

    Notes
    -----
    O(M G). No random numbers. The sum is correctly rounded, so the order of influencers and segments changes no bit.

    >>> reads, affinity = np.array([[3, 0], [0, 1]]), np.array([[1.0, 0.5], [0.5, 0.25]])
    >>> mean_utility(reads, np.array([0.5, 1.0]), affinity, np.array([0, 1]))
    0.4375
    """
    reads = np.asarray(reads_by_segment)
    n, n_segments = reads.shape if reads.ndim == 2 else (-1, -1)
    if n < 0 or quality.shape != (n,) or vertical.shape != (n,) or affinity.ndim != 2 or len(affinity) != n_segments:
        raise ValueError(
            f"reads {reads.shape}, quality {quality.shape}, affinity {affinity.shape} and vertical {vertical.shape} "
            "must have shapes (M, G), (M,), (G, V) and (M,)"
        )
    if reads.dtype.kind not in "iu" or (reads.size and not 0 <= int(reads.min()) <= int(reads.max()) <= 1 << 53):
        raise ValueError(f"reads must be integers from 0 to 2^53, got {reads.dtype}")
    if n and not 0 <= int(vertical.min()) <= int(vertical.max()) < affinity.shape[1]:
        raise ValueError(f"verticals must be in [0, {affinity.shape[1]}), got {vertical.min()} to {vertical.max()}")
    influencer, segment = np.nonzero(reads)
    n_reads = reads[influencer, segment]
    if not n_reads.size:
        return math.nan
    utility = quality[influencer] * affinity[segment, vertical[influencer]]
    total: int = sum(n_reads.tolist())
    return math.fsum((n_reads * utility).tolist()) / total
