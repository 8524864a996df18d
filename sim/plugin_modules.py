"""The modules that a plugin imports from its own folder: private to it, with the SHA-256 of each; knows no policies.

Plugins in different folders may have helpers of the same name, and a helper may change between two loads in one
process. So each load has a package of its own, which the ``import`` statements of the plugin's files search first: they
always run what is on disk, and leave ``sys.modules`` under its plain names as it is.
"""

from __future__ import annotations

import ast
import builtins
import hashlib
import importlib
import itertools
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from importlib.abc import MetaPathFinder
from importlib.machinery import (
    BYTECODE_SUFFIXES,
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ModuleSpec,
    PathFinder,
    SourceFileLoader,
)
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import CodeType, ModuleType, TracebackType

from sim.errors import Fault, InputError

__all__ = ["Modules"]

PREFIX = "_sim_plugin_"
STARTING_PATH = frozenset(sys.path)
INSTALLED = {"site-packages", "dist-packages"}
SUFFIXES = (*EXTENSION_SUFFIXES, *SOURCE_SUFFIXES, *BYTECODE_SUFFIXES)
"""In the order in which Python looks for them."""
STANDARD_LIBRARY = os.path.dirname(os.__file__) + os.sep
_NUMBERS = itertools.count()
_LOADED: dict[str, Modules] = {}
"""By the name of the package that a load has."""
_BROUGHT: set[str] = set()
"""Plain names of modules that plugins have imported by other ways than ``import`` statements."""


