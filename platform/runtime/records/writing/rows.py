"""The writing of checked drafts: rows, their events and search tokens, and what hangs on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from metadata.access import platform_actor
from metadata.ids import uuid7s
from runtime import events, files, notifications, numbers, sealing, search
from runtime.events import Fact
from runtime.jobs.table import enqueue
from runtime.prepared import Prepared, prepare
from runtime.processes import starting
from runtime.records.checking.children import child_plan
from runtime.records.checking.lists import pair_plan
from runtime.records.computing.following import follow_writes
from runtime.records.drafts import Draft
from runtime.records.plans import BASE, KEPT, WritePlan, told_money
from runtime.records.writing import stays
from runtime.records.writing.deletion import OF_ACCESS, remove
from runtime.records.writing.following import follow_owners
from runtime.records.writing.refusals import told
from runtime.records.writing.updating import updating_many
from runtime.sla import moving as sla
from runtime.tables import SEARCH
from runtime.workspace import Workspace, bump_access

_FEW = 20
"""Up to this many rows plain statements are sooner done than a COPY."""


def write(ws: Workspace, plan: WritePlan, drafts: Sequence[Draft]) -> None:
    """Write drafts without problems, and tell people of the records that are theirs now.

    Raises Invalid or Conflict for what only the database could know.
    """
    notifications.settle(ws, plan, drafts)
    _write(ws, plan, drafts)
    if plan.entity.pooled:
        stays.remember(ws, plan, drafts)
    if any(draft.passed for draft in drafts):
        from runtime import approvals  # whose own transitions are saves

        approvals.remember_edits(ws, plan, drafts)
    notifications.follow(ws, plan, drafts)


def _write(ws: Workspace, plan: WritePlan, drafts: Sequence[Draft]) -> None:
    sla.saved(ws, plan, drafts)
    new = [draft for draft in drafts if draft.before is None]
    old = [(draft, changed) for draft in drafts if draft.before is not None and (changed := _changes(draft))]
    if not new and not old:
        return
    followed = not plan.entity.generated and starting.watches(ws, plan.entity)
    if followed or (plan.entity.triggers and not plan.entity.generated):
        for draft, id in zip(drafts, uuid7s(len(drafts)), strict=True):
            draft.event = draft.event or id  # what follows names it as its cause
    with told(plan, drafts):
        if new:
            _stamp_new(ws, plan, new)
            _insert(ws, plan, new)
        if old:
            _stamp_old(ws, [each for each in old if not _follows(plan, *each)])
            _update(ws, plan, old)
            follow_owners(ws, plan, [draft for draft, _ in old], _write)
    _write_parts(ws, plan, drafts)
    if plan.files:
        files.bind(ws, plan, drafts)
    if plan.entity.id in OF_ACCESS and not ws.db.notes.get("access"):
        ws.db.notes["access"] = True
        bump_access(ws)
    if plan.entity.id == "user" and old and ws.model.index.get("approvals"):
        _tell_of_leavers(ws, [draft for draft, _ in old])
    follow_writes(ws, plan, [*new, *(draft for draft, _ in old)])
    if followed:
        starting.happened(ws, plan, new, [draft for draft, _ in old])


def _tell_of_leavers(ws: Workspace, drafts: Sequence[Draft]) -> None:
    """What people who are no longer active were asked goes to others, in a job of its own."""
    for draft in drafts:
        if draft.values.get("active") is False and (draft.before or {}).get("active") is not False:
            alone = replace(ws, actor=platform_actor("job"), session=None)
            enqueue(alone, "approval_leaver", {"user": draft.id})


def _follows(plan: WritePlan, draft: Draft, changed: Sequence[str]) -> bool:
    """Whether only what is computed changes, since other records did: nobody has written this one."""
    fields = plan.entity.fields
    return draft.follows and all(
        key == "version" or fields[key.removesuffix(BASE)].computed is not None for key in changed
    )


def _changes(draft: Draft) -> list[str]:
    """Keys of the values that change; the version alone where only something that lives with the record does."""
    changed = draft.changed()
    if changed or draft.lists or any(draft.removed.values()) or draft.kind != "updated":
        return [*changed, "version"]
    parts = (part for parts in draft.children.values() for part in parts)
    return ["version"] if any(part.before is None or _changes(part) for part in parts) else []


def _stamp_new(ws: Workspace, plan: WritePlan, drafts: Sequence[Draft]) -> None:
    now, user = ws.now, ws.actor.user
    for draft in drafts:
        draft.values.update(id=draft.id, version=1, created_at=now, created_by=user, updated_at=now, updated_by=user)
    for field in plan.sequences:
        due = [draft for draft in drafts if draft.values.get(field.id) is None]
        for draft, number in zip(due, numbers.take(ws, plan.entity.id, field, len(due)) if due else (), strict=True):
            draft.values[field.id] = number


def _stamp_old(ws: Workspace, changes: Sequence[tuple[Draft, list[str]]]) -> None:
    for draft, changed in changes:
        draft.values.update(version=draft.values["version"] + 1, updated_at=ws.now, updated_by=ws.actor.user)
        changed += ["updated_at", "updated_by"]


def _insert(ws: Workspace, plan: WritePlan, drafts: Sequence[Draft]) -> None:
    if len(drafts) > _FEW or (plan.dialect == "sqlite" and len(drafts) > 1):
        _insert_many(ws, plan, drafts)
        return
    # Pairs are told by the record that they belong to.
    facts = [] if plan.entity.generated else [_fact(plan, draft) for draft in drafts]
    tokens = [search.index_values(plan.entity, draft.values) for draft in drafts] if plan.entity.search else []
    rows = [plan.row(sealing.row(ws, plan, draft)) for draft in drafts]
    postgres = plan.dialect == "postgresql"
    if postgres and tokens:
        for row, found in zip(rows, tokens, strict=True):
            row[SEARCH] = search.tsvector_text(found)
    if postgres and len(rows) == 1 and facts:
        plan.insert.run(ws.db, rows[0] | events.row(ws, facts[0]))
        events.ring(ws)
        return
    plan.insert_alone.many(ws.db, rows)
    events.append_many(ws, facts)
    if not postgres:
        _insert_tokens(ws, plan, [(draft.id, found) for draft, found in zip(drafts, tokens, strict=False)])


def _insert_many(ws: Workspace, plan: WritePlan, drafts: Sequence[Draft]) -> None:
    """Each row and its event are made while the database takes those before."""
    told: list[tuple[Any, ...]] = []
    tokens: list[tuple[str, Mapping[str, set[str]]]] = []
    entity, postgres = plan.entity, plan.dialect == "postgresql"
    make, ids = events.maker(ws), uuid7s(len(drafts))

    def rows() -> Iterator[Sequence[Any]]:
        for draft, id in zip(drafts, ids, strict=True):
            row = plan.copy_row(sealing.row(ws, plan, draft))
            if entity.search:
                found = search.index_values(entity, draft.values)
                if postgres:
                    row.append(search.tsvector_text(found))
                else:
                    tokens.append((draft.id, found))
            yield row
            if not entity.generated:
                told.append(make(_fact(plan, draft), id))

    names = (*plan.copied, SEARCH) if postgres and entity.search else plan.copied
    ws.db.copy(plan.table.table.name, names, rows())
    if told:
        ws.host.ahead.start()
        ws.db.copy("_event", events.COLUMNS, told)
        events.ring(ws)
    if tokens:
        _insert_tokens(ws, plan, tokens)


def _fact(plan: WritePlan, draft: Draft) -> Fact:
    return Fact("created", plan.entity.id, draft.id, _created(plan, draft) | draft.told, id=draft.event)


def _created(plan: WritePlan, draft: Draft) -> dict[str, Any]:
    values = draft.values
    found: dict[str, Any] = {}
    for id, dump in plan.told:
        value = values.get(id)
        if value is not None:
            found[id] = [None, value if dump is None else dump(value)]
    for field in plan.money:
        amount, currency = values.get(field.id), field.props.get("currency") or values.get("currency")
        if amount is not None:
            found[field.id] = [None, told_money(amount, currency) if currency else plan.keeps[field.id](values)]
    return _with_lists(found, draft) if draft.lists else found


def _update(ws: Workspace, plan: WritePlan, changes: Sequence[tuple[Draft, list[str]]]) -> None:
    facts = [
        Fact(
            draft.kind,
            plan.entity.id,
            draft.id,
            _updated(plan, draft, changed) | draft.told,
            draft.cause,
            1 if draft.cause else 0,
            draft.event,
        )
        for draft, changed in changes
    ]
    keys = frozenset(key for _, changed in changes for key in changed)
    names = frozenset(column.name for column in plan.columns if column.key in keys)
    searched = not keys.isdisjoint(plan.entity.search)
    postgres = plan.dialect == "postgresql"
    if postgres and len(changes) > _FEW:
        ws.host.ahead.start()
        updating_many(ws, plan, [draft for draft, _ in changes], names, searched)
        events.append_many(ws, facts)
        return
    rows = []
    for draft, _ in changes:
        row = {name: value for name, value in plan.row(sealing.row(ws, plan, draft)).items() if name in names}
        row["key"] = draft.id
        if searched and postgres:
            row[SEARCH] = search.tsvector_text(search.index_values(plan.entity, draft.values))
        rows.append(row)
    single = postgres and len(rows) == 1
    statement = _updating(plan, names, searched and postgres, single)
    if single:
        statement.run(ws.db, rows[0] | events.row(ws, facts[0]))
        events.ring(ws)
        return
    statement.many(ws.db, rows)
    events.append_many(ws, facts)
    if searched and not postgres:
        _move_tokens(ws, plan, [draft for draft, _ in changes])


def _updated(plan: WritePlan, draft: Draft, changed: Sequence[str]) -> dict[str, Any]:
    before, values, found = draft.before or {}, draft.values, {}
    fields = {key.removesuffix(BASE) for key in changed} - KEPT
    if "currency" in fields:
        # The same amount in another currency is another value.
        fields.update(field.id for field in plan.money)
    for id in fields:
        told = [plan.keeps[id](before), plan.keeps[id](values)]
        if told[0] == told[1] and plan.types[id].as_typed:
            told = [before.get(id + BASE) or told[0], values.get(id + BASE) or told[1]]
        if told[0] != told[1] or plan.types[id].concealed:  # of a secret nothing is told but that it is another
            found[id] = told
    return _with_lists(found, draft)


def _with_lists(found: dict[str, Any], draft: Draft) -> dict[str, Any]:
    for id, (before, after) in draft.lists.items():
        found[id] = [list(before), list(after)]
    return found


def correct(ws: Workspace, plan: WritePlan, drafts: Sequence[Draft]) -> None:
    """Write what is computed where it is not what it should be: no version grows, and nobody is told."""
    due = [draft for draft in drafts if draft.changed()]
    keys = frozenset(key for draft in due for key in draft.changed())
    names = frozenset(column.name for column in plan.columns if column.key in keys)
    searched = not keys.isdisjoint(plan.entity.search)
    if not due:
        return
    if plan.dialect == "postgresql":
        updating_many(ws, plan, due, names, searched)
        return
    rows = [
        {name: value for name, value in plan.row(sealing.row(ws, plan, draft)).items() if name in names}
        | {"key": draft.id}
        for draft in due
    ]
    _updating(plan, names, False, False).many(ws.db, rows)
    if searched:
        _move_tokens(ws, plan, due)


@lru_cache(maxsize=4_000)
def _updating(plan: WritePlan, names: frozenset[str], searched: bool, with_event: bool) -> Prepared:
    """UPDATE of these columns of one row; on PostgreSQL together with its event."""
    table = plan.table.table
    values: dict[Any, Any] = {
        column: sa.bindparam(column.name, type_=column.type) for column in table.c if column.name in names
    }
    if searched:
        values[table.c[SEARCH]] = sa.cast(sa.bindparam(SEARCH, type_=sa.Text()), table.c[SEARCH].type)
    key = plan.table.column("id")
    statement = sa.update(table).values(values).where(key == sa.bindparam("key", type_=key.type))
    if with_event:
        return prepare(events.insertion(plan.dialect).add_cte(statement.cte("written")), plan.dialect)
    return prepare(statement, plan.dialect)


def _insert_tokens(ws: Workspace, plan: WritePlan, found: Sequence[tuple[str, Mapping[str, set[str]]]]) -> None:
    """SQLite keeps the tokens of records (by id) in a side table. In its order they go to fewer pages."""
    rows = sorted([(token, field, id) for id, tokens in found for field, held in tokens.items() for token in held])
    if plan.table.tokens is not None and rows:
        ws.db.copy(plan.table.tokens.name, ("token", "field", "id"), rows)


def _move_tokens(ws: Workspace, plan: WritePlan, drafts: Sequence[Draft]) -> None:
    gone: list[dict[str, str]] = []
    come = []
    for draft in drafts:
        before = search.index_values(plan.entity, draft.before or {})
        after = search.index_values(plan.entity, draft.values)
        nothing: set[str] = set()
        for field, tokens in before.items():
            lost = tokens - after.get(field, nothing)
            gone += [{"token": token, "field": field, "id": draft.id} for token in lost]
        come.append((draft.id, {field: tokens - before.get(field, nothing) for field, tokens in after.items()}))
    if gone:
        _forgetting(plan).many(ws.db, gone)
    _insert_tokens(ws, plan, come)


@lru_cache(maxsize=1_000)
def _forgetting(plan: WritePlan) -> Prepared:
    assert plan.table.tokens is not None
    c = plan.table.tokens.c
    this = [column == sa.bindparam(column.name, type_=sa.Text()) for column in (c.token, c.field, c.id)]
    return prepare(sa.delete(plan.table.tokens).where(*this), plan.dialect)


def _write_parts(ws: Workspace, plan: WritePlan, drafts: Sequence[Draft]) -> None:
    """Children and pairs, after the records that they live with. What follows from those that are gone is computed
    when those that come are there."""
    following: list[Callable[[], None]] = []
    for field in (*plan.children, *plan.lists):
        parts = [part for draft in drafts for part in draft.children.get(field.key, ())]
        gone = [id for draft in drafts for id in draft.removed.get(field.id, ())]
        if not parts and not gone:
            continue
        part_plan = child_plan(ws, field)[0] if field in plan.children else pair_plan(ws, plan, field)[0]
        if gone:
            following.append(remove(ws, part_plan.entity, gone, parts=True)[1])
        if parts:
            _write(ws, part_plan, parts)
    for follow in following:
        follow()
