"""Support policies of the user's own: registered from Python, or from a file named on the command line; knows no model.

A policy is a function of a frozen view of the platform and the scenario's support section
(``sim.model.policies.PlatformView``, ``sim.scenario.platform.Support``) that gives a weight >= 0 per influencer. A
scenario names it like one of the built-in ones; its file's SHA-256 goes into the run's identity and manifest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from sim.errors import Fault, InputError

__all__ = ["Plugin", "load_plugin", "policy", "registered"]

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True)
class Plugin:
    """A registered policy: its function, the name of the file that defines it, and the SHA-256 of that file."""

    function: Callable[..., Any]
    file: str
    sha256: str


_REGISTERED: dict[str, Plugin] = {}


def policy(function: Function) -> Function:
    """Register a support policy under its name, ``_`` read as ``-``: a decorator.

    >>> @policy
    ... def rising_stars(view, support):
    ...     return view.quality
    >>> "rising-stars" in registered()
    True
    """
    import inspect

    source = inspect.getsourcefile(function)
    content = Path(source).read_bytes() if source and Path(source).exists() else function.__code__.co_code
    name = function.__name__.replace("_", "-")
    _REGISTERED[name] = Plugin(function, Path(source or "<python>").name, hashlib.sha256(content).hexdigest())
    return function


def registered() -> dict[str, Plugin]:
    """The user's own policies by name."""
    return dict(_REGISTERED)


def load_plugin(path: Path | str) -> None:
    """Run a Python file, which registers its policies with ``@sim.policy``.

    Raises
    ------
    InputError
        There is no such file, it can't be run, or it registers nothing.
    """
    import importlib.util
    import traceback

    before = set(_REGISTERED)
    try:
        spec = importlib.util.spec_from_file_location("sim_plugin", path)
        if spec is None or spec.loader is None:
            raise InputError([Fault(str(path), "must be a Python file, *.py")])
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
    except InputError:
        raise
    except OSError as error:
        raise InputError([Fault(str(path), f"can't be read: {error.strerror}")]) from error
    except Exception as error:
        own = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
        line = own[-1] if own else None
        line = getattr(error, "lineno", None) or line
        raise InputError([Fault(str(path), f"plugin failed: {type(error).__name__}: {error}", line)]) from error
    mine = {name for name, plugin in _REGISTERED.items() if plugin.file == Path(path).name}
    if not mine and set(_REGISTERED) == before:
        raise InputError([Fault(str(path), "registers no policy; a function with @sim.policy is one")])
