"""Texts made comparable: one folding of case for `contains`, `starts_with` and search, and the digits of a number."""

from __future__ import annotations

import re
import unicodedata

YOUNG = "\u019b\u0264\u1c89\u1c8a\ua7cb-\ua7cf\ua7d2-\ua7d5\ua7da-\ua7dc\U00010d50-\U00010d65\U00010d70-\U00010d85" + (
    "\U00016ea0-\U00016eb8\U00016ebb-\U00016ed3"
)
"""Letters that got a case after Unicode 14, as ranges of a regular expression. They have none here, or the answer
would depend on the age of a Python, a database and a browser."""
_OLD = re.compile(f"[^{YOUNG}]+")


def lower(text: str) -> str:
    """Without case, letter by letter: a sigma at the end of a word is one as any other."""
    return text.lower() if text.isascii() else _OLD.sub(lambda found: found[0].lower(), text.replace("Σ", "σ"))


def upper(text: str) -> str:
    return text.upper() if text.isascii() else _OLD.sub(lambda found: found[0].upper(), text)


def fold(text: str) -> str:
    """Lower case, with the final sigma as any other. `fold` in SQL and in the browser gives the same."""
    return lower(text).replace("ς", "σ")


def plain(text: str) -> str:
    """What a person typed, with full-width letters and digits as ordinary ones and no blanks around it."""
    return unicodedata.normalize("NFKC", text).strip()


def digits(text: str) -> str:
    """The digits of a text alone, full-width ones included: how phone numbers are compared while searching."""
    return "".join(each for each in unicodedata.normalize("NFKC", text) if "0" <= each <= "9")
