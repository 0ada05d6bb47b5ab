"""The expression language in SQL: the same answers as Python's on both databases, and nothing that makes one fail."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from metadata import folding
from metadata.access import Actor
from metadata.expressions.names import Wanted
from metadata.expressions.parser import parse_in
from metadata.expressions.problems import ExpressionInvalid
from metadata.expressions.sql import NotInSql
from metadata.expressions.tree import Expression
from metadata.fieldtypes.base import ColumnSpec
from metadata.model import Grant
from metadata.problems import BadRequest
from runtime import saved_views
from runtime.database.postgres import PostgresServer
from runtime.database.sqlite import SqliteServer
from runtime.queries import Query, find
from runtime.queries.build import Build, Inputs, Joins, Source
from runtime.queries.cache import kept
from runtime.queries.conditions import unless
from runtime.queries.values import fitted, value
from tests.audit import random_expressions as random_ones
from tests.audit.sides import Database, Python, Records
from tests.worlds import EVERYTHING, World, actor, business, complete, make_model, place, role, uuid

SEED = 20260316


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    made: PostgresServer | SqliteServer
    if request.param == "sqlite":
        made = SqliteServer(tmp_path_factory.mktemp("expressions"))
    else:
        make_database: Callable[[], str] = request.getfixturevalue("make_database")
        made = PostgresServer(make_database())
    made.prepare()
    yield made
    made.close()


@pytest.fixture(scope="module")
def hard(server: Any) -> World:
    made = World(server, random_ones.model(), server.create_place(place("hard")))
    made.build(random_ones.rows(Random(SEED), 40))
    return made


def sides(world: World) -> tuple[Python, Database]:
    return Python(Records(world.model, random_ones.stored(world.rows))), Database(world)


def checked(world: World, text: str, kind: Any = None, entity: str = "deal") -> Expression:
    found = world.model.entity(entity)
    assert found is not None
    return parse_in(text, found, random_ones.scope(world.model), None if kind is None else Wanted(kind))


def test_random_expressions_are_answered_as_in_python(hard: World) -> None:
    """Random typed expressions over all nodes and functions: no difference. `make audit` asks thousands."""
    random, differing, told = Random(SEED), [], 0
    python, database = sides(hard)
    for _ in range(180):
        kind = random.choice((None, None, None, *random_ones.KINDS))
        expression = random_ones.made(hard.model, random, random.randint(1, 4), kind)
        binding = random_ones.binding(random.choice(random_ones.ZONES))
        expected, found = python.answers(expression, binding), database.answers(expression, binding)
        told += sum(each not in (None, False) for each in expected)
        if expected != found:
            differing.append(expression.source)
    print(f"expressions=180 rows=40 told={told} diffs={len(differing)} seed={SEED}")
    assert differing == [] and told > 180 * 40 * 0.25


def test_a_negated_condition_finds_exactly_the_others(hard: World) -> None:
    random, database, binding = Random(SEED + 1), Database(hard), random_ones.binding("Europe/Berlin")
    for _ in range(60):
        expression = random_ones.made(hard.model, random, 3)
        met = database.answers(expression, binding)
        assert met is not None
        with hard.workspace() as ws:
            build = Build(ws.model, ws.actor, ws.db.dialect)
            joins = Joins(build, source(build))
            negated = sa.select(joins.root.column("id"))
            negated = negated.where(unless(build, joins, expression.root)).select_from(joins.origin)
            found = build.finish(negated).fetch(ws, Inputs(ws.actor, binding, expression.values))
        others = {id for id, each in zip(database.order, met, strict=True) if not each}
        assert {row[0] for row in found} == others, expression.source


def source(build: Build) -> Source:
    entity = build.entity("deal")
    table = build.table(entity)
    return Source(entity, table, table.table, build=build)


def nested(write: Callable[[str], str], times: int, text: str) -> str:
    for _ in range(times):
        text = write(text)
    return text


DEEP: Mapping[str, tuple[str, str | None]] = {
    "a long sum": (" + ".join(["amount"] * 97), "number"),
    "many columns": (" + ".join(f"coalesce({each}, 0)" for each in ("size", "rate", "cost", "share") * 20), "number"),
    "calls in calls": (nested(lambda text: f"abs({text})", 90, "size"), "number"),
    "choices in choices": (nested(lambda text: f"if({text}, size > 1, true)", 45, "active"), "boolean"),
    "conditions in conditions": (nested(lambda text: f"not ({text} and size != 3)", 44, "active"), None),
    "members of members": (nested(lambda text: f"(({text}) in [1, null] ? 1 : 0)", 40, "size"), "number"),
    "a long or": (" or ".join(f"rate == {each}" for each in range(120)), None),
    "a text of a googol": (nested(lambda text: f"replace({text}, 'a', '{'a' * 60}')", 30, "name"), "text"),
    "a list in numbers": (f"sum(lines, {nested(lambda text: f'({text} * 2)', 20, 'qty')})", "number"),
}


@pytest.mark.parametrize("name", DEEP)
def test_deep_and_wide_expressions_are_answered(hard: World, name: str) -> None:
    expression = checked(hard, *DEEP[name])
    python, database = sides(hard)
    binding = random_ones.binding("UTC")
    assert database.answers(expression, binding) == python.answers(expression, binding)


@pytest.mark.parametrize(
    "text",
    [
        "size + 9223372036854775807 > 0",
        "size * size * size * size > 1",
        "size in [9223372036854775808, -99999999999999999999]",
        "number(name) == 999999999999999999999999.999999999999",
        "round(amount, 999999999999999999999999) == null",
        "left(name, 99999999999999999999) == name",
        "substring(name, -99999999999999999999, 99999999999999999999) != null",
        "add_days(close, 99999999999999999999) == null",
        "add_months(close, -99999999999999999999) == null",
        "add_hours(seen, 99999999999999999999) == null",
        "hours_between('0001-01-01T00:00:00Z', seen) > 1",
        "date(add_hours(seen, 13.5)) == null",
        "contains(name, '%') or starts_with(name, '_') or ends_with(name, '\\\\')",
        "replace(name, note, name) == concat(name, note)",
        "contains(if(active, tags, tags), 'VIP') and contains(if(active, needs, needs), 'won')",
        "coalesce(null, name) == 'a' or if(active, null, null) == null",
        "not (name > $user.email) and not (rate >= $user.limit) and $user.seen == seen",
        "ends_with(name, 'Σ') or not ends_with(account.name, 'σας')",
    ],
)
def test_no_value_makes_a_statement_fail(hard: World, text: str) -> None:
    expression = checked(hard, text)
    python, database = sides(hard)
    for zone in ("Pacific/Kiritimati", "America/Los_Angeles"):
        binding = random_ones.binding(zone)
        assert database.answers(expression, binding) == python.answers(expression, binding)


def test_an_expression_that_is_too_deep_is_refused(hard: World) -> None:
    for text in (nested(lambda text: f"abs({text})", 101, "size") + " > 1", " + ".join(["size"] * 130) + " > 1"):
        with pytest.raises(ExpressionInvalid) as refused:
            checked(hard, text)
        assert [each.code for each in refused.value.problems] == ["expression_too_deep"]


def test_letters_have_the_same_case_everywhere(hard: World) -> None:
    """Every code point there is, between others, with and without case."""
    if isinstance(hard.server, SqliteServer):
        pytest.skip("SQLite asks Python")
    texts = (
        "SELECT i / 4096, string_agg('A' || chr(i) || 'Σ', '' ORDER BY i) AS t FROM generate_series(1, 1114111) AS i"
        " WHERE i NOT BETWEEN 55296 AND 57343 GROUP BY 1"
    )
    with hard.workspace() as ws:
        found = ws.db.fetch(f"SELECT t, platform.x_lower(t), platform.x_upper(left(t, 9000)) FROM ({texts}) AS of")
    assert sum(len(text) for text, _, _ in found) == 3 * 1_112_063
    for text, lower, upper in found:
        assert lower == folding.lower(text)
        assert upper == folding.upper(text[:9000])


def test_letters_that_the_database_takes_for_others_are_corrected(hard: World) -> None:
    if isinstance(hard.server, SqliteServer):
        pytest.skip("SQLite asks Python")
    from runtime.database import postgres_functions as functions

    with hard.workspace() as ws:
        cases = [each for each in ws.db.fetch(functions.CASES) if chr(each[0]) not in "Äßİǆ"]
        wrong = [(ord("x"), "y", "Z"), *((point, low, up) for point, low, up in cases if point != ord("x"))]
        made = functions.case_functions(wrong).replace("FUNCTION platform.x_", "FUNCTION pg_temp.x_")
        with ws.db.savepoint():
            ws.db.run("SET LOCAL ROLE NONE")
            for each in made.split(";\n"):
                if each.strip():
                    ws.db.run(each)
            for text in ("Äß’ŉİ ΣA'ς", "ABΣ", "😀ǆ"):
                told = ws.db.fetch("SELECT pg_temp.x_lower(%s), pg_temp.x_upper(%s)", (text, text))
                assert told == [(folding.lower(text), folding.upper(text))]


def test_days_and_hours_are_those_of_the_zone(hard: World) -> None:
    """Around changes of clocks, those before there were standard times included."""
    if isinstance(hard.server, SqliteServer):
        pytest.skip("SQLite asks Python")
    zones = (*random_ones.ZONES, "America/Sao_Paulo", "Asia/Tehran", "Antarctica/Troll", "Africa/Casablanca")
    random = Random(SEED)
    with hard.workspace() as ws:
        for zone in zones:
            moments = list(_turns(ZoneInfo(zone), random))
            given = {"moments": moments, "zone": zone}
            asked = "SELECT platform.x_date(m, %(zone)s), platform.x_hour(m, %(zone)s) FROM unnest(%(moments)s) AS m"
            for moment, told in zip(moments, ws.db.fetch(asked, given), strict=True):
                local = moment.astimezone(ZoneInfo(zone))
                assert told == (local.date(), local.hour), (zone, moment)


def _turns(zone: ZoneInfo, random: Random) -> Iterator[dt.datetime]:
    """The seconds before, at and after some changes of the offset."""
    for _ in range(40):
        low = dt.datetime(1850, 1, 1, tzinfo=dt.UTC) + dt.timedelta(days=random.randrange(80_000))
        high = low + dt.timedelta(days=200)
        while high - low > dt.timedelta(seconds=1):
            middle = low + (high - low) / 2
            same = low.astimezone(zone).utcoffset() == middle.astimezone(zone).utcoffset()
            low, high = (middle, high) if same else (low, middle)
        yield from (low.replace(microsecond=0), high.replace(microsecond=0), high + dt.timedelta(hours=1))


def test_a_value_is_kept_as_a_column_of_its_places_would(hard: World) -> None:
    with hard.workspace() as ws:
        for number, scale, wanted in (
            ("0.5", 0, 1),
            ("-0.5", 0, -1),
            ("2.345", 2, Decimal("2.35")),
            ("-2.345", 2, Decimal("-2.35")),
            ("92233720368547758.07", 2, Decimal("92233720368547758.07")),
            ("92233720368547758.08", 2, None),
            ("999999999999999999999999", 12, None),
            ("9223372036854775807", 0, 2**63 - 1),
            ("9223372036854775808", 0, None),
        ):
            expression = checked(hard, f"if(id != null, {number}, 0)", "number")
            build = Build(ws.model, ws.actor, ws.db.dialect)
            joins = Joins(build, source(build))
            spec = ColumnSpec("decimal", "", scale) if scale else ColumnSpec("integer")
            made = fitted(build, value(build, joins, expression.root), spec)
            statement = build.finish(sa.select(made).select_from(joins.origin).limit(1))
            inputs = Inputs(ws.actor, random_ones.binding("UTC"), expression.values)
            found = statement.fetch(ws, inputs)[0][0]
            if found is not None and ws.db.dialect == "sqlite":
                found = Decimal(found).scaleb(-scale)
            assert found == wanted, (number, scale)


# -- who asks


@pytest.fixture(scope="module")
def people(server: Any) -> World:
    roles = [
        EVERYTHING,
        role(
            "seller",
            {"deal": Grant({"read": "own"}), "account": Grant({"read": "own"}), "user": Grant({"read": "all"})},
        ),
        role("clerk", {"*": Grant({"read": "all"}), "deal": Grant({"read": "all"}, {"amount": "hidden", "*": "read"})}),
    ]
    made = World(server, make_model(business(), roles), server.create_place(place("people")))
    accounts = [complete({"name": f"A{n}", "owner": uuid(n), "unit": uuid(10 + n)}, 20 + n) for n in (1, 2)]
    deals = [
        complete(
            {
                "name": f"D{n}",
                "owner": uuid(1 + n % 2),
                "unit": uuid(11 + n % 2),
                "account": uuid(21 + n // 2),
                "size": n,
            },
            100 + n,
        )
        for n in range(4)
    ]
    gone = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    lines = [
        complete(
            {"name": f"L{n}", "deal": uuid(100 + n % 4), "qty": n, "deleted_at": gone if n == 7 else None}, 300 + n
        )
        for n in range(8)
    ]
    units = [complete({"name": f"U{n}"}, n) for n in (11, 12)]
    users = [complete({"name": "Ada", "email": "D1"}, 1), complete({"name": "Bob"}, 2)]
    made.build({"user": users, "unit": units, "account": accounts, "deal": deals, "line": lines})
    return made


def names(world: World, who: Actor, where: str, entity: str = "deal") -> list[str]:
    with world.workspace(who) as ws:
        rows = find(ws, Query(entity, where=where, sort=("name",), fields=("name",))).rows
    return [row[0] for row in rows]


def test_lists_hold_what_is_alive_and_seen(people: World) -> None:
    boss, seller = actor(uuid(1), "boss"), actor(uuid(1), "seller")
    assert names(people, boss, "count(lines) == 2") == ["D0", "D1", "D2"]
    assert names(people, boss, "sum(lines, qty) >= 6 and max(lines, qty) < 7") == ["D1", "D2"]
    assert names(people, boss, "all(lines, qty < 4)") == ["D3"]
    assert names(people, boss, "count(deals) == 2", "account") == ["A1", "A2"]
    # Of each account the seller sees one deal; of the other account nothing at all.
    assert names(people, seller, "count(deals) == 1", "account") == ["A1"]
    assert names(people, seller, "any(account.deals, owner != $user)") == []
    assert names(people, boss, "any(account.deals, owner != $user)") == ["D0", "D1", "D2", "D3"]
    assert names(people, seller, "account.name == null") == ["D2"]


def test_a_hidden_field_cannot_be_asked_for_inside_a_list(people: World) -> None:
    clerk = actor(uuid(1), "clerk")
    assert names(people, clerk, "any(deals, size > 2)", "account") == ["A2"]
    with people.workspace(clerk) as ws, pytest.raises(ExpressionInvalid) as refused:
        find(ws, Query("account", where="any(deals, amount > 2)"))
    assert [each.code for each in refused.value.problems] == ["expression_unknown_field"]


def test_one_statement_serves_all_who_ask_with_the_same_roles(people: World) -> None:
    """Units, roles and values of the one who asks are parameters, never part of what is kept."""
    first = actor(uuid(1), "boss", units=(uuid(11),))
    second = actor(uuid(2), "boss", units=(uuid(12),), attributes={"name": "D1", "email": None})
    third = replace(first, attributes={"name": "D2", "email": None})
    assert names(people, first, "in_unit(unit)") == ["D0", "D2"]
    assert names(people, second, "in_unit(unit)") == ["D1", "D3"]
    assert names(people, first, "not in_unit(unit)") == ["D1", "D3"]
    assert names(people, actor(uuid(1), "boss"), "in_unit(unit)") == []
    for who, found in ((second, ["D1"]), (third, ["D2"])):
        assert names(people, who, "name == $user.name") == found
        assert names(people, who, "concat(name, '') == $user.name") == found
    assert names(people, second, "note == $user.email") == ["D0", "D1", "D2", "D3"]
    assert names(people, second, "name != $user.email and not (name > $user.email)") == ["D0", "D1", "D2", "D3"]
    size = len(kept(people.model)._found)
    assert names(people, actor(uuid(9), "boss", units=(uuid(11),)), "in_unit(unit)") == ["D0", "D2"]
    assert names(people, replace(first, attributes={"name": "D3"}), "name == $user.name") == ["D3"]
    assert len(kept(people.model)._found) == size


def test_roles_are_asked_for_by_their_key(people: World) -> None:
    assert names(people, actor(uuid(1), "boss"), "has_role('boss') and not has_role('clerk')") != []
    assert names(people, actor(uuid(1), "boss"), "has_role('clerk') or size == 3") == ["D3"]
    with people.workspace(actor(uuid(1), "boss")) as ws, pytest.raises(ExpressionInvalid):
        find(ws, Query("deal", where="has_role('nobody')"))


@pytest.mark.parametrize("text", ["is_business_day(close)", "add_business_days(close, 2) == close"])
def test_what_sql_cannot_say_is_refused_with_the_reason(people: World, text: str) -> None:
    with people.workspace(actor(uuid(1), "boss")) as ws:
        for ask in (
            lambda: find(ws, Query("deal", where=text)),
            lambda: saved_views.by_ids(ws, ws.model.entity("deal"), saved_views.Shape(where=text)),  # type: ignore[arg-type]
        ):
            with pytest.raises(BadRequest) as refused:
                ask()
            problem = refused.value.problems[0]
            assert problem.code == "expression_not_in_sql" and "business_day" in problem.message("zh")


def test_changes_cannot_be_asked_of_a_database(hard: World) -> None:
    entity = hard.model.entity("deal")
    assert entity is not None
    with hard.workspace() as ws:
        for text in ("changed('stage')", "old.size + 1 > size", "old.stage != stage", "if(changed('name'), 1, 2) == 1"):
            expression = parse_in(text, entity, random_ones.scope(hard.model, changes=True))
            build = Build(ws.model, ws.actor, ws.db.dialect)
            with pytest.raises(NotInSql):
                unless(build, Joins(build, source(build)), expression.root)
