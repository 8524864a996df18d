"""The verb ``check``: scenarios compared with their baselines, for people and for CI jobs."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from sim.arguments import check_policy, refuse
from sim.cli.console import console_for
from sim.cli.failures import failure, print_object
from sim.cli.options import (
    Debug,
    Engine,
    Json,
    Plugins,
    Quiet,
    Threads,
    engine_named,
    use_plugins,
)
from sim.errors import ArgumentError, Fault, InputError, MachineError
from sim.files import whole_file

if TYPE_CHECKING:
    from sim.regression.result import Checked
    from sim.types import CheckPolicy

__all__ = ["check"]

DIFFERS = 1


ScenariosOrFolders = Annotated[
    list[Path],
    typer.Argument(
        metavar="SCENARIO|DIR",
        help="Scenario files or names of shipped ones, and folders; `scale` and `published` in them are left out.",
        show_default=False,
    ),
]
Baselines = Annotated[Path, typer.Option(metavar="DIR", help="Folder of the baselines, NAME.json.")]
Policy = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="exact, statistical or claims, in place of the scenario's own.", show_default=False
    ),
]
Update = Annotated[bool, typer.Option("--update", help="Rewrite baselines that differ; needs --reason.")]
Reason = Annotated[
    str | None,
    typer.Option(metavar="TEXT", help="Why the numbers are to move; kept in the baseline.", show_default=False),
]
Against = Annotated[
    str | None,
    typer.Option(
        metavar="REF|RUN",
        help="Git revision, or run folder of an earlier check: shows who differs first, and where.",
        show_default=False,
    ),
]
JunitFile = Annotated[Path | None, typer.Option(metavar="FILE", help="Write JUnit XML there.", show_default=False)]
SummaryFile = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Write a Markdown summary there.", show_default=False)
]
Annotations = Annotated[bool, typer.Option("--github", help="Print annotations as GitHub's jobs read them.")]
KeptRuns = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Keep the run folders there; left out: nowhere.", show_default=False),
]


def check(
    paths: ScenariosOrFolders,
    baselines: Baselines = Path("results/baselines"),
    policy: Policy = None,
    update: Update = False,
    reason: Reason = None,
    against: Against = None,
    junit: JunitFile = None,
    summary: SummaryFile = None,
    github: Annotations = False,
    out: KeptRuns = None,
    engine: Engine = "compiled",
    threads: Threads = None,
    plugin: Plugins = None,
    quiet: Quiet = False,
    as_json: Json = False,
    debug: Debug = False,  # noqa: ARG001 - read by ``verb``
) -> None:
    """Compare scenarios with their baselines: did outputs move, where, by how much. Exits with 1 if one did."""
    if update != (reason is not None and bool(reason.strip())):
        raise typer.BadParameter("--update and --reason TEXT go together", param_hint="--update")
    name = engine_named(engine)
    refuse(check_policy(policy))
    _check_places(out, junit, summary)
    use_plugins(plugin)
    from sim.cli.progress import Display, compiling_notes
    from sim.regression.check import Terms, check_all
    from sim.regression.other_run import no_other, other_run
    from sim.regression.scenario_files import scenario_files

    files = scenario_files(paths)
    with contextlib.ExitStack() as stack:
        display = stack.enter_context(Display(console_for(stderr=True), quiet=quiet or as_json))
        for note in compiling_notes(name):
            display.note(note)
        terms = Terms(
            baselines=baselines,
            policy=cast("CheckPolicy | None", policy),
            reason=reason,
            out=out,
            engine=name,
            threads=threads,
            report=display.report,
            announce=lambda file: display.note(f"checking {file}"),
            note=display.note,
        )
        options = ["--engine", name, *([] if threads is None else ["--threads", str(threads)])]
        with_other = None if against is None else other_run(against, files, plugin or [], options)
        found = list(check_all(files, terms, no_other if with_other is None else stack.enter_context(with_other)))
    _write_and_print(found, junit, summary, quiet=quiet, as_json=as_json, github=github)
    if code := _code(found):
        raise SystemExit(code)


def _write_and_print(
    found: list[Checked], junit: Path | None, summary: Path | None, *, quiet: bool, as_json: bool, github: bool
) -> None:
    """Report what was found in all the ways that are asked for; what is printed, where a file can't be written, too."""
    try:
        _write(junit, summary, found)
    except MachineError:
        if not as_json:  # of two objects the error's is the one
            _print(found, quiet=quiet, as_json=False, github=github)
        raise
    _print(found, quiet=quiet, as_json=as_json, github=github)


def _code(found: list[Checked]) -> int:
    """What to exit with."""
    if any(checked.is_unfinished for checked in found):
        return MachineError.exit_code
    if any(checked.is_bad_input for checked in found):
        return InputError.exit_code
    return 0 if all(checked.holds for checked in found) else DIFFERS


def _check_places(out: Path | None, *files: Path | None) -> None:
    """Refuse places that can't be written to before the work, not after it."""
    if out is not None and out.exists() and not out.is_dir():
        raise ArgumentError([Fault(None, "must be a folder, or not be there yet", value=str(out), argument="out")])
    for file in files:
        if file is not None and (file.is_dir() or not file.parent.is_dir()):
            says = "is a folder" if file.is_dir() else "its folder isn't there"
            raise MachineError(f"{os.fspath(file)!r}: can't be written: {says}")


def _write(junit: Path | None, summary: Path | None, found: list[Checked]) -> None:
    from sim.report.check_reports.junit import junit_xml
    from sim.report.check_reports.summary import markdown_summary

    for path, content in ((junit, junit_xml), (summary, markdown_summary)):
        if path is not None:
            text = content(found)
            with whole_file(path) as stream:
                stream.write(text if isinstance(text, bytes) else text.encode("utf-8", "backslashreplace"))


def _print(found: list[Checked], *, quiet: bool, as_json: bool, github: bool) -> None:
    if github:
        from sim.report.check_reports.annotations import github_annotations

        print(github_annotations(found), end="", file=sys.stderr if as_json else sys.stdout)
    if as_json:
        _print_object(found)
    elif not quiet:
        from sim.report.check_reports.listing import print_checks

        print_checks(found, console_for())


def _print_object(found: list[Checked]) -> None:
    """What was found; where something moved, what fails as messages and as faults too."""
    code = _code(found)
    faults = [fault for checked in found for fault in checked.failures()]
    outcome = failure(code, "\n".join(map(str, faults)), faults) if code else {"code": code}
    if code:
        print(outcome["error"], file=sys.stderr)
    print_object(outcome | {"holds": not code, "checked": [checked.to_dict() for checked in found]})
