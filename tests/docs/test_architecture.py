"""The page on the architecture names the rooms in the order that import-linter checks."""

import re
import tomllib
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
CONTRACTS = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
LAYERS = {contract["name"]: contract["layers"] for contract in CONTRACTS if contract["type"] == "layers"}
ROW = re.compile(r"^\| (\d+) \| `([a-z_.]+)` \| .+ \| .+ \|$", re.MULTILINE)


def tables() -> list[list[list[str]]]:
    """Rooms of each table of the page, by layer."""
    found = []
    for section in (PROJECT / "docs" / "architecture.md").read_text("utf-8").split("\n## "):
        rooms: dict[int, list[str]] = {}
        for layer, room in ROW.findall(section):
            rooms.setdefault(int(layer), []).append(room)
        if rooms:
            assert list(rooms) == list(range(1, len(rooms) + 1))
            found.append(list(rooms.values()))
    return found


@pytest.mark.parametrize(("place", "contract"), list(enumerate(LAYERS)))
def test_the_page_has_the_rooms_in_the_order_of_their_imports(place: int, contract: str) -> None:
    checked = [sorted(layer.split(" | ")) for layer in LAYERS[contract]]
    assert [sorted(layer) for layer in tables()[place]] == checked


def test_every_table_of_rooms_is_checked() -> None:
    assert len(tables()) == len(LAYERS)
