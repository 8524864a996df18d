"""Settings that all tests share: markers given by folder, the bound on quick tests, what child processes inherit."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Generator, Iterator

import pytest
from hypothesis import settings
from support.places import TESTS

from sim import registry

pytest_plugins = ["pytester"]

# The same examples in every run, and no deadline: the first call of a kernel compiles it for seconds.
settings.register_profile("headshare", deadline=None, derandomize=True, database=None)
settings.register_profile("quick", settings.get_profile("headshare"), max_examples=10)

# Tests start hundreds of processes, each of which would compile the source to bytecode again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

FOLDERS = {TESTS / "slow": pytest.mark.slow, TESTS / "uncompiled": pytest.mark.uncompiled}
"""Markers that all tests of a folder have."""
QUICK_SECONDS = 0.05
QUICK_BOUND = 20 * QUICK_SECONDS
"""Processor time [s] at which a quick test fails: a wide margin, for machines differ and busy ones take longer."""


def pytest_configure(config: pytest.Config) -> None:
    """Where the quick tests alone are wanted, leave long forms out, and draw few examples for each property."""
    is_quick = config.option.markexpr == "quick"
    settings.load_profile("quick" if is_quick else "headshare")
    if is_quick:
        config.option.markexpr = "quick and not slow"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of the folders that say what their tests are."""
    for item in items:
        for folder, marker in FOLDERS.items():
            if item.path.is_relative_to(folder):
                item.add_marker(marker)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """Fail a test that is marked as quick and isn't: by this process's own time, so that a busy machine fails none.

    A test over drawn examples is as many tests; and whichever test is the first to need a library pays for its import.
    """
    started, n_modules = time.process_time(), len(sys.modules)
    yield
    seconds = time.process_time() - started
    is_excused = getattr(getattr(item, "obj", None), "is_hypothesis_test", False) or len(sys.modules) > n_modules
    if item.get_closest_marker("quick") is not None and seconds > QUICK_BOUND and not is_excused:
        pytest.fail(f"is marked as quick, but took {seconds:.2f} s; quick tests take at most {QUICK_SECONDS} s")


@pytest.fixture(autouse=True)
def _nothing_of_other_tests() -> Iterator[None]:
    """The registry is the process's: each test finds none of the user's own policies, measures and charts."""
    with registry.isolated():
        yield
