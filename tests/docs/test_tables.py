"""The tables of numbers in README.md and docs: pages and record can't part, and cells say what was found."""

from __future__ import annotations

import re

import pytest
from support.tables import TableModules, table_modules

pytestmark = pytest.mark.quick


@pytest.fixture(scope="module")
def docs() -> TableModules:
    return table_modules()


def test_the_pages_have_the_tables_that_their_record_makes(docs: TableModules) -> None:
    record = docs.tables.read_record()
    for page in docs.tables.PAGES:
        text = page.read_text(encoding="utf-8")
        assert docs.tables.filled(text, record) == text, f"python docs/tables.py --pages writes {page.name} again"


def test_every_table_is_on_a_page_and_every_mark_is_of_one(docs: TableModules) -> None:
    texts = [page.read_text(encoding="utf-8") for page in docs.tables.PAGES]
    found = [name for text in texts for name in docs.tables.BLOCK.findall(text)]
    marks = [mark for text in texts for mark in re.findall(r"^<!-- (?:table: .*|end) -->$", text, re.MULTILINE)]
    assert len(marks) == 2 * len(found)
    assert set(found) == set(docs.texts.TEXTS)


def test_the_record_s_file_is_as_the_command_writes_it_and_has_every_entry(docs: TableModules) -> None:
    record = docs.tables.read_record()
    assert docs.tables.RECORD.read_text(encoding="utf-8") == docs.tables.as_text(record)
    assert list(record) == sorted(docs.figures.FIGURES)


def test_a_page_changes_between_its_marks_and_nowhere_else(docs: TableModules) -> None:
    page = "above\n\n<!-- table: cut -->\nold\n\nlines\n\n<!-- end -->\n\nbelow\n"
    record = {"cut": {"weibo-2017": 0.25, "claims/support": 0.5}}
    above, said, below = re.split(r"<!-- .* -->\n", docs.tables.filled(page, record))
    assert (above, below) == ("above\n\n", "\nbelow\n")
    assert re.fullmatch(r"Without support, 50 % .*, 25 % at full size\.\n\n", said)


@pytest.mark.parametrize(
    ("change", "sign"),
    [
        ((0.0, 0.0, 0.0), "0"),
        ((-0.004, -0.0049, -0.0031), "0"),
        ((-0.0049, -0.0051, -0.0047), "-"),
        ((0.02, 0.01, 0.03), "+"),
        ((0.004, -0.001, 0.009), "?"),
    ],
)
def test_a_cell_has_a_sign_only_where_the_interval_has_one_and_reaches_the_margin(
    docs: TableModules, change: tuple[float, float, float], sign: str
) -> None:
    variants = docs.variants
    cells = {
        f"{p} {w} - {c}": change for p in variants.POPULARITIES for w in variants.WITHIN for c in variants.CONTROLS
    }
    row = docs.texts.signs({"signs": cells}).splitlines()[2].split(" | ")
    assert all(cell.startswith(f"{sign} ") for cell in row[2:])


def test_a_verdict_and_its_numbers_are_the_record_s_in_both_languages(docs: TableModules) -> None:
    record = docs.tables.read_record()
    claims = {name: [*row[:-1], "undecided"] for name, row in record["claims"].items()}
    claims["C6"] = [*record["claims"]["C6"][:-1], "refuted"]
    claims["C1-small"] = ["subsidy", 0.123, 0.1, 0.2, 0.005, "supported"]
    for name, words in (("article", ("refuted", "supported")), ("article-zh", ("被否定", "成立"))):
        rows = docs.texts.TEXTS[name](record | {"claims": claims}).splitlines()
        (c6,) = (row for row in rows if row.startswith("| C6"))
        (c1,) = (row for row in rows if row.startswith("| C1"))
        assert words[0] in c6
        assert words[1] in c1
        assert "+12.3" in c1
