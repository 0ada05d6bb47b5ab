"""The language beyond plain conditions: values, functions, lists, changes; what is refused, where, with what remedy."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from metadata.expressions.fuel import fuel
from metadata.expressions.functions import FUEL, FUNCTIONS
from metadata.expressions.names import Scope, Wanted
from metadata.expressions.parser import parse_in
from metadata.expressions.problems import ExpressionInvalid
from metadata.expressions.tree import (
    Arithmetic,
    Call,
    Changed,
    Compare,
    Constant,
    Expression,
    FieldRef,
    InUnit,
    Logic,
    Negative,
    Over,
    Truth,
    kind_of,
)
from metadata.model import Entity, Field, Option, Relation

LABEL = {"en": "Thing", "zh": "东西"}
STAGES = (Option("won", "won", {"en": "Won"}), Option("lost", "gone", {"en": "Lost"}))


def field(entity: str, id: str, type: str, **more: Any) -> Field:
    return Field(id, id, type, {"en": id.title()}, entity, **more)


def entity(id: str, *fields: Field, **more: Any) -> Entity:
    names = {each.key: each.id for each in fields}
    return Entity(id, id, {"en": id.title()}, LABEL, {each.id: each for each in fields}, "name", names=names, **more)


LINE_DEAL = Relation("line.deal", "line", "deal", ("deal",), "parts", LABEL)
DEAL = entity(
    "deal",
    field("deal", "id", "id"),
    field("deal", "name", "text"),
    field("deal", "stage", "choice", options=STAGES),
    field("deal", "rank", "choice", options=STAGES),
    field("deal", "amount", "money"),
    field("deal", "size", "integer"),
    field("deal", "active", "boolean"),
    field("deal", "close", "date"),
    field("deal", "seen", "datetime"),
    field("deal", "tags", "tags"),
    field("deal", "unit", "unit", to=("unit",)),
    field("deal", "owner", "user", to=("user",)),
    field("deal", "lines", "children", to=("line",), props={"by": "deal"}),
    field("deal", "hidden", "integer"),
    inverses=(LINE_DEAL,),
)
LINE = entity(
    "line",
    field("line", "id", "id"),
    field("line", "name", "text"),
    field("line", "quantity", "integer"),
    field("line", "price", "decimal"),
    field("line", "due", "date"),
    field("line", "deal", "link", to=("deal",)),
    relations=(LINE_DEAL,),
)
USER = entity("user", field("user", "id", "id"), field("user", "name", "text"), field("user", "level", "integer"))
UNIT = entity("unit", field("unit", "id", "id"), field("unit", "name", "text"))
ENTITIES = {each.id: each for each in (DEAL, LINE, USER, UNIT)}
SCOPE = Scope(
    ENTITIES.get,
    visible=lambda entity, field: field.id != "hidden",
    changes=True,
    role={"manager": "mgr"}.get,
    calendars={"work": "work_id"},
)
NUMBER, TEXT = Wanted("number"), Wanted("text")


def made(text: str, wanted: Wanted | None = None, scope: Scope = SCOPE) -> Expression:
    return parse_in(text, DEAL, scope, wanted)


def refusal(text: str, wanted: Wanted | None = None, scope: Scope = SCOPE) -> list[tuple[str, object]]:
    with pytest.raises(ExpressionInvalid) as found:
        made(text, wanted, scope)
    for problem in found.value.problems:
        assert problem.message("en") and problem.message("zh")
        assert "{" not in problem.message("en") + problem.message("zh")
    return [(each.code.removeprefix("expression_"), each.params["column"]) for each in found.value.problems]


def test_arithmetic_binds_as_at_school() -> None:
    found = made("size + 2 * 3 - -size", NUMBER).root
    assert isinstance(found, Arithmetic) and found.op == "-" and isinstance(found.right, Negative)
    assert isinstance(found.left, Arithmetic) and found.left.op == "+"
    assert isinstance(found.left.right, Arithmetic) and found.left.right.op == "*"
    assert made("(size + 2) * 3", NUMBER).shape != made("size + 2 * 3", NUMBER).shape
    assert made("size - (2 - 3)", NUMBER).shape != made("size - 2 - 3", NUMBER).shape


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("size % 2", "number"),
        ("upper(name)", "text"),
        ("year(close)", "number"),
        ("add_days(close, 3)", "date"),
        ("add_hours(seen, 1.5)", "datetime"),
        ("coalesce(close, '2026-01-31')", "date"),
        ("least(size, 3, 4)", "number"),
        ("greatest(name, 'b')", "text"),
        ("if(active, size, 0)", "number"),
        ("active ? close : null", "date"),
        ("is_empty(tags)", "boolean"),
        ("size > 1 and active", "boolean"),
        ("sum(lines, quantity * price)", "number"),
        ("min(lines, due)", "date"),
        ("max(parts, due, quantity > 1)", "date"),
        ("business_days_between(close, $today, 'work')", "number"),
        ("$user.level * 2", "number"),
    ],
)
def test_every_value_has_a_kind(text: str, kind: Any) -> None:
    assert kind_of(made(text, Wanted(kind)).root) == kind


def test_a_moment_serves_as_its_day() -> None:
    root = made("year(seen)", NUMBER).root
    assert root == Call("year", (Call("date", (FieldRef("deal", "seen", "datetime", "datetime"),), "date"),), "number")
    assert kind_of(made("seen", Wanted("date")).root) == "date"


def test_literals_take_the_type_of_what_they_meet() -> None:
    found = made("if(active, stage, 'gone')", Wanted("text", DEAL.fields["stage"]))
    assert found.values == ("lost",)
    assert made("if(active, 'gone', 'won')", Wanted("text", DEAL.fields["stage"])).values == ("lost", "won")
    assert made("add_days(close, 2) > '2026-01-31'").values[0] == Decimal(2)
    assert made("size * 2 in [4, 6]").values == (Decimal(2), Decimal(4), Decimal(6))


def test_lists_know_children_and_the_other_end_of_a_link() -> None:
    children, inverse = made("count(lines)", NUMBER).root, made("count(parts)", NUMBER).root
    assert isinstance(children, Over) and isinstance(inverse, Over)
    assert (children.listed.entity, children.listed.link, children.listed.field) == ("line", "deal", "lines")
    assert (inverse.listed.entity, inverse.listed.link, inverse.listed.field) == ("line", "deal", None)
    assert made("count(lines)", NUMBER).shape != made("count(parts)", NUMBER).shape


def test_inside_a_list_names_are_those_of_its_records() -> None:
    found = made("any(lines, quantity > 3 and deal.size > 2)")
    assert isinstance(found.root, Over) and found.kind == "boolean"
    assert {("line", "quantity"), ("line", "deal"), ("deal", "size"), ("deal", "lines")} == found.reads()


def test_changes_and_who_asks() -> None:
    root = made("changed('stage') and old.stage == 'gone' and has_role('manager') and in_unit(unit)").root
    assert isinstance(root, Logic)
    assert [type(each) for each in root.parts] == [Changed, Compare, Truth, InUnit]
    compare, truth = root.parts[1:3]
    assert isinstance(compare, Compare) and compare.left == FieldRef("deal", "stage", "choice", "text", (), True)
    assert isinstance(truth, Truth) and truth.part == Constant("boolean", 1, "has_role:mgr")


def test_a_field_called_old_is_a_field() -> None:
    other = replace(DEAL, fields={**DEAL.fields, "old": field("deal", "old", "user", to=("user",))})
    found = parse_in("old.name == 'Ada'", other, SCOPE)
    assert ("deal", "old") in found.reads()


def test_equal_texts_but_for_literals_share_a_shape_and_nothing_else_does() -> None:
    assert made("size * 2 > 10").shape == made("size*3>11").shape
    different = ["size * 2 > 10", "size + 2 > 10", "2 * size > 10", "size * 2 >= 10", "-size * 2 > 10", "size % 2 > 10"]
    different += ["count(lines) > 10", "old.size * 2 > 10", "abs(size) * 2 > 10"]
    different += ["has_role('manager')", "changed('size')", "sum(lines, quantity) > 10", "avg(lines, quantity) > 10"]
    different += ["business_days_between(close, close) > 10", "business_days_between(close, close, 'work') > 10"]
    assert len({made(each).shape for each in different}) == len(different)


@pytest.mark.parametrize(
    ("text", "wanted", "codes"),
    [
        ("name + 1", NUMBER, [("not_a_number", 1)]),
        ("size + 'a'", NUMBER, [("not_a_number", 8)]),
        ("size + stage", NUMBER, [("not_a_number", 8)]),
        ("size + true", NUMBER, [("not_a_number", 1)]),
        ("upper(stage)", TEXT, [("wrong_kind", 7)]),
        ("concat(stage, 'x')", TEXT, [("arguments", 8)]),
        ("upper(size)", TEXT, [("wrong_kind", 7)]),
        ("upper()", TEXT, [("argument_count", 1)]),
        ("round(size, 1, 2)", NUMBER, [("argument_count", 1)]),
        ("uper(name)", TEXT, [("unknown_function", 1)]),
        ("size", TEXT, [("wrong_kind", 1)]),
        ("stage", TEXT, [("wrong_kind", 1)]),
        ("if(size, 1, 'x')", NUMBER, [("type", 13)]),
        ("if(active, size, close)", NUMBER, [("wrong_kind", 18)]),
        ("coalesce(tags, tags)", TEXT, [("arguments", 1)]),
        ("least(active, true)", Wanted("boolean"), [("arguments", 1)]),
        ("count(name) > 1", None, [("not_a_list", 7)]),
        ("count(lnes) > 1", None, [("not_a_list", 7)]),
        ("count($user) > 1", None, [("not_a_list", 1)]),
        ("sum(lines, name) > 1", None, [("wrong_kind", 12)]),
        ("avg(lines, due) > 1", None, [("wrong_kind", 12)]),
        ("sum(lines) > 1", None, [("argument_count", 1)]),
        ("any(lines, quantty > 1)", None, [("unknown_field", 12)]),
        ("any(lines, size > 1)", None, [("unknown_field", 12)]),
        ("all(lines)", None, [("argument_count", 1)]),
        ("hidden + 1 > 2", None, [("unknown_field", 1)]),
        ("stage == rank", None, []),
        ("stage == name", None, [("mixed_types", 10)]),
        ("size == close", None, [("mixed_types", 9)]),
        ("tags == tags", None, [("operator", 1)]),
        ("1 + 1 == 2", None, []),
        ("1 == 2", None, [("without_field", 1)]),
        ("$user == 'x'", None, [("without_field", 1)]),
        ("changed('stge')", None, [("unknown_field", 9)]),
        ("changed(unit.name)", None, [("arguments", 1)]),
        ("has_role('boss')", None, [("unknown_role", 1)]),
        ("has_role(name)", None, [("unknown_role", 1)]),
        ("in_unit(owner)", None, [("arguments", 1)]),
        ("in_unit('x')", None, [("arguments", 1)]),
        ("business_days_between(close, close, 'wrk') > 1", None, [("unknown_calendar", 37)]),
        ("business_days_between(close, close, name) > 1", None, [("unknown_calendar", 37)]),
        ("$user.unit == unit", None, [("unknown_field", 1)]),
        ("$now.year > 1", None, [("not_a_link", 1)]),
        ("size in [quantity]", None, [("not_supported", 10)]),
        ("size in [1, 'x']", None, [("type", 13)]),
        ("starts_with(size, 'x')", None, [("operator", 13)]),
        ("ends_with('x', name)", None, [("arguments", 1)]),
        ("size +", NUMBER, [("incomplete", 7)]),
        ("size ? 1", NUMBER, [("incomplete", 9)]),
        ("name ?? 'x'", TEXT, [("unsupported", 6)]),
        ("size ** 2", NUMBER, [("unsupported", 6)]),
        ("size // 2", NUMBER, [("unsupported", 6)]),
    ],
)
def test_what_does_not_fit_says_where_and_what_to_do(
    text: str, wanted: Wanted | None, codes: list[tuple[str, int]]
) -> None:
    if not codes:
        made(text, wanted)
        return
    expected = [(code.replace("not_supported", "unsupported"), column) for code, column in codes]
    assert refusal(text, wanted) == expected


def test_every_problem_is_told_at_once() -> None:
    found = refusal("uper(name) == 'A' and sizee > 1 or name + 1 > 2 and any(lines, quantty > 1)")
    assert [code for code, _ in found] == ["unknown_function", "unknown_field", "not_a_number", "unknown_field"]


def test_misspelt_names_are_suggested_but_never_hidden_ones() -> None:
    for text, suggestion in (
        ("uper(name) == 'x'", "upper"),
        ("count(lnes) > 1", "lines"),
        ("sizee > 1", "size"),
        ("hiden > 1", None),
        ("business_days_between(close, close, 'wrk') > 1", "work"),
    ):
        with pytest.raises(ExpressionInvalid) as found:
            made(text)
        assert found.value.problems[0].suggestion == suggestion, text


def test_where_nothing_is_saved_nothing_has_changed() -> None:
    plain = Scope(ENTITIES.get)
    assert refusal("changed('stage')", scope=plain) == [("no_change", 1)]
    assert refusal("old.stage == 'won'", scope=plain) == [("no_change", 1)]
    assert refusal("has_role('manager')", scope=plain) == [("unknown_role", 1)]


def test_what_could_cost_too_much_is_refused_before_it_runs() -> None:
    nested = "sum(lines, " + " + ".join(["quantity"] * 60) + ") > 1"
    assert refusal(nested) == [("too_costly", 1)]
    assert fuel(made("sum(lines, quantity) > 1").root) < FUEL
    assert refusal("any(lines, any(deal.lines, any(deal.lines, quantity > 1)))") == [("too_costly", 1)]


def test_every_function_is_in_the_guide() -> None:
    from tests.kit import ROOT

    guide = (ROOT / "docs" / "expressions.md").read_text(encoding="utf-8")
    assert not [name for name in FUNCTIONS if f"`{name}(" not in guide]
