"""A hundredth of the slots more or fewer is called what it is in 95 of 100 trials."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.small_changes import SHARE, called, stated


@pytest.fixture(scope="module")
def true_change(tmp_path_factory: pytest.TempPathFactory) -> float:
    """What a hundredth of the slots more does to the claim's difference; its standard error is below a tenth of it."""
    folder = tmp_path_factory.mktemp("truth")
    change = stated(folder, SHARE + 0.01, 1, 400) - stated(folder, SHARE, 1, 400)
    assert change.std(ddof=1) / np.sqrt(change.size) < abs(change.mean()) / 10
    return float(change.mean())


@pytest.mark.parametrize("step", [0.01, -0.01], ids=["more slots", "fewer slots"])
@pytest.mark.parametrize(("factor", "right"), [(0.4, "moved"), (2.0, "equivalent")], ids=["moved", "equivalent"])
def test_a_hundredth_of_the_slots_is_called_what_it_is_in_95_of_100_trials(
    tmp_path: Path, true_change: float, step: float, factor: float, right: str
) -> None:
    margin = factor * abs(true_change)
    verdicts = []
    for seed in range(100, 200):
        folder = tmp_path / str(seed)
        folder.mkdir()
        verdicts.append(called(folder, seed=seed, share=SHARE + step, margin=margin))
    assert verdicts.count(right) >= 95, {verdict: verdicts.count(verdict) for verdict in set(verdicts)}
