"""Plan and apply: what was reviewed is what is applied, once, whole, while people read and write."""

from __future__ import annotations

import datetime as dt
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa

from metadata.plan import ChangePlan
from metadata.problems import Conflict, Invalid, MetadataInvalid, NotFound
from runtime import directory, forgetting, indexes, queries, records, releases, schema, tenants
from runtime.database.errors import ForeignKeyViolation, UniqueViolation
from runtime.directory import Tenant
from runtime.host import Host
from runtime.settings import Settings
from tests import kit

NOTE = "      note: {type: long_text}"


SQLITE_CATALOG = {
    "texts": "SELECT name, tbl_name, sql FROM sqlite_master ORDER BY 1, 2",
    "columns": "SELECT m.name, c.name, c.type FROM sqlite_master m, pragma_table_info(m.name) c ORDER BY 1, 2",
}
POSTGRES_CATALOG = {
    "columns": """
        SELECT table_name, column_name, data_type, is_nullable, collation_name FROM information_schema.columns
        WHERE table_schema = %(place)s ORDER BY 1, 2""",
    "indexes": "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = %(place)s ORDER BY 1",
    "constraints": """
        SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = %(place)s::regnamespace ORDER BY 1""",
}
PLACE = """
  place:
    title: name
    search: {name: {}}
    fields:
      name: {type: text}
      deal: {type: link, to: deal}
"""


def mini(*fields: str, code: str = "mini") -> str:
    """MINI with more fields of deal."""
    text = kit.MINI.replace("code: mini", f"code: {code}")
    return text.replace(NOTE, "\n".join((NOTE, *(f"      {each}" for each in fields))))


def planned(host: Host, tenant: Tenant, text: str) -> ChangePlan:
    return schema.plan(host, tenant, kit.layer(text))


def change(host: Host, tenant: Tenant, text: str) -> int:
    plan = planned(host, tenant, text)
    assert plan.id is not None
    return schema.apply(host, tenant, plan.id)


def tables(host: Host, tenant: Tenant) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that the database knows of the tenant's tables, columns, indexes and constraints."""
    with kit.workspace(host, tenant, write=False) as ws:
        if ws.dialect == "sqlite":
            return {name: ws.db.fetch(text) for name, text in SQLITE_CATALOG.items()}
        return {name: ws.db.fetch(text, {"place": tenant.place}) for name, text in POSTGRES_CATALOG.items()}


# -- what is applied


def test_a_new_field_is_there_and_old_records_stay(host: Host) -> None:
    tenant = kit.tenant(host)
    with kit.workspace(host, tenant) as ws:
        id = kit.insert(ws, "deal", name="Old", stage="open")
    assert change(host, tenant, mini("city: {type: text}", "fee: {type: money}", "boss: {type: user}")) == 2
    with kit.workspace(host, tenant) as ws:
        assert ws.release == 2
        assert ws.db.fetch("SELECT id, f_name, f_city, f_fee, f_boss FROM e_deal") == [(id, "Old", None, None, None)]
        kit.insert(ws, "deal", name="New", city="Köln", boss=kit.insert(ws, "user", name="Ann"))
    with pytest.raises(ForeignKeyViolation), kit.workspace(host, tenant) as ws:
        kit.insert(ws, "deal", name="Bad", boss="00000000-0000-0000-0000-000000000009")


def test_a_new_entity_is_there(host: Host) -> None:
    tenant = kit.tenant(host)
    change(host, tenant, kit.MINI.replace("roles:", PLACE.lstrip("\n") + "roles:", 1))
    with kit.workspace(host, tenant) as ws:
        kit.insert(ws, "place", name="Here", deal=kit.insert(ws, "deal", name="A"))
        assert ws.db.fetch("SELECT count(*) FROM e_place") == [(1,)]


def test_applying_twice_is_an_empty_plan(host: Host) -> None:
    tenant = kit.tenant(host)
    change(host, tenant, mini("city: {type: text}"))
    again = planned(host, tenant, mini("city: {type: text}"))
    assert again.empty and again.id is None and again.base == 2


def test_a_rename_touches_no_table(host: Host) -> None:
    tenant = kit.tenant(host)
    before = tables(host, tenant)
    text = kit.MINI.replace(
        "      note: {type: long_text}", "      remark: {type: long_text, id: note, label: {en: Remark, zh: 说明}}"
    )
    plan = planned(host, tenant, text)
    assert plan.risk == "safe" and not plan.empty
    assert plan.id is not None and schema.apply(host, tenant, plan.id) == 2
    assert tables(host, tenant) == before
    with kit.workspace(host, tenant) as ws:
        deal = ws.model.entity("deal")
        assert deal is not None
        field = deal.find("remark")
        assert field is not None and field.id == "note" and deal.find("note") is field


