"""The page headers of a Parquet file, read before a page is unpacked: the file's own totals may be false.

Headers are Thrift structs in the compact protocol, https://github.com/apache/parquet-format.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

__all__ = ["Page", "PageError", "pages"]

MAX_PAGES = 100_000
"""Of a column of a file; a page is usually 1 MiB."""
_HEADER = 1024
_MAX_HEADER = 1024 * 1024
_MAX_NESTING = 8

_STOP, _TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _LIST, _SET, _STRUCT = 0, 1, 2, 3, 7, 8, 9, 10, 12
_INTEGERS = (4, 5, 6)
_DATA, _DICTIONARY, _DATA_V2 = 5, 7, 8
"""Fields of a page header for one kind of page only."""


class PageError(Exception):
    """There is no page header at this place."""


class Page(NamedTuple):
    """Content of a page header: bytes once unpacked, values, and the number of the encoding."""

    is_dictionary: bool
    unpacked: int
    values: int
    encoding: int


class _Struct:
    """Reads a struct of the compact protocol: the fields by number, strings left out."""

    def __init__(self, raw: bytes) -> None:
        self.raw, self.at = raw, 0

    def _byte(self) -> int:
        self.at += 1
        return self.raw[self.at - 1]

    def _varint(self) -> int:
        value = shift = 0
        while shift < 70:
            byte = self._byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7
        raise PageError

    def _integer(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)

    def _skip(self, n: int) -> None:
        self.at += n
        if self.at > len(self.raw):
            raise IndexError

    def _value(self, kind: int, depth: int) -> Any:
        if kind in _INTEGERS:
            return self._integer()
        if kind == _STRUCT:
            return self.fields(depth + 1)
        if kind == _BINARY:
            self._skip(self._varint())
        elif kind in (_LIST, _SET):
            head = self._byte()
            size = head >> 4 if head < 0xF0 else self._varint()
            for _ in range(size):
                self._value(_BYTE if head & 15 in (_TRUE, _FALSE) else head & 15, depth + 1)
        elif kind in (_BYTE, _DOUBLE):
            self._skip(1 if kind == _BYTE else 8)
        elif kind not in (_TRUE, _FALSE):
            raise PageError
        return kind == _TRUE

    def fields(self, depth: int = 0) -> dict[int, Any]:
        if depth > _MAX_NESTING:
            raise PageError
        found: dict[int, Any] = {}
        number = 0
        while head := self._byte():
            number = number + (head >> 4) if head >> 4 else self._integer()
            found[number] = self._value(head & 15, depth)
        return found


def _header(stream: BinaryIO, start: int) -> tuple[dict[int, Any], int]:
    """The fields of the header that begins at this byte, and where it ends."""
    size = _HEADER
    while True:
        stream.seek(start)
        reader = _Struct(stream.read(size))
        try:
            return reader.fields(), start + reader.at
        except IndexError as error:  # the header is longer than what was read
            if size >= _MAX_HEADER:
                raise PageError from error
            size *= 32


def pages(stream: BinaryIO, start: int, values: int) -> Iterator[Page]:
    """The pages of a column chunk, in the order in which its values are read.

    Parameters
    ----------
    stream
        The file.
    start
        Where the first page begins [bytes].
    values
        Values of the chunk; pages beyond them are not read.

    Raises
    ------
    PageError
        No header where one must be, or more than 100,000 pages.
    """
    end = stream.seek(0, os.SEEK_END)
    seen = n = 0
    while seen < values and start < end:
        fields, body = _header(stream, start)
        kind = next((kind for kind in (_DATA, _DATA_V2, _DICTIONARY) if isinstance(fields.get(kind), dict)), None)
        unpacked, packed = fields.get(2), fields.get(3)
        n += 1
        if not isinstance(unpacked, int) or not isinstance(packed, int) or unpacked < 0 or packed < 0 or n > MAX_PAGES:
            raise PageError
        if kind is not None:
            told = fields[kind]
            count, encoding = told.get(1), told.get(4 if kind == _DATA_V2 else 2)
            if not isinstance(count, int) or not isinstance(encoding, int) or count < 0:
                raise PageError
            seen += 0 if kind == _DICTIONARY else count
            yield Page(kind == _DICTIONARY, unpacked, count, encoding)
        start = body + packed
