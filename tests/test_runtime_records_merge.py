"""Merging: what survives, what moves, who is led where, and that nothing is lost on the way."""

from __future__ import annotations

import random
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from metadata.problems import BadRequest, Conflict, Forbidden, Gone, Invalid, NotFound
from runtime import queries
from runtime.database.db import Db
from runtime.host import Host
from runtime.queries import Query, find
from runtime.records import Merged, create, delete, merge, restore, update
from runtime.tables import DELETED_AT, table_of
from runtime.workspace import Workspace
from tests import kit
from tests.selling import Place, paths, place, refused


@pytest.fixture
def here(host: Host) -> Place:
    return place(host)


def merged(here: Place, entity: str, survivor: str, *others: str, **more: Any) -> Merged:
    with here.as_user(more.pop("user", None)) as ws:
        return merge(ws, entity, survivor, list(others), **more)


def values(here: Place, entity: str, id: str, *fields: str) -> dict[str, Any]:
    with here.platform(write=False) as ws:
        return queries.get(ws, entity, id, fields or None)


def test_the_survivors_values_stay_and_its_gaps_are_filled(here: Place) -> None:
    one = here.add("account", name="One", size=3).id
    two = here.add("account", name="Two", code="T", phone="+86 10 6552 9988", size=5).id
    three = here.add("account", name="Three", code="H", tags=["vip"]).id
    found = merged(here, "account", one, two, three)
    assert (found.record.id, found.others, found.record.version) == (one, (two, three), 2)
    kept = values(here, "account", one)
    assert (kept["name"], kept["size"], kept["code"], kept["tags"]) == ("One", 3, "T", ["vip"])
    assert kept["phone"] is not None


def test_a_value_can_be_chosen_from_any_of_them(here: Place) -> None:
    one = here.add("account", name="One", code="A", size=3).id
    two = here.add("account", name="Two", code="B").id
    merged(here, "account", one, two, choices={"name": two, "code": two, "size": two})
    kept = values(here, "account", one)
    assert (kept["name"], kept["code"], kept["size"]) == ("Two", "B", None)


def test_amounts_go_with_their_currency(here: Place) -> None:
    with here.as_user() as ws:
        create(ws, "exchange_rate", {"currency_code": "USD", "date": "2020-01-01", "rate": "7"})
    poor = here.add("account", name="Poor").id
    rich = here.add("account", name="Rich", currency="USD", limit="10").id
    merged(here, "account", poor, rich)
    assert values(here, "account", poor, "limit")["limit"] == {"amount": "10.00", "currency": "USD"}
    both = here.add("account", name="Both", limit={"amount": "5", "currency": "CNY"}).id
    merged(here, "account", both, poor)
    assert values(here, "account", both, "limit")["limit"] == {"amount": "5.00", "currency": "CNY"}
    dear = here.add("account", name="Dear", currency="USD", limit="9").id
    merged(here, "account", both, dear, choices={"limit": dear})
    assert values(here, "account", both, "limit")["limit"] == {"amount": "9.00", "currency": "USD"}


def test_everything_that_points_at_a_merged_record_points_at_the_survivor(here: Place) -> None:
    one, two = (here.add("account", name=name).id for name in ("One", "Two"))
    contact = here.add("contact", name="C", account=two).id
    order = here.add("order", name="O", account=two, contacts=[contact]).id
    binned = here.add("order", name="P", account=two).id
    part = here.add("account", name="Part", parent=two).id
    about = here.add("order", name="Q", account=one, about={"entity": "account", "id": two}).id
    call = here.add("call", name="Call", reason="-", account=two).id
    with here.as_user() as ws:
        delete(ws, "order", binned)
    found = merged(here, "account", one, two)
    assert dict(found.moved) == {"contact": 1, "order": 2, "account": 1, "call": 1}
    assert values(here, "order", order, "account", "version") | {"id": ""} == {"id": "", "account": one, "version": 2}
    assert values(here, "contact", contact, "account")["account"] == one
    assert values(here, "account", part, "parent")["parent"] == one
    assert values(here, "order", about, "about")["about"] == {"entity": "account", "id": one}
    assert values(here, "call", call, "account")["account"] == one
    with here.as_user() as ws:
        assert restore(ws, "order", binned).values["account"] == one


