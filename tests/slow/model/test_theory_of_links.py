"""The limit of attention ``q F^b``, reached by runs of very many links."""

from __future__ import annotations

import numpy as np
import pytest
from support.inspection import Z, z_score
from support.links import QUALITY, attention, drift, epochs_of


def test_attention_gives_shares_of_quality_to_the_power_one_over_one_less_b() -> None:
    world = attention(0.5, 25, pages_per_day=1500, slots=50, refresh_minutes=10)
    runs = list(epochs_of(world, 200))
    assert np.abs(z_score(np.array([drift(followers, 0.5) for followers in runs]))).max() < Z
    shares = np.array([followers[-1] / followers[-1].sum() for followers in runs])
    assert min(followers[-1].sum() for followers in runs) > 300_000
    limit = QUALITY**2 / (QUALITY**2).sum()
    assert shares.mean(axis=0) == pytest.approx(limit, abs=0.01)
