"""One record at a time: what a save does, what it refuses, and that a refusal changes nothing."""

from __future__ import annotations

import contextlib
import datetime as dt
import threading
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from metadata.problems import Conflict, Forbidden, Invalid, NotFound
from runtime import records
from runtime.host import Host
from runtime.records import as_json, create, update
from tests import kit
from tests.selling import DAY, Place, paths, place, refused

NOBODY = "00000000-0000-7000-8000-000000000000"


@pytest.fixture
def here(host: Host) -> Place:
    return place(host)


# -- what a save does


def test_a_record_has_its_defaults_owner_unit_number_currency_and_version(here: Place) -> None:
    account = here.add("account", name="ACME", limit="12.50")
    with here.as_user(now=DAY) as ws:
        made = create(
            ws, "order", {"name": "First", "account": account.id, "amount": {"amount": "9", "currency": "CNY"}}
        )
        shown = as_json(ws, made)
    assert shown["number"] == "O-202707-0001"  # July began in the tenant's zone
    assert (shown["ordered"], shown["seen"]) == ("2027-07-01", "2027-06-30T17:00:00Z")
    assert (shown["owner"], shown["unit"], shown["seller"]) == (here.boss, here.unit, here.boss)
    assert (shown["stage"], shown["version"], shown["amount"]) == ("open", 1, {"amount": "9.00", "currency": "CNY"})
    assert shown["created_by"] == shown["updated_by"] == here.boss
    assert "lines" not in shown and "amount__base" not in shown


def test_a_sent_value_beats_its_default_and_null_is_a_value(here: Place) -> None:
    account = here.add("account", name="ACME")
    order = here.add("order", name="A", account=account.id, stage="won", ordered=None)
    assert (order.values["stage"], order.values["ordered"]) == ("won", None)


def test_names_are_todays_keys_or_ids(here: Place) -> None:
    with here.as_user() as ws:
        made = create(ws, "account", {"name": "A", "tags": ["x", "y"], "extra": {"deep": [1, None]}})
        assert as_json(ws, made)["extra"] == {"deep": [1, None]}
        assert made.values["tags"] == ("x", "y")


def test_every_problem_is_told_at_once_with_its_field(here: Place) -> None:
    values = {
        "nam": "x",
        "size": "many",
        "code": 5,
        "version": 3,
        "parent": NOBODY,
        "limit": {"amount": "1", "currency": "X"},
    }
    error = refused(here, Invalid, lambda ws: create(ws, "account", values))
    assert paths(error) == {
        "nam": "records.unknown_field",
        "size": "value_not_integer",
        "code": paths(error)["code"],
        "version": "records.kept_by_platform",
        "limit": paths(error)["limit"],
        "parent": "records.no_such_target",
        "name": "records.required",
    }
    assert next(each.suggestion for each in error.problems if each.path == "nam") == "name"
    assert all(each.message("zh") and each.message("en") for each in error.problems)


@pytest.mark.parametrize("raw", [None, [], "x", 5, [["name", "x"]]])
def test_a_record_is_an_object(here: Place, raw: Any) -> None:
    error = refused(here, Invalid, lambda ws: create(ws, "account", raw))
    assert "records.not_an_object" in paths(error).values()


def test_an_update_writes_what_differs_and_tells_before_and_after(here: Place) -> None:
    account = here.add("account", name="ACME", size=5, limit="3")
    with here.as_user() as ws:
        changed = update(ws, "account", account.id, {"name": "Acme", "size": 5, "limit": "4.5"}, version=1)
    assert (changed.version, changed.values["name"]) == (2, "Acme")
    kind, entity, record, changes = here.events(account.id)[-1]
    assert (kind, entity, record) == ("updated", "account", account.id)
    assert changes == {
        "name": ["ACME", "Acme"],
        "limit": [{"amount": "3.00", "currency": "CNY"}, {"amount": "4.50", "currency": "CNY"}],
    }


def test_an_update_without_a_difference_writes_nothing(here: Place) -> None:
    account = here.add("account", name="ACME", size=5, tags=["a"])
    before = here.state()
    with here.as_user() as ws:
        same = update(ws, "account", account.id, {"name": "ACME", "size": 5, "tags": ["a"]})
    assert same.version == 1
    assert here.state() == before


