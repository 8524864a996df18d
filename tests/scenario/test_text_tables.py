"""Tables of text: encodings, separators, line ends, blank rows and columns without a name."""

import codecs
import csv
import hashlib
import io
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.errors import InputError
from sim.scenario import read_roster
from sim.scenario.read.edges import read_edges
from sim.scenario.read.table_rows import open_table
from sim.scenario.schema.encodings import ENCODINGS

PLAIN = "influencer,followers\namy,5\n陈静,3\n"


def table(folder: Path, raw: str | bytes, encoding: str | None = None) -> tuple[list[tuple[str, ...]], list[str]]:
    """Header and rows, and the notes."""
    path = folder / "t.csv"
    path.write_bytes(raw.encode() if isinstance(raw, str) else raw)
    with open_table(path, None, encoding) as opened:  # type: ignore[arg-type]
        rows = [opened.columns]
        for row in opened.rows():
            assert row.rule is None, row
            rows.append(tuple(row.cells))
        assert opened.sha256() == hashlib.sha256(path.read_bytes()).hexdigest()
        return rows, opened.notes()


def refusal(folder: Path, raw: str | bytes, encoding: str | None = None) -> str:
    with pytest.raises(InputError) as caught:
        table(folder, raw, encoding)
    (fault,) = caught.value.faults
    return str(fault).removeprefix(f"{folder}/")


WANTED = [("influencer", "followers"), ("amy", "5"), ("陈静", "3")]


@pytest.mark.parametrize(
    "raw",
    [
        PLAIN.encode(),
        codecs.BOM_UTF8 + PLAIN.encode(),
        codecs.BOM_UTF16_LE + PLAIN.encode("utf-16-le"),
        codecs.BOM_UTF16_BE + PLAIN.encode("utf-16-be"),
    ],
)
def test_a_mark_says_which_encoding_it_is_whatever_is_asked_for(tmp_path: Path, raw: bytes) -> None:
    assert table(tmp_path, raw)[0] == WANTED
    if not raw.startswith(b"inf"):
        assert table(tmp_path, raw, "latin-1")[0] == WANTED


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be", "gb18030", "gbk"])
def test_without_a_mark_the_encoding_is_asked_for_and_then_read(tmp_path: Path, codec: str) -> None:
    raw, name = PLAIN.encode(codec), codec.replace("gbk", "gb18030")[: 6 if "utf" in codec else None]
    assert refusal(tmp_path, raw).endswith(f'add encoding="{name}", or encoding = "{name}" under [influencers]')
    assert table(tmp_path, raw, name)[0] == WANTED


@pytest.mark.parametrize(
    ("text", "codec", "name", "line"),
    [
        ("influencer,followers\nCôte,5\nñandú çelik,3\n", "latin-1", "latin-1", "Côte,5"),
        ("influencer,followers\nýýý Kids Show,5\nýýý,3\n", "latin-1", "latin-1", "ýýý Kids Show,5"),
        ("influencer,followers\nÀÉÎÕÜ äöü,5\n", "latin-1", "latin-1", "ÀÉÎÕÜ äöü,5"),
        ("influencer,followers\n“Amy”,5\n", "windows-1252", "windows-1252", "“Amy”,5"),
        ("昵称,粉丝数\n陈静,5\n", "gbk", "gb18030", "昵称,粉丝数"),
    ],
)
def test_the_message_shows_the_line_as_it_would_read(
    tmp_path: Path, text: str, codec: str, name: str, line: str
) -> None:
    raw = text.encode(codec)
    assert f'; as {name} the line reads "{line}": add encoding="{name}", or' in refusal(tmp_path, raw)
    assert table(tmp_path, raw, name)[0] == [tuple(row.split(",")) for row in text.splitlines()]


