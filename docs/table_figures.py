"""The numbers behind the tables of README.md and docs: runs in, a record's entries out. It knows no text of a page.

Shares are shares here, not points; money is in fen. Numbers have six digits, which is more than a page shows.
"""

from __future__ import annotations

import importlib
import io
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
import variants
from rich.console import Console

import sim
from sim.report.terminal import print_answer
from sim.results.run import Run

__all__ = ["FIGURES", "Entry"]

Entry = dict[str, Any]
"""Rows of a table by name, in the table's order."""
PROJECT = Path(__file__).parents[1]
SCENARIOS = PROJECT / "scenarios"
CLAIMED = ("support", "subsidy", "verticals", "live")
WIDTH = 80
"""Columns of what the command prints where there is no terminal."""
TITLES = ("Head share, %, and its change in % points", "Followers at the end by other measures (exploratory)", "Claims")
LEFT_OUT = "[the arm with services, other measures, why it moved, what pairing gained]"
SLOTS = ("n_slots", "n_reserved", "n_impressions")
GROWING = {
    "agency": ("small_agencies", "middle_agencies", "large_agencies"),
    "influencer": ("head", "middle", "small"),
}


def plain(value: Any) -> Any:
    """A number with six digits, whole ones as they are; null and text too."""
    if not isinstance(value, float):
        return value
    return float(f"{value:.6g}")


@cache
def run_of(name: str) -> Run:
    """The run of a shipped scenario, made or read."""
    return sim.run(SCENARIOS / f"{name}.toml")


def change(paired: Any) -> list[float | None]:
    """A paired difference with its 95 % interval."""
    return [plain(paired.difference), plain(paired.ci_low), plain(paired.ci_high)]


def first_result() -> Entry:
    """What `sim run scenarios/weibo-2017.toml` prints, by number of line, without what `LEFT_OUT` says."""
    printed = io.StringIO()
    print_answer(run_of("weibo-2017"), Console(file=printed, width=WIDTH))
    lines = [line.rstrip() for line in printed.getvalue().splitlines()]
    shares, others, verdicts = (lines.index(title) for title in TITLES)
    end = lines.index("", verdicts + 2)  # the table begins with an empty line
    shown = [*lines[:shares], *without("tiered-and-services", lines[shares:others]), LEFT_OUT, "", *lines[verdicts:end]]
    return {f"{number:02}": line for number, line in enumerate(shown)}


def without(arm: str, lines: list[str]) -> Iterator[str]:
    """The lines of a printed table without the rows of an arm, whose names may take two lines."""
    is_left_out = False
    for line in lines:
        if not line.startswith(("   ", " against ")):
            is_left_out = line.startswith(f" {arm}")
        if not is_left_out:
            yield line


def claims_of(name: str) -> Entry:
    """Each claim of a scenario of the claims: the scenario, change, adjusted interval, margin and verdict."""
    fields = ("estimate", "ci_low", "ci_high", "margin", "verdict")
    rows = run_of(f"claims/{name}").claims()
    return {row["claim"]: [name, *(plain(row[field]) for field in fields)] for row in rows}


def claims() -> Entry:
    """The claims of all scenarios."""
    return {claim: row for name in CLAIMED for claim, row in claims_of(name).items()}


def parts() -> Entry:
    """Of each pair that C0 compares, the mean change of day 0's head's share: by allocation, by volume.

    And the change of uniform support against none, which no claim states.
    """
    run = run_of("claims/support")
    rows = run.table("decomposition").to_pylist()
    found: Entry = {"uniform - none": change(run.difference("head_share_01", arm="uniform", control="none"))}
    for claim in run.claims():
        if not claim["claim"].startswith("C0-"):
            continue
        arm, control = claim["arm"], claim["control"]
        own = [row for row in rows if (row["arm"], row["control"]) == (arm, control)]
        means = [plain(float(np.mean([row[part] for row in own]))) for part in ("allocation", "volume")]
        found[f"{arm} - {control}"] = [claim["claim"], *means]
    return found


def growth() -> Entry:
    """Growth of followers within the year, without support and with tiered traffic and services, of each group."""
    run = run_of("claims/support")
    found = {}
    for level, groups in GROWING.items():
        for group in groups:
            about = run.index.find(group, level, "followers", "growth", "run")._asdict()
            found[group] = [plain(float(np.mean(run.values(arm, about)))) for arm in ("none", "both-equal")]
    return found


def cut() -> Entry:
    """Share of the accounts under contract at day 0 that are cut within the year without support, by scenario."""
    found = {}
    for name in ("weibo-2017", "claims/support"):
        table = run_of(name).table("influencers", ["arm", "agency", "status_end"])
        own = table.filter(pc.and_(pc.equal(table["arm"], "none"), pc.is_valid(table["agency"])))
        found[name] = plain(pc.sum(pc.equal(own["status_end"], "cut")).as_py() / own.num_rows)
    return found


def signs() -> Entry:
    """Tiered against each control, for each popularity exponent and each way of spreading support in an agency."""
    found = {}
    for popularity in variants.POPULARITIES:
        run = sim.run(variants.signs(popularity))
        for within in variants.WITHIN:
            for control in variants.CONTROLS:
                paired = run.difference("head_share_01", arm=f"tiered-{within}", control=control)
                found[f"{popularity} {within} - {control}"] = change(paired)
    return found


def ranges() -> Entry:
    """Verdict and change of each claim under each other assumption, by scenario and assumption."""
    found = {}
    for name, table in variants.VARIANTS.items():
        for label, changes in table:
            rows = sim.run(variants.under(name, changes)).claims()
            found[f"{name}: {label}"] = {row["claim"]: [row["verdict"], plain(row["estimate"])] for row in rows}
    return found


def ablations() -> Entry:
    """Head shares without a mechanism less those of the full model: followers, exposure, turnover."""
    run = run_of("ablations")
    return {
        arm: {q: change(run.difference("head_share_01", arm=arm, quantity=q)) for q in ("followers", "exposure", "gmv")}
        for arm in run.manifest["scenario"]["arms"]
        if arm != "full"
    }


def policies() -> Entry:
    """Head share of followers less that without support, null where it isn't compared; and all slots.

    Of all replications: those offered, those reserved and those filled, warm-up included.
    """
    run = run_of("policies")
    compared = {row["arm"] for row in run.answer()}
    summed = run.table("surfaces").group_by("arm").aggregate([(name, "sum") for name in SLOTS])
    slots = {row["arm"]: [row[f"{name}_sum"] for name in SLOTS] for row in summed.to_pylist()}

    def moved(arm: str) -> list[float | None] | None:
        return change(run.difference("head_share_01", arm=arm)) if arm in compared and arm != "none" else None

    return {arm: {"change": moved(arm), "slots": slots[arm]} for arm in run.manifest["scenario"]["arms"]}


def calibration() -> Entry:
    """Mean over 30 draws at full size of each of the calibration's targets, as its slow test has them."""
    tests = str(PROJECT / "tests")
    if tests not in sys.path:
        sys.path.append(tests)
    targets: Any = importlib.import_module("support.calibration")
    means: Mapping[str, float] = targets.means(targets.without_support(), 30)
    return {name: plain(mean) for name, mean in means.items()}


FIGURES: dict[str, Callable[[], Entry]] = {
    "ablations": ablations,
    "calibration": calibration,
    "claims": claims,
    "cut": cut,
    "first-result": first_result,
    "growth": growth,
    "parts": parts,
    "policies": policies,
    "ranges": ranges,
    "signs": signs,
}
"""What makes each entry of the record."""
