"""Folders that tests read: the project's own, and real data next to it, which not every machine has."""

from __future__ import annotations

from pathlib import Path

PROJECT = Path(__file__).parents[2]
SOURCE = PROJECT / "sim"
SCENARIOS = PROJECT / "scenarios"
BASELINES = PROJECT / "results" / "baselines"
DOCS = PROJECT / "docs"
EXAMPLES = DOCS / "examples"
TESTS = PROJECT / "tests"
BENCHMARKS = TESTS / "benchmarks"
CORPUS = TESTS / "corpus"
SHARED = PROJECT.parent / "shared" / "data"
"""Real rosters and graphs; tests that read them are skipped where they are missing."""
