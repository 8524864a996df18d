"""Support policies: one function each, from a frozen view of the platform to the weights of reserved slots."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from sim.errors import Fault, InputError
from sim.plugins import Plugin, registered
from sim.scenario.platform import Support

__all__ = ["PlatformView", "Policy", "policy_named"]

Floats = NDArray[np.float64]
Int64s = NDArray[np.int64]
Int32s = NDArray[np.int32]


@dataclass(frozen=True)
class PlatformView:
    """What a policy may know, as it was at the last control event; its arrays are read-only."""

    now_days: float
    """Time [days since day 0]."""
    followers: Int64s
    """(M,): simulated fans."""
    organic: Floats
    """(M,): organic weight on this surface, for a fan of affinity 1."""
    quality: Floats
    """(M,): in (0, 1)."""
    vertical: Int32s
    """(M,): index of the vertical."""
    agency: Int32s
    """(M,): -1 for independents."""
    tier: Int32s
    """(A,): index of the tier that an agency holds, 0 the highest, -1: none."""
    age_days: Floats
    """(M,): age of the account [days]."""
    lots: Floats
    """(M,): a uniform number in (0, 1), new every 30 days, the same in every arm."""
    present: NDArray[np.bool_]
    """(M,): who is on the platform now; the weights of all others are ignored."""

    @property
    def tier_of_influencer(self) -> Int32s:
        """(M,): tier of an influencer's agency, -1: none."""
        held = np.append(self.tier, np.int32(-1))  # an agency of -1 reads the last place
        return held[self.agency]


Policy = Callable[[PlatformView, Support], Floats]


def tiered(view: PlatformView, support: Support) -> Floats:
    """``weight[tier]`` of the influencer's agency, 0 without one, spread inside the agency by ``within_tier``.

    An agency's accounts share ``weight[tier] x accounts`` equally, by followers, by organic weight, or the account with
    the most followers (the lowest id of several) takes all; with ``per-agency`` they share ``weight[tier]`` equally.
    """
    tier = view.tier_of_influencer
    tier_weight = np.array([t.weight for t in support.tiers.values()] + [0.0])
    weight = tier_weight[tier]
    if support.within_tier == "equal":
        return weight
    out = np.zeros_like(weight)
    for agency in np.unique(view.agency[tier >= 0]):
        accounts = np.flatnonzero(view.agency == agency)
        mass = weight[accounts[0]]
        match support.within_tier:
            case "per-agency":
                out[accounts] = mass / accounts.size
            case "best":
                out[accounts[view.followers[accounts].argmax()]] = mass * accounts.size
            case spread:
                by = view.followers[accounts].astype(np.float64) if spread == "followers" else view.organic[accounts]
                total = np.add.accumulate(by)[-1]  # a sum in a fixed order: np.sum's order is numpy's own affair
                out[accounts] = mass * accounts.size * (by / total if total > 0 else 1.0 / accounts.size)
    return out


def uniform(view: PlatformView, support: Support) -> Floats:  # noqa: ARG001 - all policies have one form
    """Equal weights over all accounts."""
    return np.ones(view.followers.size)


def _eligible(view: PlatformView, support: Support) -> NDArray[np.bool_]:
    """Accounts that may be supported: those of agencies with a tier, or all."""
    if support.eligible == "all":
        return np.ones(view.followers.size, np.bool_)
    return view.tier_of_influencer >= 0


def flat(view: PlatformView, support: Support) -> Floats:
    """Equal weights over all eligible accounts."""
    return _eligible(view, support).astype(np.float64)


def tail(view: PlatformView, support: Support) -> Floats:
    """``1 / (followers + 1)`` over all eligible accounts."""
    return np.where(_eligible(view, support), 1.0 / (view.followers + 1.0), 0.0)


def proportional(view: PlatformView, support: Support) -> Floats:
    """Followers, over all eligible accounts."""
    return np.where(_eligible(view, support), view.followers, 0).astype(np.float64)


def head(view: PlatformView, support: Support) -> Floats:  # noqa: ARG001 - all policies have one form
    """Equal weights over the accounts of agencies in the top tier."""
    return np.where(view.tier_of_influencer == 0, 1.0, 0.0)


def lottery(view: PlatformView, support: Support) -> Floats:
    """Equal weights over those eligible accounts that this month's draw has chosen."""
    return (_eligible(view, support) & (view.lots < support.lottery_share)).astype(np.float64)


def newcomer(view: PlatformView, support: Support) -> Floats:
    """Equal weights over the eligible accounts under an age."""
    return (_eligible(view, support) & (view.age_days < support.newcomer_days)).astype(np.float64)


BUILT_IN: MappingProxyType[str, Policy] = MappingProxyType(
    {
        "tiered": tiered,
        "uniform": uniform,
        "flat": flat,
        "proportional": proportional,
        "tail": tail,
        "head": head,
        "lottery": lottery,
        "newcomer": newcomer,
    }
)
"""Policies that give weights; ``none``, ``placebo`` and ``empty`` give none."""


def policy_named(name: str) -> Policy | None:
    """The policy of this name, built in or the user's own, whose weights are checked; None: it gives no weights."""
    own = registered().get(name)
    return BUILT_IN.get(name) if own is None else _checked(name, own)


def _checked(name: str, own: Plugin) -> Policy:
    """A user's policy with clean errors and weights that tables can be built from."""

    def refused(rule: str) -> InputError:
        return InputError([Fault(file=own.file, path=name, rule=rule)])

    def weights(view: PlatformView, support: Support) -> Floats:
        try:
            given = np.asarray(own.function(view, support), dtype=np.float64)
        except Exception as error:
            raise refused(f"policy failed: {type(error).__name__}: {error}") from error
        if given.shape != view.followers.shape:
            raise refused(
                f"must give one weight for each of {view.followers.size} influencers, got shape {given.shape}"
            )
        if not np.isfinite(given).all() or (given < 0).any():
            raise refused("must give finite weights >= 0")
        return given

    return weights
