"""Bytes of a text file into its lines: the encoding by its mark or by name, and which would read what isn't UTF-8."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

from sim.errors import ArgumentError, Fault, InputError, named
from sim.formatting import escaped, one_of, shown
from sim.scenario.schema.encodings import ENCODINGS, EncodingName

if TYPE_CHECKING:
    from hashlib import _Hash

__all__ = ["MAX_LINE", "MAX_TEXT_BYTES", "encoding_named", "text_lines"]

_OTHER_NAMES = {
    **dict.fromkeys(("utf8", "utf-8-sig"), "utf-8"),
    **dict.fromkeys(("utf16", "utf-16-le", "utf-16-be", "utf-16le", "utf-16be"), "utf-16"),
    **dict.fromkeys(("gbk", "cp936", "gb2312"), "gb18030"),
    **dict.fromkeys(("latin1", "iso-8859-1", "iso8859-1"), "latin-1"),
    **dict.fromkeys(("cp1252", "windows1252"), "windows-1252"),
}
"""Other names of encodings, and which of ``ENCODINGS`` reads each: the same one, or one that includes it."""

MAX_TEXT_BYTES = 256 * 1024 * 1024
MAX_LINE = 1024 * 1024
_CHUNK = 64 * 1024
_MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_NUL = "\x00"


def encoding_named(name: str) -> EncodingName:
    """The encoding of this name, or of another name of it, in small letters or capitals; given with a scenario.

    Raises
    ------
    ArgumentError
        It isn't one of ``ENCODINGS``.
    """
    lower = str(name).lower().replace("_", "-")
    known = _OTHER_NAMES.get(lower, lower)
    if known in ENCODINGS:
        return known  # type: ignore[return-value]
    raise ArgumentError([Fault(None, f"must be one of {one_of(ENCODINGS)}", value=shown(name), argument="encoding")])


def _utf16(head: bytes) -> str | None:
    """Which of the two orders of UTF-16 has its zeros where these bytes have theirs; None: neither, it is no UTF-16."""
    high, low = head[0::2].count(0), head[1::2].count(0)
    if max(high, low) * 8 < len(head):  # of ASCII characters every second byte is zero, and commas are such characters
        return None
    return "utf-16-le" if low > high else "utf-16-be"


def _codec(head: bytes, encoding: EncodingName | None) -> str:
    for mark, codec in _MARKS:
        if head.startswith(mark):
            return codec
    if encoding == "utf-16":
        return _utf16(head) or "utf-16-le"
    return encoding or "utf-8"


def _reading(sample: bytes) -> tuple[str, str] | None:
    """The encoding that would read bytes that aren't UTF-8, and its codec; None: they are no text."""
    if 0 in sample:
        codec = _utf16(sample[:4096])
        text = codecs.getincrementaldecoder(codec)("ignore").decode(sample[:4096]) if codec else "\x00"
        is_text = all(c.isprintable() or c in "\t\n\r" for c in text)
        return ("utf-16", str(codec)) if is_text else None
    if any(byte < 32 and byte not in b"\t\n\r" for byte in sample[:4096]):
        return None
    n_foreign = len(sample) - len(sample.decode("ascii", "ignore"))
    if 2 * len(sample.decode("utf-8", "ignore").encode()) > 2 * len(sample) - n_foreign:
        return None  # most of it is UTF-8: the file is damaged
    try:
        text = codecs.getincrementaldecoder("gb18030")().decode(sample)
    except UnicodeDecodeError:
        text = ""
    foreign = [c for c in text[:100_000] if not c.isascii()]
    # Latin letters with accents and the letters after them form characters that hardly any Chinese text has.
    if len("".join(foreign).encode("gb2312", "ignore").decode("gb2312")) * 2 > len(foreign):
        return "gb18030", "gb18030"
    name = "windows-1252" if any(0x80 <= byte < 0xA0 for byte in sample) else "latin-1"
    try:
        sample.decode(name)
    except UnicodeDecodeError:
        name = "latin-1"
    return name, name


