"""A business with a past, and a look at everything that a tenant keeps, for the tests of simulation."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

import sqlalchemy as sa
import yaml

from runtime import records
from runtime.directory import Tenant
from runtime.host import Host
from runtime.simulating.asking import Asked
from runtime.simulating.report import told
from runtime.simulating.run import simulate
from runtime.workspace import AsUser, Workspace
from tests import kit

WORLD = """
package: {code: shop, version: 1.0.0, kind: industry, requires: {core: ">=0.1"}}
entities:
  account:
    title: name
    fields:
      name: {type: text, max: 120, required: true}
      limit: {type: integer}
  deal:
    title: name
    owned: true
    number: "D-{seq:6}"
    fields:
      name: {type: text, max: 120, required: true}
      account: {type: link, to: account, on_delete: clear, inverse: {key: deals}}
      stage: {type: choice, default: open, options: {open: {}, won: {}, lost: {}}}
      amount: {type: integer}
      margin: {type: percent}
      reason: {type: text, max: 200}
      chance: {type: integer}
      profit: {type: formula, as: decimal, value: "amount * margin / 100"}
      secret: {type: text, max: 40}
      boss: {type: user}
    rules:
      not_negative: {when: "amount < 0", reject: {field: amount, message: {en: Below zero., zh: 小于零。}}}
      reason_when_lost: {when: "stage == 'lost'", require: {reason: {}}}
      chance_of_stage: {when: "changed('stage')", set: {chance: "stage == 'won' ? 100 : 10"}}
      within_limit:
        when: "amount > account.limit"
        reject: {field: amount, warn: true, message: {en: Above the limit., zh: 超过限额。}}
workflows:
  big:
    entity: deal
    triggers:
      made: {created: {}, when: "amount > 100"}
      moved: {updated: {}, when: "changed('stage') and stage == 'won'"}
    steps:
      size:
        if: "amount > 1000"
        then:
          note: {update: {values: {reason: "'large'"}}}
          boss: {task: {title: "Look at {name}", to: {boss: {path: owner}}}}
        else:
          tell: {send: {to: {who: {path: owner}}, by: {app: {}, mail: {}}, subject: "Deal {name}"}}
  gone:
    entity: deal
    triggers: {left: {deleted: {}, when: "stage == 'won'"}}
    steps: {call: {call: {url: "https://example.com/hook"}}}
roles:
  seller:
    entities: {"*": {read: all, create: all, update: all, delete: all}}
  boss:
    capabilities: {configure: true}
    entities:
      "*": {read: all, create: all, update: all, delete: all}
      deal: {read: own, fields: {secret: hidden, "*": write}}
"""


def changed(source: str = WORLD, /, **sections: Any) -> str:
    """The description with parts of it replaced: `entities={"deal": {"rules": {...}}}`, None takes away."""
    body = yaml.safe_load(source)
    _merge(body, sections)
    return yaml.dump(body, Dumper=_Plain, sort_keys=False, allow_unicode=True)


class _Plain(yaml.SafeDumper):
    """Writes out what is there twice."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _merge(into: dict[str, Any], more: Mapping[str, Any]) -> None:
    for key, value in more.items():
        if value is None:
            into.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = value


def replayed(host: Host, tenant: Tenant, source: str, user: str | None = None, **asked: Any) -> dict[str, Any]:
    """The report in English."""
    identify = None if user is None else AsUser(user)
    report = simulate(host, tenant, [kit.layer(source)], Asked(**asked), identify)
    found: dict[str, Any] = told(report.as_json(), "en")
    return found


def definition(report: Mapping[str, Any], name: str) -> dict[str, Any]:
    """What is said of one definition."""
    found: dict[str, Any] = next(each for each in report["definitions"] if each["name"] == name)
    return found


def checksums(host: Host, tenant: Tenant) -> dict[str, tuple[int, str]]:
    """Table -> rows and a digest of all that is in them, for every table of a tenant."""
    with kit.workspace(host, tenant, write=False) as ws:
        return {name: _checksum(ws, name) for name in _tables(ws)}


def _tables(ws: Workspace) -> Sequence[str]:
    if ws.dialect == "sqlite":
        text = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
    else:
        text = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY tablename"
    return [str(name) for (name,) in ws.db.execute(sa.text(text))]


def _checksum(ws: Workspace, name: str) -> tuple[int, str]:
    digest, rows = hashlib.sha256(), []
    for row in ws.db.execute(sa.text(f'SELECT * FROM "{name}"')):  # a name of the catalogue
        rows.append(repr(tuple(row)))
    for each in sorted(rows):
        digest.update(each.encode())
    return len(rows), digest.hexdigest()


def sequences(host: Host, tenant: Tenant) -> list[Any]:
    """Where the sequences of the database stand; none on SQLite, where tables hold all numbers."""
    with kit.workspace(host, tenant, write=False) as ws:
        if ws.dialect == "sqlite":
            return []
        text = "SELECT schemaname, sequencename, last_value FROM pg_sequences ORDER BY 1, 2"
        return [tuple(row) for row in ws.db.execute(sa.text(text))]


STAGES = ("open", "won", "lost")


def lived(host: Host, tenant: Tenant, events: int, seed: int) -> int:
    """Deals made and changed at random until there are so many events of them; how many there are."""
    random = Random(seed)
    made = 0
    with kit.workspace(host, tenant) as ws:
        accounts = [records.create(ws, "account", {"name": f"A {at}", "limit": at * 100}).id for at in range(20)]
    while made < events:
        count = min(1_000, max(1, (events - made) // 3))
        with kit.workspace(host, tenant) as ws:
            rows = [_deal(random, accounts) for _ in range(count)]
            found = records.write_many(ws, "deal", "insert", rows, confirm=("*",))
            ids = [each.id for each in found if each.id is not None]
        made += len(ids)
        for _ in range(2):
            with kit.workspace(host, tenant) as ws:
                rows = [{"id": id, **_change(random)} for id in ids]
                done = records.write_many(ws, "deal", "update", rows, ("id",), confirm=("*",))
            made += sum(each.action == "updated" for each in done)
    return made


def _deal(random: Random, accounts: Sequence[str]) -> dict[str, Any]:
    return {
        "name": f"Deal {random.randrange(10**9)}",
        "account": random.choice(accounts),
        "amount": random.randrange(0, 3_000),
        "margin": str(random.randrange(0, 60)),
    }


def _change(random: Random) -> dict[str, Any]:
    stage = random.choice(STAGES)
    return {"stage": stage, "amount": random.randrange(0, 3_000), "reason": f"since {random.randrange(10**6)}"}
