"""Names of accounts: one form of Unicode, and their order; knows neither files nor what is named."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

__all__ = ["normal_form", "order_of"]


def normal_form(name: str) -> str:
    """A name as all of the model knows it, in Unicode's normal form NFC: two spellings of it are one name.

    >>> len("e\\N{COMBINING ACUTE ACCENT}"), len(normal_form("e\\N{COMBINING ACUTE ACCENT}"))
    (2, 1)
    """
    return unicodedata.normalize("NFC", name)


def order_of(names: Sequence[str]) -> list[int]:
    """Indices of names, which are normal forms, in order of their bytes in UTF-8, which is that of their characters.

    >>> order_of(["bo", "ann", "Cy"])
    [2, 1, 0]
    """
    return sorted(range(len(names)), key=names.__getitem__)
