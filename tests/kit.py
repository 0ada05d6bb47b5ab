"""Builders that tests share: models from YAML, hosts on both databases, tenants, people, workspaces.

    def test_something(host: Host) -> None:             # runs on SQLite and on PostgreSQL
        tenant = kit.tenant(host, kit.MINI)
        with kit.workspace(host, tenant) as ws: ...                        # the platform itself, writing
        with kit.workspace(host, tenant, roles=["seller"]) as ws: ...      # somebody new with these roles

The fixture `host` is in conftest. Tenants are cheap, databases are not: one of each kind serves a test process.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg import sql

from metadata.compiler import compile_layers
from metadata.documents.package import Layer, read_package, read_text, with_requirements
from metadata.ids import uuid7
from metadata.model import Model
from runtime import directory, tenants
from runtime.codecs import datetime_text
from runtime.directory import Tenant
from runtime.host import Host
from runtime.settings import Settings
from runtime.system.tables import table
from runtime.tables import table_of
from runtime.workspace import AsUser, Identify, PlatformActor, Workspace, bump_access, open_workspace

ROOT = Path(__file__).resolve().parents[1]
CONFIGS = ROOT / "configs"
PACKAGES = ROOT / "tests" / "packages"

MINI = """
package: {code: mini, version: 1.0.0, kind: core, settings: {currency: CNY, timezone: Asia/Shanghai}}
entities:
  user:
    label: {en: User, zh: 用户}
    title: name
    fields:
      name: {type: text, max: 80, required: true}
      email: {type: email, unique: true}
      unit: {type: link, to: unit, inverse: {key: members}}
      units: {type: links, to: unit, inverse: {key: further_members}}
      language: {type: choice, default: en, options: {en: {}, zh: {}}}
      timezone: {type: text, max: 60}
      active: {type: boolean, default: true}
  unit:
    label: {en: Unit, zh: 部门}
    title: name
    fields:
      name: {type: text, max: 80, required: true}
      parent: {type: link, to: unit, inverse: {key: children}}
      manager: {type: user, inverse: {key: heads_of}}
  company:
    label: {en: Company, zh: 公司}
    title: name
    owned: true
    search: {name: {}}
    fields:
      name: {type: text, max: 120, required: true}
      industry: {type: choice, options: {it: {label: IT}, health: {label: Health}}}
      size: {type: integer, min: 0}
  deal:
    label: {en: Deal, zh: 商机}
    title: name
    owned: true
    number: "D-{seq:4}"
    search: {name: {}}
    fields:
      name: {type: text, max: 120, required: true}
      company: {type: link, to: company, inverse: {key: deals}}
      helpers: {type: links, to: user, inverse: {key: helped_deals}}
      stage: {type: choice, default: open, options: {open: {}, won: {}, lost: {}}}
      amount: {type: money, min: 0}
      chance: {type: percent}
      closes: {type: date}
      note: {type: long_text}
    unique: {by_name: {fields: {company: {}, name: {}}, where: "stage != 'lost'"}}
roles:
  admin:
    label: {en: Administrator, zh: 管理员}
    capabilities: {configure: true, users: true, import: true, export: true, jobs: true, feed: true}
    entities: {'*': {read: all, create: all, update: all, delete: all}}
  seller:
    label: {en: Seller, zh: 销售}
    entities:
      company: {read: all, create: all, update: own}
      deal: {read: own, create: own, update: own, delete: own}
      user: {read: all, fields: {'*': read}}
      unit: {read: all, fields: {'*': read}}
  reader:
    label: {en: Reader, zh: 读者}
    entities: {'*': {read: all, fields: {'*': read}}}