def test_links_among_the_merged_records_end(here: Place) -> None:
    one = here.add("account", name="One").id
    two = here.add("account", name="Two", parent=one).id
    with here.as_user() as ws:
        update(ws, "account", one, {"parent": two})
    merged(here, "account", one, two)
    assert values(here, "account", one, "parent")["parent"] is None


def test_lists_are_united_without_doubles(here: Place) -> None:
    account = here.add("account", name="A").id
    first, second, third = (here.add("contact", name=name, account=account).id for name in "abc")
    one = here.add("order", name="O", account=account, contacts=[first, second]).id
    two = here.add("order", name="P", account=account, contacts=[second, third], lines=[{"name": "x"}]).id
    merged(here, "order", one, two)
    kept = values(here, "order", one, "contacts.id", "lines.name")
    assert [each["id"] for each in kept["contacts"]] == [first, second, third]
    assert [each["name"] for each in kept["lines"]] == ["x"]
    kind, _, _, changes = here.events(one)[-1]
    assert kind == "merged" and changes["contacts"] == [[first, second], [first, second, third]]
    # The far end: both stand in one order's list.
    merged(here, "contact", first, second)
    assert [each["id"] for each in values(here, "order", one, "contacts.id")["contacts"]] == [first, third]
    kind, _, _, changes = here.events(one)[-1]
    assert (kind, changes) == ("updated", {"contacts": [[first, second, third], [first, third]]})


def test_each_touched_record_has_one_event_and_they_name_their_cause(here: Place) -> None:
    one, two = (here.add("account", name=name).id for name in ("One", "Two"))
    order = here.add("order", name="O", account=two, about={"entity": "account", "id": two}).id
    before = len(here.events())
    merged(here, "account", one, two)
    told = here.events()[before:]
    assert Counter((kind, record) for kind, _, record, _ in told) == Counter(
        [("updated", order), ("merged", two), ("merged", one)]
    )
    by_record = {record: changes for _, _, record, changes in told}
    assert by_record[order] == {
        "account": [two, one],
        "about": [{"entity": "account", "id": two}, {"entity": "account", "id": one}],
    }
    assert by_record[two] == {"id": [two, one]} and by_record[one] == {"id": [[two], one]}
    with here.platform(write=False) as ws:
        rows = ws.db.fetch("SELECT record, id, cause, depth FROM _event ORDER BY id")
        found = {str(record): (str(id), cause and str(cause), depth) for record, id, cause, depth in rows}
    root = found[one][0]
    assert found[one][1:] == (None, 0)
    assert found[order][1:] == found[two][1:] == (root, 1)


def test_the_address_of_a_merged_record_leads_to_the_survivor(here: Place) -> None:
    one, two, three = (here.add("account", name=name).id for name in ("One", "Two", "Three"))
    merged(here, "account", two, three)
    merged(here, "account", one, two)
    with here.as_user() as ws:
        for act in (lambda: queries.get(ws, "account", three), lambda: update(ws, "account", three, {"size": 1})):
            with pytest.raises(Gone) as caught:
                act()
            assert caught.value.problems[0].params["survivor"] == one
        assert find(ws, Query("account", fields=("id",))).rows == [(one,)]
        restore(ws, "account", three)
        assert queries.get(ws, "account", three, ("name",))["name"] == "Three"


def test_who_may_not_see_the_survivor_is_not_led_to_it(here: Place) -> None:
    one = here.add("account", name="One").id
    mine = here.add("account", user=here.person("boss"), name="Mine").id
    merged(here, "account", one, mine)
    with here.as_user(here.person("guest")) as ws, pytest.raises(NotFound):
        queries.get(ws, "account", mine)


