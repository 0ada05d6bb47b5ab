"""Texts made comparable: one folding of case for `contains`, `starts_with` and search, and the digits of a number."""

from __future__ import annotations

import unicodedata


def fold(text: str) -> str:
    """Lower case, with the final sigma as any other. `fold` in SQL and in the browser gives the same."""
    return text.lower().replace("ς", "σ")


def plain(text: str) -> str:
    """What a person typed, with full-width letters and digits as ordinary ones and no blanks around it."""
    return unicodedata.normalize("NFKC", text).strip()


def digits(text: str) -> str:
    """The digits of a text alone, full-width ones included: how phone numbers are compared while searching."""
    return "".join(each for each in unicodedata.normalize("NFKC", text) if "0" <= each <= "9")
