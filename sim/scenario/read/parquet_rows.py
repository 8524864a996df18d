"""Rows of a Parquet file that may be hostile: nothing is unpacked before it is known to be small enough."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

from sim.errors import Fault, InputError
from sim.formatting import key_text
from sim.scenario.read.parquet_pages import pages
from sim.scenario.read.table_rows import Table, TableRow

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["ParquetTable"]

MAX_CELL = 64 * 1024
MAX_TEXTS = 8 * 1024 * 1024
"""Bytes of the different texts of a batch: each becomes an object, of up to four bytes a character."""
MAX_FOOTER = 512 * 1024
MAX_FIXED = 200
"""Bytes of a value of fixed length: a dictionary of one such value can represent any number of them."""
FEW_ROWS = 1_000_000
ROWS_PER_BYTE = 4
"""More than FEW_ROWS rows are read only of a file that is long enough to hold that many different ones."""
BATCH = 4096
BUDGET = 96 * 1024 * 1024
"""Memory that the pages which are open at once, one of each column and its dictionary, may be expected to take."""
_PAGE, _DICTIONARY, _ENTRY = 4, 3, 128
"""Measured: bytes of memory for a byte of a page of texts, for one of their dictionary, for an entry of it."""

_MIB = 1024 * 1024
_DELTA_BYTE_ARRAY = 7
"""The encoding of texts by what they share with the text before: a page of it unpacks to no size that it states."""
_NUMBERS = ("null", "boolean", "integer", "floating", "decimal", "temporal")
_TEXTS = ("string", "large_string", "string_view")
_BYTES = ("binary", "large_binary", "binary_view", "fixed_size_binary")


def _cell(value: Any) -> str:
    """A value as a CSV file would have it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)


def _is(kind: pa.DataType, names: Collection[str]) -> bool:
    import pyarrow as pa

    return any(getattr(pa.types, f"is_{name}")(kind) for name in names)


