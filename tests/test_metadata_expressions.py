"""Expressions: what is understood, what is refused and how, and what a condition decides in memory."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
import time
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from metadata.expressions.binding import Binding
from metadata.expressions.evaluate import evaluate
from metadata.expressions.parser import parse, read
from metadata.expressions.problems import ExpressionInvalid
from metadata.expressions.tree import Compare, Constant, Expression, FieldRef, In, Logic, TextMatch
from metadata.model import Entity, Field, Option

USER = "018f2c3e-7a10-7d3f-9a51-0c2b6d1e4f70"
OTHER = "018f2c3e-7a10-7d3f-9a51-0c2b6d1e4f71"
NOW = dt.datetime(2026, 1, 31, 17, 30, tzinfo=dt.UTC)
BINDING = Binding(NOW, "Asia/Shanghai", USER)


def field(id: str, type: str, entity: str, **more: Any) -> Field:
    return Field(id, more.pop("key", id), type, {"en": id.title()}, entity, **more)


def entity(id: str, *fields: Field) -> Entity:
    found = {each.id: each for each in fields}
    names = {each.key: each.id for each in fields}
    return Entity(id, id, {"en": id}, {"en": id}, found, "name", names=names)


STAGES = (
    Option("won", "won", {"en": "Won"}),
    Option("lost", "gone", {"en": "Lost"}),
    Option("open", "open", {"en": "Open"}),
)
DEAL = entity(
    "deal",
    field("id", "id", "deal"),
    field("name", "text", "deal"),
    field("note", "text", "deal"),
    field("stage", "choice", "deal", options=STAGES),
    field("amount", "money", "deal"),
    field("cost", "money", "deal"),
    field("size", "integer", "deal"),
    field("rate", "decimal", "deal"),
    field("active", "boolean", "deal"),
    field("close", "date", "deal"),
    field("seen", "datetime", "deal"),
    field("tags", "tags", "deal"),
    field("needs", "multi_choice", "deal", options=STAGES),
    field("mail", "email", "deal"),
    field("extra", "json", "deal"),
    field("owner", "user", "deal", to=("user",)),
    field("account", "link", "deal", to=("account",)),
    field("about", "any_link", "deal", to=("account", "user")),
    field("lines", "children", "deal", to=("line",)),
    field("margin", "decimal", "deal", key="secret_margin"),
)
ACCOUNT = entity(
    "account",
    field("id", "id", "account"),
    field("name", "text", "account"),
    field("limit", "money", "account"),
    field("owner", "user", "account", to=("user",)),
    field("parent", "link", "account", to=("account",)),
)
PERSON = entity("user", field("id", "id", "user"), field("name", "text", "user"), field("email", "email", "user"))
ENTITIES = {"deal": DEAL, "account": ACCOUNT, "user": PERSON}


def understood(text: str) -> Expression:
    return parse(text, DEAL, ENTITIES.get)


def refused(text: str) -> tuple[list[str], ExpressionInvalid]:
    with pytest.raises(ExpressionInvalid) as found:
        understood(text)
    return [problem.code for problem in found.value.problems], found.value


def decides(text: str, values: Mapping[str, Any], linked: Any = None) -> bool:
    return evaluate(understood(text), values, BINDING, linked)


def test_a_comparison_becomes_a_field_and_a_slot() -> None:
    found = understood("size > 5")
    assert found.root == Compare(">", FieldRef("deal", "size", "integer", "number"), Constant("number", 0))
    assert found.values == (Decimal(5),)


def test_texts_that_differ_in_literals_only_have_one_shape() -> None:
    first = understood("size > 5 and stage == 'won'")
    second = understood("(size   > -6.50) and (stage == 'gone')")
    assert first.shape == second.shape and first.root == second.root
    assert second.values == (Decimal("-6.5"), "lost")
    assert understood("size > 5 or stage == 'won'").shape != first.shape
    assert understood("size in [1]").shape != understood("size in [1, 2]").shape
    assert understood("size == null").shape != understood("size == 1").shape


def test_a_field_may_stand_on_the_right() -> None:
    assert understood("5 < size").shape == understood("size > 5").shape
    assert understood("'won' == stage").shape == understood("stage == 'won'").shape


def test_chains_become_flat() -> None:
    root = understood("size == 1 and size == 2 and size == 3").root
    assert isinstance(root, Logic) and len(root.parts) == 3


def test_options_are_found_by_key_and_by_id() -> None:
    assert understood("stage == 'gone'").values == understood("stage == 'lost'").values == ("lost",)
    root = understood("contains(needs, 'gone')").root
    assert isinstance(root, TextMatch) and understood("contains(needs, 'gone')").values == ("lost",)


def test_dotted_paths_keep_their_links() -> None:
    root = understood("account.owner.name == 'Ada'").root
    assert isinstance(root, Compare) and isinstance(root.left, FieldRef)
    assert root.left.links == (("deal", "account", "account"), ("account", "owner", "user"))
    assert understood("account.owner.name == 'Ada'").reads() == {
        ("deal", "account"),
        ("account", "owner"),
        ("user", "name"),
    }


def test_names_resolve_by_key_and_id_and_strings_keep_their_characters() -> None:
    assert understood("secret_margin > 1").root == understood("margin > 1").root
    assert understood(r"name == '北京 \'%_\' \\ 😀 \u4e2d'").values == ("北京 '%_' \\ 😀 中",)
    assert understood('name == "it\'s"').values == ("it's",)


def test_in_knows_null() -> None:
    root = understood("stage in ['won', null]").root
    assert isinstance(root, In) and root.nullable and len(root.items) == 1
    assert understood("size not in [1, 2]").root is not None
    assert understood("size in []").values == ()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("close == '2026-01-31'", dt.date(2026, 1, 31)),
        ("seen > '2026-01-31T10:00:00+08:00'", dt.datetime(2026, 1, 31, 2, tzinfo=dt.UTC)),
        ("seen > '2026-01-31'", dt.date(2026, 1, 31)),
        ("size == 1e3", Decimal(1000)),
        ("rate == 000.5000", Decimal("0.5")),
        ("rate == .5", Decimal("0.5")),
        ("rate == -0", Decimal(0)),
        ("active == true", True),
        ("mail == 'ADA@Example.com'", "ada@example.com"),
        (f"account == '{OTHER.upper()}'", OTHER),
        ("name == ''", ""),
    ],
)
def test_literals_become_values_of_the_field(text: str, value: object) -> None:
    found = understood(text).values
    if text.startswith("mail"):
        assert str(found[0]).lower() == value
    else:
        assert found == (value,)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("nmae == 'x'", "expression_unknown_field"),
        ("account.nam == 'x'", "expression_unknown_field"),
        ("$me == owner", "expression_unknown_variable"),
        ("$user.unit == owner", "expression_unknown_field"),
        ("owner == $user.unit", "expression_unknown_field"),
        ("matches(name, 'x')", "expression_unknown_function"),
        ("name.contains('x')", "expression_unknown_function"),
        ("contains(name)", "expression_arguments"),
        ("contains('x', name)", "expression_arguments"),
        ("contains(name, 5)", "expression_arguments"),
        ("contains(size, 'x')", "expression_operator"),
        ("contains(stage, 'x')", "expression_operator"),
        ("stage < 'won'", "expression_operator"),
        ("active > true", "expression_operator"),
        ("account > 'x'", "expression_operator"),
        ("extra == 'x'", "expression_type"),
        ("tags == 'x'", "expression_operator"),
        ("name == 5", "expression_type"),
        ("size == '5'", "expression_type"),
        ("active == 1", "expression_type"),
        ("close == '31.01.2026'", "expression_type"),
        ("close == '2026-02-30'", "expression_type"),
        ("close == '2026-01-31T00:00:00Z'", "expression_type"),
        ("close == $now", "expression_type"),
        ("seen == '2026-13-01T00:00:00Z'", "expression_type"),
        ("account == 'x'", "expression_type"),
        ("account == $user", "expression_type"),
        ("account == 'urn:uuid:018f2c3e-7a10-7d3f-9a51-0c2b6d1e4f70'", "expression_type"),
        ("stage == 'wom'", "expression_unknown_option"),
        ("size > null", "expression_null_order"),
        ("1 == 1", "expression_without_field"),
        ("$user == $user", "expression_without_field"),
        ("size == name", "expression_mixed_types"),
        ("close == seen", "expression_mixed_types"),
        ("stage == name", "expression_mixed_types"),
        ("size", None),
        ("5", "expression_not_a_condition"),
        ("'x'", "expression_not_a_condition"),
        ("null", "expression_not_a_condition"),
        ("tags", "expression_not_a_condition"),
        ("extra", "expression_not_a_condition"),
        ("name in 'abc'", "expression_in_list"),
        ("'a' in name", "expression_in_list"),
        ("lines.qty == 1", "expression_not_a_link"),
        ("about.name == 'x'", "expression_not_a_link"),
        ("name.x == 'y'", "expression_not_a_link"),
        ("lines == null", "expression_not_a_link"),
        ("account.parent.parent.parent.parent.name == 'x'", "expression_path_too_long"),
        ("name + 1 == 2", "expression_not_a_number"),
        ("size - 'a' == 2", "expression_not_a_number"),
        ("-name == 2", "expression_wrong_kind"),
        ("size == 1 # note", "expression_unsupported"),
        ("name == 'a", "expression_syntax"),
        ("size ==", "expression_incomplete"),
        ("", "expression_incomplete"),
        ("(size == 1", "expression_incomplete"),
        ("size == 1)", "expression_syntax"),
        ("size = 1", "expression_syntax"),
        ("size == 1 == 2", "expression_syntax"),
        ("名称 == 'x'", "expression_syntax"),
        ("name == '\\x41'", "expression_escape"),
        ("name == '\\ud800'", "expression_escape"),
        ("name == '\\u0000'", "expression_escape"),
    ],
)
def test_what_does_not_fit_is_refused(text: str, code: str | None) -> None:
    if code is None:
        understood(text)
        return
    codes, error = refused(text)
    assert codes == [code]
    problem = error.problems[0]
    assert isinstance(problem.params["column"], int)
    for language in ("en", "zh"):
        assert problem.message(language)
    assert problem.message("en") != problem.message("zh")


def test_every_problem_is_found_at_once_with_its_column_and_a_suggestion() -> None:
    codes, error = refused("nmae == 'x' and stage == 'wonn' or conatins(name, 'x')")
    assert codes == ["expression_unknown_field", "expression_unknown_option", "expression_unknown_function"]
    assert [problem.suggestion for problem in error.problems] == ["name", "won", "contains"]
    assert [problem.params["column"] for problem in error.problems] == [1, 26, 36]


def test_a_field_that_may_not_be_read_does_not_exist_nor_is_it_suggested() -> None:
    with pytest.raises(ExpressionInvalid) as hidden:
        parse("secret_margin > 1", DEAL, ENTITIES.get, lambda entity, field: field.id != "margin")
    with pytest.raises(ExpressionInvalid) as absent:
        parse("secret_margim > 1", DEAL, ENTITIES.get, lambda entity, field: field.id != "margin")
    assert hidden.value.problems[0].code == absent.value.problems[0].code == "expression_unknown_field"
    assert hidden.value.problems[0].suggestion is None and absent.value.problems[0].suggestion is None
    with pytest.raises(ExpressionInvalid):
        parse("account.name == 'x'", DEAL, ENTITIES.get, lambda entity, field: field.id != "account")


HOSTILE = [
    "name == '" + "x" * 2_000_000 + "'",
    "size == 1" + " and size == 1" * 20_000,
    "size == 1" + " + 1" * 20_000,
    "(" * 2_000 + "size == 1" + ")" * 1_900,
    "(" * 3_999,
    "not " * 990 + "active",
    "not " * 400 + "active",
    "size in [" + "1," * 1_900 + "1]",
    "[" * 1_900 + "]" * 1_900,
    "$range(100000000)",
    "size in $range(100000000)",
    "size in [x for x in $range(1000000)]",
    "1 << 10000000000",
    "9**9**9**9 == size",
    "name =~ '(a+)+$'",
    "name =~~ '(a+)+$'",
    "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!' =~ '(a+)+$'",
    "name.__class__.__mro__ == 'x'",
    "account.__class__ == 'x'",
    "name.as_lower == 'x'",
    "name[0] == 'x'",
    "name[1:2] == 'x'",
    "{'a': 1}",
    "{1, 2}",
    "name ?? 'x' == 'y'",
    "account&.name == 'x'",
    "b'x' == name",
    "d'2026-01-31' == close",
    "seen > t'P9999999D'",
    "t'P30D' == 1",
    "s'x' == name",
    "r'x' == name",
    "size == 1e999999",
    "size == 1e99999",
    "size == 1e30",
    "size == 9" + "9" * 60,
    "size == 0." + "0" * 50 + "1",
    "size == inf",
    "size == nan",
    "size == 0x10",
    "size == 0b1",
    "name == '\x00'",
    "name == '\ud800'",
    "\x00",
    "\ufeff name == 'x'",
    "name == 'x'\u2028",
    "; drop table deal",
    "name == 'x' -- comment",
    "name == 'x' /* */",
    "a" * 3_999,
    "a." * 1_999 + "a == 1",
    "close == '9999-99-99'",
    "close == '0000-00-00'",
    "seen > '9999-12-31T23:59:59-23:59'",
    "seen > '0001-01-01T00:00:00+23:59'",
    "contains(" * 800,
    "f(f(f(f(f(f(f(f(name, 'x'))))))))",
    "while == 1",
    "for == 1",
    "if == 1",
    "$now",
    "$user",
    "$__import__('os')",
    "!",
    "~name",
    "size & 1",
    "size | 1",
    "size ^ 1",
    "size // 1",
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_texts_are_refused_at_once(text: str) -> None:
    read("size == 1")
    refused("nmae == 1")
    spent = []
    for _ in range(3):
        begun = time.process_time()
        codes, error = refused(text)
        spent.append(time.process_time() - begun)
        assert codes
        for problem in error.problems:
            assert len(problem.message("en")) < 500 and len(problem.message("zh")) < 500
            problem.message("en").encode()
    assert min(spent) < 0.1, f"{min(spent) * 1000:.1f} ms"


def test_the_largest_that_is_allowed_is_understood() -> None:
    text = " and ".join(["size == 1"] * 124)
    assert len(understood(text).values) == 124
    assert decides("not " * 90 + "active", {"active": True})


EMPTY: dict[str, Any] = {}
FULL = {
    "name": "北京 Ünïon_50%",
    "note": "b",
    "stage": "won",
    "amount": Decimal("12.5000"),
    "amount__base": Decimal("90.0000"),
    "cost": Decimal("12.5000"),
    "cost__base": Decimal("91.0000"),
    "size": 7,
    "rate": Decimal("0.50"),
    "active": True,
    "close": dt.date(2026, 2, 1),
    "seen": dt.datetime(2026, 1, 31, 16, 0, tzinfo=dt.UTC),
    "tags": ("VIP", "新"),
    "needs": ("won", "lost"),
    "owner": USER,
    "account": OTHER,
}


@pytest.mark.parametrize(
    ("text", "full", "empty"),
    [
        ("size > 5", True, False),
        ("not (size > 5)", False, True),
        ("size != 7", False, True),
        ("size == null", False, True),
        ("size != null", True, False),
        ("size in [7, 8]", True, False),
        ("size not in [7, 8]", False, True),
        ("size in [null]", False, True),
        ("size in []", False, False),
        ("rate == 0.5", True, False),
        ("contains(name, 'üNÏON')", True, False),
        ("contains(name, '50%')", True, False),
        ("contains(name, 'n_5')", True, False),
        ("contains(name, 'n%5')", False, False),
        ("contains(name, '')", True, False),
        ("starts_with(name, '北')", True, False),
        ("not starts_with(name, '北')", False, True),
        ("contains(tags, 'vip')", True, False),
        ("contains(tags, 'vi')", False, False),
        ("contains(needs, 'gone')", True, False),
        ("not contains(needs, 'gone')", False, True),
        ("tags == null", False, True),
        ("owner == $user", True, False),
        ("owner != $user", False, True),
        ("close == $today", True, False),
        ("close > '2026-01-31'", True, False),
        ("seen == $today", True, False),
        ("seen == '2026-02-01'", True, False),
        ("seen < $now", True, False),
        ("seen >= '2026-02-01T00:00:00'", True, False),
        ("amount > 50", True, False),
        ("amount == cost", True, True),
        ("amount < cost", False, False),
        ("active", True, False),
        ("not active", False, True),
        ("amount", True, False),
        ("name < note", False, False),
        ("name > note", True, False),
        ("stage == 'won' and (size > 100 or active)", True, False),
        ("true", True, True),
        ("not true or false", False, False),
    ],
)
def test_conditions_decide_with_two_values(text: str, full: bool, empty: bool) -> None:
    assert decides(text, FULL) is full
    assert decides(text, EMPTY) is empty


def test_paths_read_linked_records_and_are_empty_where_there_is_none() -> None:
    accounts = {("account", OTHER): {"name": "ACME", "owner": USER, "limit__base": Decimal(90)}}

    def linked(entity: str, id: str) -> Mapping[str, Any] | None:
        return accounts.get((entity, id))

    assert decides("account.name == 'ACME'", FULL, linked)
    assert decides("account.owner == $user", FULL, linked)
    assert decides("account.limit == amount", FULL, linked)
    assert not decides("account.name == 'ACME'", FULL)
    assert decides("account.name != 'ACME'", FULL)
    assert decides("account.owner.name == null", FULL, linked)


def test_nobody_owns_what_has_no_owner() -> None:
    platform = Binding(NOW, "UTC", None)
    assert not evaluate(understood("owner == $user"), EMPTY, platform)
    assert not evaluate(understood("owner == $user"), FULL, platform)


def test_days_at_the_ends_of_the_calendar_can_be_compared() -> None:
    for zone in ("Asia/Shanghai", "America/New_York"):
        binding = Binding(NOW, zone, None)
        assert evaluate(understood("seen > '0001-01-01'"), FULL, binding)
        assert evaluate(understood("seen < '9999-12-31'"), FULL, binding)


FIRST = """
import sys, threading
from metadata.expressions import parser
sys.setswitchinterval(1e-6)
found = []
crew = [threading.Thread(target=lambda: found.append(parser.read("1 + 1"))) for _ in range(8)]
[each.start() for each in crew], [each.join() for each in crew]
sys.exit(len(found) != 8)
"""


def test_several_threads_may_be_the_first_to_read_an_expression() -> None:
    """The library's modules import each other: a thread must not meet them half made by another."""
    assert subprocess.run([sys.executable, "-c", FIRST], capture_output=True, timeout=120).returncode == 0
