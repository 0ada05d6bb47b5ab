"""Addresses that every control of a field asks at: made once, for a grid has them in each of its cells."""

from __future__ import annotations

from functools import lru_cache

from flask import request, url_for

ANY = "__entity__"
"""In an address: a script puts the chosen kind of record here."""


def understood(entity: str, field: str) -> str:
    """Where a script asks how a typed text is read."""
    return _made(request.script_root, "app.understood", entity, field)


def suggest(entity: str) -> str:
    """Where a script asks for records by what is being typed."""
    return _made(request.script_root, "app.suggest", entity, "")


def new(entity: str) -> str:
    """The short form of a new record."""
    return _made(request.script_root, "app.new", entity, "")


def mention(entity: str, id: str) -> str:
    """Where a script asks whom a text may mention; of a record, or of a new one."""
    return _made(request.script_root, "app.mention", entity, "") + (f"?id={id}" if id else "")


@lru_cache(maxsize=4_096)
def _made(script_root: str, endpoint: str, entity: str, field: str) -> str:
    if field:
        return url_for(endpoint, entity=entity, field=field)
    return url_for(endpoint, entity=entity) + ("?drawer=1&quick=1" if endpoint == "app.new" else "")
