"""The protocols ODD and STRESS-DES, filled in from a run's manifest as far as a scenario states it; knows no page.

Sources: Grimm et al. 2020, *J. Artif. Soc. Soc. Simul.* 23(2) 7 (ODD); Monks et al. 2019, *J. Simul.* 13(1) 55
(STRESS-DES). What only the researcher can say is marked as such.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sim.results.answer import reading_notes
from sim.scenario.patch.phases import support_at_end

__all__ = ["Protocol", "protocols"]

Manifest = dict[str, Any]
YOURS = "To be added by the author"
MODEL = "the model description (docs/model.md of Headshare)"


class Protocol(NamedTuple):
    """A filled-in protocol: its name, what it is, and its items with the run's entry for each."""

    name: str
    about: str
    items: list[tuple[str, str]]


def protocols(manifest: Manifest) -> list[Protocol]:
    """ODD and STRESS-DES of a run."""
    facts = _Facts(manifest)
    return [
        Protocol(
            "ODD: overview, design concepts, details",
            "After Grimm et al. 2020. The equations are in " + MODEL + "; what follows is this scenario's own.",
            _odd(facts),
        ),
        Protocol(
            "STRESS-DES: strengthening the reporting of empirical simulation studies",
            "After Monks et al. 2019.",
            _stress(facts),
        ),
    ]


class _Facts:
    """Phrases on a scenario that both protocols use."""

    def __init__(self, manifest: Manifest) -> None:
        self.manifest = manifest
        self.scenario: dict[str, Any] = manifest["scenario"]

    def purpose(self) -> str:
        given = self.scenario["description"] or self.scenario["title"]
        return f"{given} " if given else f"{YOURS}: what the scenario represents. "

    def entities(self) -> str:
        s = self.scenario
        parts = [
            f"{s['fans']['count']:,} fans (segments: {', '.join(s['segments'])})",
            f"{s['influencers']['count']:,} influencers (verticals: {', '.join(s['verticals'])})",
            f"{sum(group['count'] for group in s['agencies'].values()):,} agencies" if s["agencies"] else "no agencies",
            f"surfaces: {', '.join(s['surfaces'])}",
        ]
        if s["people_per_fan"]:
            parts.append(f"a simulated fan stands for {s['people_per_fan']:,.10g} people")
        return "; ".join(parts) + "."

    def arms(self) -> str:
        entries = []
        for arm in self.scenario["arms"]:
            support = support_at_end(self.scenario, arm)
            within = f", within a tier {support['within_tier']}" if support["policy"] == "tiered" else ""
            services = ", with services" if support["services"] else ""
            entries.append(f"{arm} (policy {support['policy']}{within}{services})")
        return f"Arms: {'; '.join(entries)}. Control: {self.scenario['control']}."

    def slots(self) -> str:
        shares = [
            f"{name} {s['support_share']:g}" for name, s in self.scenario["surfaces"].items() if s["support_share"]
        ]
        return (
            f"Share of slots reserved for support: {', '.join(shares) or 'none'}; the same slots in every arm. "
            "Tiers: " + (", ".join(self.scenario["support"]["tiers"]) or "none") + "."
        )

    def switches(self) -> str:
        s = self.scenario
        on = {
            "agencies cut accounts": s["contracts"]["cuts"],
            "agencies fail": s["contracts"]["fails"],
            "agencies recruit": bool(s["contracts"]["recruits_per_review"]),
            "independent accounts leave": s["contracts"]["independents_leave"],
            "newcomers enter": s["entry"]["opens"] and s["entry"]["newcomers_per_month"] > 0,
            "users grow": any(segment["growth_per_year"] for segment in s["segments"].values()),
            "fans unfollow": any(surface["unfollow_prob"] for surface in s["surfaces"].values()),
            "live rooms with tips": any(surface["tip_prob"] for surface in s["surfaces"].values()),
            "phases": bool(s["phases"]),
        }
        names = {
            True: [name for name, there in on.items() if there],
            False: [n for n, there in on.items() if not there],
        }
        return f"Switched on: {', '.join(names[True]) or 'nothing'}. Off: {', '.join(names[False]) or 'nothing'}."

    def timing(self) -> str:
        s = self.scenario
        return (
            f"{s['warmup_days']} days of warm-up before day 0, then {s['horizon_days']} days; clock in whole seconds."
        )

    def inputs(self) -> str:
        given = [f"{name} (SHA-256 {digest})" for name, digest in self.manifest["inputs"].items() if digest]
        return f"Files: {', '.join(given)}." if given else "None but the scenario file."

    def reading(self) -> str:
        notes = reading_notes(self.manifest)
        return f"{'; '.join(notes)}." if notes else ""

    def replications(self) -> str:
        s, n = self.scenario, self.scenario["replications"]
        people = "a population of its own" if s["population"] == "redraw" else "one population in common"
        return (
            f"{n} replication(s) of every arm, seed {s['seed']}; each replication draws {people}, shared by all arms."
        )

    def claims(self) -> str:
        entries = [f"{name}{': ' + c['title'] if c['title'] else ''}" for name, c in self.scenario["claims"].items()]
        return f"Claims stated beforehand: {'; '.join(entries)}." if entries else "No claims were stated beforehand."

    def software(self) -> str:
        versions = self.manifest["versions"]
        packages = ", ".join(f"{name} {version}" for name, version in versions.items() if name != "source")
        return f"{packages}; digest of Headshare's source {versions['source']}; engine {self.manifest['engine']}."


