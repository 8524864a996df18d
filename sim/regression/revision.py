"""An earlier revision of scenario and source, run in a folder and a process of its own; knows no baselines."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sim.errors import ArgumentError, Fault, InputError, MachineError, named
from sim.files import working_folder
from sim.model.observation import State
from sim.regression.divergence import EventPlace
from sim.results.run import Run

__all__ = ["Revision", "revision"]

SAVE = "import sys; from sim.regression.witness import save_state; save_state(*sys.argv[1:])"
"""For revisions from before the verb ``state``."""


@dataclass(frozen=True)
class Revision:
    """A git revision of the repository that a scenario is in, unpacked."""

    name: str
    repository: Path
    """Where the repository is."""
    folder: Path
    """Where the revision is."""
    has_source: bool
    """Whether it is of Headshare's own repository, so that its source is what runs it; else the one installed is."""
    plugins: tuple[Path, ...]
    """Files with policies; those of the revision are used where it has them."""
    options: tuple[str, ...]
    """Further ones of ``sim check``."""

    def inside(self, file: Path) -> Path:
        """A file's path in the repository; ``InputError`` where it is in another or in none."""
        path = file.resolve()
        if not path.is_relative_to(self.repository):
            raise InputError([Fault(str(file), f"isn't in the repository {self.repository}")])
        return path.relative_to(self.repository)

    def run(self, scenario: Path, out: Path) -> Run:
        """A scenario of the revision, run at its small size.

        Parameters
        ----------
        scenario
            Relative to the repository.
        out
            Folder for the run folder.

        Raises
        ------
        InputError
            The revision has no such scenario, or can't check it.
        """
        if not (self.folder / scenario).exists():
            raise InputError([Fault(str(scenario), "isn't there at the revision", value=self.name)])
        given = [arg for plugin in self._plugins() for arg in ("--plugin", plugin)]
        places = ["--out", os.fspath(out), "--baselines", os.fspath(out / "baselines")]
        done = self._python("-m", "sim", "check", os.fspath(scenario), *places, *given, *self.options, "--json")
        folders = [path.parent for path in out.glob("*/manifest.json")]
        if len(folders) != 1:
            rule = "can't be run at the revision"
            if self.has_source:
                rule += ", whose source may have no `sim check` yet"
            raise InputError([Fault(str(scenario), f"{rule}; it reports: {_complaint(done)}", value=self.name)])
        return Run.read(folders[0])

    def state(self, scenario: Path, place: EventPlace) -> State | None:
        """The revision's state at a place, as ``state_at``; ``InputError`` where it can't give it."""
        divergence, unit, time = place
        with working_folder() as folder:
            out = folder / "state.npz"
            where = (os.fspath(scenario), unit.arm, str(unit.replication), str(time), divergence.event, str(out))
            has_verb = not self.has_source or (self.folder / "sim/cli/state.py").exists()
            command = ("-m", "sim", "state", "--") if has_verb else ("-c", SAVE)
            done = self._python(*command, *where, *self._plugins())
            if done.returncode:
                rule = f"can't be examined at the revision; it reports: {_complaint(done)}"
                raise InputError([Fault(str(scenario), rule, value=self.name)])
            if not out.exists():
                return None
            with np.load(out, allow_pickle=False) as stored:
                return {name: stored[name] for name in stored.files}

    def _plugins(self) -> list[str]:
        found = []
        for file in self.plugins:
            path = file.resolve()
            inside = path.relative_to(self.repository) if path.is_relative_to(self.repository) else path
            found.append(os.fspath(inside if (self.folder / inside).exists() else path))
        return found

    def _python(self, *args: str) -> subprocess.CompletedProcess[str]:
        path = [os.fspath(self.folder)] if self.has_source else []
        path += [os.environ["PYTHONPATH"]] if os.environ.get("PYTHONPATH") else []
        environment = os.environ | ({"PYTHONPATH": os.pathsep.join(path)} if path else {})
        return subprocess.run(
            # -P: nothing in the tree but Headshare's own source takes the place of an installed module.
            [sys.executable, "-P", *args],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            encoding="utf-8",
            errors="backslashreplace",
            check=False,
        )


@contextlib.contextmanager
def revision(name: str, near: Path, plugins: Sequence[Path], options: Sequence[str]) -> Iterator[Revision]:
    """Unpack a revision of the repository that a file is in, for as long as it is needed.

    Parameters
    ----------
    name
        As git knows it: a branch, a tag, ``HEAD~3``, a hash.
    near
        The file.
    plugins, options
        As ``Revision`` has them.

    Yields
    ------
    Revision
        Of the repository that the file is in.

    Raises
    ------
    InputError
        The file is in no repository, or the repository has no such revision.
    MachineError
        There is no git here.
    """
    repository = _repository(near)
    rule = f"must be a run folder, or a revision that git knows in {repository}"
    known = _git(repository, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    if known.returncode:
        raise ArgumentError([Fault(None, rule, value=name, argument="against")])
    packed = subprocess.run(
        ["git", "archive", "--format=tar", known.stdout.decode().strip()],
        cwd=repository,
        capture_output=True,
        check=True,
    )
    with working_folder() as tree:
        with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
            archive.extractall(tree, filter=_safe)
        yield Revision(name, repository, tree, _is_headshare(tree), tuple(plugins), tuple(options))


def _safe(member: tarfile.TarInfo, folder: str) -> tarfile.TarInfo | None:
    """What to unpack: no links that lead out of the tree, which no scenario needs."""
    try:
        return tarfile.data_filter(member, folder)
    except tarfile.FilterError:
        return None


def _complaint(done: subprocess.CompletedProcess[str]) -> str:
    """Why a check failed to run: the scenario's faults, or the last line of its output."""
    try:
        details = [detail for part in json.loads(done.stdout)["checked"][0]["parts"] for detail in part["details"]]
    except (ValueError, LookupError, TypeError):
        details = (done.stderr or done.stdout).strip().splitlines()[-1:]
    return "; ".join(details)[:300] or "nothing"


def _is_headshare(tree: Path) -> bool:
    project = tree / "pyproject.toml"
    return project.exists() and 'name = "headshare"' in project.read_text("utf-8", "replace")


def _repository(near: Path) -> Path:
    found = _git(near.resolve().parent, "rev-parse", "--show-toplevel")
    if found.returncode:
        raise InputError(
            [Fault(str(near), f"is in no git repository, so that {named('against')} can only be a run folder")]
        )
    return Path(os.fsdecode(found.stdout).removesuffix("\n"))


def _git(folder: Path, *args: str) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(["git", *args], cwd=folder, capture_output=True, check=False)
    except FileNotFoundError:
        raise MachineError(f"git: isn't installed, so that {named('against')} can only be a run folder") from None
