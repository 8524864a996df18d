"""Published figures and what draws of the calibrated scenario make of them: means of the arm without support."""

from __future__ import annotations

import math
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray
from support.places import SCENARIOS

from sim.analysis.concentration import gini, top_share
from sim.calendar import DAY
from sim.experiment.plan import n_cores
from sim.model.agencies.history import RECORDED_FLOWS
from sim.model.layout import Counter
from sim.model.simulation import Outcome, simulate
from sim.model.world.population import draw_population
from sim.scenario import Scenario, load
from sim.types import Key

SCENARIO = SCENARIOS / "weibo-2017.toml"


N_FAMOUS = 200


YUAN = 100


# Followers of 2,374 Weibo authors in CED_Dataset (Song et al. 2018).
ROSTER_GINI, ROSTER_TOP_10 = 0.861, 0.773


# 15,000 authors with 10 million reads a month and more, of whom 2,000 are simulated (AllTechAsia, Oct 2016).
AUTHORS_PER_ACCOUNT = 7.5


# The sample's part, .133, of 10.8 bn yuan of e-commerce to Oct 2016 (Xinhua, 25 Oct 2016).
TURNOVER_YUAN = 1.44e9


Target = tuple[str, float, float]
"""What a target is of, its lowest and its highest mean."""


TARGETS: list[Target] = [
    ("exponent of the reads' tail", 0.55, 0.80),  # .678: 340,000 authors over 100,000 reads, 15,000 over 10 million
    ("followers' Gini", ROSTER_GINI - 0.03, ROSTER_GINI + 0.03),
    ("share of the 10 % most followed", ROSTER_TOP_10 - 0.03, ROSTER_TOP_10 + 0.03),
    ("accepted on find-people", 0.055, 0.085),  # about 7 % (KDD Cup 2012, Tencent Weibo)
    ("accepted more where famous", 0.0, 0.085),  # the same: it rises with fame
    ("growth exponent", 0.37, 0.95),  # .37 TikTok, .80 Instagram, .88 YouTube: top-1000 panels 2022
    ("follows grow by the factor", 1.25, 1.40),  # users +33 % in 2016
    ("yuan per fan and year of partners' shops", 14.0, 60.0),  # thresholds and Zhang Dayi: 25-60; 14 in SEED.md, note 6
    ("yuan of turnover per year", 0.75 * TURNOVER_YUAN, 1.25 * TURNOVER_YUAN),
    ("e-commerce of authors' income", 0.80, 1.0),  # 10.8 of 11.7 bn yuan (Xinhua)
    ("draws with all tiers held at day 0", 0.90, 1.0),
    ("explosive authors", 200.0, 800.0),  # about 400 (article)
    ("fans won per hour on air", 10.0, 20.0),  # 720 hours bring 10,000 fans (SCMP 2017)
]


WIDER: list[Target] = [
    ("exponent of the reads' tail", 0.50, 0.85),
    ("followers' Gini", ROSTER_GINI - 0.04, ROSTER_GINI + 0.04),
    ("share of the 10 % most followed", ROSTER_TOP_10 - 0.05, ROSTER_TOP_10 + 0.05),
    ("accepted on find-people", 0.05, 0.09),
    ("accepted more where famous", 0.0, 0.09),
    ("growth exponent", 0.30, 1.00),
    ("follows grow by the factor", 1.20, 1.45),
    ("yuan per fan and year of partners' shops", 10.0, 75.0),
    ("yuan of turnover per year", 0.4 * TURNOVER_YUAN, 2.0 * TURNOVER_YUAN),
    ("e-commerce of authors' income", 0.75, 1.0),
    ("draws with all tiers held at day 0", 0.6, 1.0),
    ("explosive authors", 150.0, 900.0),
    ("fans won per hour on air", 8.0, 24.0),
]


def drawn(scenario: Scenario, replication: int) -> dict[str, float]:
    """A draw's value of each target."""
    key = Key(scenario.seed, replication)
    outcome = simulate(scenario, draw_population(scenario, None, key), key)
    return followers(outcome, scenario) | find_people(outcome, scenario) | money(outcome, scenario)


