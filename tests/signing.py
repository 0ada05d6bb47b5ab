"""A business whose quotes need approval, with people who approve them, for the tests of approvals at work."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from runtime import approvals, records
from runtime.directory import Tenant
from runtime.host import Host
from runtime.workspace import Workspace
from tests import kit
from workflow.approvals.request import Request, Task

NOW = dt.datetime(2027, 3, 1, 2, tzinfo=dt.UTC)
"""A Monday, ten in the morning in Shanghai."""

WORLD = """
package: {code: signing, version: 1.0.0, kind: industry, requires: {core: ">=0.1"}}
entities:
  account:
    title: name
    owned: true
    fields:
      name: {type: text, max: 120, required: true}
      credit: {type: decimal, scale: 2}
  quote:
    title: name
    owned: true
    fields:
      name: {type: text, max: 120, required: true}
      account: {type: link, to: account, on_delete: cascade, inverse: {key: quotes}}
      partner: {type: link, to: account, on_delete: clear, inverse: {key: partner_quotes}}
      discount: {type: integer, default: 0}
      amount: {type: decimal, scale: 2}
      cost: {type: decimal, scale: 2}
      wage: {type: text, max: 40, sensitivity: personal}
      status: {type: choice, default: draft, options: {draft: {}, in_approval: {}, approved: {}, rejected: {}}}
      note: {type: text, max: 200}
      price_note: {type: text, max: 200}
      counsel: {type: user, inverse: {key: counselled}}
      lines: {type: children, of: quote_line, by: quote}
      total: {type: rollup, of: lines, sum: price}
    rules:
      no_bad_note: {when: "price_note == 'never'", reject: {field: price_note, message: {en: Not that., zh: 不行。}}}
  quote_line:
    title: what
    fields:
      what: {type: text, max: 80}
      quote: {type: link, to: quote, required: true, on_delete: cascade, inverse: {key: quote_lines}}
      price: {type: decimal, scale: 2}
approvals:
  discount:
    label: {en: Discount approval, zh: 折扣审批}
    entity: quote
    entry: "discount > 10"
    title: {en: "{name}: {discount}% for {account.name}", zh: "{name}：{discount}%"}
    summary: {account: {}, amount: {}, discount: {}}
    lock: {open: {price_note: {}}, keep_after: {approved: {}}}
    material: {discount: {}, amount: {}}
    admins: {keeper: {}}
    withdraw: while_running
    matrices:
      money:
        large: {when: "amount >= 500000", who: {cfo: {by: role, role: cfo}}}
        small: {who: {clerk: {by: role, role: clerk}}}
    nodes:
      boss:
        type: approve
        label: {en: Manager, zh: 主管}
        who: {boss: {by: manager_of}}
        empty: admin
        fields: {cost: hidden, note: write, wage: read}
        bulk: true
      size:
        type: branch
        ways:
          big:
            when: "amount >= 500000"
            nodes:
              director:
                type: approve
                label: {en: Director, zh: 总监}
                who: {d: {by: role, role: director}}
                mode: {kind: any}
                empty: admin
        else: {}
      money:
        type: approve
        label: {en: Finance, zh: 财务}
        who: {m: {by: matrix, matrix: money}}
        mode: {kind: any}
        empty: admin
      inform: {type: cc, who: {ops: {by: role, role: ops}}}
    actions:
      submitted: {set: {status: "'in_approval'"}}
      approved: {set: {status: "'approved'"}}
      rejected: {set: {status: "'rejected'"}}
      withdrawn: {set: {status: "'draft'"}}
      voided: {set: {status: "'draft'"}}
roles:
  seller:
    entities:
      account: {read: all, create: all, update: all, delete: all}
      quote: {read: own, create: own, update: own, delete: own, fields: {cost: hidden, wage: hidden, "*": write}}
      quote_line: {fields: {"*": write}}
  manager:
    entities:
      account: {read: all, update: all, delete: all}
      quote: {read: all, update: all, delete: all, fields: {wage: hidden, "*": write}}
  director: {entities: {quote: {read: own}}}
  cfo: {entities: {quote: {read: own}}}
  clerk: {entities: {}}
  keeper: {entities: {quote: {read: all, update: all, delete: all}}}
  ops: {entities: {}}
"""

NAMES = {
    "ida": ("seller",),
    "sid": ("seller",),
    "bob": ("manager",),
    "dora": ("director",),
    "dan": ("director",),
    "carl": ("cfo",),
    "cleo": ("clerk",),
    "olga": ("ops",),
    "kay": ("keeper",),
    "zoe": (),
}
"""Everybody is a member as well; bob is the manager of ida and sid."""


@dataclass
class Firm:
    """One tenant with its people, at a time that can be moved."""

    host: Host
    tenant: Tenant
    people: Mapping[str, str]
    now: dt.datetime = NOW
    last: str = ""
    """The request that was made last."""
    more: dict[str, Any] = field(default_factory=dict)

    @contextmanager
    def as_(self, name: str | None, write: bool = True, channel: str = "api") -> Iterator[Workspace]:
        """A unit of work of a person; None: of the platform."""
        user = None if name is None else self.people[name]
        with kit.workspace(self.host, self.tenant, user=user, write=write, channel=channel, now=self.now) as ws:
            yield ws

    def later(self, **span: float) -> None:
        self.now += dt.timedelta(**span)

    def quote(self, by: str = "ida", **values: Any) -> str:
        given = {"name": "Marmalade", "discount": 20, "amount": "1000", **values}
        with self.as_(by) as ws:
            if "account" not in given:
                given["account"] = records.create(ws, "account", {"name": "Quince Ltd"}).id
            return records.create(ws, "quote", given).id

    def submit(self, quote: str, by: str = "ida", **more: Any) -> Request:
        with self.as_(by) as ws:
            request = approvals.submit(ws, "quote", quote, **more)
        self.last = request.id
        return request

    def act(self, by: str, verb: str, id: str | None = None, **body: Any) -> Request:
        with self.as_(by) as ws:
            return approvals.act(ws, id or self.last, verb, body)

    def show(self, by: str, id: str | None = None) -> dict[str, Any]:
        with self.as_(by, write=False) as ws:
            return approvals.show(ws, id or self.last)

    def box(self, by: str, box: Any = "waiting", **more: Any) -> list[dict[str, Any]]:
        with self.as_(by, write=False) as ws:
            found: list[dict[str, Any]] = approvals.boxes(ws, box, **more)["data"]
            return found

    def values(self, quote: str) -> Mapping[str, Any]:
        """The record as it is, seen by the platform."""
        from runtime import queries

        with self.as_(None, write=False) as ws:
            return queries.get(ws, "quote", quote)

    def asked(self, request: Request) -> list[str]:
        """Names of those who are asked now."""
        names = {id: name for name, id in self.people.items()}
        return [names[each.assignee] for each in request.pending()]

    def task(self, request: Request, name: str) -> Task:
        return next(each for each in request.pending() if each.assignee == self.people[name])

    def table(self, name: str, read: Callable[[Workspace], Any]) -> Any:
        with self.as_(None, write=False) as ws:
            return read(ws)


def firm(host: Host, source: str = WORLD) -> Firm:
    """A new tenant with these people."""
    tenant = kit.tenant(host, source)
    people = {
        name: kit.person(host, tenant, name.capitalize(), roles=("member", *roles)) for name, roles in NAMES.items()
    }
    made = Firm(host, tenant, people)
    with made.as_(None) as ws:
        for name in ("ida", "sid"):
            records.update(ws, "user", people[name], {"manager": people["bob"]})
    return made
