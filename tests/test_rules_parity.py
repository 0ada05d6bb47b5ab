"""One rule, one answer: each kind of rule is sent through every way in, and all of them say the same."""

from __future__ import annotations

import csv
import html
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from metadata.problems import PlatformError, Problem
from runtime import queries, records, transfer
from runtime.host import Host
from runtime.records.operations import Operation
from runtime.transfer import Options
from runtime.workspace import AsUser
from tests import kit
from tests.doors import Api, Browser, Person, Site, site
from tests.pages import Page
from tests.ruling import WORLD

Said = frozenset[tuple[str, str]]
"""(code, path) of each problem."""


@dataclass(frozen=True)
class Case:
    """What is sent for a new record, or for one that is `before`; what is said of it, and what it is afterwards."""

    name: str
    sent: Mapping[str, Any]
    said: Said = frozenset()
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] = field(default_factory=dict)
    confirm: str = ""


def said(*pairs: str) -> Said:
    return frozenset(tuple(each.split(" ", 1)) for each in pairs)  # type: ignore[misc]


REQUIRED, REJECTED, WARNING = "records.required reason", "records.rejected amount", "records.warning amount"
CASES = (
    Case("a new lost deal needs its reason", {"stage": "lost"}, said(REQUIRED)),
    Case("a deal that is lost needs its reason", {"stage": "lost"}, said(REQUIRED), before={"stage": "open"}),
    Case("with its reason it is lost", {"stage": "lost", "reason": "Price"}, after={"chance": 0, "reason": "Price"}),
    Case("an amount below zero is refused", {"amount": "-1"}, said(REJECTED)),
    Case("a change to below zero is refused", {"amount": "-5"}, said(REJECTED), before={"amount": "5"}),
    Case("nothing is asked of what does not change", {"reason": "x"}, before={"amount": "-5"}),
    Case("a limit of the account binds", {"amount": "501", "account": "small"}, said(REJECTED)),
    Case("up to the limit is fine", {"amount": "500", "account": "small"}, after={"amount": "500.00"}),
    Case("a warning stops a save", {"amount": "2000000"}, said(WARNING)),
    Case("a confirmed warning does not", {"amount": "2000000"}, confirm="large", after={"amount": "2000000.00"}),
    Case("another name confirms nothing", {"amount": "2000000"}, said(WARNING), confirm="not_negative"),
    Case("both are told at once", {"amount": "-1", "stage": "lost"}, said(REJECTED, REQUIRED)),
    Case("a rule sets the chance", {"stage": "won"}, after={"chance": 100}, before={"stage": "open", "chance": 10}),
    Case("what is hidden is emptied", {"rival": "Them", "stage": "open"}, after={"rival": None}),
    Case("also when it is hidden already", {"rival": "Them"}, after={"rival": None}, before={"stage": "open"}),
    Case(
        "what is hidden later is emptied then",
        {"stage": "open"},
        after={"rival": None, "chance": 10},
        before={"stage": "lost", "rival": "Them", "reason": "Price"},
    ),
    Case("what is shown is kept", {"stage": "lost", "reason": "x", "rival": "Them"}, after={"rival": "Them"}),
    Case("options are narrowed", {"kind": "service", "way": "ship"}, said("records.option_closed way")),
    Case(
        "a choice that becomes impossible is refused",
        {"kind": "service"},
        said("records.option_closed way"),
        before={"kind": "goods", "way": "ship"},
    ),
    Case("other options are free", {"kind": "service", "way": "online"}, after={"way": "online"}),
    Case("a code is final", {"code": "B"}, said("records.closed code"), before={"code": "A"}),
    Case("the same code is no change", {"code": "A", "reason": "x"}, before={"code": "A"}, after={"reason": "x"}),
    Case("the first code is free", {"code": "B"}, before={"reason": "x"}, after={"code": "B"}),
)


@dataclass
class World:
    """The site, and the ways into it."""

    site: Site
    person: Person
    api: Api
    browser: Browser
    small: str
    """Id of an account with a small limit."""
    folder: Path

    def held(self, case: Case, name: str, **more: Any) -> str:
        """The record as it was before, whatever the rules say of it."""
        with kit.workspace(self.site.host, self.site.tenant) as ws:
            return kit.insert(ws, "deal", name=name, **{**_stored(case.before or {}), **more})

    def of(self, id: str) -> dict[str, Any]:
        with kit.workspace(self.site.host, self.site.tenant, write=False) as ws:
            return queries.get(ws, "deal", id)

    def named(self, name: str) -> dict[str, Any] | None:
        with kit.workspace(self.site.host, self.site.tenant, write=False) as ws:
            found = queries.as_json(queries.find(ws, queries.Query("deal", f"name == '{name}'")))
        return self.of(found[0]["id"]) if found else None

    def sent(self, case: Case, name: str) -> dict[str, Any]:
        values = dict(case.sent)
        if "account" in values:
            values["account"] = self.small
        return values if case.before is not None else {"name": name, "stage": "open", **values}


