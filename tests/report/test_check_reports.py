"""What checks have found, as a terminal, a job's page, annotations and JUnit show it, and that no name breaks any."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from rich.cells import cell_len
from rich.console import Console
from support.places import CORPUS
from xmlschema import XMLSchema

from sim.formatting import escaped
from sim.regression.result import Change, ChangeEstimate, Checked, CheckPart, Divergence, Version
from sim.report.check_reports.annotations import MAX_ANNOTATION_LINES, github_annotations
from sim.report.check_reports.junit import junit_xml
from sim.report.check_reports.listing import MAX_TERMINAL_ROWS, print_checks
from sim.report.check_reports.summary import MAX_MARKDOWN_ROWS, MAX_SUMMARY_BYTES, markdown_summary
from sim.report.check_reports.wording import MAX_CHANGES, changes, moved

SCHEMA = XMLSchema(CORPUS / "junit.xsd")
VALID = CheckPart("valid", "passed", "the file is valid", 1)
HOSTILE = "|<script>%,:\n\x00`*_x_*\\[red]:tada:&lt;</td></table>]]>-->"
CHINESE = "分层扶持政策"
LONG = "W" * 200


def estimate(difference: float | None, **changes: Any) -> ChangeEstimate:
    """A share that is called equivalent up to 0.005."""
    found = ChangeEstimate(
        arm="tiered",
        control="none",
        time_days=180.0,
        window_days=None,
        population="all",
        level="influencer",
        quantity="followers",
        measure="head_share_01",
        old=0.3,
        new=None,
        difference=None,
        ci_low=None,
        ci_high=None,
        margin=0.005,
        n_pairs=2,
        verdict="moved",
    )
    if difference is not None:
        low, high = difference - 0.001, difference + 0.001
        found = replace(found, new=0.3 + difference, difference=difference, ci_low=low, ci_high=high)
    return replace(found, **changes)


def held(name: str = "minimal", **changes: Any) -> Checked:
    """A scenario that holds."""
    exact = CheckPart("exact", "passed", "equal to the bit: 6 digests of 3 arms", 1)
    parts = (VALID, exact, CheckPart("statistical", "passed", "nothing has moved", 1))
    return replace(Checked(f"scenarios/{name}.toml", name, "exact", parts, seconds=1.23), **changes)


def failed(**changes: Any) -> Checked:
    """A scenario of which every part fails."""
    parts = (
        VALID,
        CheckPart(
            "exact", "failed", "counters differ in 1 of 3 arms: tiered", 31, ("arm tiered: replication 0, 1 of 2",)
        ),
        CheckPart("statistical", "failed", "of 30 measures 30 moved, at 2 replications", 31),
        CheckPart("claim lower", "failed", "supported -> undecided", 66, ("was supported", "now undecided")),
    )
    found = Checked(
        "scenarios/graph.toml",
        "graph",
        "exact",
        parts,
        estimates=tuple(estimate(0.006 + i / 1000, measure=f"measure_{i}") for i in range(30)),
        divergences=(Divergence("tiered", "review", 60.0, 60.0, "agency a-12: tier priority -> standard"),),
        changes=(
            Change("surfaces.for-you.follow_prob", 0.02, 0.021, 42),
            Change("segments.fans.share", 0.5, 1.0, None),
        ),
        versions=(Version("numpy", "2.0.0", "2.4.6"), Version("scipy", "1.14.0", None)),
        notes=("against HEAD: the first difference of each arm is shown",),
        seconds=3.4,
    )
    return replace(found, **changes)


def unreadable() -> Checked:
    """A scenario that can't be run."""
    parts = [CheckPart("valid", "failed", "can't be run: 1 fault", 2, ("bad.toml:2: sead: unknown key",))]
    parts += [CheckPart(name, "skipped", "the scenario can't be run", 2) for name in ("exact", "statistical")]
    return Checked("bad.toml", "bad", "exact", tuple(parts), is_bad_input=True)


def updated() -> Checked:
    """A scenario whose baseline was rewritten."""
    exact = CheckPart("exact", "allowed", "counters differ in 3 of 3 arms", 1, ("arm none: replication 0 of 2",))
    return held("tiny", parts=(VALID, exact), notes=("wrote tiny.json: more slots",), update="rewritten")


