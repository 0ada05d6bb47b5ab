"""What follows from writes that are not the plain save of one record: currencies of rows, cleared links, lists."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa

from metadata.problems import Invalid
from runtime import queries, records, transfer
from runtime.host import Host
from runtime.queries import Query
from runtime.records.computing import rebuilding
from runtime.records.operations import Operation
from runtime.system.tables import table
from runtime.transfer import Options, Sheet
from runtime.workspace import PlatformActor
from tests import kit
from tests.computing import NOW, WORLD, Place

LINES = [{"what": "a", "quantity": "2", "price": "60"}, {"what": "b", "quantity": "1.5", "price": "10"}]


@pytest.fixture
def here(host: Host) -> Place:
    return Place(host, kit.tenant(host, WORLD))


@pytest.fixture
def rated(here: Place) -> Place:
    """With dollars at seven and euros at eight yuan."""
    here.add("exchange_rate", currency_code="USD", date="2020-01-01", rate="7")
    here.add("exchange_rate", currency_code="EUR", date="2020-01-01", rate="8")
    return here


def rows(here: Place, entity: str = "line") -> dict[str, str]:
    """Name -> id."""
    with kit.workspace(here.host, here.tenant, write=False, now=NOW) as ws:
        found = queries.as_json(queries.find(ws, Query(entity, limit=200)))
    return {each.get("what") or each["name"]: each["id"] for each in found}


# -- currencies


def test_a_row_in_another_currency_than_what_adds_it_up_is_refused(rated: Place) -> None:
    deal = rated.add("deal", name="D", currency="USD", lines=LINES)
    line, other = rows(rated)["a"], {"what": "c", "price": "1", "currency": "EUR"}
    for attempt in (
        lambda: rated.add("line", deal=deal, **other),
        lambda: rated.change("line", line, currency="EUR"),
        lambda: rated.change("deal", deal, lines=[other]),
        lambda: rated.add("deal", name="E", currency="USD", lines=[other]),
    ):
        with pytest.raises(Invalid) as refused:
            attempt()
        [problem] = refused.value.problems
        assert problem.code == "records.row_currency" and problem.path.endswith("currency")
        assert "USD" in problem.message() and "EUR" in problem.message("zh") and "汇总" in problem.message("zh")
    with pytest.raises(Invalid) as refused:
        rated.add("line", deal=deal, price={"amount": "1", "currency": "EUR"})
    assert [each.code for each in refused.value.problems] == ["records.other_currency"]
    rated.add("line", deal=deal, what="d", price="5", currency="USD")
    assert rated.get("deal", deal, "total") == "140.00"
    rated.right()


def test_rows_follow_when_the_currency_of_what_adds_them_up_changes(rated: Place) -> None:
    account = rated.add("account", name="A")
    deal = rated.add("deal", name="D", account=account, lines=LINES)
    line = rows(rated)["a"]
    rated.change("deal", deal, currency="USD")
    assert rated.get("line", line, "currency", "price", "subtotal") == ("USD", "60.00", "120.00")
    with kit.workspace(rated.host, rated.tenant, write=False, now=NOW) as ws:
        assert queries.get(ws, "deal", deal)["total"] == {"amount": "135.00", "currency": "USD"}
        big = queries.find(ws, Query("line", where="subtotal > 800", fields=("what",)))
        assert [each["what"] for each in queries.as_json(big)] == ["a"]
        assert queries.get(ws, "account", account)["largest"] == {"amount": "945.00", "currency": "CNY"}
    # Fifteen dollars are more than a hundred yuan: what rows are counted by follows too.
    assert rated.get("deal", deal, "big_lines") == 2
    rated.right()
    rated.change("deal", deal, currency="EUR", lines=[{"id": line, "quantity": "1"}, {"what": "new", "price": "1"}])
    assert rated.get("deal", deal, "total") == "61.00"
    assert {rated.get("line", each, "currency") for each in rows(rated).values()} == {"EUR"}
    rated.right()


def test_without_a_rate_a_currency_cannot_be_had_by_rows_either(rated: Place) -> None:
    deal = rated.add("deal", name="D", lines=LINES)
    with pytest.raises(Invalid) as refused:
        rated.change("deal", deal, currency="GBP")
    assert {each.code for each in refused.value.problems} == {"records.no_rate"}
    assert {rated.get("line", each, "currency") for each in rows(rated).values()} == {"CNY"}


def test_rows_that_are_moved_restored_or_merged_have_the_currency_of_where_they_are(rated: Place) -> None:
    dollars = rated.add("deal", name="D", currency="USD", lines=[{"what": "a", "price": "1"}])
    euros = rated.add(
        "deal", name="E", currency="EUR", lines=[{"what": "b", "price": "2"}, {"what": "c", "price": "4"}]
    )
    found = rows(rated)
    rated.change("line", found["b"], deal=dollars)
    assert rated.get("line", found["b"], "currency", "price") == ("USD", "2.00")
    assert (rated.get("deal", dollars, "total"), rated.get("deal", euros, "total")) == ("3.00", "4.00")
    with kit.workspace(rated.host, rated.tenant) as ws:
        records.delete(ws, "line", found["b"])
    rated.change("deal", dollars, currency="CNY")
    with kit.workspace(rated.host, rated.tenant) as ws:
        records.restore(ws, "line", found["b"])
    assert rated.get("line", found["b"], "currency") == "CNY"
    with kit.workspace(rated.host, rated.tenant) as ws:
        records.merge(ws, "deal", dollars, [euros])
    assert {rated.get("line", each, "currency") for each in found.values()} == {"CNY"}
    assert rated.get("deal", dollars, "total") == "7.00"
    rated.right()


def test_rows_that_had_another_currency_before_they_were_added_up_are_mended(rated: Place) -> None:
    deal = rated.add("deal", name="D", currency="USD")
    with kit.workspace(rated.host, rated.tenant) as ws:
        values = {"price": Decimal(3), "subtotal": Decimal(3), "quantity": Decimal(1)}
        line = kit.insert(
            ws, "line", deal=deal, currency="CNY", price__base=Decimal(3), subtotal__base=Decimal(3), **values
        )
    wrong = {each.entity for each in rebuilding.check(rated.host, rated.tenant, write=True) if each.wrong}
    assert wrong == {"line", "deal"}
    assert (
        rated.get("line", line, "currency", "price") == ("USD", "3.00") and rated.get("deal", deal, "total") == "3.00"
    )
    rated.right()


# -- whole lists and cleared links


def test_rows_that_are_replaced_in_one_save_are_added_up_as_they_are_afterwards(here: Place) -> None:
    account = here.add("account", name="A")
    deal = here.add("deal", name="D", account=account, lines=LINES)
    here.change("deal", deal, lines=[{"id": rows(here)["a"], "price": "100"}, {"what": "c", "price": "7"}])
    assert (here.get("deal", deal, "total"), here.get("account", account, "largest")) == ("207.00", "207.00")
    here.change("deal", deal, lines=[{"what": "d", "price": "8"}])
    assert (here.get("deal", deal, "total"), here.get("account", account, "largest")) == ("8.00", "8.00")
    here.right()


RULES = """    rules:
      orphan: {when: "changed('account') and account == null", set: {stage: lost, chance: '0'}}
      adopted: {when: "changed('account') and old.account != null and account != null", set: {chance: '70'}}
