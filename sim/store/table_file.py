"""A table that is written part by part under a temporary name and published by a rename; knows no run."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import TYPE_CHECKING

from sim.files import WholeFile

if TYPE_CHECKING:
    import pyarrow as pa
    from _typeshed import ReadableBuffer

__all__ = ["TableFile"]

GROUP_ROWS = 1 << 15
"""Rows of a row group, all of one size, so that the bytes depend on the rows only and not on the parts they came in."""


class _Sink(io.RawIOBase):
    """What Arrow writes to: bytes that wait for the file, so that a failing disk is met outside of Arrow."""

    def __init__(self) -> None:
        self.waiting = bytearray()
        self._taken = 0

    def writable(self) -> bool:
        return True

    def write(self, data: ReadableBuffer, /) -> int:
        self.waiting += memoryview(data)
        return memoryview(data).nbytes

    def tell(self) -> int:
        return self._taken + len(self.waiting)

    def take(self) -> bytearray:
        """What has come since the last time."""
        content, self.waiting = self.waiting, bytearray()
        self._taken += len(content)
        return content


class TableFile:
    """A Parquet file that grows; in memory are the rows of less than a row group and one part.

    Parameters
    ----------
    path
        Its name once it is finished.
    schema
        Of all parts.

    Raises
    ------
    OSError
        Here and in all methods: the system refused. What is left is to ``discard`` it.
    """

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        """Begin the temporary file."""
        import pyarrow.parquet as pq

        self._sha = hashlib.sha256()
        self._waiting = schema.empty_table()
        self._sink = _Sink()
        self._file = WholeFile(path)
        self._writer = pq.ParquetWriter(self._sink, schema, compression="zstd", write_page_checksum=True, version="2.6")

    def add(self, part: pa.Table) -> None:
        """Append rows."""
        import pyarrow as pa

        self._waiting = pa.concat_tables([self._waiting, part])
        while self._waiting.num_rows >= GROUP_ROWS:
            self._write(self._waiting.slice(0, GROUP_ROWS))
            self._waiting = self._waiting.slice(GROUP_ROWS)

    def finish(self) -> str:
        """Write what waits, put the file durably in its place, and return its SHA-256."""
        if self._waiting.num_rows:
            self._write(self._waiting)
        self._writer.close()
        self._drain()
        self._file.finish()
        return self._sha.hexdigest()

    def discard(self) -> None:
        """Take away what isn't finished."""
        self._file.discard()

    def _write(self, rows: pa.Table) -> None:
        self._writer.write_table(rows.combine_chunks(), row_group_size=GROUP_ROWS)
        self._drain()

    def _drain(self) -> None:
        content = self._sink.take()
        self._sha.update(content)
        self._file.stream.write(content)
