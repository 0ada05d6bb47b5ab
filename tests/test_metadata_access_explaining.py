# ruff: noqa: E501
"""Explanations of access in both languages: each kind of yes and no, with the values that decided."""

from __future__ import annotations

import datetime as dt
from typing import Any, cast

import pytest

from metadata.access import Actor
from metadata.access_explaining import Case, Given, explain, explain_field
from metadata.expressions.binding import Binding
from metadata.expressions.evaluate import Row
from metadata.model import Entity, Model
from tests import kit

SHOP = """
package: {code: shop}
entities:
  user: {fields: {name: {type: text}}}
  unit: {fields: {name: {type: text}}}
  account: {fields: {name: {type: text}, level: {type: integer}}}
  deal:
    label: {en: Deal, zh: 商机}
    plural: {en: Deals, zh: 商机}
    owned: true
    fields:
      name: {type: text}
      account: {type: link, to: account}
      stage: {type: choice, options: {new: {}, won: {}}}
      amount: {type: integer, label: {en: Amount, zh: 金额}}
      mail: {type: email, sensitivity: personal, label: {en: Mail, zh: 邮箱}}
      pin: {type: text, sensitivity: secret, label: {en: Pin, zh: 口令}}
roles:
  all: {label: {en: All, zh: 全部}, entities: {deal: {read: all, update: all}}}
  own: {label: {en: Own, zh: 个人}, entities: {deal: {read: own, update: own, delete: none}}}
  unit: {label: {en: Unit, zh: 部门}, entities: {deal: {read: unit}}}
  below: {label: {en: Below, zh: 下级}, entities: {deal: {read: subtree}}}
  guest: {label: {en: Guest, zh: 访客}, entities: {deal: {read: team, update: team}}}
  other: {label: {en: Other, zh: 其他}, entities: {account: {read: all}}}
  small:
    label: {en: Small, zh: 小单}
    entities:
      deal:
        read: {where: "amount < 100 and stage != 'won'"}
        update: {where: "account.level >= 2"}
        delete: {where: "owner == $user or amount == 1"}
        fields: {amount: {right: write, when: "stage != 'won'", otherwise: read}, pin: hidden}
  open: {label: {en: Open, zh: 开放}, clearance: personal, entities: {deal: {read: all, fields: {mail: read}}}}
"""
MODEL: Model = kit.compile_yaml(SHOP)
DEAL = cast(Entity, MODEL.entity("deal"))
assert DEAL is not None
NOW = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)


def case(roles: str, given: tuple[Given, ...] = (), blank: tuple[str, ...] = (), **values: Any) -> Case:
    actor = Actor("ada", "Ada", tuple(roles.split()), ("sales",), "sales", frozenset({"sales", "north"}))
    binding = Binding(NOW, "UTC", "ada")
    row = Row(values, lambda entity, id: {"level": int(id)} if id.isdigit() else None)
    return Case(MODEL, actor, DEAL, row, binding, lambda _, field: field not in blank, given)


