"""Many records at once: verdicts for each, as if they had been written one after the other, in few statements."""

from __future__ import annotations

import threading
import time
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from metadata.problems import BadRequest, Forbidden, Invalid
from runtime import queries, records
from runtime.host import Host
from runtime.queries import Query, find
from runtime.records import Operation, Verdict, bulk, create, update, write_many
from runtime.workspace import Workspace
from tests import kit
from tests.selling import Place, paths, place, refused


@pytest.fixture
def here(host: Host) -> Place:
    return place(host)


def codes(verdicts: list[Verdict]) -> list[str]:
    return [each.problems[0].code if each.problems else each.action for each in verdicts]


def counted(ws: Workspace, act: Any) -> tuple[int, Any]:
    before = ws.db.count
    found = act()
    return ws.db.count - before, found


def test_good_rows_are_kept_and_bad_ones_say_why(here: Place) -> None:
    here.add("account", name="There", code="c0")
    rows: list[Any] = [
        {"name": "A", "code": "c1"},
        {"name": "B", "code": "c0"},
        {"name": "C", "code": "c1"},
        {"name": None, "size": "x"},
        {"name": "D", "colour": 1},
        "nothing",
        {"name": "E", "parent": here.boss},
        {"name": "F", "code": None},
        {"name": "G", "code": None},
    ]
    with here.as_user() as ws:
        verdicts = write_many(ws, "account", "insert", rows)
    assert codes(verdicts) == [
        "created",
        "records.not_unique",
        "records.not_unique",
        "value_not_integer",
        "records.unknown_field",
        "records.not_an_object",
        "records.no_such_target",
        "created",
        "created",
    ]
    assert {each.path for each in verdicts[3].problems} == {"name", "size"}
    made = [each.id for each in verdicts if each.action == "created"]
    assert [kind for kind, *_ in here.events() if kind == "created"] == ["created"] * 4
    with here.platform(write=False) as ws:
        assert len(find(ws, Query("account", ids=tuple(str(each) for each in made))).rows) == 3


def test_all_or_nothing_raises_every_problem_and_does_nothing(here: Place) -> None:
    operations = [
        Operation("create", {"name": "A"}),
        Operation("create", {"size": -1}),
        Operation("update", {"name": "x"}, id=here.boss),
        Operation("delete", id="nobody"),
    ]
    error = refused(here, Invalid, lambda ws: bulk(ws, "account", operations, all_or_nothing=True))
    assert {path.split(".")[0] for path in paths(error)} == {"1", "2", "3"}


def test_a_bulk_does_one_thing_after_the_other(here: Place) -> None:
    first = here.add("account", name="A", code="a")
    operations = [
        Operation("upsert", {"code": "b", "name": "B"}, by=("code",)),
        Operation("update", {"size": 7}, id=first.id, version=1),
        Operation("upsert", {"code": "b", "size": 3}, by=("code",)),
        Operation("upsert", {"code": "b", "size": 3}, by=("code",)),
        Operation("update", {"size": 8}, id=first.id, version=1),
        Operation("delete", {"code": "a"}, by=("code",)),
        Operation("create", {"name": "A again", "code": "a"}),
    ]
    with here.as_user() as ws:
        verdicts = bulk(ws, "account", operations)
    assert codes(verdicts) == ["created", "updated", "updated", "unchanged", "records.stale", "deleted", "created"]
    assert verdicts[0].id == verdicts[2].id == verdicts[3].id
    assert verdicts[2].version == 2


def test_an_upsert_by_several_fields_finds_what_the_actor_may_find(here: Place) -> None:
    account = here.add("account", name="A").id
    other = here.add("account", name="B").id
    order = here.add("order", name="O", account=account)
    rows = [{"account": account, "name": "O", "note": "found"}, {"account": other, "name": "O"}]
    with here.as_user() as ws:
        verdicts = write_many(ws, "order", "upsert", rows, ["account", "name"])
    assert codes(verdicts) == ["updated", "created"]
    assert verdicts[0].id == order.id
    seller = here.person("seller", unit=here.unit)
    with here.as_user(seller) as ws:
        assert codes(
            write_many(ws, "order", "update", [{"number": order.values["number"], "note": "x"}], ["number"])
        ) == ["records.no_match"]


def test_a_key_that_names_several_or_none_or_nothing_is_refused(here: Place) -> None:
    for _ in range(2):
        here.add("account", name="Twin")
    rows: list[dict[str, Any]] = [{"name": "Twin", "size": 1}, {"name": "Nobody", "size": 1}, {"size": 1}, {"name": 5}]
    with here.as_user() as ws:
        assert codes(write_many(ws, "account", "update", rows, ["name"]))[:3] == [
            "records.several_match",
            "records.no_match",
            "records.key_empty",
        ]
    for by in (["secrets"], ["limit"], ["extra"], ["tags"]):
        refused(here, BadRequest, partial(write_many, entity="account", mode="update", rows=rows, by=by))
    seller = here.person("seller", unit=here.unit)
    refused(here, BadRequest, lambda ws: write_many(ws, "account", "upsert", rows, ["secret"]), seller)


