"""The site as its callers meet it: programs with tokens, browsers with sessions. Shared by the tests of blueprints."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from blueprints import create_app
from runtime import accounts, assignments, tokens
from runtime.directory import Tenant
from runtime.host import Host
from tests import kit

PASSWORD = "correct horse battery"
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Person:
    """Somebody with an account."""

    id: str
    login: str


@dataclass
class Api:
    """A program: every request carries its token, and bodies are JSON."""

    client: FlaskClient
    prefix: str
    headers: dict[str, str]

    def open(self, method: str, path: str, json: Any = None, **more: Any) -> TestResponse:
        headers = {**self.headers, **more.pop("headers", {})}
        return self.client.open(self.prefix + path, method=method, json=json, headers=headers, **more)

    def get(self, path: str, **arguments: Any) -> TestResponse:
        return self.open("GET", path, query_string=arguments or None)

    def post(self, path: str, json: Any = None, **more: Any) -> TestResponse:
        return self.open("POST", path, {} if json is None else json, **more)

    def patch(self, path: str, json: Any, **more: Any) -> TestResponse:
        return self.open("PATCH", path, json, **more)

    def delete(self, path: str, **more: Any) -> TestResponse:
        return self.open("DELETE", path, **more)

    def made(self, entity: str, **values: Any) -> dict[str, Any]:
        answer = self.post(f"/{entity}", values)
        assert answer.status_code == 201, answer.get_data(as_text=True)
        found: dict[str, Any] = answer.get_json()
        return found


@dataclass
class Browser:
    """A browser that somebody has signed in with: it keeps cookies and sends what forms hold."""

    client: FlaskClient
    prefix: str
    csrf: str = ""
    base: str = "http://localhost"
    headers: dict[str, str] = field(default_factory=lambda: {"Accept": "text/html", "Accept-Language": "en"})

    def get(self, path: str, **arguments: Any) -> TestResponse:
        return self.client.get(
            self.prefix + path, query_string=arguments or None, headers=self.headers, base_url=self.base
        )

    def post(self, path: str, form: Mapping[str, Any] | None = None, **more: Any) -> TestResponse:
        data = {"csrf": self.csrf, **(form or {})}
        headers = {**self.headers, "Origin": self.base, **more.pop("headers", {})}
        return self.client.post(self.prefix + path, data=data, headers=headers, base_url=self.base, **more)


@dataclass
class Site:
    """One tenant behind the whole application."""

    app: Flask
    host: Host
    tenant: Tenant

    @property
    def prefix(self) -> str:
        return f"/t/{self.tenant.name}"

    def person(self, *roles: str, name: str = "Somebody", unit: str | None = None) -> Person:
        login = f"p{next(_numbers)}-{secrets.token_hex(2)}"
        values = {"name": name, **({"unit": unit} if unit else {})}
        with kit.workspace(self.host, self.tenant, channel="command") as ws:
            id = accounts.create_user(ws, login, values, PASSWORD)
            assignments.set_roles(ws, id, roles)
        return Person(id, login)

    def api(self, *roles: str, person: Person | None = None, scopes: tuple[str, ...] = ("write",)) -> Api:
        """A program with the token of somebody new with these roles, or of a person."""
        who = person or self.person(*roles)
        with kit.workspace(self.host, self.tenant) as ws:
            issued = tokens.create(ws, who.id, "test", list(scopes))
        headers = {"Authorization": f"Bearer {issued.secret}", "Accept-Language": "en"}
        return Api(self.app.test_client(), f"{self.prefix}/api/v1", headers)

    def browser(self, *roles: str, person: Person | None = None, base: str = "http://localhost") -> Browser:
        """A browser in which somebody new with these roles, or a person, has signed in."""
        who = person or self.person(*roles)
        client = self.app.test_client()
        body = {"login": who.login, "password": PASSWORD}
        answer = client.post(f"{self.prefix}/auth/session", json=body, base_url=base)
        assert answer.status_code == 201, answer.get_data(as_text=True)
        return Browser(client, self.prefix, answer.get_json()["csrf"], base)


def site(host: Host, *sources: kit.Source) -> Site:
    """The application over a new tenant with these packages, MINI when none is given."""
    app = create_app(host)
    app.testing = False  # errors are answered as in production
    return Site(app, host, kit.tenant(host, *sources))


def codes(answer: TestResponse) -> list[str]:
    """The codes of a problem document."""
    return [each["code"] for each in answer.get_json()["problems"]]