def unfinished() -> Checked:
    """A scenario whose check the machine prevented."""
    why = "the check wasn't finished"
    exact = CheckPart("exact", "failed", f"{why}: disk full", 1)
    parts = (CheckPart("valid", "skipped", why, 1), exact, CheckPart("statistical", "skipped", why, 1))
    return Checked("full.toml", "full", "exact", parts, is_unfinished=True)


def named(text: str) -> Checked:
    """A scenario that uses a text for every name and in every sentence."""
    parts = (
        VALID,
        CheckPart("exact", "failed", text, 2, (text, text)),
        CheckPart("statistical", "skipped", text, 3),
        CheckPart(f"claim {text}", "allowed", text, 4, (text,)),
    )
    return Checked(
        file="x.toml",
        name=text,
        policy="exact",
        parts=parts,
        estimates=(estimate(0.1, arm=text, control=text, quantity=text, measure=text, population=text, claim=text),),
        divergences=(Divergence(text, "review", 1.0, 1.0, text),),
        changes=(Change(text, text, None, 7),),
        notes=(text,),
    )


WHY = (
    "surfaces.for-you.follow_prob: 0.02 -> 0.021 (line 42)",
    "segments.fans.share: 0.5 -> 1.0 (not in the file)",
    "the baseline was written with numpy 2.0.0, scipy 1.14.0; here: numpy 2.4.6, scipy (none)",
)

PIECES = [
    HOSTILE,
    CHINESE,
    "%0A%3A",
    "[x](y)",
    "\ud800",
    "\r\n",
    "\u2028",
    "\x85",
    "\x1b[2J",
    "---",
    "1. ",
    "- ",
    "# ",
    "    ",
    "__",
    "~~",
]
names = st.lists(st.sampled_from(PIECES) | st.text(st.characters(), max_size=9), min_size=1, max_size=4).map("".join)


def shown(text: str) -> str:
    """A text as reports show it, without its blanks."""
    return re.sub(r"\s+", "", escaped(text))


# JUnit


def junit(*checked: Checked) -> ElementTree.Element:
    """What a reader of the XML finds."""
    return ElementTree.fromstring(junit_xml(checked))


@pytest.mark.parametrize("checked", [[], [held()], [failed()], [unreadable()], [updated()], [named(HOSTILE), held()]])
def test_the_xml_is_what_the_schema_asks_for(checked: Sequence[Checked]) -> None:
    SCHEMA.validate(junit_xml(checked).decode())


@given(names)
@example("\ud800\x00\ufffe")
def test_any_name_gives_xml_of_the_schema_and_comes_back_from_it(name: str) -> None:
    text = junit_xml([named(name)]).decode()
    SCHEMA.validate(text)
    (suite,) = ElementTree.fromstring(text)
    assert suite.get("name") == escaped(name)
    assert suite[3].get("name") == f"claim {escaped(name)}"
    assert suite[1][0].get("message") == escaped(name)
    lines = (suite[1][0].text or "").split("\n")
    assert (lines[1], lines[3:]) == (changes(named(name))[0], [escaped(name)] * 2)


def test_a_scenario_is_a_suite_and_a_part_a_case_counted_by_what_became_of_it() -> None:
    root = junit(held(), failed(), unreadable())
    kinds = ("tests", "failures", "errors", "skipped")
    assert [[suite.get(kind) for kind in ("name", *kinds)] for suite in root] == [
        ["minimal", "3", "0", "0", "0"],
        ["graph", "4", "3", "0", "0"],
        ["bad", "3", "0", "1", "2"],
    ]
    assert [root.get(kind) for kind in kinds[:3]] == ["10", "3", "1"]
    assert [(case.get("classname"), case.get("name")) for case in root[2]] == [
        ("bad.toml", "valid"),
        ("bad.toml", "exact"),
        ("bad.toml", "statistical"),
    ]


