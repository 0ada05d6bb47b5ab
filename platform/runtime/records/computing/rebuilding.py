"""Computed fields of all records, anew: after a change of the description, to prove that they are right, to mend them.

Some records at a time, each time in a transaction of its own, while people go on working. What the database can say is
one statement for each piece; the rest is worked out as in a save.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from graphlib import TopologicalSorter
from typing import Any

import sqlalchemy as sa

from metadata.changes import Change
from metadata.computing import CURRENCY
from metadata.expressions.functions import FUNCTIONS
from metadata.expressions.sql import NotInSql
from metadata.expressions.tree import Call, walk
from metadata.model import Entity, Field, Model
from runtime import sealing
from runtime.directory import Tenant
from runtime.host import Host
from runtime.prepared import Prepared, prepare
from runtime.queries.build import Build, Inputs, Source, Statement, inputs_of
from runtime.queries.cache import kept
from runtime.queries.timed import column, expression_of
from runtime.records.checking.money import settle_money
from runtime.records.computing.compute import compute
from runtime.records.drafts import Draft, draft_of
from runtime.records.plans import BASE, WritePlan, plan_of
from runtime.records.targets import among, id_list
from runtime.tables import DELETED_AT
from runtime.workspace import PlatformActor, Workspace, open_workspace

CHUNK = 1_000
SHOWN = 20
"""Differences of one field that are told one by one."""

Cells = Mapping[str, tuple[str, ...]]
"""Entity id -> ids of computed fields."""


@dataclass(slots=True)
class Checked:
    """What a look at the computed fields of one entity found."""

    entity: str
    fields: tuple[str, ...]
    records: int = 0
    wrong: int = 0
    shown: list[tuple[str, str, Any, Any]] = field(default_factory=list)
    """(record id, field key, what is stored, what it should be)"""


# -- which fields


def every(model: Model) -> list[tuple[str, tuple[str, ...]]]:
    """All stored computed fields, each after those that it is made of."""
    return in_order(model, _cells(model))


def _cells(model: Model) -> Iterator[tuple[str, str]]:
    """The fields that have their values from others: computed ones, and the currency of rows that are added up."""
    for entity in model.all("entities"):
        if entity.shares_currency:
            yield entity.id, CURRENCY
        for each in stored_of(entity):
            yield entity.id, each.id


def stored_of(entity: Entity) -> Iterator[Field]:
    for each in entity.fields.values():
        if each.computed is not None and each.computed.stored:
            yield each


def in_order(model: Model, cells: Iterable[tuple[str, str]]) -> list[tuple[str, tuple[str, ...]]]:
    """Computed fields, each after those that it is made of; neighbours of one entity together."""
    wanted = dict.fromkeys(cells)
    graph: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for entity_id, field_id in wanted:
        reads = _reads(model, entity_id, field_id)
        currencies = {(each, CURRENCY) for each, _ in reads}
        graph[entity_id, field_id] = (reads | currencies) & wanted.keys()
    found: list[tuple[str, tuple[str, ...]]] = []
    for entity_id, field_id in TopologicalSorter(graph).static_order():
        if found and found[-1][0] == entity_id:
            found[-1] = (entity_id, (*found[-1][1], field_id))
        else:
            found.append((entity_id, (field_id,)))
    return found


def affected(model: Model, changes: Iterable[Change]) -> list[tuple[str, tuple[str, ...]]]:
    """The computed fields whose values are no longer right after a change of the description."""
    told = [each.path.split(".") for each in changes]
    cells = set(_cells(model))
    due = {(path[1], path[3]) for path in told if _recomputes(path)} & cells
    if any(path[:3] == ["package", "settings", "timezone"] for path in told):
        due = set(cells)
    if any(path[0] == "calendars" for path in told):
        due |= {cell for cell in cells if _of_business_time(model, *cell)}
    due |= {(each, CURRENCY) for cell in due for each, _ in _reads(model, *cell)} & cells
    grown = True
    while grown:
        more = {cell for cell in cells - due if not due.isdisjoint(_reads(model, *cell))}
        due |= more
        grown = bool(more)
    return in_order(model, sorted(due))


def _recomputes(path: Sequence[str]) -> bool:
    match path:
        case ["entities", _, "fields", _]:
            return True
        case ["entities", _, "fields", _, what, *rest]:
            return what in ("computed", "type", "props") and rest[:1] != ["disclose"]
    return False


def _reads(model: Model, entity: str, field_id: str) -> set[tuple[str, str]]:
    found = model.entity(entity)
    assert found is not None
    if field_id == CURRENCY and found.shares_currency and found.currency_from is not None:
        return {(found.fields[found.currency_from].to[0], CURRENCY)}
    computed = found.fields[field_id].computed
    return {(each[0], each[1]) for each in computed.reads} if computed is not None else set()


def _of_business_time(model: Model, entity_id: str, field_id: str) -> bool:
    entity = model.entity(entity_id)
    assert entity is not None
    if entity.fields[field_id].computed is None:
        return False
    root = expression_of(model, entity, entity.fields[field_id]).root
    return any(isinstance(each, Call) and not FUNCTIONS[each.function].sql for each in walk(root))


def counted(ws: Workspace, model: Model, changes: Iterable[Change]) -> Mapping[str, int]:
    """Entity id -> how many records get values anew; of entities that have a table already."""
    found: dict[str, int] = {}
    for entity_id, _ in affected(model, changes):
        held = ws.model.entity(entity_id) if entity_id in ws.model.storage else None
        if held is not None and entity_id not in found:
            table = plan_of(ws.model, held, ws.db.dialect).table.table
            count = ws.db.execute(sa.select(sa.func.count()).select_from(table).where(table.c[DELETED_AT].is_(None)))
            found[entity_id] = int(count.scalar_one())
    return found


# -- doing it


def rebuild(host: Host, tenant: Tenant, groups: Iterable[tuple[str, tuple[str, ...]]]) -> int:
    """Compute fields of all records anew; how many records were looked at. Doing it again is harmless."""
    looked = 0
    for entity_id, fields in groups:
        after = ""
        while True:
            with open_workspace(host, tenant, PlatformActor(), write=True, channel="job") as ws:
                ids = _page(ws, entity_id, after)
                _mend(ws, entity_id, fields, ids)
            looked += len(ids)
            if len(ids) < CHUNK:
                break
            after = ids[-1]
    return looked


def check(host: Host, tenant: Tenant, *, write: bool = False) -> Iterator[Checked]:
    """Compare what is stored with what it should be, over all living records; `write` puts it right."""
    with open_workspace(host, tenant, PlatformActor()) as ws:
        groups = every(ws.model)
    for entity_id, fields in groups:
        found, after = Checked(entity_id, fields), ""
        while True:
            with open_workspace(host, tenant, PlatformActor(), write=write, channel="command") as ws:
                ids = _page(ws, entity_id, after)
                drafts = _computed(ws, entity_id, fields, ids)
                _note(ws, found, drafts)
                if write:
                    _correct(ws, entity_id, drafts)
            found.records += len(ids)
            if len(ids) < CHUNK:
                break
            after = ids[-1]
        yield found


def _note(ws: Workspace, found: Checked, drafts: Sequence[Draft]) -> None:
    entity = ws.model.entity(found.entity)
    assert entity is not None
    for draft in drafts:
        keys = [key for key in draft.changed() if key.removesuffix(BASE) in found.fields]
        found.wrong += bool(keys)
        for key in keys if len(found.shown) < SHOWN else ():
            name = entity.fields[key.removesuffix(BASE)].key + (BASE if key.endswith(BASE) else "")
            found.shown.append((draft.id, name, (draft.before or {}).get(key), draft.values[key]))


def _page(ws: Workspace, entity_id: str, after: str) -> list[str]:
    """The ids of the next records."""
    entity = ws.model.entity(entity_id)
    if entity is None:
        return []
    plan = plan_of(ws.model, entity, ws.db.dialect)
    id = plan.table.column("id")
    query = sa.select(id).where(plan.table.table.c[DELETED_AT].is_(None)).order_by(id).limit(CHUNK)
    rows = ws.db.execute(query.where(id > after) if after else query).scalars()
    return [str(each) for each in rows]


def _computed(ws: Workspace, entity_id: str, fields: Collection[str], ids: Sequence[str]) -> list[Draft]:
    """The records with these fields as they should be; on a writing workspace nobody changes them meanwhile."""
    entity = ws.model.entity(entity_id)
    if entity is None or not ids:
        return []
    plan = plan_of(ws.model, entity, ws.db.dialect)
    statement = kept(ws.model).get(("rebuild", entity_id, ws.write, ws.db.dialect), partial(_selecting, plan, ws.write))
    rows = [sealing.values(ws, plan, row) for row in statement.fetch(ws.db, {"wanted": id_list(ws.db.dialect, ids)})]
    drafts = [draft_of(values["id"], values) for values in rows]
    if CURRENCY in fields:
        settle_money(ws, plan, drafts, anew=True)
        for draft in drafts:
            if draft.problems:  # no rate, say: what people have written is not touched
                draft.values, draft.problems = dict(draft.before or {}), []
    compute(ws, plan, drafts, fields, rules=False)
    for draft in drafts:
        for problem in draft.problems:  # what does not fit is not kept at all
            draft.values[next(each.id for each in entity.fields.values() if each.key == problem.path)] = None
    return drafts


def _selecting(plan: WritePlan, lock: bool) -> Prepared:
    id = plan.table.column("id")
    chosen: Any = sa.select(*plan.selected).where(
        among(id, "wanted", plan.dialect), plan.table.table.c[DELETED_AT].is_(None)
    )
    chosen = chosen.order_by(id)
    if lock and plan.dialect == "postgresql":
        chosen = chosen.with_for_update(key_share=True)
    return prepare(chosen, plan.dialect)


def _correct(ws: Workspace, entity_id: str, drafts: Sequence[Draft]) -> None:
    from runtime.records.writing.rows import correct  # what is written is followed by the one that writes it

    entity = ws.model.entity(entity_id)
    assert entity is not None
    correct(ws, plan_of(ws.model, entity, ws.db.dialect), drafts)


def _mend(ws: Workspace, entity_id: str, fields: Sequence[str], ids: Sequence[str]) -> None:
    """Give some records their values: by the database where it can say them, in the order of the fields."""
    entity = ws.model.entity(entity_id)
    if entity is None or not ids:
        return
    plan = plan_of(ws.model, entity, ws.db.dialect)
    due: list[str] = []
    for each in fields:
        statement = _setting(ws, plan, entity.fields[each])
        if statement is None:
            due.append(each)
            continue
        if due:
            _correct(ws, entity_id, _computed(ws, entity_id, due, ids))
            due = []
        inputs = inputs_of(ws)
        inputs.q = {"wanted": id_list(ws.db.dialect, ids)}
        _run(ws, statement, inputs)
    if due:
        _correct(ws, entity_id, _computed(ws, entity_id, due, ids))


def _run(ws: Workspace, statement: Statement, inputs: Inputs) -> None:
    values = {name: getter(inputs) for name, getter in statement.getters}
    statement.prepared.run(ws.db, values | dict(inputs.q))


def _setting(ws: Workspace, plan: WritePlan, each: Field) -> Statement | None:
    """UPDATE of one computed field of some records; None where the database cannot say it: amounts whose rate has to
    be found, rows added up in their own currency, and what quick search looks into."""
    own_money = each.type == "money" and "currency" not in each.props
    if each.computed is None or own_money or each.id in plan.entity.search:
        return None
    key = ("setting", plan.entity.id, each.id, ws.db.dialect)
    return kept(ws.model).get(key, partial(_Setting, ws.model, plan, each)).statement


class _Setting:
    def __init__(self, model: Model, plan: WritePlan, each: Field) -> None:
        from metadata.access import platform_actor

        build = Build(model, platform_actor(), plan.dialect)
        table = plan.table.table
        source = Source(plan.entity, plan.table, table, build=build)
        held = plan.table.fields[each.id]
        assert each.computed is not None
        base = 1 if each.type == "money" and each.computed.how != "formula" else 0
        self.statement: Statement | None = None
        try:
            made = column(build, source, each, base)
        except NotInSql:
            return
        values: dict[Any, Any] = {name: made for name in held.columns}
        where = among(plan.table.column("id"), "wanted", plan.dialect)
        update = sa.update(table).values(values).where(where)
        self.statement = Statement(prepare(update, plan.dialect), tuple(build.getters.items()))
