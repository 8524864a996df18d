"""The calibration: 30 draws of the calibrated scenario at full size meet the published figures."""

from __future__ import annotations

from support.calibration import TARGETS, means, missed, without_support


def test_the_calibrated_scenario_meets_the_published_figures() -> None:
    wrong = missed(means(without_support(), 30), TARGETS)
    assert not wrong, "\n".join(wrong)
