"""The documentation's example of a policy, and small files of policies, as tests write and run them."""

from __future__ import annotations

from pathlib import Path

from support.places import EXAMPLES
from typer.testing import CliRunner, Result

from sim.cli.app import app

SCENARIO, PLUGIN = EXAMPLES / "rising_stars.toml", EXAMPLES / "rising_stars.py"
HEADER = "import numpy as np\nimport sim\n\n@sim.policy\ndef own(view, support):\n"


def command(*args: object) -> Result:
    return CliRunner().invoke(app, [str(arg) for arg in args])


def small(folder: Path, policy: str = "own") -> Path:
    """The example's scenario, small, with this policy in place of its own."""
    text = SCENARIO.read_text().replace("replications = 10", "replications = 2").replace("= 90 ", "= 12 ")
    text = text.replace('"rising-stars"\n', f'"{policy}"\n').replace(f'name = "{policy}"', 'name = "small"')
    path = folder / "small.toml"
    path.write_text(text)
    return path


def plugin(folder: Path, body: str, name: str = "own.py") -> Path:
    path = folder / name
    path.write_text(HEADER + "".join(f"    {line}\n" for line in body.splitlines()))
    return path
