"""The answer of a run in a terminal, for someone who hasn't read the manual; knows only what a run folder holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sim.experiment.run import Run
from sim.experiment.statistics import PairedDifference
from sim.scenario.phases import support_at_end

__all__ = ["MIN_REPLICATIONS", "print_answer", "print_side_by_side"]

MIN_REPLICATIONS = 30
"""Replications from which a claim can be made; fewer are a demonstration."""
Row = dict[str, Any]
Pair = tuple[str, str]

ALSO = (
    ("head_share_10", "top 10 %, % points", 100, 2),
    ("initial_head_share_01", "day 0's top 1 %, % points", 100, 2),
    ("gini", "Gini", 1, 4),
    ("hhi", "HHI x 1,000", 1000, 3),
)
"""Measures beside the head share, for the sign can depend on the measure: name, label, scale, digits."""


def print_answer(run: Run, console: Console) -> None:
    """Print what was compared, by how much the head share moved, how sure that is, and the verdicts."""
    for name in ("comparison", "claims", "decomposition", "measures"):
        run.table(name)  # a damaged one is told before anything is printed
    scenario = run.manifest["scenario"]
    rows = run.answer()
    pairs: list[Pair] = list(dict.fromkeys((row["arm"], row["control"]) for row in rows))
    _print_heading(scenario, console)
    if pairs:
        primary = {pair: _primary(run, rows, pair) for pair in pairs}
        _print_sentences(run, primary, console)
        _print_head_shares(primary, console)
        _print_other_measures(rows, pairs, console)
        _print_decomposition(run, pairs, console)
        _print_certainty(run, primary, console)
    elif len(scenario["arms"]) == 1:
        console.print("One arm only: nothing to compare.\n")
    _print_flags(scenario, pairs, console)
    _print_claims(run, console)
    counts = run.manifest["counts"]
    console.print(
        f"{counts['sessions']:,} sessions in {run.manifest['seconds']:.1f} s; digest of the outcome {run.digest[:16]}"
    )
    console.print(f"tables and manifest: {escape(str(run.path))}", soft_wrap=True)


def _print_heading(scenario: Row, console: Console) -> None:
    title = f": {scenario['title']}" if scenario["title"] else ""
    console.print(f"[bold]{escape(scenario['name'])}[/bold]{escape(title)}", soft_wrap=True)
    n = scenario["replications"]
    console.print(
        f"{scenario['fans']['count']:,} fans x {scenario['influencers']['count']:,} influencers x "
        f"{scenario['horizon_days']} days, {n} replication{'s' * (n != 1)}, paired"
    )
    console.print(f"arms: {escape(', '.join(scenario['arms']))}")
    if scenario["population"] == "fixed":
        console.print("All replications share one population: the answer is conditional on it.")
    if n < MIN_REPLICATIONS:
        console.print(f"[yellow]A demonstration: a claim needs {MIN_REPLICATIONS} replications or more.[/yellow]")
    console.print()


def _primary(run: Run, rows: Sequence[Row], pair: Pair) -> list[Row]:
    """Rows of the two primary quantities of a pair: followers at the end, exposure over the last 90 days."""
    window = min(90.0, run.horizon_days)
    wanted = (("followers", None), ("exposure", window))
    return [
        row
        for row in rows
        if (row["arm"], row["control"]) == pair
        and (row["population"], row["level"], row["measure"]) == ("all", "influencer", "head_share_01")
        and (row["quantity"], row["window_days"]) in wanted
    ]


def interval(low: float | None, high: float | None, scale: float = 100, digits: int = 2) -> str:
    """An interval, or a dash where there is none."""
    if low is None or high is None:
        return "-"
    return f"{scale * low:+.{digits}f} to {scale * high:+.{digits}f}"


def number(value: float | None, scale: float = 100, digits: int = 2, *, signed: bool = True) -> str:
    """A number, or a dash where there is none; as percentage points unless told otherwise."""
    if value is None:
        return "-"
    return f"{scale * value:+.{digits}f}" if signed else f"{scale * value:.{digits}f}"


def table_of(title: str, *columns: str) -> Table:
    """A plain table; the first column is text, the others are numbers."""
    table = Table(
        title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False, min_width=len(title)
    )
    for place, name in enumerate(columns):
        table.add_column(name, justify="right" if place else "left", overflow="fold")
    return table


def _print_sentences(run: Run, primary: dict[Pair, list[Row]], console: Console) -> None:
    """The answer in words: support against none, the tiering against uniform, and how much of the one is the other."""
    scenario, digests = run.manifest["scenario"], run.manifest["digests"]
    support = {arm: support_at_end(scenario, arm) for arm in scenario["arms"]}
    policy = {arm: table["policy"] for arm, table in support.items()}
    services = {arm: table["services"] for arm, table in support.items()}
    console.print("[bold]How does the head's share of followers (largest 1 % of accounts) change?[/bold]")
    for (arm, control), rows in primary.items():
        row = rows[0]
        kind = (policy[arm], policy[control])
        tells = ""
        more = services[arm] and not services[control]
        if kind == ("tiered", "none"):
            tells = f"(a) support{' with services' if more else ''}: "
        elif kind == ("tiered", "uniform"):
            tells = "(b) tiering and services: " if more else "(b) the tiering itself: "
        console.print(f"{tells}{_sentence(arm, control, row, same=digests[arm] == digests[control])}")
    change = {pair: rows[0]["difference"] for pair, rows in primary.items() if rows[0]["difference"] is not None}
    for (tiered, none), together in change.items():
        if (policy[tiered], policy[none]) == ("tiered", "none"):
            for (uniform, control), any_list in change.items():
                if policy[uniform] == "uniform" and control == none and (tiered, uniform) in change:
                    what = "tiering and services" if services[tiered] and not services[uniform] else "the tiering"
                    console.print(
                        f"Of {escape(tiered)}'s {number(together)} points, {number(any_list)} come with any list that "
                        f"isn't popularity ({escape(uniform)}), {number(change[tiered, uniform])} with {what}."
                    )
    console.print()


def _sentence(arm: str, control: str, row: Row, *, same: bool) -> str:
    """What one comparison says; ``same`` where the arms have equal digests."""
    low, high = row["ci_low"], row["ci_high"]
    start = f"[bold]{escape(arm)}[/bold] against [bold]{escape(control)}[/bold]: "
    if same:
        return start + "the same to the bit."
    if row["difference"] is None:
        return start + "undefined, for there are no followers."
    if low is None:
        return start + f"{number(row['difference'])} points; one replication doesn't tell how sure that is."
    if low == high == 0:
        return start + "exactly the same share."
    sure = f"(95 % interval {interval(low, high)})"
    if low <= 0 <= high:
        return start + f"no clear change, {number(row['difference'])} points {sure}."
    return start + f"{'lower' if high < 0 else 'higher'} by {abs(100 * row['difference']):.2f} points {sure}."


def _print_head_shares(primary: dict[Pair, list[Row]], console: Console) -> None:
    table = table_of(
        "Head share, %, and its change in % points",
        "arm against control",
        "control",
        "arm",
        "change",
        "95 % interval",
        "p (Holm)",
    )
    for (arm, control), rows in primary.items():
        table.add_row(f"[bold]{escape(arm)} against {escape(control)}[/bold]")
        for row in rows:
            window = row["window_days"]
            table.add_row(
                "  followers at the end" if window is None else f"  exposure, {window:.0f} days",
                number(row["mean_control"], signed=False),
                number(row["mean_arm"], signed=False),
                number(row["difference"]),
                interval(row["ci_low"], row["ci_high"]),
                "explor." if row["p_holm"] is None else f"{row['p_holm']:.2g}",
            )
    console.print(table)


def _print_other_measures(rows: Sequence[Row], pairs: list[Pair], console: Console) -> None:
    table = table_of(
        "Followers at the end by other measures (exploratory)", "arm against control", "change", "95 % interval"
    )
    for name, label, scale, digits in ALSO:
        table.add_row(f"[bold]{label}[/bold]")
        for arm, control in pairs:
            row = next(
                row
                for row in rows
                if (row["arm"], row["control"]) == (arm, control)
                and (row["population"], row["level"], row["quantity"], row["measure"])
                == ("all", "influencer", "followers", name)
            )
            table.add_row(
                f"  {escape(arm)} against {escape(control)}",
                number(row["difference"], scale, digits),
                interval(row["ci_low"], row["ci_high"], scale, digits),
            )
    console.print(table)


def _print_decomposition(run: Run, pairs: list[Pair], console: Console) -> None:
    """Why the initial head's share moved."""
    parts = run.table("decomposition").to_pylist()
    table = table_of(
        "Why the share of day 0's head moved, % points of followers",
        "arm against control",
        "change",
        "who gets new follows",
        "how many there are",
    )
    for arm, control in pairs:
        known = [
            part
            for part in parts
            if (part["arm"], part["control"]) == (arm, control) and part["difference"] is not None
        ]
        if known:
            means = [sum(part[key] for part in known) / len(known) for key in ("difference", "allocation", "volume")]
            table.add_row(f"{escape(arm)} against {escape(control)}", *(number(mean) for mean in means))
    if table.row_count:
        console.print(table)


