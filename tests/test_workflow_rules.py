"""What rules decide of a record: pure, without a database."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from decimal import Decimal
from typing import Any

import pytest

from metadata.expressions.binding import Binding
from metadata.expressions.evaluate import Row
from metadata.model import Entity, Model
from metadata.rules import scope_of_rules
from tests import kit
from workflow.rules import Book, Decision, bind, decide, holes_of, make_ready

TEXT = """
entities:
  account: {title: name, fields: {name: {type: text}, limit: {type: decimal, scale: 2}}}
  deal:
    title: name
    fields:
      name: {type: text, required: true}
      account: {type: link, to: account, inverse: {key: deals}}
      stage: {type: choice, options: {open: {}, won: {}, lost: {}}}
      amount: {type: decimal, scale: 2}
      reason: {type: text}
      closes: {type: date}
      lines: {type: children, of: line, by: deal}
    rules:
RULES
  line:
    title: what
    fields: {what: {type: text}, deal: {type: link, to: deal, required: true}, count: {type: integer}}
"""
BINDING = Binding(dt.datetime(2027, 6, 30, 12, tzinfo=dt.UTC), "Asia/Shanghai", "me")
LOST = "lost: {when: \"stage == 'lost'\", require: {reason: {}}}"
UNHIDDEN = "shown: {when: \"stage != 'lost'\", hide: {reason: {}}}"


def book(*rules: str) -> Book:
    text = TEXT.replace("RULES", "\n".join(f"      {each}" for each in rules))
    model: Model = kit.compile_yaml(text)
    entity = model.entity("deal")
    assert isinstance(entity, Entity)
    return make_ready(entity, scope_of_rules(model))


def decided(
    held: Book, values: dict[str, Any], changed: Collection[str] | None, before: Any = None, **more: Any
) -> Decision:
    found = None if changed is None else frozenset(changed)
    return decide(held, bind(held, BINDING), Row(values, before=before), found, **more)


def test_a_rule_fires_on_create_and_when_something_it_reads_has_changed() -> None:
    held = book('big: {when: "amount > 5", reject: {field: name, message: "No"}}')
    values = {"amount": Decimal(9)}
    assert [each.rule.id for each in decided(held, values, None).refused] == ["big"]
    assert [each.rule.id for each in decided(held, values, {"amount"}, values).refused] == ["big"]
    assert decided(held, values, {"name", "stage"}, values).refused == []


def test_what_is_required_is_asked_when_it_is_emptied_too() -> None:
    held, values = book(LOST), {"stage": "lost"}
    assert set(decided(held, values, {"reason"}, values).required) == {"reason"}
    assert set(decided(held, values, {"amount"}, values).required) == set()


def test_on_says_of_which_saves_a_rule_is_asked() -> None:
    held = book(
        'new: {on: create, when: "amount > 5", require: {reason: {}}}',
        'old: {on: update, when: "amount > 5", require: {closes: {}}}',
    )
    values = {"amount": Decimal(9)}
    assert set(decided(held, values, None).required) == {"reason"}
    assert set(decided(held, values, {"amount"}, values).required) == {"closes"}


def test_what_is_hidden_is_not_required_even_where_its_rule_does_not_fire() -> None:
    held = book(UNHIDDEN, 'always: {when: "amount > 5", require: {reason: {}}}')
    values = {"stage": "open", "amount": Decimal(9)}
    assert decided(held, values, {"amount"}, values).required == {}
    assert set(decided(held, {**values, "stage": "lost"}, {"amount"}, values).required) == {"reason"}


def test_a_form_sees_what_holds_whether_it_has_changed_or_not() -> None:
    held = book(LOST, UNHIDDEN, 'big: {when: "amount > 5", reject: {message: "No"}}')
    values = {"stage": "open", "amount": Decimal(9)}
    found = decided(held, values, (), values, live=True)
    assert (set(found.hidden), set(found.required), found.refused) == ({"reason"}, set(), [])


def test_several_rules_leave_the_options_that_all_of_them_allow() -> None:
    held = book(
        'one: {when: "amount > 1", options: {stage: {open: {}, won: {}}}}',
        'two: {when: "amount > 5", options: {stage: {won: {}, lost: {}}}}',
    )
    assert decided(held, {"amount": Decimal(9)}, None).options == {"stage": ("won",)}
    assert decided(held, {"amount": Decimal(2)}, None).options == {"stage": ("open", "won")}


def test_old_and_changed_look_at_the_save() -> None:
    held = book(
        "back: {when: \"old.stage == 'won' and changed('stage')\", reject: {message: 'No way back'}}",
    )
    before = {"stage": "won"}
    assert decided(held, {"stage": "open"}, {"stage"}, before).refused
    assert not decided(held, {"stage": "open"}, {"stage"}, {"stage": "lost"}).refused
    assert not decided(held, {"stage": "open"}, None).refused


@pytest.mark.parametrize(
    ("when", "triggers", "out"),
    [
        ("amount > account.limit", {"amount", "account"}, True),
        ("any(lines, count > 3)", {"lines"}, True),
        ("changed('stage') and old.amount > 1", {"stage", "amount"}, False),
        ("closes < $today", {"closes"}, False),
    ],
)
def test_a_rule_says_what_it_looks_at(when: str, triggers: set[str], out: bool) -> None:
    held = book(f'a: {{when: "{when}", require: {{reason: {{}}}}}}')
    assert (held.rules[0].triggers, held.reaches_out) == (frozenset({*triggers, "reason"}), out)


def test_today_is_that_of_the_save() -> None:
    held = book('b: {when: "closes < $today", require: {reason: {}}}')
    assert set(decided(held, {"closes": dt.date(2027, 6, 29)}, None).required) == {"reason"}
    assert decided(held, {"closes": dt.date(2027, 6, 30)}, None).required == {}


def test_a_message_has_text_and_holes() -> None:
    held = book('a: {when: "amount > 5", reject: {message: "{{x}} {amount}: {concat(\'}\', name)}, {account.name}."}}')
    (parts,) = held.rules[0].message.values()
    assert [each if isinstance(each, str) else "hole" for each in parts] == [
        "{x} ",
        "hole",
        ": ",
        "hole",
        ", ",
        "hole",
        ".",
    ]
    assert [each.field.id if each.field else None for each in holes_of(held.rules[0])] == ["amount", None, "name"]


def test_rules_that_only_set_values_decide_nothing() -> None:
    assert book('a: {set: {reason: "name"}}').rules == ()
