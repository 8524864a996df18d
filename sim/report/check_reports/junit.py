"""Checks as JUnit XML for Jenkins, GitLab and others: a suite for each scenario, a case for each of its parts.

There is no standard: only what Ant's and Jenkins' forms both have is written. There is no time of day either: the same
checks are the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree

from sim.formatting import escaped
from sim.regression.result import Checked, CheckPart
from sim.report.check_reports.wording import lines_of

__all__ = ["junit_xml"]


def junit_xml(checked: Sequence[Checked]) -> bytes:
    """JUnit XML, UTF-8; what is unprintable, and so all that XML can't represent, is escaped."""
    root = ElementTree.Element("testsuites", {"name": "sim check"})
    for each in checked:
        root.append(_suite(each))
    for name in ("tests", "failures", "errors"):
        root.set(name, str(sum(int(suite.attrib[name]) for suite in root)))
    root.set("time", _seconds(sum(each.seconds for each in checked)))
    ElementTree.indent(root)
    content: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return content + b"\n"


def _suite(checked: Checked) -> ElementTree.Element:
    failed = sum(part.status == "failed" for part in checked.parts)
    counts = {
        "tests": len(checked.parts),
        "failures": 0 if _is_error(checked) else failed,
        "errors": failed if _is_error(checked) else 0,
        "skipped": sum(part.status == "skipped" for part in checked.parts),
    }
    attributes = {"name": escaped(checked.name), **{name: str(n) for name, n in counts.items()}}
    suite = ElementTree.Element("testsuite", attributes | {"time": _seconds(checked.seconds)})
    for i, part in enumerate(checked.parts):
        # The run takes the time; it is reported once.
        suite.append(_case(checked, part, checked.seconds if i == 0 else 0.0))
    return suite


def _case(checked: Checked, part: CheckPart, seconds: float) -> ElementTree.Element:
    about = {"classname": escaped(checked.file), "name": escaped(part.name), "time": _seconds(seconds)}
    case = ElementTree.Element("testcase", about)
    lines = [f"{checked.file}:{part.line}: {part.says}", *lines_of(checked, part)]
    text = "\n".join(map(escaped, lines))
    match part.status:
        case "failed":
            tag = "error" if _is_error(checked) else "failure"
            kind = part.name.partition(" ")[0]
            ElementTree.SubElement(case, tag, {"message": escaped(part.says), "type": kind}).text = text
        case "skipped":
            ElementTree.SubElement(case, "skipped", {"message": escaped(part.says)})
        case "allowed":
            ElementTree.SubElement(case, "system-out").text = text
    return case


def _is_error(checked: Checked) -> bool:
    """Whether there are no outputs, so that a failure is an error."""
    return checked.is_bad_input or checked.is_unfinished


def _seconds(seconds: float) -> str:
    return f"{seconds:.3f}"