def _print_certainty(run: Run, primary: dict[Pair, list[Row]], console: Console) -> None:
    """What pairing has gained, and where the interval should be doubted."""
    table = table_of(
        "How many times larger the variance (followers) would be",
        "arm against control",
        "unpaired",
        "paired, independent streams",
    )
    for (arm, control), rows in primary.items():
        row = rows[0]
        if row["vr_total"] is not None:
            streams = "-" if row["vr_streams"] is None else f"{row['vr_streams']:.2f}"
            table.add_row(f"{escape(arm)} against {escape(control)}", f"{row['vr_total']:.3g}", streams)
    if table.row_count:
        console.print(table)
    for pair, rows in primary.items():
        for row in rows:
            paired = run.paired(row)
            if paired.heavy_tailed:
                console.print(_heavy_tailed(pair, row, paired))


def _heavy_tailed(pair: Pair, row: Row, paired: PairedDifference) -> str:
    return (
        f"[yellow]{escape(pair[0])} against {escape(pair[1])}, {row['quantity']}: heavy-tailed; the interval may "
        f"undercover (skewness {paired.skewness:+.1f}; "
        f"BCa interval {interval(paired.bca_low, paired.bca_high)} points; "
        f"sign test p = {number(paired.sign_p, 1, 3, signed=False)}).[/yellow]"
    )