ROWS: list[tuple[str, Case, str, str, str]] = [
    ("read", case(""), "-", "Ada has no role.", "Ada没有任何角色。"),
    ("read", case("other"), "-", "The role Other says nothing about Deals.", "角色“其他”未涉及商机。"),
    ("read", case("all"), "+", "The role All lets its people see all Deals.", "角色“全部”允许查看所有商机。"),
    ("update", case("all"), "+", "The role All lets its people change all Deals.", "角色“全部”允许修改所有商机。"),
    ("delete", case("all"), "-", "The role All does not let anybody delete Deals.", "角色“全部”不允许删除商机。"),
    ("delete", case("own", owner="ada"), "-", "The role Own does not let anybody delete Deals.", "角色“个人”不允许删除商机。"),
    ("read", case("own", owner="ada"), "+", "The role Own: Ada owns it.", "角色“个人”：Ada是负责人。"),
    ("read", case("own", owner="bob"), "-", "The role Own reaches what Ada owns; this one has another owner.", "角色“个人”仅限Ada负责的记录；该记录另有负责人。"),
    ("read", case("own"), "-", "The role Own reaches what Ada owns; this one has no owner.", "角色“个人”仅限Ada负责的记录；该记录没有负责人。"),
    ("read", case("unit", unit="sales"), "+", "The role Unit: it lies in a unit of Ada (his units).", "角色“部门”：记录属于Ada的部门范围（本部门）。"),
    ("read", case("unit", unit="north"), "-", "The role Unit reaches units of Ada (his units); this one has another unit.", "角色“部门”仅限Ada的部门范围（本部门）；该记录属于其他部门。"),
    ("read", case("below", unit="north"), "+", "The role Below: it lies in a unit of Ada (his units and below).", "角色“下级”：记录属于Ada的部门范围（本部门及下级）。"),
    ("read", case("below"), "-", "The role Below reaches units of Ada (his units and below); this one has no unit.", "角色“下级”仅限Ada的部门范围（本部门及下级）；该记录没有部门。"),
    ("read", case("guest"), "-", "The role Guest reaches only what is shared with Ada.", "角色“访客”仅限共享给Ada的记录。"),
    ("read", case("guest", (Given(False),)), "+", "The role Guest reaches only what is shared with Ada.|It is shared with Ada (for reading, without end).", "角色“访客”仅限共享给Ada的记录。|已共享给Ada（可查看，长期有效）。"),
    ("update", case("guest", (Given(False),)), "-", "The role Guest reaches only what is shared with Ada.|It is shared with Ada for reading only.", "角色“访客”仅限共享给Ada的记录。|已共享给Ada，但仅可查看。"),
    ("update", case("guest", (Given(True, NOW),)), "+", "The role Guest reaches only what is shared with Ada.|It is shared with Ada (for writing, 2026-03-01T00:00+00:00).", "角色“访客”仅限共享给Ada的记录。|已共享给Ada（可修改，2026-03-01T00:00+00:00）。"),
    ("read", case("other", (Given(True),)), "-", "The role Other says nothing about Deals.", "角色“其他”未涉及商机。"),
    ("read", case("small", amount=5), "+", "The role Small: it meets “amount < 100 and stage != 'won'”.", "角色“小单”：记录满足条件“amount < 100 and stage != 'won'”。"),
    ("read", case("small", amount=200), "-", "The role Small asks for “amount < 100 and stage != 'won'”, and “amount < 100” is not so: amount = 200.", "角色“小单”要求“amount < 100 and stage != 'won'”，而“amount < 100”不成立：amount = 200。"),
    ("read", case("small", amount=5, stage="won"), "-", "The role Small asks for “amount < 100 and stage != 'won'”, and “stage != 'won'” is not so: stage = won.", "角色“小单”要求“amount < 100 and stage != 'won'”，而“stage != 'won'”不成立：stage = won。"),
    ("read", case("small", (), ("amount",), amount=200), "-", "The role Small asks for something that you may not read, so what came of it is not told.", "角色“小单”的条件涉及您无权查看的内容，因此不显示其结果。"),
    ("update", case("small", account="1"), "-", "The role Small asks for “account.level >= 2”, and “account.level >= 2” is not so: account.level = 1.", "角色“小单”要求“account.level >= 2”，而“account.level >= 2”不成立：account.level = 1。"),
    ("update", case("small", (), ("level",), account="1"), "-", "The role Small asks for something that you may not read, so what came of it is not told.", "角色“小单”的条件涉及您无权查看的内容，因此不显示其结果。"),
    ("update", case("small"), "-", "The role Small asks for “account.level >= 2”, and “account.level >= 2” is not so: account.level = null.", "角色“小单”要求“account.level >= 2”，而“account.level >= 2”不成立：account.level = null。"),
    ("delete", case("small", owner="bob", amount=2), "-", "The role Small asks for “owner == $user or amount == 1”, and “owner == $user or amount == 1” is not so: owner = bob, amount = 2.", "角色“小单”要求“owner == $user or amount == 1”，而“owner == $user or amount == 1”不成立：owner = bob, amount = 2。"),
    ("read", case("own small", owner="bob", amount=5), "+", "The role Own reaches what Ada owns; this one has another owner.|The role Small: it meets “amount < 100 and stage != 'won'”.", "角色“个人”仅限Ada负责的记录；该记录另有负责人。|角色“小单”：记录满足条件“amount < 100 and stage != 'won'”。"),
]  # fmt: skip

