"""Settings that all tests share: markers given by folder, the bound on quick tests, what child processes inherit."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Generator

import pytest
from hypothesis import settings
from support.places import TESTS

from sim import registry as plugins

pytest_plugins = ["pytester"]

# The same examples in every run, and no deadline: the first call of a kernel compiles it for seconds.
settings.register_profile("headshare", deadline=None, derandomize=True, database=None)
settings.load_profile("headshare")

# Tests start hundreds of processes, each of which would compile the source to bytecode again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

FOLDERS = {TESTS / "slow": pytest.mark.slow, TESTS / "uncompiled": pytest.mark.uncompiled}
"""Markers that all tests of a folder have."""
QUICK_SECONDS = 0.05
QUICK_BOUND = 10 * QUICK_SECONDS
"""Processor time [s] at which a quick test fails; a wide margin, for the first test of a process pays late imports."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of the folders that say what their tests are."""
    for item in items:
        for folder, marker in FOLDERS.items():
            if item.path.is_relative_to(folder):
                item.add_marker(marker)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """Fail a test that is marked as quick and isn't: by this process's own time, so that a busy machine fails none."""
    started = time.process_time()
    yield
    seconds = time.process_time() - started
    if item.get_closest_marker("quick") is not None and seconds > QUICK_BOUND:
        pytest.fail(f"is marked as quick, but took {seconds:.2f} s; quick tests take at most {QUICK_SECONDS} s")


@pytest.fixture(autouse=True)
def _no_policies_of_other_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """The registry of the user's own policies is the process's: each test finds it empty."""
    monkeypatch.setattr(plugins, "_REGISTERED", {})
