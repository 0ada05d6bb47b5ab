"""Functions of texts. A text that is made and has no characters, or too many, is empty."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from metadata.expressions.closures.numbers import Number, number_text, whole
from metadata.expressions.functions import LONGEST_TEXT
from metadata.folding import lower, upper

_BLANKS = " \t\n\r"


def made(text: str) -> str | None:
    return text if 0 < len(text) <= LONGEST_TEXT else None


def text_of(value: Any) -> str:
    """A value that is not empty as `text` writes it."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case Decimal() | int():
            return number_text(value)
        case dt.datetime():
            return value.astimezone(dt.UTC).replace(tzinfo=None, microsecond=0).isoformat() + "Z"
        case dt.date():
            return value.isoformat()
    return str(value)


def _text(value: Any) -> str | None:
    return made(text_of(value))


def _length(text: str) -> int:
    return len(text)


def _lower(text: str) -> str | None:
    return made(lower(text))


def _upper(text: str) -> str | None:
    return made(upper(text))


def _trim(text: str) -> str | None:
    return made(text.strip(_BLANKS))


def _left(text: str, count: Number) -> str | None:
    return made(text[: max(whole(count), 0)])


def _right(text: str, count: Number) -> str | None:
    return made(text[max(len(text) - max(whole(count), 0), 0) :])


def _substring(text: str, first: Number, count: Number | None = None) -> str | None:
    begin = max(whole(first), 1) - 1
    end = len(text) if count is None else begin + max(whole(count), 0)
    return made(text[begin:end])


def _replace(text: str, old: str, new: str) -> str | None:
    if not old:
        return made(text)
    # Asked before it is made: a few calls inside each other could make a text larger than the memory.
    if len(text) + text.count(old) * (len(new) - len(old)) > LONGEST_TEXT:
        return None
    return made(text.replace(old, new))


def concat(*values: Any) -> str | None:
    """Empty ones count as nothing."""
    return made("".join(text_of(each) for each in values if each is not None))


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "length": _length,
    "lower": _lower,
    "upper": _upper,
    "trim": _trim,
    "left": _left,
    "right": _right,
    "substring": _substring,
    "replace": _replace,
    "text": _text,
}