def _stored(values: Mapping[str, Any]) -> dict[str, Any]:
    from decimal import Decimal

    return {key: Decimal(value) if key == "amount" else value for key, value in values.items()}


Way = Callable[[World, Case, str], tuple[Said, dict[str, Any] | None]]


def by_records(world: World, case: Case, name: str) -> tuple[Said, dict[str, Any] | None]:
    id = world.held(case, name) if case.before is not None else None
    confirm = (case.confirm,) if case.confirm else ()
    try:
        with kit.workspace(world.site.host, world.site.tenant, user=world.person.id) as ws:
            if id is None:
                records.create(ws, "deal", world.sent(case, name), confirm)
            else:
                records.update(ws, "deal", id, world.sent(case, name), confirm=confirm)
    except PlatformError as error:
        return _pairs(error.problems), None
    return frozenset(), world.named(name)


def by_api(world: World, case: Case, name: str) -> tuple[Said, dict[str, Any] | None]:
    query = f"?confirm={case.confirm}" if case.confirm else ""
    if case.before is None:
        answer = world.api.post(f"/deal{query}", world.sent(case, name))
    else:
        answer = world.api.patch(f"/deal/{world.held(case, name)}{query}", world.sent(case, name))
    if answer.status_code >= 400:
        return frozenset((each["code"], each["path"]) for each in answer.get_json()["problems"]), None
    return frozenset(), world.named(name)


def by_bulk(world: World, case: Case, name: str) -> tuple[Said, dict[str, Any] | None]:
    values = world.sent(case, name)
    operation: dict[str, Any] = {"action": "create", "values": values}
    if case.before is not None:
        operation = {"action": "update", "id": world.held(case, name), "values": values}
    body = {"operations": [operation], "all_or_nothing": False, "confirm": [case.confirm] if case.confirm else []}
    (verdict,) = world.api.post("/deal/bulk", body).get_json()["data"]
    return frozenset((each["code"], each["path"]) for each in verdict["problems"]), world.named(name)


def by_import(world: World, case: Case, name: str) -> tuple[Said, dict[str, Any] | None]:
    if case.before is not None:
        world.held(case, name)
    row = {"name": name, **world.sent(case, name)}
    if "account" in row:
        row["account"] = "small"
    text = io.StringIO()
    csv.writer(text).writerows([row, row.values()])
    path = world.folder / f"{name}.csv"
    path.write_text(text.getvalue())
    options = Options(mode="upsert", by=("name",), accept_warnings=case.confirm == "large")
    report = transfer.load(world.site.host, world.site.tenant, AsUser(world.person.id), "deal", path, options)
    return frozenset((each["code"], each["path"]) for refused in report.refused for each in refused.problems), (
        world.named(name)
    )


def by_merge(world: World, case: Case, name: str) -> tuple[Said, dict[str, Any] | None]:
    """What is sent is what another record has: the survivor takes it over."""
    survivor = world.held(case, name)
    sent = world.sent(case, name)
    with kit.workspace(world.site.host, world.site.tenant) as ws:
        other = kit.insert(ws, "deal", **{**_stored(sent), "name": f"{name} other"})
    body: dict[str, Any] = {"survivor": survivor, "others": [other], "confirm": [case.confirm] if case.confirm else []}
    body["choices"] = {key: other for key in sent if key != "name"}
    answer = world.api.post("/deal/merge", body)
    if answer.status_code >= 400:
        return frozenset((each["code"], each["path"]) for each in answer.get_json()["problems"]), None
    return frozenset(), world.of(survivor)


def by_form(world: World, case: Case, name: str) -> tuple[Said, dict[str, Any] | None]:
    """A page tells no codes, so what it says is looked up in what the API says of the same values."""
    path = "/app/deal/new" if case.before is None else f"/app/deal/{world.held(case, name)}/edit"
    form = Page(world.browser.get(path).get_data(as_text=True)).form("name")
    filled = {**form.values, **world.sent(case, name)}
    if case.confirm:
        filled["confirm"] = case.confirm
    answer = world.browser.post(path, filled)
    if answer.status_code < 400:
        return frozenset(), world.named(name)
    text = html.unescape(answer.get_data(as_text=True))
    if case.before is None:
        told = world.api.post("/deal", world.sent(case, name))
    else:
        told = world.api.patch(f"/deal/{world.held(case, name + ' again')}", world.sent(case, name))
    return frozenset(
        (each["code"], each["path"]) for each in told.get_json()["problems"] if each["message"] in text
    ), None


def _pairs(problems: tuple[Problem, ...]) -> Said:
    return frozenset((each.code, each.path) for each in problems)


WAYS: tuple[Way, ...] = (by_records, by_api, by_bulk, by_import, by_merge, by_form)


