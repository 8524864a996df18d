"""Makes the tables of numbers in README.md, README.zh.md and docs again, from runs, and writes them into the pages.

    python docs/tables.py               # all: about half an hour on two cores
    python docs/tables.py claims signs  # these entries of the record alone
    python docs/tables.py --pages       # no run: the pages from the record as it is

Runs are folders under results/runs of the current folder: finished ones are only read, unfinished ones go on. The
numbers are kept in docs/tables.json, the record; a page has a table between `<!-- table: NAME -->` and `<!-- end -->`.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path

from table_figures import FIGURES
from table_texts import TEXTS, Record

DOCS = Path(__file__).parent
RECORD = DOCS / "tables.json"
PAGES = (DOCS.parent / "README.md", DOCS.parent / "README.zh.md", DOCS / "claims.md", DOCS / "calibration.md")
BLOCK = re.compile(r"(?<=^<!-- table: )([\w-]+) -->\n.*?(?=\n\n<!-- end -->$)", re.MULTILINE | re.DOTALL)


def read_record() -> Record:
    """The record; empty where there is none yet."""
    found: Record = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.is_file() else {}
    return found


def as_text(record: Record) -> str:
    """A record as its file has it: entries sorted, a line for each row, rows in their table's order."""
    entries = []
    for name, entry in sorted(record.items()):
        rows = (f"    {json.dumps(row)}: {json.dumps(value, ensure_ascii=False)}" for row, value in entry.items())
        entries.append(f"  {json.dumps(name)}: {{\n" + ",\n".join(rows) + "\n  }")
    return "{\n" + ",\n".join(entries) + "\n}\n"


def filled(page: str, record: Record) -> str:
    """A page with its tables made from the record."""
    return BLOCK.sub(lambda found: f"{found[1]} -->\n{TEXTS[found[1]](record)}", page)


def write_pages(record: Record) -> None:
    """Write the tables into the pages."""
    for page in PAGES:
        page.write_text(filled(page.read_text(encoding="utf-8"), record), encoding="utf-8")


def main() -> None:
    """Run what the entries named need, keep their numbers, write the pages."""
    parser = argparse.ArgumentParser(description="Tables of numbers in README and docs, made again.")
    parser.add_argument("entries", nargs="*", metavar="NAME", help=f"of {', '.join(FIGURES)}; left out: all")
    parser.add_argument("--pages", action="store_true", help="run nothing: write the pages from the record as it is")
    asked = parser.parse_args()
    if asked.pages and asked.entries:
        parser.error("--pages runs nothing, so that it takes no names")
    if unknown := set(asked.entries) - set(FIGURES):
        parser.error(f"no entry {', '.join(sorted(unknown))}; there are {', '.join(FIGURES)}")
    for name in [] if asked.pages else asked.entries or FIGURES:
        print(name, file=sys.stderr, flush=True)
        entry = FIGURES[name]()  # minutes, in which another process may write another entry
        RECORD.write_text(as_text(read_record() | {name: entry}), encoding="utf-8")
    write_pages(read_record())


if __name__ == "__main__":
    main()
