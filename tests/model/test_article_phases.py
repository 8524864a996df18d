"""What the article says of the three phases before the platform (rows P1 to P3 of its facts), and phases as such.

Each test shows that a key of the scenario works in the direction that the article gives.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.article_worlds import FEED, LIVE, TAO, count, flow, play
from support.inspection import slots_of

from sim.calendar import DAY
from sim.model.layout import Counter, Response, Total
from sim.model.simulation import Outcome
from sim.model.world.accounts import AccountStatus

# P1: live platforms subsidise hosts

SUBSIDY = {"economy.subsidy_fen_per_live_hour": 10_000.0}
COSTS = {
    "economy.account_fen_per_month": 10_000.0,
    "economy.live_fen_per_hour": 2000.0,
    "economy.post_fen": 20.0,
    "influencers.live_hours_per_day": 1.0,
}


def results(outcome: Outcome) -> np.ndarray[Any, np.dtype[np.int64]]:
    """What each agency has earned and spent from day 0 on."""
    return outcome.history.profit[outcome.end] - outcome.history.profit[0]


def test_p1_a_subsidy_raises_the_results_of_agencies_that_go_on_air() -> None:
    paid, unpaid = play(COSTS, SUBSIDY), play(COSTS)
    assert (results(unpaid) < 0).all()
    assert (results(paid) > 0).all()
    silent = {"influencers.live_hours_per_day": 0.0}
    assert np.array_equal(results(play(COSTS, SUBSIDY, silent)), results(play(COSTS, silent)))


@pytest.mark.parametrize("elasticity", [0.0, 0.5])
def test_p1_hours_on_air_follow_the_subsidy_where_they_are_elastic(elasticity: float) -> None:
    live = {"live.elasticity": elasticity, "live.reference_fen_per_hour": 5000.0}
    paid, less = play(live, SUBSIDY), play(live, {"economy.subsidy_fen_per_live_hour": 2500.0})
    own = paid.population.live_hours_per_day
    for outcome, factor in ((paid, 2.0), (less, 0.5)):
        hours = outcome.accounts.live_hours_per_day
        assert hours == pytest.approx(own * factor**elasticity, rel=1e-12)


def test_p1_a_subsidised_agency_is_under_no_pressure_to_cut() -> None:
    cuts = {"contracts.cuts": True, "contracts.patience": 1}
    paid, unpaid = play(COSTS, cuts, SUBSIDY), play(COSTS, cuts)
    assert not (paid.accounts.status == AccountStatus.CUT).any()
    assert (unpaid.accounts.status == AccountStatus.CUT)[unpaid.population.agency >= 0].all()


# P2: fans who were won live stay

LEAVING = {
    "surfaces.feed.unfollow_prob": 0.02,
    "surfaces.live.follow_prob": 0.1,
    "surfaces.live.unfollow_prob": 0.02,
    "fans.sessions_per_day": 4.0,
}
STAYING = {"surfaces.live.unfollow_factor": 0.0}


@pytest.mark.parametrize("replication", range(3))
def test_p2_fans_who_stay_when_won_live_are_unfollowed_less_and_feed_more(replication: int) -> None:
    staying, passing = play(LEAVING, STAYING, replication=replication), play(LEAVING, replication=replication)
    assert flow(staying, "unfollows").sum() < 0.8 * flow(passing, "unfollows").sum()
    assert staying.followers(staying.end).sum() > 1.2 * passing.followers(passing.end).sum()
    assert count(staying, Counter.EXPOSURE, FEED).sum() >= count(passing, Counter.EXPOSURE, FEED).sum()


def test_p2_whom_a_fan_followed_on_air_it_never_unfollows() -> None:
    def left_and_won(fan: int, *keys: dict[str, Any]) -> tuple[set[int], set[int]]:
        """Accounts that the fan unfollowed after it had followed them on air, and those that it followed on air."""
        left: set[int] = set()
        won: set[int] = set()
        current: set[int] = set()
        for slot in slots_of(play(LEAVING, *keys, fan=fan)):
            if slot.responses & Response.UNFOLLOWED:
                left |= {slot.influencer} & current
                current.discard(slot.influencer)
            if slot.responses & Response.FOLLOWED and slot.surface == LIVE:
                won.add(slot.influencer)
                current.add(slot.influencer)
        return left, won

    n_left = 0
    for fan in range(0, 300, 50):
        left, won = left_and_won(fan, STAYING)
        assert not left
        assert won
        left, won = left_and_won(fan)
        assert won
        n_left += bool(left)
    assert n_left >= 3  # half of them, while nothing keeps a fan


# P3: subsidies shrink, agencies cut and put their effort into the best

SHRINKING = {
    "phases.less": {"start_day": 60, "economy": {"subsidy_fen_per_live_hour": 5000.0}},
    "phases.none": {"start_day": 90, "economy": {"subsidy_fen_per_live_hour": 0.0}},
}
AGENCIES = (
    COSTS
    | SUBSIDY
    | {
        "horizon_days": 180,
        "economy.pay_fen_per_1000_reads": 300.0,
        "contracts.cuts": True,
        "contracts.patience": 1,
        "contracts.freed_effort_share": 1.0,
        "contracts.effort_limit": 3.0,
    }
)


def cut(outcome: Outcome) -> np.ndarray[Any, np.dtype[np.bool_]]:
    return outcome.accounts.status == AccountStatus.CUT


def test_p3_a_shrinking_subsidy_makes_agencies_cut_their_smaller_accounts() -> None:
    shrinking, full = play(AGENCIES, SHRINKING), play(AGENCIES)
    contract, followers = shrinking.population.agency >= 0, shrinking.followers(0)
    assert not cut(full).any()
    gone = cut(shrinking)
    assert 0.2 < gone[contract].mean() < 0.9
    assert set(shrinking.accounts.gone_at[gone] // DAY) <= {120, 150}  # after a month without subsidy
    assert np.median(followers[gone]) < 0.5 * np.median(followers[contract & ~gone])


def test_p3_freed_effort_makes_the_kept_accounts_post_more() -> None:
    moved, lost = play(AGENCIES, SHRINKING), play(AGENCIES, SHRINKING, {"contracts.freed_effort_share": 0.0})
    first = moved.accounts.gone_at == 120 * DAY
    assert np.array_equal(first, lost.accounts.gone_at == 120 * DAY)
    assert first.any()
    own = moved.population
    kept = moved.accounts.present & np.isin(own.agency, own.agency[first])
    assert np.array_equal(lost.accounts.posts_per_day, own.posts_per_day)
    assert (moved.accounts.posts_per_day >= own.posts_per_day).all()
    assert (moved.accounts.posts_per_day > own.posts_per_day)[kept].sum() > 0.5 * kept.sum() > 0
    assert flow(moved, "exposure_feed", 120)[kept].sum() > 1.05 * flow(lost, "exposure_feed", 120)[kept].sum()


def test_p3_cut_accounts_are_shown_no_more_and_keep_their_followers() -> None:
    outcome = play(AGENCIES, SHRINKING, {"surfaces.feed.unfollow_prob": 0.001})
    gone = np.flatnonzero(cut(outcome))
    assert gone.size > 3
    for account in gone.tolist():
        since = int(outcome.accounts.gone_at[account])
        assert not outcome.history.between(since, outcome.end)[:8, account].any()  # from exposure to tips
        assert flow(outcome, "exposure_feed", 0, since // DAY)[account] > 0
        assert outcome.followers(outcome.end)[account] == outcome.followers(since)[account] > 0


# Phases

ALIVE = AGENCIES | {
    "horizon_days": 120,
    "entry.newcomers_per_month": 5.0,
    "support.policy": "tiered",
    "support.services": True,
    "services.availability": 0.8,
    "live.elasticity": 0.5,
    "surfaces.live.tip_prob": 0.01,
    "surfaces.live.tip_fen": 1000,
    "surfaces.feed.unfollow_prob": 0.01,
    "surfaces.live.unfollow_factor": 0.5,
    "surfaces.hongren-tao.custom_share": 0.1,
    "verticals.fashion.capacity": 10.0,
    "segments.young.growth_per_year": 0.5,
    "economy.commission_share": 0.2,
}
"""All mechanisms at once."""
PATCHES: list[dict[str, Any]] = [
    {"support": {"policy": "none"}},
    {"support": {"services": False}},
    {"services": {"order_loss": 0.5}},
    {"economy": {"subsidy_fen_per_live_hour": 0.0}},
    {"contracts": {"recruits_per_review": 2}},
    {"live": {"reference_fen_per_hour": 1000.0}},
    {"entry": {"opens": False}},
    {"surfaces": {"find-people": {"follow_prob": 0.5}}},
    {"segments": {"older": {"buying": 5.0}}},
]


@pytest.mark.parametrize("patch", PATCHES, ids=lambda patch: " and ".join(patch))
@pytest.mark.parametrize("start", [1, 45])
def test_what_was_before_a_phase_is_equal_to_the_bit(patch: dict[str, Any], start: int) -> None:
    changed, plain = (
        play(ALIVE, {"phases.other": {"start_day": start} | patch}),
        play(ALIVE, {"phases.other": {"start_day": start}}),
    )
    for time in [t * DAY for t in (-30, 0, 30, 45) if t <= start] + [start * DAY]:
        assert np.array_equal(changed.history.upto(time), plain.history.upto(time))
        for kept in ("status", "agency", "profit", "surface_gmv"):
            assert np.array_equal(getattr(changed.history, kept)[time], getattr(plain.history, kept)[time])
    for one, other in zip(changed.reviews, plain.reviews, strict=True):
        assert one.time >= start * DAY or np.array_equal(one.tier, other.tier)
    assert changed.digest() != plain.digest()


FEW_FANS = {"fans.count": 60, "fans.sessions_per_day": 0.3, "horizon_days": 90}


@pytest.mark.parametrize(
    "phases", [{}, {"phases.end": {"start_day": 45, "support": {"policy": "none"}, "entry": {"opens": False}}}]
)
def test_all_mechanisms_together_are_equal_on_both_engines(phases: dict[str, Any]) -> None:
    compiled, reference = (play(ALIVE, FEW_FANS, phases, engine=engine) for engine in ("compiled", "reference"))
    assert compiled.digest() == reference.digest()
    assert (compiled.counts[:, :, Counter.CLICKS].sum(axis=0) > 0).all()
    happened = [Counter.FOLLOWS, Counter.UNFOLLOWS, Counter.ORDERS, Counter.REFERRALS, Counter.TIPS_FEN]
    assert compiled.counts[:, :, happened].any(axis=(0, 1)).all()
    assert compiled.totals[TAO, [Total.RESERVED, Total.CUSTOM]].all()
    assert (compiled.accounts.status[40:] != AccountStatus.WAITING).any()
