"""Reports as self-contained HTML pages: charts, data and scripts are inside, nothing is loaded from any address."""

from __future__ import annotations

import base64
import hashlib
import json
import shlex
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import vl_convert
from jinja2 import Environment, PackageLoader, StrictUndefined

from sim.files import whole_file
from sim.report.catalogue import charts, charts_of_several, draw, labels_of
from sim.report.charts.chart import VEGA_LITE, Chart
from sim.report.charts.numbers import Numbers
from sim.report.protocols import protocols
from sim.results.answer import QUESTION, amount, interval, number, reading_notes
from sim.results.run import Run
from sim.results.side_by_side import differing_keys

__all__ = ["page_of_run", "page_of_runs", "write_report"]

REPORTS = Path("results/reports")

DRAW = "window.draw = vegaEmbed;"


def write_report(runs: Sequence[Run], out: Path | str | None = None) -> Path:
    """Write the report of a run, or of several side by side.

    Parameters
    ----------
    runs
        Finished runs, 1 or more.
    out
        File to write; left out: ``report.html`` in the folder of a single run, of several a file in
        ``results/reports`` that is named after their identities.

    Returns
    -------
    Path
        The file; it appears whole or not at all, and is the same for the same runs in the same order.

    Raises
    ------
    InputError
        A run is damaged.
    MachineError
        The file can't be written.
    """
    text = page_of_run(runs[0]) if len(runs) == 1 else page_of_runs(runs)
    if out is None and len(runs) > 1:
        identities = "".join(run.manifest["identity"] for run in runs)
        REPORTS.mkdir(parents=True, exist_ok=True)
        out = REPORTS / f"runs-{hashlib.sha256(identities.encode()).hexdigest()[:12]}.html"
    target = runs[0].path / "report.html" if out is None else Path(out)
    with whole_file(target) as stream:
        stream.write(text.encode("utf-8", "backslashreplace"))  # a path in it may not be Unicode
    return target


def page_of_run(run: Run) -> str:
    """The report of a run; the same run gives the same text."""
    source = Numbers(run)
    known = charts()
    drawn = [found for chart in known.values() if (found := draw(chart, [source], labels_of([run]))) is not None]
    scenario, claims = run.manifest["scenario"], run.claims()
    return _rendered(
        "run.html",
        drawn,
        title=f"{scenario['title'] or scenario['name']} - Headshare",
        stem=scenario["name"],
        answer=source.answer,
        scenario=scenario,
        question=QUESTION,
        claims=claims,
        notes=source.answer.notes_on_claims(claims),
        links={name: chart.link for name, chart in known.items()},
        manifest=run.manifest,
        facts=_facts(run),
        resolved=json.dumps(scenario, indent=1, ensure_ascii=False),
        protocols=protocols(run.manifest),
    )


def page_of_runs(runs: Sequence[Run]) -> str:
    """Several runs side by side; the same runs in the same order give the same text."""
    labels = labels_of(runs)
    sources = [Numbers(run) for run in runs]
    drawn = [found for chart in charts_of_several().values() if (found := draw(chart, sources, labels)) is not None]
    told = [
        {"label": label, "answer": source.answer, "digest": source.run.digest, "facts": _facts(source.run)}
        for label, source in zip(labels, sources, strict=True)
    ]
    keys = [(key, [_short(value) for value in values]) for key, values in differing_keys(runs).items()]
    return _rendered("runs.html", drawn, title="Runs side by side", stem="runs", runs=told, keys=keys)


def _short(value: object) -> str:
    text = "-" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 200 else f"{text[:199]}…"


def _facts(run: Run) -> list[tuple[str, str]]:
    """Where a run's numbers come from."""
    manifest, versions = run.manifest, run.manifest["versions"]
    inputs = [f"{name}: SHA-256 {digest}" for name, digest in manifest["inputs"].items() if digest]
    plugins = [_plugin(name, plugin) for name, plugin in (manifest["plugin"] or {}).items()]
    notes = reading_notes(manifest)
    again = "sim.recreate(FOLDER, OUT, roster=…, graph=…) in Python re-creates it from its manifest."
    facts = [
        ("Scenario", manifest["name"]),
        ("Seed", str(manifest["seed"])),
        ("Digest of the outcome", run.digest),
        ("Identity of the run", manifest["identity"]),
        ("Engine", manifest["engine"]),
        ("Versions", ", ".join(f"{name} {version}" for name, version in versions.items() if name != "source")),
        ("Digest of the source", versions["source"]),
        ("Input files", "; ".join(inputs) or "none but the scenario"),
        ("How the input files were read", "; ".join(notes) or "plainly, without anything left out"),
        ("Policies and measures of the user's", "; ".join(plugins) or "none"),
        ("Work", f"{manifest['counts']['sessions']:,} sessions, {manifest['counts']['impressions']:,} impressions"),
        ("Time taken", f"{manifest['seconds']:,.1f} s"),
        ("Command", shlex.join(manifest["command"]) or "called from Python"),
        ("Again", again),
    ]
    return [(name, str(value)) for name, value in facts]


def _plugin(name: str, plugin: Mapping[str, Any]) -> str:
    """A policy or measure of the user's own, with its files; a run of an earlier Headshare has one only."""
    files = {plugin["file"]: plugin["sha256"], **plugin.get("imports", {})}
    return f"{name} from " + ", ".join(f"{file} (SHA-256 {sha256})" for file, sha256 in files.items())


@cache
def _bundle() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script that defines no global names but ours."""
    text: str = vl_convert.javascript_bundle(DRAW, vl_version=VEGA_LITE)
    return "(() => {" + text.replace("</script", "<\\/script") + "\n})();"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("sim.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters |= {
        "data_address": lambda text: f"data:text/csv;charset=utf-8,{quote(text, safe=' ,')}",
        "points": number,
        "share": lambda value: number(value, signed=False),
    }
    environment.globals |= {"interval": interval, "amount": amount}
    return environment


def _rendered(template: str, charts: list[Chart], **content: Any) -> str:
    """The template filled in; only our scripts are allowed to run in it, and it may load nothing."""
    environment = _environment()
    source = {name: environment.loader.get_source(environment, name)[0] for name in ("page.css", "page.js")}  # type: ignore[union-attr]
    scripts = [_bundle(), source["page.js"]]
    hashes = " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(s.encode()).digest()).decode()}'" for s in scripts)
    specifications = {
        f"{chart.name}-{place}": chart.spec(panel) for chart in charts for place, panel in enumerate(chart.panels, 1)
    }
    return environment.get_template(template).render(
        charts=charts,
        # Vega compiles its expressions, hence unsafe-eval; any other script element is not run.
        policy=f"default-src 'none'; script-src {hashes} 'unsafe-eval'; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'",
        css=source["page.css"],
        script=scripts[1],
        bundle=scripts[0],
        specifications=_inside_a_script(specifications),
        **content,
    )


def _inside_a_script(value: object) -> str:
    """JSON that can be put in a script element, whatever its texts are."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text
