"""Support policies of the user's own: registered from Python, or from a file named on the command line; knows no model.

A policy is a function of a frozen view of the platform and the scenario's support section
(``sim.model.ranking.policies.PlatformView``, ``sim.scenario.schema.platform.Support``) that gives a weight >= 0 per
influencer. A scenario names it like one of the built-in ones; the SHA-256 of its file, and of all that this imports
from its own folder, goes into the run's identity and manifest.
"""

from __future__ import annotations

import hashlib
import inspect
import linecache
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, MappingProxyType
from typing import Any, TypeVar

from sim.errors import Fault, InputError
from sim.plugin_modules import Modules

__all__ = ["Plugin", "load_plugin", "load_plugins", "policy", "registered", "said"]

Function = TypeVar("Function", bound=Callable[..., Any])
LONGEST = 300
"""Characters of an error's text that a message has at most."""


@dataclass(frozen=True)
class Plugin:
    """A registered policy: its function, and the files that define it."""

    function: Callable[..., Any]
    file: str
    """Name of the file with the function, or of that which was loaded."""
    sha256: str
    """Of that file's content."""
    imports: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 of each file that it imports from its own folder, directly or not, by path relative to that folder."""
    modules: Modules | None = field(default=None, repr=False, compare=False)
    """The files' modules; None: there are no files."""

    @property
    def defined_in(self) -> str:
        """Path of the file with the function."""
        return str(getattr(getattr(self.function, "__code__", None), "co_filename", self.file))

    def place(self, error: BaseException | None = None) -> tuple[str, int | None]:
        """File, as the user has named it, and line: of an error that came up in the policy, else of the policy."""
        if self.modules is None:
            return self.file, None
        if error is not None:
            file, line = self.modules.place(error)
            if line is not None:
                return file, line
        code = getattr(self.function, "__code__", None)
        if code is None or not self.modules.knows(code.co_filename):
            return self.modules.shown(self.modules.file), None
        return self.modules.shown(code.co_filename), code.co_firstlineno

    def call(self, *arguments: object, first: bool = False) -> Any:
        """What the policy gives; the ``first`` time, what it has imported meanwhile must be known.

        Raises
        ------
        InputError
            It has imported a file of its folder that isn't among ``imports``, or has changed.
        BaseException
            Whatever it raises.
        """
        before = list(sys.modules) if first and self.modules is not None else None
        given = self.function(*arguments)
        if before is not None and self.modules is not None:
            self.modules.note_new(before)
        return given


_REGISTERED: dict[str, Plugin] = {}


def policy(function: Function) -> Function:
    """Register a support policy under its name, ``_`` read as ``-``: a decorator.

    >>> @policy
    ... def rising_stars(view, support):
    ...     return view.quality
    >>> "rising-stars" in registered()
    True
    """
    code = getattr(inspect.unwrap(function), "__code__", None)
    source = code.co_filename if code is not None else "<python>"
    if Path(source).exists():
        modules = Modules(source)
        modules.read_all()
        plugin = _of_files(function, modules)
    else:
        # In a notebook a cell is no file, but its text is kept.
        text = "".join(linecache.getlines(source)) or repr(_content(code))
        plugin = Plugin(function, "<python>", hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest())
    _REGISTERED[function.__name__.replace("_", "-")] = plugin
    return function


def _of_files(function: Callable[..., Any], modules: Modules) -> Plugin:
    sha256 = modules.sha256.get(modules.file, "")
    return Plugin(function, Path(modules.file).name, sha256, MappingProxyType(modules.imports), modules)


def _content(code: CodeType | None) -> tuple[object, ...]:
    """All of compiled code that decides what it gives, without the place where it was written."""
    if code is None:
        return ()
    constants = [_content(value) if isinstance(value, CodeType) else value for value in code.co_consts]
    return code.co_code, constants, code.co_names, code.co_varnames, code.co_freevars


def registered() -> dict[str, Plugin]:
    """The user's own policies by name."""
    return dict(_REGISTERED)


def load_plugin(path: Path | str) -> None:
    """Run a Python file, which registers its policies with ``@sim.policy``; its imports find its own folder first.

    Raises
    ------
    InputError
        There is no such file, it can't be run, it ends the process, or it registers nothing.
    """
    before = dict(_REGISTERED)
    modules = Modules(path)
    try:
        modules.run()
    except (InputError, KeyboardInterrupt):
        _restore(before)
        raise
    except BaseException as error:
        _restore(before)
        if isinstance(error, OSError) and error.filename == modules.file:
            raise InputError([Fault(str(path), f"can't be read: {error.strerror}")]) from error
        file, line = modules.place(error)
        raise InputError([Fault(file, f"plugin failed: {modules.plain(said(error))}", line)]) from error
    mine = {name: plugin for name, plugin in _REGISTERED.items() if plugin is not before.get(name)}
    if not mine:
        raise InputError([Fault(str(path), "registers no policy; a function with @sim.policy is one")])
    for name, plugin in mine.items():
        if plugin.modules is None or not plugin.modules.has_run:  # else of a plugin that this one has loaded
            _REGISTERED[name] = _of_files(plugin.function, modules)


def load_plugins(paths: Sequence[Path | str]) -> None:
    """Run several files; two of them can't have policies of one name. Errors as ``load_plugin``."""
    taken: dict[str, tuple[str, str]] = {}
    for path in paths:
        before = registered()
        load_plugin(path)
        for name, plugin in registered().items():
            if plugin is before.get(name):
                continue
            file, defined = taken.setdefault(name, (str(path), plugin.defined_in))
            if defined != plugin.defined_in:
                rule = f"has a policy {name!r}, and so has {file}; each needs a name of its own"
                raise InputError([Fault(str(path), rule)])


def _restore(before: Mapping[str, Plugin]) -> None:
    _REGISTERED.clear()
    _REGISTERED.update(before)


def said(error: BaseException) -> str:
    """An error's kind and text on one line.

    >>> said(ValueError("one\\n  two")), said(SystemExit())
    ('ValueError: one two', 'SystemExit')
    """
    try:
        text = " ".join(str(error).split())
    except KeyboardInterrupt:
        raise
    except BaseException:  # an error of the user's own may fail at this too
        text = ""
    plain = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text[:LONGEST])
    return f"{type(error).__name__}: {plain}" if plain else type(error).__name__