def _odd(facts: _Facts) -> list[tuple[str, str]]:
    s = facts.scenario
    return [
        (
            "1 Purpose and patterns",
            facts.purpose() + "Question: how does the concentration of traffic on head influencers change under tiered "
            f"support against no support, and how much of it is the tiering? Patterns to judge it by: {YOURS.lower()}.",
        ),
        ("2 Entities, state variables and scales", f"{facts.entities()} {facts.timing()}"),
        (
            "3 Process overview and scheduling",
            "Control events on an integer clock (history, phases, agency review, entry, tier review, refresh of "
            "surfaces), in a fixed order at one time; between two of them sessions of fans, which read what was frozen "
            "at the last one. "
            f"Tier review every {s['support']['review_days']} days, agency review every "
            f"{s['contracts']['review_days']}. " + facts.switches(),
        ),
        (
            "4 Design concepts: basic principles",
            "Cumulative advantage: slots are filled by followers, quality and affinity; followers bring slots. "
            + facts.slots(),
        ),
        ("4 Emergence", "Concentration, mobility, tiers held, cuts and turnover; none of them is imposed."),
        (
            "4 Adaptation, objectives, learning, prediction",
            "Agencies cut accounts that lose money and move effort to those kept; hours on air follow their pay. Fans "
            "follow by fixed probabilities. There is no optimisation, learning or prediction.",
        ),
        (
            "4 Sensing, interaction, collectives",
            "Sessions see follower counts, tiers and offers as of the last refresh of their surface. Fans interact "
            "through rankings only. Collectives: agencies, segments, verticals.",
        ),
        (
            "4 Stochasticity",
            "Addressed random numbers (Philox4x32-10): the same draw in every arm. " + facts.replications(),
        ),
        (
            "4 Observation",
            "Stocks at snapshots every 30 days, flows over trailing 30 days, the last 90 days and the whole run. "
            "Primary: head share of followers at the end and of exposure over the last 90 days.",
        ),
        ("5 Initialization", f"Drawn from the distributions of the resolved scenario above. {facts.inputs()}"),
        (
            "6 Input data",
            "No time series drive the model; phases patch keys on given days." if s["phases"] else "None.",
        ),
        ("7 Submodels", f"As in {MODEL}; all parameters are in the resolved scenario above."),
    ]


def _stress(facts: _Facts) -> list[tuple[str, str]]:
    return [*_stress_model(facts), *_stress_execution(facts)]


def _stress_model(facts: _Facts) -> list[tuple[str, str]]:
    """Sections 1 to 3: what is modelled, and of which data."""
    return [
        ("1.1 Purpose of the model", facts.purpose()),
        (
            "1.2 Model outputs",
            "Shares of the largest 1 % of accounts, Gini, HHI and others of followers, exposure, reads, orders, "
            "turnover and income; differences paired by replication with 95 % t intervals; where they are skewed also "
            "BCa intervals and a sign test; confirmatory tests adjusted by Holm.",
        ),
        ("1.3 Experimentation aims", f"{facts.arms()} {facts.claims()}"),
        ("2.1 Base model overview diagram", f"{YOURS}; the order of events is in {MODEL}."),
        ("2.2 Base model logic", facts.switches()),
        ("2.3 Scenario logic", f"{facts.arms()} {facts.slots()}"),
        (
            "2.4 Algorithms",
            f"As in {MODEL}: drawing without replacement by rejection from alias tables, examination by "
            "position, reviews of tiers and of agencies' contracts.",
        ),
        ("2.5.1 Entities", facts.entities()),
        ("2.5.2 Activities", "Sessions: open a surface, examine slots, click, follow, unfollow, order, tip."),
        ("2.5.3 Resources", "Slots of surfaces; a share is reserved for support. No session uses up a shared stock."),
        ("2.5.4 Queues", "None."),
        (
            "2.5.5 Entry and exit points",
            "Newcomers and fans who join later are drawn beforehand and wait; accounts leave when cut or idle.",
        ),
        ("3.1 Data sources", f"{facts.inputs()} Sources of the scenario's figures: {YOURS.lower()}."),
        (
            "3.2 Pre-processing",
            "Rosters and follow graphs are checked row by row; dirty rows: "
            f"{facts.scenario['influencers']['dirty_rows']}. {facts.reading()}",
        ),
        ("3.3 Input parameters", "The resolved scenario above: every key, defaults filled in."),
        ("3.4 Assumptions", f"{facts.switches()} Further ones: {YOURS.lower()}."),
    ]


def _stress_execution(facts: _Facts) -> list[tuple[str, str]]:
    """Sections 4 to 6: how it was run, and how it is run again."""
    counts = facts.manifest["counts"]
    return [
        (
            "4.1 Initialisation",
            facts.timing() + " In the warm-up all slots are organic; there are no follows or unfollows.",
        ),
        (
            "4.2 Run length",
            f"{facts.timing()} {counts['sessions']:,} sessions in all, {counts['impressions']:,} impressions.",
        ),
        ("4.3 Estimation approach", facts.replications()),
        ("5.1 Software", facts.software()),
        (
            "5.2 Random sampling",
            "Philox4x32-10, key (seed, replication), counter (entity, event, slot, lane); the same in every arm.",
        ),
        (
            "5.3 Model execution",
            "Next-event control plane (SimPy) on an integer clock; sessions between events run in parallel and "
            "give the same bits at any number of threads.",
        ),
        ("5.4 System specification", f"{facts.manifest['seconds']:,.1f} s in all; machine: {YOURS.lower()}."),
        (
            "6.1 Computer model sharing",
            "The run folder's manifest re-creates every table to the bit with the same version of Headshare, which is "
            "under the MIT licence.",
        ),
    ]
