"""Scenarios as tests of pytest: ``--sim-scenarios`` collects their checks, the fixture ``sim_run`` runs them.

pytest imports this module at every start, wherever the package is installed: what is heavy is imported when needed.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

if TYPE_CHECKING:
    from sim.regression.result import Checked, CheckPart
    from sim.results.run import Run
    from sim.types import CheckPolicy

MARKERS = {
    "sim": "part of a scenario's check",
    "sim_valid": "a scenario file can be run",
    "sim_exact": "a scenario's outputs are equal to the bit",
    "sim_statistical": "a scenario's watched measures are equivalent",
    "sim_claim": "the verdict on a scenario's claim is what it was",
}
POLICIES = ("exact", "statistical", "claims")
MOST_LINES = 24
"""Lines that are printed of a part, below its first."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer the options."""
    group = parser.getgroup("sim", "Headshare: scenarios compared with their baselines, as `sim check` does")
    group.addoption(
        "--sim-scenarios",
        action="append",
        default=[],
        metavar="PATH",
        help="Collect the checks of this scenario file, or of those in this folder; may be given more than once. "
        "Folders `scale` and `published` are left out unless named.",
    )
    group.addoption(
        "--sim-baselines",
        metavar="DIR",
        help="Folder of the baselines, NAME.json; left out: results/baselines under the root folder.",
    )
    group.addoption(
        "--sim-policy",
        choices=POLICIES,
        help="From which part on nothing may move, in place of the scenario's own policy.",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers; with ``--sim-scenarios`` add the scenarios to what is collected."""
    for name, says in MARKERS.items():
        config.addinivalue_line("markers", f"{name}: {says}")
    if not config.getoption("sim_scenarios"):
        return
    from sim.errors import InputError
    from sim.regression.scenario_files import scenario_files

    here = config.invocation_params.dir
    given = [here / path for path in config.getoption("sim_scenarios")]
    try:
        files = scenario_files(given)
    except InputError as error:
        raise pytest.UsageError(f"--sim-scenarios: {error}") from error
    if missing := [str(file) for file in files if not file.exists()]:
        raise pytest.UsageError(f"--sim-scenarios: {missing[0]}: no such file or folder")
    baselines = config.getoption("sim_baselines")
    config.stash[_SCENARIOS] = _Scenarios(
        files=frozenset(file.resolve() for file in files),
        baselines=config.rootpath / "results" / "baselines" if baselines is None else here / baselines,
        policy=config.getoption("sim_policy"),
    )
    config.args += map(os.path.abspath, _unnamed(config, given, files))


def _unnamed(config: pytest.Config, given: Iterable[Path], files: Iterable[Path]) -> list[Path]:
    """Scenarios that no argument leads to; none where one says itself which are wanted: a file, an item, a folder."""
    args = [(config.invocation_params.dir / arg.partition("::")[0]).resolve() for arg in config.args]
    if config.args_source is pytest.Config.ArgsSource.ARGS:
        within = [path.resolve() for path in given]
        inside = [arg for arg in args if any(arg.is_relative_to(path) for path in within)]
        if any(file.resolve().is_relative_to(arg) for file in files for arg in inside):
            return []
    return [file for file in files if not any(_is_found(file, arg, config) for arg in args)]


def _is_found(file: Path, folder: Path, config: pytest.Config) -> bool:
    """Whether pytest comes to a file by itself when it looks for tests in a folder.

    Both as arguments won't do: pytest 8 loses other tests then, and pytest 9 the file if it isn't found.
    """
    path = file.resolve()
    if not path.is_relative_to(folder):
        return False
    passed_by = config.getini("norecursedirs")
    if any(fnmatch(part, pattern) for part in path.relative_to(folder).parts[:-1] for pattern in passed_by):
        rule = f"pytest doesn't look there from {folder} (norecursedirs); name it as an argument too"
        raise pytest.UsageError(f"--sim-scenarios: {_as_seen(file)}: {rule}")
    return True


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> ScenarioFile | None:
    """Collect a scenario that was asked for."""
    scenarios = parent.config.stash.get(_SCENARIOS, None)
    if scenarios is None or file_path.resolve() not in scenarios.files:
        return None
    collected: ScenarioFile = ScenarioFile.from_parent(parent, path=file_path)
    return collected


class _Scenarios:
    """What a session collects and how it checks, with the checks that this process has made."""

    def __init__(self, files: frozenset[Path], baselines: Path, policy: CheckPolicy | None) -> None:
        self.files = files
        self.baselines = baselines
        self.names: dict[str, Path] = {}
        self._policy = policy
        self._checked: dict[Path, Checked] = {}

    def checked(self, file: Path) -> Checked:
        """The check of a scenario, made when it is first asked for."""
        if file not in self._checked:
            from sim.errors import InterruptedRunError
            from sim.regression.check import Terms, check

            terms = Terms(baselines=_as_seen(self.baselines), policy=self._policy, threads=_threads())
            try:
                self._checked[file] = check(_as_seen(file), terms)
            except InterruptedRunError:
                raise KeyboardInterrupt from None
        return self._checked[file]

    def baseline_claims(self, name: str) -> list[str]:
        """Claims of a scenario's baseline; one that can't be read is reported by the check."""
        from sim.regression.baseline import BaselineError, read_baseline

        try:
            return list(read_baseline(self.baselines / f"{name}.json", name).content.claims)
        except BaselineError:
            return []


_SCENARIOS = pytest.StashKey[_Scenarios]()


def _as_seen(path: Path) -> Path:
    """The path as messages show it: from the current folder if it is below."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _threads() -> int:
    """Threads for a run: this process's part of them among the workers of pytest-xdist."""
    from sim.experiment.plan import n_cores

    return max(1, n_cores() // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))


class _What(NamedTuple):
    """What an item checks."""

    kind: str
    """``valid``, ``exact``, ``statistical`` or ``claim``."""
    claim: str | None = None

    @property
    def item(self) -> str:
        """The item's name."""
        return self.kind if self.claim is None else f"{self.kind}[{self.claim}]"

    @property
    def part(self) -> str:
        """Name of the part of the check."""
        return self.kind if self.claim is None else f"{self.kind} {self.claim}"


class ScenarioFile(pytest.File):
    """A scenario file; of one that has faults only its validity is collected."""

    def collect(self) -> Iterator[ScenarioItem]:
        """An item for each part of the check."""
        from sim.errors import InputError
        from sim.scenario import load
        from sim.scenario.resolve.roster_groups import claim_path
        from sim.scenario.resolve.sources import read_scenario

        if self.config.pluginmanager.hasplugin("xdist"):
            self.add_marker(pytest.mark.xdist_group(self.nodeid))
        try:
            lines = read_scenario(self.path).lines
            scenario = load(self.path, small=True).scenario
        except InputError:
            yield self._item(_What("valid"))
            return
        scenarios, name = self.config.stash[_SCENARIOS], scenario.name
        first = scenarios.names.setdefault(name, self.path)
        says = f"has the name {name!r} of {_as_seen(first)}, whose baseline it would share"
        yield self._item(_What("valid"), fault=None if first == self.path else says)
        # A claim that is gone from the scenario is still compared with its baseline.
        claims = dict.fromkeys([*scenario.claims, *scenarios.baseline_claims(name)])
        yield from (self._item(_What(kind), lines.of(("name",))) for kind in ("exact", "statistical"))
        yield from (self._item(_What("claim", claim), lines.of(claim_path(claim, lines))) for claim in claims)

    def _item(self, what: _What, line: int = 1, fault: str | None = None) -> ScenarioItem:
        item: ScenarioItem = ScenarioItem.from_parent(self, name=what.item, what=what, line=line, fault=fault)
        return item


class ScenarioItem(pytest.Item):
    """A part of a scenario's check; its line is the one known at collection until the check knows better."""

    def __init__(self, *, what: _What, line: int, fault: str | None, **node: Any) -> None:
        super().__init__(**node)
        self._what = what
        self._line = line
        self._fault = fault
        self.add_marker("sim")
        self.add_marker(f"sim_{what.kind}")

    def runtest(self) -> None:
        """Check the scenario, unless another of its items has, and report this part."""
        if self._fault is not None:
            pytest.fail(f"{_as_seen(self.path)}:{self._line}: {self._fault}", pytrace=False)
        scenarios = self.config.stash[_SCENARIOS]
        found = scenarios.checked(self.path)
        part = next((part for part in found.parts if part.name == self._what.part), None)
        if part is None:
            pytest.skip("the check didn't get to it")
        self._line = part.line
        match part.status:
            case "failed":
                pytest.fail(_report_text(found, part, scenarios.baselines), pytrace=False)
            case "skipped" | "allowed":
                pytest.skip(part.says)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where the part is in the scenario, and the headline of its report."""
        return self.path, self._line - 1, f"{self.path.name}: {self.name}"


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> pytest.TestReport | None:
    """Place what a check has found in the scenario, where pytest would name this module or a line known before."""
    if not isinstance(item, ScenarioItem):
        return None
    report = pytest.TestReport.from_item_and_call(item, call)
    path, line, headline = item.reportinfo()
    report.location = (report.location[0], line, headline)
    if report.skipped and isinstance(report.longrepr, tuple):
        report.longrepr = (os.fspath(path), line + 1, report.longrepr[2])
    return report


def _report_text(found: Checked, part: CheckPart, baselines: Path) -> str:
    """What is known of a part that failed, and what to do if it is to be so."""
    from sim.formatting import escaped
    from sim.report.check_reports.wording import count, lines_of

    lines = lines_of(found, part)
    if part.name == "exact":
        # It may be the only one that is asked for: by how much is reported here too.
        measures = [line for other in found.parts if other.name == "statistical" for line in lines_of(found, other)]
        lines = [*lines, *found.notes, *measures]
    more = lines[MOST_LINES:]
    lines = [f"{found.file}:{part.line}: {part.says}", *lines[:MOST_LINES]]
    if more:
        lines.append(f"and {count(len(more), 'line')} more, which `sim check` prints")
    if part.name != "valid":
        command = shlex.join(["sim", "check", found.file, "--baselines", os.fspath(_as_seen(baselines)), "--update"])
        lines.append(f"If it is to be so: {command} --reason TEXT")
    return "\n".join(map(escaped, lines))


@pytest.fixture(scope="session")
def sim_run(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Run]:
    """Run a scenario file: ``sim_run("scenarios/minimal.toml", replications=3)`` gives its ``Run``.

    Paths are relative to pytest's root folder; options are those of ``sim.run``. The same file with the same options
    runs once in a session, into a temporary folder.
    """
    import sim

    root = pytestconfig.rootpath
    runs: list[tuple[Path, dict[str, Any], Run]] = []

    def run(file: str | os.PathLike[str], **options: Any) -> Run:
        path = Path(os.path.abspath(root / file))
        for name in ("roster", "graph"):
            if isinstance(options.get(name), str | os.PathLike):
                options[name] = root / options[name]
        for known, given, found in runs:
            if (known, given) == (path, options):
                return found
        out = tmp_path_factory.mktemp("sim-run") / "run"
        found = sim.run(path, out=out, **{"threads": _threads(), **options})
        runs.append((path, options, found))
        return found

    return run