def followers(outcome: Outcome, scenario: Scenario) -> dict[str, float]:
    first, last = outcome.followers(0), outcome.followers(outcome.end)
    initial = first[: outcome.population.n_initial]
    gained = last - first
    grown = (first >= 20) & (gained > 0)
    reads = flow(outcome, "reads", outcome.end - 30 * DAY) * real(outcome, scenario)
    ten_million, billion = ((reads >= least).sum() for least in (1e7, 1e9))
    return {
        "exponent of the reads' tail": math.log(ten_million / max(billion, 1)) / math.log(100),
        "followers' Gini": gini(initial),
        "share of the 10 % most followed": top_share(initial, initial.size // 10),
        "growth exponent": float(np.polyfit(np.log(first[grown]), np.log(gained[grown]), 1)[0]),
        "follows grow by the factor": float(last.sum() / first.sum()),
    }


def find_people(outcome: Outcome, scenario: Scenario) -> dict[str, float]:
    counts = outcome.counts[:, list(scenario.surfaces).index("find-people")]
    by_fame = np.argsort(-outcome.followers(0), kind="stable")

    def accepted(accounts: NDArray[np.int64]) -> float:
        follows, impressions = (counts[accounts, c].sum() for c in (Counter.FOLLOWS, Counter.EXPOSURE))
        return float(follows / impressions)

    return {
        "accepted on find-people": accepted(by_fame),
        "accepted more where famous": accepted(by_fame[:N_FAMOUS]) - accepted(by_fame[N_FAMOUS:]),
    }


def money(outcome: Outcome, scenario: Scenario) -> dict[str, float]:
    per_year = 365 / scenario.horizon_days
    gmv, tips, paid = (flow(outcome, name) * per_year for name in ("gmv", "tips", "paid"))
    population, tier = outcome.population, outcome.reviews[0].tier
    partners = (np.append(tier, -1)[population.agency] >= 0) & population.shop
    fans = outcome.followers(0)[partners].sum() * population.people_per_fan
    explosive = scenario.explosive_gmv_fen_per_year
    assert explosive is not None
    return {
        "yuan per fan and year of partners' shops": float(gmv[partners].sum() / fans) / YUAN,
        "yuan of turnover per year": float(gmv.sum()) / YUAN,
        "e-commerce of authors' income": float(gmv.sum() / (gmv.sum() + tips.sum() + paid.sum())),
        "draws with all tiers held at day 0": float(np.isin(np.arange(len(scenario.support.tiers)), tier).all()),
        "explosive authors": float((gmv >= explosive).sum()) * AUTHORS_PER_ACCOUNT,
        "fans won per hour on air": won_live(outcome, scenario) / hours_on_air(outcome, scenario),
    }


def won_live(outcome: Outcome, scenario: Scenario) -> float:
    """People who followed from a live room; nobody does before day 0."""
    counts = outcome.counts[:, list(scenario.surfaces).index("live"), Counter.FOLLOWS]
    return float(counts.sum() * outcome.population.people_per_fan)


def hours_on_air(outcome: Outcome, scenario: Scenario) -> float:
    """Hours on air from day 0 on, from what was paid for them: the rest of what the platform paid was for reads."""
    economy = scenario.economy
    for_reads = flow(outcome, "reads").sum() * real(outcome, scenario) / 1000 * economy.pay_fen_per_1000_reads
    return float(flow(outcome, "paid").sum() - for_reads) / economy.subsidy_fen_per_live_hour


def flow(outcome: Outcome, name: str, since: int = 0) -> NDArray[np.int64]:
    amounts: NDArray[np.int64] = outcome.history.between(since, outcome.end)[RECORDED_FLOWS.index(name)]
    return amounts


def real(outcome: Outcome, scenario: Scenario) -> float:
    """Reported reads that a simulated one stands for."""
    return outcome.population.people_per_fan * scenario.reads_per_examined


def means(scenario: Scenario, n: int) -> dict[str, float]:
    """Mean over ``n`` draws of each target's value."""
    with ThreadPoolExecutor(n_cores()) as threads:
        draws = list(threads.map(lambda replication: drawn(scenario, replication), range(n)))
    return {name: float(np.mean([draw[name] for draw in draws])) for name in draws[0]}


def missed(values: dict[str, float], targets: Iterable[Target]) -> list[str]:
    """The targets that these means miss."""
    ranges = {name: (low, high) for name, low, high in targets}
    assert values.keys() == ranges.keys()
    return [
        f"{name}: {values[name]:.6g} isn't in {low:.6g}..{high:.6g}"
        for name, (low, high) in ranges.items()
        if not low < values[name] <= high
    ]


def without_support() -> Scenario:
    return load(SCENARIO).arms["none"]
