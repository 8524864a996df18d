"""Support policies: one function each, from a frozen view of the platform to the weights of reserved slots.

A built-in policy is registered like one of the user's own, here, in the order in which messages list them. They know
neither surfaces nor tables.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from sim.errors import Fault, InputError
from sim.formatting import escaped
from sim.late import Late
from sim.registry import Plugin, built_in, policy, register, registered
from sim.scenario.schema.platform import Support
from sim.types import Floats, Int32s, Int64s

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
else:
    np = Late("numpy")


__all__ = ["PlatformView", "SupportPolicy", "policy_named"]

MOST = 1e100
"""Weight that a policy gives at most: its product with powers of affinity must be finite."""


@dataclass(frozen=True)
class PlatformView:
    """What a policy may know, as it was at the last control event; its arrays are read-only."""

    now_days: float
    """Time [days since day 0]."""
    people_per_fan: float
    """Real people that a simulated fan represents."""
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
    """(A,): index of an agency's tier, 0 the highest, -1: none."""
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


SupportPolicy = Callable[[PlatformView, Support], Floats]


def _without_weights(*names: str) -> None:
    """Register policies that give no weights: the reserved slots stay organic, or empty."""
    for name in names:
        register("policy", name, _without_weights, None)


_without_weights("none", "placebo")


@policy
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
                total = np.add.accumulate(by)[-1]  # in a fixed order: np.sum's may differ between versions of numpy
                out[accounts] = mass * accounts.size * (by / total if total > 0 else 1.0 / accounts.size)
    return out


@policy
def uniform(view: PlatformView, support: Support) -> Floats:  # noqa: ARG001 - all policies have one form
    """Equal weights over all accounts."""
    return np.ones(view.followers.size)


def _eligible(view: PlatformView, support: Support) -> NDArray[np.bool_]:
    """Accounts that may be supported: those of agencies with a tier, or all."""
    if support.eligible == "all":
        return np.ones(view.followers.size, np.bool_)
    return view.tier_of_influencer >= 0


@policy
def flat(view: PlatformView, support: Support) -> Floats:
    """Equal weights over all eligible accounts."""
    return _eligible(view, support).astype(np.float64)


@policy
def proportional(view: PlatformView, support: Support) -> Floats:
    """Followers, over all eligible accounts."""
    return np.where(_eligible(view, support), view.followers, 0).astype(np.float64)


@policy
def tail(view: PlatformView, support: Support) -> Floats:
    """``1 / (followers + 1)`` over all eligible accounts."""
    return np.where(_eligible(view, support), 1.0 / (view.followers + 1.0), 0.0)


@policy
def head(view: PlatformView, support: Support) -> Floats:  # noqa: ARG001 - all policies have one form
    """Equal weights over the accounts of agencies in the top tier."""
    return np.where(view.tier_of_influencer == 0, 1.0, 0.0)


@policy
def lottery(view: PlatformView, support: Support) -> Floats:
    """Equal weights over those eligible accounts that this month's draw has chosen."""
    return (_eligible(view, support) & (view.lots < support.lottery_share)).astype(np.float64)


@policy
def newcomer(view: PlatformView, support: Support) -> Floats:
    """Equal weights over the eligible accounts under an age."""
    return (_eligible(view, support) & (view.age_days < support.newcomer_days)).astype(np.float64)


_without_weights("empty")


def policy_named(name: str, arm: str, influencers: tuple[str, ...]) -> SupportPolicy | None:
    """The policy of this name, built in or the user's own; None: it gives no weights.

    Parameters
    ----------
    name
        As ``support.policy`` has it.
    arm, influencers
        Names for messages about a user's policy.
    """
    own = registered("policy").get(name)
    if own is not None:
        return _OwnPolicy(name, own, arm, influencers)
    found: SupportPolicy | None = built_in("policy").get(name)
    return found


