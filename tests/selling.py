"""A description for tests of the write path: accounts, orders with lines, people, rates; and what the tables hold."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import orjson
import pytest
import sqlalchemy as sa

from metadata.problems import PlatformError
from runtime import records
from runtime.directory import Tenant
from runtime.host import Host
from runtime.system.tables import table
from runtime.tables import table_of
from runtime.workspace import Workspace
from tests import kit

SELLING = """
package: {code: selling, version: 1.0.0, kind: core, settings: {currency: CNY, timezone: Asia/Shanghai}}
entities:
  user:
    title: name
    fields:
      name: {type: text, max: 80, required: true}
      email: {type: email, unique: true}
      unit: {type: link, to: unit, on_delete: clear, inverse: {key: members}}
      units: {type: links, to: unit, inverse: {key: further_members}}
      active: {type: boolean, default: true}
  unit:
    title: name
    fields:
      name: {type: text, max: 80, required: true}
      parent: {type: link, to: unit, on_delete: clear, inverse: {key: below}}
  exchange_rate:
    title: currency_code
    fields:
      currency_code: {type: text, min: 3, max: 3, required: true}
      date: {type: date, required: true}
      rate: {type: decimal, scale: 8, required: true}
  account:
    label: {en: Account, zh: 客户}
    title: name
    owned: true
    search: {name: {}, phone: {}, secret: {}}
    fields:
      name: {type: text, max: 120, required: true, label: {en: Name, zh: 名称}}
      code: {type: text, max: 20, unique: true, label: {en: Code, zh: 编码}}
      phone: {type: phone}
      secret: {type: text}
      limit: {type: money}
      parent: {type: link, to: account, on_delete: clear, inverse: {key: parts}}
      size: {type: integer, min: 0}
      scan: {type: file}
      tags: {type: tags}
      extra: {type: json}
  contact:
    title: name
    access: {via: account}
    fields:
      name: {type: text, required: true}
      account: {type: link, to: account, on_delete: cascade, inverse: {key: contacts}}
  order:
    label: {en: Order, zh: 订单}
    title: name
    owned: true
    number: "O-{yyyy}{mm}-{seq:4}"
    rate_date: ordered
    search: {name: {}}
    fields:
      name: {type: text, max: 120, required: true}
      account: {type: link, to: account, required: true, on_delete: restrict, inverse: {key: orders}}
      contacts: {type: links, to: contact, inverse: {key: orders}}
      stage: {type: choice, default: open, options: {open: {}, won: {}, lost: {}}}
      amount: {type: money, min: 0}
      cost: {type: money}
      ordered: {type: date, default: today}
      seen: {type: datetime, default: now}
      seller: {type: user, default: me, on_delete: clear}
      about: {type: any_link, to: {account: {}, unit: {}}, on_delete: clear, inverse: {key: mentions}}
      lines: {type: children, of: line, by: order}
      note: {type: long_text}
    unique: {by_name: {fields: {account: {}, name: {}}, where: "stage != 'lost'"}}
  line:
    title: name
    fields:
      order: {type: link, to: order, required: true, on_delete: cascade, inverse: {key: order_lines}}
      name: {type: text, required: true}
      qty: {type: integer, min: 1, default: 1}
      price: {type: money}
  call:
    title: name
    owned: true
    fields:
      name: {type: text, required: true}
      reason: {type: text, required: true}
      account: {type: link, to: account, follows_owner: true, on_delete: clear, inverse: {key: calls}}
      after: {type: link, to: call, follows_owner: true, on_delete: clear, inverse: {key: next}}
