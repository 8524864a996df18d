"""The modules of docs/tables.py for tests: scripts of one folder that import each other."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import NamedTuple

import pytest
from support.places import DOCS


class TableModules(NamedTuple):
    """The command, and what it imports."""

    tables: ModuleType
    figures: ModuleType
    texts: ModuleType
    variants: ModuleType


def table_modules() -> TableModules:
    """The modules, imported from their folder; the path is as it was afterwards."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(DOCS))
        return TableModules(*map(importlib.import_module, ("tables", "table_figures", "table_texts", "variants")))