def _print_flags(scenario: Row, pairs: list[Pair], console: Console) -> None:
    """Arms that weren't compared, and why."""
    compared = {arm for pair in pairs for arm in pair}
    for arm in scenario["arms"]:
        if len(scenario["arms"]) > 1 and arm not in compared:
            console.print(
                f"[yellow]{escape(arm)} is not compared: over .1 % of reserved slots found nobody to support, in this "
                "arm or in its control (surfaces.parquet, n_support_unfilled).[/yellow]\n"
            )


def _print_claims(run: Run, console: Console) -> None:
    claims = run.claims()
    if not claims:
        return
    table = table_of("Claims", "claim", "change", "adjusted interval", "margin", "verdict")
    colours = {"supported": "green", "refuted": "red"}
    for claim in claims:
        colour = colours.get(claim["verdict"], "yellow")
        low, high = claim["ci_low"], claim["ci_high"]
        table.add_row(
            f"[bold]{escape(claim['claim'])}[/bold]",
            amount(claim["estimate"]),
            "-" if low is None else f"{amount(low)} to {amount(high)}",
            f"{claim['margin']:g}",
            f"[{colour}]{claim['verdict']}[/{colour}]",
        )
    console.print(table)
    for claim in claims:
        title = run.manifest["scenario"]["claims"][claim["claim"]]["title"]
        if title:
            console.print(f"{escape(claim['claim'])}: {escape(title)}.")
        if claim["group"] is not None:
            console.print(f"{escape(claim['claim'])}: {escape(_compared(claim))}.")
    console.print()


def amount(value: float | None) -> str:
    """A signed number of any size in ten characters or fewer, or a dash where there is none."""
    if value is None:
        return "-"
    return f"{value:+.4f}" if abs(value) < 1000 else f"{value:+.4g}"


def _compared(claim: Row) -> str:
    """What a claim on groups holds against what."""
    groups = claim["group"] if claim["baseline_group"] is None else f"{claim['group']} - {claim['baseline_group']}"
    arms = claim["arm"] if claim["control"] is None else f"{claim['arm']} - {claim['control']}"
    return f"{claim['measure']} of {claim['quantity']}, {groups}; {arms}"


def print_side_by_side(difference: Row, console: Console) -> None:
    """Print how two runs differ, from ``side_by_side``."""
    for name, path in zip("AB", difference["runs"], strict=True):
        console.print(f"[bold]{name}[/bold] {escape(path)}", soft_wrap=True)
    if difference["equal"]:
        console.print("Equal to the bit: every arm and replication has the same digest.")
    if difference["keys"]:
        table = table_of("Scenario keys that differ", "key", "A", "B")
        for row in difference["keys"]:
            table.add_row(escape(row["key"]), *(escape(_short(row[name])) for name in "ab"))
        console.print(table)
    if not difference["head_share"]:
        console.print("The runs have no arm in common.")
        return
    table = table_of("Head share, %: B - A, paired by replication", "arm", "A", "B", "change", "95 % interval", "n")
    for row in difference["head_share"]:
        table.add_row(
            f"{escape(row['arm'])}, {row['quantity']}",
            number(row["mean_a"], signed=False),
            number(row["mean_b"], signed=False),
            number(row["difference"]),
            interval(row["ci_low"], row["ci_high"]),
            str(row["n_pairs"]),
        )
    console.print(table)


def _short(value: object) -> str:
    text = "-" if value is None else str(value)
    return text if len(text) <= 60 else text[:57] + "..."