"""


def test_a_link_that_is_cleared_or_moved_by_itself_fires_what_a_change_of_it_fires(host: Host) -> None:
    text = WORLD.replace("  deal:\n    title: name\n", f"  deal:\n    title: name\n{RULES}").replace(
        "stage: lost", "stage: \"'lost'\""
    )
    here = Place(host, kit.tenant(host, text))
    one, two = here.add("account", name="One", industry="it"), here.add("account", name="Two", industry="health")
    deals = [here.add("deal", name=f"D{at}", account=one, amount="10") for at in range(2)]
    with kit.workspace(host, here.tenant, now=NOW) as ws:
        records.merge(ws, "account", two, [one])
    assert here.get("deal", deals[0], "chance", "weighted", "industry", "stage") == ("70.00", "7.00", "health", "open")
    with kit.workspace(host, here.tenant, now=NOW) as ws:
        records.delete(ws, "account", two)
    for deal in deals:
        assert here.get("deal", deal, "stage", "chance", "weighted", "industry", "title") == (
            "lost", "0.00", "0.00", None, f"{here.get('deal', deal, 'name')} / ",
        )  # fmt: skip
    here.right()


# -- what is known in a save, and what it costs


def test_what_a_record_has_from_the_beginning_can_be_read_by_its_formulas(host: Host) -> None:
    fields = (
        '      known: {type: formula, as: boolean, value: "created_at != null and owner != null and id != null"}\n'
        '      day: {type: formula, as: date, value: "date(created_at)"}\n'
    )
    here = Place(
        host, kit.tenant(host, WORLD.replace("      closes: {type: date}\n", f"      closes: {{type: date}}\n{fields}"))
    )
    person = kit.person(host, here.tenant)
    deal = here.add("deal", name="D", owner=person)
    assert here.get("deal", deal, "known", "day") == (True, "2027-06-30")
    here.right()


def test_sums_beyond_the_integers_of_a_database_are_right(host: Host) -> None:
    fields = (
        "      pieces: {type: rollup, of: deals, sum: pieces}\n      mean: {type: rollup, of: deals, avg: pieces}\n"
    )
    text = WORLD.replace("      deals_count:", f"{fields}      deals_count:").replace(
        "      closes: {type: date}\n", "      closes: {type: date}\n      pieces: {type: integer}\n"
    )
    here = Place(host, kit.tenant(host, text))
    account, most = here.add("account", name="A"), 2**53 - 1
    with kit.workspace(host, here.tenant) as ws:
        made = [kit.insert(ws, "deal", name=f"D{at}", pieces=2**62) for at in range(3)]
    with kit.workspace(host, here.tenant, write=False) as ws:
        [found] = queries.aggregate(ws, "deal", measures=("sum(pieces)", "avg(pieces)"))
    assert found == {"sum(pieces)": 3 * 2**62, "avg(pieces)": f"{2**62}.000000"}
    here.change("deal", made[0], account=account, pieces=-5)
    here.change("deal", made[1], account=account, pieces=most)
    assert here.get("account", account, "pieces", "mean") == (most - 5, f"{(most - 5) // 2}.00")
    with kit.workspace(host, here.tenant) as ws:
        kit.insert(ws, "deal", name="E", account=account, pieces=2**63 - 1)
    with pytest.raises(Invalid) as refused:  # the sum is right, and its field too small for it
        here.change("deal", made[2], account=account)
    assert {each.code for each in refused.value.problems} == {"records.computed_too_large"}
    assert sum(each.wrong for each in rebuilding.check(host, here.tenant, write=True)) > 0
    assert here.get("account", account, "pieces") is None
    here.right()


def statements(here: Place, entity: str, id: str, **values: object) -> int:
    with kit.workspace(here.host, here.tenant, now=NOW) as ws:
        before = ws.db.count
        records.update(ws, entity, id, values)
        return ws.db.count - before


def test_nothing_is_computed_anew_when_nothing_that_is_read_has_changed(here: Place) -> None:
    account = here.add("account", name="A")
    deal = here.add("deal", name="D", account=account, lines=LINES)
    line = rows(here)["a"]
    for each in ("x", "y"):  # the first time around more has to be looked up
        read, unread = (
            statements(here, "line", line, price=str(len(each) + ord(each))),
            statements(here, "line", line, what=each),
        )
    assert unread < read
    assert statements(here, "deal", deal, closes=None) == statements(here, "line", line, what="y") == 1


def test_a_thousand_rows_cost_one_computation_of_what_they_belong_to(here: Place) -> None:
    account = here.add("account", name="A")
    deal = here.add("deal", name="D", account=account)

    def add(number: int) -> int:
        with kit.workspace(here.host, here.tenant, now=NOW) as ws:
            before = ws.db.count
            lines = [Operation("create", {"deal": deal, "what": str(at), "price": "1"}) for at in range(number)]
            records.bulk(ws, "line", lines, all_or_nothing=True)
            return ws.db.count - before

    add(100)
    assert add(1_000) == add(100)
    assert here.get("deal", deal, "total", "version") == ("1200.00", 1)
    with kit.workspace(here.host, here.tenant, write=False) as ws:
        held = table("_event", ws.dialect).c
        told = ws.db.execute(sa.select(sa.func.count()).where(held.record == deal)).scalar_one()
    assert told == 1 + 3
    here.right()


# -- files


def test_a_file_with_computed_columns_can_be_loaded_and_says_that_they_were_passed_over(
    here: Place, tmp_path: Path
) -> None:
    account = here.add("account", name="A", industry="it")
    deal = here.add("deal", name="D", account=account, amount="10", closes="2027-07-04")
    path = tmp_path / "deals.csv"
    path.write_text(f"id,name,amount,weighted,industry,total,days_left\n{deal},E,20,999,health,5,99\n")
    report = transfer.load(here.host, here.tenant, PlatformActor(), "deal", path, Options())
    assert (report.totals.updated, report.totals.failed) == (1, 0), report.refused
    assert report.file["ignored"] == ["weighted", "industry", "total", "days_left"]
    assert here.get("deal", deal, "name", "weighted", "industry", "total") == ("E", "10.00", "it", "0.00")
    here.right()
    path.write_text("name,weighted\nG,5\n")
    report = transfer.load(
        here.host, here.tenant, PlatformActor(), "deal", path, Options(columns={"weighted": "weighted"})
    )
    assert report.totals.created == 1 and report.file["ignored"] == ["weighted"]


def test_an_export_with_computed_columns_loads_again(here: Place, tmp_path: Path) -> None:
    account = here.add("account", name="A", industry="it")
    deal = here.add("deal", name="D", account=account, amount="10", closes="2027-07-04", lines=LINES)
    path = tmp_path / "deals.csv"
    fields = ("id", "name", "amount", "weighted", "industry", "total", "days_left", "late")
    transfer.export(here.host, here.tenant, PlatformActor(), Query("deal", fields=fields), path, Sheet("csv"))
    path.write_text(path.read_text(encoding="utf-8-sig").replace(",D,", ",E,"), encoding="utf-8")
    report = transfer.load(here.host, here.tenant, PlatformActor(), "deal", path, Options())
    assert (report.totals.updated, report.totals.failed) == (1, 0), report.refused
    assert len(report.file["ignored"]) == 5
    assert here.get("deal", deal, "name", "weighted", "total") == ("E", "5.00", "135.00")
