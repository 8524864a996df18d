"""The report in a real browser: all charts drawn, nothing asked of any address, readable wide and narrow."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.hostile_names import HOSTILE
from support.places import SCENARIOS
from support.small_runs import TINY, run_of

import sim
from sim.experiment.execution import experiment
from sim.results.run import Run
from sim.scenario import load

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
REQUIRED = "HEADSHARE_BROWSER"
"""Set where the tests must not be skipped."""
SECONDS_TO_OPEN = 4
OPTIONS = (
    "--headless=new",
    "--no-sandbox",  # tests may run as root
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


class Browser:
    """Chromium without a window: pages of given width, what they print on the console, what they ask for."""

    def __init__(self, profile: Path) -> None:
        from selenium import webdriver
        from selenium.webdriver.chrome.service import Service

        options = webdriver.ChromeOptions()
        options.binary_location = CHROMIUM or ""
        for option in (*OPTIONS, f"--user-data-dir={profile}"):
            options.add_argument(option)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service(DRIVER))
        self.driver.get("about:blank")

    def open(self, file: Path, width: int, *, scheme: str = "light") -> float:
        """Open a page and wait until it says that its charts are drawn; seconds it took."""
        self._call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        self._call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        for log in ("browser", "performance"):
            self.driver.get_log(log)  # what was before
        started = time.perf_counter()
        self.driver.get(file.as_uri())
        while not self.run("return document.documentElement.dataset.done"):
            assert time.perf_counter() - started < 30, self.driver.get_log("browser")
            time.sleep(0.01)
        return time.perf_counter() - started

    def run(self, script: str) -> Any:
        """What a script returns."""
        return self.driver.execute_script(script)

    def complaints(self) -> list[str]:
        """What the page has printed on the console."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self) -> list[str]:
        """Addresses that were asked for, the browser's own pages left out."""
        messages = (json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance"))
        asked = [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]
        return [address for address in asked if not address.startswith(("chrome", "data:", "about:"))]

    def printed(self) -> bytes:
        """The page as a PDF file."""
        return base64.b64decode(self._call("Page.printToPDF", printBackground=True)["data"])

    def _call(self, method: str, **parameters: Any) -> Any:
        return self.driver.execute_cdp_cmd(method, parameters)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    missing = [name for name, path in (("chromium", CHROMIUM), ("chromedriver", DRIVER)) if path is None]
    if missing and not os.environ.get(REQUIRED):
        pytest.skip(f"no {' and no '.join(missing)} on the path")
    browser = Browser(tmp_path_factory.mktemp("profile"))
    yield browser
    browser.driver.quit()


def report(run: Run, folder: Path) -> Path:
    return sim.write_report(run, folder / "report.html")


DRAWN = """
return [...document.querySelectorAll(".drawn")].map(place => ({
    name: place.id,
    marks: place.querySelectorAll("svg .mark-symbol path, svg .mark-line path, svg .mark-rect path, " +
        "svg .mark-rule line, svg .mark-area path").length,
    label: (place.closest('[role=graphics-document]') ?? place.querySelector('[role=graphics-document]'))
        ?.getAttribute("aria-label") ?? "",
    width: place.getBoundingClientRect().width,
    broken: /NaN|undefined|Infinity/.test(place.innerHTML.replace(/aria-\\w+="[^"]*"/g, "")),
}))
"""
OVERFLOWING = """
const wide = document.documentElement.clientWidth;
return [...document.querySelectorAll("body *")].filter(e =>
    !e.closest(".wide") && !e.closest("svg") && !e.closest("details:not([open])") &&
    e.getBoundingClientRect().right > wide + 1).map(e => e.outerHTML.slice(0, 200))
"""
CLIPPED = """
// Texts of a chart that reach out of its picture.
return [...document.querySelectorAll(".drawn svg")].flatMap(svg => {
    const frame = svg.getBoundingClientRect();
    return [...svg.querySelectorAll("text")].filter(text => {
        const box = text.getBoundingClientRect();
        return box.width && (box.left < frame.left - 2 || box.right > frame.right + 2 ||
            box.top < frame.top - 2 || box.bottom > frame.bottom + 2);
    }).map(text => svg.closest(".drawn").id + ": " + text.textContent)
})
"""
OVERLAPPING = """
// Labels of one axis that lie on each other.
return [...document.querySelectorAll(".drawn svg .role-axis-label")].flatMap(axis => {
    const labels = [...axis.querySelectorAll("text")].filter(t => t.getAttribute("opacity") !== "0" && t.textContent);
    return labels.flatMap((a, i) => labels.slice(i + 1).filter(b => {
        const p = a.getBoundingClientRect(), q = b.getBoundingClientRect();
        return Math.min(p.right, q.right) - Math.max(p.left, q.left) > 1 &&
            Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top) > 4;
    }).map(b => axis.closest(".drawn").id + ": " + a.textContent + " on " + b.textContent));
})
"""


def check(browser: Browser, page: Path, width: int, scheme: str, *, labels_may_touch: bool = False) -> None:
    """A page of a run meets every promise."""
    # The quickest of three: other tests may be at work on the same cores.
    assert any(browser.open(page, width, scheme=scheme) < SECONDS_TO_OPEN for _ in range(3))
    assert browser.complaints() == []
    assert browser.requests() == [page.as_uri()]
    drawn = browser.run(DRAWN)
    assert drawn
    for panel in drawn:
        assert panel["marks"] > 0, panel
        assert panel["label"], panel
        assert not panel["broken"], panel
        assert 300 < panel["width"] <= width, panel
    assert browser.run("return document.documentElement.scrollWidth") <= width
    assert browser.run(OVERFLOWING) == []
    assert browser.run(CLIPPED) == []
    assert labels_may_touch or browser.run(OVERLAPPING) == []


def test_the_report_of_weibo_2017_opens_drawn_and_silent_at_both_widths(browser: Browser, tmp_path: Path) -> None:
    loaded = load(SCENARIOS / "weibo-2017.toml", replications=2)
    page = report(experiment(loaded, out=tmp_path / "run"), tmp_path)
    assert page.stat().st_size < 3_000_000
    for width, scheme in ((1200, "light"), (500, "light"), (500, "dark")):
        check(browser, page, width, scheme)
    charts = browser.run("return [...document.querySelectorAll('figure')].map(f => f.dataset.chart)")
    assert len(charts) == 11


def test_nothing_in_a_hostile_scenario_runs_or_overflows(browser: Browser, tmp_path: Path) -> None:
    run = run_of(tmp_path, HOSTILE)
    page = report(run, tmp_path)
    for width in (1200, 500):
        check(browser, page, width, "light", labels_may_touch=True)
        browser.run("document.querySelectorAll('details').forEach(d => { d.open = true; })")
        assert browser.run(OVERFLOWING) == []
        # Tooltips are made when the pointer comes.
        browser.run("""
            for (const mark of document.querySelectorAll(".drawn svg .role-mark path")) {
                for (const kind of ["pointerover", "pointermove", "mousemove", "mouseover"]) {
                    const box = mark.getBoundingClientRect();
                    mark.dispatchEvent(new PointerEvent(kind, {
                        bubbles: true, clientX: box.x + box.width / 2, clientY: box.y + box.height / 2,
                    }));
                }
            }
        """)
        assert browser.run("return document.querySelectorAll('#vg-tooltip-element').length") > 0
        assert browser.run("return typeof window.ran") == "undefined"
        assert browser.run("return document.querySelectorAll('img, svg[onload], iframe').length") == 0
        assert browser.run("return document.scripts.length") == 3
        assert browser.complaints() == []
    both = sim.write_report([run, run], tmp_path / "both.html")
    for width in (1200, 500):
        check(browser, both, width, "dark", labels_may_touch=True)
    assert browser.run("return typeof window.ran") == "undefined"


def test_a_page_from_elsewhere_may_not_run_scripts_of_its_own(browser: Browser, tmp_path: Path) -> None:
    page = report(run_of(tmp_path), tmp_path)
    altered = page.read_text().replace(
        "</main>", "<script>window.ran = 5</script><img src='http://127.0.0.1:9/x'></main>"
    )
    page.write_text(altered)
    browser.open(page, 1200)
    assert browser.run("return typeof window.ran") == "undefined"
    blocked = [complaint for complaint in browser.complaints() if "Content Security Policy" in complaint]
    assert [re.search("(script|img)-src", complaint) is not None for complaint in blocked] == [True, True]


def test_a_page_prints_on_few_sheets_with_its_charts_and_in_ink(browser: Browser, tmp_path: Path) -> None:
    page = report(run_of(tmp_path), tmp_path)
    browser.open(page, 1200, scheme="dark")
    content = browser.printed()
    sheets = len(re.findall(rb"/Type\s*/Page\b", content))
    assert 5 <= sheets <= 40
    browser._call("Emulation.setEmulatedMedia", media="print", features=[])
    assert browser.run("return getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    fill = "return getComputedStyle(document.querySelector('.drawn .role-axis-label text')).fill"
    assert browser.run(fill) == "rgb(0, 0, 0)"
    browser._call("Emulation.setEmulatedMedia", media="", features=[])


def test_a_grid_of_runs_has_a_heat_map(browser: Browser, tmp_path: Path) -> None:
    runs = [
        run_of(tmp_path, TINY.replace("share = 0.3", f"share = {share}").replace("seed = 3", f"seed = {seed}"), out=out)
        for out, share, seed in (("a", 0.1, 3), ("b", 0.3, 3), ("c", 0.1, 4), ("d", 0.3, 4))
    ]
    page = sim.write_report(runs, tmp_path / "grid.html")
    for width in (1200, 500):
        check(browser, page, width, "light")
        cells = browser.run("return document.querySelectorAll('#grid-1 .mark-text.role-mark text').length")
        assert cells == 4
