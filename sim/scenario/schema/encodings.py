"""Encodings of text files by name."""

from typing import Literal, get_args

EncodingName = Literal["utf-8", "utf-16", "gb18030", "latin-1", "windows-1252"]
ENCODINGS: tuple[str, ...] = get_args(EncodingName)
