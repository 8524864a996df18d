"""The command ``sim``: its verbs, and how errors become exit codes. Heavy imports wait for their verb."""

from __future__ import annotations

import contextlib
import functools
import gc
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, ParamSpec

import typer
from typer.core import TyperGroup

from sim.cli.check import check
from sim.cli.console import console_for, mend_streams
from sim.cli.graph import graph, input_notes
from sim.cli.new import new
from sim.cli.options import (
    Debug,
    Edges,
    Encoding,
    Engine,
    Json,
    Plugins,
    Quiet,
    Roster,
    ScenarioFile,
    Set,
    SuggestedColumns,
    Threads,
    asks_for_object,
    engine_named,
    failure,
    object_is_printed,
    output_for_object,
    print_object,
    use_plugins,
)
from sim.cli.pictures import plot, report
from sim.cli.state import state
from sim.cli.trace import trace
from sim.errors import InputError, InterruptedRunError, MachineError, SimError
from sim.version import __version__

if TYPE_CHECKING:
    from sim.results.run import Run

UsageError: type[Exception] = typer.BadParameter.__bases__[0]
"""Of click, or of the copy of it that some versions of typer bring along."""


class Verbs(TyperGroup):
    """The verbs as typer finds them; where an object is asked for, a usage error is one too."""

    def make_context(self, info_name: str | None, args: list[str], *rest: Any, **extra: Any) -> Any:
        """Read what comes before the verb."""
        self._as_json = asks_for_object(args)
        with self._usage_errors():
            return super().make_context(info_name, args, *rest, **extra)

    def invoke(self, ctx: Any) -> Any:
        """Read the verb's own options, and run it."""
        with self._usage_errors():
            return super().invoke(ctx)

    @contextlib.contextmanager
    def _usage_errors(self) -> Iterator[None]:
        try:
            yield
        except UsageError as error:  # typer prints it, with the usage
            if self._as_json:
                print_object(failure(InputError.exit_code, error.format_message()))  # type: ignore[attr-defined]
            raise


app = typer.Typer(
    name="sim",
    cls=Verbs,
    help="Headshare: how the concentration of traffic on head influencers changes under tiered support.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Options = ParamSpec("Options")
INTERRUPTED = InterruptedRunError.exit_code
ABORTED = 130  # what typer leaves with when it is interrupted itself
LEFT = "interrupted; what was finished is kept, and the same command goes on from there"
SAME_PRESS = 0.5  # seconds within which a second signal is taken for the same wish
GRACE = 1.5  # seconds from a signal to the end of the process, whatever it is doing
LAST_WORDS = 0.2  # seconds that a reader has to take the last of the output


def _print_version(asked: bool) -> None:
    if asked:
        print(f"headshare {__version__}")
        raise typer.Exit


@app.callback()
def before_the_verb(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version, and leave.")
    ] = False,
) -> None:
    """Options of ``sim`` itself."""


def verb(function: Callable[Options, None]) -> Callable[Options, None]:
    """A command whose errors become one message and the exit code of DESIGN; with ``--debug``, after a traceback."""

    @functools.wraps(function)
    def clean(*args: Options.args, **options: Options.kwargs) -> None:
        as_json = bool(options.get("as_json"))
        try:
            with output_for_object() if as_json else contextlib.nullcontext():
                function(*args, **options)
        except Exception as error:
            if options.get("debug"):
                import traceback

                traceback.print_exc()
            _leave(error, as_json)
        except KeyboardInterrupt:
            _leave(InterruptedRunError("interrupted"), as_json)

    return clean


def _leave(error: Exception, as_json: bool, **found: Any) -> NoReturn:
    """Print one message, as an object too where one is asked for (of what was found, too), and leave with its code."""
    match error:
        case SimError():
            message, code = str(error), error.exit_code
        case typer.BadParameter():
            raise error  # typer shows it with the usage
        case MemoryError():
            message, code = "out of memory", MachineError.exit_code
        case OSError(strerror=str()):
            message, code = f"{error.filename or 'input or output'}: {error.strerror}", MachineError.exit_code
        case _:
            message = f"sim failed: {type(error).__name__}: {error} (--debug shows where; please report it)"
            code = MachineError.exit_code
    print(message, file=sys.stderr)
    if as_json:
        print_object(failure(code, message, error.faults if isinstance(error, InputError) else ()) | found)
    raise SystemExit(code)