"""
"""A small package with everything that accounts and row rights need; stands without configs/core."""

Source = str | Path | Layer
"""YAML text of a whole package (it contains a line break), the code of a package of configs/ or tests/packages, a
folder, or a layer."""


# -- descriptions


def layer(source: Source) -> Layer:
    """The layer that a source stands for."""
    if isinstance(source, Layer):
        return source
    if isinstance(source, Path):
        return read_package(source)
    if "\n" in source:
        return read_text(source)
    folder = next(each / source for each in (CONFIGS, PACKAGES) if (each / source).is_dir())
    return read_package(folder)


def layers(*sources: Source) -> list[Layer]:
    """The layers of some sources with all that they require."""
    return with_requirements([layer(each) for each in sources], [CONFIGS, PACKAGES])


def compile_yaml(*sources: Source) -> Model:
    """The model of a description. It has no storage map: compile alone knows no tables."""
    return compile_layers(layers(*sources)).model


# -- hosts


def open_host(url: str, admin_url: str | None = None, **settings: Any) -> Host:
    """A host on its own; close it."""
    return Host.open(Settings(database_url=url, admin_database_url=admin_url, secret_key="x" * 32, **settings))


@contextlib.contextmanager
def postgres_urls(database: str) -> Iterator[tuple[str, str]]:
    """(URL of a new login without rights, URL of the administrator) for a database given by the latter."""
    admin = sa.make_url(database)
    name, password = f"web_{secrets.token_hex(6)}", secrets.token_hex(8)
    query = {key: value for key, value in admin.query.items() if key != "user"}
    login = admin.set(username=name, password=password, query=query)
    plain = admin.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        made = sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER PASSWORD {}")
        connection.execute(made.format(sql.Identifier(name), sql.Literal(password)))
    yield login.render_as_string(hide_password=False), database


@contextlib.contextmanager
def sqlite_host(folder: Path) -> Iterator[Host]:
    """A host on SQLite in a folder."""
    with open_host(f"sqlite:///{folder}", files_url=f"file:{folder / 'files'}") as host:
        yield host


@contextlib.contextmanager
def postgres_host(database: str, folder: Path) -> Iterator[Host]:
    """A host on a database given by its administrator's URL, signed in as a new login without rights."""
    with postgres_urls(database) as (url, admin), open_host(url, admin, files_url=f"file:{folder}") as host:
        yield host


# -- tenants, people, workspaces


def _name() -> str:
    """A name without a word or a number: it stands on every page, where a test may look for what must not be there."""
    return "t" + "".join(secrets.choice("bcdfghjkmnpqrstvwxz") for _ in range(12))


def tenant(host: Host, *sources: Source, name: str | None = None) -> Tenant:
    """A new tenant with these packages, MINI when none is given."""
    return tenants.create(host, name or _name(), layers(*(sources or (MINI,))))


def directory_all(host: Host) -> list[Tenant]:
    """Every tenant that the directory knows."""
    host.server.prepare()
    return directory.all(host)


@contextlib.contextmanager
def workspace(
    host: Host,
    tenant: Tenant,
    *,
    write: bool = True,
    user: str | None = None,
    roles: Sequence[str] | None = None,
    unit: str | None = None,
    channel: str = "api",
    now: dt.datetime | None = None,
) -> Iterator[Workspace]:
    """A workspace of a user, of somebody new with these roles in this unit, or of the platform itself."""
    if user is None and roles is not None:
        user = person(host, tenant, roles=roles, unit=unit)
    identify: Identify = AsUser(user) if user is not None else PlatformActor()
    with open_workspace(host, tenant, identify, write=write, channel=channel, now=now) as ws:
        yield ws


def person(
    host: Host, tenant: Tenant, name: str = "Somebody", *, roles: Sequence[str] = (), unit: str | None = None
) -> str:
    """A new user with these roles; its id. Written past the records, so that tests of records can use it."""
    with workspace(host, tenant) as ws:
        values = {"name": name, "active": True, "language": "en"}
        id = insert(ws, "user", **values, **({"unit": unit} if unit else {}))
        held = table("_role_assignment", ws.dialect)
        for each in roles:
            role = ws.model.role(each)
            assert role is not None, each
            ws.db.execute(held.insert().values(user_id=id, role_id=role.id))
        bump_access(ws)
    return id


def insert(ws: Workspace, entity_name: str, **values: Any) -> str:
    """One row as it is, without rules, event or search tokens; its id. Fields that the entity lacks are left out."""
    entity = ws.model.entity(entity_name)
    assert entity is not None, entity_name
    held = table_of(ws.model, entity, ws.dialect)
    id = str(values.pop("id", None) or uuid7())
    system = {"id": id, "version": 1, "created_at": ws.now, "updated_at": ws.now}
    row: dict[str, Any] = {}
    for name, value in {**values, **system}.items():
        columns = held.fields.get(name)
        if columns is not None:
            encode = columns.encode[0] if ws.dialect == "sqlite" else None
            row[columns.value.name] = encode(value) if encode is not None and value is not None else value
    ws.db.execute(held.table.insert().values(row))
    return id


def moment(ws: Workspace, value: dt.datetime) -> Any:
    """A time as the driver takes it in a raw statement."""
    return value if ws.dialect == "postgresql" else datetime_text(value)
