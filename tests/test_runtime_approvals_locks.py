"""Locked means locked, on every path by which a record can be written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from metadata.problems import Conflict, Invalid, PlatformError
from runtime import approvals, records
from runtime.host import Host
from runtime.records import Operation
from runtime.workspace import Workspace
from tests.signing import WORLD, Firm, firm

LOCKED = {"records.locked", "records.locked_but"}


def _codes(refused: Any) -> set[str]:
    return {each.code for each in refused.value.problems}


def _line(f: Firm, quote: str) -> str:
    with f.as_("ida") as ws:
        return records.create(ws, "quote_line", {"what": "Jam", "quote": quote, "price": "3"}).id


Path = Callable[[Workspace, str, str], Any]
"""Workspace, quote, line of it."""


def _verdict(done: list[Any]) -> None:
    problems = [problem for each in done for problem in each.problems]
    if problems:
        raise Conflict(problems)


PATHS: Mapping[str, Path] = {
    "save": lambda ws, quote, line: records.update(ws, "quote", quote, {"amount": "7"}),
    "owner": lambda ws, quote, line: records.update(ws, "quote", quote, {"owner": None}),
    "line in its form": lambda ws, quote, line: records.update(ws, "quote", quote, {"lines": [{"what": "New"}]}),
    "emptied list": lambda ws, quote, line: records.update(ws, "quote", quote, {"lines": []}),
    "bulk edit": lambda ws, quote, line: _verdict(
        records.bulk(ws, "quote", [Operation("update", {"amount": "7"}, id=quote)])
    ),
    "all or nothing": lambda ws, quote, line: records.bulk(
        ws, "quote", [Operation("update", {"amount": "7"}, id=quote)], all_or_nothing=True
    ),
    "import": lambda ws, quote, line: _verdict(
        records.write_many(ws, "quote", "update", [{"id": quote, "amount": "7"}], ("id",))
    ),
    "bulk delete": lambda ws, quote, line: _verdict(records.bulk(ws, "quote", [Operation("delete", id=quote)])),
    "delete": lambda ws, quote, line: records.delete(ws, "quote", quote),
    "line": lambda ws, quote, line: records.update(ws, "quote_line", line, {"price": "1"}),
    "new line": lambda ws, quote, line: records.create(ws, "quote_line", {"what": "x", "quote": quote}),
    "deleted line": lambda ws, quote, line: records.delete(ws, "quote_line", line),
    "imported line": lambda ws, quote, line: _verdict(
        records.write_many(ws, "quote_line", "insert", [{"what": "x", "quote": quote}])
    ),
}


@pytest.mark.parametrize("channel", ["form", "api", "import", "job", "workflow"])
def test_lock_matrix(host: Host, channel: str) -> None:
    f = firm(host)
    quote = f.quote()
    line = _line(f, quote)
    f.submit(quote)
    before = f.values(quote)
    for who in ("ida", "bob", "kay", None):
        for name, path in PATHS.items():
            if who in ("bob", "kay") and "line" in name:
                continue  # they have no right to lines
            with f.as_(who, channel=channel) as ws, pytest.raises((Conflict, Invalid)) as refused:
                path(ws, quote, line)
            assert _codes(refused) & LOCKED, (who, name, refused.value.problems)
    assert f.values(quote) == before


def test_a_locked_record_is_not_merged(host: Host) -> None:
    f = firm(host)
    locked, free = f.quote(), f.quote(name="Other")
    f.submit(locked)
    for survivor, other in ((locked, free), (free, locked)):
        with f.as_("ida") as ws, pytest.raises(Conflict) as refused:
            records.merge(ws, "quote", survivor, [other])
        assert _codes(refused) <= LOCKED


def test_what_a_locked_record_is_linked_to_is_not_merged_away(host: Host) -> None:
    f = firm(host)
    with f.as_("ida") as ws:
        stays, goes = (records.create(ws, "account", {"name": name}).id for name in ("A", "B"))
        other = records.create(ws, "account", {"name": "C"}).id
    quote = f.quote(account=goes)
    f.submit(quote)
    with f.as_("ida") as ws, pytest.raises(Conflict) as refused:
        records.merge(ws, "account", stays, [goes])
    assert _codes(refused) <= LOCKED
    assert f.values(quote)["account"] == goes
    with f.as_("ida") as ws:
        records.merge(ws, "account", goes, [stays])  # what it is linked to may stay and take others in
        assert records.merge(ws, "account", goes, [other]).record.id == goes
    f.act("ida", "withdraw")
    with f.as_("ida") as ws:
        last = records.create(ws, "account", {"name": "D"}).id
        records.merge(ws, "account", last, [goes])
    assert f.values(quote)["account"] == last


def test_a_locked_record_is_not_deleted_with_another_nor_changed_by_that(host: Host) -> None:
    f = firm(host)
    with f.as_("ida") as ws:
        account = records.create(ws, "account", {"name": "A"}).id
        partner = records.create(ws, "account", {"name": "B"}).id
    quote = f.quote(account=account, partner=partner)
    f.submit(quote)
    for each in (account, partner):
        with f.as_("ida") as ws, pytest.raises(Conflict) as refused:
            records.delete(ws, "account", each)
        assert _codes(refused) <= LOCKED
    assert f.values(quote)["partner"] == partner


def test_saving_what_is_there_already_is_no_change(host: Host) -> None:
    f = firm(host)
    quote = f.quote()
    line = _line(f, quote)
    f.submit(quote)
    version = f.values(quote)["version"]
    with f.as_("ida") as ws:
        same = {"amount": "1000.00", "name": "Marmalade", "lines": [{"id": line, "what": "Jam", "price": "3.00"}]}
        assert records.update(ws, "quote", quote, same).version == version


def test_the_open_field_is_open_to_the_current_approver_alone(host: Host) -> None:
    f = firm(host)
    quote = f.quote()
    f.submit(quote)
    for who, values, allowed in (
        ("ida", {"price_note": "mine"}, False),
        ("bob", {"price_note": "low"}, True),
        ("bob", {"price_note": "lower", "amount": "1"}, False),
        ("bob", {"note": "his node lets him"}, True),
        ("kay", {"price_note": "hers"}, False),
    ):
        with f.as_(who) as ws:
            if allowed:
                records.update(ws, "quote", quote, values)
            else:
                with pytest.raises(Conflict):
                    records.update(ws, "quote", quote, values)
    shown = f.show("bob")["record"]
    assert shown["fields"]["price_note"] == "low"
    assert shown["moved"] == {}
    f.act("bob", "approve")
    with f.as_("bob") as ws, pytest.raises(Conflict):
        records.update(ws, "quote", quote, {"price_note": "too late"})


def test_an_administrator_passes_when_he_says_so_and_the_trail_tells_it(host: Host) -> None:
    f = firm(host)
    quote = f.quote()
    f.submit(quote)
    for who, confirm, code in (("kay", (), "records.locked_but"), ("bob", ("lock",), "records.locked")):
        with f.as_(who) as ws, pytest.raises(Conflict) as refused:
            records.update(ws, "quote", quote, {"amount": "5"}, confirm=confirm)
        assert _codes(refused) == {code}
    with f.as_("kay") as ws:
        records.update(ws, "quote", quote, {"amount": "5"}, confirm=("lock",))
    [edit] = [each for each in f.show("kay")["history"] if each["verb"] == "edit"]
    assert edit["actor"]["name"] == "Kay"
    assert edit["detail"] == {"why": "override"}


def test_rejecting_opens_the_record(host: Host) -> None:
    f = firm(host)
    quote = f.quote()
    f.submit(quote)
    f.act("bob", "reject", comment="no")
    with f.as_("ida") as ws:
        records.update(ws, "quote", quote, {"amount": "5"})
        records.delete(ws, "quote", quote)


def test_what_is_computed_goes_on_under_lock(host: Host) -> None:
    world = WORLD.replace(
        "total: {type: rollup, of: lines, sum: price}",
        "total: {type: rollup, of: lines, sum: price}\n      town: {type: lookup, path: account.name}",
    )
    f = firm(host, world)
    with f.as_("ida") as ws:
        account = records.create(ws, "account", {"name": "Old"}).id
    quote = f.quote(account=account)
    f.submit(quote)
    with f.as_("ida") as ws:
        records.update(ws, "account", account, {"name": "New"})
    assert f.values(quote)["town"] == "New"
    assert f.show("bob")["record"]["moved"]["town"] == {"submitted": "Old", "now": "New"}


def _statements(f: Firm, do: Callable[[Workspace], Any]) -> int:
    with f.as_("ida") as ws:
        do(ws)  # once beforehand: what is made ready once is not counted
    with f.as_("ida") as ws:
        before = ws.db.count
        do(ws)
        return ws.db.count - before


def test_the_lock_costs_nothing_where_there_are_no_approvals_and_one_look_elsewhere(host: Host) -> None:
    without = WORLD[: WORLD.index("approvals:")] + WORLD[WORLD.index("roles:") :]
    counted = []
    for source in (WORLD, without):
        f = firm(host, source)
        with f.as_("ida") as ws:
            account = records.create(ws, "account", {"name": "A"}).id
        quote = f.quote(account=account)
        names = iter("abcdefgh")
        counted.append(
            (
                _statements(f, lambda ws: records.update(ws, "account", account, {"name": next(names)})),  # noqa: B023
                _statements(f, lambda ws: records.update(ws, "quote", quote, {"note": next(names)})),  # noqa: B023
                _statements(f, lambda ws: records.create(ws, "quote", {"name": next(names)})),  # noqa: B023
            )
        )
    (account_, quote_, new), (plain_account, plain_quote, plain_new) = counted
    assert account_ == plain_account
    assert new == plain_new
    assert quote_ == plain_quote + 1


def test_a_locked_record_is_refused_in_bulk_while_the_others_are_written(host: Host) -> None:
    f = firm(host)
    locked, free = f.quote(), f.quote(name="Free")
    f.submit(locked)
    with f.as_("ida") as ws:
        done = records.bulk(ws, "quote", [Operation("update", {"amount": "7"}, id=id) for id in (locked, free)])
    assert [each.action for each in done] == ["refused", "updated"]
    with f.as_("ida") as ws:
        done = records.bulk(ws, "quote", [Operation("delete", id=id) for id in (locked, free)])
    assert [each.action for each in done] == ["refused", "deleted"]


def test_ending_a_request_twice_says_so(host: Host) -> None:
    f = firm(host)
    quote = f.quote()
    f.submit(quote)
    f.act("kay", "terminate", comment="no longer wanted")
    with pytest.raises(PlatformError) as refused:
        f.act("kay", "terminate", comment="again")
    assert type(refused.value).status == 409
    with f.as_("ida", write=False) as ws:
        assert approvals.standing(ws, "quote", quote).need == "needs_approval"
