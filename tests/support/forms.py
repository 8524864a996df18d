"""Two forms of one test: a short one for the ordinary suite, a long one under the marker ``slow``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.scenarios import DRAWN

Test = Callable[..., None]


def slow(*arguments: Any) -> Any:
    """Arguments of a test that are run under the marker alone."""
    return pytest.param(*arguments, marks=pytest.mark.slow)


def short_and_long(name: str, short: int, long: int) -> pytest.MarkDecorator:
    """An argument of a test that says how much of it is done."""
    return pytest.mark.parametrize(name, [short, slow(long)])


def replications(short: int, long: int) -> pytest.MarkDecorator:
    """The number of replications, ``n``."""
    return short_and_long("n", short, long)


def drawn(short: int, long: int, *strategies: st.SearchStrategy[Any]) -> Callable[[Test], Test]:
    """Make a test of a function of drawn arguments, which asks for so many examples; it takes no fixtures."""

    def decorate(test: Test) -> Test:
        def short_or_long(n_examples: int) -> None:
            settings(max_examples=n_examples, **DRAWN)(given(*strategies)(test))()

        # Not functools.wraps: pytest would follow it to the arguments that are drawn, and take them for fixtures.
        short_or_long.__name__ = short_or_long.__qualname__ = test.__name__
        short_or_long.__module__, short_or_long.__doc__ = test.__module__, test.__doc__
        marked: Test = short_and_long("n_examples", short, long)(short_or_long)
        return marked

    return decorate
