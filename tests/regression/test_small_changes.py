"""A small change is called what it is: moved where it goes beyond the margin, equivalent where it stays within.

One hundredth of the slots more, or fewer, are reserved for support. What that does to the head's share of exposure is
measured once, over many populations; each trial then has a seed and a baseline of its own, and a claim whose margin
makes the true change a move or a trifle.
"""

from __future__ import annotations

from pathlib import Path

from support.small_changes import SHARE, called, world
from support.small_runs import write

from sim.regression.check import Terms, check


def test_the_same_share_is_equivalent_and_many_more_slots_have_moved(tmp_path: Path) -> None:
    assert called(tmp_path, seed=1, share=SHARE + 0.4, margin=0.002) == "moved"
    terms = Terms(baselines=tmp_path / "baselines", threads=1)
    checked = check(write(tmp_path, world(SHARE, seed=1, margin=0.002)), terms)
    assert checked.holds
    assert not checked.estimates
