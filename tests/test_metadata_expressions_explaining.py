"""Explanations: every part in words with its values, in both languages; what decided against; what is hidden."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from metadata.expressions import phrases
from metadata.expressions.binding import Binding
from metadata.expressions.evaluate import Row
from metadata.expressions.explaining import Explanation, Reader, explain, first_failed, lines
from metadata.expressions.functions import FUNCTIONS
from metadata.expressions.names import Scope, Wanted
from metadata.expressions.parser import parse_in
from metadata.expressions.tree import Listed
from metadata.model import Entity, Field
from tests.test_metadata_expressions_language import ENTITIES

ADA = "018f2c3e-7a10-7d3f-9a51-0c2b6d1e4f70"
NORTH = "018f2c3e-7a10-7d3f-9a51-0c2b6d1e4f71"
NOW = dt.datetime(2026, 1, 31, 17, 30, tzinfo=dt.UTC)
ZH = {
    "name": "名称", "stage": "阶段", "amount": "金额", "size": "规模", "active": "启用", "close": "关闭日期",
    "seen": "查看时间", "tags": "标签", "unit": "部门", "owner": "负责人", "lines": "明细", "quantity": "数量",
    "price": "单价", "level": "级别",
}  # fmt: skip


def _both(entity: Entity) -> Entity:
    fields = {
        id: replace(each, label={"en": each.label["en"], "zh": ZH.get(id, id)}) for id, each in entity.fields.items()
    }
    return replace(entity, fields=fields)


BOTH = {id: _both(each) for id, each in ENTITIES.items()}
BINDING = Binding(
    NOW, "Asia/Shanghai", ADA, attributes={"level": 3}, roles=frozenset({"mgr"}), units=frozenset({NORTH})
)
SCOPE = Scope(BOTH.get, changes=True, role={"manager": "mgr"}.get, calendars={"work": "work_id"})
VALUES: Mapping[str, Any] = {
    "id": "d1", "name": "Big deal", "stage": "lost", "amount": Decimal(80), "amount__base": Decimal(560), "size": 3,
    "active": True, "close": dt.date(2026, 2, 3), "seen": NOW, "tags": ("vip", "eu"), "owner": ADA, "unit": NORTH,
    "currency": "USD",
}  # fmt: skip
LINES = (
    Row({"id": "l1", "name": "Desk", "quantity": 2, "price": Decimal("10.5")}),
    Row({"id": "l2", "name": "Lamp", "quantity": 1, "price": None}),
)


def titles(entity: str, record: str) -> str | None:
    return {("user", ADA): "Ada", ("unit", NORTH): "North", ("line", "l1"): "Desk"}.get((entity, record))


def labels(section: str, id: str) -> Mapping[str, str] | None:
    return {("roles", "mgr"): {"en": "Manager", "zh": "经理"}}.get((section, id))


READER = Reader(BOTH.get, titles=titles, labels=labels, currency="CNY")


def explained(text: str, wanted: Wanted | None = None, reader: Reader = READER, **values: Any) -> Explanation:
    def linked(entity: str, record: str) -> Mapping[str, Any] | None:
        return {"id": ADA, "name": "Ada", "level": 5} if entity == "user" else None

    def listed(of: Listed, record: str) -> tuple[Row, ...]:
        return LINES if record == "d1" else ()

    row = Row({**VALUES, **values}, linked, {**VALUES, "stage": "won"}, listed)
    return explain(parse_in(text, BOTH["deal"], SCOPE, wanted), row, BINDING, reader)


def told(text: str, lang: str, wanted: Wanted | None = None) -> list[str]:
    return lines(explained(text, wanted).root, lang)


CONDITIONS = [
    ("stage == 'won'", ["✗ Stage is Won: no", "    Stage = Lost"], ["✗ 阶段 等于 Won：否", "    阶段 = Lost"]),
    ("stage != 'won'", ["✓ Stage is not Won: yes", "    Stage = Lost"], ["✓ 阶段 不等于 Won：是", "    阶段 = Lost"]),
    ("size < 2", ["✗ Size is less than 2: no", "    Size = 3"], ["✗ 规模 小于 2：否", "    规模 = 3"]),
    ("size <= 3", ["✓ Size is at most 3: yes", "    Size = 3"], ["✓ 规模 不超过 3：是", "    规模 = 3"]),
    ("size > 2", ["✓ Size is more than 2: yes", "    Size = 3"], ["✓ 规模 大于 2：是", "    规模 = 3"]),
    ("name == null", ["✗ Name is empty: no", "    Name = Big deal"], ["✗ 名称 为空：否", "    名称 = Big deal"]),
    ("name != null", ["✓ Name is not empty: yes", "    Name = Big deal"], ["✓ 名称 不为空：是", "    名称 = Big deal"]),
    ("name == 'x'", ["✗ Name is “x”: no", "    Name = Big deal"], ["✗ 名称 等于 “x”：否", "    名称 = Big deal"]),
    ("amount > 500", ["✓ Amount (in the base currency) is more than CN¥500.00: yes",
                      "    Amount (in the base currency) = CN¥560.00"],
     ["✓ 金额（本位币） 大于 ¥500.00：是", "    金额（本位币） = ¥560.00"]),
    ("close < $today", ["✗ Close is before today (2026-02-01): no", "    Close = 2026-02-03"],
     ["✗ 关闭日期 早于 今天（2026-02-01）：否", "    关闭日期 = 2026-02-03"]),
    ("seen >= $now", ["✓ Seen is not before now (2026-02-01 01:30): yes", "    Seen = 2026-02-01 01:30"],
     ["✓ 查看时间 不早于 现在（2026-02-01 01:30）：是", "    查看时间 = 2026-02-01 01:30"]),
    ("owner == $user", ["✓ Owner is the person who asks: yes", "    Owner = Ada"],
     ["✓ 负责人 等于 操作人：是", "    负责人 = Ada"]),
    ("owner.level > $user.level", ["✓ Owner › Level is more than Level of the person who asks: yes",
                                   "    Owner › Level = 5", "    Level of the person who asks = 3"],
     ["✓ 负责人 › 级别 大于 操作人的 级别：是", "    负责人 › 级别 = 5", "    操作人的 级别 = 3"]),
    ("stage in ['won', null]", ["✗ Stage is one of Won, empty: no", "    Stage = Lost"],
     ["✗ 阶段 是以下之一：Won、空：否", "    阶段 = Lost"]),
    ("contains(name, 'DEAL')", ["✓ Name contains “DEAL”: yes", "    Name = Big deal"],
     ["✓ 名称 包含 “DEAL”：是", "    名称 = Big deal"]),
    ("starts_with(name, 'x')", ["✗ Name begins with “x”: no", "    Name = Big deal"],
     ["✗ 名称 以 “x” 开头：否", "    名称 = Big deal"]),
    ("ends_with(name, 'al')", ["✓ Name ends with “al”: yes", "    Name = Big deal"],
     ["✓ 名称 以 “al” 结尾：是", "    名称 = Big deal"]),
    ("contains(tags, 'vip')", ["✓ Tags contains “vip”: yes", "    Tags = vip, eu"],
     ["✓ 标签 包含 “vip”：是", "    标签 = vip、eu"]),
    ("active", ["✓ Active is true: yes", "    Active = yes"], ["✓ 启用 为真：是", "    启用 = 是"]),
    ("size", ["✓ Size is not zero or empty: yes", "    Size = 3"], ["✓ 规模 不为零或空：是", "    规模 = 3"]),
    ("changed('stage')", ["✓ Stage has changed: yes", "    Stage (before) = Won", "    Stage = Lost"],
     ["✓ 阶段 已更改：是", "    阶段（之前） = Won", "    阶段 = Lost"]),
    ("old.stage == 'won'", ["✓ Stage (before) is Won: yes", "    Stage (before) = Won"],
     ["✓ 阶段（之前） 等于 Won：是", "    阶段（之前） = Won"]),
    ("has_role('manager')", ["✓ the person who asks has the role Manager: yes"], ["✓ 操作人拥有角色 经理：是"]),
    ("in_unit(unit)", ["✓ Unit is a unit of the person who asks, or below one: yes", "    Unit = North"],
     ["✓ 部门 是操作人所属的部门或其下级：是", "    部门 = North"]),
    ("not active", ["✗ this is not true: Active is true: no", "  ✓ Active is true: yes", "      Active = yes"],
     ["✗ 非（启用 为真）：否", "  ✓ 启用 为真：是", "      启用 = 是"]),
    ("size > 5 or active", ["✓ at least one of these is true: yes", "  ✗ Size is more than 5: no", "      Size = 3",
                            "  ✓ Active is true: yes", "      Active = yes"],
     ["✓ 以下条件至少一项成立：是", "  ✗ 规模 大于 5：否", "      规模 = 3", "  ✓ 启用 为真：是",
      "      启用 = 是"]),
    ("any(lines, quantity > 1)",
     ["✓ there are Lines with: Quantity is more than 1: yes", "    Desk", "    ✓ Quantity is more than 1: yes",
      "        Quantity = 2", "    record 2", "    ✗ Quantity is more than 1: no", "        Quantity = 1"],
     ["✓ 存在 满足“数量 大于 1”的 明细：是", "    Desk", "    ✓ 数量 大于 1：是", "        数量 = 2", "    第 2 条记录",
      "    ✗ 数量 大于 1：否", "        数量 = 1"]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "en", "zh"), CONDITIONS, ids=[each[0] for each in CONDITIONS])
def test_a_condition_is_told_with_its_values(text: str, en: list[str], zh: list[str]) -> None:
    assert [each.rstrip() for each in told(text, "en")] == en
    assert [each.rstrip() for each in told(text, "zh")] == zh


NUMBER, TEXT = Wanted("number"), Wanted("text")
FORMULAS = [
    ("size * 2 + 1", NUMBER, "(Size × 2) + 1 = 7", "(规模 × 2) + 1 = 7"),
    ("size % 2 - size", NUMBER, "(the remainder of Size ÷ 2) − Size = -2", "(规模 ÷ 2 的余数) − 规模 = -2"),
    ("-size", NUMBER, "−Size = -3", "−规模 = -3"),
    ("round(size / 7, 2)", NUMBER, "Size ÷ 7 rounded to 2 places = 0.43", "规模 ÷ 7 四舍五入到 2 位小数 = 0.43"),
    ("if(active, 'a', 'b')", TEXT, "if Active is true then “a”, else “b” = a", "若 启用 为真 则 “a”，否则 “b” = a"),
    ("upper(left(name, 3))", TEXT, "the first 3 characters of Name in capital letters = BIG",
     "名称 的前 3 个字符 的大写 = BIG"),
    ("concat(name, '-', size)", TEXT, "Name, “-”, Size joined = Big deal-3", "名称、“-”、规模 连接 = Big deal-3"),
    ("days_between($today, close)", NUMBER, "the days from today (2026-02-01) to Close = 2",
     "今天（2026-02-01） 到 关闭日期 的天数 = 2"),
    ("count(lines)", NUMBER, "the number of Lines = 2", "明细 的数量 = 2"),
    ("sum(lines, quantity * price, quantity > 0)", NUMBER,
     "the sum of Quantity × Price over Lines with: Quantity is more than 0 = 21",
     "满足“数量 大于 0”的 明细 的 数量 × 单价 之和 = 21"),
    ("max(parts, quantity)", NUMBER, "the largest Quantity of Thing = 2", "东西 的 数量 最大值 = 2"),
    ("coalesce(name, 'x')", TEXT, "the first of Name, “x” that is not empty = Big deal",
     "名称、“x” 中第一个非空的值 = Big deal"),
    ("size / 0", NUMBER, "Size ÷ 0 = empty", "规模 ÷ 0 = 空"),
    ("business_days_between(close, $today, 'work')", NUMBER,
     "the business days from Close to today (2026-02-01) (calendar work_id) = empty",
     "关闭日期 到 今天（2026-02-01） 的工作日数（日历 work_id） = 空"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "wanted", "en", "zh"), FORMULAS, ids=[each[0] for each in FORMULAS])
def test_a_value_is_told_with_what_it_is_made_of(text: str, wanted: Wanted, en: str, zh: str) -> None:
    found = explained(text, wanted)
    assert lines(found.root, "en")[0].strip() == en
    assert lines(found.root, "zh")[0].strip() == zh
    assert found.failed is None


@pytest.mark.parametrize(
    ("text", "failed"),
    [
        ("stage == 'lost' and size > 5 and active", "Size is more than 5"),
        ("active and (size > 5 or stage == 'won')", "at least one of these is true"),
        ("active and not (size > 5 or stage == 'lost')", "Stage is Lost"),
        ("not active", "this is not true: Active is true"),
        ("not (active and size > 1)", "this is not true"),
        ("any(lines, quantity > 5)", "there are Lines with: Quantity is more than 5"),
        ("active", None),
    ],
)
def test_the_first_condition_that_decided_against_is_told(text: str, failed: str | None) -> None:
    row = Row(VALUES, listed=lambda of, record: LINES)
    found = first_failed(parse_in(text, BOTH["deal"], SCOPE), row, BINDING, READER)
    assert (None if found is None else found.text["en"]) == failed


# -- a reader who may not see everything


def blind(*fields: str) -> Reader:
    def visible(entity: Entity, field: Field) -> bool:
        return field.id not in fields

    return replace(READER, visible=visible)


def test_values_that_the_reader_may_not_see_are_blanked_and_what_is_made_of_them() -> None:
    found = explained("size * 2 > 100 and active", reader=blind("size"))
    assert lines(found.root, "en") == [
        "✗ all of these are true: no",
        "    Size × 2 is more than 100: hidden",
        "      Size × 2 = hidden",
        "        Size = hidden",
        "  ✓ Active is true: yes",
        "      Active = yes",
    ]
    assert "已隐藏" in "\n".join(lines(found.root, "zh"))
    assert found.failed is not None and found.failed.hidden and found.failed.holds is None


def test_nothing_hidden_shows_through_a_choice_a_list_or_a_link() -> None:
    for text, fields in [
        ("if(size > 2, name, 'other') == 'x'", ("size",)),
        ("any(lines, quantity > 1)", ("quantity",)),
        ("any(lines, quantity > 1)", ("deal",)),
        ("owner.level > 4", ("level",)),
        ("owner.level > 4", ("owner",)),
        ("$user.level > 4 or active", ("level",)),
        ("changed('stage')", ("stage",)),
    ]:
        found = "\n".join(lines(explained(text, reader=blind(*fields)).root, "en"))
        assert "hidden" in found or text.startswith("any"), text
        for secret in ("Big deal", "= 2", "= 5", "= 3", "Won", "Lost"):
            assert secret not in found, (text, found)


def test_a_hidden_value_of_a_formula_is_hidden() -> None:
    assert lines(explained("size + 1", NUMBER, blind("size")).root)[0].strip() == "Size + 1 = hidden"


def test_of_a_long_list_only_the_first_are_told() -> None:
    rows = tuple(Row({"id": f"l{number}", "quantity": number}) for number in range(25))
    row = Row(VALUES, listed=lambda of, record: rows)
    found = explain(parse_in("any(lines, quantity > 30)", BOTH["deal"], SCOPE), row, BINDING, READER)
    assert len(found.root.parts) == 11 and found.root.parts[-1].text == {"en": "and 15 more", "zh": "另有 15 条"}


def test_every_function_has_words() -> None:
    assert set(FUNCTIONS) <= {*phrases.FUNCTIONS, *phrases.OF_MANY}
