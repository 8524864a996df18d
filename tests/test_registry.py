"""The registry: built-in policies, measures and charts, the user's charts, and what installed packages bring."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.plugins import command
from support.small_runs import TINY, run_of, write

import sim
from sim.errors import InputError
from sim.registry import KINDS, built_in, isolated, load_plugin, registered
from sim.report.catalogue import chart_of, charts

CHART = """\
import altair as alt

from sim.report.charts.chart import Chart, Panel, inline_data
from sim.report.charts.declared import one_run


@one_run("How many")
def how_many(source):
    \"\"\"How many replications each arm has.\"\"\"
    rows = [{"arm": arm, "n": len(found)} for arm, found in source.run.manifest["digests"].items()]
    view = alt.Chart(inline_data(rows)).mark_bar().encode(x="n:Q", y="arm:N")
    return Chart("how-many", "Replications", "One bar for each arm.", [Panel("All", view, {})], rows)
"""


@pytest.mark.parametrize(("kind", "n"), [("policy", 11), ("measure", 40), ("chart", 13)])
def test_every_kind_has_its_built_in_entries_and_none_of_the_users_own(kind: str, n: int) -> None:
    assert len(built_in(kind)) >= n  # type: ignore[arg-type]
    assert registered(kind) == {}  # type: ignore[arg-type]


def test_names_of_what_is_built_in_need_no_compiler_and_no_tables() -> None:
    code = (
        "import sys; from sim.registry import built_in; built_in('policy'); built_in('measure');"
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not set(done.stdout.split()) & {"numba", "llvmlite", "scipy", "pyarrow", "simpy"}


def test_a_built_in_policy_is_one_function_in_one_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A module that is listed as one of the built-in policies' has them registered, named and run."""
    (tmp_path / "more_policies.py").write_text(
        "import sim\n\n\n@sim.policy\ndef everyone_alike(view, support):\n    return view.followers * 0.0 + 1.0\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("sim.registry.KINDS", {**KINDS, "policy": (*KINDS["policy"], "more_policies")})
    assert "everyone-alike" in built_in("policy")
    assert registered("policy") == {}
    text = TINY.replace('support.policy = "uniform"', 'support.policy = "everyone-alike"')
    run = run_of(tmp_path, text)
    assert run.manifest["plugin"] is None
    assert run.manifest["digests"]["uniform"] == run_of(tmp_path, TINY, out="plain").manifest["digests"]["uniform"]


# Charts


def test_a_chart_of_ones_own_is_one_file_and_stands_on_the_page_and_in_the_commands(tmp_path: Path) -> None:
    plugin = write(tmp_path, CHART, "how_many.py")
    run = run_of(tmp_path, TINY)
    with isolated():
        result = command("report", run.path, "--plugin", plugin, "--out", tmp_path / "page.html")
        assert result.exit_code == 0, result.output
        assert '<a href="#how-many">How many</a>' in (tmp_path / "page.html").read_text()
    with isolated():
        load_plugin(plugin)
        assert list(charts())[-1] == "how-many"
        assert sim.chart(run, "how-many").to_dict()["vconcat"]
    result = command("plot", run.path, "--chart", "how-many", "--out", tmp_path / "x.svg", "--plugin", plugin)
    assert result.exit_code == 0, result.output
    assert (tmp_path / "x.svg").read_text().startswith("<svg")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('"how-many", "Replications"', '"other", "Replications"', "must give a Chart with the name how-many, or None"),
        ("rows = [", "1 / 0\n    rows = [", "chart failed: ZeroDivisionError: division by zero"),
    ],
)
def test_a_chart_that_fails_is_one_line_with_its_file(tmp_path: Path, old: str, new: str, says: str) -> None:
    load_plugin(write(tmp_path, CHART.replace(old, new), "how_many.py"))
    with pytest.raises(InputError, match=rf"how_many.py:\d+: how-many: {says}"):
        chart_of([run_of(tmp_path, TINY)], "how-many")


def test_the_name_of_a_built_in_chart_is_taken(tmp_path: Path) -> None:
    path = write(tmp_path, CHART.replace("def how_many", "def lorenz"), "mine.py")
    with pytest.raises(InputError, match="the chart lorenz is built in: choose another name"):
        load_plugin(path)


# Installed packages


def installed(folder: Path, module: str, metadata: str = "ladder = ladders.plugin\n") -> dict[str, str]:
    """A package ``ladders`` as an installer leaves it, and an environment in which Python finds it."""
    (folder / "ladders").mkdir()
    (folder / "ladders" / "__init__.py").write_text("")
    (folder / "ladders" / "helper.py").write_text("LEAST = 0.5\n")
    (folder / "ladders" / "plugin.py").write_text(module)
    info = folder / "ladders-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: ladders\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[headshare]\n{metadata}")
    paths = [str(folder), *([os.environ["PYTHONPATH"]] if "PYTHONPATH" in os.environ else [])]
    return os.environ | {"PYTHONPATH": os.pathsep.join(paths)}


MODULE = """\
import sim
from ladders.helper import LEAST


@sim.policy
def from_a_package(view, support):
    return view.quality + LEAST


@sim.measure()
def packaged(held):
    return float(held.n)
"""


def run_with(environment: dict[str, str], *args: object) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "sim", *map(str, args)]
    return subprocess.run(line, env=environment, capture_output=True, text=True, check=False)


def test_an_installed_package_brings_policies_and_measures_by_its_entry_points(tmp_path: Path) -> None:
    folder = tmp_path / "site"
    folder.mkdir()
    environment = installed(folder, MODULE)
    text = TINY.replace('support.policy = "uniform"', 'support.policy = "from-a-package"')
    scenario = write(tmp_path, f'{text}measure = "packaged"\n')
    done = run_with(environment, "run", scenario, "--out", tmp_path / "run", "--quiet")
    assert done.returncode == 0, done.stderr
    plugin = json.loads((tmp_path / "run" / "manifest.json").read_text())["plugin"]
    assert set(plugin) == {"from-a-package", "measure packaged"}
    assert set(plugin["from-a-package"]["imports"]) == {f"ladders/{n}.py" for n in ("__init__", "helper", "plugin")}
    (folder / "ladders" / "helper.py").write_text("LEAST = 0.25\n")
    again = run_with(environment, "run", scenario, "--out", tmp_path / "run", "--quiet")
    assert again.returncode in (2, 4)
    assert "Traceback" not in again.stderr


def test_an_installed_package_that_cannot_be_imported_is_one_clean_line(tmp_path: Path) -> None:
    environment = installed(tmp_path, "1 / 0\n")
    done = run_with(environment, "validate", write(tmp_path, TINY))
    assert done.returncode == 2
    said = "package ladders, entry point ladder: plugin failed: ZeroDivisionError: division by zero"
    assert done.stderr.splitlines() == [said]
