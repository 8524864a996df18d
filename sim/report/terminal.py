"""The answer of a run in a terminal, for someone who hasn't read the manual; knows only what a run folder contains."""

from __future__ import annotations

from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sim.results.answer import QUESTION, Answer, Pair, amount, interval, number
from sim.results.run import Run

__all__ = ["print_answer", "print_side_by_side"]


def print_answer(run: Run, console: Console) -> None:
    """Print what was compared, by how much the head share moved, how sure that is, and the verdicts."""
    for name in ("comparison", "claims", "decomposition", "measures"):
        run.table(name)  # a damaged one is reported before anything is printed
    answer = Answer(run)
    _print_heading(answer, console)
    if answer.pairs:
        _print_sentences(answer, console)
        _print_head_shares(answer, console)
        _print_other_measures(answer, console)
        _print_decomposition(answer, console)
        _print_certainty(answer, console)
    elif len(answer.scenario["arms"]) == 1:
        console.print("One arm only: nothing to compare.\n")
    for warning in answer.warnings():
        console.print(f"[yellow]{escape(warning)}[/yellow]\n")
    _print_claims(answer, console)
    counts = run.manifest["counts"]
    console.print(
        f"{counts['sessions']:,} sessions in {run.manifest['seconds']:.1f} s; digest of the outcome {run.digest[:16]}"
    )
    console.print(f"tables and manifest: {escape(str(run.path))}", soft_wrap=True)


def _print_heading(answer: Answer, console: Console) -> None:
    name, title = answer.scenario["name"], answer.name()
    console.print(f"[bold]{escape(name)}[/bold]{escape(title[len(name) :])}", soft_wrap=True)
    console.print(answer.size())
    console.print(f"arms: {escape(', '.join(answer.scenario['arms']))}")
    if condition := answer.condition():
        console.print(condition)
    for note in answer.reading():
        console.print(escape(note))
    if caution := answer.caution():
        console.print(f"[yellow]{caution}[/yellow]")
    console.print()


def plain_table(title: str, *columns: str) -> Table:
    """A plain table; the first column is text, the others are numbers."""
    table = Table(
        title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False, min_width=len(title)
    )
    for place, name in enumerate(columns):
        table.add_column(name, justify="right" if place else "left", overflow="fold")
    return table


def _named(pair: Pair) -> str:
    return f"{escape(pair[0])} against {escape(pair[1])}"


def _print_sentences(answer: Answer, console: Console) -> None:
    """The answer in words: support against none, the tiering against uniform, and how much of the one is the other."""
    console.print(f"[bold]{QUESTION}[/bold]")
    for label, arm, control, says in answer.sentences():
        console.print(f"{label}[bold]{escape(arm)}[/bold] against [bold]{escape(control)}[/bold]: {says}")
    for part in answer.parts():
        console.print(escape(part))
    console.print()


def _print_head_shares(answer: Answer, console: Console) -> None:
    columns = ("arm against control", "control", "arm", "change", "95 % interval", "p (Holm)")
    table = plain_table("Head share, %, and its change in % points", *columns)
    for pair, rows in answer.primary.items():
        table.add_row(f"[bold]{_named(pair)}[/bold]")
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


def _print_other_measures(answer: Answer, console: Console) -> None:
    table = plain_table(
        "Followers at the end by other measures (exploratory)", "arm against control", "change", "95 % interval"
    )
    for label, rows in answer.others():
        table.add_row(f"[bold]{label}[/bold]")
        for pair, change, sure in rows:
            table.add_row(f"  {_named(pair)}", change, sure)
    console.print(table)


def _print_decomposition(answer: Answer, console: Console) -> None:
    """Why the initial head's share moved."""
    columns = ("arm against control", "change", "who gets new follows", "how many there are")
    table = plain_table("Why the share of day 0's head moved, % points of followers", *columns)
    for pair, means in answer.moved():
        table.add_row(_named(pair), *(number(mean) for mean in means))
    if table.row_count:
        console.print(table)


def _print_certainty(answer: Answer, console: Console) -> None:
    """What pairing has gained."""
    table = plain_table(
        "How many times larger the variance (followers) would be",
        "arm against control",
        "unpaired",
        "paired, independent streams",
    )
    for pair, total, streams in answer.certainty():
        table.add_row(_named(pair), total, streams)
    if table.row_count:
        console.print(table)


def _print_claims(answer: Answer, console: Console) -> None:
    claims = answer.run.claims()
    if not claims:
        return
    table = plain_table("Claims", "claim", "change", "adjusted interval", "margin", "verdict")
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
    for name, note in answer.notes_on_claims(claims):
        console.print(f"{escape(name)}: {escape(note)}")
    console.print()


def print_side_by_side(difference: dict[str, Any], console: Console) -> None:
    """Print how two runs differ, from ``side_by_side``."""
    for name, path in zip("AB", difference["runs"], strict=True):
        console.print(f"[bold]{name}[/bold] {escape(path)}", soft_wrap=True)
    if difference["equal"]:
        console.print("Equal to the bit: every arm and replication has the same digest.")
    if difference["keys"]:
        table = plain_table("Scenario keys that differ", "key", "A", "B")
        for row in difference["keys"]:
            table.add_row(escape(row["key"]), *(escape(_short(row[name])) for name in "ab"))
        console.print(table)
    if not difference["head_share"]:
        console.print("The runs have no arm in common.")
        return
    table = plain_table("Head share, %: B - A, paired by replication", "arm", "A", "B", "change", "95 % interval", "n")
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
