"""Deleting and restoring: what goes along, what stands in the way, and that exactly that comes back."""

from __future__ import annotations

import pytest

from metadata.problems import Conflict, Forbidden, NotFound
from runtime.host import Host
from runtime.queries import Query, find
from runtime.records import create, delete, restore, update
from tests.selling import SELLING, Place, place, refused


@pytest.fixture
def here(host: Host) -> Place:
    return place(host)


def living(here: Place, entity: str) -> set[str]:
    with here.platform(write=False) as ws:
        return {row[0] for row in find(ws, Query(entity, fields=("id",), limit=500)).rows}


def test_what_lives_with_a_record_goes_and_comes_back_with_it(here: Place) -> None:
    account = here.add("account", name="A").id
    order = here.add("order", name="O", account=account, lines=[{"name": "one"}, {"name": "two"}]).id
    other = here.add("order", name="P", account=account, lines=[{"name": "three"}]).id
    alone = next(iter(living(here, "line")))
    with here.as_user() as ws:
        deletion = delete(ws, "order", order, version=1)
    assert living(here, "order") == {other}
    assert len(living(here, "line")) == 1
    with here.as_user() as ws:
        record = restore(ws, "order", order)
    assert (record.version, record.values["name"]) == (3, "O")
    assert len(living(here, "line")) == 3 and alone
    assert deletion
    assert [(kind, entity) for kind, entity, _, _ in here.events()][-6:] == [
        ("deleted", "order"),
        ("deleted", "line"),
        ("deleted", "line"),
        ("restored", "order"),
        ("restored", "line"),
        ("restored", "line"),
    ]


def test_a_row_deleted_before_stays_deleted(here: Place) -> None:
    account = here.add("account", name="A").id
    order = here.add("order", name="O", account=account, lines=[{"name": "one"}, {"name": "two"}]).id
    with here.as_user() as ws:
        update(ws, "order", order, {"lines": []})
    kept = here.add("line", name="kept", order=order).id
    with here.as_user() as ws:
        delete(ws, "order", order)
    with here.as_user() as ws:
        restore(ws, "order", order)
    assert living(here, "line") == {kept}


def test_a_record_that_others_need_stays_and_they_are_named(here: Place) -> None:
    account = here.add("account", name="A").id
    for at in range(7):
        here.add("order", name=f"Order {at}", account=account)
    error = refused(here, Conflict, lambda ws: delete(ws, "account", account))
    [problem] = error.problems
    assert (problem.code, problem.params["count"]) == ("records.in_use", 7)
    assert "Order 0" in problem.message() and "…" in problem.message()


def test_what_stands_in_the_way_is_not_named_by_a_title_that_one_may_not_read(host: Host) -> None:
    here = place(host, SELLING.replace("order: {read: own,", "order: {fields: {name: hidden}, read: all,"))
    seller = here.person("seller", unit=here.unit)
    account = here.add("account", user=seller, name="A").id
    order = here.add("order", name="Secret order", account=account).id
    error = refused(here, Conflict, lambda ws: delete(ws, "account", account), seller)
    assert "Secret" not in error.problems[0].message() and order in error.problems[0].message()


def test_records_out_of_sight_are_counted_and_not_named(here: Place) -> None:
    seller = here.person("seller", unit=here.unit)
    account = here.add("account", user=seller, name="A").id
    here.add("order", name="Secret order", account=account)
    error = refused(here, Conflict, lambda ws: delete(ws, "account", account), seller)
    [problem] = error.problems
    assert problem.params["count"] == 1
    assert "Secret" not in problem.message() + problem.message("zh")


def test_links_that_may_be_empty_are_emptied(here: Place) -> None:
    parent = here.add("account", name="Parent").id
    child = here.add("account", name="Child", parent=parent).id
    account = here.add("account", name="A").id
    order = here.add("order", name="O", account=account, about={"entity": "account", "id": parent}).id
    with here.as_user() as ws:
        delete(ws, "account", parent)
    with here.as_user() as ws:
        assert update(ws, "account", child, {"size": 1}).values["parent"] is None
        assert update(ws, "order", order, {"note": "x"}).values["about"] is None
    assert here.events(child)[1] == ("updated", "account", child, {"parent": [parent, None]})
    assert here.events(order)[1][3] == {"about": [{"entity": "account", "id": parent}, None]}