def test_rights_are_asked_of_every_record_and_field(here: Place) -> None:
    seller = here.person("seller")
    own, further = (here.add("account", user=seller, name=name).id for name in ("Own", "Further"))
    foreign = here.add("account", name="Foreign", limit={"amount": "9", "currency": "CNY"}).id
    error = refused(here, Forbidden, lambda ws: merge(ws, "account", own, [foreign]), seller)
    assert paths(error) == {"others.0": "records.may_not"}
    refused(here, Forbidden, lambda ws: merge(ws, "account", foreign, [own]), seller)
    with here.as_user() as ws:
        update(ws, "account", further, {"limit": {"amount": "7", "currency": "CNY"}, "secret": "s"})
    error = refused(
        here, Invalid, lambda ws: merge(ws, "account", own, [further], {"limit": further, "secret": further}), seller
    )
    assert paths(error) == {"choices.limit": "records.may_not_write", "choices.secret": "records.unknown_field"}
    merged(here, "account", own, further, user=seller)
    kept = values(here, "account", own, "limit", "secret")
    assert (kept["limit"], kept["secret"]) == (None, None)


def test_a_merge_of_what_somebody_changed_meanwhile_is_refused(here: Place) -> None:
    one, two = (here.add("account", name=name).id for name in ("One", "Two"))
    with here.as_user() as ws:
        update(ws, "account", two, {"size": 1})
    error = refused(here, Conflict, lambda ws: merge(ws, "account", one, [two], versions={one: 1, two: 1}))
    assert paths(error) == {f"versions.{two}": "records.stale"}


def test_what_cannot_be_merged_is_refused(here: Place) -> None:
    one, two = (here.add("account", name=name).id for name in ("One", "Two"))
    unit = here.unit
    for error, act in (
        (BadRequest, lambda ws: merge(ws, "account", one, [])),
        (BadRequest, lambda ws: merge(ws, "account", one, [two, one])),
        (NotFound, lambda ws: merge(ws, "account", one, [unit])),
        (NotFound, lambda ws: merge(ws, "account", one, ["nonsense"])),
        (Invalid, lambda ws: merge(ws, "account", one, [two], {"name": unit})),
        (Invalid, lambda ws: merge(ws, "account", one, [two], {"version": two})),
        (Invalid, lambda ws: merge(ws, "account", one, [two], {"nonsense": two})),
    ):
        refused(here, error, act)


def test_records_that_would_become_the_same_are_named(here: Place) -> None:
    one, two = (here.add("account", name=name).id for name in ("One", "Two"))
    here.add("order", name="Same", account=one)
    here.add("order", name="Same", account=two)
    here.add("order", name="Other", account=two)
    error = refused(here, Conflict, lambda ws: merge(ws, "account", one, [two]))
    [problem] = error.problems
    assert problem.code == "records.merge_collides" and "Same, Same" in problem.message()


KEEPING = """
package: {code: keeping, version: 1.0.0, kind: module, requires: {core: '*'}}
entities:
  a:
    title: name
    fields:
      name: {type: text, required: true}
      needed: {type: text}
  stays: {title: name, fields: {name: {type: text}, a: {type: link, to: a, on_merge: keep, on_delete: cascade}}}
  clears: {title: name, fields: {name: {type: text}, a: {type: link, to: a, on_merge: keep, on_delete: clear}}}
  blocks: {title: name, fields: {name: {type: text}, a: {type: link, to: a, on_merge: keep, on_delete: restrict}}}
"""


