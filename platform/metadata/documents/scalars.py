"""What a plain word of a document means: the YAML 1.2 core scalars and nothing else."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

_CONSTANTS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
# A number that starts with a superfluous zero is a code or a telephone number: it stays text.
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_DECIMAL = re.compile(r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]{1,3})?")
_FIRST = frozenset("~nNtTfF+-.0123456789")
_LONGEST_NUMBER = 40


def resolve(text: str) -> Any:
    """None, bool, int, Decimal or the text itself. `no`, `010`, `1:30`, `2027-06-30`, `.inf` are text."""
    if text and text[0] not in _FIRST:
        return text
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if len(text) > _LONGEST_NUMBER:
        return text
    if _INTEGER.fullmatch(text):
        return int(text)
    if _BASED.fullmatch(text):
        return int(text, 0)
    if _DECIMAL.fullmatch(text):
        value = Decimal(text)
        return value if -_LONGEST_NUMBER <= value.adjusted() <= _LONGEST_NUMBER else text
    return text