class ParquetTable(Table):
    """Read in batches, each page checked before; texts come as their dictionary, so that each is unpacked once."""

    is_text = False

    def __init__(self, stream: BinaryIO, file: str, known: Collection[str] | None) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self.file = file
        self._stream = stream
        readable: Any = stream
        self._sha256 = hashlib.file_digest(readable, "sha256").hexdigest()
        self._n_bytes = stream.tell()
        self._check_footer()
        try:
            schema = pq.read_schema(pa.PythonFile(stream, mode="r"))
            names = [field.name for field in schema if _is(_plain(field.type), (*_TEXTS, *_BYTES))]
            options = {"read_dictionary": names, "buffer_size": _MIB, "pre_buffer": False}
            self._parquet = pq.ParquetFile(pa.PythonFile(stream, mode="r"), page_checksum_verification=True, **options)
        except Exception as error:  # a damaged file makes pyarrow raise almost anything
            raise self._damaged() from error
        self.columns = tuple(name for name in schema.names if known is None or name in known)
        self._types = {name: _plain(schema.field(i).type) for i, name in enumerate(schema.names)}

    def narrow(self, wanted: Collection[str]) -> None:
        """Read these columns only."""
        self.columns = tuple(name for name in self.columns if name in wanted)

    def sha256(self) -> str:
        """SHA-256 of the file's bytes."""
        return self._sha256

    def _fail(self, rule: str, path: str | None = None, value: str | None = None) -> InputError:
        return InputError([Fault(self.file, rule, None, path, value)])

    def _damaged(self) -> InputError:
        return self._fail("not a readable Parquet file")

    def _check_footer(self) -> None:
        """Refuse a description of the file that is too long: it is unpacked as a whole."""
        self._stream.seek(max(self._n_bytes - 8, 0))
        size = int.from_bytes(self._stream.read(4), "little")
        if size > MAX_FOOTER:
            raise self._fail(f"its footer must be at most {MAX_FOOTER >> 10} KiB: too many columns or row groups")

    def _check_types(self) -> None:
        for name in self.columns:
            kind = self._types[name]
            if _is(kind, ("fixed_size_binary",)) and kind.byte_width > MAX_FIXED:
                raise self._fail(f"a value must be at most {MAX_FIXED} bytes", key_text(name), str(kind))
            if not _is(kind, (*_NUMBERS, *_TEXTS, *_BYTES)):
                raise self._fail("column must have texts, numbers or true and false", key_text(name), str(kind))

    def _check_pages(self) -> None:
        """Refuse what would unpack to too much, by the headers of the pages themselves."""
        rows, metadata = 0, self._parquet.metadata
        for g in range(metadata.num_row_groups):
            group = metadata.row_group(g)
            rows += group.num_rows
            chunks = [group.column(j) for j in range(group.num_columns)]
            sizes = [(self._size(chunk), chunk) for chunk in chunks if chunk.path_in_schema in self.columns]
            if sum(size for size, _ in sizes) > BUDGET:
                largest = max(sizes, key=lambda each: each[0])[1].path_in_schema
                rule = f"pages and dictionaries would take over {BUDGET // _MIB} MiB: write it with smaller ones"
                raise self._fail(rule, key_text(largest))
        if rows > max(FEW_ROWS, ROWS_PER_BYTE * self._n_bytes):
            rule = f"must have at most {FEW_ROWS} rows, or {ROWS_PER_BYTE} a byte of the file"
            raise self._fail(rule, None, str(rows))

    def _size(self, chunk: Any) -> int:
        """Bytes of memory that a column of a row group may need while it is read."""
        of_texts = chunk.physical_type == "BYTE_ARRAY"
        first = (chunk.data_page_offset, chunk.dictionary_page_offset or chunk.data_page_offset)
        page_size = dictionary_size = 0
        for page in pages(self._stream, min(first), chunk.num_values):
            if page.encoding == _DELTA_BYTE_ARRAY:
                rule = "the encoding DELTA_BYTE_ARRAY isn't read: write it with another"
                raise self._fail(rule, key_text(chunk.path_in_schema))
            if page.is_dictionary:
                dictionary_size += _DICTIONARY * page.unpacked + of_texts * _ENTRY * page.values
            else:
                page_size = max(page_size, (_PAGE if of_texts else 1) * page.unpacked)
        return page_size + dictionary_size

    def rows(self) -> Iterator[TableRow]:
        """All rows in order; once only."""
        self._check_types()
        number = 0
        for cells in self._batches():
            for row in zip(*cells, strict=True):
                number += 1
                yield TableRow(None, number, row)

    def _batches(self) -> Iterator[list[list[str]]]:
        """The columns of some rows after the other, as texts."""
        before = 0
        try:
            self._check_pages()
            options = {"batch_size": BATCH, "columns": list(self.columns), "use_threads": False}
            for batch in self._parquet.iter_batches(**options):
                texts = [self._texts(before, *named) for named in zip(batch.schema.names, batch.columns, strict=True)]
                size = sum(n_bytes for _, n_bytes in texts)
                if size > MAX_TEXTS:
                    rule = f"the texts of {BATCH} rows must be at most {MAX_TEXTS // _MIB} MiB"
                    raise self._fail(rule, f"after row {before}", f"{size / _MIB:.0f} MiB")
                yield [_cells(array) for array, _ in texts]
                before += batch.num_rows
        except InputError:
            raise
        except Exception as error:  # a damaged file makes pyarrow raise almost anything
            raise self._damaged() from error

    def _texts(self, before: int, name: str, array: pa.Array) -> tuple[pa.Array, int]:
        """A column of a batch that begins after ``before`` rows, and the bytes of its texts, each counted once.

        Of a dictionary only what these rows use is kept; bytes become texts.
        """
        import pyarrow as pa
        import pyarrow.compute as pc

        if not pa.types.is_dictionary(array.type):
            return self._decoded(before, name, array), 0
        used = array.indices.drop_null().unique()
        values, size = array.dictionary.take(used), 0
        if _is(values.type, (*_TEXTS, *_BYTES)) and len(values):
            lengths = pc.binary_length(values)
            size, longest = pc.sum(lengths).as_py() or 0, pc.max(lengths).as_py() or 0
            if longest > MAX_CELL:
                rule = f"a cell must be at most {MAX_CELL >> 10} KiB"
                raise self._fail(rule, _where(before, name), f"{longest / 1024:.0f} KiB")
        codes = pc.index_in(array.indices, value_set=used)
        return pa.DictionaryArray.from_arrays(codes, self._decoded(before, name, values)), size

    def _decoded(self, before: int, name: str, array: pa.Array) -> pa.Array:
        """The same with bytes as texts."""
        import pyarrow as pa

        if not _is(array.type, _BYTES):
            return array
        try:
            return array.cast(pa.large_binary()).cast(pa.large_string())
        except pa.ArrowInvalid as error:
            rule = "column must have texts in UTF-8, but has other bytes"
            raise self._fail(rule, _where(before, name)) from error


def _where(before: int, name: str) -> str:
    return f"after row {before} {key_text(name)}" if before else key_text(name)


def _cells(array: pa.Array) -> list[str]:
    """A column of a batch as texts."""
    import pyarrow as pa

    if not pa.types.is_dictionary(array.type):
        return [_cell(value) for value in array.to_pylist()]
    texts = [_cell(value) for value in array.dictionary.to_pylist()]
    return ["" if code is None else texts[code] for code in array.indices.to_pylist()]


def _plain(kind: pa.DataType) -> pa.DataType:
    """The type of the values of a column that may be a dictionary."""
    import pyarrow as pa

    return kind.value_type if pa.types.is_dictionary(kind) else kind
