"""Sets up what is measured: a database with a tenant of ours, and the hand-written application's copy of its tables."""

from __future__ import annotations

import contextlib
import json
import secrets
import sqlite3
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy.engine import make_url

from metadata.documents.package import read_package
from runtime import accounts, assignments, tenants, tokens
from runtime.directory import Tenant
from runtime.host import Host
from runtime.settings import Settings
from runtime.workspace import PlatformActor, open_workspace
from tests import services
from tests.bench import seeding
from tests.bench.handwritten import schema as handwritten
from tests.bench.load import Address, Request, send
from tests.bench.sites import ROOT, Site, serve

SERVER_SETTINGS = {
    "shared_buffers": "1GB",
    "work_mem": "32MB",
    "random_page_cost": "1.1",
    "max_wal_size": "4GB",
    "fsync": "on",
    "synchronous_commit": "on",
}
OURS = "blueprints.wsgi:app"
HAND = "tests.bench.handwritten.app:create_app()"
LOGINS = ("metaloom_bench", "handwritten")
"""The roles that the two applications sign in as on PostgreSQL: no superusers, or the wall would cost nothing."""


@dataclass(frozen=True, slots=True)
class Place:
    """A database for one run: how our processes are told of it, and how the bench itself reaches it."""

    database: str
    folder: Path
    environment: Mapping[str, str]
    administrator: str | None
    """PostgreSQL only: URL of the superuser."""
    hand: str = ""
    """PostgreSQL only: URL of the hand-written application's login."""
    services: services.Services | None = None
    """PostgreSQL only: what was started for this run."""

    def open_host(self) -> Host:
        return Host.open(Settings.from_environment(self.environment))

    @contextlib.contextmanager
    def connect(self, autocommit: bool = False) -> Iterator[psycopg.Connection[Any]]:
        assert self.administrator is not None
        url = make_url(self.administrator).set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(url, autocommit=autocommit) as connection:
            yield connection


@dataclass(frozen=True, slots=True)
class Filled:
    """A tenant with records, and the secret of a token that may do everything in it."""

    tenant: Tenant
    user: str
    secret: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.secret}"}


@contextlib.contextmanager
def postgres(folder: Path) -> Iterator[Place]:
    """A PostgreSQL of this run's own, set as a server would be; or the one that TEST_DATABASE_URL names."""
    services.POSTGRES_SETTINGS.update(SERVER_SETTINGS)
    with services.Services.start() as started:
        if started.postgres is None:
            sys.exit("; ".join(started.missing.values()))
        url = make_url(started.postgres)
        suffix = secrets.token_hex(4)
        name, password = f"bench_{suffix}", secrets.token_hex(8)
        server = Place("postgresql", folder, {}, started.postgres, "")
        logins = [f"{login}_{suffix}" for login in LOGINS]
        with server.connect(autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
            for login in logins:
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(login), password))
        administrator = url.set(database=name).render_as_string(hide_password=False)
        # The socket's folder is in the query string; user and password take the place of the superuser's there.
        query = {key: value for key, value in url.query.items() if key != "user"}
        ours, hand = (url.set(database=name, username=login, password=password, query=query) for login in logins)
        try:
            yield Place(
                "postgresql",
                folder,
                {
                    "METALOOM_DATABASE_URL": ours.render_as_string(hide_password=False),
                    "METALOOM_ADMIN_DATABASE_URL": administrator,
                    "METALOOM_SECRET_KEY": secrets.token_hex(32),
                    "METALOOM_FILES_URL": f"file:{folder / 'files'}",
                },
                administrator,
                hand.render_as_string(hide_password=False),
                started,
            )
        finally:
            with server.connect(autocommit=True) as connection:
                connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
                for login in logins:
                    connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(login)))


@contextlib.contextmanager
def sqlite(folder: Path) -> Iterator[Place]:
    environment = {
        "METALOOM_DATABASE_URL": f"sqlite:///{folder}",
        "METALOOM_SECRET_KEY": secrets.token_hex(32),
        "METALOOM_FILES_URL": f"file:{folder / 'files'}",
    }
    yield Place("sqlite", folder, environment, None)


def create_tenant(place: Place, host: Host, name: str, package: Path, rows: int) -> Filled:
    """A tenant with the package over core, a person who may do everything, and the records of the bench."""
    layers = [read_package(ROOT / "configs" / "core"), read_package(package)]
    tenant = tenants.create(host, name, layers)
    with open_workspace(host, tenant, PlatformActor(), write=True) as ws:
        user = accounts.create_user(ws, "bench", {"name": "Bench"}, secrets.token_urlsafe(16))
        assignments.set_roles(ws, user, ["admin"])
        issued = tokens.create(ws, user, "bench", ["read", "write"])
    with open_workspace(host, tenant, PlatformActor()) as ws:
        model = ws.model
    if place.administrator is not None:
        with place.connect() as connection:
            seeding.fill_postgres(connection, tenant.place, model, rows, user)
    else:
        with contextlib.closing(sqlite3.connect(sqlite_file(place, tenant))) as file:
            seeding.fill_sqlite(file, model, rows, user)
    settle(place)
    return Filled(tenant, user, issued.secret)


def settle(place: Place) -> None:
    """Tell the planner what is there now, and leave no work of the filling for later."""
    if place.administrator is not None:
        with place.connect(autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
            connection.execute("CHECKPOINT")


def copy_by_hand(place: Place, filled: Filled) -> dict[str, str]:
    """The hand-written application's tables with the same records; the environment that it starts in."""
    if place.administrator is None:
        file = place.folder / "handwritten.db"
        handwritten.copy_sqlite(sqlite_file(place, filled.tenant), file)
        return {"HANDWRITTEN_URL": f"sqlite:///{file}"}
    url = make_url(place.hand)
    with place.connect() as connection:
        handwritten.copy_postgres(connection, filled.tenant.place, str(url.username))
    settle(place)
    own = url.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
    return {"HANDWRITTEN_URL": own, "HANDWRITTEN_SCHEMA": handwritten.SCHEMA}


def sqlite_file(place: Place, tenant: Tenant) -> Path:
    return place.folder / "tenants" / tenant.place


def serve_ours(place: Place) -> contextlib.AbstractContextManager[Site]:
    return serve(OURS, place.environment, place.folder / "ours.log")


def serve_by_hand(place: Place, environment: Mapping[str, str]) -> contextlib.AbstractContextManager[Site]:
    return serve(HAND, environment, place.folder / "handwritten.log")


def answer(address: Address, request: Request, expected: Sequence[int] = (200, 201)) -> Any:
    """The JSON of one answer. Ends the run when it is not what was expected."""
    status, body = send(address, request)
    if status not in expected:
        sys.exit(f"{request.method} {request.path[:200]} answered {status}: {body[:2000].decode(errors='replace')}")
    return json.loads(body)
