"""Rows of a CSV or Parquet file that may be hostile, as texts, with their places; knows nothing of what they mean."""

from __future__ import annotations

import csv
import hashlib
import os
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

from sim.errors import Fault, InputError
from sim.scenario.source import file_text, open_regular, os_rule
from sim.scenario.words import escaped

__all__ = ["MAX_BYTES", "Row", "Table", "open_table"]

MAX_BYTES = 256 * 1024 * 1024
MAX_LINE = 1024 * 1024
_MAX_UNPACKED = 16 * MAX_BYTES


@dataclass(frozen=True)
class Row:
    """A row: its line in a text file or its number in a Parquet file, and its cells or what is wrong with it."""

    line: int | None
    number: int | None
    cells: tuple[str, ...]
    rule: str | None = None


class Table(ABC):
    """An open file of rows; ``columns`` names the cells of a row.

    A row of text has a line, any other a number.
    """

    file: str
    columns: tuple[str, ...]
    is_text: bool

    @abstractmethod
    def rows(self) -> Iterator[Row]:
        """All rows in order; once only."""

    @abstractmethod
    def sha256(self) -> str:
        """SHA-256 of the file's bytes, once the rows are read."""


class _CsvTable(Table):
    """Read line by line, so that a large file needs no more memory than its columns."""

    is_text = True

    def __init__(self, stream: BinaryIO, file: str) -> None:
        self.file = file
        self._stream = stream
        self._hash = hashlib.sha256()
        self._reader = csv.reader(self._lines(), strict=True)
        head = next((row for row in self._parsed() if row.cells or row.rule), None)
        if head is None:
            raise InputError([Fault(file, "is empty: a header and at least one row are needed", 1)])
        if head.rule:
            raise InputError([Fault(file, head.rule, head.line)])
        self.columns = tuple(name.strip() for name in head.cells)

    def _fail(self, rule: str, line: int) -> InputError:
        return InputError([Fault(self.file, rule, line)])

    def _lines(self) -> Iterator[str]:
        number = size = 0
        while raw := self._stream.readline(MAX_LINE + 1):
            number += 1
            size += len(raw)
            self._hash.update(raw)
            if size > MAX_BYTES:
                raise self._fail(f"must be at most {MAX_BYTES >> 20} MiB", number)
            if b"\x00" in raw:
                raise self._fail("must be CSV text or Parquet, but holds a NUL byte", number)
            if len(raw) > MAX_LINE:
                raise self._fail(f"a line must be at most {MAX_LINE >> 20} MiB", number)
            if number == 1:
                raw = raw.removeprefix(b"\xef\xbb\xbf")
            try:
                text = raw.decode()
            except UnicodeDecodeError as error:
                raise self._fail(f"must be UTF-8, but holds the byte 0x{raw[error.start]:02x}", number) from error
            yield text

    def _parsed(self) -> Iterator[Row]:
        while True:
            line = self._reader.line_num + 1  # a quoted cell may span lines: the row's place is its first
            try:
                cells = next(self._reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield Row(line, None, (), f"not valid CSV: {escaped(str(error))[:100]}")
            else:
                yield Row(line, None, tuple(cells))

    def rows(self) -> Iterator[Row]:
        for row in self._parsed():
            if row.cells or row.rule:  # an empty line is no row
                yield row

    def sha256(self) -> str:
        return self._hash.hexdigest()


def _cell(value: Any) -> str:
    """A Parquet value as the text that a CSV file would hold."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


class _ParquetTable(Table):
    is_text = False

    def __init__(self, raw: bytes, file: str, known: Collection[str] | None) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self.file = file
        self._sha256 = hashlib.sha256(raw).hexdigest()
        try:
            self._parquet = pq.ParquetFile(pa.BufferReader(raw), page_checksum_verification=True)
            metadata, names = self._parquet.metadata, self._parquet.schema_arrow.names
            size = sum(metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups))
        except Exception as error:  # a damaged file makes pyarrow raise almost anything
            raise self._damaged() from error
        if size > _MAX_UNPACKED:
            raise InputError([Fault(file, f"must unpack to at most {_MAX_UNPACKED >> 20} MiB")])
        self.columns = tuple(name for name in names if known is None or name in known)

    def _damaged(self) -> InputError:
        return InputError([Fault(self.file, "not a readable Parquet file")])

    def rows(self) -> Iterator[Row]:
        number = 0
        batches = self._parquet.iter_batches(batch_size=8192, columns=list(self.columns))
        while True:
            try:
                batch = next(batches, None)
                columns = None if batch is None else [[_cell(v) for v in c.to_pylist()] for c in batch.columns]
            except Exception as error:
                raise self._damaged() from error
            if columns is None:
                return
            for cells in zip(*columns, strict=True):
                number += 1
                yield Row(None, number, cells)

    def sha256(self) -> str:
        return self._sha256


@contextmanager
def open_table(path: str | os.PathLike[str], known: Collection[str] | None) -> Iterator[Table]:
    """Open a CSV (UTF-8, a byte order mark allowed) or Parquet file; which of them its first bytes tell.

    Parameters
    ----------
    path
        The file.
    known
        Names of the columns that are wanted of a Parquet file, None: all; no others are read.

    Raises
    ------
    InputError
        Missing, unreadable, no regular file, empty, over 256 MiB, binary, not UTF-8, damaged; some of it only while
        the rows are read.
    """
    file = file_text(path)
    try:
        stream = open_regular(path)
    except OSError as error:
        raise InputError([Fault(file, os_rule(error))]) from error
    with stream:
        try:
            is_parquet = stream.read(4) == b"PAR1"
            stream.seek(0)
            if not is_parquet:
                yield _CsvTable(stream, file)
                return
            raw = stream.read(MAX_BYTES + 1)
        except OSError as error:
            raise InputError([Fault(file, os_rule(error))]) from error
    if len(raw) > MAX_BYTES:
        raise InputError([Fault(file, f"must be at most {MAX_BYTES >> 20} MiB")])
    yield _ParquetTable(raw, file, known)
