"""The words of docstrings: archaic ones are rare."""

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

SOURCES = sorted((Path(__file__).parents[1] / "sim").rglob("*.py"))
ARCHAIC = ("anew", "beside", "told", "holds", "stands", "whom", "laid", "nobody", "somebody")


def docstrings(path: Path) -> list[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return [ast.get_docstring(node) or "" for node in ast.walk(tree) if isinstance(node, documented)]


@pytest.fixture(scope="module")
def words() -> Counter[str]:
    found = Counter(re.findall(r"[a-z]+", "\n".join(text for path in SOURCES for text in docstrings(path)).lower()))
    assert found.total() > 20_000
    return found


@pytest.mark.parametrize("word", ARCHAIC)
def test_an_archaic_word_comes_at_most_once_in_a_thousand(words: Counter[str], word: str) -> None:
    assert words[word] * 1000 <= words.total()