def test_carrying_out_a_plan_gives_the_tables_of_the_target(host: Host) -> None:
    """Whichever way a tenant came to a description, its tables are the same but for the order of columns."""
    fields = (
        "city: {type: text, unique: true}",
        "boss: {type: user}",
        "tags: {type: tags}",
        "others: {type: links, to: company}",
    )
    whole = kit.tenant(host, mini(*fields))
    stepwise = kit.tenant(host)
    for number in range(len(fields)):
        change(host, stepwise, mini(*fields[: number + 1]))

    def described(tenant: Tenant) -> dict[str, Any]:
        found = tables(host, tenant)
        found.pop("texts", None)
        return {
            name: [tuple(str(each).replace(tenant.place, "PLACE") for each in row) for row in rows]
            for name, rows in found.items()
        }

    assert described(stepwise) == described(whole)


def test_a_removed_field_keeps_its_values_until_it_returns(host: Host) -> None:
    tenant = kit.tenant(host, mini("city: {type: text}"))
    with kit.workspace(host, tenant) as ws:
        kit.insert(ws, "deal", name="A", city="Köln")
    plan = planned(host, tenant, kit.MINI)
    assert plan.risk == "destroys" and plan.id is not None
    schema.apply(host, tenant, plan.id)
    with kit.workspace(host, tenant) as ws:
        deal = ws.model.entity("deal")
        assert deal is not None and "city" not in deal.fields and ws.model.storage["deal"].fields["city"].trashed
        kit.insert(ws, "deal", name="B", city="ignored")
    # A key alone may be meant for something new: whoever writes it learns of the values in the trash.
    refused = planned(host, tenant, mini("city: {type: text}")).refused
    assert [(each.code, each.path) for each in refused] == [("plan.revived", "entities.deal.fields.city")]
    assert "id: city" in refused[0].message() and "id: city_2" in refused[0].message("zh")
    change(host, tenant, mini("city: {id: city, type: text}"))
    with kit.workspace(host, tenant) as ws:
        assert ws.db.fetch("SELECT f_name, f_city FROM e_deal ORDER BY 1") == [("A", "Köln"), ("B", None)]


def test_a_removed_entity_keeps_its_rows_until_it_returns(host: Host) -> None:
    extra = "  place:\n    title: name\n    fields:\n      name: {type: text, unique: true}\nroles:"
    with_place = kit.MINI.replace("roles:", extra, 1)
    tenant = kit.tenant(host, with_place)
    with kit.workspace(host, tenant) as ws:
        kit.insert(ws, "place", name="Here")
    change(host, tenant, kit.MINI)
    assert [each.code for each in planned(host, tenant, with_place).refused] == ["plan.revived"]
    change(host, tenant, with_place.replace("  place:\n", "  place:\n    id: place\n"))
    with kit.workspace(host, tenant) as ws:
        assert ws.db.fetch("SELECT f_name FROM e_place") == [("Here",)]
        with pytest.raises(UniqueViolation), ws.db.savepoint():
            kit.insert(ws, "place", name="Here")


def test_going_back_is_applying_the_earlier_release(host: Host) -> None:
    tenant = kit.tenant(host)
    change(host, tenant, mini("city: {type: text}"))
    plan = schema.plan_release(host, tenant, 1)
    assert plan.id is not None and schema.apply(host, tenant, plan.id) == 3
    with kit.workspace(host, tenant) as ws:
        deal = ws.model.entity("deal")
        assert deal is not None and "city" not in deal.fields
        assert schema.current_layers(ws) == [kit.layer(kit.MINI)]


def test_links_to_several_return_from_the_trash_only_when_asked_and_going_back_asks(host: Host) -> None:
    many = "friends: {type: links, to: user, inverse: {key: befriended}}"
    tenant = kit.tenant(host, mini(many))
    with kit.workspace(host, tenant) as ws:
        ann = kit.insert(ws, "user", name="Ann")
        deal = records.create(ws, "deal", {"name": "A", "friends": [ann]}).id
    change(host, tenant, kit.MINI)
    assert [each.path for each in planned(host, tenant, mini(many)).refused] == ["entities.deal__friends"]
    assert planned(host, tenant, mini(many.replace("{type", "{id: friends, type"))).refused == ()
    plan = schema.plan_release(host, tenant, 1)
    assert plan.id is not None and schema.apply(host, tenant, plan.id) == 3
    with kit.workspace(host, tenant) as ws:
        assert queries.get(ws, "deal", deal, ["friends"])["friends"] == [ann]


