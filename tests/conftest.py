"""Settings that all tests share."""

import pytest
from hypothesis import settings

from sim import registry as plugins

pytest_plugins = ["pytester"]

# The same examples in every run, and no deadline: the first call of a kernel compiles it for seconds.
settings.register_profile("headshare", deadline=None, derandomize=True, database=None)
settings.load_profile("headshare")


@pytest.fixture(autouse=True)
def _no_policies_of_other_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """The registry of the user's own policies is the process's: each test finds it empty."""
    monkeypatch.setattr(plugins, "_REGISTERED", {})
