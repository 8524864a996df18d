"""The verb ``schema``: the JSON Schema of scenario files, for editors."""

from __future__ import annotations

from sim.cli.failures import print_object
from sim.cli.options import Debug

__all__ = ["schema"]


def schema(debug: Debug = False) -> None:  # noqa: ARG001 - read by ``verb``
    """Print the JSON Schema of scenario files; editors use it through a first line `#:schema PATH`."""
    from sim.scenario import json_schema

    print_object(json_schema(), indent=1)
