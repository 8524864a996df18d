"""The agencies' review: who is established, opens a shop and goes on air for how long, in worked numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from support.reviews import B, N, Review, platform

from sim.model.kernel import draws
from sim.model.world.accounts import AccountStatus
from sim.streams import Lane

# Step 8: incubation


def test_incubation_ends_with_enough_people_following() -> None:
    world = platform(people_per_fan=100.0, entry={"incubated_followers": 300.0})
    review = Review(world)
    review.accounts.status[:] = [*[AccountStatus.INCUBATING] * 4, *[AccountStatus.WAITING] * 4]
    review.followers[:] = [2, 3, 4, 0, 9, 9, 9, 9]
    assert not review.run()  # tables show an incubating account as any other
    assert review.accounts.status.tolist() == [
        *(AccountStatus.INCUBATING, AccountStatus.ESTABLISHED, AccountStatus.ESTABLISHED, AccountStatus.INCUBATING),
        *[AccountStatus.WAITING] * 4,
    ]


# Step 9: shops


def shops(price: float = 0.0, shop_prob: float = 1.0, **parts: Any) -> Review:
    """Accounts that have just been established; at first none has a shop."""
    verticals = {"all": {"share": 1.0, "shop_prob": shop_prob}}
    entry = {"shop_entry_fen": price, "incubated_followers": 1.0}
    world = platform(**({"entry": entry, "verticals": verticals} | parts))
    population = replace(world.population, shop=np.zeros(N, np.bool_), incubating=np.ones(N, np.bool_))
    review = Review(replace(world, population=population))
    review.followers[:] = 1
    return review


def test_established_accounts_open_the_shop_that_they_want() -> None:
    review = shops()
    review.followers[3] = 0
    assert review.run()
    assert review.accounts.shop.tolist() == [True, True, True, False, True, True, True, True]
    assert not shops(shop_prob=0.0).run()


def test_who_wants_a_shop_is_read_from_the_number_that_shops_are_drawn_with() -> None:
    review = shops(shop_prob=0.5)
    review.run()
    key = (np.uint64(review.world.key[0]), np.uint64(review.world.key[1]))
    wish: NDArray[np.float64] = draws.unit_draws(Lane.SHOP, 0, N, *key)
    assert 0 < review.accounts.shop.sum() < N
    assert np.array_equal(review.accounts.shop, wish < 0.5)


def test_an_agencys_factor_makes_its_accounts_want_a_shop() -> None:
    groups = {"shops": {"count": 1, "accounts": 3.0, "shop_factor": 1000.0}}
    influencers = {"count": N, "shop_factor": 0.0}
    review = shops(shop_prob=0.01, agencies=groups, influencers=influencers)
    review.world.population.agency_group[:] = [-1, 0]
    review.run()
    assert review.accounts.shop.tolist() == [False] * 3 + [True] * 2 + [False] * 3


def test_a_shop_is_paid_for_by_the_agency_or_from_savings_while_they_last() -> None:
    review = shops(price=100.0)
    review.agency_review.funds[:] = 250, 99
    review.run(result={5: 99, 6: 100, 7: 130})
    assert review.accounts.shop.tolist() == [True, True, False, False, False, False, True, True]
    assert review.funds == [50, 99]
    assert review.accounts.savings.tolist() == [0, 0, 0, 0, 0, 99, 0, 30]
    review.run(30, profit={B: 1})
    assert review.accounts.shop.tolist() == [True, True, False, True, False, False, True, True]


def test_a_shop_for_nothing_is_opened_in_debt_too() -> None:
    review = shops()
    review.run(result={5: -1})
    assert review.accounts.shop.all()


def test_providers_and_tiers_make_shops_cheaper() -> None:
    groups = {"small": {"count": 1, "accounts": 2.0, "own_operations": False}}
    review = shops(
        price=100.0,
        agencies=groups,
        services={"providers": True, "provider_entry_factor": 0.5, "tier_entry_factor": 0.25},
        support={"services": True, "tiers": {"only": {"weight": 1.0, "services": ["shop-entry"]}}},
    )
    review.world.population.agency_group[:] = [-1, 0]
    review.tier[:] = [-1, 0]
    review.agency_review.funds[:] = 350, 30
    review.run(result={5: 50, 6: 49, 7: 60})
    assert review.accounts.shop.tolist() == [True, True, True, True, True, True, False, True]
    assert review.funds == [50, 30 - 2 * 12]
    assert review.accounts.savings.tolist() == [0, 0, 0, 0, 0, 0, 49, 10]


def test_shops_wait_for_their_vertical_to_open() -> None:
    review = shops(verticals={"all": {"share": 1.0, "shop_prob": 1.0, "opens_at_days": 30.0}})
    assert not review.run()
    assert not review.run(29)
    assert review.run(30)
    assert review.accounts.shop.all()


def test_an_account_that_a_roster_gives_no_shop_opens_none() -> None:
    world = platform(verticals={"all": {"share": 1.0, "shop_prob": 1.0}})
    review = Review(replace(world, population=replace(world.population, shop=np.arange(N) > 0)))
    assert not review.run()
    assert not review.run(30)
    assert not review.accounts.shop[0]


# Step 10: live hours


def live(subsidy: float = 0.0, **settings: float) -> Review:
    settings = {"elasticity": 1.0, "reference_fen_per_hour": 100.0} | settings
    return Review(platform(live=settings, economy={"subsidy_fen_per_live_hour": subsidy}))


def test_live_hours_follow_their_pay() -> None:
    review = live(subsidy=50.0)
    assert review.run(hours=10.0, tips={0: 500, 1: 1000})
    assert review.accounts.live_hours_per_day.tolist() == [4.0, 6.0, *[2.0] * 6]
    review.run(30, hours=5.0, tips={0: 500, 1: 250})  # from their own hours again
    assert review.accounts.live_hours_per_day.tolist() == [6.0, 4.0, *[2.0] * 6]


def test_live_hours_follow_by_their_elasticity() -> None:
    review = live(subsidy=400.0, elasticity=0.5)
    review.run(hours=10.0)
    assert review.accounts.live_hours_per_day.tolist() == pytest.approx([8.0] * N, rel=1e-14)


def test_who_was_not_on_air_goes_by_the_subsidy_alone() -> None:
    review = live(subsidy=25.0)
    review.run()
    assert review.accounts.live_hours_per_day.tolist() == [1.0] * N


def test_without_pay_nobody_goes_on_air_until_there_is_some() -> None:
    review = live()
    assert review.run(hours=1.0)
    assert review.accounts.live_hours_per_day.tolist() == [0.0] * N
    review.scenario = live(subsidy=100.0).scenario
    assert review.run(30)
    assert review.accounts.live_hours_per_day.tolist() == [4.0] * N


def test_a_day_on_air_has_an_end() -> None:
    review = live(subsidy=1000.0, max_hours_per_day=12.0)
    review.run()
    assert review.accounts.live_hours_per_day.tolist() == [12.0] * N


def test_without_elasticity_hours_stay_as_they_are() -> None:
    review = live(subsidy=1000.0, elasticity=0.0, max_hours_per_day=1.0)
    assert not review.run(hours=10.0, tips={0: 10**6})
    assert review.accounts.live_hours_per_day.tolist() == [4.0] * N