@pytest.fixture(scope="module", params=["sqlite_host", "postgres_host"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> World:
    host: Host = request.getfixturevalue(request.param)
    here = site(host, "core", WORLD)
    person = here.person("seller")
    with kit.workspace(host, here.tenant) as ws:
        small = records.create(ws, "account", {"name": "small", "limit": "500"}).id
    folder = tmp_path_factory.mktemp("files")
    return World(here, person, here.api(person=person), here.browser(person=person), small, folder)


def _sent(case: Case, way: Way) -> bool:
    """A merge changes a record that is there, to what it has not yet."""
    return way is not by_merge or (case.before is not None and "same" not in case.name)


PAIRS = [(case, way) for case in CASES for way in WAYS if _sent(case, way)]


@pytest.mark.parametrize(("case", "way"), PAIRS, ids=[f"{case.name}-{way.__name__}" for case, way in PAIRS])
def test_every_way_in_says_the_same(world: World, case: Case, way: Way) -> None:
    name = f"{way.__name__} {CASES.index(case)}"
    told, made = way(world, case, name)
    assert told == case.said
    if not case.said:
        assert made is not None
        assert {key: made[key] for key in case.after} == case.after


def test_rows_of_a_record_are_asked_too_and_confirmed_with_it(world: World) -> None:
    lines = [{"what": "a", "quantity": 0}, {"what": "b", "quantity": 5000}]
    answer = world.api.post("/deal", {"name": "rows", "lines": lines})
    told = {(each["code"], each["path"]) for each in answer.get_json()["problems"]}
    assert told == {("records.rejected", "lines"), ("records.warning", "lines.1.quantity")}
    lines[0]["quantity"] = 1
    assert world.api.post("/deal?confirm=few", {"name": "rows", "lines": lines}).status_code == 201


def test_a_message_shows_what_its_reader_may_know(world: World) -> None:
    values = {"name": "told", "amount": "501", "account": world.small}
    (problem,) = world.api.post("/deal", values).get_json()["problems"]
    assert problem["message"] == "More than …, the limit of small."
    (shown,) = world.site.api("admin").post("/deal", values).get_json()["problems"]
    assert shown["message"] == "More than 500.00, the limit of small."
    assert (shown["rule"], shown["path"]) == ("within_limit", "amount")


def test_the_event_keeps_what_was_confirmed(world: World) -> None:
    made = world.api.post("/deal?confirm=large", {"name": "big", "amount": "3000000"}).get_json()
    with kit.workspace(world.site.host, world.site.tenant, write=False) as ws:
        (event,) = queries.history(ws, "deal", made["id"])["data"]
    assert event["confirmed"] == ["large"]
    assert set(event["changes"]) == {"name", "amount", "stage", "chance", "owner"}


def test_many_records_are_asked_by_as_many_queries_as_one(world: World) -> None:
    def queries_of(count: int) -> int:
        rows = [
            Operation("create", {"name": f"many {count} {at}", "amount": str(at), "account": world.small})
            for at in range(count)
        ]
        with kit.workspace(world.site.host, world.site.tenant) as ws:
            before = ws.db.count
            assert all(each.action == "created" for each in records.bulk(ws, "deal", rows))
            return ws.db.count - before

    queries_of(2)
    assert queries_of(100) <= queries_of(30) + 1


PARTS = """
package: {code: parts, version: 1.0.0, kind: industry, requires: {core: ">=0.1"}}
entities:
  order:
    title: name
    fields:
      name: {type: text, max: 40}
      lines: {type: children, of: line, by: order}
      total: {type: rollup, of: lines, sum: price}
      few: {type: rollup, of: lines, count: true}
    rules:
      most: {when: "total > 100", reject: {message: "{total} is more than 100."}}
      many: {when: "few > 1", reject: {warn: true, message: "So many?"}}
  line:
    title: what
    fields:
      what: {type: text, max: 40}
      order: {type: link, to: order, required: true, on_delete: cascade}
      price: {type: decimal, scale: 2}
"""


def test_a_rule_of_a_record_refuses_the_save_of_its_row(host: Host) -> None:
    tenant = kit.tenant(host, "core", PARTS)
    with kit.workspace(host, tenant) as ws:
        order = records.create(ws, "order", {"name": "A"}).id
        row = records.create(ws, "line", {"what": "a", "order": order, "price": "60"}).id
    with pytest.raises(PlatformError) as refused, kit.workspace(host, tenant) as ws:
        records.create(ws, "line", {"what": "b", "order": order, "price": "60"})
    assert [(each.code, each.message()) for each in refused.value.problems] == [
        ("records.rejected", "120.00 is more than 100.")
    ]
    with kit.workspace(host, tenant) as ws:
        # What only warns stops nobody who saves something else; the bad one of many is left out.
        rows = [Operation("create", {"what": at, "order": order, "price": price}) for at, price in (("c", "9"),)]
        assert [each.action for each in records.bulk(ws, "line", rows)] == ["created"]
        found = records.bulk(ws, "line", [Operation("update", {"price": "99"}, row)])
    assert [(each.action, [one.code for one in each.problems]) for each in found] == [("refused", ["records.rejected"])]
    with kit.workspace(host, tenant, write=False) as ws:
        assert queries.get(ws, "order", order)["total"] == "69.00"