def _advice(sample: bytes, line: bytes) -> str:
    """What to do about bytes that aren't in the encoding that was expected."""
    found = _reading(sample)
    if found is None:
        return ""
    name, codec = found
    if codec.startswith("utf-16"):
        would = f"; it looks like {name}"
    else:
        text = line.decode(codec, "replace").strip()
        if "\ufffd" in text or not text.replace("\t", "").isprintable():
            return f"; none of those that are read fits it ({', '.join(ENCODINGS)}): save it as UTF-8"
        would = f"; as {name} the line reads {shown(text)}"
    return f'{would}: add {named("encoding", name)}, or encoding = "{name}" under [influencers]'


class _Decoder:
    """Pieces of text, and the rule that the file broke where the last one ends."""

    def __init__(self, stream: BinaryIO, encoding: EncodingName | None, digest: _Hash) -> None:
        self.stream, self.digest = stream, digest
        self.head = stream.read(_CHUNK)
        self.codec = _codec(self.head, encoding)
        self.broken: str | None = None

    def pieces(self) -> Iterator[str]:
        """All of the text, or as much as is good."""
        decoder = codecs.getincrementaldecoder(self.codec)()
        chunk, size, is_first = self.head, 0, True
        while True:
            self.digest.update(chunk)
            size += len(chunk)
            if size > MAX_TEXT_BYTES:
                self.broken = f"must be at most {MAX_TEXT_BYTES >> 20} MiB"
                return
            try:
                text = decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                text = error.object[: error.start].decode(self.codec)
                self.broken = self._not_text(error.object, error.start)
            if is_first:
                text, is_first = text.removeprefix("\ufeff"), False
            if _NUL in text:
                text, self.broken = text[: text.index(_NUL)], self._binary()
            yield text
            if self.broken or not chunk:
                return
            chunk = self.stream.read(_CHUNK)

    def _not_text(self, raw: bytes, at: int) -> str:
        start = raw.rfind(b"\n", 0, at) + 1
        end = raw.find(b"\n", at)
        line = raw[start : len(raw) if end < 0 else end][:1000]
        name = self.codec.upper() if self.codec.startswith("utf") else self.codec
        is_first_try = self.codec == "utf-8"
        return f"must be {name}, but contains the byte 0x{raw[at]:02x}{_advice(raw, line) if is_first_try else ''}"

    def _binary(self) -> str:
        if self.head.startswith(b"PK\x03\x04"):
            return "is a spreadsheet or a ZIP archive: save it as CSV"
        advice = _advice(self.head, b"") if self.codec == "utf-8" else ""
        return f"must be CSV text or Parquet, but contains a NUL byte{advice}"


def text_lines(stream: BinaryIO, file: str, encoding: EncodingName | None, digest: _Hash) -> Iterator[str]:
    """Lines of a text, each with its end: LF (with a CR before it or not), or CR where the file has no LF.

    Parameters
    ----------
    stream
        The file's bytes.
    file
        Its name in messages.
    encoding
        How to read it where it has no byte order mark; left out: as UTF-8.
    digest
        Takes the bytes as they are read.

    Raises
    ------
    InputError
        Once the good lines before it are taken: a byte that the encoding doesn't have, a NUL character, a line of more
        than 1 MiB, a file of more than 256 MiB.
    """
    decoder = _Decoder(stream, encoding, digest)
    number, rest, end = 0, "", ""
    for piece in decoder.pieces():
        if not end:
            end = "\r" if "\r" in piece and "\n" not in piece else "\n"
        lines = (rest + piece).split(end)
        rest = lines.pop()
        for line in lines:
            number += 1
            if len(line) > MAX_LINE:
                break
            yield line + end
        else:
            if len(rest) <= MAX_LINE:
                continue
            number += 1
        raise InputError([Fault(file, f"a line must be at most {MAX_LINE >> 20} MiB", number)])
    if decoder.broken:
        raise InputError([Fault(file, escaped(decoder.broken), number + 1)])
    if rest:
        yield rest