roles:
  boss: {entities: {'*': {read: all, create: all, update: all, delete: all}}}
  seller:
    entities:
      account: {read: all, create: own, update: own, delete: own, fields: {limit: read, secret: hidden}}
      order: {read: own, create: own, update: own, delete: own}
      user: {read: all, fields: {'*': read}}
      unit: {read: all, fields: {'*': read}}
      line: {}
      contact: {}
      call: {read: own, create: own, update: own, fields: {reason: hidden}}
  local:
    entities:
      account: {read: unit, create: unit, update: unit, delete: unit}
      order: {read: subtree, create: subtree, update: subtree, delete: subtree}
      line: {}
      user: {read: all, fields: {'*': read}}
      unit: {read: all, fields: {'*': read}}
  guest: {entities: {account: {read: own}}}
"""


@dataclass(frozen=True)
class Place:
    """One tenant for a test, with a boss in a unit."""

    host: Host
    tenant: Tenant
    unit: str
    boss: str

    @contextmanager
    def as_user(self, user: str | None = None, **more: Any) -> Iterator[Workspace]:
        with kit.workspace(self.host, self.tenant, user=user or self.boss, **more) as ws:
            yield ws

    @contextmanager
    def platform(self, **more: Any) -> Iterator[Workspace]:
        with kit.workspace(self.host, self.tenant, **more) as ws:
            yield ws

    def person(self, *roles: str, unit: str | None = None) -> str:
        return kit.person(self.host, self.tenant, roles=roles, unit=unit)

    def add(self, entity: str, user: str | None = None, **values: Any) -> records.Record:
        """A record made by the boss, or somebody else, in a transaction of its own."""
        with self.as_user(user) as ws:
            return records.create(ws, entity, values)

    def state(self) -> str:
        """A digest of every row of the tenant."""
        with self.platform(write=False) as ws:
            return digest_of(ws)

    def events(self, record: str | None = None) -> list[tuple[str, str, str, dict[str, Any]]]:
        """(kind, entity, record, changes) in the order of writing."""
        with self.platform(write=False) as ws:
            return events_of(ws, record)


def place(host: Host, description: str = SELLING) -> Place:
    """A new tenant."""
    tenant = kit.tenant(host, description)
    with kit.workspace(host, tenant) as ws:
        unit = kit.insert(ws, "unit", name="Sales")
    return Place(host, tenant, unit, kit.person(host, tenant, "Boss", roles=["boss"], unit=unit))


def events_of(ws: Workspace, record: str | None = None) -> list[tuple[str, str, str, dict[str, Any]]]:
    c = table("_event", ws.dialect).c
    chosen = sa.select(c.kind, c.entity, c.record, c.changes).order_by(c.id)
    rows = ws.db.execute(chosen if record is None else chosen.where(c.record == record))
    return [(each.kind, each.entity, str(each.record), _data(each.changes)) for each in rows]


def _data(value: Any) -> Any:
    return orjson.loads(value) if isinstance(value, str) else value


def digest_of(ws: Workspace) -> str:
    """All rows of the tenant's own entities and of the platform's tables that a save may write."""
    held = [table_of(ws.model, each, ws.dialect) for each in ws.model.all("entities")]
    tables = [each.table for each in held] + [each.tokens for each in held if each.tokens is not None]
    tables += [table(name, ws.dialect) for name in ("_event", "_file", "_idempotency", "_state")]
    found = hashlib.sha256()
    for each in tables:
        rows = ws.db.fetch(f'SELECT * FROM "{each.name}"')
        found.update(each.name.encode() + "\n".join(sorted(map(repr, rows))).encode())
    return found.hexdigest()


def refused(place: Place, error: type[PlatformError], act: Callable[[Workspace], Any], user: str | None = None) -> Any:
    """Have something refused, see that nothing at all has changed, and give the error."""
    before = place.state()
    with pytest.raises(error) as caught, place.as_user(user) as ws:
        act(ws)
    assert place.state() == before, "a refusal has left something behind"
    return caught.value


def paths(error: PlatformError) -> dict[str, str]:
    """Path -> code of each problem."""
    return {each.path: each.code for each in error.problems}


DAY = dt.datetime(2027, 6, 30, 17, 0, tzinfo=dt.UTC)
"""In Shanghai it is 1 July already."""
