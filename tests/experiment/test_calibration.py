"""The calibrated scenario against published figures: means over draws of the arm without support.

The slow test is the calibration: 30 draws at full size. The short form, three draws with a fifth of the fans, holds the
same targets in wider ranges: a draw's turnover alone has a standard deviation of a third of its mean.
"""

from __future__ import annotations

from support.calibration import WIDER, means, missed, without_support


def test_three_draws_with_a_fifth_of_the_fans_are_near_the_published_figures() -> None:
    scenario = without_support()
    fans = scenario.fans.model_copy(update={"count": 20_000})
    small = scenario.model_copy(update={"fans": fans, "people_per_fan": 15_650.0})
    wrong = missed(means(small, 3), WIDER)
    assert not wrong, "\n".join(wrong)


def test_a_missed_target_is_named_with_its_mean() -> None:
    targets = [("met", 0.0, 1.0), ("too low", 0.0, 1.0), ("too high", 0.0, 1.0)]
    told = missed({"met": 1.0, "too low": 0.0, "too high": 1.5}, targets)
    assert told == ["too low: 0 isn't in 0..1", "too high: 1.5 isn't in 0..1"]