def test_rights_hold_for_each_row(here: Place) -> None:
    seller = here.person("seller", unit=here.unit)
    mine, theirs = here.add("account", user=seller, name="M", code="m"), here.add("account", name="T", code="t")
    rows: list[dict[str, Any]] = [
        {"code": "m", "size": 1},
        {"code": "t", "size": 1},
        {"code": "n", "name": "N", "owner": here.boss},
        {"code": "o", "name": "O", "limit": "5"},
    ]
    with here.as_user(seller) as ws:
        assert codes(write_many(ws, "account", "upsert", rows, ["code"])) == [
            "updated",
            "records.may_not",
            "records.beyond_rights",
            "records.may_not_write",
        ]
        deletions = [Operation("delete", id=mine.id), Operation("delete", id=theirs.id)]
        assert codes(bulk(ws, "account", deletions)) == ["deleted", "records.may_not"]
    guest = here.person("guest")
    refused(here, Forbidden, lambda ws: write_many(ws, "account", "insert", [{"name": "x"}]), guest)


def test_what_only_the_database_knows_is_found_by_halves(here: Place) -> None:
    account = here.add("account", name="A").id
    here.add("order", name="taken", account=account)
    rows = [{"name": "taken" if at in (3, 11) else f"n{at}", "account": account} for at in range(20)]
    rows[15]["stage"], rows[15]["name"] = "lost", "taken"
    with here.as_user() as ws:
        verdicts = write_many(ws, "order", "insert", rows)
    refusals = [at for at, each in enumerate(verdicts) if each.action == "refused"]
    assert refusals == [3, 11]
    assert verdicts[3].problems[0].code == "records.not_unique"
    assert sum(kind == "created" and entity == "order" for kind, entity, *_ in here.events()) == 19


def test_children_links_and_money_are_written_for_many(here: Place) -> None:
    with here.platform() as ws:
        create(ws, "exchange_rate", {"currency_code": "USD", "date": "2020-01-01", "rate": "7"})
    account = here.add("account", name="A").id
    contact = here.add("contact", name="C", account=account).id
    rows: list[dict[str, Any]] = [
        {
            "name": f"n{at}",
            "account": account,
            "currency": "USD",
            "amount": "2",
            "contacts": [contact],
            "lines": [{"name": "l", "price": "3"}, {"name": "m", "qty": 0 if at == 7 else 1}],
        }
        for at in range(30)
    ]
    with here.as_user() as ws:
        cost, verdicts = counted(ws, lambda: write_many(ws, "order", "insert", rows))
        assert cost <= 30
    assert [at for at, each in enumerate(verdicts) if each.problems] == [7]
    assert verdicts[7].problems[0].path == "lines.1.qty"
    with here.platform(write=False) as ws:
        [(lines, base)] = ws.db.fetch("SELECT count(*), sum(f_price__base) FROM e_line")
        assert (lines, Decimal(base) / (1 if ws.dialect == "postgresql" else 10_000)) == (58, Decimal(21 * 29))
        assert ws.db.fetch("SELECT count(*) FROM e_order__contacts")[0][0] == 29


@pytest.mark.parametrize("rows", [50, 500])
def test_the_number_of_statements_does_not_grow_with_the_rows(here: Place, rows: int) -> None:
    account = here.add("account", name="A").id
    given = [{"name": f"n{at}", "account": account, "amount": "5", "seller": here.boss} for at in range(rows)]
    with here.as_user() as ws:
        assert counted(ws, lambda: write_many(ws, "order", "insert", given))[0] <= 8
        changed = [{"name": each["name"], "account": account, "stage": "won"} for each in given]
        cost, verdicts = counted(ws, lambda: write_many(ws, "order", "upsert", changed, ["account", "name"]))
        assert (cost <= 8, {each.action for each in verdicts}) == (True, {"updated"})
        ids = [Operation("delete", id=each.id) for each in verdicts]
        assert counted(ws, lambda: bulk(ws, "order", ids))[0] <= 10


def test_numbers_of_a_bulk_are_one_block_in_the_order_of_the_rows(here: Place) -> None:
    account = here.add("account", name="A").id
    with here.as_user() as ws:
        verdicts = write_many(ws, "order", "insert", [{"name": f"n{at}", "account": account} for at in range(40)])
        page = find(ws, Query("order", fields=("id", "number"), ids=tuple(str(each.id) for each in verdicts), limit=50))
    numbers = {row[0]: int(row[1][-4:]) for row in page.rows}
    given = [numbers[str(each.id)] for each in verdicts]
    assert given == list(range(given[0], given[0] + 40))


def test_a_bulk_delete_takes_what_it_can(here: Place) -> None:
    free = [here.add("account", name=f"f{at}").id for at in range(3)]
    used = here.add("account", name="used").id
    here.add("order", name="O", account=used)
    operations = [Operation("delete", id=each) for each in (free[0], used, free[1], free[1], free[2])]
    with here.as_user() as ws:
        assert codes(bulk(ws, "account", operations)) == [
            "deleted",
            "records.in_use",
            "deleted",
            "records.no_match",
            "deleted",
        ]


