"""Patterns of JSON Schema, read in Python exactly as the standard (ECMA-262) reads them."""

from __future__ import annotations

import re

BLANKS = (
    "\t\n\x0b\x0c\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)
"""What `\\s` means in a schema: also what is trimmed from both ends of a text."""


def ecma(source: str) -> re.Pattern[str]:
    """A pattern whose `$` is the very end, and whose `\\s` (within brackets) is what the standard says."""
    closed = source[:-1] + r"\Z" if source.endswith("$") else source
    return re.compile(closed.replace(r"\s", BLANKS))
