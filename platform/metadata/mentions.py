"""Mentions of people in texts: how they are typed (`@login`), kept (`@[Name](id)`) and read. Pure text.

What is kept holds the name of the day it was written, so that a text that leaves the system reads well; the id is what
counts, and a page says today's name.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from typing import Final

_ID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_KEPT: Final = re.compile(rf"@\[([^\[\]\n<>]{{0,200}})\]\(({_ID})\)")
_TYPED: Final = re.compile(r"(?<![\w@./\]])@([\w.+-]{1,200}(?:@[\w-]+(?:\.[\w-]+)+)?)")
_ASCII: Final = re.compile(r"[A-Za-z0-9.+_-]+(?:@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)?")
_TAG: Final = re.compile(r"(<[^<>]*>)")
_ENDS = ".-_+"
MOST = 50
"""People that one text may mention; what is typed beyond stays text."""


def ids_in(text: str | None) -> frozenset[str]:
    """Ids of the people whom a kept text mentions."""
    return frozenset(id for _, id in _KEPT.findall(text)) if text and "@[" in text else frozenset()


def typed_in(text: str) -> list[str]:
    """Sign-in names that may be meant by what was typed, each once, at most `MOST` typed ones."""
    found = [each for name in _TYPED.findall(_outside(text))[:MOST] for each in _readings(name)]
    return list(dict.fromkeys(found))


def _outside(text: str) -> str:
    """The text without the tags of HTML."""
    return _TAG.sub(" ", text) if "<" in text else text


def _readings(name: str) -> list[str]:
    """What of a typed name may be the sign-in name, the longest first: a full stop or a word may follow at once."""
    head = _ASCII.match(name)
    every = [name, name.rstrip(_ENDS), *([head[0], head[0].rstrip(_ENDS)] if head else [])]
    return [each for each in dict.fromkeys(every) if each]


def settle(text: str, logins: Mapping[str, str], names: Mapping[str, str], *, markup: bool = False) -> str:
    """The text as it is kept. `logins`: typed name -> id; `names`: id -> name of those who may be mentioned.

    What names nobody stays as it is. `markup`: the text is HTML, of which only what stands between tags is looked at.
    """
    parts = _TAG.split(text) if markup else [text]
    for at in range(0, len(parts), 2):
        kept = _KEPT.sub(lambda found: _named(found[2], names, markup) or found[0], parts[at])
        parts[at] = _TYPED.sub(lambda found: _found(found[1], logins, names, markup), kept)
    return "".join(parts)


def _found(typed: str, logins: Mapping[str, str], names: Mapping[str, str], markup: bool) -> str:
    for each in _readings(typed):
        said = _named(logins.get(each, ""), names, markup)
        if said:
            return said + typed[len(each) :]
    return f"@{typed}"


def _named(id: str, names: Mapping[str, str], markup: bool) -> str:
    if id not in names:
        return ""
    name = re.sub(r"[\[\]()<>\n]", "", names[id]).strip()[:200]
    return f"@[{html.escape(name) if markup else name}]({id})"


def parts(text: str, *, markup: bool = False) -> Iterator[tuple[str, str]]:
    """(text, id) of a kept text piece by piece: the id is empty but for a mention, whose text is the name it has.

    `markup`: the text is HTML, whose tags are left as they are.
    """
    for at, piece in enumerate(_TAG.split(text) if markup else [text]):
        if at % 2:
            yield piece, ""
        else:
            yield from _parts(piece)


def _parts(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    for found in _KEPT.finditer(text):
        if found.start() > at:
            yield text[at : found.start()], ""
        yield found[1], found[2]
        at = found.end()
    if at < len(text):
        yield text[at:], ""


def plain(text: str) -> str:
    """A kept text as it is read where nothing but text stands: `@Name`."""
    return _KEPT.sub(lambda found: f"@{found[1]}", text) if "@[" in text else text


def typed(text: str, logins: Mapping[str, str]) -> str:
    """A kept text as somebody would type it: `@login`. `logins`: id -> sign-in name; others stay as they are kept."""
    if "@[" not in text:
        return text
    return _KEPT.sub(lambda found: f"@{logins[found[2]]}" if found[2] in logins else found[0], text)
