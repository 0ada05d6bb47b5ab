"""Addresses of pages, each made once: Flask takes as long for one as a list takes for a row, and a page has dozens."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from flask import Flask, request, url_for

_ANY = "00000000-0000-7000-8000-000000000000"
"""Stands for the id of a record."""


def address_of(endpoint: str, **values: Any) -> str:
    """`url_for` with plain values, for a page of the tenant that the request is about."""
    return _made(request.script_root, endpoint, tuple(values.items()))


def address_at(endpoint: str, id: str, **values: Any) -> str:
    """`address_of` for one record: made once for all of them, and the record's id put in."""
    before, after = around(endpoint, **values)
    return f"{before}{id}{after}"


def around(endpoint: str, **values: Any) -> tuple[str, str]:
    """What stands before and after a record's id in an address."""
    before, _, after = address_of(endpoint, id=_ANY, **values).partition(_ANY)
    return before, after


@lru_cache(maxsize=10_000)
def _made(root: str, endpoint: str, values: tuple[tuple[str, Any], ...]) -> str:
    return url_for(endpoint, **dict(values))


def install(app: Flask) -> None:
    """Templates make their addresses so, too."""
    app.jinja_env.globals["url_for"] = address_of
