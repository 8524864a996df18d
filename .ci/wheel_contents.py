"""Whether a wheel and an sdist hold what they should, and nothing else: ``wheel_contents.py WHEEL SDIST``."""

from __future__ import annotations

import sys
import tarfile
import zipfile
from pathlib import Path

from packaging.metadata import Metadata

PROJECT = Path(__file__).parents[1]
SHIPPED = {"scenarios": "sim/shipped/scenarios", "results/baselines": "sim/shipped/baselines", "sim": "sim"}


def files(folder: str) -> set[str]:
    """Files of a folder of the project, by their names in it."""
    root = PROJECT / folder
    found = (file for file in root.rglob("*") if file.is_file() and "__pycache__" not in file.parts)
    return {file.relative_to(root).as_posix() for file in found}


def main(wheel: str, sdist: str) -> None:
    """Leave with a message where something is wrong."""
    expected = {f"{there}/{name}" for here, there in SHIPPED.items() for name in files(here)}
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
        (metadata,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        known = Metadata.from_email(archive.read(metadata), validate=True)
    wrong = [f"missing {name}" for name in sorted(expected - names)]
    wrong += [f"not of it {name}" for name in sorted(names - expected)]
    with tarfile.open(sdist) as archive:
        packed = {name.partition("/")[2] for name in archive.getnames()}
    wanted = {"pyproject.toml", "README.md", "LICENSE", "CITATION.cff", "CHANGELOG.md", "tests/conftest.py"}
    wrong += sorted(f"not in the sdist: {name}" for name in wanted - packed)
    if known.description_content_type != "text/markdown" or not known.description:
        wrong.append("README.md is not its description")
    if wrong:
        raise SystemExit("\n".join([f"{wheel}:", *wrong]))


main(*sys.argv[1:])
