"""Rows of a text or Parquet file that may be hostile, as texts, with their places; knows nothing of what they mean."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from sim.errors import Fault, InputError
from sim.scenario.read.encodings import MAX_TEXT_BYTES
from sim.scenario.read.toml_file import file_text, open_regular, os_rule
from sim.scenario.schema.encodings import EncodingName

__all__ = ["MAX_TEXT_BYTES", "Table", "TableRow", "open_table"]


class TableRow(NamedTuple):
    """A row: its line in a text file or its number in a Parquet file, and its cells or the rule that it breaks.

    ``cells`` are as many as the table has columns unless there is a rule; ``value`` is what broke it.
    ``n_lines`` are the lines that a row with a rule spans.
    """

    line: int | None
    number: int | None
    cells: Sequence[str]
    rule: str | None = None
    value: str | None = None
    n_lines: int = 1


class Table(ABC):
    """An open file of rows; ``columns`` names the cells of a row, and is in ``header_line`` with ``width`` fields.

    A row of text has a line, any other a number. ``separator`` is that of a text's cells, and empty for others.
    """

    file: str
    columns: tuple[str, ...]
    is_text: bool
    header_line = 1
    width = 0
    separator = ""

    @abstractmethod
    def rows(self) -> Iterator[TableRow]:
        """All rows in order; once only."""

    @abstractmethod
    def sha256(self) -> str:
        """SHA-256 of the file's bytes, once the rows are read."""

    def narrow(self, wanted: Collection[str]) -> None:  # noqa: B027 - a text is read line by line in any case
        """Read these columns only, where the file lets one choose; ``columns`` are then those read."""

    def notes(self) -> list[str]:
        """Notes for the user on how the file was read, once the rows are."""
        return []


@contextmanager
def open_table(
    path: str | os.PathLike[str], known: Collection[str] | None, encoding: EncodingName | None = None
) -> Iterator[Table]:
    """Open a text file of rows (CSV and its kin) or a Parquet file; its first bytes decide which of them it is.

    The first row that isn't blank names the columns. Commas, semicolons or tabs separate a text's cells: as a first
    line ``sep=…`` states, else what gives the header most fields. Rows without anything in them are no rows; columns
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
            if is_parquet and os.fstat(stream.fileno()).st_size > MAX_TEXT_BYTES:
                raise InputError([Fault(file, f"must be at most {MAX_TEXT_BYTES >> 20} MiB")])
            stream.seek(0)
            if is_parquet:
                from sim.scenario.read.parquet_rows import ParquetTable

                yield ParquetTable(stream, file, known)
            else:
                from sim.scenario.read.text_table import TextTable

                yield TextTable(stream, file, encoding)
        except OSError as error:
            raise InputError([Fault(file, os_rule(error))]) from error
