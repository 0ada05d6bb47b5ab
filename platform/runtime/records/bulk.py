"""Many records at once, set-wise: one statement for a kind of question, not one for each record."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import groupby
from typing import Any

from metadata.ids import uuid7s
from metadata.model import Entity, Field
from metadata.problems import BadRequest, Conflict, Forbidden, Invalid, NotFound, kind
from runtime.pauses import without_pauses
from runtime.records.checking.checks import check
from runtime.records.checking.uniques import check_uniques
from runtime.records.checking.values import Parsed, Readers, read, readers_of
from runtime.records.delete import restore
from runtime.records.drafts import draft_of, new_draft, remembered
from runtime.records.identifying import NO_MATCH, SEVERAL_MATCH, find_held, key_fields, read_key
from runtime.records.locked import Held
from runtime.records.operations import Action, Done, Mode, Operation, Row, Verdict, drafts_of
from runtime.records.plans import WritePlan
from runtime.records.policies import entity_of, may_not
from runtime.records.save import STALE, stale, writing
from runtime.records.writing.deletion import mark
from runtime.records.writing.rows import write
from runtime.workspace import Workspace

_MOST = 10_000

TOO_MANY = kind(
    "records.too_many",
    en="At most {most} records are written at once. Send fewer, or use an import.",
    zh="一次最多写入 {most} 条记录。请减少数量或使用导入。",
)


def bulk(
    ws: Workspace, entity: Entity | str, operations: Sequence[Operation], all_or_nothing: bool = False
) -> list[Verdict]:
    """Do many things to the records of an entity; a verdict for each, in their order.

    They happen as if one after the other. `all_or_nothing`: any problem raises Invalid with all of them (paths begin
    with the place of the operation) and nothing is done; else the good ones are done.
    """
    if len(operations) > _MOST:
        raise BadRequest(TOO_MANY(most=_MOST))
    found = entity_of(ws, entity)
    with without_pauses():
        verdicts = _do(ws, found, operations, all_or_nothing)
    if all_or_nothing:
        _raise(verdicts)
    return verdicts


def _do(ws: Workspace, found: Entity, operations: Sequence[Operation], all_or_nothing: bool) -> list[Verdict]:
    verdicts: list[Verdict] = []
    for (action, by), run in groupby(operations, key=lambda each: (each.action, each.by)):
        rows = [Row(each) for each in run]
        if action == "restore":
            _restore(ws, found, rows)
        elif action == "delete":
            _delete(ws, found, rows, by, all_or_nothing)
        else:
            _save(ws, found, rows, action, by, all_or_nothing)
        verdicts += [row.verdict or _refused(row) for row in rows]
    return verdicts


def write_many(
    ws: Workspace,
    entity: Entity | str,
    mode: Mode,
    rows: Sequence[Mapping[str, Any]],
    by: Sequence[str] = (),
    keep_good: bool = True,
    confirm: Collection[str] = (),
) -> list[Verdict]:
    """Write the rows of an import: `by` names the fields that identify a record for update, upsert and delete.

    The values of a row are JSON values by names, or what the field types' `read_text` has made of cells.
    """
    action: Action = "create" if mode == "insert" else mode
    key = tuple(by) if mode != "insert" else ()
    known = frozenset(confirm)
    operations = [Operation(action, row, by=key, confirm=known) for row in rows]
    return bulk(ws, entity, operations, all_or_nothing=not keep_good)


def _raise(verdicts: Sequence[Verdict]) -> None:
    problems = [problem.under(str(at)) for at, verdict in enumerate(verdicts) for problem in verdict.problems]
    if problems:
        raise Invalid(problems)


def _refused(row: Row) -> Verdict:
    return Verdict("refused", row.draft.id if row.draft is not None and row.draft.before else None, tuple(row.wrong()))


# -- create, update, upsert


def _save(
    ws: Workspace, entity: Entity, rows: Sequence[Row], action: Action, by: tuple[str, ...], all_or_nothing: bool
) -> None:
    plan = writing(ws, entity, "create" if action == "create" else "update")
    if action == "upsert":
        writing(ws, entity, "create")
    if action == "create":
        readers = readers_of(ws, plan)
        for row, id in zip(rows, uuid7s(len(rows)), strict=True):
            _begin_new(plan, readers, row, id)
        _finish(ws, plan, rows, all_or_nothing)
        return
    fields = key_fields(ws, plan, by or ("id",))
    for row in rows:
        read_key(plan, fields, row, optional=action == "upsert")
    due = list(rows)
    while due:
        # Two rows about one record are done one after the other, as if they had been sent so.
        wave, due = _wave(due)
        _find(ws, plan, fields, wave, action)
        _finish(ws, plan, wave, all_or_nothing)
        if all_or_nothing and any(row.verdict is None for row in wave):
            return


def _wave(rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    seen: set[tuple[Any, ...]] = set()
    now, later = [], []
    for row in rows:
        if row.key is not None and row.key in seen:
            later.append(row)
        else:
            now.append(row)
            if row.key is not None:
                seen.add(row.key)
    return now, later


def _begin_new(plan: WritePlan, readers: Readers, row: Row, id: str | None = None) -> None:
    row.draft = new_draft(id=id)
    row.draft.confirmed = row.operation.confirm
    read(plan, readers, row.operation.values, row.draft)


def _find(ws: Workspace, plan: WritePlan, fields: Sequence[Field], rows: Sequence[Row], action: Action) -> None:
    """Give each row the draft of the record that its key names, or of a new one."""
    held = find_held(ws, plan, fields, [row.key for row in rows if row.key is not None], action)
    names, readers = [field.label for field in fields], readers_of(ws, plan)
    key_names = frozenset(name for each in fields for name in (each.id, each.key))
    for row in rows:
        if row.problems:
            continue
        found = held.get(row.key, []) if row.key is not None else []
        if len(found) > 1:
            row.problems.append(SEVERAL_MATCH(count=len(found), entity=plan.entity.label, fields=names))
        elif found:
            _begin_old(ws, plan, readers, key_names, row, found[0])
        elif action == "upsert":
            _begin_new(plan, readers, row)
        else:
            row.problems.append(NO_MATCH(fields[0].key, entity=plan.entity.label, fields=names))


def _begin_old(ws: Workspace, plan: WritePlan, readers: Readers, key: frozenset[str], row: Row, held: Held) -> None:
    row.draft = draft = draft_of(held.values["id"], held.values)
    draft.confirmed = row.operation.confirm
    if not held.allowed:
        row.problems.append(may_not(plan.entity, "update"))
        return
    values = row.operation.values
    made = Parsed if type(values) is Parsed else dict
    read(plan, readers, made((name, value) for name, value in values.items() if name not in key), draft)
    version = row.operation.version
    if version is not None and version != held.values["version"]:
        draft.wrong(stale(ws, plan, draft, version))


def _finish(ws: Workspace, plan: WritePlan, rows: Sequence[Row], all_or_nothing: bool) -> None:
    """Check what the rows made, write the good ones, and say what became of them."""
    drafts = [row.draft for row in rows if row.draft is not None and not row.problems]
    check(ws, plan, drafts)
    check_uniques(ws, plan, drafts)
    good = [row for row in rows if row.draft is not None and not row.wrong()]
    if not good or (all_or_nothing and len(good) < len(rows)):
        return
    seen = {draft.id: draft.values.get("version") for draft in drafts}
    _attempt(ws, good, lambda some: write(ws, plan, drafts_of(some)))
    for row in good:
        draft = row.draft
        if draft is None or row.problems:
            continue
        version = draft.values["version"]
        done: Done = "created" if draft.before is None else "unchanged" if seen[draft.id] == version else "updated"
        row.verdict = Verdict(done, draft.id, version=version)


def _attempt(ws: Workspace, rows: Sequence[Row], do: Callable[[Sequence[Row]], None]) -> None:
    """Do it for all; when the database refuses one, find out which by halves and do it for the others."""
    before = remembered(drafts_of(rows))
    try:
        with ws.db.savepoint():
            do(rows)
    except (Invalid, Conflict) as refused:
        for draft, values in before:
            draft.values = values
        if len(rows) == 1:
            rows[0].problems += refused.problems
            return
        half = len(rows) // 2
        _attempt(ws, rows[:half], do)
        _attempt(ws, rows[half:], do)


# -- delete


def _delete(ws: Workspace, entity: Entity, rows: Sequence[Row], by: tuple[str, ...], all_or_nothing: bool) -> None:
    plan = writing(ws, entity, "delete")
    fields = key_fields(ws, plan, by or ("id",))
    for row in rows:
        read_key(plan, fields, row, optional=False)
    held = find_held(ws, plan, fields, [row.key for row in rows if row.key is not None], "delete")
    names = [field.label for field in fields]
    for row in rows:
        found = held.pop(row.key, []) if row.key is not None else []
        if len(found) > 1:
            row.problems.append(SEVERAL_MATCH(count=len(found), entity=plan.entity.label, fields=names))
        elif found:
            _begin_delete(plan, row, found[0])
        elif not row.problems:
            row.problems.append(NO_MATCH(fields[0].key, entity=plan.entity.label, fields=names))
    good = [row for row in rows if row.draft is not None and not row.problems]
    if not good or (all_or_nothing and len(good) < len(rows)):
        return
    _attempt(ws, good, lambda some: _mark(ws, plan, some))
    for row in good:
        if row.draft is not None and not row.problems:
            row.verdict = Verdict("deleted", row.draft.id)


def _begin_delete(plan: WritePlan, row: Row, held: Held) -> None:
    row.draft = draft_of(held.values["id"], held.values)
    version, current = row.operation.version, held.values["version"]
    if not held.allowed:
        row.problems.append(may_not(plan.entity, "delete"))
    elif version is not None and version != current:
        row.problems.append(STALE("version", entity=plan.entity.label, current=current, given=version, difference={}))


def _mark(ws: Workspace, plan: WritePlan, rows: Sequence[Row]) -> None:
    mark(ws, plan.entity, [draft.id for draft in drafts_of(rows)])


# -- restore


def _restore(ws: Workspace, entity: Entity, rows: Sequence[Row]) -> None:
    """Each is a deletion of its own, with what went along with it, so they are brought back one by one."""
    writing(ws, entity, "delete")
    for row in rows:
        try:
            with ws.db.savepoint():
                record = restore(ws, entity, row.operation.id or "")
        except (Conflict, NotFound, Forbidden) as refused:
            row.problems += refused.problems
        else:
            row.verdict = Verdict("restored", record.id, version=record.version)