def test_two_imports_of_the_same_rows_at_once_make_each_of_them_once(here: Place) -> None:
    rows = [{"name": f"n{at}", "code": f"k{at}"} for at in range(60)]
    found: list[list[str]] = []
    start = threading.Barrier(3)

    def run() -> None:
        start.wait()
        with here.as_user() as ws:
            found.append(codes(write_many(ws, "account", "insert", rows)))

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for at in range(60):
        assert sorted(each[at] for each in found) == ["created", "records.not_unique", "records.not_unique"]


def test_too_many_at_once_are_refused(here: Place) -> None:
    refused(here, BadRequest, lambda ws: write_many(ws, "account", "insert", [{"name": "x"}] * 10_001))


def test_a_thousand_rows_are_not_a_thousand_saves(here: Place) -> None:
    account = here.add("account", name="A").id
    rows = [{"name": f"n{at}", "account": account, "amount": "5", "stage": "won"} for at in range(1000)]
    with here.as_user() as ws:
        began = time.perf_counter()
        for row in rows[:100]:
            records.create(ws, "order", {**row, "name": f"single {row['name']}"})
        single = (time.perf_counter() - began) / 100
        began = time.perf_counter()
        write_many(ws, "order", "insert", rows)
        assert (time.perf_counter() - began) / 1000 < single


def test_an_update_of_many_keeps_what_each_row_does_not_name(here: Place) -> None:
    first = here.add("account", name="A", code="a", size=1, tags=["x"], extra={"k": 1})
    second = here.add("account", name="B", code="b", size=2)
    rows: list[dict[str, Any]] = [{"code": "a", "name": "A2"}, {"code": "b", "tags": ["y"], "extra": [1]}]
    with here.as_user() as ws:
        assert codes(write_many(ws, "account", "update", rows, ["code"])) == ["updated", "updated"]
        again = update(ws, "account", first.id, {"size": 3})
        other = update(ws, "account", second.id, {"size": 3})
    assert (again.values["name"], again.values["tags"], again.values["extra"]) == ("A2", ("x",), {"k": 1})
    assert (other.values["name"], other.values["tags"], other.values["extra"]) == ("B", ("y",), [1])
    assert here.events(first.id)[-2][3] == {"name": ["A", "A2"]}


ODD = """
  thing:
    title: name
    search: {name: {}}
    fields:
      name: {type: text}
      note: {type: long_text}
      tags: {type: tags}
      data: {type: json}
      amount: {type: money}
      share: {type: percent}
      done: {type: boolean}
      day: {type: date}
      at: {type: datetime}
      phone: {type: phone}
      kinds: {type: multi_choice, options: {a: {}, b: {}}}
roles:"""
NASTY = ('"', "\\", '\\"', "{a,b}", "NULL", "a\tb", "'", "中文 , ;", "", "\\N", '{"x": 1}')


@pytest.mark.parametrize("rows", [5, 30])
def test_odd_values_come_back_as_they_were_however_many_are_written(host: Host, rows: int) -> None:
    tenant = kit.tenant(host, kit.MINI.replace("\nroles:", ODD, 1))
    with kit.workspace(host, tenant) as ws:
        ids = [str(each.id) for each in records.write_many(ws, "thing", "insert", [{} for _ in range(rows)])]
    wanted = [
        {
            "id": id,
            "name": f"x {NASTY[at % len(NASTY)]} {at}".replace("\t", " "),
            "note": f"y\n{NASTY[at % len(NASTY)]} z",
            "tags": None if at % 4 == 0 else ['q"uo', "back\\slash", "{b}", "NULL"][: at % 4],
            "data": None if at % 5 == 0 else {"text": NASTY[at % len(NASTY)], "list": [1, None, True]},
            "amount": None if at % 3 == 0 else {"amount": f"{at}.50", "currency": "CNY"},
            "share": f"{at}.25",
            "done": None if at % 3 == 0 else at % 2 == 0,
            "day": f"2027-01-{at % 28 + 1:02}",
            "at": f"2027-01-{at % 28 + 1:02}T08:30:00Z",
            "phone": None if at % 6 == 0 else "+8613800001111",
            "kinds": None if at % 4 == 0 else ["a", "b"][: at % 2 + 1],
        }
        for at, id in enumerate(ids)
    ]
    with kit.workspace(host, tenant) as ws:
        verdicts = records.write_many(ws, "thing", "update", wanted, ("id",))
        assert [each.problems for each in verdicts] == [()] * rows
    with kit.workspace(host, tenant, write=False) as ws:
        found = queries.as_json(queries.find(ws, queries.Query("thing", limit=100, sort=("created_at",))))
        held = {each["id"]: {name: each[name] for name in wanted[0]} for each in found}
        assert held == {each["id"]: each for each in wanted}
        last = queries.find(ws, queries.Query("thing", q=f"{rows - 1}"))
        assert ids[-1] in [each["id"] for each in queries.as_json(last)]
