"""What can be added to the package by a file of its own: policies, measures, charts. It knows no model.

Each kind has one registry of names. Built-in entries are registered by the modules that ``KINDS`` lists, imported when
a name is first asked for. The user's own come from Python, from files named on the command line (``--plugin``), and
from installed packages (entry points of the group ``headshare``, each a module that registers when it is imported).
The SHA-256 of an own entry's file, and of all that this imports from its own folder or package, goes into a run's
identity and manifest.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import inspect
import linecache
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import CodeType, MappingProxyType, ModuleType
from typing import Any, Literal, TypeVar

from sim.errors import Fault, InputError
from sim.plugin_modules import Modules

__all__ = [
    "ENTRY_POINTS",
    "KINDS",
    "KindName",
    "Plugin",
    "built_in",
    "isolated",
    "load_plugin",
    "load_plugins",
    "policy",
    "register",
    "registered",
    "said",
]

Function = TypeVar("Function", bound=Callable[..., Any])
KindName = Literal["policy", "measure", "chart"]
LONGEST = 300
"""Characters of an error's text that a message has at most."""
ENTRY_POINTS = "headshare"
"""Group of the entry points by which an installed package names its modules of policies, measures and charts."""


KINDS: Mapping[KindName, tuple[str, ...]] = MappingProxyType(
    {
        "policy": ("sim.model.ranking.policies",),
        "measure": (
            "sim.measures.concentration",
            "sim.measures.totals",
            "sim.measures.mobility",
            "sim.measures.merit",
            "sim.measures.participation",
            "sim.measures.welfare",
        ),
        "chart": (
            "sim.report.charts.concentration",
            "sim.report.charts.people",
            "sim.report.charts.moves",
            "sim.report.charts.several",
        ),
    }
)
"""What can be registered, with the modules of its built-in entries, in their order."""


@dataclass(frozen=True)
class Plugin:
    """A registered entry of the user's own: its function, and the files that define it."""

    function: Callable[..., Any]
    file: str
    """Name of the file with the function, or of that which was loaded."""
    sha256: str
    """Of that file's content."""
    imports: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 of each file that it imports from its own folder, directly or not, by path relative to that folder."""
    modules: Modules | None = field(default=None, repr=False, compare=False)
    """The files' modules; None: there are no files."""
    item: Any = field(default=None, repr=False, compare=False)
    """What was registered: the policy, the measure or the chart as it is declared."""
    is_installed: bool = False
    """Whether an installed package brought it."""

    @property
    def defined_in(self) -> str:
        """Path of the file with the function."""
        return str(getattr(getattr(self.function, "__code__", None), "co_filename", self.file))

    @property
    def content(self) -> dict[str, Any]:
        """What a manifest says of its files: ``file``, its ``sha256``, and ``imports``, SHA-256 by path."""
        return {"file": self.file, "sha256": self.sha256, "imports": dict(self.imports)}

    def place(self, error: BaseException | None = None) -> tuple[str, int | None]:
        """File, as the user has named it, and line: of an error that came up in the function, else of the function."""
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
        """What the function gives; the ``first`` time, what it has imported meanwhile must be known.

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

    def failed(self, kind: KindName, name: str, error: BaseException, where: str) -> InputError:
        """An error that came up in the function, as one clean message; ``where`` in the run it was called."""
        file, line = self.place(error)
        text = said(error) if self.modules is None else self.modules.plain(said(error))
        return InputError([Fault(file, f"{kind} failed: {text} ({where})", line, name)])


_BUILT_IN: dict[KindName, dict[str, dict[str, Any]]] = {kind: {} for kind in KINDS}
"""Of each kind, entries by name of each module that registers some."""
_OWN: dict[KindName, dict[str, Plugin]] = {kind: {} for kind in KINDS}
_INSTALLED: list[bool] = []
"""Not empty once the entry points of installed packages were looked for."""


def register(kind: KindName, name: str, function: Callable[..., Any], item: Any) -> None:
    """Register an entry: a built-in one where one of the kind's modules defines it, else one of the user's own.

    Parameters
    ----------
    kind
        What it is.
    name
        Its name; an own one of this name is replaced.
    function
        Says by its code which file defines it.
    item
        What is to be found under the name.
    """
    if function.__module__ in KINDS[kind]:
        _BUILT_IN[kind].setdefault(function.__module__, {})[name] = item
        return
    code = getattr(inspect.unwrap(function), "__code__", None)
    source = code.co_filename if code is not None else "<python>"
    if Path(source).exists():
        modules = Modules(source)
        modules.read_all()
        plugin = _of_files(Plugin(function, "", "", item=item), modules)
    else:
        # In a notebook a cell is no file, but its text is kept.
        text = "".join(linecache.getlines(source)) or repr(_content(code))
        sha256 = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        plugin = Plugin(function, "<python>", sha256, item=item)
    _OWN[kind][name] = plugin


def policy(function: Function) -> Function:
    """Register a support policy under its name, ``_`` read as ``-``: a decorator.

    A policy is a function of a frozen view of the platform and the scenario's support section
    (``sim.model.ranking.policies.PlatformView``, ``sim.scenario.schema.platform.Support``) that gives a weight >= 0 per
    influencer.

    >>> with isolated():
    ...     @policy
    ...     def rising_stars(view, support):
    ...         return view.quality
    ...     "rising-stars" in registered("policy")
    True
    """
    register("policy", function.__name__.replace("_", "-"), function, function)
    return function


def built_in(kind: KindName) -> dict[str, Any]:
    """What is built in of a kind, by name, in its modules' order; imports them.

    >>> list(built_in("policy"))[:3]
    ['none', 'placebo', 'tiered']
    """
    for module in KINDS[kind]:
        importlib.import_module(module)
    return {name: item for module in KINDS[kind] for name, item in _BUILT_IN[kind].get(module, {}).items()}


def registered(kind: KindName) -> dict[str, Plugin]:
    """The user's own of a kind by name, those of installed packages first.

    Raises
    ------
    InputError
        A module of an installed package can't be imported.
    """
    _load_installed()
    return dict(sorted(_OWN[kind].items(), key=lambda entry: not entry[1].is_installed))


@contextlib.contextmanager
def isolated() -> Iterator[None]:
    """Without what the user has registered from Python or files; afterwards all is as it was before."""
    _load_installed()
    before = _snapshot()
    _restore({kind: {n: p for n, p in own.items() if p.is_installed} for kind, own in before.items()})
    try:
        yield
    finally:
        _restore(before)


def load_plugin(path: Path | str) -> None:
    """Run a Python file, which registers what it defines; its imports find its own folder first.

    Raises
    ------
    InputError
        There is no such file, it can't be run, it ends the process, or it registers nothing.
    """
    _load_installed()
    before = _snapshot()
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
    mine = list(_new_since(before))
    if not mine:
        rule = "registers no policy, measure or chart; a function with @sim.policy or @sim.measure is one"
        raise InputError([Fault(str(path), rule)])
    for kind, name, plugin in mine:
        if plugin.modules is None or not plugin.modules.has_run:  # else of a plugin that this one has loaded
            _OWN[kind][name] = _of_files(plugin, modules)


def load_plugins(paths: Sequence[Path | str]) -> None:
    """Run several files; two of them can't have entries of one kind and name. Errors as ``load_plugin``."""
    taken: dict[tuple[KindName, str], tuple[str, str]] = {}
    for path in paths:
        before = _snapshot()
        load_plugin(path)
        for kind, name, plugin in _new_since(before):
            file, defined = taken.setdefault((kind, name), (str(path), plugin.defined_in))
            if defined != plugin.defined_in:
                rule = f"has a {kind} {name!r}, and so has {file}; each needs a name of its own"
                raise InputError([Fault(str(path), rule)])