def test_a_link_that_stays_goes_with_the_record_that_is_merged_away(host: Host) -> None:
    tenant = kit.tenant(host, KEEPING)
    with kit.workspace(host, tenant) as ws:
        one, two = (create(ws, "a", {"name": name}).id for name in ("one", "two"))
        stays, clears = (create(ws, each, {"name": "x", "a": two}).id for each in ("stays", "clears"))
        merge(ws, "a", one, [two])
        assert find(ws, Query("stays")).rows == []
        assert queries.get(ws, "clears", clears, ("a",))["a"] is None
        restore(ws, "a", two)
        assert queries.get(ws, "stays", stays, ("a",))["a"] == two
    with kit.workspace(host, tenant) as ws:
        create(ws, "blocks", {"name": "x", "a": two})
        with pytest.raises(Conflict) as caught:
            merge(ws, "a", one, [two])
        assert caught.value.problems[0].code == "records.in_use"


def test_records_that_follow_an_owner_follow_the_survivors(here: Place) -> None:
    seller = here.person("seller")
    one = here.add("account", name="One").id
    two = here.add("account", user=seller, name="Two").id
    with here.platform() as ws:
        call = create(ws, "call", {"name": "C", "reason": "r", "account": two, "owner": seller}).id
    merged(here, "account", one, two)
    assert values(here, "call", call, "owner")["owner"] == here.boss


def test_a_file_goes_over_with_its_field(here: Place) -> None:
    import io

    from runtime import files

    with here.as_user() as ws:
        scan = files.store(ws, io.BytesIO(b"text"), "a.txt", "text/plain")
        two = create(ws, "account", {"name": "Two", "scan": scan}).id
    one = here.add("account", name="One").id
    merged(here, "account", one, two)
    with here.as_user(write=False) as ws:
        assert queries.get(ws, "account", one, ("scan",))["scan"] == scan
        assert files.find(ws, scan).name == "a.txt"
        rows = ws.db.fetch("SELECT record FROM _file")
        assert [str(row[0]) for row in rows] == [one]


def test_records_between_two_may_say_one_thing_once(host: Host) -> None:
    """Two authorships of one book by authors who are one."""
    tenant = kit.tenant(host, "library")
    with kit.workspace(host, tenant) as ws:
        ann, anne = (create(ws, "author", {"name": name}).id for name in ("Ann", "Anne"))
        book, other = (create(ws, "book", {"title": name}).id for name in ("B", "C"))
        create(ws, "authorship", {"book": book, "author": ann})
        create(ws, "authorship", {"book": book, "author": anne})
        create(ws, "authorship", {"book": other, "author": anne})
        merge(ws, "author", ann, [anne])
        assert [each["id"] for each in queries.get(ws, "book", book, ("authors.id",))["authors"]] == [ann]
        assert [each["id"] for each in queries.get(ws, "book", other, ("authors.id",))["authors"]] == [ann]
        create(ws, "loan", {"book": book, "reader": kit.insert(ws, "user", name="R"), "due": "2030-01-01"})
    with kit.workspace(host, tenant) as ws:
        reader = kit.insert(ws, "user", name="S")
        create(ws, "loan", {"book": other, "reader": reader, "due": "2030-01-01"})
    with kit.workspace(host, tenant) as ws, pytest.raises(Conflict) as caught:
        merge(ws, "book", book, [other])
    assert caught.value.problems[0].code == "records.merge_collides"


