"""What a run is expected to take: sessions against those that come, words, threads by memory; and memory stays flat."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from support.places import SCENARIOS
from support.small_runs import TINY, loaded_from, run_of

from sim.errors import MachineError
from sim.experiment import plan
from sim.experiment.cost import PROCESS_BYTES, sessions
from sim.experiment.plan import CostEstimate, Parallelism, estimate, refuse_memory, units
from sim.scenario import load
from sim.store.unit import Unit

MUCH = 10**12
SIGMA = 0.5
ACTIVE = TINY.replace("count = 60\n", "count = 3000\n", 1).replace(
    "sessions_per_day = 0.5", f"sessions_per_day = 0.5\nactivity_sigma = {SIGMA}"
)
EVENINGS = """
[segments.evening]
share = 0.7
activity = 2.0
growth_per_year = 6.0
hours = [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 3, 4, 5, 6, 4, 1]
[segments.idle]
share = 0.1
activity = 0.0
[segments.morning]
share = 0.2
activity = 0.5
growth_per_year = 2.0
hours = [0, 0, 0, 0, 0, 0, 9, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]

[surfaces.find]"""


def test_sessions_are_those_of_the_segments_by_hand(tmp_path: Path) -> None:
    scenario = loaded_from(tmp_path, ACTIVE.replace("\n[surfaces.find]", EVENINGS)).scenario
    evening, morning = 2100 * 0.5 * 2.0, 600 * 0.5 * 0.5
    late = sum(h * (i + 0.5) for i, h in enumerate(scenario.segments["evening"].hours)) / 35 / 24
    later = evening * 6 * 20 / 365 * (9.5 + late) + morning * 2 * 20 / 365 * (9.5 + 7 / 24)
    assert sessions(scenario, 3000) == pytest.approx((evening + morning) * 25 + later, rel=1e-12)


def test_as_many_sessions_come_as_are_expected(tmp_path: Path) -> None:
    text = ACTIVE.replace("\n[surfaces.find]", EVENINGS)
    expected = estimate(loaded_from(tmp_path, text), 1, MUCH)
    run = run_of(tmp_path, text)
    n_arms, n_replications = 3, 3
    assert expected.units == n_replications * (n_arms + 1)
    mean = expected.sessions / (n_arms + 1)
    # Arms share a replication's population and streams. Its sessions vary as those of a Poisson process, and with the
    # activities, whose squares have the mean exp(sigma^2).
    per_fan = 0.5 * 2.0 * 25
    variance = mean + 3 * 3000 * (math.exp(SIGMA**2) - 1) * per_fan**2
    assert abs(run.manifest["counts"]["sessions"] / n_arms - mean) < 5 * math.sqrt(variance)
    assert 5 * math.sqrt(variance) < 0.06 * mean, "the test would see nothing"


@pytest.mark.parametrize("name", ["graph.toml", "roster.toml", "weibo-2017.toml", "phases.toml"])
def test_every_kind_of_scenario_is_estimated_and_more_of_it_costs_more(name: str) -> None:
    one, two = (estimate(load(SCENARIOS / name, replications=n), 1, MUCH) for n in (2, 4))
    assert 2 * one.units == two.units
    assert two.sessions == pytest.approx(2 * one.sessions)
    assert one.seconds < two.seconds < 2 * one.seconds
    assert one.bytes == two.bytes > PROCESS_BYTES


def test_what_is_still_to_do_of_a_run_is_estimated(tmp_path: Path) -> None:
    loaded = loaded_from(tmp_path, TINY)
    whole, rest = estimate(loaded, 1, MUCH), estimate(loaded, 1, MUCH, units(loaded)[8:])
    assert (whole.units, rest.units) == (12, 4)
    assert rest.sessions == pytest.approx(whole.sessions / 3)
    assert rest.seconds < whole.seconds
    assert str(rest).startswith("4 of 12 units to go: ")
    assert units(loaded)[-1] == Unit("none", 2, independent=True)


def test_a_fixed_population_is_drawn_once(tmp_path: Path) -> None:
    fixed = loaded_from(tmp_path, TINY.replace("warmup_days = 5", 'warmup_days = 5\npopulation = "fixed"'))
    redrawn = loaded_from(tmp_path, TINY)
    assert estimate(fixed, 1, MUCH).seconds < estimate(redrawn, 1, MUCH).seconds


def test_the_reference_engine_takes_much_longer(tmp_path: Path) -> None:
    loaded = loaded_from(tmp_path, ACTIVE)
    quick, slow = estimate(loaded, 1, MUCH), estimate(loaded, 1, MUCH, engine="reference")
    assert slow.seconds > 20 * quick.seconds
    assert slow.sessions == quick.sessions


def test_less_memory_means_fewer_units_at_a_time_with_more_threads_each(tmp_path: Path) -> None:
    many = TINY.replace("count = 60\n", "count = 600_000\n", 1)
    loaded = loaded_from(tmp_path, many.replace("sessions_per_day = 0.5", "sessions_per_day = 0.1"))
    with_two = estimate(loaded, 2, MUCH).bytes / plan.MEMORY_SHARE + 1
    crews = [estimate(loaded, 8, int(free)).parallelism for free in (MUCH, with_two, 1)]
    assert crews[0].workers > 2
    assert crews[1:] == [Parallelism(2, 4), Parallelism(1, 8)]
    sizes = [estimate(loaded, 8, int(free)).bytes for free in (MUCH, with_two, 1)]
    assert sizes == sorted(sizes, reverse=True)
    busy = loaded_from(tmp_path, many)  # whose threads have enough to do between two refreshes
    assert estimate(busy, 8, MUCH).parallelism == Parallelism(1, 8)


def test_memory_is_refused_where_a_unit_at_a_time_exceeds_the_share(tmp_path: Path) -> None:
    loaded = loaded_from(tmp_path, TINY)
    least = estimate(loaded, 1, MUCH).bytes / plan.MEMORY_SHARE
    refuse_memory(loaded, int(least) + 1)
    with pytest.raises(MachineError, match="; force=True runs it all the same"):
        refuse_memory(loaded, int(least) - 1)


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ((213_399_000.0, 83.4, 4.04e8, Parallelism(2, 1)), "213 million sessions, about 83 s, 404 MB"),
        ((950.0, 0.2, 9.996e8, Parallelism(1, 1)), "950 sessions, about 1 s, 1.0 GB"),
        ((1.2e6, 121.0, 2.34e9, Parallelism(2, 4)), "1.2 million sessions, about 2.0 min, 2.3 GB"),
        ((4.5e10, 8000.0, 6.4e10, Parallelism(1, 4)), "45 billion sessions, about 2.2 h, 64.0 GB"),
        ((9_999.4, 4e6, 4e8, Parallelism(1, 4)), "9,999 sessions, about 46 days, 400 MB"),
    ],
)
def test_an_estimate_is_one_line_of_readable_units(
    numbers: tuple[float, float, float, Parallelism], words: str
) -> None:
    n, seconds, size, parallelism = numbers
    line = str(CostEstimate("12 arms x 100 replications", 1, n, seconds, size, parallelism))
    assert line == f"12 arms x 100 replications: {words}"