def test_pairs_go_with_either_end(here: Place) -> None:
    account = here.add("account", name="A").id
    contact = here.add("contact", name="C", account=account).id
    other = here.add("contact", name="D", account=account).id
    order = here.add("order", name="O", account=account, contacts=[contact, other]).id
    with here.as_user() as ws:
        delete(ws, "contact", contact)
    with here.as_user() as ws:
        update(ws, "order", order, {"contacts": []})
    assert here.events(order)[-1][3] == {"contacts": [[other], []]}
    with here.as_user() as ws:
        restore(ws, "contact", contact)
    with here.as_user() as ws:
        update(ws, "order", order, {"contacts": [other]})
    assert here.events(order)[-1][3] == {"contacts": [[contact], [other]]}


def test_a_circle_of_links_ends(here: Place) -> None:
    first = here.add("account", name="A").id
    second = here.add("account", name="B", parent=first).id
    with here.as_user() as ws:
        update(ws, "account", first, {"parent": second})
    with here.as_user() as ws:
        delete(ws, "account", first)
    assert living(here, "account") == {second}


def test_a_deleted_record_does_not_exist(here: Place) -> None:
    account = here.add("account", name="A").id
    with here.as_user() as ws:
        delete(ws, "account", account)
    refused(here, NotFound, lambda ws: update(ws, "account", account, {"size": 1}))
    refused(here, NotFound, lambda ws: delete(ws, "account", account))
    living_one = here.add("account", name="B").id
    refused(here, NotFound, lambda ws: restore(ws, "account", living_one))
    refused(here, NotFound, lambda ws: restore(ws, "account", "x"))


def test_a_restore_says_what_stands_in_its_way(here: Place) -> None:
    account = here.add("account", name="A", code="c").id
    with here.as_user() as ws:
        delete(ws, "account", account)
    here.add("account", name="B", code="c")
    error = refused(here, Conflict, lambda ws: restore(ws, "account", account))
    assert error.problems[0].code == "records.not_unique"


def test_a_record_comes_back_only_with_what_it_needs(here: Place) -> None:
    account = here.add("account", name="A").id
    parent = here.add("account", name="P").id
    order = here.add("order", name="O", account=account, lines=[{"name": "l"}]).id
    [line] = living(here, "line")
    child = here.add("account", name="C", parent=parent).id
    for entity, id in (("order", order), ("account", account), ("account", child), ("account", parent)):
        with here.as_user() as ws:
            delete(ws, entity, id)
    error = refused(here, Conflict, lambda ws: restore(ws, "order", order))
    assert [(each.code, each.path) for each in error.problems] == [("records.still_deleted", "account")]
    refused(here, Conflict, lambda ws: restore(ws, "line", line))
    with here.as_user() as ws:
        assert restore(ws, "account", child).version >= 3
    with here.as_user() as ws:
        assert update(ws, "account", child, {"size": 1}).values["parent"] is None
    with here.as_user() as ws:
        restore(ws, "account", account)
        restore(ws, "order", order)
    assert living(here, "line") == {line}


def test_only_who_may_delete_may_delete_and_restore(here: Place) -> None:
    seller = here.person("seller", unit=here.unit)
    account = here.add("account", name="A").id
    refused(here, Forbidden, lambda ws: delete(ws, "account", account), seller)
    with here.as_user() as ws:
        delete(ws, "account", account)
    refused(here, Forbidden, lambda ws: restore(ws, "account", account), seller)


def test_a_stale_version_deletes_nothing(here: Place) -> None:
    account = here.add("account", name="A").id
    with here.as_user() as ws:
        update(ws, "account", account, {"size": 1})
    error = refused(here, Conflict, lambda ws: delete(ws, "account", account, version=1))
    assert error.problems[0].code == "records.stale"


def test_a_child_alone_is_deleted_by_who_may_change_its_record(here: Place) -> None:
    seller = here.person("seller", unit=here.unit)
    account = here.add("account", name="A").id
    mine = here.add("order", user=seller, name="M", account=account, lines=[{"name": "l"}])
    [line] = living(here, "line")
    theirs = here.add("line", name="t", order=here.add("order", name="T", account=account).id).id
    with here.as_user(seller) as ws:
        delete(ws, "line", line)
    refused(here, NotFound, lambda ws: delete(ws, "line", theirs), seller)
    assert mine.version == 1


def test_a_unique_value_is_free_again_after_a_deletion(here: Place) -> None:
    account = here.add("account", name="A", code="c").id
    with here.as_user() as ws:
        delete(ws, "account", account)
        assert create(ws, "account", {"name": "B", "code": "c"}).version == 1