def test_a_failure_has_its_kind_its_line_and_all_that_is_known_of_it() -> None:
    exact, statistical, claim = (case[0] for case in junit(failed())[0][1:])
    assert [found.tag for found in (exact, statistical, claim)] == ["failure"] * 3
    assert [found.get("type") for found in (exact, statistical, claim)] == ["exact", "statistical", "claim"]
    assert exact.get("message") == "counters differ in 1 of 3 arms: tiered"
    assert (exact.text or "").splitlines() == [
        "scenarios/graph.toml:31: counters differ in 1 of 3 arms: tiered",
        *WHY,
        "tiered: first at the review of day 60: agency a-12: tier priority -> standard",
        "arm tiered: replication 0, 1 of 2",
    ]
    measures = (statistical.text or "").splitlines()[1:]
    assert len(measures) == 30
    assert measures[0] == (
        "tiered - none: followers measure_29: moved: 0.3 -> 0.335, difference 0.035 (0.034 to 0.036), margin 0.005"
    )


def test_bad_input_is_an_error_and_what_is_allowed_passes_with_what_it_says() -> None:
    assert [case[0].tag for case in junit(unreadable())[0]] == ["error", "skipped", "skipped"]
    assert [case[0].tag for case in junit(unfinished())[0]] == ["skipped", "error", "skipped"]
    (output,) = junit(updated())[0][1]
    assert output.tag == "system-out"
    assert (output.text or "").endswith("counters differ in 3 of 3 arms\narm none: replication 0 of 2")


def test_the_time_of_the_cases_is_that_of_the_suite_and_the_bytes_are_the_same_each_time() -> None:
    (suite,) = junit(failed())
    assert sum(float(case.get("time", "")) for case in suite) == float(suite.get("time", "")) == 3.4
    assert junit_xml([failed()]) == junit_xml([failed()])


# Annotations

COMMAND = re.compile(r"::(error|warning) file=([^:,]*),line=(\d+),title=([^:,]*)::([^\r\n]*)")


def read(line: str) -> tuple[str, str, int, str, str]:
    """Kind, file, line, title and message of a command, as GitHub takes it apart."""
    found = COMMAND.fullmatch(line)
    assert found is not None, line
    codes = {"%0D": "\r", "%0A": "\n", "%3A": ":", "%2C": ","}
    kind, file, number, title, message = (
        re.sub("%0D|%0A|%3A|%2C|%25", lambda code: codes.get(code[0], "%"), text) for text in found.groups()
    )
    return kind, file, int(number), title, message


def coded(text: str) -> str:
    """A text whose line ends GitHub has codes for, and all else escaped."""
    return "".join(c if c in "\r\n" else escaped(c) for c in text)


@given(names)
@example("%0A%3A%25")
def test_any_name_gives_one_annotation_for_each_part_that_differs_and_comes_back_from_it(name: str) -> None:
    checked = named(name)
    lines = github_annotations([checked]).splitlines()
    kinds, files, numbers, titles, messages = zip(*map(read, lines), strict=True)
    assert (kinds, files, numbers) == (("error", "warning"), ("x.toml", "x.toml"), (2, 4))
    assert titles == (f"{coded(name)}: exact", f"{coded(name)}: claim {coded(name)}")
    place = coded(checked.divergences[0].says)
    (why,) = changes(checked)
    assert messages == ("\n".join([coded(name), why, place, *[coded(name)] * 2]), "\n".join([coded(name)] * 2))


def test_an_annotation_begins_with_the_keys_that_changed_and_the_versions_that_differ() -> None:
    first, *others = (read(line)[4].split("\n") for line in github_annotations([failed()]).splitlines())
    assert first[:4] == ["counters differ in 1 of 3 arms: tiered", *WHY]
    assert not any(line in WHY for lines in others for line in lines)


def test_what_passed_or_was_skipped_has_no_annotation() -> None:
    assert github_annotations([held()]) == ""
    assert [read(line)[3] for line in github_annotations([unreadable()]).splitlines()] == ["bad: valid"]