def test_other_layers_stay(host: Host) -> None:
    tenant = kit.tenant(host)
    layer = """
package: {code: own, kind: tenant, requires: {mini: '>=1.0'}}
entities: {deal: {fields: {x_city: {type: text}}}}
"""
    change(host, tenant, layer)
    change(host, tenant, mini("more: {type: text}"))
    with kit.workspace(host, tenant) as ws:
        deal = ws.model.entity("deal")
        assert deal is not None and {"x_city", "more"} <= set(deal.fields)
        assert [each.code for each in schema.current_layers(ws)] == ["mini", "own"]


def test_the_release_is_an_event(host: Host) -> None:
    tenant = kit.tenant(host)
    with kit.workspace(host, tenant) as ws:
        assert ws.db.fetch("SELECT kind, release FROM _event") == [("release.applied", 1)]


def test_records_that_were_there_are_found_by_a_field_that_search_now_looks_into(host: Host) -> None:
    tenant = kit.tenant(host, mini("city: {type: text}"))
    with kit.workspace(host, tenant) as ws:
        for number in range(1200):
            records.create(ws, "deal", {"name": f"deal {number}", "city": "Köln" if number == 700 else "Ulm"})
    text = mini("city: {type: text}").replace(
        'number: "D-{seq:4}"\n    search: {name: {}}', 'number: "D-{seq:4}"\n    search: {name: {}, city: {}}'
    )

    def found(q: str) -> int:
        with kit.workspace(host, tenant, write=False) as ws:
            return len(queries.find(ws, queries.Query("deal", q=q)).rows)

    assert (found("köln"), found("700")) == (0, 1)
    change(host, tenant, text)
    assert (found("köln"), found("700")) == (1, 1)


# -- uniques


def test_uniques_hold_among_living_records_and_where_they_say(host: Host) -> None:
    tenant = kit.tenant(host)
    with kit.workspace(host, tenant) as ws:
        company = kit.insert(ws, "company", name="C")
        first = kit.insert(ws, "deal", name="A", company=company, stage="open")
        kit.insert(ws, "deal", name="A", company=company, stage="lost")
        kit.insert(ws, "deal", name="A", company=company, stage="lost")
        with pytest.raises(UniqueViolation) as caught, ws.db.savepoint():
            kit.insert(ws, "deal", name="A", company=company, stage="won")
        assert caught.value.index_name == "ux_e_deal__by_name"
        mark = "%s" if ws.dialect == "postgresql" else "?"
        ws.db.run(f"UPDATE e_deal SET deleted_at = created_at WHERE id = {mark}", (first,))
        kit.insert(ws, "deal", name="A", company=company, stage="won")


def test_duplicates_stand_in_the_way_of_a_unique_and_nothing_changes(host: Host) -> None:
    tenant = kit.tenant(host, mini("code: {type: text}"))
    with kit.workspace(host, tenant) as ws:
        kit.insert(ws, "deal", name="A", code="x")
        kit.insert(ws, "deal", name="B", code="x")
    before = tables(host, tenant)
    plan = planned(host, tenant, mini("code: {type: text, unique: true}", "city: {type: text}"))
    assert plan.risk == "tightens" and plan.id is not None
    with pytest.raises(Invalid) as caught:
        schema.apply(host, tenant, plan.id)
    assert caught.value.problems[0].code == "plan.duplicates"
    assert tables(host, tenant) == before
    with kit.workspace(host, tenant) as ws:
        assert ws.release == 1


# -- refusals


def test_a_broken_description_reaches_no_tenant(host: Host) -> None:
    tenant = kit.tenant(host)
    with pytest.raises(MetadataInvalid):
        planned(host, tenant, mini("city: {type: txt}"))
    with kit.workspace(host, tenant) as ws:
        assert ws.release == 1 and ws.db.fetch("SELECT count(*) FROM _plan") == [(1,)]
    with pytest.raises(MetadataInvalid):
        tenants.create(host, "broken", [kit.layer(mini("city: {type: txt}"))])
    with pytest.raises(NotFound):
        tenants.drop(host, "broken")


