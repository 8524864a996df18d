"""Days, months and the times of snapshots in whole seconds, day 0 at 0; knows nothing else."""

from __future__ import annotations

__all__ = ["DAY", "HOUR", "MONTH", "snapshot_times"]

HOUR = 3600
DAY = 24 * HOUR
MONTH = 30 * DAY


def snapshot_times(horizon_days: int) -> list[int]:
    """Day 0, every 30 days, and the end [s].

    >>> [time // DAY for time in snapshot_times(75)]
    [0, 30, 60, 75]
    """
    return [*range(0, horizon_days * DAY, MONTH), horizon_days * DAY]
