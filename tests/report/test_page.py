"""The report as a file: what it says, that it loads nothing, that no name breaks it, that it is the same again."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest
from support.forms import slow
from support.hostile_names import CLOSING, HOSTILE, IMAGE, LONG, SCRIPT
from support.small_runs import TINY, Told, run_of, sim

import sim as package
from sim.report.catalogue import charts
from sim.report.page import page_of_run, page_of_runs
from sim.results.run import Run

MEGABYTE = 1_000_000
VOID = {"meta", "link", "br"}


class Page(HTMLParser):
    """A page as a browser would take it apart, scripts and style apart from the text."""

    def __init__(self, content: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.scripts: list[str] = []
        self.styles: list[str] = []
        self.text = ""
        self.feed(content)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "script" in self.open:
            self.scripts[-1] += data
        elif "style" in self.open:
            self.styles.append(data)
        else:
            self.text += data

    def words(self) -> str:
        return " ".join(self.text.split())


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run_of(tmp_path_factory.mktemp("page"))


@pytest.fixture(scope="module")
def content(run: Run) -> str:
    return page_of_run(run)


@pytest.fixture(scope="module")
def page(content: str) -> Page:
    return Page(content)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run_of(tmp_path_factory.mktemp("hostile"), HOSTILE)


# What it says


def test_the_answer_with_its_interval_comes_first_then_the_differences_then_the_verdicts(page: Page) -> None:
    words = page.words()
    order = [
        "With tiered against none, the head's share of followers (largest 1 % of accounts)",
        "95 % interval",
        "is the tiering itself, against uniform.",
        "Paired differences of the head's share",
        "followers at the end",
        "Verdicts on the claims",
        "The tiering itself lowers the head share.",
        "What every replication says",
        "Provenance",
        "Digest of the outcome",
        "ODD: overview, design concepts, details",
        "STRESS-DES",
    ]
    place = 0
    for text in order:
        place = words.index(text, place)  # raises where it doesn't follow


def test_page_and_terminal_say_the_same(run: Run, page: Page) -> None:
    printed = " ".join(sim("compare", run.path).out.split())
    for label, arm, control, says in package.results.answer.Answer(run).sentences():  # type: ignore[attr-defined]
        sentence = f"{label}{arm} against {control}: {says}"
        assert sentence in printed
        assert sentence in page.words()


def test_each_chart_has_a_title_a_caption_an_accessible_name_and_its_data(page: Page, content: str) -> None:
    figures = [attrs for tag, attrs in page.tags if tag == "figure"]
    names = [attrs["data-chart"] for attrs in figures]
    assert names == [name for name in charts() if name != "verticals"]  # there is one vertical only
    identities = {attrs.get("id") for _, attrs in page.tags}
    assert all(attrs["aria-labelledby"] in identities for attrs in figures)
    downloads = [attrs for tag, attrs in page.tags if tag == "a" and "download" in attrs]
    assert [attrs["download"] for attrs in downloads] == [f"tiny-{name}.csv" for name in names]
    for attrs in downloads:
        kind, _, data = (attrs["href"] or "").partition(",")
        assert kind == "data:text/csv;charset=utf-8"
        assert list(csv.DictReader(io.StringIO(unquote(data))))
    specifications = json.loads(next(s for s in page.scripts if s.startswith("{")))
    drawn = [attrs["id"] for tag, attrs in page.tags if tag == "div" and attrs.get("class") == "drawn"]
    assert list(specifications) == drawn
    for specification in specifications.values():
        assert len(specification["description"]) > 40
        assert specification["width"] == "container"
    assert content.count("<figcaption>") == len(names)


def test_axes_have_names_with_units(page: Page) -> None:
    def titles(node: object) -> list[str]:
        if isinstance(node, list):
            return [title for entry in node for title in titles(entry)]
        if not isinstance(node, dict):
            return []
        own = [node["encoding"][axis] for axis in ("x", "y") if axis in node.get("encoding", {})]
        found = [title for axis in own for title in (axis.get("title"), (axis.get("axis") or {}).get("title")) if title]
        return found + [title for entry in node.values() for title in titles(entry)]

    specifications = json.loads(next(s for s in page.scripts if s.startswith("{")))
    words = ("rank at day 0", "accounts at day 0", "where", "tier at", "decile at")
    for name, specification in specifications.items():
        found = titles(specification)
        assert found, name
        assert all(re.search(r"\[.+\]", title) or title.startswith(words) for title in found), (name, found)


def test_provenance_contains_what_recreates_the_run(run: Run, page: Page) -> None:
    words = page.words()
    manifest = run.manifest
    for fact in (
        run.digest,
        manifest["identity"],
        manifest["versions"]["source"],
        manifest["files"]["measures.parquet"],
    ):
        assert fact in words
    assert all(digest in words for digests in manifest["digests"].values() for digest in digests)
    assert '"follows_per_fan": 4.0' in words
    assert "60 fans (segments: all)" in words
    assert "3 replication(s) of every arm, seed 3" in words


# It asks for nothing, and nothing in it runs but its own


def allowed_hashes(page: Page) -> set[str]:
    (policy,) = (attrs["content"] for tag, attrs in page.tags if tag == "meta" and "http-equiv" in attrs)
    assert policy is not None
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe-inline" not in policy.replace("style-src 'unsafe-inline'", "")
    return set(re.findall(r"'sha256-(.*?)'", policy))


def test_a_page_refers_to_no_address_and_allows_its_own_scripts_only(page: Page) -> None:
    for tag, attrs in page.tags:
        for name in ("src", "href", "action", "data", "poster", "srcset", "background"):
            assert (attrs.get(name) or "#").startswith(("#", "data:")), (tag, attrs)
        assert tag not in ("iframe", "object", "embed", "base", "form", "img")
    assert "url(" not in "".join(page.styles)
    assert "@import" not in "".join(page.styles)
    running = [script for script in page.scripts if not script.startswith("{")]
    hashes = {base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in running}
    assert len(running) == 2
    assert hashes == allowed_hashes(page)


def test_hostile_names_are_text_and_nothing_else(hostile: Run, page: Page) -> None:
    for content in (page_of_run(hostile), page_of_runs([hostile, hostile])):
        found = Page(content)
        assert {tag for tag, _ in found.tags} <= {tag for tag, _ in page.tags} | {"dl", "dt", "dd", "code", "details"}
        assert not [attrs for _, attrs in found.tags if any(name.startswith("on") for name in attrs)]
        assert len(found.scripts) == 3
        for name in (SCRIPT, IMAGE, LONG):
            assert name in found.text
        running = [script for script in found.scripts if not script.startswith("{")]
        assert not any("window.ran" in script for script in running)
        assert allowed_hashes(found) == allowed_hashes(page)
    assert CLOSING in found.text


def test_names_are_never_part_of_an_expression_of_a_chart(hostile: Run) -> None:
    found = Page(page_of_run(hostile))
    specifications = json.loads(next(s for s in found.scripts if s.startswith("{")))

    def expressions(node: object) -> list[str]:
        if isinstance(node, list):
            return [text for entry in node for text in expressions(entry)]
        if not isinstance(node, dict):
            return []
        own = [
            text for key, text in node.items() if key in ("calculate", "filter", "test", "labelExpr", "expr", "signal")
        ]
        below = [text for key, entry in node.items() if key != "datasets" for text in expressions(entry)]
        return [text for text in own if isinstance(text, str)] + below

    assert not any("ran" in text for text in expressions(specifications))


# The file


def test_a_report_is_small_and_the_same_again_in_another_process(run: Run, content: str) -> None:
    assert len(content.encode()) < 3 * MEGABYTE
    code = (
        "import sys; from sim.results.run import Run; from sim.report.page import page_of_run; "
        "sys.stdout.buffer.write(page_of_run(Run.read(sys.argv[1])).encode())"
    )
    for seed in ("0", "1"):
        again = subprocess.run(
            [sys.executable, "-c", code, os.fspath(run.path)],
            capture_output=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        )
        assert again.stdout == content.encode()


def test_the_report_goes_into_the_run_folder_and_leaves_the_run_as_it_is(tmp_path: Path) -> None:
    run = run_of(tmp_path)
    before = {file.name: file.read_bytes() for file in run.path.iterdir()}
    told = sim("report", run.path)
    assert told == Told(0, f"report: {run.path / 'report.html'}\n", "")
    written = (run.path / "report.html").read_bytes()
    assert written == page_of_run(Run.read(run.path)).encode()
    assert sim("report", run.path, "--json").out == json.dumps({"report": str(run.path / "report.html")}) + "\n"
    assert (run.path / "report.html").read_bytes() == written
    (run.path / "report.html").unlink()
    assert {file.name: file.read_bytes() for file in run.path.iterdir()} == before


def test_several_runs_go_into_a_file_named_after_them(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = run_of(tmp_path, TINY.replace("share = 0.3", "share = 0.1"), out="other")
    monkeypatch.chdir(tmp_path)
    first, second = sim("report", run.path, other.path), sim("report", other.path, run.path)
    assert re.fullmatch(r"report: results/reports/runs-[0-9a-f]{12}\.html\n", first.out)
    assert first.out != second.out
    words = Page(Path(first.out[8:-1]).read_text()).words()
    for text in ("2 runs side by side", "2 keys", "support.share", "surfaces.find.support_share", "other"):
        assert text in words
    assert (
        words.index("What each run says") < words.index("Keys that differ") < words.index("Primary differences of all")
    )


def test_equal_runs_have_no_keys_that_differ(run: Run) -> None:
    assert "None: the scenarios are the same." in Page(page_of_runs([run, run])).words()


def test_a_report_that_cannot_be_written_leaves_the_old_one(run: Run, tmp_path: Path) -> None:
    missing = sim("report", run.path, "--out", tmp_path / "missing" / "x.html")
    assert (missing.code, missing.out) == (4, "")
    assert "can't be written: No such file or directory" in missing.err
    (tmp_path / "folder.html").mkdir()
    (tmp_path / "folder.html" / "kept").touch()
    assert sim("report", run.path, "--out", tmp_path / "folder.html").code == 4
    assert [file.name for file in tmp_path.iterdir()] == ["folder.html"]


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    for verb in (("report",), ("plot", "--chart", "lorenz", "--out", tmp_path / "x.svg")):
        told = sim(*verb, tmp_path)
        assert (told.code, told.out) == (2, "")
        assert told.err == f"{tmp_path}: has no finished run in it\n"


# Pictures


@pytest.mark.parametrize(("suffix", "start"), [(".svg", b"<svg"), (".PNG", b"\x89PNG"), slow(".png", b"\x89PNG")])
def test_plot_writes_a_picture(run: Run, tmp_path: Path, suffix: str, start: bytes) -> None:
    out = tmp_path / f"lorenz{suffix}"
    told = sim("plot", run.path, "--chart", "lorenz", "--out", out)
    assert told == Told(0, f"lorenz: {out}\n", "")
    picture = out.read_bytes()
    assert picture.startswith(start)
    assert sim("plot", run.path, "--chart", "lorenz", "--out", out, "--json").code == 0
    assert out.read_bytes() == picture


def test_plot_says_what_is_wrong(run: Run, tmp_path: Path) -> None:
    def told(*args: object) -> str:
        found = sim("plot", *map(str, args))
        assert found.code == 2
        assert not list(tmp_path.iterdir())
        return " ".join(found.err.replace("│", " ").split())

    out = tmp_path / "x.svg"
    assert "or grid; did you mean `lorenz`?, got 'lorens'" in told(run.path, "--chart", "lorens", "--out", out)
    assert "must end in .svg or .png, got 'x.pdf'" in told(run.path, "--chart", "lorenz", "--out", tmp_path / "x.pdf")
    assert "RUN must be one for the chart 'lorenz', got 2" in told(
        run.path, run.path, "--chart", "lorenz", "--out", out
    )
    assert "RUN must be several for the chart 'grid', got 1" in told(run.path, "--chart", "grid", "--out", out)
    assert "nothing to show in the chart 'verticals'" in told(run.path, "--chart", "verticals", "--out", out)


def test_a_notebook_shows_a_run_as_its_answer_with_names_as_text(run: Run, hostile: Run) -> None:
    shown = Page(run._repr_html_()).words()
    assert "How does the head's share of followers (largest 1 % of accounts) change?" in shown
    assert "(a) support: tiered against none: " in shown
    assert "followers at the end" in shown
    tags = {tag for tag, _ in Page(hostile._repr_html_()).tags}
    assert tags == {"div", "b", "br", "i", "p", "ul", "li", "table", "thead", "tbody", "tr", "th", "td"}
