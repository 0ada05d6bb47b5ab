"""Fields that get their values by themselves: right after every kind of write, in the record and in others."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from metadata import parts
from metadata.model import Model, Writer
from metadata.problems import Invalid
from metadata.rules import Rule
from runtime import queries, records
from runtime.host import Host
from runtime.queries import Query
from runtime.records import create, update
from runtime.records.computing import rebuilding
from runtime.records.operations import Operation
from runtime.system.tables import table
from tests import kit
from tests.computing import NOW, WORLD, Place


@pytest.fixture
def here(host: Host) -> Place:
    return Place(host, kit.tenant(host, WORLD))


LINES = [{"what": "a", "quantity": "2", "price": "60"}, {"what": "b", "quantity": "1.5", "price": "10"}]


def test_a_new_record_has_its_formulas_lookups_and_the_sums_of_its_rows(here: Place) -> None:
    account = here.add("account", name="ACME", industry="it")
    with kit.workspace(here.host, here.tenant, now=NOW) as ws:
        made = create(
            ws, "deal", {"name": "D", "account": account, "amount": "1000", "closes": "2027-07-04", "lines": LINES}
        )
        shown = records.as_json(ws, made)
    assert (shown["weighted"]["amount"], shown["industry"], shown["title"]) == ("500.00", "it", "D / ACME")
    assert (shown["total"]["amount"], shown["big_lines"], shown["average"]) == ("135.00", 1, "1.750")
    assert (shown["days_left"], shown["late"], shown["helper_count"], shown["version"]) == (4, False, 0, 1)
    assert here.get("account", account, "deals_count", "open_amount", "largest", "rank") == (
        1,
        "1000.00",
        "135.00",
        "a",
    )
    here.right()


def test_empty_lists_count_nothing(here: Place) -> None:
    account = here.add("account", name="ACME")
    found = here.get("account", account, "deals_count", "open_amount", "largest", "last_close", "rank")
    assert found == (0, "0.00", None, None, "b")
    here.right()


def test_a_row_that_is_changed_alone_changes_its_record_and_what_follows_from_that(here: Place) -> None:
    account = here.add("account", name="ACME")
    deal = here.add("deal", name="D", account=account, lines=LINES)
    line = here.add("line", deal=deal, what="c", quantity="3", price="100")
    assert here.get("deal", deal, "total", "big_lines", "version") == ("435.00", 2, 1)
    here.change("line", line, price="10")
    assert here.get("deal", deal, "total", "big_lines") == ("165.00", 1)
    assert here.get("account", account, "largest") == "165.00"
    here.right()


def test_a_link_that_changes_concerns_the_old_and_the_new_record(here: Place) -> None:
    one, two = here.add("account", name="One", industry="it"), here.add("account", name="Two", industry="health")
    deal = here.add("deal", name="D", account=one, amount="10")
    here.change("deal", deal, account=two)
    assert (here.get("account", one, "deals_count"), here.get("account", two, "deals_count")) == (0, 1)
    assert here.get("deal", deal, "industry", "title") == ("health", "D / Two")
    here.change("deal", deal, account=None)
    assert here.get("account", two, "deals_count", "open_amount") == (0, "0.00")
    assert here.get("deal", deal, "industry", "title") == (None, "D / ")
    here.right()


def test_what_is_looked_up_changes_with_its_source_without_a_new_version_and_with_its_cause(here: Place) -> None:
    account = here.add("account", name="ACME", industry="it")
    deals = [here.add("deal", name=f"D{at}", account=account) for at in range(3)]
    here.change("account", account, industry="health", name="Bolt")
    assert {here.get("deal", each, "industry", "title", "version")[0] for each in deals} == {"health"}
    assert here.get("deal", deals[1], "title", "version") == ("D1 / Bolt", 1)
    with kit.workspace(here.host, here.tenant, write=False) as ws:
        held = table("_event", ws.dialect).c
        query = sa.select(held.cause, held.depth, held.changes).where(held.record == deals[0])
        row: Any = ws.db.execute(query.order_by(held.id.desc()).limit(1)).one()
        cause, depth, changes = row
        source = ws.db.execute(sa.select(held.record, held.kind).where(held.id == cause)).one()
    assert (tuple(map(str, source)), depth) == ((account, "updated"), 1)
    assert "health" in str(changes) and "D0 / Bolt" in str(changes)
    here.right()


def test_rows_of_any_kind_that_point_at_a_record_are_counted(here: Place) -> None:
    account = here.add("account", name="ACME")
    visit = here.add("visit", related={"entity": "account", "id": account}, at="2027-06-01T10:00:00Z")
    here.add("visit", related={"entity": "account", "id": account}, at="2027-05-01T10:00:00Z")
    assert here.get("account", account, "last_visit") == "2027-06-01T10:00:00Z"
    with kit.workspace(here.host, here.tenant) as ws:
        records.delete(ws, "visit", visit)
    assert here.get("account", account, "last_visit") == "2027-05-01T10:00:00Z"
    here.right()


def test_links_to_several_are_counted(here: Place) -> None:
    people = [kit.person(here.host, here.tenant) for _ in range(3)]
    deal = here.add("deal", name="D", helpers=people[:2])
    assert here.get("deal", deal, "helper_count") == 2
    here.change("deal", deal, helpers=people)
    assert here.get("deal", deal, "helper_count") == 3
    here.change("deal", deal, helpers=[])
    assert here.get("deal", deal, "helper_count") == 0
    here.right()


def test_deleting_and_restoring_count_again(here: Place) -> None:
    account = here.add("account", name="ACME", industry="it")
    deal = here.add("deal", name="D", account=account, amount="10", lines=LINES)
    with kit.workspace(here.host, here.tenant) as ws:
        records.delete(ws, "deal", deal)
    assert here.get("account", account, "deals_count", "open_amount", "largest") == (0, "0.00", None)
    here.change("account", account, industry="health")
    with kit.workspace(here.host, here.tenant) as ws:
        records.restore(ws, "deal", deal)
    assert here.get("account", account, "deals_count", "open_amount", "largest") == (1, "10.00", "135.00")
    assert here.get("deal", deal, "industry", "total") == ("health", "135.00")
    with kit.workspace(here.host, here.tenant) as ws:
        records.delete(ws, "account", account)
    assert here.get("deal", deal, "account", "industry", "title") == (None, None, "D / ")
    here.right()


def test_merging_moves_what_is_counted(here: Place) -> None:
    one, two = here.add("account", name="One", industry="it"), here.add("account", name="Two", industry="health")
    here.add("deal", name="A", account=one, amount="10")
    moved = here.add("deal", name="B", account=two, amount="5", lines=LINES)
    here.add("visit", related={"entity": "account", "id": two}, at="2027-06-01T10:00:00Z")
    with kit.workspace(here.host, here.tenant) as ws:
        merged = records.merge(ws, "account", one, [two])
        assert merged.record.values["deals_count"] == 2
    found = here.get("account", one, "deals_count", "open_amount", "largest", "last_visit")
    assert found == (2, "15.00", "135.00", "2027-06-01T10:00:00Z")
    assert here.get("deal", moved, "industry", "title") == ("it", "B / One")
    here.right()


def test_many_at_once_are_as_right_as_one_after_the_other(here: Place) -> None:
    accounts = [here.add("account", name=f"A{at}", industry="it") for at in range(3)]
    with kit.workspace(here.host, here.tenant) as ws:
        rows = [{"name": f"D{at}", "account": accounts[at % 3], "amount": str(at)} for at in range(60)]
        made = records.bulk(ws, "deal", [Operation("create", each) for each in rows])
    assert here.get("account", accounts[0], "deals_count", "open_amount") == (20, f"{sum(range(0, 60, 3))}.00")
    here.right()
    with kit.workspace(here.host, here.tenant) as ws:
        changes = [Operation("update", {"stage": "won"}, id=each.id) for each in made[:30]]
        records.bulk(ws, "deal", changes)
        records.bulk(ws, "deal", [Operation("delete", {}, id=each.id) for each in made[30:45]])
    assert here.get("account", accounts[0], "deals_count", "open_amount") == (15, f"{sum(range(45, 60, 3))}.00")
    here.right()


def test_amounts_of_rows_count_as_they_are_and_those_of_others_in_the_tenants_currency(here: Place) -> None:
    here.add("exchange_rate", currency_code="USD", date="2020-01-01", rate="7")
    account = here.add("account", name="ACME")
    deal = here.add(
        "deal", name="D", account=account, amount={"amount": "10", "currency": "USD"}, currency="USD", lines=LINES
    )
    with kit.workspace(here.host, here.tenant, write=False) as ws:
        shown, owner = queries.get(ws, "deal", deal), queries.get(ws, "account", account)
    assert shown["total"] == {"amount": "135.00", "currency": "USD"}
    assert shown["weighted"] == {"amount": "5.00", "currency": "USD"}
    assert owner["open_amount"] == {"amount": "70.00", "currency": "CNY"}
    assert owner["largest"] == {"amount": "945.00", "currency": "CNY"}
    here.right()


def test_nobody_writes_what_is_computed(here: Place) -> None:
    deal = here.add("deal", name="D")
    with pytest.raises(Invalid) as refused:
        here.change("deal", deal, weighted="5", days_left=3)
    assert {(each.code, each.path) for each in refused.value.problems} == {
        ("records.computed", "weighted"),
        ("records.computed", "days_left"),
    }


def test_values_that_are_too_large_are_told(here: Place) -> None:
    with pytest.raises(Invalid) as refused:
        here.add("deal", name="D", amount="9" * 14, chance="9" * 10)
    assert [(each.code, each.path) for each in refused.value.problems] == [("records.computed_too_large", "weighted")]


def test_formulas_of_time_are_filtered_sorted_and_grouped_like_any_field(here: Place) -> None:
    days = {"A": "2027-06-29", "B": "2027-07-05", "C": None, "D": "2027-06-01"}
    for name, day in days.items():
        here.add("deal", name=name, closes=day)
    with kit.workspace(here.host, here.tenant, roles=["admin"], write=False, now=NOW) as ws:
        late = queries.find(ws, Query("deal", where="late", sort=("days_left",), fields=("name", "days_left")))
        soon = queries.find(ws, Query("deal", where="days_left + 1 > 5", fields=("name",)))
        measures = ("count", "sum(days_left)", "avg(days_left)", "min(days_left)", "max(days_left)")
        groups = queries.aggregate(ws, "deal", ["late"], measures)
        by_day = queries.aggregate(ws, "deal", ["days_left"], where="late")
    assert [(each["name"], each["days_left"]) for each in queries.as_json(late)] == [("D", -29), ("A", -1)]
    assert [each["name"] for each in queries.as_json(soon)] == ["B"]
    assert [tuple(each.values()) for each in groups] == [
        (False, 2, 5, "5.000000", 5, 5),
        (True, 2, -30, "-15.000000", -29, -1),
    ]
    assert by_day == [{"days_left": -29, "count": 1}, {"days_left": -1, "count": 1}]


def test_a_field_is_read_by_those_who_may_read_all_that_it_is_made_of(here: Place) -> None:
    account = here.add("account", name="ACME", industry="it")
    here.add("deal", name="D", account=account, amount="8")
    with kit.workspace(here.host, here.tenant, roles=["seller"], write=False) as ws:
        [shown] = queries.as_json(queries.find(ws, Query("deal")))
        [owner] = queries.as_json(queries.find(ws, Query("account")))
    assert "industry" not in shown and shown["title"] == "D / ACME"
    assert owner["open_amount"]["amount"] == "8.00" and "last_visit" not in owner


def test_values_put_past_the_records_are_found_and_mended(here: Place) -> None:
    account = here.add("account", name="ACME")
    here.add("deal", name="D", account=account, amount="8")
    with kit.workspace(here.host, here.tenant) as ws:
        kit.insert(ws, "deal", name="E", account=account, amount=Decimal("4"), amount__base=Decimal("4"), stage="open")
    wrong = {each.entity: each.wrong for each in rebuilding.check(here.host, here.tenant, write=True) if each.wrong}
    assert set(wrong) == {"account", "deal"}
    here.right()
    assert here.get("account", account, "deals_count") == 2


def with_rules(model: Model, entity: str, *rules: Rule) -> Model:
    """The same model with rules of an entity that set fields before its formulas are computed."""
    held = model.entity(entity)
    assert held is not None
    writers = tuple(Writer(field, rule.id) for rule in rules for field in rule.set)
    ruled = parts.dump(replace(held, rules=rules, writers=(*writers, *held.writers)))

    def load(section: str, id: str) -> Any:
        return ruled if (section, id) == ("entities", held.id) else model.part(section, id)

    entries = model.index["entities"]
    entry = {**entries[held.id], "hash": f"{entries[held.id]['hash']}+rules"}
    index = {**model.index, "entities": {**entries, held.id: entry}}
    return Model(f"{model.fingerprint}+rules", index, load, model.storage)


def test_a_rule_sets_a_field_when_what_it_reads_changes_whatever_was_sent(here: Place) -> None:
    rules = (
        Rule("won", "won", {"en": "Won"}, "changed('stage') and stage == 'won'", set={"chance": "100"}),
        Rule("new", "new", {"en": "New"}, None, "create", set={"name": "concat(upper(name), '!')"}),
    )
    deal = here.add("deal", name="first", amount="10")
    with kit.workspace(here.host, here.tenant) as plain:
        ws = replace(plain, model=with_rules(plain.model, "deal", *rules))
        made = create(ws, "deal", {"name": "second", "amount": "10", "stage": "won", "chance": "20"})
        assert (made.values["name"], made.values["chance"], made.values["weighted"]) == ("SECOND!", 100, 10)
        assert update(ws, "deal", deal, {"chance": "30"}).values["weighted"] == 3
        won = update(ws, "deal", deal, {"stage": "won"})
        assert (won.values["name"], won.values["chance"], won.values["weighted"]) == ("first", 100, 10)
        assert update(ws, "deal", deal, {"chance": "40"}).values["chance"] == 40
    here.right()