@contextlib.contextmanager
def _lasting() -> Iterator[None]:
    """Import here what stays to the end: the collector looks for garbage in it neither now nor later."""
    if "numba" in sys.modules:  # in a process that is more than this command
        yield
        return
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        gc.enable()


@app.command()
@verb
def run(
    scenario: ScenarioFile,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Run folder; left out: results/runs/NAME-DIGEST.", show_default=False),
    ] = None,
    engine: Engine = "compiled",
    roster: Roster = None,
    edges: Edges = None,
    encoding: Encoding = None,
    suggested_columns: SuggestedColumns = False,
    set: Set = None,
    threads: Threads = None,
    replications: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="In place of the scenario's number.", show_default=False)
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Insist that there is a run to go on with.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Run even where memory may not suffice.")] = False,
    plugin: Plugins = None,
    quiet: Quiet = False,
    as_json: Json = False,
    debug: Debug = False,  # noqa: ARG001 - read by ``verb``
) -> None:
    """Run a scenario: all arms, all replications, and the answer. A run that was interrupted goes on."""
    name = engine_named(engine)
    use_plugins(plugin)
    with _lasting():
        from sim.scenario import load

    loaded = load(
        scenario,
        roster=roster,
        graph=edges,
        replications=replications,
        encoding=encoding,
        suggested_columns=suggested_columns,
        set=set or (),
    )
    with _lasting():
        from sim.cli.progress import Display, compiling_notes
        from sim.experiment.execution import experiment

    with Display(console_for(stderr=True), quiet=quiet or as_json) as display:
        for note in [*compiling_notes(name), *input_notes(loaded)]:
            display.note(note)
        finished = experiment(
            loaded,
            out=out,
            engine=name,
            threads=threads,
            resume=resume,
            force=force,
            command=["sim", *sys.argv[1:]],
            report=display.report,
            announce=lambda estimate: display.note(str(estimate)),
            note=display.note,
        )
    show(finished, quiet=quiet, as_json=as_json)


def show(finished: Run, *, quiet: bool, as_json: bool) -> None:
    """Print a run's answer as the user wants it."""
    if as_json:
        print_object(
            {
                "run": str(finished.path),
                "digests": finished.manifest["digests"],
                "answer": finished.answer(),
                "claims": finished.claims(),
                "reading": finished.manifest.get("reading", {}),
                "seconds": finished.manifest["seconds"],
            }
        )
    elif not quiet:
        from sim.report.terminal import print_answer

        print_answer(finished, console_for())


@app.command()
@verb
def compare(
    runs: Annotated[
        list[Path],
        typer.Argument(metavar="RUN", help="One run folder, or two to lay side by side.", show_default=False),
    ],
    as_json: Json = False,
    debug: Debug = False,  # noqa: ARG001 - read by ``verb``
) -> None:
    """Print the answer of a finished run again, or how two runs differ."""
    if len(runs) > 2:
        raise typer.BadParameter(f"takes one run folder or two, got {len(runs)}", param_hint="RUN")
    from sim.results.run import Run

    read = [Run.read(path) for path in runs]
    if len(read) == 1:
        show(read[0], quiet=False, as_json=as_json)
        return
    from sim.results.side_by_side import side_by_side

    difference = side_by_side(*read)
    if as_json:
        print_object(difference)
    else:
        from sim.report.terminal import print_side_by_side

        print_side_by_side(difference, console_for())