def test_an_annotation_is_cut_after_ten_lines_and_says_how_many_there_are() -> None:
    message = read(github_annotations([failed()]).splitlines()[1])[4].split("\n")
    assert len(message) == 1 + MAX_ANNOTATION_LINES + 1
    assert message[-1] == "and 20 more lines"
    one = tuple(str(i) for i in range(MAX_ANNOTATION_LINES + 1))
    parts = (CheckPart("valid", "failed", "no", 1, one),)
    assert read(github_annotations([held(parts=parts)]).strip())[4].endswith("\n9\nand 1 more line")


def test_files_are_named_from_the_root_of_the_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def file_of(file: str | Path) -> str:
        return read(github_annotations([failed(file=str(file))]).splitlines()[0])[1]

    root = tmp_path / "root"
    (root / "inner").mkdir(parents=True)
    monkeypatch.chdir(root / "inner")
    monkeypatch.delenv("GITHUB_WORKSPACE", raising=False)
    assert file_of("x.toml") == "x.toml"
    monkeypatch.setenv("GITHUB_WORKSPACE", str(root))
    assert file_of("x.toml") == "inner/x.toml"
    assert file_of(root / "a,b%:c.toml") == "a,b%:c.toml"
    assert file_of("../../x.toml") == str(tmp_path / "x.toml")
    (root / "link.toml").symlink_to(tmp_path / "x.toml")
    assert file_of("../link.toml") == "link.toml"


# Markdown


