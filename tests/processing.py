"""A business whose records start workflows, for the tests of what runs after saves."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
import yaml

from runtime import queries, records
from runtime.deliveries.table import DELIVERY
from runtime.directory import Tenant
from runtime.host import Host
from runtime.jobs import Job, drain, table
from runtime.processes import instances, trace
from runtime.processes.instances import Run
from runtime.queries import Query
from runtime.workspace import Workspace
from tests import kit

WORLD = """
package: {code: worked, version: 1.0.0, kind: industry, requires: {core: ">=0.1"}}
entities:
  account:
    title: name
    owned: true
    fields:
      name: {type: text, max: 120, required: true}
      size: {type: integer}
      secret: {type: text, max: 40}
  deal:
    title: name
    owned: true
    fields:
      name: {type: text, max: 120, required: true}
      account: {type: link, to: account, on_delete: clear, inverse: {key: deals}}
      stage: {type: choice, default: open, options: {open: {}, won: {}, lost: {}}}
      amount: {type: decimal, scale: 2}
      closes: {type: date}
      meets: {type: datetime}
      note: {type: text, max: 200}
      count: {type: integer, default: 0}
      code: {type: text, max: 40, unique: true}
      helper: {type: user}
      lines: {type: children, of: line, by: deal}
  line:
    title: what
    fields:
      what: {type: text, max: 80}
      deal: {type: link, to: deal, required: true, on_delete: cascade, inverse: {key: deal_lines}}
      price: {type: decimal, scale: 2}
      note: {type: text, max: 80}
  mark:
    title: name
    owned: true
    fields:
      name: {type: text, max: 120, required: true}
      deal: {type: link, to: deal, on_delete: cascade, inverse: {key: marks}}
      about: {type: any_link, to: {deal: {}, account: {}}, on_delete: cascade, inverse: {key: remarks}}
      value: {type: decimal, scale: 2}
      rank: {type: integer}
      day: {type: date}
roles:
  seller:
    entities:
      "*": {read: all, create: all, update: all, delete: all}
      account: {read: all, create: all, update: all, delete: all, fields: {secret: hidden, "*": write}}
    capabilities: {import: true, export: true}
  looker:
    entities:
      deal: {read: all, create: all, update: all}
      account: {read: all}
      mark: {read: none}
      user: {read: all}
  marker:
    entities: {mark: {read: all, create: all}, deal: {read: all}}
  boss:
    capabilities: {configure: true, jobs: true}
    entities: {"*": {read: all, create: all, update: all, delete: all}}
"""


def world(workflows: str = "", **more: Any) -> str:
    """The business with these workflows: the YAML of the section's body, indented as a block."""
    body = yaml.safe_load(WORLD)
    text = yaml.safe_load(workflows) if workflows else {}
    if text:
        body["workflows"] = text
    body.update(more)
    return yaml.safe_dump(body, sort_keys=False, allow_unicode=True)


def work(host: Host, tenant: Tenant, seconds: float = 30.0) -> None:
    """Do all that is due."""
    for _ in range(50):
        again = drain(host, tenant, seconds)
        if again is None or again > 0:
            return


def made(host: Host, tenant: Tenant, entity: str, user: str | None = None, **values: Any) -> str:
    with kit.workspace(host, tenant, user=user) as ws:
        return records.create(ws, entity, values).id


def changed(host: Host, tenant: Tenant, entity: str, id: str, user: str | None = None, **values: Any) -> None:
    with kit.workspace(host, tenant, user=user) as ws:
        records.update(ws, entity, id, values)


def got(host: Host, tenant: Tenant, entity: str, id: str) -> Mapping[str, Any]:
    with kit.workspace(host, tenant, write=False) as ws:
        return queries.get(ws, entity, id)


def found(host: Host, tenant: Tenant, entity: str, where: str | None = None) -> list[dict[str, Any]]:
    with kit.workspace(host, tenant, write=False) as ws:
        return queries.as_json(queries.find(ws, Query(entity, where, sort=("created_at", "id"), limit=500)))


def runs(host: Host, tenant: Tenant, workflow: str | None = None) -> list[Run]:
    """The oldest first."""
    with kit.workspace(host, tenant, write=False) as ws:
        return list(reversed(instances.listing(ws, workflow, limit=5_000)))


def lines(host: Host, tenant: Tenant, run: str) -> list[tuple[str, str]]:
    """(step, kind) of each line of a trace."""
    with kit.workspace(host, tenant, write=False) as ws:
        return [(each.step, each.kind) for each in trace.read(ws, run)]


def jobs(host: Host, tenant: Tenant, kind: str = "workflow", state: str | None = None) -> Sequence[Job]:
    with kit.workspace(host, tenant, write=False) as ws:
        return [each for each in table.listing(ws, state, 5_000) if each.kind == kind]


def sooner(host: Host, tenant: Tenant, kind: str = "workflow") -> int:
    """Have the time pass: all jobs of a kind that wait for their moment are due now; how many."""
    with kit.workspace(host, tenant) as ws:
        waiting = sa.update(table.JOB).where(table.JOB.c.kind == kind, table.JOB.c.state == "queued")
        return ws.db.execute(waiting.values(run_at=ws.now - dt.timedelta(minutes=1))).rowcount


def mails(host: Host, tenant: Tenant) -> list[str]:
    """To whom runs have sent mails, the oldest first: the address that a step names, or the id of a person."""
    c = DELIVERY.c
    with kit.workspace(host, tenant, write=False) as ws:
        keys = ws.db.execute(sa.select(c.key).where(c.channel == "mail").order_by(c.id)).scalars()
        return [each.rpartition(":")[2] for each in keys]


def events(ws: Workspace, entity: str) -> list[Any]:
    """(kind, channel, cause, depth, actor) of the events of an entity, in order."""
    from runtime.system.tables import table as system

    c = system("_event", ws.db.dialect).c
    query = sa.select(c.kind, c.channel, c.cause, c.depth, c.actor, c.id, c.record).where(c.entity == entity)
    return list(ws.db.execute(query.order_by(c.id)))
