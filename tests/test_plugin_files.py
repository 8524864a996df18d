"""What a plugin imports from its own folder: found, private to the plugin, known to the run."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.plugins import command, small

import sim
from sim.errors import InputError
from sim.model.ranking.policies import PlatformView, policy_named
from sim.registry import load_plugin, registered
from sim.report.page import page_of_run
from sim.scenario import load
from sim.scenario.schema.platform import Support
from sim.store.provenance import identity

PLUGIN = """
import numpy as np
import sim
{imports}

@sim.policy
def own(view, support):
    {inside}
    return np.full(view.followers.size, {weight})
"""


@pytest.fixture(autouse=True)
def own_path() -> Iterator[None]:
    """What a test puts on Python's path and among the modules goes with it."""
    path, modules = list(sys.path), set(sys.modules)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        del sys.modules[name]


def write(folder: Path, **files: str) -> Path:
    """Files by name, ``__`` for a slash, ``.py`` added; the folder's ``own.py``."""
    for name, text in files.items():
        path = folder / (name.replace("__", "/").replace("/init", "/__init__") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder / "own.py"


def own(imports: str = "", weight: str = "1.0", inside: str = "pass") -> str:
    return PLUGIN.format(imports=imports, weight=weight, inside=inside)


def weight_now(name: str = "own") -> float:
    """The first weight that the policy gives now."""
    policy = policy_named(name, "rising", ("a", "b"))
    assert policy is not None
    arrays: Any = [np.zeros(2, np.int64)] * 9
    return float(policy(PlatformView(0.0, 1.0, *arrays), Support())[0])


def imports() -> set[str]:
    return set(registered("policy")["own"].imports)


@pytest.mark.parametrize(
    ("imports_", "weight", "inside"),
    [
        ("import helper", "helper.W", "pass"),
        ("import helper as h", "h.W", "pass"),
        ("from helper import W", "W", "pass"),
        ("from helper import *", "W", "pass"),
        ("from . import helper", "helper.W", "pass"),
        ("from .helper import W", "W", "pass"),
        ("", "helper.W", "import helper"),
        ("", "W", "from helper import W"),
        ("helper = __import__('helper')", "helper.W", "pass"),
        ("import importlib", "importlib.import_module('.helper', __package__).W", "pass"),
        ("import sys, os\nsys.path.insert(0, os.path.dirname(__file__))\nimport helper", "helper.W", "pass"),
    ],
)
def test_a_helper_is_found_however_it_is_imported_and_a_changed_one_is_another_run(
    tmp_path: Path, imports_: str, weight: str, inside: str
) -> None:
    scenario = small(tmp_path)
    file = write(tmp_path, own=own(imports_, weight, inside), helper="W = 2.0\n", unrelated="W = 4.0\n")
    load_plugin(file)
    assert imports() == {"helper.py"}
    first = identity(load(scenario), "compiled")
    assert weight_now() == 2.0
    write(tmp_path, unrelated="W = 5.0\n")
    load_plugin(file)
    assert identity(load(scenario), "compiled") == first
    write(tmp_path, helper="W = 3.0\n")  # of the same length within the same second
    load_plugin(file)
    assert identity(load(scenario), "compiled") != first
    assert weight_now() == 3.0
    assert registered("policy")["own"].imports == {"helper.py": hashlib.sha256(b"W = 3.0\n").hexdigest()}


def test_packages_and_what_helpers_import_are_followed(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        own=own("import rules.basic as basic", "basic.weight()"),
        rules__init="from . import shared\n",
        rules__shared="from lone import W\n",
        rules__basic="from .shared import W\n\ndef weight():\n    from .late import MORE\n    return W + MORE\n",
        rules__late="import deep.er\nMORE = deep.er.MORE\n",
        rules__never="",
        deep__er="MORE = 0.25\n",  # a folder without __init__.py
        lone="W = 2.0\n",
    )
    load_plugin(file)
    known = {"rules/__init__.py", "rules/shared.py", "rules/basic.py", "rules/late.py", "deep/er.py", "lone.py"}
    assert imports() == known
    assert weight_now() == 2.25


def test_two_plugins_have_helpers_of_one_name_each_its_own_also_when_imported_late(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for folder, weight in ((one, 1.0), (other, 2.0)):
        text = own("import helper", "helper.W + late.W", "import late").replace("def own", f"def {folder.name}")
        write(folder, own=text, helper=f"W = {weight}\n", late=f"W = {10 * weight}\n")
        load_plugin(folder / "own.py")
    assert "helper" not in sys.modules
    for name, expected in (("one", 11.0), ("other", 22.0), ("one", 11.0)):
        assert weight_now(name) == expected


def test_a_helper_that_the_process_has_imported_before_is_read_afresh_and_left_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    file = write(tmp_path, own=own("import helper", "helper.W"), helper="W = 2.0\n")
    import helper  # type: ignore[import-not-found]

    write(tmp_path, helper="W = 3.0\n")
    load_plugin(file)
    assert weight_now() == 3.0
    assert sys.modules["helper"] is helper
    assert helper.W == 2.0


def test_modules_of_python_and_of_packages_are_no_part_of_it_nor_headshare_itself(tmp_path: Path) -> None:
    load_plugin(write(tmp_path, own=own("import json, scipy.special, sim.errors", "1.0")))
    assert imports() == set()
    assert registered("policy")["own"].function.__globals__["sim"] is sim


def test_a_module_below_the_folder_that_comes_by_another_path_is_known_and_read_afresh(tmp_path: Path) -> None:
    text = "import sys, os\nsys.path.insert(0, os.path.join(os.path.dirname(__file__), 'lib'))\nimport thing"
    file = write(tmp_path, own=own(text, "thing.W"), lib__thing="W = 2.0\n")
    for weight in (2.0, 3.0, 4.0):
        write(tmp_path, lib__thing=f"W = {weight}\n")
        load_plugin(file)
        assert imports() == {"lib/thing.py"}
        assert weight_now() == weight


def test_what_only_a_running_policy_finds_is_refused(tmp_path: Path) -> None:
    text = "import sys, os, importlib\nsys.path.insert(0, os.path.dirname(__file__))\nNAME = 'hel' + 'per'"
    file = write(tmp_path, own=own(text, "importlib.import_module(NAME).W"), helper="W = 2.0\n")
    load_plugin(file)
    says = rf"^{tmp_path}/helper.py: must be imported at the top: what only a running policy finds is no part of"
    with pytest.raises(InputError, match=says):
        weight_now()


def test_a_helper_that_changes_between_load_and_use_is_refused(tmp_path: Path) -> None:
    file = write(tmp_path, own=own("", "helper.W", "import helper"), helper="W = 2.0\n")
    load_plugin(file)
    write(tmp_path, helper="W = 3.0\n")
    with pytest.raises(InputError, match=rf"^{tmp_path}/helper.py: has changed since it was loaded"):
        weight_now()


def test_an_error_in_a_helper_names_the_helpers_line(tmp_path: Path) -> None:
    file = write(tmp_path, own=own("import helper"), helper="\nimport nothing_of_this_name\n")
    with pytest.raises(InputError, match=rf"^{tmp_path}/helper.py:2: plugin failed: ModuleNotFoundError: No module"):
        load_plugin(file)
    write(tmp_path, helper="x = (\n")
    with pytest.raises(InputError, match=rf"^{tmp_path}/helper.py:1: plugin failed: SyntaxError"):
        load_plugin(file)
    write(tmp_path, own=own("from helper import missing"), helper="")
    with pytest.raises(InputError, match=rf"^{tmp_path}/own.py:4: plugin failed: ImportError: .* from 'helper'"):
        load_plugin(file)
    write(tmp_path, own=own("import helper", "helper.f()"), helper="def f():\n    raise SystemExit(0)\n")
    load_plugin(file)
    with pytest.raises(InputError, match=rf"^{tmp_path}/helper.py:2: own: policy failed: SystemExit: 0 \(arm rising\)"):
        weight_now()


def test_a_plugin_that_fails_leaves_no_policy_and_no_module_behind(tmp_path: Path) -> None:
    modules = set(sys.modules)
    with pytest.raises(InputError):
        load_plugin(write(tmp_path, own=own("import helper") + "\nraise SystemExit(0)\n", helper=""))
    assert registered("policy") == {}
    assert {name for name in set(sys.modules) - modules if "own" in name or "helper" in name} == set()


def test_a_plugin_may_be_named_by_a_link(tmp_path: Path) -> None:
    write(tmp_path / "real", own=own("import helper", "helper.W"), helper="W = 2.0\n")
    (tmp_path / "own.py").symlink_to(tmp_path / "real" / "own.py")
    load_plugin(tmp_path / "own.py")
    assert imports() == {"helper.py"}
    assert weight_now() == 2.0


def test_a_policy_registered_from_a_module_knows_what_that_imports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    write(tmp_path, of_mine=own("import helper_of_mine", "helper_of_mine.W"), helper_of_mine="W = 2.0\n")
    import of_mine  # type: ignore[import-not-found]  # noqa: F401

    assert registered("policy")["own"].file == "of_mine.py"
    assert imports() == {"helper_of_mine.py"}


def test_a_policy_without_a_file_is_known_by_all_of_its_code() -> None:
    def sha256_with(factor: int) -> str:
        exec(f"import sim\n@sim.policy\ndef own(view, support):\n    return view.quality * {factor}", {})
        return registered("policy")["own"].sha256

    assert sha256_with(2) == sha256_with(2) != sha256_with(3)


def test_a_policy_that_only_a_phase_uses_is_part_of_the_run(tmp_path: Path) -> None:
    scenario = small(tmp_path, "tail")
    scenario.write_text(scenario.read_text() + '\n[phases.later]\nstart_day = 5\nsupport.policy = "own"\n')
    identities = set()
    for weight in ("1.0", "2.0"):
        load_plugin(write(tmp_path, own=own(weight=weight)))
        identities.add(identity(load(scenario), "compiled"))
    assert len(identities) == 2


def test_a_run_with_a_helper_says_so_refuses_a_changed_one_and_is_made_again_with_its_own_only(tmp_path: Path) -> None:
    scenario, out = small(tmp_path), tmp_path / "run"
    scenario.write_text(scenario.read_text().replace("= 12 ", "= 1 ").replace("replications = 2", "replications = 1"))
    file = write(tmp_path, own=own("import helper", "helper.W"), helper="W = 2.0\n")
    args = ("run", scenario, "--out", out, "--quiet", "--plugin", file)
    assert command(*args).exit_code == 0
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["plugin"]["own"]["imports"] == {"helper.py": hashlib.sha256(b"W = 2.0\n").hexdigest()}
    assert "helper.py (SHA-256" in page_of_run(sim.read(out))
    write(tmp_path, helper="W = 3.0\n")
    refused = command(*args)
    assert refused.exit_code == 2
    assert "has a finished run of" in refused.stderr
    with pytest.raises(InputError, match=r"^helper.py: must be the file of policy 'own' in .*run, whose SHA-256"):
        sim.recreate(out, tmp_path / "again")
    write(tmp_path, helper="W = 2.0\n")
    load_plugin(file)
    assert sim.recreate(out, tmp_path / "again").digest == sim.read(out).digest