def test_a_merge_costs_no_more_statements_for_more_rows(here: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def cost(rows: int) -> int:
        one, two = (here.add("account", name=name).id for name in ("One", "Two"))
        with here.as_user() as ws:
            for at in range(rows):
                create(ws, "contact", {"name": str(at), "account": two})
        count = 0
        plain = Db.fetch, Db.run, Db.many

        def counted(wrapped: Any) -> Any:
            def call(self: Db, *given: Any, **more: Any) -> Any:
                nonlocal count
                count += 1
                return wrapped(self, *given, **more)

            return call

        with monkeypatch.context() as patched:
            for name, wrapped in zip(("fetch", "run", "many"), plain, strict=True):
                patched.setattr(Db, name, counted(wrapped))
            merged(here, "account", one, two)
        return count

    few = cost(2)
    assert cost(15) == few <= 40


# -- whatever the graph is


def graph(ws: Workspace) -> dict[str, list[tuple[Any, ...]]]:
    """Every living row of the accounts' world as (id, links, amount)."""
    found: dict[str, list[tuple[Any, ...]]] = {}
    for name in ("account", "contact", "order", "line", "call", "order__contacts"):
        entity = ws.model.entity(name)
        assert entity is not None
        held = table_of(ws.model, entity, ws.dialect)
        links = [
            each for each in entity.fields.values() if each.type in ("link", "any_link") and each.id in held.fields
        ]
        columns = [held.column("id"), *(held.column(each.id) for each in links)]
        if "amount" in held.fields:
            columns.append(held.column("amount"))
        rows = ws.db.execute(sa.select(*columns).where(held.table.c[DELETED_AT].is_(None))).all()
        found[name] = [tuple(row) for row in rows]
    return found


@pytest.mark.parametrize("seed", range(8))
def test_no_link_is_lost_and_none_dangles_whatever_the_graph_is(here: Place, seed: int) -> None:
    dice = random.Random(seed)
    with here.as_user() as ws:
        accounts = [create(ws, "account", {"name": f"A{at}"}).id for at in range(8)]
        for id in accounts:
            if dice.random() < 0.6:
                update(ws, "account", id, {"parent": dice.choice(accounts)})
        contacts = [create(ws, "contact", {"name": f"C{at}", "account": dice.choice(accounts)}).id for at in range(10)]
        orders = []
        for at in range(14):
            raw: dict[str, Any] = {
                "name": f"O{at}",
                "account": dice.choice(accounts),
                "contacts": dice.sample(contacts, dice.randrange(4)),
                "amount": {"amount": str(dice.randrange(100)), "currency": "CNY"},
                "lines": [{"name": str(each)} for each in range(dice.randrange(3))],
            }
            if dice.random() < 0.5:
                raw["about"] = {"entity": "account", "id": dice.choice(accounts)}
            orders.append(create(ws, "order", raw).id)
            if dice.random() < 0.2:
                delete(ws, "order", orders[-1])
    with here.platform(write=False) as ws:
        before = graph(ws)
    entity = dice.choice(["account", "contact", "order"])
    pool = {"account": accounts, "contact": contacts, "order": [row[0] for row in before["order"]]}[entity]
    survivor, *losers = dice.sample([str(each) for each in pool], dice.randrange(2, 5))
    merged(here, entity, survivor, *losers)
    with here.platform(write=False) as ws:
        after = graph(ws)
    to = {each: survivor for each in losers}
    alive = {str(row[0]) for rows in after.values() for row in rows}
    for name, rows in before.items():
        kept = {str(row[0]): row for row in after[name]}
        if name != "order__contacts":
            assert set(kept) == {str(row[0]) for row in rows} - set(losers), name
        for row in rows:
            if str(row[0]) in kept and str(row[0]) != survivor:
                moved = [to.get(str(each), str(each)) if isinstance(each, str) else each for each in row[1:]]
                assert [str(each) if isinstance(each, str) else each for each in kept[str(row[0])][1:]] == moved
        for row in after[name]:
            for each in row[1:]:
                if isinstance(each, str) and len(each) == 36:
                    assert each in alive or each not in to, f"{name} points at what is merged away"
    # The pairs: the same set of pairs, with the merged ends renamed, each once.
    wanted = {tuple(to.get(str(each), str(each)) for each in row[1:]) for row in before["order__contacts"]}
    assert Counter(tuple(map(str, row[1:])) for row in after["order__contacts"]) == Counter(wanted)
    if entity != "order":
        total = [sum((Decimal(str(row[-1] or 0)) for row in state["order"]), Decimal()) for state in (before, after)]
        assert total[0] == total[1]
