"""An answer as a notebook shows it; knows no page and no terminal."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from sim.results.answer import QUESTION, Answer, interval, number

__all__ = ["as_html"]

COLUMNS = ("arm against control", "quantity", "control, %", "arm, %", "change, % points", "95 % interval")


def as_html(answer: Answer) -> str:
    """The answer in words and its primary differences as a table, as HTML for the output of a notebook's cell."""
    parts = [f"<b>{escape(answer.name())}</b><br>{escape(answer.size())}"]
    parts += [f"<br>{escape(note)}" for note in answer.reading()]
    if caution := answer.caution():
        parts.append(f"<br><i>{escape(caution)}</i>")
    if answer.pairs:
        sentences = [
            f"{escape(label)}<b>{escape(arm)}</b> against <b>{escape(control)}</b>: {escape(says)}"
            for label, arm, control, says in answer.sentences()
        ]
        sentences += map(escape, answer.parts())
        parts.append(f"<p>{escape(QUESTION)}</p><ul>{''.join(f'<li>{line}</li>' for line in sentences)}</ul>")
        rows = [
            (
                f"{arm} against {control}",
                "followers at the end" if row["window_days"] is None else f"exposure, {row['window_days']:.0f} days",
                number(row["mean_control"], signed=False),
                number(row["mean_arm"], signed=False),
                number(row["difference"]),
                interval(row["ci_low"], row["ci_high"]),
            )
            for (arm, control), found in answer.primary.items()
            for row in found
        ]
        body = "".join(_row(row, "td") for row in rows)
        parts.append(f"<table><thead>{_row(COLUMNS, 'th')}</thead><tbody>{body}</tbody></table>")
    return f"<div>{''.join(parts)}</div>"


def _row(cells: Iterable[str], kind: str) -> str:
    sides = ("left", "left", *("right",) * 4)
    parts = (f'<{kind} style="text-align:{side}">{escape(c)}</{kind}>' for c, side in zip(cells, sides, strict=True))
    return f"<tr>{''.join(parts)}</tr>"