def test_a_stale_version_is_a_conflict_with_both_sides(here: Place) -> None:
    account = here.add("account", name="ACME", size=5)
    with here.as_user() as ws:
        update(ws, "account", account.id, {"name": "Other", "size": 6})
    error = refused(
        here, Conflict, lambda ws: update(ws, "account", account.id, {"name": "Mine", "size": 6}, version=1)
    )
    [problem] = error.problems
    assert problem.params["difference"] == {"name": {"yours": "Mine", "theirs": "Other"}}
    assert problem.params["current"] == 2


def test_the_difference_of_a_conflict_shows_no_hidden_field(here: Place) -> None:
    seller = here.person("seller", unit=here.unit)
    account = here.add("account", user=seller, name="ACME")
    with here.platform() as ws:
        update(ws, "account", account.id, {"secret": "s", "limit": "5"})
    values = {"name": "x"}
    error = refused(here, Conflict, lambda ws: update(ws, "account", account.id, values, version=1), seller)
    assert error.problems[0].params["difference"] == {"name": {"yours": "x", "theirs": "ACME"}}


def test_the_difference_of_a_conflict_names_no_record_out_of_sight(here: Place) -> None:
    local = here.person("local", unit=here.unit)
    far = here.add("account", name="Far").id
    near = here.add("account", user=local, name="Near").id
    about = {"entity": "account", "id": far}
    order = here.add("order", user=local, name="O", account=near).id
    with here.platform() as ws:
        update(ws, "account", far, {"owner": None, "unit": None})
        update(ws, "order", order, {"account": far, "about": about})
    values = {"account": near, "about": None}
    error = refused(here, Conflict, lambda ws: update(ws, "order", order, values, version=1), local)
    hidden = {"hidden": True}
    assert error.problems[0].params["difference"] == {
        "account": {"yours": near, "theirs": hidden},
        "about": {"yours": None, "theirs": hidden},
    }


def test_required_is_asked_on_create_and_when_it_is_emptied(here: Place) -> None:
    account = here.add("account", name="A")
    assert paths(refused(here, Invalid, lambda ws: create(ws, "order", {}))) == {
        "name": "records.required",
        "account": "records.required",
    }
    error = refused(here, Invalid, lambda ws: update(ws, "account", account.id, {"name": None}))
    assert paths(error) == {"name": "records.required"}


# -- uniques


def test_a_taken_value_is_a_problem_at_its_field(here: Place) -> None:
    here.add("account", name="A", code="x1")
    error = refused(here, Invalid, lambda ws: create(ws, "account", {"name": "B", "code": "x1"}))
    assert paths(error) == {"code": "records.not_unique"}
    other = here.add("account", name="B", code="x2")
    error = refused(here, Invalid, lambda ws: update(ws, "account", other.id, {"code": "x1"}))
    assert paths(error) == {"code": "records.not_unique"}


def test_a_unique_with_a_condition_counts_only_where_it_holds(here: Place) -> None:
    account = here.add("account", name="A").id
    here.add("order", name="Same", account=account, stage="lost")
    here.add("order", name="Same", account=account)
    error = refused(here, Invalid, lambda ws: create(ws, "order", {"name": "Same", "account": account}))
    assert paths(error) == {"account": "records.not_unique"}


def test_of_twenty_that_take_the_same_value_at_once_one_has_it(here: Place) -> None:
    won: list[str] = []
    lost: list[str] = []
    start = threading.Barrier(20)

    def run() -> None:
        start.wait()
        try:
            won.append(here.add("account", name="A", code="race").id)
        except Invalid as error:
            lost.extend(paths(error).values())

    threads = [threading.Thread(target=run) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(won), lost) == (1, ["records.not_unique"] * 19)


