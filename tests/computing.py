"""A business whose fields compute each other, for the tests of computed fields."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from runtime import queries
from runtime.directory import Tenant
from runtime.host import Host
from runtime.records import create, update
from runtime.records.computing import rebuilding
from tests import kit

NOW = dt.datetime(2027, 6, 30, 12, tzinfo=dt.UTC)

WORLD = """
package: {code: reckon, version: 1.0.0, kind: core, settings: {currency: CNY, timezone: Asia/Shanghai}}
entities:
  user:
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
    title: name
    fields:
      name: {type: text, max: 80, required: true}
      parent: {type: link, to: unit, inverse: {key: children}}
      manager: {type: user, inverse: {key: heads_of}}
  exchange_rate:
    title: currency_code
    fields:
      currency_code: {type: text, min: 3, max: 3, required: true}
      date: {type: date, required: true}
      rate: {type: decimal, scale: 8, required: true}
  account:
    title: name
    owned: true
    search: {name: {}}
    fields:
      name: {type: text, max: 120, required: true}
      industry: {type: choice, options: {it: {label: IT}, health: {label: Health}}}
      parent: {type: link, to: account, on_delete: clear, inverse: {key: subsidiaries}}
      deals_count: {type: rollup, of: deals, count: true}
      open_amount: {type: rollup, of: deals, sum: amount, where: "stage == 'open'"}
      largest: {type: rollup, of: deals, max: total}
      last_close: {type: rollup, of: deals, max: closes}
      last_visit: {type: rollup, of: visits, max: at}
      rank: {type: formula, as: choice, options: {a: {}, b: {}}, value: "open_amount >= 1000 ? 'a' : 'b'"}
  deal:
    title: name
    owned: true
    search: {name: {}}
    fields:
      name: {type: text, max: 120, required: true}
      account: {type: link, to: account, on_delete: clear, inverse: {key: deals}}
      stage: {type: choice, default: open, options: {open: {}, won: {}, lost: {}}}
      amount: {type: money}
      chance: {type: percent, default: "50"}
      closes: {type: date}
      weighted: {type: formula, as: money, value: "amount * chance / 100"}
      industry: {type: lookup, path: account.industry}
      title: {type: formula, as: text, value: "concat(name, ' / ', account.name)"}
      lines: {type: children, of: line, by: deal}
      total: {type: rollup, of: lines, sum: subtotal}
      big_lines: {type: rollup, of: lines, count: true, where: "subtotal > 100"}
      average: {type: rollup, of: lines, avg: quantity}
      middle: {type: rollup, of: lines, median: quantity, where: "quantity > 1"}
      helpers: {type: links, to: user, inverse: {key: helped}}
      helper_count: {type: rollup, of: helpers, count: true}
      days_left: {type: formula, as: integer, value: "days_between($today, closes)"}
      late: {type: formula, as: boolean, value: "days_left < 0"}
  line:
    title: what
    currency: {from: deal}
    fields:
      what: {type: text, max: 80}
      deal: {type: link, to: deal, required: true, on_delete: cascade, inverse: {key: deal_lines}}
      quantity: {type: decimal, scale: 3, default: "1"}
      price: {type: money}
      subtotal: {type: formula, as: money, value: "quantity * price"}
      deal_name: {type: lookup, path: deal.name}
  visit:
    title: subject
    fields:
      subject: {type: text, max: 80}
      related: {type: any_link, to: {account: {}, deal: {}}, on_delete: cascade, inverse: {key: visits}}
      at: {type: datetime}
roles:
  admin:
    capabilities: {configure: true, users: true, import: true, export: true, jobs: true, feed: true}
    entities: {'*': {read: all, create: all, update: all, delete: all}}
  seller:
    entities:
      account: {read: all, create: all, update: all, fields: {industry: hidden, '*': write}}
      deal: {read: all, create: all, update: all, delete: all}
"""


@dataclass(frozen=True)
class Place:
    host: Host
    tenant: Tenant

    def add(self, entity: str, **values: Any) -> str:
        with kit.workspace(self.host, self.tenant, now=NOW) as ws:
            return create(ws, entity, values).id

    def change(self, entity: str, id: str, **values: Any) -> None:
        with kit.workspace(self.host, self.tenant, now=NOW) as ws:
            update(ws, entity, id, values)

    def get(self, entity: str, id: str, *names: str) -> Any:
        with kit.workspace(self.host, self.tenant, write=False, now=NOW) as ws:
            found = queries.get(ws, entity, id)
        values = [_plain(found.get(name)) for name in names]
        return values[0] if len(values) == 1 else tuple(values)

    def right(self) -> None:
        """Every stored value is what it should be."""
        found = list(rebuilding.check(self.host, self.tenant))
        wrong = [each.shown for each in found if each.wrong]
        assert found and not wrong, wrong


def _plain(value: Any) -> Any:
    return value["amount"] if isinstance(value, Mapping) and "amount" in value else value
