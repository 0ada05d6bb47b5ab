"""The words of the platform's own pages in every language, and how templates say them."""

from __future__ import annotations

from typing import Any

from flask import Flask

from blueprints.texts import (
    approvals,
    boards,
    catalogue,
    console,
    forms,
    inbox,
    lists,
    pools,
    processes,
    records,
    recycling,
    sharing,
    shell,
    simulations,
    sla,
    studio,
    values,
    visitors,
)
from metadata.problems import LANGUAGES, Label, say

_PARTS = (
    catalogue,
    shell,
    lists,
    boards,
    pools,
    records,
    forms,
    values,
    recycling,
    sharing,
    approvals,
    inbox,
    processes,
    sla,
    simulations,
    visitors,
    console,
    studio,
)


def _all() -> dict[str, tuple[str, str]]:
    """Every text by key. Raises RuntimeError when two parts say one key differently, which nobody would notice."""
    found: dict[str, tuple[str, str]] = {}
    for part in _PARTS:
        if twice := found.keys() & part.TEXTS.keys():
            raise RuntimeError(f"these texts are there twice: {', '.join(sorted(twice))}")
        found.update(part.TEXTS)
    return found


TEXTS = _all()


class Words:
    """The pages' words in one language: `t.sign_in`, or `t("found", count=3)` with holes filled.

    A text that reads otherwise for a count of one has another one beside it: `found_one`.
    """

    def __init__(self, lang: str) -> None:
        self.lang = lang
        self._at = LANGUAGES.index(lang)

    def __call__(self, key: str, **values: Any) -> str:
        if values.get("count") == 1 and f"{key}_one" in TEXTS:
            key = f"{key}_one"
        return TEXTS[key][self._at].format_map(values) if values else TEXTS[key][self._at]

    def __getattr__(self, key: str) -> str:
        try:
            return TEXTS[key][self._at]
        except KeyError:
            raise AttributeError(key) from None

    def label(self, label: Label | str) -> str:
        return say(label, self.lang)


def install(app: Flask) -> None:
    from blueprints import context

    def words() -> dict[str, Any]:
        lang = context.language()
        return {"t": Words(lang), "lang": lang, **context.look()}

    app.context_processor(words)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    from jinja2 import StrictUndefined

    app.jinja_env.undefined = StrictUndefined