class Modules:
    """The files of a plugin: its own, and those that it imports from its folder and below.

    Parameters
    ----------
    file
        The plugin's file, with an absolute path or one from the current folder.
    """

    def __init__(self, file: Path | str) -> None:
        self.file = os.path.abspath(file)
        self.sha256: dict[str, str] = {}
        """By absolute path."""
        self.has_run = False
        """Whether it was loaded, not only read."""
        self._shown = os.fspath(file)
        self._package = f"{PREFIX}{next(_NUMBERS)}"
        folders = (os.path.dirname(self.file), os.path.dirname(os.path.realpath(self.file)))
        self._folders = list(dict.fromkeys(folder for folder in folders if os.path.basename(folder) not in INSTALLED))
        self._parents = {self.file: ""}
        """The package that a file's relative imports start from, in plain names."""
        self._noted: set[str] = set()
        self._is_complete = False

    @property
    def imports(self) -> dict[str, str]:
        """SHA-256 of each file but the plugin's own, by path relative to its folder, in order of these."""
        paths = {self._relative(path): sha for path, sha in self.sha256.items() if path != self.file}
        return dict(sorted(paths.items()))

    def run(self) -> None:
        """Run the plugin's file, and note all that it imports; a file that comes up later is refused.

        Raises
        ------
        InputError
            It isn't a Python file.
        BaseException
            Whatever the file raises.
        """
        if not self.file.endswith(".py"):
            raise InputError([Fault(self._shown, "must be a Python file, *.py")])
        importlib.invalidate_caches()
        if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
            sys.meta_path.insert(0, _Finder())
        while _BROUGHT:
            sys.modules.pop(_BROUGHT.pop(), None)
        package = ModuleType(self._package)
        package.__path__ = self._folders
        sys.modules[self._package] = package
        _LOADED[self._package] = self
        name = f"{self._package}.{Path(self.file).stem.replace('.', '_')}"
        before = set(sys.modules)
        try:
            spec = spec_from_file_location(name, self.file, loader=_Loader(name, self.file, self))
            assert spec is not None
            assert spec.loader is not None
            sys.modules[name] = module_from_spec(spec)
            spec.loader.exec_module(sys.modules[name])
        except BaseException:
            del _LOADED[self._package]
            for name in [name for name in sys.modules if name.partition(".")[0] == self._package]:
                del sys.modules[name]
            raise
        self.note_new(before)
        self.read_all()
        self.has_run = True

    def read_all(self) -> None:
        """Note all that import statements of the plugin's files name, those inside functions too; runs nothing.

        That completes them: a file that comes up later is refused.
        """
        waiting, seen = list(self._parents), set()
        while waiting:
            path = waiting.pop()
            if path in seen or not path.endswith(".py"):
                continue
            seen.add(path)
            try:
                content = Path(path).read_bytes()
                tree = ast.parse(content)
            except (OSError, SyntaxError, ValueError):
                continue  # whoever runs it says so
            self.sha256.setdefault(path, _sha256(content))
            for name in _imported(tree, self._parents[path]):
                waiting += self._found(name)
        self._is_complete = True

    def note_new(self, before: Iterable[str]) -> None:
        """Note the modules of the folder that ``sys.modules`` has by now and hadn't ``before``, under plain names."""
        for name in set(sys.modules) - set(before):
            if self._note(name) and not self._is_complete:
                _BROUGHT.add(name)

    def take(self, path: str, content: bytes, parent: str | None = None) -> None:
        """A file is read as a module of the plugin; ``parent`` is the package that its relative imports start from.

        Raises
        ------
        InputError
            All files should have been known by now, and this one isn't, or was another.
        """
        sha, known = _sha256(content), self.sha256.get(path)
        if self._is_complete and known != sha:
            late = "must be imported at the top: what only a running policy finds is no part of the run's identity"
            raise InputError([Fault(self.shown(path), late if known is None else "has changed since it was loaded")])
        self.sha256[path] = sha
        if parent is not None:
            self._parents[path] = parent

    def knows(self, path: str) -> bool:
        """Whether a file is one of the plugin's."""
        return os.path.abspath(path) in self.sha256

    def shown(self, path: str) -> str:
        """A file as messages call it: from where the user has named the plugin."""
        path = os.path.abspath(path)
        if path == self.file:
            return self._shown
        above = os.path.join(os.path.dirname(self.file), "")
        return os.path.join(os.path.dirname(self._shown), path.removeprefix(above)) if path.startswith(above) else path

    def place(self, error: BaseException) -> tuple[str, int | None]:
        """File and line of the plugin at which an error has come up, as near to it as can be."""
        found = [(path, line) for path, line in _lines(error.__traceback__) if self.knows(path)]
        if isinstance(error, SyntaxError) and error.filename is not None and self.knows(error.filename):
            found.append((error.filename, error.lineno or 1))
        path, line = found[-1] if found else (self.file, None)
        return self.shown(path), line

    def plain(self, text: str) -> str:
        """A text with the names of modules as the plugin's files write them."""
        return text.replace(f"{self._package}.", "")

    def import_module(
        self,
        name: str,
        globals_: Mapping[str, object] | None = None,
        locals_: Mapping[str, object] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        """What import statements of the plugin's files call, as ``builtins.__import__``."""
        top = name.partition(".")[0]
        if level or not self._has(top):
            module = builtins.__import__(name, globals_, locals_, fromlist or (), level)
            if not level:
                for imported in (name, *(f"{name}.{part}" for part in fromlist or ())):
                    self._note(imported)
            return module
        if fromlist:
            return importlib.__import__(f"{self._package}.{name}", globals_, locals_, fromlist)
        importlib.import_module(f"{self._package}.{name}")
        return sys.modules[f"{self._package}.{top}"]

    def _search_path(self) -> list[str]:
        """The folder, and those below it that the plugin has put on Python's path."""
        added = [path for path in sys.path if path not in STARTING_PATH and self._is_own_file(path)]
        return list(dict.fromkeys([*self._folders, *added]))

    def _has(self, top: str) -> bool:
        """Whether a module without dots in its name is one of the plugin's folder."""
        if f"{self._package}.{top}" in sys.modules:
            return True
        if not top or top == "sim" or top in sys.builtin_module_names:
            return False
        path = self._search_path()
        if self._package in sys.modules:
            sys.modules[self._package].__path__ = path
        file, inner = _located(top, path)
        # A folder without __init__.py may be anything: an installed package of its name goes before it.
        return file is not None or (bool(inner) and not _is_installed(top))

    def _found(self, name: str) -> Iterator[str]:
        """Files of a module and of the packages above it, where it is one of the folder; they are noted."""
        parts = name.split(".")
        path = self._search_path() if self._has(parts[0]) else []
        for i, part in enumerate(parts):
            file, path = _located(part, path)
            if file is not None:
                with suppress(OSError):
                    self.sha256.setdefault(file, _sha256(Path(file).read_bytes()))
                    self._parents.setdefault(file, ".".join(parts[: i + bool(path)]))
                    yield file

    def _note(self, name: str) -> bool:
        """Take a module under its plain name, where it is one of the folder."""
        if name in self._noted or name.partition(".")[0] in ("sim", "__main__", "__mp_main__"):
            return False
        if name.startswith(PREFIX) or name not in sys.modules:
            return False
        self._noted.add(name)
        file = getattr(sys.modules[name], "__file__", None)
        if not isinstance(file, str) or not self._is_own_file(file):
            return False
        with suppress(OSError):
            self.take(file, Path(file).read_bytes())
        return True

    def _is_own_file(self, path: str) -> bool:
        """Whether a path is below the folder, and not of what is installed there."""
        if path.startswith(STANDARD_LIBRARY) or INSTALLED & set(Path(path).parts):
            return False
        return any(path.startswith(os.path.join(folder, "")) for folder in self._folders)

    def _relative(self, path: str) -> str:
        above = [folder for folder in self._folders if path.startswith(os.path.join(folder, ""))]
        return Path(os.path.relpath(path, max(above, key=len, default=os.path.dirname(self.file)))).as_posix()


class _Loader(SourceFileLoader):
    """Runs a module of a plugin from its source: a cache of compiled code can be that of an older one."""

    def __init__(self, name: str, path: str, modules: Modules) -> None:
        super().__init__(name, path)
        self._modules = modules

    def get_code(self, fullname: str) -> CodeType:
        """The code of the file as it is now."""
        content = self.get_data(self.get_filename(fullname))
        package = fullname if self.is_package(fullname) else fullname.rpartition(".")[0]
        self._modules.take(self.path, content, package.partition(".")[2])
        code: CodeType = compile(content, self.path, "exec", dont_inherit=True)
        return code

    def exec_module(self, module: ModuleType) -> None:
        """Run it, its import statements looking into the plugin's folder first."""
        vars(module)["__builtins__"] = {**vars(builtins), "__import__": self._modules.import_module}
        super().exec_module(module)


class _Finder(MetaPathFinder):
    """Finds the modules of plugins under their private names."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The module on the path of its package, to be run from its source."""
        modules = _LOADED.get(fullname.partition(".")[0])
        spec = None if modules is None else PathFinder.find_spec(fullname, path, target)
        if modules is None or spec is None or spec.origin is None:
            return spec
        if isinstance(spec.loader, SourceFileLoader):
            spec.loader = _Loader(fullname, spec.origin, modules)
        else:
            modules.take(spec.origin, Path(spec.origin).read_bytes())
        return spec


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _located(name: str, path: Iterable[str]) -> tuple[str | None, list[str]]:
    """File of a module, or of a package's ``__init__``, and the folders that its own modules are in, as Python does it.

    Without running the packages above it, as ``importlib.util.find_spec`` would.
    """
    inner = []
    for folder in path:
        base = os.path.join(folder, name)
        for suffix in SUFFIXES:
            if os.path.isfile(file := os.path.join(base, f"__init__{suffix}")):
                return file, [base]
        for suffix in SUFFIXES:
            if os.path.isfile(base + suffix):
                return base + suffix, []
        if os.path.isdir(base):
            inner.append(base)
    return None, inner


def _is_installed(top: str) -> bool:
    """Whether Python finds a module of this name without the plugin's help."""
    if top in sys.modules:
        return getattr(sys.modules[top], "__file__", None) is not None
    with suppress(ImportError, ValueError):
        spec = find_spec(top)
        return spec is not None and spec.origin is not None
    return False


def _lines(trace: TracebackType | None) -> Iterator[tuple[str, int]]:
    while trace is not None:
        yield trace.tb_frame.f_code.co_filename, trace.tb_lineno
        trace = trace.tb_next


def _imported(tree: ast.AST, package: str) -> Iterator[str]:
    """Modules that a file names, and what may be one; relative ones from its ``package``."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                above = package.split(".")[: -(level - 1) or None] if level else []
                base = ".".join(part for part in (*above, module) if part)
                yield from [base] if base else []
                yield from (f"{base}.{alias.name}" if base else alias.name for alias in names)
            case ast.Call(func=ast.Attribute(attr="import_module") | ast.Name(id="import_module"), args=[first, *_]):
                value = first.value if isinstance(first, ast.Constant) else None
                if isinstance(value, str) and value.strip("."):
                    yield ".".join(part for part in (package, value.lstrip(".")) if part) if value[0] == "." else value