def test_a_plan_with_what_cannot_be_done_is_shown_and_refused(host: Host) -> None:
    tenant = kit.tenant(host, mini("city: {type: text}"))
    plan = planned(host, tenant, mini("city: {type: integer}"))
    assert plan.refused and plan.id is not None
    with pytest.raises(Invalid) as caught:
        schema.apply(host, tenant, plan.id)
    assert caught.value.problems == plan.refused


@pytest.mark.parametrize("id", ["nonsense", "01234567-89ab-7def-8123-456789abcdef"])
def test_a_plan_that_nobody_made_is_not_found(host: Host, id: str) -> None:
    with pytest.raises(NotFound):
        schema.apply(host, kit.tenant(host), id)


def test_a_plan_from_an_earlier_release_is_refused(host: Host) -> None:
    tenant = kit.tenant(host)
    old = planned(host, tenant, mini("city: {type: text}"))
    change(host, tenant, mini("town: {type: text}"))
    assert old.id is not None
    with pytest.raises(Conflict) as caught:
        schema.apply(host, tenant, old.id)
    assert caught.value.problems[0].code == "plan.moved_on"


def test_a_plan_is_applied_once(host: Host) -> None:
    tenant = kit.tenant(host)
    plan = planned(host, tenant, mini("city: {type: text}"))
    assert plan.id is not None
    schema.apply(host, tenant, plan.id)
    with pytest.raises(Conflict):
        schema.apply(host, tenant, plan.id)


def test_plans_that_nobody_applied_are_forgotten_and_nothing_that_is_used(host: Host) -> None:
    tenant = kit.tenant(host)
    overtaken = planned(host, tenant, mini("a: {type: text}"))
    change(host, tenant, mini("b: {type: text}"))
    waiting = planned(host, tenant, mini("b: {type: text}", "c: {type: text}"))
    same = planned(host, tenant, mini("b: {type: text}", "c: {type: text}"))
    with kit.workspace(host, tenant) as ws:
        texts = len(ws.db.fetch("SELECT hash FROM _text"))
        assert forgetting.forget_plans(ws) == 0

    def forget(days: int) -> int:
        with kit.workspace(host, tenant, now=dt.datetime.now(dt.UTC) + dt.timedelta(days=days)) as ws:
            return forgetting.forget_plans(ws)

    assert forget(2) == 1
    with pytest.raises(NotFound), kit.workspace(host, tenant, write=False) as ws:
        schema.load_plan(ws, str(overtaken.id))
    with kit.workspace(host, tenant) as ws:
        assert len(ws.db.fetch("SELECT hash FROM _text")) == texts - 3
        past = kit.moment(ws, ws.now - dt.timedelta(days=100))
        mark = "%(at)s WHERE id = %(id)s" if ws.dialect == "postgresql" else ":at WHERE id = :id"
        ws.db.run(f"UPDATE _plan SET created_at = {mark}", {"at": past, "id": waiting.id})
    assert forget(0) == 1
    assert schema.apply(host, tenant, str(same.id)) == 3
    assert [each.number for each in release_history(host, tenant)] == [3, 2, 1]
    schema.apply(host, tenant, str(schema.plan_release(host, tenant, 1).id))


def release_history(host: Host, tenant: Tenant) -> list[releases.Release]:
    with kit.workspace(host, tenant, write=False) as ws:
        return releases.history(ws.db)


def test_of_two_who_apply_at_once_one_wins(host: Host) -> None:
    tenant = kit.tenant(host)
    for turn in range(5):
        plans = [
            planned(
                host, tenant, mini(*[f"a{each}: {{type: text}}" for each in range(turn)], f"{name}: {{type: text}}")
            )
            for name in (f"city{turn}", f"town{turn}")
        ]
        barrier = threading.Barrier(2)
        outcomes: list[Any] = []

        def work(plan: ChangePlan, barrier: threading.Barrier = barrier, outcomes: list[Any] = outcomes) -> None:
            barrier.wait()
            try:
                assert plan.id is not None
                outcomes.append(schema.apply(host, tenant, plan.id))
            except Conflict as error:
                outcomes.append(error.problems[0].code)

        threads = [threading.Thread(target=work, args=(each,)) for each in plans]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        assert sorted(map(str, outcomes)) == sorted([str(plans[0].base + 1), "plan.moved_on"])


