"""An approval as it is written, in a small shop, for the tests of the section `approvals`."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from metadata.compiler import Compiled, compile_layers
from metadata.documents.package import read_text
from metadata.problems import MetadataInvalid, Problem

SHOP = """
package: {code: shop}
calendars: {office: {timezone: Asia/Shanghai, hours: {monday: ["09:00-18:00"]}}}
roles: {seller: {}, boss: {}, money: {}}
entities:
  user: {fields: {name: {type: text}, manager: {type: link, to: user}, unit: {type: link, to: unit}}}
  unit: {fields: {name: {type: text}, head: {type: user}}}
  account: {fields: {name: {type: text}, keeper: {type: user}}}
  line: {fields: {quote: {type: link, to: quote}, qty: {type: integer}}}
  log: {written_by: platform, fields: {name: {type: text}}}
  quote:
    owned: true
    fields:
      name: {type: text}
      amount: {type: decimal}
      discount: {type: percent}
      double: {type: formula, as: decimal, value: "amount * 2"}
      status: {type: choice, options: {draft: {}, asked: {}, agreed: {}}}
      note: {type: text}
      account: {type: link, to: account}
      lawyer: {type: user}
      team: {type: links, to: user}
      lines: {type: children, of: line, by: quote}
"""
DISCOUNT = """
label: {en: Discount, zh: 折扣}
entity: quote
priority: 20
entry: "discount > 10"
submitters: {seller: {}}
title: {en: "{name} of {account.name}", zh: "{account.name}的{name}"}
summary: {amount: {}, discount: {}}
withdraw: while_running
resubmit: direct
same_approver: once
lock: {open: {note: {}}, keep_after: {approved: {}}}
separated: {finance: {}}
material: {amount: {}}
admins: {boss: {}}
on_delete: terminate
matrices:
  limits:
    small: {when: "amount < 1000", who: {m: {by: manager_of}}}
    rest: {who: {b: {by: role, role: boss, within: record_unit}}}
nodes:
  first:
    type: approve
    label: {en: Manager, zh: 主管}
    who:
      manager: {by: manager_of, level: 2, climb: skip}
      keeper: {by: field, path: account.keeper}
    empty: climb
    self: to_manager
    timeout:
      after: PT8H
      calendar: office
      remind: PT4H
      reminders: 2
      then: escalate
      to: {up: {by: manager_of, of: assignee}}
    reject: return
    return_to: {initiator: {}}
    comment_on: {reject: {}, return: {}}
    fields: {note: write, amount: read, discount: hidden}
  size:
    type: branch
    ways:
      large:
        when: "amount >= 500000"
        nodes:
          director:
            type: approve
            who: {r: {by: role, role: boss}}
            empty: users
            empty_users: {u: {by: user, user: a@b.example}}
    else: {}
  both:
    type: parallel
    branches:
      numbers:
        finance:
          type: approve
          who: {m: {by: matrix, matrix: limits}}
          empty: admin
          self: skip
          mode: {kind: weighted, at_least: 3, weights: {money: 2}, veto: {boss: {}}}
      words:
        legal:
          type: handle
          who: {l: {by: expression, expression: "amount > 5 ? lawyer : owner"}}
          empty: approve
          return_to: {first: {}}
  pause: {type: delay, span: P1D, calendar: office}
  mark: {type: set, values: {note: "concat(name, '!')", discount: 5}}
  again: {type: route, to: first, when: "discount > 50"}
  inform: {type: cc, who: {t: {by: field, path: team}}}
actions:
  submitted: {set: {status: "'asked'"}}
  approved: {set: {status: "'agreed'", lawyer: "$user"}}
"""


def shop(approval: Any = None, **others: Any) -> str:
    data = yaml.safe_load(SHOP)
    data["approvals"] = {"discount": yaml.safe_load(DISCOUNT) if approval is None else approval, **others}
    return json.dumps(data)


def compiled(*texts: str) -> Compiled:
    return compile_layers([read_text(text, f"{place}.json") for place, text in enumerate(texts)])


def found(approval: Any) -> list[Problem]:
    with pytest.raises(MetadataInvalid) as caught:
        compiled(shop(approval))
    return list(caught.value.problems)