class _OwnPolicy:
    """A user's policy: its errors are clean, its weights such that tables can be built from them."""

    def __init__(self, name: str, plugin: Plugin, arm: str, influencers: tuple[str, ...]) -> None:
        self._name = name
        self._plugin = plugin
        self._arm = arm
        self._influencers = influencers
        self._is_known = False
        self._support: tuple[Support, Support] | None = None

    def __call__(self, view: PlatformView, support: Support) -> Floats:
        """The weights, asked for twice the first time: a policy must know nothing but the view.

        Raises
        ------
        InputError
            The policy fails, gives what are no weights, or differs from itself.
        """
        if self._support is None or self._support[0] is not support:
            self._support = support, _read_only(support)
        view, support = _sealed(view), self._support[1]
        weights = self._weights(view, support)
        if not self._is_known:
            again = self._weights(view, support)
            if (differing := np.flatnonzero(weights != again)).size:
                i = int(differing[0])
                values = f"{float(weights[i])!r} and {float(again[i])!r}"
                rule = "must give the same weights for the same view: no random numbers but view.lots, no memory"
                raise self._refused(rule, values, i)
            self._is_known = True
        return weights

    def _weights(self, view: PlatformView, support: Support) -> Floats:
        try:
            answer = self._plugin.call(view, support, first=not self._is_known)
            given = np.asarray(answer)
        except (InputError, KeyboardInterrupt):
            raise
        except BaseException as error:
            raise self._plugin.failed("policy", self._name, error, f"arm {escaped(self._arm)}") from error
        if given.shape != view.followers.shape:
            got = "nothing" if answer is None else f"shape {given.shape}"
            raise self._refused(f"must give one weight for each of {view.followers.size} influencers", got)
        if isinstance(answer, np.ma.MaskedArray) and np.ma.is_masked(answer):
            raise self._refused("must give no masked weights", "masked", int(np.ma.getmaskarray(answer).argmax()))
        if given.dtype.kind not in "biuf":
            numbers = (int, float, complex) if given.dtype.kind == "c" else (int, float)
            i = next((i for i, w in enumerate(given.tolist()) if not isinstance(w, numbers) or w.imag), 0)
            rule = f"must give real numbers, not the type {escaped(str(given.dtype))}"
            raise self._refused(rule, escaped(_cut(given[i : i + 1].tolist()[0])), i)
        with np.errstate(all="ignore"):
            weights = np.array(given, dtype=np.float64)
            wrong = ~((weights >= 0) & (weights <= MOST))
        if wrong.any():
            i = int(wrong.argmax())
            raise self._refused(f"must give finite weights >= 0, at most {MOST:g}", f"{weights[i]:.6g}", i)
        return weights

    def _refused(self, rule: str, got: str, influencer: int | None = None) -> InputError:
        file, line = self._plugin.place()
        where = f"arm {escaped(self._arm)}"
        if influencer is not None:
            where = f"influencer {escaped(self._influencers[influencer])}, {where}"
        return InputError([Fault(file, rule, line, self._name, f"{got} ({where})")])


def _cut(value: Any) -> str:
    """A value of any kind, as its kind writes it."""
    try:
        return repr(value)[:60]
    except KeyboardInterrupt:
        raise
    except BaseException:  # an object of the user's own may fail at this
        return type(value).__name__


def _sealed(view: PlatformView) -> PlatformView:
    """The same with arrays that nothing can make writeable again, nor reach the platform's own through."""
    arrays = {name: value for name, value in vars(view).items() if isinstance(value, np.ndarray) and value.size}
    copies: dict[str, Any] = {name: np.frombuffer(value.tobytes(), value.dtype) for name, value in arrays.items()}
    return replace(view, **copies)


def _read_only(support: Support) -> Support:
    """A copy whose tables can't be changed."""
    copy = deepcopy(support)
    lists = {name: tuple(v) if isinstance(v, list) else v for name, v in copy.parameters.items()}
    tables = {"tiers": MappingProxyType(copy.tiers), "parameters": MappingProxyType(lists)}
    return copy.model_copy(update=tables)