FIELDS: list[tuple[str, Case, str, str, str, str]] = [
    ("amount", case("small", stage="new"), "write", "write", "The role Small gives writing to Amount, since it meets “stage != 'won'”.", "角色“小单”对金额的权限：修改，因为记录满足“stage != 'won'”。"),
    ("amount", case("small", stage="won"), "write", "read", "The role Small gives only reading to Amount: of “stage != 'won'”, “stage != 'won'” is not so: stage = won.", "角色“小单”对金额的权限仅为查看：条件“stage != 'won'”中的“stage != 'won'”不成立：stage = won。"),
    ("mail", case("all"), "read", "masked", "The role All gives only a mask to Mail: the field is personal, the role is cleared for internal.", "角色“全部”对邮箱的权限仅为脱敏：字段敏感级别为personal，角色许可级别为internal。"),
    ("mail", case("all open"), "read", "read", "The role All gives only a mask to Mail: the field is personal, the role is cleared for internal.|The role Open gives reading to Mail.", "角色“全部”对邮箱的权限仅为脱敏：字段敏感级别为personal，角色许可级别为internal。|角色“开放”对邮箱的权限：查看。"),
    ("pin", case("small"), "read", "hidden", "The role Small gives nothing to Pin.", "角色“小单”对口令的权限：隐藏。"),
    ("pin", case("open"), "read", "hidden", "The role Open gives only nothing to Pin: the field is secret, the role is cleared for personal.", "角色“开放”对口令的权限仅为隐藏：字段敏感级别为secret，角色许可级别为personal。"),
    ("amount", case("other"), "read", "hidden", "The role Other says nothing about Deals.", "角色“其他”未涉及商机。"),
]  # fmt: skip


@pytest.mark.parametrize(("action", "asked", "sign", "en", "zh"), ROWS)
def test_a_record_is_explained(action: str, asked: Case, sign: str, en: str, zh: str) -> None:
    found = explain(asked, action)
    assert found.allowed is (sign == "+")
    assert "|".join(each.text.message("en") for each in found.grounds) == en
    assert "|".join(each.text.message("zh") for each in found.grounds) == zh


@pytest.mark.parametrize(("name", "asked", "wanted", "right", "en", "zh"), FIELDS)
def test_a_field_is_explained(name: str, asked: Case, wanted: Any, right: str, en: str, zh: str) -> None:
    assert DEAL is not None
    found = explain_field(asked, DEAL.fields[name], wanted)
    assert (found.right, found.allowed) == (right, right in ("read", "write") and (wanted == "read" or right == wanted))
    assert "|".join(each.text.message("en") for each in found.grounds) == en
    assert "|".join(each.text.message("zh") for each in found.grounds) == zh


def test_a_token_that_does_not_reach_refuses_whatever_the_roles_say() -> None:
    found = explain(case("all"), "read", token=False)
    assert (found.allowed, [each.granted for each in found.grounds]) == (False, [False, False])
    assert found.grounds[0].text.message("zh") == "所用令牌无权对商机执行此操作，与角色无关。"


@pytest.mark.parametrize("amount", [50, 200])
def test_what_came_of_a_hidden_condition_is_not_told(amount: int) -> None:
    """Neither the part that failed nor that one did: another role that allows it leaves nothing to guess from."""
    found = explain(case("all small", (), ("amount",), amount=amount, stage="won"), "read")
    assert (found.allowed, [each.granted for each in found.grounds]) == (True, [True, None])
    assert DEAL is not None
    asked = case("small", (), ("stage",), amount=amount, stage="won")
    assert [each.granted for each in explain_field(asked, DEAL.fields["amount"], "read").grounds] == [None]
