"""Settings that all tests share."""

from collections.abc import Iterator

import pytest
from hypothesis import settings

from sim import registry

pytest_plugins = ["pytester"]

# The same examples in every run, and no deadline: the first call of a kernel compiles it for seconds.
settings.register_profile("headshare", deadline=None, derandomize=True, database=None)
settings.load_profile("headshare")


@pytest.fixture(autouse=True)
def _nothing_of_other_tests() -> Iterator[None]:
    """The registry is the process's: each test finds none of the user's own policies, measures and charts."""
    with registry.isolated():
        yield