@settings(max_examples=40)
@given(st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n\ufeff", exclude_categories=["Cs"]), min_size=1))
def test_a_cell_is_read_as_it_was_written_in_each_encoding_that_has_it(tmp_path_factory, cell: str) -> None:  # type: ignore[no-untyped-def]
    folder = tmp_path_factory.getbasetemp()
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows([["influencer", "x"], ["a", cell]])
    for name in ENCODINGS:
        try:
            raw = out.getvalue().encode(name)
        except UnicodeEncodeError:
            continue
        assert table(folder, raw, name)[0] == [("influencer", "x"), ("a", cell)]


def test_a_damaged_file_of_utf_8_is_not_taken_for_another_encoding(tmp_path: Path) -> None:
    raw = ("influencer,followers\n" + "陈静的小店,5\n" * 20).encode()
    assert refusal(tmp_path, raw[:200] + b"\xff" + raw[200:]) == "t.csv:11: must be UTF-8, but contains the byte 0xff"


def test_what_is_no_text_is_refused_without_advice_to_read_it(tmp_path: Path) -> None:
    assert (
        refusal(tmp_path, b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
        == "t.csv:1: must be UTF-8, but contains the byte 0x89"
    )
    assert refusal(tmp_path, b"PK\x03\x04" + bytes(50)).endswith("is a spreadsheet or a ZIP archive: save it as CSV")
    assert refusal(tmp_path, b"a,b\n1,2\n\0,3\n") == "t.csv:3: must be CSV text or Parquet, but contains a NUL byte"
    assert "contains the byte 0x81" in refusal(tmp_path, b"a,b\n\x81,2\n", "windows-1252")


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("first", ["", "sep=", '"sep='])
def test_separators_line_ends_and_a_line_that_names_the_separator(
    tmp_path: Path, separator: str, end: str, first: str
) -> None:
    said = first and first + separator + ('"' if first.startswith('"') else "") + end
    rows = ["influencer;followers;note", "", ";;", '"a;b";5;']
    rows = [row.replace(";", separator) for row in rows]
    assert table(tmp_path, said + end.join(rows) + end)[0] == [
        ("influencer", "followers", "note"),
        (f"a{separator}b", "5", ""),
    ]


def test_a_header_s_quoted_names_do_not_choose_the_separator(tmp_path: Path) -> None:
    assert table(tmp_path, 'a,b,"x;y;z;w"\n1,2,3\n')[0] == [("a", "b", "x;y;z;w"), ("1", "2", "3")]


def test_another_separator_in_the_first_line_is_refused(tmp_path: Path) -> None:
    rule = "the separator must be a comma, a semicolon or a tab"
    assert refusal(tmp_path, "sep=|\na|b\n") == f't.csv:1: {rule}, got "|"'


def test_lines_are_counted_from_the_file_s_first(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text('\nsep=;\n;;\ninfluencer;followers;note\na;-1;\n;;\nb;5;"two\nlines"\nc;-1;\n')
    with pytest.raises(InputError) as caught:
        read_roster(path, dirty_rows="refuse", verticals=[])
    assert [fault.line for fault in caught.value.faults] == [5, 9]


@pytest.mark.parametrize(
    ("text", "notes"),
    [
        (",a,b\n0,x,1\n1,y,2\n2,z,3\n", ["column 1 has no name and numbers the rows"]),
        (",a,b\n1,x,1\n2,y,2\n3,z,3\n", ["column 1 has no name and numbers the rows"]),
        (",a,b\n1,x,1\n3,y,2\n4,z,3\n", ["column 1 has no name and isn't kept"]),
        (",a,b\n2,x,1\n3,y,2\n4,z,3\n", ["column 1 has no name and isn't kept"]),
        ("a,b,,\nx,1,,\ny,2,,\nz,3,,\n,,,\n", []),
        ("a,,b,\nx,,1,?\ny,,2,\nz,,3,\n", ["column 4 has no name and isn't kept"]),
    ],
)
def test_columns_without_a_name_are_left_out_and_reported_unless_they_are_empty(
    tmp_path: Path, text: str, notes: list[str]
) -> None:
    assert table(tmp_path, text) == ([("a", "b"), ("x", "1"), ("y", "2"), ("z", "3")], notes)


def test_a_row_must_have_as_many_fields_as_the_header_those_without_a_name_counted(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(",a,b\n0,x,1\n1,x\n")
    with open_table(path, None) as opened:
        good, bad = opened.rows()
    assert (good.rule, bad.line, bad.rule, bad.value) == (None, 3, "must have 3 fields, as the header has", "2")


def test_an_edge_list_is_read_in_another_encoding_too(tmp_path: Path) -> None:
    path = tmp_path / "edges.csv"
    path.write_bytes("fan;influencer\r\n小王;陈静\r\n".encode("gbk"))
    found = read_edges(path, encoding="gb18030")
    assert (found.fans, found.influencers) == (("小王",), ("陈静",))


@pytest.mark.parametrize("raw", [b"", b"\n\n", b",,\n", codecs.BOM_UTF16_LE, b"sep=;\n", "\u3000\n".encode()])
def test_a_file_without_a_header_is_empty(tmp_path: Path, raw: bytes) -> None:
    assert refusal(tmp_path, raw) == "t.csv:1: is empty: a header and at least one row are needed"


def test_a_large_file_is_read_line_by_line_and_a_huge_line_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes("\ufeff".encode("utf-16-le") + ("a,b\n" + "x,1\n" * 200_000).encode("utf-16-le"))
    tracemalloc.start()
    with open_table(path, None) as opened:
        n = 0
        for _ in zip(opened.rows(), range(50_000), strict=False):
            n += 1
    size = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert n == 50_000
    assert size < 2e6  # a piece of the file, as lines
    assert refusal(tmp_path, b"a,b\n" + b"x" * (2 << 20)) == "t.csv:2: a line must be at most 1 MiB"
