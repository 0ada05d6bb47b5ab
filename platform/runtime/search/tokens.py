"""A text is cut into the tokens by which its record is found."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from functools import lru_cache
from itertools import product
from typing import Any

from metadata.fieldtypes import registry
from metadata.folding import fold, plain
from metadata.model import Entity

_CJK = "\u3005\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003134f"
RUNS = re.compile(f"[{_CJK}]+|[^\\W_{_CJK}]+")
_ASCII_RUNS = re.compile("[a-z0-9]+")
"""The same of a text in lower case that has ASCII alone."""
_CJK_CHARACTER = re.compile(f"[{_CJK}]")
_DIGITS = re.compile("[0-9]{4,}")
_PHONE = re.compile(r"[+(]?[0-9][0-9\s().+/-]*")
_PHONE_BEGINS = frozenset("+(0123456789")
LONGEST_TOKEN = 64
_MOST_TOKENS = 1_000
_PHONE_DIGITS = 7
_SHORT = 8


def text_tokens(text: str) -> set[str]:
    """What one text is found by."""
    found: set[str] = set()
    if text.isascii():
        text = text.strip().lower()
        runs = _ASCII_RUNS.findall(text)
    else:
        text = fold(plain(text))
        runs = RUNS.findall(text)
    for run in runs:
        if len(found) > _MOST_TOKENS:
            break
        if run >= "\u3005" and is_cjk(run):
            found.update(_known_tokens(run) if len(run) <= _SHORT else _cjk_tokens(run))
        else:
            found.add(run[:LONGEST_TOKEN])
            if not run.isalpha():
                found.update(["<" + digits[::-1][:LONGEST_TOKEN] for digits in _DIGITS.findall(run)])
    joined = phone_digits(text)
    if joined:
        found.update((joined, "<" + joined[::-1]))
    return found


def _cjk_tokens(run: str) -> list[str]:
    pairs = [run[at : at + 2] for at in range(len(run))]
    return pairs + ["~" + initials for initials in _initials(run)] if len(run) > 1 else pairs


@lru_cache(maxsize=8_000)
def _known_tokens(run: str) -> list[str]:
    """Names and words come again and again while many records are written."""
    return _cjk_tokens(run)


def index_values(entity: Entity, values: Mapping[str, Any]) -> dict[str, set[str]]:
    """The tokens of a record by field id, for those of `values` that the entity is searched by."""
    found: dict[str, set[str]] = {}
    for each in entity.search:
        value = values.get(each)
        if value is not None:
            field = entity.fields[each]
            texts = registry.of(field).tokens(field, value)
            found[each] = text_tokens(texts[0]) if len(texts) == 1 else set().union(*map(text_tokens, texts))
    return found


def tsvector_text(tokens: Mapping[str, set[str]]) -> str:
    """The tokens of a record as the text of a tsvector (PostgreSQL): each lexeme is `field:token`."""
    # Tokens hold letters, digits, `~` and `<` only: nothing in them needs an escape within quotes.
    return " ".join([f"'{field}:{token}'" for field, found in tokens.items() for token in found])


def is_cjk(run: str) -> bool:
    return run[0] >= "\u3005" and _CJK_CHARACTER.match(run[0]) is not None


def phone_digits(text: str) -> str:
    """The digits of a text that is one number, as people write phones, else nothing."""
    if text[:1] not in _PHONE_BEGINS or not _PHONE.fullmatch(text):
        return ""
    digits = "".join(each for each in text if each.isdigit())
    return digits[:LONGEST_TOKEN] if len(digits) >= _PHONE_DIGITS else ""


_READINGS = 4
"""The most ways of saying one run that are kept (重 is said chóng and zhòng)."""


def _initials(run: str) -> list[str]:
    """The pinyin initials of a run, in each usual way of saying it; nothing for a character without any."""
    said = [_said(each) for each in run[:LONGEST_TOKEN]]
    if "" in said:
        said = said[: said.index("")]
    if len(said) < 2:
        return []
    several = [at for at, each in enumerate(said) if len(each) > 1][:2]
    choices = [each if at in several else each[0] for at, each in enumerate(said)]
    return ["".join(each) for each in product(*choices)][:_READINGS]


@lru_cache(maxsize=30_000)
def _said(character: str) -> str:
    """The initial letters of the two most usual ways of saying a character."""
    readings = _pinyin().get(ord(character), "")
    letters = dict.fromkeys(_LETTER.get(each[0], each[0]) for each in readings.split(",") if each)
    return "".join(letters)[:2]


_LETTER = dict(zip("āáǎàēéěèōóǒòńňǹḿ", "aaaaeeeeoooonnnm", strict=True)) | {"ê": "e"}


@lru_cache(maxsize=1)
def _pinyin() -> Mapping[int, str]:
    # The table of phrases costs 45 MB in each process; the readings of single characters are all that is used.
    os.environ.setdefault("PYPINYIN_NO_PHRASES", "true")
    from pypinyin.pinyin_dict import pinyin_dict

    found: Mapping[int, str] = pinyin_dict
    return found