@app.command()
@verb
def validate(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE", help="Scenario files, or names of shipped ones.", show_default=False)
    ],
    roster: Roster = None,
    edges: Edges = None,
    encoding: Encoding = None,
    suggested_columns: SuggestedColumns = False,
    set: Set = None,
    plugin: Plugins = None,
    quiet: Quiet = False,
    as_json: Json = False,
    debug: Debug = False,  # noqa: ARG001 - read by ``verb``
) -> None:
    """Check scenario files, and the rosters and follow graphs that they run on; all faults of each, with line, key,
    rule and value.
    """
    use_plugins(plugin)
    from sim.cli.validate import notes_of
    from sim.experiment.refusals import examine

    given: dict[str, Any] = {
        "roster": roster,
        "graph": edges,
        "encoding": encoding,
        "suggested_columns": suggested_columns,
        "set": set or (),
    }
    examined = {file: examine(file, **given) for file in files}
    faults = [fault for file in files for fault in examined[file].faults]
    names = [str(file) for file in files]
    if faults:
        _leave(InputError(faults), as_json, files=names)
    notes = {str(file): notes_of(examined[file]) for file in files}
    if as_json:
        print_object({"code": 0, "files": names, "faults": [], "notes": notes})
    elif not quiet:
        for name in names:
            print(f"{name}: valid", *(f"  {note}" for note in notes[name]), sep="\n")


@app.command()
@verb
def schema(debug: Debug = False) -> None:  # noqa: ARG001 - read by ``verb``
    """Print the JSON Schema of scenario files; editors use it through a first line `#:schema PATH`."""
    from sim.scenario import json_schema

    print_object(json_schema(), indent=1)


app.command()(verb(check))
app.command()(verb(report))
app.command()(verb(plot))
app.command()(verb(graph))
app.command()(verb(trace))
app.command()(verb(new))
app.command(hidden=True)(verb(state))


def main() -> None:
    """Entry point."""
    as_json = asks_for_object(sys.argv[1:])
    mend_streams()
    stop = _Stop(as_json)
    signal.signal(signal.SIGTERM, stop)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else ignored on purpose, as by nohup
        signal.signal(signal.SIGINT, stop)
    try:
        try:
            app()
        finally:
            sys.stdout.flush()  # here a full disk is still told cleanly
    except KeyboardInterrupt:
        _exit_at_once("interrupted", as_json)
    except SystemExit as leaving:
        if leaving.code == INTERRUPTED:
            _exit_at_once()
        if leaving.code == ABORTED:
            _exit_at_once("interrupted", as_json)
        raise
    except Exception as error:  # of the help, which is no verb
        _leave(error, as_json)
    finally:
        gc.freeze()  # the interpreter's last look for garbage takes longer than many a verb


class _Stop:
    """Handler of SIGINT and SIGTERM: the first interrupts, time or a second one ends the process; kept is kept."""

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json
        self._since: float | None = None

    def __call__(self, _signal: int, _frame: object) -> None:
        now = time.monotonic()
        if self._since is None:
            self._since = now
            # Python drops an exception that is raised inside a callback of compiled code.
            last_word = threading.Timer(GRACE, _exit_at_once, [LEFT, self._as_json])
            last_word.daemon = True
            last_word.start()
            if not object_is_printed():  # else all is done but to print, of which half would be no object
                raise KeyboardInterrupt
        elif now - self._since > SAME_PRESS:
            _exit_at_once(LEFT, self._as_json)


def _exit_at_once(message: str = "", as_json: bool = False) -> NoReturn:
    """Leave without waiting for threads, which can be in the middle of a long computation, nor long for a reader."""
    with contextlib.suppress(RuntimeError):  # no more threads
        words = threading.Thread(target=_last_words, args=(message, as_json), daemon=True)
        words.start()
        words.join(LAST_WORDS)
    os._exit(INTERRUPTED)


def _last_words(message: str, as_json: bool) -> None:
    with contextlib.suppress(Exception):
        if message:
            print(message, file=sys.stderr, flush=True)
        if message and as_json and not object_is_printed():
            print_object(failure(INTERRUPTED, message))
        sys.stdout.flush()
        sys.stderr.flush()
