"""Parquet rows: hostile files stay within 200 MB, and what isn't a text or a number is refused by name and type."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.scenarios import DRAWN

from sim.errors import InputError
from sim.scenario import read_edges, read_roster
from sim.scenario.read import parquet_rows
from sim.scenario.read.parquet_pages import PageError, pages
from sim.scenario.read.table_rows import open_table

MIB = 1 << 20
LIMIT = 200
"""MiB that reading a hostile file may take, Python and its packages included."""
READ = """
import sys
from sim.errors import InputError
from sim.scenario import read_edges
from sim.scenario.read.table_rows import open_table
for path in sys.argv[1:]:
    try:
        if "edges" in path:
            read_edges(path)
        else:
            with open_table(path, None) as table:
                for row in table.rows():
                    pass
        print("read", end=" ")
    except InputError:
        print("refused", end=" ")
    peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
    print(int(peak.split()[1]) >> 10)
"""


def write(path: Path, columns: dict[str, Any], **options: Any) -> Path:
    pq.write_table(pa.table(columns), path, compression="zstd", write_statistics=False, **options)
    return path


def dictionary(values: list[str], n: int, *, every: bool = False) -> pa.Array:
    codes = [i % len(values) for i in range(n)] if every else [0] * n
    return pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), pa.array(values))


def rows_of(path: Path) -> list[tuple[str, ...]]:
    with open_table(path, None) as table:
        return [tuple(row.cells) for row in table.rows()]


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of memory is read from /proc")
def test_files_that_unpack_to_gigabytes_are_read_within_200_mb(tmp_path: Path) -> None:
    big = {"dictionary_pagesize_limit": 256 * MIB}
    few = [f"{i:x}" for i in range(600_000)]
    paths = [
        # One long text that represents all rows: 8 GB as rows.
        write(tmp_path / "long.parquet", {"influencer": dictionary(["x" * MIB], 8000)}, **big),
        write(tmp_path / "longest.parquet", {"influencer": dictionary(["x" * 40 * MIB], 4000)}, **big),
        # 60 texts of 60 KiB, each character of which takes four bytes in memory.
        write(
            tmp_path / "wide.parquet", {"a": dictionary(["\U0001d54f" + "x" * 60_000] * 60, 8000, every=True)}, **big
        ),
        write(tmp_path / "entries.parquet", {name: dictionary(few, 4000) for name in "abc"}, **big),
        write(tmp_path / "entry.parquet", {"a": dictionary(few[:350_000], 4000)}, **big),
        write(
            tmp_path / "page.parquet",
            {"influencer": pa.repeat(pa.scalar("x" * 996), 30_000)},
            use_dictionary=False,
            data_page_size=1 << 30,
        ),
        write(
            tmp_path / "prefixes.parquet",
            {"influencer": ["x" * MIB + str(i) for i in range(20)]},
            use_dictionary=False,
            column_encoding={"influencer": "DELTA_BYTE_ARRAY"},
        ),
        write(tmp_path / "fixed.parquet", {"influencer": pa.array([b"x" * MIB] * 50, pa.binary(MIB))}),
        write(
            tmp_path / "edges.parquet", {"fan": dictionary(["a"], 900_000), "influencer": dictionary(["b"], 900_000)}
        ),
    ]
    assert all(path.stat().st_size < 2 * MIB for path in paths)
    done = subprocess.run([sys.executable, "-c", READ, *map(str, paths)], capture_output=True, text=True, check=True)
    lines = [line.split() for line in done.stdout.splitlines()]
    assert [verdict for verdict, _ in lines] == ["refused"] * 4 + ["read"] * 2 + ["refused"] * 3, done.stdout
    assert all(int(peak) < LIMIT for _, peak in lines), done.stdout


@pytest.mark.parametrize(
    "kind",
    [pa.binary(), pa.large_binary(), pa.binary_view(), pa.binary(3), pa.string_view(), pa.large_string()],
    ids=str,
)
def test_names_of_every_kind_of_text_and_bytes_are_the_same_names(tmp_path: Path, kind: pa.DataType) -> None:
    names = ["ann", "程", "ann"]
    is_text = kind in (pa.string_view(), pa.large_string())
    array = pa.array(names if is_text else [name.encode() for name in names], kind)
    assert rows_of(write(tmp_path / "r.parquet", {"influencer": array})) == [(name,) for name in names]


def test_bytes_that_are_no_text_are_refused_with_their_column(tmp_path: Path) -> None:
    path = write(tmp_path / "r.parquet", {"followers": [1, 2], "influencer": pa.array([b"ann", b"\xff"])})
    with pytest.raises(InputError, match=r"influencer: column must have texts in UTF-8, but has other bytes"):
        read_roster(path, dirty_rows="skip", verticals=["a"])


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ({"first": "ann"}, "struct<first: string>"),
        (["ann"], "list<element: string>"),
        ([("a", 1)], "map<string, int64"),
    ],
)
def test_names_that_are_structs_lists_or_maps_are_refused_with_their_type(
    tmp_path: Path, value: Any, kind: str
) -> None:
    values = pa.array([value], pa.map_(pa.string(), pa.int64())) if kind.startswith("map") else pa.array([value])
    for reader, columns in (
        (
            lambda path: read_roster(path, dirty_rows="refuse", verticals=["a"]),
            {"influencer": values, "followers": [1]},
        ),
        (read_edges, {"fan": ["x"], "influencer": values}),
    ):
        with pytest.raises(InputError) as caught:
            reader(write(tmp_path / "r.parquet", columns))  # type: ignore[no-untyped-call]
        (fault,) = caught.value.faults
        assert fault.path == "influencer"
        assert fault.rule == "column must have texts, numbers or true and false"
        assert str(fault.value).startswith(kind)


@pytest.mark.parametrize(
    ("columns", "options", "rule"),
    [
        ({"a": ["x" * 70_000]}, {}, r"a: a cell must be at most 64 KiB, got 68 KiB"),
        (
            {"a": [f"{i}" * 9000 for i in range(1000, 1300)]},
            {},
            r"the texts of 4096 rows must be at most 8 MiB, got 10",
        ),
        ({"a": pa.array([b"x" * 201], pa.binary(201))}, {}, r"a: a value must be at most 200 bytes"),
        ({"a": ["x", "y"]}, {"column_encoding": {"a": "DELTA_BYTE_ARRAY"}}, r"a: the encoding DELTA_BYTE_ARRAY isn't"),
    ],
)
def test_what_would_take_too_much_is_refused_by_its_rule(
    tmp_path: Path, columns: dict[str, Any], options: dict[str, Any], rule: str
) -> None:
    path = write(tmp_path / "r.parquet", columns, use_dictionary=not options, **options)
    with pytest.raises(InputError, match=rule):
        rows_of(path)


def test_more_rows_than_a_file_of_its_length_can_contain_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet_rows, "FEW_ROWS", 5000)
    path = write(tmp_path / "r.parquet", {"a": dictionary(["x"], 5000)})
    assert len(rows_of(path)) == 5000
    path = write(tmp_path / "r.parquet", {"a": dictionary(["x"], 5001)})
    with pytest.raises(InputError, match="must have at most 5000 rows, or 4 a byte of the file, got 5001"):
        rows_of(path)
    path = write(tmp_path / "r.parquet", {"a": [f"name {i}" for i in range(5001)]})
    assert len(rows_of(path)) == 5001


def test_a_footer_that_is_too_long_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "r.parquet"
    path.write_bytes(b"PAR1" + bytes(600 * 1024) + (600 * 1024).to_bytes(4, "little") + b"PAR1")
    with pytest.raises(InputError, match="its footer must be at most 512 KiB"):
        rows_of(path)


@settings(**DRAWN)
@given(
    st.lists(st.one_of(st.none(), st.text(max_size=4)), max_size=60),
    st.sampled_from(["none", "snappy", "zstd", "gzip"]),
    st.booleans(),
    st.sampled_from(["1.0", "2.0"]),
    st.integers(1, 40),
)
def test_the_pages_of_a_column_have_its_values_and_the_rows_are_the_file_s(
    tmp_path_factory: pytest.TempPathFactory,
    texts: list[str | None],
    compression: str,
    use_dictionary: bool,
    version: str,
    group: int,
) -> None:
    path = tmp_path_factory.mktemp("p") / "r.parquet"
    table = pa.table({"a": pa.array(texts, pa.string()), "n": pa.array(range(len(texts)), pa.int64())})
    options: dict[str, Any] = {"compression": compression, "data_page_version": version, "row_group_size": group}
    pq.write_table(table, path, use_dictionary=use_dictionary, data_page_size=64, write_batch_size=5, **options)
    metadata = pq.read_metadata(path)
    with path.open("rb") as stream:
        for g in range(metadata.num_row_groups):
            for j in range(2):
                chunk = metadata.row_group(g).column(j)
                start = min(chunk.data_page_offset, chunk.dictionary_page_offset or chunk.data_page_offset)
                found = list(pages(stream, start, chunk.num_values))
                assert sum(page.values for page in found if not page.is_dictionary) == chunk.num_values
                assert not found or found[0].is_dictionary == chunk.has_dictionary_page
    assert rows_of(path) == [("" if text is None else text, str(i)) for i, text in enumerate(texts)]


@given(st.binary(max_size=60))
def test_bytes_that_are_no_page_header_are_refused_or_give_sizes(
    tmp_path_factory: pytest.TempPathFactory, raw: bytes
) -> None:
    path = tmp_path_factory.mktemp("p") / "x"
    path.write_bytes(raw)
    with path.open("rb") as stream:
        try:
            found = list(pages(stream, 0, 10))
        except PageError:
            return
        assert all(page.unpacked >= 0 and page.values >= 0 for page in found)
