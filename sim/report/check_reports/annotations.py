"""Checks as GitHub's workflow commands: an annotation on the line of the scenario for each part that differs.

See https://docs.github.com/actions/reference/workflow-commands-for-github-actions.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from sim.formatting import escaped
from sim.regression.result import Checked, CheckPart
from sim.report.check_reports.wording import count, lines_of

__all__ = ["github_annotations"]

MAX_ANNOTATION_LINES = 10
"""Of an annotation, below its first line."""
_IN_MESSAGES = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_IN_PROPERTIES = {**_IN_MESSAGES, ":": "%3A", ",": "%2C"}


def github_annotations(checked: Sequence[Checked]) -> str:
    """A line for each part that fails, as an error, or that is allowed to differ, as a warning."""
    lines = [_annotation(each, part) for each in checked for part in each.parts if part.status in ("failed", "allowed")]
    return "".join(f"{line}\n" for line in lines)


def _annotation(checked: Checked, part: CheckPart) -> str:
    command = "error" if part.status == "failed" else "warning"
    lines = lines_of(checked, part)
    more = [f"and {count(len(lines) - MAX_ANNOTATION_LINES, 'more line')}"] if lines[MAX_ANNOTATION_LINES:] else []
    message = "\n".join([part.says, *lines[:MAX_ANNOTATION_LINES], *more])
    properties = {"file": _in_repository(checked.file), "line": str(part.line), "title": f"{checked.name}: {part.name}"}
    given = ",".join(f"{key}={_coded(value, _IN_PROPERTIES)}" for key, value in properties.items())
    return f"::{command} {given}::{_coded(message, _IN_MESSAGES)}"


def _in_repository(file: str) -> str:
    """The file's path from the root of the repository that the job has checked out."""
    root = Path(os.environ.get("GITHUB_WORKSPACE") or Path.cwd()).resolve()
    # Of the file itself links aren't followed: git knows it by the link's name.
    path = Path(file).parent.resolve() / Path(file).name
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()


def _coded(text: str, codes: Mapping[str, str]) -> str:
    """Text on one line: in GitHub's codes, and for what it has none for (other line ends, controls) escaped."""
    return "".join(codes.get(character) or escaped(character) for character in text)