class Page(HTMLParser):
    """Tags, texts of cells, and all text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.rows: list[list[str]] = []
        self.text = ""
        self.is_in_cell = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert not attrs
        self.tags.add(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
            self.is_in_cell = True

    def handle_data(self, data: str) -> None:
        self.text += data
        if self.is_in_cell:
            self.rows[-1][-1] += data

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self.is_in_cell = False


def page(*checked: Checked) -> Page:
    """The summary as it is shown."""
    markdown = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    return Page(markdown.render(markdown_summary(checked)))


OURS = {"h2", "h3", "p", "ul", "li", "table", "thead", "tbody", "tr", "th", "td", "strong"}


@given(names)
@example("__b__")
@example("~~b~~")
@example("[x](y)")
@example("# x")
@example("- - -")
@example("1) x")
def test_any_name_is_shown_as_it_is_and_breaks_no_table(name: str) -> None:
    found = page(named(name))
    assert found.tags == OURS
    assert [len(row) for row in found.rows] == [7, 7, 8, 8]
    assert shown(found.rows[1][0]) == shown(name)
    assert shown(found.rows[3][0]) == shown(f"{name}-{name}")
    assert shown(found.text).count(shown(f"note: {name}")) == 1


@given(names)
def test_any_name_stays_on_its_line_of_the_markdown_without_angles(name: str) -> None:
    text = markdown_summary([named(name)])
    assert len(text.splitlines()) == len(markdown_summary([named("x")]).splitlines())
    assert not set(text) & set("<>")


@pytest.mark.parametrize("name", ["https://example.com", "www.example.com", "@someone"])
def test_names_become_no_links(name: str) -> None:
    assert name not in markdown_summary([named(name)])


def test_the_page_has_a_row_for_each_scenario() -> None:
    found = page(held(), failed(), unreadable(), updated())
    assert found.text.strip().startswith("sim check: 4 scenarios: 2 hold, 2 do not")
    assert found.rows[:5] == [
        ["scenario", "policy", "valid", "exact", "statistical", "claims", "seconds"],
        ["minimal", "exact", "holds", "holds", "holds", "-", "1.2"],
        ["graph", "exact", "holds", "failed", "failed", "1 failed", "3.4"],
        ["bad", "exact", "failed", "skipped", "skipped", "-", "0.0"],
        ["tiny", "exact", "holds", "differs, allowed", "-", "-", "1.2"],
    ]


def test_what_differs_has_a_section_with_all_that_is_known_and_what_passed_has_one_for_its_notes() -> None:
    text = markdown_summary([held(), failed()])
    assert re.findall("^### .*", text, re.MULTILINE) == ["### graph does not hold"]
    shown_text = page(held(), failed()).text
    for said in (
        "exact, line 31: failed: counters differ in 1 of 3 arms: tiered",
        "arm tiered: replication 0, 1 of 2",
        "tiered: first at the review of day 60: agency a-12: tier priority -> standard",
        *WHY,
        "And 10 more measures.",
    ):
        assert shown_text.count(said) == 1
    assert "can't be run" in page(unreadable()).text
    assert "wrote tiny.json: more slots" in page(updated()).text
    assert "note: against HEAD" in page(held(notes=("against HEAD: the same counters in every arm",))).text
    assert "tiered: first at" in page(held(divergences=failed().divergences)).text


def test_the_table_of_measures_has_the_largest_changes_first() -> None:
    rows = page(failed()).rows[3:]
    assert len(rows) == MAX_MARKDOWN_ROWS
    assert rows[0] == [
        "tiered - none",
        "followers measure_29",
        "0.3",
        "0.335",
        "0.035",
        "0.034 to 0.036",
        "0.005",
        "moved",
    ]


def test_a_page_too_long_for_github_is_cut_and_says_so() -> None:
    text = markdown_summary([failed(notes=(CHINESE * 9000,) * 9)] * 2)
    assert len(text.encode()) < MAX_SUMMARY_BYTES + 100 < 1 << 20
    assert text.endswith("\n\nThere is more; this page is cut off here.\n")
    assert "cut off" not in markdown_summary([failed()])


# The terminal


def printed(*checked: Checked, width: int = 80, colours: bool = False) -> str:
    """What a console shows."""
    file = io.StringIO()
    system = "truecolor" if colours else None
    print_checks(
        checked,
        Console(file=file, width=width, color_system=system, force_terminal=colours, highlight=False),  # type: ignore[arg-type]
    )
    return file.getvalue()


def test_scenarios_that_hold_have_a_line_each_and_one_counts_them() -> None:
    assert printed(held(), held("roster", update="unchanged")) == (
        "minimal  holds (exact)  1.2 s\nroster  holds (exact)  1.2 s  baseline unchanged\n2 scenarios: 2 hold\n"
    )


@pytest.mark.parametrize(
    ("checked", "says"),
    [
        ([], "0 scenarios: 0 hold"),
        ([held()], "1 scenario: 1 holds"),
        ([failed()], "1 scenario: 0 hold, 1 does not"),
        ([held(), held(), failed(), unreadable()], "4 scenarios: 2 hold, 2 do not"),
    ],
)
def test_the_last_line_counts_in_grammar(checked: list[Checked], says: str) -> None:
    assert printed(*checked).splitlines()[-1] == says


def test_what_fails_is_reported_from_the_parts_to_the_measures() -> None:
    lines = printed(failed(estimates=(estimate(0.01),))).splitlines()
    assert "".join(f"{line.rstrip()}\n" for line in lines) == (
        "graph  does not hold (exact)  3.4 s\n"
        "  holds    valid: the file is valid\n"
        "  FAILED   exact: counters differ in 1 of 3 arms: tiered (scenarios/graph.toml:31)\n"
        "           arm tiered: replication 0, 1 of 2\n"
        "  FAILED   statistical: of 30 measures 30 moved, at 2 replications (scenarios/graph.toml:31)\n"
        "  FAILED   claim lower: supported -> undecided (scenarios/graph.toml:66)\n"
        "           was supported\n"
        "           now undecided\n"
        "  changed in the scenario since the baseline:\n"
        f"    {WHY[0]}\n"
        f"    {WHY[1]}\n"
        "  where the runs diverge:\n"
        "    tiered: first at the review of day 60: agency a-12: tier priority -> standard\n"
        "  measures that moved, or may have, by more than their margin:\n"
        "  measure, by arm          old  new - old, interval  margin\n"
        f"  {'─' * 64}\n"
        "  tiered - none:\n"
        "  followers head_share_01  0.3       0.009 to 0.011   0.005  moved\n"
        f"  note: {WHY[2]}\n"
        "  note: against HEAD: the first difference of each arm is shown\n"
        "1 scenario: 0 hold, 1 does not\n"
    )


def test_versions_are_left_out_of_a_scenario_that_holds() -> None:
    checked = held(versions=failed().versions)
    for text in (printed(checked), markdown_summary([checked]), github_annotations([checked])):
        assert "numpy" not in text
    assert b"numpy" not in junit_xml([checked])
    assert checked.to_dict()["versions"][0] == {"name": "numpy", "old": "2.0.0", "new": "2.4.6"}


def test_of_very_many_changed_keys_the_first_are_listed_and_the_others_counted() -> None:
    many = tuple(Change(f"fans.key_{i}", i, i + 1, i) for i in range(40))
    lines = changes(failed(changes=many))
    assert lines[0] == "fans.key_0: 0 -> 1 (line 0)"
    assert lines[-1] == f"and {40 - MAX_CHANGES} more keys of the scenario"
    assert len(lines) == MAX_CHANGES + 1


def test_only_the_first_measures_are_listed_and_the_others_counted() -> None:
    text = printed(failed())
    assert len(re.findall("followers measure_", text)) == MAX_TERMINAL_ROWS
    assert "and 18 more measures" in text


@pytest.mark.parametrize(
    ("checked", "says"),
    [
        (unreadable(), ["bad  can't be run", "FAILED   valid:", "bad.toml:2: sead: unknown key"]),
        (updated(), ["tiny  holds (exact)  1.2 s  baseline rewritten", "differs  exact:", "note: wrote tiny.json"]),
        (held(notes=("against HEAD: the same counters in every arm",)), ["holds", "note: against HEAD"]),
        (held(changes=failed().changes), ["holds", WHY[0]]),
        (unfinished(), ["full  wasn't checked", "FAILED   exact: the check wasn't finished: disk full"]),
    ],
)
def test_bad_input_updates_and_notes_are_reported(checked: Checked, says: list[str]) -> None:
    text = printed(checked)
    assert all(said in text for said in says)


@given(names)
def test_any_name_is_printed_as_it_is_without_controls(name: str) -> None:
    text = printed(named(name))
    assert all(line.isprintable() for line in text.split("\n"))
    assert text.startswith(f"{escaped(name)}  does not hold (exact)")
    assert f"\n  note: {escaped(name)}\n" in text
    wide = printed(named(name), width=10_000)
    assert len(wide.splitlines()) == len(printed(named("x")).splitlines())
    assert shown(f"claim {name}: {name} {name}, {name} 0.3") in shown(wide.replace("\n", " "))


def test_tables_fit_80_columns_whatever_their_numbers_and_names() -> None:
    large = -1.234567e12
    found = estimate(0.0, old=large, ci_low=large, ci_high=large, margin=-large, verdict="undecided")
    lines = printed(held(estimates=(replace(found, arm=CHINESE * 9, measure=LONG),))).splitlines()
    assert max(map(cell_len, lines)) <= 80
    (numbers,) = (line for line in lines if "undecided" in line)
    assert numbers.split()[1:] == ["-1.235e+12", "-1.235e+12", "to", "1.235e+12", "undecided"]
    assert "".join(line.strip() for line in lines).count(CHINESE) >= 5


def test_the_name_of_a_measure_stays_on_a_line_with_totals_and_their_margins() -> None:
    found = [estimate(0.2), estimate(0.0, quantity="gmv", measure="total", window_days=90.0, verdict="undecided")]
    found[1] = replace(found[1], old=5.264e5, ci_low=-6.372e5, ci_high=-3.077e5, margin=4.778e4)
    assert "\n  followers head_share_01 " in printed(held(estimates=tuple(found)))


def test_colours_only_colour() -> None:
    plain = re.sub("\x1b\\[[0-9;]*m", "", printed(named(HOSTILE), failed(), colours=True))
    assert plain == printed(named(HOSTILE), failed())


# What all of them share


def test_moved_measures_come_before_undecided_ones_and_what_became_undefined_first() -> None:
    found = [
        estimate(0.9, verdict="undecided"),
        estimate(0.0, verdict="equivalent"),
        estimate(0.02),
        estimate(-0.03),
        estimate(1.0, margin=1.0),
        estimate(None),
    ]
    assert [each.difference for each in moved(found)] == [None, -0.03, 0.02, 1.0, 0.9]