# -- whole or not at all


def _power_fails(statement: str) -> None:
    raise RuntimeError(f"the power failed at: {statement}")


@contextmanager
def failing_at(host: Host, number: int, fail: Callable[[str], None] = _power_fails) -> Iterator[list[str]]:
    """The statement with this number fails, among those that SQLAlchemy sends in a transaction of the owner."""
    sent: list[str] = []
    owning = threading.local()
    original = type(host.server).own

    @contextmanager
    def own(self: Any, place: str, *, lock: bool = True) -> Iterator[Any]:
        with original(self, place, lock=lock) as db:
            owning.raw = db.raw
            try:
                yield db
            finally:
                owning.raw = None

    def before(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if getattr(owning, "raw", None) is not None:
            sent.append(statement)
            if len(sent) == number:
                fail(statement)

    engine = host.server.engine  # type: ignore[attr-defined]
    sa.event.listen(engine, "before_cursor_execute", before)
    type(host.server).own = own  # type: ignore[method-assign]
    try:
        yield sent
    finally:
        type(host.server).own = original  # type: ignore[method-assign]
        sa.event.remove(engine, "before_cursor_execute", before)


def test_a_failure_at_any_statement_leaves_everything_as_it_was(host: Host) -> None:
    tenant = kit.tenant(host)
    with kit.workspace(host, tenant) as ws:
        kit.insert(ws, "deal", name="A", stage="open")
    text = mini("city: {type: text, unique: true}", "boss: {type: user}", "others: {type: links, to: company}")
    plan = planned(host, tenant, text)
    assert plan.id is not None
    before = tables(host, tenant)
    for number in range(1, 100):
        with failing_at(host, number) as sent:
            try:
                assert schema.apply(host, tenant, plan.id) == 2
                break
            except RuntimeError:
                pass
        assert tables(host, tenant) == before, sent[-1]
        with kit.workspace(host, tenant) as ws:
            assert ws.release == 1 and ws.db.fetch("SELECT count(*) FROM _release") == [(1,)]
    assert number > 8
    assert tables(host, tenant) != before


def test_a_process_killed_at_any_statement_leaves_everything_as_it_was(host: Host) -> None:
    tenant = kit.tenant(host)
    plan = planned(host, tenant, mini("city: {type: text, unique: true}", "others: {type: links, to: company}"))
    assert plan.id is not None
    before = tables(host, tenant)
    for number in range(1, 100):
        pid = os.fork()
        if pid == 0:
            _apply_and_die(host.settings, tenant.name, plan.id, number)
        _, status = os.waitpid(pid, 0)
        if os.WIFEXITED(status):
            assert os.WEXITSTATUS(status) == 0
            break
        assert os.WTERMSIG(status) == signal.SIGKILL
        with kit.workspace(host, tenant) as ws:
            assert ws.release == 1 and ws.db.fetch("SELECT count(*) FROM _release") == [(1,)]
        assert tables(host, tenant) == before
    assert number > 8
    assert tables(host, tenant) != before


def _apply_and_die(settings: Settings, name: str, plan_id: str, number: int) -> None:
    """In a child process: apply, and be killed before the statement with this number."""
    try:
        with Host.open(settings) as host, failing_at(host, number, lambda _: os.kill(os.getpid(), signal.SIGKILL)):
            schema.apply(host, directory.find(host, name), plan_id)
        os._exit(0)
    finally:
        os._exit(1)


def test_a_tenant_that_cannot_be_finished_leaves_nothing(host: Host) -> None:
    kit.tenant(host)
    before = [each.name for each in kit.directory_all(host)]
    with failing_at(host, 60), pytest.raises(RuntimeError):
        kit.tenant(host, name="unlucky")
    assert [each.name for each in kit.directory_all(host)] == before
    kit.tenant(host, name="unlucky")
    tenants.drop(host, "unlucky")


def test_what_was_interrupted_after_the_release_is_finished_by_the_next_apply(host: Host) -> None:
    tenant = kit.tenant(host)
    plan = planned(host, tenant, mini("boss: {type: user}"))
    assert plan.id is not None
    schema.apply(host, tenant, plan.id)
    with kit.workspace(host, tenant) as ws:
        ws.db.run("UPDATE _plan SET state = 'committed'")
    with host.server.own(tenant.place) as db:
        db.run("DROP INDEX ix_e_deal__boss__link")
    assert plan.id in schema.finish(host, tenant)
    assert schema.finish(host, tenant) == []
    assert indexes.build_missing(host, tenant) == []
    assert "ix_e_deal__boss__link" in str(tables(host, tenant))


# -- while people work


def test_readers_and_writers_go_on_while_a_change_is_applied(host: Host) -> None:
    tenant = kit.tenant(host)
    failures: list[BaseException] = []
    done = threading.Event()
    turns = [0, 0, 0]

    def work(number: int) -> None:
        while not done.is_set():
            try:
                with kit.workspace(host, tenant, write=number == 0) as ws:
                    deal = ws.model.entity("deal")
                    assert deal is not None
                    if number == 0:
                        kit.insert(
                            ws, "deal", name=f"deal {turns[0]}", **{each: "x" for each in deal.fields if each[0] == "z"}
                        )
                    else:
                        columns = [each for field in ws.model.storage["deal"].fields.values() for each in field.columns]
                        ws.db.fetch(f"SELECT {', '.join(columns)} FROM e_deal ORDER BY id LIMIT 20")
                turns[number] += 1
            except BaseException as error:
                failures.append(error)
                return

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for each in threads:
        each.start()
    try:
        for number in range(6):
            change(host, tenant, mini(*[f"z{each}: {{type: text}}" for each in range(number + 1)]))
            time.sleep(0.05)
    finally:
        done.set()
        for each in threads:
            each.join()
    assert failures == []
    assert min(turns) > 3
    with kit.workspace(host, tenant) as ws:
        assert ws.release == 7
        assert ws.db.fetch("SELECT count(*) FROM e_deal") == [(turns[0],)]


def test_an_apply_waits_for_a_writer_and_lets_others_through(host: Host) -> None:
    tenant = kit.tenant(host)
    plan = planned(host, tenant, mini("city: {type: text}"))
    assert plan.id is not None
    id = plan.id
    outcome: list[int] = []
    with kit.workspace(host, tenant) as ws:
        kit.insert(ws, "deal", name="slow")
        thread = threading.Thread(target=lambda: outcome.append(schema.apply(host, tenant, id)))
        thread.start()
        time.sleep(0.5)
        assert outcome == []
        with kit.workspace(host, tenant, write=False) as other:
            assert other.release == 1
    thread.join()
    assert outcome == [2]


def test_indexes_of_big_tables_are_built_after_the_change(postgres_host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexes, "BIG", 5)
    host, tenant = postgres_host, kit.tenant(postgres_host)
    with kit.workspace(host, tenant) as ws:
        for number in range(10):
            kit.insert(ws, "deal", name=f"deal {number}")
    built: list[str] = []
    original = indexes.build

    def build(tenant: Tenant, wanted: Any) -> None:
        found = list(wanted)
        built.extend(each.name for each in found)
        original(tenant, found)

    monkeypatch.setattr(indexes, "build", build)
    change(host, tenant, mini("boss: {type: user}", "city: {type: text, unique: true}"))
    assert built == ["ix_e_deal__boss__link"]
    found = str(tables(host, tenant))
    assert "ix_e_deal__boss__link" in found and "ux_e_deal__city" in found


def test_an_index_whose_build_was_interrupted_is_built_again(postgres_host: Host) -> None:
    host, tenant = postgres_host, kit.tenant(postgres_host)
    with host.server.own(tenant.place) as db:
        db.run("DROP INDEX ix_e_deal__company__link")
    with kit.workspace(host, tenant) as ws:
        company = kit.insert(ws, "company", name="C")
        for _ in range(2):
            kit.insert(ws, "deal", name="A", company=company, stage="lost")
    with pytest.raises(UniqueViolation), host.server.aside(tenant.place) as db:
        db.run("CREATE UNIQUE INDEX CONCURRENTLY ix_e_deal__company__link ON e_deal (f_company)")
    assert indexes.build_missing(host, tenant) == ["ix_e_deal__company__link"]
    assert indexes.build_missing(host, tenant) == []


def test_many_entities_are_made_some_at_a_time(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "MANY_TABLES", 3)
    whole = tables(host, kit.tenant(host)) if host.server.dialect == "sqlite" else None
    tenant = kit.tenant(host)
    with kit.workspace(host, tenant) as ws, pytest.raises(ForeignKeyViolation), ws.db.savepoint():
        kit.insert(ws, "deal", name="A", company="00000000-0000-0000-0000-000000000009")
    if whole is not None:
        assert tables(host, tenant) == whole
