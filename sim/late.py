"""Modules that are imported when they are first used, so that naming what they compute needs none of them.

It knows nothing of what they contain.
"""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["Late"]


class Late:
    """A module, by its name; a type checker is shown the module itself."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        """Something of the module, which is imported first."""
        return getattr(importlib.import_module(self._name), attribute)
