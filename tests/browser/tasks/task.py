"""What a task is, and what its preparations have in common."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from tests.browser.person import Person, person
from tests.browser.site import REP, Site


@dataclass(frozen=True, slots=True)
class Task:
    """Something that a person wants done, and the most steps that it may take."""

    name: str
    most: int
    do: Callable[[Person], None]
    login: str = REP
    most_on_phone: int = 0
    """Where a small screen needs other steps; 0: as many as elsewhere."""
    keyboard: bool = False
    """Without a mouse: a phone has no keys for it."""


def word() -> str:
    """Something that stands in no other record."""
    return f"T{secrets.token_hex(4)}"


def user(site: Site, login: str = REP) -> str:
    """The id of the person who signs in as this."""
    return str(found(site, "user", f"email == '{login}@example.com'")[0]["id"])


def found(site: Site, entity: str, where: str) -> list[dict[str, Any]]:
    """The first records that meet a condition, for the administrator."""
    rows: list[dict[str, Any]] = site.api("GET", f"/{entity}?limit=100&where={quote(where)}")["data"]
    return rows


def made(site: Site, entity: str, owner: str = REP, **values: Any) -> dict[str, Any]:
    """A new record that belongs to the person of this login, whatever rules warn of."""
    record: dict[str, Any] = site.api("POST", f"/{entity}?confirm=*", {"owner": user(site, owner), **values})
    return record


def read(site: Site, entity: str, id: str) -> dict[str, Any]:
    record: dict[str, Any] = site.api("GET", f"/{entity}/{id}")
    return record


@contextlib.contextmanager
def colleague(someone: Person, login: str) -> Iterator[Person]:
    """Somebody else at another browser like this one."""
    browser = someone.page.context.browser
    assert browser is not None
    with person(browser, someone.site, login, someone.width, someone.language) as other:
        yield other
