"""Parts of tiny valid scenarios as strategies, with every key in play and each mechanism off in many of them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

POLICIES = (
    "none",
    "placebo",
    "tiered",
    "uniform",
    "flat",
    "tail",
    "proportional",
    "head",
    "lottery",
    "newcomer",
    "empty",
)
WITHIN_TIER = ("equal", "followers", "organic", "best", "per-agency")
ELIGIBLE = ("partners", "all")
Drawn = dict[str, Any]

shares = st.sampled_from([0.0, 1.0, 0.5]) | st.floats(0, 1)
halves = st.sampled_from([0.0, 0.5]) | st.floats(0, 0.5)
factors = st.sampled_from([1.0, 0.0, 2.0]) | st.floats(0, 3)
exponents = st.sampled_from([0.0, 1.0, 0.5, 2.0, -1.0]) | st.floats(0, 2)
probabilities = st.sampled_from([1.0, 0.0, 0.5]) | st.floats(0, 1)
examinations: st.SearchStrategy[Drawn] = st.one_of(
    exponents.filter(lambda e: e >= 0).map(lambda exponent: {"exponent": exponent}),
    st.just({"model": "cascade"}),
    probabilities.map(lambda p: {"model": "geometric", "continue_prob": p}),
)


def split(draw: st.DrawFn, n: int) -> list[float]:
    """Shares that sum to 1, some of them 0."""
    weights = draw(st.lists(st.integers(0, 5), min_size=n, max_size=n).filter(any))
    return [weight / sum(weights) for weight in weights]


def distributions(low: float, high: float, *, at_zero: bool = True) -> st.SearchStrategy[Any]:
    """Any kind of distribution over this range."""
    inside = st.floats(low, high)
    positive = st.floats(max(low, high * 1e-3), high)
    return st.one_of(
        st.sampled_from([low, high] if at_zero else [high]),
        inside,
        st.tuples(inside, inside).map(lambda ends: {"kind": "uniform", "low": min(ends), "high": max(ends)}),
        st.builds(
            lambda median, sigma: {"kind": "lognormal", "median": median, "sigma": sigma, "max": high},
            positive,
            st.floats(0, 3),
        ),
        st.builds(
            lambda least, exponent: {"kind": "pareto", "min": least, "exponent": exponent, "max": high},
            positive,
            st.floats(0.3, 5),
        ),
    )


@st.composite
def segments(draw: st.DrawFn, verticals: list[str]) -> Drawn:
    """The table of segments."""
    names = [f"segment {g}" for g in range(draw(st.integers(1, 3)))]
    parts: Drawn = {}
    for name, share in zip(names, split(draw, len(names)), strict=True):
        parts[name] = {
            "share": share,
            "activity": draw(st.sampled_from([1.0, 1.0, 0.0, 2.5])),
            "buying": draw(st.floats(0, 3)),
            "interests": draw(st.dictionaries(st.sampled_from(verticals), shares, max_size=2)),
            "other_interest": draw(st.sampled_from([1.0, 0.5]) | shares),
            "hours": draw(
                st.just([]) | st.lists(st.sampled_from([0.0, 1.0, 2.5]), min_size=24, max_size=24).filter(any)
            ),
            "growth_per_year": draw(st.sampled_from([0.0, 0.0, 1.0, 20.0])),
        }
    return parts


@st.composite
def verticals_table(draw: st.DrawFn, names: list[str], horizon: int) -> Drawn:
    """The table of verticals: half of the worlds are never crowded, and open from the beginning."""
    crowded, closed = draw(st.booleans()), draw(st.booleans())
    return {
        name: {
            "share": share,
            "shop_prob": draw(st.just(1.0) | shares),
            "capacity": draw(st.none() | st.floats(0.5, 30)) if crowded else None,
            "opens_at_days": draw(st.sampled_from([0.0, 0.5, 5.0, horizon + 1.0])) if closed else 0.0,
        }
        for name, share in zip(names, split(draw, len(names)), strict=True)
    }


@st.composite
def agencies(draw: st.DrawFn, verticals: list[str]) -> Drawn:
    """The table of agency groups."""
    return {
        f"group {a}": {
            "count": draw(st.sampled_from([1, 2, 3, 0])),
            "accounts": draw(distributions(0, 8, at_zero=False)),
            "stratified": draw(st.booleans()),
            "verticals": draw(st.lists(st.sampled_from(verticals), max_size=2)),
            "shop_factor": draw(st.floats(0, 3)),
            "own_operations": draw(st.booleans()),
        }
        for a in range(draw(st.sampled_from([1, 2, 0])))
    }


SELECTIONS = (
    {"selection": "sampled", "ties": "order"},  # said: a phase may take back the lots of the base
    {"selection": "sampled", "ties": "order"},
    {"selection": "top"},
    {"selection": "top", "ties": "lot"},
)


@st.composite
def surface(draw: st.DrawFn, kind: str, n_influencers: int, support_share: float) -> Drawn:
    """A surface of this kind without its share of sessions and its refreshes."""
    parts: Drawn = {
        "slots": draw(st.integers(1, 6) | st.integers(1, n_influencers + 3)),
        "examination": draw(examinations),
        "ranking": {
            "popularity": draw(exponents),
            "merit": draw(exponents),
            "relevance": draw(exponents),
            "offset_people": draw(st.none() | st.sampled_from([1.0, 0.0]) | st.floats(0, 1000)),
            "freshness_half_life_days": draw(st.none() | st.floats(0.01, 100)),
            **draw(st.sampled_from(SELECTIONS)),
            "exploration": draw(st.just(0.0) | shares),
        },
        "distinct": draw(st.booleans()),
        "click_prob": draw(st.just(1.0) | probabilities),
        "follow_prob": draw(st.just(1.0) | probabilities),
        "follow_rule": draw(st.sampled_from(["probability", "probability", "better-than-followed"])),
        "unfollow_prob": draw(st.sampled_from([0.0, 0.3]) | shares),
        "unfollow_factor": draw(st.just(1.0) | shares),
        "feed_weights": {key: draw(exponents) for key in ("posts", "relevance", "merit")},
        "follow_fame": draw(st.sampled_from([0.0, 0.3]) | st.floats(-2, 2)),
        "fame_offset_people": draw(st.none() | st.sampled_from([0.0, 1.0]) | st.floats(0, 1000)),
        "order_factor": draw(st.sampled_from([0.0, 1.0]) | st.floats(0, 3)),
        "referral_prob": draw(st.just(1.0) | probabilities),
        "already_following": draw(st.sampled_from(["refuse", "count"])),
    }
    if kind == "feed":
        parts["showcase_share"] = draw(st.just(1.0) | shares)
    else:
        parts["support_share"] = draw(st.none() | shares)
    if kind == "live":
        parts |= {"tip_prob": draw(shares), "tip_fen": draw(st.sampled_from([0, 1, 1000]))}
    if kind == "commerce":
        reserved = support_share if parts["support_share"] is None else parts["support_share"]
        parts["custom_share"] = draw(st.just(0.0) | shares) * (1 - reserved)
    return parts


@st.composite
def surfaces(draw: st.DrawFn, n_influencers: int, days: int, support_share: float) -> Drawn:
    """The table of surfaces."""
    n = draw(st.integers(1, 4))
    parts: Drawn = {}
    for s, share in enumerate(split(draw, n)):
        kind = draw(st.sampled_from(["discovery", "discovery", "commerce", "feed", "live"]))
        # From many refreshes to fewer than one: each costs about as much as a session.
        refresh_minutes = draw(st.integers(1440 * days // 40, 1440 * days + 1440) | st.sampled_from([60, 1440, 10_080]))
        parts[f"surface-{s}"] = {
            "kind": kind,
            "session_share": share,
            "refresh_minutes": max(refresh_minutes, 1440 * days // 40, 60),
            **draw(surface(kind, n_influencers, support_share)),
        }
    return parts


@st.composite
def tier(draw: st.DrawFn) -> Drawn:
    """A tier, of many or of few conditions."""
    bound = st.sampled_from([-1.0, -1.0, 0.0, 3.0]) | st.floats(-1, 200)
    services = st.lists(st.sampled_from(["operations", "custom-product", "shop-entry"]), unique=True)
    parts = {
        "weight": draw(st.floats(0.01, 100)),
        "over_accounts": draw(st.sampled_from([-1.0, 1.0, 2.0, 3.0])),
        "services": draw(services),
    }
    if draw(st.booleans()):
        parts |= {key: draw(bound) for key in ("over_followers", "over_reads_per_month", "over_posts_per_month")}
        parts["min_gmv_fen_per_year"] = draw(st.sampled_from([0, 0, 0, 1, 100_000]))
    return parts


@st.composite
def support(draw: st.DrawFn) -> Drawn:
    """The section of support."""
    return {
        "policy": draw(st.sampled_from(["tiered", "tiered", "tiered", "flat", "tail", *POLICIES])),
        "within_tier": draw(st.sampled_from(WITHIN_TIER)),
        "eligible": draw(st.sampled_from(ELIGIBLE)),
        "share": draw(st.just(0.5) | shares),
        "services": draw(st.booleans()),
        "relevance": draw(exponents),
        "lottery_share": draw(shares),
        "newcomer_days": draw(st.sampled_from([0.0, 90.0, 1000.0])),
        "review_days": draw(st.integers(1, 45)),
        "tiers": {f"tier {t}": draw(tier()) for t in range(draw(st.integers(1, 3)))},
    }


services = st.fixed_dictionaries(
    {
        "availability": shares,
        "order_loss": shares,
        "operations_availability": shares,
        "operations_conversion_factor": factors,
        "providers": st.booleans(),
        "provider_conversion_factor": factors,
        "unserved_conversion_factor": factors,
        "provider_entry_factor": shares,
        "tier_entry_factor": shares,
    }
)
# Prices at which some accounts gain and others lose: 120 sessions bring some thousand fen to a few.
economy = st.fixed_dictionaries(
    {
        "commission_share": halves,
        "platform_commission_share": halves,
        "pay_fen_per_1000_reads": st.sampled_from([0.0, 4.5, 1e4]),
        "ad_fen_per_1000_reads": st.sampled_from([0.0, 22.0]) | st.floats(0, 1e4),
        "subsidy_fen_per_live_hour": st.sampled_from([0.0, 100.0, 10_000.0]) | st.floats(0, 1e4),
        "tip_platform_share": halves,
        "tip_agency_share": halves,
        "agency_share": shares,
        "account_fen_per_month": st.sampled_from([0.0, 1000.0, 1e5]),
        "independent_fen_per_month": st.sampled_from([0.0, 1000.0, 1e5]),
        "post_fen": st.sampled_from([20.0, 0.5, 0.0]),
        "live_fen_per_hour": st.sampled_from([100.0, 1000.0, 0.0]),
    }
)
contracts = st.fixed_dictionaries(
    {
        "review_days": st.sampled_from([1, 2, 5]) | st.integers(1, 20),
        "cuts": st.sampled_from([True, True, False]),
        "patience": st.sampled_from([1, 1, 2, 3]),
        "freed_effort_share": shares,
        "effort_limit": st.sampled_from([1.0, 1.5, 10.0]),
        "quality_effort": st.sampled_from([0.0, 0.5]) | st.floats(0, 8),
        "fails": st.booleans(),
        "funds_fen_per_account": st.sampled_from([0.0, 1000.0, 1e6]),
        "recruits_per_review": st.integers(0, 3),
        "recruit_fen": st.sampled_from([0.0, 500.0, 1e5]),
        "independents_leave": st.booleans(),
        "idle_reads_per_month": st.sampled_from([0.0, 1.0, 1000.0]),
    }
)
live = st.fixed_dictionaries(
    {
        "elasticity": exponents.filter(lambda e: e >= 0),
        "reference_fen_per_hour": st.sampled_from([1.0, 5000.0]) | st.floats(1, 1e5),
        "max_hours_per_day": st.sampled_from([12.0, 24.0, 0.0]) | st.floats(0, 24),
    }
)


@st.composite
def entry(draw: st.DrawFn, horizon: int) -> Drawn:
    """The section of entry, with up to 10 newcomers."""
    return {
        "newcomers_per_month": draw(st.sampled_from([0, 1, 5, 10])) * 30 / horizon,
        "opens": draw(st.sampled_from([True, True, True, False])),
        "incubated_followers": draw(st.sampled_from([0.0, 0.0, 10.0, 1e5])),
        "shop_entry_fen": draw(st.sampled_from([0.0, 100.0, 1e5])),
        "crowding_choice": draw(exponents.filter(lambda e: e >= 0)),
    }


def some_of(draw: st.DrawFn, parts: Drawn, *without: str) -> Drawn:
    """Up to four keys of a section, none of those named."""
    keys = sorted(key for key, value in parts.items() if key not in without and value is not None)
    return {key: parts[key] for key in draw(st.lists(st.sampled_from(keys), unique=True, max_size=4))}


@st.composite
def phase(draw: st.DrawFn, base: Drawn) -> Drawn:
    """A patch of some sections; what it draws fits with whatever the others hold."""
    horizon, n = base["horizon_days"], base["influencers"]["count"]
    patch: Drawn = {}
    if draw(st.booleans()):
        fresh = draw(support())
        patch["support"] = some_of(draw, fresh, "share", "review_days", "tiers")
        for name in base["support"]["tiers"]:
            patch["support"].setdefault("tiers", {})[name] = some_of(draw, draw(tier()))
    if draw(st.booleans()):
        for key, section in (("services", services), ("economy", economy), ("contracts", contracts), ("live", live)):
            patch[key] = some_of(draw, draw(section), "review_days")
        patch["entry"] = some_of(draw, draw(entry(horizon)), "newcomers_per_month")
    if draw(st.booleans()):
        patch["surfaces"] = {}
        for name, before in base["surfaces"].items():
            fresh = draw(surface(before["kind"], n, base["support"]["share"]))
            fresh["examination"] = {"model": "position-based", **fresh["examination"]}  # before, it may be another
            patch["surfaces"][name] = some_of(draw, fresh, "support_share", "custom_share")
            if before["kind"] != "feed":
                reserved = draw(shares)
                patch["surfaces"][name]["support_share"] = reserved
            if before["kind"] == "commerce":
                patch["surfaces"][name]["custom_share"] = draw(shares) * (1 - reserved)
    if draw(st.booleans()):
        for part, share in zip(base["surfaces"], split(draw, len(base["surfaces"])), strict=True):
            patch.setdefault("surfaces", {}).setdefault(part, {})["session_share"] = share
    if draw(st.booleans()):
        patch["segments"] = {name: {"buying": draw(st.floats(0, 3))} for name in base["segments"]}
    return patch


@st.composite
def phases(draw: st.DrawFn, base: Drawn) -> Drawn:
    """The table of phases: none in half of the worlds, up to two in the others."""
    days = draw(st.just([]) | st.lists(st.integers(0, base["horizon_days"] - 1), unique=True, max_size=2))
    return {f"phase {p}": {"start_day": day, **draw(phase(base))} for p, day in enumerate(sorted(days))}
