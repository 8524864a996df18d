"""The process of a command: signals, exit codes, what is printed last; knows no verb."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import NoReturn

from sim.cli.console import mend_streams
from sim.cli.failures import asks_for_object, failure, leave, object_is_printed, print_object
from sim.errors import InterruptedRunError

__all__ = ["lasting", "run_process"]

INTERRUPTED = InterruptedRunError.exit_code
ABORTED = 130
"""What typer exits with when it is interrupted itself."""
LEFT = "interrupted; what was finished is kept, and the same command goes on from there"
SAME_PRESS = 0.5
"""Seconds within which a second signal is taken for the same wish."""
GRACE = 1.5
"""Seconds from a signal to the end of the process, whatever it is doing."""
LAST_WORDS = 0.2
"""Seconds that a reader has to take the last of the output."""


def run_process(command: Callable[[], None]) -> None:
    """Run a command of the command line as all of this process, from its arguments to its exit code."""
    as_json = asks_for_object(sys.argv[1:])
    mend_streams()
    stop = _Stop(as_json)
    signal.signal(signal.SIGTERM, stop)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else ignored on purpose, as by nohup
        signal.signal(signal.SIGINT, stop)
    try:
        try:
            command()
        finally:
            sys.stdout.flush()  # here a full disk is still reported cleanly
    except KeyboardInterrupt:
        _exit_at_once("interrupted", as_json)
    except SystemExit as leaving:
        if leaving.code == INTERRUPTED:
            _exit_at_once()
        if leaving.code == ABORTED:
            _exit_at_once("interrupted", as_json)
        raise
    except Exception as error:  # of the help, which is no verb
        leave(error, as_json)
    finally:
        gc.freeze()  # the interpreter's last look for garbage takes longer than many a verb


@contextlib.contextmanager
def lasting() -> Iterator[None]:
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
    """Exit without waiting for threads, which can be in the middle of a long computation, nor long for a reader."""
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
