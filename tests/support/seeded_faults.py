"""Seeded faults and harmless changes of the source, and a copy of the project to make them in."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from numba.core.caching import _CacheLocator
from support.places import PROJECT

from sim.model.kernel.compiled_code import CODE_FOLDER

WEIBO, SMALLEST, OTHER = "weibo-2017.toml", "minimal.toml", "short-video.toml"


class Change(NamedTuple):
    """A change of one file of the source, by texts that occur in it once."""

    name: str
    file: str
    """Relative to ``sim``."""
    old: str
    new: str
    scenario: str = WEIBO
    """Shipped scenario in which a fault shows, the quickest that does."""
    where: frozenset[str] = frozenset()
    """Of a fault: events where the runs may part first, or words on tables and measures that differ alone."""
    more: tuple[tuple[str, str], ...] = ()
    """Further replacements, one after the other."""

    @property
    def texts(self) -> tuple[tuple[str, str], ...]:
        """All replacements."""
        return (self.old, self.new), *self.more


def fault(name: str, file: str, old: str, new: str, *where: str, scenario: str = WEIBO) -> Change:
    return Change(name, file, old, new, scenario, frozenset(where))


QUICK = (
    fault(
        "an examined position off by one",
        "model/ranking/blank_tables.py",
        "power(k + 1.0, -exponent)",
        "power(k + 2.0, -exponent)",
        "refresh",
        scenario=SMALLEST,
    ),
    fault(
        "a Gini over one account too few",
        "analysis/concentration.py",
        "return ratio((n + 1) * total - 2 * area, n * total)",
        "return ratio((n + 1) * total - 2 * area, (n - 1) * total)",
        "gini",
        scenario=SMALLEST,
    ),
)
FAULTS = (
    *QUICK,
    fault(
        "a threshold of a tier reached where it should be passed",
        "model/agencies/tiers.py",
        "(review.accounts > tier.over_accounts)",
        "(review.accounts >= tier.over_accounts)",
        "review",
        scenario="graph.toml",
    ),
    fault(
        "weights of tiers swapped",
        "model/ranking/policies.py",
        "np.array([t.weight for t in support.tiers.values()] + [0.0])",
        "np.array([t.weight for t in reversed(support.tiers.values())] + [0.0])",
        "refresh",
        scenario="graph.toml",
    ),
    # Slots and lists.
    fault(
        "no exploration",
        "model/ranking/blank_tables.py",
        "threshold(surface.ranking.exploration)",
        "threshold(0.0)",
        "refresh",
    ),
    fault(
        "a hundredth of the reserved slots missing",
        "model/ranking/blank_tables.py",
        "threshold(s.support_share or 0)",
        "threshold(0.99 * (s.support_share or 0))",
        "refresh",
        scenario=SMALLEST,
    ),
    fault(
        "half of the slots for custom products",
        "model/ranking/blank_tables.py",
        "threshold(s.custom_share)",
        "threshold(s.custom_share / 2)",
        "refresh",
    ),
    fault(
        "follows in the warm-up",
        "model/ranking/blank_tables.py",
        "takes_follows=np.zeros(1, np.bool_)",
        "takes_follows=np.ones(1, np.bool_)",
        "refresh",
        scenario=SMALLEST,
    ),
    fault(
        "follows of those already followed counted",
        "model/ranking/blank_tables.py",
        's.already_following == "count"',
        's.already_following != "count"',
        "refresh",
        scenario=SMALLEST,
    ),
    fault(
        "an organic list without interests",
        "model/ranking/surfaces.py",
        "self._build(organic, tables.organic[surface], self._relevance[surface])",
        "self._build(organic, tables.organic[surface], np.ones_like(self._relevance[surface]))",
        "refresh",
    ),
    fault(
        "a support list that doesn't know its exponent of affinity",
        "model/ranking/surfaces.py",
        "powers_of_affinity(self._affinity, scenario.support.relevance)",
        "self._affinity",
        "renewal",
    ),
    fault(
        "lots drawn daily instead of monthly",
        "model/ranking/surfaces.py",
        "month = now // MONTH",
        "month = now // DAY",
        "refresh",
        scenario="policies.toml",
    ),
    fault(
        "those who aren't here on the support list",
        "model/ranking/surfaces.py",
        "self._policy(view, self._scenario.support) * (self._present & self._open)",
        "self._policy(view, self._scenario.support) * self._open",
        "renewal",
    ),
    fault(
        "posts of those who aren't here",
        "model/ranking/surfaces.py",
        "slot_tables.powers(accounts.quality, weights.merit) * self._present)",
        "slot_tables.powers(accounts.quality, weights.merit))",
        "refresh",
    ),
    fault(
        "an agency's traffic that forgets how many accounts it has",
        "model/ranking/policies.py",
        "out[accounts] = mass * accounts.size * (by / total",
        "out[accounts] = mass * (by / total",
        "renewal",
        scenario="claims/support.toml",
    ),
    fault(
        "slots for custom products that stay closed",
        "model/ranking/surfaces.py",
        "        self.tables.custom[:] = self._rows.custom\n",
        "",
        "opening",
    ),
    # Services and crowds.
    fault(
        "no lost orders",
        "model/agencies/services.py",
        "availability * conversion * (1.0 - services.order_loss)",
        "availability * conversion",
        "refresh",
    ),
    fault(
        "dedicated operations that sell no more than others",
        "model/agencies/services.py",
        "np.where(dedicated, services.operations_conversion_factor, 1.0)",
        "np.ones(dedicated.size)",
        "renewal",
    ),
    fault(
        "a crowd of those who are gone",
        "model/world/entry.py",
        "np.bincount(accounts.vertical[accounts.present], minlength=len(verticals))",
        "np.bincount(accounts.vertical, minlength=len(verticals))",
        "refresh",
    ),
    # Money.
    fault(
        "money rounded instead of cut off",
        "model/agencies/ledger.py",
        "return np.floor(amounts).astype(np.int64)",
        "return np.rint(amounts).astype(np.int64)",
        "books",
    ),
    fault(
        "the platform gets the whole commission",
        "model/agencies/ledger.py",
        "booked(self.gmv, gmv, economy.platform_commission_share)",
        "booked(self.gmv, gmv, economy.commission_share)",
        "books",
    ),
    fault(
        "half of the commission more to the agency",
        "model/agencies/ledger.py",
        "        agency_part[~contract] = 0\n",
        "        agency_part += commission // 2\n        agency_part[~contract] = 0\n",
        "books",
    ),
    fault(
        "no subsidy",
        "model/agencies/ledger.py",
        "        paid += booked(*hours, economy.subsidy_fen_per_live_hour)\n",
        "",
        "books",
    ),
    # Agencies and accounts.
    fault(
        "a review of patience too many",
        "model/agencies/review.py",
        "(accounts.bad_reviews >= scenario.contracts.patience)\n        np.add.at",
        "(accounts.bad_reviews > scenario.contracts.patience)\n        np.add.at",
        "contracts",
    ),
    fault(
        "the poorest agencies recruit first",
        "model/agencies/review.py",
        'np.argsort(-self.funds, kind="stable")',
        'np.argsort(self.funds, kind="stable")',
        "contracts",
    ),
    fault(
        "failed agencies that go on",
        "model/agencies/review.py",
        "        accounts.agency[freed] = -1\n",
        "",
        "contracts",
    ),
    fault(
        "recruits for nothing",
        "model/agencies/review.py",
        "            self.funds[agency] -= price * chosen.size\n",
        "",
        "contracts",
    ),
    fault(
        "accounts without an agency that leave a review late",
        "model/agencies/review.py",
        "(accounts.agency < 0) & (accounts.bad_reviews >= scenario.contracts.patience)",
        "(accounts.agency < 0) & (accounts.bad_reviews > scenario.contracts.patience)",
        "contracts",
    ),
    fault(
        "live hours that no pay moves",
        "model/agencies/review.py",
        "powers(pay / live.reference_fen_per_hour, live.elasticity)",
        "powers(pay / live.reference_fen_per_hour, 0.0)",
        "contracts",
    ),
    fault(
        "unfollows not counted",
        "model/control.py",
        "self._traffic.count(Counter.FOLLOWS) - self._traffic.count(Counter.UNFOLLOWS)",
        "self._traffic.count(Counter.FOLLOWS)",
        "refresh",
    ),
    fault(
        "newcomers a day late",
        "model/control.py",
        "| set(joined_at.tolist())",
        "| {time + DAY for time in joined_at.tolist()}",
        "entry",
        "sessions",  # which go on where they were interrupted
    ),
    fault(
        "phases a day late",
        "model/control.py",
        "times = [start_day * DAY for start_day, _ in self._phases]",
        "times = [(start_day + 1) * DAY for start_day, _ in self._phases]",
        "phase",
        scenario="phases.toml",
    ),
    fault(
        "turnover of a month held against a year's",
        "model/agencies/tiers.py",
        'rate("gmv", YEAR)',
        'rate("gmv", MONTH)',
        "review",
    ),
    fault(
        "verticals open before their time",
        "model/world/entry.py",
        "v.opens_at_days * DAY <= max(now, 0)",
        "v.opens_at_days >= 0",
        "refresh",
        scenario="claims/verticals.toml",
    ),
    # Who there is.
    fault(
        "quality from the lane of posts",
        "model/world/population.py",
        "draw(Lane.QUALITY)",
        "draw(Lane.POSTS_PER_DAY)",
        "population",
        scenario="graph.toml",
    ),
    fault(
        "newcomers who may not come on their day",
        "model/world/entry.py",
        "(accounts.population.joined_at <= now)",
        "(accounts.population.joined_at < now)",
        "entry",
    ),
    fault(
        "newcomers' verticals from the lane of their entry",
        "model/world/entry.py",
        "lane = int(Lane.VERTICAL)",
        "lane = int(Lane.NEWCOMER)",
        "entry",
    ),
    # What no other shipped scenario has.
    fault(
        "an organic list that doesn't know merit",
        "model/ranking/surfaces.py",
        "slot_tables.powers(self._accounts.quality, surface.ranking.merit)",
        "slot_tables.powers(self._accounts.quality, 0.0)",
        "refresh",
        scenario=OTHER,
    ),
    fault(
        "a feed that doesn't know merit",
        "model/ranking/surfaces.py",
        "slot_tables.powers(accounts.quality, weights.merit)",
        "slot_tables.powers(accounts.quality, 0.0)",
        "refresh",
        scenario=OTHER,
    ),
    fault(
        "freshness that halves twice as fast",
        "model/ranking/surfaces.py",
        "np.maximum(age_days - youngest, 0.0) / ranking.freshness_half_life_days",
        "np.maximum(age_days - youngest, 0.0) / (ranking.freshness_half_life_days / 2)",
        "refresh",
        scenario=OTHER,
    ),
    fault(
        "followers without their offset",
        "model/ranking/surfaces.py",
        "self._powers(followers, offset, 1.0, ranking.popularity)",
        "self._powers(followers, 1.0, 1.0, ranking.popularity)",
        "refresh",
        scenario=OTHER,
    ),
    fault(
        "charts that are drawn instead of ranked",
        "model/ranking/blank_tables.py",
        'ranked[row] = surface.ranking.selection == "top"',
        "ranked[row] = False",
        "refresh",
        scenario=OTHER,
    ),
    fault(
        "support of verticals that aren't open",
        "model/ranking/surfaces.py",
        "self._policy(view, self._scenario.support) * (self._present & self._open)",
        "self._policy(view, self._scenario.support) * self._present",
        "renewal",
        scenario=OTHER,
    ),
    fault(
        "a newcomer a day longer",
        "model/ranking/policies.py",
        "view.age_days < support.newcomer_days",
        "view.age_days < support.newcomer_days + 1",
        "renewal",
        scenario=OTHER,
    ),
    fault(
        "browsing on after a click",
        "model/ranking/blank_tables.py",
        '"cascade": (True, False)',
        '"cascade": (True, True)',
        "refresh",
        scenario=OTHER,
    ),
    fault(
        "browsing that stops a slot early",
        "model/ranking/blank_tables.py",
        "[1.0] + [continue_prob] * (MAX_SLOTS - 1)",
        "[continue_prob] * MAX_SLOTS",
        "refresh",
        scenario=OTHER,
    ),
    fault(
        "an hour of the day off by one",
        "model/ranking/blank_tables.py",
        "for hour in hours or [1.0] * 24]",
        "for hour in [*hours[1:], *hours[:1]] or [1.0] * 24]",
        "refresh",
        scenario=OTHER,
    ),
    fault(
        "a cap on follows reached one late",
        "model/ranking/blank_tables.py",
        "np.array([scenario.fans.follow_cap], dtype=np.int64)",
        "np.array([scenario.fans.follow_cap + 1], dtype=np.int64)",
        "refresh",
        scenario=OTHER,
    ),
    fault(
        "posts of a fortnight held against a month's",
        "model/agencies/tiers.py",
        "posts_per_month=posts * 30.0",
        "posts_per_month=posts * 15.0",
        "review",
        scenario=OTHER,
    ),
    fault(
        "a condition on reads forgotten",
        "model/agencies/tiers.py",
        "            & (review.reads_per_month > tier.over_reads_per_month)\n",
        "",
        "review",
        scenario=OTHER,
    ),
    fault(
        "contracts reviewed when tiers are",
        "model/control.py",
        "self._scenario.contracts.review_days * DAY",
        "self._scenario.support.review_days * DAY",
        "contracts",
        scenario=OTHER,
    ),
    fault(
        "more hours on air than the platform allows",
        "model/agencies/review.py",
        "np.minimum(own * factor, live.max_hours_per_day)",
        "own * factor",
        "contracts",
        scenario=OTHER,
    ),
    fault(
        "agency and host exchanged",
        "model/agencies/ledger.py",
        "commission + paid, economy.agency_share)",
        "commission + paid, 1.0 - economy.agency_share)",
        "books",
        scenario=OTHER,
    ),
    fault(
        "an agency's share of all tips instead of what is left of them",
        "model/agencies/ledger.py",
        "min(economy.tip_agency_share / left, 1.0) if left > 0 else 0.0",
        "economy.tip_agency_share",
        "books",
        scenario=OTHER,
    ),
    fault(
        "shops always attended with dedicated operations",
        "model/agencies/services.py",
        "services.operations_availability",
        "1.0",
        "renewal",
        scenario=OTHER,
    ),
    fault(
        "fans who join in a year of 360 days",
        "model/world/population.py",
        "s.growth_per_year * scenario.horizon_days / 365",
        "s.growth_per_year * scenario.horizon_days / 360",
        "population",
        scenario=OTHER,
    ),
    fault(
        "accounts worse than those followed",
        "model/kernel/follow_lists.py",
        "if quality[arena[j] & ID_MASK] >= quality[influencer]:",
        "if quality[arena[j] & ID_MASK] < quality[influencer]:",
        "sessions",
        scenario=OTHER,
    ),
    fault(
        "a fan with the key of the influencer of its name",
        "model/world/addresses.py",
        "int(role), int(Lane.NAME)",
        "0, int(Lane.NAME)",
        "population",
        "sessions",
        scenario="graph.toml",
    ),
    fault(
        "half of a fan's own key",
        "model/kernel/choice.py",
        "return np.uint64(sessions.seed[s]), np.uint64(sessions.replication[s])",
        "return np.uint64(sessions.seed[s]), key[1]",
        "sessions",
        scenario="graph.toml",
    ),
    # What is made of the counters.
    fault(
        "a head rounded up",
        "analysis/concentration.py",
        "math.floor(Fraction(repr(float(fraction))) * int(n) + Fraction(1, 2))",
        "math.ceil(Fraction(repr(float(fraction))) * int(n))",
        "head_share_10",
        scenario="graph.toml",
    ),
    fault(
        "the initial head taken at the end",
        "measures/meter.py",
        "at_start = followers[0]",
        "at_start = followers[-1]",
        "initial_head_share_01",
        scenario=SMALLEST,
    ),
    fault(
        "a variance over all instead of all but one",
        "inference/intervals.py",
        "_row_sum(deviation * deviation) / (n - 1)",
        "_row_sum(deviation * deviation) / n",
        "comparison",
        scenario=SMALLEST,
    ),
    fault(
        "an interval with one degree of freedom too many",
        "inference/intervals.py",
        "student.quantile(size - 1, level)",
        "student.quantile(size, level)",
        "comparison",
        scenario=SMALLEST,
    ),
    fault(
        "Holm's procedure without its steps",
        "inference/paired.py",
        "np.arange(len(order), 0, -1) * p_values[order]",
        "len(order) * p_values[order]",
        "comparison",
        scenario=SMALLEST,
    ),
    # Machine code.
    fault(
        "accounts that are left but stay on the list",
        "model/kernel/follow_lists.py",
        "            length[f] -= 1\n            arena[j] = arena[first + length[f]]\n",
        "",
        "sessions",
    ),
    fault(
        "a lane used twice",
        "model/kernel/responses.py",
        "UNFOLLOW, key[0], key[1])",
        "ACTION, key[0], key[1])",
        "sessions",
    ),
    fault(
        "the last account followed overlooked",
        "model/kernel/responses.py",
        "if is_member(arena, first, n_followed, i):",
        "if is_member(arena, first, n_followed - 1, i):",
        "sessions",
        scenario=SMALLEST,
    ),
    fault(
        "a feed without the last account followed",
        "model/kernel/pages.py",
        "first, n = np.int64(start[f]), np.int64(length[f])\n        interests",
        "first, n = np.int64(start[f]), max(np.int64(length[f]) - 1, 0)\n        interests",
        "sessions",
        scenario="graph.toml",
    ),
)
"""The last four are of machine code, which is compiled again for each of them."""

HARMLESS = (
    Change(
        "accounts are marked in another order",
        "model/agencies/review.py",
        "        accounts.status[cut] = AccountStatus.CUT\n        accounts.gone_at[cut] = now\n",
        "        accounts.gone_at[cut] = now\n        accounts.status[cut] = AccountStatus.CUT\n",
    ),
    Change(
        "sums are booked in another order",
        "model/agencies/ledger.py",
        "        self.income += income\n        self.agency_part += agency_part\n",
        "        self.agency_part += agency_part\n        self.income += income\n",
    ),
    Change(
        "a function has another name",
        "model/agencies/review.py",
        "            _count_bad_reviews(start",
        "            _find_bad_months(start",
        more=(("def _count_bad_reviews(start", "def _find_bad_months(start"),),
    ),
    Change(
        "a variable has another name",
        "model/world/entry.py",
        "    for_each: Floats = np.divide",
        "    crowd: Floats = np.divide",
        more=(("    return np.minimum(1.0, for_each)", "    return np.minimum(1.0, crowd)"),),
    ),
    Change(
        "the same said with another function",
        "model/world/entry.py",
        "    return np.minimum(1.0, for_each)",
        "    return np.where(for_each < 1.0, for_each, 1.0)",
    ),
    Change(
        "a factor on the other side",
        "model/agencies/services.py",
        "availability * conversion * (1.0 - services.order_loss)",
        "conversion * availability * (1.0 - services.order_loss)",
    ),
    Change(
        "surfaces are gone through backwards",
        "model/ranking/blank_tables.py",
        "    for s, surface in enumerate(surfaces):\n"
        "        if KINDS[surface.kind].is_feed:\n            continue\n        for row",
        "    for s, surface in reversed(list(enumerate(surfaces))):\n"
        "        if KINDS[surface.kind].is_feed:\n            continue\n        for row",
    ),
    Change(
        "tables of surfaces are refreshed backwards",
        "model/control.py",
        "        for surface in surfaces:\n            self._surfaces.refresh(",
        "        for surface in reversed(surfaces):\n            self._surfaces.refresh(",
    ),
    Change(
        "a control event more that changes nothing",
        "model/control.py",
        "        return moment(env, self.end - self.start, Order.STOP)",
        "        moment(env, 3 * DAY, Order.AGENCY_REVIEW)\n"
        "        return moment(env, self.end - self.start, Order.STOP)",
    ),
    Change(
        "more is known of an account than is asked",
        "model/agencies/review.py",
        "        before = _shown(accounts)\n",
        "        before = [*_shown(accounts), accounts.entered_at.copy()]\n",
        more=(("zip(before, _shown(accounts), strict=True)", "zip(before, _shown(accounts), strict=False)"),),
    ),
    Change(
        "a comment",
        "model/agencies/ledger.py",
        "        economy = scenario.economy\n        contract",
        "        # Rates.\n        economy = scenario.economy\n        contract",
    ),
    Change("less is hashed at a time", "model/simulation.py", "HASHED = 1 << 20", "HASHED = 1 << 9"),
    Change("fewer rows are made at a time", "experiment/execution.py", "ROWS = 10_000", "ROWS = 10"),
    Change("a group has other slots", "model/kernel/session_group.py", "SLOTS = 8192", "SLOTS = 1024"),
    Change("chunks of fans are smaller", "model/engines/compiled.py", "MOST_FANS = 1 << 16", "MOST_FANS = 1 << 8"),
    Change(
        "a comment in machine code",
        "model/kernel/responses.py",
        "@staged\ndef spend(",
        "# A comment.\n@staged\ndef spend(",
    ),
)


class ChangedCopy:
    """A copy of the project's source, in which one change at a time is made, in place: what numba has compiled stays.

    Parameters
    ----------
    folder
        Where to put it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(PROJECT / "sim", folder / "sim", ignore=shutil.ignore_patterns("__pycache__"))
        self._compiled = self._unchanged = folder / "compiled"
        self._take_compiled_code()

    def _take_compiled_code(self) -> None:
        """Copy what is compiled of the source, which numba keeps in folders named after those of the source.

        It is found there because the copied files have the times of the source's; what isn't found is compiled.
        """
        for package in (PROJECT / "sim").rglob("__init__.py"):
            copied = self.folder / package.relative_to(PROJECT)
            kept, wanted = (_CacheLocator.get_suitable_cache_subpath(str(path)) for path in (package, copied))
            if (CODE_FOLDER.path / kept).is_dir():
                shutil.copytree(CODE_FOLDER.path / kept, self._unchanged / wanted)

    @contextmanager
    def changed(self, change: Change) -> Iterator[Path]:
        """Make a change, and take it back; gives the folder for ``PYTHONPATH``."""
        path = self.folder / "sim" / change.file
        before, times = path.read_text(encoding="utf-8"), path.stat()
        after = before
        for old, new in change.texts:
            assert after.count(old) == 1, f"{change.name}: {old!r} stands {after.count(old)} times in {change.file}"
            after = after.replace(old, new)
        path.write_text(after, encoding="utf-8")
        if _is_compiled(change.file):
            self._compiled = self.folder / "compiled-changed"
        try:
            yield self.folder
        finally:
            path.write_text(before, encoding="utf-8")
            os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
            if self._compiled != self._unchanged:
                shutil.rmtree(self._compiled, ignore_errors=True)
                self._compiled = self._unchanged

    def environment(self) -> dict[str, str]:
        """Variables of a process that imports the copy as it is now.

        Left alone, the project compiles anew whenever anything in ``sim/model`` has changed. Here what is compiled is
        kept through changes of what isn't; machine code that has changed, which numba wouldn't notice in a callee's
        file, has a folder of its own.
        """
        own = {"PYTHONPATH": str(self.folder), "NUMBA_CACHE_DIR": str(self._compiled)}
        # Bytecode is told apart by size and second, in which a change and the next one may be alike.
        return os.environ | own | {"PYTHONDONTWRITEBYTECODE": "1"}

    def check(self, scenario: str | Path, *options: str, **environment: str) -> dict[str, Any]:
        """What a check of a shipped scenario, or of any other file, says with the source as it is now in the copy."""
        file, baselines = PROJECT / "scenarios" / scenario, PROJECT / "results" / "baselines"
        done = subprocess.run(
            [sys.executable, "-m", "sim", "check", str(file), "--json", "--baselines", str(baselines), *options],
            env=self.environment() | environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode in (0, 1), done.stderr
        (found,) = json.loads(done.stdout)["checked"]
        assert (done.returncode == 0) == all(part["status"] != "failed" for part in found["parts"])
        return dict(found)


def _is_compiled(file: str) -> bool:
    """Whether anything of a file ends up in machine code: functions, or constants that compiled ones read."""
    others = ("model/layout.py", "model/world/initial_graph.py", "model/world/block_draws.py", "streams.py")
    return file.startswith("model/kernel/") or file in others