def test_of_two_who_save_the_same_version_one_gets_a_conflict(here: Place) -> None:
    account = here.add("account", name="A").id
    outcome: list[str] = []

    def run(name: str) -> None:
        try:
            with here.as_user() as ws:
                update(ws, "account", account, {"name": name}, version=1)
            outcome.append("saved")
        except Conflict:
            outcome.append("conflict")

    threads = [threading.Thread(target=run, args=(f"n{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcome) == ["conflict"] * 7 + ["saved"]


# -- rights


def test_what_nobody_may_do_is_refused_before_anything_is_looked_at(here: Place) -> None:
    guest = here.person("guest")
    error = refused(here, Forbidden, lambda ws: create(ws, "account", {"nam": 1}), guest)
    assert error.problems[0].code == "records.may_not"
    refused(here, Forbidden, lambda ws: records.delete(ws, "account", NOBODY), guest)
    refused(here, NotFound, lambda ws: create(ws, "nothing", {}), guest)


def test_an_invisible_record_does_not_exist_and_a_visible_one_may_be_untouchable(here: Place) -> None:
    seller = here.person("seller", unit=here.unit)
    account = here.add("account", name="A")
    order = here.add("order", name="O", account=account.id)
    for id in (order.id, NOBODY, "not an id", ""):
        refused(here, NotFound, partial(update, entity="order", id=id, raw={"name": "x"}), seller)
    refused(here, Forbidden, lambda ws: update(ws, "account", account.id, {"name": "x"}), seller)


def test_a_hidden_field_is_unknown_and_a_readable_one_may_not_be_written(here: Place) -> None:
    seller = here.person("seller", unit=here.unit)
    values = {"name": "A", "secret": "x", "limit": "5", "nothing": 1}
    error = refused(here, Invalid, lambda ws: create(ws, "account", values), seller)
    assert paths(error) == {
        "secret": "records.unknown_field",
        "nothing": "records.unknown_field",
        "limit": "records.may_not_write",
    }
    made = here.add("account", user=seller, name="A")
    with here.as_user(seller) as ws:
        shown = as_json(ws, made)
    assert "limit" in shown and "secret" not in shown


def test_a_record_that_would_leave_ones_reach_is_refused(here: Place) -> None:
    seller = here.person("seller", unit=here.unit)
    error = refused(here, Forbidden, lambda ws: create(ws, "account", {"name": "A", "owner": here.boss}), seller)
    assert [each.code for each in error.problems] == ["records.beyond_rights"]
    mine = here.add("account", user=seller, name="A")
    refused(here, Forbidden, lambda ws: update(ws, "account", mine.id, {"owner": here.boss}), seller)


def test_the_unit_of_a_record_is_its_owners(here: Place) -> None:
    with here.platform() as ws:
        other = create(ws, "unit", {"name": "Other"}).id
    colleague = here.person("seller", unit=other)
    account = here.add("account", name="A", owner=colleague)
    assert (account.values["owner"], account.values["unit"]) == (colleague, other)
    with here.as_user() as ws:
        assert update(ws, "account", account.id, {"owner": here.boss}).values["unit"] == here.unit
        assert update(ws, "account", account.id, {"unit": other}).values["unit"] == other
        assert update(ws, "account", account.id, {"owner": None}).values["unit"] == other


def test_unit_and_subtree_scopes_hold_before_and_after(here: Place) -> None:
    with here.platform() as ws:
        below = create(ws, "unit", {"name": "Below", "parent": here.unit}).id
        far = create(ws, "unit", {"name": "Far"}).id
    local = here.person("local", unit=here.unit)
    account = here.add("account", user=local, name="A")
    refused(here, Forbidden, lambda ws: create(ws, "account", {"name": "B", "unit": far}), local)
    with here.as_user(local) as ws:
        order = create(ws, "order", {"name": "O", "account": account.id, "unit": below})
        assert update(ws, "order", order.id, {"note": "mine all the same"}).version == 2
    refused(here, Forbidden, lambda ws: update(ws, "order", order.id, {"unit": far}), local)


def test_who_may_change_a_record_may_add_what_belongs_to_it(here: Place) -> None:
    seller = here.person("seller", unit=here.unit)
    mine, other = here.add("account", user=seller, name="Mine"), here.add("account", name="Other")
    made = here.add("contact", user=seller, name="C", account=mine.id)
    error = refused(here, Invalid, lambda ws: create(ws, "contact", {"name": "C", "account": other.id}), seller)
    assert paths(error) == {"account": "records.no_such_target"}
    refused(here, Invalid, lambda ws: update(ws, "contact", made.id, {"account": other.id}), seller)
    assert paths(refused(here, Invalid, lambda ws: create(ws, "contact", {"name": "C"}), seller)) == {
        "account": "records.needs_parent"
    }


def test_what_follows_an_owner_changes_hands_with_what_it_follows(here: Place) -> None:
    seller = here.person("seller", unit=here.unit)
    with here.platform() as ws:
        other = create(ws, "unit", {"name": "Other"}).id
    colleague = here.person("seller", unit=other)
    account = here.add("account", name="A").id
    calls = [here.add("call", name=f"c{at}", reason="r", account=account, owner=seller).id for at in range(3)]
    later = here.add("call", name="later", reason="r", after=calls[0]).id
    theirs = here.add("call", name="theirs", reason="r", account=account, owner=colleague)
    with here.as_user() as ws:
        update(ws, "account", account, {"owner": colleague})
    for call in (*calls, later):
        kind, _, _, changes = here.events(call)[-1]
        assert (kind, changes["owner"][1], changes["unit"][1]) == ("updated", colleague, other)
    assert [kind for kind, *_ in here.events(theirs.id)] == ["created"]


def test_a_value_that_is_needed_but_out_of_sight_is_not_named(here: Place) -> None:
    seller = here.person("seller", unit=here.unit)
    error = refused(here, Invalid, lambda ws: create(ws, "call", {"name": "c"}), seller)
    assert paths(error) == {"": "records.required_unseen"}
    assert "reason" not in error.problems[0].message().lower()


# -- links


def test_a_link_needs_a_living_visible_target_of_the_right_kind(here: Place) -> None:
    seller = here.person("seller", unit=here.unit)
    account, gone = here.add("account", name="A").id, here.add("account", name="Gone").id
    with here.as_user() as ws:
        records.delete(ws, "account", gone)
    for target in (gone, here.boss, NOBODY):
        error = refused(here, Invalid, partial(create, entity="order", raw={"name": "x", "account": target}))
        assert paths(error) == {"account": "records.no_such_target"}
    about = {"entity": "account", "id": here.unit}
    error = refused(here, Invalid, lambda ws: create(ws, "order", {"name": "x", "account": account, "about": about}))
    assert paths(error) == {"about": "records.no_such_target"}
    about = {"entity": "user", "id": here.boss}
    error = refused(here, Invalid, lambda ws: create(ws, "order", {"name": "x", "account": account, "about": about}))
    assert list(paths(error)) == ["about.entity"]
    order = here.add("order", name="Bosses", account=account)
    with here.platform() as ws:
        update(ws, "account", account, {"owner": seller})
    local = here.person("local", unit=None)
    error = refused(here, Invalid, lambda ws: create(ws, "order", {"name": "x", "account": account}), local)
    assert paths(error)["account"] == "records.no_such_target"
    assert order.version == 1


def test_a_link_to_what_one_may_not_see_is_hidden_and_kept(here: Place) -> None:
    local = here.person("local", unit=here.unit)
    far = here.add("account", name="Far")
    order = here.add("order", user=local, name="O", account=here.add("account", user=local, name="Near").id)
    with here.platform() as ws:
        update(ws, "account", far.id, {"owner": None, "unit": None})
        update(ws, "order", order.id, {"account": far.id})
    with here.as_user(local) as ws:
        changed = update(ws, "order", order.id, {"note": "x"})
        assert as_json(ws, changed)["account"] == {"hidden": True}
        assert changed.values["account"] == far.id


def test_links_are_the_whole_list_of_those_that_one_sees(here: Place) -> None:
    account = here.add("account", name="A").id
    first, second, third = (here.add("contact", name=name, account=account).id for name in "abc")
    order = here.add("order", name="O", account=account, contacts=[first, second])
    with here.as_user() as ws:
        assert update(ws, "order", order.id, {"contacts": [second, third]}).version == 2
        assert update(ws, "order", order.id, {"contacts": [third, second]}).version == 2
        assert update(ws, "order", order.id, {"contacts": []}).version == 3
        assert update(ws, "order", order.id, {"contacts": [first]}).version == 4
    lists = [changes["contacts"] for _, _, _, changes in here.events(order.id) if "contacts" in changes]
    assert lists == [[[], [first, second]], [[first, second], [second, third]], [[second, third], []], [[], [first]]]
    error = refused(here, Invalid, lambda ws: update(ws, "order", order.id, {"contacts": [first, NOBODY]}))
    assert paths(error) == {"contacts.1": "records.no_such_target"}


def test_two_writers_of_a_link_and_its_targets_deletion_leave_nothing_dangling(here: Place) -> None:
    for _ in range(10):
        account = here.add("account", name="A").id
        barrier = threading.Barrier(2)

        def link(account: str = account, barrier: threading.Barrier = barrier) -> None:
            barrier.wait()
            with contextlib.suppress(Invalid):
                here.add("order", name="O", account=account)

        def drop(account: str = account, barrier: threading.Barrier = barrier) -> None:
            barrier.wait()
            with contextlib.suppress(Conflict), here.as_user() as ws:
                records.delete(ws, "account", account)

        threads = [threading.Thread(target=link), threading.Thread(target=drop)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    with here.platform(write=False) as ws:
        left = ws.db.fetch(
            "SELECT count(*) FROM e_order o JOIN e_account a ON a.id = o.f_account "
            "WHERE a.deleted_at IS NOT NULL AND o.deleted_at IS NULL"
        )
    assert left[0][0] == 0


# -- children


def test_children_are_saved_with_their_record(here: Place) -> None:
    account = here.add("account", name="A").id
    lines = [{"name": "one", "price": "2.50"}, {"name": "two", "qty": 3}]
    order = here.add("order", name="O", account=account, lines=lines)
    found = _lines(here, order.id)
    assert [(each["name"], each["qty"]) for each in found] == [("one", 1), ("two", 3)]
    with here.as_user() as ws:
        sent = [{"id": found[1]["id"], "qty": 4}, {"name": "three"}]
        assert update(ws, "order", order.id, {"lines": sent}, version=1).version == 2
    same = [{"id": each["id"]} for each in _lines(here, order.id)]
    with here.as_user() as ws:
        assert update(ws, "order", order.id, {"lines": same}).version == 2
    assert [(each["name"], each["qty"]) for each in _lines(here, order.id)] == [("two", 4), ("three", 1)]


def test_problems_of_children_are_told_where_they_stand(here: Place) -> None:
    account = here.add("account", name="A").id
    lines = [{"name": "one"}, {"qty": 0, "prise": 1}, {"name": "x", "price": {"amount": "1", "currency": "USD"}}]
    error = refused(here, Invalid, lambda ws: create(ws, "order", {"name": "O", "account": account, "lines": lines}))
    assert set(paths(error)) == {"lines.1.qty", "lines.1.prise", "lines.1.name", "lines.2.price"}
    foreign = here.add("order", name="F", account=account, lines=[{"name": "f"}])
    stolen = [{"id": _lines(here, foreign.id)[0]["id"], "name": "mine now"}]
    error = refused(here, Invalid, lambda ws: create(ws, "order", {"name": "O", "account": account, "lines": stolen}))
    assert paths(error)["lines.0.id"] == "records.not_a_child"


def test_a_child_on_its_own_has_the_rights_of_its_record(here: Place) -> None:
    seller = here.person("seller", unit=here.unit)
    account = here.add("account", name="A").id
    theirs = here.add("order", name="T", account=account)
    mine = here.add("order", user=seller, name="M", account=account)
    line = here.add("line", user=seller, name="l", order=mine.id)
    assert line.values["currency"] == "CNY"
    error = refused(here, Invalid, lambda ws: create(ws, "line", {"name": "l", "order": theirs.id}), seller)
    assert paths(error) == {"order": "records.no_such_target"}
    with here.as_user(seller) as ws:
        assert update(ws, "line", line.id, {"qty": 2}).version == 2
    other = here.add("line", name="o", order=theirs.id)
    refused(here, NotFound, lambda ws: update(ws, "line", other.id, {"qty": 2}), seller)


def _lines(here: Place, order: str) -> list[dict[str, Any]]:
    from runtime.queries import Query, as_json, find

    with here.platform(write=False) as ws:
        page = find(ws, Query("line", where=f"order == '{order}'", sort=("created_at", "id")))
        return as_json(page)


# -- money


def test_money_is_in_one_currency_with_its_base_beside_it(here: Place) -> None:
    with here.platform() as ws:
        create(ws, "exchange_rate", {"currency_code": "USD", "date": "2027-01-01", "rate": "7.12345678"})
        create(ws, "exchange_rate", {"currency_code": "USD", "date": "2027-06-01", "rate": "7"})
    account = here.add("account", name="A").id
    values: dict[str, Any] = {
        "name": "O",
        "account": account,
        "currency": "USD",
        "amount": "10",
        "ordered": "2027-02-01",
    }
    order = here.add("order", **values)
    assert (order.values["amount"], order.values["amount__base"]) == (Decimal("10"), Decimal("71.2346"))
    with here.as_user() as ws:
        later = update(ws, "order", order.id, {"ordered": "2027-06-01", "cost": {"amount": "2", "currency": "USD"}})
        assert (later.values["amount__base"], later.values["cost__base"]) == (Decimal("70"), Decimal("14"))
        home = update(ws, "order", order.id, {"currency": "CNY"})
        assert (home.values["amount"], home.values["amount__base"]) == (Decimal("10"), Decimal("10"))
    assert here.events(order.id)[-1][3]["amount"] == [
        {"amount": "10.00", "currency": "USD"},
        {"amount": "10.00", "currency": "CNY"},
    ]


def test_money_of_another_currency_or_without_a_rate_is_refused(here: Place) -> None:
    account = here.add("account", name="A").id
    base = {"name": "O", "account": account}
    error = refused(
        here, Invalid, lambda ws: create(ws, "order", {**base, "amount": {"amount": "1", "currency": "USD"}})
    )
    assert paths(error) == {"amount": "records.other_currency"}
    error = refused(here, Invalid, lambda ws: create(ws, "order", {**base, "currency": "USD", "amount": "1"}))
    assert paths(error) == {"amount": "records.no_rate"}
    error = refused(here, Invalid, lambda ws: create(ws, "order", {**base, "currency": "XXQ", "amount": "1"}))
    assert paths(error) == {"currency": "records.bad_currency"}


def test_a_child_has_its_parents_currency(here: Place) -> None:
    with here.platform() as ws:
        create(ws, "exchange_rate", {"currency_code": "EUR", "date": "2020-01-01", "rate": "8"})
    account = here.add("account", name="A").id
    order = here.add("order", name="O", account=account, currency="EUR", lines=[{"name": "l", "price": "2"}])
    line = here.add("line", name="alone", order=order.id, price="3")
    assert (line.values["currency"], line.values["price__base"]) == ("EUR", Decimal("24"))
    assert [each["price"]["currency"] for each in _lines(here, order.id)] == ["EUR", "EUR"]


# -- how much it costs, and when it goes wrong


def test_a_save_costs_a_handful_of_statements(here: Place) -> None:
    account = here.add("account", name="First").id
    with here.as_user() as ws:
        before = ws.db.count
        order = create(ws, "order", {"name": "Second", "account": account, "amount": "5", "seller": here.boss})
        assert ws.db.count - before <= 5
        before = ws.db.count
        update(ws, "order", order.id, {"stage": "won", "amount": "6", "note": "n"})
        assert ws.db.count - before <= (2 if ws.dialect == "postgresql" else 3)
        before = ws.db.count
        update(ws, "order", order.id, {"name": "Third"})
        assert ws.db.count - before <= 5


def test_what_is_undone_leaves_nothing(here: Place) -> None:
    account = here.add("account", name="A").id
    before = here.state()
    with pytest.raises(RuntimeError), here.as_user() as ws:
        order = create(ws, "order", {"name": "O", "account": account, "lines": [{"name": "l"}]})
        update(ws, "order", order.id, {"name": "P"})
        raise RuntimeError
    assert here.state() == before


def test_records_of_people_and_units_change_what_everybody_may_from_the_next_request(here: Place) -> None:
    with here.platform() as ws:
        other = create(ws, "unit", {"name": "Other"}).id
        far = create(ws, "account", {"name": "A", "unit": other}).id
    local = here.person("local", unit=here.unit)
    refused(here, NotFound, lambda ws: update(ws, "account", far, {"size": 1}), local)
    with here.platform() as ws:
        update(ws, "user", local, {"units": [other]})
    with here.as_user(local) as ws:
        assert update(ws, "account", far, {"size": 1}).version == 2


def test_times_are_those_of_the_workspace(here: Place) -> None:
    now = dt.datetime(2031, 1, 2, 3, 4, 5, 678901, tzinfo=dt.UTC)
    with here.as_user(now=now) as ws:
        made = create(ws, "account", {"name": "A"})
    with here.as_user() as ws:
        held = update(ws, "account", made.id, {"size": 1})
    assert held.values["created_at"] == now
    assert held.values["updated_at"] > held.values["created_at"] or held.values["updated_at"].year < 2031


def test_an_entity_that_the_platform_writes_is_closed_to_people(host: Host) -> None:
    text = kit.MINI.replace(
        "  company:\n", "  run:\n    written_by: platform\n    fields: {name: {type: text}}\n  company:\n", 1
    )
    tenant = kit.tenant(host, text)
    with kit.workspace(host, tenant) as ws:
        assert create(ws, "run", {"name": "x"}).version == 1
    with pytest.raises(Forbidden), kit.workspace(host, tenant, roles=["admin"]) as ws:
        create(ws, "run", {"name": "x"})
