"""What differs between two texts, word by word: pure, bounded, for the history of a record."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

_WORDS = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|\w+|\s+|[^\w\s]")
"""A Chinese character is a word of its own: nothing stands between them."""
_MOST = 800
"""Words compared with each other; what is longer is told as a whole."""
_CONTEXT = 12
"""Unchanged words that stay beside a change."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some words of both texts, of the old one, or of the new one; `left_out`: unchanged words that are not shown."""

    kind: Literal["same", "old", "new", "left_out"]
    text: str


def compare(before: str, after: str) -> tuple[Stretch, ...]:
    """The two texts as one, in stretches: what stayed, what went, what came."""
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    start = _common(old, new)
    end = _common(old[start:][::-1], new[start:][::-1])
    head, tail = old[:start], old[len(old) - end :]
    middle_old, middle_new = old[start : len(old) - end], new[start : len(new) - end]
    found = [Stretch("same", "".join(head)), *_middle(middle_old, middle_new), Stretch("same", "".join(tail))]
    return tuple(_shortened([each for each in found if each.text]))


def _common(one: list[str], other: list[str]) -> int:
    count = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        count += 1
    return count


def _middle(old: list[str], new: list[str]) -> Iterator[Stretch]:
    if len(old) > _MOST or len(new) > _MOST or not old or not new:
        yield Stretch("old", "".join(old))
        yield Stretch("new", "".join(new))
        return
    gone, come = "", ""
    for tag, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        stayed = "".join(old[a:b]) if tag == "equal" else ""
        if stayed and (stayed.strip() or not (gone or come)):
            yield from _pair(gone, come)
            gone = come = ""
            yield Stretch("same", stayed)
            continue
        # A blank between two changed words changes with them: a phrase is told, not its pieces.
        gone += stayed or "".join(old[a:b])
        come += stayed or "".join(new[c:d])
    yield from _pair(gone, come)


def _pair(gone: str, come: str) -> Iterator[Stretch]:
    """A phrase that went and the one that came for it; a blank that both end with stands after them."""
    blank = gone[len(gone.rstrip()) :]
    if blank and come.endswith(blank):
        gone, come = gone[: -len(blank)], come[: -len(blank)]
    else:
        blank = ""
    yield Stretch("old", gone)
    yield Stretch("new", come)
    yield Stretch("same", blank)


def _shortened(stretches: list[Stretch]) -> Iterator[Stretch]:
    """Long unchanged stretches keep only what stands beside a change."""
    for at, each in enumerate(stretches):
        words = _WORDS.findall(each.text) if each.kind == "same" else []
        if len(words) <= 3 * _CONTEXT:
            yield each
            continue
        if at > 0:
            yield Stretch("same", "".join(words[:_CONTEXT]))
        yield Stretch("left_out", " … ")
        if at < len(stretches) - 1:
            yield Stretch("same", "".join(words[-_CONTEXT:]))
