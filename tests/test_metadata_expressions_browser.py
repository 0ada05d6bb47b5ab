"""What of an expression a form gets as JSON, and when it has to ask the server instead."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import Any

import pytest

from metadata.expressions.binding import Binding
from metadata.expressions.browser import Form, for_browser, plain
from metadata.expressions.names import Scope
from metadata.expressions.parser import parse_in
from tests.worlds import NOW, business, make_model

MODEL = make_model(business())
USER = "018f2c3e-0000-7000-8000-000000000001"


def made(text: str, hidden: tuple[str, str] | None = None, **more: Any) -> dict[str, Any] | None:
    entity = MODEL.entity("deal")
    assert entity is not None
    scope = Scope(MODEL.entity, changes=True, calendars={"office": "office"})
    binding = Binding(NOW, "Asia/Shanghai", USER, attributes={"name": "Ada"}, units=frozenset({"u2", "u1"}))
    form = Form(lambda entity, field: (entity, field) != hidden, "CNY", **more)
    found = for_browser(parse_in(text, entity, scope), binding, form)
    assert json.loads(json.dumps(found)) == found or "zone" in text
    return found


def test_numbers_dates_and_moments_are_exact_texts() -> None:
    assert plain("number", Decimal("-999999999999999999999999.999999999999")) == "-" + "9" * 36
    assert plain("number", 7) == "7000000000000" and plain("date", dt.date(1, 2, 3)) == "0001-02-03"
    assert plain("datetime", dt.datetime(1969, 12, 31, 23, 59, 59, 999999, dt.UTC)) == "-1"
    assert plain("set", ("a", "b")) == ["a", "b"] and plain("number", None) is None


def test_constants_are_bound_and_fields_are_ids() -> None:
    found = made("size > 2.5 and owner == $user")
    assert found == {
        "root": {
            "op": "and",
            "parts": [
                {
                    "op": "compare",
                    "sign": ">",
                    "left": {"op": "field", "field": "size", "kind": "number"},
                    "right": {"op": "constant", "kind": "number", "value": "2500000000000"},
                },
                {
                    "op": "compare",
                    "sign": "==",
                    "left": {"op": "field", "field": "owner", "kind": "id"},
                    "right": {"op": "constant", "kind": "id", "value": USER},
                },
            ],
        }
    }


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("amount > 1", ("deal", "amount")),
        ("changed('amount')", ("deal", "amount")),
        ("old.amount == null", ("deal", "amount")),
        ("any(lines, qty > 1)", ("line", "qty")),
        ("any(lines)", ("deal", "lines")),
        ("account.name == 'x'", ("account", "name")),
        ("account.name == 'x'", ("deal", "account")),
        ("name == $user.name", ("user", "name")),
    ],
)
def test_what_may_not_be_read_does_not_go_to_a_form(text: str, hidden: tuple[str, str]) -> None:
    held: dict[str, Any] = {"ways": frozenset({("account",)}), "lists": frozenset({"lines"})}
    assert made(text, **held) is not None
    assert made(text, hidden, **held) is None


@pytest.mark.parametrize(
    "text",
    [
        "account.name == 'x'",
        "any(lines)",
        "count(contacts) > 1",
        "any(account.contacts)",
        "is_business_day(close, 'office')",
    ],
)
def test_what_a_form_does_not_hold_is_asked_of_the_server(text: str) -> None:
    assert made(text) is None


def test_only_what_needs_the_zone_gets_it() -> None:
    with_zone, without = made("hour(seen) > 9"), made("year(close) == 2026")
    assert with_zone is not None and without is not None
    assert with_zone["zone"][0][1] == 8 * 3600 + 5 * 60 + 43 and "zone" not in without


def test_amounts_of_one_record_are_compared_as_they_are_and_others_in_the_tenants_currency() -> None:
    alone, among = made("amount > cost"), made("amount > 100")
    assert alone is not None and "base" not in alone["root"]["left"]
    assert among is not None and among["root"]["left"]["base"] == "CNY"
