"""A business whose records keep rules of every kind, for the tests of rules."""

from __future__ import annotations

WORLD = """
package: {code: ruled, version: 1.0.0, kind: industry, requires: {core: ">=0.1"}}
entities:
  account:
    title: name
    owned: true
    fields:
      name: {type: text, max: 120, required: true}
      blocked: {type: boolean, default: false}
      limit: {type: decimal, scale: 2}
  deal:
    title: name
    owned: true
    search: {name: {}}
    fields:
      name: {type: text, max: 120, required: true}
      account: {type: link, to: account, on_delete: clear, inverse: {key: deals}}
      stage: {type: choice, default: open, options: {open: {}, won: {}, lost: {}}}
      kind: {type: choice, options: {goods: {}, service: {}}}
      way: {type: choice, options: {ship: {}, fetch: {}, online: {}}}
      amount: {type: decimal, scale: 2}
      chance: {type: integer}
      closes: {type: date}
      reason: {type: text, max: 200}
      rival: {type: text, max: 80}
      code: {type: text, max: 20}
      lines: {type: children, of: line, by: deal}
    rules:
      reason_when_lost: {when: "stage == 'lost'", require: {reason: {}}}
      not_negative:
        label: {en: No negative amounts, zh: 金额不可为负}
        when: "amount < 0"
        reject:
          field: amount
          message: {en: "{amount} is below zero. Enter 0 or more.", zh: "{amount} 小于零。请输入不小于 0 的数。"}
      within_limit:
        when: "amount > account.limit"
        reject:
          field: amount
          message:
            en: "More than {account.limit}, the limit of {account.name}."
            zh: "超过 {account.name} 的限额 {account.limit}。"
      large:
        when: "amount > 1000000 and changed('amount')"
        reject:
          field: amount
          warn: true
          message: {en: "Is {round(amount / 1000)} thousand right?", zh: "金额 {amount} 是否正确？"}
      chance_of_stage: {when: "changed('stage')", set: {chance: "stage == 'won' ? 100 : stage == 'lost' ? 0 : 10"}}
      rival_when_lost: {when: "stage != 'lost'", hide: {rival: {clear: true}}}
      code_is_final: {on: update, when: "old.code != null", read_only: {code: {}}}
      ways_of_services: {when: "kind == 'service'", options: {way: {fetch: {}, online: {}}}}
      full_lines:
        when: "any(lines, quantity <= 0)"
        reject: {field: lines, message: {en: Lines need a quantity., zh: 明细需要数量。}}
  line:
    title: what
    fields:
      what: {type: text, max: 80}
      deal: {type: link, to: deal, required: true, on_delete: cascade, inverse: {key: deal_lines}}
      quantity: {type: integer, default: 1}
    rules:
      few: {when: "quantity > 1000", reject: {field: quantity, warn: true, message: {en: That many?, zh: 这么多？}}}
roles:
  seller:
    entities:
      "*": {read: all, create: all, update: all, delete: all}
      account: {read: all, create: all, update: all, delete: all, fields: {limit: hidden, "*": write}}
    capabilities: {import: true, export: true}
"""
