"""Small pieces of Markdown that the sections' documentation is made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from metadata.problems import say


def heading(level: int, text: Any, lang: str, key: str | None = None) -> str:
    name = say(text, lang)
    return f"{'#' * level} {name}" + (f" `{key}`" if key else "") + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    lines += ["| " + " | ".join(_cell(each) for each in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _cell(value: Any) -> str:
    return "" if value is None else str(value).replace("|", "\\|").replace("\n", " ")


def words(lang: str, en: str, zh: str) -> str:
    return zh if lang.startswith("zh") else en
