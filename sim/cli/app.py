"""The command ``sim``: its verbs, a file each. Heavy imports wait for their verb."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from sim.cli.check import check
from sim.cli.compare import compare
from sim.cli.failures import asks_for_object, failure, print_object, verb
from sim.cli.graph import graph
from sim.cli.new import new
from sim.cli.plot import plot
from sim.cli.process import run_process
from sim.cli.report import report
from sim.cli.run import run
from sim.cli.schema import schema
from sim.cli.state import state
from sim.cli.trace import trace
from sim.cli.validate import validate
from sim.errors import InputError
from sim.version import __version__

__all__ = ["app", "main"]

VERBS = (run, compare, validate, schema, check, report, plot, graph, trace, new)
"""In the order of the help."""
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


def _print_version(asked: bool) -> None:
    if asked:
        print(f"headshare {__version__}")
        raise typer.Exit


@app.callback()
def before_the_verb(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Options of ``sim`` itself."""


for each in VERBS:
    app.command()(verb(each))
app.command(hidden=True)(verb(state))


def main() -> None:
    """Entry point."""
    run_process(app)
