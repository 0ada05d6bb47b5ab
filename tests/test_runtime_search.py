"""Quick search: CJK substrings, beginnings of words, ends of numbers, pinyin initials; in readable fields only."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from runtime import search
from runtime.host import Host
from runtime.prepared import prepare
from runtime.queries import Query, find
from runtime.records import delete, update, write_many
from runtime.search import finding
from tests.selling import Place, place

NAMES = {
    "huawei": "北京华为技术有限公司",
    "huaxia": "华夏银行",
    "acme": "ACME Trading-Company (Asia)",
    "chongqing": "重庆火锅",
    "mixed": "小米Xiaomi 14 Ultra",
    "split": "华东 为了",
    "umlaut": "Müller ＧｍｂＨ",
    "number": "Order OPP-202701-00042",
}

FINDS = {
    "华为": {"huawei"},
    "华": {"huawei", "huaxia", "split"},
    "为": {"huawei", "split"},
    "司": {"huawei"},
    "为技术有": {"huawei"},
    "术技": set(),
    "华为公司": set(),
    "华 公司": {"huawei"},
    "acme": {"acme"},
    "TRAD": {"acme"},
    "comp asia": {"acme"},
    "rading": set(),
    "acme nothing": set(),
    "bjhw": {"huawei"},
    "cqhg": {"chongqing"},
    "zqhg": {"chongqing"},
    "hxyh": {"huaxia"},
    "xiaomi": {"mixed"},
    "xm": {"mixed"},
    "小米xiao": {"mixed"},
    "müller": {"umlaut"},
    "gmbh": {"umlaut"},
    "ＧＭＢＨ": {"umlaut"},
    "0042": {"number"},
    "00042": {"number"},
    "042": set(),
    "opp-2027": {"number"},
    "202701": {"number"},
    "2701": {"number"},
    "!!": set(),
    "'": set(),
    "a' | b": set(),
    "': *": set(),
    "\\": set(),
}


@pytest.fixture(scope="module")
def filled(request: pytest.FixtureRequest, kind: str) -> Place:
    found = place(request.getfixturevalue(f"{kind}_host"))
    with found.as_user() as ws:
        write_many(ws, "account", "insert", [{"name": name, "code": code} for code, name in NAMES.items()])
    return found


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def hits(here: Place, q: str, user: str | None = None) -> set[str]:
    with here.as_user(user, write=False) as ws:
        return {row[0] for row in find(ws, Query("account", q=q, fields=("code",), limit=100)).rows}


@pytest.mark.parametrize("q", FINDS)
def test_a_record_is_found_by(filled: Place, q: str) -> None:
    assert hits(filled, q) == FINDS[q]


def test_a_phone_is_found_by_its_end_its_beginning_and_in_pieces(filled: Place) -> None:
    filled.add("account", name="Phone", code="phone", phone="+86 138 0013 8000")
    for q in ("8000", "138000", "13800138000", "138 0013 8000", "+86 138-0013-8000", "1380013", "0138000"):
        assert hits(filled, q) == {"phone"}, q
    assert hits(filled, "0013 800") == set()


def test_search_follows_every_change(filled: Place) -> None:
    made = filled.add("account", name="Zebra 斑马", code="zebra")
    assert hits(filled, "zeb") == hits(filled, "斑马") == {"zebra"}
    with filled.as_user() as ws:
        update(ws, "account", made.id, {"name": "Yak 斑点"})
    assert hits(filled, "zeb") == hits(filled, "斑马") == set()
    assert hits(filled, "yak") == hits(filled, "斑点") == {"zebra"}
    with filled.as_user() as ws:
        write_many(ws, "account", "update", [{"code": "zebra", "name": "Emu 鸵鸟"}], ["code"])
    assert hits(filled, "yak") == set()
    assert hits(filled, "鸵鸟") == {"zebra"}
    with filled.as_user() as ws:
        delete(ws, "account", made.id)
    assert hits(filled, "emu") == set()


def test_search_looks_into_no_field_that_the_actor_may_not_read(filled: Place) -> None:
    seller = filled.person("seller", unit=filled.unit)
    filled.add("account", name="Open", code="open", secret="机密资料 classified")
    assert hits(filled, "classified") == hits(filled, "机密资料") == {"open"}
    assert hits(filled, "classified", seller) == hits(filled, "机密资料", seller) == set()
    assert hits(filled, "open", seller) == {"open"}


def test_a_query_of_any_length_is_answered(filled: Place) -> None:
    assert hits(filled, "华" * 5_000) == set()
    assert hits(filled, "a " * 5_000) >= {"acme"}
    assert hits(filled, "x" * 300) == set()


def test_a_long_text_is_found_by_its_first_thousand_tokens() -> None:
    assert len(search.text_tokens(" ".join(f"w{at}" for at in range(100_000)))) < 1_100


def test_a_polyphone_has_the_initials_of_its_usual_readings() -> None:
    assert {"~cq", "~zq"} <= search.text_tokens("重庆")
    assert "~hyd" in search.text_tokens("海洋大a")


def test_equal_shapes_of_a_query_have_equally_named_parameters() -> None:
    for dialect in ("postgresql", "sqlite"):
        assert search.query_shape("acme", dialect) == search.query_shape("Other", dialect)
        for q in ("acme trading", "华为", "北京华为", "138 0013 8000"):
            assert (
                search.query_params(("name",), q, dialect).keys() == search.query_params(("name",), q, dialect).keys()
            )
    assert search.query_shape("华为", "postgresql") != search.query_shape("北京华为", "postgresql")


def test_a_search_is_planned_for_its_value_and_other_statements_for_any() -> None:
    column: sa.ColumnClause[str] = sa.column("x", sa.Text())
    looking = (sa.func.fold(column).like(sa.bindparam("y")), column.op("@@")(sa.bindparam("y")))
    assert [prepare(sa.select(column).where(each), "postgresql").anew for each in looking] == [True, True]
    assert not prepare(sa.select(column).where(column == sa.bindparam("y")), "postgresql").anew


@pytest.mark.parametrize("many", [1, 2, 4])
def test_what_very_many_records_hold_is_looked_up_in_another_way_and_found_as_well(
    sqlite_host: Host, monkeypatch: pytest.MonkeyPatch, many: int
) -> None:
    here = place(sqlite_host)
    firms = [f"{city}{name}有限公司" for city in ("北京", "上海", "天津") for name in "甲乙"]
    with here.as_user() as ws:
        write_many(ws, "account", "insert", [{"name": name} for name in (*firms, *NAMES.values())])

        def found(q: str) -> list[Any]:
            return [row[0] for row in find(ws, Query("account", q=q, fields=("name",), sort=("name",))).rows]

        more = ("有限公司", "上海 有限", "公司 上海甲", "yxgs", "限有", "北京 上海", "有")
        gathered = {q: found(q) for q in (*FINDS, *more)}
        assert len(gathered["上海 有限"]) == 2 and len(gathered["有限公司"]) == 7
        monkeypatch.setattr(finding, "_MANY", many)
        assert {q: found(q) for q in gathered} == gathered
