"""Rows of a text or Parquet file that may be hostile, as texts, with their places; knows nothing of what they mean."""

from __future__ import annotations

import hashlib
import os
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from sim.errors import Fault, InputError
from sim.scenario.encodings import MAX_BYTES, EncodingName
from sim.scenario.source import file_text, open_regular, os_rule

__all__ = ["MAX_BYTES", "Row", "Table", "open_table"]

_MAX_UNPACKED = 16 * MAX_BYTES


class Row(NamedTuple):
    """A row: its line in a text file or its number in a Parquet file, and its cells or the rule that it breaks.

    ``cells`` are as many as the table has columns unless there is a rule; ``value`` is what broke it.
    """

    line: int | None
    number: int | None
    cells: Sequence[str]
    rule: str | None = None
    value: str | None = None


class Table(ABC):
    """An open file of rows; ``columns`` names the cells of a row, and stands in ``header_line`` with ``width`` fields.

    A row of text has a line, any other a number. ``separator`` stands between a text's cells, and is empty for others.
    """

    file: str
    columns: tuple[str, ...]
    is_text: bool
    header_line = 1
    width = 0
    separator = ""

    @abstractmethod
    def rows(self) -> Iterator[Row]:
        """All rows in order; once only."""

    @abstractmethod
    def sha256(self) -> str:
        """SHA-256 of the file's bytes, once the rows are read."""

    def notes(self) -> list[str]:
        """What a user should know of how the file was read, once the rows are."""
        return []


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
def open_table(
    path: str | os.PathLike[str], known: Collection[str] | None, encoding: EncodingName | None = None
) -> Iterator[Table]:
    """Open a text file of rows (CSV and its kin) or a Parquet file; which of them its first bytes tell.

    The first row that isn't blank names the columns. Commas, semicolons or tabs separate a text's cells: what a first
    line ``sep=…`` says, else what parts the header into most. Rows without anything in them are no rows; columns
    without a name are left out.

    Parameters
    ----------
    path
        The file.
    known
        Names of the columns that are wanted of a Parquet file, None: all; no others are read.
    encoding
        Of a text without a byte order mark; left out: UTF-8.

    Raises
    ------
    InputError
        Missing, unreadable, no regular file, empty, over 256 MiB, binary, not in its encoding, damaged; some of it only
        while the rows are read.
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
                from sim.scenario.text_table import TextTable

                yield TextTable(stream, file, encoding)
                return
            raw = stream.read(MAX_BYTES + 1)
        except OSError as error:
            raise InputError([Fault(file, os_rule(error))]) from error
    if len(raw) > MAX_BYTES:
        raise InputError([Fault(file, f"must be at most {MAX_BYTES >> 20} MiB")])
    yield _ParquetTable(raw, file, known)
