"""Outcomes written down by hand: twelve accounts, two of which come later, two agencies, four surfaces, sixty days."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from support.scenarios import plain, scenario_of

from sim.calendar import DAY
from sim.measures.index import MeasureIndex, MeasureKey
from sim.measures.meter import measure
from sim.model.agencies.history import RECORDED_FLOWS, History
from sim.model.simulation import Outcome
from sim.model.world.accounts import AccountStatus
from sim.scenario import Scenario
from sim.scenario.schema.measurable import GROUPS

FOLLOWERS = [100, 50, 20, 10, 5, 5, 5, 3, 1, 1, 0, 0]
QUALITY = [0.5, 0.1, 0.2, 0.3, 0.9, 0.4, 0.15, 0.25, 0.35, 0.45, 0.95, 0.05]
AGENCY = [0, 0, 0, 0, 0, 0, 1, 1, -1, -1, -1, -1]
"""A middle agency of six accounts and a small one of two."""
N, E, W, C, L = (
    AccountStatus.INCUBATING,
    AccountStatus.ESTABLISHED,
    AccountStatus.WAITING,
    AccountStatus.CUT,
    AccountStatus.LEFT,
)
STATUS = {
    0: [E] * 10 + [W, W],
    30: [E] * 8 + [L, E, N, W],
    60: [E, E, C, E, C, E, C, E, L, E, E, W],
}
"""Account 10 comes in the first month, account 11 never; three are cut and one leaves."""
SURFACES = {"home": "feed", "find": "discovery", "shop window": "commerce", "on air": "live", "tao": "discovery"}


def written_scenario() -> Scenario:
    """The scenario of the outcomes: 60 days, two tiers, two verticals, 10 people for a fan."""
    surfaces = {
        name.replace(" ", "-"): {"kind": kind, "session_share": 0.2, "slots": 5} for name, kind in SURFACES.items()
    }
    tiers = {"high": {"weight": 2.0}, "low": {"weight": 1.0}}
    parts = plain(
        horizon_days=60,
        people_per_fan=10.0,
        influencers={"count": 10},
        verticals={"a": {"share": 0.5}, "b": {"share": 0.5}},
        surfaces=surfaces,
        support={"tiers": tiers},
    )
    return scenario_of(parts)


def written(
    flows: dict[str, dict[int, list[int]]] | None = None,
    *,
    profit: dict[int, list[int]] | None = None,
    surface_gmv: dict[int, list[int]] | None = None,
    agency: dict[int, list[int]] | None = None,
    tiers: dict[int, list[int]] | None = None,
) -> Outcome:
    """An outcome of cumulative flows by name and day (0, 30, 60); what is left out is 0, or as it was at day 0."""
    history = History(np.array([kind == "feed" for kind in SURFACES.values()]), (0, 60 * DAY))
    for day in (0, 30, 60):
        entry: Any = np.zeros((len(RECORDED_FLOWS), 12), np.int64)
        for name, by_day in (flows or {}).items():
            entry[RECORDED_FLOWS.index(name)] = by_day.get(day, 0)
        time = day * DAY
        history._flows[time] = entry
        history.status[time] = np.array(STATUS[day], dtype=np.int8)
        history.agency[time] = np.array((agency or {}).get(day, AGENCY), dtype=np.int32)
        history.profit[time] = np.array((profit or {}).get(day, [0, 0]), dtype=np.int64)
        history.surface_gmv[time] = np.array((surface_gmv or {}).get(day, [0] * 5), dtype=np.int64)
        history.reads[time] = np.zeros((12, 1), np.int64)
    population: Any = SimpleNamespace(
        verticals=("a", "b"),
        agencies=("one", "two"),
        agency=np.array(AGENCY, dtype=np.int32),
        vertical=np.array([0] * 6 + [1] * 6, dtype=np.int32),
        quality=np.array(QUALITY),
        shop=np.array([True] * 3 + [False] * 9),
        followers=np.array(FOLLOWERS),
        n_initial=10,
        people_per_fan=10.0,
    )
    accounts: Any = SimpleNamespace(vertical=np.array([0] * 6 + [1] * 5 + [0], dtype=np.int32))
    reviews: Any = [
        SimpleNamespace(time=day * DAY, tier=np.array(tier, dtype=np.int32))
        for day, tier in (tiers or {0: [0, -1]}).items()
    ]
    nothing: NDArray[np.int64] = np.zeros((0, 8), np.int64)
    return Outcome(
        population=population,
        counts=nothing,
        totals=nothing,
        lists=(),
        accounts=accounts,
        history=history,
        reviews=tuple(reviews),
        refreshes=(),
        end=60 * DAY,
        trace=nothing,
        seconds=0.0,
    )


def measures_of(outcome: Outcome, scenario: Scenario | None = None) -> dict[MeasureKey, float]:
    """Values by cell."""
    settings = scenario or written_scenario()
    about = MeasureIndex(settings.horizon_days, settings.warmup_days).keys
    values = measure(outcome, settings)
    assert len(values) == len(about) == len(set(about))
    return dict(zip(about, values.tolist(), strict=True))


def shares_that_sum_to_one(values: dict[MeasureKey, float]) -> int:
    """Assert that groups of accounts and of agencies add up to all; how many quantities, times and levels did."""
    checked = 0
    for cell, value in values.items():
        if cell.measure != "total" or cell.population != "all" or cell.level not in ("influencer", "agency"):
            continue
        parts = [cell._replace(population=name) for name in GROUPS[cell.level]]
        assert math.fsum(values[part] for part in parts) == pytest.approx(value, rel=1e-12, abs=1e-9)
        if cell.quantity not in ("cuts", "profit") and value:
            shares = [values[part._replace(measure="share")] for part in parts]
            assert math.fsum(shares) == pytest.approx(1, rel=1e-12)
            checked += 1
    return checked
