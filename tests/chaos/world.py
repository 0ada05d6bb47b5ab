"""The business under fire: what each write leads to, so that everything that must come of it is known beforehand."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from metadata.documents.package import read_package
from runtime import accounts, assignments, records, tenants, tokens
from runtime.directory import Tenant
from runtime.host import Host
from runtime.workspace import PlatformActor, open_workspace
from tests import kit
from tests.bench.sites import ROOT

FULL, BIG = 500, 900
"""An order of so much is told outside, and one of so much needs approval as well."""
SENDER = "chaos@example.com"

_PACKAGE = """
package: {code: chaos, version: 1.0.0, kind: industry, requires: {core: '>=0.1'}}
entities:
  order:
    title: name
    owned: true
    fields:
      name: {type: text, max: 120, required: true}
      amount: {type: integer, default: 0}
      note: {type: text, max: 120}
      count: {type: integer, default: 0}
  mark:
    title: name
    fields:
      name: {type: text, max: 120, required: true}
  part:
    title: name
    fields:
      name: {type: text, max: 120, required: true}
roles:
  boss: {entities: {order: {read: all, update: all}}}
approvals:
  big:
    label: Big orders
    entity: order
    title: "{name}"
    nodes:
      boss: {type: approve, who: {boss: {by: role, role: boss}}, mode: {kind: any}, empty: admin}
workflows:
  follow:
    entity: order
    run_as: {role: admin}
    triggers: {made: {created: {}}}
    steps:
      first: {create: {entity: mark, values: {name: "concat('a ', name)"}}}
      counted: {update: {values: {count: "count + 1"}}}
      outside:
        if: "amount >= FULL"
        then:
          letter: {send: {address: "'somebody@example.com'", by: {mail: {}}, subject: "{name}", body: Thank you}}
          pause: {wait: {span: PT1S}}
          reach: {call: {url: "URL", body: {name: name}}}
      large:
        if: "amount >= BIG"
        then:
          ask:
            approval:
              approval: big
              approved: {agreed: {create: {entity: mark, values: {name: "concat('ok ', name)"}}}}
      last: {create: {entity: mark, values: {name: "concat('z ', name)"}}}
  noted:
    entity: order
    run_as: {role: admin}
    triggers: {changed: {updated: {}, when: "changed('note')"}}
    steps: {noted: {create: {entity: mark, values: {name: "concat('n ', note)"}}}}
"""


@dataclass(frozen=True, slots=True)
class World:
    """A tenant with its webhook, and the secrets of the tokens of who orders and who approves."""

    tenant: Tenant
    clerk: str
    boss: str

    @property
    def path(self) -> str:
        return f"/t/{self.tenant.name}/api/v1"


def create(host: Host, name: str, place: str) -> World:
    """A tenant whose workflows and webhook reach out to `place`, the URL of a receiver."""
    package = _PACKAGE.replace("FULL", str(FULL)).replace("BIG", str(BIG)).replace("URL", f"{place}/call")
    tenant = tenants.create(host, name, [read_package(ROOT / "configs" / "core"), kit.layer(package)])
    with open_workspace(host, tenant, PlatformActor(), write=True, channel="command") as ws:
        found = []
        for login, roles in (("clerk", ["admin"]), ("boss", ["member", "boss"])):
            user = accounts.create_user(ws, login, {"name": login.capitalize()}, secrets.token_urlsafe(16))
            assignments.set_roles(ws, user, roles)
            found.append(tokens.create(ws, user, login, ["read", "write"]).secret)
        hook = {"name": "chaos", "url": f"{place}/hook", "about": "order", "role": "admin", "updated": False}
        told = {"condition": f"amount >= {FULL}", "secret": secrets.token_urlsafe(24)}
        records.create(ws, "webhook", {**hook, **told})
    return World(tenant, *found)