def _of_files(plugin: Plugin, modules: Modules) -> Plugin:
    sha256 = modules.sha256.get(modules.file, "")
    imports = MappingProxyType(modules.imports)
    return replace(plugin, file=Path(modules.file).name, sha256=sha256, imports=imports, modules=modules)


def _content(code: CodeType | None) -> tuple[object, ...]:
    """All of compiled code that decides what it gives, without the place where it was written."""
    if code is None:
        return ()
    constants = [_content(value) if isinstance(value, CodeType) else value for value in code.co_consts]
    return code.co_code, constants, code.co_names, code.co_varnames, code.co_freevars


def _snapshot() -> dict[KindName, dict[str, Plugin]]:
    return {kind: dict(own) for kind, own in _OWN.items()}


def _restore(before: Mapping[KindName, Mapping[str, Plugin]]) -> None:
    for kind, own in _OWN.items():
        own.clear()
        own.update(before[kind])


def _new_since(before: Mapping[KindName, Mapping[str, Plugin]]) -> Iterator[tuple[KindName, str, Plugin]]:
    """What was registered since, of all kinds."""
    for kind, own in _OWN.items():
        yield from ((kind, name, plugin) for name, plugin in own.items() if plugin is not before[kind].get(name))


def _load_installed() -> None:
    """Import the modules that installed packages name, once in a process."""
    if _INSTALLED:
        return
    _INSTALLED.append(True)
    for point in sorted(entry_points(group=ENTRY_POINTS), key=lambda point: (point.name, point.value)):
        before = _snapshot()
        try:
            module = importlib.import_module(point.module)
        except KeyboardInterrupt:
            _INSTALLED.clear()
            raise
        except BaseException as error:
            _INSTALLED.clear()
            _restore(before)
            raise InputError([Fault(_named(point), f"plugin failed: {said(error)}")]) from error
        for kind, name, plugin in _new_since(before):
            imports = MappingProxyType(_package_files(module))
            _OWN[kind][name] = replace(plugin, imports=imports, is_installed=True)


def _named(point: EntryPoint) -> str:
    """An entry point as messages call it."""
    package = "an installed package" if point.dist is None else f"package {point.dist.name}"
    return f"{package}, entry point {point.name}"


def _package_files(module: ModuleType) -> dict[str, str]:
    """SHA-256 of each Python file of a module's package, by path; a module without a package has none but its own."""
    package = sys.modules[module.__name__.partition(".")[0]]
    folders = [Path(folder) for folder in getattr(package, "__path__", ())]
    files = [(folder, file) for folder in folders for file in sorted(folder.rglob("*.py"))]
    named = {f"{folder.name}/{file.relative_to(folder).as_posix()}": file for folder, file in files}
    return {name: hashlib.sha256(file.read_bytes()).hexdigest() for name, file in named.items()}


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
